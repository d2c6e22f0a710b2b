"""Hours of the week: over midnight, on edges, and by day."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tslcd_collector.pager import hours
from tslcd_collector.pager.hours import VIET_NAM


def at(text: str) -> float:
    """Return a local time of a week that begins with Monday 21 September 2026, as UTC seconds: ``mon 22:00:00``."""
    day, _, clock = text.partition(" ")
    hour, minute, second = map(int, clock.split(":"))
    local = dt.datetime(2026, 9, 21 + hours.DAYS.index(day), hour, minute, second, tzinfo=VIET_NAM)
    return local.timestamp()


@pytest.mark.parametrize(
    ("window", "moment", "inside"),
    [
        ("22:00-06:00", "mon 21:59:59", False),
        ("22:00-06:00", "mon 22:00:00", True),
        ("22:00-06:00", "tue 00:00:00", True),
        ("22:00-06:00", "tue 05:59:59", True),
        ("22:00-06:00", "tue 06:00:00", False),
        ("00:00-24:00", "wed 23:59:59", True),
        ("12:00-24:00", "wed 00:00:00", False),
        ("mon-fri 07:30-17:00", "fri 16:59:59", True),
        ("mon-fri 07:30-17:00", "sat 08:00:00", False),
        ("fri 22:00-06:00", "sat 05:00:00", True),
        ("fri 22:00-06:00", "fri 05:00:00", False),
        ("sat-mon 00:00-24:00", "mon 12:00:00", True),
        ("sat-mon 00:00-24:00", "tue 00:00:00", False),
        ("sun 23:00-01:00", "mon 00:59:59", True),
    ],
)
def test_a_window_belongs_to_the_day_it_begins(window: str, moment: str, inside: bool) -> None:
    """Its first minute is inside, its last is not, and it goes over midnight when it ends before it begins."""
    assert hours.parse(window).contains(at(moment)) is inside


@pytest.mark.parametrize(
    "text", ["", "22-6", "24:00-06:00", "25:00-06:00", "22:60-06:00", "22:00-22:00", "foo 22:00-06:00", "mon-xxx 1:00-2:00", "٢٢:00-06:00"]
)  # fmt: skip
def test_what_is_no_window_is_refused(text: str) -> None:
    """With an example of what is wanted."""
    with pytest.raises(ValueError, match="hours look like"):
        hours.parse(text)


def test_quiet_hours_end_at_the_end_of_the_last_of_them() -> None:
    """Windows that meet are one."""
    windows = ("22:00-24:00", "00:00-06:00", "06:00-06:30")
    assert hours.outside_from(windows, at("mon 23:00:00")) == at("tue 06:30:00")
    assert hours.outside_from(windows, at("mon 12:00:00")) == at("mon 12:00:00")


@given(
    st.integers(0, 1439), st.integers(0, 1439), st.floats(0, 4e9), st.sampled_from(["", "mon ", "fri-tue ", "sat-sun "])
)
def test_outside_is_outside_and_not_later_than_needed(begin: int, end: int, moment: float, days: str) -> None:
    """Whatever the window: the moment found is outside of it, and the moment before it is not."""
    if begin == end:
        return
    text = f"{days}{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"
    found = hours.outside_from((text,), moment)
    assert moment <= found <= moment + 86400
    assert not hours.within((text,), found)
    assert found == moment or hours.within((text,), found - 0.001)
