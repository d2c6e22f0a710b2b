"""Whatever a device answers to whatever a shipped profile asks, the tables satisfy the wire contract."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.profile.library import Library
from tslcd_agent.snmp.profile.reader import ProfileReader
from tslcd_wire.codec import decode_report, encode
from tslcd_wire.report import Report, Tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tslcd_agent.snmp.session import Value

LIBRARY = Library()
VALUES: st.SearchStrategy[Value] = st.one_of(
    st.sampled_from(
        [0, 1, 2, -1, 2**31, 2**32 - 1, 2**64 - 1, -(2**63), 10**400, math.nan, math.inf, -0.0, None, "", "1.3.6.1", "x",
         b"", b"\0", b"\xff\xfe\xfd", b"1e999", b"-", b"9" * 500, b"%s{0}\x1b[31m\r\n", "\u2028", "\ud800"]
    ),
    st.integers(-(2**64), 2**64),
    st.floats(),
    st.binary(max_size=64),
    st.text(max_size=32),
)  # fmt: skip
INDEXES = st.sampled_from(
    ["1", "2", "1.1", "3.97.98.99", "0", "4294967295", "1.2.840.99999.1", "x", "", "1..2", "-1", "²"]
)


class Liar:
    """Answers anything to everything: each question draws from ``drawn``, over and over."""

    def __init__(self, drawn: Sequence[Value], indexes: Sequence[str]) -> None:
        """Begin with the first."""
        self._drawn = drawn
        self._indexes = indexes
        self._at = 0

    def _next(self) -> Value:
        self._at += 1
        return self._drawn[self._at % len(self._drawn)]

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Answer some of it, and something nobody asked for."""
        return {oid: self._next() for oid in oids if self._next() is not None} | {"1.3.6.1.9.9": 1}

    async def walk(self, column: str, limit: int) -> dict[str, Value]:
        """Answer rows."""
        del column, limit
        return {index: self._next() for index in self._indexes}


def arrives(tables: Tables) -> None:
    """Send tables through the wire contract, which refuses what is wrong."""
    report = Report(agent="a", stream="0198f3c2", seq=1, at=1.0, boot="7c1e", mono=1.0, device="fw", tables=tables)
    assert decode_report(encode(report)).refused == ()


@pytest.mark.parametrize("name", LIBRARY.names)
@settings(max_examples=12)
@given(drawn=st.lists(VALUES, min_size=1, max_size=12), indexes=st.lists(INDEXES, unique=True, max_size=6))
def test_no_answer_breaks_the_reader(name: str, drawn: list[Value], indexes: list[str]) -> None:
    """Three rounds with a device that lies end without an exception, and what they tell is fit for the wire."""
    reader = ProfileReader(LIBRARY, name)
    liar = Liar(drawn, indexes)

    async def rounds() -> None:
        for number in (0, 1, 10):
            tables: Tables = {}
            await reader.read(liar, {mib.SYS_DESCR: drawn[0]}, tables, number)
            arrives(tables)

    asyncio.run(rounds())


@settings(max_examples=100)
@given(
    sys_object_id=st.text(max_size=40) | st.from_regex(r"1\.3(\.\d{1,6}){1,12}", fullmatch=True),
    sys_descr=st.text(max_size=200),
)
def test_any_device_has_a_profile(sys_object_id: str, sys_descr: str) -> None:
    """Whatever a device says that it is, there is a profile and a reason."""
    choice = LIBRARY.choose(sys_object_id, sys_descr)
    assert choice.name in LIBRARY
    assert choice.why
