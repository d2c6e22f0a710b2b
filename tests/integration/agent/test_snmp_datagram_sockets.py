"""Looking at a datagram on a real socket before the engine reads it."""

from __future__ import annotations

import gc
import socket
from typing import NoReturn

import pytest

from support import snmp_message as snmp
from tslcd_agent.snmp import datagram

ANSWER = snmp.message(
    1, b"public", snmp.pdu(snmp.RESPONSE, 4711, [snmp.binding(snmp.oid("1.3.6.1.2.1.1.3.0"), snmp.number(7))])
)


def pair() -> tuple[socket.socket, socket.socket]:
    """Join two UDP sockets."""
    one, other = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for here in (one, other):
        here.bind(("127.0.0.1", 0))
        here.settimeout(0)
    one.connect(other.getsockname())
    other.connect(one.getsockname())
    return one, other


def test_a_refused_datagram_is_gone_and_the_next_one_is_read() -> None:
    """The look takes nothing away but what is refused; the descriptor stays open."""
    one, other = pair()
    with one, other:
        for data in (b"\x30\x82\xed", ANSWER):
            other.send(data)
        with pytest.raises(datagram.DatagramError, match="no SNMP message"):
            datagram.read_answer(one.fileno(), socket.AF_INET, lambda: one.recv(100))
        assert datagram.read_answer(one.fileno(), socket.AF_INET, lambda: one.recv(100)) == ANSWER
        with pytest.raises(BlockingIOError):
            datagram.read_answer(one.fileno(), socket.AF_INET, lambda: one.recv(100))


def test_an_ear_that_is_forgotten_leaves_the_descriptor_open() -> None:
    """The descriptor is the engine's: closed by somebody else, its number could be another connection's by then."""
    one, other = pair()
    with one, other:
        ears = [datagram.Ear(one.fileno(), socket.AF_INET) for _ in range(2)]
        ears.append(ears)  # type: ignore[arg-type]  # a circle, which the collector of garbage finds
        del ears
        gc.collect()
        other.send(ANSWER)
        assert one.recv(1000) == ANSWER


def test_port_unreachable_is_nothing_to_read() -> None:
    """The message of ICMP wakes the socket; the engine finds it empty."""
    one, other = pair()
    with one:
        other.close()
        one.send(b"anything")
        with pytest.raises(BlockingIOError):
            datagram.read_answer(one.fileno(), socket.AF_INET, lambda: one.recv(100))


class PanicException(BaseException):
    """As Rust raises it."""


@pytest.mark.parametrize("raised", [PanicException("index out of bounds"), RuntimeError("invalid data")])
def test_a_panic_of_the_engine_is_an_answer_that_cannot_be_read(raised: BaseException) -> None:
    """What is no Exception would end the agent; a cancellation still passes."""
    one, other = pair()

    def receive() -> NoReturn:
        raise raised

    with one, other:
        other.send(ANSWER)
        with pytest.raises(datagram.DatagramError, match=str(raised)):
            datagram.read_answer(one.fileno(), socket.AF_INET, receive)


def test_a_signal_passes() -> None:
    """Only panics are translated."""
    one, other = pair()

    def receive() -> NoReturn:
        raise KeyboardInterrupt

    with one, other:
        other.send(ANSWER)
        with pytest.raises(KeyboardInterrupt):
            datagram.read_answer(one.fileno(), socket.AF_INET, receive)
