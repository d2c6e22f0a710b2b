"""Reception: whatever comes, an answer and no exception; and what it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from support import inventories, wire
from tslcd_collector import reception as receptions
from tslcd_collector.acks import Address
from tslcd_collector.admit import Admission
from tslcd_collector.board import Board
from tslcd_collector.clock import Clocks
from tslcd_collector.exposition import Exposition
from tslcd_collector.metrics import Metrics
from tslcd_collector.reception import Intent, Reception, Taken
from tslcd_collector.store import Batch
from tslcd_collector.supervision import Supervision
from tslcd_wire import codec
from tslcd_wire.report import Report, Status

if TYPE_CHECKING:
    from tslcd_collector.inventory import Inventory

NOW = 1_790_000_000.0


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """Load the small inventory."""
    return inventories.small(tmp_path_factory.mktemp("inventory"))


class Desk:
    """Reception with everything behind it."""

    def __init__(self, known: Inventory, provinces: frozenset[str] = frozenset({"+"})) -> None:
        """Wire the parts."""
        self.board = Board(Exposition(), 300.0)
        self.board.set_inventory(known)
        self.supervision = Supervision(self.board, Exposition())
        self.supervision.set_inventory(known)
        self.metrics = Metrics()
        self.admission = Admission()
        self.reception = Reception(
            self.admission, Clocks(120.0, 86400.0), self.board, self.metrics, provinces=provinces
        )

    def take(self, topic: str, payload: bytes, *, retained: bool = False, store: bool = True) -> Intent:
        """Take one message and apply what it comes to."""
        intent = Intent(Batch(NOW))
        self.reception.take(topic, payload, NOW, intent, retained=retained, store=store)
        self.reception.seal(intent)
        for one in intent.taken:
            if isinstance(one, Taken):
                self.board.apply(one.province, one.report, one.at, one.received)
            else:
                self.board.set_status(one.province, one.status, one.received, retained=one.retained)
        self.board.expire(NOW)
        self.supervision.judge(NOW)
        return intent

    def refused(self, code: str) -> float:
        """Count refusals."""
        return self.metrics.registry.get_sample_value("tslcd_collector_refused_total", {"code": code}) or 0.0


def _report(**changes: Any) -> Report:
    fields: dict[str, Any] = {**wire.BARE, "agent": "a1", "seq": 1, **changes}
    return Report(**fields)


@given(st.lists(wire.reports, max_size=5), st.sampled_from(["live", "history"]), st.booleans())
def test_any_valid_reports_go_all_the_way(known: Inventory, reports: list[Report], lane: str, store: bool) -> None:
    """Strange times, names, tables and events of valid reports never raise, up to the verdicts."""
    desk = Desk(known)
    for report in reports:
        desk.take(f"tslcd/v1/86/{report.agent}/{lane}", codec.encode(report), store=store)


@given(
    st.text(max_size=60) | st.sampled_from(["tslcd/v1/86/a1/live", "tslcd/v1/86/a1/status"]), st.binary(max_size=300)
)
def test_any_bytes_on_any_topic_are_taken_or_counted(known: Inventory, topic: str, payload: bytes) -> None:
    """Nothing raises, nothing is admitted."""
    desk = Desk(known)
    desk.take(topic, payload)
    assert list(desk.admission) == []


def test_numbers_too_large_for_a_float_do_no_harm(known: Inventory) -> None:
    """1e999 is refused, and never an infinity on the board."""
    payload = codec.encode(_report(device="", tables={"probe": {"key": ["gateway"], "packets_sent": [5.5]}}))
    desk = Desk(known)
    desk.take("tslcd/v1/86/a1/live", payload.replace(b"5.5", b"1e999"))
    desk.take("tslcd/v1/86/a1/live", payload.replace(b"5.5", b"1e308"))
    assert desk.refused("malformed") + desk.refused("invalid") == 1


def test_other_provinces_and_lanes_are_not_ours(known: Inventory) -> None:
    """What the broker still sends of before is left alone; a foreign topic is counted."""
    desk = Desk(known, frozenset({"86"}))
    assert not desk.take("tslcd/v1/01/a1/live", codec.encode(_report())).taken
    assert not desk.take("tslcd/v1/86/a1/ack", b"{}").taken
    desk.take("tslcd/v1/86/a1/other", b"{}")
    assert desk.refused("topic") == 1


def test_a_cleared_status_says_nothing_and_a_foreign_one_is_refused(known: Inventory) -> None:
    """An empty retained message is no mistake; a status that claims another agent is."""
    desk = Desk(known)
    assert not desk.take("tslcd/v1/86/a1/status", b"", retained=True).taken
    desk.take("tslcd/v1/86/a1/status", codec.encode(Status(agent="a2", online=True)))
    assert desk.refused("identity") == 1
    assert desk.refused("malformed") == 0


def test_a_status_leaves_the_last_sign_of_life_alone(known: Inventory) -> None:
    """A last will is stored with the time the agent was heard before, a fresh status with now."""
    desk = Desk(known)
    status = codec.encode(Status(agent="a1", online=True, stream="0198f3c2", oldest=1, newest=0))
    intent = desk.take("tslcd/v1/86/a1/status", status)
    assert intent.batch.agents["a1"].heard == NOW
    assert intent.acks == {Address("86", "a1", "0198f3c2"): True}
    desk.board.agents["a1"].heard = NOW - 7
    will = desk.take("tslcd/v1/86/a1/status", codec.encode(Status(agent="a1", online=False)))
    assert will.batch.agents["a1"].heard == NOW - 7
    assert will.acks == {}
    unknown = desk.take("tslcd/v1/86/a2/status", codec.encode(Status(agent="a2", online=False)), retained=True)
    assert unknown.batch.agents["a2"].heard == 0


def test_refused_compressed_report_is_confirmed_too(known: Inventory) -> None:
    """The number of a refused report is read from a zstd frame as well, but never that of another agent."""
    desk = Desk(known)
    bad = codec.encode(_report(seq=1)).replace(b'"at":1790000000.0', b'"at":-1')
    desk.take("tslcd/v1/86/a1/history", zstandard.ZstdCompressor().compress(bad))
    assert desk.admission.marks("a1", "0198f3c2").upto == 1
    desk.take("tslcd/v1/86/a2/history", bad)
    assert list(desk.admission) == ["a1"]
    assert desk.refused("invalid") == 2


def test_too_many_holes_are_not_confirmed(known: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number there is no room for is counted, and comes again."""
    monkeypatch.setattr("tslcd_collector.admit.MAX_RANGES", 1)
    desk = Desk(known)
    desk.take("tslcd/v1/86/a1/live", codec.encode(_report(seq=5)))
    intent = desk.take("tslcd/v1/86/a1/live", codec.encode(_report(seq=9)))
    assert desk.refused("gaps") == 1
    assert not intent.batch.journal
    assert desk.admission.marks("a1", "0198f3c2").missing(9) == [(1, 4)]


def test_a_refusal_is_logged_once_and_the_memory_of_it_is_bounded(
    known: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Again after a while; invented agents do not fill the memory."""
    logged: list[str] = []
    desk = Desk(known)

    class Log:
        """Remembers who was logged."""

        def warning(self, event: str, **pairs: str) -> None:
            """Note the agent."""
            assert event == "message refused"
            logged.append(pairs["agent"])

    monkeypatch.setattr(desk.reception, "_log", Log())
    for at in (0.0, 1.0, receptions.LOG_AGAIN, receptions.LOG_AGAIN + 1):
        desk.reception.refuse("a1", "qos", "", at)
    assert logged == ["a1", "a1"]
    monkeypatch.setattr(receptions, "MAX_LOGGED", 3)
    for number in range(10):
        desk.reception.refuse(f"b{number}", "qos", "", 0.0)
    assert len(desk.reception._logged) <= 3
