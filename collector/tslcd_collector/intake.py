"""The only reader of MQTT: from the broker into the store, then onto the board, then the acknowledgements.

Invariants:

* Order: a batch is committed and synced, then applied to the board, then acknowledged to the broker, then to the agents. An
  agent never hears of a report that a power cut could still take.
* A store that fails or hangs stops acknowledgements, not the view: live reports are shown, and come again from the agents'
  spools. The broker is told "received" all the same, since it keeps nothing that anybody relies on.
* Memory is bounded by MAX_WAITING_BYTES, MAX_WAITING and the packet size bound. What is above is dropped, counted as ``overload``, and
  comes again. The receive maximum is no bound: Mosquitto 2.0 sends all that waits once answers come.
* The broker is tried for ever, with a jittered, capped pause.
* What tells of a change (a link, an agent that comes or goes) is taken in at once, with whatever waits; what was only measured
  waits for others, ``intake.batch_wait`` at most: a batch costs the same whether it has one report or fifty.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from tslcd_collector.acks import AckSchedule, Address
from tslcd_collector.errors import StoreError
from tslcd_collector.reception import Intent, Taken
from tslcd_collector.store import Batch
from tslcd_runtime.logs import get_logger
from tslcd_runtime.mqtt import BrokerError, Connection, Delivery
from tslcd_wire import codec, topics
from tslcd_wire.report import MAX_RANGES, Ack
from tslcd_wire.topics import Lane, Topic

if TYPE_CHECKING:
    from collections.abc import Callable

    from tslcd_collector import config
    from tslcd_collector.admit import Admission
    from tslcd_collector.board import Board
    from tslcd_collector.metrics import Metrics
    from tslcd_collector.reception import Reception
    from tslcd_collector.store import Store
    from tslcd_runtime.health import Health
    from tslcd_runtime.mqtt import Endpoint

MAX_WAITING_BYTES: Final = 64 * 2**20
MAX_WAITING: Final = 50_000
#: One batch decodes no more than this, so that the loop and its other tasks go on.
MAX_BATCH_BYTES: Final = 2 * 2**20
#: A store that has not answered for so long (seconds) counts as failing until it does.
PATIENCE: Final = 5.0
#: Acknowledgements under way to the broker at once.
MAX_ACKS: Final = 64
MAX_PAUSE: Final = 5.0
_BEAT: Final = 5.0
#: A batch of so many messages, or bytes, waits for no others.
_ENOUGH: Final = 64
_ENOUGH_BYTES: Final = 2**18
#: How a report with events begins to tell of them; one that is written otherwise waits like any other.
_EVENTS: Final = b'"events":[{'
_STATUS: Final = f"/{Lane.STATUS.value}"


class _Waiting(NamedTuple):
    """A message that nobody looked at yet."""

    connection: Connection
    delivery: Delivery
    received: float


class Intake:
    """Reads, stores, applies and acknowledges, for ever."""

    def __init__(
        self,
        settings: config.CollectorSettings,
        *,
        reception: Reception,
        admission: Admission,
        store: Store,
        board: Board,
        metrics: Metrics,
        health: Health,
        wake: Callable[[], None],
    ) -> None:
        """``wake`` is called after something was applied to the board."""
        self._settings = settings
        self._reception = reception
        self._admission = admission
        self._store = store
        self._board = board
        self._metrics = metrics
        self._health = health
        self._wake = wake
        self._log = get_logger("intake")
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(MAX_WAITING)
        self._waiting_bytes = 0
        self._hurry = asyncio.Event()
        self._connection: Connection | None = None
        self._reconnect = asyncio.Event()
        self._acks = AckSchedule(settings.intake.ack_interval)
        self._acks_wanted = asyncio.Event()
        self._hanging: tuple[asyncio.Future[None], Intent] | None = None
        self._store_failed = False
        self._broker_failed: str | None = None

    async def run(self) -> None:
        """Work until cancelled."""
        self._health.register("intake", 60.0)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._stay_connected(), name="intake: broker")
                group.create_task(self._take_in(), name="intake: batches")
                group.create_task(self._acknowledge(), name="intake: acknowledgements")
        finally:
            self._health.unregister("intake")

    def reload(self, settings: config.CollectorSettings) -> None:
        """Go on with these settings; connects anew when the broker or the provinces changed."""
        before, self._settings = self._settings, settings
        self._acks.interval = settings.intake.ack_interval
        self._reception.provinces = frozenset(settings.provinces)
        if (before.broker, before.provinces) != (settings.broker, settings.provinces):
            self._reconnect.set()

    # broker

    async def _stay_connected(self) -> None:
        attempt = 0
        while True:
            self._reconnect.clear()
            endpoint = self._settings.broker
            try:
                async with Connection(endpoint, f"tslcd-collector-{self._settings.collector.id}") as connection:
                    await connection.subscribe(
                        [
                            topics.subscription(lane, province)
                            for province in self._settings.provinces
                            for lane in (Lane.STATUS, Lane.LIVE, Lane.HISTORY)
                        ]
                    )
                    attempt = 0
                    self._connected(connection, endpoint)
                    await self._read_until_changed(connection)
            except BrokerError as error:
                if self._broker_failed != error.code:
                    self._log.error("broker not usable, trying again", code=error.code, reason=str(error))
                self._broker_failed = error.code
            finally:
                if self._connection is not None:
                    self._board.broker_lost = time.time()
                self._connection = None
                self._metrics.broker_connected.set(0)
            if not self._reconnect.is_set():
                attempt += 1
                await asyncio.sleep(pause(attempt, random.random()))  # noqa: S311 - spreads reconnects, keeps no secret

    def _connected(self, connection: Connection, endpoint: Endpoint) -> None:
        self._connection = connection
        self._board.broker_lost = None
        self._metrics.broker_connected.set(1)
        self._metrics.broker_connects.inc()
        self._log.info("connected to the broker", broker=str(endpoint))
        self._broker_failed = None
        self._acks_wanted.set()

    async def _read_until_changed(self, connection: Connection) -> None:
        """Read until the connection is lost (BrokerError) or the settings name another broker."""
        reader = asyncio.create_task(self._read(connection), name="intake: reader")
        changed = asyncio.create_task(self._reconnect.wait(), name="intake: settings")
        try:
            await asyncio.wait((reader, changed), return_when=asyncio.FIRST_COMPLETED)
            if reader.done():
                await reader
        finally:
            for task in (reader, changed):
                task.cancel()
            await asyncio.gather(reader, changed, return_exceptions=True)

    async def _read(self, connection: Connection) -> None:
        async for delivery in connection.deliveries():
            received = time.time()
            if not delivery.qos:
                self._reception.refuse(delivery.topic[:100], "qos", "sent with QoS 0", received)
            elif self._queue.full() or self._waiting_bytes + len(delivery.payload) > MAX_WAITING_BYTES:
                self._reception.refuse(delivery.topic[:100], "overload", "too much is waiting", received)
                connection.acknowledge(delivery)
            else:
                self._waiting_bytes += len(delivery.payload)
                self._queue.put_nowait(_Waiting(connection, delivery, received))
                if self._queue.qsize() >= _ENOUGH or self._waiting_bytes >= _ENOUGH_BYTES or _tells_of_change(delivery):
                    self._hurry.set()

    # batches

    async def _take_in(self) -> None:
        while True:
            self._health.beat("intake")
            if self._hanging is not None and self._hanging[0].done():
                (future, late), self._hanging = self._hanging, None
                self._conclude(future, late)
            waiting = await self._gather()
            if waiting:
                await self._process(waiting)

    async def _gather(self) -> list[_Waiting]:
        """Wait for a message, and a moment more for others."""
        try:
            async with asyncio.timeout(_BEAT):
                waiting = [await self._queue.get()]
        except TimeoutError:
            return []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.intake.batch_wait):
                await self._hurry.wait()
        self._hurry.clear()
        size = len(waiting[0].delivery.payload)
        while len(waiting) < self._settings.intake.batch_max and size < MAX_BATCH_BYTES and not self._queue.empty():
            waiting.append(self._queue.get_nowait())
            size += len(waiting[-1].delivery.payload)
        if not self._queue.empty():
            self._hurry.set()
        self._waiting_bytes -= size
        return waiting

    async def _process(self, waiting: list[_Waiting]) -> None:
        storing = self._hanging is None
        intent = Intent(Batch(time.time()))
        for connection, delivery, received in waiting:
            del connection
            self._reception.take(
                delivery.topic, delivery.payload, received, intent, retained=delivery.retained, store=storing
            )
            self._health.beat("intake")
        if storing:
            self._reception.seal(intent)
            if intent.batch:
                future = self._store.begin(intent.batch)
                await asyncio.wait((future,), timeout=PATIENCE)
                if future.done():
                    self._conclude(future, intent)
                else:
                    self._fail("no answer from the disk")
                    self._hanging = (future, intent)
                    self._show(intent)
            else:
                self._settle(intent)
        else:
            self._show(intent)
        for connection, delivery, _ in waiting:
            connection.acknowledge(delivery)

    def _conclude(self, future: asyncio.Future[None], intent: Intent) -> None:
        """Apply what was stored, or show what could not be."""
        error = future.exception()
        if error is None:
            if self._store_failed:
                self._store_failed = False
                self._log.info("store works again")
            self._settle(intent)
        elif isinstance(error, StoreError):
            self._metrics.store_errors.inc()
            self._fail(str(error))
            self._reception.withdraw(intent)
            self._show(intent)
        else:
            raise error

    def _fail(self, reason: str) -> None:
        if not self._store_failed:
            self._store_failed = True
            self._log.error("store not usable: reports are shown, not confirmed", reason=reason)

    def _settle(self, intent: Intent) -> None:
        """Everything of the batch is on disk: apply it, and let the agents know."""
        self._reception.stored(intent)
        self._apply(intent)
        for address, urgent in intent.acks.items():
            self._acks.want(address, urgent=urgent)
        if intent.acks:
            self._acks_wanted.set()

    def _show(self, intent: Intent) -> None:
        """Nothing of the batch is on disk: show what is live, confirm nothing."""
        shown = [one for one in intent.taken if not isinstance(one, Taken) or one.lane is Lane.LIVE]
        self._metrics.unconfirmed.inc(sum(isinstance(one, Taken) for one in shown))
        self._apply(Intent(intent.batch, shown))

    def _apply(self, intent: Intent) -> None:
        for one in intent.taken:
            if isinstance(one, Taken):
                self._board.apply(one.province, one.report, one.at, one.received)
            else:
                self._board.set_status(one.province, one.status, one.received, retained=one.retained)
        if intent.taken:
            self._wake()

    # acknowledgements

    async def _acknowledge(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection = self._connection
            delay = self._acks.wait(loop.time()) if connection is not None else None
            try:
                async with asyncio.timeout(delay):
                    await self._acks_wanted.wait()
            except TimeoutError:
                pass
            self._acks_wanted.clear()
            connection = self._connection
            if connection is None:
                continue
            due = self._acks.take(loop.time())
            for start in range(0, len(due), MAX_ACKS):
                async with asyncio.TaskGroup() as group:
                    for address in due[start : start + MAX_ACKS]:
                        group.create_task(self._send_ack(connection, address), name=f"ack to {address.agent}")

    async def _send_ack(self, connection: Connection, address: Address) -> None:
        marks = self._admission.marks(address.agent, address.stream)
        ack = Ack(
            collector=self._settings.collector.id,
            stream=address.stream,
            upto=marks.stored_upto,
            have=marks.have(MAX_RANGES),
            missing=marks.missing(MAX_RANGES),
        )
        topic = str(Topic(address.province, address.agent, Lane.ACK))
        try:
            await connection.publish(topic, codec.encode(ack))
        except BrokerError as error:
            if error.code == "refused":
                self._reception.refuse(address.agent, "topic", str(error), time.time())
            else:
                self._acks.want(address)


def _tells_of_change(delivery: Delivery) -> bool:
    """Whether somebody may wait for what a message tells."""
    return delivery.topic.endswith(_STATUS) or _EVENTS in delivery.payload


def pause(attempt: int, spread: float) -> float:
    """Return how long to wait before trying the broker again, seconds; ``spread`` from 0 to 1 is random."""
    return float(min(MAX_PAUSE, 0.25 * 2 ** min(attempt, 10)) * (0.5 + spread / 2))
