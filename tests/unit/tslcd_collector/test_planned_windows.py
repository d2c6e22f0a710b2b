"""Planned windows: when they hold, for whom, and what is said of those that cannot be."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.channels import channel
from tslcd_collector.maintenance import VIET_NAM, WEEKDAYS, Window, Windows, every, moment, problem_of

C1 = channel()


def at(text: str) -> float:
    """Return a local time as UTC seconds."""
    return moment(text)


@pytest.mark.parametrize(
    ("text", "now", "since"),
    [
        ("daily 22:00", "2026-09-21 22:00", "2026-09-21 22:00"),
        ("daily 22:00", "2026-09-21 21:59", "2026-09-20 22:00"),
        ("daily 00:00", "2027-01-01 00:00", "2027-01-01 00:00"),
        ("sun 22:00", "2026-09-21 03:00", "2026-09-20 22:00"),
        ("mon 00:30", "2026-09-21 00:29", "2026-09-14 00:30"),
        ("day 31 22:00", "2026-09-30 23:00", "2026-08-31 22:00"),
        ("day 29 22:00", "2027-03-01 00:00", "2027-01-29 22:00"),
        ("day 1 05:00", "2026-10-01 05:00", "2026-10-01 05:00"),
    ],
)
def test_when_a_window_began_the_last_time(text: str, now: str, since: str) -> None:
    """In local time, over the edges of days, weeks, months and the year; a month without the day has none."""
    assert every(text).last(at(now)) == at(since)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "22:00",
        "sunday 22:00",
        "daily 24:00",
        "daily 2:00",
        "day 32 22:00",
        "day 0 22:00",
        "sun  22:00",
        "daily 22:00 ",
    ],
)
def test_a_time_that_cannot_be_read_is_told_with_what_is_allowed(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="is not allowed: daily 22:00, sun 22:00 or day 15 22:00"):
        every(text)


def test_a_time_that_no_calendar_has_is_told() -> None:
    """The thirtieth of February is not the second of March."""
    with pytest.raises(ValueError, match="is not a time of the calendar"):
        moment("2026-02-30 08:00")


@pytest.mark.parametrize(
    ("window", "problem"),
    [
        (Window("w", "t", since=10.0, until=20.0), None),
        (Window("w", "t", since=20.0, until=20.0), "until"),
        (Window("w", "t", since=20.0, until=10.0), "until"),
        (Window("w", "t", until=10.0), "from"),
        (Window("w", "t", since=10.0), "until"),
        (Window("w", "t", every=every("daily 22:00"), lasts=86400.0), None),
        (Window("w", "t", every=every("daily 22:00"), lasts=86401.0), "lasts"),
        (Window("w", "t", every=every("sun 22:00"), lasts=7 * 86400.0), None),
        (Window("w", "t", every=every("daily 22:00")), "lasts"),
        (Window("w", "t"), "from"),
    ],
)
def test_windows_that_could_never_hold(window: Window, problem: str | None) -> None:
    """They are told by the key that is wrong, and never hold."""
    said = problem_of(window)
    assert (said[0] if said else None) == problem
    if problem:
        assert window.every is not None or Windows([window]).active(C1, 15.0) is None


def test_a_window_holds_from_its_first_second_up_to_its_last() -> None:
    """Two that follow one another never overlap and leave no hole."""
    both = Windows([Window("a", "t", since=0.0, until=10.0), Window("b", "t", since=10.0, until=20.0)])
    for now, wanted in ((-0.1, None), (0.0, "a"), (9.9, "a"), (10.0, "b"), (19.9, "b"), (20.0, None)):
        held = both.active(C1, now)
        assert (held.window.id if held else None) == wanted


@pytest.mark.parametrize(
    ("fits", "holds"),
    [
        ({}, True),
        ({"channels": {"c1"}}, True),
        ({"channels": {"c2"}}, False),
        ({"sites": {"s1"}}, True),
        ({"sites": {"s2"}}, False),
        ({"operators": {"VNPT"}}, True),
        ({"operators": {"Viettel"}}, False),
        ({"sites": {"s1"}, "operators": {"Viettel"}}, False),
        ({"sites": {"s1"}, "operators": {"VNPT"}, "channels": {"c1", "c2"}}, True),
    ],
)
def test_a_window_is_for_those_that_fit_every_list(fits: dict[str, set[str]], *, holds: bool) -> None:
    """Without lists it is for all."""
    window = Window("w", "t", since=0.0, until=10.0, **{key: frozenset(ids) for key, ids in fits.items()})  # type: ignore[arg-type]
    assert (Windows([window]).active(C1, 5.0) is not None) is holds


def test_the_window_that_ends_last_speaks() -> None:
    """And of two with one id the later one counts."""
    windows = [Window("short", "t", since=0.0, until=10.0), Window("long", "t", since=0.0, until=20.0)]
    for order in (windows, windows[::-1]):
        held = Windows(order).active(C1, 5.0)
        assert held is not None
        assert held.window.id == "long"
    assert Windows([windows[0], Window("short", "t", since=90.0, until=91.0)]).active(C1, 5.0) is None


WHENS = st.one_of(st.just("daily"), st.sampled_from(WEEKDAYS), st.integers(1, 31).map(lambda day: f"day {day}"))
TIMES = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
NOWS = st.floats(at("2026-01-01 00:00"), at("2029-01-01 00:00"))


@given(WHENS, TIMES, NOWS, st.floats(1, 86400))
def test_a_window_that_comes_again_holds_when_it_says(when: str, time: str, now: float, lasts: float) -> None:
    """It began at its time of day, on its day, not after now, and no later beginning would fit."""
    one = every(f"{when} {time}")
    since = one.last(now)
    begun = dt.datetime.fromtimestamp(since, VIET_NAM)
    assert since <= now < since + 62 * 86400
    assert f"{begun:%H:%M}" == time
    assert when == "daily" or when in {WEEKDAYS[begun.weekday()], f"day {begun.day}"}
    window = Window("w", "t", every=one, lasts=lasts)
    assert (window.span(now) is not None) is (now - since < lasts)
    edges = Windows([window]).edges(C1, now - 40 * 86400, now)
    assert edges == sorted(set(edges))
    assert (since in edges) is (since >= now - 40 * 86400)
