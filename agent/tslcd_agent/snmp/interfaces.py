"""Interfaces: which there are, what they are called, what to ask about them, and the table ``interface``. Pure.

Invariants:

* An interface is its name: ifName, else ifDescr, else ``if<index>``. Of several with one name the lowest ifIndex keeps it,
  the others get ``#<index>``. Indexes may change at any time; names are what history is kept under.
* A value that is absent, of the wrong type or impossible is ``None``, and a column of nothing but ``None`` is left out.
* ``oper_up`` is 1 for up(1); 0 for down(2), testing(3), dormant(5), notPresent(6) and lowerLayerDown(7), which carry no
  traffic (RFC 2863 section 3.1.14); ``None`` for unknown(4), where the device itself does not know.
* Whatever bytes a device calls a name, keys and texts satisfy the wire contract, and the table has room in a report.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.interpret import text_of
from tslcd_agent.snmp.packing import answer_size
from tslcd_wire.catalogue import INTERFACE, MAX_COUNTER, MAX_KEY_CHARS
from tslcd_wire.codec import clean_key, clean_text
from tslcd_wire.report import MAX_BYTES, MAX_ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tslcd_agent.config import Interfaces
    from tslcd_agent.snmp.session import Value
    from tslcd_wire.report import Table

    Values = Mapping[str, Value]

#: What the table may take of a report (bytes), and what is reckoned for the numbers of one row.
TABLE_BYTES: Final = MAX_BYTES * 3 // 4
ROW_BYTES: Final = 220
_OPER: Final[dict[Value, int]] = {1: 1, 2: 0, 3: 0, 5: 0, 6: 0, 7: 0}
_ADMIN: Final[dict[Value, int]] = {1: 1, 2: 0, 3: 0}
_ORDER: Final = tuple(INTERFACE.by_name)


@dataclass(frozen=True, slots=True)
class Row:
    """One interface: its ifIndex, the key it is reported under, and what the device called it (to notice a change).

    ``name`` is the raw ifName, or ifDescr where not ``named``.
    """

    index: str
    key: str
    name: Value
    named: bool
    alias: str


@dataclass(frozen=True, slots=True)
class Found:
    """The interfaces that are reported, in the order of ifIndex, and how many more were wanted."""

    rows: tuple[Row, ...]
    left_out: int = 0


def find(names: Values, descriptions: Values, aliases: Values, wanted: Interfaces) -> Found:
    """Return the wanted interfaces; the arguments map an index to ifName, ifDescr and ifAlias."""
    result: list[Row] = []
    taken: set[str] = set()
    left_out, room = 0, TABLE_BYTES
    everything = tuple(wanted.include) == ("*",) and not wanted.exclude
    for index in sorted({*names, *descriptions}, key=_index_order):
        name = names.get(index)
        key = clean_key(text_of(name)) or clean_key(text_of(descriptions.get(index))) or f"if{index}"
        if not everything and not is_wanted(key, wanted):
            continue
        if key in taken:
            suffix = f"#{index}"
            key = f"{key[: MAX_KEY_CHARS - len(suffix)]}{suffix}"
        alias = clean_text(text_of(aliases.get(index)))
        size = ROW_BYTES + _json_size(key) + _json_size(alias)
        if key in taken or len(result) >= MAX_ROWS or size > room:
            left_out += 1
            continue
        room -= size
        taken.add(key)
        named = index in names
        raw = name if named else descriptions.get(index)
        result.append(Row(index, key, raw, named, alias))
    return Found(tuple(result), left_out)


def _json_size(text: str) -> int:
    return len(text.encode()) + text.count('"') + text.count("\\")


def _index_order(index: str) -> tuple[int, str]:
    return (int(index), index) if index.isdecimal() else (2**32, index)


def is_wanted(key: str, wanted: Interfaces) -> bool:
    """Whether the patterns let an interface in; ``exclude`` wins."""
    return any(fnmatchcase(key, glob) for glob in wanted.include) and not any(
        fnmatchcase(key, glob) for glob in wanted.exclude
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """What one round asks: the rows, and for every column the object of each row (None where the device has none).

    ``fixed`` are columns known since discovery. ``names`` are the ifName objects that prove that no row has moved.
    ``narrow`` tells, of the counters that have 32-bit objects, which rows' are. ``sizes`` are those of answers.
    """

    rows: tuple[Row, ...]
    keys: tuple[str, ...] = ()
    names: tuple[tuple[str, Value], ...] = ()
    cells: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    fixed: Mapping[str, list[Any]] = field(default_factory=dict)
    narrow: Mapping[str, tuple[bool, ...]] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    left_out: int = 0

    def oids(self) -> list[str]:
        """Return everything to ask for, what tells most first."""
        wanted = [oid for oid, _ in self.names]
        for column in self.cells.values():
            wanted += [oid for oid in column if oid is not None]
        return wanted

    def sized(self) -> list[tuple[str, int]]:
        """Return the same, each with the size of its answer."""
        return [(oid, self.sizes[oid]) for oid in self.oids()]

    def moved(self, values: Values) -> bool:
        """Whether a row vanished or got another name."""
        return [values.get(oid) for oid, _ in self.names] != [name for _, name in self.names]

    def rows_differ(self, found: Found) -> bool:
        """Whether other interfaces are found now, or others under these indexes."""
        return [(row.index, row.key, row.name) for row in self.rows] != [
            (row.index, row.key, row.name) for row in found.rows
        ]

    def renewed(self, found: Found, values: Values) -> Plan:
        """Return the same plan with the descriptions of ``found`` (the same rows) and the speeds that are in ``values``."""
        return replace(
            self,
            rows=found.rows,
            left_out=found.left_out,
            fixed={
                "speed_bits_per_second": [
                    _speed(row, values) if _has_speed(row, values) else before
                    for row, before in zip(found.rows, self.speeds, strict=True)
                ],
                "alias": [row.alias or None for row in found.rows],
            },
        )

    @property
    def speeds(self) -> list[float | None]:
        """Bits per second of each row."""
        known = self.fixed.get("speed_bits_per_second")
        return known if known is not None else [None] * len(self.rows)


def slow_oids(found: Sequence[Row]) -> list[str]:
    """Return what hardly ever changes: speeds, and when counters began anew."""
    columns = (mib.IF_HIGH_SPEED, mib.IF_COUNTER_DISCONTINUITY_TIME)
    return [f"{column}.{row.index}" for column in columns for row in found]


def old_speed_oids(found: Sequence[Row], values: Values) -> list[str]:
    """Return ifSpeed where ifHighSpeed says nothing."""
    return [f"{mib.IF_SPEED}.{row.index}" for row in found if not values.get(f"{mib.IF_HIGH_SPEED}.{row.index}")]


def wide_oids(found: Sequence[Row]) -> list[str]:
    """Return the 64-bit counters of ``found`` rows."""
    return [f"{counter.wide}.{row.index}" for counter in mib.COUNTERS if counter.wide for row in found]


def narrow_oids(found: Sequence[Row], values: Values) -> list[str]:
    """Return the 32-bit counters of rows that have nothing better."""
    return [
        f"{counter.narrow}.{row.index}"
        for counter in mib.COUNTERS
        for row in found
        if counter.wide is None or f"{counter.wide}.{row.index}" not in values
    ]


def status_oids(found: Sequence[Row]) -> list[str]:
    """Return the objects that every row should have."""
    return [f"{column}.{row.index}" for column in (mib.IF_OPER_STATUS, mib.IF_ADMIN_STATUS) for row in found]


def plan(found: Found, values: Values) -> Plan:
    """Make the plan from what discovery found: objects that exist are asked for from now on."""

    def first(row: Row, *columns: str | None) -> str | None:
        return next((oid for column in columns if column and (oid := f"{column}.{row.index}") in values), None)

    rows = found.rows
    cells: dict[str, tuple[str | None, ...]] = {
        "oper_up": tuple(first(row, mib.IF_OPER_STATUS) for row in rows),
        "admin_up": tuple(first(row, mib.IF_ADMIN_STATUS) for row in rows),
    }
    narrow: dict[str, tuple[bool, ...]] = {}
    for counter in mib.COUNTERS:
        column = cells[counter.column] = tuple(first(row, counter.wide, counter.narrow) for row in rows)
        flags = tuple(oid is not None and oid.startswith(f"{counter.narrow}.") for oid in column)
        if any(flags):
            narrow[counter.column] = flags
    fixed: dict[str, list[Any]] = {
        "speed_bits_per_second": [_speed(row, values) for row in rows],
        "alias": [row.alias or None for row in rows],
    }
    # a device without ifXTable is held to ifDescr
    names = tuple(
        (f"{mib.IF_NAME if row.named else mib.IF_DESCR}.{row.index}", row.name) for row in rows if row.name is not None
    )
    asked = [*names, *((oid, values.get(oid)) for column in cells.values() for oid in column if oid is not None)]
    return Plan(
        rows=rows,
        keys=tuple(row.key for row in rows),
        names=names,
        cells=cells,
        fixed=fixed,
        narrow=narrow,
        sizes={oid: answer_size(oid, value) for oid, value in asked},
        left_out=found.left_out,
    )


def _has_speed(row: Row, values: Values) -> bool:
    return any(f"{column}.{row.index}" in values for column in (mib.IF_HIGH_SPEED, mib.IF_SPEED))


def _speed(row: Row, values: Values) -> float | None:
    """Return bits per second: ifHighSpeed counts 10**6; zero says that the interface has no such thing (RFC 2863)."""
    high, low = values.get(f"{mib.IF_HIGH_SPEED}.{row.index}"), values.get(f"{mib.IF_SPEED}.{row.index}")
    if isinstance(high, int) and high > 0:
        return high * 1e6
    return float(low) if isinstance(low, int) and low > 0 else None


def interface_table(asked: Plan, values: Values) -> Table | None:
    """Make the table ``interface``, counters as they were read; None when there is no row."""
    if not asked.rows:
        return None
    columns: dict[str, list[Any]] = dict(asked.fixed)
    for column, oids in asked.cells.items():
        raw: list[Value] = [*map(values.get, oids)]  # type: ignore[arg-type]  # nothing is called None
        match column:
            case "oper_up":
                columns[column] = [*map(_OPER.get, raw)]
            case "admin_up":
                columns[column] = [*map(_ADMIN.get, raw)]
            case _:
                columns[column] = _counters(raw)
    table: Table = {"key": list(asked.keys)}
    for column in _ORDER:
        cells = columns.get(column)
        if cells is not None and any(cell is not None for cell in cells):
            table[column] = cells
    return table


def _counters(raw: list[Value]) -> list[int | None]:
    """Return what is a counter's reading, None for what is none."""
    if {*map(type, raw)} == {int} and min(raw) >= 0 and max(raw) <= MAX_COUNTER:  # type: ignore[type-var, operator]
        return raw  # type: ignore[return-value]  # as nearly always
    return [cell if isinstance(cell, int) and 0 <= cell <= MAX_COUNTER else None for cell in raw]


def operational(table: Table | None) -> dict[str, int]:
    """Return what is known of ``oper_up`` by key."""
    if table is None or "oper_up" not in table:
        return {}
    return {key: up for key, up in zip(table["key"], table["oper_up"], strict=True) if up is not None}
