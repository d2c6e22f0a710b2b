"""What is under way, and what is confirmed.

Pure: time is an argument (monotonic seconds). Keys are the spool's.

Invariants:

* A report that was sent and not confirmed is sent again only when an acknowledgement showed that it did not arrive: a report
  that was sent clearly later is confirmed (messages of one sender keep their order, MQTT 5 section 4.6), or the collector
  speaks after a very long time. Where no collector answers, nothing is sent twice; where one is slow, its delay is not
  taken for loss, so a backlog does not feed itself.
* Memory does not grow with the time that collectors are away.
* A collector that is dead does not hold up what goes to the one that lives: what counts as ahead of the collectors is what
  none of them has.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from tslcd_wire.ranges import RangeSet

if TYPE_CHECKING:
    from collections.abc import Iterable


class _Sent:
    """What the broker answered for between two times."""

    __slots__ = ("first", "keys", "last")

    def __init__(self, at: float) -> None:
        self.first = self.last = at
        self.keys = RangeSet()


class UnderWay:
    """Reports that were handed to the broker and are not confirmed by collectors yet. ``ack_timeout`` in seconds."""

    #: Without the evidence of order, what is not confirmed counts as lost after so many times ``ack_timeout``.
    PATIENCE = 6
    #: The same for what a collector asks for by name.
    NAMED_PATIENCE = 2
    #: What a later confirmation proves about a named report, in parts of ``ack_timeout``.
    _NAMED_MARGIN = 0.25
    _MAX_PERIODS = 64

    def __init__(self, ack_timeout: float) -> None:
        """Start with nothing under way."""
        #: Keys that are not to be sent now. May hold keys that are confirmed already; they are no harm.
        self.held = RangeSet()
        #: Whether anything was let go since somebody looked, and set this to False.
        self.let_go = True
        self._timeout = ack_timeout
        self._ahead = RangeSet()
        self._publishing: set[int] = set()
        self._sent: deque[_Sent] = deque()

    def publishing(self) -> int:
        """Count the reports that the broker has not answered yet."""
        return len(self._publishing)

    def unanswered(self) -> int:
        """Count the reports that were sent and that no collector has spoken of."""
        return len(self._ahead)

    def start(self, key: int) -> None:
        """Note that a report is handed to the broker."""
        self._publishing.add(key)
        self.held.add(key)
        self._ahead.add(key)

    def answered(self, key: int, now: float) -> None:
        """Note that the broker has answered for a report."""
        self._publishing.discard(key)
        if key not in self.held:
            return
        if not self._sent or now - self._sent[-1].first > self._timeout / 8:
            self._sent.append(_Sent(now))
            if len(self._sent) > self._MAX_PERIODS:
                oldest, second = self._sent.popleft(), self._sent[0]
                second.first = oldest.first
                for first, last in oldest.keys:
                    second.keys.add(first, last)
        self._sent[-1].last = now
        self._sent[-1].keys.add(key)

    def failed(self, key: int) -> None:
        """Note that a report may not have reached the broker: it may be sent again at once."""
        if key in self._publishing:
            self._publishing.discard(key)
            self.held.remove(key)
            self._ahead.remove(key)
            self.let_go = True

    def reconnected(self) -> None:
        """Note that whatever was sent went over another connection: the next acknowledgement decides about it."""
        for period in self._sent:
            period.first = period.last = float("-inf")

    def acknowledged(self, has: RangeSet, first: int, last: int, now: float) -> float:
        """Let go what a collector's acknowledgement shows to be lost; return up to which time of sending it has heard.

        ``has``: keys that this collector has stored, of the stream whose keys lie from ``first`` to ``last``. Keys of other
        streams are judged by the same order.
        """
        for pair in has:
            self._ahead.remove(*pair)
        heard = max((period.first for period in self._sent if _meets(period.keys, has)), default=float("-inf"))
        until = max(heard - self._timeout, now - self.PATIENCE * self._timeout)
        for period in self._sent:
            if period.last > until:
                break
            for low, high in list(period.keys):
                if high < first or low > last:
                    self._let_go(period, low, high)
                    continue
                for gap in has.gaps(low, high):
                    self._let_go(period, *gap)
        self._forget_empty()
        return heard

    def confirmed(self, first: int, last: int) -> None:
        """Note that enough collectors have stored a closed range of keys."""
        self.held.remove(first, last)
        self._ahead.remove(first, last)
        for period in self._sent:
            period.keys.remove(first, last)
        self._forget_empty()

    def named(self, keys: Iterable[int], heard: float, now: float) -> None:
        """Let go what a collector asks for by name, but for what may still be on its way to it.

        ``heard``: up to which time of sending it has heard, from :meth:`acknowledged`.
        """
        until = max(heard - self._NAMED_MARGIN * self._timeout, now - self.NAMED_PATIENCE * self._timeout)
        wanted = list(keys)
        for period in self._sent:
            if period.last > until:
                break
            for key in wanted:
                if key in period.keys:
                    self._let_go(period, key, key)
        self._forget_empty()

    def _let_go(self, period: _Sent, first: int, last: int) -> None:
        self.let_go = True
        self.held.remove(first, last)
        self._ahead.remove(first, last)
        period.keys.remove(first, last)
        for key in self._publishing:  # on its way once more already
            if first <= key <= last:
                self.held.add(key)
                self._ahead.add(key)

    def _forget_empty(self) -> None:
        if any(not period.keys for period in self._sent):
            self._sent = deque(period for period in self._sent if period.keys)


def _meets(some: RangeSet, others: RangeSet) -> bool:
    """Whether any number is in both."""
    return any(next(others.gaps(first, last), None) != (first, last) for first, last in some)


class Marks:
    """What each collector has stored of our streams; tells what enough of them have."""

    #: Collectors remembered; the one not heard for longest goes.
    MAX_COLLECTORS = 16

    def __init__(self, required: int) -> None:
        """Remember how many collectors must have a report before it may be deleted."""
        self._required = required
        self._have: dict[str, dict[str, RangeSet]] = {}

    def note(self, collector: str, stream: str, upto: int, have: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """Note an acknowledgement; return the closed ranges of numbers of this stream that enough collectors have."""
        ranges = RangeSet(pair for pair in have if pair[0] <= pair[1])
        if upto:
            ranges.add(1, upto)
        if self._required == 1:
            return list(ranges)
        of_collector = self._have.pop(collector, {})
        of_collector[stream] = ranges
        self._have[collector] = of_collector
        if len(self._have) > self.MAX_COLLECTORS:
            del self._have[next(iter(self._have))]
        return overlap([one[stream] for one in self._have.values() if stream in one], self._required)


def overlap(sets: Iterable[RangeSet], required: int) -> list[tuple[int, int]]:
    """Return the closed ranges of numbers that are in at least ``required`` of the sets."""
    edges: list[tuple[int, int]] = []
    for one in sets:
        for first, last in one:
            edges += [(first, 1), (last + 1, -1)]
    edges.sort()
    found = RangeSet()
    depth = 0
    start = 0
    for at, step in edges:
        if depth >= required and at > start:
            found.add(start, at - 1)
        depth += step
        start = at
    return list(found)
