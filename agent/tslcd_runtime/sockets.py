"""Open TCP and TLS connections without blocking the event loop, nor the end of the program.

Looking up a name and shaking hands block, and cannot be interrupted. asyncio's own threads are waited for when a program
ends, so an unreachable broker would hold a SIGTERM for the whole timeout. Here a daemon thread does the blocking part.

Invariant: a socket is either returned or closed, whatever was cancelled and whenever.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

T = TypeVar("T")


class Exit(NamedTuple):
    """Where connections leave this machine: from an address of its own, through one of its interfaces; None for any."""

    source: str | None = None
    interface: str | None = None

    @property
    def family(self) -> int:
        """Return the address family that the source has."""
        if self.source is None:
            return socket.AF_UNSPEC
        return socket.AF_INET6 if ":" in self.source else socket.AF_INET


#: Where the kernel's routes lead.
ANY_EXIT: Final = Exit()


async def in_daemon_thread(function: Callable[[], T], discard: Callable[[T], None]) -> T:
    """Return what ``function`` returns or raise what it raises; it runs in a thread that nobody waits for at the end.

    A result that comes after the caller was cancelled goes to ``discard``.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def succeed(result: T) -> None:
        if future.done():
            discard(result)
        else:
            future.set_result(result)

    def fail(error: Exception) -> None:
        if not future.done():
            future.set_exception(error)

    def run() -> None:
        try:
            result = function()
        except Exception as error:  # noqa: BLE001 - handed over to the caller as it is
            _post(loop, fail, error)
        else:
            if not _post(loop, succeed, result):
                discard(result)

    threading.Thread(target=run, name=f"tslcd {getattr(function, '__name__', 'call')}", daemon=True).start()
    try:
        return await future
    except asyncio.CancelledError:
        # the answer may have come in the same turn of the loop as the cancellation
        if not future.cancelled() and future.exception() is None:
            discard(future.result())
        raise


def _post(loop: asyncio.AbstractEventLoop, call: Callable[[T], None], argument: T) -> bool:
    """Run ``call`` in the loop; return whether there still is a loop."""
    try:
        loop.call_soon_threadsafe(call, argument)
    except RuntimeError:
        return False
    return True


def connect(
    host: str,
    port: int,
    context: ssl.SSLContext | None,
    timeout: float,
    *,
    address: str | None = None,
    permits: Callable[[str], bool] | None = None,
    leaving_by: Exit = ANY_EXIT,
) -> socket.socket:
    """Connect, and with a ``context`` shake hands. ``timeout`` (seconds) bounds each step. Raises OSError. Blocks.

    With ``address`` the name ``host`` is not looked up, only shown to the peer and looked for in its certificate.
    ``permits`` says of each address whether anything may be sent to it; of the others nothing is tried. ``leaving_by``: from
    which address or through which interface of this machine.
    """
    plain = _connect(address or host, port, timeout, permits, leaving_by)
    try:
        # a report is one packet after another: waiting for the peer's TCP would only delay it
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return plain if context is None else context.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _connect(
    host: str, port: int, timeout: float, permits: Callable[[str], bool] | None, leaving_by: Exit
) -> socket.socket:
    """Connect to the first address of ``host`` that is permitted and answers. Raises OSError. Blocks."""
    failure = OSError(errno.EACCES, "nothing may be sent to that address")
    for family, kind, protocol, _, target in socket.getaddrinfo(host, port, leaving_by.family, socket.SOCK_STREAM):
        if permits is not None and not permits(str(target[0])):
            continue
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(timeout)
            if leaving_by.interface is not None:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, leaving_by.interface.encode())
            if leaving_by.source is not None:
                made.bind((leaving_by.source, 0))
            made.connect(target)
        except OSError as error:
            made.close()
            failure = error
        else:
            return made
    raise failure
