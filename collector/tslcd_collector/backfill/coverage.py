"""What ``/metrics`` showed, of whom and when, so that only what nobody could see is sent afterwards. Pure.

A report was seen when somebody scraped the page at its time *and* its agent had something on the page then. So two sets of
intervals decide: when a scraper came regularly, and when an agent's tables were fresh.

Invariants:

* What is uncovered never contradicts what was scraped: where the page still showed an agent's old tables, later readings of that time are not
  sent, since old and new readings of a counter in turn would be a reset each (a peak of traffic that never was).
* An agent's interval begins with the time of measurement of the first report that came in time, ends ``expiry`` after the last one,
  and grows with every report; a scraper's begins and ends with a scrape.
* Samples nearer than half a ``scrape_gap`` to a scraper's interval are covered: the page showed them, or their neighbours. A kill of the
  collector loses less than that of this account.
* Intervals are in order and apart; what ended before the window is forgotten.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final, NamedTuple

#: A report this late (seconds) was not on the page at its time.
LATE: Final = 60.0
#: Scrapers that are kept apart; what else comes counts as one of them.
MAX_SCRAPERS: Final = 16
#: The scraper of targets that do not say who reads the page for them.
ANYBODY: Final = ""


class Interval(NamedTuple):
    """Closed, UTC seconds."""

    since: float
    until: float


class _Intervals:
    """Intervals in order; only the last one grows."""

    __slots__ = ("intervals", "kept", "written")

    def __init__(self) -> None:
        self.intervals: list[Interval] = []
        #: How many of them were given out, and how far the last of those went.
        self.kept = 0
        self.written = float("-inf")

    def has(self, at: float, edge: float) -> bool:
        after = bisect_right(self.intervals, at + edge, key=lambda one: one.since)
        return after > 0 and at <= self.intervals[after - 1].until + edge

    def extend(self, since: float, until: float, gap: float) -> None:
        last = self.intervals[-1] if self.intervals else None
        if last is not None and since <= last.until + gap:
            self.intervals[-1] = Interval(last.since, max(last.until, until))
        else:
            self.intervals.append(Interval(since, until))

    def forget(self, before: float) -> None:
        ended = sum(1 for one in self.intervals[:-1] if one.until < before)
        del self.intervals[:ended]
        self.kept = max(0, self.kept - ended)


class Coverage:
    """``expiry``: seconds until a table leaves the page; ``scrape_gap``: who has not scraped for so long (seconds) was away."""

    def __init__(self, expiry: float, scrape_gap: float) -> None:
        """Start with nothing seen."""
        self.expiry = expiry
        #: Whether a report was seen is known this long after it came, seconds.
        self.settled = 1.5 * scrape_gap
        self._scrape_gap = scrape_gap
        self._agents: dict[str, _Intervals] = {}
        self._scrapers: dict[str, _Intervals] = {ANYBODY: _Intervals()}

    def reported(self, agent: str, at: float, received: float) -> None:
        """Note that a report measured at ``at`` came at ``received`` and went onto the page, if it was fresh."""
        if received - at > self.expiry:
            return
        since = at if received - at <= LATE else received
        self._agents.setdefault(agent, _Intervals()).extend(since, at + self.expiry, 0.0)

    def scraped(self, scraper: str, now: float) -> None:
        """Note that ``scraper`` (an address) read the page at ``now``."""
        for name in {ANYBODY, scraper if scraper in self._scrapers or len(self._scrapers) < MAX_SCRAPERS else ANYBODY}:
            self._scrapers.setdefault(name, _Intervals()).extend(now, now, self._scrape_gap)

    def covers(self, agent: str, at: float, scraper: str) -> bool:
        """Whether ``scraper`` saw something of ``agent`` at ``at`` (UTC seconds)."""
        seen, shown = self._scrapers.get(scraper), self._agents.get(agent)
        return seen is not None and shown is not None and shown.has(at, 0.0) and seen.has(at, self._scrape_gap / 2)

    def restore(self, agents: list[tuple[str, float, float]], scrapers: list[tuple[str, float, float]]) -> None:
        """Take up what :meth:`take_changed` gave before a restart: (name, since, until), oldest first."""
        for rows, into in ((agents, self._agents), (scrapers, self._scrapers)):
            for name, since, until in rows:
                into.setdefault(name, _Intervals()).intervals.append(Interval(since, until))
            for known in into.values():
                known.kept = len(known.intervals)
                known.written = known.intervals[-1].until if known.intervals else float("-inf")

    def take_changed(self) -> tuple[list[tuple[str, float, float]], list[tuple[str, float, float]]]:
        """Return agents' and scrapers' intervals that are new or grew since the last call: (name, since, until).

        An agent's is given again only when it grew by a good part of ``expiry``, so that little has to be written.
        """
        step = min(60.0, self.expiry / 2)
        return _take(self._agents, step), _take(self._scrapers, 0.0)

    def forget(self, before: float) -> None:
        """Forget what ended before ``before`` (UTC seconds)."""
        for known in (*self._agents.values(), *self._scrapers.values()):
            known.forget(before)


def _take(intervals: dict[str, _Intervals], step: float) -> list[tuple[str, float, float]]:
    taken = []
    for name, known in intervals.items():
        count = len(known.intervals)
        if not count or (count == known.kept and known.intervals[-1].until <= known.written + step):
            continue
        # the one before the new ones may have grown, too
        taken += [(name, *one) for one in known.intervals[max(0, known.kept - 1) :]]
        known.kept, known.written = count, known.intervals[-1].until
    return taken
