"""DNS questions to one server: the only importer of dnspython, and only of its messages; the sockets are ours.

Invariants:

* An answer counts when it comes from the server that was asked, to the question that was asked (RFC 5452 section 9.1); others
  are passed over, and said when nothing better comes.
* A question over UDP is asked three times within the deadline: a lost packet is no dead server.
* A truncated answer is asked for again over TCP (RFC 7766 section 5).
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from typing import TYPE_CHECKING, Final

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from tslcd_agent.probes.contract import ProbeError
from tslcd_agent.probes.network import failure, open_socket
from tslcd_agent.probes.tcp import connect

if TYPE_CHECKING:
    from tslcd_agent.config import DnsProbe
    from tslcd_agent.probes.contract import Findings
    from tslcd_agent.probes.means import Means

_TRIES: Final = 3
_MAX_MESSAGE: Final = 65535


async def probe(settings: DnsProbe, means: Means, findings: Findings) -> None:
    """Ask, and look at the answer. Raises ProbeError."""
    address = await means.resolver.find(settings.target, settings.source, findings)
    question = dns.message.make_query(settings.name, settings.record, use_edns=0)
    answer = None
    if settings.transport == "udp":
        answer = await _by_udp(settings, address, question, findings)
    if answer is None or answer.flags & dns.flags.TC:
        answer = await _by_tcp(settings, address, question, findings)
    _judge(settings, answer, findings)


def _judge(settings: DnsProbe, answer: dns.message.Message, findings: Findings) -> None:
    """Raise ProbeError unless the answer has what is wanted."""
    kind = dns.rdatatype.from_text(settings.record)
    found = [_normal(one.to_text()) for group in answer.answer if group.rdtype == kind for one in group]
    findings.tell(answers=len(found))
    if answer.rcode() != dns.rcode.NOERROR:
        raise ProbeError("bad_answer", dns.rcode.to_text(answer.rcode()))
    if not found:
        raise ProbeError("bad_answer", f"no {settings.record} record")
    missing = [one for one in settings.expect if _normal(one) not in found]
    if missing:
        raise ProbeError("bad_answer", f"not among the answers: {', '.join(missing)}")


def _normal(text: str) -> str:
    """Return one spelling of what a record says: names without their last dot, texts without quotes, addresses as usual."""
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(text))
    return text.strip('"').removesuffix(".").lower()


async def _by_udp(
    settings: DnsProbe, address: str, question: dns.message.Message, findings: Findings
) -> dns.message.Message:
    loop = asyncio.get_running_loop()
    wire = question.to_wire()
    try:
        with (
            contextlib.closing(
                open_socket(socket.SOCK_DGRAM, address, source=settings.source, dscp=settings.dscp)
            ) as made,
            findings.measure("answer"),
        ):
            # connected: others are not heard, and a closed port is told
            await loop.sock_connect(made, (address, settings.port))
            for attempt in range(_TRIES):
                await loop.sock_sendall(made, wire)
                with contextlib.suppress(TimeoutError):
                    # the last wait is the deadline's
                    async with asyncio.timeout(settings.timeout / _TRIES if attempt < _TRIES - 1 else None):
                        return await _heard(made, question, findings)
    except OSError as error:
        raise failure(error) from None
    raise ProbeError("no_answer", "no answer")


async def _heard(made: socket.socket, question: dns.message.Message, findings: Findings) -> dns.message.Message:
    """Return the first answer to the question. Raises ProbeError, OSError."""
    loop = asyncio.get_running_loop()
    while True:
        wire = await loop.sock_recv(made, _MAX_MESSAGE)
        if int.from_bytes(wire[:2]) != question.id:
            findings.note = "answers to other questions only"
            continue
        return _read(wire, question)


async def _by_tcp(
    settings: DnsProbe, address: str, question: dns.message.Message, findings: Findings
) -> dns.message.Message:
    loop = asyncio.get_running_loop()
    made = await connect(address, settings.port, findings, source=settings.source, dscp=settings.dscp)
    try:
        with contextlib.closing(made), findings.measure("answer"):
            wire = question.to_wire()
            await loop.sock_sendall(made, len(wire).to_bytes(2) + wire)
            length = int.from_bytes(await _exactly(made, 2))
            return _read(await _exactly(made, length), question)
    except OSError as error:
        raise ProbeError("bad_answer", f"ended the connection: {failure(error).reason}") from None


async def _exactly(made: socket.socket, length: int) -> bytes:
    loop = asyncio.get_running_loop()
    found = bytearray()
    while len(found) < length:
        piece = await loop.sock_recv(made, length - len(found))
        if not piece:
            raise ProbeError("bad_answer", "closed the connection before the end of its answer")
        found += piece
    return bytes(found)


def _read(wire: bytes, question: dns.message.Message) -> dns.message.Message:
    """Decode an answer. Raises ProbeError."""
    try:
        answer = dns.message.from_wire(wire, ignore_trailing=True)
    except dns.exception.DNSException as error:
        raise ProbeError("bad_answer", f"not DNS as it should be: {type(error).__name__}") from None
    if not question.is_response(answer):
        raise ProbeError("bad_answer", "an answer to another question")
    return answer
