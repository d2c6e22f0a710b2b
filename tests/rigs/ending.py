"""How a rig ends: its figures are told, written, and its exit code says whether it found something."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from rigs import page
from tslcd_runtime.command import console

if TYPE_CHECKING:
    from rigs.page import Section


def finish(section: Section, failures: list[str], *, clean: bool, as_json: bool, write: bool) -> None:
    """Tell, write, and end with the exit code."""
    if write:
        page.write(section)
    if as_json:
        click.echo(section.to_json(failures))
    else:
        section.show(console())
        for words in failures:
            console().print(words, markup=False, soft_wrap=True)
    sys.exit(0 if clean else 1)
