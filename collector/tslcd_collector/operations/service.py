"""Operations as the event loop sees them: what stands is in memory, a thread of its own writes and reads the file.

Invariants:

* Nobody waits for this file but who changes something or logs in: verdicts, alerts and pages read what is in memory.
* What is in memory was written before; a change that cannot be written is refused with its reason, and changes nothing. One that
  takes longer than a person waits is told as busy, and holds as soon as it is written all the same.
* An acknowledgement ends by itself when its channel is up again, also when that happened while the collector was away. An end
  that cannot be written now holds at once, and is written later.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from tslcd_collector.errors import OperationsError
from tslcd_collector.operations import desk
from tslcd_collector.operations.rows import PROGRAM
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tslcd_collector.metrics import Metrics
    from tslcd_collector.operations.file import OperationsFile
    from tslcd_collector.operations.rows import Acknowledgement, Actor, Comment, Entry, PlannedWork
    from tslcd_collector.store import VerdictRow

#: A person waits for so long for the file, seconds.
PATIENCE: Final = 5.0
#: Seconds between looks at what waits to be written or is over.
PAUSE: Final = 1.0
#: Seconds between prunings.
PRUNE: Final = 3600.0

T = TypeVar("T")


class Operations:
    """What operators entered. ``keep``: how long what ended is kept, seconds; ``changed`` is called when anything that stands changed."""

    def __init__(self, file: OperationsFile, *, metrics: Metrics | None = None, keep: float) -> None:
        """Remember; the thread starts with the first operation."""
        self.keep = keep
        self.changed: Callable[[], None] = lambda: None
        #: Open acknowledgements by channel.
        self.acknowledgements: dict[str, Acknowledgement] = {}
        #: The newest comment since the start, by channel.
        self.noted: dict[str, int] = {}
        #: Planned work that is not over, and not withdrawn.
        self.windows: list[PlannedWork] = []
        self._file = file
        self._metrics = metrics
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="operations")
        self._ends: dict[str, float] = {}
        self._opened = False
        self._standing: Callable[[], Iterable[VerdictRow]] | None = None
        self._failed = False
        self._log = get_logger("operations")

    async def open(self, now: float) -> None:
        """Open the file and take up what stands. One that cannot be opened is tried again; nothing waits for it."""
        try:
            await self._open(now)
        except (OperationsError, TimeoutError) as error:
            self._fail(error)

    async def working(self, now: Callable[[], float]) -> None:
        """Write down ends of acknowledgements and prune, for ever; ``now`` tells the time, UTC seconds."""
        loop = asyncio.get_running_loop()
        prune_at = loop.time()
        while True:
            try:
                if not self._opened:
                    await self._open(now())
                await self.step(now())
                if loop.time() >= prune_at:
                    prune_at = loop.time() + PRUNE
                    await self.run(lambda file: file.prune(now(), self.keep))
                if self._failed:
                    self._failed = False
                    self._log.info("operations work again")
            except (OperationsError, TimeoutError) as error:
                self._fail(error)
            await asyncio.sleep(PAUSE)

    async def step(self, now: float) -> None:
        """Write the ends that wait; let planned work that is over go. Raises OperationsError, TimeoutError."""
        over = [one for one in self.windows if one.end <= now]
        if over:
            self.windows = [one for one in self.windows if one.end > now]
            self.changed()
        if self._ends:
            ends = dict(self._ends)
            await self.run(lambda file: desk.end(file, ends, PROGRAM, "the channel is up again"))
            self._ends = {channel: at for channel, at in self._ends.items() if ends.get(channel) != at}

    def note(self, changes: Iterable[VerdictRow]) -> None:
        """Take changes of verdicts: what is up again is not acknowledged any more."""
        for row in changes:
            if row.state == "up" and row.channel in self.acknowledgements:
                del self.acknowledgements[row.channel]
                self._ends[row.channel] = row.since

    def retire(self, channels: Iterable[str], now: float) -> None:
        """End the acknowledgements of channels that nobody supervises any more."""
        for channel in channels:
            if self.acknowledgements.pop(channel, None) is not None:
                self._ends[channel] = now

    def resume(self, standing: Callable[[], Iterable[VerdictRow]], now: float) -> None:
        """Compare with what stands: what came up or left while the collector was away is not acknowledged any more.

        ``standing`` is asked again when the file can be opened only later.
        """
        self._standing = standing
        rows = list(standing())
        self.note(rows)
        self.retire(set(self.acknowledgements) - {row.channel for row in rows}, now)

    async def acknowledge(self, channel: str, comment: str, actor: Actor, now: float) -> Acknowledgement:
        """Acknowledge the trouble of a channel, in place of who did before. Raises OperationsError, TimeoutError."""

        def then(made: Acknowledgement) -> None:
            self._ends.pop(channel, None)
            self.acknowledgements[channel] = made
            self.changed()

        return await self.run(lambda file: desk.acknowledge(file, channel, comment, actor, now), then)

    async def withdraw_acknowledgement(self, channel: str, actor: Actor, now: float) -> bool:
        """End an acknowledgement by hand; return whether there was one. Raises OperationsError, TimeoutError."""
        if channel not in self.acknowledgements:
            return False

        def then(_: None) -> None:
            self.acknowledgements.pop(channel, None)
            self.changed()

        await self.run(lambda file: desk.end(file, {channel: now}, actor, "withdrawn"), then)
        return True

    async def comment(self, channel: str, text: str, actor: Actor, now: float) -> Comment:
        """Write a comment on a channel. Raises OperationsError, TimeoutError."""

        def then(made: Comment) -> None:
            self.noted[channel] = made.id
            self.changed()

        return await self.run(lambda file: desk.comment(file, channel, text, actor, now), then)

    async def comments(self, channel: str) -> list[Comment]:
        """Return the comments on a channel, the newest first. Raises OperationsError, TimeoutError."""
        return await self.run(lambda file: desk.comments(file, channel))

    async def plan(self, work: PlannedWork, actor: Actor, now: float) -> PlannedWork:
        """Plan work. Raises OperationsError, TimeoutError."""

        def then(made: PlannedWork) -> None:
            self.windows = [*self.windows, made]
            self.changed()

        return await self.run(lambda file: desk.plan(file, work, actor, now), then)

    async def withdraw(self, number: int, actor: Actor, now: float) -> bool:
        """Call planned work off, or end it early; return whether there was such. Raises OperationsError, TimeoutError."""
        if all(one.id != number for one in self.windows):
            return False

        def then(_: None) -> None:
            self.windows = [one for one in self.windows if one.id != number]
            self.changed()

        await self.run(lambda file: desk.withdraw(file, number, actor, now), then)
        return True

    async def entries(self, before: int | None = None, limit: int = 200) -> list[tuple[int, Entry]]:
        """Return lines of the audit log, the newest first. Raises OperationsError, TimeoutError."""
        return await self.run(lambda file: file.entries(before=before, limit=limit))

    async def run(self, work: Callable[[OperationsFile], T], then: Callable[[T], None] | None = None) -> T:
        """Do something with the file in its thread, and ``then`` what follows from it; both are done also when the wait ends.

        Raises OperationsError, TimeoutError.
        """
        future = asyncio.get_running_loop().run_in_executor(self._executor, lambda: work(self._file))
        if then is not None:
            future.add_done_callback(
                lambda done: None if done.cancelled() or done.exception() is not None else then(done.result())
            )
        async with asyncio.timeout(PATIENCE):
            return await asyncio.shield(future)

    async def close(self) -> None:
        """Write what waits and close the file; trouble is logged."""
        try:
            if self._opened and self._ends:
                ends = dict(self._ends)
                await self.run(lambda file: desk.end(file, ends, PROGRAM, "the channel is up again"))
            await self.run(lambda file: file.close())
        except (OperationsError, TimeoutError) as error:
            self._fail(error)
        self._executor.shutdown(wait=False)

    async def _open(self, now: float) -> None:
        standing = await self.run(lambda file: desk.open_file(file, now))
        if self._file.set_aside is not None:
            self._log.error(
                "operations were damaged: set aside, starting with an empty file; people are added again by a command",
                file=str(self._file.set_aside),
            )
        self._opened = True
        self.acknowledgements = standing.acknowledgements
        self.windows = standing.windows
        if self._standing is not None:
            self.resume(self._standing, now)
        self.changed()

    def _fail(self, error: Exception) -> None:
        if self._metrics is not None:
            self._metrics.operations_errors.inc()
        if not self._failed:
            self._failed = True
            self._log.error("operations not usable: nobody can log in or enter anything", reason=str(error) or "busy")
