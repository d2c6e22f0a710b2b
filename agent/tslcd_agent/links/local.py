"""The interfaces of this box, reported like a device's: changes at once, everything every interval.

Invariants:

* What changed is told by an event at once; the table that follows is read anew, so that counters belong to its time.
* News that was lost (ENOBUFS) or comes too thick is no loss: everything is asked for again, and compared.
* An interface is its name. One that is renamed or goes away is down under the old name, and leaves the table.
* Where netlink is denied (some containers), files are read every :data:`SYSFS_EVERY` seconds instead; told once.
"""

from __future__ import annotations

import asyncio
import errno
import os
import time
from typing import TYPE_CHECKING, Any, Final

from tslcd_agent.config import Interfaces
from tslcd_agent.links import sysfs
from tslcd_agent.links.gate import Bucket
from tslcd_agent.links.netlink import LinkSocket, LocalInterface
from tslcd_agent.readings import Reading
from tslcd_agent.schedule import first_tick, next_tick
from tslcd_agent.snmp.interfaces import is_wanted
from tslcd_runtime.logs import get_logger
from tslcd_wire.catalogue import INTERFACE
from tslcd_wire.codec import clean_key, clean_text
from tslcd_wire.report import MAX_EVENTS, MAX_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tslcd_agent.config import Links
    from tslcd_agent.links.netlink import KernelLinks, Message
    from tslcd_agent.links.state import LinkStates
    from tslcd_agent.readings import Submit
    from tslcd_runtime.health import Health
    from tslcd_wire.report import Event, Table, Tables

SYSFS_EVERY: Final = 2.0
#: News that is looked at one by one: so many a second, and at once. What is more is a reason to ask for everything.
NEWS_RATE: Final = 20.0
NEWS_BURST: Final = 200.0
#: Everything is asked for again no sooner than this after a change, seconds.
SETTLE: Final = 1.0
#: The longest wait for the kernel's answer, seconds.
_PATIENCE: Final = 5.0
_STUCK: Final = 90.0
_NAME: Final = "links"


def interface_table(found: Iterable[LocalInterface], speeds: Mapping[str, float]) -> Table | None:
    """Make the table ``interface``; None when there is none. ``speeds``: bits a second by name."""
    rows = list(found)[:MAX_ROWS]
    if not rows:
        return None
    cells: dict[str, list[Any]] = {
        "oper_up": [int(row.up) for row in rows],
        "admin_up": [int(row.admin_up) for row in rows],
        "speed_bits_per_second": [speeds.get(row.name) for row in rows],
        "alias": [clean_text(row.alias) or None for row in rows],
    }
    for column in INTERFACE.by_name:
        if column not in cells:
            cells[column] = [row.counters.get(column) for row in rows]
    table: Table = {"key": [clean_key(row.name) for row in rows]}
    table |= {column: cells[column] for column in INTERFACE.by_name if any(cell is not None for cell in cells[column])}
    return table


