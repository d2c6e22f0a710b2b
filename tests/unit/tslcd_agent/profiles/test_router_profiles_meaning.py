"""What routers and switches say, and what it means: their own probes, light in fibres, values that are none.

The objects stand here as devices answer them; their numbers are repeated, so that a slip of the pen in a profile is seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.profiled import cells, column, rows

if TYPE_CHECKING:
    from tslcd_agent.snmp.session import Value

RTT = "1.3.6.1.4.1.9.9.42.1"
IPSEC = "1.3.6.1.4.1.9.9.171.1"
ENVMON = "1.3.6.1.4.1.9.9.13.1"
CPM = "1.3.6.1.4.1.9.9.109.1.1.1.1"
POOL = "1.3.6.1.4.1.9.9.48.1.1.1"
JUNOS = "1.3.6.1.4.1.2636.3"
HW_ENTITY = "1.3.6.1.4.1.2011.5.25.31.1.1"
NQA = "1.3.6.1.4.1.2011.5.25.111.4.1.1"
HH3C = "1.3.6.1.4.1.25506.2"
PHYSICAL = "1.3.6.1.2.1.47.1.1.1.1"
IF_NAME = "1.3.6.1.2.1.31.1.1.1.1"
PING = "1.3.6.1.2.1.80.1.3.1"
MTXR = "1.3.6.1.4.1.14988.1.1"
RUIJIE = "1.3.6.1.4.1.4881.1.1.10.2"


def index_of(*names: str) -> str:
    """Write texts as SNMP does in an index: each with its length before it."""
    return ".".join(".".join(map(str, [len(name), *name.encode()])) for name in names)


@pytest.mark.parametrize(
    ("sense", "completion", "expected"),
    [
        (1, 23, {"up": 1, "rtt_seconds": 0.023}),
        (3, 900, {"up": 1, "rtt_seconds": 0.9}),
        (4, 0, {"up": 0}),
        (7, 0, {"up": 0}),
        (5, 12, {"rtt_seconds": 0.012}),
    ],
    ids=["ok", "over the threshold", "timeout", "dropped", "busy"],
)
async def test_an_ip_sla_echo(sense: int, completion: int, expected: dict[str, float]) -> None:
    """Milliseconds become seconds; late is not lost; what did not complete has no round-trip time; busy says nothing."""
    objects: dict[str, Value] = {
        f"{RTT}.2.1.1.3.10": b"centre",
        f"{RTT}.2.10.1.1.10": completion,
        f"{RTT}.2.10.1.2.10": sense,
    }
    assert await rows("cisco-ios", "path", objects) == {"centre": pytest.approx(expected)}


async def test_an_ip_sla_jitter_operation_and_one_without_tag() -> None:
    """Its time is the mean of the round trips, its loss counts both ways and what is missing; no tag: its number.

    The precision that the administrator set is the unit of its times.
    """
    jitter = f"{RTT}.5.2.1"
    objects: dict[str, Value] = {
        f"{RTT}.2.1.1.3.20": b"",
        f"{RTT}.2.10.1.1.20": 0,
        f"{RTT}.2.10.1.2.20": 1,
        f"{jitter}.1.20": 95,
        f"{jitter}.2.20": 1900,
        f"{jitter}.26.20": 2,
        f"{jitter}.27.20": 2,
        f"{jitter}.29.20": 1,
        f"{jitter}.46.20": 3,
    }
    assert await rows("cisco-ios", "path", objects) == {
        "20": pytest.approx({"up": 1, "rtt_seconds": 0.02, "loss_ratio": 0.05, "jitter_seconds": 0.003})
    }
    objects[f"{RTT}.2.2.1.37.20"] = 2  # precision microseconds
    assert await rows("cisco-ios", "path", objects) == {
        "20": pytest.approx({"up": 1, "rtt_seconds": 0.00002, "loss_ratio": 0.05, "jitter_seconds": 0.000003})
    }


async def test_a_cisco_tunnel_is_named_by_its_peer() -> None:
    """The IPsec tunnel points to its IKE tunnel, whose remote value is the peer; 64-bit octets where there are any."""
    objects: dict[str, Value] = {
        f"{IPSEC}.2.3.1.7.5": b"203.0.113.7",
        f"{IPSEC}.3.2.1.2.81": 5,
        f"{IPSEC}.3.2.1.51.81": 1,
        f"{IPSEC}.3.2.1.26.81": 10,
        f"{IPSEC}.3.2.1.27.81": 5_000_000_000,
        f"{IPSEC}.3.2.1.39.81": 77,
    }
    assert await rows("cisco-ios", "tunnel", objects) == {
        "203.0.113.7": {"up": 1, "receive_bytes_total": 5_000_000_000, "transmit_bytes_total": 77}
    }


async def test_what_a_cisco_calls_normal_and_what_not_present() -> None:
    """Temperatures have the box's own limit; a supply that is not there is absent, one that does not work has failed."""
    objects: dict[str, Value] = {
        f"{ENVMON}.3.1.2.1": b"inlet",
        f"{ENVMON}.3.1.3.1": 31,
        f"{ENVMON}.3.1.4.1": 55,
        f"{ENVMON}.3.1.6.1": 1,
        f"{ENVMON}.5.1.2.1": b"PS1",
        f"{ENVMON}.5.1.3.1": 5,
        f"{ENVMON}.5.1.2.2": b"PS2",
        f"{ENVMON}.5.1.3.2": 6,
    }
    found = await rows("cisco-ios", "sensor", objects)
    assert found == {
        "inlet": {
            "status": "ok",
            "temperature_celsius": 31,
            "temperature_limit_celsius": 55,
            "type": "temperature",
        },
        "PS1": {"status": "absent", "type": "power supply"},
        "PS2": {"status": "failed", "type": "power supply"},
    }


