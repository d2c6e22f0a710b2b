"""What is done with a damaged spool file: set aside under another name, read as far as it can be read, kept.

Invariants:

* Every row whose own bytes are whole is saved, under its own stream and number, so those that the collector had already stay
  duplicates. New reports go into a new stream, since nobody can say which numbers of the old one were given.
* Saving may be interrupted at any point, and goes on at the next start: a file is ``unread-...`` until all of it was saved. The new
  file says which one it was made from and whether that is over, so nothing is counted twice.
* What could not be read is counted: exactly, while the file's own count can be read; else at least what is missing in between.
* At most three such files are kept, of a quarter of the spool's bound together. The latest is never deleted. When it alone is
  larger, what was saved out of it is given back to the disk (a hole in the file), and what could not be read stays.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from tslcd_agent.spool.carving import Carver, Tail, behind, later
from tslcd_agent.spool.packing import Packer, Stored
from tslcd_agent.spool.schema import FILE, PAGE
from tslcd_agent.spool.state import State, generation_of, key_of, seq_of
from tslcd_wire.ranges import RangeSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tslcd_agent.spool.store import Store

#: Names of files that were set aside: before and after they were read, and those of a later version of this program.
UNREAD: Final = "unread"
DAMAGED: Final = "damaged"
NEWER: Final = "newer"
MAX_KEPT: Final = 3
#: The files that were set aside may use this share of the bound.
SHARE: Final = 4
_SUFFIXES: Final = ("", "-wal", "-shm")
#: Keys read at once.
_KEYS: Final = 10_000
_PUNCH_HOLE: Final = 3  # FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, linux/falloc.h


class Salvage(NamedTuple):
    """What came of a damaged file: rows saved, rows counted as dropped, and the numbers that are gone, by stream."""

    saved: int
    dropped: int
    gone: dict[str, list[tuple[int, int]]]


class _Named(msgspec.Struct):
    """The one part of a payload that is read again: whose stream it is of."""

    stream: str


_named_decoder = msgspec.json.Decoder(_Named)


def set_aside(path: Path, stamp: str, prefix: str = UNREAD) -> Path:
    """Rename a file and its journal to ``<prefix>-<stamp>...`` beside it; return the new path. Raises OSError.

    The journal follows the file: :func:`rejoin` when a kill comes between.
    """
    names = (f"{stamp}.db" if number == 1 else f"{stamp}-{number}.db" for number in itertools.count(1))
    for name in names:
        if not any(_exists(path.with_name(f"{kind}-{name}")) for kind in (UNREAD, DAMAGED, NEWER)):
            return _rename(path, path.with_name(f"{prefix}-{name}"))
    raise AssertionError


def rejoin(path: Path) -> None:
    """Let a journal follow its file that was set aside just before the process was killed. Raises OSError."""
    journal = path.with_name(f"{path.name}-wal")
    if path.exists() or not journal.exists():
        return
    for prefix in (UNREAD, NEWER):
        for aside in sorted(path.parent.glob(f"{prefix}-*.db"), reverse=True):
            target = aside.with_name(f"{aside.name}-wal")
            if not target.exists():
                journal.rename(target)
                return


def _exists(path: Path) -> bool:
    return any(path.with_name(path.name + suffix).exists() for suffix in _SUFFIXES)


def _rename(path: Path, target: Path) -> Path:
    for suffix in _SUFFIXES:
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(target.with_name(target.name + suffix))
    return target


def unread(directory: Path) -> list[Path]:
    """Return the files that were set aside and are not read to their end, the oldest first."""
    found = {one.name.removesuffix("-wal").removesuffix("-shm") for one in directory.glob(f"{UNREAD}-*.db*")}
    return [directory / name for name in sorted(found)]


def salvage(aside: Path, store: Store) -> Salvage:
    """Save what can be read of a file that was set aside; when it is done the file is ``damaged-...``.

    Raises sqlite3.Error for trouble with the new store, OSError for the old file.
    """
    if store.state.rescue == _last_name(aside):  # interrupted after everything but the renaming
        _rename(aside, aside.with_name(_last_name(aside)))
        return Salvage(0, 0, {})
    resumed = store.state.rescue == aside.name
    with Carver(aside) as carver:
        state, dictionaries, pages = carver.look()
        tail = behind(aside, carver.read) or Tail({}, {}, None)
        state = later(tail.state, state)
        dictionaries += [one for one in tail.dictionaries.values() if one not in dictionaries]
        streams: dict[int, str] = dict(state.streams) if state else {}
        begin_after = max([*streams, *store.state.streams, 0])
        if not (resumed and store.state.waiting):
            store.update(lambda now: _begin(now, aside.name, begin_after + 1))
        store.adopt_dictionaries(dictionaries)
        contents = {one.id: one.content for one in dictionaries}
        repack = any(store.dictionary(number) != content for number, content in contents.items())
        packer = Packer(contents.get)
        large = aside.exists() and _disk_bytes(aside) > store.bounds.bytes // SHARE
        hole = _Holes(aside) if large else None
        seen = RangeSet()
        saved = 0
        with contextlib.closing(hole) if hole else contextlib.nullcontext():
            behind_rows = [tail.rows[key] for key in sorted(tail.rows)]
            for numbers in [*_groups(pages, store.pages_at_once), []]:
                found = [row for number in numbers for row in carver.rows(number)] if numbers else behind_rows
                rows: list[Stored] = []
                for row in found:
                    generation = generation_of(row.key)
                    if generation not in streams:
                        _name_stream(streams, generation, packer, row)
                    if generation in streams and (row.dictionary <= 0 or row.dictionary in contents):
                        rows.append(row)
                        seen.add(row.key)
                saved += store.adopt(_repacked(rows, packer) if repack else rows)
                if hole:
                    for number in numbers:
                        if not carver.in_journal(number):
                            hole.punch((number - 1) * PAGE)
    if resumed:
        _add_saved_before(store, streams, seen)
    return _conclude(aside, store, state, streams, seen, saved)


def _groups(pages: Iterable[int], count: int) -> Iterator[list[int]]:
    """Cut the pages into what one transaction may take."""
    walk = iter(pages)
    while batch := list(itertools.islice(walk, count)):
        yield batch


def _repacked(rows: list[Stored], packer: Packer) -> list[Stored]:
    """Pack rows anew, for a store that has another dictionary under the same number."""
    plain = [row for row in map(packer.unpack, rows) if row is not None]
    return [packer.pack(row, alone=True) for row in plain]


def _name_stream(streams: dict[int, str], generation: int, packer: Packer, row: Stored) -> None:
    """Learn a stream's name from one of its reports."""
    report = packer.unpack(row)
    if report is not None:
        with contextlib.suppress(msgspec.MsgspecError):
            streams[generation] = _named_decoder.decode(report.payload).stream


