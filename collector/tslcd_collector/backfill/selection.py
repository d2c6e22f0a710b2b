"""From rows of the journal to what leaves for one store: decoded, without what was seen, without what no store would take."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final

from tslcd_collector.decompression import decompress
from tslcd_wire import codec
from tslcd_wire.errors import WireError

if TYPE_CHECKING:
    from tslcd_collector.backfill.coverage import Coverage
    from tslcd_collector.backfill.points import Conversion, Point
    from tslcd_collector.backfill.sieve import Reason, Sieve
    from tslcd_collector.store import WaitingRow

#: After so many reports others get a turn.
_SLICE: Final = 10


class Selection:
    """What ``scraper`` did not see; everything without ``coverage``."""

    def __init__(self, conversion: Conversion, sieve: Sieve, coverage: Coverage | None, scraper: str) -> None:
        """Remember."""
        self._conversion = conversion
        self._sieve = sieve
        self._coverage = coverage
        self._scraper = scraper

    async def points(self, rows: list[WaitingRow], now: float) -> tuple[list[Point], Counter[Reason]]:
        """Return what leaves at ``now`` (UTC seconds), oldest first, and how many samples are set aside."""
        points: list[Point] = []
        for number, row in enumerate(rows):
            if not number % _SLICE:
                await asyncio.sleep(0)
            if self._coverage is not None and self._coverage.covers(row.agent, row.at, self._scraper):
                continue
            try:
                report = codec.decode_report(row.payload, decompress).report
            except WireError:
                continue  # written by another version
            points += self._conversion.points(row.province, report, row.at)
        aside: Counter[Reason] = Counter()
        return self._sieve.sift(points, now, aside), aside
