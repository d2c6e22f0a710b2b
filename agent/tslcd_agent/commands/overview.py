"""The state of a site as one screen has it: devices, interfaces and probes, with rates made of two readings. Pure.

Invariants:

* A rate needs two readings of a counter; one that went back, or an interface that was not there before, has none.
* A device that did not answer keeps its last interfaces on the screen, marked as old: silence must not look like health.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tslcd_agent.readings import Reading
    from tslcd_wire.report import Table

_BITS: Final = 8
_RATES: Final = {
    "receive_bytes_total": ("receive_bits_per_second", _BITS),
    "transmit_bytes_total": ("transmit_bits_per_second", _BITS),
    "receive_errors_total": ("errors_per_second", 1),
    "transmit_errors_total": ("errors_per_second", 1),
}


@dataclass(slots=True)
class InterfaceLine:
    """One interface. ``up``: None when not known; rates are None until two readings agree on the counters."""

    device: str
    name: str
    up: bool | None
    enabled: bool | None
    alias: str = ""
    speed_bits_per_second: float | None = None
    receive_bits_per_second: float | None = None
    transmit_bits_per_second: float | None = None
    errors_per_second: float | None = None
    old: bool = False


@dataclass(slots=True)
class DeviceLine:
    """One device: ``state`` of its last poll (a word of ``device.snmp_state``), and what its profile gives."""

    name: str
    state: str
    complete: bool = True
    duration_seconds: float | None = None
    uptime_seconds: float | None = None
    cpu_utilization_ratio: float | None = None
    memory_utilization_ratio: float | None = None
    model: str = ""


@dataclass(slots=True)
class ProbeLine:
    """One probe: ``outcome`` is a word of ``probe.outcome``."""

    name: str
    outcome: str
    loss_ratio: float | None = None
    rtt_seconds: float | None = None
    jitter_seconds: float | None = None


@dataclass(slots=True)
class _Counters:
    mono: float
    values: dict[str, int] = field(default_factory=dict)


class Overview:
    """Takes readings, keeps lines."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.devices: dict[str, DeviceLine] = {}
        self.probes: dict[str, ProbeLine] = {}
        self._interfaces: dict[str, dict[str, InterfaceLine]] = {}
        self._counters: dict[tuple[str, str], _Counters] = {}

    async def take(self, reading: Reading) -> None:
        """Take a reading; a :data:`~tslcd_agent.readings.Submit`."""
        for line in _rows(reading.tables.get("device")):
            self.devices[reading.device] = _device(reading.device, line)
        if "interface" in reading.tables:
            self._interfaces[reading.device] = {
                name: self._interface(reading, name, line)
                for line in _rows(reading.tables["interface"])
                if (name := line["key"])
            }
        else:
            for old in self._interfaces.get(reading.device, {}).values():
                old.old = True
        for event in reading.events:
            changed = self._interfaces.get(reading.device, {}).get(event.key)
            if changed is not None:
                changed.up = event.up
        for line in _rows(reading.tables.get("probe")):
            self.probes[line["key"]] = ProbeLine(
                line["key"],
                line.get("outcome") or "",
                line.get("loss_ratio"),
                line.get("rtt_seconds"),
                line.get("jitter_seconds"),
            )

    def interfaces(self) -> Iterator[InterfaceLine]:
        """Yield every interface, in the order of devices and of their tables."""
        for lines in self._interfaces.values():
            yield from lines.values()

    def _interface(self, reading: Reading, name: str, line: Mapping[str, Any]) -> InterfaceLine:
        made = InterfaceLine(
            reading.device,
            name,
            _flag(line.get("oper_up")),
            _flag(line.get("admin_up")),
            line.get("alias") or "",
            line.get("speed_bits_per_second"),
        )
        now = _Counters(reading.mono, {column: value for column in _RATES if (value := line.get(column)) is not None})
        before = self._counters.get((reading.device, name))
        self._counters[reading.device, name] = now
        if before is not None and (seconds := now.mono - before.mono) > 0:
            for column, (rate, factor) in _RATES.items():
                grown = now.values.get(column, -1) - before.values.get(column, 0)
                if column in now.values and column in before.values and grown >= 0:
                    setattr(made, rate, (getattr(made, rate) or 0.0) + grown * factor / seconds)
        return made


def _device(name: str, line: Mapping[str, Any]) -> DeviceLine:
    return DeviceLine(
        name,
        line.get("snmp_state") or "",
        line.get("poll_complete") != 0,
        line.get("poll_duration_seconds"),
        line.get("uptime_seconds"),
        line.get("cpu_utilization_ratio"),
        line.get("memory_utilization_ratio"),
        " ".join(part for part in (line.get("vendor"), line.get("model")) if part),
    )


def _flag(cell: int | None) -> bool | None:
    return None if cell is None else bool(cell)


def _rows(table: Table | None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a columnar table."""
    if table is not None:
        for index in range(len(table["key"])):
            yield {column: cells[index] for column, cells in table.items()}
