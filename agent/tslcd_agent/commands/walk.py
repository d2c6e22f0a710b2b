"""``tslcd-agent walk``: every object of a device, or a recording of it that may be given away."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.progress import Progress, SpinnerColumn, TextColumn

from tslcd_agent.commands.explain import library_of
from tslcd_agent.commands.settings import path_option
from tslcd_agent.commands.target import asking_options, choose, refuse, settings_if_any, told
from tslcd_agent.errors import SnmpError
from tslcd_agent.snmp.masking import Masks, is_left_out
from tslcd_agent.snmp.typed_walk import line_of, typed_walk
from tslcd_runtime.command import FAULT
from tslcd_runtime.language import Language

if TYPE_CHECKING:
    from collections.abc import Callable

    from tslcd_agent.config import PolledDevice
    from tslcd_agent.snmp.masking import Cell
    from tslcd_agent.snmp.profile.library import Library

#: Objects of a large router with all of its tables.
LIMIT: Final = 2_000_000
#: Objects between two looks at the progress.
_EVERY: Final = 200


@click.command()
@click.argument("device")
@click.option("--root", default="1.3.6.1", show_default=True, help="Walk what is under this object identifier.")
@click.option("--limit", type=click.IntRange(1), default=LIMIT, show_default=True, help="Objects at most.")
@click.option(
    "--record",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a .snmprec file, with serial numbers, addresses and names masked.",
)
@path_option
@asking_options
def walk(  # noqa: PLR0913 - one for each option
    device: str,
    root: str,
    limit: int,
    file: Path | None,
    path: Path,
    *,
    like: str | None,
    community: str | None,
    version: str,
    port: int,
) -> None:
    """Print every object of DEVICE, or --record it for `profile test` and for a new profile."""
    config = settings_if_any(path)
    language = Language.choose(config.language if config else "auto")
    asked = choose(device, config, like=like, community=community, version=version, port=port)
    if not all(arc.isdecimal() for arc in root.split(".")):
        refuse(f"--root {root}: an object identifier is wanted, for example 1.3.6.1.2.1")
    if file is not None and file.exists():
        refuse(f"--record {file}: is there already; nothing is written over it")
    if file is not None and not os.access(file.parent, os.W_OK | os.X_OK):
        refuse(f"--record {file}: {file.parent} is no directory that can be written to")
    library = library_of(config)
    cells: list[Cell] = []
    take: Callable[[Cell], None] = cells.append if file is not None else lambda cell: click.echo(line_of(cell))
    error = asyncio.run(_walk(asked, root, limit, take, show=file is not None))
    if error is not None:
        click.echo(f"tslcd-agent: {device}: {told(error, language)}", err=True)
    if file is not None and cells:
        try:
            written, left_out = _record(file, cells, library)
        except OSError as failure:
            click.echo(f"tslcd-agent: --record {file}: {(failure.strerror or str(failure)).lower()}", err=True)
            sys.exit(FAULT)
        click.echo(
            language.say(
                vi=f"{file}: {written} đối tượng, bỏ {left_out}; đã che số sê-ri, địa chỉ và tên. Hãy đọc lại trước khi gửi đi.",
                en=f"{file}: {written} objects, {left_out} left out; serial numbers, addresses and names are masked. Look through it before you give it away.",
            )
        )
    sys.exit(0 if error is None and (file is None or cells) else FAULT)


async def _walk(
    device: PolledDevice, root: str, limit: int, take: Callable[[Cell], None], *, show: bool
) -> SnmpError | None:
    """Hand every object to ``take``; return what ended the walk early."""
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed}"))
    with Progress(*columns, transient=True, disable=not show or not sys.stderr.isatty()) as progress:
        task = progress.add_task(device.id, total=None)
        count = 0
        try:
            async with contextlib.aclosing(typed_walk(device, root, limit)) as objects:
                async for cell in objects:
                    take(cell)
                    count += 1
                    if count % _EVERY == 0:
                        progress.update(task, completed=count)
        except SnmpError as error:
            return error
    return None


def _record(file: Path, cells: list[Cell], library: Library) -> tuple[int, int]:
    """Write the recording, readable by its owner only; return how many objects it has, and how many were left out."""
    masks = Masks(_serials(library))
    for cell in cells:
        if not is_left_out(cell.oid):
            masks.learn(cell)
    kept = [found for cell in cells if (found := masks.apply(cell)) is not None]
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.writelines(f"{line_of(cell)}\n" for cell in kept)
    return len(kept), len(cells) - len(kept)


def _serials(library: Library) -> set[str]:
    """Return the objects that profiles know to be serial numbers."""
    found: set[str] = set()
    waiting = [
        expression
        for name in library.names
        if (expression := library.profile(name).values.get("device", {}).get("serial")) is not None
    ]
    while waiting:
        one = waiting.pop()
        found |= {oid for oid in (one.oid, one.join.oid if one.join else None) if oid is not None}
        waiting += one.first or ()
    return found
