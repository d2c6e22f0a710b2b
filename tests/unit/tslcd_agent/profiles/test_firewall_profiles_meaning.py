"""What firewalls say, and what it means: roles in a pair, idle shares, tunnels, numbers inside sentences.

The objects stand here as devices answer them; their numbers are repeated, so that a slip of the pen in a profile is seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.profiled import cells, column, rows

if TYPE_CHECKING:
    from tslcd_agent.snmp.session import Value

PAN = "1.3.6.1.4.1.25461.2.1.2"
SFOS = "1.3.6.1.4.1.2604.5.1"
CHECK_POINT = "1.3.6.1.4.1.2620"
HILLSTONE = "1.3.6.1.4.1.28557.2"
ASA = "1.3.6.1.4.1.9.9.147.1.2.1.1.1"
UCD = "1.3.6.1.4.1.2021"
STORAGE = "1.3.6.1.2.1.25.2.3.1"


@pytest.mark.parametrize(
    ("mode", "own", "peer", "role", "peer_up"),
    [
        (b"disabled", b"disabled", b"unknown", "standalone", None),
        (b"active-passive", b"active", b"passive", "active", 1),
        (b"active-passive", b"passive", b"active", "passive", 1),
        (b"active-passive", b"active", b"unknown", "active", 0),
        (b"active-active", b"active-secondary", b"active-primary", "active", 1),
        (b"active-passive", b"non-functional", b"active", "unknown", 1),
    ],
)
async def test_the_pair_of_a_palo_alto(mode: bytes, own: bytes, peer: bytes, role: str, peer_up: int | None) -> None:
    """A unit without a pair is standalone and misses nobody; one that is broken is unknown."""
    found = await cells(
        "paloalto-panos", "firewall", {f"{PAN}.1.13.0": mode, f"{PAN}.1.11.0": own, f"{PAN}.1.12.0": peer}
    )
    assert (found.get("ha_role"), found.get("ha_peer_up")) == (role, peer_up)


async def test_a_palo_alto_counts_its_busiest_plane_and_no_packet_buffers() -> None:
    """Planes of hrProcessorTable are no average; of hrStorageTable only the management plane's memory is memory."""
    objects: dict[str, Value] = {
        **column("1.3.6.1.2.1.25.3.3.1.2", 16, 72),
        **column(f"{STORAGE}.2", *["1.3.6.1.2.1.25.2.1.2"] * 2),
        **column(f"{STORAGE}.3", b"Slot-0 Management Memory", b"Slot-1 Data Processor-0 Hardware Packet Buffers"),
        **column(f"{STORAGE}.4", 1024, 2048),
        **column(f"{STORAGE}.5", 4000, 57344),
        **column(f"{STORAGE}.6", 1000, 57000),
    }
    device = await cells("paloalto-panos", "device", objects)
    assert device["cpu_utilization_ratio"] == pytest.approx(0.72)
    assert (device["memory_utilization_ratio"], device["memory_total_bytes"]) == (0.25, 4000 * 1024)


@pytest.mark.parametrize(
    ("enabled", "own", "peer", "role", "peer_up"),
    [
        (0, 0, 0, "standalone", None),
        (1, 3, 1, "active", 1),
        (1, 1, 3, "passive", 1),
        (1, 3, 4, "active", 0),
        (1, 4, 3, "unknown", 1),
    ],
)
async def test_the_pair_of_a_sophos(enabled: int, own: int, peer: int, role: str, peer_up: int | None) -> None:
    """The auxiliary waits, the primary works, faulty(4) is nobody's role."""
    found = await cells(
        "sophos-sfos", "firewall", {f"{SFOS}.4.1.0": enabled, f"{SFOS}.4.4.0": own, f"{SFOS}.4.5.0": peer}
    )
    assert (found.get("ha_role"), found.get("ha_peer_up")) == (role, peer_up)


async def test_a_sophos_tunnel_that_is_half_up_is_down() -> None:
    """Inactive 0, active 1, partially active 2: some networks of the connection cannot be reached."""
    entry = f"{SFOS}.6.1.1.1.1"
    objects = {**column(f"{entry}.2", b"centre", b"backup", b"lab"), **column(f"{entry}.9", 1, 2, 0)}
    assert await rows("sophos-sfos", "tunnel", objects) == {"centre": {"up": 1}, "backup": {"up": 0}, "lab": {"up": 0}}


