"""Working hours and the rest as time intervals of an Alertmanager (0.25 or later).

Invariants:

* Both together are every minute, and no minute is in both.
* The Alertmanager has no word for "but not on", so days are listed, month by month, for some years. Beyond them the plain week counts,
  so that a file that nobody wrote anew holds no warning back for ever.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from tslcd_collector.shifts.days import Days, month
from tslcd_collector.shifts.files import Hours

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tslcd_collector.shifts.files import ShiftCalendar

LOCATION: Final = "Asia/Ho_Chi_Minh"
WORKING: Final = "working-hours"
OFF: Final = "off-hours"
_WHOLE: Final = (Hours(begin="00:00", until="24:00"),)
_WEEKDAYS: Final = {"weekdays": ["monday:friday"]}
_WEEKEND: Final = {"weekdays": ["saturday", "sunday"]}
_LAST_YEAR: Final = 2199


def time_intervals(calendar: ShiftCalendar, first: int, years: int) -> list[dict[str, Any]]:
    """Return the two intervals, exact for ``years`` years from ``first`` on."""
    working, rest = calendar.working_hours, tuple(_others(calendar.working_hours))
    days = Days(calendar)
    inside: list[dict[str, Any]] = []
    outside: list[dict[str, Any]] = []
    for year in range(first, first + years):
        for number in range(1, 13):
            worked = [day.day for day in month(year, number) if days.works(day)]
            off = [day.day for day in month(year, number) if not days.works(day)]
            when = {"months": [str(number)], "years": [str(year)]}
            inside += _part(working, {"days_of_month": _ranges(worked), **when} if worked else None)
            outside += _part(rest, {"days_of_month": _ranges(worked), **when} if worked else None)
            outside += _part(_WHOLE, {"days_of_month": _ranges(off), **when} if off else None)
    beyond = ({"years": [f"1970:{first - 1}"]}, {"years": [f"{first + years}:{_LAST_YEAR}"]})
    for span in beyond:
        inside += _part(working, {**_WEEKDAYS, **span})
        outside += _part(rest, {**_WEEKDAYS, **span})
        outside += _part(_WHOLE, {**_WEEKEND, **span})
    return [{"name": WORKING, "time_intervals": inside}, {"name": OFF, "time_intervals": outside}]


def _part(hours: Iterable[Hours], days: dict[str, list[str]] | None) -> Iterator[dict[str, Any]]:
    times = [{"start_time": one.begin, "end_time": one.until} for one in hours]
    if times and days is not None:
        yield {"times": times, **days, "location": LOCATION}


def _others(hours: tuple[Hours, ...]) -> Iterator[Hours]:
    """Yield the rest of a day."""
    edges = ["00:00", *(edge for one in hours for edge in (one.begin, one.until)), "24:00"]
    for number, (begin, until) in enumerate(pairwise(edges)):
        if number % 2 == 0 and begin != until:
            yield Hours(begin=begin, until=until)


def _ranges(numbers: list[int]) -> list[str]:
    """Write days as ranges: ``["2:6", "9"]``."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [f"{first}:{last}" if first != last else str(first) for first, last in found]
