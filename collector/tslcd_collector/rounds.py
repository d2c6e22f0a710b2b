"""The loops beside the intake: judging, writing verdicts down, and keeping house in the store.

Invariants:

* Every channel is judged at least once an interval, and at once when something changed for its agent.
* A verdict that could not be written is written later, in order; at most MAX_PENDING wait, then the oldest are given up and
  counted as store errors.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from tslcd_collector.errors import StoreError
from tslcd_collector.store import Batch
from tslcd_collector.store.database import PRUNE_STEP
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from tslcd_collector.admit import Admission
    from tslcd_collector.board import Board
    from tslcd_collector.ledger import Ledger
    from tslcd_collector.metrics import Metrics
    from tslcd_collector.operations import Operations
    from tslcd_collector.store import Store, VerdictRow
    from tslcd_collector.supervision import Supervision
    from tslcd_runtime.health import Health

MAX_PENDING: Final = 100_000
#: How often the store is told that the collector lives, old journal rows go, and slow gauges are set; seconds.
HOUSEKEEPING: Final = 10.0
#: How many steps of pruning one round of housekeeping does: 10,000 rows a second are more than can come in.
MAX_PRUNES: Final = 50


class Rounds:
    """Judging and housekeeping until cancelled. ``interval``: seconds between full rounds; ``keep``: of the journal."""

    def __init__(
        self,
        *,
        board: Board,
        supervision: Supervision,
        admission: Admission,
        store: Store,
        metrics: Metrics,
        health: Health,
        interval: float,
        keep: float,
    ) -> None:
        """Remember the parts."""
        #: Where verdicts go besides the store.
        self.ledger: Ledger | None = None
        #: Called when verdicts changed.
        self.changed: Callable[[], None] = lambda: None
        #: Whose acknowledgements end when a channel is up again.
        self.operations: Operations | None = None
        self.interval = interval
        self.keep = keep
        self._board = board
        self._supervision = supervision
        self._admission = admission
        self._store = store
        self._metrics = metrics
        self._health = health
        self._log = get_logger("judge")
        self._wake = asyncio.Event()
        self._pending: deque[VerdictRow] = deque()
        self._retired: list[str] = []
        self._writing: tuple[asyncio.Future[None], Batch] | None = None

    def wake(self) -> None:
        """Something changed: judge now."""
        self._wake.set()

    def judge_all(self, now: float, retired: list[str]) -> None:
        """Judge everything at once; ``retired`` are channels that left the inventory."""
        self._retired += retired
        if self.ledger is not None:
            self.ledger.retire(retired)
        if self.operations is not None:
            self.operations.retire(retired, now)
        self._board.expire(now)
        self._board.take_changed()
        self._note(self._supervision.judge(now))

    async def judging(self) -> None:
        """Judge for ever."""
        self._health.register("judge", max(60.0, 3 * self.interval))
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self._health.beat("judge")
            try:
                async with asyncio.timeout_at(due):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            now = time.time()
            if loop.time() >= due:
                due = loop.time() + self.interval
                self.judge_all(now, [])
            else:
                self._note(self._supervision.judge(now, self._board.take_changed()))
            self._write()

    async def housekeeping(self) -> None:
        """Keep house for ever."""
        while True:
            await asyncio.sleep(HOUSEKEEPING)
            now = time.time()
            self._metrics.missing_reports.set(self._admission.missing())
            cloned = self._admission.cloned(now)
            self._metrics.cloned_agents.set(len(cloned))
            self._board.set_cloned(frozenset(cloned))
            try:
                await self._store.begin(Batch(now))
                for _ in range(MAX_PRUNES):
                    if await self._store.prune(now - self.keep) < PRUNE_STEP:
                        break
                    await asyncio.sleep(0.05)  # reports first
            except StoreError:
                self._metrics.store_errors.inc()

    async def flush(self) -> None:
        """Write what is still pending; for the end of the program. Raises StoreError."""
        if self._writing is not None:
            await asyncio.wait((self._writing[0],))
        self._write()
        if self._writing is not None:
            await self._writing[0]

    def _note(self, changes: list[VerdictRow]) -> None:
        for change in changes:
            self._log.info(
                "verdict", channel=change.channel, state=change.state, reason=change.reason, party=change.party
            )
        if changes:
            self.changed()
        if self.ledger is not None:
            self.ledger.note(changes)
        if self.operations is not None:
            self.operations.note(changes)
        self._pending.extend(changes)
        while len(self._pending) > MAX_PENDING:
            self._pending.popleft()
            self._metrics.store_errors.inc()

    def _write(self) -> None:
        """Start writing what is pending, one transaction at a time; take up what came of the last one."""
        if self._writing is not None:
            future, batch = self._writing
            if not future.done():
                return
            self._writing = None
            if isinstance(future.exception(), StoreError):
                self._metrics.store_errors.inc()
                self._pending.extendleft(reversed(batch.verdicts))
                self._retired = batch.retired + self._retired
                self._supervision.equipment.put_back(batch.spans)
            else:
                future.result()
        spans = self._supervision.equipment.take_spans()
        if self._pending or self._retired or spans:
            batch = Batch(time.time(), verdicts=list(self._pending), retired=self._retired, spans=spans)
            self._pending.clear()
            self._retired = []
            self._writing = (self._store.begin(batch), batch)
