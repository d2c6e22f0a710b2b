"""Planned windows: maintenance and drills, once or again and again, in local time. Pure; time is an argument.

Invariants:

* A window holds from its first second up to, and not with, its last: two that follow one another never overlap.
* Local time is UTC+7 the whole year (Asia/Ho_Chi_Minh has no daylight saving).
* Of several windows that hold at once the one that ends last speaks, so that a verdict does not change when a shorter one ends.
* A window that ends before it begins never holds; :func:`problem_of` tells of it before it is taken.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Local time of all people here.
VIET_NAM: Final = dt.timezone(dt.timedelta(hours=7))
DAY: Final = 86400.0
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_ALLOWED: Final = "daily 22:00, sun 22:00 or day 15 22:00"
_EVERY: Final = re.compile(
    r"(?:(daily)|(mon|tue|wed|thu|fri|sat|sun)|day ([1-9]|[12][0-9]|3[01])) ([01][0-9]|2[0-3]):([0-5][0-9])\Z"
)
Kind: TypeAlias = Literal["maintenance", "drill"]


class Planned(Protocol):
    """What a window asks of a channel."""

    @property
    def id(self) -> str:
        """Id of the channel."""

    @property
    def operator(self) -> str:
        """Who runs it."""

    @property
    def site(self) -> Site:
        """Where it ends."""


class Site(Protocol):
    """What a window asks of a site."""

    @property
    def id(self) -> str:
        """Id of the site."""


class Every(NamedTuple):
    """When a window comes again: every day, on a day of the week (0 Monday), or of the month; ``minute`` of the local day.

    A month without that day has none.
    """

    weekday: int | None
    day: int | None
    minute: int

    @property
    def period(self) -> float:
        """The shortest time from one to the next, seconds."""
        if self.weekday is not None:
            return 7 * DAY
        return DAY if self.day is None else 28 * DAY

    def last(self, now: float) -> float:
        """Return when it began the last time up to ``now``, UTC seconds."""
        local = dt.datetime.fromtimestamp(now, VIET_NAM)
        at = local.replace(hour=self.minute // 60, minute=self.minute % 60, second=0, microsecond=0)
        while at > local or not self._fits(at):
            at -= dt.timedelta(days=1)
        return at.timestamp()

    def _fits(self, at: dt.datetime) -> bool:
        return self.weekday in {None, at.weekday()} and self.day in {None, at.day}


def every(text: str) -> Every:
    """Read ``daily 22:00``, ``sun 22:00``, ``day 15 22:00``. Raises ValueError with what is allowed."""
    match = _EVERY.match(text)
    if match is None:
        msg = f"{text!r} is not allowed: {EVERY_ALLOWED}"
        raise ValueError(msg)
    _, weekday, day, hours, minutes = match.groups()
    return Every(
        WEEKDAYS.index(weekday) if weekday else None, int(day) if day else None, int(hours) * 60 + int(minutes)
    )


def moment(text: str) -> float:
    """Read a local time ``YYYY-MM-DD HH:MM`` as UTC seconds. Raises ValueError for one that no calendar has."""
    try:
        return dt.datetime.strptime(text.replace("T", " "), "%Y-%m-%d %H:%M").replace(tzinfo=VIET_NAM).timestamp()
    except ValueError:
        msg = f"{text!r} is not a time of the calendar: YYYY-MM-DD HH:MM"
        raise ValueError(msg) from None


@dataclass(frozen=True, slots=True)
class Window:
    """One planned window. Once: ``since`` and ``until``, UTC seconds; again and again: ``every`` and ``lasts``, seconds.

    It holds for the channels that fit every set that is not empty: their ids, their sites, their operators.
    """

    id: str
    title: str
    kind: Kind = "maintenance"
    since: float | None = None
    until: float | None = None
    every: Every | None = None
    lasts: float = 0.0
    channels: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()
    contact: str = ""

    def concerns(self, channel: Planned) -> bool:
        """Whether it is about ``channel``."""
        return (
            (not self.channels or channel.id in self.channels)
            and (not self.sites or channel.site.id in self.sites)
            and (not self.operators or channel.operator in self.operators)
        )

    def span(self, now: float) -> tuple[float, float] | None:
        """Return from when to when it holds, if it does at ``now`` (UTC seconds)."""
        if self.every is not None:
            since = self.every.last(now)
            until = since + self.lasts
        elif self.since is not None and self.until is not None:
            since, until = self.since, self.until
        else:
            return None
        return (since, until) if since <= now < until else None


class Occurrence(NamedTuple):
    """A window that holds now, from ``since`` to ``until`` (UTC seconds)."""

    window: Window
    since: float
    until: float


class Windows:
    """All windows that are known. Immutable, but for remembering which of them hold at one time."""

    __slots__ = ("_live", "all")

    def __init__(self, windows: Iterable[Window] = ()) -> None:
        """Take them; of two with one id the last stays."""
        self.all = tuple({one.id: one for one in windows}.values())
        self._live: tuple[float, tuple[Occurrence, ...]] = (float("-inf"), ())

    def live(self, now: float) -> tuple[Occurrence, ...]:
        """Return the windows that hold at ``now``, the one that ends last first."""
        at, found = self._live
        if at != now:
            spans = ((one, one.span(now)) for one in self.all)
            held = (Occurrence(one, *span) for one, span in spans if span is not None)
            found = tuple(sorted(held, key=lambda one: (-one.until, one.window.id)))
            self._live = (now, found)
        return found

    def active(self, channel: Planned, now: float) -> Occurrence | None:
        """Return the window that ``channel`` is in at ``now``, or None."""
        return next((one for one in self.live(now) if one.window.concerns(channel)), None)

    def edges(self, channel: Planned, since: float, until: float) -> list[float]:
        """Return when a window of ``channel`` begins or ends between two times, in order."""
        found: set[float] = set()
        for one in self.all:
            if not one.concerns(channel):
                continue
            at = until
            while at >= since:
                begin = one.every.last(at) if one.every is not None else one.since
                if begin is None:
                    break
                end = begin + one.lasts if one.every is not None else (one.until if one.until is not None else begin)
                found.update(edge for edge in (begin, end) if begin < end and since <= edge <= until)
                if one.every is None or end < since:
                    break
                at = begin - 1
        return sorted(found)


def problem_of(window: Window) -> tuple[str, str] | None:
    """Return the key that is wrong and why, for a window that could never hold or overlaps itself; None for a good one."""
    if window.every is not None:
        if window.lasts <= 0:
            return "lasts", "missing, or no time at all: how long it lasts each time"
        if window.lasts > window.every.period:
            return "lasts", f"longer than from one to the next, {window.every.period / 3600:.0f} h"
        return None
    if window.since is None or window.until is None:
        key = "from" if window.since is None else "until"
        return key, "missing: give from and until, or every and lasts"
    if window.until <= window.since:
        return "until", f"{local(window.until)} is not after from, {local(window.since)}"
    return None


def local(at: float) -> str:
    """Write a time (UTC seconds) as people here read it."""
    return f"{dt.datetime.fromtimestamp(at, VIET_NAM):%Y-%m-%d %H:%M}"
