"""How long an agent was away, and why, by what it tells at its start. Pure.

Every heartbeat carries the start (catalogue, kind ``agent``): the reason, the last sign of life before it by wall clock and
CLOCK_BOOTTIME, and CLOCK_BOOTTIME of the start. Both ends are put on our own time line here, so that a wrong clock does not make
an absence of fifty years.

Invariant: an end that cannot be placed makes no absence. The start is placed by the report that tells it; the last sign of life
by the boot it was in, when that boot is known, else by the agent's wall clock when this leads to a sensible absence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tslcd_wire.catalogue import AGENT

if TYPE_CHECKING:
    from tslcd_collector.clock import Clocks
    from tslcd_wire.report import Report

#: ``agent.start_reason`` after a power cut or a reboot without goodbye, and after a crash of the process alone.
POWER: Final = "power-or-reboot"
CRASH: Final = "process-crash"
#: Signs of life are no further apart than this, with room, seconds.
BEAT: Final = 120.0
#: The last starts that are remembered, so that each is told once.
MAX_TOLD: Final = 20_000


@dataclass(frozen=True, slots=True)
class Absence:
    """An agent was away from ``begin`` to ``end`` (UTC seconds); ``reason``: its ``start_reason``."""

    agent: str
    begin: float
    end: float
    reason: str

    @property
    def power(self) -> bool:
        """Whether the machine itself was off without a goodbye."""
        return self.reason == POWER


class Starts:
    """The starts that agents told, each handed out once."""

    def __init__(self, clocks: Clocks) -> None:
        """``clocks`` knows the boots."""
        self._clocks = clocks
        self._told: dict[tuple[str, str, float], None] = {}
        self._absences: list[Absence] = []

    def note(self, report: Report, at: float) -> None:
        """Look at a report that was measured at ``at`` (corrected)."""
        table = report.tables.get(AGENT.name)
        if table is None or report.device:
            return
        started = _cell(table, "started_boottime_seconds")
        if started is None or _cell(table, "start_reason") is None:
            return
        key = (report.agent, report.boot, round(started, 1))
        if key in self._told:
            return
        if len(self._told) >= MAX_TOLD:
            del self._told[next(iter(self._told))]
        found = absence(report, at, self._clocks)
        if found is None or len(self._absences) >= MAX_TOLD:
            return  # the next heartbeat tells it again, and history may have placed it by then
        self._told[key] = None
        self._absences.append(found)

    def take(self) -> list[Absence]:
        """Return the absences that are new since the last call."""
        found, self._absences = self._absences, []
        return found


def absence(report: Report, at: float, clocks: Clocks) -> Absence | None:
    """Return the absence before the start that ``report`` (measured at ``at``, corrected) tells of, None without one."""
    table = report.tables[AGENT.name]
    reason = str(_cell(table, "start_reason"))
    started, mono = _cell(table, "started_boottime_seconds"), _cell(table, "last_alive_boottime_seconds")
    if started is None or mono is None or started > report.mono:
        return None
    end = at - (report.mono - started)
    begin = end - (started - mono) if reason == CRASH else _last_alive(report, mono, end, clocks)
    if begin is None or not end - clocks.max_age <= begin < end:
        return None
    return Absence(report.agent, begin, end, reason)


def _last_alive(report: Report, mono: float, end: float, clocks: Clocks) -> float | None:
    """Place the last sign of life, which may be of another boot."""
    said: float | None = _cell(report.tables[AGENT.name], "last_alive_timestamp_seconds")
    before = clocks.before(report.agent, report.boot)
    if before is not None and before.last_mono <= mono + BEAT:
        # reports come between two signs of life, too
        true = clocks.moment(report.agent, before.boot, max(mono, before.last_mono))
        # the boot that is known as the last one need not be the last one there was
        sure = mono - before.last_mono <= BEAT or (said is not None and true is not None and abs(true - said) <= BEAT)
        if true is not None and true < end and sure:
            return true
    clock = clocks.agents.get(report.agent)
    # a clock that is wrong now was hardly right then
    return None if clock is None or clock.wrong else said


def _cell(table: dict[str, list[Any]], column: str) -> Any:
    cells = table.get(column)
    return cells[0] if cells else None
