"""Late reports, as the store's journal has them. Read-only, with a connection of its own: nothing that is being stored waits.

Invariant: a page is bounded in rows and in bytes, and says up to which row it goes, so that the reader may stop at any time.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Final, NamedTuple

from tslcd_collector.database_file import connect_to_read
from tslcd_collector.decompression import decompress
from tslcd_collector.errors import LedgerError
from tslcd_wire import codec
from tslcd_wire.errors import WireError

if TYPE_CHECKING:
    from pathlib import Path

    from tslcd_wire.report import Report

#: A report that came so much later than it was measured may tell of a time that was not known, seconds.
LATE: Final = 3.0
PAGE_ROWS: Final = 2000
PAGE_BYTES: Final = 2 * 2**20


class Page(NamedTuple):
    """Late reports with their corrected times (UTC seconds), the last row looked at, and whether there are more rows."""

    reports: list[tuple[Report, float]]
    upto: int
    more: bool


class LateReports:
    """The journal in the store's file ``path``."""

    def __init__(self, path: Path) -> None:
        """Remember; it is opened with the first page."""
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def page(self, after: int) -> Page:
        """Return what came late in the rows after ``after``. Raises LedgerError."""
        try:
            return self._page(self._open(), after)
        except sqlite3.Error as error:
            self.close()
            raise LedgerError(f"ledger: journal {self._path}: {error}") from None

    def close(self) -> None:
        """Close the file; safe to call again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect_to_read(self._path)
        return self._connection

    def _page(self, connection: sqlite3.Connection, after: int) -> Page:
        (newest,) = connection.execute("SELECT max(id) FROM journal").fetchone()
        if newest is None:
            return Page([], after, more=False)
        if newest < after:  # another journal: the one before was set aside
            after = 0
        (first,) = connection.execute("SELECT min(id) FROM journal").fetchone()
        upto = min(newest, max(after, first - 1) + PAGE_ROWS)
        rows = connection.execute(
            "SELECT id, at, payload FROM journal WHERE id > ? AND id <= ? AND received - at > ? ORDER BY id",
            (after, upto, LATE),
        )
        reports, size = [], 0
        with contextlib.closing(rows):
            for row, at, payload in rows:
                with contextlib.suppress(WireError):  # of another version
                    reports.append((codec.decode_report(payload, decompress).report, at))
                size += len(payload)
                if size > PAGE_BYTES:
                    upto = row
                    break
        return Page(reports, upto, upto < newest)
