"""Who is on duty now, by the shifts of ``calendar.yaml``: whom a step that names ``duty`` tells. Time is an argument.

Invariants:

* While a shift runs its team is told; while none with a team runs, everybody whom any shift names: a hole in the roster loses nothing.
* A shift over midnight is that of the day on which it begins, and swapped days are what the calendar says (:mod:`tslcd_collector.shifts`).
* What stands in the roster stands in ``people`` or ``groups`` too: a calendar that names somebody else is not used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tslcd_collector.pager.settings import PagerSettings
    from tslcd_collector.shifts.files import ShiftCalendar

#: What a step writes for whoever is on duty.
DUTY: Final = "duty"


class Watch:
    """The roster of one calendar."""

    def __init__(self, calendar: ShiftCalendar) -> None:
        """Read the shifts."""
        from tslcd_collector.shifts.roster import Roster  # noqa: PLC0415 - 6 MB that a pager without a roster does without

        self._roster = Roster(calendar)
        self._everybody = tuple(
            dict.fromkeys(name for shift in calendar.shifts for team in shift.teams for name in team)
        )

    def on_duty(self, at: float) -> tuple[str, ...]:
        """Return who is on duty at ``at`` (UTC seconds), in the order of the shifts; nobody in a hole of the roster."""
        return tuple(dict.fromkeys(name for duty in self._roster.on_duty(at) for name in duty.team))

    def told(self, at: float) -> tuple[str, ...]:
        """Return who is told at ``at``: those on duty, or everybody of the roster when nobody is."""
        return self.on_duty(at) or self._everybody


def read(settings: PagerSettings) -> Watch | None:
    """Read the roster, None when none is set. Raises SettingsError with every problem of the calendar. Blocks on files."""
    if not settings.duty.calendar:
        return None
    from tslcd_collector.shifts.files import load  # noqa: PLC0415 - as above

    known = [one.id for one in (*settings.people, *settings.groups)]
    return Watch(load(Path(settings.duty.calendar), contacts=known, where="people or groups of the pager"))
