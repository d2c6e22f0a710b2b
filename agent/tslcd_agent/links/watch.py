"""A fast poll of the few interfaces that channels depend on, for devices that send no traps.

Invariants:

* One GET a tick: sysUpTime, and of each interface ifOperStatus and the name that proves that its index is still its own.
* A device that does not answer is said nothing of: that is the poller's to judge.
* A name that is another's is said nothing of either, and the poller is woken to find the interfaces again.
* A change is an event at once, and wakes the poller.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

import msgspec

from tslcd_agent.errors import SnmpError
from tslcd_agent.readings import Reading
from tslcd_agent.schedule import first_tick, next_tick
from tslcd_agent.snmp import objects as mib
from tslcd_runtime.logs import get_logger
from tslcd_wire.codec import clean_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tslcd_agent.config import PolledDevice
    from tslcd_agent.links.pollers import Pollers
    from tslcd_agent.links.state import LinkStates
    from tslcd_agent.readings import Submit
    from tslcd_agent.snmp.session import SnmpSession, Value
    from tslcd_runtime.health import Health
    from tslcd_wire.report import Event

#: Interfaces of one device that are watched; more do not fit into one GET.
MAX_WATCHED: Final = 16
_STUCK: Final = 120.0
_OPER: Final = {1: True, 2: False, 3: False, 5: False, 6: False, 7: False}


def watched_device(device: PolledDevice) -> PolledDevice:
    """Return the device as a watch asks it: one question a tick, not asked again, answered within the tick."""
    interval = device.watch.interval if device.watch else device.interval
    return msgspec.structs.replace(device, retries=0, timeout=min(device.timeout, interval))


class LinkWatch:
    """Watches interfaces of one device over a session of its own, made for :func:`watched_device`. Inert until :meth:`run`."""

    def __init__(
        self,
        device: PolledDevice,
        session: SnmpSession,
        *,
        states: LinkStates,
        submit: Submit,
        pollers: Pollers,
        health: Health,
    ) -> None:
        """Remember."""
        self.name = f"watch {device.id}"
        self._device = device.id
        self._patterns: tuple[str, ...] = device.watch.interfaces if device.watch else ()
        self._interval = device.watch.interval if device.watch else device.interval
        self._session = session
        self._states = states
        self._submit = submit
        self._pollers = pollers
        self._health = health
        self._up_time = -1
        self._named = True
        self._answered = True
        self._log = get_logger("watch").bind(device=device.id)

    async def run(self) -> None:
        """Ask on every tick, until cancelled."""
        self._health.register(self.name, self._interval * 3 + _STUCK)
        try:
            tick = first_tick(time.monotonic(), self._interval, self.name)
            while True:
                await asyncio.sleep(tick - time.monotonic())
                await self.look()
                self._health.beat(self.name)
                tick = next_tick(time.monotonic(), self._interval, self.name)
        finally:
            self._health.unregister(self.name)
            await self._session.close()

    async def look(self) -> None:
        """Ask once and tell what changed. Raises nothing but cancellation."""
        indexes = dict(list(self._pollers.indexes_of(self._device, self._patterns).items())[:MAX_WATCHED])
        if not indexes:
            return  # not found yet, or the device is not there
        at, mono = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)
        columns = (mib.IF_OPER_STATUS, mib.IF_NAME, mib.IF_DESCR) if self._named else (mib.IF_OPER_STATUS, mib.IF_DESCR)
        oids = [f"{column}.{index}" for column in columns for index in indexes.values()]
        try:
            async with asyncio.timeout(self._interval):
                values = await self._session.get((mib.SYS_UP_TIME, *oids))
        except (SnmpError, TimeoutError) as error:
            self._tell(str(error) or "no answer in time")
            return
        up_time = values.get(mib.SYS_UP_TIME)
        if not isinstance(up_time, int):
            # an error-status: version 1 has no other word for a row without ifName
            self._named = not self._named
            self._tell("answers without sysUpTime")
            return
        self._tell("")
        if up_time < self._up_time:
            self._pollers.wake(self._device, "restarted")
        self._up_time = up_time
        events = self._compare(indexes, values, at, mono)
        if events:
            await self._submit(Reading(self._device, {}, tuple(events), at, mono))
            self._pollers.wake(self._device, "link")

    def _compare(self, indexes: Mapping[str, str], values: Mapping[str, Value], at: float, mono: float) -> list[Event]:
        """Return the changes of the interfaces that are still themselves."""
        events: list[Event] = []
        for key, index in indexes.items():
            if not _is(key, index, values):
                self._pollers.wake(self._device, "interfaces moved")
                continue
            oper = values.get(f"{mib.IF_OPER_STATUS}.{index}")
            up = _OPER.get(oper) if isinstance(oper, int) else None
            event = None if up is None else self._states.changed(self._device, key, up, at, "poll", mono=mono)
            if event is not None:
                events.append(event)
                self._log.info("link up" if event.up else "link down", interface=key)
        return events

    def _tell(self, reason: str) -> None:
        """Log the edges."""
        if self._answered == bool(reason):
            self._answered = not reason
            if reason:
                self._log.warning("fast poll not answered", reason=reason)
            else:
                self._log.info("fast poll answered again")


def _is(key: str, index: str, values: Mapping[str, Value]) -> bool:
    """Whether the device calls this index what the key says (see :mod:`tslcd_agent.snmp.interfaces`)."""
    for column in (mib.IF_NAME, mib.IF_DESCR):
        name = values.get(f"{column}.{index}")
        if isinstance(name, bytes) and (text := clean_key(name.decode(errors="replace"))):
            return key == text or (key.endswith(f"#{index}") and text.startswith(key.removesuffix(f"#{index}")))
    return key == f"if{index}"
