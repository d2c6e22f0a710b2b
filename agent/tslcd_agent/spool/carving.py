"""Reading rows out of a database file without the database: page by page, whatever is damaged around them.

Invariants:

* Only rows whose checksum holds are found, so nothing is ever invented, whatever the bytes.
* A row is found as long as its own bytes are whole: damage to the tree above it, to its page's head or to its neighbours
  hides nothing. Pages that do not parse are searched for whatever may be the beginning of a row.
* The journal counts: a page in it replaces that of the file, up to its last whole transaction. That of another spool does not,
  though SQLite would take it.
* Memory does not grow with the file, but for 16 bytes a page.

The format: sqlite.org/fileformat2.html, sections 1.3 (header), 1.5 (free list), 1.6 (b-tree pages), 2.1 (records), 4 (journal).

The reason for its length: one file format, read in one place.
"""

from __future__ import annotations

import contextlib
import re
import struct
from array import array
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeAlias

from tslcd_agent.spool.packing import VERSION_1, Dictionary, Stored, is_sound
from tslcd_agent.spool.schema import JOURNAL, PAGE, DamagedError, decode_state
from tslcd_agent.spool.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

_LEAF: Final = 13
#: First bytes of pages that have no rows: overflow, and the pages of indexes; no single bit makes one of a leaf's 13.
_NO_ROWS: Final = (0, 2, 10)
_MAX_LOCAL: Final = PAGE - 35
_MIN_LOCAL: Final = (PAGE - 12) * 32 // 255 - 23
_JOURNAL_HEAD: Final = 32
_FRAME_HEAD: Final = 24
_FRAME: Final = _FRAME_HEAD + PAGE
_MAX_RECORD: Final = 2 * 2**20
#: Where a file's header has its identity (application_id), and the first pages, among which is that of the state document.
_IDENTITY: Final = slice(68, 72)
_FIRST_PAGES: Final = range(1, 9)
#: Pages searched so, at most: a millisecond each.
_MAX_SEARCHED: Final = 4096
_REPORT_COLUMNS: Final = (6, 8)
_DICTIONARY_COLUMNS: Final = 5
_STATE_COLUMNS: Final = 2
_MAX_VARINT: Final = 9
#: Where a cell may begin: the record's length and the row's number, then the length of the record's head and the NULL of its
#: first column.
_BEGINNING: Final = re.compile(
    rb"(?=[\x80-\xff]{0,2}[\x00-\x7f](?:[\x80-\xff]{0,7}[\x00-\x7f]|[\x80-\xff]{8}.)[\x02-\x40]\x00)", re.DOTALL
)

Found: TypeAlias = Stored | Dictionary | State


class Carved(NamedTuple):
    """What was found besides rows. ``pages``: numbers of the pages with rows, those with the lowest keys first."""

    state: State | None
    dictionaries: list[Dictionary]
    pages: array[int]


