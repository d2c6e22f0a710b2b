"""What is wrong with a profile beyond its shape: every mistake with file, line, key and what is allowed."""

from __future__ import annotations

import math
import re
from string import Formatter
from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from tslcd_agent.snmp.profile.document import COLUMN_TYPES, ROW_KINDS, SCALAR_KINDS
from tslcd_wire.catalogue import MAX_TEXT_CHARS, Column, Type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tslcd_agent.snmp.profile.document import Document, Expression, Join, Key, Scalar, Table, Where
    from tslcd_runtime.settings import Loaded, Path_, Problem

_KINDS: Final = {kind.name: kind for kind in (*SCALAR_KINDS, *ROW_KINDS)}
_SOURCES: Final = ("oid", "const", "first", "ratio", "sum", "product", "difference", "join")
_LISTS: Final = ("first", "ratio", "sum", "product", "difference")
_ALL_BUT_ONE: Final = 2
_PLACES: Final = frozenset({"index", "name", "other", "string1", "string2", "string3", "string4"})


def problems(loaded: Loaded[Document], stem: str) -> Iterator[Problem]:
    """Yield every mistake of one file; ``stem`` is the file's name without its ending."""
    return _Checker(loaded).document(stem)


class _Checker:
    """One pass over one document."""

    def __init__(self, loaded: Loaded[Document]) -> None:
        self._loaded = loaded

    def _say(self, path: Path_, message: str) -> Problem:
        return self._loaded.problem(path, message)

    def document(self, stem: str) -> Iterator[Problem]:
        document = self._loaded.value
        if document.profile != stem:
            yield self._say(("profile",), f"{document.profile!r} is not the file's name, which is {stem!r}")
        for number, match in enumerate(document.match):
            if match.sys_object_id is None and match.sys_descr is None:
                yield self._say(("match", number), "wants sys_object_id, sys_descr, or both")
            yield from self._pattern(("match", number, "sys_descr"), match.sys_descr)
        for kind in SCALAR_KINDS:
            columns = getattr(document.values, kind.name)
            if columns is UNSET or columns is None:
                continue
            for name in COLUMN_TYPES[kind.name].__struct_fields__:
                expression = getattr(columns, name)
                if name != "standard" and expression is not UNSET and expression is not None:
                    where: Path_ = ("values", kind.name, name)
                    yield from self._expression(where, expression, kind.by_name[name], row=False)
        seen: dict[str, int] = {}
        for number, table in enumerate(document.tables):
            if seen.setdefault(table.id, number) != number:
                yield self._say(("tables", number, "id"), f"{table.id!r} is given twice: tables[{seen[table.id]}]")
            yield from self._table(("tables", number), table)

    def _table(self, path: Path_, table: Table) -> Iterator[Problem]:
        if table.kind is None:
            return
        if (table.columns is None) == (table.standard is None):
            yield self._say(path, "wants columns, or standard, and not both")
        if table.standard is not None and table.kind != "sensor":
            yield self._say((*path, "standard"), "belongs to tables of the kind sensor")
        if table.key is not None:
            yield from self._key((*path, "key"), table.key)
        elif table.columns is not None:
            yield self._say((*path, "key"), "missing")
        yield from self._where((*path, "where"), table.where)
        allowed = COLUMN_TYPES[table.kind].__struct_fields__
        for name, expression in (table.columns or {}).items():
            where = (*path, "columns", name)
            if name not in allowed:
                yield self._say(where, f"unknown column of {table.kind}: allowed are {', '.join(allowed)}")
                continue
            yield from self._expression(where, expression, _KINDS[table.kind].by_name[name], row=True)
        for name, word in (table.missed or {}).items():
            where = (*path, "missed", name)
            if name not in (table.columns or {}):
                yield self._say(where, "is none of the table's columns")
            elif name in allowed and (wanted := _wanted(_KINDS[table.kind].by_name[name], word)):
                yield self._say(where, f"{word!r} is not allowed: {wanted}")

    def _key(self, path: Path_, key: Key) -> Iterator[Problem]:
        given = [
            name
            for name, is_there in (
                ("oid", key.oid is not None),
                ("join", key.join is not None),
                ("name", key.name is not None),
                ("strings", key.strings is not None),
                ("index", key.index),
            )
            if is_there
        ]
        if not given and key.template is None:
            yield self._say(path, "wants oid, join, index: true, strings, or template with name")
        if len(given) > 1 and key.template is None:
            yield self._say(path, f"wants one of {', '.join(given)}, or a template that puts them together")
        yield from self._pattern((*path, "pattern"), key.pattern)
        yield from self._join((*path, "join"), key.join)
        for name, part in (("name", key.name), ("other", key.other)):
            if part is not None:
                yield from self._expression((*path, name), part, None, row=True)
        if key.template is not None:
            yield from self._template((*path, "template"), key.template)

    def _template(self, path: Path_, template: str) -> Iterator[Problem]:
        try:
            places = [place for _, place, _, _ in Formatter().parse(template) if place is not None]
        except ValueError as error:
            yield self._say(path, f"{template!r} is not a template: {error}")
            return
        for place in places:
            if place not in _PLACES:
                yield self._say(path, f"{{{place}}} is not known: allowed are {', '.join(sorted(_PLACES))}")

    def _where(self, path: Path_, where: Where | None) -> Iterator[Problem]:
        if where is None:
            return
        by_cell = (where.in_, where.not_in, where.pattern)
        if where.oid is None and (where.index is None or any(one is not None for one in by_cell)):
            yield self._say(path, "wants oid with in, not_in or pattern; or index")
        if where.oid is not None and all(one is None for one in by_cell):
            yield self._say(path, "wants in, not_in or pattern beside oid")
        yield from self._pattern((*path, "pattern"), where.pattern)
        yield from self._pattern((*path, "index"), where.index)

    def _join(self, path: Path_, join: Join | None) -> Iterator[Problem]:
        if join is not None and ([join.index, join.drop, join.by].count(None) != _ALL_BUT_ONE or join.index == 0):
            yield self._say(
                path,
                "wants one of index (so many arcs, negative: the last ones), drop (so many last arcs), by (a column)",
            )

    def _pattern(self, path: Path_, pattern: str | None) -> Iterator[Problem]:
        if pattern is None:
            return
        try:
            re.compile(pattern)
        except re.error as error:
            yield self._say(path, f"{pattern!r} is not a regular expression: {error}")

    def _expression(
        self, path: Path_, expression: Expression, column: Column | None, *, row: bool, top: bool = True
    ) -> Iterator[Problem]:
        """Check one expression. ``column`` is what its words and numbers must fit, None inside arithmetic."""
        given = [name for name in _SOURCES if getattr(expression, name) is not None]
        if len(given) != 1:
            found = f"{' and '.join(given)} given" if given else "none given"
            yield self._say(path, f"wants exactly one of {', '.join(_SOURCES)}; {found}")
        yield from self._aggregate(path, expression, row=row)
        yield from self._join((*path, "join"), expression.join)
        if expression.join is not None and not row:
            yield self._say((*path, "join"), "belongs to tables")
        if expression.every is not None and (row or not top):
            yield self._say((*path, "every"), f"belongs to the {'table' if row else 'column'}, not to parts of it")
        yield from self._pattern((*path, "pattern"), expression.pattern)
        numbers = (expression.scale, expression.offset, expression.minimum, expression.maximum)
        if any(one is not None and not math.isfinite(one) for one in numbers):
            yield self._say(path, "wants finite numbers")
        if None not in {expression.minimum, expression.maximum} and expression.minimum > expression.maximum:  # type: ignore[operator]
            yield self._say((*path, "minimum"), f"above maximum, which is {expression.maximum:g}")
        yield from self._words(path, expression, column)
        if expression.map_else is not None and expression.map is None:
            yield self._say((*path, "map_else"), "wants map")
        for name in _LISTS:
            for number, part in enumerate(getattr(expression, name) or ()):
                # what becomes of the parts of a mapped or scaled expression is not theirs to say
                inner = column if name == "first" and expression.map is None else None
                yield from self._expression((*path, name, number), part, inner, row=row, top=False)

    def _aggregate(self, path: Path_, expression: Expression, *, row: bool) -> Iterator[Problem]:
        if expression.aggregate is not None and (row or expression.oid is None):
            yield self._say((*path, "aggregate"), "belongs to values, with the oid of a column")
        if expression.where is not None and expression.aggregate is None:
            yield self._say((*path, "where"), "belongs to aggregate")
        yield from self._where((*path, "where"), expression.where)

    def _words(self, path: Path_, expression: Expression, column: Column | None) -> Iterator[Problem]:
        """Check everything that a file says itself against the column."""
        if column is None:
            return
        said: Iterable[tuple[Path_, Scalar]] = (
            *(((*path, "const"), one) for one in (expression.const,) if one is not None),
            *(((*path, "map", key), one) for key, one in (expression.map or {}).items()),
            *(((*path, "map_else"), one) for one in (expression.map_else,) if one is not None),
        )
        for where, one in said:
            wanted = _wanted(column, one)
            if wanted:
                yield self._say(where, f"{one!r} is not allowed: {wanted}")
        if column.type is Type.STATE and expression.oid is not None and expression.map is None:
            states = ", ".join(column.states)
            yield self._say(path, f"wants a map to the words of {column.name}: {states}")


def _wanted(column: Column, value: Scalar) -> str:
    """Say what is allowed when ``value`` cannot be a cell of ``column``; empty when it can."""
    match column.type:
        case Type.STATE:
            return "" if value in column.states else f"allowed are {', '.join(column.states)}"
        case Type.BOOL:
            return "" if not isinstance(value, str) and value in {0, 1} else "allowed are 0, 1"
        case Type.TEXT:
            if not isinstance(value, str):
                return "a text is wanted here: put it in quotes"
            return "" if 0 < len(value) <= MAX_TEXT_CHARS else f"1 to {MAX_TEXT_CHARS} characters"
        case _:
            return "a number is wanted here" if isinstance(value, str) else ""
