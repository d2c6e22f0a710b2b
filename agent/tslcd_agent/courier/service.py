"""Spool to broker: the only part of the agent that talks MQTT, through the one door.

Invariants:

* A report leaves the spool when enough collectors said that they stored it, or said so of nothing: the broker's answer
  (PUBACK) deletes nothing, it only makes room for the next.
* Live reports go at once, newest first. History goes behind them, bounded in rate, in its share of the link and in what a
  metered uplink may carry, only while a collector answers, and only so far ahead of the answers.
* A broker that answers no longer is left: MQTT sends again only after a reconnect (MQTT 5 section 4.4).
* Uplinks are used in their order; see :mod:`tslcd_agent.courier.route` for when one is left, and gone back to.
* After a reconnect nothing of history is sent before a collector told its mark.
* What was kept a moment ago is sent without being read back from the disk. The disk is asked at the begin of a session, when
  something was let go or left, and every :data:`LOOK_PAUSE` seconds in any case: whatever waits is found.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from functools import partial
from typing import TYPE_CHECKING, Final

import zstandard

from tslcd_agent.courier.answers import Answers
from tslcd_agent.courier.meter import SAVE_EVERY
from tslcd_agent.courier.pace import Rate, Share
from tslcd_agent.courier.route import Patience, Return, Route
from tslcd_agent.courier.status import GOODBYE, STATUS_PAUSE, Herald
from tslcd_agent.roundtrip import RoundTrip
from tslcd_runtime.logs import get_logger
from tslcd_runtime.mqtt import CODES, BrokerError, Connection, first_error
from tslcd_wire.topics import Lane, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tslcd_agent import config
    from tslcd_agent.courier.meter import Meter
    from tslcd_agent.probes.contract import Phase
    from tslcd_agent.spool import Row, Spool
    from tslcd_runtime.health import Health

#: Publishes that the broker has not answered: below 20, which strict brokers allow by default (receive maximum), and how
#: many of them history may have.
WINDOW: Final = 16
HISTORY_WINDOW: Final = 12
#: Pause between two looks whether an earlier uplink answers again, in parts of ``return_after``, and in seconds at most.
_SCOUT_PART: Final = 1 / 6
_SCOUT_PAUSE: Final = 10.0
_ZSTD_LEVEL: Final = 3
#: The longest pause between two looks at the disk for what waits, in seconds.
LOOK_PAUSE: Final = 5.0
#: Health: the longest that the courier may take from one round to the next, in seconds.
HEALTH_LIMIT: Final = 120.0

_log = get_logger("courier")


class Courier:
    """Sends what waits in ``spool`` over the first of ``uplinks`` that works. ``boot``: shortened boot id.

    ``meter`` counts what uplinks with a budget carry; None where nobody wants to know.
    """

    def __init__(
        self,
        spool: Spool,
        uplinks: Sequence[config.Uplink],
        settings: config.Courier,
        identity: config.Identity,
        *,
        version: str,
        boot: str,
        health: Health,
        meter: Meter | None = None,
    ) -> None:
        """Remember; :meth:`run` works."""
        self._spool = spool
        self._uplinks = tuple(uplinks)
        self._meter = meter
        self._settings = settings
        self._client_id = f"tslcd-{identity.province}-{identity.id}"
        self._topics = {lane: str(Topic(identity.province, identity.id, lane)) for lane in Lane}
        self._boot = boot
        self._health = health
        self._answers = Answers(spool, settings.ack_timeout, settings.required_acks)
        self._herald = Herald(
            self._topics[Lane.STATUS],
            identity.id,
            spool,
            self._answers,
            version=version,
            boot=boot,
            ack_timeout=settings.ack_timeout,
        )
        self._route = Route(len(self._uplinks), settings.reconnect_min, settings.reconnect_max)
        self._return = Return(settings.return_after)
        self._patience = {uplink: Patience(settings.answer_timeout) for uplink in self._uplinks}
        self._rate = Rate(settings.history_rate)
        self._share = Share(settings.history_share)
        self._compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL) if settings.compress_history else None
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._publishes: set[asyncio.Task[None]] = set()
        self._leaving = False
        #: Whether, as far as is known, nothing waits but what is under way: young reports, and all the others.
        self._live_done = self._history_done = False
        self._looked_at = float("-inf")
        self._history_publishing: set[int] = set()
        #: Which addresses of a broker's name may be connected to, asked at each connecting; all when None.
        self.permits: Callable[[str], bool] | None = None
        #: Called when another uplink came into use than the one before.
        self.on_uplink_change: Callable[[], None] = _nothing
        #: Sendings, repeats included; connections made; failures by code; acknowledgements by outcome.
        self.sent = 0
        self.connects = 0
        self.failures = dict.fromkeys(CODES, 0)
        self.acks = self._answers.counts
        #: Where it is connected to, empty when nowhere.
        self.connected_to = ""
        #: The uplink that was used last, empty before the first; whether it is another than the first; how often it changed.
        self.uplink = ""
        self.uplink_spare = False
        self.uplink_changes = 0
        #: Whether history waits because the byte budget of a metered way is spent.
        self.history_stopped = False
        self._trips = RoundTrip(identity.province, identity.id)
        self._connection: Connection | None = None
        self._trouble = BrokerError("lost", "not connected yet")

    @property
    def config_digest(self) -> str:
        """Return the digest of the configuration in use, which the status tells."""
        return self._herald.config_digest

    @config_digest.setter
    def config_digest(self, digest: str) -> None:
        self._herald.config_digest = digest

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
        self._health.register("courier", HEALTH_LIMIT + self._settings.reconnect_max)
        if self._meter is not None:
            await asyncio.to_thread(self._meter.load)
        saving = asyncio.create_task(self._save_meter(), name="meter")
        try:
            await self._go_on()
        finally:
            saving.cancel()
            await asyncio.wait((saving,))
        if self._meter is not None:
            await asyncio.to_thread(self._meter.save)
        self._health.unregister("courier")

    async def _go_on(self) -> None:
        """Connect again and again."""
        told = ""
        returned = False
        while not self._stop.is_set():
            self._health.beat("courier")
            uplink = self._uplinks[self._route.index]
            began = time.monotonic()
            mute = self._leaving = False
            try:
                await self._session(uplink)
            except* BrokerError as group:
                error = self._trouble = first_error(group)
                mute = error.code == "timeout"
                if mute and not self.connected_to:
                    self._patience[uplink].silent()
                self.failures[error.code] += 1
                if self.connected_to or told != str(error):
                    told = str(error)
                    _log.warning("broker not usable", uplink=uplink.title, code=error.code, reason=told)
            self._connection = None
            lived = time.monotonic() - began if self.connected_to else None
            self.connected_to = ""
            if returned:
                self._return.ended(lived or 0.0)
            returned = self._leaving
            if not self._leaving:
                pause = self._route.ended(lived, mute=mute, chance=random.random())  # noqa: S311 - spreads load, guards nothing
                self._return.left()
                await _wait(self._stop, pause)

    async def _save_meter(self) -> None:
        while self._meter is not None:
            await asyncio.sleep(SAVE_EVERY)
            await asyncio.to_thread(self._meter.save)

    async def _session(self, uplink: config.Uplink) -> None:
        """Work over one connection. Raises BrokerError, alone or in a group, when it cannot be used any more."""
        will, patience, began = self._herald.will(), self._patience[uplink], time.monotonic()
        connection = Connection(uplink, self._client_id, will=will, timeout=patience.attempt, permits=self.permits)
        async with connection:
            patience.answered(time.monotonic() - began)
            connection.timeout = patience.answer
            self._answers.reconnected()
            async with asyncio.TaskGroup() as greeting:  # one way there and back for both: over a slow line that counts
                greeting.create_task(connection.subscribe([self._topics[Lane.ACK]]), name="subscribe")
                greeting.create_task(self._herald.greet(connection), name="greet")
            self.connects += 1
            self.connected_to = str(uplink)
            self._connection = connection
            self._note_uplink(uplink)
            _log.info("connected", uplink=uplink.title, broker=str(uplink), protocol=uplink.protocol)
            async with asyncio.TaskGroup() as group:
                beside = [group.create_task(self._receive(connection), name="acks")]
                if self.uplink_spare:
                    beside.append(group.create_task(self._look_back(), name="look back"))
                await self._send(connection, group)
                for task in beside:
                    task.cancel()
            if self._stop.is_set():
                await self._herald.say_goodbye(connection)

    def _note_uplink(self, uplink: config.Uplink) -> None:
        """Note which uplink is in use, and tell of a change."""
        changed = self.uplink not in {"", uplink.title}
        self.uplink, self.uplink_spare = uplink.title, uplink is not self._uplinks[0]
        self._share = Share(self._settings.history_share)
        if changed:
            self.uplink_changes += 1
            self.on_uplink_change()

    async def _look_back(self) -> None:
        """Try the uplinks before the one in use, and end the session when one of them has answered for long enough."""
        while True:
            await asyncio.sleep(min(_SCOUT_PAUSE, self._settings.return_after * _SCOUT_PART))
            for index in range(self._route.index):
                good = await self._answers_there(self._uplinks[index])
                if self._return.tried(index, time.monotonic(), good=good):
                    _log.info("going back", uplink=self._uplinks[index].title, steady_seconds=self._return.patience)
                    self._route.index = index
                    self._leaving = True
                    self._wake.set()
                    return

    async def _answers_there(self, uplink: config.Uplink) -> bool:
        """Whether the broker lets us in by this uplink now."""
        name = f"{self._client_id}-look-back"
        try:
            async with Connection(uplink, name, timeout=self._settings.answer_timeout, permits=self.permits):
                return True
        except BrokerError:
            return False

    async def _send(self, connection: Connection, group: asyncio.TaskGroup) -> None:
        """Hand reports to the broker until stopped; then wait a moment for its answers."""
        self._live_done = False
        while not (self._stop.is_set() or self._leaving):
            self._wake.clear()
            self._health.beat("courier")
            await self._herald.tell_news(connection)
            free = WINDOW - self._answers.way.publishing()
            pause = STATUS_PAUSE
            if free > 0:
                rows = await self._unsent(free)
                for row in rows:
                    self._start(group, connection, row, Lane.LIVE)
                if len(rows) < free and self._answers.heard and not self._history_done:
                    pause = await self._send_history(group, connection, free - len(rows))
            await _wait(self._wake, min(pause, LOOK_PAUSE))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE):
                while self._answers.way.publishing():
                    self._wake.clear()
                    await self._wake.wait()
        for task in list(self._publishes):
            task.cancel()

    async def _unsent(self, free: int) -> list[Row]:
        """Return young reports that are not under way, newest first, ``free`` of them at most."""
        way, now = self._answers.way, time.monotonic()
        news = self._spool.take_news()
        if news is None or way.let_go or not self._live_done or now - self._looked_at >= LOOK_PAUSE:
            way.let_go = self._history_done = False
            self._looked_at = now
            rows = await self._spool.newest_first(free, way.held, self._settings.live_window)
            self._live_done = len(rows) < free
            return rows
        rows = [row for row in reversed(news) if row.key not in way.held]
        young = [row for row in rows if self._is_young(row)]
        self._history_done = self._history_done and len(young) == len(rows)
        self._live_done = len(young) < free
        return young[:free]

    def _is_young(self, row: Row) -> bool:
        """Whether a report belongs to the live lane."""
        mono = time.clock_gettime(time.CLOCK_BOOTTIME)
        return row.boot == self._boot and mono - row.mono < self._settings.live_window

    async def _send_history(self, group: asyncio.TaskGroup, connection: Connection, free: int) -> float:
        """Hand over old reports as far as bounds allow; return how long to wait when nothing else happens, in seconds."""
        room = min(
            free,
            HISTORY_WINDOW - len(self._history_publishing),
            self._answers.window.size - self._answers.way.unanswered(),
        )
        self.history_stopped = self._meter is not None and self._meter.is_spent(self.uplink, time.time())
        pause = self._history_pause()
        if room <= 0 or pause > 0 or self.history_stopped:
            return pause or STATUS_PAUSE
        rows = await self._spool.oldest_first(room, self._answers.way.held)
        self._history_done = len(rows) < room
        for row in rows:
            if self._is_young(row):
                self._history_done = True
                break  # the live lane's
            pause = self._history_pause()
            if pause > 0:
                self._history_done = False
                return pause
            self._history_publishing.add(row.key)
            self._start(group, connection, row, Lane.HISTORY)
        return STATUS_PAUSE

    def _history_pause(self) -> float:
        """Return for how many seconds history must wait now."""
        now = time.monotonic()
        return max(self._rate.pause(now), self._share.pause(now))

    def _start(self, group: asyncio.TaskGroup, connection: Connection, row: Row, lane: Lane) -> None:
        payload = row.payload
        if lane is Lane.HISTORY:
            if self._compressor is not None:
                payload = self._compressor.compress(payload)
            self._rate.spend(len(payload))
            self._share.started(len(payload), time.monotonic())
        if self._meter is not None:
            self._meter.spend(self.uplink, len(payload) + len(self._topics[lane]), time.time())
        self._answers.way.start(row.key)
        self.sent += 1
        publishing = self._publish(connection, self._topics[lane], payload, row.key)
        task = group.create_task(publishing, name="publish")
        self._publishes.add(task)
        task.add_done_callback(partial(self._published, row.key))

    async def _publish(self, connection: Connection, topic: str, payload: bytes, key: int) -> None:
        """Hand one report to the broker and wait for its answer. Raises BrokerError."""
        await connection.publish(topic, payload)
        self._answers.way.answered(key, time.monotonic())
        self._answers.window.answered(key, time.monotonic())

    def _published(self, key: int, task: asyncio.Task[None]) -> None:
        """Note that a publish is over, however, also when it was cancelled before it began."""
        self._publishes.discard(task)
        self._answers.way.failed(key)
        if key in self._history_publishing:
            self._history_publishing.discard(key)
            self._share.finished(time.monotonic())
        if not (self._live_done and self._history_done) or self._stop.is_set() or self._leaving:
            self._wake.set()

    async def _receive(self, connection: Connection) -> None:
        """Apply acknowledgements until the connection is lost. Raises BrokerError."""
        async for delivery in connection.deliveries():
            connection.acknowledge(delivery)
            if self._trips.heard(delivery):
                continue
            await self._answers.take(delivery.payload)
            self._wake.set()


def _nothing() -> None:
    """Do nothing: nobody wants to know."""


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, but no longer than so many seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
