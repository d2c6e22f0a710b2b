"""The store as the event loop sees it: one thread owns the database, and the loop waits for it without blocking.

Invariant: operations run one at a time in the order they were asked for. Cancelling a wait does not cancel the work: what was
asked for is written all the same, and :meth:`Store.close` waits for it.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from tslcd_collector.store.database import Database
    from tslcd_collector.store.rows import Batch, Memory

T = TypeVar("T")


class Store:
    """A database in a thread of its own."""

    def __init__(self, database: Database) -> None:
        """Remember; the thread starts with the first operation."""
        self._database = database
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="store")

    async def open(self, now: float) -> Memory:
        """Open the database and read what it remembers. Raises StoreError."""
        return await self._run(lambda: self._database.open_and_remember(now))

    def begin(self, batch: Batch) -> asyncio.Future[None]:
        """Ask for a batch to be written; the future is its outcome: None, or StoreError."""
        return self._run(lambda: self._database.write(batch))

    async def prune(self, before: float) -> int:
        """Delete journal rows received before ``before`` (UTC seconds), a bounded number. Raises StoreError."""
        return await self._run(lambda: self._database.prune(before))

    async def newest(self) -> int:
        """Return the highest id the journal ever gave, 0 when none. Raises StoreError."""
        return await self._run(self._database.newest)

    async def forget_spans(self, before: float) -> None:
        """Delete spans that ended before ``before`` (UTC seconds). Raises StoreError."""
        await self._run(lambda: self._database.forget_spans(before))

    def hold(self, upto: int | None, room: float) -> None:
        """Keep journal rows after ``upto`` from being pruned, as long as the file is not larger than ``room`` bytes."""
        self._database.hold, self._database.room = upto, room

    async def close(self) -> None:
        """Finish what was asked for, and close the file."""
        await self._run(self._database.close)
        self._executor.shutdown(wait=False)

    def _run(self, work: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._executor, work)
