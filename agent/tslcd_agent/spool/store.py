"""The spool's SQLite file. Blocking; used by one thread.

Invariants:

* Journal in WAL, ``synchronous=FULL``: when a method returns, what it did survives a power cut.
* A report, its number and the counters change in one transaction: there is no moment at which a number could be used twice.
* The number of the next report is stored, not derived from rows: it survives that every row was confirmed and deleted. A
  file that lost its journal does not know it any more, and begins a new stream.
* A row carries a checksum over all of it. A row that fails it is never handed out; it is deleted and counted.
* Bounds: the file, its journal and whatever else lies in the directory together stay within ``Bounds.bytes`` (1 MiB at
  least), at every moment: room for the journal is set aside, and a transaction is small beside it. A report that would take
  a sixteenth of the bound by itself, packed, is dropped at once (128 KiB at least; never with a bound of 32 MiB or more).
* When there is no room, measurements go first, then heartbeats and what tells of power, then events, the oldest of each
  first; but once what is kept longer has more than a third of the room, it goes first. What is too old goes whatever it is.
* Every dropped row is counted by cause and class, and its number noted as lost, in the transaction that drops it. A number
  is lost until a collector turns out to have it, or every older report of its stream is gone too: then ``oldest`` tells.

The reason for its length: everything that must change in one transaction stands in one class.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from tslcd_agent.spool.carving import behind, is_foreign, journal_frames
from tslcd_agent.spool.packing import Packer, Stored, is_sound, worth_of
from tslcd_agent.spool.schema import (
    FILE,
    PAGE,
    TWINS,
    DamagedError,
    NewerError,
    check_files,
    close_untouched,
    is_damage,
    load_state,
    prepare,
)
from tslcd_agent.spool.shelf import MAX_LOST, Shelf
from tslcd_agent.spool.state import Row, State, Worth, generation_of, key_of, new_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from tslcd_agent.spool.packing import Dictionary
    from tslcd_agent.spool.state import DropCause, Now

__all__ = ["FILE", "MAX_LOST", "Bounds", "DamagedError", "Draft", "NewerError", "Store", "is_damage"]

#: Files up to this size are checked whole when they are opened; larger ones by and by, see :meth:`Store.verify`.
CHECK_AT_ONCE: Final = 8 * 2**20
_LEAST_BOUND: Final = 2**20
#: Room for the shared memory file, and for pages that every transaction writes beside the rows.
_SLACK: Final = 192 * 1024
_LEAST_JOURNAL: Final = 128 * 1024
_MOST_JOURNAL: Final = 2 * 2**20
_DROP_BATCH: Final = 16
_AGE_WALK: Final = 4096
_CONFIRM_BATCH: Final = 4096
_RENEW_BATCH: Final = 100
_SHRINK_PAGES: Final = 64
#: Bytes of a row beside its payload.
_ROW: Final = 64


class Draft(NamedTuple):
    """A report to be: its times, what makes its bytes once stream and number are known, and what it is worth."""

    at: float
    boot: str
    mono: float
    build: Callable[[str, int], bytes]
    worth: Worth = Worth.MEASURED


class Bounds(NamedTuple):
    """The most bytes the spool's directory may use, and the most seconds a report may wait."""

    bytes: int
    age: float


class _Verification:
    """How far a file was checked: keys up to ``at`` are; ``left`` rows up to ``until`` must still be there."""

    def __init__(self, until: int, left: int) -> None:
        self.at = 0
        self.until = until
        self.left = left


def _of(worth: Worth) -> str:
    """Return the condition for a class; SQLite uses a partial index only for its own words."""
    return f"worth > 0 AND worth = {worth.value}" if worth else "worth = 0"


