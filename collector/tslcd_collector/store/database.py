"""The store's file: SQLite with WAL and ``synchronous=FULL``, so that a commit is on disk when it returns.

Invariants:

* Everything of one :class:`Batch` is in one transaction: no journal row without its mark, no mark without its row.
* ``journal`` has no unique constraint on (agent, stream, seq), on purpose: whether a report was ever taken in twice can be
  proved from outside by counting.
* At most one verdict of a channel is open (``until`` is null), and it is the newest.
* A journal row that is still to go to a time-series store stays until it is delivered (:attr:`Database.hold`), or until the file is
  larger than :attr:`Database.room`: then the oldest go, and are counted.
* A file that is not a sound database is set aside under another name, never deleted; the collector starts with an empty one.

Tables: ``mark(agent, stream, upto, ranges)``, ``journal(id, province, agent, stream, seq, at, received, replay, payload)``,
``latest(agent, device, kind, ...)``, ``agent(agent, province, heard, status)``, ``verdict(channel, state, reason, party, detail,
since, state_since, until)``, ``progress(target, upto, safe, started)``, ``span(kind, name, since, until)``, ``meta(key, value)``. This is the hot path, one process and one file, so it is the standard library's sqlite3.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

import msgspec

from tslcd_collector import database_file
from tslcd_collector.database_file import damaged, set_aside, transaction
from tslcd_collector.errors import StoreError
from tslcd_collector.store.rows import (
    AgentRow,
    Batch,
    JournalRow,
    LatestRow,
    MarkRow,
    Memory,
    ProgressRow,
    SpanRow,
    VerdictRow,
)
from tslcd_wire.catalogue import KINDS_BY_NAME

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tslcd_wire.report import Table

FILE: Final = "collector.db"
LOCK: Final = "collector.lock"
VERSION: Final = 3
#: Reports so old are replayed when the collector starts: more than three rounds of the slowest probes, seconds.
REPLAY: Final = 600.0
#: Verdicts that ended so lately are read when the collector starts: longer than any class's ``flap_window``, seconds.
ENDED: Final = 86400.0
#: Pruning works in steps of so many rows, so that reports never wait for it.
PRUNE_STEP: Final = 2000

_SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE mark (
  agent TEXT NOT NULL, stream TEXT NOT NULL, upto INTEGER NOT NULL, ranges BLOB NOT NULL, used REAL NOT NULL,
  PRIMARY KEY (agent, stream)
) WITHOUT ROWID;
CREATE TABLE journal (
  id INTEGER PRIMARY KEY AUTOINCREMENT, province TEXT NOT NULL, agent TEXT NOT NULL, stream TEXT NOT NULL,
  seq INTEGER NOT NULL, at REAL NOT NULL, received REAL NOT NULL, replay INTEGER NOT NULL, payload BLOB NOT NULL
);
CREATE TABLE latest (
  agent TEXT NOT NULL, device TEXT NOT NULL, kind TEXT NOT NULL, province TEXT NOT NULL, at REAL NOT NULL,
  received REAL NOT NULL, tables BLOB NOT NULL, PRIMARY KEY (agent, device, kind)
);
CREATE TABLE agent (agent TEXT PRIMARY KEY, province TEXT NOT NULL, heard REAL NOT NULL, status BLOB);
CREATE TABLE verdict (
  id INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, party TEXT NOT NULL,
  detail TEXT NOT NULL, since REAL NOT NULL, state_since REAL NOT NULL, until REAL
);
CREATE UNIQUE INDEX verdict_open ON verdict (channel) WHERE until IS NULL;
CREATE INDEX verdict_since ON verdict (since);
"""
#: What a file of version 1 lacks, and one of version 2.
_SINCE_1: Final = """
CREATE TABLE progress (
  target TEXT PRIMARY KEY, upto INTEGER NOT NULL, safe INTEGER NOT NULL, started REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE span (
  kind TEXT NOT NULL, name TEXT NOT NULL, since REAL NOT NULL, until REAL NOT NULL, PRIMARY KEY (kind, name, since)
) WITHOUT ROWID;
"""
_SINCE_2: Final = "CREATE INDEX IF NOT EXISTS verdict_until ON verdict (until);\n"

_encode = msgspec.msgpack.Encoder().encode
_decode_table: msgspec.msgpack.Decoder[dict[str, list[object]]] = msgspec.msgpack.Decoder(dict[str, list[object]])
_decode_ranges: msgspec.msgpack.Decoder[list[tuple[int, int]]] = msgspec.msgpack.Decoder(list[tuple[int, int]])


def lock(directory: Path) -> AbstractContextManager[None]:
    """Hold the store for this process alone. Raises StoreBusyError, StoreError. Blocks only on files."""
    return database_file.lock(directory / LOCK, "store", "collector")


