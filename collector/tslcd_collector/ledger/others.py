"""What the ledger knows of the time around an outage that bears on one channel: others' intervals, its own before, plans.

Invariant: what is asked here was written before. A channel that is judged again later may change it; then the ones that depend on it are
judged again with their next late reports, and what was seen live is never overruled.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from tslcd_collector.judge import Lost, Past, Surroundings, in_service, past_of
from tslcd_collector.verdict import Party, Reason, State, Verdict, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tslcd_collector.inventory import Channel, Inventory
    from tslcd_collector.ledger.file import LedgerFile
    from tslcd_collector.ledger.rows import Interval
    from tslcd_collector.maintenance import Windows


class Others:
    """Everything that bears on ``channel`` between two times, UTC seconds. Raises LedgerError when it is made."""

    def __init__(
        self, channel: Channel, inventory: Inventory, file: LedgerFile, windows: Windows, begin: float, end: float
    ) -> None:
        """Read the intervals that are needed."""
        self._channel = channel
        self._windows = windows
        self._end = end
        window = channel.channel_class.flap_window
        self._own = file.current(channel.id, begin - window, end)
        carrier = inventory.channels.get(channel.upstream) if channel.upstream is not None else None
        self._carrier = (carrier, _Told(file.current(carrier.id, begin, end))) if carrier is not None else None
        group = inventory.groups.get(channel.redundancy_group, ()) if channel.redundancy_group is not None else ()
        self._group = [(one, _Told(file.current(one.id, begin, end))) for one in group if one.id != channel.id]

    def past(self, before: float) -> Past:
        """Return what had been told of the channel before a time."""
        told = ((_verdict(one), one.since) for one in self._own if one.since < before)
        return past_of(told, self._channel.channel_class.flap_window)

    def around(self, at: float) -> Surroundings:
        """Return what others told at a time."""
        upstream = back = None
        if self._carrier is not None:
            back = self._carrier[1].back(at)
        if self._carrier is not None and (said := self._carrier[1].at(at)) is not None:
            upstream = State(said.state)
        lost = None
        for other, told in self._group:
            said = told.at(at)
            if lost is None and said is not None and said.state == State.DOWN.value and in_service(other, at):
                lost = Lost(other.id, Party(said.party))
        window = self._windows.active(self._channel, at)
        return Surroundings(upstream=upstream, carrier_back=back, lost=lost, window=window)

    def edges(self, since: float) -> Iterator[float]:
        """Yield when any of that changed, from a time on."""
        yield from self._windows.edges(self._channel, since, self._end)
        told = [one for _, one in self._group]
        if self._carrier is not None:
            told.append(self._carrier[1])
        for one in told:
            yield from (at for at in one.times if since <= at <= self._end)


class _Told:
    """The intervals of another channel, in order."""

    def __init__(self, intervals: list[Interval]) -> None:
        self.times = [one.since for one in intervals]
        self._intervals = intervals

    def at(self, at: float) -> Interval | None:
        index = bisect_right(self.times, at) - 1
        one = self._intervals[index] if index >= 0 else None
        return one if one is not None and (one.until is None or at < one.until) else None

    def back(self, at: float) -> float | None:
        """Return when it was last down no longer, None when it was not down before ``at``, or still is."""
        index = bisect_right(self.times, at) - 1
        while index >= 0 and self._intervals[index].state != State.DOWN.value:
            index -= 1
        until = self._intervals[index].until if index >= 0 else None
        return until if until is not None and until <= at else None


def _verdict(one: Interval) -> Verdict:
    return Verdict(State(one.state), Reason(one.reason), Party(one.party), words_of(one.detail))
