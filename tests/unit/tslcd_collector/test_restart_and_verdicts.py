"""What stands of every channel, and that a restart changes none of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support import inventories
from support.collector import interface_table, probe_table
from tslcd_collector import inventory as inventories_of
from tslcd_collector.admit import Admission, Decision
from tslcd_collector.board import Board
from tslcd_collector.exposition import Exposition
from tslcd_collector.judge import phrases
from tslcd_collector.restoration import restore
from tslcd_collector.store import AgentRow, JournalRow, LatestRow, MarkRow, Memory, VerdictRow
from tslcd_collector.supervision import Supervision
from tslcd_collector.verdict import State, Words
from tslcd_wire import codec
from tslcd_wire.report import Report, Status

if TYPE_CHECKING:
    from pathlib import Path

    from tslcd_collector.inventory import Inventory
    from tslcd_wire.report import Tables

NOW = 1_790_000_000.0
AGENTS = {"a1"}


class Centre:
    """Board, exposition and supervision over the small inventory."""

    def __init__(self, known: Inventory) -> None:
        """Start without reports."""
        self.exposition = Exposition()
        self.board = Board(self.exposition, 300.0)
        self.supervision = Supervision(self.board, self.exposition)
        self.admission = Admission()
        self.board.set_inventory(known)
        self.supervision.set_inventory(known)

    def good(self, at: float) -> None:
        """Apply a good round."""
        self.board.apply("86", _report(at, interface_table()), at, at)
        for age in (20, 10, 0):
            self.board.apply("86", _report(at - age, probe_table(), device=""), at - age, at)

    def text(self) -> str:
        """Return the exposition."""
        return self.exposition.scrape(b"", openmetrics=False, zipped=False).body().decode()


def _report(at: float, tables: Tables, device: str = "fw") -> Report:
    return Report(agent="a1", stream="0198f3c2", seq=1, at=at, boot="7c1e", mono=0.0, device=device, tables=tables)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    """Make everything over the small inventory."""
    return Centre(inventories.small(tmp_path))


def _verdict(centre: Centre, channel: str = "c1") -> tuple[str, str]:
    verdict = centre.supervision.standing[channel].verdict
    return verdict.state.value, verdict.reason.value


def test_changes_are_handed_out_once_with_their_times(centre: Centre) -> None:
    """``since`` changes with the reason, ``state_since`` with the state; the same verdict again is no change."""
    rows = centre.supervision.judge(NOW)
    assert [(row.channel, row.state, row.reason, row.since) for row in rows] == [
        ("c1", "unknown", "never_seen", NOW),
        ("c2", "unknown", "never_seen", NOW),
    ]
    assert centre.supervision.judge(NOW + 1) == []
    centre.good(NOW + 2)
    (row,) = centre.supervision.judge(NOW + 3, AGENTS)
    assert (row.state, row.reason, row.since, row.state_since) == ("up", "ok", NOW + 3, NOW + 3)
    tables: Tables = {"device": {"key": [""], "snmp_state": ["refused"]}}
    centre.board.apply("86", _report(NOW + 4, tables), NOW + 4, NOW + 4)
    (row,) = centre.supervision.judge(NOW + 5, AGENTS)
    assert (row.state, row.reason, row.since, row.state_since) == ("up", "snmp_refused", NOW + 5, NOW + 3)
    assert "tslcd_channel_state_since_timestamp_seconds" in centre.text()
    assert centre.supervision.judge(NOW + 6, {"nobody"}) == []


def test_series_of_a_channel(centre: Centre) -> None:
    """One-hot state, reason, totals and coverage agree."""
    centre.good(NOW)
    centre.supervision.judge(NOW)
    lines = centre.text().splitlines()
    labels = 'channel="c1",site="s1",province="86"'
    assert f'tslcd_channel_state{{{labels},state="up"}} 1' in lines
    assert f'tslcd_channel_state{{{labels},state="down"}} 0' in lines
    assert f'tslcd_channel_verdict_info{{{labels},reason="ok",party="none"}} 1' in lines
    assert f"tslcd_channel_transmit_bytes_total{{{labels}}} 2000" in lines
    assert f"tslcd_channel_jitter_seconds{{{labels}}} 0.0004" in lines
    assert f'tslcd_channel_contracted_bits_per_second{{{labels},direction="receive"}} 200000000' in lines
    assert 'tslcd_channels{province="86",state="unknown"} 1' in lines
    assert 'tslcd_supervision_coverage_ratio{province="86"} 0.5' in lines
    info = next(line for line in lines if line.startswith("tslcd_channel_info") and 'channel="c2"' in line)
    assert 'upstream="c1"' in info
    assert 'agent=""' in info


def test_a_channel_without_an_interface_shows_what_it_has(centre: Centre) -> None:
    """Nothing bound: a verdict, and no traffic."""
    centre.supervision.judge(NOW)
    described = {one["id"]: one for one in centre.supervision.describe()}
    assert described["c2"]["traffic"]["receive_bytes_total"] is None
    assert described["c2"]["agent"] is None
    assert described["c1"]["sentence"]["vi"].startswith("Chưa từng có số liệu")


def _memory(alive: float, verdicts: list[VerdictRow]) -> Memory:
    rounds = [_report(alive - age, probe_table(lost=5), device="") for age in (25, 15, 5)]
    return Memory(
        alive=alive,
        marks=[MarkRow("a1", "0198f3c2", 7, [(1, 7)])],
        agents=[AgentRow("86", "a1", alive - 5, codec.encode(Status(agent="a1", online=True, version="9")))],
        latest=[
            LatestRow("86", "a1", "fw", kind, alive - 5, alive - 5, table) for kind, table in interface_table().items()
        ],
        verdicts=verdicts,
        replay=[
            JournalRow("86", "a1", "0198f3c2", 1, one.at, one.at, replay=True, payload=codec.encode(one))
            for one in rounds
        ],
    )


def test_hours_of_absence_change_no_verdict(centre: Centre) -> None:
    """The collector was away for an hour: verdict, since, counters and marks are those of before."""
    standing = VerdictRow("c1", "down", "gateway_unreachable", "operator", "", NOW - 50, NOW - 70)
    start = NOW + 3600
    gone = restore(
        _memory(NOW, [standing]),
        admission=centre.admission,
        board=centre.board,
        supervision=centre.supervision,
        now=start,
    )
    assert gone == []
    changes = centre.supervision.judge(start)
    assert [row.channel for row in changes] == ["c2"]
    assert _verdict(centre) == ("down", "gateway_unreachable")
    assert centre.supervision.standing["c1"].state_since == NOW - 70
    # counters from before so long an absence wait to be renewed
    assert 'tslcd_channel_receive_bytes_total{channel="c1"' not in centre.text()
    assert centre.admission.admit("a1", "0198f3c2", 7) is Decision.DUPLICATE
    status = centre.board.agents["a1"].status
    assert status is not None
    assert status.version == "9"
    # from here on time counts again
    centre.supervision.judge(start + 80)
    assert _verdict(centre)[0] == "down"
    centre.supervision.judge(start + 91)
    assert _verdict(centre) == ("unknown", "uplink_lost")


def test_a_restart_keeps_details_in_both_languages(centre: Centre) -> None:
    """What a detail was told as is read again; that of an older program, plain English, stands in both languages."""
    told = phrases.NO_ANSWER(probe="gateway")
    old = "probe gateway has no answer"
    rows = [
        VerdictRow("c1", "down", "gateway_unreachable", "operator", told.kept(), NOW, NOW),
        VerdictRow("c2", "down", "gateway_unreachable", "operator", old, NOW, NOW),
    ]
    assert centre.supervision.restore(rows) == []
    details = {channel: one.verdict.detail for channel, one in centre.supervision.standing.items()}
    assert details == {"c1": told, "c2": Words(old, old)}
    assert [row.detail for row in centre.supervision.rows()] == [told.kept(), details["c2"].kept()]


def test_what_was_lost_before_stays_lost(centre: Centre) -> None:
    """An agent that was silent for long when the collector stopped is not taken for alive."""
    memory = _memory(NOW, [])
    memory.agents = [AgentRow("86", "a1", NOW - 500, None)]
    restore(memory, admission=centre.admission, board=centre.board, supervision=centre.supervision, now=NOW + 10)
    centre.board.agents["a1"].heard = NOW + 10 - 500
    centre.supervision.judge(NOW + 10)
    assert _verdict(centre) == ("unknown", "uplink_lost")


def test_what_another_version_wrote_does_not_stop_the_start(centre: Centre) -> None:
    """Unknown states, statuses and reports are left out; channels nobody supervises any more are named."""
    memory = Memory(
        alive=NOW,
        agents=[AgentRow("86", "a1", NOW, b"{}")],
        verdicts=[
            VerdictRow("c1", "strange", "ok", "none", "", NOW, NOW),
            VerdictRow("removed", "up", "ok", "none", "", NOW, NOW),
        ],
        replay=[JournalRow("86", "a1", "0198f3c2", 1, NOW, NOW, replay=True, payload=b"{}")],
    )
    gone = restore(memory, admission=centre.admission, board=centre.board, supervision=centre.supervision, now=NOW + 1)
    assert gone == ["removed"]
    assert centre.supervision.standing == {}
    assert centre.supervision.judge(NOW + 1)


def test_reload_keeps_what_stands_and_drops_what_is_gone(centre: Centre, tmp_path: Path) -> None:
    """A channel that stays keeps its verdict and since; one that goes leaves the exposition, and is told."""
    centre.good(NOW)
    centre.supervision.judge(NOW)
    changes = inventories.edited("channels.yaml", "- id: c2", "- id: c3")
    changes["channels.yaml"] = str(changes["channels.yaml"]).replace("VNPT-1", "VNPT-2")
    known = inventories_of.load(inventories.write(tmp_path / "new", changes))
    centre.board.set_inventory(known)
    assert centre.supervision.set_inventory(known) == ["c2"]
    rows = centre.supervision.judge(NOW + 5)
    assert [row.channel for row in rows] == ["c3"]
    assert centre.supervision.standing["c1"].since == NOW
    assert centre.supervision.standing["c1"].verdict.state is State.UP
    assert 'channel="c2"' not in centre.text()
    assert 'circuit="VNPT-2"' in centre.text()
