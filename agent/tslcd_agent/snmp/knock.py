"""One more datagram to a device that stayed silent: what the engines cannot see on their connected sockets.

The system tells a connected socket only of its peer, and gufo-snmp swallows ICMP errors. This socket is not connected, so it
also hears a device that answers from another of its addresses, which is a fault of its routing or of the configured address.
What it says is told and never used: values are taken from the configured address only.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from tslcd_agent.config import Snmp

#: An SNMPv3 engine discovery (RFC 3414 section 4): noAuthNoPriv, reportable, empty engine id and user, an empty GET.
DISCOVERY: Final = bytes.fromhex(
    "303a020103300f02024b54020300ffe304010402010304"
    "10300e0400020100020100040004000400"
    "301204000400a00c02024b540201000201003000"
)
#: A GET of sysUpTime.0, without version and community.
_GET_UP_TIME: Final = bytes.fromhex("a01a02024b54020100020100300e300c06082b060102010103000500")
#: From <linux/in.h> and <linux/in6.h>: ICMP errors are told to sockets that are not connected, too.
_IP_RECVERR: Final = 11
_IPV6_RECVERR: Final = 25


class Knock(NamedTuple):
    """What came of it. ``closed``: ICMP port unreachable. ``answered_from``: the address of the first answer, if any."""

    closed: bool = False
    answered_from: str | None = None


def question(snmp: Snmp) -> bytes:
    """Return a datagram that a device with these settings answers: of version 3 a discovery, else a GET of sysUpTime."""
    if snmp.version == "3":
        return DISCOVERY
    community = snmp.community.reveal().encode() if snmp.community else b""
    version = b"\x02\x01\x00" if snmp.version == "1" else b"\x02\x01\x01"
    return _element(0x30, version + _element(0x04, community) + _GET_UP_TIME)


def _element(tag: int, content: bytes) -> bytes:
    """Encode one BER element (ITU-T X.690), of less than 64 KiB."""
    size = len(content)
    length = bytes([size]) if size < 0x80 else bytes([0x82, size >> 8, size & 0xFF])  # noqa: PLR2004 - short form
    return bytes([tag]) + length + content


async def knock(address: str, port: int, datagram: bytes, wait: float) -> Knock:
    """Send ``datagram`` and wait ``wait`` seconds for what comes. Raises nothing but cancellation."""
    loop = asyncio.get_running_loop()
    six = ":" in address
    with socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.settimeout(0)
        if six:
            door.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
        else:
            door.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        try:
            async with asyncio.timeout(wait):
                await loop.sock_sendto(door, datagram, (address, port))
                _, sender = await loop.sock_recvfrom(door, 4096)
        except ConnectionRefusedError:
            return Knock(closed=True)
        except (TimeoutError, OSError):
            return Knock()
    return Knock(answered_from=sender[0])
