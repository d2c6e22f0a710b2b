"""Who is told, when, and who is next: the settings as answers. Pure.

Invariants: a severity with steps always has somebody to tell (hours that exclude every step are ignored); a recipient is told once a
step, however many groups name it; quiet hours move a message, they never drop it, and who is on duty has none for a step that names
``duty``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tslcd_collector.pager import hours
from tslcd_collector.pager.duty import DUTY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tslcd_collector.pager.duty import Watch
    from tslcd_collector.pager.settings import PagerSettings, Rate, Recipient, Step


class Told(NamedTuple):
    """One recipient of a step: ``due`` is when (UTC seconds), ``held`` whether quiet hours move it."""

    recipient: str
    due: float
    held: bool


class Turn(NamedTuple):
    """A step: its number, who is told, and when the next one follows (UTC seconds; None when nothing does)."""

    level: int
    told: tuple[Told, ...]
    following: float | None


class Routing:
    """Answers out of one set of settings."""

    def __init__(self, settings: PagerSettings, watch: Watch | None = None) -> None:
        """Index people and groups. ``watch``: who is on duty, where a step names that."""
        self._watch = watch
        self._escalation = settings.escalation
        self._rate = settings.rate
        self.recipients: dict[str, Recipient] = {one.id: one for one in (*settings.people, *settings.groups)}
        self._members = {group.id: group.members for group in settings.groups}

    def first(self, severity: str, now: float) -> Turn | None:
        """Return the first step of an incident that begins now; None when nobody is told of such."""
        return self.after(severity, -1, now)

    def after(self, severity: str, level: int, now: float) -> Turn | None:
        """Return the step after ``level``; None when there is none."""
        policy = self._escalation.of(severity)
        steps = [(number, step) for number, step in enumerate(policy.steps) if number > level]
        awake = [(number, step) for number, step in steps if not step.hours or hours.within(step.hours, now)]
        if not awake and level < 0:
            awake = steps[:1]
        if not awake:
            return None
        number, step = awake[0]
        told = self._tell(step, severity, now)
        begin = min((one.due for one in told), default=now)
        last = number == len(policy.steps) - 1
        return Turn(number, told, begin + step.wait if not last or policy.remind else None)

    def remind(self, severity: str) -> float:
        """Return how often those who know are told again after the last step, seconds; 0 for never."""
        return self._escalation.of(severity).remind

    def tell(self, recipients: Iterable[str], severity: str, now: float) -> tuple[Told, ...]:
        """Return when each of ``recipients`` may be told; those who left the settings are left out."""
        return tuple(self._when(one, severity, now) for one in recipients if one in self.recipients)

    def reminded(self, knowing: Iterable[str], severity: str, now: float) -> tuple[Told, ...]:
        """Return who is reminded: those who know, and who has come on duty since, where a step names ``duty``."""
        if self._watch is None or not any(DUTY in step.to for step in self._escalation.of(severity).steps):
            return self.tell(knowing, severity, now)
        names = dict.fromkeys((*knowing, *self._each(self._watch.on_duty(now))))
        return self._at_once(self.tell(names, severity, now), now)

    def rate(self, recipient: str) -> Rate:
        """Return how much a recipient is told."""
        known = self.recipients.get(recipient)
        return known.rate if known is not None and known.rate is not None else self._rate

    def _tell(self, step: Step, severity: str, now: float) -> tuple[Told, ...]:
        if self._watch is None or DUTY not in step.to:
            return self.tell(self._each(step.to), severity, now)
        named = [name for one in step.to for name in (self._watch.told(now) if one == DUTY else (one,))]
        return self._at_once(self.tell(self._each(named), severity, now), now)

    def _each(self, names: Iterable[str]) -> Iterable[str]:
        """Return whom people and groups are, each once: chats, and members one by one."""
        found: dict[str, None] = {}
        for one in names:
            if self.recipients[one].channels:
                found[one] = None
            found.update(dict.fromkeys(self._members.get(one, ())))
        return found

    def _at_once(self, told: Iterable[Told], now: float) -> tuple[Told, ...]:
        """Have whoever is on duty told now, whatever their quiet hours."""
        on_duty = self._watch.on_duty(now) if self._watch is not None else ()
        return tuple(Told(one.recipient, now, held=False) if one.recipient in on_duty else one for one in told)

    def _when(self, name: str, severity: str, now: float) -> Told:
        recipient = self.recipients[name]
        if severity in recipient.quiet_except:
            return Told(name, now, held=False)
        due = hours.outside_from(recipient.quiet, now)
        return Told(name, due, held=due > now)
