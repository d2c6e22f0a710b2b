"""From raw values to cells: expressions, and what a column takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from tslcd_agent.snmp.profile.document import Expression, Where
from tslcd_agent.snmp.profile.expression import evaluate, fit, is_numeric
from tslcd_agent.snmp.profile.rows import RowView
from tslcd_runtime.settings import loads
from tslcd_wire.catalogue import KINDS_BY_NAME, MAX_COUNTER

if TYPE_CHECKING:
    from tslcd_agent.snmp.session import Value

#: Scalars stand at the empty index; the columns 9.8 and 9.9 have rows.
SCALARS: dict[str, Value] = {
    "1.1.1": 42,
    "1.1.2": b"23 %",
    "1.1.3": b"",
    "1.1.4": b" v7.4.5,build2702 \0",
    "1.1.5": b"\x00\x1a\xff",
    "1.1.6": 0,
    "1.1.7": -1,
    "1.1.8": b"4.6 C",
    "1.1.9": "192.0.2.1",
    "1.1.10": 2**64 - 1,
    "1.1.11": math.nan,
    "1.1.12": 1.25,
    "1.1.13": b"-7",
}
COLUMNS: dict[str, dict[str, Value]] = {
    "1.9.8": {"1": 2, "2": 2, "10": 5, "11": 2},
    "1.9.9": {"1": 10, "2": b"30 %", "10": 90, "11": b"n/a"},
    "1.9.7": {"2": b"", "10": b"late", "11": b"last"},
}


def cell(column: str, text: str) -> Any:
    """Work out what stands in a profile for ``kind.column``."""
    kind, _, name = column.partition(".")
    target = KINDS_BY_NAME[kind].by_name[name]
    expression = loads(text.encode(), Expression).value
    view = RowView({**{oid: {"": value} for oid, value in SCALARS.items()}, **COLUMNS})
    return fit(target, expression, evaluate(expression, view, numeric=is_numeric(target)))


@pytest.mark.parametrize(
    ("column", "text", "wanted"),
    [
        ("device.memory_total_bytes", "oid: 1.1.1", 42),
        ("device.memory_total_bytes", "{oid: 1.1.1, scale: 1024}", 43008),
        ("device.cpu_utilization_ratio", "{oid: 1.1.2, scale: 0.01}", 0.23),
        ("device.cpu_utilization_ratio", "oid: 1.1.2", None),  # 23 is no ratio
        ("device.cpu_utilization_ratio", "{oid: 1.1.2, maximum: 100}", 23),  # unless the profile says so
        ("device.cpu_utilization_ratio", "oid: 1.1.3", None),
        ("device.cpu_utilization_ratio", "oid: 1.1.99", None),
        ("device.cpu_utilization_ratio", "oid: 1.1.11", None),
        ("ups.load_ratio", "{const: 1.1}", 1.1),
        ("ups.load_ratio", "{const: 9}", None),
        ("sensor.temperature_celsius", "oid: 1.1.8", 4.6),
        ("sensor.temperature_celsius", "oid: 1.1.13", -7),
        ("sensor.temperature_celsius", "{oid: 1.1.1, invalid: [42]}", None),
        ("sensor.temperature_celsius", "{oid: 1.1.1, invalid: ['42']}", None),
        ("sensor.temperature_celsius", "{oid: 1.1.2, invalid: ['23 %']}", None),
        ("sensor.temperature_celsius", "{oid: 1.1.13, invalid: [-7.0]}", None),
        ("sensor.temperature_celsius", "{oid: 1.1.1, minimum: 43}", None),
        ("sensor.temperature_celsius", "{oid: 1.1.1, offset: -2, maximum: 40}", 40),
        ("sensor.temperature_celsius", "{oid: 1.1.1, maximum: 41}", None),
        ("sensor.receive_power_dbm", "{oid: 1.1.1, scale: 0.001, decibel: true}", -13.76751),
        ("sensor.receive_power_dbm", "{oid: 1.1.6, decibel: true}", None),
        ("sensor.receive_power_dbm", "{oid: 1.1.7, scale: 0.01, decibel: true}", None),
        ("sensor.receive_power_dbm", "{oid: 1.1.12, decibel: true}", 0.9691001),
        ("device.model", "oid: 1.1.4", "v7.4.5,build2702"),
        ("device.model", "oid: 1.1.3", None),
        ("device.model", "oid: 1.1.1", "42"),
        ("device.model", "oid: 1.1.9", "192.0.2.1"),
        ("device.serial", "{oid: 1.1.5, text: hex}", "001aff"),
        ("device.serial", "oid: 1.1.5", "\x1a\ufffd".replace("\x1a", " ").strip()),
        ("device.software_version", "{oid: 1.1.4, pattern: 'v([0-9.]+)'}", "7.4.5"),
        ("device.software_version", "{oid: 1.1.4, pattern: 'build[0-9]+'}", "build2702"),
        ("device.software_version", "{oid: 1.1.4, pattern: 'nothing'}", None),
        ("firewall.ha_role", "{oid: 1.1.1, map: {42: active}}", "active"),
        ("firewall.ha_role", "{oid: 1.1.6, map: {42: active}}", None),
        ("firewall.ha_role", "{oid: 1.1.6, map: {42: active}, map_else: unknown}", "unknown"),
        ("firewall.ha_role", "{oid: 1.1.13, map: {'-7': passive}}", "passive"),
        ("firewall.ha_role", "{const: standalone}", "standalone"),
        ("firewall.ha_peer_up", "{oid: 1.1.6}", 0),
        ("firewall.ha_peer_up", "{oid: 1.1.1}", None),
        ("firewall.ha_peer_up", "{oid: 1.1.1, map: {42: 1}}", 1),
        ("tunnel.receive_bytes_total", "oid: 1.1.10", MAX_COUNTER),
        ("tunnel.receive_bytes_total", "{oid: 1.1.10, scale: 2}", None),
        ("tunnel.receive_bytes_total", "oid: 1.1.7", None),
        ("tunnel.receive_bytes_total", "{oid: 1.1.12, scale: 1000}", 1250),
        ("ups.input_voltage_volts", "first: [{oid: 1.1.3}, {oid: 1.1.99}, {oid: 1.1.1}]", 42),
        ("device.model", "first: [{oid: 1.1.3}, {oid: 1.1.4}]", "v7.4.5,build2702"),
        ("ups.battery_charge_ratio", "ratio: [{oid: 1.1.1}, {const: 84}]", 0.5),
        ("ups.battery_charge_ratio", "ratio: [{oid: 1.1.1}, {oid: 1.1.6}]", None),
        ("path.loss_ratio", "{ratio: [{const: 3}, {const: 4}], scale: -1, offset: 1}", 0.25),
        ("ups.input_voltage_volts", "sum: [{oid: 1.1.1}, {oid: 1.1.8}]", 46.6),
        ("ups.input_voltage_volts", "sum: [{oid: 1.1.1}, {oid: 1.1.99}]", None),
        ("ups.input_voltage_volts", "difference: [{oid: 1.1.1}, {const: 2}]", 40),
        ("device.memory_total_bytes", "product: [{oid: 1.1.1}, {const: 1024}]", 43008),
        ("device.memory_total_bytes", "product: [{oid: 1.1.10}, {oid: 1.1.10}]", None),
        ("device.cpu_utilization_ratio", "{oid: 1.9.9, aggregate: mean, scale: 0.01}", 0.4333333),
        ("device.cpu_utilization_ratio", "{oid: 1.9.9, aggregate: max, scale: 0.01}", 0.9),
        ("device.cpu_utilization_ratio", "{oid: 1.9.9, aggregate: min, scale: 0.01}", 0.1),
        ("firewall.sessions", "{oid: 1.9.9, aggregate: sum}", 130),
        ("firewall.sessions", "{oid: 1.9.9, aggregate: count}", 3),
        ("firewall.sessions", "{oid: 1.9.6, aggregate: count}", None),
        ("firewall.sessions", "{oid: 1.9.9, aggregate: sum, where: {oid: 1.9.8, in: [2]}}", 40),
        ("firewall.sessions", "{oid: 1.9.9, aggregate: first, where: {oid: 1.9.8, not_in: [2]}}", 90),
        ("firewall.sessions", "{oid: 1.9.9, aggregate: sum, where: {index: '^1'}}", 100),
        ("firewall.sessions", "{oid: 1.9.9, aggregate: sum, where: {oid: 1.9.7, pattern: '^l'}}", 90),
        ("device.model", "{oid: 1.9.7, aggregate: first}", "late"),
        ("device.memory_utilization_ratio", "ratio: [{oid: 1.9.9, aggregate: min}, {oid: 1.9.9, aggregate: sum}]", 0.07692308),
    ],
)  # fmt: skip
def test_value(column: str, text: str, wanted: Any) -> None:
    """What stands in a profile gives this cell; None is what cannot be known."""
    assert cell(column, text) == wanted


def test_long_text_of_a_device_is_looked_at_in_part() -> None:
    """A text of a megabyte costs no more than the first of it, and what is kept of it fits into the wire."""
    column = KINDS_BY_NAME["device"].by_name["model"]
    view = RowView({"1.1.1": {"": b"A" * 2**20 + b"!"}})
    assert fit(column, None, evaluate(Expression(oid="1.1.1"), view, numeric=False)) == "A" * 256
    assert evaluate(Expression(oid="1.1.1", pattern="!"), view, numeric=False) is None


def test_numbers_of_impossible_length_are_nothing() -> None:
    """Digits without end are no number, and neither are integers that no SNMP type can have."""
    column = KINDS_BY_NAME["firewall"].by_name["sessions"]
    for raw in (b"9" * 1000, 10**400, b"1." + b"0" * 900 + b"e"):
        cell = fit(column, None, evaluate(Expression(oid="1.1.1"), RowView({"1.1.1": {"": raw}}), numeric=True))
        assert cell is None or (isinstance(cell, int | float) and math.isfinite(cell))


def test_where_without_a_cell() -> None:
    """A row without the deciding cell counts only where something is to be left out."""
    view = RowView({"1.9.9": {"1": 10}, "1.9.8": {}})
    assert view.column("1.9.9", Where(oid="1.9.8", in_=(1,))) == {}
    assert view.column("1.9.9", Where(oid="1.9.8", pattern="x")) == {}
    assert view.column("1.9.9", Where(oid="1.9.8", not_in=(1,))) == {"1": 10}