class Database:
    """The file, opened. For one thread at a time."""

    def __init__(self, directory: Path, *, read_only: bool = False) -> None:
        """Remember where; :meth:`open` does the work."""
        self.path = directory / FILE
        self.set_aside: Path | None = None
        #: Journal rows with a higher id are not pruned; None when nobody waits for any. For any thread to set.
        self.hold: int | None = None
        #: How large the file may grow with rows that are held, bytes.
        self.room = float("inf")
        self._read_only = read_only
        self._connection: sqlite3.Connection | None = None

    def open(self, now: float) -> None:
        """Open or make the file; ``now`` names one that is set aside. Raises StoreError."""
        try:
            self._connect()
        except sqlite3.DatabaseError as error:
            if self._read_only or not damaged(error):
                raise self._error(error) from None
            self._start_anew(now)

    def open_and_remember(self, now: float) -> Memory:
        """Open the file and read what a restart needs; a damage found on the way is set aside. Raises StoreError."""
        self.open(now)
        try:
            return self.remember()
        except StoreError as error:
            if not damaged(error.__cause__):
                raise
            self.close()
            self._start_anew(now)
            return self.remember()

    def close(self) -> None:
        """Close the file; safe to call again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def write(self, batch: Batch) -> None:
        """Write a batch as one transaction and sync it. Raises StoreError, and then nothing of it is written."""
        connection = self._open_connection()
        try:
            with transaction(connection):
                self._write(connection, batch)
        except sqlite3.Error as error:
            raise self._error(error) from None

    def prune(self, before: float) -> int:
        """Delete journal rows received before ``before``, PRUNE_STEP at most; return how many. Raises StoreError."""
        connection = self._open_connection()
        try:
            # received grows with id, but for steps of our own clock; those rows go a little later
            first = connection.execute("SELECT id, received FROM journal ORDER BY id LIMIT 1").fetchone()
            hold = self.hold if self.hold is None or self._used(connection) <= self.room else None
            if first is None or first[1] >= before or (hold is not None and first[0] > hold):
                return 0
            return connection.execute(
                "DELETE FROM journal WHERE id IN (SELECT id FROM journal ORDER BY id LIMIT ?) AND received < ? AND id <= ?",
                (PRUNE_STEP, before, 2**62 if hold is None else hold),
            ).rowcount
        except sqlite3.Error as error:
            raise self._error(error) from None

    def newest(self) -> int:
        """Return the highest id the journal ever gave, 0 when none. Raises StoreError."""
        try:
            row = self._open_connection().execute("SELECT seq FROM sqlite_sequence WHERE name = 'journal'").fetchone()
        except sqlite3.Error as error:
            raise self._error(error) from None
        return int(row[0]) if row is not None else 0

    def forget_spans(self, before: float) -> None:
        """Delete spans that ended before ``before`` (UTC seconds). Raises StoreError."""
        try:
            self._open_connection().execute("DELETE FROM span WHERE until < ?", (before,))
        except sqlite3.Error as error:
            raise self._error(error) from None

    def remember(self) -> Memory:
        """Read what a restart needs. Raises StoreError."""
        connection = self._open_connection()
        try:
            alive = connection.execute("SELECT value FROM meta WHERE key = 'alive'").fetchone()
            memory = Memory(alive=float(alive[0]) if alive else None)
            memory.marks = [
                MarkRow(agent, stream, upto, _decode_ranges.decode(ranges))
                for agent, stream, upto, ranges in connection.execute(
                    "SELECT agent, stream, upto, ranges FROM mark ORDER BY used"
                )
            ]
            memory.agents = [
                AgentRow(*row) for row in connection.execute("SELECT province, agent, heard, status FROM agent")
            ]
            memory.latest = self._latest(connection)
            memory.verdicts = [
                VerdictRow(*row)
                for row in connection.execute(
                    "SELECT channel, state, reason, party, detail, since, state_since FROM verdict WHERE until IS NULL"
                )
            ]
            memory.ended = [
                VerdictRow(*row)
                for row in connection.execute(
                    "SELECT channel, state, reason, party, detail, since, state_since FROM verdict WHERE until >= ? ORDER BY since",
                    ((memory.alive or 0.0) - ENDED,),
                )
            ]
            memory.replay = [
                JournalRow(*row)
                for row in connection.execute(
                    "SELECT province, agent, stream, seq, at, received, replay, payload FROM journal"
                    " WHERE replay AND received >= ? ORDER BY id",
                    ((memory.alive or 0.0) - REPLAY,),
                )
            ]
            memory.progress = [
                ProgressRow(*row) for row in connection.execute("SELECT target, upto, safe, started FROM progress")
            ]
            memory.spans = [
                SpanRow(*row)
                for row in connection.execute("SELECT kind, name, since, until FROM span ORDER BY kind, name, since")
            ]
        except sqlite3.Error as error:
            raise self._error(error) from error  # the cause tells damage
        except msgspec.DecodeError as error:
            raise StoreError(f"store {self.path}: {error}") from None
        return memory

    def latest(self) -> list[LatestRow]:
        """Read the newest tables. Raises StoreError."""
        try:
            return self._latest(self._open_connection())
        except sqlite3.Error as error:
            raise self._error(error) from None

    def _latest(self, connection: sqlite3.Connection) -> list[LatestRow]:
        rows = connection.execute("SELECT province, agent, device, kind, at, received, tables FROM latest")
        return [LatestRow._make((*row[:6], _table(row[3], row[6]))) for row in rows if row[3] in KINDS_BY_NAME]

    def _write(self, connection: sqlite3.Connection, batch: Batch) -> None:
        if batch.journal:
            connection.executemany(
                "INSERT INTO journal (province, agent, stream, seq, at, received, replay, payload)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                batch.journal,
            )
        if batch.latest:
            connection.executemany(
                "INSERT INTO latest (province, agent, device, kind, at, received, tables) VALUES (?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET province = excluded.province, at = excluded.at, received = excluded.received,"
                " tables = excluded.tables WHERE excluded.at > latest.at",
                [(*row[:6], _encode(row.table)) for row in batch.latest.values()],
            )
        if batch.marks:
            connection.executemany(
                "REPLACE INTO mark (agent, stream, upto, ranges, used) VALUES (?, ?, ?, ?, ?)",
                [(row.agent, row.stream, row.upto, _encode(row.ranges), batch.now) for row in batch.marks.values()],
            )
        if batch.agents:
            connection.executemany(
                "INSERT INTO agent (province, agent, heard, status) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " province = excluded.province, heard = excluded.heard, status = coalesce(excluded.status, agent.status)",
                batch.agents.values(),
            )
        connection.executemany("DELETE FROM mark WHERE agent = ? AND stream = ?", batch.forgotten)
        connection.executemany(
            "UPDATE verdict SET until = ? WHERE channel = ? AND until IS NULL",
            [(batch.now, channel) for channel in batch.retired],
        )
        for row in batch.verdicts:
            connection.execute(
                "UPDATE verdict SET until = ? WHERE channel = ? AND until IS NULL", (row.since, row.channel)
            )
            connection.execute(
                "INSERT INTO verdict (channel, state, reason, party, detail, since, state_since) VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )
        connection.executemany(
            "REPLACE INTO progress (target, upto, safe, started) VALUES (?, ?, ?, ?)", batch.progress
        )
        connection.executemany("REPLACE INTO span (kind, name, since, until) VALUES (?, ?, ?, ?)", batch.spans)
        connection.execute("REPLACE INTO meta (key, value) VALUES ('alive', ?)", (batch.now,))

    def _connect(self) -> None:
        connect = database_file.connect_to_read if self._read_only else database_file.connect
        self._connection = connect(self.path, self._prepare)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if not self._read_only:
            database_file.durable(connection)
            connection.execute("PRAGMA wal_autocheckpoint = 4000")
            if version < VERSION:
                lacking = (_SCHEMA if version == 0 else "") + (_SINCE_1 if version < 2 else "") + _SINCE_2  # noqa: PLR2004
                connection.executescript(f"BEGIN IMMEDIATE;{lacking}PRAGMA user_version = {VERSION};COMMIT;")
                version = VERSION
        if version > VERSION or version == 0:
            raise StoreError(
                f"store {self.path}: schema version {version}, this program knows {VERSION}: use the newer one"
            )

    def _used(self, connection: sqlite3.Connection) -> int:
        """Return how much of the file is in use, bytes."""
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _start_anew(self, now: float) -> None:
        """Set the damaged file aside and make an empty one. Raises StoreError."""
        try:
            self.set_aside = set_aside(self.path, f"{now:.0f}")
        except OSError as error:
            raise StoreError(f"store {self.path}: damaged, and cannot be set aside: {error.strerror}") from None
        try:
            self._connect()
        except sqlite3.Error as error:
            raise self._error(error) from None

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(f"store {self.path}: not open")
        return self._connection

    def _error(self, error: sqlite3.Error) -> StoreError:
        return StoreError(f"store {self.path}: {error}")


def _table(kind: str, raw: bytes) -> Table:
    """Decode a table, without columns that this program does not have in its catalogue."""
    known = KINDS_BY_NAME[kind].by_name
    return {name: cells for name, cells in _decode_table.decode(raw).items() if name == "key" or name in known}