async def test_the_memory_of_ios_and_of_ios_xe() -> None:
    """IOS-XE tells the whole box's beside the CPU, in kibibytes; the pool of the processor is what older ones have."""
    old: dict[str, Value] = {f"{POOL}.5.1": 25_000_000, f"{POOL}.6.1": 75_000_000}
    device = await cells("cisco-ios", "device", old)
    assert (device["memory_utilization_ratio"], device["memory_total_bytes"]) == (0.25, 100_000_000)
    new: dict[str, Value] = {**old, f"{CPM}.12.1": 3_000_000, f"{CPM}.13.1": 1_000_000}
    device = await cells("cisco-ios", "device", new)
    assert (device["memory_utilization_ratio"], device["memory_total_bytes"]) == (0.75, 4_000_000 * 1024)


async def test_the_busiest_cpu_of_a_cisco_counts() -> None:
    """One processor at its end is trouble, whatever the others do; older objects stand in where the newer are missing."""
    device = await cells("cisco-ios", "device", column(f"{CPM}.7", 12, 97, 3))
    assert device["cpu_utilization_ratio"] == pytest.approx(0.97)
    device = await cells("cisco-ios", "device", {"1.3.6.1.4.1.9.2.1.57.0": 8})
    assert device["cpu_utilization_ratio"] == pytest.approx(0.08)


@pytest.mark.parametrize(
    ("received", "lost", "expected"),
    [
        (10, 0, {"up": 1, "loss_ratio": 0, "rtt_seconds": 0.0125, "jitter_seconds": 0.0004}),
        (3, 70, {"up": 1, "loss_ratio": 0.7, "rtt_seconds": 0.0125, "jitter_seconds": 0.0004}),
        (0, 100, {"up": 0, "loss_ratio": 1, "rtt_seconds": 0.0125, "jitter_seconds": 0.0004}),
    ],
)
async def test_a_junos_rpm_test(received: int, lost: int, expected: dict[str, float]) -> None:
    """Microseconds; of the last completed test alone, and of its round-trip times alone; named by owner and test."""
    index = index_of("wan", "to-centre")
    summary, times = f"{JUNOS}.50.1.2.1", f"{JUNOS}.50.1.3.1"
    objects: dict[str, Value] = {
        f"{summary}.3.{index}.1": 1,
        f"{summary}.4.{index}.1": 90,
        f"{summary}.3.{index}.2": received,
        f"{summary}.4.{index}.2": lost,
        f"{times}.5.{index}.1.1": 999_999,
        f"{times}.5.{index}.2.1": 12_500,
        f"{times}.7.{index}.2.1": 400,
        f"{times}.5.{index}.2.4": 7,
    }
    assert await rows("juniper-srx", "path", objects) == {"wan/to-centre": pytest.approx(expected)}


