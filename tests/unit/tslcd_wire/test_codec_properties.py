"""What holds for every message and for any bytes, by thousands of examples that are the same on every machine."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.wire import acks, reports, statuses
from tslcd_wire.codec import (
    ZSTD_MAGIC,
    clean_key,
    clean_text,
    decode_ack,
    decode_report,
    decode_status,
    encode,
)
from tslcd_wire.errors import WireError
from tslcd_wire.report import Ack, Report, Status

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def check(payload: bytes) -> None:
    """Give the bytes to every decoder: each returns a valid message or raises a WireError, and nothing else."""
    for decode in (decode_report, decode_status, decode_ack):
        try:
            decoded: Any = decode(payload)
        except WireError:
            continue
        message = decoded.report if decode is decode_report else decoded
        again: Any = decode(encode(message))
        assert (again.report if decode is decode_report else again) == message


@settings(max_examples=150)
@given(
    st.binary(max_size=200) | st.text(max_size=100).map(str.encode) | JUNK.map(lambda junk: json.dumps(junk).encode())
)
@example(ZSTD_MAGIC)
@example(b"{}")
def test_any_bytes_are_refused_or_valid(payload: bytes) -> None:
    """Any bytes, text or JSON end in a valid message or a WireError."""
    check(payload)


@settings(max_examples=150)
@given(reports)
def test_report_comes_back_as_it_was(report: Report) -> None:
    """decode(encode(x)) == x for every valid report, nothing is refused, and encoding again gives the same bytes."""
    payload = encode(report)
    decoded = decode_report(payload)
    assert decoded.report == report
    assert decoded.refused == ()
    assert encode(decoded.report) == payload
    known = sum(
        cell is not None for table in report.tables.values() for name in table if name != "key" for cell in table[name]
    )
    assert len(list(decoded.report.samples())) == known


@settings(max_examples=100)
@given(statuses, acks)
def test_status_and_acknowledgement_come_back_as_they_were(status: Status, ack: Ack) -> None:
    """decode(encode(x)) == x for every valid status and acknowledgement."""
    assert decode_status(encode(status)) == status
    assert decode_ack(encode(ack)) == ack


@settings(max_examples=200)
@given(reports.map(encode), st.data())
def test_damaged_bytes_of_a_report(payload: bytes, data: st.DataObject) -> None:
    """A report with some bytes changed, cut out or put in is refused or valid."""
    damaged = bytearray(payload)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(damaged) - 1, 0)))
        match data.draw(st.sampled_from(["flip", "cut", "put", "end"])):
            case "flip" if damaged:
                damaged[at] ^= 1 << data.draw(st.integers(0, 7))
            case "cut":
                del damaged[at : at + data.draw(st.integers(1, 20))]
            case "put":
                damaged[at:at] = data.draw(st.binary(max_size=5))
            case _:
                del damaged[at:]
    check(bytes(damaged))


def _places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for key, one in inner for place in _places(one, (*path, key)))]


@settings(max_examples=200)
@given(reports, st.data())
def test_foreign_value_anywhere_in_a_report(report: Report, data: st.DataObject) -> None:
    """A valid document with any JSON value put at any place is refused or valid."""
    document = json.loads(encode(report))
    place = data.draw(st.sampled_from(_places(document)[1:]))
    node = document
    for key in place[:-1]:
        node = node[key]
    if isinstance(node, dict) and data.draw(st.booleans()):
        node[data.draw(st.text(max_size=8))] = node.pop(place[-1])
    else:
        node[place[-1]] = data.draw(JUNK)
    check(json.dumps(document).encode())


@settings(max_examples=10)
@given(reports)
def test_number_that_is_not_finite_is_sent_as_unknown(report: Report) -> None:
    """A gauge that is NaN or infinite goes out as null: JSON has no word for it."""
    report.tables = {"interface": {"key": ["a", "b", "c"], "speed_bits_per_second": [math.nan, math.inf, 1.0]}}
    assert decode_report(encode(report)).report.tables["interface"]["speed_bits_per_second"] == [None, None, 1.0]


@settings(max_examples=100)
@given(st.text(st.characters(), max_size=300))
@example("a" * 127 + " b")
@example("\ud800\x00\x9b\u2028\u2029")
def test_cleaned_text_is_always_fit(text: str) -> None:
    """Whatever a device says, the cleaned text is accepted on the wire, and cleaning again changes nothing."""
    key, cell = clean_key(text), clean_text(text)
    assert (clean_key(key), clean_text(cell)) == (key, cell)
    table: dict[str, list[Any]] = {"key": [key or "-"], "alias": [cell]}
    report = Report(agent="a", stream="0198f3c2", seq=1, at=0, boot="7c1e", mono=0, tables={"interface": table})
    assert decode_report(encode(report)).report.tables == {"interface": table}
