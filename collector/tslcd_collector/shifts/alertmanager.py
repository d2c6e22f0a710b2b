"""The Alertmanager configuration of a province: the template beside this, with the calendar's hours and the tenants' routes.

Invariant: the same inventory, calendar and years give the same bytes.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from tslcd_collector.shifts.intervals import OFF, WORKING, time_intervals

if TYPE_CHECKING:
    from jinja2 import Template

    from tslcd_collector.shifts.files import ShiftCalendar, TenantRoute

PAGER: Final = "http://127.0.0.1:9480"
SEVERITIES: Final = ("critical", "major", "warning")
_ACTIVE: Final = {"always": None, "working": WORKING, "off": OFF}


def render(calendar: ShiftCalendar, *, first: int, years: int, pager: str = PAGER, outside: str = "") -> str:
    """Return alertmanager.yml. ``outside``: the whole address of a second dead man's receiver, or nothing."""
    intervals = time_intervals(calendar, first, years)
    write = _Lines()
    return _template().render(
        pager=pager,
        outside=outside,
        working=WORKING,
        intervals=[(one["name"], [write.line(part) for part in one["time_intervals"]]) for one in intervals],
        tenants=[_tenant(route) for route in calendar.tenants],
        severities=SEVERITIES,
        last=first + years - 1,
    )


def _tenant(route: TenantRoute) -> dict[str, Any]:
    return {
        "name": route.tenant,
        "pager": route.pager,
        "severities": route.severities,
        "active": _ACTIVE[route.when],
    }


class _Lines:
    """Writes parts of an interval on one line each; times that come again are an alias of the first."""

    def __init__(self) -> None:
        self._anchors: dict[str, str] = {}

    def line(self, part: dict[str, Any]) -> str:
        """Return a part as YAML."""
        return "{" + ", ".join(f"{key}: {self._value(key, value)}" for key, value in part.items()) + "}"

    def _value(self, key: str, value: object) -> str:
        text = json.dumps(value, ensure_ascii=False)
        if key != "times":
            return text
        if text in self._anchors:
            return f"*{self._anchors[text]}"
        self._anchors[text] = f"times_{len(self._anchors) + 1}"
        return f"&{self._anchors[text]} {text}"


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("tslcd_collector.shifts"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - this is YAML, of values that the calendar's types have checked
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("alertmanager.yml")
