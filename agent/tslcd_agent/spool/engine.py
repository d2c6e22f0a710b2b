"""The spool without its thread: the file while the disk works, memory while it does not.

Invariants:

* A key that :meth:`Engine.append` returned names a report that is in the file and synced, or, while the disk fails, in
  memory and counted as such; never one that is nowhere.
* While the disk fails, reports go into a stream of their own that exists in memory only. So no number of the stream in the
  file is used up by something that a crash can forget, and none is ever given twice.
* When the disk works again, that stream and what is left of it move into the file, and it goes on as the current one.
* A damaged file is set aside, and what is readable of it is kept; this happens at most once a call.
"""

from __future__ import annotations

import sqlite3
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, TypeVar

from tslcd_agent.spool.damage import salvage, set_aside
from tslcd_agent.spool.state import (
    MAX_SEQ,
    Alive,
    Now,
    Row,
    State,
    Statistics,
    Totals,
    key_of,
    new_stream,
    seq_of,
    start_reason,
)
from tslcd_agent.spool.store import FILE, Bounds, DamagedError, Draft, Store, is_damage
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from tslcd_agent.spool.state import StartReason
    from tslcd_wire.ranges import RangeSet

#: Reports kept in memory while the disk fails, in bytes; and the pause between attempts at the disk, in seconds.
MEMORY_BYTES: Final = 2 * 2**20
RETRY_PAUSE: Final = 5.0
_FAR: Final = 2**62
_TROUBLE: Final = (sqlite3.Error, DamagedError, OSError)

T = TypeVar("T")
_log = get_logger("spool")


