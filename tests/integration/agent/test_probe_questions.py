"""DNS probes against a server of the test's own: right answers, every kind of wrong one, and silence."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final, cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from support.listeners import serving
from support.processes import free_port
from tslcd_agent.config import DnsProbe
from tslcd_agent.probes.prober import Prober

if TYPE_CHECKING:
    from asyncio import DatagramTransport, StreamReader, StreamWriter
    from collections.abc import AsyncIterator, Callable

    from tslcd_agent.probes.contract import ProbeResult

    Answer = Callable[[dns.message.Message], bytes | None]

NAME: Final = "portal.example"
ADDRESSES: Final = dns.rrset.from_text(f"{NAME}.", 60, "IN", "A", "192.0.2.1", "192.0.2.2")


class Server(asyncio.DatagramProtocol):
    """Answers questions as ``answer`` says; counts them. TCP has the right answer."""

    def __init__(self, answer: Answer) -> None:
        """Remember how."""
        self.asked = 0
        self._answer = answer
        self._transport: DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Answer one question."""
        self.asked += 1
        said = self._answer(dns.message.from_wire(data))
        if said is not None and self._transport is not None:
            self._transport.sendto(said, addr)


async def by_stream(reader: StreamReader, writer: StreamWriter) -> None:
    """Answer over TCP."""
    question = dns.message.from_wire(await reader.readexactly(int.from_bytes(await reader.readexactly(2))))
    wire = right(question)
    for piece in (len(wire).to_bytes(2), wire[:7], wire[7:]):
        writer.write(piece)
        await writer.drain()


@contextlib.asynccontextmanager
async def name_server(answer: Answer) -> AsyncIterator[tuple[int, Server]]:
    """Serve over UDP and TCP on one port."""
    async with serving(by_stream) as port:
        transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Server(answer), ("127.0.0.1", port)
        )
        try:
            yield port, server
        finally:
            transport.close()


def right(question: dns.message.Message, *records: dns.rrset.RRset, flags: int = 0, rcode: int = 0) -> bytes:
    """Write an answer."""
    answer = dns.message.make_response(question)
    answer.answer.extend(records or (ADDRESSES,))
    answer.flags |= flags
    answer.set_rcode(dns.rcode.Rcode(rcode))
    return answer.to_wire()


async def ask(answer: Answer, **keys: Any) -> tuple[ProbeResult, Server]:
    """Probe a server that answers so; return the result and the server."""
    prober = Prober()
    async with name_server(answer) as (port, server):
        settings = DnsProbe(target="127.0.0.1", port=port, name=NAME, **{"timeout": 5.0, **keys})
        result = await prober.probe("resolver", settings)
    assert prober.statistics.unexpected == 0
    return result, server


async def test_an_answer_is_counted_and_compared() -> None:
    """Records of the asked type; expected ones may be written in any case, with or without the last dot."""
    result, server = await ask(right, expect=("192.0.2.2",))
    assert (result.outcome, result.figures.answers, set(result.phases), server.asked) == ("ok", 2, {"answer"}, 1)
    result, _ = await ask(right, expect=("192.0.2.2", "192.0.2.9"))
    assert (result.outcome, result.reason) == ("bad_answer", "not among the answers: 192.0.2.9")
    six = dns.rrset.from_text(f"{NAME}.", 60, "IN", "AAAA", "2001:db8::1")
    result, _ = await ask(lambda question: right(question, six), record="AAAA", expect=("2001:DB8:0::1",))
    assert result.outcome == "ok"
    mail = dns.rrset.from_text(f"{NAME}.", 60, "IN", "NS", "NS1.portal.example.")
    result, _ = await ask(lambda question: right(question, mail), record="NS", expect=("ns1.Portal.example",))
    assert result.outcome == "ok"


async def test_an_alias_leads_to_the_records_of_the_asked_type() -> None:
    """The alias itself is no address."""
    alias = dns.rrset.from_text(f"{NAME}.", 60, "IN", "CNAME", "web.example.")
    web = dns.rrset.from_text("web.example.", 60, "IN", "A", "192.0.2.7")
    result, _ = await ask(lambda question: right(question, alias, web))
    assert (result.outcome, result.figures.answers) == ("ok", 1)
    result, _ = await ask(lambda question: right(question, alias))
    assert (result.outcome, result.reason, result.figures.answers) == ("bad_answer", "no A record", 0)


@pytest.mark.parametrize(("rcode", "reason"), [(2, "SERVFAIL"), (3, "NXDOMAIN"), (5, "REFUSED")])
async def test_what_the_server_says_is_the_reason(rcode: int, reason: str) -> None:
    """Anything but NOERROR is a bad answer, also with records."""
    result, _ = await ask(lambda question: right(question, rcode=rcode))
    assert (result.outcome, result.reason) == ("bad_answer", reason)


async def test_a_truncated_answer_is_asked_for_again_over_tcp() -> None:
    """The whole answer counts; without UDP it is asked for once."""
    result, server = await ask(lambda question: right(question, flags=dns.flags.TC))
    assert (result.outcome, result.figures.answers, server.asked) == ("ok", 2, 1)
    assert set(result.phases) == {"connect", "answer"}
    result, server = await ask(right, transport="tcp")
    assert (result.outcome, server.asked) == ("ok", 0)


async def test_a_lost_question_is_asked_again() -> None:
    """One packet lost is no dead server."""
    lost = iter([True])

    result, server = await ask(lambda question: None if next(lost, False) else right(question), timeout=1.5)
    assert (result.outcome, server.asked) == ("ok", 2)


async def test_silence_and_answers_to_other_questions_end_with_the_deadline() -> None:
    """Three questions each; a forged answer is not taken, and said when nothing better comes."""
    result, server = await ask(lambda _: None, timeout=0.6)
    assert (result.outcome, result.reason, server.asked) == ("no_answer", "answer: no end within 0.6 s", 3)

    def forged(question: dns.message.Message) -> bytes:
        question.id ^= 1
        return right(question)

    result, _ = await ask(forged, timeout=0.6)
    assert (result.outcome, result.reason) == ("no_answer", "answers to other questions only")
    both = iter([True])

    def forged_first(question: dns.message.Message) -> bytes:
        return forged(question) if next(both, False) else right(question)

    result, _ = await ask(forged_first, timeout=1.5)
    assert result.outcome == "ok"


async def test_garbage_is_a_bad_answer() -> None:
    """With the right number and nothing else, and to another name."""

    def other(question: dns.message.Message) -> bytes:
        another = dns.message.make_query("other.example", "A", id=question.id)
        return dns.message.make_response(another).to_wire()

    for said, reason in (
        (lambda question: question.id.to_bytes(2) + b"\xff" * 30, "not DNS as it should be: "),
        (lambda question: question.id.to_bytes(2), "not DNS as it should be: "),
        (other, "an answer to another question"),
    ):
        result, _ = await ask(said)
        assert result.outcome == "bad_answer"
        assert result.reason.startswith(reason), result.reason


async def test_a_closed_port_is_refused_and_a_server_that_hangs_up_is_a_bad_answer() -> None:
    """ICMP says the one, the end of a connection the other."""
    prober = Prober()
    settings = DnsProbe(target="127.0.0.1", port=free_port(), name=NAME)
    assert (await prober.probe("x", settings)).outcome == "refused"

    async def rude(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"\x00")
        await writer.drain()
        writer.close()

    async with serving(rude) as port:
        settings = DnsProbe(target="127.0.0.1", port=port, name=NAME, transport="tcp")
        result = await prober.probe("x", settings)
    assert (result.outcome, result.reason) == ("bad_answer", "closed the connection before the end of its answer")
