"""TCP servers that misbehave, for tests: mute, closing, babbling, or answering by script."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: "Welcome", in both versions of MQTT.
CONNACK_31: Final = b"\x20\x02\x00\x00"
CONNACK_5: Final = b"\x20\x03\x00\x00\x00"


class FaultyServer:
    """Accepts connections on a port of its own and hands each to ``behave`` in a thread. ``accepted`` counts them."""

    def __init__(self, behave: Callable[[socket.socket], object]) -> None:
        """Listen at once, so that nobody meets a closed port."""
        self._behave = behave
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._ending = threading.Event()
        self.port: int = self._listener.getsockname()[1]
        self.accepted = 0

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self._ending.is_set():
                connection.close()
                return
            self.accepted += 1
            self._connections.append(connection)
            thread = threading.Thread(target=self._serve_one, args=(connection,))
            thread.start()
            self._threads.append(thread)

    def _serve_one(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self._behave(connection)

    @contextlib.contextmanager
    def running(self) -> Iterator[FaultyServer]:
        """Serve for the time of a block; nothing is left afterwards."""
        acceptor = threading.Thread(target=self._serve)
        acceptor.start()
        try:
            yield self
        finally:
            self._ending.set()
            # closing a listener does not wake who waits in accept()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5):
                pass
            acceptor.join()
            self._listener.close()
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in self._threads:
                thread.join()
            for connection in self._connections:
                connection.close()


def read_until_closed(connection: socket.socket) -> None:
    """Behave mutely: read, never answer."""
    while connection.recv(4096):
        pass


def close_at_once(connection: socket.socket) -> None:
    """Behave rudely: read the first bytes and close."""
    connection.recv(4096)
    connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def answering(
    *answers: bytes, then: Callable[[socket.socket], object] = read_until_closed
) -> Callable[[socket.socket], object]:
    """Send one of ``answers`` for every read, then go on like ``then``."""

    def behave(connection: socket.socket) -> None:
        for answer in answers:
            if not connection.recv(4096):
                return
            connection.sendall(answer)
        then(connection)

    return behave
