"""Tables of a device to rows of the catalogue: names, choice of rows, joins, sensors of the standard MIBs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tslcd_agent.snmp.profile.document import Table
from tslcd_agent.snmp.profile.rows import index_strings, merged, rows
from tslcd_agent.snmp.profile.standards import scaled
from tslcd_runtime.settings import loads
from tslcd_wire.catalogue import KINDS_BY_NAME

if TYPE_CHECKING:
    from tslcd_agent.snmp.session import Value

    Columns = dict[str, dict[str, Value]]

NAME, HEAT, STATE, OTHER = "1.9.1", "1.9.2", "1.9.3", "1.8.1"


def told(text: str, columns: Columns, kind: str = "sensor") -> dict[str, dict[str, Any]]:
    """Return the rows by key, without empty cells."""
    table = loads(f"{{id: t, kind: {kind}, {text}}}".encode(), Table).value
    made = merged(KINDS_BY_NAME[kind], [rows(table, columns)])
    if made is None:
        return {}
    return {
        key: {name: cells[n] for name, cells in made.items() if name != "key" and cells[n] is not None}
        for n, key in enumerate(made["key"])
    }


HEATED = f"columns: {{temperature_celsius: {{oid: {HEAT}}}, type: {{const: heat}}}}"
COLUMNS: Columns = {
    NAME: {"1": b"cpu", "2": b"cpu", "10": b"", "11": b"a\x07b"},
    HEAT: {"1": 40, "2": 41, "10": 42, "11": 43, "12": b"hot"},
    STATE: {"1": 1, "2": 1, "10": 2},
}


def test_names_of_rows() -> None:
    """The first of a name keeps it in the order of indexes, an empty name is the index, and nothing odd is in a name."""
    assert told(f"key: {{oid: {NAME}}}, {HEATED}", COLUMNS) == {
        "cpu": {"temperature_celsius": 40, "type": "heat"},
        "cpu#2": {"temperature_celsius": 41, "type": "heat"},
        "10": {"temperature_celsius": 42, "type": "heat"},
        "a b": {"temperature_celsius": 43, "type": "heat"},
    }


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("{index: true}", ["3.1", "3.2"]),
        ("{index: true, template: 'fan {index}'}", ["fan 3.1", "fan 3.2"]),
        ("{template: '{name} of {other}', name: {oid: 1.9.1, map: {a: Alpha, b: Beta}}, other: {const: rack}}", ["Alpha of rack", "Beta of rack"]),
        ("{join: {oid: 1.8.1, index: 1}, template: '{name}/{index}'}", ["chassis/3.1", "chassis/3.2"]),
        ("{join: {oid: 1.8.2, index: -1}}", ["one", "two"]),
        ("{join: {oid: 1.8.1, drop: 1}, template: '{name} {index}'}", ["chassis 3.1", "chassis 3.2"]),
        ("{join: {oid: 1.8.2, by: 1.9.4}}", ["two", "one"]),
        ("{join: {oid: 1.8.2, index: 7}}", ["3.1", "3.2"]),
        ("{oid: 1.9.1, pattern: '^(a)', map: {a: first}}", ["first", "b"]),
        ("{oid: 1.9.5, text: hex}", ["00ff", "0aff"]),
    ],
)  # fmt: skip
def test_forms_of_keys(key: str, names: list[str]) -> None:
    """Every form of a key gives these names."""
    columns: Columns = {
        "1.9.1": {"3.1": b"a", "3.2": b"b"},
        HEAT: {"3.1": 1, "3.2": 2},
        "1.9.4": {"3.1": 2, "3.2": 1},
        "1.9.5": {"3.1": b"\x00\xff", "3.2": b"\x0a\xff"},
        "1.8.1": {"3": b"chassis"},
        "1.8.2": {"1": b"one", "2": b"two"},
    }
    assert list(told(f"key: {key}, {HEATED}", columns)) == names


def test_texts_in_an_index() -> None:
    """Texts stand in an index with their length before them; what is none is left as the index it is."""
    assert index_strings("3.97.98.99.2.100.101.1", 2) == ["abc", "de"]
    assert index_strings("3.97.98", 1) == []
    assert index_strings("1.300", 1) == []
    assert index_strings("", 1) == []
    columns: Columns = {HEAT: {"2.114.116.4.119.97.110.49.7": 1, "9.9": 2}}
    text = "columns: {rtt_seconds: {oid: 1.9.2}}"
    assert list(told(f"key: {{strings: 2}}, {text}", columns, "path")) == ["rt/wan1", "9.9"]
    key = "{strings: 2, template: '{string2} ({string1})'}"
    assert list(told(f"key: {key}, {text}", columns, "path")) == ["wan1 (rt)", "()"]


def test_rows_that_count() -> None:
    """``where`` leaves rows out; a row without a measured cell is none; ``rows`` bounds, ``newest`` keeps the last of a name."""
    where = f"where: {{oid: {STATE}, in: [1]}}"
    assert list(told(f"key: {{index: true}}, {where}, {HEATED}", COLUMNS)) == ["1", "2"]
    assert list(told(f"key: {{index: true}}, where: {{index: '^1'}}, {HEATED}", COLUMNS)) == ["1", "10", "11"]
    assert list(told(f"key: {{index: true}}, rows: 2, {HEATED}", COLUMNS)) == ["1", "2"]
    newest = told(f"key: {{oid: {NAME}}}, newest: true, {HEATED}", COLUMNS)
    assert newest["cpu"]["temperature_celsius"] == 41
    assert told("key: {oid: 1.9.1}, columns: {type: {const: heat}}", COLUMNS)["cpu"] == {"type": "heat"}


def test_tables_of_one_kind_are_one_table() -> None:
    """Two tables make one; names stay unique, a column that one of them lacks is empty there."""
    one = loads(f"{{id: a, kind: sensor, key: {{oid: {NAME}}}, {HEATED}}}".encode(), Table).value
    two = loads(b"{id: b, kind: sensor, key: {oid: 1.9.1}, columns: {speed_rpm: {oid: 1.9.3}}}", Table).value
    made = merged(KINDS_BY_NAME["sensor"], [rows(one, COLUMNS), rows(two, COLUMNS)])
    assert made is not None
    assert made["key"] == ["cpu", "cpu#2", "10", "a b", "cpu#1", "10#10"]
    assert made["speed_rpm"] == [None, None, None, None, 1, 2]
    assert "voltage_volts" not in made


@pytest.mark.parametrize(
    ("value", "scale", "precision", "wanted"),
    [
        (425, 9, 1, 42.5),
        (42500, 8, 0, 42.5),
        (3, 10, 0, 3000.0),
        (12, 9, -2, 12.0),
        (12, 99, 99, 12.0),
        (12, None, None, 12.0),
        (1_000_000_000, 9, 0, None),
        (-1_000_000_000, 9, 0, None),
        (b"12", 9, 0, None),
    ],
)
def test_readings_of_rfc_3433(value: object, scale: object, precision: object, wanted: float | None) -> None:
    """A reading has decimal places and a power of a thousand; the outermost values are none."""
    assert scaled(value, scale, precision) == wanted


def test_sensors_of_entity_mib() -> None:
    """Types become columns; optical power goes by the sensor's name; a sensor that is not ok has no reading."""
    entry, physical = "1.3.6.1.2.1.99.1.1.1", "1.3.6.1.2.1.47.1.1.1.1"
    sensors = [
        (b"inlet", 8, 9, 1, 235, 1),
        (b"fan", 10, 9, 0, 4200, 1),
        (b"rx power Gi1", 6, 6, 0, 500_000, 1),
        (b"Gi1 Transmit Power", 14, 9, 1, -35, 1),
        (b"psu", 6, 9, 0, 350, 1),
        (b"humid", 9, 9, 0, 55, 1),
        (b"broken", 8, 9, 0, 20, 3),
        (b"mystery", 1, 9, 0, 20, 1),
        (b"dbm of what", 14, 9, 1, -35, 1),
        (b"tx dark", 6, 9, 0, 0, 1),
    ]
    columns: Columns = {f"{physical}.7": {str(n): one[0] for n, one in enumerate(sensors)}}
    columns |= {f"{entry}.{c}": {str(n): one[c] for n, one in enumerate(sensors)} for c in range(1, 6)}
    assert told("standard: entity-sensor", columns) == {
        "inlet": {"status": "ok", "temperature_celsius": 23.5, "type": "temperature"},
        "fan": {"status": "ok", "speed_rpm": 4200.0, "type": "fan"},
        "rx power Gi1": {"status": "ok", "receive_power_dbm": -3.0103, "type": "optical"},
        "Gi1 Transmit Power": {"status": "ok", "transmit_power_dbm": -3.5, "type": "optical"},
        "psu": {"status": "ok", "power_watts": 350.0, "type": "power"},
        "humid": {"status": "ok", "humidity_ratio": 0.55, "type": "humidity"},
        "broken": {"status": "failed", "type": "temperature"},
        "tx dark": {"status": "ok", "type": "optical"},
    }
    del columns[f"{physical}.7"]
    columns[f"{physical}.2"] = {"0": b"by description"}
    assert list(told("standard: entity-sensor, rows: 1", columns)) == ["by description"]
