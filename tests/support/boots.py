"""A simulated site: boots of its machine, a wall clock that does what the scenario says, outages; and what clocks make of it.

The agent measures every ROUND seconds. What it measures while it is connected comes at once; after an outage the newest
comes first and the rest follows, oldest first, as the courier does it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from tslcd_collector.clock import Clocks, Timed
from tslcd_wire.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable

NOW: Final = 1_790_000_000.0
HOUR: Final = 3600.0
DAY: Final = 86400.0
ROUND: Final = 30.0
#: The collector's default for ``max_future``, which is also what a corrected time may be off, seconds.
EXACT: Final = 2.0


@dataclass(frozen=True)
class Boot:
    """A life of the machine: when it began (true time), how long it ran, and what its wall clock makes of the true time."""

    name: str
    began: float
    lasts: float
    wall: Callable[[float], float]
    #: How much faster than true time CLOCK_BOOTTIME runs.
    drift: float = 0.0


class Outcome(NamedTuple):
    """Of one report: its boot, true time, itself, when it came, whether at once, and what became of it."""

    boot: Boot
    true: float
    report: Report
    received: float
    live: bool
    timed: Timed


def exact_clocks() -> Clocks:
    """Return clocks with the collector's defaults."""
    return Clocks(EXACT, 35 * DAY)


@dataclass
class Site:
    """Plays boots against the clocks; ``outages`` are true times without connection, ``delay`` that of the network."""

    boots: list[Boot]
    outages: list[tuple[float, float]] = field(default_factory=list)
    delay: Callable[[float], float] = lambda _: 0.05
    clocks: Clocks = field(default_factory=exact_clocks)

    def play(self, agent: str = "a") -> list[Outcome]:
        """Return what became of every report, in the order of arrival."""
        found = []
        for received, (boot, true, report), live in sorted(self._arrivals(agent), key=lambda one: one[0]):
            self.clocks.learn(report, received, live=live)
            timed = self.clocks.place(report, received)
            found.append(Outcome(boot, true, report, received, live, timed))
        return found

    def _arrivals(self, agent: str) -> list[tuple[float, tuple[Boot, float, Report], bool]]:
        arrivals = []
        waiting: list[tuple[Boot, float, Report]] = []
        seq = 0
        for boot in self.boots:
            for step in range(int(boot.lasts / ROUND)):
                seq += 1
                true = boot.began + 5 + step * ROUND
                one = (boot, true, _report(boot, true, seq, agent))
                if any(begin <= true < end for begin, end in self.outages):
                    waiting.append(one)
                    continue
                received = true + self.delay(true)
                arrivals.append((received, one, True))
                arrivals += [(received + 0.01 + index * 0.001, old, False) for index, old in enumerate(waiting)]
                waiting = []
        return arrivals


def _report(boot: Boot, true: float, seq: int, agent: str) -> Report:
    mono = (true - boot.began) * (1 + boot.drift)
    return Report(agent=agent, stream="0198f3c2", seq=seq, at=max(0.0, boot.wall(true)), boot=boot.name, mono=mono)


def shifted(offset: float) -> Callable[[float], float]:
    """Return a wall clock that is off by so many seconds."""
    return lambda true: true + offset


def stepping(half: float, first: float, second: float) -> Callable[[float], float]:
    """Return a wall clock that is off by ``first`` seconds, and from ``half`` on by ``second``."""
    return lambda true: true + (first if true < half else second)


def right(true: float) -> float:
    """Be a wall clock that is right."""
    return true
