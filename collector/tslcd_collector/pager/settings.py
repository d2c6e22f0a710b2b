"""Settings of the pager (``pager.yaml``): defaults are code, ``configs/pager.yaml`` says the same and a test proves it.

Units inside are seconds. Who is told stands in three layers: *accounts* (Zalo bots, SMS gateways, mail servers) carry messages;
*people* and *groups* have addresses at accounts, in the order in which they are tried; *escalation* names people and groups, step
after step. What goes across them is checked by :func:`load`.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from tslcd_collector.pager import duty, hours
from tslcd_collector.pager.accounts_settings import Mail, Sms, Zalo
from tslcd_collector.pager.hours import Hours
from tslcd_runtime import settings
from tslcd_runtime.logs import Format, Level
from tslcd_runtime.secret import Secret
from tslcd_runtime.settings import Loaded, SettingsError
from tslcd_runtime.units import Duration
from tslcd_wire.topics import ID_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tslcd_runtime.settings import Problem

Severity = Literal["critical", "major", "warning", "info"]
SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "major", "warning", "info")
LanguageChoice = Literal["auto", "vi", "en"]
Id = Annotated[str, Meta(pattern=rf"^{ID_PATTERN}\Z")]
_DAY: Final = 86400.0


def _within(name: str, value: float, low: float, high: float, allowed: str) -> None:
    if not low <= value <= high:
        msg = f"{name}: allowed is {allowed}"
        raise ValueError(msg)


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of settings."""


class Log(_Part, frozen=True, kw_only=True):
    """Logs go to standard error. ``auto`` is for people on a terminal, logfmt elsewhere."""

    format: Format = "auto"
    level: Level = "info"


class Queue(_Part, frozen=True, kw_only=True):
    """``directory`` is made when absent. ``keep``: how long incidents and the audit log stay, seconds."""

    directory: str = "/var/lib/tslcd-pager"
    keep: Duration = 400 * _DAY

    def __post_init__(self) -> None:
        """Refuse an audit log that is shorter than the three months of security level 3. Raises ValueError."""
        _within("keep", self.keep, 92 * _DAY, 3650 * _DAY, "92d to 3650d")


class Web(_Part, frozen=True, kw_only=True):
    """Where webhooks are taken. ``token``: what Alertmanager must send as ``Authorization: Bearer``; None when it need not."""

    host: Annotated[str, Meta(min_length=1, max_length=253)] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 9480
    token: Secret | None = None


class Links(_Part, frozen=True, kw_only=True):
    """Acknowledging by a link. ``url``: under which phones reach ``/ack/`` of this program; "" for no links."""

    url: Annotated[str, Meta(pattern=r"^(https?://[^\s?#]+)?\Z", max_length=200)] = ""
    valid: Duration = _DAY

    def __post_init__(self) -> None:
        """Refuse what would put an address into messages. Raises ValueError."""
        _within("valid", self.valid, 60.0, 31 * _DAY, "1min to 31d")
        host = urlsplit(self.url).hostname
        if self.url and not host:
            msg = "url: https://HOST is wanted"
            raise ValueError(msg)
        try:
            ipaddress.ip_address(host or "")
        except ValueError:
            return
        msg = "url: a name is wanted in place of the address: no message carries addresses"
        raise ValueError(msg)


class DeadMan(_Part, frozen=True, kw_only=True):
    """``after``: when ``/dead-man`` was not heard for so long the monitoring chain is told as dead; 0s: never.

    ``settle``: for so long after the chain began anew it is not believed that older alerts are over.
    """

    after: Duration = 180.0
    settle: Duration = 300.0

    def __post_init__(self) -> None:
        """Leave room for one lost heartbeat. Raises ValueError."""
        _within("settle", self.settle, 0.0, _DAY, "0s to 1d")
        if self.after:
            _within("after", self.after, 1.0, _DAY, "0s, or 1s to 1d")


class Rate(_Part, frozen=True, kw_only=True):
    """At most ``messages`` in ``per``; what is more is held back, and told in one summary ``summary_after`` the last message.

    A summary with something critical in it waits for 15 s at most.
    """

    messages: Annotated[int, Meta(ge=1, le=1000)] = 10
    per: Duration = 600.0
    summary_after: Duration = 60.0

    def __post_init__(self) -> None:
        """Check what belongs together. Raises ValueError."""
        _within("per", self.per, 1.0, _DAY, "1s to 1d")
        _within("summary_after", self.summary_after, 1.0, 3600.0, "1s to 1h")


