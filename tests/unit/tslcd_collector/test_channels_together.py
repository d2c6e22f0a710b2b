"""Channels that carry each other, stand in for each other, are worked on, and come and go; and the devices beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import inventories
from support.collector import interface_table, probe_table
from tslcd_collector import inventory as inventories_of
from tslcd_collector.board import Board
from tslcd_collector.exposition import Exposition
from tslcd_collector.judge import judge
from tslcd_collector.maintenance import Window
from tslcd_collector.store import SpanRow, VerdictRow
from tslcd_collector.supervision import Supervision
from tslcd_wire.report import Report, Status

if TYPE_CHECKING:
    from pathlib import Path

    from tslcd_collector.inventory import Inventory
    from tslcd_wire.report import Tables

NOW = 1_790_000_000.0
AGENTS = ("hub", "a1", "a2", "a3")
DEVICES = """\
devices:
- {id: core, site: s1, agent: hub, role: router}
- {id: fw, site: s2, agent: a1, role: firewall}
- {id: new, site: s2, agent: a1, role: switch, in_service: false}
"""
#: trunk carries c1, c1 carries c2 and c2 carries c3; each by an agent of its own. d1 and d2 stand in for each other. The channels are
#: written the wrong way round.
CHANNELS = "channels:\n" + "".join(
    f"- {{id: {channel}, site: {site}, agency: ubnd, operator: {operator}, circuit: {channel}, access_level: II,"
    f" contracted: 2Mbps, connected_since: 2025-07-01, legal_document: 1/2025, {more}}}\n"
    for channel, site, operator, more in (
        ("c3", "s2", "VNPT", "upstream: c2, binding: {agent: a3, probes: [gateway]}"),
        ("c2", "s2", "VNPT", "upstream: c1, binding: {agent: a2, probes: [gateway]}"),
        ("c1", "s2", "VNPT", "upstream: trunk, binding: {agent: a1, probes: [gateway]}"),
        ("trunk", "s1", "Viettel", "binding: {agent: hub, device: core, interface: wan1}"),
        ("d1", "s1", "VNPT", "redundancy_group: g, binding: {agent: hub, probes: [gateway]}"),
        ("d2", "s1", "Viettel", "redundancy_group: g, binding: {agent: hub, probes: [other]}"),
        ("free", "s1", "VNPT", "binding: {agent: hub, probes: [gateway]}, in_service: false"),
    )
)


class Province:
    """What four agents told, and what is made of it."""

    def __init__(self, known: Inventory) -> None:
        """Start without reports."""
        self.exposition = Exposition()
        self.board = Board(self.exposition, 300.0)
        self.supervision = Supervision(self.board, self.exposition)
        self.board.set_inventory(known)
        self.supervision.set_inventory(known)
        self.known = known

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
        self.board.apply("86", report, NOW + at, NOW + at)

    def round(self, at: float, *agents: str, trunk: bool = True, lost: int = 0, other: int = 0) -> None:
        """Let agents tell: trunk's link, packets that the gateway's probe lost, and the other one."""
        for agent in agents or AGENTS:
            if agent == "hub":
                self.hear(agent, at, interface_table(up=trunk), device="core")
                probes: Any = probe_table(lost=other)
                probes["probe"]["key"] = ["other"]
                self.hear(agent, at, probes)
            self.hear(agent, at + 0.01, probe_table(lost=lost))

    def verdicts(self, at: float, *agents: str) -> dict[str, str]:
        """Judge everything, or what some agents told, so many seconds after NOW."""
        self.supervision.judge(NOW + at, set(agents) if agents else None)
        return {
            channel: f"{one.verdict.state.value} {one.verdict.reason.value}"
            for channel, one in self.supervision.standing.items()
        }

    def lines(self, start: str) -> list[str]:
        """Return the lines of the exposition that start so."""
        text = self.exposition.scrape(b"", openmetrics=False, zipped=False).body().decode()
        return [line for line in text.splitlines() if line.startswith(start)]


@pytest.fixture
def province(tmp_path: Path) -> Province:
    """Make the province with everything good."""
    changes: dict[str, str | None] = {"devices.yaml": DEVICES, "channels.yaml": CHANNELS}
    made = Province(inventories_of.load(inventories.write(tmp_path, changes)))
    made.round(0)
    assert set(made.verdicts(1).values()) == {"up ok", "maintenance not_in_service"}
    return made


CARRIED = ("c1", "c2", "c3")


def test_one_cut_is_told_of_everything_behind_it_in_one_round(province: Province) -> None:
    """All agents behind it are lost in the same moment: nobody is ever shown as lost by itself, and each names the cut."""
    province.round(100, "hub", trunk=False)
    for agent in ("a1", "a2", "a3"):
        province.board.set_status("86", Status(agent=agent, online=False), NOW + 100, retained=False)
    changes = province.supervision.judge(NOW + 101, {"hub", "a1", "a2", "a3"})
    told = {row.channel: (row.state, row.reason) for row in changes}
    assert told == {"trunk": ("down", "interface_down")} | dict.fromkeys(CARRIED, ("down", "upstream_down"))
    assert len(changes) == 4
    for channel in CARRIED:
        assert province.supervision.standing[channel].verdict.detail.en == "channel trunk, which carries it, is down"


def test_what_is_behind_a_cut_is_judged_with_it(province: Province) -> None:
    """Only the agent of the cut channel told anything; those behind it were silent already, or are seen to work."""
    for agent in ("a1", "a2"):
        province.board.set_status("86", Status(agent=agent, online=False), NOW + 50, retained=False)
    assert province.verdicts(51, "a1", "a2")["c2"] == "unknown agent_lost"
    province.round(55, "hub", trunk=False)
    told = province.verdicts(56, "hub")
    assert (told["c1"], told["c2"], told["c3"]) == ("down upstream_down", "down upstream_down", "up ok")
    province.round(60, "hub")
    assert province.verdicts(61, "hub")["c1"] == "unknown agent_lost"
    province.round(62)
    assert {province.verdicts(63)[one] for one in CARRIED} == {"up ok"}


def test_a_carrier_that_is_back_is_not_followed_by_cuts_of_its_own(province: Province) -> None:
    """What was measured during its cut is its cut, until it is measured after what carries it was; then it is cut by itself."""
    province.round(100, "hub", trunk=False)
    province.round(101, "a1", "a2", "a3", lost=5)
    assert [province.verdicts(102)[one] for one in CARRIED] == ["down upstream_down"] * 3
    province.round(103, "hub")
    assert [province.verdicts(104, "hub")[one] for one in CARRIED] == ["down upstream_down"] * 3
    assert province.verdicts(120)["c1"] == "down upstream_down"
    province.round(130, "a1")
    province.round(130, "a2", lost=5)
    told = province.verdicts(131, "a1", "a2")
    assert (told["c1"], told["c2"]) == ("up ok", "down upstream_down")
    province.round(160, "a1")
    province.round(160, "a2", lost=5)
    assert province.verdicts(161, "a1", "a2")["c2"] == "down gateway_unreachable"


def test_a_cut_is_looked_for_beyond_channels_that_nobody_knows(province: Province) -> None:
    """c1 and c2 are unknown and not down: still c3 is behind the cut. One that is seen to work in between ends the search."""
    silent = "down upstream_down"
    for at in range(20, 200, 20):
        province.round(at, "hub", trunk=False)
    assert [province.verdicts(190)[one] for one in CARRIED] == [silent] * 3
    province.round(195, "a2")
    told = province.verdicts(196)
    assert told["c2"] == "up ok"
    assert told["c3"] == "unknown agent_lost"


def test_last_words_of_the_carrier_are_those_of_the_carried(province: Province) -> None:
    """The hub's only way was the trunk itself: it told of the cut and fell silent, and so did all behind it."""
    province.round(10, "hub", trunk=False)
    for agent in AGENTS:
        province.board.set_status("86", Status(agent=agent, online=False), NOW + 11, retained=False)
    told = province.verdicts(12)
    assert {told[one] for one in ("trunk", *CARRIED)} == {"unknown uplink_lost"}


