"""The first engine: gufo-snmp, in Rust. The only importer of gufo.snmp.

What gufo-snmp 0.13 does, seen: strings come as ``bytes``, object identifiers and addresses as ``str``, all numbers as
``int``. A response with an error-status (tooBig, genErr, ...) comes as an empty answer, which :meth:`GufoSession.get` cannot
tell from absent objects. ICMP port unreachable is swallowed, so silence is followed by one datagram on a socket of our own
(:func:`~tslcd_agent.snmp.knock.port_closed`).
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, TypeVar

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
    User,
)
from gufo.snmp import SnmpError as GufoError
from gufo.snmp.aio import SnmpSession as GufoSocket

from tslcd_agent.errors import BrokenError, RefusedError, SilentError
from tslcd_agent.snmp.knock import port_closed
from tslcd_agent.snmp.session import REPETITIONS, Traffic

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from gufo.snmp import BaseAuthKey, BasePrivKey

    from tslcd_agent.config import PolledDevice, Snmp
    from tslcd_agent.snmp.session import Value

T = TypeVar("T")

#: The time window of RFC 3414 section 2.2.3 is 150 s; after so much silence the engine's time is asked for again.
REFRESH_AFTER: Final = 100.0

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


class GufoClient(GufoSocket):
    """gufo's client with one deadline an answer, however many foreign datagrams come before it.

    gufo-snmp 0.13 waits anew after each, with a wait_for that on Python 3.11 loses a cancellation when a datagram comes
    at the same moment: a device that storms held its poller for as long as it liked.
    """

    traffic = Traffic()

    async def _send(self, sender: Callable[[], None]) -> None:
        """Send one PDU, and count it."""
        self.traffic.requests += 1
        await super()._send(sender)

    async def _recv(self, receiver: Callable[[], T]) -> T:
        """Return the answer that ``receiver`` reads. Raises TimeoutError."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout
        while True:
            readable: asyncio.Future[None] = loop.create_future()
            loop.add_reader(self._fd, _wake, readable)
            try:
                async with asyncio.timeout_at(deadline):
                    await readable
                answer = receiver()
                self.traffic.answers += 1
            except BlockingIOError:
                continue
            except TimeoutError:
                self.traffic.timeouts += 1
                raise
            else:
                return answer
            finally:
                loop.remove_reader(self._fd)


def _wake(readable: asyncio.Future[None]) -> None:
    if not readable.done():
        readable.set_result(None)


class GufoSession:
    """One device over gufo-snmp: timeout, retries, and for version 3 discovery and resynchronisation of the engine.

    Inert until it is asked; a session that failed starts anew at the next question.
    """

    def __init__(self, device: PolledDevice, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Remember; ``clock`` (seconds) decides when the engine's time is asked for again."""
        self.traffic = Traffic()
        self._device = device
        self._clock = clock
        self._client: GufoClient | None = None
        self._proven = False  # whether this client ever got an answer
        self._last = 0.0

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Ask for ``oids`` in one GET. Raises SnmpError."""
        return await self._ask(lambda client: client.get_many(oids))

    async def walk(self, column: str, limit: int, *, repetitions: int = REPETITIONS) -> dict[str, Value]:
        """Walk one column with GETBULK. Raises SnmpError."""
        prefix = len(column) + 1

        async def collect(client: GufoClient) -> dict[str, Value]:
            cells: dict[str, Value] = {}
            async for oid, value in client.getbulk(column, repetitions):
                index = oid[prefix:]
                # a device whose next object is not a new one would be walked for ever
                if index in cells or len(cells) >= limit:
                    break
                cells[index] = value
            return cells

        return await self._ask(collect)

    async def close(self) -> None:
        """Close the socket."""
        self._drop()

    async def _ask(self, question: Callable[[GufoClient], Awaitable[dict[str, Value]]]) -> dict[str, Value]:
        """Ask, again as often as configured, and translate what goes wrong."""
        broken: Exception | None = None
        discovered = False
        for attempt in range(self._device.retries + 1):
            self.traffic.retries += attempt > 0
            discovered = False
            try:
                answer = await question(await self._connected())
            except SnmpAuthError:
                fresh = not self._proven
                self._drop()
                if fresh:
                    msg = f"SNMPv3 refuses user {self._device.snmp.user}: name, password, protocol or security level"
                    raise RefusedError("user", msg) from None
                # the engine restarted, or its clock moved: begin anew
            except TimeoutError:
                if self._device.snmp.version == "3":
                    discovered = not self._proven and self._engine_known()
                    self._drop()
            except (GufoError, ValueError) as error:
                broken = error
            except OSError as error:
                self._drop()
                msg = f"cannot send to {self._device.address}: {(error.strerror or str(error)).lower()}"
                raise SilentError(msg) from None
            else:
                self._proven = True
                self._last = self._clock()
                return answer
        raise await self._failure(broken, discovered=discovered)

    async def _failure(self, broken: Exception | None, *, discovered: bool) -> BrokenError | RefusedError | SilentError:
        """Say what it was, after the last attempt. ``discovered``: the engine told its name and then nothing more."""
        device = self._device
        self._drop()
        if broken is not None:
            return BrokenError(f"answers of {device.address} port {device.port} cannot be decoded: {broken}")
        if discovered and device.snmp.priv is not None:
            return RefusedError(
                "privacy",
                f"SNMPv3 leaves the encrypted questions of user {device.snmp.user} unanswered: privacy password or protocol",
            )
        if await port_closed(device.address, device.port, device.timeout):
            return RefusedError("port", f"port {device.port} of {device.address} is closed")
        return SilentError(f"no SNMP answer from {device.address} port {device.port}")

    async def _connected(self) -> GufoClient:
        """Return the client, after discovery or resynchronisation where version 3 wants it."""
        client = self._client
        if client is None:
            client = self._client = _client(self._device)
            client.traffic = self.traffic
            self._proven = False
            if self._device.snmp.version == "3":
                await client.refresh()
        elif self._device.snmp.version == "3" and self._clock() - self._last > REFRESH_AFTER:
            await client.refresh()
        return client

    def _engine_known(self) -> bool:
        return self._client is not None and bool(self._client.get_engine_id())

    def _drop(self) -> None:
        self._client = None
        self._proven = False


def _client(device: PolledDevice) -> GufoClient:
    """Make a gufo client. Raises OSError when the system refuses the address."""
    snmp = device.snmp
    if snmp.version == "3":
        return GufoClient(device.address, port=device.port, user=_user(snmp), timeout=device.timeout)
    community = snmp.community.reveal() if snmp.community else ""
    return GufoClient(device.address, port=device.port, community=community, timeout=device.timeout)


def _user(snmp: Snmp) -> User:
    auth = _AUTH_KEYS[snmp.auth.protocol](snmp.auth.password.reveal().encode()) if snmp.auth else None
    priv = _PRIV_KEYS[snmp.priv.protocol](snmp.priv.password.reveal().encode()) if snmp.priv else None
    return User(snmp.user or "", auth_key=auth, priv_key=priv)
