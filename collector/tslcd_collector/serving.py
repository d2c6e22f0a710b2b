"""uvicorn inside our event loop: our socket, our signals, our end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from typing import TYPE_CHECKING, Final

import uvicorn

from tslcd_collector.errors import ListenError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.applications import Starlette

#: How long answers under way may take when the program ends, seconds.
_GRACEFUL: Final = 1


class _Server(uvicorn.Server):
    """A server that leaves signals to the program."""

    def __init__(self, config: uvicorn.Config) -> None:
        """Add what wakes :meth:`main_loop`."""
        super().__init__(config)
        self.ending = asyncio.Event()

    async def main_loop(self) -> None:
        """Renew the Date header once a second and wait for the end: uvicorn's own loop wakes ten times a second."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self.ending.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


def bind(host: str, port: int) -> socket.socket:
    """Take the address without listening yet, so that a port in use is known before anything else is done.

    Raises ListenError that names the address.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ListenError(f"web: cannot use {host}: {error.strerror or error}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ListenError(
                f"web: port {port} on {host} is in use by another program: stop it, or set web.port"
            ) from None
        raise ListenError(
            f"web: cannot listen on {host} port {port}: {(error.strerror or str(error)).lower()}"
        ) from None
    return listener


@contextlib.asynccontextmanager
async def serve(application: Starlette, listener: socket.socket) -> AsyncIterator[None]:
    """Serve on ``listener`` for the time of a block. Raises ListenError when another program was faster."""
    try:
        listener.listen(128)
    except OSError as error:
        address = listener.getsockname()
        raise ListenError(f"web: port {address[1]} on {address[0]} is in use: {error.strerror}") from None
    server = _Server(
        uvicorn.Config(
            application,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACEFUL,
            # longer than any scrape interval, so that Prometheus keeps its connection
            timeout_keep_alive=75,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]), name="web")
    try:
        yield
    finally:
        server.should_exit = True
        server.ending.set()
        await task
