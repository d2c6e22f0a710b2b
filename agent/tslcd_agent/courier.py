"""Spool to broker: the only part of the agent that talks MQTT, through the one door.

Invariants:

* A report leaves the spool when enough collectors said that they stored it, or said so of nothing: the broker's answer
  (PUBACK) deletes nothing, it only makes room for the next.
* Live reports go at once, newest first. History goes behind them, bounded in rate, only while a collector answers, and
  only so far ahead of its answers.
* A broker that answers no longer is left: MQTT sends again only after a reconnect (MQTT 5 section 4.4).
* After a reconnect nothing of history is sent before a collector told its mark.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from typing import TYPE_CHECKING, Final

import zstandard

from tslcd_agent.lanes import Backoff, Marks, Rate, UnderWay
from tslcd_agent.roundtrip import RoundTrip
from tslcd_agent.spool.state import MAX_SEQ, key_of
from tslcd_runtime.logs import get_logger
from tslcd_runtime.mqtt import CODES, BrokerError, Connection, Will
from tslcd_wire import codec
from tslcd_wire.errors import WireError
from tslcd_wire.ranges import RangeSet
from tslcd_wire.report import MAX_RANGES, Status
from tslcd_wire.topics import Lane, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tslcd_agent import config
    from tslcd_agent.probes.contract import Phase
    from tslcd_agent.spool import Row, Spool, Statistics
    from tslcd_runtime.health import Health
    from tslcd_runtime.mqtt import Endpoint
    from tslcd_wire.report import Ack

#: Publishes that the broker has not answered: below 20, which strict brokers allow by default (receive maximum), and how
#: many of them history may have.
WINDOW: Final = 16
HISTORY_WINDOW: Final = 12
#: How far history runs ahead of the collectors' answers, in reports.
MAX_UNCONFIRMED: Final = 1024
#: Least pause between two looks at whether the status must be told again, in seconds.
STATUS_PAUSE: Final = 5.0
#: A connection that lived shorter counts as a failure of that broker.
STEADY: Final = 10.0
#: Numbers looked up for one acknowledgement's ``missing``.
MAX_LOOKUP: Final = 4096
_GOODBYE: Final = 1.0
_ZSTD_LEVEL: Final = 3
#: Health: the longest that the courier may take from one round to the next, in seconds.
HEALTH_LIMIT: Final = 120.0

_log = get_logger("courier")


class Courier:
    """Sends what waits in ``spool`` to the first of ``endpoints`` that can be used. ``boot``: shortened boot id."""

    def __init__(
        self,
        spool: Spool,
        endpoints: Sequence[Endpoint],
        settings: config.Courier,
        identity: config.Identity,
        *,
        version: str,
        boot: str,
        health: Health,
    ) -> None:
        """Remember; :meth:`run` works."""
        self._spool = spool
        self._endpoints = tuple(endpoints)
        self._settings = settings
        self._agent = identity.id
        self._client_id = f"tslcd-{identity.province}-{identity.id}"
        self._topics = {lane: str(Topic(identity.province, identity.id, lane)) for lane in Lane}
        self._version = version
        self._boot = boot
        self._health = health
        self._way = UnderWay(settings.ack_timeout)
        self._rate = Rate(settings.history_rate)
        self._marks = Marks(settings.required_acks)
        self._compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL) if settings.compress_history else None
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._publishes: set[asyncio.Task[None]] = set()
        self._heard = False
        self._heard_at = 0.0
        self._history_publishing: set[int] = set()
        self._lost = RangeSet()
        self._told: tuple[object, ...] = ()
        self._told_at = 0.0
        #: Which addresses of a broker's name may be connected to, asked at each connecting; all when None.
        self.permits: Callable[[str], bool] | None = None
        #: Digest of the configuration in use, told in the status.
        self.config_digest = ""
        #: Sendings, repeats included; connections made; failures by code; acknowledgements by outcome.
        self.sent = 0
        self.connects = 0
        self.failures = dict.fromkeys(CODES, 0)
        self.acks = {"applied": 0, "foreign": 0, "malformed": 0}
        #: Where it is connected to, empty when nowhere.
        self.connected_to = ""
        #: The way in use, empty when none; whether it is another than the first; how often it changed.
        self.uplink = ""
        self.uplink_spare = False
        self.uplink_changes = 0
        #: Whether history waits because the byte budget of a metered way is spent.
        self.history_stopped = False
        self._trips = RoundTrip(identity.province, identity.id)
        self._connection: Connection | None = None
        self._trouble = BrokerError("lost", "not connected yet")

    def wake(self) -> None:
        """Look at the spool again: something was kept."""
        self._wake.set()

    def stop(self) -> None:
        """Finish what is under way, say goodbye, and let :meth:`run` return."""
        self._stop.set()
        self._wake.set()

    async def round_trip(self) -> dict[Phase, float]:
        """Send a word to ourselves over the connection in use; return how long it took, in seconds.

        Raises BrokerError: refused, lost, or why there is no connection. Waits for as long as it is let.
        """
        if self._connection is None:
            raise self._trouble
        return {"answer": await self._trips.over(self._connection)}

    async def run(self) -> None:
        """Connect and send until :meth:`stop`; never raises for a broker."""
        backoff = Backoff(self._settings.reconnect_min, self._settings.reconnect_max)
        self._health.register("courier", HEALTH_LIMIT + self._settings.reconnect_max)
        index = 0
        told = ""
        while not self._stop.is_set():
            self._health.beat("courier")
            endpoint = self._endpoints[index]
            began = time.monotonic()
            try:
                await self._session(endpoint)
            except* BrokerError as group:
                error = self._trouble = _first(group)
                self.failures[error.code] += 1
                if self.connected_to or told != str(error):
                    told = str(error)
                    _log.warning("broker not usable", broker=str(endpoint), code=error.code, reason=told)
            self._connection = None
            steady = bool(self.connected_to) and time.monotonic() - began >= STEADY
            self.connected_to = ""
            if steady:
                backoff.reset()
            index = 0 if steady else (index + 1) % len(self._endpoints)
            if index == 0:
                pause = backoff.pause(random.random())  # noqa: S311 - spreads load, guards nothing
                await _wait(self._stop, pause)
        self._health.unregister("courier")

    async def _session(self, endpoint: Endpoint) -> None:
        """Work over one connection. Raises BrokerError, alone or in a group, when it cannot be used any more."""
        will = Will(self._topics[Lane.STATUS], codec.encode(Status(agent=self._agent, online=False)))
        connection = Connection(
            endpoint, self._client_id, will=will, timeout=self._settings.answer_timeout, permits=self.permits
        )
        async with connection:
            self._heard = False
            self._way.reconnected()
            await connection.subscribe([self._topics[Lane.ACK]])
            await self._tell_status(connection, await self._spool.statistics())
            self.connects += 1
            self.connected_to = str(endpoint)
            self.uplink_changes += self.uplink not in {"", str(endpoint)}
            self.uplink, self.uplink_spare = str(endpoint), endpoint != self._endpoints[0]
            self._connection = connection
            _log.info("connected", broker=str(endpoint), protocol=endpoint.protocol)
            async with asyncio.TaskGroup() as group:
                receiver = group.create_task(self._receive(connection), name="acks")
                await self._send(connection, group)
                receiver.cancel()
            await self._say_goodbye(connection)

    async def _send(self, connection: Connection, group: asyncio.TaskGroup) -> None:
        """Hand reports to the broker until stopped; then wait a moment for its answers."""
        while not self._stop.is_set():
            self._wake.clear()
            self._health.beat("courier")
            await self._tell_news(connection)
            free = WINDOW - self._way.publishing()
            pause = STATUS_PAUSE
            if free > 0:
                rows = await self._spool.newest_first(free, self._way.held, self._settings.live_window)
                for row in rows:
                    self._start(group, connection, row, Lane.LIVE)
                if len(rows) < free and self._heard:
                    pause = await self._send_history(group, connection, free - len(rows))
            await _wait(self._wake, pause)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE):
                while self._way.publishing():
                    self._wake.clear()
                    await self._wake.wait()
        for task in list(self._publishes):
            task.cancel()

    async def _send_history(self, group: asyncio.TaskGroup, connection: Connection, free: int) -> float:
        """Hand over old reports as far as bounds allow; return how long to wait when nothing else happens, in seconds."""
        room = min(free, HISTORY_WINDOW - len(self._history_publishing), MAX_UNCONFIRMED - self._way.unanswered())
        pause = self._rate.pause(time.monotonic())
        if room <= 0 or pause > 0:
            return pause or STATUS_PAUSE
        for row in await self._spool.oldest_first(room, self._way.held):
            if (
                row.boot == self._boot
                and time.clock_gettime(time.CLOCK_BOOTTIME) - row.mono < self._settings.live_window
            ):
                break  # young: the live lane's
            pause = self._rate.pause(time.monotonic())
            if pause > 0:
                return pause
            self._history_publishing.add(row.key)
            self._start(group, connection, row, Lane.HISTORY)
        return STATUS_PAUSE

    def _start(self, group: asyncio.TaskGroup, connection: Connection, row: Row, lane: Lane) -> None:
        payload = row.payload
        if lane is Lane.HISTORY:
            if self._compressor is not None:
                payload = self._compressor.compress(payload)
            self._rate.spend(len(payload))
        self._way.start(row.key)
        self.sent += 1
        task = group.create_task(self._publish(connection, self._topics[lane], payload, row.key), name="publish")
        self._publishes.add(task)
        task.add_done_callback(self._publishes.discard)

    async def _publish(self, connection: Connection, topic: str, payload: bytes, key: int) -> None:
        """Hand one report to the broker and wait for its answer. Raises BrokerError."""
        try:
            await connection.publish(topic, payload)
            self._way.answered(key, time.monotonic())
        finally:
            self._way.failed(key)
            self._history_publishing.discard(key)
            self._wake.set()

    async def _receive(self, connection: Connection) -> None:
        """Apply acknowledgements until the connection is lost. Raises BrokerError."""
        async for delivery in connection.deliveries():
            connection.acknowledge(delivery)
            if self._trips.heard(delivery):
                continue
            try:
                ack = codec.decode_ack(delivery.payload)
            except WireError as error:
                if not self.acks["malformed"]:
                    _log.warning("acknowledgement not understood", code=error.code, reason=str(error))
                self.acks["malformed"] += 1
                continue
            await self._apply(ack)
            self._wake.set()

    async def _apply(self, ack: Ack) -> None:
        """Delete what is stored, let go what is missing, note what is lost."""
        generation = await self._spool.generation(ack.stream)
        if generation is None:
            self.acks["foreign"] += 1
            return
        statistics = await self._spool.statistics()
        newest = statistics.newest if ack.stream == statistics.stream else MAX_SEQ
        if max(ack.upto, *(last for _, last in ack.have), 0) > newest:
            _log.error(
                "collector has reports that this spool never made: it was set back, or copied", collector=ack.collector
            )
            await self._spool.renew_stream(ack.stream)
            self._reset()
            return
        has = RangeSet((key_of(generation, first), key_of(generation, last)) for first, last in ack.have)
        if ack.upto:
            has.add(key_of(generation, 1), key_of(generation, ack.upto))
        heard = self._way.acknowledged(has, key_of(generation, 0), key_of(generation, MAX_SEQ), time.monotonic())
        enough = self._marks.note(ack.collector, ack.stream, ack.upto, ack.have)
        await self._spool.confirm(ack.stream, enough)
        for first, last in enough:
            self._way.confirmed(key_of(generation, first), key_of(generation, last))
        await self._answer_missing(ack, generation, newest, heard)
        self.acks["applied"] += 1
        self._heard, self._heard_at = True, time.monotonic()

    async def _answer_missing(self, ack: Ack, generation: int, newest: int, heard: float) -> None:
        """Let go what a collector asks for; what is not here any more is lost, and the status will say so."""
        for first, last in ack.missing:
            until = min(last, newest, first + MAX_LOOKUP - 1)
            waiting = await self._spool.waiting(ack.stream, first, until, MAX_LOOKUP)
            if waiting is None or first > until:
                continue
            self._way.named((key_of(generation, seq) for seq in waiting), heard, time.monotonic())
            here = RangeSet((seq, seq) for seq in waiting)
            for gone in here.gaps(first, until):
                self._lost.add(*gone)

    def _reset(self) -> None:
        """Forget what was said about streams: there is a new one."""
        self._way = UnderWay(self._settings.ack_timeout)
        self._lost = RangeSet()
        self._told = ()

    async def _tell_news(self, connection: Connection) -> None:
        """Tell the status again, not too often: when it became wrong by more than sending, or to ask for a late answer.

        An answer may be lost with a broker, and without new reports no other would ever come.
        """
        now = time.monotonic()
        if now - self._told_at < STATUS_PAUSE and self._told:
            return
        statistics = await self._spool.statistics()
        overdue = self._way.unanswered() > 0 and now - self._heard_at >= self._settings.ack_timeout
        if overdue or self._news(statistics) != self._told:
            await self._tell_status(connection, statistics)
        self._told_at = now

    def _news(self, statistics: Statistics) -> tuple[object, ...]:
        return (statistics.stream, statistics.totals.dropped, len(self._lost), statistics.lost, self.config_digest)

    async def _tell_status(self, connection: Connection, statistics: Statistics) -> None:
        if self._told and self._told[0] != statistics.stream:
            self._lost = RangeSet()
        if statistics.oldest > 1:
            self._lost.remove(1, statistics.oldest - 1)
        lost = RangeSet((*self._lost, *statistics.lost))
        status = Status(
            agent=self._agent,
            online=True,
            at=time.time(),
            version=self._version,
            config=self.config_digest,
            stream=statistics.stream,
            boot=self._boot,
            oldest=statistics.oldest,
            newest=statistics.newest,
            lost=list(lost)[:MAX_RANGES],
            start_reason=self._spool.start_reason,
        )
        told = self._news(statistics)
        await connection.publish(self._topics[Lane.STATUS], codec.encode(status), retain=True)
        self._told, self._told_at = told, time.monotonic()

    async def _say_goodbye(self, connection: Connection) -> None:
        """Tell that the agent stops on purpose: a goodbye keeps the broker from publishing the last will."""
        status = Status(
            agent=self._agent,
            online=False,
            at=time.time(),
            version=self._version,
            config=self.config_digest,
            boot=self._boot,
            start_reason=self._spool.start_reason,
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE):
                await connection.publish(self._topics[Lane.STATUS], codec.encode(status), retain=True)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, but no longer than so many seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _first(group: BaseExceptionGroup[BrokerError]) -> BrokerError:
    """Return the error that ended a connection; what follows from it comes later in the group."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, BrokerError):  # except* let nothing else in
        raise TypeError(type(error).__name__)
    return error
