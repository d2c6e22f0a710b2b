"""Reports that were synced a moment ago, for whoever sends at once: what was just written need not be read back.

Invariants:

* Only what is in the file and synced is put here; the file knows everything that is here.
* Memory is bounded. Whoever takes is told when something is missing that was kept since the last time: the file has it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tslcd_agent.spool.state import Row

#: More cannot be sent at once anyway.
MAX_ROWS: Final = 32
MAX_BYTES: Final = 128 * 1024


class News:
    """Rows since :meth:`take` was called; for two threads."""

    def __init__(self) -> None:
        """Start with nothing, and with the word that there may be more in the file."""
        self._lock = threading.Lock()
        self._rows: list[Row] = []
        self._bytes = 0
        self._whole = False

    def add(self, rows: Sequence[Row] | None) -> None:
        """Add what was synced just now, oldest first; None when not all of it is in the file, or not under its numbers."""
        with self._lock:
            self._bytes += sum(len(row.payload) for row in rows or ())
            if rows is None or len(self._rows) + len(rows) > MAX_ROWS or self._bytes > MAX_BYTES:
                self._rows, self._bytes, self._whole = [], 0, False
            elif self._whole:
                self._rows += rows

    def take(self) -> list[Row] | None:
        """Return what came since the last time, oldest first; None when the file has to be asked."""
        with self._lock:
            rows, whole = self._rows, self._whole
            self._rows, self._bytes, self._whole = [], 0, True
            return rows if whole else None
