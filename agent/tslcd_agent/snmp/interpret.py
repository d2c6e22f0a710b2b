"""Raw SNMP values to the catalogue's tables ``device`` and ``interface``. Pure: no socket, no clock.

Invariants:

* An interface is its name: ifName, else ifDescr, else ``if<index>``. Of several with one name the lowest ifIndex keeps it,
  the others get ``#<index>``. Indexes may change at any time; names are what history is kept under.
* A value that is absent, of the wrong type or impossible is ``None``, and a column of nothing but ``None`` is left out.
* ``oper_up`` is 1 for up(1); 0 for down(2), testing(3), dormant(5), notPresent(6) and lowerLayerDown(7), which carry no
  traffic (RFC 2863 section 3.1.14); ``None`` for unknown(4), where the device itself does not know.
* Whatever bytes a device calls a name, the table's keys and texts satisfy the wire contract.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from tslcd_agent.snmp import objects as mib
from tslcd_wire.catalogue import INTERFACE, MAX_COUNTER, MAX_KEY_CHARS
from tslcd_wire.codec import clean_key, clean_text
from tslcd_wire.report import MAX_EVENTS, MAX_ROWS, Event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tslcd_agent.config import Interfaces
    from tslcd_agent.errors import SnmpCode
    from tslcd_agent.snmp.session import Value
    from tslcd_wire.report import Table, Tables

    Values = Mapping[str, Value]

_OPER: Final = {1: 1, 2: 0, 3: 0, 5: 0, 6: 0, 7: 0}
_ADMIN: Final = {1: 1, 2: 0, 3: 0}
_ORDER: Final = tuple(INTERFACE.by_name)


def text_of(value: Value) -> str:
    """Return any value as text: bytes as UTF-8, with U+FFFD for what is not."""
    if value is None:
        return ""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _counter(value: Value) -> int | None:
    return value if isinstance(value, int) and 0 <= value <= MAX_COUNTER else None


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


def rows(names: Values, descriptions: Values, aliases: Values, wanted: Interfaces) -> tuple[Row, ...]:
    """Return the wanted interfaces in the order of ifIndex; the arguments map an index to ifName, ifDescr and ifAlias."""
    result: list[Row] = []
    taken: set[str] = set()
    for index in sorted({*names, *descriptions}, key=_index_order):
        name = names.get(index)
        key = clean_key(text_of(name)) or clean_key(text_of(descriptions.get(index))) or f"if{index}"
        if not is_wanted(key, wanted):
            continue
        if key in taken:
            suffix = f"#{index}"
            key = f"{key[: MAX_KEY_CHARS - len(suffix)]}{suffix}"
        if key in taken or len(result) >= MAX_ROWS:
            continue
        taken.add(key)
        named = index in names
        raw = name if named else descriptions.get(index)
        result.append(Row(index, key, raw, named, clean_text(text_of(aliases.get(index)))))
    return tuple(result)


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
    """

    rows: tuple[Row, ...]
    keys: tuple[str, ...] = ()
    names: tuple[tuple[str, Value], ...] = ()
    cells: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    fixed: Mapping[str, list[Any]] = field(default_factory=dict)

    def oids(self) -> list[str]:
        """Return everything to ask for, what tells most first."""
        wanted = [oid for oid, _ in self.names]
        for column in self.cells.values():
            wanted += [oid for oid in column if oid is not None]
        return wanted

    def moved(self, values: Values) -> bool:
        """Whether a row vanished or got another name."""
        return any(values.get(oid) != name for oid, name in self.names)


def wide_oids(found: Sequence[Row]) -> list[str]:
    """Return what discovery asks about ``found`` rows first."""
    columns = (mib.IF_HIGH_SPEED, *(counter.wide for counter in mib.COUNTERS if counter.wide))
    return [f"{column}.{row.index}" for column in columns for row in found]


def narrow_oids(found: Sequence[Row], values: Values) -> list[str]:
    """Return what discovery asks next: where the 64-bit objects are absent, their elders."""
    wanted = [f"{mib.IF_SPEED}.{row.index}" for row in found if not values.get(f"{mib.IF_HIGH_SPEED}.{row.index}")]
    wanted += [
        f"{counter.narrow}.{row.index}"
        for counter in mib.COUNTERS
        for row in found
        if counter.wide is None or f"{counter.wide}.{row.index}" not in values
    ]
    return wanted


def status_oids(found: Sequence[Row]) -> list[str]:
    """Return the objects that every row should have."""
    return [f"{column}.{row.index}" for column in (mib.IF_OPER_STATUS, mib.IF_ADMIN_STATUS) for row in found]


