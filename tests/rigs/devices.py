"""Many SNMP devices in one process, each on a port of loopback, good ones and bad ones: ``python -m rigs.devices PLAN``.

PLAN is JSON: a list of [port, behaviour, number, rows]. The process writes ``ready`` once all ports are bound, and serves until it
is ended. A good device answers at once; what the others do stands at their functions. Version 2c, community ``public``.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import sys
from typing import TYPE_CHECKING, Any, Final

from rigs.mutations import MUTATIONS, Exchange
from support import snmp_message as message
from support import snmp_responder as responder

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

#: A slow device thinks for so long (seconds) before each answer: less than the agent's timeout, so that each arrives.
SLOW_AFTER: Final = 0.6
#: A late one answers when nobody waits any more, whatever the timeout below this was.
LATE_AFTER: Final = 1.5
_STORM: Final = 50


class Device(asyncio.DatagramProtocol):
    """One device. ``behaviour`` names one of :data:`BEHAVIOURS`."""

    def __init__(self, behaviour: str, number: int, rows: int) -> None:
        """Make its table."""
        self.table = responder.router(number, rows)
        self.draw = random.Random(number)  # noqa: S311 - repeatable on purpose
        self.elsewhere: socket.socket | None = None
        self.row = 0
        self._behave = BEHAVIOURS[behaviour]
        self._transport: Any = None
        self._work: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Behave. What is no question of version 2c (a discovery) is left alone."""
        try:
            question = message.decode(data)
        except message.MalformedError:
            return
        self._behave(self, question, addr)

    def send(self, data: bytes, addr: tuple[str, int]) -> None:
        """Send one datagram."""
        self._transport.sendto(data, addr)

    def honest(self, question: message.Message) -> bytes:
        """Return the right answer."""
        return responder.answer(self.table, question)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something in a while."""
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)


def good(device: Device, question: message.Message, addr: tuple[str, int]) -> None:
    """Answer at once."""
    device.send(device.honest(question), addr)


def silent(_device: Device, _question: message.Message, _addr: tuple[str, int]) -> None:
    """Say nothing."""


def slow(device: Device, question: message.Message, addr: tuple[str, int]) -> None:
    """Answer each question after a while, rightly."""
    device.later(_after(SLOW_AFTER, device, question, addr))


def late(device: Device, question: message.Message, addr: tuple[str, int]) -> None:
    """Answer when nobody waits any more."""
    device.later(_after(LATE_AFTER, device, question, addr))


async def _after(wait: float, device: Device, question: message.Message, addr: tuple[str, int]) -> None:
    await asyncio.sleep(wait)
    device.send(device.honest(question), addr)


def garbage(device: Device, _question: message.Message, addr: tuple[str, int]) -> None:
    """Send noise, some of it a panic of a careless decoder."""
    device.send(
        device.draw.choice((b"\x30\x82\xed", b"", device.draw.randbytes(200), b"\x30\x84\xff\xff\xff\xff")), addr
    )


def mutating(device: Device, question: message.Message, addr: tuple[str, int]) -> None:
    """Answer as the fuzz rig does: one mutation after the other."""
    exchange = Exchange(question, responder.pairs(device.table, question))
    for datagram in device.draw.choice(MUTATIONS)(device.draw, exchange):
        device.send(datagram.data, addr)


def looping(device: Device, question: message.Message, addr: tuple[str, int]) -> None:
    """Answer GETs; a walk gets the same three rows for ever."""
    bindings = responder.pairs(device.table, question)
    if question.kind != message.GET:
        name = question.names[0] if question.names[0] in device.table.values else f"{question.names[0]}.1"
        bindings = [(name, message.octets(b"loop"))] * 3
    body = message.pdu(message.RESPONSE, question.request_id, responder.encoded(bindings))
    device.send(message.message(1, b"public", body), addr)


def endless(device: Device, question: message.Message, addr: tuple[str, int]) -> None:
    """Answer GETs; a walk finds a new row after every row."""
    if question.kind == message.GET:
        device.send(device.honest(question), addr)
        return
    asked = question.names[0].split(".")
    column = ".".join(asked[:11] if asked[7:8] == ["31"] else asked[:10])
    bindings = []
    for _ in range(25):
        device.row += 1
        bindings.append((f"{column}.{device.row}", message.octets(b"more %d" % device.row)))
    body = message.pdu(message.RESPONSE, question.request_id, responder.encoded(bindings))
    device.send(message.message(1, b"public", body), addr)


def storming(device: Device, question: message.Message, addr: tuple[str, int]) -> None:
    """Answer each question fifty times, with the ids of others."""
    for other in range(1, _STORM + 1):
        body = message.pdu(
            message.RESPONSE, question.request_id ^ other, responder.encoded(responder.pairs(device.table, question))
        )
        device.send(message.message(1, b"public", body), addr)


def elsewhere(device: Device, question: message.Message, addr: tuple[str, int]) -> None:
    """Answer rightly, from another address."""
    if device.elsewhere is None:
        device.elsewhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        device.elsewhere.bind(("127.0.0.2", 0))
    device.elsewhere.sendto(device.honest(question), addr)


def reporting(device: Device, _question: message.Message, addr: tuple[str, int]) -> None:
    """Answer with reports of version 3, ten at a time (RFC 3414 section 3.2)."""
    for kind in (1, 2, 3, 4, 5, 6) * 2:
        counter = message.binding(message.oid(f"1.3.6.1.6.3.15.1.1.{kind}.0"), message.number(1, message.COUNTER32))
        scoped = message.tlv(
            0x30, message.octets(b"\x80\0\0\0\1") + message.octets(b"") + message.pdu(message.REPORT, 1, [counter])
        )
        security = message.tlv(
            0x30, message.octets(b"\x80\0\0\0\1") + message.number(1) + message.number(1) + message.octets(b"") * 3
        )
        header = message.tlv(
            0x30, message.number(1) + message.number(65507) + message.octets(b"\0") + message.number(3)
        )
        device.send(message.tlv(0x30, message.number(3) + header + message.octets(security) + scoped), addr)


HOSTILE: Final = {
    "garbage": garbage, "mutating": mutating, "looping": looping, "endless": endless, "storming": storming, "late": late,
    "elsewhere": elsewhere, "reporting": reporting,
}  # fmt: skip
BEHAVIOURS: Final[dict[str, Callable[[Device, message.Message, tuple[str, int]], None]]] = {
    "good": good, "silent": silent, "slow": slow, **HOSTILE,
}  # fmt: skip


async def _serve(plan: list[tuple[int, str, int, int]]) -> None:
    loop = asyncio.get_running_loop()
    for port, behaviour, number, rows in plan:
        await loop.create_datagram_endpoint(
            lambda one=(behaviour, number, rows): Device(*one),  # type: ignore[misc]
            local_addr=("127.0.0.1", port),
        )
    print("ready", flush=True)  # noqa: T201 - the protocol
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.argv[1])))
