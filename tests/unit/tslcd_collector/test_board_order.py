"""The board: the newest counts, whatever the order; ages; bounds."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import inventories
from support.collector import interface_table, probe_table
from tslcd_collector import board as boards
from tslcd_collector import inventory
from tslcd_collector.board import Board
from tslcd_collector.exposition import Exposition
from tslcd_collector.judge import AgentReading
from tslcd_wire.report import Event, Report, Status

if TYPE_CHECKING:
    from pathlib import Path

    from tslcd_collector.inventory import Inventory

NOW = 1_790_000_000.0
KEY = ("a1", "fw")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """Load the small inventory."""
    folder: Path = tmp_path_factory.mktemp("inventory")
    return inventories.small(folder)


def _board(known: Inventory, expiry: float = 300.0) -> Board:
    board = Board(Exposition(), expiry)
    board.set_inventory(known)
    return board


def _report(at: float, tables: Any = None, events: list[Event] | None = None, device: str = "fw") -> Report:
    return Report(
        agent="a1",
        stream="0198f3c2",
        seq=1,
        at=at,
        boot="7c1e",
        mono=0.0,
        device=device,
        tables=interface_table() if tables is None else tables,
        events=events or [],
    )


def _link(at: float, *, up: bool, key: str = "wan1") -> Event:
    return Event(kind="link", key=key, up=up, at=at, source="trap")


def _text(board: Board) -> bytes:
    return board._exposition.scrape(b"", openmetrics=False, zipped=False).body()


def _reports() -> list[Report]:
    return [
        _report(NOW - 50, interface_table(received=1)),
        _report(NOW - 20, interface_table(received=2)),
        _report(NOW - 40, {}, [_link(NOW - 40, up=False)]),
        _report(NOW - 10, {}, [_link(NOW - 10, up=False), _link(NOW - 15, up=True)]),
        _report(NOW - 9, {}, [_link(NOW - 9, up=False, key="nowhere")]),
        *(_report(NOW - age, probe_table(lost=age % 3), device="") for age in (45, 35, 25, 15, 5)),
    ]


@given(st.integers(), st.lists(st.integers(0, 9), max_size=5))
def test_order_and_repetition_change_nothing(known: Inventory, seed: int, again: list[int]) -> None:
    """Any order of any reports, some of them twice, ends in the same board."""
    reference = _board(known)
    for report in _reports():
        reference.apply("86", report, report.at, NOW)
    reports = _reports() + [_reports()[index] for index in again]
    random.Random(seed).shuffle(reports)  # noqa: S311 - a permutation
    board = _board(known)
    for report in reports:
        board.apply("86", report, report.at, NOW)
    for one in (reference, board):
        one.take_changed()
    assert sorted(_text(board).splitlines()) == sorted(_text(reference).splitlines())
    interface = board.interface(KEY, "wan1")
    assert interface == reference.interface(KEY, "wan1")
    assert interface is not None
    assert (interface.oper_up, interface.at) == (False, NOW - 10)
    assert board.rounds("a1", "gateway") == reference.rounds("a1", "gateway")
    assert [one.at for one in board.rounds("a1", "gateway")] == [NOW - 25, NOW - 15, NOW - 5]


def test_link_event_is_taken_over_by_the_next_table(known: Inventory) -> None:
    """An event newer than the table speaks; a table newer than the event speaks again."""
    board = _board(known)
    board.apply("86", _report(NOW, {}, [_link(NOW, up=False)]), NOW, NOW)
    before = board.interface(KEY, "wan1")
    assert before is not None
    assert (before.oper_up, before.admin_up) == (False, None)
    board.apply("86", _report(NOW - 1), NOW - 1, NOW)
    assert board.value("a1", "fw", "interface", "wan1", "oper_up") == 0
    board.apply("86", _report(NOW + 1), NOW + 1, NOW + 1)
    assert board.value("a1", "fw", "interface", "wan1", "oper_up") == 1
    assert board.interface(KEY, "nowhere") is None
    assert board.interfaces(KEY) == ("wan1", "lan")


def test_event_of_a_clock_ahead_is_put_right_with_its_report(known: Inventory) -> None:
    """The event moves by as much as its report, and never past its reception."""
    board = _board(known)
    board.apply("86", _report(NOW + 86400, {}, [_link(NOW + 86399, up=False)]), NOW, NOW)
    reading = board.interface(KEY, "wan1")
    assert reading is not None
    assert reading.at == NOW - 1


def test_link_events_are_bounded(known: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of invented interfaces the oldest event goes."""
    monkeypatch.setattr(boards, "MAX_LINKS", 3)
    board = _board(known)
    events = [_link(NOW + index, up=False, key=f"i{index}") for index in range(5)]
    board.apply("86", _report(NOW + 9, {}, events), NOW + 9, NOW + 9)
    assert [board.interface(KEY, f"i{index}") is None for index in range(5)] == [True, True, False, False, False]


