"""Who is on duty is told first: shifts over midnight, swapped days, turns, holes in the roster, the handover, quiet hours, mistakes."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import msgspec
import pytest

from support.paging import CHANNELS, NOON, Desk, alert, people, post
from tslcd_collector.pager import duty
from tslcd_collector.pager.hours import VIET_NAM
from tslcd_collector.pager.routing import Routing
from tslcd_collector.pager.settings import Duty, load
from tslcd_runtime.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CALENDAR = """
shifts:
- {id: day, name: Ca ngày, days: working, from: "07:00", until: "19:00", teams: [[an], [binh]], turn: 1, since: 2026-09-24}
- {id: rest, name: Ca nghỉ, days: off, from: "07:00", until: "12:00", teams: [[noc]]}
- {id: night, name: Ca đêm, days: working, from: "22:00", until: "06:00", teams: [[chi]]}
"""
PEOPLE = f"""
people:
- {{id: an, name: An, {CHANNELS % 1}}}
- {{id: binh, name: Bình, {CHANNELS % 2}}}
- {{id: chi, name: Chi, {CHANNELS % 3}, quiet: ['21:00-07:00'], quiet_except: []}}
- {{id: dung, name: Dũng, {CHANNELS % 4}}}
groups: [{{id: noc, name: NOC, {CHANNELS % 5}, members: [binh]}}]
"""
STEPS = "escalation: {critical: {steps: [{to: [duty], wait: 5min}, {to: [dung], wait: 10min}], remind: 1h}}"


def routing(directory: Path, steps: str = STEPS, calendar: str = CALENDAR) -> Routing:
    """Return the answers of a pager with this roster."""
    (directory / "calendar.yaml").write_text(calendar)
    known = people(directory, PEOPLE + steps)
    known = msgspec.structs.replace(known, duty=Duty(calendar=str(directory / "calendar.yaml")))
    return Routing(known, duty.read(known))


def local(text: str) -> float:
    """Return the UTC seconds of a local time."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=VIET_NAM).timestamp()


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2026-09-24T07:00", ["an"]),
        ("2026-09-24T18:59", ["an"]),
        ("2026-09-25T08:00", ["binh"]),  # turns change every day
        ("2026-09-24T20:00", ["an", "binh", "noc", "chi"]),  # between two shifts: everybody whom the roster names
        ("2026-09-24T23:30", ["chi"]),
        ("2026-09-25T05:59", ["chi"]),
        ("2026-09-26T05:59", ["chi"]),  # a Saturday morning, in the shift that began on Friday
        ("2026-09-27T05:00", ["an", "binh", "noc", "chi"]),  # none began on Saturday evening
        ("2026-09-26T08:00", ["noc", "binh"]),  # a group is its chat and its members
        ("2026-08-22T08:00", ["binh"]),  # a Saturday that is worked ...
        ("2026-08-31T08:00", ["noc", "binh"]),  # ... for this Monday
        ("2026-11-24T08:00", ["noc", "binh"]),  # a holiday
    ],
)
def test_who_is_on_duty_is_told_first(tmp_path: Path, at: str, told: Sequence[str]) -> None:
    """And the next step is whoever it names."""
    routes, now = routing(tmp_path), local(at)
    turn, following = routes.first("critical", now), routes.after("critical", 0, now)
    assert turn is not None
    assert following is not None
    assert sorted(one.recipient for one in turn.told) == sorted(told)
    assert [one.recipient for one in following.told] == ["dung"]


def test_a_calendar_of_the_year_goes_before_the_law(tmp_path: Path) -> None:
    """A Thursday that a decision makes a day off has that day's shift."""
    swapped = (
        "days_off: [{day: 2026-09-24, name: Nghỉ bù}]\ndays_worked: [{day: 2026-09-26, name: Làm bù}]\n" + CALENDAR
    )
    routes = routing(tmp_path, calendar=swapped)
    for at, told in (("2026-09-24T08:00", ["noc", "binh"]), ("2026-09-26T08:00", ["an"])):
        turn = routes.first("critical", local(at))
        assert turn is not None
        assert [one.recipient for one in turn.told] == told


