"""The command that writes the dashboards as Grafana reads them: ``deploy/grafana/generate``.

Invariant: the same code gives the same bytes, so that a change of a dashboard is a change that can be read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from grafana.channel import channel
from grafana.overview import overview
from grafana_foundation_sdk.cog.encoder import JSONEncoder

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER: Final = Path(__file__).parent / "dashboards"


def files() -> Iterator[tuple[Path, str]]:
    """Yield the path and the text of each dashboard."""
    for name, board in (("overview", overview()), ("channel", channel())):
        document = json.loads(JSONEncoder().encode(board.build()))
        yield FOLDER / f"{name}.json", json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 when a committed file is not current.")
def main(*, check: bool) -> None:
    """Write the dashboards from their Python source."""
    old = [path for path, text in files() if not path.is_file() or path.read_text() != text]
    if check:
        for path in old:
            click.echo(f"{path} is not current: run deploy/grafana/generate", err=True)
        raise SystemExit(1 if old else 0)
    for path, text in files():
        path.write_text(text)
        click.echo(path)
