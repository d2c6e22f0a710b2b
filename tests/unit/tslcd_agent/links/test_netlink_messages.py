"""Bytes of rtnetlink, good and bad."""

from __future__ import annotations

import socket
import struct

from hypothesis import given
from hypothesis import strategies as st

from support.kernel import DELLINK, DONE, DUMP_INTERRUPTED, ERROR, NEWLINK, PORT, RUNNING, UP, link, message
from tslcd_agent.links.netlink import LocalInterface, Message, messages, operational, question


def test_a_link_is_read_with_its_counters() -> None:
    """Multicasts are no unicasts (IF-MIB::ifHCInUcastPkts); the name ends at its NUL."""
    body = link(4, "wan1", state=6, flags=UP | RUNNING, alias="to the operator", stats=(10, 20, 30, 40, 1, 2, 3, 4, 6))
    assert list(messages(message(NEWLINK, body), PORT)) == [
        Message(
            "link",
            LocalInterface(
                4,
                "wan1",
                up=True,
                admin_up=True,
                alias="to the operator",
                counters={
                    "receive_bytes_total": 30,
                    "transmit_bytes_total": 40,
                    "receive_unicast_packets_total": 4,
                    "transmit_unicast_packets_total": 20,
                    "receive_errors_total": 1,
                    "transmit_errors_total": 2,
                    "receive_discards_total": 3,
                    "transmit_discards_total": 4,
                },
            ),
            0,
            part=False,
            broken=False,
        )
    ]


def test_states_of_the_kernel() -> None:
    """Up is up; what has no carrier to watch is what its flags say; everything else carries no traffic."""
    assert [operational(state, UP | RUNNING) for state in range(8)] == [True, *[False] * 5, True, False]
    assert [operational(0, flags) for flags in (0, UP, RUNNING)] == [False, False, False]


def test_answers_and_news_are_told_apart() -> None:
    """Many messages come in one datagram; answers carry our number and port."""
    data = (
        message(NEWLINK, link(1, "lo"), sequence=5, port=PORT)
        + message(DELLINK, link(2, "gone"))
        + message(DONE, b"\0\0\0\0", sequence=5, port=PORT)
        + message(ERROR, b"\0" * 20, sequence=6, port=PORT)
        + message(NEWLINK, link(3, "half"), sequence=5, port=PORT, flags=DUMP_INTERRUPTED)
        + message(99, b"")
    )
    assert [
        (one.kind, one.interface.name if one.interface else "", one.sequence, one.part, one.broken)
        for one in messages(data, PORT)
    ] == [
        ("link", "lo", 5, True, False),
        ("gone", "gone", 0, False, False),
        ("end", "", 5, True, False),
        ("end", "", 6, True, True),
        ("link", "half", 5, True, True),
    ]


def test_a_port_that_leaves_a_bridge_is_not_gone() -> None:
    """The same type of message in the bridge's family is about the bridge."""
    assert list(messages(message(DELLINK, link(2, "wan1", family=socket.AF_BRIDGE)), PORT)) == []


def test_what_is_cut_short_is_left_out() -> None:
    """A header without its body, an attribute beyond the end, a link without a name."""
    whole = message(NEWLINK, link(2, "wan1"))
    assert list(messages(whole[:-4], PORT)) == []
    assert list(messages(whole + b"\x10\0\0\0", PORT)) == list(messages(whole, PORT))
    assert list(messages(message(NEWLINK, b"\0" * 8), PORT)) == []
    assert list(messages(message(NEWLINK, link(2, "")), PORT)) == []
    assert list(messages(message(NEWLINK, link(2, "") + struct.pack("=HH", 40, 3) + b"wan"), PORT)) == []


@given(st.binary(max_size=400))
def test_any_bytes_come_to_an_end(data: bytes) -> None:
    """Lengths of nothing and of too much among them."""
    for one in messages(data, PORT):
        assert one.kind in {"link", "gone", "end"}
    list(messages(message(NEWLINK, data), PORT))


def test_the_question_asks_for_all_links() -> None:
    """RTM_GETLINK with NLM_F_REQUEST, ROOT and MATCH, of any family."""
    assert struct.unpack("=IHHIIBxHiII", question(7)) == (32, 18, 0x301, 7, 0, 0, 0, 0, 0, 0)