def test_aged_table_leaves_and_comes_back(known: Inventory) -> None:
    """Older than the expiry it is not shown; history that old is never shown; a fresh one is."""
    board = _board(known, expiry=60)
    board.apply("86", _report(NOW), NOW, NOW)
    board.expire(NOW + 60)
    assert b"tslcd_interface_oper_up{" in _text(board)
    board.take_changed()
    board.expire(NOW + 61)
    assert b"tslcd_interface_oper_up{" not in _text(board)
    assert board.take_changed() == {"a1"}
    board.apply("86", _report(NOW + 1), NOW + 1, NOW + 100)
    assert b"tslcd_interface_oper_up{" not in _text(board)
    board.apply("86", _report(NOW + 100), NOW + 100, NOW + 100)
    assert b"tslcd_interface_oper_up{" in _text(board)


def test_status_and_signs_of_life(known: Inventory) -> None:
    """A last will takes the agent off; a report measured later takes it on again; a retained status is no sign of life."""
    board = _board(known)
    assert board.agent("a1") is None
    board.set_status("86", Status(agent="a1", online=True), NOW, retained=True)
    assert board.agent("a1") == AgentReading(online=True, last_heard=NOW)
    board.set_status("86", Status(agent="a1", online=True), NOW + 5, retained=True)
    assert board.agent("a1") == AgentReading(online=True, last_heard=NOW)
    board.set_status("86", Status(agent="a1", online=False), NOW + 6, retained=False)
    board.apply("86", _report(NOW + 4), NOW + 4, NOW + 7)
    assert board.agent("a1") == AgentReading(online=False, last_heard=NOW + 7)
    board.apply("86", _report(NOW + 8), NOW + 8, NOW + 8)
    assert board.agent("a1") == AgentReading(online=True, last_heard=NOW + 8)


def test_device_reading_without_a_state_is_made_of_what_there_is(known: Inventory) -> None:
    """An agent that tells only whether SNMP works is understood."""
    board = _board(known)
    assert board.device(KEY) is None
    for second, (up, state) in enumerate([(1, "ok"), (0, "silent"), (None, "ok")]):
        board.apply("86", _report(NOW + second, {"device": {"key": [""], "snmp_up": [up]}}), NOW + second, NOW + second)
        reading = board.device(KEY)
        assert reading is not None
        assert reading.snmp_state == state


def test_room_is_bounded_within_a_batch_too(known: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports on their way count; the same device again does not count twice."""
    monkeypatch.setattr(boards, "MAX_DEVICES", 2)
    monkeypatch.setattr(boards, "MAX_ROWS", 6)
    board = _board(known)
    claims: dict[tuple[str, str], int] = {}
    assert board.fits(_report(NOW, device="d1"), claims)
    assert board.fits(_report(NOW, device="d1"), claims)
    assert board.fits(_report(NOW, device="d2"), claims)
    assert not board.fits(_report(NOW, {}, device="d3"), claims)
    board.apply("86", _report(NOW, device="d1"), NOW, NOW)
    assert not board.fits(_report(NOW, {"interface": {"key": list("abcdefg")}}, device="d1"), {})
    assert board.fits(_report(NOW, device="d1"), {})


def test_another_site_in_the_inventory_moves_the_series(known: Inventory, tmp_path: Path) -> None:
    """After a reload tables carry the new site."""
    board = _board(known)
    board.apply("86", _report(NOW), NOW, NOW)
    changes = {
        "devices.yaml": inventories.FILES["devices.yaml"].replace("site: s1", "site: s2"),
        "channels.yaml": inventories.FILES["channels.yaml"].replace("site: s1", "site: s2", 1),
    }
    assert b'site="s1"' in _text(board)
    board.set_inventory(inventory.load(inventories.write(tmp_path, dict(changes))))
    assert b'site="s1"' not in _text(board)
    assert b'site="s2"' in _text(board)