class Carver:
    """An open file, and the journal beside it. A context manager. Raises OSError."""

    def __init__(self, path: Path) -> None:
        """Open what is there."""
        self._stack = contextlib.ExitStack()
        self._file: BinaryIO | None = self._opened(path)
        self._journal = self._opened(path.with_name(path.name + JOURNAL))
        self._size = path.stat().st_size if self._file else 0
        self._frames: dict[int, int] = {}
        #: How many frames of the journal count.
        self.read = 0
        if self._journal:
            self._frames, self.read = _frames(self._journal)
        self._searched = 0
        #: Whether the journal is another spool's.
        self.foreign = self._is_foreign()
        if self.foreign:
            self._frames, self.read = {}, 0

    def _is_foreign(self) -> bool:
        """Compare who the file and the journal say they are, each in two places, one of which may be damaged."""
        theirs = self._identities(number for number in self._frames if number in _FIRST_PAGES)
        if not theirs:
            return False
        frames, self._frames = self._frames, {}
        ours = self._identities(_FIRST_PAGES)
        self._frames = frames
        return bool(ours) and not ours & theirs

    def _identities(self, numbers: Iterable[int]) -> set[int]:
        found = set()
        for number in numbers:
            page = self.page(number)
            if number == 1:
                found.add(int.from_bytes(page[_IDENTITY]))
            elif page[:1] == _LEAF.to_bytes():
                found |= {one.identity for one in self.found(page, self.page) if isinstance(one, State)}
        return found - {0}

    def _opened(self, path: Path) -> BinaryIO | None:
        return self._stack.enter_context(path.open("rb")) if path.exists() else None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self._stack.close()

    def page(self, number: int) -> bytes:
        """Return a page as it is after the journal's transactions; empty when there is none, short at the end of a cut file."""
        if number in self._frames and self._journal is not None:
            self._journal.seek(self._frames[number])
            return self._journal.read(PAGE)
        if self._file is None or number < 1:
            return b""
        self._file.seek((number - 1) * PAGE)
        return self._file.read(PAGE)

    def in_journal(self, number: int) -> bool:
        """Whether the journal has this page."""
        return number in self._frames

    def look(self) -> Carved:
        """Look through the whole file once."""
        free = self._free()
        order: list[int] = []
        states: list[State] = []
        dictionaries: dict[int, Dictionary] = {}
        for number in range(1, max(-(-self._size // PAGE), *self._frames, 0) + 1):
            if number in free:
                continue
            lowest: int | None = None
            for one in self.found(self.page(number), self.page, first_report_only=True):
                match one:
                    case Stored():
                        lowest = one.key if lowest is None else min(lowest, one.key)
                    case Dictionary():
                        dictionaries[one.id] = one
                    case State():
                        states.append(one)
            if lowest is not None:
                order.append(lowest << 32 | number)
        order.sort()
        state = max(states, key=_age, default=None)
        found = [dictionaries[number] for number in sorted(dictionaries)]
        return Carved(state, found, array("L", (one & 0xFFFFFFFF for one in order)))

    def rows(self, number: int) -> list[Stored]:
        """Return the sound rows of a page, ascending."""
        found = {one.key: one for one in self.found(self.page(number), self.page) if isinstance(one, Stored)}
        return [found[key] for key in sorted(found)]

    def _free(self) -> set[int]:
        """Return the numbers of free pages: what they hold was deleted. Empty when the list is damaged."""
        head = self.page(1)
        if len(head) < PAGE or not head.startswith(b"SQLite format 3\0"):
            return set()
        trunk, count = struct.unpack_from(">II", head, 32)
        free: set[int] = set()
        while trunk and trunk not in free:
            page = self.page(trunk)
            if len(page) < PAGE:
                return set()
            following, leaves = struct.unpack_from(">II", page)
            if leaves > PAGE // 4 - 2:
                return set()
            free.add(trunk)
            free.update(struct.unpack_from(f">{leaves}I", page, 8))
            trunk = following
        return free if len(free) == count else set()

    def found(self, page: bytes, read: Callable[[int], bytes], *, first_report_only: bool = False) -> Iterator[Found]:
        """Yield what a page holds. ``read`` returns the pages on which long rows go on.

        ``first_report_only``: of reports only one, when the page looks sound.
        """
        if not page or page[0] in _NO_ROWS:
            return
        head = 100 if page.startswith(b"SQLite format 3\0") else 0
        sound = len(page) == PAGE and page[head] == _LEAF
        if sound:
            count = int.from_bytes(page[head + 3 : head + 5])
            last = head + 8 + 2 * count
            sound = last <= PAGE
            for at in struct.unpack_from(f">{count}H", page, head + 8) if sound else ():
                one = _cell(page, at, read)
                if one is None:
                    sound = sound and _is_other(page, at)
                    continue
                yield one
                if first_report_only and isinstance(one, Stored):
                    return
        if not sound and head == 0 and self._searched < _MAX_SEARCHED:
            self._searched += 1
            for beginning in _BEGINNING.finditer(page):
                one = _cell(page, beginning.start(), read)
                if one is not None:
                    yield one


def _is_other(page: bytes, at: int) -> bool:
    """Whether a cell is a whole one of a table that nothing is saved of: a range of lost numbers."""
    try:
        _, at = _varint(page, at)
        _, at = _varint(page, at)
        size, _ = _varint(page, at)
    except IndexError:
        return False
    return size == 3  # noqa: PLR2004 - the head of a record of two numbers


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of 1 to 9 bytes; return it and what comes behind. Raises IndexError."""
    if (value := data[at]) < 0x80:  # noqa: PLR2004 - as below; nearly all are of one byte
        return value, at + 1
    value = 0
    for count in range(_MAX_VARINT):
        byte = data[at + count]
        if count == _MAX_VARINT - 1:
            return value << 8 | byte, at + _MAX_VARINT
        value = value << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004 - the sign of another byte
            return value, at + count + 1
    raise IndexError(at)


def _cell(page: bytes, at: int, read: Callable[[int], bytes]) -> Found | None:
    """Read what begins at an offset of a leaf page; None when it is nothing that we wrote."""
    try:
        size, at = _varint(page, at)
        rowid, at = _varint(page, at)
        if not 8 <= size <= _MAX_RECORD or not page[at] or page[at + 1]:  # noqa: PLR2004 - shorter than any of ours
            return None  # the first column of all our tables is the row's number, which stands as NULL
        local = size
        if size > _MAX_LOCAL:
            local = _MIN_LOCAL + (size - _MIN_LOCAL) % (PAGE - 4)
            local = local if local <= _MAX_LOCAL else _MIN_LOCAL
        record = page[at : at + local]
        if len(record) < local:
            return None
        if local < size:
            record = _joined(record, size, int.from_bytes(page[at + local : at + local + 4]), read)
        values = _values(record)
        return _typed(rowid, values) if values else None
    except (IndexError, struct.error, UnicodeError, OverflowError):
        return None


def _joined(record: bytes, size: int, number: int, read: Callable[[int], bytes]) -> bytes:
    """Add what lies on other pages. Raises IndexError when the chain is broken."""
    parts, length = [record], len(record)
    while length < size:
        page = read(number)
        if len(page) < PAGE:
            raise IndexError(number)
        parts.append(page[4:])
        length += PAGE - 4
        number = int.from_bytes(page[:4])
    return b"".join(parts)[:size]


_WIDTHS: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_REAL: Final = 7
_TEXT: Final = 13


def _values(record: bytes) -> list[Any] | None:
    """Decode a record; None when its sizes do not add up. Raises IndexError, UnicodeError."""
    head, at = _varint(record, 0)
    if not 2 <= head <= 64:  # noqa: PLR2004 - eight columns need no more
        return None
    kinds = list(record[at:head])
    if max(kinds, default=0) >= 0x80:  # noqa: PLR2004 - a number of more than one byte among them
        kinds.clear()
        while at < head:
            kind, at = _varint(record, at)
            kinds.append(kind)
    else:
        at = head
    if at != head or not kinds or len(kinds) > max(_REPORT_COLUMNS):
        return None
    values: list[Any] = []
    for kind in kinds:
        if kind in {0, 8, 9}:
            values.append(None if kind == 0 else kind - 8)
            continue
        if kind in {10, 11}:
            return None
        width = 8 if kind == _REAL else _WIDTHS.get(kind) or (kind - 12) // 2
        data = record[at : at + width]
        at += width
        if len(data) < width:
            return None
        if kind in _WIDTHS:
            values.append(int.from_bytes(data, signed=True))
        elif kind == _REAL:
            values.append(struct.unpack(">d", data)[0])
        else:
            values.append(data.decode() if kind % 2 else data)
    return values if at == len(record) else None


def _typed(rowid: int, values: list[Any]) -> Found | None:
    """Make of a record what it is; None when it is nothing of ours, or its checksum fails."""
    match len(values):
        case 6 | 8:
            _, at, boot, mono, *rest = values
            # SQLite keeps a whole number in few bytes, also in a column of floats
            times = [float(one) if isinstance(one, int) else one for one in (at, mono)]
            raw = (
                rowid,
                times[0],
                boot,
                times[1],
                *rest,
                *((0, VERSION_1) if len(values) == min(_REPORT_COLUMNS) else ()),
            )
            return Stored(*raw) if is_sound(raw) else None
        case 5:
            _, made, first, checksum, content = values
            if isinstance(made, int) and isinstance(first, int) and isinstance(content, bytes):
                dictionary = Dictionary(rowid, made, first, content)
                return dictionary if dictionary.checksum == checksum else None
        case 2 if rowid == 1 and isinstance(values[1], str):
            with contextlib.suppress(DamagedError):
                return decode_state(values[1])
    return None


def _frames(journal: BinaryIO) -> tuple[dict[int, int], int]:
    """Return where the whole transactions of a journal have each page, and of how many frames they are.

    As SQLite reads it: up to the first bad sum.
    """
    head = journal.read(_JOURNAL_HEAD)
    if len(head) < _JOURNAL_HEAD or int.from_bytes(head[:4]) >> 1 != 0x377F0682 >> 1:
        return {}, 0
    order = ">" if head[3] & 1 else "<"
    sums = _sum(head[:24], (0, 0), order)
    if sums != struct.unpack(">II", head[24:]):
        return {}, 0
    count = read = 0
    whole: dict[int, int] = {}
    pending: dict[int, int] = {}
    at = _JOURNAL_HEAD
    while len(frame := journal.read(_FRAME)) == _FRAME and frame[8:16] == head[16:24]:
        sums = _sum(frame[:8] + frame[_FRAME_HEAD:], sums, order)
        if sums != struct.unpack_from(">II", frame, 16):
            break
        number, pages = struct.unpack_from(">II", frame)
        pending[number] = at + _FRAME_HEAD
        count += 1
        if pages:
            read = count
            whole.update(pending)
            pending.clear()
        at += _FRAME
    return whole, read


def _sum(data: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    """Go on with a checksum of the journal (section 4.2)."""
    first, second = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = first + even + second & 0xFFFFFFFF
        second = second + odd + first & 0xFFFFFFFF
    return first, second


def journal_frames(path: Path) -> int:
    """Return how many frames fit into the journal of a database file; 0 when there is none."""
    journal = path.with_name(path.name + JOURNAL)
    return max(0, journal.stat().st_size - _JOURNAL_HEAD) // _FRAME if journal.exists() else 0


def is_foreign(path: Path) -> bool:
    """Whether the journal beside a database file is another spool's. Raises OSError."""
    if not journal_frames(path) or _same_header(path):
        return False
    with Carver(path) as carver:
        return carver.foreign


def _same_header(path: Path) -> bool:
    """Whether every first page in a journal, of which there is one at least, has the identity of the file; no sum is checked."""
    with path.open("rb") as file, path.with_name(path.name + JOURNAL).open("rb") as journal:
        ours = file.read(_IDENTITY.stop)[_IDENTITY]
        found = set()
        for at in range(_JOURNAL_HEAD, journal.seek(0, 2) - _FRAME_HEAD, _FRAME):
            journal.seek(at)
            head = journal.read(_FRAME_HEAD + _IDENTITY.stop)
            if head[:4] == b"\0\0\0\1":
                found.add(head[_FRAME_HEAD:][_IDENTITY])
    return found == {ours} and any(ours)


class Tail(NamedTuple):
    """What stands in a journal behind the place up to which it is read: rows by key, dictionaries, the latest state."""

    rows: dict[int, Stored]
    dictionaries: dict[int, Dictionary]
    state: State | None


def behind(path: Path, read: int) -> Tail | None:
    """Return what is whole in frames of the journal behind the first ``read`` ones; None when none is of its series.

    Frames of an earlier series are left over: SQLite writes a journal again from its beginning.
    """
    if not journal_frames(path):
        return None
    with path.with_name(path.name + JOURNAL).open("rb") as journal, Carver(path) as carver:
        places, latest = _places(journal, read)
        if not places or carver.foreign:
            return None

        def page(number: int) -> bytes:
            if number not in latest:
                return carver.page(number)
            journal.seek(latest[number])
            return journal.read(PAGE)

        tail = Tail({}, {}, None)
        for at in places:
            journal.seek(at)
            for one in carver.found(journal.read(PAGE), page):
                match one:
                    case Stored():
                        tail.rows[one.key] = one
                    case Dictionary():
                        tail.dictionaries[one.id] = one
                    case State():
                        if later(one, tail.state) is one:
                            tail = tail._replace(state=one)
    return tail


def _places(journal: BinaryIO, read: int) -> tuple[list[int], dict[int, int]]:
    """Return where the pages of frames behind the first ``read`` lie, and the last place of each page."""
    size = journal.seek(0, 2)
    journal.seek(0)
    series = journal.read(_JOURNAL_HEAD)[16:24]
    places: list[int] = []
    latest: dict[int, int] = {}
    for at in range(_JOURNAL_HEAD + read * _FRAME, size - _FRAME_HEAD, _FRAME):
        journal.seek(at)
        head = journal.read(_FRAME_HEAD)
        if not read or head[8:16] == series:
            places.append(at + _FRAME_HEAD)
            latest[int.from_bytes(head[:4])] = at + _FRAME_HEAD
    return places, latest


def later(one: State | None, other: State | None) -> State | None:
    """Return the later of two states; the second when they are as old."""
    if one is None or other is None:
        return one or other
    return one if _age(one) > _age(other) else other


def _age(state: State) -> tuple[int, int, int]:
    return state.totals.made, state.totals.confirmed, state.totals.dropped
