"""Puts the times of measurement right when an agent's clock is wrong. Pure; time is an argument.

A report carries its wall time ``at``, the boot it was measured in, and the time since that boot, ``mono``
(CLOCK_BOOTTIME). What is known of a boot is a :class:`.boot_time.BootTime`; this puts the boots of an agent in order, by the numbers
of their reports, and decides.

1. The boot has an anchor, since a report of it came fresh once: the true time is known. A clock that agrees within ``max_future``
   and BEHIND seconds (and what drift explains) is left alone, another is put right. Reports are never early, so a clock ahead is
   put right at once; one behind may be a slow network, and is put right when several reports prove it, or when it is impossible.
2. The boot has none: it began and ended while nobody heard of it. Boots before and after it give bounds. A clock that keeps
   within them is believed. Bounds that leave no more than EXACT on both sides are the time. Else the time is **not known**: the
   report is flagged, and no time is made up for it.

Invariants:

* No time that is given out is later than the reception, but for ``max_future`` seconds: a clock a day ahead cannot freeze a table.
* A clock that is right is left alone, also when its reports come late.
* One agent's clock is of no consequence for another's.
* At most MAX_AGENTS agents, MAX_BOOTS boots an agent and MAX_ALL boots in all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from tslcd_collector.boot_time import Anchor, BootTime

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tslcd_wire.report import Report

#: What a time that was put right may be off, seconds.
EXACT: Final = 2.0
#: A time earlier than the true one by more than this is wrong; less may be the delay of a bad link, seconds.
BEHIND: Final = 10.0
#: From this offset on an agent has the problem ``clock_wrong``, seconds.
WRONG: Final = 10.0
#: No report was measured before 2025: a clock that says so was never set, UTC seconds.
BEGINNING: Final = 1_735_689_600.0
MAX_AGENTS: Final = 20_000
MAX_BOOTS: Final = 48
MAX_ALL: Final = 100_000
#: A boot is written down again when its newest report moved on by so much, seconds, or an anchor by MOVED.
MOVED_ON: Final = 60.0
MOVED: Final = 0.05


class Timed(NamedTuple):
    """When a report was measured (UTC seconds), and whether the agent's own word for it was wrong.

    Not ``known``: ``at`` is the agent's word and cannot be true; it was somewhere from ``earliest`` to ``latest``.
    """

    at: float
    corrected: bool
    known: bool = True
    earliest: float = 0.0
    latest: float = 0.0


class ClockRow(NamedTuple):
    """What is kept of a boot over a restart of the collector; ``points`` are pairs of mono and start."""

    agent: str
    boot: str
    stream: str
    rank: int
    first_seq: int
    last_seq: int
    last_mono: float
    reports: int
    first_heard: float
    last_heard: float
    points: list[tuple[float, float]]


@dataclass(slots=True)
class AgentClock:
    """The clock of one agent. ``offset``: its wall clock minus ours, seconds, None while unknown; counts since our start."""

    boots: dict[str, BootTime] = field(default_factory=dict)
    offset: float | None = None
    corrected: int = 0
    untimed: int = 0

    @property
    def wrong(self) -> bool:
        """Whether this is a problem somebody should look at."""
        return self.offset is not None and abs(self.offset) > WRONG

    def ordered(self) -> list[BootTime]:
        """Return the boots in the order they happened."""
        return sorted(self.boots.values(), key=lambda boot: boot.place)


class Clocks:
    """The clocks of all agents, as far as they are known."""

    def __init__(self, max_future: float, max_age: float) -> None:
        """``max_future``, ``max_age``: seconds ahead or behind from which on a time is never believed."""
        self.max_future = max_future
        self.max_age = max_age
        self.agents: dict[str, AgentClock] = {}
        self._count = 0
        self._saved: dict[tuple[str, str], tuple[float, Anchor | None]] = {}
        self._changed: dict[tuple[str, str], None] = {}

    def learn(self, report: Report, received: float, *, live: bool) -> None:
        """Learn from a report that came at ``received`` (our UTC seconds); ``live``: it was fresh when it was sent."""
        clock = self.agents.get(report.agent)
        if clock is None:
            if len(self.agents) >= MAX_AGENTS:
                return
            clock = self.agents[report.agent] = AgentClock()
        boot = clock.boots.get(report.boot) or self._begin(clock, report)
        if boot is None:
            return
        boot.last_mono = max(boot.last_mono, report.mono)
        if boot.stream == report.stream:
            boot.first_seq, boot.last_seq = min(boot.first_seq, report.seq), max(boot.last_seq, report.seq)
        if live:
            boot.fresh(report.mono, received)
            begun = boot.start(report.mono)
            if begun is not None:
                clock.offset = report.at - report.mono - begun[0]
        self._changed[report.agent, report.boot] = None

    def place(self, report: Report, received: float) -> Timed:
        """Return when a report was measured, and count what was wrong."""
        clock = self.agents.get(report.agent)
        timed = self._place(clock, report, received)
        if clock is not None:
            clock.corrected += timed.corrected
            clock.untimed += not timed.known
        return timed

    def moment(self, agent: str, boot: str, mono: float) -> float | None:
        """Return the true time (UTC seconds) of ``mono`` in a boot that has an anchor, None for another."""
        clock = self.agents.get(agent)
        known = clock.boots.get(boot) if clock is not None else None
        begun = known.start(mono) if known is not None else None
        return None if begun is None else begun[0] + mono

    def before(self, agent: str, boot: str) -> BootTime | None:
        """Return the boot before this one, as far as known."""
        clock = self.agents.get(agent)
        known = clock.boots.get(boot) if clock is not None else None
        if clock is None or known is None:
            return None
        earlier = [one for one in clock.ordered() if one.place < known.place]
        return earlier[-1] if earlier else None

    def take_changed(self) -> list[ClockRow]:
        """Return the boots of which something worth keeping changed since the last call."""
        changed, self._changed = self._changed, {}
        rows = []
        for key in changed:
            clock = self.agents.get(key[0])
            boot = clock.boots.get(key[1]) if clock is not None else None
            if boot is None:
                continue
            anchors = boot.anchors()
            newest = anchors[-1] if anchors else None
            before = self._saved.get(key)
            if before is not None and not _moved(before, (boot.last_mono, newest)):
                continue
            self._saved[key] = (boot.last_mono, newest)
            rows.append(
                ClockRow(
                    key[0],
                    boot.boot,
                    boot.stream,
                    boot.rank,
                    boot.first_seq,
                    boot.last_seq,
                    boot.last_mono,
                    boot.reports,
                    boot.first_heard,
                    boot.last_heard,
                    [(anchor.mono, anchor.start) for anchor in anchors],
                )
            )
        return rows

    def restore(self, rows: Iterable[ClockRow]) -> None:
        """Take up what was known before a restart."""
        for row in rows:
            clock = self.agents.get(row.agent)
            if clock is None:
                if len(self.agents) >= MAX_AGENTS:
                    continue
                clock = self.agents[row.agent] = AgentClock()
            boot = BootTime(row.boot, row.stream, row.rank, row.first_seq, row.last_seq, row.last_mono)
            boot.points = [Anchor(*point) for point in row.points]
            boot.reports, boot.first_heard, boot.last_heard = row.reports, row.first_heard, row.last_heard
            self._keep(row.agent, clock, boot)

    def _begin(self, clock: AgentClock, report: Report) -> BootTime | None:
        ranks = {boot.stream: boot.rank for boot in clock.boots.values()}
        rank = ranks.get(report.stream, max(ranks.values(), default=-1) + 1)
        boot = BootTime(report.boot, report.stream, rank, report.seq, report.seq, report.mono)
        self._keep(report.agent, clock, boot)
        return clock.boots.get(report.boot)

    def _keep(self, agent: str, clock: AgentClock, boot: BootTime) -> None:
        """Take a boot in; the oldest goes when there are too many."""
        if self._count >= MAX_ALL and not clock.boots:
            return
        self._count += boot.boot not in clock.boots
        clock.boots[boot.boot] = boot
        if len(clock.boots) > (MAX_BOOTS if self._count < MAX_ALL else 1):
            oldest = next(one for one in clock.ordered() if one is not boot)
            del clock.boots[oldest.boot]
            self._saved.pop((agent, oldest.boot), None)
            self._count -= 1

    def _place(self, clock: AgentClock | None, report: Report, received: float) -> Timed:
        boot = clock.boots.get(report.boot) if clock is not None else None
        begun = boot.start(report.mono) if boot is not None else None
        if clock is None or boot is None:
            return self._alone(report.at, received, float("-inf"), float("inf"))
        if begun is None:
            low, high = _bounds(clock, boot)
            return self._alone(report.at, received, low + report.mono, high + report.mono)
        true, slack = min(begun[0] + report.mono, received), begun[1]
        if report.at > true + self.max_future + slack:
            return Timed(true, corrected=True)
        if true - report.at > BEHIND + slack:
            impossible = report.at < received - self.max_age
            if boot.proven or impossible or report.at < _bounds(clock, boot)[0] + report.mono - BEHIND:
                return Timed(true, corrected=True)
        return Timed(report.at, corrected=False)

    def _alone(self, at: float, received: float, low: float, high: float) -> Timed:
        """Decide about a report whose boot has no anchor, but was measured from ``low`` to ``high``."""
        earliest, latest = max(low, BEGINNING), min(high, received)
        if earliest - BEHIND <= at <= latest + self.max_future:
            return Timed(at, corrected=False)
        if low <= latest <= low + 2 * EXACT:
            return Timed((low + latest) / 2, corrected=True)
        return Timed(at, corrected=False, known=False, earliest=earliest, latest=max(earliest, latest))


def _bounds(clock: AgentClock, boot: BootTime) -> tuple[float, float]:
    """Return between which times a boot began, by what is known of the others; infinite where nothing is."""
    if len(clock.boots) == 1:
        return float("-inf"), float("inf")
    ordered = clock.ordered()
    index = ordered.index(boot)
    low, high = float("-inf"), float("inf")
    lived = 0.0
    for one in reversed(ordered[:index]):
        lived += one.last_mono
        begun = one.start(one.last_mono)
        if begun is not None:
            low = begun[0] - begun[1] + lived
            break
    lived = boot.last_mono
    for one in ordered[index + 1 :]:
        begun = one.start(0.0)
        if begun is not None:
            high = begun[0] + begun[1] - lived
            break
        lived += one.last_mono
    return low, high


def _moved(before: tuple[float, Anchor | None], now: tuple[float, Anchor | None]) -> bool:
    """Whether a boot changed by more than is worth writing."""
    if now[0] - before[0] >= MOVED_ON or (before[1] is None) is not (now[1] is None):
        return True
    return before[1] is not None and now[1] is not None and abs(before[1].start - now[1].start) >= MOVED
