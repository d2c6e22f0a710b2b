"""What a UPS says, and what it means: on battery or not, units that differ from maker to maker, numbers that are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.profiled import cells, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tslcd_agent.snmp.session import Value

STANDARD = "1.3.6.1.2.1.33.1"
APC = "1.3.6.1.4.1.318.1.1.1"
XUPS = "1.3.6.1.4.1.534.1"
MGE = "1.3.6.1.4.1.705.1"
HUAWEI = "1.3.6.1.4.1.2011.6.174.1"
LIEBERT = "1.3.6.1.4.1.476.1.42"
XPPC = "1.3.6.1.4.1.935.1.1.1"


async def ups(profile: str, objects: Mapping[str, Value]) -> dict[str, Any]:
    """Return the row of the UPS; empty when nothing is told of it."""
    return await cells(profile, "ups", objects)


@pytest.mark.parametrize(
    ("profile", "oid", "raw", "source", "on_battery"),
    [
        ("ups-mib", f"{STANDARD}.4.1.0", 3, "utility", 0),
        ("ups-mib", f"{STANDARD}.4.1.0", 5, "battery", 1),
        ("ups-mib", f"{STANDARD}.4.1.0", 2, "off", 0),
        ("ups-mib", f"{STANDARD}.4.1.0", 1, "unknown", None),
        ("apc-powernet", f"{APC}.4.1.1.0", 2, "utility", 0),
        ("apc-powernet", f"{APC}.4.1.1.0", 3, "battery", 1),
        ("apc-powernet", f"{APC}.4.1.1.0", 4, "booster", 0),
        ("apc-powernet", f"{APC}.4.1.1.0", 15, "battery", 1),
        ("apc-powernet", f"{APC}.4.1.1.0", 99, "unknown", None),
        ("eaton-ups", f"{XUPS}.4.5.0", 10, "utility", 0),
        ("eaton-ups", f"{XUPS}.4.5.0", 5, "battery", 1),
        ("huawei-ups", f"{HUAWEI}.2.101.1.1.1", 3, "utility", 0),
        ("huawei-ups", f"{HUAWEI}.2.101.1.1.1", 7, "battery", 1),
        ("huawei-ups", f"{HUAWEI}.2.101.1.1.1", 5, "unknown", None),
        ("vertiv-liebert", f"{LIEBERT}.3.5.3.55.0", 5, "battery", 1),
        ("phoenixtec-ups", f"{XPPC}.4.1.1.0", 3, "battery", 1),
        ("phoenixtec-ups", f"{XPPC}.4.1.1.0", 9, "reducer", 0),
    ],
)
async def test_what_feeds_the_load(profile: str, oid: str, raw: int, source: str, on_battery: int | None) -> None:
    """Every maker numbers the sources differently; what is not known is not on battery, and not off it either."""
    found = await ups(profile, {oid: raw})
    assert (found["source"], found.get("on_battery")) == (source, on_battery)


@pytest.mark.parametrize(("seconds", "on_battery"), [(0, 0), (1, 1), (4000, 1)])
async def test_seconds_on_battery_decide_where_the_source_does_not(seconds: int, on_battery: int) -> None:
    """The source (upsOutputSource) is other(1): a UPS that has run on battery for a second is on battery."""
    found = await ups("ups-mib", {f"{STANDARD}.4.1.0": 1, f"{STANDARD}.2.2.0": seconds})
    assert (found["on_battery"], found["on_battery_seconds"]) == (on_battery, seconds)


async def test_an_mge_ups_says_itself_that_it_is_on_battery() -> None:
    """upsmgOutputOnBattery, yes(1) and no(2), comes before the source."""
    for raw, expected in ((1, 1), (2, 0)):
        assert (await ups("eaton-ups", {f"{MGE}.7.3.0": raw, f"{XUPS}.4.5.0": 3}))["on_battery"] == expected


@pytest.mark.parametrize(
    ("profile", "objects", "seconds"),
    [
        ("ups-mib", {f"{STANDARD}.2.3.0": 30}, 1800),
        ("ups-mib", {f"{STANDARD}.2.3.0": 0}, None),
        ("ups-mib", {f"{STANDARD}.2.3.0": -1}, None),
        ("apc-powernet", {f"{APC}.2.2.3.0": 114_000}, 1140),
        ("eaton-ups", {f"{XUPS}.2.1.0": 17_218, f"{STANDARD}.2.3.0": 286}, 17_218),
        ("eaton-ups", {f"{XUPS}.2.1.0": 65_535, f"{MGE}.5.1.0": 65_535, f"{STANDARD}.2.3.0": 1092}, None),
        ("huawei-ups", {f"{HUAWEI}.6.100.1.4.1": 28_080, f"{STANDARD}.2.3.0": -1}, 28_080),
        ("huawei-ups", {f"{HUAWEI}.6.100.1.4.1": 2_147_483_647}, None),
        ("vertiv-liebert", {f"{STANDARD}.2.3.0": 12, f"{LIEBERT}.3.5.1.18.0": 99}, 720),
        ("vertiv-liebert", {f"{LIEBERT}.3.5.1.18.0": 12}, 720),
        ("phoenixtec-ups", {f"{XPPC}.2.2.4.0": 0, f"{STANDARD}.2.3.0": 0}, None),
        ("phoenixtec-ups", {f"{XPPC}.2.2.4.0": 900}, 900),
    ],
)
async def test_how_long_the_battery_lasts(profile: str, objects: dict[str, Value], seconds: float | None) -> None:
    """Minutes, seconds and hundredths become seconds; the numbers that mean "not known" become nothing."""
    assert (await ups(profile, objects)).get("battery_runtime_seconds") == seconds


@pytest.mark.parametrize(
    ("profile", "objects", "column", "expected"),
    [
        ("ups-mib", {f"{STANDARD}.2.4.0": 87}, "battery_charge_ratio", 0.87),
        ("ups-mib", {f"{STANDARD}.2.4.0": -1}, "battery_charge_ratio", None),
        ("ups-mib", {f"{STANDARD}.4.4.1.5.{n}": v for n, v in ((1, 21), (2, 116), (3, 12))}, "load_ratio", 1.16),
        ("ups-mib", {f"{STANDARD}.3.3.1.3.{n}": v for n, v in ((1, 238), (2, 0), (3, 0))}, "input_voltage_volts", 238),
        ("ups-mib", {f"{STANDARD}.3.3.1.3.1.0": 236}, "input_voltage_volts", 236),
        ("apc-powernet", {f"{APC}.2.3.1.0": 995, f"{APC}.2.2.1.0": 99}, "battery_charge_ratio", 0.995),
        ("apc-powernet", {f"{APC}.2.3.1.0": -1, f"{APC}.2.2.1.0": 99}, "battery_charge_ratio", 0.99),
        ("apc-powernet", {f"{APC}.3.3.1.0": 2304}, "input_voltage_volts", 230.4),
        ("apc-powernet", {f"{APC}.2.2.2.0": 27}, "temperature_celsius", 27),
        ("eaton-ups", {f"{MGE}.7.2.1.2.1": 2310}, "output_voltage_volts", 231),
        ("huawei-ups", {f"{HUAWEI}.3.100.1.1.1": 2347}, "input_voltage_volts", 234.7),
        ("huawei-ups", {f"{HUAWEI}.4.100.1.14.1": 200}, "load_ratio", 0.2),
        ("phoenixtec-ups", {f"{XPPC}.2.2.3.0": 315}, "temperature_celsius", 31.5),
    ],
)
async def test_units_of_every_maker(
    profile: str, objects: dict[str, Value], column: str, expected: float | None
) -> None:
    """Percent, tenths and whole units; the phase that is loaded most tells the load, also when it is overloaded."""
    found = (await ups(profile, objects)).get(column)
    assert found == (pytest.approx(expected) if expected is not None else None)


@pytest.mark.parametrize(
    ("profile", "objects", "status"),
    [
        ("ups-mib", {f"{STANDARD}.2.1.0": 2}, "ok"),
        ("ups-mib", {f"{STANDARD}.2.1.0": 3}, "low"),
        ("ups-mib", {f"{STANDARD}.2.1.0": 4}, "depleted"),
        ("ups-mib", {f"{STANDARD}.2.1.0": 1}, "unknown"),
        ("apc-powernet", {f"{APC}.2.1.1.0": 2, f"{APC}.2.2.4.0": 1}, "ok"),
        ("apc-powernet", {f"{APC}.2.1.1.0": 2, f"{APC}.2.2.4.0": 2}, "failed"),
        ("apc-powernet", {f"{APC}.2.1.1.0": 4}, "failed"),
        ("eaton-ups", {f"{MGE}.5.9.0": 2, f"{MGE}.5.11.0": 1, f"{STANDARD}.2.1.0": 2}, "failed"),
        ("eaton-ups", {f"{MGE}.5.14.0": 1, f"{STANDARD}.2.1.0": 2}, "low"),
        ("eaton-ups", {f"{MGE}.5.14.0": 2}, "ok"),
    ],
)
async def test_the_condition_of_the_battery(profile: str, objects: dict[str, Value], status: str) -> None:
    """A battery that has to be replaced has failed, however full it is."""
    assert (await ups(profile, objects))["battery_status"] == status


async def test_sensors_of_a_liebert_are_named_by_identifiers() -> None:
    """What is measured is an object identifier: known ones get words, others stay as they are."""
    table = f"{LIEBERT}.3.4.1.3.3.1"
    names = (f"{LIEBERT}.3.4.1.1.2", f"{LIEBERT}.3.4.1.1.99")
    objects: dict[str, Value] = {f"{table}.2.{n}": name for n, name in enumerate(names, 1)}
    objects |= {f"{table}.3.1": 23, f"{table}.3.2": 2_147_483_647, f"{table}.4.1": 30, f"{table}.4.2": 40}
    found = (await told("vertiv-liebert", objects))["sensor"]
    assert found["key"] == ["return air temperature", names[1]]
    assert found["temperature_celsius"] == [23, None]
    assert found["temperature_limit_celsius"] == [30, 40]
