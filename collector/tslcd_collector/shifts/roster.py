"""Who is on duty. Pure: time is an argument.

Invariant: a shift over midnight belongs to the day on which it begins, with its days, its turn and its team.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

from tslcd_collector.shifts.days import VIET_NAM, Days, of
from tslcd_collector.shifts.files import DAY_MINUTES, minutes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tslcd_collector.shifts.files import Shift, ShiftCalendar

_MINUTE = dt.timedelta(minutes=1)


class Duty(NamedTuple):
    """A shift that runs: who is on it and until when; UTC seconds."""

    shift: Shift
    team: tuple[str, ...]
    begins: float
    ends: float


class Roster:
    """The shifts of one calendar."""

    def __init__(self, calendar: ShiftCalendar) -> None:
        """Read it."""
        self.days = Days(calendar)
        self._calendar = calendar

    def on_duty(self, at: float) -> tuple[Duty, ...]:
        """Return the shifts that run at ``at`` (UTC seconds), in the order of the file; a shift's last minute is not its own."""
        today = of(at).date()
        near = (duty for ago in (1, 0) for duty in self.duties(today - dt.timedelta(days=ago)))
        order = {shift.id: number for number, shift in enumerate(self._calendar.shifts)}
        return tuple(
            sorted((duty for duty in near if duty.begins <= at < duty.ends), key=lambda duty: order[duty.shift.id])
        )

    def duties(self, day: dt.date) -> Iterator[Duty]:
        """Yield the shifts that begin on a day."""
        midnight = dt.datetime.combine(day, dt.time(), VIET_NAM)
        for shift in self._calendar.shifts:
            if shift.days != "all" and (shift.days == "working") != self.days.works(day):
                continue
            begin, until = minutes(shift.begin), minutes(shift.until)
            end = until if until > begin else until + DAY_MINUTES
            team: tuple[str, ...] = ()
            if shift.teams:
                turn = (day - dt.date.fromisoformat(shift.since)).days // shift.turn
                team = shift.teams[turn % len(shift.teams)]
            yield Duty(shift, team, (midnight + begin * _MINUTE).timestamp(), (midnight + end * _MINUTE).timestamp())

    def gaps(self, first: dt.date, days: int) -> Iterator[tuple[float, float]]:
        """Yield the times of some days in which nobody is on duty; UTC seconds."""
        begin = dt.datetime.combine(first, dt.time(), VIET_NAM)
        end = (begin + dt.timedelta(days=days)).timestamp()
        spans = sorted(
            (duty.begins, duty.ends)
            for ahead in range(-1, days)
            for duty in self.duties(first + dt.timedelta(days=ahead))
        )
        reached = begin.timestamp()
        for start, until in spans:
            if start > reached:
                yield reached, min(start, end)
            reached = max(reached, until)
        if reached < end:
            yield reached, end
