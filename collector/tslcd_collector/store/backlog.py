"""What of the journal is still to go to the time-series stores, read a page at a time.

Invariants: it reads through a connection and a thread of its own, so reports that are being stored never wait for it; a page is
bounded in rows and in bytes, whatever stands in the journal.
"""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from typing import TYPE_CHECKING, Final, TypeVar

from tslcd_collector.database_file import connect_to_read
from tslcd_collector.errors import StoreError
from tslcd_collector.store.database import FILE
from tslcd_collector.store.rows import HeardRow, WaitingRow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAGE_ROWS: Final = 200
PAGE_BYTES: Final = 2 * 2**20
HEARD_ROWS: Final = 2000

T = TypeVar("T")


class Backlog:
    """The journal in ``directory``, for reading."""

    def __init__(self, directory: Path) -> None:
        """Remember; the file is opened with the first question."""
        self._path = directory / FILE
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="backlog")
        self._connection: sqlite3.Connection | None = None

    async def page(self, after: int, upto: int) -> list[WaitingRow]:
        """Return the rows after id ``after`` and not after ``upto``, in order; bounded. Raises StoreError."""
        return await self._run(lambda connection: _page(connection, after, upto))

    async def heard(self, after: int, before: float) -> list[HeardRow]:
        """Return who was heard in the next rows after ``after`` that were received before ``before``; bounded. Raises StoreError."""

        def read(connection: sqlite3.Connection) -> list[HeardRow]:
            rows = connection.execute(
                "SELECT id, agent, at, received FROM journal WHERE id > ? ORDER BY id LIMIT ?", (after, HEARD_ROWS)
            )
            return list(takewhile(lambda row: row.received < before, map(HeardRow._make, rows)))

        return await self._run(read)

    async def close(self) -> None:
        """Close the file."""

        def close() -> None:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

        await asyncio.get_running_loop().run_in_executor(self._executor, close)
        self._executor.shutdown(wait=False)

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def locked() -> T:
            try:
                if self._connection is None:
                    self._connection = connect_to_read(self._path)
                return work(self._connection)
            except sqlite3.Error as error:
                raise StoreError(f"store {self._path}: {error}") from None

        return await asyncio.get_running_loop().run_in_executor(self._executor, locked)


def _page(connection: sqlite3.Connection, after: int, upto: int) -> list[WaitingRow]:
    rows: list[WaitingRow] = []
    size = 0
    for row in map(
        WaitingRow._make,
        connection.execute(
            "SELECT id, province, agent, at, payload FROM journal WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
            (after, upto, PAGE_ROWS),
        ),
    ):
        size += len(row.payload)
        if rows and size > PAGE_BYTES:
            break
        rows.append(row)
    return rows
