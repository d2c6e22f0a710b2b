"""The ledger as the event loop sees it: what changed is handed over, a thread writes it and judges the past again.

Invariants:

* Nobody waits for the ledger: what cannot be written now is written later, in order; of MAX_PENDING changes the oldest go, and
  are counted as errors. The board, and with it every alert, never reads from here.
* The thread works in short steps, so that a question about the past waits for one of them and not for a month of history.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from tslcd_collector.errors import LedgerError
from tslcd_collector.judge import phrases
from tslcd_collector.ledger.file import PRUNE_STEP
from tslcd_collector.ledger.hindsight import judged, observations, revised, silent_before, unknown_before
from tslcd_collector.ledger.others import Others
from tslcd_collector.ledger.rows import KEEP, Interval
from tslcd_collector.maintenance import Windows
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tslcd_collector.clock import ClockRow, Clocks
    from tslcd_collector.inventory import Channel, Inventory
    from tslcd_collector.ledger.file import LedgerFile
    from tslcd_collector.ledger.hindsight import Observation
    from tslcd_collector.ledger.journal import LateReports
    from tslcd_collector.ledger.rows import History
    from tslcd_collector.metrics import Metrics
    from tslcd_collector.power import Absence, Starts
    from tslcd_collector.store import VerdictRow

MAX_PENDING: Final = 100_000
#: Channels whose past is judged again in one step.
STEP: Final = 20
#: Seconds between steps when there is nothing left to do.
PAUSE: Final = 1.0
#: Seconds between signs of life while there is nothing else to write: each is a sync.
ALIVE: Final = 5.0
#: Seconds between prunings.
PRUNE: Final = 600.0
#: Steps of one pruning: 15,000 channels change a hundred times in its time.
MAX_PRUNES: Final = 1000

T = TypeVar("T")


class _Work(NamedTuple):
    """What was handed over and is not written yet."""

    changes: list[VerdictRow]
    retired: list[str]
    clocks: list[ClockRow]
    absences: list[Absence]


class Ledger:
    """The ledger of one collector. ``keep``: how long intervals are kept, seconds."""

    def __init__(
        self,
        file: LedgerFile,
        journal: LateReports,
        *,
        clocks: Clocks,
        starts: Starts,
        metrics: Metrics,
        keep: float = KEEP,
    ) -> None:
        """Remember; the thread starts with the first operation."""
        self.keep = keep
        #: What is planned, to judge the past by.
        self.windows: Callable[[], Windows] = Windows
        self._file = file
        self._journal = journal
        self._clocks = clocks
        self._starts = starts
        self._metrics = metrics
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._pending: deque[VerdictRow] = deque()
        self._retired: list[str] = []
        self._unwritten = _Work([], [], [], [])
        self._inventory: Inventory | None = None
        self._dirty: dict[str, None] = {}
        self._log = get_logger("ledger")
        self._failed = False
        self._opened = False
        #: When the file was written last, UTC seconds.
        self._alive = 0.0

    def set_inventory(self, inventory: Inventory) -> None:
        """Take the channels that late reports tell about."""
        self._inventory = inventory

    def note(self, changes: Iterable[VerdictRow]) -> None:
        """Take changes of verdicts, in order."""
        self._pending.extend(changes)
        while len(self._pending) > MAX_PENDING:
            self._pending.popleft()
            self._metrics.ledger_errors.inc()

    def retire(self, channels: Iterable[str]) -> None:
        """Take channels that nobody supervises any more."""
        self._retired += channels

    async def open(self, now: float) -> None:
        """Open the file and take up the agents' clocks. A ledger that cannot be opened is tried again; nothing waits for it."""
        try:
            rows = await self._run(lambda: self._open(now))
        except LedgerError as error:
            self._fail(error)
            return
        self._opened = True
        self._clocks.restore(rows)

    async def resume(self, standing: list[VerdictRow], now: float) -> None:
        """Go on with the verdicts that stand when the collector starts."""
        try:
            if self._opened:
                await self._run(lambda: self._file.resume(standing, now))
                return
        except LedgerError as error:
            self._fail(error)
        self.note(standing)

    async def working(self, now: Callable[[], float]) -> None:
        """Write and look back for ever; ``now`` tells the time, UTC seconds."""
        loop = asyncio.get_running_loop()
        prune_at = loop.time()
        while True:
            more = False
            try:
                if not self._opened:
                    self._clocks.restore(await self._run(lambda: self._open(now())))
                    self._opened = True
                more = await self.step(now())
                if loop.time() >= prune_at:
                    prune_at = loop.time() + PRUNE
                    await self._prune(now())
                if self._failed:
                    self._failed = False
                    self._log.info("ledger works again")
            except LedgerError as error:
                self._fail(error)
            await asyncio.sleep(0 if more else PAUSE)

    async def step(self, now: float) -> bool:
        """Write what is pending and judge some of the past again; return whether there is more to do. Raises LedgerError."""
        inventory = self._inventory
        if inventory is None:
            return False
        await self._write(now)
        more, revisions = await self._run(lambda: self._look_back(inventory, now))
        self._metrics.ledger_revisions.inc(revisions)
        return more

    async def history(self, channel: str, since: float, until: float) -> History:
        """Return the past of a channel. Raises LedgerError."""
        return await self._run(lambda: self._file.history(channel, since, until))

    async def close(self, now: float) -> None:
        """Write what is pending and close the file; trouble is logged."""
        self._alive = 0.0
        try:
            if self._opened:
                await self._write(now)
        except LedgerError as error:
            self._fail(error)
        await self._run(self._close)
        self._executor.shutdown(wait=False)

    async def _prune(self, now: float) -> None:
        for _ in range(MAX_PRUNES):
            if await self._run(lambda: self._file.prune(now, self.keep)) < PRUNE_STEP:
                return

    async def _write(self, now: float) -> None:
        """Write everything that was handed over; what could not be written stays. Raises LedgerError."""
        work = self._unwritten = _Work(
            [*self._unwritten.changes, *self._pending],
            [*self._unwritten.retired, *self._retired],
            [*self._unwritten.clocks, *self._clocks.take_changed()],
            [*self._unwritten.absences, *self._starts.take()],
        )
        self._pending.clear()
        self._retired.clear()
        if not any(work) and 0 <= now - self._alive < ALIVE:
            return
        inventory = self._inventory
        try:
            revisions = await self._run(lambda: self._put(work, inventory, now))
        except LedgerError:
            # bounded: changes by note(), clocks and absences by what there is
            self._pending.extendleft(reversed(work.changes))
            self.note(())
            self._unwritten = work._replace(changes=[], clocks=_newest(work.clocks))
            raise
        self._metrics.ledger_revisions.inc(revisions)
        self._unwritten = _Work([], [], [], [])
        self._alive = now

    def _fail(self, error: LedgerError) -> None:
        self._metrics.ledger_errors.inc()
        self._alive = 0.0
        if not self._failed:
            self._failed = True
            self._log.error("ledger not usable: verdicts wait to be written down", reason=str(error))

    def _run(self, work: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._executor, work)

    # in the thread

    def _open(self, now: float) -> list[ClockRow]:
        self._file.open(now)
        if self._file.set_aside is not None:
            self._log.error("ledger was damaged: set aside, starting with an empty one", file=str(self._file.set_aside))
        self._dirty = dict.fromkeys(self._file.waiting())
        return self._file.clocks()

    def _close(self) -> None:
        self._journal.close()
        self._file.close()

    def _put(self, work: _Work, inventory: Inventory | None, now: float) -> int:
        self._file.write(work.changes, work.retired, work.clocks, now)
        revisions = 0
        for absence in work.absences:
            self._file.note_absence(absence)
            if absence.power and inventory is not None:
                revisions += sum(self._power(channel, absence, now) for channel in _affected(inventory, absence.agent))
        return revisions

    def _power(self, channel: Channel, absence: Absence, now: float) -> bool:
        """Say of a channel that it was unknown by a power cut; return whether that was new."""
        minutes = round((absence.end - absence.begin) / 60)
        detail = phrases.NO_POWER(agent=absence.agent, minutes=minutes).kept()
        piece = Interval(channel.id, "unknown", "site_power", "power", detail, absence.begin, absence.end, "power")
        known = self._file.current(channel.id, absence.begin, absence.end)
        changes = revised(known, [piece], silent_before, channel.channel_class.stale_after)
        if changes:
            self._file.revise(channel.id, changes, phrases.POWER_CUT.kept(), now, done=0.0)
        return bool(changes)

    def _look_back(self, inventory: Inventory, now: float) -> tuple[bool, int]:
        """Read one page of the journal and judge some channels again; return whether there is more, and what was revised."""
        page = self._journal.page(self._file.cursor())
        seen: dict[str, list[Observation]] = {}
        for report, at in page.reports:
            for channel in inventory.channels_by_agent.get(report.agent, ()):
                seen.setdefault(channel.id, []).extend(observations(channel, report, at))
        wanted = {channel: ones for channel, ones in seen.items() if self._concerns(inventory.channels[channel], ones)}
        self._file.keep(wanted, page.upto, now)
        self._dirty.update(dict.fromkeys(wanted))
        latest = {channel: max(one.at for one in ones) for channel, ones in wanted.items()}
        revisions = 0
        for name in sorted(self._dirty, key=lambda one: _depth(inventory, one))[:STEP]:
            known = inventory.channels.get(name)
            if known is not None:
                revisions += self._judge_again(known, inventory, latest.get(name), now)
            del self._dirty[name]
        return page.more or bool(self._dirty), revisions

    def _concerns(self, channel: Channel, seen: list[Observation]) -> bool:
        """Whether anything was unknown of a channel around what was seen."""
        stale = channel.channel_class.stale_after
        times = [one.at for one in seen]
        known = self._file.current(channel.id, min(times) - stale, max(times) + stale)
        return any(one.state == "unknown" or one.origin == "late" for one in known)

    def _judge_again(self, channel: Channel, inventory: Inventory, upto: float | None, now: float) -> bool:
        seen = self._file.evidence(channel.id)
        if not seen:
            return False
        stale = channel.channel_class.stale_after
        begin, end = seen[0].at - 2 * stale, seen[-1].at + stale
        others = Others(channel, inventory, self._file, self.windows(), begin, end)
        pieces = judged(
            channel, seen, past=others.past(seen[0].at), around=others.around, edges=others.edges(seen[0].at)
        )
        known = self._file.current(channel.id, begin, end)
        changes = revised(known, pieces, unknown_before, stale)
        done = (upto if upto is not None else seen[-1].at) - 3 * stale
        self._file.revise(channel.id, changes, phrases.LATE_REPORTS.kept(), now, done=done)
        return bool(changes)


def _affected(inventory: Inventory, agent: str) -> list[Channel]:
    """Return the channels of an agent, and those of the site it stands in."""
    found = {channel.id: channel for channel in inventory.channels_by_agent.get(agent, ())}
    site = inventory.agents.get(agent)
    for other, where in inventory.agents.items():
        if site is not None and where.id == site.id and other != agent:
            found |= {channel.id: channel for channel in inventory.channels_by_agent.get(other, ())}
    return list(found.values())


def _depth(inventory: Inventory, channel: str) -> int:
    """Return how many channels carry this one, so that they are judged before."""
    depth, at = 0, inventory.channels.get(channel)
    while at is not None and at.upstream is not None:
        depth, at = depth + 1, inventory.channels.get(at.upstream)
    return depth


def _newest(rows: list[ClockRow]) -> list[ClockRow]:
    return list({(row.agent, row.boot): row for row in rows}.values())
