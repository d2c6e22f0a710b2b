"""The spool without its thread: the file while the disk works, memory while it does not.

Invariants:

* A key that :meth:`Engine.append` returned names a report that is in the file and synced, or, while the disk fails, in
  memory and counted as such, or that a bound dropped and counted; never one that is nowhere.
* While the disk fails, reports go into a stream of their own that exists in memory only. So no number of the stream in the
  file is used up by something that a crash can forget, and none is ever given twice.
* While the disk takes no writing, what can be read of the file is still handed out. What collectors confirm of it is
  remembered (:data:`MAX_CONFIRMED` ranges at most) and not handed out again, and deleted when the disk works.
* When the disk works again, that stream and what is left of it move into the file, and it goes on as the current one.
* A damaged file is set aside, and what is readable of it is kept; this happens at most once a call. So is the file of a later
  version of this program, which nothing is read of.
* A file that is not in its place any more (deleted, or another one put there) is copied to where it should be, into a new
  stream.

The reason for its length: every method has its two halves, file and memory, and they are only right together.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from tslcd_agent.spool.damage import NEWER, other_bytes, rejoin, salvage, set_aside, tidy, unread
from tslcd_agent.spool.memory import MEMORY_BYTES, Memory
from tslcd_agent.spool.shelf import MAX_LOST, Shelf, read_only
from tslcd_agent.spool.state import (
    MAX_SEQ,
    SEQ_BITS,
    Alive,
    Now,
    Row,
    State,
    Statistics,
    Totals,
    generation_of,
    key_of,
    new_stream,
    seq_of,
    start_reason,
)
from tslcd_agent.spool.store import FILE, Bounds, DamagedError, Draft, NewerError, Store, is_damage
from tslcd_runtime.logs import get_logger
from tslcd_wire.ranges import RangeSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from tslcd_agent.spool.state import StartReason

__all__ = ["MEMORY_BYTES", "RETRY_PAUSE", "Engine"]

#: The pause between attempts at a disk that fails, in seconds.
RETRY_PAUSE: Final = 5.0
#: Ranges of confirmed numbers that are remembered while nothing can be written.
MAX_CONFIRMED: Final = 4096
#: Rows checked at every sign of life, until all that was there at the start is checked.
VERIFY_ROWS: Final = 4096
#: The generation of a stream in memory when the file's own cannot be read: higher than any.
_UNKNOWN: Final = 2**20
_FAR: Final = 2**62
_COPY: Final = 500
_TROUBLE: Final = (sqlite3.Error, DamagedError, NewerError, OSError, UnicodeDecodeError)

T = TypeVar("T")
_log = get_logger("spool")


class Engine:
    """The spool of one directory; every method blocks, and is called by one thread."""

    def __init__(self, directory: Path, bounds: Bounds, now: Callable[[], Now]) -> None:
        """Remember; :meth:`open` opens."""
        self._directory = directory
        self._path = directory / FILE
        self._bounds = bounds
        self._now = now
        self._store: Store | None = None
        self._reader: Shelf | None = None
        self._memory: Memory | None = None
        self._confirmed = RangeSet()
        self._place: tuple[int, int] | None = None
        self._retry_at = 0.0
        self._failing = ""
        #: What the last :meth:`append` put into the file; None when some of it is in memory only, or nobody can say.
        self.kept: list[Row] | None = None
        self.start_reason: StartReason = "first-start"
        #: The last sign of life before this start; None when there was none.
        self.last_alive: Alive | None = None

    def open(self) -> None:
        """Open the file; in disk trouble go on in memory. Raises nothing."""
        now = self._now()
        try:
            store = self._open_or_replace()
            self.last_alive = store.state.alive
            store.forget_streams()
            store.update(lambda state: _set_alive(state, Alive(now.at, now.boot, now.mono)))
        except _TROUBLE as error:
            self._fail(error)
            if self._reader is not None and self.last_alive is None:
                self.last_alive = self._reader.state.alive
        self.start_reason = start_reason(self.last_alive, now.boot)

    def _open_or_replace(self) -> Store:
        """Open the file, setting it aside when it cannot be used. Raises sqlite3.Error, OSError, DamagedError, NewerError."""
        rejoin(self._path)
        try:
            self._store = Store(self._path, self._bounds, other_bytes(self._directory))
        except NewerError as error:
            aside = set_aside(self._path, self._stamp(), NEWER)
            self._store = Store(self._path, self._bounds, other_bytes(self._directory))
            _log.error("spool file of a later version set aside", file=aside.name, reason=str(error))
        except (sqlite3.Error, DamagedError, UnicodeDecodeError) as error:
            if not is_damage(error):
                raise
            self._replace(error)
        if self._store is None:  # _replace opened it, or raised
            raise DamagedError(str(self._path))
        self._read_unread(self._store)
        self._settle_in(self._store)
        return self._store

    def _stamp(self) -> str:
        return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._now().at))

    def _replace(self, error: Exception) -> None:
        """Set the damaged file aside, open a new one, and save into it what is readable."""
        if self._store is not None:
            self._store.abandon()
            self._store = None
        aside = set_aside(self._path, self._stamp())
        _log.error("spool file damaged and set aside", file=aside.name, reason=str(error))
        self._store = Store(self._path, self._bounds, other_bytes(self._directory))
        self._read_unread(self._store)
        self._settle_in(self._store)

    def _read_unread(self, store: Store) -> None:
        """Save what is readable of files that were set aside, also of one at which the last process was interrupted."""
        for aside in unread(self._directory):
            saved, dropped, gone = salvage(aside, store)
            _log.error(
                "damaged spool file read",
                file=aside.name,
                saved=saved,
                dropped=dropped,
                gone=_described(gone) if dropped else "",
            )

    def _settle_in(self, store: Store) -> None:
        """Note where the file lies, and make room of files that were set aside."""
        found = self._path.stat()
        self._place = (found.st_dev, found.st_ino)
        deleted = tidy(self._directory, self._bounds.bytes)
        if deleted:
            store.update(lambda state: _count_deleted(state, deleted))
        store.others = other_bytes(self._directory)

    def _fail(self, error: Exception) -> None:
        """Go on in memory, and read the file as far as that is possible."""
        known = self._store or self._reader
        generation = known.state.current + 1 if known else _UNKNOWN
        if self._store is not None:
            with contextlib.suppress(sqlite3.Error):
                self._store.close()
            self._store = None
        if self._reader is None:
            self._reader = read_only(self._path)
            if self._reader is not None:
                generation = self._reader.state.current + 1
        if self._memory is None:
            self._memory = Memory(generation)
            _log.error("disk fails: reports wait in memory only", directory=str(self._directory), reason=str(error))
        self._failing = str(error)
        self._retry_at = self._now().mono + RETRY_PAUSE

    def _working(self) -> Store | None:
        """Return the file, trying from time to time to get it back."""
        if self._store is not None or self._now().mono < self._retry_at:
            return self._store
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            store = self._open_or_replace()
            store.confirm(self._confirmed)
            now = self._now()
            store.update(lambda state: _set_alive(state, Alive(now.at, now.boot, now.mono)))
            if self._memory is not None:
                self._move_in(store, self._memory)
        except _TROUBLE as error:
            self._fail(error)
            return None
        self._memory, self._failing, self._confirmed = None, "", RangeSet()
        _log.info("disk works again", directory=str(self._directory))
        return store

    def _move_in(self, store: Store, memory: Memory) -> None:
        """Move the stream in memory into the file, where it becomes the current one."""
        if memory.next == 1:
            return  # it never had a report
        generation = store.state.current + 1
        moved = [
            Row(key_of(generation, seq_of(row.key)), row.at, row.boot, row.mono, row.payload, row.worth)
            for row in memory.rows.values()
        ]
        lost = [(key_of(generation, first), key_of(generation, last)) for first, last in memory.lost_from_oldest()]

        def change(state: State) -> None:
            state.current, state.next = generation, memory.next
            state.streams[generation] = memory.stream
            state.totals.add(memory.totals)

        store.adopt(moved, change, lost)

    def _look_after_place(self) -> None:
        """Copy the file to where it should be when it is there no more: deleted, or another one put in its place."""
        store = self._store
        if store is None or self._place is None:
            return
        with contextlib.suppress(OSError):
            found = self._path.stat()
            if (found.st_dev, found.st_ino) == self._place:
                return
        _log.error("spool file is not in its place any more: copied", directory=str(self._directory))
        self._store = None
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = self._open_or_replace()
            self._store = None
            _copy(store, new)
            new.close()  # before the old one: that takes the journal of this name away with it
        except _TROUBLE as error:
            self._fail(error)
        finally:
            store.abandon()
        with contextlib.suppress(*_TROUBLE):
            if self._memory is None:
                self._open_or_replace()

    def _try(self, work: Callable[[Store], T]) -> T | None:
        """Do something with the file; None when the disk fails. Damage is repaired and the work tried once more."""
        store = self._working()
        if store is None:
            return None
        try:
            try:
                return work(store)
            except (sqlite3.Error, DamagedError, UnicodeDecodeError) as error:
                if not is_damage(error):
                    raise
                self._replace(error)
            return work(self._store) if self._store is not None else None
        except _TROUBLE as error:
            self._fail(error)
            return None

    def _read(self, work: Callable[[Shelf], T]) -> T | None:
        """Read something of the file, also while it cannot be written; None when it cannot be read."""
        done = self._try(work)
        if done is not None or self._store is not None or self._reader is None:
            return done
        try:
            return work(self._reader)
        except sqlite3.Error as error:
            _log.debug("spool file not readable", reason=str(error))
            return None

    def append(self, drafts: Sequence[Draft]) -> list[int | Exception]:
        """Keep reports, in as few transactions as may be; return the key of each, or what its builder raised."""
        results: list[int | Exception] = []
        kept: list[Row] | None = []
        while len(results) < len(drafts):
            left = drafts[len(results) :]
            done = self._try(lambda store, left=left: store.append(left, self._now()))  # type: ignore[misc]
            if done is None:
                if self._memory is None:
                    self._memory = Memory(_UNKNOWN)
                done = [self._memory.append(draft) for draft in left]
                kept = None
            elif kept is not None and self._store is not None:
                kept += self._store.kept
            results += done
        self.kept = kept
        return results

    def newest_first(self, limit: int, exclude: RangeSet, youngest: float | None = None) -> list[Row]:
        """Return up to ``limit`` waiting reports, newest first, without those whose keys are excluded.

        ``youngest``: only those measured in this boot at most so many seconds ago.
        """
        found = self._memory_rows(exclude)[::-1][:limit]
        if len(found) < limit:
            gaps = list(self._besides_confirmed(exclude).gaps(1, _FAR))[::-1]
            found += self._read(lambda shelf: _collect(gaps, limit - len(found), shelf, newest=True)) or []
        if youngest is None:
            return found
        now = self._now()
        fresh = []
        for row in found:
            if row.boot != now.boot or now.mono - row.mono > youngest:
                break
            fresh.append(row)
        return fresh

    def oldest_first(self, limit: int, exclude: RangeSet) -> list[Row]:
        """Return up to ``limit`` waiting reports, oldest first, without those whose keys are excluded."""
        gaps = list(self._besides_confirmed(exclude).gaps(1, _FAR))
        found = self._read(lambda shelf: _collect(gaps, limit, shelf, newest=False)) or []
        return (found + self._memory_rows(exclude))[:limit]

    def _besides_confirmed(self, exclude: RangeSet) -> RangeSet:
        return RangeSet([*exclude, *self._confirmed]) if self._confirmed else exclude

    def _memory_rows(self, exclude: RangeSet) -> list[Row]:
        return [row for key, row in self._memory.rows.items() if key not in exclude] if self._memory else []

    def confirm(self, stream: str, ranges: Iterable[tuple[int, int]]) -> int:
        """Delete the reports of ``stream`` with these numbers (closed ranges): they are stored elsewhere."""
        wanted = list(ranges)
        if self._memory is not None and self._memory.stream == stream:
            return self._memory.confirm(wanted)
        generation = self.generation(stream)
        if generation is None or not wanted:
            return 0
        keys = _keys(generation, wanted)
        count = self._try(lambda store: store.confirm(keys))
        if count is None and self._store is None:
            count = self._remember_confirmed(keys)
            if self._confirmed and self._store is not None:  # the disk came back while it was asked
                self._try(lambda store: store.confirm(keys))
                self._confirmed = RangeSet()
        return count or 0

    def _remember_confirmed(self, keys: list[tuple[int, int]]) -> int:
        """Remember what is to be deleted when the disk works; return how many reports that is, as far as is easily told."""
        count = 0
        for first, last in keys:
            if self._confirmed.ranges() >= MAX_CONFIRMED:
                break
            found = self._read(lambda shelf, first=first, last=last: shelf.keys(first, last, MAX_CONFIRMED)) or []  # type: ignore[misc]
            count += sum(key not in self._confirmed for key in found)
            self._confirmed.add(first, last)
        return count

    def generation(self, stream: str) -> int | None:
        """Return the ordinal of a stream of ours; None for a foreign one."""
        if self._memory is not None and self._memory.stream == stream:
            return self._memory.generation
        known = self._store or self._reader
        streams = known.state.streams if known is not None else {}
        return next((generation for generation, name in streams.items() if name == stream), None)

    def standing(self, stream: str) -> tuple[int, int] | None:
        """Return the ordinal of a stream of ours, and the highest number given in it (MAX_SEQ of one that is not the present one)."""
        generation = self.generation(stream)
        if generation is None:
            return None
        if self._memory is not None:
            return generation, self._memory.next - 1 if self._memory.stream == stream else MAX_SEQ
        known = self._store or self._reader
        if known is None or known.state.stream != stream:
            return generation, MAX_SEQ
        return generation, known.state.next - 1

    def renew_stream(self, stream: str) -> None:
        """Begin a new stream and move into it what waits of ``stream``: somebody else has used its numbers."""
        generation = self.generation(stream)
        if generation is not None and self._memory is None:
            self._try(lambda store: store.renew(generation))

    def waiting(self, stream: str, first: int, last: int, limit: int) -> list[int] | None:
        """Return the numbers of ``stream`` from ``first`` to ``last`` that wait here, at most ``limit``; None: cannot say."""
        generation = self.generation(stream)
        if generation is None or first > last:
            return []
        if self._memory is not None and self._memory.stream == stream:
            return [seq_of(key) for key in self._memory.rows if first <= seq_of(key) <= last][:limit]
        low, high = key_of(generation, first), key_of(generation, min(last, MAX_SEQ))
        keys = self._read(lambda shelf: shelf.keys(low, high, limit))
        return None if keys is None else [seq_of(key) for key in keys if key not in self._confirmed]

    def mark_alive(self, *, clean: bool = False) -> None:
        """Leave a sign of life for the next start; ``clean`` is a goodbye. Looks after the file, too."""
        now = self._now()
        alive = Alive(now.at, now.boot, now.mono, clean)
        self._look_after_place()
        self._try(lambda store: store.update(lambda state: _set_alive(state, alive)))
        if not clean:
            self._try(lambda store: store.verify(VERIFY_ROWS))

    def statistics(self) -> Statistics:
        """Describe the spool as it is now."""
        now = self._now()
        facts = self._read(lambda shelf: _facts(shelf, self._confirmed))
        memory = self._memory
        totals = Totals()
        if facts:
            totals.add(facts.state.totals)
        if memory:
            totals.add(memory.totals)
        first = next(iter(memory.rows.values()), None) if memory else None
        oldest = facts.oldest if facts else None
        if oldest is None and first:
            oldest = (first.key, first.at, first.boot, first.mono)
        if memory:
            stream, following, lowest, lost = memory.stream, memory.next, memory.oldest, memory.lost_from_oldest()
        elif facts:
            stream, following, lowest, lost = facts.state.stream, facts.state.next, facts.lowest, facts.lost
        else:
            stream, following, lowest, lost = "", 1, 1, []
        return Statistics(
            stream=stream,
            oldest=lowest,
            newest=following - 1,
            waiting=(facts.waiting if facts else 0) + (len(memory.rows) if memory else 0),
            bytes=facts.used if facts else 0,
            limit=self._bounds.bytes,
            oldest_age=now.age(*oldest[1:]) if oldest else None,
            memory=len(memory.rows) if memory else 0,
            totals=totals,
            failing=self._failing,
            lost=tuple(lost[:MAX_LOST]),
        )

    def close(self) -> None:
        """Say goodbye and close the file."""
        self._working()
        self.mark_alive(clean=True)
        if self._store is not None:
            with contextlib.suppress(sqlite3.Error):
                self._store.close()
            self._store = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None


class _Facts(NamedTuple):
    """What statistics tell of the file. ``lowest``: the lowest number that waits of the current stream."""

    state: State
    oldest: tuple[int, float, str, float] | None
    lowest: int
    used: int
    waiting: int
    lost: list[tuple[int, int]]


def _facts(shelf: Shelf, confirmed: RangeSet) -> _Facts:
    """Read them. ``confirmed``: keys that count as deleted, since they will be."""
    state = shelf.state
    own = shelf.oldest_of_stream()
    next_key = key_of(state.current, state.next)
    lowest = next_key if own is None else own
    gone = sum(min(len(shelf.keys(first, last, MAX_CONFIRMED)), state.waiting) for first, last in confirmed)
    lost = [
        (seq_of(first), seq_of(last))
        for first, last in shelf.lost(lowest, next_key)
        if generation_of(first) == state.current
    ]
    return _Facts(state, shelf.oldest(), seq_of(lowest), shelf.used(), max(0, state.waiting - gone), lost)


def _copy(old: Store, new: Store) -> None:
    """Copy the reports of a file that has no name any more into another, under streams of their own names."""
    offset = new.state.current
    streams = {generation + offset: name for generation, name in old.state.streams.items()}

    def name_streams(state: State) -> None:
        own = state.streams.pop(state.current) if state.totals.made == 0 else None
        state.streams |= streams
        state.current = max(streams) + 1
        state.next = 1
        state.streams[state.current] = own or new_stream()
        state.totals.add(old.state.totals)
        state.alive = old.state.alive

    at = 0
    while rows := old.rows(at + 1, _FAR, _COPY, "ASC"):
        at = rows[-1].key
        shift = offset << SEQ_BITS
        new.adopt([Row(row.key + shift, row.at, row.boot, row.mono, row.payload, row.worth) for row in rows])
    new.update(name_streams)


def _count_deleted(state: State, count: int) -> None:
    state.totals.files_deleted += count


def _described(gone: dict[str, list[tuple[int, int]]]) -> str:
    """Write which numbers are gone, shortened."""
    ranges = [f"{stream} {first}-{last}" for stream, pairs in gone.items() for first, last in pairs]
    return ", ".join(ranges[:8]) + (f" and {len(ranges) - 8} more" if len(ranges) > 8 else "")  # noqa: PLR2004 - as many as fit


def _set_alive(state: State, alive: Alive) -> None:
    state.alive = alive


def _keys(generation: int, ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Turn ranges of numbers into ranges of keys."""
    return [(key_of(generation, first), key_of(generation, min(last, MAX_SEQ))) for first, last in ranges]


def _collect(gaps: Iterable[tuple[int, int]], limit: int, shelf: Shelf, *, newest: bool) -> list[Row]:
    """Read rows out of the gaps between what is excluded."""
    found: list[Row] = []
    for first, last in gaps:
        if len(found) >= limit:
            break
        found += shelf.rows(first, last, limit - len(found), "DESC" if newest else "ASC")
    return found
