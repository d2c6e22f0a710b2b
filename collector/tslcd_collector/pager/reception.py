"""Where posts, heartbeats and acknowledgements come in, and the rounds that need nobody: escalation, dead man, housekeeping.

The dead man's switch is judged by time during which this program ran and listened: :class:`Silence` grows with the monotonic clock, so a
wrong clock pages nobody; it is kept in the queue, so a pager that is started anew all the time pages all the same; and a start
gives Alertmanager a moment to try again what it could not deliver. When the clock is set while we run, what is due and what was heard move with it:
nobody is called early, no try and no end waits for a day.

What is said to be over is believed once the dead man's switch is heard well after it (:func:`hear`): only who still speaks knows.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tslcd_collector.errors import StoreError
from tslcd_collector.pager import casebook, incidents, outbox, upkeep
from tslcd_collector.pager.settings import SEVERITIES
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    import sqlite3

    from tslcd_collector.pager.dispatch import Dispatch
    from tslcd_collector.pager.links import Grant
    from tslcd_collector.pager.metrics import Metrics
    from tslcd_collector.pager.novelty import Novelty
    from tslcd_collector.pager.queue import Queue
    from tslcd_collector.pager.routing import Routing
    from tslcd_collector.pager.settings import PagerSettings
    from tslcd_collector.pager.webhook import Webhook
    from tslcd_runtime.health import Health

#: A wall clock that moves by so much against the monotonic one was set, seconds.
SET: Final = 5.0
#: Escalations and the dead man are looked at so often, seconds.
ROUND: Final = 1.0
#: Alertmanager tries again within that after a start, seconds.
START: Final = 60.0
#: An Alertmanager takes alerts of a dead Prometheus for over, and the dead man's switch too, within so long of each other, seconds.
LATE: Final = 30.0
#: Silence is written down when it grew by so much, seconds.
_STEP: Final = 10.0
_HOUSEKEEPING: Final = 600.0
_STUCK: Final = 30.0


@dataclass(slots=True)
class Silence:
    """How long the dead man's switch was not heard while we listened, seconds. Pure; ``now`` is monotonic."""

    begun: float
    last: float
    seconds: float = 0.0

    def pass_to(self, now: float) -> None:
        """Let time pass."""
        self.seconds += max(0.0, now - self.last)
        self.last = now

    def hear(self, now: float) -> None:
        """Begin anew."""
        self.seconds, self.last = 0.0, now

    def over(self, after: float) -> bool:
        """Whether it lasted for ``after`` seconds, of which the last after a start are not counted against anybody."""
        return self.seconds >= after > 0 and self.last - self.begun >= min(after, START)


