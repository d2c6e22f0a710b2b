"""The collector, put together: built in order, started in order, stopped in reverse.

::

    broker ─► intake ─► reception ─► store ─► board ─► supervision (judge) ─► exposition ─► web
                 ▲      (decode,     (sync)     │             │
                 └ acks  admit,  │              └─ tables ────┴─ verdicts ─► store, ledger
                         clocks) └─ journal ─► backfill ─► time-series stores
                                           └─► ledger (the past judged again from late reports)

Invariants:

* The web port opens only when the store is restored and every channel has its verdict; READY is told after that.
* A reload that fails changes nothing but ``tslcd_collector_inventory_valid``.
* SIGTERM stops the readers first, then writes what is pending, then closes the store and the ledger; under 5 s.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tslcd_collector import config, inventory
from tslcd_collector.access import Access
from tslcd_collector.admit import Admission
from tslcd_collector.backfill.service import Backfill
from tslcd_collector.board import Board
from tslcd_collector.clock import Clocks
from tslcd_collector.errors import StoreError
from tslcd_collector.exposition import Exposition
from tslcd_collector.intake import Intake
from tslcd_collector.ledger import Ledger, LedgerFile
from tslcd_collector.ledger.journal import LateReports
from tslcd_collector.metrics import Metrics
from tslcd_collector.operations import Operations, OperationsFile
from tslcd_collector.power import Starts
from tslcd_collector.reception import Reception
from tslcd_collector.restoration import restore
from tslcd_collector.rounds import Rounds
from tslcd_collector.store import Database, Store, lock
from tslcd_collector.supervision import Supervision
from tslcd_collector.web import DayFile, View, application, bind, serve
from tslcd_runtime.health import Health, notify
from tslcd_runtime.logs import get_logger
from tslcd_runtime.memory import settle
from tslcd_runtime.settings import SettingsError
from tslcd_runtime.signals import Signals

if TYPE_CHECKING:
    from tslcd_collector.config import CollectorSettings

#: Settings that a reload does not change.
FIXED: Final = ("collector", "store", "web", "log", "backfill", "access")
#: What is pending at the end is written within this time, or comes again from the agents; seconds.
_FLUSH: Final = 2.0
_log = get_logger("collector")


async def run(path: Path, settings: CollectorSettings) -> None:
    """Run until SIGTERM or SIGINT. ``path`` is read again on SIGHUP. Raises SettingsError, CollectorError."""
    with lock(Path(settings.store.directory)):
        collector = _Collector(path, settings)
        await collector.start()
        try:
            await collector.work()
        finally:
            await collector.stop()


class _Collector:
    """All parts, wired."""

    def __init__(self, path: Path, settings: CollectorSettings) -> None:
        self._path = path
        self._settings = settings
        self._health = Health()
        self._metrics = Metrics()
        self._exposition = Exposition()
        self._clocks = Clocks(settings.intake.max_future, settings.intake.max_age)
        self._starts = Starts(self._clocks)
        self._board = Board(self._exposition, settings.expiry, self._clocks.agents)
        self._supervision = Supervision(self._board, self._exposition)
        self._admission = Admission()
        self._database = Database(Path(settings.store.directory))
        self._store = Store(self._database)
        self._ledger = Ledger(
            LedgerFile(Path(settings.store.directory)),
            LateReports(self._database.path),
            clocks=self._clocks,
            starts=self._starts,
            metrics=self._metrics,
            keep=settings.ledger.keep,
        )
        self._rounds = Rounds(
            board=self._board,
            supervision=self._supervision,
            admission=self._admission,
            store=self._store,
            metrics=self._metrics,
            health=self._health,
            interval=settings.judge.interval,
            keep=settings.store.keep,
        )
        self._ledger.windows = lambda: self._supervision.windows
        self._rounds.ledger = self._ledger
        self._operations = Operations(
            OperationsFile(Path(settings.store.directory)), metrics=self._metrics, keep=settings.ledger.keep
        )
        self._rounds.operations = self._operations
        self._access = Access(settings.access, self._operations, self._metrics)
        self._reception = Reception(
            self._admission,
            self._clocks,
            self._board,
            self._metrics,
            provinces=frozenset(settings.provinces),
            starts=self._starts,
        )
        self._intake = Intake(
            settings,
            reception=self._reception,
            admission=self._admission,
            store=self._store,
            board=self._board,
            metrics=self._metrics,
            health=self._health,
            wake=self._rounds.wake,
        )
        self._backfill = Backfill(
            settings,
            store=self._store,
            board=self._board,
            supervision=self._supervision,
            admission=self._admission,
            exposition=self._exposition,
            metrics=self._metrics,
        )
        self._view = View(
            collector=settings.collector.id,
            exposition=self._exposition,
            metrics=self._metrics,
            supervision=self._supervision,
            board=self._board,
            admission=self._admission,
            health=self._health,
            scraped=self._backfill.scraped,
            ledger=self._ledger,
            operations=self._operations,
            access=self._access,
        )
        self._operations.changed = self._operated
        self._board.watch = self._view.day.note
        self._rounds.changed = self._view.feed.wake
        self._view.feed.let_go = self._metrics.listeners_dropped.inc
        self._day = DayFile(Path(settings.store.directory), self._view.day)

    async def start(self) -> None:
        """Restore everything, so that whoever asks first gets the whole truth."""
        self._socket = bind(self._settings.web.host, self._settings.web.port)
        known = await asyncio.to_thread(inventory.load, Path(self._settings.inventory))
        self._board.set_inventory(known)
        self._supervision.set_inventory(known)
        self._ledger.set_inventory(known)
        self._view.day.set_inventory(known)
        now = time.time()
        await self._day.restore(now)
        memory = await self._store.open(now)
        if self._database.set_aside is not None:
            _log.error("store was damaged: set aside, starting with an empty one", file=str(self._database.set_aside))
            self._metrics.store_errors.inc()
        gone = restore(
            memory, admission=self._admission, board=self._board, supervision=self._supervision, now=time.time()
        )
        await self._backfill.restore(memory)
        await self._ledger.open(time.time())
        await self._operations.open(time.time())
        self._rounds.judge_all(time.time(), gone)
        await self._ledger.resume(self._supervision.rows(), time.time())
        self._operations.resume(self._supervision.rows, time.time())
        self._metrics.inventory_valid.set(1)
        self._metrics.inventory_loaded.set(now)
        self._view.ready = True

    async def work(self) -> None:
        """Run every loop until a signal says stop."""
        with Signals() as signals:
            async with serve(application(self._view), self._socket), asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._intake.run(), name="intake"),
                    group.create_task(self._rounds.judging(), name="judge"),
                    group.create_task(self._rounds.housekeeping(), name="housekeeping"),
                    group.create_task(self._backfill.run(), name="backfill"),
                    group.create_task(self._ledger.working(time.time), name="ledger"),
                    group.create_task(self._operations.working(time.time), name="operations"),
                    group.create_task(self._view.feed.running(self._view.rows, self._view.beat), name="events"),
                    group.create_task(self._day.working(time.time), name="day"),
                    group.create_task(self._health.feed(), name="watchdog"),
                    group.create_task(signals.reloading(self._reload), name="reload"),
                ]
                settle()
                notify("READY=1")
                _log.info("ready", channels=len(self._supervision.standing), web=f"{self._settings.web.url}/")
                await signals.stop.wait()
                notify("STOPPING=1")
                self._view.ready = False
                for task in tasks:
                    task.cancel()

    async def stop(self) -> None:
        """Write what is pending and close the store."""
        self._socket.close()
        try:
            async with asyncio.timeout(_FLUSH):
                with suppress(StoreError):
                    await self._rounds.flush()
                with suppress(StoreError):
                    await self._backfill.close()
                await self._store.close()
        except TimeoutError:
            _log.error("store did not answer: what was not confirmed comes again")
        try:
            async with asyncio.timeout(_FLUSH):
                await self._ledger.close(time.time())
        except TimeoutError:
            _log.error("ledger did not answer: its last changes are taken from the store at the next start")
        await self._access.close()
        await self._operations.close()
        _log.info("stopped")

    def _operated(self) -> None:
        """Judge and show at once what operators entered."""
        self._supervision.set_windows([one.window() for one in self._operations.windows])
        self._rounds.wake()
        self._view.feed.wake()

    async def _reload(self) -> None:
        try:
            settings = await asyncio.to_thread(config.load, self._path)
            known = await asyncio.to_thread(inventory.load, Path(settings.inventory))
        except SettingsError as error:
            self._metrics.inventory_valid.set(0)
            for problem in error.problems:
                _log.error("not reloaded", problem=str(problem))
            _log.warning("settings and inventory in use stay", problems=len(error.problems))
            return
        fixed = [name for name in FIXED if getattr(settings, name) != getattr(self._settings, name)]
        if fixed:
            _log.warning("these settings change with a restart only", settings=", ".join(fixed))
        self._settings = settings
        self._board.expiry = self._backfill.expiry = settings.expiry
        self._clocks.max_future, self._clocks.max_age = settings.intake.max_future, settings.intake.max_age
        self._rounds.interval = settings.judge.interval
        self._ledger.keep = self._operations.keep = settings.ledger.keep
        self._intake.reload(settings)
        self._ledger.set_inventory(known)
        self._view.day.set_inventory(known)
        self._board.set_inventory(known)
        # no await from here on: no scrape may see channels without a verdict
        self._rounds.judge_all(time.time(), self._supervision.set_inventory(known))
        self._metrics.inventory_valid.set(1)
        self._metrics.inventory_loaded.set(time.time())
        _log.info("reloaded", channels=len(known.channels))
