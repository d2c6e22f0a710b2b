"""The pager, put together: built in order, started in order, stopped in reverse.

::

    Alertmanager ─► web ─► reception ─► queue (sync) ─► dispatch ─► accounts: Zalo, SMS, mail ─► people
                             ▲  rounds: escalation, dead man                                      │
                             └──────────────────── link, command: acknowledged ◄──────────────────┘

Invariants:

* The port opens only when the queue is open; READY is told after that.
* SIGHUP reads the settings again; a reload that fails changes nothing.
* SIGTERM stops taking posts, lets messages under way end, then closes the queue; under 10 s.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from tslcd_collector.errors import TargetError
from tslcd_collector.pager import duty
from tslcd_collector.pager import settings as pager_settings
from tslcd_collector.pager.accounts import accounts
from tslcd_collector.pager.dispatch import Dispatch
from tslcd_collector.pager.metrics import Metrics
from tslcd_collector.pager.outbox import hurry
from tslcd_collector.pager.queue import Queue, link_key, lock
from tslcd_collector.pager.reception import Reception
from tslcd_collector.pager.routing import Routing
from tslcd_collector.pager.web import application
from tslcd_collector.serving import bind, serve
from tslcd_runtime.health import Health, notify
from tslcd_runtime.logs import get_logger
from tslcd_runtime.memory import settle
from tslcd_runtime.settings import SettingsError
from tslcd_runtime.signals import Signals

if TYPE_CHECKING:
    from tslcd_collector.pager.accounts import Account
    from tslcd_collector.pager.settings import PagerSettings

#: Settings that a reload does not change.
FIXED: Final = ("queue", "web", "log")
#: Messages under way may take so long at the end, seconds; after that they are sent again at the next start.
_FLUSH: Final = 6.0
_log = get_logger("pager")


def run(path: Path, settings: PagerSettings) -> None:
    """Run until SIGTERM or SIGINT. ``path`` is read again on SIGHUP. Raises CollectorError."""

    async def work() -> None:
        pager = _Pager(path, settings)
        await pager.start()
        try:
            await pager.work()
        finally:
            await pager.stop()

    with lock(Path(settings.queue.directory)):
        asyncio.run(work())


class _Pager:
    """All parts, wired."""

    def __init__(self, path: Path, settings: PagerSettings) -> None:
        self._path = path
        self._settings = settings
        self._health = Health()
        self._metrics = Metrics()
        self._queue = Queue(Path(settings.queue.directory))
        self._dispatch = Dispatch(self._queue, self._metrics, self._health)
        self._reception = Reception(self._queue, self._dispatch, self._metrics, self._health)

    async def start(self) -> None:
        """Open the queue, so that the first post can be kept."""
        self._use(self._settings, await _routing(self._settings), await _accounts(self._settings))
        self._socket = bind(self._settings.web.host, self._settings.web.port)
        await self._queue.start()
        if self._queue.set_aside is not None:
            _log.error("queue was damaged: set aside, starting with an empty one", file=str(self._queue.set_aside))
            self._metrics.queue_errors.inc()
        self._reception.key = self._dispatch.key = await self._queue.run(link_key)
        await self._reception.restore()
        self._reception.ready = True

    async def work(self) -> None:
        """Run every loop until a signal says stop."""
        with Signals() as signals:
            async with serve(application(self._reception), self._socket), asyncio.TaskGroup() as group:
                dispatch = group.create_task(self._dispatch.run(), name="dispatch")
                tasks = [
                    group.create_task(self._reception.rounds(), name="rounds"),
                    group.create_task(self._health.feed(), name="watchdog"),
                    group.create_task(signals.reloading(self._reload), name="reload"),
                ]
                settle()
                notify("READY=1")
                _log.info("ready", people=len(self._settings.people), web=f"port {self._settings.web.port}")
                await signals.stop.wait()
                notify("STOPPING=1")
                self._reception.ready = False
                for task in tasks:
                    task.cancel()
                self._dispatch.finish()
                await asyncio.wait((dispatch,), timeout=_FLUSH)
                dispatch.cancel()

    async def stop(self) -> None:
        """Close the queue."""
        self._socket.close()
        await self._queue.stop()
        _log.info("stopped")

    def _use(self, settings: PagerSettings, routing: Routing, made: dict[str, Account]) -> None:
        self._settings = settings
        self._reception.use(settings, routing)
        self._dispatch.use(settings, routing, made)
        self._metrics.settings_valid.set(1)

    async def _reload(self) -> None:
        try:
            settings = await asyncio.to_thread(pager_settings.load, self._path)
            problems = pager_settings.nobody(settings, str(self._path))
            if problems:
                raise SettingsError(problems)
            routing, made = await _routing(settings), await _accounts(settings)
        except (SettingsError, TargetError) as error:
            self._metrics.settings_valid.set(0)
            _log.error("not reloaded, settings in use stay", problem=str(error))
            return
        fixed = [name for name in FIXED if getattr(settings, name) != getattr(self._settings, name)]
        if fixed:
            _log.warning("these settings change with a restart only", settings=", ".join(fixed))
            settings = msgspec.structs.replace(settings, **{name: getattr(self._settings, name) for name in FIXED})
        self._use(settings, routing, made)
        await self._queue.run(lambda connection: hurry(connection, time.time()))
        self._dispatch.wake()
        _log.info("reloaded", people=len(settings.people))


async def _routing(settings: PagerSettings) -> Routing:
    """Read the roster in a thread. Raises SettingsError."""
    return Routing(settings, await asyncio.to_thread(duty.read, settings))


async def _accounts(settings: PagerSettings) -> dict[str, Account]:
    """Make the accounts; certificates are read in a thread. Raises TargetError."""
    try:
        return await asyncio.to_thread(accounts, settings)
    except (OSError, ssl.SSLError) as error:
        raise TargetError(f"certificates of an account cannot be read: {error}") from None
