"""Every object of a device in its order, with its type: what a recording is made of. Over pysnmp, which tells types.

Invariants:

* The walk ends: at the end of the device's view, at ``limit`` objects, and at an object that is not after the one before it.
* What was read before a device fell silent is given, and then the error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyasn1.type import univ  # type: ignore[import-untyped]

from tslcd_agent.snmp.masking import Cell
from tslcd_agent.snmp.pysnmp_engine import PysnmpSession

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tslcd_agent.config import PolledDevice

#: Objects in one answer; small, since some of them are long texts.
REPETITIONS: Final = 20
#: Octets that a recording has as they are.
_PLAIN: Final = frozenset(range(0x20, 0x7F))


async def typed_walk(device: PolledDevice, root: str, limit: int) -> AsyncGenerator[Cell, None]:
    """Yield the objects under ``root``, at most ``limit``. Raises SnmpError."""
    session = PysnmpSession(device)
    last, count = root, 0
    try:
        while count < limit:
            page = await session.next_objects(last, REPETITIONS)
            for oid, value in page:
                if not oid.startswith(f"{root}.") or _arcs(oid) <= _arcs(last) or count >= limit:
                    return
                cell = cell_of(oid, value)
                if cell is not None:
                    yield cell
                last, count = oid, count + 1
            if not page:
                return
    finally:
        await session.close()


def cell_of(oid: str, value: Any) -> Cell | None:
    """Return a recording's cell of a pysnmp value; None for what is no value."""
    if isinstance(value, univ.Null):
        return None
    tag = value.tagSet[-1]
    number = tag.tagClass | tag.tagFormat | tag.tagId
    if isinstance(value, univ.Integer):
        return Cell(oid, number, str(int(value)))
    if isinstance(value, univ.ObjectIdentifier):
        return Cell(oid, number, str(value))
    octets = bytes(value)
    return Cell(oid, number, ".".join(map(str, octets)) if number == 64 else octets)  # noqa: PLR2004 - IpAddress


def line_of(cell: Cell) -> str:
    """Return a line of a ``.snmprec`` file; octets that are no plain text are hexadecimal."""
    if isinstance(cell.value, str):
        return f"{cell.oid}|{cell.tag}|{cell.value}"
    if cell.value and _PLAIN.issuperset(cell.value):
        return f"{cell.oid}|{cell.tag}|{cell.value.decode()}"
    return f"{cell.oid}|{cell.tag}x|{cell.value.hex()}"


def _arcs(oid: str) -> tuple[int, ...]:
    return tuple(map(int, oid.split(".")))
