"""What a trap or inform says, whatever version it came in, and what of it is about a link. Pure: no socket, no clock.

Sources: SNMPv2-MIB and RFC 3418 (coldStart, warmStart, authenticationFailure), IF-MIB and RFC 2863 (linkDown, linkUp),
RFC 3584 section 3.1 (what a version 1 trap is in version 2: the library does that).

Invariants:

* linkDown means down. Its ifOperStatus is the state that the link is leaving (RFC 2863 section 3.1.14), and no witness.
* linkUp means that the link left down for the state in its ifOperStatus, which is believed where it is there.
* Whatever bytes a device calls an interface, a key satisfies the wire contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from tslcd_agent.snmp import objects as mib
from tslcd_wire.codec import clean_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tslcd_agent.snmp.session import Value

#: ``source``: no configured device has this address. ``credentials``: not the device's community, user or passwords.
#: ``level``: less security than the device is configured with. ``replay``: sent before, and heard then. ``garbage``: no
#: SNMP, or no notification.
Code: TypeAlias = Literal["source", "credentials", "level", "replay", "garbage"]
CODES: Final[tuple[Code, ...]] = ("source", "credentials", "level", "replay", "garbage")

SNMP_TRAP_OID: Final = "1.3.6.1.6.3.1.1.4.1.0"
_TRAPS: Final = "1.3.6.1.6.3.1.1.5"
LINK_DOWN: Final = f"{_TRAPS}.3"
LINK_UP: Final = f"{_TRAPS}.4"
AUTHENTICATION_FAILURE: Final = f"{_TRAPS}.5"
NAMES: Final = {
    f"{_TRAPS}.1": "coldStart",
    f"{_TRAPS}.2": "warmStart",
    LINK_DOWN: "linkDown",
    LINK_UP: "linkUp",
    AUTHENTICATION_FAILURE: "authenticationFailure",
}
_IF_INDEX: Final = "1.3.6.1.2.1.2.2.1.1"
#: ifOperStatus: up; down, testing, dormant, notPresent, lowerLayerDown. unknown(4) says nothing.
_OPER: Final = {1: True, 2: False, 3: False, 5: False, 6: False, 7: False}


class NotificationError(Exception):
    """A datagram that is not taken. ``code`` is one of :data:`CODES`; the message is for people and has no secret."""

    def __init__(self, code: Code, message: str) -> None:
        """Keep the code beside the message."""
        super().__init__(message)
        self.code: Code = code


@dataclass(frozen=True, slots=True)
class Notification:
    """A trap or inform. ``kind``: its snmpTrapOID.

    ``request``: a number that an inform keeps when it is sent again, and others do not have; None of a trap. ``values``:
    variable bindings by OID, without snmpTrapOID; of one bound twice the last counts.
    """

    kind: str
    values: dict[str, Value]
    request: int | None = None

    @property
    def name(self) -> str:
        """Its name where RFC 3418 or RFC 2863 gives one, else ``trap``."""
        return NAMES.get(self.kind, "trap")


class LinkChange(NamedTuple):
    """What linkDown or linkUp says: ``ifindex`` is the ifIndex, ``name`` the cleaned ifName or ifDescr; empty when not said.

    ``named``: the name is an ifName, which keys are made of.
    """

    up: bool
    ifindex: str
    name: str
    named: bool


def link_change(notification: Notification) -> LinkChange | None:
    """Return the change that a notification tells, None when it is about something else."""
    if notification.kind not in {LINK_DOWN, LINK_UP}:
        return None
    values = notification.values
    index = _index(values)
    oper = _cell(values, mib.IF_OPER_STATUS, index)
    up = notification.kind == LINK_UP and _OPER.get(oper if isinstance(oper, int) else 1, True)
    name = clean_key(_text(_cell(values, mib.IF_NAME, index)))
    description = clean_key(_text(_cell(values, mib.IF_DESCR, index)))
    return LinkChange(up, index, name or description, bool(name))


def key_of_change(change: LinkChange, key_of: Callable[[str], str | None]) -> str | None:
    """Return the key of the interface, None when nobody can say.

    ``key_of`` knows the keys of ifIndexes. A name in the trap itself counts more when they contradict: indexes move when a
    device restarts, and the trap may be the first to know.
    """
    known = key_of(change.ifindex) if change.ifindex else None
    if known is not None and (not change.named or known == change.name or known.startswith(f"{change.name}#")):
        return known
    return change.name or known


def _index(values: dict[str, Value]) -> str:
    """Return the ifIndex: the value of that object, else the last arc of any other of the interface's objects."""
    for oid, value in values.items():
        if oid.startswith(f"{_IF_INDEX}.") and isinstance(value, int):
            return str(value)
    for column in (mib.IF_OPER_STATUS, mib.IF_ADMIN_STATUS, mib.IF_DESCR, mib.IF_NAME):
        for oid in values:
            if oid.startswith(f"{column}."):
                return oid.removeprefix(f"{column}.")
    return ""


def _cell(values: dict[str, Value], column: str, index: str) -> Value:
    """Return an object of the interface; a device that binds the column without its index is understood too."""
    for oid in (f"{column}.{index}", column, f"{column}.0"):
        if oid in values:
            return values[oid]
    return None


def _text(value: Value) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else ""
