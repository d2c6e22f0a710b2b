"""Feeds one time-series store from the journal: oldest first, what it has not seen, and its last minutes again when it restarted.

Invariants:

* The journal is read in its order, a page at a time, and a page is done when every sample of it was taken or set aside; ``position`` is
  the last row of the last page that is done. What is written down is never ahead of it, so a kill repeats, and leaves no hole.
* ``safe`` is a row that the store has on disk: delivered ``tail`` seconds before the store's process was last seen to be the same as then. When the process
  was started anew, or was lost sight of and does not say since when it runs, everything after ``safe`` is sent again (Prometheus
  syncs its log when a segment ends; a power cut takes what it acknowledged in the last seconds).
* Sending the same sample again changes nothing in a store.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from tslcd_collector.backfill.sieve import Reason
from tslcd_collector.errors import StoreError
from tslcd_collector.store import ProgressRow
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from tslcd_collector.backfill.delivery import Delivery, Ledger
    from tslcd_collector.backfill.selection import Selection
    from tslcd_collector.store import Backlog

#: How often the journal is looked at when nothing waits, seconds.
IDLE: Final = 1.0
#: How often a store is asked since when it runs, while its last minutes are not known to be safe, seconds.
WATCH: Final = 3.0
#: What waits is kept account of in pieces of so many rows.
_PIECE: Final = 2000
#: A store that says its start with another fraction of a second is still the same process.
_SAME: Final = 0.5


class _Delivered(NamedTuple):
    """A page that the store took. ``at``: monotonic seconds; ``before``: the position before it."""

    at: float
    before: int


class Watched(Protocol):
    """The store's process."""

    async def started(self) -> float | None:
        """Return since when it runs (UTC seconds); 0 when it does not say, None when it does not answer."""


class Feeder:
    """One target. ``horizon``: the newest row whose fate can be decided."""

    def __init__(
        self,
        *,
        progress: ProgressRow,
        watched: Watched,
        delivery: Delivery,
        ledger: Ledger,
        backlog: Backlog,
        selection: Selection,
        tail: float,
    ) -> None:
        """``progress``: where it ended; ``tail``: what a store took in so lately (seconds) is sent again when it restarted."""
        self.target = progress.target
        self.position = progress.upto
        self.horizon = progress.upto
        #: Reports up to the horizon that are still to be decided or delivered, by agent.
        self.waiting: Counter[str] = Counter()
        #: Pieces of what waits: the last row of each, and when its oldest report was measured.
        self._pieces: deque[tuple[int, float]] = deque()
        self._repeats = 0
        self._started = progress.started
        self._watched = watched
        self._delivery = delivery
        self._ledger = ledger
        self._backlog = backlog
        self._selection = selection
        self._tail_seconds = tail
        self._tail: deque[_Delivered] = deque()
        self._resumes = progress.safe if progress.safe < progress.upto else None
        self._watch_due = 0.0
        self._store_failed = False
        self._log = get_logger("backfill").bind(target=self.target)

    @property
    def progress(self) -> ProgressRow:
        """Return what has to be written down."""
        safe = self._tail[0].before if self._tail else self.position
        safe = safe if self._resumes is None else self._resumes
        return ProgressRow(self.target, self.position, safe, self._started)

    @property
    def oldest(self) -> float | None:
        """When the oldest report that waits was measured (UTC seconds), None when none does."""
        while self._pieces and self._pieces[0][0] <= self.position:
            self._pieces.popleft()
        return min((at for _, at in self._pieces), default=None)

    def add(self, horizon: int, waiting: Counter[str], oldest: float) -> None:
        """Take note of rows up to ``horizon``, whose fate can be decided now; the oldest was measured at ``oldest``."""
        self.waiting += waiting
        if len(self._pieces) > 1 and horizon - self._pieces[-2][0] <= _PIECE:
            self._pieces[-1] = (horizon, min(oldest, self._pieces[-1][1]))
        else:
            self._pieces.append((horizon, oldest))
        self.horizon = horizon

    def take_repeats(self) -> int:
        """Return how often the tail was sent again since the last call."""
        repeats, self._repeats = self._repeats, 0
        return repeats

    async def run(self) -> None:
        """Feed until cancelled."""
        while True:
            try:
                moved = await self.step(asyncio.get_running_loop().time, time.time)
                self._store_failed = False
            except StoreError as error:
                moved = False
                if not self._store_failed:
                    self._store_failed = True
                    self._log.error("journal not readable, trying again", reason=str(error))
            if not moved:
                await asyncio.sleep(IDLE)

    async def step(self, monotonic: Callable[[], float], wall: Callable[[], float]) -> bool:
        """Deliver one page; return whether there was one. Raises StoreError."""
        if self._resumes is not None:
            # when it was delivered is not known any more: as if it were now; nor whether the store was away meanwhile
            self._tail.append(_Delivered(monotonic(), self._resumes))
            self._delivery.lost_sight = True
            self._resumes = None
        await self._watch(monotonic())
        if self.position >= self.horizon:
            return False
        rows = await self._backlog.page(self.position, self.horizon)
        if not rows:
            self._ledger.aside(Reason.DISK, self.horizon - self.position)  # they had to make room
            self.position, self.waiting = self.horizon, Counter()
            return False
        dropped = rows[0].id - self.position - 1
        if dropped:
            self._ledger.aside(Reason.DISK, dropped)
        points, aside = await self._selection.points(rows, wall())
        for reason, samples in aside.items():
            self._ledger.aside(reason, samples)
        await self._delivery.deliver(points)
        if points:
            self._tail.append(_Delivered(monotonic(), self.position))
        self.position = rows[-1].id
        self.waiting -= Counter(row.agent for row in rows)
        return True

    async def _watch(self, now: float) -> None:
        """Ask since when the store runs, when it matters; its last minutes are sent again if it was started anew."""
        if now < self._watch_due and not self._delivery.lost_sight:
            return
        if not (self._delivery.lost_sight or self._tail or not self._started):
            return
        self._watch_due = now + WATCH
        started = await self._watched.started()
        if started is None:
            self._delivery.lost_sight = True
            return  # later; what is delivered meanwhile fails, or says more
        lost, self._delivery.lost_sight = self._delivery.lost_sight, False
        known, self._started = self._started, started
        if abs(started - known) > _SAME if known and started else lost:
            self._send_tail_again()
        while self._tail and self._tail[0].at < now - self._tail_seconds:
            self._tail.popleft()

    def _send_tail_again(self) -> None:
        if self._tail:
            self.position = self._tail[0].before
            self._tail.clear()
            self._repeats += 1
            self._log.info("store was started anew: its last minutes are sent again", after=self.position)
