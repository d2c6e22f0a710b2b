"""When one boot of an agent's machine began, learnt from reports that came fresh. Pure.

``mono`` (CLOCK_BOOTTIME) runs on whatever the wall clock does, so ``received - mono`` of a fresh report is the wall time of the
boot, late by the delay of the network and never early. The smallest one of a while is nearly true: an *anchor*. Quartz drifts,
so anchors are kept along the life of the boot and what lies between two is interpolated.

Invariants:

* A report that came late never moves an anchor: within DRIFT no clock can lose more than that, so what would need more is delay.
  Only when a whole WINDOW of reports says the same it is believed; then it was our own clock that was set forward.
* An early anchor is never above what a later one allows.
* At most MAX_POINTS anchors; the one that the straight line between its neighbours replaces best goes first.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Final, NamedTuple

PROOF_REPORTS: Final = 3
PROOF_SECONDS: Final = 20.0
#: How fast two clocks may drift apart; quartz is good for a tenth of this.
DRIFT: Final = 1e-3
#: How much a drift changes between two anchors, by temperature.
WANDER: Final = 2e-5
#: One anchor stands for so long, seconds.
WINDOW: Final = 600.0
MAX_POINTS: Final = 16


class Anchor(NamedTuple):
    """At ``mono`` seconds after boot, the boot was at ``start`` (UTC seconds) by our clock."""

    mono: float
    start: float


@dataclass(slots=True)
class BootTime:
    """One boot. ``rank``, ``first_seq``: its place among the boots of the agent; ``last_seq``, ``last_mono``: its newest report."""

    boot: str
    stream: str
    rank: int
    first_seq: int
    last_seq: int
    last_mono: float
    points: list[Anchor] = field(default_factory=list)
    reports: int = 0
    first_heard: float = 0.0
    last_heard: float = 0.0
    _open: Anchor | None = None
    _opened: float = 0.0

    @property
    def place(self) -> tuple[int, int]:
        """What boots of one agent are ordered by."""
        return self.rank, self.first_seq

    @property
    def anchored(self) -> bool:
        """Whether a report of it ever came fresh."""
        return bool(self.points) or self._open is not None

    @property
    def proven(self) -> bool:
        """Whether several reports over some time agree."""
        return self.reports >= PROOF_REPORTS and self.last_heard - self.first_heard >= PROOF_SECONDS

    def fresh(self, mono: float, received: float) -> None:
        """Learn from a report that came fresh at ``received`` (our UTC seconds)."""
        start = received - mono
        if not self.reports:
            self.first_heard = received
        self.reports += 1
        self.last_heard = received
        if self._open is None or received < self._opened:
            self._open, self._opened = Anchor(mono, start), received
        elif received - self._opened >= WINDOW:
            self._close()
            self._open, self._opened = Anchor(mono, start), received
        elif start < self._open.start + DRIFT * (mono - self._open.mono):
            self._open = Anchor(mono, start)
        self._lower(self._open)

    def anchors(self) -> list[Anchor]:
        """Return what is known, in the order of ``mono``."""
        if self._open is None:
            return list(self.points)
        newest = self._open
        earlier = [point for point in self.points if point.mono < newest.mono]
        if earlier:
            most = earlier[-1].start + DRIFT * (newest.mono - earlier[-1].mono)
            newest = Anchor(newest.mono, min(newest.start, most))
        return [*earlier, newest]

    def start(self, mono: float) -> tuple[float, float] | None:
        """Return when the boot began as seen at ``mono``, and how far that may be off besides delay; both seconds."""
        known = self.anchors()
        if not known:
            return None
        for before, after in itertools.pairwise(known):
            if before.mono <= mono <= after.mono:
                share = (mono - before.mono) / max(after.mono - before.mono, 1e-9)
                nearest = min(mono - before.mono, after.mono - mono)
                return before.start + share * (after.start - before.start), WANDER * nearest
        end = known[0] if mono < known[0].mono else known[-1]
        return end.start, DRIFT * abs(mono - end.mono)

    def _lower(self, later: Anchor) -> None:
        """Lower earlier anchors: a boot cannot have begun later than a later one says, but for drift."""
        for index, point in enumerate(self.points):
            most = later.start + DRIFT * abs(later.mono - point.mono)
            if point.start > most:
                self.points[index] = Anchor(point.mono, most)

    def _close(self) -> None:
        if self._open is None:
            return
        self.points = [point for point in self.points if point.mono < self._open.mono]
        self.points.append(self._open)
        if len(self.points) > MAX_POINTS:
            del self.points[min(range(1, len(self.points) - 1), key=self._spared)]

    def _spared(self, index: int) -> float:
        """Return how far the line between its neighbours misses a point."""
        before, point, after = self.points[index - 1 : index + 2]
        share = (point.mono - before.mono) / max(after.mono - before.mono, 1e-9)
        return abs(before.start + share * (after.start - before.start) - point.start)
