"""The command that writes the rules as Prometheus reads them: ``deploy/prometheus/generate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from prometheus import agents, channels, devices, load, pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER: Final = Path(__file__).parent / "rules"
FILES: Final = (channels.FILE, agents.FILE, devices.FILE, load.FILE, pipeline.FILE)


def files() -> Iterator[tuple[Path, str]]:
    """Yield the path and the text of each rules file."""
    for one in FILES:
        yield FOLDER / f"{one.name}.rules.yml", one.text()


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 when a committed file is not current.")
def main(*, check: bool) -> None:
    """Write the alert and recording rules from their Python source."""
    old = [path for path, text in files() if not path.is_file() or path.read_text() != text]
    if check:
        for path in old:
            click.echo(f"{path} is not current: run deploy/prometheus/generate", err=True)
        raise SystemExit(1 if old else 0)
    for path, text in files():
        path.write_text(text)
        click.echo(path)