@pytest.mark.parametrize(
    ("started", "state", "role"),
    [
        (b"no", b"", "standalone"),
        (b"yes", b"active", "active"),
        (b"yes", b"Standby", "passive"),
        (b"yes", b"down", "unknown"),
    ],
)
async def test_the_cluster_of_a_check_point(started: bytes, state: bytes, role: str) -> None:
    """The state (haState) is a word, and means something only where the cluster was started."""
    objects: dict[str, Value] = {f"{CHECK_POINT}.1.5.5.0": started, f"{CHECK_POINT}.1.5.6.0": state}
    assert (await cells("checkpoint-gaia", "firewall", objects))["ha_role"] == role


async def test_a_check_point_table_without_bound_has_no_utilisation() -> None:
    """A limit (fwConnTableLimit) of 0 means that the table grows by itself."""
    objects: dict[str, Value] = {f"{CHECK_POINT}.1.1.25.3.0": 500, f"{CHECK_POINT}.1.1.25.10.0": 0}
    assert await cells("checkpoint-gaia", "firewall", objects) == {"sessions": 500}
    objects[f"{CHECK_POINT}.1.1.25.10.0"] = 25000
    assert (await cells("checkpoint-gaia", "firewall", objects))["sessions_utilization_ratio"] == pytest.approx(0.02)


async def test_tunnels_and_power_of_a_check_point() -> None:
    """Only active(3) is up; a power supply is named by its index, and words it does not know are unknown."""
    tunnel, power = f"{CHECK_POINT}.500.9002.1", f"{CHECK_POINT}.1.6.7.9.1.1.2"
    objects = {
        **column(f"{tunnel}.2", b"centre", b"idle", b"gone"),
        **column(f"{tunnel}.3", 3, 129, 131),
        f"{power}.1.0": b"Up",
        f"{power}.2.0": b"Down",
        f"{power}.3.0": b"Dummy",
    }
    assert await rows("checkpoint-gaia", "tunnel", objects) == {
        "centre": {"up": 1},
        "idle": {"up": 0},
        "gone": {"up": 0},
    }
    found = await rows("checkpoint-gaia", "sensor", objects)
    assert {key: row["status"] for key, row in found.items()} == {
        "power supply 1.0": "ok",
        "power supply 2.0": "failed",
        "power supply 3.0": "unknown",
    }


@pytest.mark.parametrize(
    ("status", "role"),
    [(0, "standalone"), (1, "unknown"), (3, "passive"), (4, "active"), (5, "unknown"), (6, "active")],
)
async def test_the_pair_of_a_hillstone(status: int, role: str) -> None:
    """The status (sysHAStatus) 5 is misspelt in the MIB: it is not guessed."""
    assert (await cells("hillstone-stoneos", "firewall", {f"{HILLSTONE}.2.1.8.0": status}))["ha_role"] == role


@pytest.mark.parametrize(
    ("own_is_primary", "primary", "secondary", "detail", "role", "peer_up"),
    [
        (True, 9, 10, b"Active unit", "active", 1),
        (True, 10, 9, b"Standby unit", "passive", 1),
        (False, 10, 9, b"Standby unit", "active", 1),
        (False, 9, 10, b"Active unit", "passive", 1),
        (True, 9, 4, b"Active unit", "active", 0),
        (True, 3, 3, b"Failover Off", "standalone", None),
    ],
)
async def test_failover_of_an_asa(
    own_is_primary: bool, primary: int, secondary: int, detail: bytes, role: str, peer_up: int | None
) -> None:
    """Primary and secondary are how the units were set up; who is asked stands in a text, who is active in a number."""
    own, other = (6, 7) if own_is_primary else (7, 6)
    names = {6: b"Primary unit", 7: b"Secondary unit"}
    objects: dict[str, Value] = {
        f"{ASA}.2.4": b"Failover LAN Interface",
        f"{ASA}.3.4": 2,
        f"{ASA}.2.{own}": names[own] + b" (this device)",
        f"{ASA}.2.{other}": names[other],
        f"{ASA}.3.6": primary,
        f"{ASA}.3.7": secondary,
        f"{ASA}.4.6": detail,
    }
    for profile in ("cisco-asa", "cisco-ftd"):
        found = await cells(profile, "firewall", objects)
        assert (found.get("ha_role"), found.get("ha_peer_up")) == (role, peer_up)