async def test_light_in_a_junos_fibre() -> None:
    """Hundredths of dBm by interface; 0 is a module without diagnostics, and 17 dBm received is nonsense."""
    optics = f"{JUNOS}.60.1.1.1.1"
    objects: dict[str, Value] = {
        f"{IF_NAME}.550": b"xe-0/0/0",
        f"{IF_NAME}.551": b"ge-0/0/1",
        f"{IF_NAME}.552": b"xe-0/2/0",
        **{f"{optics}.5.{port}": power for port, power in ((550, -865), (551, 0), (552, 1755))},
        **{f"{optics}.7.{port}": power for port, power in ((550, -712), (551, 0), (552, -206))},
        **{f"{optics}.8.{port}": degrees for port, degrees in ((550, 28), (551, 0), (552, 22))},
    }
    assert await rows("juniper-mx", "sensor", objects) == {
        "xe-0/0/0 optics": {
            "receive_power_dbm": pytest.approx(-8.65),
            "transmit_power_dbm": pytest.approx(-7.12),
            "temperature_celsius": 28,
            "type": "optical",
        },
        "xe-0/2/0 optics": {
            "transmit_power_dbm": pytest.approx(-2.06),
            "temperature_celsius": 22,
            "type": "optical",
        },
    }


async def test_the_parts_of_a_junos_chassis() -> None:
    """The routing engine's load is the box's; a fan at full speed warns; what has no thermometer has no temperature."""
    part = f"{JUNOS}.1.13.1"
    parts: dict[str, tuple[Value, ...]] = {
        "2.1.0.0": (b"PEM 0", 6, 0, 0, 0),
        "4.1.1.0": (b"Top Tray Fan 1", 5, 26, 0, 0),
        "7.1.0.0": (b"FPC: MPC Type 2 3D @ 0/*/*", 2, 25, 80, 90),
        "8.1.3.0": (b"PIC: 2x 10GE  XFP @ 0/2/*", 2, 0, 0, 0),
        "9.1.0.0": (b"Routing Engine 0", 2, 24, 29, 8),
    }
    objects: dict[str, Value] = {
        f"{part}.{number}.{index}": value
        for index, values in parts.items()
        for number, value in zip((5, 6, 7, 8, 11), values, strict=True)
    }
    device = await cells("juniper-mx", "device", objects)
    assert device["cpu_utilization_ratio"] == pytest.approx(0.29)
    assert device["memory_utilization_ratio"] == pytest.approx(0.08)
    assert await rows("juniper-mx", "sensor", objects) == {
        "PEM 0": {"status": "failed", "type": "power supply"},
        "Top Tray Fan 1": {"status": "warning", "temperature_celsius": 26, "type": "fan"},
        "FPC: MPC Type 2 3D @ 0/*/*": {"status": "ok", "temperature_celsius": 25, "type": "module"},
        "Routing Engine 0": {"status": "ok", "temperature_celsius": 24, "type": "module"},
    }


async def test_the_sessions_of_an_srx() -> None:
    """The system's count; where there is none, the larger of two nodes that hold the same sessions, never their sum."""
    spu = f"{JUNOS}.39.1.12.1"
    assert await cells("juniper-srx", "firewall", {f"{spu}.2.0": 16_000, f"{spu}.3.0": 64_000}) == {
        "sessions": 16_000,
        "sessions_limit": 64_000,
        "sessions_utilization_ratio": 0.25,
    }
    nodes = {**column(f"{spu}.1.1.6", 15_999, 16_000), **column(f"{spu}.1.1.7", 64_000, 64_000)}
    assert (await cells("juniper-srx", "firewall", nodes))["sessions"] == 16_000


async def test_the_tunnels_of_an_srx() -> None:
    """A tunnel that nothing watches is neither up nor down."""
    entry = f"{JUNOS}.39.1.5.1.2.1.1"
    objects = {**column(f"{entry}.1", b"to-centre", b"to-backup", b"lab"), **column(f"{entry}.4", 1, 2, 3)}
    assert await rows("juniper-srx", "tunnel", objects) == {"to-centre": {"up": 1}, "to-backup": {"up": 0}}


