"""The listener of traps and informs: from a datagram to a link event and a poll that comes at once.

::

    socket ─► source known? ─► gate (storms) ─► queue ─► decode, acknowledge ─► LinkStates ─► event, at once
                                                                         └────► wake the poller

Invariants:

* Only devices that are polled are heard: nothing is ever sent to any other address, one with ``touch: false`` among them.
* Before a datagram is decoded its source is known and its device within bounds; what is before that costs microseconds.
* A port that is taken or denied is told once and tried again; the agent goes on meanwhile.
* A trap that looks as if it was sent before stays refused; its device is asked what time it has (:mod:`.engine_clock`).
* A trap from a known device is also a reason to poll it now, but for authenticationFailure, which a poll may be the cause of.
* An event is a report without tables: at the centre a table replaces the one before it, an event only its one cell.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import random
import socket
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tslcd_agent.config.values import normal_address
from tslcd_agent.courier.route import Backoff
from tslcd_agent.errors import SnmpError
from tslcd_agent.links.engine_clock import ClockQuestions, ask_clock
from tslcd_agent.links.engine_identity import EngineIdentity, next_identity
from tslcd_agent.links.gate import Gate, Refusals, TrapStatistics
from tslcd_agent.links.notification import (
    AUTHENTICATION_FAILURE,
    Notification,
    NotificationError,
    key_of_change,
    link_change,
)
from tslcd_agent.readings import Reading
from tslcd_agent.snmp.interfaces import is_wanted
from tslcd_agent.snmp.session import open_session
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tslcd_agent.config import PolledDevice, Snmp, Traps
    from tslcd_agent.links.pollers import Pollers
    from tslcd_agent.links.state import LinkStates
    from tslcd_agent.links.trap_engine import TrapEngine
    from tslcd_agent.readings import Submit
    from tslcd_runtime.health import Health

#: Datagrams that passed the gate and wait for the decoder.
MAX_WAITING: Final = 512
#: Datagrams read before the loop gets to other work: a quarter of a millisecond.
READ_AT_ONCE: Final = 64
#: The pause before a port is tried again, seconds.
RETRY_MIN, RETRY_MAX = 2.0, 60.0
#: An inform that came already and comes again within this time (seconds) is the same one: its answer was lost.
SAME_INFORM: Final = 60.0
#: How many sets of credentials get their engine at the start; each costs a megabyte.
EAGER: Final = 4
_BEAT: Final = 10.0
_STUCK: Final = 120.0
_LARGEST: Final = 65_535
#: Wanted of the kernel, which may give less (net.core.rmem_max).
_RECEIVE_BUFFER: Final = 1 << 20
_SEQUENCE: Final = 0x30
_MAPPED: Final = "::ffff:"
_NAME: Final = "traps"
_STRANGER: Final = "not the address of a polled device: if it is one of its others, add it to devices.X.trap_sources"


class _Waiting(NamedTuple):
    """A datagram for the decoder. ``at``, ``mono``: when it came; ``reply``: where an answer goes."""

    devices: tuple[PolledDevice, ...]
    payload: bytes
    reply: tuple[socket.socket, Any]
    at: float
    mono: float


class TrapListener:
    """Listens for all of ``devices``. Inert until :meth:`run`."""

    def __init__(
        self,
        settings: Traps,
        devices: Sequence[PolledDevice],
        *,
        states: LinkStates,
        submit: Submit,
        pollers: Pollers,
        health: Health,
        statistics: TrapStatistics,
        identity_file: Path,
    ) -> None:
        """``statistics`` is counted into; ``identity_file`` keeps how often we started (:mod:`.engine_identity`)."""
        self._settings = settings
        self._devices = tuple(devices)
        self._sources: dict[str, tuple[PolledDevice, ...]] = {}
        for device in devices:
            for address in dict.fromkeys(normal_address(one) for one in (device.address, *device.trap_sources)):
                self._sources[address] = (*self._sources.get(address, ()), device)
        self._states = states
        self._submit = submit
        self._pollers = pollers
        self._health = health
        self._statistics = statistics
        self._identity_file = identity_file
        self._gate = Gate(settings.rate)
        self._refusals = Refusals(statistics)
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(MAX_WAITING)
        self._engines: list[tuple[Snmp, TrapEngine]] = []
        self._identity = EngineIdentity(b"", 0)
        self._began = 0.0
        self._clocks = ClockQuestions()
        self._doubted: asyncio.Queue[PolledDevice] = asyncio.Queue(MAX_WAITING)
        self._informs: dict[str, deque[tuple[float, Notification]]] = {}
        self._buffer = bytearray(_LARGEST)
        self._log = get_logger(_NAME)

    async def run(self) -> None:
        """Listen until cancelled."""
        self._began = time.clock_gettime(time.CLOCK_BOOTTIME)
        self._identity = await asyncio.to_thread(next_identity, self._identity_file)
        for device in self._devices:
            if len(self._engines) < EAGER:
                await self._engine(device.snmp)
        self._health.register(_NAME, _STUCK)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._look(), name="traps: decoder")
                group.create_task(self._ask_clocks(), name="traps: clocks")
                for address in self._settings.addresses:
                    group.create_task(self._listen(address), name=f"traps: {address}")
        finally:
            self._health.unregister(_NAME)

    async def _listen(self, address: str) -> None:
        """Hold one address' socket; try again when that cannot be."""
        loop = asyncio.get_running_loop()
        backoff = Backoff(RETRY_MIN, RETRY_MAX)
        port, told = self._settings.port, ""
        while True:
            try:
                receiver = self._open(address)
            except OSError as error:
                reason = _reason(error, port)
                if reason != told:
                    self._log.error("no traps are heard", address=address, port=port, reason=reason)
                told = reason
                await asyncio.sleep(backoff.pause(random.random()))  # noqa: S311 - spreads load, guards nothing
                continue
            self._log.info("listening for traps", address=address, port=port)
            try:
                loop.add_reader(receiver, self._read, receiver)
                await asyncio.Event().wait()
            finally:
                loop.remove_reader(receiver)
                receiver.close()

    def _open(self, address: str) -> socket.socket:
        """Bind. Raises OSError."""
        version6 = ":" in address
        opened = socket.socket(socket.AF_INET6 if version6 else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            opened.settimeout(0)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            if version6:
                # with an IPv4 address beside it, each has its own
                alone = all(":" in other for other in self._settings.addresses)
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(not alone))
            opened.bind((address, self._settings.port))
        except OSError:
            opened.close()
            raise
        return opened

    def _read(self, receiver: socket.socket) -> None:
        """Take what came: this runs for every datagram that anybody sends here."""
        at, mono, now = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), time.monotonic()
        for _ in range(READ_AT_ONCE):
            try:
                size, peer = receiver.recvfrom_into(self._buffer)
            except OSError:  # nothing more, or the news of an answer that could not be delivered
                return
            source = peer[0].removeprefix(_MAPPED)
            devices = self._sources.get(source)
            if devices is None:
                self._refuse(source, NotificationError("source", _STRANGER), now)
            elif not size or self._buffer[0] != _SEQUENCE:
                self._refuse(source, NotificationError("garbage", "not SNMP"), now)
            elif self._queue.full() or not self._gate.admit(devices[0].id, now):
                self._suppress(devices[0].id)
            else:
                payload = bytes(memoryview(self._buffer)[:size])
                self._queue.put_nowait(_Waiting(devices, payload, (receiver, peer), at, mono))

    def _suppress(self, device: str) -> None:
        self._statistics.suppressed += 1
        if self._gate.storm_began(device):
            self._log.warning("more traps than are looked at", device=device, rate=self._settings.rate)
            self._pollers.wake(device, "trap storm")  # what it would have said is to be seen

    def _refuse(self, source: str, error: NotificationError, now: float) -> None:
        if self._refusals.note(source, error.code, now):
            self._log.warning("trap refused", source=source, code=error.code, reason=str(error))

    async def _look(self) -> None:
        """Decode what passed the gate, one after another, for ever."""
        while True:
            self._health.beat(_NAME)
            for device in self._gate.storms_over(time.monotonic()):
                self._log.info("trap storm over", device=device, suppressed=self._statistics.suppressed)
            try:
                async with asyncio.timeout(_BEAT):
                    waiting = await self._queue.get()
            except TimeoutError:
                continue
            await self._hear(waiting)

    async def _hear(self, waiting: _Waiting) -> None:
        """Find out which of the devices with this address said it, and what."""
        failure: NotificationError | None = None
        for device in waiting.devices:
            engine = await self._engine(device.snmp)
            try:
                notification = engine.hear(waiting.payload, waiting.reply)
            except NotificationError as error:
                failure = error
                await asyncio.sleep(0)
                continue
            if notification is not None:
                self._statistics.received += 1
                await self._take(device, notification, waiting.at, waiting.mono)
            return
        if failure is not None:
            now = time.monotonic()
            self._refuse(waiting.devices[0].address, failure, now)
            if failure.code == "replay":
                # also what a device looks like that forgot how often it started: the poll tells what is true
                self._pollers.wake(waiting.devices[0].id, "trap refused")
                for device in waiting.devices:
                    if not self._doubted.full() and self._clocks.may_ask(device, now):
                        self._doubted.put_nowait(device)

    async def _ask_clocks(self) -> None:
        """Ask devices whose traps look old, one after another, for ever."""
        while True:
            device = await self._doubted.get()
            try:
                clock = await ask_clock(device, open_session)
            except SnmpError as error:
                reason = f"{error}: its old traps stay refused; reload the settings to begin anew"
                self._log.warning("device not asked for its SNMPv3 clock", device=device.id, reason=reason)
                continue
            engine = await self._engine(device.snmp)
            if engine.believe(clock):
                advice = "its traps are heard again; give it a new user or password, lest recorded ones are"
                self._log.warning("device lost count of its starts", device=device.id, boots=clock.boots, advice=advice)

    async def _take(self, device: PolledDevice, notification: Notification, at: float, mono: float) -> None:
        """Tell what a notification says."""
        if notification.request is not None and self._repeated(device.id, notification, mono):
            return
        change = link_change(notification)
        if change is not None:
            key = key_of_change(change, lambda index: self._pollers.key_of(device.id, index))
            if key is not None and is_wanted(key, device.interfaces):
                event = self._states.changed(device.id, key, change.up, at, "trap", mono=mono)
                if event is not None:
                    await self._submit(Reading(device.id, {}, (event,), at, mono))
                    self._log.info("link up" if event.up else "link down", device=device.id, interface=key)
        if notification.kind != AUTHENTICATION_FAILURE:
            self._pollers.wake(device.id, notification.name)

    def _repeated(self, device: str, notification: Notification, mono: float) -> bool:
        """Whether this inform came already: its sender did not hear our answer. It may have been undone since."""
        informs = self._informs.setdefault(device, deque(maxlen=MAX_WAITING))
        while informs and mono - informs[0][0] > SAME_INFORM:
            informs.popleft()
        if any(known == notification for _, known in informs):
            return True
        informs.append((mono, notification))
        return False

    async def _engine(self, snmp: Snmp) -> TrapEngine:
        """Return the engine of these credentials; made when there is none, or when it is worn."""
        for place, (credentials, engine) in enumerate(self._engines):
            if credentials == snmp:
                if not engine.worn:
                    return engine
                del self._engines[place]
                break
        engine = await asyncio.to_thread(_make_engine, snmp, self._identity, self._began)
        self._engines.append((snmp, engine))
        return engine


def _make_engine(snmp: Snmp, identity: EngineIdentity, began: float) -> TrapEngine:
    from tslcd_agent.links.trap_engine import TrapEngine  # noqa: PLC0415 - pysnmp costs 15 MB

    return TrapEngine(snmp, identity, began, _answer)


def _answer(payload: bytes, reply: tuple[socket.socket, Any]) -> None:
    """Send an acknowledgement or report. One that is lost is asked for again."""
    receiver, peer = reply
    with contextlib.suppress(OSError):
        receiver.sendto(payload, peer)


def _reason(error: OSError, port: int) -> str:
    """Say why a port could not be had, and what to do."""
    match error.errno:
        case errno.EACCES:
            return f"port {port} is for privileged programs: give the agent CAP_NET_BIND_SERVICE, or another port"
        case errno.EADDRINUSE:
            return f"port {port} is taken by another program, snmptrapd perhaps: stop it, or use another port"
        case errno.EADDRNOTAVAIL:
            return "no interface has this address now"
        case _:
            return (error.strerror or str(error)).lower()
