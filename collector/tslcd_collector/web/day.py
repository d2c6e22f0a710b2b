"""The last day of every channel, in points of five minutes: what the charts of its page are drawn from. Pure.

Invariants:

* Reports in any order, some of them twice, end in the same points: of the counters the newest reading of a slot counts, of
  the probe one round in every ten seconds. So what comes late fills the holes of the charts.
* A rate is the difference of two readings by the time between them: no reading is made up, and a counter that went backwards,
  or that nobody read for more than MAX_APART slots, is a hole.
* Memory is bounded: SLOTS slots of 36 bytes a channel, 10 kB, from its first reading on.
* What was read of another interface is never mixed in: a channel that is bound anew begins anew.
"""

from __future__ import annotations

import zlib
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from tslcd_wire.catalogue import INTERFACE, PROBE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tslcd_collector.inventory import Binding, Channel, Inventory
    from tslcd_wire.report import Report, Table

#: Length of a slot, seconds, and how many are kept: a day.
SLOT: Final = 300
SLOTS: Final = 288
#: Rounds of a probe in one slot that are told apart: one in ten seconds.
_ROUND: Final = 10.0
#: Two readings of a counter further apart, in slots, are no rate.
MAX_APART: Final = 3
#: A report further ahead of us than this tells nothing; seconds.
_MAX_FUTURE: Final = 60.0
_NONE: Final = 2**64 - 1


class Point(NamedTuple):
    """Five minutes from ``at`` (UTC seconds) on: bits per second, share of packets lost, seconds; None where nothing is known."""

    at: float
    receive: float | None
    transmit: float | None
    loss: float | None
    rtt: float | None
    jitter: float | None


class Slot(msgspec.Struct, frozen=True, array_like=True):
    """One slot of one channel, as it is written down. ``bound``: what the channel was bound to, as a checksum.

    ``offset``: time of the newest reading within the slot, tenths of a second from 1 on, 0 for none. ``rounds``: a bit for every ten seconds
    with a round of the probe; ``loss``, ``rtt``, ``jitter`` are sums over them, the latter two over ``answered`` and ``jittered``.
    """

    bound: int
    offset: int
    received: int
    sent: int
    rounds: int
    loss: float
    rtt: float
    answered: int
    jitter: float
    jittered: int


@dataclass(slots=True)
class _Ring:
    """The slots of one channel: number ``n`` stands at ``n % SLOTS``, those up to ``newest`` count."""

    bound: int
    newest: int
    offset: array[int]
    received: array[int]
    sent: array[int]
    rounds: array[int]
    loss: array[float]
    rtt: array[float]
    answered: array[int]
    jitter: array[float]
    jittered: array[int]

    @classmethod
    def empty(cls, bound: int, newest: int) -> _Ring:
        """Make a ring without any reading."""

        def counts(code: str) -> array[int]:
            return array(code, bytes(SLOTS * array(code).itemsize))

        def sums() -> array[float]:
            return array("f", bytes(SLOTS * 4))

        return cls(
            bound,
            newest,
            counts("H"),
            counts("Q"),
            counts("Q"),
            counts("I"),
            sums(),
            sums(),
            counts("B"),
            sums(),
            counts("B"),
        )

    def place(self, number: int) -> int | None:
        """Return where slot ``number`` stands, None when it is over; what it pushes out is emptied."""
        if number <= self.newest - SLOTS:
            return None
        for gone in range(max(self.newest + 1, number - SLOTS + 1), number + 1):
            self._put(gone % SLOTS, Slot(self.bound, 0, 0, 0, 0, 0.0, 0.0, 0, 0.0, 0))
        self.newest = max(self.newest, number)
        return number % SLOTS

    def slot(self, number: int) -> Slot | None:
        """Return one slot, None when there is nothing in it."""
        at = number % SLOTS
        if not self.newest - SLOTS < number <= self.newest or not (self.offset[at] or self.rounds[at]):
            return None
        return Slot(
            self.bound,
            self.offset[at],
            self.received[at],
            self.sent[at],
            self.rounds[at],
            self.loss[at],
            self.rtt[at],
            self.answered[at],
            self.jitter[at],
            self.jittered[at],
        )

    def restore(self, number: int, slot: Slot) -> None:
        """Take up one slot."""
        at = self.place(number)
        if at is not None:
            self._put(at, slot)

    def _put(self, at: int, slot: Slot) -> None:
        self.offset[at], self.received[at], self.sent[at] = slot.offset, slot.received, slot.sent
        self.rounds[at], self.loss[at], self.rtt[at] = slot.rounds, slot.loss, slot.rtt
        self.answered[at], self.jitter[at], self.jittered[at] = slot.answered, slot.jitter, slot.jittered


