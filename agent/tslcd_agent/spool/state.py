"""What the spool remembers besides its reports, as one small document that is rewritten in every transaction.

Invariants: the document's size does not grow with what waits or what was dropped; it tells of every report that was ever made
whether it waits, was confirmed, or was dropped, and for which cause and of which class. Which numbers are gone stands in a
table of the file.

Keys order reports by age across streams: ``generation << 40 | seq``. A generation is the ordinal of a stream within a spool;
a new stream (after damage, or while the disk fails) is a new generation, and reports of older ones keep their own names.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal, TypeAlias

import msgspec

SEQ_BITS: Final = 40
MAX_SEQ: Final = (1 << SEQ_BITS) - 1
#: Wall times before 2020 come from a box whose clock was not set yet.
EARLIEST_TRUE_TIME: Final = 1_577_836_800.0

StartReason: TypeAlias = Literal["first-start", "clean-restart", "process-crash", "power-or-reboot"]
#: Why a report may be dropped: the spool's bounds, a damaged row or file, the bound of memory while the disk fails.
DropCause: TypeAlias = Literal["size", "age", "damage", "memory"]


class Worth(IntEnum):
    """What a report is worth when room must be made: the lowest goes first, the oldest first within a class.

    ``ALIVE``: heartbeats, and what tells of power. ``EVENT``: reports with events, that is links that changed.
    """

    MEASURED = 0
    ALIVE = 1
    EVENT = 2


def key_of(generation: int, seq: int) -> int:
    """Return the key of a report."""
    return generation << SEQ_BITS | seq


def generation_of(key: int) -> int:
    """Return the ordinal of the stream that a key belongs to."""
    return key >> SEQ_BITS


def seq_of(key: int) -> int:
    """Return the sequence number within a key."""
    return key & MAX_SEQ


def new_stream() -> str:
    """Return a random name for a stream: 8 hexadecimal digits."""
    return secrets.token_hex(4)


class Totals(msgspec.Struct, forbid_unknown_fields=True):
    """Counters over the life of the spool: reports made, confirmed, dropped by cause, and files set aside.

    ``files_deleted``: files that had been set aside and had to go, for there may be three. ``classes``: what was dropped by
    cause and class, for example ``size/measured``; it says no more than the counters by cause, in more detail.
    """

    made: int = 0
    confirmed: int = 0
    dropped_size: int = 0
    dropped_age: int = 0
    dropped_damage: int = 0
    dropped_memory: int = 0
    files_set_aside: int = 0
    files_deleted: int = 0
    classes: dict[str, int] = {}

    @property
    def dropped(self) -> int:
        """Reports dropped for any cause."""
        return self.dropped_size + self.dropped_age + self.dropped_damage + self.dropped_memory

    def drop(self, cause: DropCause, count: int = 1, worth: Worth | None = Worth.MEASURED) -> None:
        """Count drops. ``worth`` is None where nobody can tell."""
        name = f"dropped_{cause}"
        setattr(self, name, getattr(self, name) + count)
        if count:
            name = f"{cause}/{'unknown' if worth is None else worth.name.lower()}"
            self.classes = {**self.classes, name: self.classes.get(name, 0) + count}

    def add(self, other: Totals) -> None:
        """Add what was counted elsewhere."""
        for name in self.__struct_fields__:
            if name != "classes":
                setattr(self, name, getattr(self, name) + getattr(other, name))
        names = {**self.classes, **other.classes}
        self.classes = {name: self.classes.get(name, 0) + other.classes.get(name, 0) for name in names}


class Alive(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The last sign of life: wall time (UTC seconds), boot id, CLOCK_BOOTTIME (seconds), and whether it was a goodbye."""

    at: float
    boot: str
    mono: float
    clean: bool = False


class State(msgspec.Struct, forbid_unknown_fields=True):
    """The document. ``next`` is the number that the next report of the current stream gets; ``waiting`` counts rows.

    ``kept``: bytes of the rows that are worth more than a measurement. ``settled``: the journal was merged into the file when
    it was closed, so that the file without its journal is whole. ``renewing``: the stream whose reports are being given new
    numbers, 0 for none. ``rescue``: the last name of the damaged file that was read whole, or the first name of the one that
    is being read. ``identity``: the file's own, which its header has too; 0 in
    a file of version 1.
    """

    current: int
    streams: dict[int, str]
    next: int = 1
    waiting: int = 0
    totals: Totals = msgspec.field(default_factory=Totals)
    alive: Alive | None = None
    kept: int = 0
    settled: bool = True
    renewing: int = 0
    identity: int = 0
    rescue: str = ""

    @property
    def stream(self) -> str:
        """Name of the current stream."""
        return self.streams[self.current]

    def copy(self) -> State:
        """Return an independent copy, to be changed within a transaction."""
        return msgspec.structs.replace(self, streams=dict(self.streams), totals=msgspec.structs.replace(self.totals))


def fresh_state() -> State:
    """Return the state of a spool that never held anything."""
    return State(current=1, streams={1: new_stream()}, identity=secrets.randbelow(2**31 - 1) + 1)


def start_reason(alive: Alive | None, boot: str) -> StartReason:
    """Tell from the last sign of life why the agent starts now, in the kernel's boot ``boot``."""
    if alive is None:
        return "first-start"
    if alive.clean:
        return "clean-restart"
    return "process-crash" if alive.boot == boot else "power-or-reboot"


@dataclass(frozen=True, slots=True)
class Now:
    """The time as a box without a real-time clock has it: wall (UTC seconds, may be wrong), boot id, CLOCK_BOOTTIME."""

    at: float
    boot: str
    mono: float

    def age(self, at: float, boot: str, mono: float) -> float | None:
        """Return how many seconds ago something was measured; None when no clock that was right can tell.

        Within one boot CLOCK_BOOTTIME tells, and a wrong or stepping wall clock cannot make anything old.
        """
        if boot == self.boot:
            return max(0.0, self.mono - mono)
        if at < EARLIEST_TRUE_TIME or self.at < EARLIEST_TRUE_TIME:
            return None
        return max(0.0, self.at - at)


@dataclass(frozen=True, slots=True)
class Row:
    """A report as it waits: its key, its times, and the bytes that are sent."""

    key: int
    at: float
    boot: str
    mono: float
    payload: bytes
    worth: Worth = Worth.MEASURED


@dataclass(frozen=True, slots=True)
class Statistics:
    """The spool at one time. ``oldest``, ``newest``: of the current stream, as in the wire's Status. ``bytes``: in use on disk.

    ``lost``: closed ranges of numbers of the current stream that are not below ``oldest``, were never confirmed and can never
    be sent, ascending; the lowest 256, as many as the wire takes. More follow as the collector's mark passes these.

    ``oldest_age``: seconds since the oldest waiting report of any stream was measured, None when empty or not known.
    ``memory``: how many reports wait in memory only, since the disk fails.
    """

    stream: str
    oldest: int
    newest: int
    waiting: int
    bytes: int
    limit: int
    oldest_age: float | None
    memory: int
    totals: Totals
    failing: str
    lost: tuple[tuple[int, int], ...] = ()
