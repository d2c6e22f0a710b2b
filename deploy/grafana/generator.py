"""The command that writes the dashboards as Grafana reads them: ``deploy/grafana/generate``.

Invariant: the same code and the same runbooks give the same bytes, so that a change of a dashboard is a change that can be read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from grafana.agents import agents
from grafana.capacity import capacity
from grafana.channel import channel
from grafana.operators import operators
from grafana.overview import overview
from grafana.pipeline import pipeline
from grafana.runbooks import runbooks
from grafana.site import site
from grafana.words import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from grafana.screen import Screen
    from grafana.words import Language

FOLDER: Final = Path(__file__).parent / "dashboards"
SCREENS: Final[tuple[Callable[[Language], Screen], ...]] = (
    overview,
    channel,
    site,
    operators,
    capacity,
    agents,
    pipeline,
    runbooks,
)


def files() -> Iterator[tuple[Path, str]]:
    """Yield the path and the text of each dashboard: a folder a language."""
    for language in LANGUAGES:
        for draw in SCREENS:
            screen = draw(language)
            text = json.dumps(screen.document(), indent=1, sort_keys=True, ensure_ascii=False)
            yield FOLDER / language / f"{screen.name}.json", text + "\n"


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 when a committed file is not current.")
def main(*, check: bool) -> None:
    """Write the dashboards from their Python source."""
    wanted = dict(files())
    old = [path for path, text in wanted.items() if not path.is_file() or path.read_text() != text]
    old += [path for path in FOLDER.rglob("*.json") if path not in wanted]
    if check:
        for path in old:
            click.echo(f"{path} is not current: run deploy/grafana/generate", err=True)
        raise SystemExit(1 if old else 0)
    for path in old:
        if path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path])
        else:
            path.unlink()
        click.echo(path)
