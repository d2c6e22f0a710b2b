"""One task for each device: a round on every tick, and exactly one reading for every round.

Invariants:

* A round ends within its budget, so a slow or dead device delays nobody, itself included.
* A round without an answer is a reading too: ``snmp_up`` 0 and the reason. The device's interfaces are then not told about.
* A round that was cut short tells what it heard: a device that answered is up, however slowly.
* Failure is logged once, and recovery once.
* Only a :class:`~tslcd_agent.config.PolledDevice` can be polled, and settings make none of a device with ``touch: false``.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tslcd_agent.errors import SnmpError
from tslcd_agent.readings import Reading
from tslcd_agent.schedule import first_tick, missed_ticks, next_tick
from tslcd_agent.snmp import interpret
from tslcd_agent.snmp.reader import DeviceReader, Round
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tslcd_agent.config import PolledDevice
    from tslcd_agent.readings import Submit
    from tslcd_agent.snmp.session import SnmpSession
    from tslcd_runtime.health import Health
    from tslcd_wire.report import Tables

    #: Whether an address answers an echo within so many seconds.
    Reachable = Callable[[str, float], Awaitable[bool]]

#: A loop is stuck when it did not go round for so many intervals and this many seconds more.
STUCK_AFTER_INTERVALS: Final = 3
_STUCK_SPARE: Final = 60.0


@dataclass(slots=True)
class PollStatistics:
    """What the pollers did since the start; shared by all of them, for the agent's own table.

    ``overruns``: rounds that ran out of their budget. ``skipped``: ticks that passed while a round was still under way.
    """

    rounds: int = 0
    failures: int = 0
    incomplete: int = 0
    overruns: int = 0
    skipped: int = 0

    def activity(self) -> dict[str, int]:
        """Return the counts that the agent tells of itself, by column of kind ``agent``."""
        return {"poll_overruns_total": self.overruns, "polls_incomplete_total": self.incomplete}


class DevicePoller:
    """Polls one device for ever. Inert until :meth:`run`."""

    def __init__(
        self,
        device: PolledDevice,
        session: SnmpSession,
        submit: Submit,
        *,
        reachable: Reachable,
        health: Health,
        statistics: PollStatistics,
    ) -> None:
        """``reachable`` tells silent from unreachable; ``statistics`` is counted into."""
        self.name = f"poll {device.id}"
        self._device = device
        self._reader = DeviceReader(session, device.interfaces)
        self._submit = submit
        self._reachable = reachable
        self._health = health
        self._statistics = statistics
        self._operational: dict[str, int] = {}
        self._said = ""
        self._log = get_logger("snmp").bind(device=device.id)

    async def run(self) -> None:
        """Go round on every tick, until cancelled."""
        device = self._device
        self._health.register(self.name, device.interval * STUCK_AFTER_INTERVALS + device.budget + _STUCK_SPARE)
        try:
            tick = first_tick(time.monotonic(), device.interval, device.id)
            while True:
                await asyncio.sleep(tick - time.monotonic())
                await self._submit(await self.poll())
                self._health.beat(self.name)
                self._statistics.skipped += missed_ticks(tick, time.monotonic(), device.interval)
                tick = next_tick(time.monotonic(), device.interval, device.id)
        finally:
            self._health.unregister(self.name)

    async def poll(self) -> Reading:
        """Make one round and the reading of it. Raises nothing but cancellation."""
        at, mono = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)
        began = time.monotonic()
        heard = Round()
        state, reason = "silent", f"no answer within {self._device.budget:g} s"
        overran = False
        try:
            async with asyncio.timeout(self._device.budget):
                await self._reader.read(heard)
        except TimeoutError:
            overran = True
        except SnmpError as error:
            state, reason = error.code, str(error)
        duration = time.monotonic() - began
        if heard.answered:
            reason = "" if heard.complete else f"answered in part: {reason}"
            tables, links = self._answered(heard, duration)
            events = interpret.link_events(self._operational, links, at)
            if events:
                self._reader.forget()
            self._operational.update(links)
        else:
            if state == "silent" and not await self._reachable(self._device.address, self._device.timeout):
                state = "unreachable"
            tables, events = interpret.failure_tables(state, duration=duration), ()
        self._count(heard, overran=overran)
        self._tell(state, reason, answered=heard.answered)
        return Reading(self._device.id, tables, events, at, mono)

    def _answered(self, heard: Round, duration: float) -> tuple[Tables, dict[str, int]]:
        table = interpret.interface_table(heard.plan, heard.values) if heard.plan is not None else None
        tables: Tables = {
            "device": interpret.device_table(
                heard.values, duration=duration, interfaces=len(table["key"]) if table else 0
            )
        }
        if table is not None:
            tables["interface"] = table
        return tables, interpret.operational(table)

    def _count(self, heard: Round, *, overran: bool) -> None:
        counted = self._statistics
        counted.rounds += 1
        counted.overruns += overran
        counted.failures += not heard.answered
        counted.incomplete += heard.answered and not heard.complete

    def _tell(self, state: str, reason: str, *, answered: bool) -> None:
        """Log the edges: what is wrong, when it becomes so; and that it is right again."""
        now = "" if not reason else "incomplete" if answered else state
        if now == self._said:
            return
        self._said = now
        if now:
            self._log.warning("device not read" if not answered else "device read in part", state=now, reason=reason)
        else:
            self._log.info("device read again")
