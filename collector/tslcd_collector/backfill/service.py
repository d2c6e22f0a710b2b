"""The backfill, put together: one lookout on the journal, one feeder a time-series store, one account of all of it.

::

    journal ─► lookout ─► coverage ─┐
       │        (what came,         ├─► feeder ─► conversion ─► sieve ─► delivery ─► endpoint ─► store
       └─ pages ─ and when) ────────┘      └ progress ─► collector's store
    scrapes ──────────► coverage

Invariants:

* Nothing here is waited for by the intake; memory holds one page a target. What waits, waits in the journal.
* Progress is written every ACCOUNT seconds and at the end; only then may the journal lose what is done.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tslcd_collector.backfill.coverage import Coverage
from tslcd_collector.backfill.delivery import Delivery
from tslcd_collector.backfill.endpoint import Endpoint
from tslcd_collector.backfill.feeder import IDLE, Feeder
from tslcd_collector.backfill.points import Conversion
from tslcd_collector.backfill.selection import Selection
from tslcd_collector.backfill.sieve import Sieve
from tslcd_collector.errors import StoreError, TargetError
from tslcd_collector.families import CHANNEL_MISSING, labels_text
from tslcd_collector.store import Backlog, Batch, ProgressRow, SpanRow
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from tslcd_collector.admit import Admission
    from tslcd_collector.backfill.answer import Outcome
    from tslcd_collector.backfill.sieve import Reason
    from tslcd_collector.board import Board
    from tslcd_collector.config import CollectorSettings
    from tslcd_collector.exposition import Exposition
    from tslcd_collector.metrics import Metrics
    from tslcd_collector.store import Memory, Store
    from tslcd_collector.supervision import Supervision

#: How often progress is written down and gauges are set, seconds. A kill forgets no more scrapes than these.
ACCOUNT: Final = 2.0
_FORGET: Final = 3600.0


class Counts:
    """The ledger of one target: prometheus_client's counters."""

    def __init__(self, metrics: Metrics, target: str) -> None:
        """Let the series exist."""
        self._metrics = metrics
        self._target = target
        metrics.add_target(target)

    def answered(self, outcome: Outcome) -> None:
        """Count a request by what came of it."""
        self._metrics.backfill_batches.labels(self._target, outcome.value).inc()

    def delivered(self, samples: int) -> None:
        """Count samples that the store took."""
        self._metrics.backfill_samples.labels(self._target).inc(samples)

    def aside(self, reason: Reason, samples: int) -> None:
        """Count samples that were given up."""
        self._metrics.backfill_aside.labels(self._target, reason.value).inc(samples)


