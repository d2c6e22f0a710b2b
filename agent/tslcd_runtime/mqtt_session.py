"""One MQTT session on a socket that is already open; used by :mod:`tslcd_runtime.mqtt` only.

aiomqtt 2.5 marries paho with asyncio: readers, writers, keepalive. What is different here, and why:

* connecting does not use the loop's executor, whose threads hold up the end of a program;
* whatever happens, :meth:`Session.close` leaves no socket, reader or task behind, also after a cancelled connect;
* a connection closed before the CONNACK is an error at once, not after the timeout (TLS 1.3 refuses certificates so);
* a lost connection fails every waiting call at once, and "not authorised" in answer to a publish is told to the caller;
* messages go into a queue that is safe to cancel, without two tasks a message; they are acknowledged by hand;
* what comes with every report is read here: a message of QoS 1 without properties, and an answer of two octets. paho's own
  way, which everything else still goes, costs ten times as much (an object with the names of all properties for each).
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from tslcd_runtime.absence import absent

# see tslcd_runtime.mqtt
with absent("dns"):
    import aiomqtt
    from aiomqtt.exceptions import MqttCodeError, MqttConnectError
    from paho.mqtt.client import MQTT_ERR_SUCCESS, _WebsocketWrapper
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.reasoncodes import ReasonCode

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from paho.mqtt.client import MQTTMessage

# what paho would log is in the error that the caller gets, and the caller logs edges
_LOGGER: Final = logging.getLogger("tslcd_runtime.mqtt_session")
_LOGGER.setLevel(logging.CRITICAL)


class ClosedEarlyError(Exception):
    """The broker closed the connection before it had answered the CONNECT."""


class Message(NamedTuple):
    """A message as it came, by the names of paho's."""

    topic: str
    payload: bytes
    retain: bool
    qos: int
    mid: int


#: Octets before a topic, and of a packet's number (MQTT 5 sections 1.5.4 and 2.2.1).
_NUMBER: Final = 2
#: The answer that says nothing: it is a yes (MQTT 5 section 3.4.2.1).
_YES: Final = ReasonCode(PacketTypes.PUBACK, "Success")
#: MQTT 5 section 4.13: what paho calls a broker that did not answer its ping.
_KEEPALIVE_TIMEOUT: Final = 141


def upgrade(ready: socket.socket, host: str, port: int, path: str) -> socket.socket:
    """Ask for a WebSocket on a connected socket; return what paho takes for one. Closes it on failure. Raises OSError. Blocks."""
    try:
        secure = isinstance(ready, ssl.SSLSocket)
        return cast("socket.socket", _WebsocketWrapper(ready, host, port, secure, path, None))
    except BaseException as error:
        ready.close()
        if isinstance(error, IndexError | ValueError):  # what paho says of an answer that is not HTTP
            msg = "no WebSocket there"
            raise ConnectionError(msg) from None
        raise


