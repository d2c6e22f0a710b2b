"""Tables of a device to tables of the catalogue. Pure.

Invariants:

* A row is its name. An empty name becomes the index; of several rows with one name the first in the order of their indexes
  keeps it, the others get ``#<index>``.
* A row that counts but has not one measured cell is left out, and so is a column without any cell.
* A kind has at most MAX_ROWS rows, whatever the tables of the device have.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING, Any, Final

from tslcd_agent.snmp.profile.expression import (
    compiled,
    counts,
    evaluate,
    fit,
    is_numeric,
    joined_index,
    order,
    text_of,
)
from tslcd_agent.snmp.profile.standards import SENSOR_STANDARDS
from tslcd_wire.catalogue import KINDS_BY_NAME, MAX_KEY_CHARS, Kind
from tslcd_wire.codec import clean_key
from tslcd_wire.report import MAX_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tslcd_agent.snmp.profile.document import Expression, Join, Key, Table, Where
    from tslcd_agent.snmp.session import Value
    from tslcd_wire.report import Table as Cells

    #: Walked columns: values by column and index.
    Columns = Mapping[str, Mapping[str, Value]]

_OCTETS: Final = 256


@dataclass(frozen=True, slots=True)
class RowView:
    """What is known of a device, seen from the row ``index``."""

    columns: Columns
    index: str = ""

    def cell(self, oid: str) -> Value:
        """Return the row's cell."""
        return self.at(oid, self.index)

    def at(self, oid: str, index: str) -> Value:
        """Return any row's cell."""
        column = self.columns.get(oid)
        return column.get(index) if column else None

    def column(self, oid: str, where: Where | None) -> Mapping[str, Value]:
        """Return the cells of a column, of those rows that count."""
        cells = self.columns.get(oid, {})
        if where is None:
            return cells
        deciding = self.columns.get(where.oid or oid, {})
        return {index: cell for index, cell in cells.items() if counts(where, deciding.get(index), index)}


@dataclass(frozen=True, slots=True)
class Row:
    """One row that counts: its index, its name as the device has it, and its cells by column of the catalogue."""

    index: str
    name: str
    cells: dict[str, Any]


def expressions(table: Table) -> Iterator[Expression]:
    """Yield every expression of a table, those inside others too."""
    tops = list((table.columns or {}).values())
    if table.key is not None:
        tops += [one for one in (table.key.name, table.key.other) if one is not None]
    yield from nested(tops)


def nested(tops: Iterable[Expression]) -> Iterator[Expression]:
    """Yield expressions and what is inside them."""
    for one in tops:
        yield one
        for part in (one.first, one.ratio, one.sum, one.product, one.difference):
            yield from nested(part or ())


def joins(table: Table) -> Iterator[Join]:
    """Yield the joins of a table."""
    if table.key is not None and table.key.join is not None:
        yield table.key.join
    yield from (one.join for one in expressions(table) if one.join is not None)


def row_columns(table: Table) -> tuple[str, ...]:
    """Return the columns that are the table's own, those that tell of rows first; joined ones are not among them."""
    if table.standard is not None:
        return SENSOR_STANDARDS[table.standard].columns
    oids = [one.oid for one in nested((table.columns or {}).values()) if one.oid is not None]
    if not oids and table.key is not None and table.key.oid is not None:
        oids.append(table.key.oid)
    return tuple(dict.fromkeys(oids))


def naming_columns(table: Table) -> tuple[str, ...]:
    """Return the columns that name rows and choose among them, beside :func:`row_columns`."""
    if table.standard is not None and table.key is None:
        return SENSOR_STANDARDS[table.standard].names
    key = table.key
    oids: list[str | None] = [table.where.oid] if table.where is not None else []
    if key is not None:
        oids += [key.oid, *(one.oid for part in (key.name, key.other) if part is not None for one in nested((part,)))]
    oids += [join.by for join in joins(table)]
    own = set(row_columns(table))
    return tuple(dict.fromkeys(oid for oid in oids if oid is not None and oid not in own))


def rows(table: Table, columns: Columns) -> list[Row]:
    """Return the rows of ``table`` that count and have something to tell, in the order of their indexes."""
    kind = KINDS_BY_NAME[table.kind or ""]
    indexes = {index for oid in row_columns(table) for index in columns.get(oid, ())}
    found: list[Row] = []
    newest: dict[str, Row] = {}
    for index in sorted(indexes, key=order):
        view = RowView(columns, index)
        deciding = view.cell(table.where.oid) if table.where is not None and table.where.oid else None
        if not counts(table.where, deciding, index):
            continue
        name = _name(table, view)
        cells = _standard(table, view, name) if table.standard is not None else _cells(kind, table, view)
        if not cells:
            continue
        row = Row(index, name, cells)
        if table.newest:
            newest[name or index] = row
        else:
            found.append(row)
        if len(found) >= table.rows:
            break
    return found or list(newest.values())[: table.rows]


