"""SNMP devices of our own: a table of objects, and the honest answer to any question about it (RFC 3416 section 4.2)."""

from __future__ import annotations

import time
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from support import snmp_message as snmp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: An answer ends before it gets larger than this (octets), so that it fits into one Ethernet frame.
MAX_ANSWER: Final = 1400
SYS_UP_TIME: Final = "1.3.6.1.2.1.1.3.0"
IF_ENTRY: Final = "1.3.6.1.2.1.2.2.1"
IF_X_ENTRY: Final = "1.3.6.1.2.1.31.1.1.1"
#: enterprises.99999 belongs to nobody: a device without a profile of its own.
NOBODY: Final = "1.3.6.1.4.1.99999.1"

#: Name and encoded value.
Pair = tuple[str, bytes]


class Table:
    """The objects of one device, encoded, in their order. ``moving`` are encoded anew for each answer."""

    def __init__(self, values: Mapping[str, bytes], moving: Mapping[str, Callable[[], bytes]] | None = None) -> None:
        """Sort; ``values`` has a value for every name of ``moving`` too."""
        self.values = dict(values)
        self.moving = dict(moving or {})
        self._order = sorted((snmp.numbers_of(name), name) for name in values)
        self._keys = [key for key, _ in self._order]

    def value(self, name: str) -> bytes:
        """Return an encoded value, or noSuchInstance."""
        if name in self.moving:
            return self.moving[name]()
        return self.values.get(name) or snmp.tlv(snmp.NO_SUCH_INSTANCE, b"")

    def following(self, name: str) -> str | None:
        """Return the next name after one, None at the end."""
        at = bisect_right(self._keys, snmp.numbers_of(name))
        return self._order[at][1] if at < len(self._order) else None

    def plain(self, names: Iterator[str] | list[str]) -> dict[str, snmp.Plain]:
        """Return the values that exist, as a session hands them over."""
        found = {}
        for name in names:
            if name in self.values:
                tag, begin, end = snmp.element(self.values[name], 0, len(self.values[name]))
                found[name] = snmp.plain(tag, self.values[name][begin:end])
        return found

    def column(self, prefix: str) -> dict[str, snmp.Plain]:
        """Return a column by the index of its rows."""
        names = [name for _, name in self._order if name.startswith(prefix + ".")]
        return {name[len(prefix) + 1 :]: value for name, value in self.plain(names).items()}


def pairs(table: Table, question: snmp.Message) -> list[Pair]:
    """Return what a device with ``table`` answers."""
    if question.kind == snmp.GET:
        return [(name, table.value(name)) for name in question.names]
    if question.kind == snmp.GET_NEXT:
        return [_next(table, name) for name in question.names]
    return list(_bulk(table, question))


def _next(table: Table, name: str) -> Pair:
    found = table.following(name)
    return (name, snmp.tlv(snmp.END_OF_MIB_VIEW, b"")) if found is None else (found, table.value(found))


def _bulk(table: Table, question: snmp.Message) -> Iterator[Pair]:
    """GETBULK: status is non-repeaters, index is max-repetitions."""
    single, at, size = question.names[: question.status], question.names[question.status :], 0
    for name in single:
        yield _next(table, name)
    for _ in range(question.index):
        row = [_next(table, name) for name in at]
        size += sum(len(value) + len(name) for name, value in row)
        if size > MAX_ANSWER or not row:
            return
        yield from row
        at = [name for name, _ in row]
        if all(value[0] == snmp.END_OF_MIB_VIEW for _, value in row):
            return


def encoded(bindings: list[Pair]) -> list[bytes]:
    """Encode the variable bindings of an answer."""
    return [snmp.binding(snmp.oid(name), value) for name, value in bindings]


def answer(table: Table, question: snmp.Message) -> bytes:
    """Encode the honest answer to a question of version 1 or 2c."""
    found = pairs(table, question)
    status = index = 0
    if question.version == snmp.V1:
        index = absent(found)
        if index:  # RFC 1157 section 4.1.2: noSuchName, and the question's own bindings
            status, found = 2, [(name, snmp.tlv(snmp.NULL, b"")) for name in question.names]
    body = snmp.pdu(snmp.RESPONSE, question.request_id, encoded(found), status=status, index=index)
    return snmp.message(question.version, question.community, body)


def absent(bindings: list[Pair]) -> int:
    """Return the place (from 1) of the first object that does not exist, 0 when all do."""
    return next((place for place, (_, value) in enumerate(bindings, 1) if value[0] in snmp.EXCEPTIONS), 0)


def router(number: int, rows: int, *, object_id: str = NOBODY) -> Table:
    """Return a router with so many interfaces up; every value has ``number`` in it, so that no other router has the same."""
    began = time.monotonic()

    def up_time() -> bytes:
        return snmp.number(360_000 + int((time.monotonic() - began) * 100), snmp.TIME_TICKS)

    values = {
        "1.3.6.1.2.1.1.1.0": snmp.octets(b"synthetic router %d" % number),
        "1.3.6.1.2.1.1.2.0": snmp.oid(object_id),
        SYS_UP_TIME: snmp.number(360_000, snmp.TIME_TICKS),
        "1.3.6.1.2.1.1.5.0": snmp.octets(b"router-%d" % number),
        "1.3.6.1.2.1.2.1.0": snmp.number(rows),
        "1.3.6.1.2.1.31.1.5.0": snmp.number(100, snmp.TIME_TICKS),
    }
    for row in range(1, rows + 1):
        values |= _row(number, row)
    return Table(values, {SYS_UP_TIME: up_time})


def counter(number: int, row: int, column: int) -> int:
    """Return the reading of a counter column: tells device, row and column."""
    return number * 10**9 + row * 10**5 + column


def _row(number: int, row: int) -> dict[str, bytes]:
    narrow = {10: 0, 11: 0, 13: 0, 14: 0, 16: 0, 17: 0, 19: 0, 20: 0}
    cells = {
        f"{IF_ENTRY}.{column}.{row}": snmp.number(counter(number, row, column) % 2**32, snmp.COUNTER32)
        for column in narrow
    }
    cells |= {
        f"{IF_X_ENTRY}.{column}.{row}": snmp.number(counter(number, row, column), snmp.COUNTER64)
        for column in (6, 7, 10, 11)
    }
    cells |= {
        f"{IF_ENTRY}.1.{row}": snmp.number(row),
        f"{IF_ENTRY}.2.{row}": snmp.octets(b"GigabitEthernet0/%d" % row),
        f"{IF_ENTRY}.3.{row}": snmp.number(6),
        f"{IF_ENTRY}.5.{row}": snmp.number(10**9, snmp.GAUGE32),
        f"{IF_ENTRY}.7.{row}": snmp.number(1),
        f"{IF_ENTRY}.8.{row}": snmp.number(1),
        f"{IF_X_ENTRY}.1.{row}": snmp.octets(b"Gi0/%d" % row),
        f"{IF_X_ENTRY}.15.{row}": snmp.number(1000, snmp.GAUGE32),
        f"{IF_X_ENTRY}.18.{row}": snmp.octets(b"leased line %d of router %d" % (row, number)),
        f"{IF_X_ENTRY}.19.{row}": snmp.number(0, snmp.TIME_TICKS),
    }
    return cells
