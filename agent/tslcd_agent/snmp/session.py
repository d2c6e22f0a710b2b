"""The door to SNMP: what the rest of the agent knows of it, and the choice of the engine behind it.

Invariants, of every engine:

* Every failure is an :class:`~tslcd_agent.errors.SnmpError`; nothing of a library's or the system's gets out.
* No message has a community or a password in it.
* An answer holds what the device has: objects that do not exist are absent, they are no error.
* Values are the same whatever the engine: see :data:`Value`.
* A session is asked by one task at a time, and is inert until then; one that failed starts anew at the next question.

Importing this module imports no engine; :func:`open_session` imports the one that it chooses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tslcd_agent.config import PolledDevice

#: Values as they come: ``int`` for INTEGER, counters and TimeTicks; ``bytes`` for OCTET STRING and for what an Opaque has in
#: it (Net-SNMP's floats are ``9f 78 04`` and four bytes, big-endian); ``str`` for OBJECT IDENTIFIER and IpAddress.
Value: TypeAlias = int | float | str | bytes | None

#: Rows a GETBULK answer may have; 25 names stay below one Ethernet frame.
REPETITIONS: Final = 25


@dataclass(slots=True)
class Traffic:
    """What a session did since it was made, counted up only.

    ``requests``: PDUs sent, discovery and repeated questions among them. ``retries``: how many of the questions were
    asked again. ``timeouts``: waits that ended without an answer. ``answers``: PDUs that came and were understood.
    """

    requests: int = 0
    retries: int = 0
    timeouts: int = 0
    answers: int = 0


class SnmpSession(Protocol):
    """What the rest of the agent knows of SNMP: one device, asked in one PDU at a time."""

    @property
    def traffic(self) -> Traffic:
        """Return the counts, which go on counting."""
        ...

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Ask for scalars and cells in one GET; return those that exist.

        Nothing at all comes back also when the device answers with an error-status (tooBig, genErr): ask for something
        that every device has beside the rest, and in halves when it is missing. Raises SnmpError.
        """
        ...

    async def walk(self, column: str, limit: int, *, repetitions: int = REPETITIONS) -> dict[str, Value]:
        """Return the cells of one column by their index (the rest of the OID), at most ``limit``. Raises SnmpError.

        ``repetitions``: rows asked for in one GETBULK; version 1 asks for one at a time (GETNEXT).
        """
        ...

    async def close(self) -> None:
        """Give back sockets. A question after that opens them again."""
        ...


def open_session(device: PolledDevice) -> SnmpSession:
    """Make the session of a device, with the engine that its settings and this machine allow.

    ``auto``: gufo-snmp, and pysnmp where that is not installed (there is no wheel for every machine) or where a context is
    asked for, which gufo-snmp has not.
    """
    snmp = device.snmp
    if snmp.engine != "pysnmp" and snmp.context is None:
        try:
            from tslcd_agent.snmp.gufo_engine import GufoSession  # noqa: PLC0415 - an engine is imported when needed
        except ImportError:
            if snmp.engine == "gufo":
                raise
        else:
            return GufoSession(device)
    from tslcd_agent.snmp.pysnmp_engine import PysnmpSession  # noqa: PLC0415 - the same

    return PysnmpSession(device)