async def test_memory_and_tunnels_of_an_asa() -> None:
    """Of the pools only the system's counts, wide objects before narrow ones; a peer that is connected has a row."""
    wide, narrow, peers = "1.3.6.1.4.1.9.9.221.1.1.1.1", "1.3.6.1.4.1.9.9.48.1.1.1", "1.3.6.1.4.1.9.9.171.1.2.3.1"
    objects: dict[str, Value] = {
        **column(f"{narrow}.2", b"System memory", b"MEMPOOL_DMA"),
        **column(f"{narrow}.5", 300, 999),
        **column(f"{narrow}.6", 100, 1),
        f"{peers}.7.41": b"192.0.2.1",
        f"{peers}.16.41": 0,
    }
    device = await cells("cisco-asa", "device", objects)
    assert (device["memory_utilization_ratio"], device["memory_total_bytes"]) == (0.75, 400)
    assert await rows("cisco-asa", "tunnel", objects) == {"192.0.2.1": {"up": 1}}
    objects |= {f"{wide}.3.1.1": b"System memory", f"{wide}.18.1.1": 2 * 2**33, f"{wide}.20.1.1": 6 * 2**33}
    device = await cells("cisco-asa", "device", objects)
    assert (device["memory_utilization_ratio"], device["memory_total_bytes"]) == (0.25, 2**36)


async def test_the_idle_share_is_turned_round() -> None:
    """An idle share (ssCpuIdle) of 92 is a load of 8 %; without it the processors' own loads count, and an impossible share is no load."""
    loads = column("1.3.6.1.2.1.25.3.3.1.2", 20, 40)
    for idle, expected in ((92, 0.08), (0, 1), (100, 0), (None, 0.3), (101, 0.3)):
        objects = loads | ({f"{UCD}.11.11.0": idle} if idle is not None else {})
        found = await cells("ucd-snmp", "device", objects)
        assert found["cpu_utilization_ratio"] == pytest.approx(expected)
    legend = await cells("legend-firewall", "device", {"1.3.6.1.4.1.9833.1.4.1.1.4.1": 82})
    assert legend["cpu_utilization_ratio"] == pytest.approx(0.18)


async def test_caches_are_free_memory() -> None:
    """The size less free, buffers and cached; an agent that tells no buffers is taken as it is."""
    objects: dict[str, Value] = {f"{UCD}.4.5.0": 1000, f"{UCD}.4.6.0": 300, f"{UCD}.4.14.0": 100, f"{UCD}.4.15.0": 400}
    found = await cells("ucd-snmp", "device", objects)
    assert (found["memory_utilization_ratio"], found["memory_total_bytes"]) == (pytest.approx(0.2), 1_024_000)
    del objects[f"{UCD}.4.14.0"], objects[f"{UCD}.4.15.0"]
    assert (await cells("ucd-snmp", "device", objects))["memory_utilization_ratio"] == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("profile", "kind", "oid", "raw", "expected"),
    [
        (
            "opnsense",
            "device",
            "1.3.6.1.2.1.1.1.0",
            b"OPNsense fw.example 18.1.1-a5575d7bd OPNsense FreeBSD 11.1-RELEASE-p6 amd64",
            {"software_version": "18.1.1"},
        ),
        (
            "pfsense",
            "device",
            "1.3.6.1.2.1.1.1.0",
            b"pfSense 2.3.2-RELEASE pfSense FreeBSD 10.3-RELEASE-p5 amd64",
            {"software_version": "2.3.2-RELEASE"},
        ),
        (
            "hillstone-stoneos",
            "device",
            "1.3.6.1.2.1.1.1.0",
            b"Hillstone Security Appliance SG-6000-E3965",
            {"model": "SG-6000-E3965"},
        ),
        ("pfsense", "device", "1.3.6.1.2.1.25.2.2.0", b"4146732", {"memory_total_bytes": 4146732 * 1024}),
        (
            "venus-vsos",
            "device",
            "1.3.6.1.4.1.15227.1.3.1.1.1.0",
            b"cpu-usage: 1.522843%",
            {"cpu_utilization_ratio": 0.01522843},
        ),
        ("venus-vsos", "firewall", "1.3.6.1.4.1.15227.1.5.1.1.3.0", b"session-num: 62", {"sessions": 62}),
        ("sangfor-sslvpn", "firewall", "1.3.6.1.4.1.35047.2.10.4.0", b"167 sessions in all", {"sessions": 167}),
        ("sangfor", "device", "1.3.6.1.4.1.35047.1.1.0", b'"type=M5100', {"model": "M5100"}),
        ("topsec-ngfw", "device", "1.3.6.1.4.1.14331.5.5.1.3.1.0", b'"Q1610', {"serial": "Q1610"}),
        (
            "fortinet-fortigate",
            "device",
            "1.3.6.1.4.1.12356.101.4.1.1.0",
            b"v7.2.5,build1517,230606 (GA.F)",
            {"software_version": "7.2.5"},
        ),
    ],
)
async def test_texts_that_have_a_value_in_them(
    profile: str, kind: str, oid: str, raw: bytes, expected: dict[str, object]
) -> None:
    """Sentences, labels and stray quotes are left behind."""
    found = await cells(profile, kind, {oid: raw})
    assert found.items() >= expected.items()