class LocalLinks:
    """Watches this box. ``open_socket`` may raise OSError; then files are read."""

    def __init__(
        self,
        settings: Links,
        *,
        states: LinkStates,
        submit: Submit,
        health: Health,
        open_socket: Callable[[], KernelLinks] = LinkSocket,
    ) -> None:
        """Remember; :meth:`run` works."""
        self._settings = settings
        self._wanted = Interfaces(include=settings.include, exclude=settings.exclude)
        self._states = states
        self._submit = submit
        self._health = health
        self._open_socket = open_socket
        self._links: dict[int, LocalInterface] = {}
        self._unseen: set[int] = set()
        self._sequence = 0
        self._asked_at: float | None = None
        self._again_at: float | None = None
        self._changed = False
        self._tick = 0.0
        self._news = Bucket(NEWS_RATE, NEWS_BURST)
        self._log = get_logger(_NAME)

    async def run(self) -> None:
        """Watch until cancelled."""
        self._health.register(_NAME, self._settings.interval * 3 + _STUCK)
        try:
            try:
                kernel = self._open_socket()
            except OSError as error:
                self._log.warning("netlink denied, reading files", reason=error.strerror, every=SYSFS_EVERY)
                await self._follow_files()
            else:
                try:
                    await self._follow(kernel)
                finally:
                    kernel.close()
        finally:
            self._health.unregister(_NAME)

    async def _follow(self, kernel: KernelLinks) -> None:
        """Hear the kernel's news, and ask for everything on every tick."""
        self._ask(kernel)
        self._tick = first_tick(time.monotonic(), self._settings.interval, _NAME)
        while True:
            self._health.beat(_NAME)
            now = time.monotonic()
            if self._wait(now) <= 0:
                self._ask(kernel)
            await _readable(kernel.fileno(), self._wait(now))
            at, mono = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)
            try:
                news = kernel.receive()
            except BlockingIOError:
                continue
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self._log.info("more news of links than the kernel keeps: asking for everything")
                self._again_at = now
                self._asked_at = None
                continue
            await self._apply(news, at, mono)

    def _ask(self, kernel: KernelLinks) -> None:
        self._sequence += 1
        self._unseen = set(self._links)
        self._asked_at = now = time.monotonic()
        self._again_at = None
        if now >= self._tick:
            self._tick = next_tick(now, self._settings.interval, _NAME)
        kernel.ask(self._sequence)

    def _wait(self, now: float) -> float:
        """Return how long nothing is to be done, seconds."""
        if self._asked_at is not None:
            return max(0.0, self._asked_at + _PATIENCE - now)
        return max(0.0, min(self._tick, self._again_at or self._tick) - now)

    async def _apply(self, news: list[Message], at: float, mono: float) -> None:
        """Take a datagram's messages; tell changes at once, and the whole when it is complete."""
        events: list[Event] = []
        complete = False
        for message in news:
            if message.part and message.sequence != self._sequence:
                continue  # of a question that was given up
            if not message.part and not self._admit():
                continue
            if message.kind == "end":
                complete = message.part and not message.broken
                if not complete:
                    self._asked_at, self._again_at = None, time.monotonic() + SETTLE
            elif message.interface is not None:
                self._unseen.discard(message.interface.index)
                events += self._note(message.interface, gone=message.kind == "gone", at=at, mono=mono)
        if complete:
            for index in self._unseen:
                events += self._note(self._links[index], gone=True, at=at, mono=mono)
        await self._tell(events, at, mono)
        if complete:
            self._asked_at = None
            await self._tell_all(at, mono)
        elif self._changed and self._again_at is None:
            self._again_at = time.monotonic() + SETTLE
        self._changed = False

    def _admit(self) -> bool:
        """Whether one more piece of news is looked at; what is not will be found when everything is asked for."""
        if self._news.fill(time.monotonic()) >= 1:
            self._news.tokens -= 1
            return True
        if self._again_at is None:
            self._again_at = time.monotonic() + SETTLE
        return False

    def _note(self, found: LocalInterface, *, gone: bool, at: float, mono: float) -> list[Event]:
        """Keep what is known of an interface; return the events that it makes."""
        before = self._links.get(found.index)
        told: list[tuple[str, bool]] = []
        if before is not None and (gone or before.name != found.name):
            told.append((before.name, False))
        if gone:
            self._links.pop(found.index, None)
        else:
            self._links[found.index] = found
            told.append((found.name, found.up))
        if before is None or gone or _without_counters(before) != _without_counters(found):
            self._changed = True
        events = [
            self._states.changed(self._settings.device, clean_key(name), up, at, "netlink", mono=mono)
            for name, up in told
            if is_wanted(name, self._wanted)
        ]
        return [event for event in events if event is not None]

    async def _tell(self, events: list[Event], at: float, mono: float) -> None:
        for start in range(0, len(events), MAX_EVENTS):
            part = tuple(events[start : start + MAX_EVENTS])
            await self._submit(Reading(self._settings.device, {}, part, at, mono))
        for event in events:
            self._log.info("link up" if event.up else "link down", device=self._settings.device, interface=event.key)

    async def _tell_all(self, at: float, mono: float) -> None:
        """Report every wanted interface as it is known now."""
        wanted = [link for _, link in sorted(self._links.items()) if is_wanted(link.name, self._wanted)]
        speeds = await asyncio.to_thread(sysfs.speeds, [link.name for link in wanted])
        table = interface_table(wanted, speeds)
        tables: Tables = {"device": device_table(len(wanted), mono)}
        if table is not None:
            tables["interface"] = table
        await self._submit(Reading(self._settings.device, tables, (), at, mono))

    async def _follow_files(self) -> None:
        """Read files every SYSFS_EVERY seconds, tell changes, and everything on every tick."""
        interval = self._settings.interval
        tick = first_tick(time.monotonic(), interval, _NAME)
        while True:
            self._health.beat(_NAME)
            at, mono = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)
            found = await asyncio.to_thread(sysfs.interfaces)
            events: list[Event] = []
            for index in set(self._links) - {link.index for link in found}:
                events += self._note(self._links[index], gone=True, at=at, mono=mono)
            for link in found:
                events += self._note(link, gone=False, at=at, mono=mono)
            await self._tell(events, at, mono)
            if self._changed or time.monotonic() >= tick:
                await self._tell_all(at, mono)
                tick = next_tick(time.monotonic(), interval, _NAME)
            self._changed = False
            await asyncio.sleep(min(SYSFS_EVERY, interval))


def device_table(interfaces: int, mono: float) -> Table:
    """Make the table ``device`` of this box; ``mono``: CLOCK_BOOTTIME, which is its uptime."""
    system = os.uname()
    return {
        "key": [""],
        "uptime_seconds": [round(mono, 3)],
        "interfaces": [float(interfaces)],
        "sys_name": [clean_text(system.nodename)],
        "sys_descr": [clean_text(f"{system.sysname} {system.release} {system.machine}")],
    }


def _without_counters(link: LocalInterface) -> tuple[object, ...]:
    return link.name, link.up, link.admin_up, link.alias


async def _readable(descriptor: int, seconds: float) -> None:
    """Wait until there is something to read, but no longer than so many seconds."""
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not readable.done():
            readable.set_result(None)

    loop.add_reader(descriptor, wake)
    try:
        async with asyncio.timeout(seconds):
            await readable
    except TimeoutError:
        pass
    finally:
        loop.remove_reader(descriptor)
