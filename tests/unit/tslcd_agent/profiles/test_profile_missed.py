"""Tunnels that have a row only while they are up: one that goes down is told as down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.profiled import LIBRARY
from support.scripted_session import ScriptedSession
from tslcd_agent.snmp.profile.missed import LASTING, TOLD, Missed
from tslcd_agent.snmp.profile.parts import WALK_EVERY
from tslcd_agent.snmp.profile.reader import ProfileReader
from tslcd_agent.snmp.profile.rows import Row

if TYPE_CHECKING:
    from tslcd_wire.report import Tables

ASA_PEERS = "1.3.6.1.4.1.9.9.171.1.2.3.1"
ASA_UNITS = "1.3.6.1.4.1.9.9.147.1.2.1.1.1"
HOUR = 3600.0


class Firewall:
    """A Cisco ASA whose peers come and go, and the reader that asks it; ``now`` in seconds."""

    def __init__(self) -> None:
        """Nobody is connected."""
        self.device = ScriptedSession({})
        self.now = 0.0
        self.number = 0
        self.reader = ProfileReader(LIBRARY, "cisco-asa", clock=lambda: self.now)

    def connect(self, index: int, peer: bytes) -> None:
        """Add a peer."""
        self.device.objects |= {f"{ASA_PEERS}.7.{index}": peer, f"{ASA_PEERS}.16.{index}": 100}

    def disconnect(self, index: int) -> None:
        """Take a peer away."""
        for column in (7, 16):
            del self.device.objects[f"{ASA_PEERS}.{column}.{index}"]

    async def tunnels(self, *, after: float = 0.0) -> dict[str, int]:
        """Read ``after`` so many seconds, and return which tunnels are told as up and down."""
        self.now += after
        self.device.walked.clear()
        tables: Tables = {}
        await self.reader.read(self.device, {}, tables, self.number)
        self.number += 1
        table = tables.get("tunnel", {"key": [], "up": []})
        return dict(zip(table["key"], table["up"], strict=True))


async def test_a_tunnel_that_goes_down_is_told_as_down_until_it_comes_back() -> None:
    """Its row has gone, and comes back under another index: told at once both times. The others are not touched."""
    asa = Firewall()
    asa.connect(1, b"192.0.2.1")
    asa.connect(2, b"192.0.2.2")
    assert await asa.tunnels() == {"192.0.2.1": 1, "192.0.2.2": 1}
    assert await asa.tunnels(after=HOUR) == {"192.0.2.1": 1, "192.0.2.2": 1}
    asa.disconnect(1)
    assert await asa.tunnels(after=30) == {"192.0.2.2": 1, "192.0.2.1": 0}
    assert await asa.tunnels(after=30) == {"192.0.2.2": 1, "192.0.2.1": 0}
    asa.connect(9, b"192.0.2.1")
    assert await asa.tunnels(after=30) == {"192.0.2.2": 1, "192.0.2.1": 1}


async def test_the_only_tunnel_is_missed_too_and_its_return_is_seen() -> None:
    """An empty table is no reason to look away while something is missed; a restart of the device changes nothing."""
    asa = Firewall()
    asa.connect(1, b"192.0.2.1")
    await asa.tunnels()
    await asa.tunnels(after=HOUR)
    asa.disconnect(1)
    for _ in range(2 * WALK_EVERY):
        assert await asa.tunnels(after=30) == {"192.0.2.1": 0}
    asa.reader.forget()
    assert await asa.tunnels(after=30) == {"192.0.2.1": 0}
    asa.connect(2, b"192.0.2.1")
    assert await asa.tunnels(after=30) == {"192.0.2.1": 1}


async def test_who_dials_in_and_hangs_up_is_not_missed() -> None:
    """Below an hour nobody counts on it; a tunnel that flaps is counted from when it was first there."""
    asa = Firewall()
    asa.connect(1, b"192.0.2.1")
    await asa.tunnels()
    await asa.tunnels(after=HOUR - 1)
    asa.disconnect(1)
    assert await asa.tunnels(after=30) == {}
    asa.connect(1, b"192.0.2.1")
    for _ in range(WALK_EVERY):
        await asa.tunnels(after=360)
    asa.disconnect(1)
    assert await asa.tunnels(after=400) == {}
    asa.connect(2, b"192.0.2.2")
    for _ in range(3 * WALK_EVERY):
        await asa.tunnels(after=360)
    asa.disconnect(2)
    assert await asa.tunnels(after=30) == {"192.0.2.2": 0}


async def test_a_tunnel_that_stays_away_is_forgotten_after_a_day() -> None:
    """It was taken out of the configuration, most likely."""
    asa = Firewall()
    asa.connect(1, b"192.0.2.1")
    await asa.tunnels()
    await asa.tunnels(after=HOUR)
    asa.disconnect(1)
    assert await asa.tunnels(after=TOLD) == {"192.0.2.1": 0}
    assert await asa.tunnels(after=1) == {}


async def test_a_unit_that_waits_misses_no_tunnel() -> None:
    """After a failover the tunnels are the other unit's; when it is active again what is missing is told."""
    asa = Firewall()
    asa.device.objects |= {f"{ASA_UNITS}.2.6": b"Primary unit (this device)", f"{ASA_UNITS}.3.6": 9}
    asa.device.objects |= {f"{ASA_UNITS}.2.7": b"Secondary unit", f"{ASA_UNITS}.3.7": 10}
    asa.connect(1, b"192.0.2.1")
    await asa.tunnels()
    await asa.tunnels(after=HOUR)
    asa.disconnect(1)
    asa.device.objects |= {f"{ASA_UNITS}.3.6": 10, f"{ASA_UNITS}.3.7": 9}
    assert await asa.tunnels(after=30) == {}
    asa.device.objects |= {f"{ASA_UNITS}.3.6": 9, f"{ASA_UNITS}.3.7": 10}
    assert await asa.tunnels(after=30) == {"192.0.2.1": 0}


