"""The first engine: gufo-snmp, in Rust. The only importer of gufo.snmp.

What gufo-snmp 0.13 does, seen: strings and Opaque come as ``bytes``, object identifiers and addresses as ``str``, all
numbers as ``int``. A response with an error-status (tooBig, noSuchName, ...) comes as an empty answer. ICMP port unreachable
is swallowed. It has no context name. Its reports do not tell which they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from gufo.snmp import (
    Aes128Key,
    Aes192Key,
    Aes256Key,
    DesKey,
    Md5Key,
    Sha1Key,
    Sha224Key,
    Sha256Key,
    Sha384Key,
    Sha512Key,
    SnmpAuthError,
    SnmpVersion,
    User,
)
from gufo.snmp import SnmpError as GufoError
from gufo.snmp._fast import GetIter
from gufo.snmp.aio import SnmpSession as GufoSocket
from gufo.snmp.user import KeyExpansion

from tslcd_agent.snmp.asking import Answer, Link, LinkSession, ReportedError, UndecodableError
from tslcd_agent.snmp.datagram import Ear

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gufo.snmp import BaseAuthKey, BasePrivKey

    from tslcd_agent.config import PolledDevice, Snmp
    from tslcd_agent.snmp.session import Traffic, Value

T = TypeVar("T")

#: An answer, or why there is none.
_Heard: TypeAlias = tuple[Any, BaseException | None]

_AUTH_KEYS: Final[dict[str, type[BaseAuthKey]]] = {
    "MD5": Md5Key,
    "SHA": Sha1Key,
    "SHA-224": Sha224Key,
    "SHA-256": Sha256Key,
    "SHA-384": Sha384Key,
    "SHA-512": Sha512Key,
}
_PRIV_KEYS: Final[dict[str, type[BasePrivKey]]] = {
    "DES": DesKey,
    "AES": Aes128Key,
    "AES-192": Aes192Key,
    "AES-256": Aes256Key,
}
#: The extension of Reeder's draft is the one that Cisco uses, and gufo calls it so.
_EXPANSIONS: Final = {"blumenthal": KeyExpansion.Blumenthal, "reeder": KeyExpansion.Cisco}
_VERSIONS: Final = {"1": SnmpVersion.v1, "2c": SnmpVersion.v2c, "3": SnmpVersion.v3}


class GufoSession(LinkSession):
    """One device over gufo-snmp."""

    def __init__(self, device: PolledDevice, *, clock: Callable[[], float] = time.monotonic) -> None:
        """See LinkSession."""
        super().__init__(device, GufoLink, clock=clock)


class GufoLink(Link):
    """One gufo socket. Making it raises OSError when the system refuses the address."""

    def __init__(self, device: PolledDevice, traffic: Traffic) -> None:
        """Open the socket; nothing is sent."""
        self._client: GufoClient | None = GufoClient(device, traffic)
        self._bulk = device.snmp.version != "1"
        self._secure = device.snmp.version == "3"

    @property
    def _socket(self) -> GufoClient:
        if self._client is None:
            msg = "the link is closed"
            raise RuntimeError(msg)
        return self._client

    async def open(self) -> None:
        """Discover the engine and ask for its time."""
        await self.refresh()

    async def refresh(self) -> None:
        """Ask for the engine's time; the first time, after its name."""
        if self._secure:
            with _translated():
                await self._socket.refresh()

    async def get(self, oids: Sequence[str]) -> Answer:
        """Ask one GET."""
        names, socket = list(oids), self._socket
        cells = await socket.exchange(lambda: socket.link.send_get_many(names), socket.link.recv_get_many)
        return Answer(cells)

    def cursor(self, column: str, repetitions: int) -> GetIter:
        """Return gufo's own."""
        return GetIter(column, repetitions)

    async def page(self, cursor: Any) -> Sequence[tuple[str, Value]]:
        """Return the next rows; gufo ends a table with None, or by ending an iteration."""
        socket = self._socket
        link = socket.link
        if not self._bulk:
            row = await socket.exchange(lambda: link.send_get_next(cursor), lambda: _last(link.recv_get_next, cursor))
            return () if row is None else (row,)
        rows = await socket.exchange(lambda: link.send_get_bulk(cursor), lambda: _rows(link.recv_get_bulk, cursor))
        return [row for row in rows if row is not None]

    def close(self) -> None:
        """Let go of the socket, which closes it."""
        if self._client is not None:
            self._client.close()
        self._client = None


def _last(receive: Callable[[GetIter], tuple[str, Value]], cursor: GetIter) -> tuple[str, Value] | None:
    """Return the next row, or None after the last: StopAsyncIteration must not pass through a coroutine."""
    try:
        return receive(cursor)
    except StopAsyncIteration:
        return None


