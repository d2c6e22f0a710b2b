"""A look at a spool from outside, read-only: works while the agent runs, and when it does not."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import msgspec

from tslcd_agent.spool.damage import DAMAGED, NEWER, UNREAD
from tslcd_agent.spool.lock import SpoolError
from tslcd_agent.spool.state import State
from tslcd_agent.spool.store import FILE

if TYPE_CHECKING:
    from pathlib import Path


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """What a spool holds. ``bytes``: of its files on disk; ``oldest_at``: UTC seconds, None when nothing waits.

    ``set_aside``: names of damaged files that were set aside and are still there.
    """

    directory: str
    stream: str
    newest: int
    waiting: int
    bytes: int
    oldest_at: float | None
    made: int
    confirmed: int
    dropped: dict[str, int]
    set_aside: list[str]


def inspect(directory: Path) -> Inspection:
    """Look at the spool in ``directory``. Raises SpoolError: nothing there, not readable, damaged."""
    path = directory / FILE
    try:
        if not path.exists():
            raise SpoolError("empty", f"{directory}: no spool here; the agent makes it when it first runs")
        state, oldest_at = _read(path)
        files = [one for one in directory.iterdir() if one.name.startswith(FILE)]
        prefixes = tuple(f"{kind}-" for kind in (UNREAD, DAMAGED, NEWER))
        aside = sorted(one.name for one in directory.iterdir() if one.name.startswith(prefixes))
        size = sum(one.stat().st_size for one in files)
    except OSError as error:
        raise SpoolError("directory", f"{directory}: {(error.strerror or 'cannot be read').lower()}") from None
    except (sqlite3.Error, msgspec.MsgspecError, TypeError) as error:
        raise SpoolError("damaged", f"{path}: cannot be read: {error}") from None
    totals = state.totals
    return Inspection(
        directory=str(directory),
        stream=state.stream,
        newest=state.next - 1,
        waiting=state.waiting,
        bytes=size,
        oldest_at=oldest_at,
        made=totals.made,
        confirmed=totals.confirmed,
        dropped={
            "size": totals.dropped_size,
            "age": totals.dropped_age,
            "damage": totals.dropped_damage,
            "memory": totals.dropped_memory,
        },
        set_aside=aside,
    )


def _read(path: Path) -> tuple[State, float | None]:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        return _read_uri(uri)
    except sqlite3.OperationalError:
        # without write access to the directory, a closed file is only readable when SQLite may take it for unchanging
        if path.with_name(path.name + "-wal").exists():
            raise
        return _read_uri(f"{uri}&immutable=1")


def _read_uri(uri: str) -> tuple[State, float | None]:
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=2)) as connection:
        document = connection.execute("SELECT document FROM state WHERE id = 1").fetchone()
        oldest = connection.execute("SELECT at FROM report ORDER BY key LIMIT 1").fetchone()
    return msgspec.json.decode(document[0], type=State), oldest[0] if oldest else None
