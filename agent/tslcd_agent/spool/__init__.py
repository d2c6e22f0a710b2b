"""The durable queue between what is measured and what is sent.

Invariants, each with tests that try to break it:

* Nothing is handed out for sending that is not first on disk (or, while the disk fails, counted as being in memory only).
* A report is deleted when a collector said that it has stored it, or dropped by a bound and counted; never otherwise.
* A number is never given twice within a stream: not after ``kill -9``, not after everything was confirmed and deleted.
* :meth:`Spool.append` returns when the report is synced. A caller that is cancelled meanwhile leaves the report whole.
* The event loop never waits for the disk: one thread does all of it, in the order of the calls. Appends that come together
  share one transaction.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from tslcd_agent.spool.engine import Engine
from tslcd_agent.spool.lock import DirectoryLock, SpoolError
from tslcd_agent.spool.news import News
from tslcd_agent.spool.state import Now, Row, Statistics, Worth
from tslcd_agent.spool.store import Bounds, Draft
from tslcd_wire.ranges import RangeSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from types import TracebackType

    from tslcd_agent.spool.state import Alive, StartReason

__all__ = ["Bounds", "Draft", "Now", "Row", "Spool", "SpoolError", "Statistics", "Worth", "system_clock"]

#: Most appends that share a transaction.
MAX_GROUP: Final = 256

T = TypeVar("T")


def system_clock(boot: str) -> Callable[[], Now]:
    """Return the clock of this machine; ``boot`` is the kernel's boot id, shortened."""
    return lambda: Now(time.time(), boot, time.clock_gettime(time.CLOCK_BOOTTIME))


class Spool:
    """The spool of one directory, which it makes (mode 0700) and locks; an async context manager, used once."""

    def __init__(self, directory: Path, bounds: Bounds, now: Callable[[], Now]) -> None:
        """Remember; nothing is opened yet."""
        self._engine = Engine(directory, bounds, now)
        self._lock = DirectoryLock(directory)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._news = News()
        self._thread = threading.Thread(target=self._work, name="spool", daemon=True)

    async def __aenter__(self) -> Self:
        """Lock the directory and open the file. Raises SpoolError; disk trouble is no error."""
        await asyncio.to_thread(self._lock.acquire)
        self._thread.start()
        await self._call(self._engine.open)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish what was asked, say goodbye, close, unlock."""
        try:
            await self._call(self._engine.close)
        finally:
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)
            self._lock.release()

    @property
    def start_reason(self) -> StartReason:
        """Why the agent started: first-start, clean-restart, process-crash, power-or-reboot."""
        return self._engine.start_reason

    @property
    def last_alive(self) -> Alive | None:
        """The last sign of life before this start."""
        return self._engine.last_alive

    async def append(self, draft: Draft) -> int:
        """Keep a report; return its key when it is synced. Raises what the draft's builder raises."""
        key: int = await self._submit(None, draft)
        return key

    def take_news(self) -> list[Row] | None:
        """Return the reports that were kept since this was called last, oldest first; None when the disk has to be asked."""
        return self._news.take()

    async def newest_first(self, limit: int, exclude: RangeSet, youngest: float | None = None) -> list[Row]:
        """Return waiting reports, newest first, but for the keys in ``exclude``.

        ``youngest``: only those measured in this boot at most so many seconds ago.
        """
        excluded = RangeSet(exclude)  # the caller's may change while the thread reads
        return await self._call(lambda: self._engine.newest_first(limit, excluded, youngest))

    async def oldest_first(self, limit: int, exclude: RangeSet) -> list[Row]:
        """Return waiting reports, oldest first, but for the keys in ``exclude``."""
        excluded = RangeSet(exclude)  # the caller's may change while the thread reads
        return await self._call(lambda: self._engine.oldest_first(limit, excluded))

    async def confirm(self, stream: str, ranges: Iterable[tuple[int, int]]) -> int:
        """Delete reports of ``stream`` with these numbers (closed ranges): they are stored elsewhere. Return how many."""
        wanted = list(ranges)
        return await self._call(lambda: self._engine.confirm(stream, wanted))

    async def waiting(self, stream: str, first: int, last: int, limit: int) -> list[int] | None:
        """Return which numbers of ``stream`` from ``first`` to ``last`` wait here; None when the disk cannot say."""
        return await self._call(lambda: self._engine.waiting(stream, first, last, limit))

    async def standing(self, stream: str) -> tuple[int, int] | None:
        """Return the ordinal of a stream within this spool and the highest number that was given in it; None for a foreign one.

        No higher number than the wire allows was given in a stream that is not the present one.
        """
        return await self._call(lambda: self._engine.standing(stream))

    async def renew_stream(self, stream: str) -> None:
        """Begin a new stream and move into it what waits of ``stream``.

        For a spool that was set back (a restored disk image, a copied disk): numbers that it would give next were given
        before, and a collector would take new reports for old ones.
        """
        await self._call(lambda: self._renew_stream(stream))

    def _renew_stream(self, stream: str) -> None:
        self._engine.renew_stream(stream)
        self._news.add(None)

    async def mark_alive(self) -> None:
        """Leave a sign of life for the next start."""
        await self._call(self._engine.mark_alive)

    async def statistics(self) -> Statistics:
        """Describe the spool."""
        return await self._call(self._engine.statistics)

    async def _call(self, call: Callable[[], T]) -> T:
        result: T = await self._submit(call, None)
        return result

    def _submit(self, call: Callable[[], Any] | None, draft: Draft | None) -> asyncio.Future[Any]:
        job = _Job(call, draft, asyncio.get_running_loop())
        self._jobs.put(job)
        return job.future

    def _work(self) -> None:
        """Do the jobs, one after the other, appends in groups; the thread's whole life."""
        job = self._jobs.get()
        while job is not None:
            following: _Job | None = None
            more = False
            if job.draft is not None:
                group = [job]
                while len(group) < MAX_GROUP and not self._jobs.empty():
                    following = self._jobs.get()
                    if following is None or following.draft is None:
                        more = True
                        break
                    group.append(following)
                self._append(group)
            else:
                job.run()
            job = following if more else self._jobs.get()

    def _append(self, group: list[_Job]) -> None:
        """Append a group in one transaction; answer each when all are on disk."""
        taken = [job for job in group if job.draft is not None and not job.future.cancelled()]
        results: list[Any]
        try:
            results = self._engine.append([job.draft for job in taken if job.draft is not None])
            self._news.add(self._engine.kept)
        except BaseException as error:  # noqa: BLE001 - handed to the callers; the thread lives on
            results = [error if isinstance(error, Exception) else RuntimeError(str(error))] * len(taken)
            self._news.add(None)
        for job, result in zip(taken, results, strict=True):
            job.answer(result)


class _Job:
    """Something for the thread to do: a call, or a report to append. One that was cancelled before it began is not done."""

    __slots__ = ("call", "draft", "future", "loop")

    def __init__(self, call: Callable[[], Any] | None, draft: Draft | None, loop: asyncio.AbstractEventLoop) -> None:
        self.call = call
        self.draft = draft
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()

    def run(self) -> None:
        """Call, and hand over what comes of it."""
        if self.call is None or self.future.cancelled():
            return
        try:
            result = self.call()
        except BaseException as error:  # noqa: BLE001 - handed to the caller; the thread lives on
            result = error if isinstance(error, Exception) else RuntimeError(str(error))
        self.answer(result)

    def answer(self, result: Any) -> None:
        """Let the caller's loop have a result, or an exception to raise; a loop that is closed wants none."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(_settle, self.future, result)


def _settle(future: asyncio.Future[Any], result: Any) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