class _Memory:
    """A stream that exists in memory only."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.stream = new_stream()
        self.next = 1
        self.rows: OrderedDict[int, Row] = OrderedDict()
        self.bytes = 0

    def append(self, draft: Draft) -> tuple[int, int]:
        """Keep a report; return its key and how many older ones had to go. Raises what the builder raises."""
        payload = draft.build(self.stream, self.next)
        key = key_of(self.generation, self.next)
        self.rows[key] = Row(key, draft.at, draft.boot, draft.mono, payload)
        self.next += 1
        self.bytes += len(payload)
        dropped = 0
        while self.bytes > MEMORY_BYTES and len(self.rows) > 1:
            self.bytes -= len(self.rows.popitem(last=False)[1].payload)
            dropped += 1
        return key, dropped

    def confirm(self, ranges: Sequence[tuple[int, int]]) -> int:
        """Forget what is stored elsewhere; return how many reports that was."""
        gone = [key for key in self.rows if any(first <= key <= last for first, last in ranges)]
        for key in gone:
            self.bytes -= len(self.rows.pop(key).payload)
        return len(gone)


class Engine:
    """The spool of one directory; every method blocks, and is called by one thread."""

    def __init__(self, directory: Path, bounds: Bounds, now: Callable[[], Now]) -> None:
        """Remember; :meth:`open` opens."""
        self._path = directory / FILE
        self._bounds = bounds
        self._now = now
        self._store: Store | None = None
        self._memory: _Memory | None = None
        self._memory_totals = Totals()
        self._retry_at = 0.0
        self._failing = ""
        self.start_reason: StartReason = "first-start"
        #: The last sign of life before this start; None when there was none.
        self.last_alive: Alive | None = None

    def open(self) -> None:
        """Open the file; in disk trouble go on in memory. Raises nothing."""
        now = self._now()
        try:
            store = self._open_or_replace()
            self.last_alive = store.state.alive
            self.start_reason = start_reason(self.last_alive, now.boot)
            store.forget_streams()
            store.update(lambda state: _set_alive(state, Alive(now.at, now.boot, now.mono)))
        except _TROUBLE as error:
            self._fail(error)

    def _open_or_replace(self) -> Store:
        """Open the file, setting it aside when it is damaged. Raises sqlite3.Error, OSError, DamagedError."""
        try:
            self._store = Store(self._path, self._bounds)
        except (sqlite3.Error, DamagedError) as error:
            if not is_damage(error):
                raise
            self._replace(error)
        if self._store is None:  # _replace opened it, or raised
            raise DamagedError(str(self._path))
        return self._store

    def _replace(self, error: Exception) -> None:
        """Set the damaged file aside, open a new one, and save into it what is readable."""
        if self._store is not None:
            self._store.close()
            self._store = None
        aside = set_aside(self._path, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._now().at)))
        self._store = Store(self._path, self._bounds)
        saved = salvage(aside, self._store)
        _log.error("spool file damaged and set aside", file=aside.name, reason=str(error), saved=saved)

    def _fail(self, error: Exception) -> None:
        """Go on in memory."""
        generation = self._store.state.current + 1 if self._store else 1
        if self._store is not None:
            try:
                self._store.close()
            except sqlite3.Error as second:
                _log.debug("closing a failed spool file", reason=str(second))
            self._store = None
        if self._memory is None:
            self._memory = _Memory(generation)
            _log.error("disk fails: reports wait in memory only", directory=str(self._path.parent), reason=str(error))
        self._failing = str(error)
        self._retry_at = self._now().mono + RETRY_PAUSE

    def _working(self) -> Store | None:
        """Return the file, trying from time to time to get it back."""
        if self._store is not None or self._now().mono < self._retry_at:
            return self._store
        try:
            store = self._open_or_replace()
            if self._memory is not None:
                self._move_in(store, self._memory)
        except _TROUBLE as error:
            self._fail(error)
            return None
        self._memory, self._failing = None, ""
        _log.info("disk works again", directory=str(self._path.parent))
        return store

    def _move_in(self, store: Store, memory: _Memory) -> None:
        generation = max(memory.generation, store.state.current + 1)
        moved = [
            Row(key_of(generation, seq_of(row.key)), row.at, row.boot, row.mono, row.payload)
            for row in memory.rows.values()
        ]

        def change(state: State) -> None:
            state.current, state.next = generation, memory.next
            state.streams[generation] = memory.stream
            state.totals.add(self._memory_totals)
            now = self._now()
            state.alive = Alive(now.at, now.boot, now.mono)

        store.adopt(moved, change)
        self._memory_totals = Totals()

    def _try(self, work: Callable[[Store], T]) -> T | None:
        """Do something with the file; None when the disk fails. Damage is repaired and the work tried once more."""
        store = self._working()
        if store is None:
            return None
        try:
            try:
                return work(store)
            except (sqlite3.Error, DamagedError) as error:
                if not is_damage(error):
                    raise
                self._replace(error)
            return work(self._store) if self._store is not None else None
        except _TROUBLE as error:
            self._fail(error)
            return None

    def append(self, drafts: Sequence[Draft]) -> list[int | Exception]:
        """Keep reports, in one transaction; return the key of each, or what its builder raised."""
        results = self._try(lambda store: store.append(drafts, self._now()))
        if results is not None:
            return results
        return [self._append_to_memory(draft) for draft in drafts]

    def _append_to_memory(self, draft: Draft) -> int | Exception:
        if self._memory is None:
            self._memory = _Memory(1)
        try:
            key, dropped = self._memory.append(draft)
        except Exception as error:  # noqa: BLE001 - handed to the one who brought the builder
            return error
        self._memory_totals.made += 1
        self._memory_totals.drop("memory", dropped)
        return key

    def newest_first(self, limit: int, exclude: RangeSet, youngest: float | None = None) -> list[Row]:
        """Return up to ``limit`` waiting reports, newest first, without those whose keys are excluded.

        ``youngest``: only those measured in this boot at most so many seconds ago.
        """
        found = self._memory_rows(exclude)[::-1][:limit]
        if len(found) < limit:
            gaps = list(exclude.gaps(1, _FAR))[::-1]
            found += self._try(lambda store: _collect(gaps, limit - len(found), store, newest=True)) or []
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
        found = self._try(lambda store: _collect(exclude.gaps(1, _FAR), limit, store, newest=False)) or []
        return (found + self._memory_rows(exclude))[:limit]

    def _memory_rows(self, exclude: RangeSet) -> list[Row]:
        return [row for key, row in self._memory.rows.items() if key not in exclude] if self._memory else []

    def confirm(self, stream: str, ranges: Iterable[tuple[int, int]]) -> int:
        """Delete the reports of ``stream`` with these numbers (closed ranges): they are stored elsewhere."""
        wanted = list(ranges)
        if self._memory is not None and self._memory.stream == stream:
            count = self._memory.confirm(_keys(self._memory.generation, wanted))
            self._memory_totals.confirmed += count
            return count
        generation = self.generation(stream)
        if generation is None or not wanted:
            return 0
        return self._try(lambda store: store.confirm(_keys(generation, wanted))) or 0

    def generation(self, stream: str) -> int | None:
        """Return the ordinal of a stream of ours; None for a foreign one."""
        if self._memory is not None and self._memory.stream == stream:
            return self._memory.generation
        streams = self._store.state.streams if self._store is not None else {}
        return next((generation for generation, name in streams.items() if name == stream), None)

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
        keys = self._try(lambda store: store.keys(low, high, limit))
        return None if keys is None else [seq_of(key) for key in keys]

    def mark_alive(self, *, clean: bool = False) -> None:
        """Leave a sign of life for the next start; ``clean`` is a goodbye."""
        now = self._now()
        alive = Alive(now.at, now.boot, now.mono, clean)
        self._try(lambda store: store.update(lambda state: _set_alive(state, alive)))

    def statistics(self) -> Statistics:
        """Describe the spool as it is now."""
        now = self._now()
        facts = self._try(lambda store: (store.state, store.oldest(), store.oldest_of_stream(), store.used()))
        state, oldest, own, used = facts or (None, None, None, 0)
        totals = Totals()
        totals.add(self._memory_totals)
        if state:
            totals.add(state.totals)
        memory = self._memory
        first = next(iter(memory.rows.values()), None) if memory else None
        if oldest is None and first:
            oldest = (first.key, first.at, first.boot, first.mono)
        if memory:
            stream, following = memory.stream, memory.next
            lowest = seq_of(first.key) if first else following
        else:
            stream, following = (state.stream, state.next) if state else ("", 1)
            lowest = seq_of(own) if own is not None else following
        return Statistics(
            stream=stream,
            oldest=lowest,
            newest=following - 1,
            waiting=(state.waiting if state else 0) + (len(memory.rows) if memory else 0),
            bytes=used,
            limit=self._bounds.bytes,
            oldest_age=now.age(*oldest[1:]) if oldest else None,
            memory=len(memory.rows) if memory else 0,
            totals=totals,
            failing=self._failing,
        )

    def close(self) -> None:
        """Say goodbye and close the file."""
        self._working()
        self.mark_alive(clean=True)
        if self._store is not None:
            self._store.close()
            self._store = None


def _set_alive(state: State, alive: Alive) -> None:
    state.alive = alive


def _keys(generation: int, ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Turn ranges of numbers into ranges of keys."""
    return [(key_of(generation, first), key_of(generation, min(last, MAX_SEQ))) for first, last in ranges]


def _collect(gaps: Iterable[tuple[int, int]], limit: int, store: Store, *, newest: bool) -> list[Row]:
    """Read rows out of the gaps between what is excluded."""
    found: list[Row] = []
    for first, last in gaps:
        if len(found) >= limit:
            break
        found += store.rows(first, last, limit - len(found), "DESC" if newest else "ASC")
    return found
