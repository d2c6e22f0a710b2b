"""What the courier decides, without its connection: what is under way, what is confirmed, how fast history may go.

Pure: time is an argument (monotonic seconds). Keys are the spool's.

Invariant: a report that was sent and not confirmed is sent again only after an acknowledgement arrived, from any collector,
later than it could have told of it. Where no collector answers, nothing is sent twice.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from tslcd_wire.ranges import RangeSet

if TYPE_CHECKING:
    from collections.abc import Iterable


class UnderWay:
    """Reports that were handed to the broker and are not confirmed by collectors yet."""

    def __init__(self) -> None:
        """Start with nothing under way."""
        #: Keys that are not to be sent now. May hold keys that are confirmed already; they are no harm.
        self.held = RangeSet()
        self._publishing: set[int] = set()
        self._recent: deque[tuple[float, int]] = deque()
        self._stale = RangeSet()

    def publishing(self) -> int:
        """Count the reports that the broker has not answered yet."""
        return len(self._publishing)

    def unanswered(self) -> int:
        """Count the reports that no collector has confirmed."""
        return len(self.held)

    def start(self, key: int) -> None:
        """Note that a report is handed to the broker."""
        self._publishing.add(key)
        self.held.add(key)

    def answered(self, key: int, now: float) -> None:
        """Note that the broker has answered for a report."""
        self._publishing.discard(key)
        if key in self.held:
            self._recent.append((now, key))

    def failed(self, key: int) -> None:
        """Note that a report may not have reached the broker: it may be sent again at once."""
        if key in self._publishing:
            self._publishing.discard(key)
            self.held.remove(key)

    def confirmed(self, first: int, last: int) -> None:
        """Note that enough collectors have stored a closed range of keys."""
        self.held.remove(first, last)
        self._stale.remove(first, last)

    def age(self, now: float, older_than: float) -> None:
        """Put what the broker answered for more than ``older_than`` seconds ago among the stale; keeps memory small."""
        while self._recent and self._recent[0][0] <= now - older_than:
            key = self._recent.popleft()[1]
            if key in self.held:
                self._stale.add(key)

    def release_stale(self, have: RangeSet, first: int, last: int) -> None:
        """Let go what is stale, but for what the collector that has just spoken has: others may still lack that.

        ``have``: keys that it has, of the stream whose keys lie from ``first`` to ``last``; it spoke of that one only.
        """
        for low, high in list(self._stale):
            if high < first or low > last:
                self._let_go(low, high)
                continue
            for one, other in have.gaps(low, high):
                self._let_go(one, other)

    def _let_go(self, first: int, last: int) -> None:
        self.held.remove(first, last)
        self._stale.remove(first, last)
        for key in self._publishing:  # on its way once more already
            if first <= key <= last:
                self.held.add(key)

    def release(self, keys: Iterable[int], now: float, grace: float) -> None:
        """Let go what a collector asks for by name, but for what was sent less than ``grace`` seconds ago."""
        young = {key for at, key in self._recent if at > now - grace}
        for key in keys:
            if key not in young and key not in self._publishing:
                self.held.remove(key)
                self._stale.remove(key)


class Rate:
    """A bound on bytes per second with a burst of one second. A message may overdraw; the next ones wait for it."""

    def __init__(self, bits_per_second: float) -> None:
        """Start with a full burst."""
        self._bytes_per_second = bits_per_second / 8
        self._tokens = self._bytes_per_second
        self._at: float | None = None

    def pause(self, now: float) -> float:
        """Return how many seconds to wait before the next message may go; 0 when it may."""
        if self._at is not None:
            gained = max(0.0, now - self._at) * self._bytes_per_second
            self._tokens = min(self._bytes_per_second, self._tokens + gained)
        self._at = now
        return 0.0 if self._tokens > 0 else -self._tokens / self._bytes_per_second + 0.001

    def spend(self, size: int) -> None:
        """Note that a message of so many bytes goes."""
        self._tokens -= size


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


class Backoff:
    """Pauses between attempts: doubling from ``least`` to ``most`` seconds, each between half and whole of itself."""

    def __init__(self, least: float, most: float) -> None:
        """Start with the least."""
        self._least = least
        self._most = most
        self._next = least

    def pause(self, chance: float) -> float:
        """Return the next pause; ``chance`` is a random number in [0, 1)."""
        whole, self._next = self._next, min(self._most, self._next * 2)
        return whole * (0.5 + chance / 2)

    def reset(self) -> None:
        """Begin with the least again, since it worked."""
        self._next = self._least
