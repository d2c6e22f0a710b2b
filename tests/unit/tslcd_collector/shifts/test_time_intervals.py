"""Time intervals as an Alertmanager reads them say the same as the calendar, at every edge of every day."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any

import pytest

from tslcd_collector.shifts.days import VIET_NAM, Days
from tslcd_collector.shifts.files import Hours, NamedDay, ShiftCalendar, minutes
from tslcd_collector.shifts.intervals import LOCATION, OFF, WORKING, time_intervals

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
SWAPPED = ShiftCalendar(
    days_off=(NamedDay(day="2027-01-29", name="x"), NamedDay(day="2027-01-31", name="x")),
    days_worked=(NamedDay(day="2027-01-30", name="x"), NamedDay(day="2027-02-28", name="x")),
)


def active(interval: dict[str, Any], moment: dt.datetime) -> bool:
    """Whether an interval contains a local moment, as ``timeinterval.ContainsTime`` of Alertmanager 0.25 decides it."""
    return any(_contains(part, moment) for part in interval["time_intervals"])


def _contains(part: dict[str, Any], moment: dt.datetime) -> bool:
    assert part["location"] == LOCATION
    fields = (("years", moment.year), ("months", moment.month), ("days_of_month", moment.day))
    if not all(_in(tuple(part[name]), value) for name, value in fields if name in part):
        return False
    if "weekdays" in part and not _in(tuple(part["weekdays"]), moment.isoweekday() % 7):
        return False
    minute = moment.hour * 60 + moment.minute
    return any(minutes(one["start_time"]) <= minute < minutes(one["end_time"]) for one in part["times"])


@cache
def _in(ranges: tuple[str, ...], value: int) -> bool:
    for text in ranges:
        first, _, last = text.partition(":")
        begin, end = (WEEKDAYS.index(one) if one in WEEKDAYS else int(one) for one in (first, last or first))
        assert begin <= end, "the Alertmanager refuses a range that goes backwards"
        if begin <= value <= end:
            return True
    return False


@pytest.mark.parametrize(
    "calendar",
    [
        ShiftCalendar(),
        SWAPPED,
        ShiftCalendar(working_hours=(Hours(begin="00:00", until="24:00"),)),
        ShiftCalendar(working_hours=(Hours(begin="00:00", until="12:00"), Hours(begin="12:00", until="23:59"))),
    ],
    ids=["plain", "swapped", "whole", "edges"],
)
def test_every_edge_of_two_years_is_in_the_right_interval(calendar: ShiftCalendar) -> None:
    """The minute before and the minute of each change of each day, midnights of months, leap days, Tết: one interval exactly."""
    working, off = time_intervals(calendar, 2027, 2)
    assert (working["name"], off["name"]) == (WORKING, OFF)
    edges = {edge for one in calendar.working_hours for edge in (minutes(one.begin), minutes(one.until))} | {0, 1440}
    days = Days(calendar)
    near = sorted({minute for edge in edges for minute in (edge - 1, edge) if 0 <= minute < 1440})
    date = dt.date(2027, 1, 1)
    while date < dt.date(2029, 1, 1):
        for minute in near:
            moment = dt.datetime.combine(date, dt.time(minute // 60, minute % 60), VIET_NAM)
            wanted = days.works(date) and any(
                minutes(one.begin) <= minute < minutes(one.until) for one in calendar.working_hours
            )
            assert (active(working, moment), active(off, moment)) == (wanted, not wanted), moment
        date += dt.timedelta(days=1)


@pytest.mark.parametrize("year", [2020, 2029, 2100])
def test_a_file_that_nobody_wrote_anew_holds_nothing_back_for_ever(year: int) -> None:
    """Outside of the years that were written out, Monday to Friday are worked, and every minute is in one interval."""
    working, off = time_intervals(ShiftCalendar(), 2027, 2)
    for ahead in range(366):
        moment = dt.datetime(year, 1, 1, 8, tzinfo=VIET_NAM) + dt.timedelta(days=ahead)
        assert active(working, moment) == (moment.weekday() < 5)
        assert active(off, moment) != active(working, moment)
