"""Devices that exist only as objects, and what a profile makes of them.

Everything is the first round of a device: nothing is remembered, everything is due.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from support.scripted_session import ScriptedSession
from tslcd_agent.snmp.profile.library import Library
from tslcd_agent.snmp.profile.reader import ProfileReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tslcd_agent.snmp.session import Value
    from tslcd_wire.report import Tables

#: The profiles that are shipped.
LIBRARY: Final = Library()


async def told(profile: str, objects: Mapping[str, Value]) -> Tables:
    """Return the tables of a device that has ``objects`` (by OID) and this profile."""
    tables: Tables = {}
    await ProfileReader(LIBRARY, profile).read(ScriptedSession(dict(objects)), {}, tables, 0)
    return tables


async def cells(profile: str, kind: str, objects: Mapping[str, Value]) -> dict[str, Any]:
    """Return the only row of a kind without keys; empty when the kind is not told."""
    table = (await told(profile, objects)).get(kind, {})
    return {column: values[0] for column, values in table.items() if column != "key"}


async def rows(profile: str, kind: str, objects: Mapping[str, Value]) -> dict[str, dict[str, Any]]:
    """Return the rows of a kind by key, without their empty cells."""
    table = (await told(profile, objects)).get(kind, {"key": []})
    return {
        str(key): {c: v[number] for c, v in table.items() if c != "key" and v[number] is not None}
        for number, key in enumerate(table["key"])
    }


def column(oid: str, *values: Value) -> dict[str, Value]:
    """Return the cells of a column with the indexes 1, 2, ..."""
    return {f"{oid}.{number}": value for number, value in enumerate(values, 1)}