def _cells(kind: Kind, table: Table, view: RowView) -> dict[str, Any]:
    """Work the row's cells out; nothing when only constants are left of it."""
    cells: dict[str, Any] = {}
    measured = False
    for name, expression in (table.columns or {}).items():
        column = kind.by_name[name]
        cell = fit(column, expression, evaluate(expression, view, numeric=is_numeric(column)))
        if cell is not None:
            cells[name] = cell
            measured = measured or expression.const is None
    constant = all(one.const is not None for one in (table.columns or {}).values())
    return cells if measured or constant else {}


def _standard(table: Table, view: RowView, name: str) -> dict[str, Any]:
    standard = SENSOR_STANDARDS[table.standard or ""]
    kind = KINDS_BY_NAME["sensor"]
    return {
        column: cell
        for column, value in standard.cells(view, name).items()
        if (cell := fit(kind.by_name[column], None, value)) is not None
    }


def _name(table: Table, view: RowView) -> str:
    if table.key is None:
        oids = SENSOR_STANDARDS[table.standard].names if table.standard is not None else ()
        return next((text for oid in oids if (text := _shown(view.cell(oid)))), "")
    key = table.key
    name = _named(key, view)
    if key.template is None:
        return name
    parts: dict[str, str] = {"index": view.index, "name": name, "other": ""}
    if key.other is not None:
        parts["other"] = _shown(evaluate(key.other, view, numeric=False))
    strings = index_strings(view.index, key.strings or 0)
    parts |= {f"string{number}": strings[number - 1] if number <= len(strings) else "" for number in range(1, 5)}
    return clean_key(
        "".join(text + parts.get(place or "", "") for text, place, _, _ in Formatter().parse(key.template))
    )


def _named(key: Key, view: RowView) -> str:
    raw: Value = None
    if key.oid is not None:
        raw = view.cell(key.oid)
    elif key.join is not None:
        index = joined_index(key.join, view)
        raw = view.at(key.join.oid, index) if index else None
    elif key.name is not None:
        raw = evaluate(key.name, view, numeric=False)
    elif key.strings is not None:
        raw = "/".join(index_strings(view.index, key.strings)) or view.index
    elif key.index:
        raw = view.index
    if key.text == "hex" and isinstance(raw, bytes):
        raw = raw.hex()
    if key.pattern is not None:
        found = compiled(key.pattern).search(text_of(raw))
        raw = (found[1] if found.re.groups else found[0]) if found else raw
    if key.map is not None:
        word = key.map.get(text_of(raw))
        raw = word if word is not None else raw
    return _shown(raw)


def _shown(value: Value) -> str:
    return clean_key(text_of(value))


def index_strings(index: str, wanted: int) -> list[str]:
    """Return the texts at the beginning of an index, each with its length before it; fewer when the index is not such."""
    arcs = [int(arc) for arc in index.split(".") if arc.isdecimal() and len(arc) <= len("4294967295")]
    found: list[str] = []
    at = 0
    while len(found) < wanted and at < len(arcs):
        length = arcs[at]
        octets = arcs[at + 1 : at + 1 + length]
        if len(octets) != length or any(octet >= _OCTETS for octet in octets):
            break
        found.append(clean_key(bytes(octets).decode(errors="replace")))
        at += 1 + length
    return found


def merged(kind: Kind, parts: Sequence[Sequence[Row]]) -> Cells | None:
    """Make the table of a kind from the rows of every table of the device; None when there is none."""
    keys: list[str] = []
    taken: set[str] = set()
    cells: list[dict[str, Any]] = []
    for row in (row for part in parts for row in part):
        key = row.name or row.index
        if key in taken or not key:
            suffix = f"#{row.index}"
            key = f"{key[: max(0, MAX_KEY_CHARS - len(suffix))]}{suffix}"[:MAX_KEY_CHARS]
        if key in taken or len(keys) >= MAX_ROWS:
            continue
        taken.add(key)
        keys.append(key)
        cells.append(row.cells)
    if not keys:
        return None
    table: Cells = {"key": keys}
    for name in kind.by_name:
        column = [row.get(name) for row in cells]
        if any(cell is not None for cell in column):
            table[name] = column
    return table
