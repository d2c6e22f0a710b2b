"""``tslcd-agent dump-config``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tslcd_agent.commands.settings import load, path_option
from tslcd_runtime.describe import dump

if TYPE_CHECKING:
    from pathlib import Path


@click.command("dump-config")
@path_option
def dump_config(path: Path) -> None:
    """Write the settings in use, defaults included, secrets hidden."""
    click.echo(dump(load(path)), nl=False)
