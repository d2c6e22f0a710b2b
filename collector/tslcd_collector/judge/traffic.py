"""From readings of an interface's counters to what went over it in the last minutes. Pure.

Invariants:

* One reading a BUCKET of time is kept, the newest in it: however often a device is polled, the memory is bounded, and readings in
  any order end in the same.
* A sum is made over an unbroken run: no gap longer than evidence counts, no counter that went back.
* A run that is too short says nothing. Until it is long enough, after a restart of the device or of the collector, what was
  told before holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Seconds of which one reading is kept.
BUCKET: Final = 30.0
#: Readings are kept for so much longer than traffic is judged over, seconds.
MARGIN: Final = 120.0
_BAD: Final = (
    "receive_errors_total",
    "transmit_errors_total",
    "receive_discards_total",
    "transmit_discards_total",
)
_PACKETS: Final = ("receive_unicast_packets_total", "transmit_unicast_packets_total")


class CounterReading(NamedTuple):
    """Counters of an interface at ``at`` (measured, UTC seconds); None where the device does not tell.

    ``packets``: unicast, both directions; ``bad``: errors and discards, both directions. ``absence``: seconds that the collector was
    away since; they age nothing.
    """

    at: float
    receive_bytes: int | None
    transmit_bytes: int | None
    packets: int | None
    bad: int | None
    absence: float = 0.0


@dataclass(frozen=True, slots=True)
class TrafficReading:
    """What went over an interface in the ``span`` seconds (0: too short to say) before ``at``, bits per second and packets."""

    at: float
    span: float = 0.0
    receive_bits: float | None = None
    transmit_bits: float | None = None
    packets: int | None = None
    bad: int | None = None


def counters(table: Mapping[str, Sequence[Any]], row: int, at: float, absence: float = 0.0) -> CounterReading:
    """Read the counters in one row of an interface table."""
    return CounterReading(
        at,
        _cell(table, "receive_bytes_total", row),
        _cell(table, "transmit_bytes_total", row),
        _total(table, _PACKETS, row),
        _total(table, _BAD, row),
        absence,
    )


def kept(known: tuple[CounterReading, ...], new: CounterReading, over: float) -> tuple[CounterReading, ...]:
    """Return the readings to keep, oldest first, once ``new`` came; ``over``: seconds that traffic is judged over."""
    if known and new.at > known[-1].at:  # as nearly always: one more at the end
        rest = known[:-1] if known[-1].at // BUCKET == new.at // BUCKET else known
        first = next((index for index, one in enumerate(rest) if one.at >= new.at - over - MARGIN), len(rest))
        return (*rest[first:], new)
    buckets = {one.at // BUCKET: one for one in known}
    bucket = new.at // BUCKET
    if bucket not in buckets or buckets[bucket].at < new.at:
        buckets[bucket] = new
    newest = max(one.at for one in buckets.values())
    return tuple(sorted(one for one in buckets.values() if one.at >= newest - over - MARGIN))


def summed(readings: tuple[CounterReading, ...], over: float, gap: float) -> TrafficReading | None:
    """Sum up the last ``over`` seconds; ``gap``: longest time between two readings. None without any reading."""
    if not readings:
        return None
    newest = following = readings[-1]
    at = newest.at + newest.absence
    for one in reversed(readings[:-1]):
        if following.at - one.at > gap or not _ascends(one, following):
            break
        span = newest.at - one.at
        if span >= over:
            return TrafficReading(
                at,
                span,
                _rate(one.receive_bytes, newest.receive_bytes, span),
                _rate(one.transmit_bytes, newest.transmit_bytes, span),
                _grown(one.packets, newest.packets),
                _grown(one.bad, newest.bad),
            )
        following = one
    return TrafficReading(at)


def _ascends(one: CounterReading, following: CounterReading) -> bool:
    pairs = zip(one[1:5], following[1:5], strict=True)
    return all(before is None or after is None or before <= after for before, after in pairs)


def _grown(before: int | None, after: int | None) -> int | None:
    return after - before if before is not None and after is not None else None


def _rate(before: int | None, after: int | None, span: float) -> float | None:
    grown = _grown(before, after)
    return grown * 8 / span if grown is not None else None


def _cell(table: Mapping[str, Sequence[Any]], name: str, row: int) -> int | None:
    cells = table.get(name)
    return cells[row] if cells is not None else None


def _total(table: Mapping[str, Sequence[Any]], names: tuple[str, ...], row: int) -> int | None:
    """Sum up what is told of some counters, None when nothing is."""
    total = None
    for name in names:
        value = _cell(table, name, row)
        if value is not None:
            total = value if total is None else total + value
    return total
