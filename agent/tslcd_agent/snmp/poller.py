"""One task for each device: a reading on every tick, and out of turn when somebody says that something happened.

Invariants:

* A round ends within its budget, so a slow or dead device delays nobody, itself included.
* Every tick gives a reading, also one at which the device is not asked (:mod:`tslcd_agent.snmp.breaker`): ``snmp_up`` 0 and
  the state as far as it is known now. Silence never looks like health.
* A round that was cut short tells what it heard: a device that answered is up, however slowly.
* Failure is logged once, and recovery once.
* Whatever a device sends, even what our own code was not made for, ends its round and nothing else.
* Only a :class:`~tslcd_agent.config.PolledDevice` can be polled, and settings make none of a device with ``touch: false``.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from tslcd_agent.links.state import LinkStates
from tslcd_agent.readings import Reading
from tslcd_agent.schedule import first_tick, missed_ticks, next_tick
from tslcd_agent.snmp import interpret
from tslcd_agent.snmp.breaker import Ask, Breaker
from tslcd_agent.snmp.device_round import DeviceRounds, Outcome
from tslcd_agent.snmp.waking import Waking
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tslcd_agent.config import PolledDevice
    from tslcd_agent.readings import Submit
    from tslcd_agent.snmp.counter_files import CounterMemory
    from tslcd_agent.snmp.profile.known import KnownRows
    from tslcd_agent.snmp.profile.reader import ProfileReader
    from tslcd_agent.snmp.session import SnmpSession
    from tslcd_runtime.health import Health

    #: Whether an address answers an echo within so many seconds.
    Reachable = Callable[[str, float], Awaitable[bool]]

#: A loop is stuck when it did not go round for so many intervals and this many seconds more.
STUCK_AFTER_INTERVALS: Final = 3
_STUCK_SPARE: Final = 60.0
#: States that a ping tells apart.
_QUIET: Final = ("silent", "unreachable")
#: Rounds running with doubtful counters after which it is logged.
_DOUBTS: Final = 3
#: Names in one line of the log.
_NAMED: Final = 5


@dataclass(slots=True)
class PollStatistics:
    """What the pollers did since the start; shared by all of them, for the agent's own table.

    ``overruns``: rounds that ran out of their budget. ``skipped``: ticks that passed while a round was still under way.
    ``woken``: rounds out of turn. ``spared``: ticks at which a device that does not answer was not asked.
    """

    rounds: int = 0
    failures: int = 0
    incomplete: int = 0
    overruns: int = 0
    skipped: int = 0
    woken: int = 0
    spared: int = 0

    def activity(self) -> dict[str, int]:
        """Return the counts that the agent tells of itself, by column of kind ``agent``."""
        return {"poll_overruns_total": self.overruns, "polls_incomplete_total": self.incomplete}


class DevicePoller:
    """Polls one device for ever. Inert until :meth:`run`."""

    def __init__(  # noqa: PLR0913 - everybody whom a poller works with, each by name
        self,
        device: PolledDevice,
        session: SnmpSession,
        submit: Submit,
        *,
        reachable: Reachable,
        health: Health,
        statistics: PollStatistics,
        links: LinkStates | None = None,
        profile: ProfileReader | None = None,
        memory: CounterMemory | None = None,
        known: KnownRows | None = None,
    ) -> None:
        """``reachable`` tells silent from unreachable; ``statistics`` is counted into.

        ``links``: the memory shared with traps and watches. ``profile``: what to read beyond IF-MIB. ``memory``: where
        wrap counts outlive the agent; ``known``: where tunnels do.
        """
        self.name = f"poll {device.id}"
        self._device = device
        self._rounds = DeviceRounds(device, session, profile=profile, memory=memory, known=known)
        self._submit = submit
        self._reachable = reachable
        self._health = health
        self._statistics = statistics
        self._links = links if links is not None else LinkStates()
        self._breaker = Breaker()
        self._waking = Waking(device.interval)
        self._bell = asyncio.Event()
        self._state = "silent"
        self._said = ""
        self._left_out = 0
        self._doubts = 0
        self._log = get_logger("snmp").bind(device=device.id)

    def key_of(self, index: str) -> str | None:
        """Return the key of the interface with this ifIndex, as far as it is known and reported."""
        return self._rounds.reader.keys.get(index)

    def indexes_of(self, patterns: Sequence[str]) -> dict[str, str]:
        """Return ifIndex by key of the known interfaces whose keys match one of ``patterns`` (shell patterns)."""
        keys = self._rounds.reader.keys
        return {key: index for index, key in keys.items() if any(fnmatchcase(key, glob) for glob in patterns)}

    def wake(self, reason: str) -> None:
        """Have a round begin now (or as soon as :class:`Waking` lets it), and end a pause. May be called at any rate."""
        self._log.debug("woken", reason=reason)
        self._waking.ask()
        self._breaker.cut()
        self._bell.set()

    async def run(self) -> None:
        """Go round on every tick and whenever woken, until cancelled."""
        device = self._device
        self._health.register(self.name, device.interval * STUCK_AFTER_INTERVALS + device.budget + _STUCK_SPARE)
        try:
            tick = first_tick(time.monotonic(), device.interval, device.id)
            while True:
                woken = await self._sleep(tick)
                self._waking.begin(time.monotonic(), woken=woken)
                await self._submit(await self.poll())
                self._health.beat(self.name)
                if woken:
                    self._statistics.woken += 1
                else:
                    self._statistics.skipped += missed_ticks(tick, time.monotonic(), device.interval)
                if time.monotonic() >= tick:
                    tick = next_tick(time.monotonic(), device.interval, device.id)
        finally:
            self._health.unregister(self.name)
            await self._rounds.close()

    async def _sleep(self, tick: float) -> bool:
        """Wait for the tick or for a round out of turn; return whether it is the latter."""
        while True:
            now = time.monotonic()
            due = self._waking.due(now)
            until = tick if due is None else min(tick, due)
            if now >= until:
                return due is not None and until < tick
            self._bell.clear()
            try:
                async with asyncio.timeout(until - now):
                    await self._bell.wait()
            except TimeoutError:
                continue

    async def poll(self) -> Reading:
        """Make the reading of one tick. Raises nothing but cancellation."""
        try:
            return await self._poll()
        except Exception as error:  # noqa: BLE001 - a bulkhead: one device's answers must not end the agent
            self._tell("broken", _fault(error), answered=False)
            self._statistics.rounds += 1
            self._statistics.failures += 1
            return Reading(self._device.id, interpret.failure_tables("broken"))

    async def _poll(self) -> Reading:
        ask = self._breaker.tick()
        if ask is Ask.NOTHING:
            ask = await self._listen()
        if ask is Ask.KNOCK and not await self._knock():
            ask = Ask.NOTHING
        if ask is Ask.NOTHING:
            self._statistics.spared += 1
            return Reading(self._device.id, interpret.failure_tables(self._state))
        return await self._round()

    async def _listen(self) -> Ask:
        """Ask a device in a pause nothing but an echo; return what to ask because of the answer."""
        if self._state not in _QUIET:
            return Ask.NOTHING
        alive = await self._reachable(self._device.address, self._device.timeout)
        came_back = alive and self._state == "unreachable"
        self._fail("silent" if alive else "unreachable", "no SNMP answer; asked less often until it comes")
        if came_back:
            self._breaker.cut()
            return self._breaker.tick()
        return Ask.NOTHING

    async def _knock(self) -> bool:
        """Ask one small question; return whether it was answered."""
        try:
            error = await self._rounds.knock()
        except TimeoutError:
            state, reason = "silent", f"no answer within {self._device.timeout:g} s"
        else:
            if error is None:
                return True
            state, reason = error.code, str(error)
        self._breaker.fail()
        if state == "silent":
            if self._state not in _QUIET:
                return False  # a refusal or garbage takes longer to come than one wait: what was found stands
            if not await self._reachable(self._device.address, self._device.timeout):
                state = "unreachable"
        self._fail(state, reason)
        return False

    async def _round(self) -> Reading:
        """Ask everything."""
        outcome = await self._rounds.go()
        counted = self._statistics
        counted.rounds += 1
        counted.overruns += outcome.overran
        if not outcome.answered:
            counted.failures += 1
            self._breaker.fail()
            await self._name_silence(outcome)
            self._fail(outcome.state, outcome.reason)
            return Reading(self._device.id, outcome.tables, (), outcome.at, outcome.mono)
        counted.incomplete += not outcome.complete
        self._breaker.succeed()
        self._state = "ok"
        self._tell("incomplete" if outcome.reason else "", outcome.reason, answered=True)
        self._warn(outcome)
        events = interpret.link_events(
            outcome.interfaces, self._device.id, self._links, at=outcome.at, mono=outcome.mono
        )
        if events:
            self._rounds.reader.changed(event.key for event in events)
        return Reading(self._device.id, outcome.tables, events, outcome.at, outcome.mono)

    async def _name_silence(self, outcome: Outcome) -> None:
        """Tell unreachable from silent."""
        if outcome.state == "silent" and not await self._reachable(self._device.address, self._device.timeout):
            outcome.state = "unreachable"
            outcome.tables["device"]["snmp_state"] = [outcome.state]

    def _fail(self, state: str, reason: str) -> None:
        """Take note of a device that does not answer."""
        self._state = state
        self._tell(state, reason, answered=False)

    def _tell(self, now: str, reason: str, *, answered: bool) -> None:
        """Log the edges: what is wrong, when it becomes so; and that it is right again."""
        if now == self._said:
            return
        self._said = now
        if now:
            self._log.warning("device not read" if not answered else "device read in part", state=now, reason=reason)
        else:
            self._log.info("device read again")

    def _warn(self, outcome: Outcome) -> None:
        """Log, when it changes, what makes figures smaller than the truth."""
        if outcome.complete and outcome.left_out != self._left_out:
            self._left_out = outcome.left_out
            if outcome.left_out:
                self._log.warning("interfaces left out: choose with interfaces.include", left_out=outcome.left_out)
        doubtful = self._rounds.reader.counters.doubtful
        # a gap is not the interval's fault: what is doubtful twice running is
        self._doubts = self._doubts + 1 if doubtful else 0
        if self._doubts == _DOUBTS:
            self._log.warning(
                "32-bit counters may wrap more than once between two rounds, and are told too small: poll more often",
                interfaces=", ".join(doubtful[:_NAMED]),
                count=len(doubtful),
            )


def _fault(error: Exception) -> str:
    """Say what and where, for whoever mends it; a traceback would read source files while everything waits."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" ({trace.tb_frame.f_code.co_name}:{trace.tb_lineno})" if trace is not None else ""
    return f"a fault of the agent: {type(error).__name__}: {error}{where}"
