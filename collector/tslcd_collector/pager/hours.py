"""Hours of the week in local time (Asia/Ho_Chi_Minh): ``22:00-06:00``, ``mon-fri 07:30-17:00``. Pure.

Invariants: a window that ends before it begins goes over midnight, and belongs to the day on which it begins; its first minute is
inside, its last is not; ``00:00-24:00`` is the whole day. Viet Nam has no daylight saving, so every day has 24 hours.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

from msgspec import Meta

if TYPE_CHECKING:
    from collections.abc import Iterable

VIET_NAM: Final = dt.timezone(dt.timedelta(hours=7), "Asia/Ho_Chi_Minh")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MINUTES_A_DAY: Final = 24 * 60
_FORM: Final = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? )?(?P<from>\d\d:\d\d)-(?P<until>\d\d:\d\d)", re.ASCII
)

#: How a window is written; what it means is checked by :func:`parse`.
Hours = Annotated[str, Meta(max_length=32)]


class Window(NamedTuple):
    """``days``: on which it begins, 0 is Monday; ``begin`` and ``end``: minutes of the day, ``end`` may be on the next."""

    days: frozenset[int]
    begin: int
    end: int

    def contains(self, at: float) -> bool:
        """Whether ``at`` (UTC seconds) is inside."""
        return self.until(at) is not None

    def until(self, at: float) -> float | None:
        """Return when the window ends that ``at`` is inside of (UTC seconds); None when it is outside."""
        local = dt.datetime.fromtimestamp(at, VIET_NAM)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        for ago in (0, 1):
            day = midnight - dt.timedelta(days=ago)
            end = day + dt.timedelta(minutes=self.end)
            if day.weekday() in self.days and day + dt.timedelta(minutes=self.begin) <= local < end:
                return end.timestamp()
        return None


def parse(text: str) -> Window:
    """Read a window. Raises ValueError with what is allowed."""
    found = _FORM.fullmatch(text)
    allowed = f"{text!r}: hours look like 22:00-06:00 or mon-fri 07:30-17:00, days are {', '.join(DAYS)}"
    if found is None:
        raise ValueError(allowed)
    first, last = found["first"], found["last"] or found["first"]
    if first is not None and (first not in DAYS or last not in DAYS):
        raise ValueError(allowed)
    begin, end = _minute(found["from"]), _minute(found["until"])
    if begin is None or end is None or begin in {_MINUTES_A_DAY, end}:
        raise ValueError(allowed)
    if first is None:
        days = frozenset(range(7))
    else:
        start, count = DAYS.index(first), (DAYS.index(last) - DAYS.index(first)) % 7 + 1
        days = frozenset((start + more) % 7 for more in range(count))
    return Window(days, begin, end if end > begin else end + _MINUTES_A_DAY)


def within(windows: Iterable[str], at: float) -> bool:
    """Whether ``at`` (UTC seconds) is inside of any window."""
    return any(parse(one).contains(at) for one in windows)


def outside_from(windows: Iterable[str], at: float) -> float:
    """Return the first moment from ``at`` on that is in no window, at most a week later; UTC seconds."""
    found, moment = [parse(one) for one in windows], at
    while moment < at + 7 * 86400:
        ends = [end for one in found if (end := one.until(moment)) is not None]
        if not ends:
            return moment
        moment = max(ends)
    return at + 7 * 86400


def clock(at: float) -> str:
    """Write a moment as people here do: ``14:05:30 21/09/2026``."""
    return f"{dt.datetime.fromtimestamp(at, VIET_NAM):%H:%M:%S %d/%m/%Y}"


def _minute(text: str) -> int | None:
    hours, minutes = int(text[:2]), int(text[3:])
    at = hours * 60 + minutes
    return at if minutes < 60 and at <= _MINUTES_A_DAY else None  # noqa: PLR2004 - minutes of an hour