class Day:
    """The last day of the channels of the inventory in use."""

    def __init__(self) -> None:
        """Start without channels."""
        self._inventory: Inventory | None = None
        self._rings: dict[str, _Ring] = {}
        self._dirty: set[int] = set()

    def set_inventory(self, inventory: Inventory) -> None:
        """Keep these channels from now on; what is bound to something else begins anew."""
        self._inventory = inventory
        self._rings = {
            channel: ring
            for channel, ring in self._rings.items()
            if channel in inventory.channels and ring.bound == _bound(inventory.channels[channel].binding)
        }

    def note(self, report: Report, at: float, received: float) -> None:
        """Take what ``report``, measured at ``at`` (corrected) and come at ``received``, tells about channels; UTC seconds."""
        if self._inventory is None or at > received + _MAX_FUTURE:
            return
        if report.device:
            table = report.tables.get(INTERFACE.name)
            for channel in self._inventory.channels_by_device.get((report.agent, report.device), ()) if table else ():
                if table is not None and channel.binding is not None:
                    self._count(channel, table, channel.binding.interface, at)
            return
        table = report.tables.get(PROBE.name)
        for channel in self._inventory.channels_by_agent.get(report.agent, ()) if table else ():
            if table is not None and channel.binding is not None and channel.binding.probes:
                self._round(channel, table, channel.binding.probes[0], at)

    def points(self, channel: str, now: float) -> list[Point]:
        """Return the last day of a channel up to the slot of ``now``, oldest first; SLOTS points, also where nothing is known."""
        last = int(now // SLOT)
        ring = self._rings.get(channel)
        return [_point(ring, number) for number in range(last - SLOTS + 1, last + 1)]

    def take_dirty(self, most: int = SLOTS) -> dict[int, bytes]:
        """Return at most so many slots that changed and were not handed out since, by number, as bytes for :meth:`restore`.

        The newest ones first: the rest is handed out with the next call.
        """
        dirty = sorted(self._dirty)[-most:]
        self._dirty.difference_update(dirty)
        encode = msgspec.msgpack.Encoder().encode
        return {
            number: encode(
                {name: slot for name, ring in self._rings.items() if (slot := ring.slot(number)) is not None}
            )
            for number in dirty
        }

    def put_back(self, numbers: Iterable[int]) -> None:
        """Take back what could not be written: it is handed out again."""
        self._dirty.update(numbers)

    def restore(self, slots: Iterable[tuple[int, bytes]]) -> None:
        """Take up slots that were written down, after :meth:`set_inventory`. Raises msgspec.DecodeError for other bytes."""
        if self._inventory is None:
            return
        decoder = msgspec.msgpack.Decoder(dict[str, Slot])
        for number, raw in slots:
            for name, slot in decoder.decode(raw).items():
                channel = self._inventory.channels.get(name)
                if channel is not None and slot.bound == _bound(channel.binding):
                    self._ring(channel, number).restore(number, slot)

    def _ring(self, channel: Channel, number: int) -> _Ring:
        ring = self._rings.get(channel.id)
        if ring is None:
            ring = self._rings[channel.id] = _Ring.empty(_bound(channel.binding), number)
        return ring

    def _count(self, channel: Channel, table: Table, interface: str | None, at: float) -> None:
        if interface is None or interface not in table["key"]:
            return
        row = table["key"].index(interface)
        received, sent = (_cell(table, column, row) for column in ("receive_bytes_total", "transmit_bytes_total"))
        if received is None and sent is None:
            return
        number = int(at // SLOT)
        offset = 1 + int((at - number * SLOT) * 10)
        ring = self._ring(channel, number)
        place = ring.place(number)
        if place is None or ring.offset[place] >= offset:
            return
        ring.offset[place] = offset
        ring.received[place] = _counter(received)
        ring.sent[place] = _counter(sent)
        self._dirty.add(number)

    def _round(self, channel: Channel, table: Table, probe: str, at: float) -> None:
        if probe not in table["key"]:
            return
        row = table["key"].index(probe)
        loss = _cell(table, "loss_ratio", row)
        if loss is None:
            return
        number = int(at // SLOT)
        bit = 1 << int((at - number * SLOT) / _ROUND)
        ring = self._ring(channel, number)
        place = ring.place(number)
        if place is None or ring.rounds[place] & bit:
            return
        ring.rounds[place] |= bit
        ring.loss[place] += loss
        rtt, jitter = (_cell(table, column, row) for column in ("rtt_seconds", "jitter_seconds"))
        if rtt is not None:
            ring.rtt[place] += rtt
            ring.answered[place] += 1
        if jitter is not None:
            ring.jitter[place] += jitter
            ring.jittered[place] += 1
        self._dirty.add(number)


def _point(ring: _Ring | None, number: int) -> Point:
    slot = ring.slot(number) if ring is not None else None
    if ring is None or slot is None:
        return Point(number * SLOT, None, None, None, None, None)
    earlier: Slot | None = None
    apart = 0
    while slot.offset and apart < MAX_APART and (earlier is None or not earlier.offset):
        apart += 1
        earlier = ring.slot(number - apart)
    receive = transmit = None
    if earlier is not None and earlier.offset:
        seconds = apart * SLOT + (slot.offset - earlier.offset) / 10
        receive = _rate(earlier.received, slot.received, seconds)
        transmit = _rate(earlier.sent, slot.sent, seconds)
    rounds = slot.rounds.bit_count()
    return Point(
        number * SLOT,
        receive,
        transmit,
        slot.loss / rounds if rounds else None,
        slot.rtt / slot.answered if slot.answered else None,
        slot.jitter / slot.jittered if slot.jittered else None,
    )


def _rate(before: int, after: int, seconds: float) -> float | None:
    """Bits per second between two readings in bytes, None when one is missing or the counter began anew."""
    return None if _NONE in (before, after) or after < before else (after - before) * 8 / seconds


def _bound(binding: Binding | None) -> int:
    """Tell bindings apart by what is counted and probed."""
    if binding is None:
        return 0
    probe = binding.probes[0] if binding.probes else ""
    return zlib.crc32(f"{binding.agent}\n{binding.device}\n{binding.interface}\n{probe}".encode())


def _counter(value: Any) -> int:
    return _NONE if value is None else min(int(value), _NONE - 1)


def _cell(table: Table, column: str, row: int) -> Any:
    cells = table.get(column)
    return cells[row] if cells is not None else None