class Address(_Part, frozen=True, kw_only=True):
    """``by``: name of an account; ``to``: chat id, telephone number or mail address there."""

    by: Id
    to: Annotated[str, Meta(pattern=r"^[^\s\x00-\x1f]+\Z", min_length=1, max_length=254)]


Addresses = Annotated[tuple[Address, ...], Meta(max_length=8)]
Quiet = Annotated[tuple[Hours, ...], Meta(max_length=16)]


class Recipient(_Part, frozen=True, kw_only=True):
    """A person, or the chat of a group. ``quiet``: hours in which only ``quiet_except`` is told at once."""

    id: Id
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    language: Literal["vi", "en"] = "vi"
    channels: Addresses = ()
    quiet: Quiet = ()
    quiet_except: tuple[Severity, ...] = ("critical",)
    rate: Rate | None = None

    def __post_init__(self) -> None:
        """Check that hours can be read, and end. Raises ValueError."""
        for one in self.quiet:
            hours.parse(one)
        if self.quiet and hours.outside_from(self.quiet, 0.0) >= 7 * _DAY:
            msg = "quiet: all hours of the week are quiet"
            raise ValueError(msg)


class Group(Recipient, frozen=True, kw_only=True):
    """A chat of several people (``channels``), or people who are told one by one (``members``), or both."""

    members: Annotated[tuple[Id, ...], Meta(max_length=64)] = ()

    def __post_init__(self) -> None:
        """Check that somebody is in it. Raises ValueError."""
        super().__post_init__()
        if not self.channels and not self.members:
            msg = "channels or members: one of them is wanted"
            raise ValueError(msg)


class Duty(_Part, frozen=True, kw_only=True):
    """``calendar``: the file whose shifts say who is on duty; their teams are ids of people and groups. "" for no roster."""

    calendar: Annotated[str, Meta(max_length=4096)] = ""


class Step(_Part, frozen=True, kw_only=True):
    """``to``: people and groups, and ``duty`` for whoever is on duty. ``wait``: who has not acknowledged by then has the next step told. ``hours``: only then."""

    to: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=64)]
    wait: Duration = 300.0
    hours: Quiet = ()

    def __post_init__(self) -> None:
        """Check that hours can be read. Raises ValueError."""
        _within("wait", self.wait, 1.0, _DAY, "1s to 1d")
        for one in self.hours:
            hours.parse(one)


Steps = Annotated[tuple[Step, ...], Meta(max_length=16)]


class Policy(_Part, frozen=True, kw_only=True):
    """Steps of one severity; none: nobody is told. ``remind``: after the last step, again and again; 0s: never."""

    steps: Steps = ()
    remind: Duration = 0.0

    def __post_init__(self) -> None:
        """Keep reminders from being a nuisance. Raises ValueError."""
        if self.remind:
            _within("remind", self.remind, 60.0, 7 * _DAY, "0s, or 1min to 7d")


class Escalation(_Part, frozen=True, kw_only=True):
    """Who is told, by severity. The dead man's switch is critical."""

    critical: Policy = Policy(remind=3600.0)
    major: Policy = Policy()
    warning: Policy = Policy()
    info: Policy = Policy()

    def of(self, severity: str) -> Policy:
        """Return the policy of a severity."""
        policy: Policy = getattr(self, severity)
        return policy


