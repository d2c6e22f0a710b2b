"""Strategies that draw valid messages of the wire contract, and the plainest report."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from tslcd_wire.catalogue import KINDS, MAX_COUNTER, MAX_KEY_CHARS, MAX_TEXT_CHARS, Column, Kind, Type, Unit
from tslcd_wire.report import MAX_TIME, Ack, Event, Report, Status

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: The smallest document that is a report.
BARE: Final[dict[str, Any]] = {
    "v": 1,
    "agent": "86-29551-1",
    "stream": "0198f3c2",
    "seq": 4711,
    "at": 1790000000.0,
    "boot": "7c1e",
    "mono": 86400.5,
    "device": "fw",
    "tables": {},
    "events": [],
}

_CHARS = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])
ids = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=48)
times = st.floats(0, MAX_TIME)
seqs = st.integers(1, 2**53)
streams = st.text("0123456789abcdef", min_size=8, max_size=16)
boots = st.text("0123456789abcdef", min_size=4, max_size=32)
keys = st.text(_CHARS, min_size=1, max_size=MAX_KEY_CHARS)
shorts = st.text(_CHARS, max_size=64)
ranges = st.lists(st.tuples(seqs, seqs), max_size=5)


def cells(column: Column) -> SearchStrategy[Any]:
    """Draw one cell of a column."""
    counter = st.floats(0, 2.0**63) if column.unit is Unit.SECONDS else st.integers(0, MAX_COUNTER)
    known: dict[Type, SearchStrategy[Any]] = {
        Type.GAUGE: st.floats(allow_nan=False, allow_infinity=False),
        Type.COUNTER: counter,
        Type.BOOL: st.sampled_from([0, 1]),
        Type.STATE: st.sampled_from(column.states or ("",)),
        Type.TEXT: st.text(_CHARS, max_size=MAX_TEXT_CHARS),
    }
    return st.none() | known[column.type]


@st.composite
def tables(draw: st.DrawFn, kind: Kind) -> dict[str, list[Any]]:
    """Draw a table of a kind: some of its columns, in the catalogue's order."""
    names = draw(st.lists(keys, min_size=1, max_size=4, unique=True)) if kind.keyed else [""]
    table: dict[str, list[Any]] = {"key": names}
    for column in kind.columns:
        if draw(st.booleans()):
            table[column.name] = draw(st.lists(cells(column), min_size=len(names), max_size=len(names)))
    return table


events = st.builds(
    Event,
    kind=st.just("link"),
    key=keys,
    up=st.booleans(),
    at=times,
    source=st.sampled_from(["trap", "netlink", "poll"]),
)
reports = st.builds(
    Report,
    agent=ids,
    stream=streams,
    seq=seqs,
    at=times,
    boot=boots,
    mono=times,
    device=ids | st.just(""),
    tables=st.fixed_dictionaries({}, optional={kind.name: tables(kind) for kind in KINDS}).map(
        lambda drawn: {kind.name: drawn[kind.name] for kind in KINDS if kind.name in drawn}
    ),
    events=st.lists(events, max_size=3),
)
statuses = st.builds(
    Status,
    agent=ids,
    online=st.booleans(),
    at=times,
    version=shorts,
    config=shorts,
    stream=st.none() | streams,
    boot=st.none() | boots,
    oldest=st.none() | seqs,
    newest=st.none() | st.integers(0, 2**53),
    lost=ranges,
    clock_offset=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    start_reason=shorts,
)
acks = st.builds(Ack, collector=ids, stream=streams, upto=st.integers(0, 2**53), have=ranges, missing=ranges)
