"""What no store would take is set aside before it leaves, by the clock that is given."""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

from tslcd_collector.backfill.points import Point, labels_of
from tslcd_collector.backfill.sieve import Reason, Sieve

NOW: Final = 1_790_000_000.0
LABELS: Final = labels_of("x", {"a": "NaN"})


def _sift(*points: Point, window: float = 1000.0) -> tuple[list[Point], dict[str, int]]:
    aside: Counter[Reason] = Counter()
    good = Sieve(window, 120.0).sift(points, NOW, aside)
    return good, {reason.value: count for reason, count in aside.items()}


def _at(seconds: float) -> Point:
    return Point(LABELS, int((NOW + seconds) * 1000), 1.0)


def test_times_on_both_sides_of_the_bounds() -> None:
    """Two minutes ahead at most; a little less than the window behind, since the way takes time; oldest first."""
    good, aside = _sift(_at(120), _at(120.001), _at(-980), _at(-980.001), _at(0), _at(86400), _at(-50 * 365 * 86400))
    assert good == [_at(-980), _at(0), _at(120)]
    assert aside == {"future": 2, "old": 2}


def test_the_margin_of_a_long_window_is_five_minutes() -> None:
    """Not two percent of a month."""
    month = 31 * 86400.0
    good, aside = _sift(_at(-month + 301), _at(-month + 299), window=month)
    assert (len(good), aside) == (1, {"old": 1})


def test_values_and_labels_that_no_store_takes() -> None:
    """Neither NaN, which marks a series as stale, nor labels beyond what stores take; a label that says NaN is a text."""
    long = Point(labels_of("x", {"a": "đ" * 1025}), int(NOW * 1000), 1.0)
    fits = Point(labels_of("x", {"a": "d" * 2048}), int(NOW * 1000), 1.0)
    good, aside = _sift(
        *(Point(LABELS, int(NOW * 1000), bad) for bad in (math.nan, math.inf, -math.inf)), long, fits, _at(0)
    )
    assert (good, aside) == ([fits, _at(0)], {"value": 3, "label": 1})
