"""What a device gives under its profile, and what it does not: the answer to "will this box be supervised well?".

A device is read once, as in the first round of a poller. The findings are for a table on a terminal, and for JSON.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

import msgspec

from tslcd_agent.errors import SnmpError
from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.profile.document import ROW_KINDS, SCALAR_KINDS
from tslcd_agent.snmp.profile.expression import text_of
from tslcd_agent.snmp.profile.reader import ProfileReader
from tslcd_agent.snmp.profile.standards import SENSOR_COLUMNS
from tslcd_wire.catalogue import KINDS_BY_NAME

if TYPE_CHECKING:
    from tslcd_agent.snmp.profile.library import Library, Profile
    from tslcd_agent.snmp.profile.parts import Questions
    from tslcd_runtime.language import Language
    from tslcd_wire.report import Tables

#: Columns that the engine fills itself.
_OWN = frozenset({"key", "profile"})
_WIDEST = 60


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """A column that came: in how many rows, and the first row's name and value."""

    kind: str
    column: str
    rows: int
    key: str
    value: float | int | str


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What one device gave. ``rows`` by kind; ``missing`` are ``kind.column``; ``empty`` kinds gave nothing at all."""

    profile: str
    title: str
    why: str
    lineage: tuple[str, ...]
    sys_object_id: str
    sys_descr: str
    rows: dict[str, int]
    came: tuple[Came, ...]
    missing: tuple[str, ...]
    empty: tuple[str, ...]
    error: str = ""

    def text(self, language: Language) -> str:
        """Return a table for people, a few lines above it and below it."""
        head = [
            f"sysObjectID  {self.sys_object_id or '-'}",
            f"sysDescr     {self.sys_descr or '-'}",
            language.say(
                vi=f"hồ sơ: {self.profile} ({self.title}), vì {self.why}",
                en=f"profile: {self.profile} ({self.title}), because {self.why}",
            ),
        ]
        titles = (
            language.say(vi="cột", en="column"),
            language.say(vi="số dòng", en="rows"),
            language.say(vi="dòng đầu", en="first row"),
            language.say(vi="giá trị", en="value"),
        )
        table = [titles, *((f"{one.kind}.{one.column}", str(one.rows), one.key, str(one.value)) for one in self.came)]
        widths = [min(_WIDEST, max(_width(row[number]) for row in table)) for number in range(len(titles))]
        body = [
            "  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
        ]
        tail = []
        if self.missing:
            missing = ", ".join(self.missing)
            tail.append(
                language.say(
                    vi=f"hồ sơ có mà thiết bị không cho: {missing}", en=f"in the profile, and not given: {missing}"
                )
            )
        if self.empty:
            empty = ", ".join(self.empty)
            tail.append(language.say(vi=f"không có gì về: {empty}", en=f"nothing at all of: {empty}"))
        if self.error:
            tail.append(language.say(vi=f"dừng giữa chừng: {self.error}", en=f"stopped before the end: {self.error}"))
        return "\n".join((*head, "", *body, *([""] if tail else []), *tail))


def _width(text: str) -> int:
    """Return how many places a text takes on a terminal: letters of East Asia take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _padded(text: str, width: int) -> str:
    if _width(text) > width:
        text = f"{text[: width - 1]}…"
    return text + " " * (width - _width(text))


def columns_of(profile: Profile) -> dict[str, tuple[str, ...]]:
    """Return what a profile can give at best: columns by kind, in the order of the catalogue."""
    wanted: dict[str, set[str]] = {kind: set(columns) for kind, columns in profile.values.items()}
    for table in profile.tables:
        columns = set(table.columns or SENSOR_COLUMNS)
        wanted.setdefault(table.kind or "", set()).update(columns)
    return {
        kind.name: tuple(column for column in kind.by_name if column in wanted[kind.name])
        for kind in (*SCALAR_KINDS, *ROW_KINDS)
        if wanted.get(kind.name)
    }


async def find(questions: Questions, library: Library, wanted: str = "auto") -> Findings:
    """Read a device once under the profile that fits it, or under ``wanted``. Raises SnmpError when it does not answer."""
    system = await questions.get((mib.SYS_OBJECT_ID, mib.SYS_DESCR))
    reader = ProfileReader(library, wanted)
    tables: Tables = {}
    error = ""
    try:
        await reader.read(questions, system, tables, 0)
    except SnmpError as caught:
        error = str(caught)
    profile, choice = reader.profile, reader.choice
    if profile is None or choice is None:
        msg = "a reader that was asked has a profile"
        raise AssertionError(msg)
    came = _came(tables)
    there = {(one.kind, one.column) for one in came}
    possible = columns_of(profile)
    return Findings(
        profile=choice.name,
        title=profile.title,
        why=choice.why,
        lineage=profile.lineage,
        sys_object_id=text_of(system.get(mib.SYS_OBJECT_ID)),
        sys_descr=text_of(system.get(mib.SYS_DESCR)),
        rows={kind: len(table["key"]) for kind, table in tables.items()},
        came=came,
        missing=tuple(
            f"{kind}.{column}"
            for kind, columns in possible.items()
            for column in columns
            if kind in tables and (kind, column) not in there
        ),
        empty=tuple(kind for kind in possible if kind not in tables),
        error=error,
    )


def _came(tables: Tables) -> tuple[Came, ...]:
    found: list[Came] = []
    for kind in (*SCALAR_KINDS, *ROW_KINDS):
        table = tables.get(kind.name, {})
        for column in KINDS_BY_NAME[kind.name].by_name:
            cells: list[Any] = table.get(column, [])
            given = [(key, cell) for key, cell in zip(table.get("key", []), cells, strict=False) if cell is not None]
            if given and column not in _OWN:
                key, value = given[0]
                found.append(Came(kind=kind.name, column=column, rows=len(given), key=key, value=value))
    return tuple(found)
