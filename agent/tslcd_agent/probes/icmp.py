"""ICMP echoes over IPv4 and IPv6: the only importer of gufo.ping.

gufo-ping 0.7 has the packets, the clock and the sockets in Rust (datagram sockets where net.ipv4.ping_group_range lets us,
raw ones with CAP_NET_RAW). Its own Python class is not used: it takes an error of sending for a loss, never closes a socket,
and fails in the event loop when a waiter is cancelled. What is here instead is a dispatcher of one page.

Invariants:

* :class:`Pinger` is the only way to send an echo, and it sends only to what its resolver permits, whichever name led there.
* No route and no permission are outcomes of their own, told apart from silence; a round that was denied sent nothing.
* ICMP errors are heard where the system queues them for us (ip(7) IP_RECVERR): a gateway that says "host unreachable" makes
  ``unreachable``, silence makes ``no_answer``.
* An answer counts once and in time: a duplicate, and one that comes after its wait, finds nobody waiting.
* Sizes are 64 to 4,000 bytes: outside of them gufo-ping panics (seen).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import sys
from typing import TYPE_CHECKING, Final, cast

from gufo.ping._fast import SocketWrapper
from gufo.ping.socket import POLICY_SHIFT, IPv4, IPv6, SelectionPolicy

from tslcd_agent.probes.contract import Echoes, Findings, ProbeError, ProbeResult
from tslcd_agent.probes.names import Resolver
from tslcd_agent.probes.network import IP_RECVERR, IPV6_RECVERR, outcome_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gufo.ping.proto import SocketProto


_NANOSECONDS: Final = 1e9
MIN_SIZE: Final = 64
MAX_SIZE: Final = 4000
#: What gufo-ping itself gives up after, in seconds: far above every wait of ours, which are the ones that count.
_FORGET_AFTER: Final = 60.0


class _Sender:
    """One socket of one address family, source and mark, and who waits for what on it."""

    def __init__(self, address: str, source: str | None, dscp: int) -> None:
        """Open the socket. Raises OSError (PermissionError when the system lets us have neither kind)."""
        family = IPv6 if ":" in address else IPv4
        policy = POLICY_SHIFT[family] + SelectionPolicy.DGRAM_RAW.value
        coarse = False
        self._socket = cast("SocketProto", SocketWrapper(policy, int(_FORGET_AFTER * _NANOSECONDS), coarse))
        # two bits of the octet are not DSCP's (RFC 3168)
        (self._socket.set_tclass if family == IPv6 else self._socket.set_tos)(dscp << 2)
        if source is not None:
            self._socket.bind(source)
        self._waiting: dict[int, tuple[str, asyncio.Future[float | None]]] = {}
        self._own = socket.socket(fileno=os.dup(self._socket.get_fd()))
        self._own.settimeout(0)
        level, option = (socket.IPPROTO_IPV6, IPV6_RECVERR) if family == IPv6 else (socket.IPPROTO_IP, IP_RECVERR)
        self._own.setsockopt(level, option, 1)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._own.fileno(), self._readable)

    async def echo(self, address: str, size: int, wait: float) -> float | None:
        """Send one echo; return its round-trip time in seconds, None when it is lost. Raises OSError when told so."""
        session = self._send(address, size)
        answer: asyncio.Future[float | None] = self._loop.create_future()
        self._waiting[session] = (address, answer)
        try:
            async with asyncio.timeout(wait):
                return await answer
        except TimeoutError:
            return None
        finally:
            self._waiting.pop(session, None)

    def _send(self, address: str, size: int) -> int:
        text = self._socket.clean_ip(address) if ":" in address else address
        self._errors()
        try:
            return self._socket.send(text, size)
        except OSError:
            # the error may have been another echo's, reported at the first chance: once more, and it is ours
            self._errors()
            return self._socket.send(text, size)

    def _readable(self) -> None:
        self._errors()
        with contextlib.suppress(OSError):
            for session, nanoseconds in (self._socket.recv() or {}).items():
                _, answer = self._waiting.get(session, ("", None))
                if answer is not None and not answer.done():
                    answer.set_result(nanoseconds / _NANOSECONDS if nanoseconds else None)

    def _errors(self) -> None:
        """Take what the network said from the socket's error queue, and pass it to who waits for that address."""
        while True:
            try:
                _, ancillary, _, peer = self._own.recvmsg(256, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
            except OSError:
                break
            number = next((int.from_bytes(data[:4], sys.byteorder) for _, _, data in ancillary if len(data) >= 4), 0)  # noqa: PLR2004 - sock_extended_err.ee_errno
            if outcome_of(number) == "unreachable":
                for address, answer in self._waiting.values():
                    if address == peer[0] and not answer.done():
                        answer.set_exception(OSError(number, os.strerror(number)))
        self._own.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def close(self) -> None:
        """Close the socket; whoever still waits hears of a loss."""
        self._loop.remove_reader(self._own.fileno())
        self._own.close()
        for _, answer in self._waiting.values():
            if not answer.done():
                answer.set_result(None)


class Pinger:
    """All echoes of the agent go through here; sockets are opened when first needed and kept."""

    def __init__(self, forbidden: Iterable[str] = (), *, resolver: Resolver | None = None) -> None:
        """``forbidden``: addresses that are never sent to; ``resolver`` has its own where it is given."""
        self._senders: dict[tuple[bool, str | None, int], _Sender] = {}
        self._resolver = resolver or Resolver(forbidden)

    async def probe(self, echoes: Echoes) -> ProbeResult:
        """Run one round, and say what became of it."""
        findings = Findings()
        try:
            await self.round(echoes, findings)
        except ProbeError as error:
            return ProbeResult(error.outcome, findings.rtts, findings.address, reason=error.reason)
        return ProbeResult("ok", findings.rtts, findings.address)

    async def round(self, echoes: Echoes, findings: Findings) -> None:
        """Run one round. Raises ProbeError when no echo was answered."""
        address = await self._resolver.find(echoes.target, echoes.source, findings)
        try:
            sender = self._sender(address, echoes)
        except OSError as error:
            raise _failure(error) from None
        size = min(max(echoes.size, MIN_SIZE), MAX_SIZE)

        async def one(index: int) -> float | OSError | None:
            await asyncio.sleep(index * echoes.spacing)
            try:
                return await sender.echo(address, size, echoes.wait)
            except OSError as error:
                return error

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(index), name=f"echo {echoes.target}") for index in range(echoes.count)]
        answers = [task.result() for task in tasks]
        findings.rtts = tuple(None if isinstance(answer, OSError) else answer for answer in answers)
        if any(rtt is not None for rtt in findings.rtts):
            return
        told = next((answer for answer in answers if isinstance(answer, OSError)), None)
        if told is None:
            raise ProbeError("no_answer", "no echo was answered")
        why = _failure(told)
        if why.outcome == "denied":
            findings.rtts = ()
        raise why

    async def reachable(self, address: str, wait: float) -> bool:
        """Whether ``address`` answers one of two echoes within ``wait`` seconds each; True as well when we may not ask."""
        result = await self.probe(Echoes(address, count=2, spacing=0.1, wait=wait))
        return result.outcome in {"ok", "denied"}

    def _sender(self, address: str, echoes: Echoes) -> _Sender:
        key = (":" in address, echoes.source, echoes.dscp)
        sender = self._senders.get(key)
        if sender is None:
            sender = self._senders[key] = _Sender(address, echoes.source, echoes.dscp)
        return sender

    def close(self) -> None:
        """Close all sockets; the pinger may be used again and then opens new ones."""
        for sender in self._senders.values():
            sender.close()
        self._senders.clear()


def _failure(error: OSError) -> ProbeError:
    # gufo-ping's errors have their number in the text only
    said = re.search(r"\(os error ([0-9]+)\)", str(error))
    number = int(said[1]) if said else error.errno
    outcome = "denied" if isinstance(error, PermissionError) else outcome_of(number)
    return ProbeError(outcome, os.strerror(number).lower() if number else str(error))
