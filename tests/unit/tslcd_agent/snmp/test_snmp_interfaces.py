"""Interfaces: names, fallbacks, impossible values, bounds, and what is asked about them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tslcd_agent.config import Interfaces
from tslcd_agent.snmp import interfaces, interpret
from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.interfaces import Found, Plan, Row
from tslcd_wire import codec
from tslcd_wire.report import MAX_BYTES, Report

ALL = Interfaces()


def keys(names: dict[str, Any], descriptions: dict[str, Any] | None = None, wanted: Interfaces = ALL) -> list[str]:
    """Return the keys that rows are reported under."""
    return [row.key for row in interfaces.find(names, descriptions or {}, {}, wanted).rows]


def table(values: dict[str, Any], wanted: Interfaces = ALL) -> dict[str, list[Any]]:
    """Interpret values of one device whose rows have ifName or ifDescr among them."""

    def column(oid: str) -> dict[str, Any]:
        return {key.removeprefix(f"{oid}."): value for key, value in values.items() if key.startswith(f"{oid}.")}

    found = interfaces.find(column(mib.IF_NAME), column(mib.IF_DESCR), column(mib.IF_ALIAS), wanted)
    made = interfaces.interface_table(interfaces.plan(found, values), values)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("names", "descriptions", "expected"),
    [
        ({"1": b"wan1", "2": b"lan"}, {}, ["wan1", "lan"]),
        ({"10": b"b", "9": b"a"}, {}, ["a", "b"]),
        ({"1": b"", "2": b"lan"}, {"1": b"Ethernet 0/1", "2": b"x"}, ["Ethernet 0/1", "lan"]),
        ({}, {"1": b"eth0", "2": b""}, ["eth0", "if2"]),
        ({"7": b"wan", "3": b"wan", "5": b"wan"}, {}, ["wan", "wan#5", "wan#7"]),
        ({"1": b"wan#2", "2": b"wan", "3": b"wan"}, {}, ["wan#2", "wan", "wan#3"]),
        ({"1": b"x" * 300, "2": b"x" * 300}, {}, ["x" * 128, "x" * 126 + "#2"]),
        ({"1": b"c\xf4ng\x00", "2": b"  a\tb\n"}, {}, ["c\ufffdng", "a b"]),
        ({"1": 17, "2": None}, {}, ["17", "if2"]),
    ],
)
def test_interfaces_are_known_by_name(names: Any, descriptions: Any, expected: list[str]) -> None:
    """IfName, else ifDescr, else the index; the lowest index keeps a name that several have."""
    assert keys(names, descriptions) == expected


def test_patterns_choose_interfaces_and_exclude_wins() -> None:
    """Shell patterns over the name, which has case."""
    wanted = Interfaces(include=("wan*", "port[12]"), exclude=("*-backup",))
    names = {"1": b"wan1", "2": b"wan2-backup", "3": b"port1", "4": b"port3", "5": b"WAN9"}
    assert keys(names, wanted=wanted) == ["wan1", "port1"]


def test_wide_counters_are_taken_where_they_are_and_narrow_ones_where_not() -> None:
    """Each row by itself: some devices have 64-bit counters on some interfaces only."""
    made = table(
        {
            f"{mib.IF_NAME}.1": b"wan",
            f"{mib.IF_NAME}.2": b"tun",
            f"{mib.IF_OPER_STATUS}.1": 1,
            f"{mib.COUNTERS[0].wide}.1": 2**40,
            f"{mib.COUNTERS[0].narrow}.1": 7,
            f"{mib.COUNTERS[0].narrow}.2": 8,
        }
    )
    assert made == {"key": ["wan", "tun"], "oper_up": [1, None], "receive_bytes_total": [2**40, 8]}


@pytest.mark.parametrize(
    ("high", "low", "expected"),
    [
        (10_000, 4_294_967_295, 10e9),
        (0, 64_000, 64_000.0),
        (None, 100_000_000, 100e6),
        (0, 0, None),
        (b"fast", None, None),
    ],
)
def test_the_speed_is_ifhighspeed_else_ifspeed_and_zero_means_none(high: Any, low: Any, expected: float | None) -> None:
    """RFC 2863: zero where there is no such concept, and ifHighSpeed rounds a slow link to zero."""
    values = {f"{mib.IF_NAME}.1": b"wan", f"{mib.IF_HIGH_SPEED}.1": high, f"{mib.IF_SPEED}.1": low}
    assert table(values).get("speed_bits_per_second", [None]) == [expected]


@pytest.mark.parametrize(("status", "up"), [(1, 1), (2, 0), (3, 0), (4, None), (5, 0), (6, 0), (7, 0), (99, None)])
def test_only_up_is_up_and_unknown_is_not_known(status: int, up: int | None) -> None:
    """Dormant and lowerLayerDown carry no traffic; where the device does not know, nobody does."""
    values = {f"{mib.IF_NAME}.1": b"wan", f"{mib.IF_OPER_STATUS}.1": status}
    assert table(values).get("oper_up", [None]) == [up]


def test_a_device_without_wanted_interfaces_has_no_table() -> None:
    """A table has at least one row."""
    assert interfaces.interface_table(Plan(rows=()), {}) is None
    assert interfaces.operational(None) == {}


def test_a_moved_row_is_noticed() -> None:
    """The name under an index is proved in every round."""
    row = Row("1", "wan", b"wan", named=True, alias="")
    plan = interfaces.plan(Found((row,)), {f"{mib.IF_NAME}.1": b"wan"})
    assert not plan.moved({f"{mib.IF_NAME}.1": b"wan"})
    assert plan.moved({f"{mib.IF_NAME}.1": b"lan"})
    assert plan.moved({})


raw_values = st.one_of(
    st.none(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.binary(max_size=300),
    st.text(max_size=300),
)
columns = st.sampled_from(
    [
        mib.IF_NAME,
        mib.IF_DESCR,
        mib.IF_ALIAS,
        mib.IF_OPER_STATUS,
        mib.IF_ADMIN_STATUS,
        mib.IF_SPEED,
        mib.IF_HIGH_SPEED,
        *(counter.narrow for counter in mib.COUNTERS),
        *(counter.wide for counter in mib.COUNTERS if counter.wide),
    ]
)
cells = st.builds(lambda column, index: f"{column}.{index}", columns, st.integers(0, 5))
scalars = st.sampled_from([mib.SYS_UP_TIME, mib.SYS_NAME, mib.SYS_DESCR, mib.SYS_OBJECT_ID])


@given(st.dictionaries(st.one_of(cells, scalars), raw_values, max_size=60))
def test_whatever_a_device_says_the_report_satisfies_the_contract(values: dict[str, Any]) -> None:
    """Nothing that a device can answer makes a report that the collector must refuse."""

    def column(oid: str) -> dict[str, Any]:
        return {key.removeprefix(f"{oid}."): value for key, value in values.items() if key.startswith(f"{oid}.")}

    found = interfaces.find(column(mib.IF_NAME), column(mib.IF_DESCR), column(mib.IF_ALIAS), ALL)
    tables = {"device": interpret.device_table(values, interfaces=len(found.rows))}
    made = interfaces.interface_table(interfaces.plan(found, values), values)
    if made is not None:
        tables["interface"] = made
    report = Report(agent="a", stream="0198f3c2", seq=1, at=1.0, boot="7c1e", mono=1.0, device="d", tables=tables)
    decoded = codec.decode_report(codec.encode(report))
    assert decoded.refused == ()


def test_wrong_types_become_not_known() -> None:
    """A counter as text, a negative one, one above 64 bits: None, and no exception."""
    wide = mib.COUNTERS[0].wide
    made = table(
        {
            **{f"{mib.IF_NAME}.{index}": f"p{index}".encode() for index in (1, 2, 3, 4)},
            f"{wide}.1": b"12",
            f"{wide}.2": -1,
            f"{wide}.3": 2**64,
            f"{wide}.4": 2**64 - 1,
        }
    )
    assert made["receive_bytes_total"] == [None, None, None, 2**64 - 1]


def test_what_does_not_fit_into_a_report_is_left_out_and_counted() -> None:
    """Descriptions of four thousand interfaces are more than a report may weigh."""
    names = {str(index): f"Dialer{index}" for index in range(1, 5001)}
    aliases = dict.fromkeys(names, "đường truyền " * 20)
    found = interfaces.find(names, {}, aliases, ALL)
    assert len(found.rows) + found.left_out == 5000
    values = {f"{counter.wide}.{row.index}": 2**64 - 1 for row in found.rows for counter in mib.COUNTERS}
    made = interfaces.interface_table(interfaces.plan(found, values), values)
    assert made is not None
    report = Report(agent="a", stream="0198f3c2", seq=1, at=1.0, boot="7c1e", mono=1.0, tables={"interface": made})
    assert len(codec.encode(report)) <= MAX_BYTES
    assert interfaces.find(names, {}, {}, ALL).left_out == 5000 - len(interfaces.find(names, {}, {}, ALL).rows)
    assert interfaces.find(names, {}, aliases, Interfaces(include=("Dialer7",))).left_out == 0


def test_a_renewed_plan_has_new_descriptions_and_keeps_speeds_that_were_not_read() -> None:
    """Everything else is as it was learned."""
    values = {f"{mib.IF_HIGH_SPEED}.1": 100, f"{mib.IF_HIGH_SPEED}.2": 100, f"{mib.IF_OPER_STATUS}.1": 1}
    names = {"1": b"wan", "2": b"lan"}
    before = interfaces.plan(interfaces.find(names, {}, {}, ALL), values)
    after = before.renewed(interfaces.find(names, {}, {"1": b"to the ward"}, ALL), {f"{mib.IF_HIGH_SPEED}.1": 1000})
    assert after.speeds == [1e9, 100e6]
    assert after.fixed["alias"] == ["to the ward", None]
    assert after.cells == before.cells
    assert not before.rows_differ(interfaces.find(names, {}, {"1": b"x"}, ALL))
    assert before.rows_differ(interfaces.find({"1": b"wan", "3": b"lan"}, {}, {}, ALL))
    assert Plan(rows=after.rows).speeds == [None, None]
