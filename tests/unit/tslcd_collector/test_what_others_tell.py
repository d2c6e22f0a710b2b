"""From reports of several agents to what surrounds a channel: spare ways, batteries, upstream channels, a broker not heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support import inventories
from support.collector import interface_table, probe_table
from tslcd_collector import inventory as inventories_of
from tslcd_collector.board import Board
from tslcd_collector.clock import Clocks
from tslcd_collector.exposition import Exposition
from tslcd_collector.supervision import Supervision
from tslcd_wire.report import Report, Status

if TYPE_CHECKING:
    from pathlib import Path

    from tslcd_collector.inventory import Inventory
    from tslcd_wire.report import Tables

NOW = 1_790_000_000.0
DEVICES = """\
devices:
- {id: fw, site: s1, agent: a1, role: firewall}
- {id: sw, site: s1, agent: a2, role: switch}
- {id: rt, site: s2, agent: b1, role: router}
"""
#: c1 and c2 at site s1 by agents a1 and a2, c3 at site s2 by b1, carried by c1.
CHANNELS = "channels:\n" + "".join(
    f"- {{id: {channel}, site: {site}, agency: ubnd, operator: VNPT, circuit: {channel}, access_level: II,"
    f" contracted: 2Mbps, connected_since: 2025-07-01, legal_document: 1/2025, {more}}}\n"
    for channel, site, more in (
        ("c1", "s1", "binding: {agent: a1, device: fw, interface: wan1, probes: [gateway]}"),
        ("c2", "s1", "binding: {agent: a2, probes: [gateway]}"),
        ("c3", "s2", "upstream: c1, binding: {agent: b1, probes: [gateway]}"),
    )
)


class Province:
    """Three agents at two sites, and what is known of them."""

    def __init__(self, known: Inventory) -> None:
        """Start without reports."""
        self.clocks = Clocks(2.0, 86400.0)
        self.exposition = Exposition()
        self.board = Board(self.exposition, 300.0, self.clocks.agents)
        self.supervision = Supervision(self.board, self.exposition)
        self.board.set_inventory(known)
        self.supervision.set_inventory(known)

    def hear(self, agent: str, at: float, tables: Tables, *, device: str = "") -> None:
        """Apply a report measured and received so many seconds after NOW."""
        report = Report(
            agent=agent,
            stream="0198f3c2",
            seq=1,
            at=NOW + at,
            boot="7c1e",
            mono=1000 + at,
            device=device,
            tables=tables,
        )
        self.clocks.learn(report, NOW + at, live=True)
        self.board.apply("86", report, NOW + at, NOW + at)

    def good(self, at: float, *agents: str, spare: tuple[str, ...] = ()) -> None:
        """Apply a good round of these agents; those of ``spare`` by a spare way."""
        for agent in agents:
            if agent == "a1":
                self.hear(agent, at, interface_table(), device="fw")
            self.hear(agent, at, probe_table())
            self.hear(agent, at, {"agent": {"key": [""], "uplink_spare": [int(agent in spare)]}})

    def verdicts(self, at: float) -> dict[str, str]:
        """Judge everything so many seconds after NOW."""
        self.supervision.judge(NOW + at)
        return {
            channel: f"{one.verdict.state.value} {one.verdict.reason.value}"
            for channel, one in self.supervision.standing.items()
        }

    def lines(self) -> list[str]:
        """Return the exposition."""
        self.board.take_changed()
        return self.exposition.scrape(b"", openmetrics=False, zipped=False).body().decode().splitlines()


@pytest.fixture
def province(tmp_path: Path) -> Province:
    """Make the province with everything good."""
    changes: dict[str, str | None] = {"devices.yaml": DEVICES, "channels.yaml": CHANNELS}
    made = Province(inventories_of.load(inventories.write(tmp_path, changes)))
    made.good(0, "a1", "a2", "b1")
    assert set(made.verdicts(1).values()) == {"up ok"}
    return made


def test_a_spare_way_in_use_is_the_channel_that_does_not_get_through(province: Province) -> None:
    """As long as others get through; when everybody is on the spare way it is the centre, and no channel is blamed."""
    province.good(10, "a1", "a2", "b1", spare=("b1",))
    assert province.verdicts(11) == {"c1": "up ok", "c2": "up ok", "c3": "degraded uplink_lost"}
    province.good(20, "a1", "a2", "b1", spare=("a1", "a2", "b1"))
    assert province.verdicts(21) == {"c1": "up ok", "c2": "up ok", "c3": "up ok"}
    province.good(30, "a1", "a2", "b1")
    assert province.verdicts(31)["c3"] == "up ok"


def test_a_silent_agent_whose_neighbour_is_on_a_spare_way_lost_its_uplink(province: Province) -> None:
    """Both stand at one site: what the one tells explains the other."""
    for at in range(10, 130, 10):
        province.good(at, "a2", "b1", spare=("a2",))
    assert province.verdicts(125) == {"c1": "unknown uplink_lost", "c2": "degraded uplink_lost", "c3": "up ok"}


def test_a_site_that_ran_on_battery_before_its_silence_has_no_power(province: Province) -> None:
    """The UPS hangs at one agent of the site and tells for all of them; the other site is not concerned."""
    ups: Tables = {"ups": {"key": ["ups"], "source": ["battery"], "on_battery": [1]}}
    province.hear("a2", 20, ups, device="sw")
    province.verdicts(150)
    assert province.verdicts(150) == {
        "c1": "unknown site_power",
        "c2": "unknown site_power",
        "c3": "unknown agent_lost",
    }
    assert province.supervision.standing["c1"].verdict.party.value == "power"


def test_a_battery_long_before_or_over_explains_nothing(province: Province) -> None:
    """Mains came back before the silence, or the UPS told of the battery hours ago."""
    for on_battery, at in ((1, 10), (0, 20)):
        province.hear("a2", at, {"ups": {"key": ["ups"], "on_battery": [on_battery]}}, device="sw")
    assert province.verdicts(150)["c2"] == "unknown agent_lost"
    province.hear("a1", 200, {"ups": {"key": ["ups"], "on_battery": [1]}}, device="fw")
    province.good(600, "a1", "a2")
    assert province.verdicts(800)["c1"] == "unknown agent_lost"


def test_a_last_will_and_a_goodbye_are_told_apart(province: Province) -> None:
    """A will has no time; a goodbye is the agent's own word, and no battery makes a power cut of it."""
    province.hear("a1", 5, {"ups": {"key": ["ups"], "on_battery": [1]}}, device="fw")
    will = Status(agent="a1", online=False)
    province.board.set_status("86", will, NOW + 10, retained=False)
    assert province.verdicts(11)["c1"] == "unknown site_power"
    goodbye = Status(agent="a1", online=False, at=NOW + 12, version="1")
    province.board.set_status("86", goodbye, NOW + 12, retained=False)
    assert province.verdicts(13)["c1"] == "unknown agent_lost"
    assert province.supervision.standing["c1"].verdict.detail.en == "agent a1 was stopped"


