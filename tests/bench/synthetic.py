"""Readings of routers that do not exist, as our reports and as the peer's messages: the same cells in both.

A sample is a number. The texts and the SNMP state of our reports come on top, unpaid: the peer has nothing like them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tslcd_wire import codec
from tslcd_wire.catalogue import DEVICE, INTERFACE, Column, Type
from tslcd_wire.report import Report
from tslcd_wire.topics import Lane, Topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tslcd_wire.report import Table

#: Topic and payload.
Message = tuple[str, bytes]
_NUMBERS: Final = (Type.GAUGE, Type.COUNTER, Type.BOOL)
INTERFACE_COLUMNS: Final = tuple(column for column in INTERFACE.columns if column.type in _NUMBERS)
DEVICE_COLUMNS: Final = tuple(column for column in DEVICE.columns if column.type in _NUMBERS)
#: Top of the peer's topics.
PEER_ROOT: Final = "bench"


@dataclass
class Router:
    """One device of one agent; every reading moves its counters."""

    province: str
    agent: str
    device: str
    interfaces: int
    reading: int = 0

    @property
    def samples(self) -> int:
        """How many numbers one reading has."""
        return len(INTERFACE_COLUMNS) * self.interfaces + len(DEVICE_COLUMNS)

    def advance(self) -> None:
        """Measure again."""
        self.reading += 1

    def _cell(self, column: Column, row: int) -> float:
        match column.type:
            case Type.BOOL:
                return 1
            case Type.COUNTER if "bytes" in column.name:
                return 812_345_678_901 + row * 7_654_321 + self.reading * (12_345 + row)
            case Type.COUNTER if "packets" in column.name:
                return 1_234_567_890 + row * 54_321 + self.reading * (123 + row)
            case Type.COUNTER:
                return row * 3
            case _:
                return {"speed_bits_per_second": 1e9, "interfaces": float(self.interfaces)}.get(
                    column.name, 86_400.25 + self.reading
                )

    def _keys(self) -> list[str]:
        return [f"wan{row}" for row in range(1, self.interfaces + 1)]

    def report(self, *, seq: int, stream: str, at: float) -> Message:
        """Return our message of this reading."""
        keys = self._keys()
        interface: Table = {"key": [*keys]}
        for column in INTERFACE_COLUMNS:
            interface[column.name] = [self._cell(column, row) for row in range(len(keys))]
        interface["alias"] = [f"leased line {key}" for key in keys]
        device: Table = {"key": [""]}
        for column in DEVICE_COLUMNS:
            device[column.name] = [self._cell(column, 0)]
        device |= {"snmp_state": ["ok"], "sys_name": ["router"], "sys_descr": ["synthetic router of the bench"]}
        report = Report(
            agent=self.agent,
            stream=stream,
            seq=seq,
            at=at,
            boot="7c1e7c1e",
            mono=86_400.0 + self.reading,
            device=self.device,
            tables={"interface": interface, "device": device},
        )
        return str(Topic(self.province, self.agent, Lane.LIVE)), codec.encode(report)

    def messages_per_interface(self) -> Iterator[Message]:
        """Yield the peer's messages of this reading: one an interface, and one of the device."""
        for row, key in enumerate(self._keys()):
            cells = {column.name: self._cell(column, row) for column in INTERFACE_COLUMNS}
            yield self._peer_topic("interfaces", key), json.dumps(cells).encode()
        cells = {column.name: self._cell(column, 0) for column in DEVICE_COLUMNS}
        yield self._peer_topic("interfaces", "device"), json.dumps(cells).encode()

    def message_per_device(self) -> Iterator[Message]:
        """Yield the peer's one message of this reading, a field a cell."""
        cells = {
            f"{column.name}_{row}": self._cell(column, row)
            for row in range(self.interfaces)
            for column in INTERFACE_COLUMNS
        }
        cells |= {column.name: self._cell(column, 0) for column in DEVICE_COLUMNS}
        yield self._peer_topic("devices"), json.dumps(cells).encode()

    def _peer_topic(self, *levels: str) -> str:
        return "/".join((PEER_ROOT, levels[0], self.agent, self.device, *levels[1:]))


def fields_per_interface() -> Iterator[tuple[str, str, str]]:
    """Yield what the peer must know of :meth:`Router.messages_per_interface`: field, family, type."""
    for kind, columns in ((INTERFACE, INTERFACE_COLUMNS), (DEVICE, DEVICE_COLUMNS)):
        for column in columns:
            yield column.name, f"peer_{kind.name}_{column.name}", _peer_type(column)


def fields_per_device(interfaces: int) -> Iterator[tuple[str, str, str]]:
    """Yield what the peer must know of :meth:`Router.message_per_device`: field, family, type."""
    for row in range(interfaces):
        for column in INTERFACE_COLUMNS:
            yield f"{column.name}_{row}", f"peer_interface_{row}_{column.name}", _peer_type(column)
    for column in DEVICE_COLUMNS:
        yield column.name, f"peer_device_{column.name}", _peer_type(column)


def _peer_type(column: Column) -> str:
    return "counter" if column.type is Type.COUNTER else "gauge"
