"""A kernel for tests: messages of rtnetlink(7) as bytes, and a socket that says what it is told."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
from typing import TYPE_CHECKING, Final

from tslcd_agent.links.netlink import messages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tslcd_agent.links.netlink import Message

NEWLINK, DELLINK, DONE, ERROR = 16, 17, 3, 2
UP, RUNNING = 0x1, 0x40
DUMP_INTERRUPTED: Final = 0x10
#: Our own port, as the kernel would have given it.
PORT: Final = 4711


def attribute(kind: int, value: bytes) -> bytes:
    """Encode an attribute, padded."""
    size = 4 + len(value)
    return struct.pack("=HH", size, kind) + value + bytes(-size % 4)


def link(
    index: int,
    name: str,
    *,
    state: int = 6,
    flags: int = UP | RUNNING,
    alias: str = "",
    stats: Sequence[int] = (0,) * 9,
    family: int = socket.AF_UNSPEC,
) -> bytes:
    """Encode the body of a link's message; ``state`` is IFLA_OPERSTATE (6 up, 2 down), ``stats`` begins like rtnl_link_stats64."""
    body = struct.pack("=BxHiII", family, 1, index, flags, 0)
    if name:
        body += attribute(3, name.encode() + b"\0")
    body += attribute(16, bytes([state])) + attribute(23, struct.pack("=9Q", *stats) + bytes(8 * 16))
    return body + (attribute(20, alias.encode() + b"\0") if alias else b"")


def message(kind: int, body: bytes, *, sequence: int = 0, port: int = 0, flags: int = 0) -> bytes:
    """Encode a message, padded."""
    size = 16 + len(body)
    return struct.pack("=IHHII", size, kind, flags, sequence, port) + body + bytes(-size % 4)


class ScriptedKernel:
    """A LinkSocket. ``links`` is what a question finds; :meth:`tell` is news; ``lose`` makes the next reading fail."""

    def __init__(self) -> None:
        """Know the loopback interface alone."""
        self.links: dict[int, bytes] = {1: link(1, "lo")}
        self.asked = 0
        self.lose = False
        self.mute = False
        self.interrupt = False
        self.closed = False
        self.port = PORT
        self._waiting: list[bytes] = []
        self._ready, self._bell = socket.socketpair()
        self._ready.settimeout(0)
        self._bell.settimeout(0)

    def fileno(self) -> int:
        """Return what is readable when something waits."""
        return self._ready.fileno()

    def ask(self, sequence: int) -> None:
        """Answer with all links, in two datagrams."""
        self.asked += 1
        if self.mute:
            return
        flags = DUMP_INTERRUPTED if self.interrupt else 0
        self.interrupt = False
        bodies = b"".join(message(NEWLINK, one, sequence=sequence, port=PORT) for one in self.links.values())
        self._say(bodies)
        self._say(message(DONE, b"\0\0\0\0", sequence=sequence, port=PORT, flags=flags))

    def set(self, index: int, name: str, *, up: bool = True, tell: bool = True) -> None:
        """Add or change a link."""
        self.links[index] = link(index, name, state=6 if up else 2)
        if tell:
            self._say(message(NEWLINK, self.links[index]))

    def drop(self, index: int, *, tell: bool = True) -> None:
        """Take a link away."""
        gone = self.links.pop(index)
        if tell:
            self._say(message(DELLINK, gone))

    def receive(self) -> list[Message]:
        """Return one datagram."""
        if self.lose:
            self.lose = False
            self._waiting.clear()
            self._ready.recv(1 << 16)
            raise OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS))
        if not self._waiting:
            raise BlockingIOError
        first = self._waiting.pop(0)
        if not self._waiting:
            self._ready.recv(1 << 16)
        return list(messages(first, PORT))

    def ring(self) -> None:
        """Let the reader look, whatever there is."""
        with contextlib.suppress(BlockingIOError):  # it rings already
            self._bell.send(b"x")

    def close(self) -> None:
        """Close."""
        self.closed = True
        self._ready.close()
        self._bell.close()

    def _say(self, data: bytes) -> None:
        self._waiting.append(data)
        self.ring()