class Backfill:
    """Everything that goes to time-series stores by remote write."""

    def __init__(
        self,
        settings: CollectorSettings,
        *,
        store: Store,
        board: Board,
        supervision: Supervision,
        admission: Admission,
        exposition: Exposition,
        metrics: Metrics,
    ) -> None:
        """Remember the parts."""
        self._settings = settings.backfill
        self._store = store
        self._supervision = supervision
        self._admission = admission
        self._exposition = exposition
        self._metrics = metrics
        self._coverage = Coverage(settings.expiry, settings.backfill.scrape_gap)
        self._backlog = Backlog(Path(settings.store.directory))
        self._conversion = Conversion(settings.backfill.labels, lambda: supervision.inventory, board.interfaces)
        self._feeders: dict[str, Feeder] = {}
        self._endpoints: list[Endpoint] = []
        self._seen = 0
        self._written: dict[str, ProgressRow] = {}
        self._missing: dict[str, int] = {}
        self._forget_due = 0.0
        self._log = get_logger("backfill")

    @property
    def expiry(self) -> float:
        """How long a table stays on the page, seconds."""
        return self._coverage.expiry

    @expiry.setter
    def expiry(self, seconds: float) -> None:
        self._coverage.expiry = seconds

    def scraped(self, scraper: str) -> None:
        """Note that ``scraper`` (an address) reads the page now."""
        self._coverage.scraped(scraper, time.time())

    async def restore(self, memory: Memory) -> None:
        """Go on where it ended: a target that was never heard of begins with what comes from now on. Raises StoreError."""
        if not self._settings.active:
            return
        newest = await self._store.newest()
        known = {row.target: row for row in memory.progress}
        spans = {kind: [row[1:] for row in memory.spans if row.kind == kind] for kind in ("agent", "scraper")}
        self._coverage.restore(spans["agent"], spans["scraper"])
        for target in self._settings.targets:
            row = known.get(target.name, ProgressRow(target.name, newest, newest, 0.0))
            row = row._replace(upto=min(row.upto, newest), safe=min(row.safe, newest))
            self._written[target.name] = row
            endpoint, counts = Endpoint(target, self._settings.timeout), Counts(self._metrics, target.name)
            self._endpoints.append(endpoint)
            self._feeders[target.name] = Feeder(
                progress=row,
                watched=endpoint,
                delivery=Delivery(
                    target.name,
                    endpoint,
                    counts,
                    batch=self._settings.batch,
                    rate=self._settings.rate,
                    scrape=self._settings.labels,
                ),
                ledger=counts,
                backlog=self._backlog,
                selection=Selection(
                    self._conversion,
                    Sieve(self._settings.window, self._settings.max_future),
                    self._coverage if self._settings.mode == "gaps" else None,
                    target.scraper,
                ),
                tail=self._settings.tail,
            )
        # at once: a kill before the first account would else make the target a new one, that begins later
        await self._store.begin(Batch(time.time(), progress=list(self._written.values())))
        self._seen = min(row.safe for row in self._written.values())
        self._hold()

    async def run(self) -> None:
        """Work until cancelled. Raises TargetError when certificates of a target cannot be read."""
        async with AsyncExitStack() as stack:
            for endpoint in self._endpoints:
                try:
                    await stack.enter_async_context(endpoint)
                except (OSError, ssl.SSLError) as error:
                    raise TargetError(f"backfill: certificates of {endpoint}: {error}") from None
            async with asyncio.TaskGroup() as group:
                group.create_task(self._account(), name="backfill: account")
                if self._feeders:
                    group.create_task(self._look_out(), name="backfill: lookout")
                for name, feeder in self._feeders.items():
                    group.create_task(feeder.run(), name=f"backfill: {name}")

    async def close(self) -> None:
        """Write down how far it came. Raises StoreError."""
        if self._feeders:
            await self._write()
        await self._backlog.close()

    async def _look_out(self) -> None:
        """Read what came, in order: it tells what was on the page, and what waits."""
        settled = self._coverage.settled if self._settings.mode == "gaps" else 0.0
        failed = False
        while True:
            before = self._seen
            try:
                rows = await self._backlog.heard(before, time.time() - settled)
                failed = False
            except StoreError as error:
                rows = []
                if not failed:
                    failed = True
                    self._log.error("journal not readable, trying again", reason=str(error))
            if not rows:
                await asyncio.sleep(IDLE)
                continue
            for row in rows:
                self._coverage.reported(row.agent, row.at, row.received)
            self._seen = rows[-1].id
            oldest = min(row.at for row in rows)
            for feeder in self._feeders.values():
                feeder.add(self._seen, Counter(row.agent for row in rows if row.id > feeder.position), oldest)
            await asyncio.sleep(0)

    async def _account(self) -> None:
        """Write progress down, and set gauges."""
        while True:
            await asyncio.sleep(ACCOUNT)
            self._gauge(time.time())
            if not self._feeders:
                continue
            try:
                await self._write()
            except StoreError:
                self._metrics.store_errors.inc()

    async def _write(self) -> None:
        progress = {name: feeder.progress for name, feeder in self._feeders.items()}
        changed = [row for name, row in progress.items() if row != self._written.get(name)]
        agents, scrapers = self._coverage.take_changed()
        spans = [SpanRow("agent", *one) for one in agents] + [SpanRow("scraper", *one) for one in scrapers]
        now = time.time()
        if changed or spans:
            await self._store.begin(Batch(now, progress=changed, spans=spans))
        self._written = progress
        self._hold()
        if now >= self._forget_due:
            self._forget_due = now + _FORGET
            self._coverage.forget(now - self._settings.window)
            await self._store.forget_spans(now - self._settings.window)

    def _hold(self) -> None:
        self._store.hold(min(row.safe for row in self._written.values()), self._settings.room)

    def _gauge(self, now: float) -> None:
        waiting: dict[str, int] = {}
        for name, feeder in self._feeders.items():
            oldest = feeder.oldest
            self._metrics.backfill_waiting.labels(name).set(feeder.waiting.total())
            self._metrics.backfill_oldest.labels(name).set(max(0.0, now - oldest) if oldest is not None else 0.0)
            self._metrics.backfill_repeats.labels(name).inc(feeder.take_repeats())
            for agent, count in feeder.waiting.items() if oldest is not None else ():
                waiting[agent] = max(waiting.get(agent, 0), count)
        self._write_missing(waiting)

    def _write_missing(self, waiting: dict[str, int]) -> None:
        """Put what every channel misses on the page."""
        inventory = self._supervision.inventory
        if inventory is None:
            return
        missing = {
            channel.id: self._admission.missing_of(agent) + waiting.get(agent, 0)
            for agent, channels in inventory.channels_by_agent.items()
            for channel in channels
        }
        for gone in self._missing.keys() - missing.keys():
            self._exposition.drop(("missing", gone))
        for channel_id, count in missing.items():
            if self._missing.get(channel_id) != count:
                channel = inventory.channels[channel_id]
                labels = labels_text(
                    {"channel": channel_id, "site": channel.site.id, "province": inventory.province.code}
                )
                line = f"{CHANNEL_MISSING.name}{{{labels}}} {count}\n".encode()
                self._exposition.put(("missing", channel_id), {CHANNEL_MISSING.name: line})
        self._missing = missing
