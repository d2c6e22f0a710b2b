"""Rows that were there and are not any more, of tables that have a row only for what is up. Pure: time is an argument.

A VPN tunnel of a Cisco has a row while its peer is connected. One that goes down takes its row along, and must be told as down.

Invariants:

* A row is missed when it was there for :data:`LASTING` seconds, so not who dialled in and hung up; and for :data:`TOLD` seconds
  after it was last there, so not what was taken out of the configuration, for ever.
* A row is its name: what had two rows is not missed while it has one.
* At most as many names are remembered as the table may have rows; those that were away for longest go first.
* What may be missed outlives the agent (:meth:`Missed.remember`), with spans instead of times, since clocks do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

from msgspec import Meta

from tslcd_agent.snmp.profile.rows import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tslcd_agent.snmp.profile.document import Scalar

#: Seconds.
LASTING: Final = 3600.0
TOLD: Final = 86_400.0


class Memo(NamedTuple):
    """What is remembered of a row: name and index; from when it was first there to when last, and since then, in seconds."""

    name: str
    row: str
    lasted: Annotated[float, Meta(ge=0)]
    ago: Annotated[float, Meta(ge=0)]


@dataclass(slots=True)
class _Seen:
    """A row: when it was first there, and when last, in seconds of the clock."""

    index: str
    first: float
    last: float


class Missed:
    """What a table misses."""

    def __init__(self, cells: Mapping[str, Scalar], most: int) -> None:
        """``cells``: what is told of a row that is missed. ``most``: so many rows are remembered."""
        self._cells = cells
        self._most = most
        self._seen: dict[str, _Seen] = {}

    def note(self, found: Sequence[Row], now: float) -> list[Row]:
        """Take note of the rows that are there at ``now`` (seconds), and return those that are missed."""
        there = {row.name or row.index: row.index for row in found}
        for name, index in there.items():
            seen = self._seen.pop(name, None)  # put back at the end: the longest away are first
            self._seen[name] = _Seen(index, now if seen is None else seen.first, now)
        for name, seen in list(self._seen.items()):
            gone = name not in there and (now - seen.last > TOLD or seen.last - seen.first < LASTING)
            if gone or len(self._seen) > self._most:
                del self._seen[name]
        return [Row(seen.index, name, dict(self._cells)) for name, seen in self._seen.items() if name not in there]

    def lasting(self) -> frozenset[str]:
        """Return the names that are missed, or would be."""
        return frozenset(name for name, seen in self._seen.items() if seen.last - seen.first >= LASTING)

    def remember(self, now: float) -> list[Memo]:
        """Return what must outlive the agent."""
        lasting = self.lasting()
        return [
            Memo(name, seen.index, seen.last - seen.first, now - seen.last)
            for name, seen in self._seen.items()
            if name in lasting
        ]

    def recall(self, memos: Sequence[Memo], now: float) -> None:
        """Go on from what an earlier run of the agent left."""
        for one in memos[: self._most]:
            last = now - one.ago
            self._seen[one.name] = _Seen(one.row, last - one.lasted, last)
