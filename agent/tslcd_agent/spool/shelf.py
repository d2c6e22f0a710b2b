"""What can be read of the file: rows in order, from both ends. Base of the store; alone while the disk takes no writing.

Invariants: nothing here writes. A row that fails its checksum is never handed out, and does not hide those behind it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any, Final, Literal

from tslcd_agent.spool.packing import Dictionary, Packer
from tslcd_agent.spool.schema import JOURNAL, PAGE, TWINS, VERSION, DamagedError, is_damage, load_state, text
from tslcd_agent.spool.state import Row, State, generation_of, key_of

if TYPE_CHECKING:
    from pathlib import Path

#: The most ranges that the wire's status takes.
MAX_LOST: Final = 256


class Shelf:
    """An open file, read only. Methods raise sqlite3.Error."""

    def __init__(self, connection: sqlite3.Connection, state: State, version: int = VERSION) -> None:
        """Take over an open connection."""
        self.state = state
        self._connection = connection
        self._packer = Packer(self.dictionary)
        self._pages = 0  # of the file, when it was measured last
        last = "worth, dictionary" if version == VERSION else "0, -1"
        self._columns = f"key, at, boot, mono, checksum, payload, {last}"
        self._has_lost = version == VERSION

    def dictionary(self, number: int) -> bytes | None:
        """Return the content of a dictionary; None when there is none, or both copies are damaged."""
        found = self._read_dictionary(number)
        return found.content if found else None

    def _read_dictionary(self, number: int) -> Dictionary | None:
        """Read a dictionary, or its twin when it is damaged; None when both are."""
        for table in TWINS:
            try:
                raw = self._connection.execute(
                    f"SELECT id, made, first, content, checksum FROM {table} WHERE id = ?",  # noqa: S608 - constants
                    (number,),
                ).fetchone()
            except sqlite3.Error as error:
                if not is_damage(error):
                    raise
                continue
            if raw is not None and isinstance(raw[3], bytes):
                dictionary = Dictionary(*raw[:4])
                if dictionary.checksum == raw[4]:
                    return dictionary
        return None

    def rows(self, first: int, last: int, limit: int, order: Literal["ASC", "DESC"]) -> list[Row]:
        """Return up to ``limit`` sound rows with first <= key <= last."""
        found: list[Row] = []
        damaged: list[int] = []
        while len(found) < limit and first <= last:
            wanted = limit - len(found)
            walk = self._connection.execute(
                f"SELECT {self._columns} FROM report WHERE key BETWEEN ? AND ? ORDER BY key {order} LIMIT ?",  # noqa: S608 - constants
                (first, last, wanted),
            )
            count = 0
            for raw in walk:
                count += 1
                first, last = (raw[0] + 1, last) if order == "ASC" else (first, raw[0] - 1)
                row = self._packer.unpack(raw)
                if row is None:
                    damaged.append(raw[0])
                else:
                    found.append(row)
            if count < wanted:
                break
        if damaged:
            self._met_damaged(damaged)
        return found

    def _met_damaged(self, keys: list[int]) -> None:
        """Do nothing about damaged rows: nothing can be written."""

    def keys(self, first: int, last: int, limit: int) -> list[int]:
        """Return up to ``limit`` keys with first <= key <= last, ascending."""
        walk = self._connection.execute(
            "SELECT key FROM report WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?", (first, last, limit)
        )
        return [key for (key,) in walk]

    def oldest(self) -> tuple[int, float, str, float] | None:
        """Return key, wall time, boot and CLOCK_BOOTTIME of the oldest report of any stream."""
        found: tuple[int, float, str, float] | None = self._connection.execute(
            "SELECT key, at, boot, mono FROM report ORDER BY key LIMIT 1"
        ).fetchone()
        return found

    def oldest_of_stream(self) -> int | None:
        """Return the lowest key of the current stream."""
        found = self.keys(key_of(self.state.current, 0), key_of(self.state.current + 1, 0) - 1, 1)
        return found[0] if found and generation_of(found[0]) == self.state.current else None

    def lost(self, first: int, last: int, limit: int = MAX_LOST) -> list[tuple[int, int]]:
        """Return up to ``limit`` closed ranges of dropped keys within [first, last], ascending."""
        if not self._has_lost:
            return []
        walk = self._connection.execute(
            "SELECT first, last FROM lost WHERE first BETWEEN ? AND ? ORDER BY first LIMIT ?", (first, last, limit)
        )
        return [(low, high) for low, high in walk if low <= high]

    def used(self) -> int:
        """Return the bytes in use within the file: pages that are not free."""
        self._pages = self._connection.execute("PRAGMA page_count").fetchone()[0]
        free: int = self._connection.execute("PRAGMA freelist_count").fetchone()[0]
        return (self._pages - free) * PAGE

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def read_only(path: Path) -> Shelf | None:
    """Open a file that cannot be written; None when nothing of it can be read.

    First as the only process (no shared memory file is needed then, so a full disk is no hindrance, and the journal is
    read), then as SQLite reads a read-only medium, then without the journal: what is older than it is better than nothing.
    """
    whole = path.absolute().as_uri()
    ways: tuple[tuple[str, bool], ...] = (
        (f"{whole}?mode=rw", True),
        (f"{whole}?mode=ro", False),
        (f"{whole}?immutable=1", False),
    )
    for uri, alone in ways:
        if alone and not path.with_name(path.name + JOURNAL).exists():
            continue  # it would be made
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=1)
            connection.text_factory = text
            if alone:
                connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA query_only=1")
            connection.execute("PRAGMA cache_size=-512")
            version: Any = connection.execute("PRAGMA user_version").fetchone()[0]
            if version <= VERSION:
                return Shelf(connection, load_state(connection), VERSION if version == VERSION else 1)
        except (sqlite3.Error, DamagedError, UnicodeDecodeError):
            pass
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()
    return None
