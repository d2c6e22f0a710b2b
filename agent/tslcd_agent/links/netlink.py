"""The kernel's own word on the interfaces of this box: rtnetlink(7) messages of kind link, as bytes. Pure, but for the socket.

Written here and not taken from pyroute2, which costs 10 MB of the 42 that an agent may use; what is needed of the protocol is
two structures and eight attributes (linux/netlink.h, linux/rtnetlink.h, linux/if_link.h).

Invariants:

* Only messages of the kernel's (port 0) are believed, and of those only of family AF_UNSPEC: a bridge tells about its ports
  in messages of the same type, and a port that leaves a bridge is not gone.
* Whatever the bytes are, :func:`messages` ends; what is cut short is left out.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER: Final = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_LINK: Final = struct.Struct("=BxHiII")  # family, type, index, flags, change
_ATTRIBUTE: Final = struct.Struct("=HH")
_STATS64: Final = struct.Struct("=9Q")  # rx and tx of packets, bytes, errors, dropped; multicast received
_NLMSG_ERROR, _NLMSG_DONE, _RTM_NEWLINK, _RTM_DELLINK, _RTM_GETLINK = 2, 3, 16, 17, 18
_NLM_F_DUMP: Final = 0x301  # request, root, match
_NLM_F_DUMP_INTR: Final = 0x10
_IFLA_IFNAME, _IFLA_OPERSTATE, _IFLA_IFALIAS, _IFLA_STATS64 = 3, 16, 20, 23
_IFF_UP, _IFF_RUNNING = 0x1, 0x40
_RTMGRP_LINK: Final = 1
_NLA_TYPE: Final = 0x3FFF
#: Enough for the news of thousands of interfaces that change at once.
_RECEIVE_BUFFER: Final = 1 << 20
_LARGEST: Final = 1 << 16
#: IF_OPER_UP and IF_OPER_UNKNOWN (RFC 2863 numbers them otherwise); what has no carrier to watch stays unknown.
_OPER_UNKNOWN, _OPER_UP = 0, 6


@dataclass(frozen=True, slots=True)
class LocalInterface:
    """One interface of this box. ``counters``: readings by catalogue column; ``up``: it carries traffic."""

    index: int
    name: str
    up: bool
    admin_up: bool
    alias: str
    counters: dict[str, int]


class Message(NamedTuple):
    """One message. ``part``: it answers our question with number ``sequence``; else it is news.

    ``broken``: the kernel says that the answer is not consistent and is to be asked for again.
    """

    kind: Literal["link", "gone", "end"]
    interface: LocalInterface | None
    sequence: int
    part: bool
    broken: bool


Counters: TypeAlias = dict[str, int]


def operational(state: int, flags: int) -> bool:
    """Whether an interface carries traffic: IF_OPER_UP; where nobody can know (tunnels, ppp, loopback), that it runs."""
    if state == _OPER_UNKNOWN:
        return bool(flags & _IFF_UP and flags & _IFF_RUNNING)
    return state == _OPER_UP


def link_counters(values: tuple[int, ...]) -> Counters:
    """Return columns of kind ``interface``; ``values``: received and sent packets, bytes, errors, drops, and multicasts received."""
    rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped, tx_dropped, multicast = values
    return {
        "receive_bytes_total": rx_bytes,
        "transmit_bytes_total": tx_bytes,
        "receive_unicast_packets_total": max(0, rx_packets - multicast),
        "transmit_unicast_packets_total": tx_packets,
        "receive_errors_total": rx_errors,
        "transmit_errors_total": tx_errors,
        "receive_discards_total": rx_dropped,
        "transmit_discards_total": tx_dropped,
    }


def question(sequence: int) -> bytes:
    """Return the request for all links."""
    size = _HEADER.size + _LINK.size
    return _HEADER.pack(size, _RTM_GETLINK, _NLM_F_DUMP, sequence, 0) + _LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0)


def messages(data: bytes, port: int) -> Iterator[Message]:
    """Yield what a datagram of the kernel says. ``port`` is ours: answers carry it."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, flags, sequence, to = _HEADER.unpack_from(data, at)
        if length < _HEADER.size or at + length > len(data):
            return
        part, broken = to == port and sequence != 0, bool(flags & _NLM_F_DUMP_INTR)
        body = data[at + _HEADER.size : at + length]
        if kind == _NLMSG_DONE:
            yield Message("end", None, sequence, part, broken)
        elif kind == _NLMSG_ERROR:
            yield Message("end", None, sequence, part, broken=True)
        elif kind in {_RTM_NEWLINK, _RTM_DELLINK} and (interface := _interface(body)) is not None:
            yield Message("link" if kind == _RTM_NEWLINK else "gone", interface, sequence, part, broken)
        at += (length + 3) & ~3


def _interface(body: bytes) -> LocalInterface | None:
    if len(body) < _LINK.size:
        return None
    family, _, index, flags, _ = _LINK.unpack_from(body)
    if family != socket.AF_UNSPEC:
        return None
    name, alias, state = "", "", _OPER_UNKNOWN
    counters: Counters = {}
    for kind, value in _attributes(body, _LINK.size):
        match kind:
            case _ if kind == _IFLA_IFNAME:
                name = _text(value)
            case _ if kind == _IFLA_IFALIAS:
                alias = _text(value)
            case _ if kind == _IFLA_OPERSTATE and value:
                state = value[0]
            case _ if kind == _IFLA_STATS64 and len(value) >= _STATS64.size:
                counters = link_counters(_STATS64.unpack_from(value))
    if not name:
        return None
    return LocalInterface(index, name, operational(state, flags), bool(flags & _IFF_UP), alias, counters)


def _attributes(body: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, at)
        if length < _ATTRIBUTE.size or at + length > len(body):
            return
        yield kind & _NLA_TYPE, body[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")


class KernelLinks(Protocol):
    """What the rest of the agent knows of rtnetlink: ask for all links, and hear of each that changes."""

    def fileno(self) -> int:
        """Return the descriptor, to wait on."""
        ...

    def ask(self, sequence: int) -> None:
        """Ask for all links; the answers come between the news. Raises OSError."""
        ...

    def receive(self) -> list[Message]:
        """Return what came. Raises BlockingIOError when nothing did, OSError with ENOBUFS when some is lost."""
        ...

    def close(self) -> None:
        """Close."""
        ...


class LinkSocket:
    """KernelLinks of this box. Raises OSError where rtnetlink is denied."""

    def __init__(self) -> None:
        """Open and subscribe, without blocking from now on."""
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        try:
            self._socket.settimeout(0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            self._socket.bind((0, _RTMGRP_LINK))
            self.port: int = self._socket.getsockname()[0]
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """Return the descriptor, to wait on."""
        return self._socket.fileno()

    def ask(self, sequence: int) -> None:
        """Ask for all links; the answers come between the news. Raises OSError."""
        self._socket.sendto(question(sequence), (0, 0))

    def receive(self) -> list[Message]:
        """Return what came. Raises BlockingIOError when nothing did, OSError with ENOBUFS when some is lost."""
        data, sender = self._socket.recvfrom(_LARGEST)
        return list(messages(data, self.port)) if sender[0] == 0 else []

    def close(self) -> None:
        """Close."""
        self._socket.close()