def _last_name(aside: Path) -> str:
    return aside.name.replace(UNREAD, DAMAGED, 1)


def _add_saved_before(store: Store, streams: Iterable[int], seen: RangeSet) -> None:
    """Add what an interrupted rescue had saved, or dropped by a bound, of pages that were given back to the disk since."""
    for generation in streams:
        low, high = key_of(generation, 0), key_of(generation + 1, 0) - 1
        at = low
        while keys := store.keys(at, high, _KEYS):
            for key in keys:
                seen.add(key)
            at = keys[-1] + 1
        for first, last in store.lost(low, high, _KEYS):
            seen.add(first, last)


def _begin(state: State, rescue: str, generation: int) -> None:
    """Note which file is read, and, before anything has its number, make the new file's stream come behind those of the old one."""
    state.rescue = rescue
    if state.waiting:
        return
    name = state.streams.pop(state.current)
    state.current = generation
    state.streams[generation] = name


def _conclude(
    aside: Path, store: Store, old: State | None, streams: dict[int, str], seen: RangeSet, saved: int
) -> Salvage:
    """Bring the state in line, note what is gone, and give the old file its last name."""
    gone: dict[str, list[tuple[int, int]]] = {}
    missing = 0
    for generation, name in streams.items():
        low, high = key_of(generation, 0), key_of(generation + 1, 0) - 1
        own = [(max(first, low), min(last, high)) for first, last in seen if first <= high and last >= low]
        end = key_of(generation, old.next) - 1 if old and old.current == generation else (own[-1][1] if own else low)
        start = own[0][0] if own else low + 1
        holes = [hole for hole in seen.gaps(start, end) if hole[0] <= hole[1]] if start <= end else []
        missing += sum(last - first + 1 for first, last in holes)
        if holes:
            gone[name] = [(seq_of(first), seq_of(last)) for first, last in holes]
    dropped = max(0, old.waiting - len(seen)) if old else missing

    def change(state: State) -> None:
        fresh = state.streams.pop(state.current)
        state.current = max([state.current, *(generation + 1 for generation in streams)])
        state.streams = {**state.streams, **streams, state.current: fresh}
        state.totals.files_set_aside += 1
        if old:
            state.alive = old.alive
            state.totals.add(old.totals)
        state.totals.drop("damage", dropped, None)
        state.rescue = _last_name(aside)

    store.update(change)
    _rename(aside, aside.with_name(_last_name(aside)))
    return Salvage(saved, dropped, gone)


class _Holes:
    """Gives pages of a file back to the disk; does nothing where the file system cannot."""

    def __init__(self, path: Path) -> None:
        self._call = ctypes.CDLL(None, use_errno=True).fallocate
        self._call.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def punch(self, offset: int) -> None:
        """Give back one page."""
        self._call(self._descriptor, _PUNCH_HOLE, offset, PAGE)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def _disk_bytes(path: Path) -> int:
    """Return how many bytes a file has on disk, holes not counted."""
    return path.stat().st_blocks * 512


def tidy(directory: Path, bound: int) -> int:
    """Delete the oldest files that were set aside beyond what is kept; return how many. Raises OSError.

    ``bound``: the spool's bound in bytes. A latest file that is too large, for a file system without holes, is cut.
    """
    kept = sorted(directory.glob(f"{DAMAGED}-*.db"), key=lambda one: (one.stat().st_mtime_ns, one.name), reverse=True)
    room = bound // SHARE
    deleted = 0
    for index, path in enumerate(kept):
        files = [one for one in (path.with_name(path.name + suffix) for suffix in _SUFFIXES) if one.exists()]
        size = sum(_disk_bytes(one) for one in files)
        if index and (index >= MAX_KEPT or size > room):
            for one in files:
                one.unlink()
            deleted += 1
            continue
        if size > room:
            os.truncate(path, room)
        room -= min(room, size)
    return deleted


def other_bytes(directory: Path) -> int:
    """Return the bytes on disk of everything in the spool's directory but the spool's own file and journal."""
    total = 0
    for folder, folders, names in os.walk(directory):
        for name in (*names, *folders):
            if not name.startswith(FILE):
                with contextlib.suppress(OSError):
                    total += os.lstat(os.path.join(folder, name)).st_blocks * 512  # noqa: PTH118 - of os.walk
    return total