class Session(aiomqtt.Client):
    """A session, from CONNECT to the end of its socket. ``inbox`` ends with None when the connection is lost."""

    def __init__(self, ready: socket.socket, host: str, port: int, **options: Any) -> None:
        """Own ``ready``, a connected socket. ``options`` are aiomqtt's."""
        super().__init__(host, port, logger=_LOGGER, **options)
        self.inbox: asyncio.Queue[MQTTMessage | Message | None] = asyncio.Queue()
        #: When anything of the broker was read last, in the loop's time.
        self.heard_at = self._loop.time()
        self._ready = ready
        self._v5 = options.get("protocol") is aiomqtt.ProtocolVersion.V5
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._disconnected.add_done_callback(self._on_end)
        self._paho = cast("Any", self._client)  # its methods are replaced below, its privates used
        self._paho.manual_ack_set(on=True)
        self._paho._create_socket = lambda: ready  # noqa: SLF001 - the one way in for a socket of our own
        self._any_publish, self._paho._handle_publish = self._paho._handle_publish, self._plain_publish  # noqa: SLF001
        self._any_answer, self._paho._handle_pubackcomp = self._paho._handle_pubackcomp, self._plain_answer  # noqa: SLF001

    async def connect(self) -> None:
        """Send CONNECT and wait for the answer. Raises MqttConnectError when it is no, ClosedEarlyError, OSError."""
        self._client_connect()
        await self._connected

    def send(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> asyncio.Future[ReasonCode]:
        """Publish; the future is the broker's answer, or ConnectionError. With QoS 0 it is done when written."""
        info = self._paho.publish(topic, payload, qos, retain)
        return self._await_answer(info.rc, info.mid)

    def ask(self, filters: Sequence[str], *, qos: int) -> asyncio.Future[list[ReasonCode]]:
        """Subscribe; the future is one reason code a filter, or ConnectionError."""
        rc, mid = self._paho.subscribe([(one, qos) for one in filters])
        return self._await_answer(rc, mid)

    def acknowledge(self, mid: int, qos: int) -> None:
        """Send PUBACK. A lost connection is no error here: the inbox tells."""
        if not self._disconnected.done():
            self._paho.ack(mid, qos)

    @property
    def loss(self) -> str:
        """Why the connection ended, in a few words."""
        error = self._disconnected.exception() if self._disconnected.done() else None
        reason = str(getattr(error, "rc", None) or error or "").lower()
        # paho says "unspecified error" for everything that TCP says
        return f"connection lost: {reason}" if reason and "unspecified" not in reason else "connection lost"

    @property
    def mute(self) -> bool:
        """Whether the connection ended because the broker did not answer, and not because anybody closed it."""
        error = self._disconnected.exception() if self._disconnected.done() else None
        return getattr(getattr(error, "rc", None), "value", None) == _KEEPALIVE_TIMEOUT

    async def goodbye(self, within: float) -> None:
        """Send DISCONNECT and wait until it is written, ``within`` seconds at most."""
        if not self._disconnected.done() and self._paho.disconnect() == MQTT_ERR_SUCCESS:
            await asyncio.wait((self._disconnected,), timeout=within)

    async def close(self) -> None:
        """Close the socket and end the keepalive task, whatever the state. Safe to call again."""
        self._end(None)
        self._paho._sock_close()  # noqa: SLF001 - paho closes only after a goodbye
        self._ready.close()
        if self._connected.done() and not self._connected.cancelled():
            self._connected.exception()  # asked for, so that asyncio does not log it as never retrieved
        if self._misc_task is not None:
            self._misc_task.cancel()
            await asyncio.wait((self._misc_task,))

    def _await_answer(self, rc: int, mid: int | None) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        if rc != MQTT_ERR_SUCCESS or mid is None or self._disconnected.done():
            future.set_exception(ConnectionError())
        else:
            self._answers[mid] = future
            future.add_done_callback(lambda _: self._answers.pop(mid, None))
        return future

    def _on_end(self, disconnected: asyncio.Future[None]) -> None:
        """Tell everybody who waits that the connection is over."""
        disconnected.exception()
        for future in tuple(self._answers.values()):
            if not future.done():
                future.set_exception(ConnectionError())
        self.inbox.put_nowait(None)

    def _end(self, error: Exception | None) -> None:
        """Mark the connection as over; the first reason counts."""
        if not self._connected.done():
            self._connected.set_exception(ClosedEarlyError())
        if self._disconnected.done():
            return
        if error is None:
            self._disconnected.set_result(None)
        else:
            self._disconnected.set_exception(error)

    def _guarded(self, call: Callable[[], object]) -> None:
        """Run paho. A parser that chokes on what the peer sent is a lost connection, and never ends the loop."""
        try:
            call()
        except Exception as error:  # noqa: BLE001 - whatever paho raises, the connection is not usable any more
            self._end(error)
            self._paho._sock_close()  # noqa: SLF001

    def _read(self) -> None:
        self.heard_at = self._loop.time()
        self._paho.loop_read()
        # a TLS socket may hold bytes that the loop's selector cannot see
        while (held := getattr(self._paho.socket(), "pending", None)) and held():
            self._paho.loop_read()

    def _on_socket_open(self, client: Any, userdata: Any, sock: Any) -> None:
        del client, userdata
        self._loop.add_reader(sock.fileno(), self._guarded, self._read)
        self._misc_task = self._loop.create_task(self._misc_loop(), name=f"keepalive of {self._hostname}:{self._port}")

    def _on_socket_register_write(self, client: Any, userdata: Any, sock: Any) -> None:
        # at once: posted to the loop, as aiomqtt does, it could meet a closed socket or another that has its number
        del client, userdata
        self._loop.add_writer(sock.fileno(), self._guarded, self._paho.loop_write)

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None) -> None:
        del client, userdata, flags, properties
        self._end(None if reason_code == MQTT_ERR_SUCCESS else MqttCodeError(reason_code, "connection lost"))

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        del client, userdata, properties
        self._settle(mid, reason_code)

    def _on_subscribe(self, client: Any, userdata: Any, mid: int, reason_codes: Any, properties: Any = None) -> None:
        del client, userdata, properties
        self._settle(mid, reason_codes)

    def _settle(self, mid: int, answer: Any) -> None:
        future = self._answers.get(mid)
        if future is not None and not future.done():
            future.set_result(answer)

    def _plain_publish(self) -> int:
        """Take a message; what is not plain, or not right, goes paho's way."""
        packet: bytearray = self._paho._in_packet["packet"]  # noqa: SLF001
        header: int = self._paho._in_packet["command"]  # noqa: SLF001
        end = _NUMBER + int.from_bytes(packet[:_NUMBER], "big")
        begin = end + _NUMBER
        if self._v5:
            begin += 1
        plain = header >> 1 & 3 == 1 and end > _NUMBER and begin <= len(packet) and not (self._v5 and packet[begin - 1])
        if plain:
            try:
                topic = packet[_NUMBER:end].decode()
            except UnicodeDecodeError:
                plain = False
        if not plain:
            return cast("int", self._any_publish())
        mid = int.from_bytes(packet[end : end + _NUMBER], "big")
        self.inbox.put_nowait(Message(topic, bytes(memoryview(packet)[begin:]), bool(header & 1), 1, mid))
        return MQTT_ERR_SUCCESS

    def _plain_answer(self, command: str) -> int:
        """Take the broker's answer to a message; one that says more than yes goes paho's way."""
        packet: bytearray = self._paho._in_packet["packet"]  # noqa: SLF001
        if command != "PUBACK" or len(packet) != _NUMBER:
            return cast("int", self._any_answer(command))
        done: int = MQTT_ERR_SUCCESS
        mid = int.from_bytes(packet, "big")
        with self._paho._out_message_mutex:  # noqa: SLF001
            if mid in self._paho._out_messages:  # noqa: SLF001
                done = self._paho._do_on_publish(mid, _YES, None)  # noqa: SLF001
        return done

    def _on_message(self, client: Any, userdata: Any, message: MQTTMessage) -> None:
        del client, userdata
        self.inbox.put_nowait(message)


__all__ = ["ClosedEarlyError", "MqttConnectError", "Session", "upgrade"]
