"""The spool's SQLite file. Blocking; used by one thread.

Invariants:

* Journal in WAL, ``synchronous=FULL``: when a method returns, what it did survives a power cut.
* A report, its number and the counters change in one transaction: there is no moment at which a number could be used twice.
* The number of the next report is stored, not derived from rows: it survives that every row was confirmed and deleted.
* A row carries a checksum. A row that fails it is never handed out; it is deleted and counted.
* Bounds drop the oldest first, and every dropped row is counted in the same transaction.
"""

from __future__ import annotations

import contextlib
import sqlite3
import zlib
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import msgspec

from tslcd_agent.spool.state import Row, State, fresh_state, generation_of, key_of, new_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from tslcd_agent.spool.state import DropCause, Now

FILE: Final = "spool.db"
_PAGE: Final = 4096
_DROP_BATCH: Final = 16
_AGE_WALK: Final = 4096
_RENEW_BATCH: Final = 100
_SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS report (key INTEGER PRIMARY KEY, at REAL NOT NULL, boot TEXT NOT NULL, mono REAL NOT NULL,
    checksum INTEGER NOT NULL, payload BLOB NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY CHECK (id = 1), document TEXT NOT NULL)",
)
#: SQLITE_CORRUPT, SQLITE_NOTADB: the file is damaged, not the disk full.
_DAMAGED: Final = frozenset({11, 26})

_state_decoder = msgspec.json.Decoder(State)


class Draft(NamedTuple):
    """A report to be: its times, and what makes its bytes once stream and number are known."""

    at: float
    boot: str
    mono: float
    build: Callable[[str, int], bytes]


class Bounds(NamedTuple):
    """The most bytes the file may use, and the most seconds a report may wait."""

    bytes: int
    age: float


class DamagedError(Exception):
    """The file opens but cannot be what we wrote."""

    code = "damaged"


def is_damage(error: Exception) -> bool:
    """Whether an error says that the file itself is damaged, rather than that the disk is full or failing."""
    if isinstance(error, DamagedError):
        return True
    number = getattr(error, "sqlite_errorcode", None)
    return isinstance(number, int) and number & 0xFF in _DAMAGED