def plan(found: tuple[Row, ...], values: Values) -> Plan:
    """Make the plan from what discovery found: objects that exist are asked for from now on."""

    def first(row: Row, *columns: str | None) -> str | None:
        return next((oid for column in columns if column and (oid := f"{column}.{row.index}") in values), None)

    cells: dict[str, tuple[str | None, ...]] = {
        "oper_up": tuple(first(row, mib.IF_OPER_STATUS) for row in found),
        "admin_up": tuple(first(row, mib.IF_ADMIN_STATUS) for row in found),
    }
    for counter in mib.COUNTERS:
        cells[counter.column] = tuple(first(row, counter.wide, counter.narrow) for row in found)
    fixed: dict[str, list[Any]] = {
        "speed_bits_per_second": [_speed(row, values) for row in found],
        "alias": [row.alias or None for row in found],
    }
    # a device without ifXTable is held to ifDescr
    names = tuple(
        (f"{mib.IF_NAME if row.named else mib.IF_DESCR}.{row.index}", row.name) for row in found if row.name is not None
    )
    return Plan(rows=found, keys=tuple(row.key for row in found), names=names, cells=cells, fixed=fixed)


def _speed(row: Row, values: Values) -> float | None:
    """Return bits per second: ifHighSpeed counts 10**6; zero says that the interface has no such thing (RFC 2863)."""
    high, low = values.get(f"{mib.IF_HIGH_SPEED}.{row.index}"), values.get(f"{mib.IF_SPEED}.{row.index}")
    if isinstance(high, int) and high > 0:
        return high * 1e6
    return float(low) if isinstance(low, int) and low > 0 else None


def interface_table(asked: Plan, values: Values) -> Table | None:
    """Make the table ``interface``; None when there is no row."""
    if not asked.rows:
        return None
    columns: dict[str, list[Any]] = dict(asked.fixed)
    for column, oids in asked.cells.items():
        raw = [values.get(oid) if oid is not None else None for oid in oids]
        match column:
            case "oper_up":
                columns[column] = [_OPER.get(cell) if isinstance(cell, int) else None for cell in raw]
            case "admin_up":
                columns[column] = [_ADMIN.get(cell) if isinstance(cell, int) else None for cell in raw]
            case _:
                columns[column] = [_counter(cell) for cell in raw]
    table: Table = {"key": list(asked.keys)}
    for column in _ORDER:
        cells = columns.get(column)
        if cells is not None and any(cell is not None for cell in cells):
            table[column] = cells
    return table


def device_table(values: Values, *, duration: float, interfaces: int) -> Table:
    """Make the table ``device`` of a round that was answered. ``duration`` in seconds."""
    ticks = values.get(mib.SYS_UP_TIME)
    table: Table = {"key": [""], "snmp_up": [1], "snmp_state": ["ok"]}
    if isinstance(ticks, int) and ticks >= 0:
        table["uptime_seconds"] = [ticks / 100]  # TimeTicks, RFC 2578 section 7.1.8
    table["poll_duration_seconds"] = [duration]
    table["interfaces"] = [interfaces]
    for column, oid in (("sys_name", mib.SYS_NAME), ("sys_descr", mib.SYS_DESCR), ("sys_object_id", mib.SYS_OBJECT_ID)):
        text = clean_text(text_of(values.get(oid)))
        if text:
            table[column] = [text]
    return table


def failure_tables(state: SnmpCode | str, *, duration: float) -> Tables:
    """Make the tables of a round without an answer; ``state`` is one of the catalogue's SNMP_STATES, ``duration`` in seconds."""
    return {
        "device": {"key": [""], "snmp_up": [0], "snmp_state": [state], "poll_duration_seconds": [duration]},
    }


def operational(table: Table | None) -> dict[str, int]:
    """Return what is known of ``oper_up`` by key."""
    if table is None or "oper_up" not in table:
        return {}
    return {key: up for key, up in zip(table["key"], table["oper_up"], strict=True) if up is not None}


def link_events(before: Mapping[str, int], now: Mapping[str, int], at: float) -> tuple[Event, ...]:
    """Return the changes between two rounds, at most as many as a report holds; ``at`` is when the later one was measured."""
    changed = [key for key, up in now.items() if before.get(key, up) != up]
    return tuple(Event(kind="link", key=key, up=bool(now[key]), at=at, source="poll") for key in changed[:MAX_EVENTS])
