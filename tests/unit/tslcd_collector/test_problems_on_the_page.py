"""Problems of devices and agents on the exposition and in the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.province import NOW, Chain, well
from tslcd_collector.store import SpanRow

if TYPE_CHECKING:
    from pathlib import Path

    from tslcd_wire.report import Tables

FIREWALL: Tables = {
    "device": {"key": [""], "snmp_state": ["ok"], "cpu_utilization_ratio": [0.95], "uptime_seconds": [99999]},
    "firewall": {"key": [""], "ha_role": ["active"], "ha_peer_up": [1]},
}


@pytest.fixture
def province(tmp_path: Path) -> Chain:
    """Make the province with everything good."""
    return well(tmp_path)


def test_problems_of_devices_are_on_the_exposition_and_in_the_api(province: Chain) -> None:
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


def test_a_changed_role_survives_a_restart(province: Chain) -> None:
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
    again = Chain(province.known)
    again.supervision.equipment.restore([*spans, SpanRow("agent", "a1", NOW, NOW)], 0.0)
    again.hear("a1", 30, passive, device="fw")
    again.verdicts(31)
    told = [
        one["problem"]
        for one in next(one for one in again.supervision.equipment.describe() if one["device"] == "fw")["problems"]
    ]
    assert told == ["cpu_high", "ha_changed"]


def test_problems_of_agents_are_on_the_exposition(province: Chain) -> None:
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