def test_a_channel_below_one_that_is_down_is_down_with_it(province: Province) -> None:
    """b1 is silent since c1, which carries its channel, is cut; seen to work it is not concerned."""
    for at in range(10, 130, 10):
        province.hear("a1", at, interface_table(up=False), device="fw")
        province.good(at, "a2")
    province.verdicts(125)
    assert province.verdicts(126) == {"c1": "down interface_down", "c2": "up ok", "c3": "down upstream_down"}
    province.good(127, "b1")
    assert province.verdicts(128)["c3"] == "up ok"


def test_silence_since_the_broker_is_not_heard_is_our_own(province: Province) -> None:
    """Agents that were well before are ``stale``; one that was silent before stays lost."""
    for at in range(10, 200, 10):
        province.good(at, "a1", "a2")
    assert province.verdicts(195)["c3"] == "unknown agent_lost"
    province.board.broker_lost = NOW + 200
    assert province.verdicts(300) == {"c1": "unknown stale", "c2": "unknown stale", "c3": "unknown agent_lost"}
    province.board.broker_lost = None
    province.good(310, "a1", "a2", "b1")
    assert set(province.verdicts(311).values()) == {"up ok"}


def test_a_wrong_clock_is_on_the_exposition(province: Province) -> None:
    """Offset, counts and the problem, by agent; nothing of an agent that nobody knows."""
    labels = 'province="86",site="s1",agent="a1"'
    assert f"tslcd_agent_clock_offset_seconds{{{labels}}} 0.000" in province.lines()
    assert f'tslcd_agent_problem{{{labels},problem="clock_wrong"}} 0' in province.lines()
    ahead = Report(agent="a1", stream="0198f3c2", seq=2, at=NOW + 3610, boot="7c1e", mono=1010.0)
    province.clocks.learn(ahead, NOW + 10, live=True)
    timed = province.clocks.place(ahead, NOW + 10)
    province.board.apply("86", ahead, timed.at, NOW + 10)
    lines = province.lines()
    assert f"tslcd_agent_clock_offset_seconds{{{labels}}} 3600.000" in lines
    assert f"tslcd_agent_clock_corrected_reports_total{{{labels}}} 1" in lines
    assert f"tslcd_agent_clock_unknown_reports_total{{{labels}}} 0" in lines
    assert f'tslcd_agent_problem{{{labels},problem="clock_wrong"}} 1' in lines
