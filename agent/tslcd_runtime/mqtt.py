"""The door to MQTT, for both programs: the only importer of aiomqtt and paho.

Invariants:

* A received message with QoS 1 is acknowledged to the broker only when :meth:`Connection.acknowledge` is called. aiomqtt
  2.5 acknowledges as soon as a message is in its own memory and drops when a bounded queue is full; here acknowledging is
  manual and the queue is not bounded, so the broker's receive maximum bounds what is in memory.
* Cancelling is safe anywhere, and an end of the program never waits for a broker that does not answer.
* Every failure is a :class:`BrokerError` with a closed set of codes. Nothing of aiomqtt's or paho's gets out.
* Messages name the endpoint, never a password or a key.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self, TypeVar

import msgspec

from tslcd_runtime import sockets
from tslcd_runtime.absence import absent
from tslcd_runtime.mqtt_session import ClosedEarlyError, MqttConnectError, Session, upgrade
from tslcd_runtime.secret import Secret

# paho takes dnspython along where it is installed: 3.6 MB for SRV records, which nobody asks for here
with absent("dns"):
    import aiomqtt
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from types import TracebackType

#: How many QoS 1 messages the broker may have under way to us (MQTT 5 receive maximum).
RECEIVE_MAXIMUM: Final = 1000
#: The largest packet the broker may send us (MQTT 5 maximum packet size): what is above is never in our memory, because the
#: broker drops it. Under MQTT 3.1.1 the broker's own limit has to do (Mosquitto: message_size_limit).
MAX_PACKET_BYTES: Final = 2 * 2**20
_REFUSED: Final = frozenset({4, 5, 134, 135, 138})  # CONNACK: bad credentials, not authorised, banned
_CLOSING_TIMEOUT: Final = 2.0
#: The longest wait for one answer of a broker that goes on speaking, in timeouts.
LONGEST: Final = 3

T = TypeVar("T")

Code = Literal["unreachable", "refused", "tls", "timeout", "lost"]
#: Every code of a BrokerError, for counters that exist at zero from the start.
CODES: Final[tuple[Code, ...]] = ("unreachable", "refused", "tls", "timeout", "lost")


class BrokerError(Exception):
    """The broker cannot be used.

    ``code``: unreachable, refused (who we are), tls, timeout (no answer, also when connected), lost (the connection ended).
    """

    def __init__(self, code: Code, message: str) -> None:
        """Keep the code beside the message."""
        super().__init__(message)
        self.code: Code = code


class Tls(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """TLS with client certificates: PEM files. ``ca`` is who may sign the broker's certificate."""

    ca: str
    certificate: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        """Refuse half a client certificate."""
        if (self.certificate is None) != (self.key is None):
            msg = "certificate and key belong together: give both or none"
            raise ValueError(msg)


class Endpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One broker. ``protocol`` is the MQTT version; ``username`` and ``password`` are for brokers without certificates.

    ``transport`` websocket asks for ``path`` by HTTP first (MQTT 5 section 6), with ``tls`` as wss: a way through firewalls that
    let nothing but port 443 out. ``source`` is an address of this machine to connect from, ``interface`` the name of one of its
    interfaces to connect through (socket(7), SO_BINDTODEVICE).
    """

    host: Annotated[str, msgspec.Meta(min_length=1, max_length=253)] = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 1883
    protocol: Literal["5", "3.1.1"] = "5"
    keepalive: Annotated[int, msgspec.Meta(ge=5, le=3600)] = 15
    tls: Tls | None = None
    username: str | None = None
    password: Secret | None = None
    transport: Literal["tcp", "websocket"] = "tcp"
    path: Annotated[str, msgspec.Meta(pattern="^/[!-~]*$", max_length=255)] = "/mqtt"
    source: str | None = None
    interface: Annotated[str, msgspec.Meta(min_length=1, max_length=15)] | None = None

    def __post_init__(self) -> None:
        """Refuse a source that is no address."""
        if self.source is not None:
            try:
                ipaddress.ip_address(self.source)
            except ValueError:
                msg = f"source: expected an IP address of this machine, got {self.source!r}"
                raise ValueError(msg) from None

    def __str__(self) -> str:
        """Say where, and nothing of who."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained and with QoS 1, when the connection ends without a goodbye."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """A received message. ``retained``: the broker had it before we subscribed."""

    topic: str
    payload: bytes
    retained: bool
    qos: int
    mid: int


