"""The exposition: what is written for tables and verdicts, how it is joined, zipped and negotiated."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from support import wire
from tslcd_collector.exposition import Exposition, wants_gzip, wants_openmetrics
from tslcd_collector.exposition_page import page
from tslcd_collector.families import FAMILIES
from tslcd_collector.fragments import TableText
from tslcd_collector.metrics import Metrics
from tslcd_wire.catalogue import DEVICE, INTERFACE, KINDS, KINDS_BY_NAME, Type

PAGE = Path(__file__).parents[3] / "collector" / "METRICS.md"


def _text(exposition: Exposition, **form: bool) -> bytes:
    return exposition.scrape(b"", **{"openmetrics": False, "zipped": False, **form}).body()


def _gunzip(body: bytes) -> bytes:
    plain = b""
    while body:
        stream = zlib.decompressobj(31)
        plain += stream.decompress(body)
        body = stream.unused_data
    return plain


def test_a_table_is_written_column_by_column() -> None:
    """Unknown cells are left out, states are one-hot, texts are labels of the info series, labels are escaped."""
    text = TableText(INTERFACE, "86", "s1", "a1", "fw")
    chunks = text.write(
        {"key": ['100%"\\', "lan"], "oper_up": [1, None], "receive_bytes_total": [2**64 - 1, 5], "alias": ["a|b", None]}
    )
    base = 'province="86",site="s1",agent="a1",device="fw",interface='
    assert {name: chunk.decode() for name, chunk in chunks.items()} == {
        "tslcd_interface_oper_up": f'tslcd_interface_oper_up{{{base}"100%\\"\\\\"}} 1\n',
        "tslcd_interface_receive_bytes_total": (
            f'tslcd_interface_receive_bytes_total{{{base}"100%\\"\\\\"}} 18446744073709551615\n'
            f'tslcd_interface_receive_bytes_total{{{base}"lan"}} 5\n'
        ),
        "tslcd_interface_info": (
            f'tslcd_interface_info{{{base}"100%\\"\\\\",alias="a|b"}} 1\ntslcd_interface_info{{{base}"lan"}} 1\n'
        ),
    }
    device = TableText(DEVICE, "86", "", "a1", "").write({"key": [""], "snmp_state": ["refused"], "snmp_up": [None]})
    assert list(device) == ["tslcd_device_snmp_state"]
    lines = device["tslcd_device_snmp_state"].decode().splitlines()
    assert [line for line in lines if line.endswith("1")] == [
        'tslcd_device_snmp_state{province="86",agent="a1",state="refused"} 1'
    ]
    assert len(lines) == 5


@given(st.data(), st.sampled_from(KINDS))
def test_any_table_is_read_back_by_prometheus_own_parser(data: st.DataObject, kind: Any) -> None:
    """Every known value of every valid table, however strange its labels, is there once with that value."""
    table = data.draw(wire.tables(kind))
    exposition = Exposition()
    exposition.put(("t",), TableText(kind, "86", "s", "a", "d").write(table))
    label = kind.name
    found = {}
    for family in text_string_to_metric_families(_text(exposition).decode()):
        for sample in family.samples:
            key = (sample.name, sample.labels.get(label, "") if kind.keyed else "", sample.labels.get("state", ""))
            assert key not in found
            found[key] = float(sample.value)
    wanted = {}
    for name, cells in table.items():
        column = KINDS_BY_NAME[label].by_name.get(name)
        if column is None or column.type is Type.TEXT:
            continue
        for key, cell in zip(table["key"], cells, strict=True):
            if cell is not None:
                for state in column.states or ("",):
                    wanted[kind.family(name), key, state] = float(cell == state) if state else float(cell)
    assert {key: value for key, value in found.items() if not key[0].endswith("_info")} == wanted
    list(parse_openmetrics(_text(exposition, openmetrics=True).decode()))  # type: ignore[no-untyped-call]


def test_families_stand_together_and_change_as_a_whole() -> None:
    """Two owners share one head; what an owner no longer has is gone; dropping twice is no error."""
    exposition = Exposition()
    exposition.put(("b",), {"tslcd_channel_up": b"tslcd_channel_up 1\n", "tslcd_channel_rtt_seconds": b"x 1\n"})
    exposition.put(("a",), {"tslcd_channel_up": b"tslcd_channel_up 0\n"})
    assert _text(exposition).count(b"# TYPE tslcd_channel_up gauge\n") == 1
    assert b"tslcd_channel_up 1\ntslcd_channel_up 0\n" in _text(exposition)
    exposition.put(("b",), {"tslcd_channel_up": b"tslcd_channel_up 1\n"})
    assert b"rtt" not in _text(exposition)
    assert exposition.owners() == 2
    exposition.drop(("a",))
    exposition.drop(("a",))
    exposition.drop(("b",))
    assert _text(exposition) == b""
    assert _text(exposition, openmetrics=True) == b"# EOF\n"


def test_a_snapshot_does_not_change_while_it_is_joined() -> None:
    """What is put after the snapshot is in the next one."""
    exposition = Exposition()
    exposition.put(("a",), {"tslcd_channel_up": b"old\n"})
    scrape = exposition.scrape(b"own\n", openmetrics=False, zipped=True)
    exposition.put(("a",), {"tslcd_channel_up": b"new\n"})
    exposition.put(("b",), {"tslcd_channel_up": b"more\n"})
    assert _gunzip(scrape.body()).endswith(b"old\nown\n")
    again = exposition.scrape(b"own\n", openmetrics=False, zipped=True)
    assert _gunzip(again.body()) == exposition.scrape(b"own\n", openmetrics=False, zipped=False).body()
    assert again.body() == again.body()


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain", False),
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", True),
        ("application/openmetrics-text; version=1.0.0; q=0.2, text/plain;q=0.5", False),
        ("application/openmetrics-text;q=nonsense", False),
    ],
)
def test_format_is_negotiated(accept: str, wanted: bool) -> None:
    """OpenMetrics only for those who ask for it."""
    assert wants_openmetrics(accept) is wanted


@pytest.mark.parametrize(
    ("header", "wanted"),
    [("", False), ("gzip", True), ("deflate, gzip;q=0.5", True), ("gzip;q=0", False), ("br", False), ("*", False)],
)
def test_compression_is_negotiated(header: str, wanted: bool) -> None:
    """Compressed only for those who ask for it."""
    assert wants_gzip(header) is wanted


def test_own_metrics_exist_at_zero_with_every_label() -> None:
    """Before anything happened every counter is there, in both formats."""
    metrics = Metrics()
    text = metrics.render(openmetrics=False).decode()
    for lane in ("live", "history"):
        for result in ("new", "duplicate", "too_old", "refused"):
            assert f'tslcd_collector_reports_total{{lane="{lane}",result="{result}"}} 0.0' in text
    for code in (
        "topic",
        "oversize",
        "malformed",
        "version",
        "invalid",
        "identity",
        "qos",
        "gaps",
        "bounds",
        "overload",
    ):
        assert f'tslcd_collector_refused_total{{code="{code}"}} 0.0' in text
    assert "tslcd_collector_build_info{version=" in text
    assert "process_cpu_seconds_total" in text
    assert "_created" not in text
    assert b"# EOF" not in metrics.render(openmetrics=True)


def test_families_are_named_once_and_with_help_in_both_languages() -> None:
    """No family twice, none that the collector's own metrics have too, help in both."""
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)
    own = Metrics().render(openmetrics=False).decode()
    assert not [name for name in names if f"# TYPE {name} " in own]
    assert all(family.help_vi and family.help_en for family in FAMILIES)
    assert all(family.name.endswith("_total") == (family.type == "counter") for family in FAMILIES)


def test_the_page_of_metrics_is_current() -> None:
    """Else: python -m tslcd_collector.exposition_page > collector/METRICS.md."""
    assert PAGE.read_text(encoding="utf-8") == page()
