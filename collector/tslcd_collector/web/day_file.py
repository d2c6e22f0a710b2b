"""Where the last day of the channels outlives a restart: ``day.db`` beside the store.

Invariants:

* It is for the eye only: nothing waits for it, and what cannot be read is thrown away and begun anew. Reports, verdicts and
  traffic that somebody must answer for stand elsewhere.
* One row a slot of five minutes, written again when something came late; at most a day of rows.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import msgspec

from tslcd_collector.database_file import parts
from tslcd_collector.web.day import SLOT, SLOTS
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tslcd_collector.web.day import Day

#: Seconds between two writings: what a kill costs a chart.
PERIOD: Final = 60.0
#: Slots written at once, so that a day of history does not hold the loop up while it is packed.
MOST: Final = 12
_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS slot (number INTEGER PRIMARY KEY, channels BLOB NOT NULL)"


class DayFile:
    """The file of ``day`` in ``directory``."""

    def __init__(self, directory: Path, day: Day) -> None:
        """Remember; the thread starts with the first operation."""
        self._path = directory / "day.db"
        self._day = day
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="day")
        self._log = get_logger("day")
        self._failed = False

    async def restore(self, now: float) -> None:
        """Take up what was written within the last day; a file that cannot be read is begun anew."""
        loop = asyncio.get_running_loop()
        try:
            self._day.restore(await loop.run_in_executor(self._executor, self._read, now))
        except (sqlite3.Error, msgspec.DecodeError, OSError) as error:
            self._log.warning("charts begin anew: their file cannot be read", file=str(self._path), error=str(error))
            await loop.run_in_executor(self._executor, self._forget)

    async def working(self, now: Callable[[], float]) -> None:
        """Write what changed, for ever; once more at the end. ``now`` tells the time, UTC seconds."""
        try:
            while True:
                await asyncio.sleep(PERIOD)
                await self.write(now(), MOST)
        finally:
            await self.write(now())
            self._executor.shutdown()

    async def write(self, now: float, most: int = SLOTS) -> None:
        """Write at most so many slots that changed; what fails is tried again the next time, and told once."""
        slots = self._day.take_dirty(most)
        try:
            await asyncio.get_running_loop().run_in_executor(self._executor, self._write, slots, now)
        except (sqlite3.Error, OSError) as error:
            self._day.put_back(slots)
            if not self._failed:
                self._log.warning("charts are not written down", file=str(self._path), error=str(error))
            self._failed = True
        else:
            self._failed = False

    def _read(self, now: float) -> list[tuple[int, bytes]]:
        with contextlib.closing(sqlite3.connect(self._path)) as connection:
            connection.execute(_SCHEMA)
            oldest, newest = int(now // SLOT) - SLOTS, int(now // SLOT)
            query = "SELECT number, channels FROM slot WHERE number > ? AND number <= ? ORDER BY number"
            return connection.execute(query, (oldest, newest)).fetchall()

    def _write(self, slots: dict[int, bytes], now: float) -> None:
        with contextlib.closing(sqlite3.connect(self._path)) as connection, connection:
            connection.execute(_SCHEMA)
            connection.executemany("INSERT OR REPLACE INTO slot VALUES (?, ?)", slots.items())
            connection.execute("DELETE FROM slot WHERE number <= ?", (int(now // SLOT) - SLOTS,))

    def _forget(self) -> None:
        for part in parts(self._path):
            part.unlink(missing_ok=True)