class Connection:
    """One connection to one broker; an async context manager, used once.

    ``client_id`` is the identity the broker knows us by; the session is clean, since no report depends on the broker's
    memory. ``timeout`` (seconds; it may be changed) bounds connecting, and the broker's silence while an answer is due: over a thin line the answers to
    what was sent before come first. No answer is waited for longer than :data:`LONGEST` times that. ``address``: where the endpoint's host was
    found, for who must know before connecting. ``permits``: which addresses of its name may be connected to, all when None.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        client_id: str,
        *,
        will: Will | None = None,
        timeout: float = 10.0,
        address: str | None = None,
        permits: Callable[[str], bool] | None = None,
    ) -> None:
        """Remember; connecting is :meth:`__aenter__`'s."""
        self.endpoint = endpoint
        self._client_id = client_id
        self._will = will
        self.timeout = timeout
        self._address = address
        self._permits = permits
        self._client: Session | None = None

    async def __aenter__(self) -> Self:
        """Connect. Raises BrokerError."""
        endpoint = self.endpoint
        client = ready = None
        try:
            async with asyncio.timeout(self.timeout):
                ready = await sockets.in_daemon_thread(self._open, _close_socket)
                client = self._make_session(ready)
                await client.connect()
        except BaseException as error:
            if client is not None:
                await client.close()
            elif ready is not None:
                ready.close()
            if isinstance(error, TimeoutError):
                raise BrokerError("timeout", f"broker {endpoint}: no answer") from None
            if isinstance(error, MqttConnectError | ClosedEarlyError):
                raise _refusal(error, endpoint) from None
            if isinstance(error, OSError):
                raise BrokerError("unreachable", f"broker {endpoint}: {_reason(error)}") from None
            raise
        self._client = client
        return self

    def _open(self) -> socket.socket:
        """Open the socket. Raises BrokerError, TimeoutError. Blocks."""
        endpoint = self.endpoint
        try:
            context = _tls_context(endpoint.tls) if endpoint.tls else None
            ready = sockets.connect(
                endpoint.host,
                endpoint.port,
                context,
                self.timeout,
                address=self._address,
                permits=self._permits,
                leaving_by=sockets.Exit(endpoint.source, endpoint.interface),
            )
            if endpoint.transport == "websocket":
                ready = upgrade(ready, endpoint.host, endpoint.port, endpoint.path)
        except TimeoutError:
            raise
        except ssl.SSLError as error:
            reason = getattr(error, "verify_message", "") or error.reason or str(error)
            raise BrokerError("tls", f"broker {endpoint}: TLS: {reason.lower().replace('_', ' ')}") from None
        except OSError as error:
            raise BrokerError("unreachable", f"broker {endpoint}: {_reason(error)}") from None
        else:
            return ready

    def _make_session(self, ready: socket.socket) -> Session:
        endpoint, will = self.endpoint, self._will
        v5 = endpoint.protocol == "5"
        properties = None
        if v5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.ReceiveMaximum = RECEIVE_MAXIMUM
            properties.MaximumPacketSize = MAX_PACKET_BYTES
        return Session(
            ready,
            endpoint.host,
            endpoint.port,
            identifier=self._client_id,
            username=endpoint.username,
            password=endpoint.password.reveal() if endpoint.password else None,
            protocol=aiomqtt.ProtocolVersion.V5 if v5 else aiomqtt.ProtocolVersion.V311,
            clean_session=None if v5 else True,
            clean_start=True if v5 else 3,
            properties=properties,
            keepalive=endpoint.keepalive,
            will=aiomqtt.Will(will.topic, will.payload, 1, retain=True) if will else None,
            max_inflight_messages=RECEIVE_MAXIMUM,
        )

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say goodbye to the broker when it still listens; the last will is then not published."""
        client, self._client = self._client, None
        if client is not None:
            try:
                await client.goodbye(_CLOSING_TIMEOUT)
            finally:
                await client.close()

    async def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Publish, and return when the broker has answered (QoS 1). Raises BrokerError.

        Code ``refused``: the broker's access rules do not allow it (told with MQTT 5 only; 3.1.1 has no words for it).
        """
        client = self._connected()
        code = await self._answer(client, client.send(topic, payload, qos=qos, retain=retain))
        if code.is_failure:
            raise BrokerError("refused", f"broker {self.endpoint}: publishing to {topic} refused: {str(code).lower()}")

    async def subscribe(self, filters: Sequence[str], *, qos: int = 1) -> None:
        """Subscribe to topic filters. Raises BrokerError, with code ``refused`` when the broker grants one of them not."""
        client = self._connected()
        granted = await self._answer(client, client.ask(filters, qos=qos))
        for wanted, code in zip(filters, granted, strict=False):
            if code.is_failure:
                raise BrokerError("refused", f"broker {self.endpoint}: subscription to {wanted} refused")

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Yield messages as they come, until the connection is lost. Raises BrokerError.

        Safe to cancel: a message is handed over or stays for the next iteration.
        """
        client = self._connected()
        while True:
            message = await client.inbox.get()
            if message is None:
                client.inbox.put_nowait(None)  # whoever else iterates, or comes again, hears it too
                raise BrokerError("timeout" if client.mute else "lost", f"broker {self.endpoint}: {client.loss}")
            yield Delivery(message.topic, bytes(message.payload), message.retain, message.qos, message.mid)

    def acknowledge(self, delivery: Delivery) -> None:
        """Acknowledge a received message to the broker: it will not come again on this connection."""
        if delivery.qos and self._client is not None:
            self._client.acknowledge(delivery.mid, delivery.qos)

    def _connected(self) -> Session:
        if self._client is None:
            raise BrokerError("lost", f"broker {self.endpoint}: not connected")
        return self._client

    async def _answer(self, client: Session, asked: asyncio.Future[T]) -> T:
        """Wait for the broker's answer. Raises BrokerError: no answer in time, or none any more."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        timer: asyncio.TimerHandle

        def look() -> None:
            nonlocal timer
            due = min(max(begun, client.heard_at), begun + (LONGEST - 1) * self.timeout) + self.timeout
            if due > loop.time():
                timer = loop.call_at(due, look)
            elif not asked.done():
                asked.set_exception(BrokerError("timeout", f"broker {self.endpoint}: no answer"))

        timer = loop.call_at(begun + self.timeout, look)
        try:
            return await asked
        except ConnectionError:
            raise BrokerError("lost", f"broker {self.endpoint}: {client.loss}") from None
        finally:
            timer.cancel()
            asked.cancel()


