"""What traps say about links: who is believed when their parts contradict each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.notifications import COLD_START, IF_DESCR, IF_INDEX, IF_NAME, IF_OPER_STATUS, LINK_DOWN, LINK_UP
from tslcd_agent.links.notification import LinkChange, Notification, key_of_change, link_change
from tslcd_wire.codec import clean_key

if TYPE_CHECKING:
    from tslcd_agent.snmp.session import Value


@pytest.mark.parametrize(
    ("kind", "oper", "up"),
    [
        (LINK_DOWN, 2, False),
        (LINK_DOWN, 1, False),
        (LINK_DOWN, None, False),
        (LINK_UP, 1, True),
        (LINK_UP, None, True),
        (LINK_UP, 4, True),
        (LINK_UP, 5, False),
        (LINK_UP, 7, False),
        (LINK_UP, b"up", True),
    ],
)
def test_link_down_is_down_and_link_up_is_what_its_status_says(kind: str, oper: Value, *, up: bool) -> None:
    """RFC 2863: linkDown carries the state that is left, linkUp the one that is entered (dormant and others are not up)."""
    values: dict[str, Value] = {f"{IF_INDEX}.3": 3} | ({f"{IF_OPER_STATUS}.3": oper} if oper is not None else {})
    assert link_change(Notification(kind, values)) == LinkChange(up, "3", "", named=False)


@pytest.mark.parametrize(
    ("values", "index", "name", "named"),
    [
        ({f"{IF_INDEX}.9": 3}, "3", "", False),
        ({f"{IF_INDEX}.3": 3, f"{IF_DESCR}.3": b"eth 0"}, "3", "eth 0", False),
        ({f"{IF_OPER_STATUS}.12": 2}, "12", "", False),
        ({f"{IF_NAME}.4": b"wan1", f"{IF_DESCR}.4": b"long name"}, "4", "wan1", True),
        ({f"{IF_INDEX}.4": 4, IF_NAME: b"wan1"}, "4", "wan1", True),
        ({f"{IF_INDEX}.4": b"4"}, "", "", False),
        ({"1.3.6.1.4.1.9.1": 1}, "", "", False),
    ],
    ids=["value", "column alone", "last arc", "both names", "scalar name", "not a number", "nothing"],
)
def test_the_interface_is_found_however_a_device_binds_it(
    values: dict[str, Value], index: str, name: str, *, named: bool
) -> None:
    """By ifIndex, by the index of another object, and by names with or without their index."""
    assert link_change(Notification(LINK_DOWN, values)) == LinkChange(up=False, ifindex=index, name=name, named=named)


def test_other_notifications_are_about_no_link() -> None:
    """A coldStart has a name; a vendor's trap is a trap."""
    assert link_change(Notification(COLD_START, {f"{IF_INDEX}.1": 1})) is None
    assert (Notification(COLD_START, {}).name, Notification("1.3.6.1.4.1.9.9.1", {}).name) == ("coldStart", "trap")


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (LinkChange(up=False, ifindex="7", name="", named=False), "wan1"),
        (LinkChange(up=False, ifindex="7", name="wan1", named=True), "wan1"),
        (LinkChange(up=False, ifindex="8", name="lan", named=True), "lan#8"),
        (LinkChange(up=False, ifindex="7", name="wan2", named=True), "wan2"),
        (LinkChange(up=False, ifindex="7", name="a description", named=False), "wan1"),
        (LinkChange(up=False, ifindex="99", name="port9", named=False), "port9"),
        (LinkChange(up=False, ifindex="99", name="", named=False), None),
        (LinkChange(up=False, ifindex="", name="", named=False), None),
    ],
    ids=["index", "both", "second of a name", "moved", "description", "unknown", "no name", "nothing"],
)  # fmt: skip
def test_a_name_in_the_trap_counts_more_than_an_index_that_moved(change: LinkChange, key: str | None) -> None:
    """Indexes move when a device restarts; a description is no ifName and proves nothing."""
    assert key_of_change(change, {"7": "wan1", "8": "lan#8"}.get) == key


@given(st.dictionaries(st.sampled_from([f"{IF_NAME}.1", f"{IF_DESCR}.1", f"{IF_INDEX}.1", f"{IF_OPER_STATUS}.1"]),
                       st.one_of(st.binary(max_size=300), st.integers(-(2**63), 2**64), st.none())),
       st.sampled_from([LINK_DOWN, LINK_UP]))  # fmt: skip
def test_any_bytes_make_a_key_that_the_contract_takes(values: dict[str, Value], kind: str) -> None:
    """Whatever a device calls an interface."""
    change = link_change(Notification(kind, values))
    assert change is not None
    key = key_of_change(change, lambda _: None)
    assert key is None or (key != "" and clean_key(key) == key)
