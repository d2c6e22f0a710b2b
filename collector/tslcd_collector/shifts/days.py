"""What a day is: worked, a weekend, or a holiday; by the law as the ``holidays`` library knows it, and by the local file first.

Invariants:

* The local file goes first: swaps of days are announced every year, and later than a library is made.
* 24 November is a day off from 2026 on, whatever the version of the library.
* A day that is worked in place of another (a Saturday) is a working day like any other.
"""

from __future__ import annotations

import datetime as dt
import enum
from functools import cache
from typing import TYPE_CHECKING, Final

import holidays

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tslcd_collector.shifts.files import ShiftCalendar

VIET_NAM: Final = dt.timezone(dt.timedelta(hours=7), "Asia/Ho_Chi_Minh")
_CULTURE_DAY: Final = (11, 24)
_CULTURE_SINCE: Final = 2026
_CULTURE_NAME: Final = "Ngày Văn hóa Việt Nam"
_SATURDAY: Final = 5


class Kind(enum.Enum):
    """What a day is."""

    WORKING = "working"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


class Days:
    """Days by one local file."""

    def __init__(self, calendar: ShiftCalendar) -> None:
        """Read the file's own days."""
        self._off = {dt.date.fromisoformat(one.day): one.name for one in calendar.days_off}
        self._worked = {dt.date.fromisoformat(one.day): one.name for one in calendar.days_worked}

    def kind(self, day: dt.date) -> Kind:
        """Return what a day is."""
        if day in self._worked:
            return Kind.WORKING
        if day in self._off or _lawful(day):
            return Kind.HOLIDAY
        if day.weekday() >= _SATURDAY and day not in _law(day.year).weekend_workdays:
            return Kind.WEEKEND
        return Kind.WORKING

    def works(self, day: dt.date) -> bool:
        """Whether offices work."""
        return self.kind(day) is Kind.WORKING

    def name(self, day: dt.date) -> str:
        """Return why a day is off or worked instead, in Vietnamese; "" for an ordinary one."""
        if day in self._worked:
            return self._worked[day]
        if day in self._off:
            return self._off[day]
        if name := _lawful(day):
            return name
        return "Làm bù" if day.weekday() >= _SATURDAY and self.works(day) else ""


def of(at: float) -> dt.datetime:
    """Return the local time of ``at`` (UTC seconds)."""
    return dt.datetime.fromtimestamp(at, VIET_NAM)


def month(year: int, number: int) -> Iterator[dt.date]:
    """Yield the days of a month."""
    day = dt.date(year, number, 1)
    while day.month == number:
        yield day
        day += dt.timedelta(days=1)


def _lawful(day: dt.date) -> str:
    """Return the name of a day off by law, "" for another."""
    if name := _law(day.year).get(day):
        return str(name)
    return _CULTURE_NAME if (day.month, day.day) == _CULTURE_DAY and day.year >= _CULTURE_SINCE else ""


@cache
def _law(year: int) -> holidays.HolidayBase:
    """Return the days of a year by the library."""
    return holidays.country_holidays("VN", years=year, language="vi")
