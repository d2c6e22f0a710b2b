"""What is backfilled has the very names, labels and values that the page has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from support import inventories
from support.collector import interface_table, probe_table
from tslcd_collector.backfill.points import Conversion
from tslcd_collector.board import Board
from tslcd_collector.exposition import Exposition
from tslcd_collector.supervision import Supervision
from tslcd_wire.catalogue import KINDS, Type
from tslcd_wire.report import Event, Report

if TYPE_CHECKING:
    from pathlib import Path

    from tslcd_collector.inventory import Inventory
    from tslcd_wire.report import Tables

NOW: Final = 1_790_000_000.0
SCRAPE: Final = {"job": "tslcd-collector", "instance": "collector-a"}
#: What the collector decides or knows by itself.
OWN: Final = (
    "tslcd_agent_online",
    "tslcd_agent_last_report",
    "tslcd_agent_clock",
    "tslcd_agent_problem",
    "tslcd_device_problem",
    "tslcd_channels",
    "tslcd_supervision",
    "tslcd_channel_state",
    "tslcd_channel_up",
    "tslcd_channel_verdict",
    "tslcd_channel_info",
    "tslcd_channel_contracted",
)


@pytest.fixture
def known(tmp_path: Path) -> Inventory:
    """Load the small inventory."""
    return inventories.small(tmp_path)


def _report(tables: Tables, device: str = "fw", **changes: object) -> Report:
    fields = {"agent": "a1", "stream": "0198f3c2", "seq": 1, "at": NOW, "boot": "7c1e", "mono": 0.0}
    return Report(**{**fields, "device": device, "tables": tables, **changes})  # type: ignore[arg-type]


def _everything() -> Tables:
    """Return a table of every kind with every column known in one row and unknown in another."""
    tables: Tables = {}
    for kind in KINDS:
        keys = ['k"1', "k\\2"] if kind.keyed else [""]
        tables[kind.name] = {"key": list(keys)}
        for column in kind.columns:
            match column.type:
                case Type.TEXT:
                    value: object = 'a "text" Đ'
                case Type.STATE:
                    value = column.states[-1]
                case Type.BOOL:
                    value = 1
                case Type.COUNTER:
                    value = 2**64 - 1
                case _:
                    value = 0.1
            tables[kind.name][column.name] = [value, None][: len(keys)]
    return tables


def _page(known: Inventory, *reports: Report) -> set[tuple[frozenset[tuple[str, str]], float]]:
    """Return what a scrape reads, as Prometheus stores it: without empty labels, with those of the scrape."""
    exposition = Exposition()
    board = Board(exposition, 300.0)
    supervision = Supervision(board, exposition)
    board.set_inventory(known)
    supervision.set_inventory(known)
    for report in reports:
        board.apply("86", report, NOW, NOW)
    supervision.judge(NOW)
    text = exposition.scrape(b"", openmetrics=False, zipped=False).body().decode()
    return {
        (frozenset({"__name__": sample.name, **sample.labels, **SCRAPE}.items()), float(sample.value))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.startswith(OWN)
    }


def test_series_and_values_are_those_of_the_page(known: Inventory) -> None:
    """Every kind and column, texts, states and channels; and nothing that the collector decided by itself."""
    reports = [_report(_everything()), _report(interface_table()), _report(probe_table(), "")]
    conversion = Conversion(SCRAPE, lambda: known, lambda _: ())
    for chosen in ([reports[0]], reports[1:]):
        points = [point for report in chosen for point in conversion.points("86", report, NOW)]
        assert {(frozenset(point.labels), point.value) for point in points} == _page(known, *chosen)
        assert {point.at for point in points} == {int(NOW * 1000)}
        assert all(list(point.labels) == sorted(point.labels) for point in points)


def test_without_an_inventory_labels_are_those_of_the_report() -> None:
    """No site, and no channel."""
    points = Conversion({}, lambda: None, lambda _: ()).points("86", _report(probe_table(), ""), NOW)
    assert {dict(point.labels).get("site") for point in points} == {None}
    assert not any(dict(point.labels)["__name__"].startswith("tslcd_channel") for point in points)


def test_a_link_event_is_a_point_at_its_own_time(known: Inventory) -> None:
    """Put right by as much as its report is; of interfaces that the device reports, and of no others."""
    events = [
        Event(kind="link", key=key, up=up, at=NOW + seconds, source="trap")
        for key, up, seconds in (("wan1", False, 1), ("wan1", True, 2), ("ghost", False, 3))
    ]
    conversion = Conversion({}, lambda: known, lambda device: ("wan1",) if device == ("a1", "fw") else ())
    points = conversion.points("86", _report({}, events=events), NOW - 100)
    assert [(dict(point.labels)["interface"], point.at / 1000 - NOW, point.value) for point in points] == [
        ("wan1", -99.0, 0.0),
        ("wan1", -98.0, 1.0),
    ]
    assert dict(points[0].labels)["__name__"] == "tslcd_interface_oper_up"