def _tls_context(tls: Tls) -> ssl.SSLContext:
    """Make a context that checks the broker's name and certificate. Raises BrokerError. Blocks on files."""
    try:
        context = ssl.create_default_context(cafile=tls.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if tls.certificate and tls.key:
            context.load_cert_chain(tls.certificate, tls.key)
    except (OSError, ssl.SSLError) as error:
        bad = next((one for one in (tls.ca, tls.certificate, tls.key) if one and not Path(one).is_file()), None)
        reason = f"{bad}: no such file" if bad else f"certificate or key not usable: {error}"
        raise BrokerError("tls", reason) from None
    return context


def _close_socket(ready: socket.socket) -> None:
    ready.close()


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _refusal(error: MqttConnectError | ClosedEarlyError, endpoint: Endpoint) -> BrokerError:
    """Say why the broker did not let us in."""
    if isinstance(error, ClosedEarlyError):
        # with TLS 1.3 a broker refuses a client certificate after the handshake, by closing
        if endpoint.tls:
            return BrokerError("refused", f"broker {endpoint}: closed the connection: client certificate not accepted")
        return BrokerError("unreachable", f"broker {endpoint}: closed the connection: does it speak MQTT without TLS?")
    rc = error.rc
    number = rc.value if isinstance(rc, ReasonCode) else rc
    if number in _REFUSED:
        return BrokerError("refused", f"broker {endpoint}: refused: user name, password or certificate not accepted")
    return BrokerError("unreachable", f"broker {endpoint}: refused: {str(rc).lower()}")


def probe_port(endpoint: Endpoint, timeout: float = 3.0) -> None:
    """Open and close a TCP connection, to tell 'nobody there' from 'not welcome'. Raises BrokerError. Blocks."""
    try:
        with socket.create_connection((endpoint.host, endpoint.port), timeout=timeout):
            pass
    except OSError as error:
        reason = "no answer" if isinstance(error, TimeoutError) else _reason(error)
        raise BrokerError("unreachable", f"broker {endpoint}: {reason}") from None


def first_error(group: BaseExceptionGroup[BrokerError]) -> BrokerError:
    """Return the error that ended a connection, of a group of them; what follows from it comes later in the group."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, BrokerError):  # except* let nothing else in
        raise TypeError(type(error).__name__)
    return error
