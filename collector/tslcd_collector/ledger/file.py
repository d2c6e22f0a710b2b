"""The ledger's file, apart from the store's: a slow or broken ledger never stops the intake of reports.

Invariants:

* Of one channel the intervals that are not replaced follow one another without hole or overlap, and one of them is open.
* What was judged live is never deleted by hindsight: it stays, marked as replaced, as long as everything else is kept.
* Late reports are read from the store's journal behind a cursor that moves in the transaction that keeps what they tell, so a
  kill at any time neither loses nor doubles any of it.
* A file that is not a sound database is set aside under another name, never deleted.

Written by one thread of one process, a few rows a second: the standard library's sqlite3, as in the store. A ledger that several
collectors share is another class with the same methods.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tslcd_collector.clock import ClockRow
from tslcd_collector.database_file import connect, damaged, durable, set_aside, transaction
from tslcd_collector.errors import LedgerError
from tslcd_collector.judge.phrases import NOT_RUNNING
from tslcd_collector.ledger.hindsight import Observation, merged
from tslcd_collector.ledger.rows import History, Interval, Revision

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from tslcd_collector.power import Absence
    from tslcd_collector.store import VerdictRow

FILE: Final = "ledger.db"
VERSION: Final = 1
#: A collector that was away for longer was blind meanwhile, seconds.
GRACE: Final = 60.0
#: Intervals in one answer.
MAX_ROWS: Final = 5000
PRUNE_STEP: Final = 2000
#: What was seen is needed again for so long at most, seconds.
EVIDENCE_KEEP: Final = 3600.0
#: Boots that nothing was heard of for so long are forgotten, seconds.
CLOCK_KEEP: Final = 60 * 86400.0
_BLIND: Final = ("unknown", "stale", "monitoring", NOT_RUNNING.kept())

_SCHEMA: Final = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE interval (
  id INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, party TEXT NOT NULL,
  detail TEXT NOT NULL, since REAL NOT NULL, until REAL, origin TEXT NOT NULL, revision INTEGER NOT NULL, replaced REAL
);
CREATE UNIQUE INDEX interval_open ON interval (channel) WHERE until IS NULL AND replaced IS NULL;
CREATE INDEX interval_channel ON interval (channel, since) WHERE replaced IS NULL;
CREATE INDEX interval_until ON interval (until);
CREATE TABLE revision (
  id INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, since REAL NOT NULL, until REAL NOT NULL, at REAL NOT NULL,
  note TEXT NOT NULL
);
CREATE INDEX revision_channel ON revision (channel, until);
CREATE INDEX revision_until ON revision (until);
CREATE TABLE evidence (
  channel TEXT NOT NULL, at REAL NOT NULL, what TEXT NOT NULL, name TEXT NOT NULL, "values" BLOB NOT NULL, written REAL NOT NULL,
  PRIMARY KEY (channel, at, what, name)
) WITHOUT ROWID;
CREATE TABLE absence (
  agent TEXT NOT NULL, since REAL NOT NULL, until REAL NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (agent, until)
) WITHOUT ROWID;
CREATE TABLE clock (
  agent TEXT NOT NULL, boot TEXT NOT NULL, stream TEXT NOT NULL, rank INTEGER NOT NULL, first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL, last_mono REAL NOT NULL, reports INTEGER NOT NULL, first_heard REAL NOT NULL,
  last_heard REAL NOT NULL, points BLOB NOT NULL, written REAL NOT NULL, PRIMARY KEY (agent, boot)
) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""
_INSERT: Final = (
    "INSERT INTO interval (channel, state, reason, party, detail, since, until, origin, revision)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SELECT: Final = "SELECT channel, state, reason, party, detail, since, until, origin, revision, id FROM interval"
_encode = msgspec.msgpack.Encoder().encode
_decode_points = msgspec.msgpack.Decoder(list[tuple[float, float]]).decode
_decode_values = msgspec.msgpack.Decoder(list[Any]).decode


class LedgerFile:
    """The file, opened. For one thread at a time; every method raises LedgerError, and then has written nothing."""

    def __init__(self, directory: Path) -> None:
        """Remember where; :meth:`open` does the work."""
        self.path = directory / FILE
        self.set_aside: Path | None = None
        self._connection: sqlite3.Connection | None = None
        #: How far the journal was looked at without anything to keep; goes into the next transaction.
        self._passed: int | None = None

    def open(self, now: float) -> None:
        """Open or make the file; ``now`` (UTC seconds) names one that is damaged and set aside, and ends a time of blindness."""
        try:
            self._connect()
        except sqlite3.DatabaseError as error:
            if not damaged(error):
                raise LedgerError(f"ledger {self.path}: {error}") from None
            self._start_anew(now)
        with self._writing() as connection:
            alive = connection.execute("SELECT value FROM meta WHERE key = 'alive'").fetchone()
            if alive is not None and now - alive[0] > GRACE:
                self._was_blind(connection, alive[0], now)
            connection.execute("REPLACE INTO meta (key, value) VALUES ('alive', ?)", (now,))

    def close(self) -> None:
        """Close the file; safe to call again."""
        self._passed = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def resume(self, standing: Sequence[VerdictRow], now: float) -> None:
        """Make the open intervals those of ``standing``, whatever a kill may have kept from being written."""
        with self._writing() as connection:
            known = {row[0] for row in connection.execute("SELECT channel FROM interval WHERE until IS NULL")}
            self._retire(connection, sorted(known - {row.channel for row in standing}), now)
            for row in standing:
                self._change(connection, row)

    def write(
        self, changes: Iterable[VerdictRow], retired: Sequence[str], clocks: Iterable[ClockRow], now: float
    ) -> None:
        """Write what changed, one transaction."""
        with self._writing() as connection:
            for row in changes:
                self._change(connection, row)
            self._retire(connection, retired, now)
            connection.executemany(
                "REPLACE INTO clock VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(*row[:-1], _encode(row.points), now) for row in clocks],
            )
            connection.execute("REPLACE INTO meta (key, value) VALUES ('alive', ?)", (now,))
            if self._passed is not None:
                connection.execute("REPLACE INTO meta (key, value) VALUES ('cursor', ?)", (self._passed,))
        self._passed = None

    def clocks(self) -> list[ClockRow]:
        """Return the boots that are known, the oldest written first."""
        rows = self._read("SELECT * FROM clock ORDER BY written")
        return [ClockRow._make((*row[:10], _decode_points(row[10]))) for row in rows]

    def cursor(self) -> int:
        """Return the last row of the journal that was looked at."""
        found = self._read("SELECT value FROM meta WHERE key = 'cursor'")
        if self._passed is not None:
            return self._passed
        return int(found[0][0]) if found else 0

    def keep(self, seen: dict[str, list[Observation]], cursor: int, now: float) -> None:
        """Keep what late reports up to ``cursor`` tell, by channel.

        Where they tell nothing the cursor is written with the next :meth:`write`: after a crash they are looked at again.
        """
        if not seen:
            self._passed = cursor
            return
        with self._writing() as connection:
            connection.executemany(
                "REPLACE INTO evidence VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (channel, one.at, one.what, one.name, _encode(one.values), now)
                    for channel, ones in seen.items()
                    for one in ones
                ],
            )
            connection.execute("REPLACE INTO meta (key, value) VALUES ('cursor', ?)", (cursor,))
        self._passed = None

    def waiting(self) -> list[str]:
        """Return the channels of which something is kept that may not have been judged."""
        return [row[0] for row in self._read("SELECT DISTINCT channel FROM evidence")]

    def evidence(self, channel: str) -> list[Observation]:
        """Return what was seen of a channel, oldest first."""
        rows = self._read('SELECT at, what, name, "values" FROM evidence WHERE channel = ? ORDER BY at', (channel,))
        return [Observation(at, what, name, _decode_values(values)) for at, what, name, values in rows]

    def current(self, channel: str, since: float, until: float) -> list[Interval]:
        """Return the intervals of a channel that touch a time, oldest first; MAX_ROWS at most."""
        rows = self._read(
            _SELECT + " WHERE channel = ? AND replaced IS NULL AND since <= ?"
            " AND (until IS NULL OR until >= ?) ORDER BY since LIMIT ?",
            (channel, until, since, MAX_ROWS + 1),
        )
        return [Interval(*row) for row in rows]

    def revise(
        self, channel: str, changes: Sequence[tuple[Interval, list[Interval]]], note: str, now: float, *, done: float
    ) -> None:
        """Replace intervals, note it, and forget what was seen before ``done``."""
        with self._writing() as connection:
            for old, tiles in changes:
                if old.revision or old.origin != "live":
                    connection.execute("DELETE FROM interval WHERE id = ?", (old.id,))
                else:
                    connection.execute("UPDATE interval SET replaced = ? WHERE id = ?", (now, old.id))
                for tile in tiles:
                    _insert_or_extend(connection, tile)
            new = [tile for old, tiles in changes for tile in tiles if not tile.agrees(old)]
            if new:
                _note(connection, channel, min(one.since for one in new), _end(new, now), note, now)
            connection.execute("DELETE FROM evidence WHERE channel = ? AND at < ?", (channel, done))

    def note_absence(self, absence: Absence) -> None:
        """Keep an absence that an agent told; every heartbeat tells it, and after a restart once more."""
        with self._writing() as connection:
            connection.execute(
                "DELETE FROM absence WHERE agent = ? AND until BETWEEN ? AND ?",
                (absence.agent, absence.end - GRACE, absence.end + GRACE),
            )
            connection.execute(
                "REPLACE INTO absence VALUES (?, ?, ?, ?)", (absence.agent, absence.begin, absence.end, absence.reason)
            )

    def history(self, channel: str, since: float, until: float) -> History:
        """Return the past of a channel between two times; the first and last interval may reach beyond them."""
        found = self.current(channel, since, until)
        revisions = self._read(
            "SELECT since, until, at, note FROM revision WHERE channel = ? AND until >= ? AND since <= ?"
            " ORDER BY at, id LIMIT ?",
            (channel, since, until, MAX_ROWS),
        )
        more = len(found) > MAX_ROWS
        return History(list(merged(found[:MAX_ROWS])), [Revision(*row) for row in revisions], more)

    def prune(self, now: float, keep: float) -> int:
        """Delete what ended more than ``keep`` seconds ago, PRUNE_STEP intervals at most; return how many intervals."""
        with self._writing() as connection:
            gone = connection.execute(
                "DELETE FROM interval WHERE id IN (SELECT id FROM interval WHERE until < ? LIMIT ?)",
                (now - keep, PRUNE_STEP),
            ).rowcount
            connection.execute("DELETE FROM revision WHERE until < ?", (now - keep,))
            connection.execute("DELETE FROM absence WHERE until < ?", (now - keep,))
            connection.execute("DELETE FROM evidence WHERE written < ?", (now - EVIDENCE_KEEP,))
            connection.execute("DELETE FROM clock WHERE written < ?", (now - CLOCK_KEEP,))
            return gone

    def _change(self, connection: sqlite3.Connection, row: VerdictRow) -> None:
        new = (row.state, row.reason, row.party, row.detail)
        known = connection.execute(
            "SELECT id, since, state, reason, party FROM interval WHERE channel = ? AND until IS NULL AND replaced IS NULL",
            (row.channel,),
        ).fetchone()
        if known is not None and known[2:] == new[:3]:
            return
        if known is not None and known[1] >= row.since:  # our clock was set back, or a kill kept the change from us
            connection.execute(
                "UPDATE interval SET state = ?, reason = ?, party = ?, detail = ? WHERE id = ?", (*new, known[0])
            )
            return
        if known is not None:
            connection.execute("UPDATE interval SET until = ? WHERE id = ?", (row.since, known[0]))
        _insert(connection, Interval(row.channel, *new, row.since, None))

    def _retire(self, connection: sqlite3.Connection, channels: Sequence[str], now: float) -> None:
        connection.executemany(
            "UPDATE interval SET until = max(since, ?) WHERE channel = ? AND until IS NULL",
            [(now, channel) for channel in channels],
        )

    def _was_blind(self, connection: sqlite3.Connection, alive: float, now: float) -> None:
        """Say of the time in which no collector ran that nothing was known."""
        rows = connection.execute(
            _SELECT + " WHERE until IS NULL AND replaced IS NULL AND since < ?", (now,)
        ).fetchall()
        for one in map(Interval._make, rows):
            begin = max(alive, one.since)
            connection.execute("UPDATE interval SET until = ? WHERE id = ?", (begin, one.id))
            _insert(connection, Interval(one.channel, *_BLIND, begin, now, "blind"))
            _insert(connection, one._replace(since=now))

    def _read(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        try:
            return self._open_connection().execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise LedgerError(f"ledger {self.path}: {error}") from None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """All of a block or nothing of it, synced at its end."""
        try:
            with transaction(self._open_connection()) as connection:
                yield connection
        except sqlite3.Error as error:
            raise LedgerError(f"ledger {self.path}: {error}") from None

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise LedgerError(f"ledger {self.path}: not open")
        return self._connection

    def _connect(self) -> None:
        self._connection = connect(self.path, self._prepare)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version not in {0, VERSION}:
            raise LedgerError(
                f"ledger {self.path}: schema version {version}, this program knows {VERSION}: use the newer one"
            )
        durable(connection)
        if version == 0:
            connection.executescript("BEGIN IMMEDIATE;" + _SCHEMA + "COMMIT;")

    def _start_anew(self, now: float) -> None:
        """Set the damaged file aside and make an empty one."""
        try:
            aside = set_aside(self.path, f"{now:.0f}")
            self._connect()
        except (OSError, sqlite3.Error) as error:
            raise LedgerError(f"ledger {self.path}: damaged, and cannot be set aside: {error}") from None
        self.set_aside = aside


def _insert(connection: sqlite3.Connection, one: Interval) -> None:
    connection.execute(_INSERT, one[:9])


def _insert_or_extend(connection: sqlite3.Connection, tile: Interval) -> None:
    """Write an interval; one of hindsight that only goes on is made longer instead."""
    if tile.origin == "late":
        row = connection.execute(
            _SELECT + " WHERE channel = ? AND until = ? AND origin = 'late' AND replaced IS NULL",
            (tile.channel, tile.since),
        ).fetchone()
        if row is not None and Interval(*row).agrees(tile):
            connection.execute("UPDATE interval SET until = ? WHERE id = ?", (tile.until, row[-1]))
            return
    _insert(connection, tile)


def _note(connection: sqlite3.Connection, channel: str, since: float, until: float, note: str, now: float) -> None:
    """Note a revision; one that goes on where the same one ended is made longer instead."""
    row = connection.execute(
        "SELECT id, until FROM revision WHERE channel = ? AND note = ? AND until >= ? AND since <= ? ORDER BY id DESC LIMIT 1",
        (channel, note, since - GRACE, until + GRACE),
    ).fetchone()
    if row is not None:
        connection.execute(
            "UPDATE revision SET since = min(since, ?), until = max(until, ?), at = ? WHERE id = ?",
            (since, until, now, row[0]),
        )
        return
    connection.execute(
        "INSERT INTO revision (channel, since, until, at, note) VALUES (?, ?, ?, ?, ?)",
        (channel, since, until, now, note),
    )


def _end(tiles: Iterable[Interval], now: float) -> float:
    return max(now if one.until is None else one.until for one in tiles)
