"""Channels that carry each other, stand in for each other, are worked on, and come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.collector import interface_table
from support.province import AGENTS, NOW, Chain, load, well
from tslcd_collector.judge import judge
from tslcd_collector.maintenance import Window
from tslcd_collector.store import VerdictRow
from tslcd_wire.report import Status

if TYPE_CHECKING:
    from pathlib import Path

    from tslcd_collector.inventory import Inventory

CARRIED = ("c1", "c2", "c3")


@pytest.fixture
def province(tmp_path: Path) -> Chain:
    """Make the province with everything good."""
    return well(tmp_path)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """Load the inventory once."""
    return load(tmp_path_factory.mktemp("inventory"))


def test_one_cut_is_told_of_everything_behind_it_in_one_round(province: Chain) -> None:
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


def test_what_is_behind_a_cut_is_judged_with_it(province: Chain) -> None:
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


def test_a_carrier_that_is_back_is_not_followed_by_cuts_of_its_own(province: Chain) -> None:
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


def test_a_carrier_stays_back_when_the_inventory_is_read_again_and_after_a_restart(province: Chain) -> None:
    """Who was not measured since is cut with it, also for a collector that begins anew right after, an hour later."""
    rows = province.supervision.rows()
    province.round(100, "hub", trunk=False)
    province.round(101, "a1", "a2", "a3", lost=5)
    rows += province.supervision.judge(NOW + 102)
    province.round(103, "hub")
    rows += province.supervision.judge(NOW + 104, {"hub"})
    province.supervision.set_inventory(province.known)
    assert [province.verdicts(105)[one] for one in CARRIED] == ["down upstream_down"] * 3
    again = Chain(province.known)
    newest = {row.channel: row for row in rows}
    again.supervision.restore(newest.values(), [row for row in rows if row is not newest[row.channel]], 3600.0)
    again.absence = 3600.0
    again.round(103, "hub")
    again.round(101, "a1", "a2", "a3", lost=5)
    again.absence = 0.0
    for agent in AGENTS:
        again.board.restore_agent("86", agent, None, NOW + 3706, NOW + 103)
    told = again.verdicts(3706)
    assert (told["trunk"], [told[one] for one in CARRIED]) == ("up ok", ["down upstream_down"] * 3)
    again.round(3710, "a1", lost=5)
    assert again.verdicts(3711, "a1")["c1"] == "down gateway_unreachable"


def test_a_cut_is_looked_for_beyond_channels_that_nobody_knows(province: Chain) -> None:
    """c1 and c2 are unknown and not down: still c3 is behind the cut. One that is seen to work in between ends the search."""
    silent = "down upstream_down"
    for at in range(20, 200, 20):
        province.round(at, "hub", trunk=False)
    assert [province.verdicts(190)[one] for one in CARRIED] == [silent] * 3
    province.round(195, "a2")
    told = province.verdicts(196)
    assert told["c2"] == "up ok"
    assert told["c3"] == "unknown agent_lost"


def test_last_words_of_the_carrier_are_those_of_the_carried(province: Chain) -> None:
    """The hub's only way was the trunk itself: it told of the cut and fell silent, and so did all behind it."""
    province.round(10, "hub", trunk=False)
    for agent in AGENTS:
        province.board.set_status("86", Status(agent=agent, online=False), NOW + 11, retained=False)
    told = province.verdicts(12)
    assert {told[one] for one in ("trunk", *CARRIED)} == {"unknown uplink_lost"}


def test_who_stands_in_for_a_lost_channel_is_degraded(province: Chain) -> None:
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


def test_planned_work_takes_no_redundancy_and_blames_nobody(province: Chain) -> None:
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


def _flap(province: Chain, times: int, start: float) -> float:
    at = start
    for _ in range(times):
        province.round(at, "hub", trunk=False)
        province.verdicts(at + 1)
        province.round(at + 5, "hub")
        province.verdicts(at + 6)
        at += 10
    return at


def test_a_channel_that_comes_and_goes_flaps(province: Chain) -> None:
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


def test_a_restart_changes_no_flapping(province: Chain) -> None:
    """Rows of the store make the same cuts; the time the collector was away counts for nobody, and no further cut is needed."""
    rows = province.supervision.rows()
    for index in range(3):
        province.round(10 + 10 * index, "hub", trunk=False)
        rows += province.supervision.judge(NOW + 11 + 10 * index)
        province.round(15 + 10 * index, "hub")
        rows += province.supervision.judge(NOW + 16 + 10 * index)
    before = province.supervision.standing["trunk"]
    assert before.verdict.reason.value == "flapping"
    again = Chain(province.known)
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
    some, everything = Chain(known), Chain(known)
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


def test_verdicts_of_a_newer_program_are_judged_anew(province: Chain) -> None:
    """A reason that nobody knows, among what ended and what stands."""
    again = Chain(province.known)
    row = VerdictRow("trunk", "down", "eaten", "operator", "", NOW, NOW)
    assert again.supervision.restore([row, row._replace(channel="gone")], [row]) == ["gone"]
    assert again.supervision.standing == {}
