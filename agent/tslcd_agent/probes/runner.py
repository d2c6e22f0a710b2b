"""Runs the configured probes: one reading a round for all that share an interval, so that reports stay few.

Invariants:

* Every probe of a round is in its reading, whatever became of it.
* A round ends when its slowest probe ends or is cut off at its own deadline, and settings see to it that this is within the
  interval.
* A probe that starts to fail is logged once with its reason, and its recovery once; another outcome is a failure anew.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from tslcd_agent.probes.contract import GOOD, probe_table
from tslcd_agent.readings import Reading
from tslcd_agent.schedule import first_tick, next_tick
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tslcd_agent.config import Probe
    from tslcd_agent.probes.contract import ProbeFunction, ProbeResult
    from tslcd_agent.readings import Submit
    from tslcd_runtime.health import Health

#: A loop is stuck when it did not go round for so many intervals and this many seconds more.
STUCK_AFTER_INTERVALS: Final = 3
_STUCK_SPARE: Final = 60.0


class ProbeRunner:
    """Runs the probes of one interval for ever. Inert until :meth:`run`."""

    def __init__(
        self, interval: float, probes: Mapping[str, Probe], probe: ProbeFunction, submit: Submit, health: Health
    ) -> None:
        """``interval`` in seconds; ``probes`` by name; ``probe`` does the work."""
        self.name = f"probe every {interval:g} s"
        self._interval = interval
        self._probes = dict(probes)
        self._probe = probe
        self._submit = submit
        self._health = health
        self._said: dict[str, str] = {}
        self._log = get_logger("probe")

    async def run(self) -> None:
        """Go round on every tick, until cancelled."""
        self._health.register(self.name, self._interval * STUCK_AFTER_INTERVALS + _STUCK_SPARE)
        try:
            tick = first_tick(time.monotonic(), self._interval, self.name)
            while True:
                await asyncio.sleep(tick - time.monotonic())
                await self._submit(await self.round())
                self._health.beat(self.name)
                tick = next_tick(time.monotonic(), self._interval, self.name)
        finally:
            self._health.unregister(self.name)

    async def round(self) -> Reading:
        """Run every probe once, at the same time, and make the reading."""
        at, mono = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)
        async with asyncio.TaskGroup() as group:
            tasks = {
                name: group.create_task(self._probe(name, settings), name=f"probe {name}")
                for name, settings in self._probes.items()
            }
        results = {name: task.result() for name, task in tasks.items()}
        for name, result in results.items():
            self._tell(name, result)
        return Reading("", {"probe": probe_table(results)}, (), at, mono)

    def _tell(self, name: str, result: ProbeResult) -> None:
        outcome = "ok" if result.outcome in GOOD else result.outcome
        before = self._said.get(name, "ok")
        if outcome == before:
            return
        self._said[name] = outcome
        if outcome == "ok":
            self._log.info("probe answered again", probe=name)
        else:
            self._log.warning(
                "probe failed",
                probe=name,
                type=result.type,
                outcome=outcome,
                reason=result.reason,
                address=result.address,
            )


def runners(
    probes: Mapping[str, Probe], probe: ProbeFunction, submit: Submit, health: Health
) -> tuple[ProbeRunner, ...]:
    """Make one runner for each interval among ``probes``."""
    by_interval: dict[float, dict[str, Probe]] = {}
    for name, one in probes.items():
        by_interval.setdefault(one.interval, {})[name] = one
    return tuple(ProbeRunner(interval, some, probe, submit, health) for interval, some in by_interval.items())
