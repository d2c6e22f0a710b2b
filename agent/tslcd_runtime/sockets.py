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
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

T = TypeVar("T")


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
) -> socket.socket:
    """Connect, and with a ``context`` shake hands. ``timeout`` (seconds) bounds each step. Raises OSError. Blocks.

    With ``address`` the name ``host`` is not looked up, only shown to the peer and looked for in its certificate.
    ``permits`` says of each address whether anything may be sent to it; of the others nothing is tried.
    """
    plain = _connect(address or host, port, timeout, permits)
    try:
        # a report is one packet after another: waiting for the peer's TCP would only delay it
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return plain if context is None else context.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _connect(host: str, port: int, timeout: float, permits: Callable[[str], bool] | None) -> socket.socket:
    """Connect to the first address of ``host`` that is permitted and answers. Raises OSError. Blocks."""
    if permits is None:
        return socket.create_connection((host, port), timeout=timeout)
    found = dict.fromkeys(str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    failure = OSError(errno.EACCES, "nothing may be sent to that address")
    for one in filter(permits, found):
        try:
            return socket.create_connection((one, port), timeout=timeout)
        except OSError as error:
            failure = error
    raise failure