async def test_light_in_a_huawei_fibre() -> None:
    """Above zero it is microwatts, below zero hundredths of dBm; -1, -255 and 2147483647 mean that there is nothing."""
    optics = f"{HW_ENTITY}.3.1"
    ports: dict[str, tuple[bytes, int, int, int]] = {
        "101": (b"XGE2/0/0", 331, 578, 24),
        "102": (b"GE4/0/1", -801, -227, 25),
        "103": (b"GE4/0/2", -1, -1, -255),
        "104": (b"XGE2/0/9", 0, 535, 25),
        "105": (b"GE4/0/5", 2147483647, 2147483647, 2147483647),
    }
    objects: dict[str, Value] = {}
    for index, (name, received, sent, degrees) in ports.items():
        objects |= {
            f"{PHYSICAL}.7.{index}": name,
            f"{optics}.8.{index}": received,
            f"{optics}.9.{index}": sent,
            f"{optics}.5.{index}": degrees,
        }
    found = await rows("huawei-vrp", "sensor", objects)
    assert set(found) == {"XGE2/0/0 optics", "GE4/0/1 optics", "XGE2/0/9 optics"}
    assert found["XGE2/0/0 optics"]["receive_power_dbm"] == pytest.approx(-4.80, abs=0.005)
    assert found["GE4/0/1 optics"]["receive_power_dbm"] == pytest.approx(-8.01)
    assert "receive_power_dbm" not in found["XGE2/0/9 optics"]
    assert found["XGE2/0/9 optics"]["transmit_power_dbm"] == pytest.approx(-2.72, abs=0.005)


async def test_what_a_huawei_does_not_know() -> None:
    """Entities without CPU say 0, those without thermometer 0 or 2147483647: neither is a reading."""
    state = f"{HW_ENTITY}.1.1"
    objects: dict[str, Value] = {
        **column(f"{PHYSICAL}.7", b"frame", b"MPU Board 0", b"port"),
        **column(f"{state}.5", 0, 38, 2147483647),
        **column(f"{state}.7", 0, 7, 2147483647),
        **column(f"{state}.11", 0, 42, 2147483647),
        **column(f"{state}.12", 0, 56, 2147483647),
    }
    device = await cells("huawei-vrp", "device", objects)
    assert device["cpu_utilization_ratio"] == pytest.approx(0.38)
    assert device["memory_utilization_ratio"] == pytest.approx(0.07)
    assert await rows("huawei-vrp", "sensor", objects) == {
        "MPU Board 0": {"temperature_celsius": 42, "temperature_limit_celsius": 56, "type": "temperature"}
    }


async def test_the_newest_run_of_a_huawei_nqa_test_that_has_sent_something() -> None:
    """Every run is a row of its own; the one under way says nothing yet; the mean comes from the sum of milliseconds."""
    index = index_of("admin", "centre")
    objects: dict[str, Value] = {}
    for run, sent, answered, total in ((7, 5, 5, 60), (8, 5, 4, 50), (9, 0, 0, 0)):
        objects |= {
            f"{NQA}.22.{index}.{run}.1": sent,
            f"{NQA}.21.{index}.{run}.1": answered,
            f"{NQA}.8.{index}.{run}.1": total,
        }
    assert await rows("huawei-vrp", "path", objects) == {
        "admin/centre": pytest.approx({"up": 1, "loss_ratio": 0.2, "rtt_seconds": 0.0125})
    }
    objects |= {f"{NQA}.22.{index}.9.1": 5}
    assert await rows("huawei-vrp", "path", objects) == {"admin/centre": {"up": 0, "loss_ratio": 1}}


async def test_a_comware_board_that_does_not_know_its_temperature() -> None:
    """65535 is no temperature; fans and supplies are told by the class of the entity, and 4 is an empty slot."""
    state = f"{HH3C}.6.1.1.1.1"
    objects: dict[str, Value] = {
        **column(f"{PHYSICAL}.7", b"Board 0", b"Chassis", b"Fan 0", b"Power 0", b"Power 1"),
        **column(f"{PHYSICAL}.5", 9, 3, 7, 6, 6),
        **column(f"{state}.6", 24, 0, 65535, 0, 0),
        **column(f"{state}.12", 37, 65535, 65535, 65535, 65535),
        **column(f"{state}.13", 85, 65535, 65535, 65535, 65535),
        **column(f"{state}.19", 2, 1, 41, 2, 4),
    }
    assert (await cells("h3c-comware", "device", objects))["cpu_utilization_ratio"] == pytest.approx(0.24)
    assert await rows("h3c-comware", "sensor", objects) == {
        "Board 0": {"temperature_celsius": 37, "temperature_limit_celsius": 85, "type": "temperature"},
        "Fan 0": {"status": "failed", "type": "fan"},
        "Power 0": {"status": "ok", "type": "power supply"},
        "Power 1": {"status": "absent", "type": "power supply"},
    }


