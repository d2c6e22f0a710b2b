"""What was told live and what hindsight says of the same reports is the same, whatever they tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import inventories
from support.collector import interface_table
from tslcd_collector import inventory as inventories_of
from tslcd_collector.board import Board
from tslcd_collector.exposition import Exposition
from tslcd_collector.judge import Past, Surroundings
from tslcd_collector.ledger import LedgerFile
from tslcd_collector.ledger.hindsight import judged, observations
from tslcd_collector.ledger.others import Others
from tslcd_collector.maintenance import Window, Windows
from tslcd_collector.store import VerdictRow
from tslcd_collector.supervision import Supervision
from tslcd_wire.report import Report

if TYPE_CHECKING:
    from pathlib import Path

    from tslcd_collector.inventory import Inventory

NOW = 1_790_000_000.0
CLASSES = """\
classes:
- {id: dual, traffic_over: 1min, flap_count: 2, flap_window: 5min, latency_warn: 20ms, jitter_warn: 10ms}
"""


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """Load the small inventory, c1 of a class with short times."""
    changes = {
        "classes.yaml": CLASSES,
        **inventories.edited("channels.yaml", "circuit: VNPT-1", "circuit: VNPT-1\n  class: dual"),
    }
    return inventories_of.load(inventories.write(tmp_path_factory.mktemp("inventory"), changes))


STEPS = st.lists(
    st.fixed_dictionaries(
        {
            "wait": st.sampled_from([10, 10, 20, 30, 60, 95, 200]),
            "up": st.sampled_from([True, True, True, False]),
            "snmp": st.sampled_from(["ok", "ok", "ok", "refused", "unreachable"]),
            "received": st.sampled_from([10, 10, 10, 9, 8, 0]),
            "rtt": st.sampled_from([0.004, 0.017, 0.021, 0.06]),
            "jitter": st.sampled_from([0.001, 0.0085, 0.011]),
            "load": st.sampled_from([0.1, 0.75, 0.95]),
            "bad": st.sampled_from([0, 20, 900, 5000]),
        }
    ),
    min_size=1,
    max_size=40,
)


def _reports(steps: list[dict[str, Any]]) -> list[Report]:
    """Make two reports of every step: of the device, and of the probe in the same moment."""
    made, at, octets, packets, bad = [], NOW, 0, 0, 0
    for step in steps:
        at += step["wait"]
        octets += int(step["wait"] * 200e6 / 8 * step["load"])
        packets += 100_000 * step["wait"]
        bad += step["bad"]
        device = interface_table(up=step["up"])
        device["interface"] = {
            "key": ["wan1"],
            "oper_up": [int(step["up"])],
            "admin_up": [1],
            "receive_bytes_total": [octets],
            "transmit_bytes_total": [0],
            "receive_unicast_packets_total": [packets],
            "receive_errors_total": [bad],
        }
        device["device"] = {"key": [""], "snmp_state": [step["snmp"]]}
        probe: dict[str, list[Any]] = {
            "key": ["gateway"],
            "packets_sent": [10],
            "packets_received": [step["received"]],
            "rtt_seconds": [step["rtt"] if step["received"] else None],
            "jitter_seconds": [step["jitter"] if step["received"] else None],
        }
        for name, tables in (("fw", device), ("", {"probe": probe})):
            made.append(
                Report(
                    agent="a1", stream="0198f3c2", seq=1, at=at, boot="7c1e", mono=at - NOW, device=name, tables=tables
                )
            )
    return made


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_hindsight_says_what_the_board_told(known: Inventory, steps: list[dict[str, Any]]) -> None:
    """Flapping, thresholds that let go later, traffic and windows included; silence in between too."""
    channel = known.channels["c1"]
    board = Board(Exposition(), 300.0)
    supervision = Supervision(board, Exposition())
    board.set_inventory(known)
    supervision.set_inventory(known)
    window = Window("w", "t", since=NOW + 300, until=NOW + 500, channels=frozenset({"c1"}))
    supervision.set_windows([window])
    reports = _reports(steps)
    told: dict[float, tuple[str, str]] = {}
    for index, report in enumerate(reports):
        at = report.at
        if told and report.device and at - max(told) > channel.channel_class.stale_after:
            supervision.judge(max(told) + channel.channel_class.stale_after + 1)  # a round in the silence
        board.apply("86", report, at, at)
        if index + 1 == len(reports) or reports[index + 1].at != at:
            supervision.judge(at, {"a1"})
            verdict = supervision.standing["c1"].verdict
            told[at] = (verdict.state.value, verdict.reason.value)
    seen = [one for report in reports for one in observations(channel, report, report.at)]
    windows = Windows([window])
    pieces = judged(
        channel,
        seen,
        past=Past(),
        around=lambda at: Surroundings(window=windows.active(channel, at)),
        edges=windows.edges(channel, reports[0].at, reports[-1].at),
    )
    for at, (state, reason) in told.items():
        piece = next((one for one in pieces if one.until is not None and one.since <= at < one.until), None)
        found = (piece.state, piece.reason) if piece is not None else ("unknown", "")
        assert found[0] == state
        assert found[1] == reason or state in {"unknown", "up"}


def test_what_others_told_is_read_from_the_ledger(tmp_path: Path) -> None:
    """The carrier, the group, what was told before and plans, at the time that is judged again."""
    text = inventories.FILES["channels.yaml"].replace("circuit: VNPT-1", "circuit: VNPT-1\n  redundancy_group: g")
    text = text.replace("upstream: c1", "upstream: c1\n  redundancy_group: g")
    known = inventories_of.load(inventories.write(tmp_path / "inventory", {"channels.yaml": text}))
    file = LedgerFile(tmp_path)
    file.open(NOW)
    rows = [
        VerdictRow("c1", "up", "ok", "none", "", NOW, NOW),
        VerdictRow("c1", "down", "interface_down", "operator", "", NOW + 100, NOW + 100),
        VerdictRow("c1", "up", "ok", "none", "", NOW + 200, NOW + 200),
        VerdictRow("c2", "up", "ok", "none", "", NOW, NOW),
        VerdictRow("c2", "down", "gateway_unreachable", "operator", "", NOW + 50, NOW + 50),
    ]
    file.write(rows, [], [], NOW + 300)
    window = Window("w", "t", since=NOW + 120, until=NOW + 130, channels=frozenset({"c2"}))
    others = Others(known.channels["c2"], known, file, Windows([window]), NOW, NOW + 300)
    assert others.past(NOW + 60).cuts == (NOW + 50,)
    assert others.past(NOW + 50).cuts == ()
    before, during = others.around(NOW + 99), others.around(NOW + 125)
    assert (before.upstream, before.lost, before.window) == (others.around(NOW + 250).upstream, None, None)
    assert during.upstream is not None
    assert during.upstream.value == "down"
    assert (before.carrier_back, during.carrier_back, others.around(NOW + 250).carrier_back) == (None, None, NOW + 200)
    assert during.lost is not None
    assert (during.lost.channel, during.window is not None) == ("c1", True)
    assert set(others.edges(NOW)) == {NOW, NOW + 100, NOW + 120, NOW + 130, NOW + 200}
    file.close()