def test_who_stands_in_for_a_lost_channel_is_degraded(province: Province) -> None:
    """The lost one keeps its own reason; who must act is the same for both; both change in one round, and back."""
    province.round(10, "hub", other=5)
    told = province.verdicts(11, "hub")
    assert (told["d1"], told["d2"]) == ("degraded redundancy_lost", "down gateway_unreachable")
    assert province.supervision.standing["d1"].verdict.party.value == "operator"
    province.round(20, "hub", lost=5, other=5)
    told = province.verdicts(21, "hub")
    assert (told["d1"], told["d2"]) == ("down gateway_unreachable", "down gateway_unreachable")
    for at in (30, 40, 50):
        province.round(at, "hub")
    told = province.verdicts(51, "hub")
    assert (told["d1"], told["d2"]) == ("up ok", "up ok")


def test_planned_work_takes_no_redundancy_and_blames_nobody(province: Province) -> None:
    """Windows made while running; the group, and what is behind the channel, are not told as faults."""
    province.supervision.set_windows(
        [Window("w", "Thay thiết bị", since=NOW + 10, until=NOW + 100, operators=frozenset({"Viettel"}))]
    )
    province.round(15, "hub", trunk=False, other=5)
    for agent in CARRIED:
        province.board.set_status("86", Status(agent=agent.replace("c", "a"), online=False), NOW + 15, retained=False)
    told = province.verdicts(16)
    work = "maintenance maintenance"
    assert told == {"trunk": work, "d2": work, "d1": "up ok", "free": "maintenance not_in_service"} | dict.fromkeys(
        CARRIED, work
    )
    detail = province.supervision.standing["c3"].verdict.detail.en
    assert detail.endswith(
        "of channel trunk: Thay thiết bị; would be: down/upstream_down: channel trunk, which carries it, is down"
    )
    told = province.verdicts(100)
    assert told["trunk"] == "down interface_down"
    assert told["d1"] == "degraded redundancy_lost"
    province.supervision.set_windows([])
    assert province.supervision.windows.all == ()


