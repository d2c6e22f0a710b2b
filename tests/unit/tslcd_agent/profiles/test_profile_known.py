"""Tunnels that outlive the agent: after a power cut of the site, the one that does not come back is missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from support.profiled import LIBRARY
from support.scripted_session import router
from tslcd_agent.config import Interfaces, PolledDevice, Snmp
from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.device_round import DeviceRounds
from tslcd_agent.snmp.profile.known import KEEP_EVERY, Known, KnownFiles
from tslcd_agent.snmp.profile.missed import TOLD, Memo
from tslcd_agent.snmp.profile.reader import ProfileReader
from tslcd_runtime.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path

PEERS = "1.3.6.1.4.1.9.9.171.1.2.3.1"
DEVICE = PolledDevice(
    id="fw",
    address="192.0.2.1",
    port=161,
    snmp=Snmp(community=Secret("public")),
    interfaces=Interfaces(),
    interval=30,
    timeout=1,
    retries=0,
    budget=10,
)
KNOWN = Known(1_790_000_000.0, "1.3.6.1.4.1.9.1.1", "cisco-asa", {"tunnels": [Memo("192.0.2.9", "4", 7200.0, 30.0)]})


class Site:
    """A firewall and the agents that ask it, one after the other; ``now`` in seconds."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Begin with a tunnel that is up."""
        self.now = 1_790_000_000.0
        self.folder = folder
        self.device = router()
        self.device.objects |= {f"{PEERS}.7.1": b"192.0.2.9", f"{PEERS}.16.1": 100}
        monkeypatch.setattr("tslcd_agent.snmp.device_round.time.time", lambda: self.now)

    def agent(self) -> DeviceRounds:
        """Start an agent, whose own clock knows nothing of the one before."""
        born = self.now
        profile = ProfileReader(LIBRARY, "cisco-asa", clock=lambda: self.now - born)
        return DeviceRounds(DEVICE, self.device, profile=profile, known=KnownFiles(self.folder))

    async def tunnels(self, agent: DeviceRounds, *, after: float = 0.0) -> dict[str, int]:
        """Make a round ``after`` so many seconds; return which tunnels are told as up and down."""
        self.now += after
        table = (await agent.go()).tables.get("tunnel", {"key": [], "up": []})
        return dict(zip(table["key"], table["up"], strict=True))

    def cut(self) -> None:
        """Take the tunnel away."""
        for column in (7, 16):
            self.device.objects.pop(f"{PEERS}.{column}.1", None)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Return a site."""
    return Site(tmp_path / "tunnels", monkeypatch)


async def test_a_tunnel_that_does_not_come_back_with_the_agent_is_missed(site: Site) -> None:
    """Also when the agent had no time to say goodbye; and for a day, like any other."""
    agent = site.agent()
    await site.tunnels(agent)
    assert await site.tunnels(agent, after=3600) == {"192.0.2.9": 1}
    site.cut()
    agent = site.agent()
    assert await site.tunnels(agent, after=600) == {"192.0.2.9": 0}
    agent = site.agent()
    assert await site.tunnels(agent, after=600) == {"192.0.2.9": 0}
    await agent.close()
    assert await site.tunnels(site.agent(), after=TOLD) == {}
    assert list(site.folder.iterdir()) == []


async def test_what_is_kept_is_an_hour_old_at_most(site: Site) -> None:
    """A box that ran for a week remembers a week later what was there until the last hour."""
    agent = site.agent()
    await site.tunnels(agent)
    for _ in range(100):
        await site.tunnels(agent, after=KEEP_EVERY)
    site.cut()
    assert await site.tunnels(site.agent(), after=TOLD - KEEP_EVERY) == {"192.0.2.9": 0}


async def test_another_device_under_the_address_misses_nothing(site: Site) -> None:
    """It was exchanged while the agent was off."""
    agent = site.agent()
    await site.tunnels(agent)
    await site.tunnels(agent, after=3600)
    site.cut()
    site.device.objects[mib.SYS_OBJECT_ID] = "1.3.6.1.4.1.9.1.2"
    assert await site.tunnels(site.agent(), after=600) == {}


async def test_a_device_without_tunnels_leaves_no_file(site: Site) -> None:
    """Nor does one whose tunnel was there for minutes."""
    agent = site.agent()
    await site.tunnels(agent)
    await site.tunnels(agent, after=600)
    await agent.close()
    assert not site.folder.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"at":1,"sys_object_id":"","profile":"","tables":{"t":[["a","1",-5,0]]}}',
        b'{"at":1,"sys_object_id":"","profile":"","tables":{"t":[["a","1"]]}}',
        b'{"at":1,"sys_object_id":"","profile":"","tables":{},"more":1}',
    ],
    ids=["empty", "nothing", "negative", "short", "unknown key"],
)
async def test_a_damaged_file_is_set_aside(tmp_path: Path, content: bytes) -> None:
    """Told in the log, and what is known is kept again."""
    (tmp_path / "fw.json").write_bytes(content)
    files = KnownFiles(tmp_path)
    with capture_logs() as logs:
        assert await files.recall("fw") is None
    assert [line["event"] for line in logs] == ["known tunnels damaged: set aside, begun anew"]
    assert (tmp_path / "fw.damaged").read_bytes() == content
    await files.keep("fw", KNOWN)
    assert await files.recall("fw") == KNOWN


async def test_a_disk_that_takes_nothing_stops_nothing_and_is_told_once(tmp_path: Path) -> None:
    """The old file stays whole."""
    files = KnownFiles(tmp_path)
    await files.keep("fw", KNOWN)
    (tmp_path / "fw.new").mkdir()
    with capture_logs() as logs:
        for _ in range(3):
            await files.keep("fw", Known(2.0, "", "", KNOWN.tables))
    assert [line["event"] for line in logs] == ["known tunnels not kept"]
    assert await files.recall("fw") == KNOWN


def test_a_clock_that_ran_backwards_makes_nothing_younger() -> None:
    """Boxes without a battery begin in the past."""
    assert KNOWN.memos("tunnels", 0.0)[0].ago == 30.0
    assert KNOWN.memos("tunnels", KNOWN.at + 60)[0].ago == 90.0
    assert KNOWN.memos("others", KNOWN.at) == []
