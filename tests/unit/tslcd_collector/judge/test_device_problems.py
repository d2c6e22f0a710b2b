"""The whole truth of the judge of devices, and of that of agents."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import wire
from support.device_truth import AGE, NOW, TABLE
from tslcd_collector.inventory import DeviceClass
from tslcd_collector.judge.agents import Drops, agent_problems
from tslcd_collector.judge.devices import DevicePast, judge_device
from tslcd_collector.problems import AGENT_PROBLEM_WORDS, DEVICE_PROBLEM_WORDS, AgentProblem, DeviceProblem
from tslcd_wire.catalogue import KINDS

LIMITS = DeviceClass(id="d", ignored=("old",))


@pytest.mark.parametrize(("tables", "past", "told"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_truth_of_devices(tables: dict[str, Any], past: DevicePast, told: str) -> None:
    """Every row tells exactly these problems, those that are not there as 0, and nothing of what cannot be known."""
    said = judge_device({kind: (table, NOW - AGE) for kind, table in tables.items()}, LIMITS, past, NOW)
    wanted = {word.strip("()"): not word.startswith("(") for word in told.split()}
    assert {problem.value: there for problem, there in said.problems.items()} == wanted
    assert said.past.problems == {problem for problem, there in said.problems.items() if there}


def test_every_problem_is_told_by_some_row_and_has_words() -> None:
    """No problem that nothing gives, and none without a word."""
    told = {word for row in TABLE for word in row[3].split() if not word.startswith("(")}
    assert told == {problem.value for problem in DeviceProblem}
    assert set(DEVICE_PROBLEM_WORDS) == set(DeviceProblem)
    assert set(AGENT_PROBLEM_WORDS) == set(AgentProblem)


def test_a_change_of_role_and_a_restart_end_by_themselves() -> None:
    """Without another report, as time goes by."""
    tables = {
        "firewall": ({"key": [""], "ha_role": ["active"]}, NOW),
        "device": ({"key": [""], "uptime_seconds": [1]}, NOW),
    }
    past = DevicePast(role="passive")
    for after, there in ((0.0, {"ha_changed", "restarted"}), (600.0, {"ha_changed"}), (1800.0, set[str]())):
        told, past = judge_device(tables, LIMITS, past, NOW + after)  # type: ignore[arg-type]
        assert {problem.value for problem, true in told.items() if true} == there


@given(st.data(), st.sampled_from(KINDS))
def test_any_valid_table_is_judged_and_the_same_twice(data: st.DataObject, kind: Any) -> None:
    """Never an exception; what is judged again without anything new is told again."""
    tables = {kind.name: (data.draw(wire.tables(kind)), NOW)}
    once = judge_device(tables, LIMITS, DevicePast(), NOW)
    again = judge_device(tables, LIMITS, once.past, NOW)
    assert set(again.problems) == set(once.problems)
    assert {one for one, there in once.problems.items() if there} <= {
        one for one, there in again.problems.items() if there
    }


def _agent(heartbeat: dict[str, list[Any]] | None, drops: Drops, before: set[AgentProblem] | None = None) -> set[str]:
    told = agent_problems(heartbeat, NOW, drops, frozenset(before or ()), clock_wrong=False, cloned=False)
    return {problem.value if there else f"({problem.value})" for problem, there in told.items()}


CLOCK = {"(clock_wrong)", "(identity_cloned)"}


@pytest.mark.parametrize(
    ("cells", "before", "told"),
    [
        ({"uplink_spare": [1]}, set(), {"uplink_spare"}),
        ({"uplink_spare": [0]}, set(), {"(uplink_spare)"}),
        ({"spool_bytes": [80], "spool_limit_bytes": [100]}, set(), {"spool_filling"}),
        ({"spool_bytes": [79], "spool_limit_bytes": [100]}, set(), {"(spool_filling)"}),
        ({"spool_bytes": [73], "spool_limit_bytes": [100]}, {AgentProblem.SPOOL_FILLING}, {"spool_filling"}),
        ({"spool_bytes": [71], "spool_limit_bytes": [100]}, {AgentProblem.SPOOL_FILLING}, {"(spool_filling)"}),
        ({"spool_bytes": [71], "spool_limit_bytes": [0]}, set(), set()),
    ],
)
def test_the_truth_of_agents(cells: dict[str, list[Any]], before: set[AgentProblem], told: set[str]) -> None:
    """What the heartbeat tells; without one only clock and identity are known."""
    assert _agent(cells, Drops(), before) == told | CLOCK
    assert _agent(None, Drops(), before) == CLOCK


def test_a_spool_that_dropped_is_told_for_a_while() -> None:
    """From the first growth on; a counter that is heard for the first time, or starts anew, has not grown."""
    first = Drops().after(7, NOW - 1000)
    assert _agent({}, first) == CLOCK | {"(spool_dropping)"}
    grown = first.after(8, NOW - 599)
    assert _agent({}, grown) == CLOCK | {"spool_dropping"}
    assert _agent({}, first.after(8, NOW - 600)) == CLOCK | {"(spool_dropping)"}
    assert grown.after(0, NOW).grew == grown.grew
    assert grown.after(None, NOW) is grown


def test_clock_and_identity_are_told_as_they_are() -> None:
    """A clock that nobody knows of is not told."""
    told = agent_problems(None, NOW, Drops(), frozenset(), clock_wrong=None, cloned=True)
    assert told == {AgentProblem.IDENTITY_CLONED: True}
    assert agent_problems(None, NOW, Drops(), frozenset(), clock_wrong=True, cloned=False)[AgentProblem.CLOCK_WRONG]