class PagerSettings(_Part, frozen=True, kw_only=True):
    """Everything in ``pager.yaml``.

    ``give_up``: a message that no channel takes for so long is given up. ``forget``: an incident that Alertmanager has not
    repeated for so long is closed without a word (receivers without ``send_resolved``); longer than any ``repeat_interval``, and
    than holidays, in which warnings are not repeated.
    """

    language: LanguageChoice = "auto"
    log: Log = Log()
    queue: Queue = Queue()
    web: Web = Web()
    links: Links = Links()
    dead_man: DeadMan = DeadMan()
    rate: Rate = Rate()
    give_up: Duration = 3600.0
    forget: Duration = 14 * _DAY
    zalo: Annotated[tuple[Zalo, ...], Meta(max_length=16)] = ()
    sms: Annotated[tuple[Sms, ...], Meta(max_length=16)] = ()
    mail: Annotated[tuple[Mail, ...], Meta(max_length=16)] = ()
    people: Annotated[tuple[Recipient, ...], Meta(max_length=1000)] = ()
    groups: Annotated[tuple[Group, ...], Meta(max_length=200)] = ()
    duty: Duty = Duty()
    escalation: Escalation = Escalation()

    def __post_init__(self) -> None:
        """Check what belongs together. Raises ValueError."""
        _within("give_up", self.give_up, 10.0, 7 * _DAY, "10s to 7d")
        _within("forget", self.forget, 60.0, 31 * _DAY, "1min to 31d")


def load(file: Path) -> PagerSettings:
    """Read the settings; the queue's folder and the calendar are beside the file. Raises SettingsError with every problem."""
    loaded = settings.load(file, PagerSettings)
    problems = list(_problems(loaded))
    if problems:
        raise SettingsError(problems)
    value = loaded.value
    directory = str(file.parent / value.queue.directory)
    calendar = str(file.parent / value.duty.calendar) if value.duty.calendar else ""
    value = msgspec.structs.replace(
        value, queue=msgspec.structs.replace(value.queue, directory=directory), duty=Duty(calendar=calendar)
    )
    duty.read(value)
    return value


def nobody(value: PagerSettings, file: str) -> list[Problem]:
    """Return why a pager with these settings could tell nobody; nothing when it can."""
    if value.escalation.critical.steps:
        return []
    return [Loaded(value, file, {}).problem(("escalation", "critical", "steps"), "empty: nobody would be told")]


def _problems(loaded: Loaded[PagerSettings]) -> Iterator[Problem]:
    value = loaded.value
    accounts = _once(loaded, ("zalo", "sms", "mail"), "name")
    yield from accounts[1]
    known = _once(loaded, ("people", "groups"), "id")
    yield from known[1]
    for part in ("people", "groups"):
        for number, one in enumerate(getattr(value, part)):
            if one.id == duty.DUTY:
                yield loaded.problem((part, number, "id"), f"{duty.DUTY!r} is whoever is on duty: another id is wanted")
        yield from _channels(loaded, part, accounts[0])
    people = {one.id for one in value.people}
    for number, group in enumerate(value.groups):
        for place, member in enumerate(group.members):
            if member not in people:
                yield loaded.problem(("groups", number, "members", place), f"no person {member!r}")
    for severity in SEVERITIES:
        for number, step in enumerate(value.escalation.of(severity).steps):
            for place, name in enumerate(step.to):
                path = ("escalation", severity, "steps", number, "to", place)
                if name == duty.DUTY and not value.duty.calendar:
                    yield loaded.problem(path, "duty: no roster: give duty.calendar")
                elif name not in {duty.DUTY, *known[0]}:
                    yield loaded.problem(path, f"no person or group {name!r}")


def _channels(loaded: Loaded[PagerSettings], part: str, accounts: set[str]) -> Iterator[Problem]:
    allowed = ", ".join(sorted(accounts)) or "none: give zalo, sms or mail accounts"
    for number, one in enumerate(getattr(loaded.value, part)):
        if part == "people" and not one.channels:
            yield loaded.problem((part, number, "channels"), "at least 1 wanted, 0 given")
        for place, address in enumerate(one.channels):
            if address.by not in accounts:
                path = (part, number, "channels", place, "by")
                yield loaded.problem(path, f"no account {address.by!r}: known are {allowed}")


def _once(loaded: Loaded[PagerSettings], parts: tuple[str, ...], key: str) -> tuple[set[str], list[Problem]]:
    """Return the names in these lists, and a problem for each that comes twice."""
    seen: set[str] = set()
    problems = []
    for part in parts:
        for number, one in enumerate(getattr(loaded.value, part)):
            name = getattr(one, key)
            if name in seen:
                problems.append(loaded.problem((part, number, key), f"{name!r} is given twice"))
            seen.add(name)
    return seen, problems