async def test_a_table_that_is_empty_at_first_is_looked_at_now_and_then() -> None:
    """Whose tunnels are all down when the agent starts is asked one question every ten rounds, and the first tunnel is seen."""
    asa = Firewall()
    assert await asa.tunnels() == {}
    walks = 0
    for _ in range(WALK_EVERY):
        assert await asa.tunnels(after=30) == {}
        walks += len([oid for oid in asa.device.walked if oid.startswith(ASA_PEERS)])
    assert walks == 1
    asa.connect(1, b"192.0.2.1")
    for _ in range(WALK_EVERY):
        last = await asa.tunnels(after=30)
    assert last == {"192.0.2.1": 1}


async def test_another_device_under_the_same_address_misses_nothing() -> None:
    """What the one before had is not looked for at the one that was put in its place."""
    asa = Firewall()
    asa.connect(1, b"192.0.2.1")
    system = "1.3.6.1.2.1.1.2.0"
    for now in (0.0, HOUR):
        asa.now = now
        await asa.reader.read(asa.device, {system: "1.3.6.1.4.1.9.1.1"}, {}, 0)
    asa.disconnect(1)
    tables: Tables = {}
    await asa.reader.read(asa.device, {system: "1.3.6.1.4.1.9.1.2"}, tables, 1)
    assert "tunnel" not in tables


def test_names_are_bounded_and_the_longest_away_go_first() -> None:
    """A box that dials out to thousands of peers fills no memory."""
    missed = Missed({"up": 0}, 3)
    for second in (0.0, LASTING):
        missed.note([Row(str(n), f"peer {n}", {"up": 1}) for n in (1, 2, 3)], second)
    missed.note([Row("2", "peer 2", {"up": 1})], LASTING + 1)
    told = missed.note([Row(str(n), f"peer {n}", {"up": 1}) for n in (4, 5)], LASTING + 2)
    assert [(row.index, row.name, row.cells) for row in told] == [("2", "peer 2", {"up": 0})]


@pytest.mark.parametrize("profile", ["cisco-asa", "cisco-ftd", "cisco-ios", "juniper-srx"])
def test_profiles_whose_tunnels_come_and_go(profile: str) -> None:
    """Every table of tunnels that has rows only for those that are up says so."""
    tables = [table for table in LIBRARY.profile(profile).tables if table.kind == "tunnel"]
    assert [table.missed for table in tables] == [{"up": 0}]
