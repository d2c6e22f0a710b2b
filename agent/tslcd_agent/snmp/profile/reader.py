"""What a profile asks of one device, round for round."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tslcd_agent.snmp.profile.library import Library
    from tslcd_agent.snmp.session import Value
    from tslcd_wire.report import Tables


class Questions(Protocol):
    """How a device is asked. Both raise SnmpError."""

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Ask for any number of objects, in as few packets as the device takes; return those that exist."""
        ...

    async def walk(self, column: str, limit: int) -> dict[str, Value]:
        """Return the cells of one column by their index (the rest of the OID), at most ``limit``."""
        ...


class Choice(NamedTuple):
    """The profile of a device, and why it is this one, in English, for people."""

    name: str
    why: str


class ProfileReader:
    """Asks one device for what its profile has, remembering from round to round what the device does not have."""

    def __init__(self, library: Library, wanted: str = "auto") -> None:
        """``wanted``: ``auto``, or the name of a profile that is used whatever the device says that it is."""
        self._library = library
        self._wanted = wanted
        self._choice: Choice | None = None

    @property
    def choice(self) -> Choice | None:
        """The profile in use; None before the first round."""
        return self._choice

    def forget(self) -> None:
        """Discover again in the next round: rows, and objects that were absent."""

    async def read(self, questions: Questions, system: Mapping[str, Value], tables: Tables, number: int) -> None:
        """Fill ``tables`` with every kind the profile knows; columns of ``device`` go beside those that are there.

        ``system`` has sysObjectID.0 and sysDescr.0 by OID; ``number`` counts the device's rounds from 0. Raises SnmpError;
        what was heard until then, or until a cancellation, is in ``tables``.
        """