class Reception:
    """All that comes in, and the rounds. ``key`` signs links; ``ready`` when the queue is open."""

    def __init__(self, queue: Queue, dispatch: Dispatch, metrics: Metrics, health: Health) -> None:
        """Remember the parts."""
        self.queue = queue
        self.metrics = metrics
        self.health = health
        self.key = b""
        self.ready = False
        self._dispatch = dispatch
        self._log = get_logger("pager")
        self._silence = Silence(time.monotonic(), time.monotonic())
        self._written = 0.0
        self._failing = False
        self._clock = _clock()

    def use(self, settings: PagerSettings, routing: Routing) -> None:
        """Work by these settings from now on."""
        self.settings = settings
        self.routing = routing

    async def restore(self) -> None:
        """Read how long the dead man's switch was silent before the last end. Raises StoreError."""
        now = time.monotonic()
        self._silence = Silence(now, now, await self.queue.run(_silent))
        self._written = self._silence.seconds

    async def take(self, severity: str, webhook: Webhook) -> None:
        """Take a post in; on disk when this returns. Raises StoreError, and then nothing of it is."""
        await self._mind_the_clock(_clock())
        now = time.time()

        def work(connection: sqlite3.Connection) -> list[Novelty]:
            found = casebook.take(connection, self.routing, severity, webhook, now)
            if not self.settings.dead_man.after:
                casebook.believe(connection, self.routing, now)
            return found

        for novelty, count in Counter(await self.queue.run(work)).items():
            self.metrics.alerts.labels(severity, novelty.value).inc(count)
        for kind, count in webhook.masked.items():
            self.metrics.masked.labels(kind).inc(count)
        self.metrics.unreadable.inc(webhook.unreadable)
        if webhook.unreadable:
            self._log.error("alerts in a post cannot be read", count=webhook.unreadable, severity=severity)
        self._dispatch.wake()

    async def heard(self, starts: float) -> None:
        """Hear the dead man's switch, which is pressed since ``starts`` (UTC seconds). Raises StoreError."""
        await self._mind_the_clock(_clock())
        now, settle = time.time(), self.settings.dead_man.settle
        news = await self.queue.run(lambda connection: hear(connection, self.routing, starts, now, settle))
        self._silence.hear(time.monotonic())
        self._written = 0.0
        if news:
            self._log.info("the monitoring chain is back")
        self._dispatch.wake()

    async def acknowledge(self, grant: Grant) -> None:
        """Acknowledge what a link allows. Raises StoreError."""
        recipient = self.routing.recipients.get(grant.recipient)
        who = recipient.name if recipient is not None else grant.recipient

        def work(connection: sqlite3.Connection) -> None:
            for incident in grant.incidents:
                casebook.acknowledge(connection, incident, who, "link", time.time())

        await self.queue.run(work)

    async def rounds(self) -> None:
        """Escalate, watch the dead man and keep house, for ever."""
        self.health.register("rounds", _STUCK)
        housekeeping = 0.0
        while True:
            self.health.beat("rounds")
            try:
                await self._mind_the_clock(_clock())
                if await self.queue.run(lambda connection: casebook.escalate(connection, self.routing, time.time())):
                    self._dispatch.wake()
                await self._watch()
                await self._gauge()
                if time.monotonic() >= housekeeping:
                    housekeeping = time.monotonic() + _HOUSEKEEPING
                    await self.queue.run(self._keep_house)
                self._failing = False
            except StoreError as error:
                self.metrics.queue_errors.inc()
                if not self._failing:
                    self._failing = True
                    self._log.error("queue cannot be used", reason=str(error))
            await asyncio.sleep(ROUND)

    async def _mind_the_clock(self, clock: float) -> None:
        """Move what is due when the wall clock was set; ``clock`` is how far it is before the monotonic one, seconds."""
        by = clock - self._clock
        self._clock = clock
        if abs(by) > SET:
            try:
                await self.queue.run(lambda connection: _shift(connection, self.routing, by, time.time()))
            except StoreError:
                self._clock -= by
                raise
            self._log.warning("the clock was set", by_seconds=round(by))

    async def _watch(self) -> None:
        """Page when the dead man's switch was silent for too long."""
        silence, after = self._silence, self.settings.dead_man.after
        silence.pass_to(time.monotonic())
        self.metrics.silence.set(silence.seconds)
        if silence.seconds >= self._written + _STEP:
            self._written = silence.seconds
            await self.queue.run(lambda connection: _write_silence(connection, silence.seconds))
        if silence.over(after):
            now = time.time()
            news = await self.queue.run(
                lambda connection: casebook.dead(connection, self.routing, now, now - silence.seconds)
            )
            if news:
                self._log.error("the monitoring chain is dead", silent_seconds=round(silence.seconds))
                self._dispatch.wake()

    async def _gauge(self) -> None:
        def look(connection: sqlite3.Connection) -> tuple[tuple[int, float], list[incidents.Incident], bool]:
            return outbox.waiting(connection, time.time()), incidents.opened(connection), casebook.is_dead(connection)

        (count, oldest), opened, dead = await self.queue.run(look)
        self.metrics.waiting.set(count)
        self.metrics.oldest.set(oldest)
        self.metrics.dead.set(dead)
        for severity in SEVERITIES:
            for acknowledged in (True, False):
                number = sum(
                    one.severity == severity and (one.acknowledged is not None) is acknowledged for one in opened
                )
                self.metrics.incidents.labels(severity, "yes" if acknowledged else "no").set(number)

    def _keep_house(self, connection: sqlite3.Connection) -> None:
        now = time.time()
        casebook.forget(connection, now - self.settings.forget, now)
        upkeep.prune(connection, now - self.settings.queue.keep)


def _silent(connection: sqlite3.Connection) -> float:
    return _meta(connection, "silence")


def _meta(connection: sqlite3.Connection, key: str) -> float:
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return float(row[0]) if row is not None else 0.0


def _write_silence(connection: sqlite3.Connection, seconds: float) -> None:
    connection.execute("REPLACE INTO meta (key, value) VALUES ('silence', ?)", (seconds,))


def _clock() -> float:
    """Return how far the wall clock is before the monotonic one, seconds: steady, unless the wall clock is set."""
    return time.time() - time.monotonic()


def _shift(connection: sqlite3.Connection, routing: Routing, by: float, now: float) -> None:
    upkeep.shift(connection, routing, by, now)
    connection.execute("UPDATE meta SET value = value + ? WHERE key = 'chain back'", (by,))


def hear(
    connection: sqlite3.Connection, routing: Routing, starts: float, now: float, settle: float, late: float = LATE
) -> bool:
    """Hear the dead man's switch, pressed since ``starts``: who still speaks says the truth about what is over.

    A chain that began anew does so after ``settle`` seconds only, unless it is of what ended since: first, what still stands must have time
    to fire again. Returns whether the chain was told as dead.
    """
    _write_silence(connection, 0.0)
    begun, since = (_meta(connection, key) for key in ("chain begun", "chain back"))
    if starts > begun:
        begun, since = starts, now
        rows = [("chain begun", begun), ("chain back", since)]
        connection.executemany("REPLACE INTO meta (key, value) VALUES (?, ?)", rows)
    settling = 0 <= now - since < settle
    casebook.believe(connection, routing, now, now - late, begun if settling else 0.0)
    return casebook.alive(connection, routing, now)
