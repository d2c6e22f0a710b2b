"""The agent about itself: a reading every heartbeat, and the sign of life that the next start will look for."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tslcd_agent.readings import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tslcd_agent.courier import Courier
    from tslcd_agent.readings import Submit
    from tslcd_agent.spool import Spool, Statistics
    from tslcd_agent.spool.state import Alive, StartReason
    from tslcd_runtime.health import Health
    from tslcd_wire.report import Table

#: Written here, since importlib.metadata costs 2 MB of the agent's memory; a test holds it to pyproject's.
VERSION: Final = "0.1.0"
_STATM: Final = Path("/proc/self/statm")


def resident_bytes(statm: Path = _STATM) -> int | None:
    """Return the resident memory of this process (proc(5), statm); None where it cannot be read."""
    try:
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return None


#: What pollers, probes, the trap listener and link watchers count, as columns of kind ``agent``.
ACTIVITY: Final = (
    "poll_overruns_total",
    "polls_incomplete_total",
    "traps_received_total",
    "traps_refused_total",
    "traps_suppressed_total",
    "link_events_total",
    "probe_errors_total",
    "traps_replayed_total",
)


class Start(NamedTuple):
    """How the agent came to run: why, its last sign of life before, and CLOCK_BOOTTIME then, in seconds."""

    reason: StartReason
    last_alive: Alive | None
    mono: float


def agent_table(
    spool: Statistics,
    courier: Courier,
    start: Start,
    *,
    uptime: float,
    activity: Mapping[str, int],
    resident: int | None,
    cpu: float,
) -> Table:
    """Return the table of kind ``agent``; ``uptime`` and ``cpu`` in seconds, ``resident`` in bytes.

    ``activity``: counts by the names of :data:`ACTIVITY`; what is not there is 0.
    """
    return {
        "key": [""],
        "uptime_seconds": [round(uptime, 3)],
        "resident_memory_bytes": [resident],
        "cpu_seconds_total": [round(cpu, 3)],
        "spool_reports": [spool.waiting],
        "spool_bytes": [spool.bytes],
        "spool_limit_bytes": [spool.limit],
        "spool_oldest_seconds": [0.0 if not spool.waiting else _rounded(spool.oldest_age)],
        "reports_total": [spool.totals.made],
        "reports_sent_total": [courier.sent],
        "reports_confirmed_total": [spool.totals.confirmed],
        "reports_dropped_total": [spool.totals.dropped],
        "broker_connects_total": [courier.connects],
        **{column: [activity.get(column, 0)] for column in ACTIVITY},
        "reports_dropped_size_total": [spool.totals.dropped_size],
        "reports_dropped_age_total": [spool.totals.dropped_age],
        "reports_dropped_damage_total": [spool.totals.dropped_damage],
        "reports_dropped_memory_total": [spool.totals.dropped_memory],
        "spool_files_set_aside_total": [spool.totals.files_set_aside],
        "spool_in_memory": [int(bool(spool.failing))],
        "uplink": [courier.uplink or None],
        "uplink_spare": [int(courier.uplink_spare)],
        "uplink_changes_total": [courier.uplink_changes],
        "history_stopped": [int(courier.history_stopped)],
        "start_reason": [start.reason],
        "last_alive_timestamp_seconds": [round(start.last_alive.at, 3) if start.last_alive else None],
        "last_alive_boottime_seconds": [round(start.last_alive.mono, 3) if start.last_alive else None],
        "started_boottime_seconds": [round(start.mono, 3)],
        "version": [VERSION],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


class Heartbeat:
    """Reports the agent itself every ``interval`` seconds. ``activity`` tells the counts of :data:`ACTIVITY`."""

    def __init__(
        self,
        spool: Spool,
        courier: Courier,
        submit: Submit,
        health: Health,
        *,
        interval: float,
        activity: Callable[[], Mapping[str, int]],
    ) -> None:
        """Remember; the agent's uptime counts from here."""
        self._spool = spool
        self._courier = courier
        self._submit = submit
        self._health = health
        self._activity = activity
        self._began = time.monotonic()
        self._started = time.clock_gettime(time.CLOCK_BOOTTIME)
        self._due = asyncio.Event()
        #: Seconds between heartbeats; may be changed while it runs.
        self.interval = interval

    async def run(self) -> None:
        """Beat for ever, the first time at once."""
        try:
            while True:
                self._health.register("heartbeat", 3 * self.interval + 30)
                self._due.clear()
                await self.beat()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.interval):
                        await self._due.wait()
        finally:
            self._health.unregister("heartbeat")

    def hurry(self) -> None:
        """Beat now: something changed that the centre should know."""
        self._due.set()

    async def beat(self) -> None:
        """Leave a sign of life and report once."""
        await self._spool.mark_alive()
        statistics = await self._spool.statistics()
        used = resource.getrusage(resource.RUSAGE_SELF)
        table = agent_table(
            statistics,
            self._courier,
            Start(self._spool.start_reason, self._spool.last_alive, self._started),
            uptime=time.monotonic() - self._began,
            activity=self._activity(),
            resident=resident_bytes(),
            cpu=used.ru_utime + used.ru_stime,
        )
        await self._submit(Reading("", {"agent": table}))