def _flap(province: Province, times: int, start: float) -> float:
    at = start
    for _ in range(times):
        province.round(at, "hub", trunk=False)
        province.verdicts(at + 1)
        province.round(at + 5, "hub")
        province.verdicts(at + 6)
        at += 10
    return at


def test_a_channel_that_comes_and_goes_flaps(province: Province) -> None:
    """From the third cut on, while it is up; until the cuts are long enough ago."""
    at = _flap(province, 2, 10)
    assert province.verdicts(at)["trunk"] == "up ok"
    at = _flap(province, 1, at)
    assert province.verdicts(at)["trunk"] == "degraded flapping"
    for later in range(int(at), int(at) + 1000, 60):
        province.round(later)
        told = province.verdicts(later)["trunk"]
        assert told in {"degraded flapping", "up ok"}
    assert told == "up ok"


def test_a_restart_changes_no_flapping(province: Province) -> None:
    """Rows of the store make the same cuts; the time the collector was away counts for nobody, and no further cut is needed."""
    rows = province.supervision.rows()
    for index in range(3):
        province.round(10 + 10 * index, "hub", trunk=False)
        rows += province.supervision.judge(NOW + 11 + 10 * index)
        province.round(15 + 10 * index, "hub")
        rows += province.supervision.judge(NOW + 16 + 10 * index)
    before = province.supervision.standing["trunk"]
    assert before.verdict.reason.value == "flapping"
    again = Province(province.known)
    newest = {row.channel: row for row in rows}
    ended = [row for row in rows if row is not newest[row.channel]]
    again.supervision.restore(newest.values(), ended, 3600.0)
    later = NOW + 37 + 3600
    for agent in AGENTS:
        again.board.restore_agent("86", agent, None, later, NOW)
    for kind, table in interface_table().items():
        again.board.restore_table("86", ("hub", "core"), kind, table, at=NOW + 35, now=later, absence=3600.0)
    assert [row for row in again.supervision.judge(later) if row.channel == "trunk"] == []
    standing = again.supervision.standing["trunk"]
    assert (standing.verdict.agrees(before.verdict), standing.since) == (True, before.since)
    assert standing.past.cuts == tuple(one + 3600 for one in before.past.cuts)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([(), ("hub",), ("a1",), ("a2", "a3"), ("a1", "a2", "a3")]),
            st.booleans(),
            st.sampled_from([0, 0, 1, 5]),
            st.sampled_from([0, 5]),
            st.sampled_from([5, 20, 100]),
            st.booleans(),
        ),
        max_size=25,
    )
)
def test_some_agents_or_all_come_to_the_same(known: Inventory, story: list[Any]) -> None:
    """Judging what changed gives, in the end of a round, what judging everything gives; and each verdict is that of its readings."""
    some, everything = Province(known), Province(known)
    windows = [Window("w", "t", since=NOW + 100, until=NOW + 300, channels=frozenset({"trunk", "d2"}))]
    at = 0.0
    for one in (some, everything):
        one.supervision.set_windows(windows)
        one.verdicts(0)
    for agents, trunk, lost, other, wait, gone in story:
        at += wait
        for one in (some, everything):
            if gone:
                for agent in agents:
                    one.board.set_status("86", Status(agent=agent, online=False), NOW + at, retained=False)
            else:
                one.round(at, *agents, trunk=trunk, lost=lost, other=other)
        told = everything.verdicts(at + 1)
        some.supervision.judge(NOW + at + 1, set(agents or AGENTS))
        assert some.verdicts(at + 1) == told
        for channel in known.channels.values():
            standing = everything.supervision.standing[channel.id]
            readings = everything.supervision.readings(channel, NOW + at + 1)
            if readings.past.reason is standing.verdict.reason:
                assert judge(channel, readings, NOW + at + 1).state is standing.verdict.state


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """Load the inventory once."""
    changes: dict[str, str | None] = {"devices.yaml": DEVICES, "channels.yaml": CHANNELS}
    return inventories_of.load(inventories.write(tmp_path_factory.mktemp("inventory"), changes))


