"""Manners that the commands of both programs share: exit codes, the usual options, how problems of settings are told.

Imported by command lines only; a running program needs none of it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from tslcd_runtime.settings import SettingsError

#: Exit codes: a fault was found; usage or settings cannot be used. 0 is good.
FAULT: Final = 1
BAD_SETTINGS: Final = 2

F = TypeVar("F", bound="Callable[..., Any]")

json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")


def config_option(default: Path) -> Callable[[F], F]:
    """Make the option ``--config``, which the command gets as ``path``."""
    kind = click.Path(path_type=Path, dir_okay=False)
    return click.option("--config", "path", type=kind, default=default, show_default=True, help="Settings file.")


def refuse_settings(error: SettingsError) -> NoReturn:
    """Write every problem of the settings, one a line, and end the program."""
    for problem in error.problems:
        click.echo(str(problem), err=True)
    sys.exit(BAD_SETTINGS)


def console() -> Console:
    """Return a console for tables; a file or a pipe has no edge to wrap at."""
    from rich.console import Console  # noqa: PLC0415 - only tables need it

    found = Console()
    return found if found.is_terminal else Console(width=1000)


def write_json(document: object) -> None:
    """Write a document for programs, with Vietnamese left as it is."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


def plain(text: str) -> str:
    """Return text that came from outside so that rich reads no markup in it."""
    from rich.markup import escape  # noqa: PLC0415 - only tables need it

    return escape(text)


def write_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table; headings of nothing but empty texts are left out."""
    from rich import box  # noqa: PLC0415 - only tables need it
    from rich.table import Table  # noqa: PLC0415

    table = Table(*columns, box=box.SIMPLE, show_header=any(columns))
    for row in rows:
        table.add_row(*row)
    console().print(table)