def test_who_is_on_duty_has_no_quiet_hours(tmp_path: Path) -> None:
    """Told at once in the shift; in a hole of the roster the quiet hours count, and so they do in steps that name somebody."""
    steps = "escalation: {critical: {steps: [{to: [duty], wait: 5min}, {to: [chi]}]}}"
    routes = routing(tmp_path, steps)
    night, hole = local("2026-09-24T23:30"), local("2026-09-27T05:00")
    on_duty, named, everybody = (
        routes.first("critical", night),
        routes.after("critical", 0, night),
        routes.first("critical", hole),
    )
    assert on_duty is not None
    assert named is not None
    assert everybody is not None
    assert [(one.recipient, one.due, one.held) for one in on_duty.told] == [("chi", night, False)]
    assert [(one.recipient, one.held) for one in named.told] == [("chi", True)]
    assert {one.recipient: one.held for one in everybody.told} == {
        "an": False,
        "binh": False,
        "noc": False,
        "chi": True,
    }


def test_who_comes_on_duty_is_reminded_of_what_nobody_has(tmp_path: Path) -> None:
    """The incident of the day's shift is told to the night's with the next reminder; who was told before is reminded as well."""
    routes = routing(tmp_path)
    desk = Desk(people(tmp_path, PEOPLE + STEPS))
    desk.routing = routes
    told: list[list[str]] = []
    for hours in (0, 0.1, 0.3, 9.5):
        desk.now = NOON + hours * 3600
        desk.take(post(alert()))
        desk.escalate()
        told.append([who for who, _ in desk.drain()])
    desk.close()
    assert told == [["an"], ["dung"], ["an", "dung"], ["an", "chi", "dung"]]


MISTAKES = [
    ("", CALENDAR, "p.yaml:9: escalation.critical.steps[0].to[0]: duty: no roster: give duty.calendar"),
    ("duty: {calender: x}", CALENDAR, "p.yaml:8: duty.calender: unknown key: did you mean calendar? allowed are calendar"),
    ("duty: {calendar: none.yaml}", CALENDAR, "none.yaml: no such file or directory"),
    ("duty: {calendar: c.yaml}", CALENDAR.replace("[[chi]]", "[[chi], [lan]]"), "c.yaml:5: shifts[2].teams[1][0]: no contact lan in people or groups of the pager: there are an, binh, chi, dung, noc"),
    ("duty: {calendar: c.yaml}", CALENDAR.replace('"22:00"', '"25:00"'), "c.yaml:5: shifts[2].from: '25:00' is not allowed: "),
    ("duty: {calendar: c.yaml}", "shifts: []", "c.yaml:1: shifts: nobody is in any team: nobody would ever be on duty"),
    ("duty: {calendar: c.yaml}", CALENDAR + "days_off: [{day: 2026-02-30, name: x}]", "c.yaml:6: days_off[0].day: 2026-02-30 is no day of the calendar"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "calendar", "message"), MISTAKES)
def test_every_mistake_has_its_message(tmp_path: Path, line: str, calendar: str, message: str) -> None:
    """File, line, key and what is allowed, of the calendar too."""
    (tmp_path / "token").write_text("x\n")
    (tmp_path / "c.yaml").write_text(calendar)
    file = tmp_path / "p.yaml"
    file.write_text(f"zalo: [{{name: bot, token: {{file: token}}}}]{PEOPLE}{line}\n{STEPS}")
    with pytest.raises(SettingsError) as caught:
        load(file)
    assert str(caught.value.problems[0]).replace(f"{tmp_path}/", "").startswith(message), caught.value


def test_duty_is_nobodys_id(tmp_path: Path) -> None:
    """A person of that name would never be told."""
    (tmp_path / "token").write_text("x\n")
    file = tmp_path / "p.yaml"
    file.write_text(f"zalo: [{{name: bot, token: {{file: token}}}}]\npeople: [{{id: duty, name: An, {CHANNELS % 1}}}]")
    with pytest.raises(SettingsError, match=r"2: people\[0\]\.id: 'duty' is whoever is on duty: another id is wanted"):
        load(file)