def _rows(
    receive: Callable[[GetIter], list[tuple[str, Value] | None]], cursor: GetIter
) -> list[tuple[str, Value] | None]:
    """Return the next rows, none after the last, which gufo tells in two ways."""
    try:
        return receive(cursor)
    except StopAsyncIteration:
        return []


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Let nothing of gufo's out but what :class:`Link` allows."""
    try:
        yield
    except SnmpAuthError:
        raise ReportedError("unsaid") from None
    except (GufoError, ValueError) as error:
        raise UndecodableError(str(error)) from None
    except BaseException as error:
        # a panic in Rust comes as a BaseException that no module gives a name to; it must not end the agent
        if type(error).__name__ != "PanicException":
            raise
        msg = "gufo-snmp failed"
        raise UndecodableError(msg) from None


class GufoClient(GufoSocket):
    """gufo's client with one deadline an answer, however many foreign datagrams come before it.

    gufo-snmp 0.13 waits anew after each, with a wait_for that on Python 3.11 loses a cancellation when a datagram comes
    at the same moment: a device that storms held its poller for as long as it liked. It also has the loop watch the socket
    anew for every answer. Here the socket is watched until something comes that nobody waits for.
    """

    def __init__(self, device: PolledDevice, traffic: Traffic) -> None:
        """Make gufo's socket for what the settings say."""
        snmp = device.snmp
        super().__init__(
            device.address,
            port=device.port,
            community=snmp.community.reveal() if snmp.community else "",
            user=_user(snmp) if snmp.version == "3" else None,
            version=_VERSIONS[snmp.version],
            timeout=device.timeout,
        )
        self.link: Any = self._sock
        self._traffic = traffic
        self._ear = Ear(self._fd, socket.AF_INET6 if ":" in device.address else socket.AF_INET)
        self._watching: asyncio.AbstractEventLoop | None = None
        #: Where the answer goes that is waited for, and what reads it.
        self._waiting: tuple[asyncio.Future[_Heard], Callable[[], Any]] | None = None
        #: Until when an answer is waited for (the loop's time); one timer looks after it, not one for each answer.
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def exchange(self, send: Callable[[], None], receive: Callable[[], T]) -> T:
        """Send one PDU and return its answer. Raises as :class:`Link` says."""
        with _translated():
            await self._send(send)
            return await self._recv(receive)

    def close(self) -> None:
        """Watch the socket no longer; gufo closes it when nobody has it any more."""
        self._look_away()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._ear.close()

    async def _send(self, sender: Callable[[], None]) -> None:
        """Send one PDU, and count it."""
        self._traffic.requests += 1
        try:
            sender()
        except BlockingIOError:  # the buffer is full
            await super()._send(sender)

    async def _recv(self, receiver: Callable[[], T]) -> T:
        """Return the answer that ``receiver`` reads. Raises TimeoutError."""
        loop = asyncio.get_running_loop()
        heard: asyncio.Future[_Heard] = loop.create_future()
        self._waiting = heard, receiver
        self._due = loop.time() + self._timeout
        if self._watching is None:
            loop.add_reader(self._fd, self._readable)
            self._watching = loop
        if self._timer is None:
            self._timer = loop.call_at(self._due, self._look_at_clock, loop)
        try:
            answer, error = await heard
        finally:
            self._waiting = None
        if error is not None:
            self._traffic.timeouts += isinstance(error, TimeoutError)
            try:
                raise error
            finally:
                del heard, error  # what is raised would hold them, they it, and all of them the socket
        self._traffic.answers += 1
        result: T = answer
        return result

    def _readable(self) -> None:
        """Read one datagram; what is no answer to the question leaves it waiting."""
        if self._waiting is None or self._waiting[0].done():
            self._look_away()
            return
        heard, receiver = self._waiting
        try:
            heard.set_result((self._ear.read(receiver), None))
        except BlockingIOError:
            return
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - handed to the one who waits; a panic of Rust is no Exception
            heard.set_result((None, error))

    def _look_at_clock(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give up what was waited for long enough; rest when nobody waits."""
        self._timer = None
        if self._waiting is None or self._waiting[0].done():
            return
        if loop.time() < self._due:
            self._timer = loop.call_at(self._due, self._look_at_clock, loop)
        else:
            self._waiting[0].set_result((None, TimeoutError()))

    def _look_away(self) -> None:
        if self._watching is not None:
            self._watching.remove_reader(self._fd)
            self._watching = None


def _user(snmp: Snmp) -> User:
    auth = _AUTH_KEYS[snmp.auth.protocol](snmp.auth.password.reveal().encode()) if snmp.auth else None
    priv = _PRIV_KEYS[snmp.priv.protocol](snmp.priv.password.reveal().encode()) if snmp.priv else None
    expansion = _EXPANSIONS[snmp.priv.extension] if snmp.priv else KeyExpansion.Blumenthal
    return User(snmp.user or "", auth_key=auth, priv_key=priv, key_expansion=expansion)
