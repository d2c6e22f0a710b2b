"""The door to MQTT, for both programs: the only importer of aiomqtt and paho.

Invariants:

* A received message with QoS 1 is acknowledged to the broker only when :meth:`Connection.acknowledge` is called. aiomqtt
  2.5 acknowledges as soon as a message is in its own memory and drops when a bounded queue is full; here acknowledging is
  manual and the queue is not bounded, so the broker's receive maximum bounds what is in memory.
* Every failure is a :class:`BrokerError` with a closed set of codes. Nothing of aiomqtt's or paho's gets out.
* Messages name the endpoint, never a password or a key.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

import aiomqtt
import msgspec
from aiomqtt.exceptions import MqttCodeError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tslcd_runtime.secret import Secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from types import TracebackType

#: How many QoS 1 messages the broker may have under way to us (MQTT 5 receive maximum).
RECEIVE_MAXIMUM: Final = 1000
_REFUSED: Final = frozenset({4, 5, 134, 135, 138})  # CONNACK: bad credentials, not authorised, banned
_CLOSING_TIMEOUT: Final = 2.0

Code = Literal["unreachable", "refused", "tls", "timeout", "lost"]
#: Every code of a BrokerError, for counters that exist at zero from the start.
CODES: Final[tuple[Code, ...]] = ("unreachable", "refused", "tls", "timeout", "lost")


class BrokerError(Exception):
    """The broker cannot be used. ``code``: unreachable, refused (who we are), tls, timeout, lost (was connected)."""

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
    """One broker. ``protocol`` is the MQTT version; ``username`` and ``password`` are for brokers without certificates."""

    host: Annotated[str, msgspec.Meta(min_length=1, max_length=253)] = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 1883
    protocol: Literal["5", "3.1.1"] = "5"
    keepalive: Annotated[int, msgspec.Meta(ge=5, le=3600)] = 15
    tls: Tls | None = None
    username: str | None = None
    password: Secret | None = None

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
    memory. ``timeout`` (seconds) bounds connecting and every answer of the broker.
    """

    def __init__(self, endpoint: Endpoint, client_id: str, *, will: Will | None = None, timeout: float = 10.0) -> None:
        """Remember; connecting is :meth:`__aenter__`'s."""
        self.endpoint = endpoint
        self._client_id = client_id
        self._will = will
        self._timeout = timeout
        self._client: Any = None

    async def __aenter__(self) -> Self:
        """Connect. Raises BrokerError."""
        endpoint = self.endpoint
        v5 = endpoint.protocol == "5"
        context = await asyncio.to_thread(_tls_context, endpoint.tls) if endpoint.tls else None
        properties = None
        if v5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.ReceiveMaximum = RECEIVE_MAXIMUM
        client = aiomqtt.Client(
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
            timeout=self._timeout,
            will=aiomqtt.Will(self._will.topic, self._will.payload, 1, retain=True) if self._will else None,
            tls_context=context,
            max_inflight_messages=RECEIVE_MAXIMUM,
        )
        client.pending_calls_threshold = 2 * RECEIVE_MAXIMUM  # many publishes under way are our normal state
        paho = client._client  # noqa: SLF001 - aiomqtt 2.5 has no manual acknowledgement of its own
        paho.manual_ack_set(on=True)
        paho.connect_timeout = self._timeout
        try:
            await client.__aenter__()
        except aiomqtt.MqttError as error:
            raise _translate(error, endpoint, connected=False) from None
        self._client = client
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say goodbye to the broker when it still listens; the last will is then not published."""
        client, self._client = self._client, None
        client.timeout = _CLOSING_TIMEOUT
        with contextlib.suppress(aiomqtt.MqttError):
            await client.__aexit__(kind, error, trace)

    async def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Publish, and return when the broker has answered (QoS 1). Raises BrokerError."""
        try:
            await self._client.publish(topic, payload, qos=qos, retain=retain)
        except aiomqtt.MqttError as error:
            raise _translate(error, self.endpoint, connected=True) from None

    async def subscribe(self, filters: Sequence[str], *, qos: int = 1) -> None:
        """Subscribe to topic filters. Raises BrokerError, with code ``refused`` when the broker grants one of them not."""
        try:
            granted = await self._client.subscribe([(one, qos) for one in filters])
        except aiomqtt.MqttError as error:
            raise _translate(error, self.endpoint, connected=True) from None
        for wanted, code in zip(filters, granted, strict=False):
            number = code.value if isinstance(code, ReasonCode) else code
            if number >= 128:  # noqa: PLR2004 - MQTT 5 section 3.9.3: 0x80 and above are failures
                msg = f"broker {self.endpoint}: subscription to {wanted} refused"
                raise BrokerError("refused", msg)

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Yield messages as they come, until the connection is lost. Raises BrokerError."""
        try:
            async for message in self._client.messages:
                payload = message.payload if isinstance(message.payload, bytes) else b""
                yield Delivery(message.topic.value, payload, message.retain, message.qos, message.mid)
        except aiomqtt.MqttError as error:
            raise _translate(error, self.endpoint, connected=True) from None

    def acknowledge(self, delivery: Delivery) -> None:
        """Acknowledge a received message to the broker: it will not come again on this connection."""
        if delivery.qos and self._client is not None:
            self._client._client.ack(delivery.mid, delivery.qos)  # noqa: SLF001 - see __aenter__


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


def _translate(error: aiomqtt.MqttError, endpoint: Endpoint, *, connected: bool) -> BrokerError:
    """Turn any error of the library into ours."""
    text = str(error)
    if isinstance(error, MqttCodeError):
        number = error.rc.value if isinstance(error.rc, ReasonCode) else error.rc
        if not connected and number in _REFUSED:
            return BrokerError(
                "refused", f"broker {endpoint}: refused: user name, password or certificate not accepted"
            )
    lowered = text.lower()
    if "ssl" in lowered or "certificate" in lowered or "tls" in lowered:
        return BrokerError("tls", f"broker {endpoint}: TLS: {text}")
    if connected:
        code: Code = "timeout" if "timed out" in lowered else "lost"
        return BrokerError(code, f"broker {endpoint}: {text or 'connection lost'}")
    if "timed out" in lowered:
        return BrokerError("timeout", f"broker {endpoint}: no answer")
    return BrokerError("unreachable", f"broker {endpoint}: {text or 'unreachable'}")


def probe_port(endpoint: Endpoint, timeout: float = 3.0) -> None:
    """Open and close a TCP connection, to tell 'nobody there' from 'not welcome'. Raises BrokerError. Blocks."""
    try:
        with socket.create_connection((endpoint.host, endpoint.port), timeout=timeout):
            pass
    except OSError as error:
        reason = "no answer" if isinstance(error, TimeoutError) else (error.strerror or str(error)).lower()
        raise BrokerError("unreachable", f"broker {endpoint}: {reason}") from None
