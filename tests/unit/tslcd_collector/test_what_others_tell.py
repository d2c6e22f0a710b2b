"""From reports of several agents to what surrounds a channel: spare ways, batteries, upstream channels, a broker not heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.collector import interface_table, probe_table
from support.province import NOW, Province, channels, load
from tslcd_collector.clock import Clocks
from tslcd_wire.report import Report, Status

if TYPE_CHECKING:
    from pathlib import Path

    from tslcd_wire.report import Tables

DEVICES = """\
devices:
- {id: fw, site: s1, agent: a1, role: firewall}
- {id: sw, site: s1, agent: a2, role: switch}
- {id: rt, site: s2, agent: b1, role: router}
"""
#: c1 and c2 at site s1 by agents a1 and a2, c3 at site s2 by b1, carried by c1.
CHANNELS = channels(
    ("c1", "s1", "VNPT", "binding: {agent: a1, device: fw, interface: wan1, probes: [gateway]}"),
    ("c2", "s1", "VNPT", "binding: {agent: a2, probes: [gateway]}"),
    ("c3", "s2", "VNPT", "upstream: c1, binding: {agent: b1, probes: [gateway]}"),
)


class TwoSites(Province):
    """Three agents at two sites, and what is known of them."""

    def good(self, at: float, *agents: str, spare: tuple[str, ...] = ()) -> None:
        """Apply a good round of these agents; those of ``spare`` by a spare way."""
        for agent in agents:
            if agent == "a1":
                self.hear(agent, at, interface_table(), device="fw")
            self.hear(agent, at, probe_table())
            self.hear(agent, at, {"agent": {"key": [""], "uplink_spare": [int(agent in spare)]}})

    def page(self) -> list[str]:
        """Return the exposition, with the agents' own series."""
        self.board.take_changed()
        return self.lines()


@pytest.fixture
def province(tmp_path: Path) -> TwoSites:
    """Make the province with everything good."""
    made = TwoSites(load(tmp_path, DEVICES, CHANNELS), Clocks(2.0, 86400.0))
    made.good(0, "a1", "a2", "b1")
    assert set(made.verdicts(1).values()) == {"up ok"}
    return made


def test_a_spare_way_in_use_is_the_channel_that_does_not_get_through(province: TwoSites) -> None:
    """As long as others get through; when everybody is on the spare way it is the centre, and no channel is blamed."""
    province.good(10, "a1", "a2", "b1", spare=("b1",))
    assert province.verdicts(11) == {"c1": "up ok", "c2": "up ok", "c3": "degraded uplink_lost"}
    province.good(20, "a1", "a2", "b1", spare=("a1", "a2", "b1"))
    assert province.verdicts(21) == {"c1": "up ok", "c2": "up ok", "c3": "up ok"}
    province.good(30, "a1", "a2", "b1")
    assert province.verdicts(31)["c3"] == "up ok"


def test_a_silent_agent_whose_neighbour_is_on_a_spare_way_lost_its_uplink(province: TwoSites) -> None:
    """Both stand at one site: what the one tells explains the other."""
    for at in range(10, 130, 10):
        province.good(at, "a2", "b1", spare=("a2",))
    assert province.verdicts(125) == {"c1": "unknown uplink_lost", "c2": "degraded uplink_lost", "c3": "up ok"}


def test_a_site_that_ran_on_battery_before_its_silence_has_no_power(province: TwoSites) -> None:
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


def test_a_battery_long_before_or_over_explains_nothing(province: TwoSites) -> None:
    """Mains came back before the silence, or the UPS told of the battery hours ago."""
    for on_battery, at in ((1, 10), (0, 20)):
        province.hear("a2", at, {"ups": {"key": ["ups"], "on_battery": [on_battery]}}, device="sw")
    assert province.verdicts(150)["c2"] == "unknown agent_lost"
    province.hear("a1", 200, {"ups": {"key": ["ups"], "on_battery": [1]}}, device="fw")
    province.good(600, "a1", "a2")
    assert province.verdicts(800)["c1"] == "unknown agent_lost"


def test_a_last_will_and_a_goodbye_are_told_apart(province: TwoSites) -> None:
    """A will has no time; a goodbye is the agent's own word, and no battery makes a power cut of it."""
    province.hear("a1", 5, {"ups": {"key": ["ups"], "on_battery": [1]}}, device="fw")
    will = Status(agent="a1", online=False)
    province.board.set_status("86", will, NOW + 10, retained=False)
    assert province.verdicts(11)["c1"] == "unknown site_power"
    goodbye = Status(agent="a1", online=False, at=NOW + 12, version="1")
    province.board.set_status("86", goodbye, NOW + 12, retained=False)
    assert province.verdicts(13)["c1"] == "unknown agent_lost"
    assert province.supervision.standing["c1"].verdict.detail.en == "agent a1 was stopped"


def test_a_channel_below_one_that_is_down_is_down_with_it(province: TwoSites) -> None:
    """b1 is silent since c1, which carries its channel, is cut; seen to work it is not concerned."""
    for at in range(10, 130, 10):
        province.hear("a1", at, interface_table(up=False), device="fw")
        province.good(at, "a2")
    province.verdicts(125)
    assert province.verdicts(126) == {"c1": "down interface_down", "c2": "up ok", "c3": "down upstream_down"}
    province.good(127, "b1")
    assert province.verdicts(128)["c3"] == "up ok"


def test_silence_since_the_broker_is_not_heard_is_our_own(province: TwoSites) -> None:
    """Agents that were well before are ``stale``; one that was silent before stays lost."""
    for at in range(10, 200, 10):
        province.good(at, "a1", "a2")
    assert province.verdicts(195)["c3"] == "unknown agent_lost"
    province.board.broker_lost = NOW + 200
    assert province.verdicts(300) == {"c1": "unknown stale", "c2": "unknown stale", "c3": "unknown agent_lost"}
    province.board.broker_lost = None
    province.good(310, "a1", "a2", "b1")
    assert set(province.verdicts(311).values()) == {"up ok"}


def test_a_wrong_clock_is_on_the_exposition(province: TwoSites) -> None:
    """Offset, counts and the problem, by agent; nothing of an agent that nobody knows."""
    labels = 'province="86",site="s1",agent="a1"'
    assert f"tslcd_agent_clock_offset_seconds{{{labels}}} 0.000" in province.page()
    assert f'tslcd_agent_problem{{{labels},problem="clock_wrong"}} 0' in province.page()
    ahead = Report(agent="a1", stream="0198f3c2", seq=2, at=NOW + 3610, boot="7c1e", mono=1010.0)
    assert province.clocks is not None
    province.clocks.learn(ahead, NOW + 10, live=True)
    timed = province.clocks.place(ahead, NOW + 10)
    province.board.apply("86", ahead, timed.at, NOW + 10)
    lines = province.page()
    assert f"tslcd_agent_clock_offset_seconds{{{labels}}} 3600.000" in lines
    assert f"tslcd_agent_clock_corrected_reports_total{{{labels}}} 1" in lines
    assert f"tslcd_agent_clock_unknown_reports_total{{{labels}}} 0" in lines
    assert f'tslcd_agent_problem{{{labels},problem="clock_wrong"}} 1' in lines
