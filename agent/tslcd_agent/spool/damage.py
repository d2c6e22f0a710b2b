"""What is done with a damaged spool file: set aside under another name, read as far as it can be read, never deleted.

Reports that are saved keep their stream and number, so those that the collector had already stay duplicates. New reports
go into a new stream, since nobody can say which numbers of the old one were given.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import zlib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tslcd_agent.spool.state import Row, State, generation_of, new_stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tslcd_agent.spool.store import Store

_BATCH: Final = 200
_COLUMNS: Final = "SELECT key, at, boot, mono, checksum, payload FROM report"


class _Named(msgspec.Struct):
    """The one part of a payload that is read again: whose stream it is of."""

    stream: str


_named_decoder = msgspec.json.Decoder(_Named)


def set_aside(path: Path, stamp: str) -> Path:
    """Rename a file and its journal to ``damaged-<stamp>...`` beside it; return the new path. Raises OSError."""
    target = path.with_name(f"damaged-{stamp}.db")
    for number in itertools.count(2):
        if not target.exists():
            break
        target = path.with_name(f"damaged-{stamp}-{number}.db")
    for suffix in ("-wal", "-shm", ""):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(target.with_name(target.name + suffix))
    return target


def salvage(aside: Path, store: Store) -> int:
    """Read what can be read of a file that was set aside into a new store; return how many reports were saved.

    Raises sqlite3.Error for trouble with the new store only.
    """
    saved = 0
    old = _old_state(aside)
    streams: dict[int, str] = dict(old.streams) if old else {}
    rows = _readable(aside)
    while batch := list(itertools.islice(rows, _BATCH)):
        for row in batch:
            generation = generation_of(row.key)
            if generation not in streams:
                with contextlib.suppress(msgspec.MsgspecError):
                    streams[generation] = _named_decoder.decode(row.payload).stream
        saved += store.adopt((row for row in batch if generation_of(row.key) in streams), lambda _: None)

    def begin_new_stream(state: State) -> None:
        state.current = max(streams, default=0) + 1
        state.streams = {**streams, state.current: new_stream()}
        state.next = 1
        state.totals.files_set_aside += 1
        if old:
            state.alive = old.alive
            state.totals.add(old.totals)
            state.totals.drop("damage", max(0, old.waiting - saved))

    store.update(begin_new_stream)
    return saved


def _old_state(aside: Path) -> State | None:
    with contextlib.suppress(sqlite3.Error, msgspec.MsgspecError, TypeError):
        with contextlib.closing(_open(aside)) as connection:
            found = connection.execute("SELECT document FROM state WHERE id = 1").fetchone()
        return msgspec.json.decode(found[0], type=State) if found else None
    return None


def _open(aside: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{aside.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def _readable(aside: Path) -> Iterator[Row]:
    """Yield sound rows from the oldest on until the damage, then from the newest back until the damage."""
    last = 0
    for order in ("ASC", "DESC"):
        with contextlib.suppress(sqlite3.Error), contextlib.closing(_open(aside)) as connection:
            for raw in connection.execute(f"{_COLUMNS} WHERE key > ? ORDER BY key {order}", (last,)):
                row = _sound(raw)
                if row is None:
                    continue
                if order == "ASC":
                    last = row.key
                yield row


def _sound(raw: tuple[Any, ...]) -> Row | None:
    key, at, boot, mono, checksum, payload = raw
    sound = (
        isinstance(key, int)
        and key > 0
        and isinstance(payload, bytes)
        and isinstance(boot, str)
        and isinstance(at, float)
        and isinstance(mono, float)
        and zlib.crc32(payload) == checksum
    )
    return Row(key, at, boot, mono, payload) if sound else None