async def test_a_ping_test_of_the_standard_mib() -> None:
    """Responses of probes sent; a test that is disabled is no path, and no answer is no time of 0 s."""
    good, bad, off = index_of("noc", "centre"), index_of("noc", "backup"), index_of("imc", "ping")
    objects: dict[str, Value] = {}
    for index, state, mean, answered, sent in ((good, 1, 7, 9, 10), (bad, 3, 0, 0, 10), (off, 2, 0, 0, 1)):
        objects |= {
            f"{PING}.1.{index}": state,
            f"{PING}.6.{index}": mean,
            f"{PING}.7.{index}": answered,
            f"{PING}.8.{index}": sent,
        }
    assert await rows("h3c-comware", "path", objects) == {
        "noc/centre": pytest.approx({"up": 1, "loss_ratio": 0.1, "rtt_seconds": 0.007}),
        "noc/backup": {"up": 0, "loss_ratio": 1},
    }


async def test_the_gauges_of_a_mikrotik_have_their_unit_beside_them() -> None:
    """Degrees and revolutions as they are, volts, amperes and watts in tenths; light in thousandths of dBm."""
    gauge, optics = f"{MTXR}.3.100.1", f"{MTXR}.19.1.1"
    objects: dict[str, Value] = {
        **column(f"{gauge}.2", b"temperature", b"fan1-speed", b"voltage", b"current", b"power", b"psu1-state"),
        **column(f"{gauge}.3", 41, 4500, 242, 12, 290, 1),
        **column(f"{gauge}.4", 1, 2, 3, 4, 5, 6),
        **column(f"{optics}.2", b"sfp1"),
        **column(f"{optics}.9", -5025),
        **column(f"{optics}.10", -18765),
    }
    assert await rows("mikrotik-routeros", "sensor", objects) == {
        "temperature": {"temperature_celsius": 41, "type": "temperature"},
        "fan1-speed": {"speed_rpm": 4500, "type": "fan"},
        "voltage": {"voltage_volts": pytest.approx(24.2), "type": "voltage"},
        "current": {"current_amperes": pytest.approx(1.2), "type": "current"},
        "power": {"power_watts": 29, "type": "power"},
        "sfp1 optics": {
            "receive_power_dbm": pytest.approx(-18.765),
            "transmit_power_dbm": pytest.approx(-5.025),
            "type": "optical",
        },
    }


async def test_slots_of_a_ruijie_that_are_empty_are_not_broken() -> None:
    """A fan that does not exist is no row; a supply without input has failed; no light (-10000) is no power."""
    supply, fan, light = f"{RUIJIE}.1.1.18.1", f"{RUIJIE}.1.1.21.1", f"{RUIJIE}.105.1.1.1"
    objects: dict[str, Value] = {
        **column(f"{supply}.3", b"Power supply 1", b"Power supply 2"),
        **column(f"{supply}.2", 4, 2),
        **column(f"{fan}.3", b"fan1", b"fan2"),
        **column(f"{fan}.2", 4, 1),
        **column(f"{light}.2", b"Te 1/1", b"Te 1/2"),
        **column(f"{light}.76", -312, -10000),
        **column(f"{light}.81", -250, -10000),
    }
    assert await rows("ruijie-rgos", "sensor", objects) == {
        "Power supply 1": {"status": "ok", "type": "power supply"},
        "Power supply 2": {"status": "failed", "type": "power supply"},
        "fan1": {"status": "ok", "type": "fan"},
        "Te 1/1 optics": {
            "receive_power_dbm": pytest.approx(-3.12),
            "transmit_power_dbm": pytest.approx(-2.5),
            "type": "optical",
        },
    }


async def test_a_draytek_has_its_load_in_its_description() -> None:
    """Percent inside a sentence; the object of newer firmware goes before the sentence."""
    said = b"DrayTek Corporation, Router Model: Vigor2860 Series, Version: 3.8.9.4_STD, CPU Usage: 6%, Memory Usage:86%"
    objects: dict[str, Value] = {"1.3.6.1.2.1.1.1.0": said}
    device = await cells("draytek-vigor", "device", objects)
    assert (device["model"], device["software_version"]) == ("Vigor2860 Series", "3.8.9.4_STD")
    assert device["sys_descr"] == "DrayTek Corporation, Router Model: Vigor2860 Series, Version: 3.8.9.4_STD"
    assert device["cpu_utilization_ratio"] == pytest.approx(0.06)
    assert device["memory_utilization_ratio"] == pytest.approx(0.86)
    device = await cells("draytek-vigor", "device", {**objects, "1.3.6.1.4.1.7367.3.7.0": 44})
    assert device["memory_utilization_ratio"] == pytest.approx(0.44)
