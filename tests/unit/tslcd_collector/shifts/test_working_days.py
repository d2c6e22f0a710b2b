"""Days and shifts at their edges: Tết, swapped Saturdays, 24 November, midnight, the end of a month; and files with mistakes."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from support import inventories
from tslcd_collector.shifts import files
from tslcd_collector.shifts.days import VIET_NAM, Days, Kind, of
from tslcd_collector.shifts.files import NamedDay, Shift, ShiftCalendar
from tslcd_collector.shifts.roster import Roster
from tslcd_runtime.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = Days(ShiftCalendar())


def day(text: str) -> dt.date:
    """Read a day."""
    return dt.date.fromisoformat(text)


def local(text: str) -> float:
    """Return the UTC seconds of a local time."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=VIET_NAM).timestamp()


@pytest.mark.parametrize(
    ("date", "kind"),
    [
        ("2026-02-13", Kind.WORKING),  # the last Friday before Tết
        ("2026-02-14", Kind.WEEKEND),
        ("2026-02-16", Kind.HOLIDAY),  # the eve
        ("2026-02-17", Kind.HOLIDAY),  # the first day of the year
        ("2026-02-20", Kind.HOLIDAY),
        ("2026-02-23", Kind.WORKING),
        ("2026-04-27", Kind.HOLIDAY),  # in the place of Hùng kings' Sunday
        ("2026-08-22", Kind.WORKING),  # a Saturday that is worked ...
        ("2026-08-31", Kind.HOLIDAY),  # ... for this Monday
        ("2026-08-29", Kind.WEEKEND),
        ("2026-09-02", Kind.HOLIDAY),
        ("2025-11-24", Kind.WORKING),  # a Monday, the year before the law
        ("2026-11-24", Kind.HOLIDAY),
        ("2027-11-24", Kind.HOLIDAY),
        ("2026-12-31", Kind.WORKING),
        ("2027-01-01", Kind.HOLIDAY),
    ],
)
def test_the_law_is_known(date: str, kind: Kind) -> None:
    """Tết, days in the place of others, swapped Saturdays, and 24 November from 2026 on."""
    assert PLAIN.kind(day(date)) is kind


def test_a_local_file_goes_before_the_law() -> None:
    """A swap that was announced after the library was made: a Saturday is worked, a Monday is off, a holiday is worked."""
    calendar = ShiftCalendar(
        days_off=(NamedDay(day="2027-02-11", name="Nghỉ thêm"),),
        days_worked=(NamedDay(day="2027-02-20", name="Làm bù"), NamedDay(day="2027-04-30", name="Làm cả ngày lễ")),
    )
    days = Days(calendar)
    assert (PLAIN.kind(day("2027-02-11")), days.kind(day("2027-02-11"))) == (Kind.WORKING, Kind.HOLIDAY)
    assert (PLAIN.kind(day("2027-02-20")), days.kind(day("2027-02-20"))) == (Kind.WEEKEND, Kind.WORKING)
    assert (PLAIN.kind(day("2027-04-30")), days.kind(day("2027-04-30"))) == (Kind.HOLIDAY, Kind.WORKING)
    assert [days.name(day(one)) for one in ("2027-02-11", "2027-02-20", "2027-02-22")] == ["Nghỉ thêm", "Làm bù", ""]
    assert PLAIN.name(day("2026-08-22")) == "Làm bù"
    assert PLAIN.name(day("2026-11-24"))


SHIFTS = ShiftCalendar(
    shifts=(
        Shift(id="day", name="Ca ngày", days="working", begin="07:00", until="19:00"),
        Shift(id="off", name="Ca nghỉ", days="off", begin="07:00", until="19:00", teams=(("an",),)),
        Shift(
            id="night",
            name="Ca đêm",
            begin="19:00",
            until="07:00",
            teams=(("an", "binh"), ("chi",), ("dung",)),
            since="2026-01-01",
        ),
    )
)
ROSTER = Roster(SHIFTS)