class Store:
    """The open file. Methods raise sqlite3.Error or DamagedError, and leave the state as it was when they do."""

    def __init__(self, path: Path, bounds: Bounds) -> None:
        """Open or make the file, check it when the last stop was not clean. Raises sqlite3.Error, DamagedError."""
        self.path = path
        self.bounds = bounds
        self._checkpoint_pages = min(1000, max(16, bounds.bytes // _PAGE // 8))
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
        try:
            self._prepare()
            self.state = self._load()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        execute = self._connection.execute
        execute("PRAGMA journal_mode=WAL")
        execute("PRAGMA synchronous=FULL")
        execute(f"PRAGMA wal_autocheckpoint={self._checkpoint_pages}")
        execute(f"PRAGMA journal_size_limit={self._checkpoint_pages * _PAGE}")
        execute("PRAGMA cache_size=-512")  # KiB; the agent lives in 42 MB
        for statement in _SCHEMA:
            execute(statement)

    def _load(self) -> State:
        found = self._connection.execute("SELECT document FROM state WHERE id = 1").fetchone()
        if found is None:
            if self._connection.execute("SELECT 1 FROM report LIMIT 1").fetchone():
                raise DamagedError("reports without a state")
            with self._transaction() as state:
                return state
        try:
            state = _state_decoder.decode(found[0])
            state.stream  # noqa: B018 - raises when the current stream has no name
        except (msgspec.MsgspecError, KeyError) as error:
            raise DamagedError(f"state not readable: {error}") from None
        if state.alive is None or not state.alive.clean:
            verdict = self._connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict is None or verdict[0] != "ok":
                raise DamagedError(str(verdict and verdict[0])[:200])
        return state

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[State]:
        """Yield a copy of the state to change; it becomes the state when the transaction is on disk."""
        state = self.state.copy() if hasattr(self, "state") else fresh_state()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield state
            self._connection.execute(
                "INSERT OR REPLACE INTO state VALUES (1, ?)", (msgspec.json.encode(state).decode(),)
            )
            self._connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise
        self.state = state

    def append(self, drafts: Sequence[Draft], now: Now) -> list[int | Exception]:
        """Store reports in one transaction; return the key of each, or what its builder raised (it then has no number)."""
        results: list[int | Exception] = []
        with self._transaction() as state:
            first = key_of(state.current, state.next)
            for draft in drafts:
                try:
                    payload = draft.build(state.stream, state.next)
                except Exception as error:  # noqa: BLE001 - handed to the one who brought the builder
                    results.append(error)
                    continue
                key = key_of(state.current, state.next)
                self._insert(Row(key, draft.at, draft.boot, draft.mono, payload))
                state.next += 1
                state.waiting += 1
                state.totals.made += 1
                results.append(key)
            self._keep_bounds(state, first, now)
        return results

    def adopt(self, rows: Iterable[Row], change: Callable[[State], None]) -> int:
        """Store rows that have their keys already, and let ``change`` bring the state in line; return how many were new."""
        with self._transaction() as state:
            count = sum(self._insert(row) for row in rows)
            state.waiting += count
            change(state)
        return count

    def _insert(self, row: Row) -> int:
        return self._connection.execute(
            "INSERT OR IGNORE INTO report VALUES (?, ?, ?, ?, ?, ?)",
            (row.key, row.at, row.boot, row.mono, zlib.crc32(row.payload), row.payload),
        ).rowcount

    def _keep_bounds(self, state: State, first: int, now: Now) -> None:
        """Drop what is too old, then the oldest while the file is too large; never what this transaction brought."""
        expired = self._expired(first, now)
        if expired is not None:
            self._drop(state, "age", "key <= ?", expired)
        limit = max(self.bounds.bytes - self._checkpoint_pages * _PAGE, 8 * _PAGE)
        while self.used() > limit:
            oldest = "key IN (SELECT key FROM report WHERE key < ? ORDER BY key LIMIT ?)"
            if not self._drop(state, "size", oldest, first, _DROP_BATCH):
                break

    def _drop(self, state: State, cause: DropCause, where: str, *values: int) -> int:
        count = self._connection.execute(f"DELETE FROM report WHERE {where}", values).rowcount  # noqa: S608 - constants
        state.waiting -= count
        state.totals.drop(cause, count)
        return count

    def _expired(self, first: int, now: Now) -> int | None:
        """Return the newest key of the oldest reports that is too old; what no clock can date goes with what is younger."""
        found = None
        walk = self._connection.execute(
            "SELECT key, at, boot, mono FROM report WHERE key < ? ORDER BY key LIMIT ?", (first, _AGE_WALK)
        )
        for key, at, boot, mono in walk:
            age = now.age(at, boot, mono)
            if age is None:
                continue
            if age <= self.bounds.age:
                break
            found = key
        walk.close()
        return found

    def used(self) -> int:
        """Return the bytes in use within the file: pages that are not free."""
        pages: int = self._connection.execute("PRAGMA page_count").fetchone()[0]
        free: int = self._connection.execute("PRAGMA freelist_count").fetchone()[0]
        return (pages - free) * _PAGE

    def rows(self, first: int, last: int, limit: int, order: Literal["ASC", "DESC"]) -> list[Row]:
        """Return up to ``limit`` sound rows with first <= key <= last; damaged ones are deleted and counted."""
        found: list[Row] = []
        damaged: list[int] = []
        walk = self._connection.execute(
            f"SELECT key, at, boot, mono, checksum, payload FROM report WHERE key BETWEEN ? AND ? ORDER BY key {order} LIMIT ?",  # noqa: S608 - a literal
            (first, last, limit),
        )
        for key, at, boot, mono, checksum, payload in walk:
            if isinstance(payload, bytes) and zlib.crc32(payload) == checksum:
                found.append(Row(key, at, boot, mono, payload))
            else:
                damaged.append(key)
        if damaged:
            with self._transaction() as state:
                for key in damaged:
                    self._drop(state, "damage", "key = ?", key)
            return self.rows(first, last, limit, order)
        return found

    def keys(self, first: int, last: int, limit: int) -> list[int]:
        """Return up to ``limit`` keys with first <= key <= last, ascending."""
        walk = self._connection.execute(
            "SELECT key FROM report WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?", (first, last, limit)
        )
        return [key for (key,) in walk]

    def confirm(self, ranges: Iterable[tuple[int, int]]) -> int:
        """Delete reports that are stored elsewhere: closed ranges of keys. Return how many there were."""
        with self._transaction() as state:
            count = sum(
                self._connection.execute("DELETE FROM report WHERE key BETWEEN ? AND ?", bounds).rowcount
                for bounds in ranges
            )
            state.waiting -= count
            state.totals.confirmed += count
        return count

    def update(self, change: Callable[[State], None]) -> None:
        """Change the state alone."""
        with self._transaction() as state:
            change(state)

    def renew(self, generation: int) -> int:
        """Give the reports of a stream new numbers in a new one, which becomes the current; return how many there were."""
        count = 0
        with self._transaction() as state:
            state.current += 1
            state.streams[state.current] = new_stream()
            state.next = 1
            old = (key_of(generation, 0), key_of(generation + 1, 0) - 1)
            while batch := self.rows(*old, _RENEW_BATCH, "ASC"):
                for row in batch:
                    document = msgspec.json.decode(row.payload)
                    document["stream"], document["seq"] = state.stream, state.next
                    key = key_of(state.current, state.next)
                    self._insert(Row(key, row.at, row.boot, row.mono, msgspec.json.encode(document)))
                    self._connection.execute("DELETE FROM report WHERE key = ?", (row.key,))
                    state.next += 1
                    count += 1
        return count

    def forget_streams(self) -> None:
        """Forget the names of streams that have no reports left; called at start, so that the document stays small."""
        names = set(self.state.streams)
        held = {
            generation
            for generation in names
            if self.keys(key_of(generation, 0), key_of(generation + 1, 0) - 1, 1) or generation == self.state.current
        }
        if names - held:
            with self._transaction() as state:
                state.streams = {one: name for one, name in state.streams.items() if one in held}

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

    def close(self) -> None:
        """Close the file; the journal is merged into it."""
        self._connection.close()
