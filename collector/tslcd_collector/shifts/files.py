"""``calendar.yaml`` as types: working hours, days that differ from the law's calendar, shifts, tenants that are told by themselves.

Times are local (Asia/Ho_Chi_Minh, UTC+7, no daylight saving). ``24:00`` is the end of a day.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from tslcd_collector.inventory.classes import Id, Name
from tslcd_collector.inventory.files import Day
from tslcd_runtime import settings
from tslcd_runtime.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tslcd_collector.inventory import Inventory
    from tslcd_runtime.settings import Loaded, Problem

DAY_MINUTES: Final = 24 * 60
Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z|^24:00\Z", description="HH:MM, local time")]
Which: TypeAlias = Literal["working", "off", "all"]
When: TypeAlias = Literal["always", "working", "off"]


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a day."""

    begin: Clock = msgspec.field(name="from")
    until: Clock


class NamedDay(msgspec.Struct, frozen=True, kw_only=True):
    """A day and why it differs."""

    day: Day
    name: Name


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """A shift. It may go over midnight, and belongs to the day on which it begins: ``days`` says to which.

    ``teams`` are contacts of the inventory and take turns of ``turn`` days, the first of them from the day ``since`` on.
    """

    id: Id
    name: Name
    begin: Clock = msgspec.field(name="from")
    until: Clock
    days: Which = "all"
    teams: tuple[tuple[Id, ...], ...] = ()
    turn: Annotated[int, Meta(ge=1, le=366)] = 1
    since: Day = "2026-01-01"


class TenantRoute(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant whose alerts also go to a pager of its own."""

    tenant: Id
    pager: Annotated[str, Meta(pattern=r"^https?://[^\s/]+\Z")]
    severities: tuple[Literal["critical", "major", "warning"], ...] = ("critical", "major")
    when: When = "always"


class ShiftCalendar(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file. ``days_off`` and ``days_worked`` go before the calendar of the library, which knows the law."""

    working_hours: tuple[Hours, ...] = (Hours(begin="07:00", until="11:30"), Hours(begin="13:00", until="17:00"))
    days_off: tuple[NamedDay, ...] = ()
    days_worked: tuple[NamedDay, ...] = ()
    shifts: tuple[Shift, ...] = ()
    tenants: tuple[TenantRoute, ...] = ()


def minutes(clock: str) -> int:
    """Return the minutes since midnight."""
    hours, _, rest = clock.partition(":")
    return int(hours) * 60 + int(rest)


def load(
    file: Path,
    inventory: Inventory | None = None,
    *,
    contacts: Collection[str] | None = None,
    where: str = "the inventory",
) -> ShiftCalendar:
    """Read a calendar; with an inventory, compare it with that. Raises SettingsError with every problem.

    ``contacts``: whom teams may name, and they must name somebody; ``where`` these stand.
    """
    loaded = settings.load(file, ShiftCalendar)
    problems = [*_days(loaded), *_hours(loaded), *_shifts(loaded)]
    if inventory is not None:
        problems += [*_teams(loaded, inventory.contacts, where), *_tenants(loaded, inventory)]
    if contacts is not None:
        problems += _teams(loaded, contacts, where)
        if not any(team for shift in loaded.value.shifts for team in shift.teams):
            problems.append(loaded.problem(("shifts",), "nobody is in any team: nobody would ever be on duty"))
    if problems:
        raise SettingsError(problems)
    return loaded.value


def _days(loaded: Loaded[ShiftCalendar]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for kind in ("days_off", "days_worked"):
        for number, one in enumerate(getattr(loaded.value, kind)):
            path = (kind, number, "day")
            if not _real(one.day):
                yield loaded.problem(path, f"{one.day} is no day of the calendar")
            elif one.day in seen:
                yield loaded.problem(path, f"{one.day} stands in {seen[one.day]} already")
            seen[one.day] = kind


def _hours(loaded: Loaded[ShiftCalendar]) -> Iterator[Problem]:
    end = 0
    for number, one in enumerate(loaded.value.working_hours):
        begin, until = minutes(one.begin), minutes(one.until)
        if begin >= until:
            yield loaded.problem(("working_hours", number, "until"), f"{one.until} is not after {one.begin}")
        elif begin < end:
            yield loaded.problem(("working_hours", number, "from"), f"{one.begin} is before the end of those above")
        end = max(end, until)
    if not loaded.value.working_hours:
        yield loaded.problem(("working_hours",), "empty: without working hours no warning is ever told")


def _shifts(loaded: Loaded[ShiftCalendar]) -> Iterator[Problem]:
    names = [shift.id for shift in loaded.value.shifts]
    for number, shift in enumerate(loaded.value.shifts):
        path = ("shifts", number)
        if shift.id in names[:number]:
            yield loaded.problem((*path, "id"), f"{shift.id} is there already")
        if shift.begin in {shift.until, "24:00"}:
            yield loaded.problem((*path, "from"), "a shift begins before 24:00 and does not end when it begins")
        if not _real(shift.since):
            yield loaded.problem((*path, "since"), f"{shift.since} is no day of the calendar")


def _teams(loaded: Loaded[ShiftCalendar], contacts: Collection[str], where: str) -> Iterator[Problem]:
    for number, shift in enumerate(loaded.value.shifts):
        for turn, team in enumerate(shift.teams):
            for place, contact in enumerate(team):
                if contact not in contacts:
                    allowed = ", ".join(contacts) or "none"
                    path = ("shifts", number, "teams", turn, place)
                    yield loaded.problem(path, f"no contact {contact} in {where}: there are {allowed}")


def _tenants(loaded: Loaded[ShiftCalendar], inventory: Inventory) -> Iterator[Problem]:
    tenants = sorted({channel.tenant for channel in inventory.channels.values()})
    for number, route in enumerate(loaded.value.tenants):
        if route.tenant not in tenants:
            allowed = ", ".join(tenants)
            yield loaded.problem(
                ("tenants", number, "tenant"),
                f"no channel of tenant {route.tenant} in the inventory: there are {allowed}",
            )


def _real(day: str) -> bool:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", day):
        return False
    try:
        dt.date.fromisoformat(day)
    except ValueError:
        return False
    return True
