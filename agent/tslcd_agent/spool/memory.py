"""Where reports wait while the disk takes none.

Invariants: a stream of its own, which no file knows; at most :data:`MEMORY_BYTES` of payloads. What is worth least goes first, as
in the file, and is counted and noted as lost.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from tslcd_agent.spool.state import Row, Totals, Worth, key_of, new_stream, seq_of
from tslcd_wire.ranges import RangeSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tslcd_agent.spool.store import Draft

#: Reports kept in memory while the disk fails, in bytes.
MEMORY_BYTES: Final = 2 * 2**20


class Memory:
    """A stream that exists in memory only."""

    def __init__(self, generation: int) -> None:
        """Begin a stream."""
        self.generation = generation
        self.stream = new_stream()
        self.next = 1
        self.rows: OrderedDict[int, Row] = OrderedDict()
        self.bytes = 0
        #: Numbers that were dropped; and what to add to the file's counters.
        self.lost = RangeSet()
        self.totals = Totals()
        self._kept = 0

    def append(self, draft: Draft) -> int | Exception:
        """Keep a report; return its key, or what its builder raised."""
        try:
            payload = draft.build(self.stream, self.next)
        except Exception as error:  # noqa: BLE001 - handed to the one who brought the builder
            return error
        key = key_of(self.generation, self.next)
        self.rows[key] = Row(key, draft.at, draft.boot, draft.mono, payload, draft.worth)
        self.next += 1
        self.totals.made += 1
        self.bytes += len(payload)
        self._kept += len(payload) if draft.worth else 0
        while self.bytes > MEMORY_BYTES and len(self.rows) > 1:
            self._drop(self._victim(key))
        return key

    def _victim(self, newest: int) -> Row:
        """Return what goes next, never what came last."""
        order = (Worth.ALIVE, Worth.EVENT, Worth.MEASURED) if self._kept > MEMORY_BYTES // 2 else tuple(Worth)
        return next(row for worth in order for row in self.rows.values() if row.worth is worth and row.key != newest)

    def _drop(self, row: Row) -> None:
        self._remove(row.key)
        self.totals.drop("memory", 1, row.worth)
        self.lost.add(seq_of(row.key))

    def _remove(self, key: int) -> None:
        row = self.rows.pop(key)
        self.bytes -= len(row.payload)
        self._kept -= len(row.payload) if row.worth else 0

    def confirm(self, ranges: Sequence[tuple[int, int]]) -> int:
        """Forget what is stored elsewhere (closed ranges of numbers); return how many reports that was."""
        gone = [key for key in self.rows if any(first <= seq_of(key) <= last for first, last in ranges)]
        for key in gone:
            self._remove(key)
        for first, last in ranges:
            self.lost.remove(first, last)
        self.totals.confirmed += len(gone)
        return len(gone)

    @property
    def oldest(self) -> int:
        """The lowest number that waits; the next one when none does."""
        return seq_of(next(iter(self.rows))) if self.rows else self.next

    def lost_from_oldest(self) -> list[tuple[int, int]]:
        """Return the dropped numbers that are not below the oldest."""
        return [pair for pair in self.lost if pair[1] > self.oldest]