@pytest.mark.parametrize(
    ("when", "shift", "team"),
    [
        ("2026-01-01T18:59:59", "off", ("an",)),  # New Year's day
        ("2026-01-01T19:00:00", "night", ("an", "binh")),
        ("2026-01-01T23:59:59", "night", ("an", "binh")),
        ("2026-01-02T00:00:00", "night", ("an", "binh")),  # midnight changes no shift
        ("2026-01-02T06:59:59", "night", ("an", "binh")),
        ("2026-01-02T07:00:00", "day", ()),
        ("2026-01-02T19:00:00", "night", ("chi",)),
        ("2026-01-31T23:30:00", "night", ("an", "binh")),  # the last day of a month, the thirtieth night
        ("2026-02-01T06:30:00", "night", ("an", "binh")),
        ("2026-02-17T12:00:00", "off", ("an",)),  # Tết
        ("2026-08-22T12:00:00", "day", ()),  # a Saturday that is worked
        ("2026-08-31T12:00:00", "off", ("an",)),  # the Monday for which it is
        ("2025-12-31T20:00:00", "night", ("dung",)),  # before the first team's first day the turns go on backwards
    ],
)
def test_who_is_on_duty(when: str, shift: str, team: tuple[str, ...]) -> None:
    """Exactly one shift at each edge: a shift's first second is its own, its last is not, and nights belong to their evening."""
    [duty] = ROSTER.on_duty(local(when))
    assert (duty.shift.id, duty.team) == (shift, team)
    assert duty.begins <= local(when) < duty.ends


def test_times_are_those_of_viet_nam_whatever_the_machine_thinks(monkeypatch: pytest.MonkeyPatch) -> None:
    """UTC+7 all year, also on a machine whose clock shows another zone."""
    monkeypatch.setenv("TZ", "America/New_York")
    assert of(1_767_200_400.0).isoformat() == "2026-01-01T00:00:00+07:00"
    assert of(1_782_838_800.0).isoformat() == "2026-07-01T00:00:00+07:00"


def test_times_without_anybody_are_found() -> None:
    """A roster that forgets the nights of days off has gaps, told to the second; the one above has none in two years."""
    assert list(ROSTER.gaps(day("2026-01-01"), 730)) == []
    holed = Roster(
        ShiftCalendar(
            shifts=(
                Shift(id="all", name="Ca ngày", begin="07:00", until="24:00"),
                Shift(id="early", name="Ca sớm", days="working", begin="00:00", until="07:00"),
            )
        )
    )
    assert list(holed.gaps(day("2026-02-16"), 2)) == [
        (local("2026-02-16T00:00:00"), local("2026-02-16T07:00:00")),
        (local("2026-02-17T00:00:00"), local("2026-02-17T07:00:00")),
    ]
    assert list(Roster(ShiftCalendar()).gaps(day("2026-02-16"), 1)) == [
        (local("2026-02-16T00:00:00"), local("2026-02-17T00:00:00"))
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "days_off: [{day: 2026-02-30, name: x}]",
            "calendar.yaml:1: days_off[0].day: 2026-02-30 is no day of the calendar",
        ),
        (
            "days_off: [{day: 2026-02-20, name: x}]\ndays_worked: [{day: 2026-02-20, name: x}]",
            "calendar.yaml:2: days_worked[0].day: 2026-02-20 stands in days_off already",
        ),
        ('working_hours: [{from: "17:00", until: "07:00"}]', "working_hours[0].until: 07:00 is not after 17:00"),
        (
            'working_hours: [{from: "07:00", until: "12:00"}, {from: "11:00", until: "17:00"}]',
            "working_hours[1].from: 11:00 is before the end of those above",
        ),
        ("working_hours: []", "working_hours: empty: without working hours no warning is ever told"),
        ('shifts: [{id: n, name: x, from: "19:00", until: "19:00"}]', "a shift begins before 24:00"),
        ('shifts: [{id: n, name: x, from: "19:60", until: "07:00"}]', "shifts[0].from"),
        (
            'shifts: [{id: n, name: x, from: "19:00", until: "07:00", teams: [[nobody]]}]',
            "shifts[0].teams[0][0]: no contact nobody in the inventory: there are noc",
        ),
        (
            'tenants: [{tenant: vpn-x, pager: "http://192.0.2.30:9480"}]',
            "tenants[0].tenant: no channel of tenant vpn-x in the inventory: there are",
        ),
        ('tenants: [{tenant: vpn-x, pager: "192.0.2.30"}]', "tenants[0].pager"),
        ("day_off: []", "day_off"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, message: str, tmp_path: Path) -> None:
    """File, line, key, and what is allowed."""
    inventory = inventories.small(tmp_path / "inventory")
    file = tmp_path / "calendar.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        files.load(file, inventory)
    assert message in str(caught.value)
