"""Charts as lines over a day, and states as a strip over time: numbers for the templates' inline SVG. Pure.

Everything is in a box of :data:`WIDTH` by 100 that the browser stretches; labels stand beside it in percent, so that they keep
their size on a telephone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from tslcd_collector.maintenance import VIET_NAM
from tslcd_collector.web.day import SLOTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tslcd_collector.ledger.rows import Interval

WIDTH: Final = SLOTS
_STEPS: Final = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
_DAY: Final = 86400.0


@dataclass(frozen=True, slots=True)
class Line:
    """One series: ``path`` is the SVG path of it, ``highest``, ``mean`` and ``latest`` are None when nothing is known."""

    name: str
    path: str
    highest: float | None
    mean: float | None
    latest: float | None


class Level(NamedTuple):
    """A horizontal line: a threshold; ``y`` from the top."""

    name: str
    value: float
    y: float


class Tick(NamedTuple):
    """A label of an axis at ``at`` percent, and what it says."""

    at: float
    value: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over one scale from 0 to ``top``."""

    lines: list[Line]
    levels: list[Level]
    ticks: list[Tick]
    top: float
    empty: bool = field(default=False)


class Piece(NamedTuple):
    """A part of a strip: from ``x`` on ``width`` wide, of :data:`WIDTH`."""

    interval: Interval
    x: float
    width: float


def chart(series: dict[str, Sequence[float | None]], levels: dict[str, float], least: float) -> Chart:
    """Draw ``series`` of SLOTS values each with horizontal ``levels`` (drawn where they fit); the scale reaches at least ``least``."""
    known = [value for values in series.values() for value in values if value is not None]
    highest = max(known, default=0.0)
    near = [value for value in levels.values() if value <= 2 * highest]
    top = _round_up(max([highest, least, *near]) * 1.05)
    return Chart(
        [_line(name, values, top) for name, values in series.items()],
        [Level(name, value, 100 - 100 * value / top) for name, value in levels.items() if value <= top],
        [Tick(100 - 100 * part, top * part) for part in (1.0, 0.5, 0.0)],
        top,
        not known,
    )


def hours(first: float) -> list[Tick]:
    """Return every fourth full local hour of the day that begins at ``first`` (UTC seconds); the values are times."""
    ahead = VIET_NAM.utcoffset(None).total_seconds()
    step = _DAY / 6
    found = math.ceil((first + ahead) / step) * step - ahead
    return [
        Tick(100 * (at - first) / _DAY, at) for at in (found + step * index for index in range(6)) if at < first + _DAY
    ]


def strip(intervals: Sequence[Interval], since: float, until: float) -> list[Piece]:
    """Lay intervals over the time from ``since`` to ``until``; what is shorter than can be seen is drawn all the same."""
    scale = WIDTH / (until - since)
    pieces = []
    for one in intervals:
        begin, end = max(one.since, since), min(until if one.until is None else one.until, until)
        if end <= begin:
            continue
        width = (end - begin) * scale
        if one.state != "up":
            width = max(width, WIDTH / 1000)
        pieces.append(Piece(one, (begin - since) * scale, width))
    return pieces


def _line(name: str, values: Sequence[float | None], top: float) -> Line:
    known = [value for value in values if value is not None]
    parts = []
    before = False
    for index, value in enumerate(values):
        if value is None:
            before = False
            continue
        x, y = index + 0.5, 100 - 100 * value / top
        parts.append(f"L{x:.1f} {y:.1f}" if before else f"M{x:.1f} {y:.1f}h.1")
        before = True
    if not known:
        return Line(name, "", None, None, None)
    return Line(name, "".join(parts), max(known), sum(known) / len(known), known[-1])


def _round_up(value: float) -> float:
    """Return the next number that is easily read from an axis."""
    if value <= 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(value))
    return next(step * size for step in _STEPS if step * size >= value * (1 - 1e-9))
