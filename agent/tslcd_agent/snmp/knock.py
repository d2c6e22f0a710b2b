"""Whether anybody listens on a UDP port: what libraries swallow (ICMP port unreachable) is asked for once more."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Final

#: An SNMPv3 engine discovery (RFC 3414 section 4): noAuthNoPriv, reportable, empty engine id and user, an empty GET.
DISCOVERY: Final = bytes.fromhex(
    "303a020103300f02024b54020300ffe304010402010304"
    "10300e0400020100020100040004000400"
    "301204000400a00c02024b540201000201003000"
)


async def port_closed(address: str, port: int, wait: float) -> bool:
    """Whether ``address`` says that nobody listens on the UDP ``port`` (ICMP port unreachable), within ``wait`` seconds.

    The datagram is an SNMPv3 engine discovery, which any SNMP agent may see at any time.
    """
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as knock:
        knock.settimeout(0)
        try:
            knock.connect((address, port))
            knock.send(DISCOVERY)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await loop.sock_recv(knock, 4096)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False