class Store(Shelf):
    """The open file. Methods raise sqlite3.Error or DamagedError, and leave the state as it was when they do."""

    def __init__(self, path: Path, bounds: Bounds, others: int = 0) -> None:
        """Open or make the file. ``others``: bytes on disk of what else lies in the directory.

        Raises sqlite3.Error, DamagedError, NewerError.
        """
        self.path = path
        self.bounds = bounds
        #: Bytes of other files that count against the bound.
        self.others = others
        self._journal = min(_MOST_JOURNAL, max(_LEAST_JOURNAL, bounds.bytes // 16))
        check_files(path)
        fresh = not path.exists() or path.stat().st_size == 0
        self._had_journal = journal_frames(path) > 0
        if is_foreign(path):
            raise DamagedError("the journal of another spool")
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
        try:
            self._connection = connection
            self._prepare()
            super().__init__(connection, load_state(connection))
            self._measured_from = 0
            #: What the last :meth:`append` stored.
            self.kept: list[Row] = []
            self._verification: _Verification | None = None
            self._load_dictionary()
            if self._had_journal:
                self._look_behind_the_journal()
            elif not (self.state.settled or fresh):
                self._begin_stream()
            self._check(path)
            if self.state.renewing:
                self.renew(self.state.renewing)
            if self.state.settled:
                self._unsettle()
        except BaseException:
            close_untouched(connection, path)
            raise

    def _prepare(self) -> None:
        prepare(self._connection, self._journal, had_journal=self._had_journal)

    def _load_dictionary(self) -> None:
        """Pack with the latest dictionary in the file, with none when there is none."""
        self._packer = Packer(self.dictionary)
        newest = self._connection.execute(f"SELECT max(id) FROM {TWINS[0]}").fetchone()[0]  # noqa: S608 - a constant
        dictionary = self._read_dictionary(newest) if newest is not None else None
        if dictionary:
            self._packer.use(dictionary)

    def _check(self, path: Path) -> None:
        """Check the file whole when it is small; else note that it must be verified by and by."""
        until = self._connection.execute("SELECT max(key) FROM report").fetchone()[0] or 0
        self._verification = _Verification(until, self.state.waiting)
        if path.stat().st_size <= CHECK_AT_ONCE:
            verdict = self._connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict is None or verdict[0] != "ok":
                raise DamagedError(str(verdict and verdict[0])[:200])
            while self.verify(_AGE_WALK):
                pass

    def verify(self, count: int) -> bool:
        """Check the next ``count`` rows; return whether there are more to check. Damaged rows are deleted and counted.

        Raises DamagedError when rows are missing or out of order: a page is lost, and the file with it.
        """
        verification = self._verification
        if verification is None:
            return False
        walk = self._connection.execute(
            f"SELECT {self._columns} FROM report WHERE key > ? AND key <= ? ORDER BY key LIMIT ?",  # noqa: S608 - constants
            (verification.at, verification.until, count),
        )
        damaged, seen = [], 0
        for raw in walk:
            seen += 1
            if raw[0] <= verification.at:
                raise DamagedError("rows out of order")
            verification.at = raw[0]
            if not is_sound(raw):
                damaged.append(raw[0])
        verification.left -= seen
        if damaged:
            self._met_damaged(damaged)
        if seen == count:
            return True
        self._verification = None
        if verification.left:
            raise DamagedError(f"{verification.left} rows less than were put in")
        return False

    def _look_behind_the_journal(self) -> None:
        """Save what stands in the journal behind the place up to which SQLite reads it.

        A transaction that was being written when the power went ends there, and so does a journal with a damaged frame. In
        both cases nobody can say which numbers were given, so a new stream begins; whole reports are kept.
        """
        read: int = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
        tail = behind(self.path, max(0, read))
        if tail is None:
            return
        known = self.state
        low = key_of(known.current, known.next)
        whole = [tail.rows[key] for key in sorted(tail.rows) if key >= low]
        made = len(whole)
        if tail.state and tail.state.totals.made > known.totals.made:
            made = max(made, tail.state.totals.made - known.totals.made)

        def count(state: State) -> None:
            if tail.state:
                state.streams |= tail.state.streams
            state.current = max([state.current, *state.streams, *(generation_of(row.key) for row in whole)])
            state.totals.made += made
            state.totals.drop("damage", made - len(whole), None)

        self.adopt_dictionaries(tail.dictionaries.values())
        self.adopt(whole, count)
        self._load_dictionary()
        self._begin_stream()

    def _unsettle(self) -> None:
        """Let the file itself say, not the journal alone, that there is a journal without which it is not whole."""
        self.update(lambda _: None)
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _begin_stream(self, *, renewing: int = 0) -> None:
        """Begin a new stream: nobody can say which numbers were given last."""
        with self._transaction() as state:
            state.current += 1
            state.streams[state.current] = new_stream()
            state.next = 1
            state.renewing = renewing

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[State]:
        """Yield a copy of the state to change; it becomes the state when the transaction is on disk."""
        state = self.state.copy()
        state.settled = False
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield state
            self._write(state)
            self._connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            self._packer = Packer(self.dictionary)  # a dictionary that was made in it is gone
            with contextlib.suppress(sqlite3.Error):
                self._load_dictionary()
            self._measured_from = 0
            if self._verification is not None:
                self._verification = _Verification(self._verification.until, self.state.waiting)
                self._verification.until = max(self._verification.until, key_of(self.state.current, self.state.next))
            raise
        self.state = state

    def _write(self, state: State) -> None:
        self._connection.execute("INSERT OR REPLACE INTO state VALUES (1, ?)", (msgspec.json.encode(state).decode(),))

    def append(self, drafts: Sequence[Draft], now: Now) -> list[int | Exception]:
        """Store reports in one transaction; return the key of each, or what its builder raised (it then has no number).

        Those beyond what one transaction may hold are left, and the answer is so much shorter; the first is never left.
        """
        results: list[int | Exception] = []
        kept: list[Row] = []
        size = 0
        with self._transaction() as state:
            first = key_of(state.current, state.next)
            self._renew_dictionary(state)
            for draft in drafts:
                try:
                    payload = draft.build(state.stream, state.next)
                except Exception as error:  # noqa: BLE001 - handed to the one who brought the builder
                    results.append(error)
                    continue
                key = key_of(state.current, state.next)
                row = Row(key, draft.at, draft.boot, draft.mono, payload, draft.worth)
                stored = self._packer.pack(row)
                state.next += 1
                state.totals.made += 1
                results.append(key)
                if len(stored.payload) > self._journal:
                    state.totals.drop("size", 1, draft.worth)
                    self._note_lost(key, key)
                    continue
                self._insert(state, stored)
                kept.append(row)
                size += len(stored.payload) + _ROW
                if size > self._journal // 4:
                    break
            self._drop_expired(state, first, now)
            over = self._make_room(state, first)
        while over:
            waiting = self.state.waiting
            with self._transaction() as state:
                over = self._make_room(state, first)
            if self.state.waiting == waiting:
                break
        self._shrink()
        self.kept = kept
        return results

    def adopt(
        self,
        rows: Iterable[Row | Stored],
        change: Callable[[State], None] = lambda _: None,
        lost: Iterable[tuple[int, int]] = (),
    ) -> int:
        """Store rows that have their keys already, and let ``change`` bring the state in line; return how many were new.

        ``lost``: ranges of keys that were dropped elsewhere.
        """
        with self._transaction() as state:
            self._measured_from = 0
            count = sum(self._insert(state, row if isinstance(row, Stored) else self._packer.pack(row)) for row in rows)
            for first, last in lost:
                self._note_lost(first, last)
            change(state)
        return count

    def adopt_dictionaries(self, dictionaries: Iterable[Dictionary]) -> None:
        """Store the dictionaries that adopted rows name."""
        with self._transaction():
            for dictionary in dictionaries:
                self._insert_dictionary(dictionary)

    def _insert_dictionary(self, one: Dictionary) -> None:
        for table in TWINS:
            self._connection.execute(
                f"INSERT OR IGNORE INTO {table} VALUES (?, ?, ?, ?, ?)",  # noqa: S608 - constants
                (one.id, one.made, one.first, one.checksum, one.content),
            )

    def _renew_dictionary(self, state: State) -> None:
        """Make a new dictionary when it is time, and forget those that no row names any more."""
        dictionary = self._packer.due(state.totals.made, key_of(state.current, state.next))
        if dictionary is None:
            return
        newest = self._connection.execute(f"SELECT max(id) FROM {TWINS[0]}").fetchone()[0] or 0  # noqa: S608 - a constant
        dictionary = dictionary._replace(id=newest + 1)
        # a dictionary is used for keys from its first to the next one's first
        starts = self._connection.execute(f"SELECT id, first FROM {TWINS[0]} ORDER BY id").fetchall()  # noqa: S608 - a constant
        for (number, first), (_, following) in itertools.pairwise([*starts, (0, dictionary.first)]):
            if not self.keys(first, following - 1, 1):
                for table in TWINS:
                    self._connection.execute(f"DELETE FROM {table} WHERE id = ?", (number,))  # noqa: S608 - constants
        self._insert_dictionary(dictionary)
        self._packer.use(dictionary)

    def _insert(self, state: State, stored: Stored) -> int:
        count = self._connection.execute(
            "INSERT OR IGNORE INTO report VALUES (?, ?, ?, ?, ?, ?, ?, ?)", stored
        ).rowcount
        state.waiting += count
        if count and stored.worth:
            state.kept += len(stored.payload) + _ROW
        return count

    @property
    def pages_at_once(self) -> int:
        """How many pages of rows one transaction may bring."""
        return max(8, self._journal // 4 // PAGE)

    def limit(self) -> int:
        """Return the bytes that may be in use within the file: the bound less the journal and what else is there."""
        return max(max(self.bounds.bytes, _LEAST_BOUND) - 7 * self._journal // 2 - _SLACK - self.others, 8 * PAGE)

    def _drop_expired(self, state: State, first: int, now: Now) -> None:
        """Drop what is too old; never what came just now, with keys from ``first`` on."""
        expired = self._expired(first, now)
        if expired is not None:
            keys = self._connection.execute(
                "SELECT key, worth, length(payload) FROM report WHERE key <= ? ORDER BY key LIMIT ?",
                (expired, _AGE_WALK),
            ).fetchall()
            self._drop(state, "age", keys)

    def _make_room(self, state: State, first: int) -> bool:
        """Drop what is worth least while the file is too large; not more than one transaction may, nor what came just now.

        Return whether it still is too large. Rows of a class may each lie on a page of its own, and each of these pages goes through the journal.
        """
        limit = self.limit()
        most = max(_DROP_BATCH, self._journal // 2 // PAGE)
        while (over := self.used() - limit) > 0 and most > 0:
            victims: list[tuple[int, int, int]] = []
            for victim in self._victims(state, first, limit):
                if over > 0:
                    victims.append(victim)
                    over -= (victim[2] or 0) + _ROW
            if not victims:
                break
            if not victims[-1][1]:
                self._measured_from = victims[-1][0] + 1
            self._drop(state, "size", victims)
            most -= len(victims)
        return over > 0

    def _victims(self, state: State, first: int, limit: int) -> list[tuple[int, int, int]]:
        """Return key, class and bytes of what goes next."""
        full = state.kept > limit // 3
        for worth in (Worth.ALIVE, Worth.EVENT, Worth.MEASURED) if full else tuple(Worth):
            low = self._measured_from if worth is Worth.MEASURED else 0
            table = "report" if worth is Worth.MEASURED else "report INDEXED BY kept"
            found = self._connection.execute(
                f"SELECT key, worth, length(payload) FROM {table} WHERE {_of(worth)} AND key >= ? AND key < ?"  # noqa: S608 - constants
                " ORDER BY key LIMIT ?",
                (low, first, _DROP_BATCH),
            ).fetchall()
            if worth is Worth.MEASURED:
                self._measured_from = found[-1][0] + 1 if found else first
            if found:
                return found
        return []

    def _drop(self, state: State, cause: DropCause, victims: Sequence[tuple[int, int, int]]) -> None:
        """Delete rows, count them, and note their numbers as lost. ``victims``: key, class and bytes, by ascending keys."""
        keys = [key for key, _, _ in victims]
        self._connection.executemany("DELETE FROM report WHERE key = ?", [(key,) for key in keys])
        state.waiting -= len(keys)
        for _, worth, size in victims:
            state.totals.drop(cause, 1, worth_of(worth))
            if worth:
                state.kept = max(0, state.kept - (size or 0) - _ROW)
        if self._verification is not None:
            self._verification.left -= sum(self._verification.at < key <= self._verification.until for key in keys)
        run = keys[:1] * 2
        for key in keys[1:]:
            if key == run[1] + 1:
                run[1] = key
            else:
                self._note_lost(*run)
                run = [key, key]
        if keys:
            self._note_lost(*run)
            self._forget_lost(state)

    def _note_lost(self, first: int, last: int) -> None:
        """Add a range to the lost ones, joined with its neighbours."""
        execute = self._connection.execute
        before = execute("SELECT first FROM lost WHERE first < ? ORDER BY first DESC LIMIT 1", (first,)).fetchone()
        if before and execute("SELECT last FROM lost WHERE first = ?", before).fetchone()[0] >= first - 1:
            first = before[0]
        after = execute("SELECT last FROM lost WHERE first = ?", (last + 1,)).fetchone()
        if after:
            last = after[0]
            execute("DELETE FROM lost WHERE first > ? AND first <= ?", (first, last))
        execute("INSERT OR REPLACE INTO lost VALUES (?, ?)", (first, last))

    def _forget_lost(self, state: State) -> None:
        """Forget lost numbers below the oldest that waits of the current stream: the status tells of those by ``oldest``."""
        low, next_key = key_of(state.current, 0), key_of(state.current, state.next)
        found = self.keys(low, next_key - 1, 1)
        self._connection.execute(
            "DELETE FROM lost WHERE first >= ? AND first < ? AND last < ?",
            (low, *[found[0] if found else next_key] * 2),
        )

    def _keep_from_lost(self, first: int, last: int) -> None:
        """Take a range out of the lost ones: a collector has them after all, or its mark has passed them."""
        execute = self._connection.execute
        before = execute(
            "SELECT first, last FROM lost WHERE first < ? ORDER BY first DESC LIMIT 1", (first,)
        ).fetchone()
        if before and before[1] >= first:
            execute("UPDATE lost SET last = ? WHERE first = ?", (first - 1, before[0]))
            if before[1] > last:
                execute("INSERT INTO lost VALUES (?, ?)", (last + 1, before[1]))
        end = execute("SELECT first, last FROM lost WHERE first <= ? ORDER BY first DESC LIMIT 1", (last,)).fetchone()
        execute("DELETE FROM lost WHERE first BETWEEN ? AND ?", (first, last))
        if end and end[0] >= first and end[1] > last:
            execute("INSERT INTO lost VALUES (?, ?)", (last + 1, end[1]))

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

    def _shrink(self) -> None:
        """Give a little back to the disk when the file is larger than it may be: the bound was set lower."""
        if self._pages * PAGE > self.limit() + 3 * self._journal // 2:
            some = min(_SHRINK_PAGES, self._journal // 4 // PAGE)
            # it yields a row without columns a page, which execute() takes for the end
            self._connection.executescript(f"PRAGMA incremental_vacuum({some})")

    def _met_damaged(self, keys: list[int]) -> None:
        with self._transaction() as state:
            victims = [(key, 0, 0) for key in sorted(keys)]
            self._drop(state, "damage", victims)

    def confirm(self, ranges: Iterable[tuple[int, int]]) -> int:
        """Delete reports that are stored elsewhere: closed ranges of keys. Return how many there were."""
        left = [(first, last) for first, last in ranges if first <= last][::-1]
        total = 0
        while left:
            room = _CONFIRM_BATCH
            with self._transaction() as state:
                while left and room > 0:
                    first, last = left.pop()
                    count, last_deleted = self._delete(state, first, last, room)
                    room -= count
                    total += count
                    state.totals.confirmed += count
                    if last_deleted < last:
                        left.append((last_deleted + 1, last))
                self._forget_lost(state)
        return total

    def _delete(self, state: State, first: int, last: int, room: int) -> tuple[int, int]:
        """Delete at most ``room`` confirmed rows from ``first`` on; return how many, and up to which key."""
        execute = self._connection.execute
        cut = execute(
            "SELECT key FROM report WHERE key BETWEEN ? AND ? ORDER BY key LIMIT 1 OFFSET ?", (first, last, room - 1)
        ).fetchone()
        last = cut[0] if cut else last
        for worth in (Worth.ALIVE, Worth.EVENT):
            freed = execute(
                f"SELECT total(length(payload) + {_ROW}) FROM report INDEXED BY kept"  # noqa: S608 - constants
                f" WHERE {_of(worth)} AND key BETWEEN ? AND ?",
                (first, last),
            ).fetchone()[0]
            state.kept = max(0, state.kept - int(freed))
        if (verification := self._verification) is not None:
            verified = (max(first, verification.at + 1), min(last, verification.until))
            verification.left -= execute("SELECT count(*) FROM report WHERE key BETWEEN ? AND ?", verified).fetchone()[
                0
            ]
        count = execute("DELETE FROM report WHERE key BETWEEN ? AND ?", (first, last)).rowcount
        state.waiting -= count
        self._keep_from_lost(first, last)
        return count, last

    def update(self, change: Callable[[State], None]) -> None:
        """Change the state alone."""
        with self._transaction() as state:
            change(state)

    def renew(self, generation: int) -> int:
        """Give the reports of a stream new numbers in a new one, which becomes the current; return how many there were."""
        count = 0
        old = (key_of(generation, 0), key_of(generation + 1, 0) - 1)
        if self.state.renewing != generation:
            self._begin_stream(renewing=generation)
        while some := self._renew_some(old):
            count += some
        self.update(lambda state: setattr(state, "renewing", 0))
        return count

    def _renew_some(self, old: tuple[int, int]) -> int:
        rows = self.rows(*old, _RENEW_BATCH, "ASC")
        if not rows:
            return 0
        with self._transaction() as state:
            for row in rows:
                document = msgspec.json.decode(row.payload)
                document["stream"], document["seq"] = state.stream, state.next
                key = key_of(state.current, state.next)
                renewed = Row(key, row.at, row.boot, row.mono, msgspec.json.encode(document), row.worth)
                self._delete(state, row.key, row.key, 1)
                self._insert(state, self._packer.pack(renewed))
                state.next += 1
        return len(rows)

    def forget_streams(self) -> None:
        """Forget the names of streams that have no reports left, and their lost numbers; called at start."""
        names = set(self.state.streams)
        held = {
            generation
            for generation in names
            if self.keys(key_of(generation, 0), key_of(generation + 1, 0) - 1, 1) or generation == self.state.current
        }
        if names - held:
            with self._transaction() as state:
                state.streams = {one: name for one, name in state.streams.items() if one in held}
                for (first,) in self._connection.execute("SELECT first FROM lost").fetchall():
                    if generation_of(first) not in held:
                        self._connection.execute("DELETE FROM lost WHERE first = ?", (first,))

    def close(self) -> None:
        """Close the file; the journal is merged into it, and the file says that it is whole."""
        with contextlib.suppress(sqlite3.Error):
            state = self.state.copy()
            state.settled = True
            self._write(state)
        self._connection.close()

    def abandon(self) -> None:
        """Close a file that is damaged or not in its place; its journal stays."""
        close_untouched(self._connection, self.path)
