"""What may leave: points that no store would take are set aside before they leave, since one of them spoils its batch. Pure.

Seen on Prometheus 2.42: one sample a day ahead locks all other series of the head out, also after a restart; one sample older than
the out-of-order window answers 500, and its whole batch is rolled back.
"""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

    from tslcd_collector.backfill.points import Point

#: Longest label value, in bytes, that every store takes (the default of Mimir is 2,048 characters).
MAX_LABEL_BYTES: Final = 2048
#: So much of the window, and no more than so many seconds, is left for the way and for the store's own clock.
MARGIN_SHARE: Final = 0.02
MAX_MARGIN: Final = 300.0


class Reason(enum.Enum):
    """Why a sample is set aside: a closed set, values of a label."""

    FUTURE = "future"  #: measured later than now and the allowance
    OLD = "old"  #: older than the window that the store takes in
    VALUE = "value"  #: neither a number nor a stale marker
    LABEL = "label"  #: a label too long for any store
    REFUSED = "refused"  #: refused by the store when it stood alone
    DISK = "disk"  #: in a report that had to make room on the collector's disk; counts reports


class Sieve:
    """``window``: how far back the store takes samples in, seconds; ``max_future``: how far ahead a time may be, seconds."""

    def __init__(self, window: float, max_future: float) -> None:
        """Remember."""
        self._oldest = window - min(MAX_MARGIN, MARGIN_SHARE * window)
        self._max_future = max_future

    def sift(self, points: Iterable[Point], now: float, aside: Counter[Reason]) -> list[Point]:
        """Return what may leave at ``now`` (UTC seconds), oldest first; count the others in ``aside``."""
        first, last = (now - self._oldest) * 1000, (now + self._max_future) * 1000
        good: list[Point] = []
        for point in points:
            if point.at > last:
                aside[Reason.FUTURE] += 1
            elif point.at < first:
                aside[Reason.OLD] += 1
            elif not math.isfinite(point.value):
                aside[Reason.VALUE] += 1
            elif any(
                len(value) * 4 > MAX_LABEL_BYTES and len(value.encode()) > MAX_LABEL_BYTES for _, value in point.labels
            ):
                aside[Reason.LABEL] += 1
            else:
                good.append(point)
        good.sort(key=lambda point: point.at)
        return good
