"""TCP connections, opened and closed: nothing is sent over them. Other probes get theirs here too."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from tslcd_agent.probes.network import failure, open_socket

if TYPE_CHECKING:
    from tslcd_agent.config import TcpProbe
    from tslcd_agent.probes.contract import Findings
    from tslcd_agent.probes.means import Means


async def probe(settings: TcpProbe, means: Means, findings: Findings) -> None:
    """Open a connection and close it. Raises ProbeError."""
    address = await means.resolver.find(settings.target, settings.source, findings)
    made = await connect(address, settings.port, findings, source=settings.source, dscp=settings.dscp)
    made.close()


async def connect(address: str, port: int, findings: Findings, *, source: str | None, dscp: int) -> socket.socket:
    """Return a connected, non-blocking socket. Raises ProbeError."""
    made: socket.socket | None = None
    try:
        with findings.measure("connect"):
            made = open_socket(socket.SOCK_STREAM, address, source=source, dscp=dscp)
            await asyncio.get_running_loop().sock_connect(made, (address, port))
    except BaseException as error:
        if made is not None:
            made.close()
        if isinstance(error, OSError):
            raise failure(error) from None
        raise
    return made
