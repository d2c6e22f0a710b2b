"""What a FortiGate says, and what it means: its role in a cluster, its own probes, tunnels, one table for all sensors.

The objects stand here as devices answer them; their numbers are repeated, so that a slip of the pen in the profile is seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.profiled import cells, column, rows

if TYPE_CHECKING:
    from tslcd_agent.snmp.session import Value

FORTIGATE = "1.3.6.1.4.1.12356.101"


@pytest.mark.parametrize(("state", "role"), [(1, "active"), (2, "passive"), (3, "standalone"), (9, "unknown")])
async def test_a_fortigate_is_what_its_root_domain_is(state: int, role: str) -> None:
    """The state (fgVdEntHaState) of the domain 1 decides; what the MIB does not know is unknown, not absent."""
    assert (await cells("fortinet-fortigate", "firewall", {f"{FORTIGATE}.3.2.1.1.4.1": state}))["ha_role"] == role


@pytest.mark.parametrize(("mode", "units", "peer"), [(1, 1, None), (3, 1, 0), (3, 2, 1), (2, 2, 1), (2, 4, 1)], ids=str)
async def test_a_fortigate_misses_a_peer_only_in_a_cluster(mode: int, units: int, peer: int | None) -> None:
    """The table fgHaStatsTable has a row for every unit that is there; a standalone unit has one row and no peer to miss."""
    for counted in ("3", "12"):
        objects = {f"{FORTIGATE}.13.1.1.0": mode, **column(f"{FORTIGATE}.13.2.1.1.{counted}", *[1] * units)}
        assert (await cells("fortinet-fortigate", "firewall", objects)).get("ha_peer_up") == peer


@pytest.mark.parametrize(
    ("state", "latency", "jitter", "loss", "expected"),
    [
        (
            0,
            b"12.340",
            b"0.500",
            b"0.000",
            {"up": 1, "rtt_seconds": 0.01234, "jitter_seconds": 0.0005, "loss_ratio": 0},
        ),
        (
            0,
            b"40.000",
            b"9.100",
            b"25.000",
            {"up": 1, "rtt_seconds": 0.04, "jitter_seconds": 0.0091, "loss_ratio": 0.25},
        ),
        (1, b"0.000", b"0.000", b"100.000", {"up": 0, "loss_ratio": 1}),
        (1, b"0.000", b"0.000", b"0.000", {"up": 0}),
    ],
    ids=["good", "lossy", "dead", "dead-and-never-measured"],
)
async def test_probes_of_a_fortigate(
    state: int, latency: bytes, jitter: bytes, loss: bytes, expected: dict[str, float]
) -> None:
    """Alive is 0. Texts in milliseconds and percent become seconds and shares; zeros of a dead link are no measurement."""
    monitor, health = f"{FORTIGATE}.4.8.2.1", f"{FORTIGATE}.4.9.2.1"
    objects: dict[str, Value] = {
        f"{monitor}.2.1": b"tslcd",
        f"{monitor}.3.1": state,
        f"{monitor}.4.1": latency,
        f"{monitor}.5.1": jitter,
        f"{monitor}.8.1": loss,
        f"{health}.2.1": b"centre",
        f"{health}.3.1": 2,
        f"{health}.4.1": state,
        f"{health}.5.1": latency,
        f"{health}.6.1": jitter,
        f"{health}.9.1": loss,
    }
    assert await rows("fortinet-fortigate", "path", objects) == {"tslcd": expected, "centre 2": expected}
    objects[f"{health}.14.1"] = b"wan1"
    assert set(await rows("fortinet-fortigate", "path", objects)) == {"tslcd", "centre wan1"}


async def test_tunnels_of_a_fortigate_are_named_by_both_phases() -> None:
    """Phase 2 is unique within phase 1 only; FortiOS 7 puts two numbers into the index. Down is 1, up is 2."""
    entry = f"{FORTIGATE}.12.2.2.1"
    objects: dict[str, Value] = {}
    for index, one, two, status in (("1.1", b"HQ", b"lan", 2), ("1.2", b"HQ", b"voice", 1), ("2.1", b"DR", b"lan", 2)):
        objects |= {f"{entry}.2.{index}": one, f"{entry}.3.{index}": two, f"{entry}.20.{index}": status}
        objects |= {f"{entry}.18.{index}": 2**40, f"{entry}.19.{index}": 7}
    assert {key: row["up"] for key, row in (await rows("fortinet-fortigate", "tunnel", objects)).items()} == {
        "HQ/lan": 1,
        "HQ/voice": 0,
        "DR/lan": 1,
    }
    assert (await rows("fortinet-fortigate", "tunnel", objects))["DR/lan"]["receive_bytes_total"] == 2**40


async def test_tunnels_of_a_fortigate_over_ipv6_are_told_once() -> None:
    """They are in the newer table only, which has the others too: of it the rows with an IPv6 gateway count."""
    old, new = f"{FORTIGATE}.12.2.2.1", f"{FORTIGATE}.12.4.2.1"
    objects: dict[str, Value] = {f"{old}.2.1.1": b"HQ", f"{old}.3.1.1": b"lan", f"{old}.20.1.1": 2}
    for index, family, name, status in (("1.1", 1, b"HQ", 2), ("2.1", 2, b"HQ6", 1), ("3.1", 2, b"DR6", 2)):
        objects |= {f"{new}.2.{index}": name, f"{new}.3.{index}": b"lan", f"{new}.4.{index}": family}
        objects |= {f"{new}.24.{index}": 2**40, f"{new}.25.{index}": 7, f"{new}.26.{index}": status}
    assert await rows("fortinet-fortigate", "tunnel", objects) == {
        "HQ/lan": {"up": 1},
        "HQ6/lan": {"up": 0, "receive_bytes_total": 2**40, "transmit_bytes_total": 7},
        "DR6/lan": {"up": 1, "receive_bytes_total": 2**40, "transmit_bytes_total": 7},
    }


async def test_sensors_of_a_fortigate_are_told_apart_by_name() -> None:
    """One table has all sensors, values as text; a power supply that is not plugged in has zeros and an alarm."""
    sensors = (
        ("CPU 0 Core 3", b"51", 0),
        ("FAN1", b"2900", 0),
        ("PS2 Fan 1", b"0", 1),
        ("PS2 Temp", b"0", 1),
        ("PS2 VIN", b"0", 1),
        ("PS2 Status", b"1", 1),
        ("+3.3VSB", b"3.264", 0),
        ("LM75 U72", b"38.5", 0),
        ("TP Module", b"-1", 0),
    )
    entry = f"{FORTIGATE}.4.3.2.1"
    objects = {
        **column(f"{entry}.2", *(name.encode() for name, _, _ in sensors)),
        **column(f"{entry}.3", *(value for _, value, _ in sensors)),
        **column(f"{entry}.4", *(alarm for _, _, alarm in sensors)),
    }
    assert await rows("fortinet-fortigate", "sensor", objects) == {
        "CPU 0 Core 3": {"temperature_celsius": 51, "status": "ok", "type": "temperature"},
        "LM75 U72": {"temperature_celsius": 38.5, "status": "ok", "type": "temperature"},
        "PS2 Temp": {"status": "critical", "type": "temperature"},
        "FAN1": {"speed_rpm": 2900, "status": "ok", "type": "fan"},
        "PS2 Fan 1": {"speed_rpm": 0, "status": "critical", "type": "fan"},
        "PS2 Status": {"status": "critical", "type": "power supply"},
        "+3.3VSB": {"voltage_volts": 3.264, "status": "ok", "type": "voltage"},
        "PS2 VIN": {"voltage_volts": 0, "status": "critical", "type": "voltage"},
    }