FIREWALL: Tables = {
    "device": {"key": [""], "snmp_state": ["ok"], "cpu_utilization_ratio": [0.95], "uptime_seconds": [99999]},
    "firewall": {"key": [""], "ha_role": ["active"], "ha_peer_up": [1]},
}


def test_problems_of_devices_are_on_the_exposition_and_in_the_api(province: Province) -> None:
    """1 while one lasts, 0 else; nothing of a device that is not in service; gone with the tables they are read from."""
    labels = 'tslcd_device_problem{province="86",site="s2",agent="a1",device="fw",problem='
    for device in ("fw", "new"):
        province.hear("a1", 10, FIREWALL, device=device)
    province.verdicts(11)
    assert province.lines(labels) == [
        f'{labels}"{problem}"}} {there}'
        for problem, there in (
            ("snmp_unreadable", 0),
            ("cpu_high", 1),
            ("restarted", 0),
            ("ha_changed", 0),
            ("ha_peer_lost", 0),
        )
    ]
    assert province.lines(labels.replace('"fw"', '"new"')) == []
    told = {one["device"]: one for one in province.supervision.equipment.describe()}
    assert [one["problem"] for one in told["fw"]["problems"]] == ["cpu_high"]
    assert told["fw"]["problems"][0]["since"] == NOW + 11
    assert told["fw"]["problems"][0]["words"]["vi"] == "CPU tải cao"
    assert (told["new"]["in_service"], told["new"]["problems"]) == (False, [])
    province.board.expire(NOW + 400)
    province.verdicts(401)
    assert province.lines(labels) == []


def test_a_changed_role_survives_a_restart(province: Province) -> None:
    """It is a span of the store, each change once; what could not be written is handed out again."""
    province.hear("a1", 10, FIREWALL, device="fw")
    province.verdicts(11)
    assert province.supervision.equipment.take_spans() == []
    passive: Tables = {**FIREWALL, "firewall": {"key": [""], "ha_role": ["passive"]}}
    province.hear("a1", 20, passive, device="fw")
    province.verdicts(21)
    spans = province.supervision.equipment.take_spans()
    assert spans == [SpanRow("role", "a1 fw passive", NOW + 20, NOW + 1820)]
    assert province.supervision.equipment.take_spans() == []
    province.supervision.equipment.put_back(spans)
    assert province.supervision.equipment.take_spans() == spans
    again = Province(province.known)
    again.supervision.equipment.restore([*spans, SpanRow("agent", "a1", NOW, NOW)], 0.0)
    again.hear("a1", 30, passive, device="fw")
    again.verdicts(31)
    told = [
        one["problem"]
        for one in next(one for one in again.supervision.equipment.describe() if one["device"] == "fw")["problems"]
    ]
    assert told == ["cpu_high", "ha_changed"]


def test_verdicts_of_a_newer_program_are_judged_anew(province: Province) -> None:
    """A reason that nobody knows, among what ended and what stands."""
    again = Province(province.known)
    row = VerdictRow("trunk", "down", "eaten", "operator", "", NOW, NOW)
    assert again.supervision.restore([row, row._replace(channel="gone")], [row]) == ["gone"]
    assert again.supervision.standing == {}


def test_problems_of_agents_are_on_the_exposition(province: Province) -> None:
    """Spare ways, spools and clones; those of the heartbeat leave with it."""
    heartbeat: Tables = {"agent": {"key": [""], "uplink_spare": [1], "spool_bytes": [9], "spool_limit_bytes": [10]}}
    province.hear("a1", 10, heartbeat)
    province.board.set_cloned(frozenset({"a1"}))
    assert province.board.take_changed() >= {"a1"}
    found = {
        line.partition("problem=")[2]
        for line in province.lines('tslcd_agent_problem{province="86",site="s2",agent="a1"')
    }
    assert found == {'"identity_cloned"} 1', '"uplink_spare"} 1', '"spool_filling"} 1'}
    province.board.set_cloned(frozenset())
    province.board.expire(NOW + 400)
    assert "a1" in province.board.take_changed()
    found = {
        line.partition("problem=")[2]
        for line in province.lines('tslcd_agent_problem{province="86",site="s2",agent="a1"')
    }
    assert found == {'"identity_cloned"} 0'}
