"""The routers on the way to a target: echoes whose hop limit ends them on the way, as traceroute(8) does.

Datagram sockets of ICMP are enough (ip(7) IP_RECVERR hands over what routers say), so the agent needs no right that echoes do
not need; where the system has raw sockets for us only, they serve.

Invariants:

* Every packet is addressed to the target, which was permitted; a router on the way is heard, never addressed.
* Hops are asked at the same time, a few at once: no burst for the target, and a silent router costs no more than the others.
* The checksum of all packets of a round is the same, so that routers which share load by flow send them all one way (the idea
  of Paris traceroute, Augustin et al., IMC 2006).
* A target that is not reached has no hop count, and tells nothing about a change.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING, Final

from tslcd_agent.probes.contract import Hop, ProbeError
from tslcd_agent.probes.network import IP_RECVERR, IPV6_RECVERR, failure, open_socket
from tslcd_agent.probes.route import identity
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from tslcd_agent.config import PathProbe
    from tslcd_agent.probes.contract import Findings
    from tslcd_agent.probes.means import Means

#: How many hops are asked at the same time while the length of the path is not known.
_WAVE: Final = 8
#: How much of the deadline waiting may take, the rest is for what comes before and after.
_SHARE: Final = 0.9
#: After the target has answered, routers have this much longer, or three times the target's time, in seconds.
_GRACE: Final = 0.2
_FILLING: Final = b"tslcd path probe, one hop a packet"
_HEADER: Final = struct.Struct("!BBHHH")
#: linux/errqueue.h: ee_errno, ee_origin, ee_type, ee_code, and where the address of who said it begins.
_ERROR: Final = struct.Struct("=IBBB")
_FAMILY: Final = 16
_OFFENDER: Final = {socket.AF_INET: (20, 24), socket.AF_INET6: (24, 40)}
#: By whether it is IPv6: ee_origin of what came by ICMP, and the types of RFC 792 and RFC 4443.
_FROM_NETWORK: Final = (2, 3)
_EXCEEDED: Final = (11, 3)
_UNREACHABLE: Final = (3, 1)
_ECHO: Final = (8, 128)
_ECHO_REPLY: Final = (0, 129)
_TRIES_MAX: Final = 8

_log = get_logger("path")


async def probe(settings: PathProbe, means: Means, findings: Findings) -> None:
    """Find the way once. Raises ProbeError when the target was not reached."""
    address = await means.resolver.find(settings.target, settings.source, findings)
    try:
        tracer = _Tracer(address, settings)
    except PermissionError:
        raise ProbeError("denied", "no right to ICMP") from None
    except OSError as error:
        raise failure(error) from None
    try:
        with findings.measure("answer"):
            await tracer.trace(means.routes.length(findings.name))
    finally:
        tracer.close()
    findings.tell(route=tracer.route())
    if tracer.length is None:
        answered = max((ttl for ttl in tracer.hops), default=0)
        raise ProbeError(
            "unreachable" if tracer.refused else "no_answer",
            f"not reached; the last router that answered is hop {answered}",
        )
    seen = tuple(hop.address for hop in tracer.route())
    before = means.routes.note(findings.name, seen)
    findings.tell(hops=len(seen), path_changes=means.routes.changes(findings.name))
    if before is not None:
        findings.outcome = "path_changed"
        _log.info("path changed", probe=findings.name, before=identity(before), now=identity(seen), hops=len(seen))


class _Tracer:
    """One round. ``hops`` by hop limit; ``length`` once the target answered; ``refused`` when a router said no."""

    def __init__(self, address: str, settings: PathProbe) -> None:
        """Open the socket. Raises OSError."""
        self.hops: dict[int, Hop] = {}
        self.length: int | None = None
        self.refused = False
        self._settings = settings
        self._target = address
        self._six = ":" in address
        self._identifier = int.from_bytes(os.urandom(2))
        self._sent: dict[int, float] = {}
        self._news = asyncio.Event()
        protocol = socket.IPPROTO_ICMPV6 if self._six else socket.IPPROTO_ICMP
        try:
            self._socket = self._open(socket.SOCK_DGRAM, protocol)
        except PermissionError:
            self._socket = self._open(socket.SOCK_RAW, protocol)
        self._raw = self._socket.type == socket.SOCK_RAW
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._readable)

    def _open(self, kind: socket.SocketKind, protocol: int) -> socket.socket:
        made = open_socket(
            kind, self._target, source=self._settings.source, dscp=self._settings.dscp, protocol=protocol
        )
        try:
            level, option = (socket.IPPROTO_IPV6, IPV6_RECVERR) if self._six else (socket.IPPROTO_IP, IP_RECVERR)
            made.setsockopt(level, option, 1)
            made.connect((self._target, 0))
        except BaseException:
            made.close()
            raise
        return made

    async def trace(self, known: int) -> None:
        """Ask hop after hop, as many at a time as the way was long before (``known``). Raises ProbeError."""
        settings = self._settings
        wave = min(known + 1 if known else _WAVE, settings.max_hops)
        waits = -(-settings.max_hops // wave) * settings.tries
        for first in range(1, settings.max_hops + 1, wave):
            last = min(first + wave - 1, settings.max_hops)
            for attempt in range(settings.tries):
                for limit in range(first, last + 1):
                    if limit not in self.hops and limit < (self.length or limit + 1):
                        self._send(limit, attempt)
                await self._settled(first, last, settings.timeout * _SHARE / waits)
            if self.length is not None or self.refused:
                return

    async def _settled(self, first: int, last: int, wait: float) -> None:
        """Wait until every hop has answered up to ``last`` or the target, ``wait`` seconds at most."""
        deadline = time.monotonic() + wait
        hurried = False
        with contextlib.suppress(TimeoutError):
            while not all(limit in self.hops for limit in range(first, min(last, self.length or last) + 1)):
                if self.refused:
                    return
                if self.length is not None and not hurried:
                    hurried = True
                    grace = max(_GRACE, 3 * (self.hops[self.length].rtt or 0.0))
                    deadline = min(deadline, time.monotonic() + grace)
                self._news.clear()
                async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                    await self._news.wait()

    def route(self) -> tuple[Hop, ...]:
        """Return the hops in their order, as far as somebody answered."""
        return tuple(self.hops.get(limit, Hop()) for limit in range(1, (self.length or max(self.hops, default=0)) + 1))

    def _send(self, limit: int, attempt: int) -> None:
        if self._six:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, limit)
        else:
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, limit)
        sequence = limit * _TRIES_MAX + attempt
        packet = self._packet(sequence)
        self._sent[sequence] = time.perf_counter()
        try:
            self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # what was said about another packet
            self._socket.send(packet)
        except OSError as error:
            said = failure(error)
            if said.outcome in {"denied", "unreachable"}:
                self._errors()
                if not self.hops:
                    raise said from None

    def _packet(self, sequence: int) -> bytes:
        kind = _ECHO[self._six]
        # sequence and its complement: their sum, and with it the checksum, is that of every other packet
        body = struct.pack("!H", 0xFFFF - sequence) + _FILLING
        head = _HEADER.pack(kind, 0, 0, self._identifier, sequence)
        total = sum(struct.unpack(f"!{len(head + body) // 2}H", head + body))
        total = (total & 0xFFFF) + (total >> 16)
        checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
        return _HEADER.pack(kind, 0, checksum, self._identifier, sequence) + body

    def _readable(self) -> None:
        now = time.perf_counter()
        self._errors()
        while True:
            try:
                data = self._socket.recv(2048)
            except OSError:
                break
            if self._raw and not self._six:
                data = data[(data[0] & 15) * 4 :]
            if len(data) >= _HEADER.size and data[0] == _ECHO_REPLY[self._six]:
                self._answered(data, self._target, now, reached=True)
        self._news.set()

    def _errors(self) -> None:
        """Take what routers said from the socket's error queue."""
        now = time.perf_counter()
        while True:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(512, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
            except OSError:
                break
            for level, _, said in ancillary:
                if level not in {socket.IPPROTO_IP, socket.IPPROTO_IPV6} or len(said) < _FAMILY + _ERROR.size:
                    continue
                _, origin, kind, _ = _ERROR.unpack_from(said)
                if origin == _FROM_NETWORK[self._six] and kind == _EXCEEDED[self._six]:
                    self._answered(data, _offender(said), now, reached=False)
                elif origin == _FROM_NETWORK[self._six] and kind == _UNREACHABLE[self._six]:
                    self.refused = True
        self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self._news.set()

    def _answered(self, data: bytes, address: str, now: float, *, reached: bool) -> None:
        """Note who ended a packet, once a hop; a second answer and one to another program's packet are passed over."""
        if len(data) < _HEADER.size:
            return
        _, _, _, identifier, sequence = _HEADER.unpack_from(data)
        limit, sent = sequence // _TRIES_MAX, self._sent.get(sequence)
        if sent is None or (self._raw and identifier != self._identifier):
            return
        self.hops.setdefault(limit, Hop(address, now - sent))
        if reached and limit < (self.length or limit + 1):
            self.length = limit
            self.hops = {one: hop for one, hop in self.hops.items() if one <= limit}

    def close(self) -> None:
        """Close the socket."""
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()


def _offender(said: bytes) -> str:
    """Return the address of who sent an ICMP error, from a sock_extended_err."""
    family = int.from_bytes(said[_FAMILY : _FAMILY + 2], sys.byteorder)
    begin, end = _OFFENDER.get(socket.AddressFamily(family), (0, 0))
    return socket.inet_ntop(family, said[begin:end]) if end else ""
