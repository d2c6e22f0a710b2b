"""Publishing, receiving and acknowledging on a real broker, and what happens when it goes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from support.broker import Broker
from support.faulty import CONNACK_5, CONNACK_31, FaultyServer, answering
from support.processes import wait_until
from tslcd_runtime.mqtt import MAX_PACKET_BYTES, RECEIVE_MAXIMUM, BrokerError, Connection, Delivery, Endpoint, Will

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from tslcd_runtime.mqtt_session import Session

BOTH = pytest.mark.parametrize("protocol", ["5", "3.1.1"])


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Run a broker that forbids the topics below ``secret/``."""
    directory = tmp_path_factory.mktemp("broker")
    rights = directory / "rights"
    rights.write_text("topic readwrite open/#\n")
    rights.chmod(0o600)
    lines = f"allow_anonymous true\nacl_file {rights}\n"
    with Broker(directory, lines=lines).running() as broker:
        yield broker


def endpoint(broker: Broker, protocol: str = "5") -> Endpoint:
    """Return the endpoint of a broker."""
    return Endpoint(port=broker.port, protocol=protocol)  # type: ignore[arg-type]


async def receive(connection: Connection, count: int) -> list[Delivery]:
    """Take ``count`` messages, without acknowledging them."""
    taken: list[Delivery] = []
    if not count:
        return taken
    async for delivery in connection.deliveries():
        taken.append(delivery)
        if len(taken) == count:
            break
    return taken


async def no_more(connection: Connection, marker: str) -> None:
    """Show that nothing is under way: what is published with QoS 0 last comes next, on a topic of its own."""
    await connection.publish(marker, b"", qos=0)
    assert (await receive(connection, 1))[0].topic == marker


@BOTH
async def test_there_and_back(broker: Broker, protocol: str) -> None:
    """A message comes back with topic, payload, QoS, and the retained flag only when the broker had it before."""
    async with Connection(endpoint(broker, protocol), "a") as connection:
        await connection.publish("open/kept", b"old", retain=True)
        await connection.subscribe(["open/#"])
        await connection.publish("open/new", b"")
        first, second = await receive(connection, 2)
        assert (first.topic, first.payload, first.retained, first.qos) == ("open/kept", b"old", True, 1)
        assert (second.topic, second.payload, second.retained, second.qos) == ("open/new", b"", False, 1)
        await connection.publish("open/kept", b"", retain=True)


async def test_a_message_with_properties_comes_as_one_without(broker: Broker) -> None:
    """The short way of messages without properties changes nothing of the others; nor of what is larger than a socket's buffer."""
    body = os.urandom(300_000)
    async with Connection(endpoint(broker), "a") as connection:
        await connection.subscribe(["open/#"])
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.UserProperty = ("made", "elsewhere")
        properties.ContentType = "application/json"
        connection._connected()._paho.publish("open/xã", body, 1, properties=properties)
        await connection.publish("open/xã", body)
        for delivery in await receive(connection, 2):
            assert (delivery.topic, delivery.payload, delivery.qos) == ("open/xã", body, 1)
            connection.acknowledge(delivery)


async def test_unacknowledged_messages_are_bounded_by_the_receive_maximum(broker: Broker) -> None:
    """The broker holds back what is above the receive maximum until we acknowledge; so memory is bounded."""
    async with Connection(endpoint(broker), "reader") as reader, Connection(endpoint(broker), "writer") as writer:
        await reader.subscribe(["open/flood"])
        await reader.subscribe(["open/marker"], qos=0)
        total = RECEIVE_MAXIMUM + 50
        for start in range(0, total, 100):
            async with asyncio.TaskGroup() as group:
                for number in range(start, min(start + 100, total)):
                    group.create_task(writer.publish("open/flood", str(number).encode()))
        held = await receive(reader, RECEIVE_MAXIMUM)
        await no_more(reader, "open/marker")
        for delivery in held[:50]:
            reader.acknowledge(delivery)
        rest = await receive(reader, 50)
        assert [int(one.payload) for one in held + rest] == list(range(total))


@BOTH
async def test_what_was_not_acknowledged_comes_again(
    broker: Broker, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message is gone from the broker only once it was acknowledged by hand."""
    # programs use clean sessions; only a persistent one shows what the broker still holds
    topic = f"open/again{protocol}"
    sub = ["mosquitto_sub", "-p", str(broker.port), "-i", f"again{protocol}", "-q", "1", "-t", topic, "-c", "-E"]
    if protocol == "5":
        sub += ["-V", "5"]
    await asyncio.to_thread(subprocess.run, sub, check=True)
    async with Connection(endpoint(broker), "writer") as writer:
        for payload in (b"one", b"two"):
            await writer.publish(topic, payload)
    make = Connection._make_session

    def persistent(connection: Connection, ready: socket.socket) -> Session:
        session = make(connection, ready)
        session._clean_start = False if protocol == "5" else 3
        session._client._clean_session = False
        if session._properties is not None:
            session._properties.SessionExpiryInterval = 1000
        return session

    monkeypatch.setattr(Connection, "_make_session", persistent)
    for expected, acknowledged in (([b"one", b"two"], 1), ([b"two"], 1), ([], 0)):
        async with Connection(endpoint(broker, protocol), f"again{protocol}") as connection:
            taken = await receive(connection, len(expected))
            assert [one.payload for one in taken] == expected
            for one in taken[:acknowledged]:
                connection.acknowledge(one)
            if not expected:
                await connection.subscribe(["open/marker"], qos=0)
                await no_more(connection, "open/marker")


async def test_acknowledging_after_the_end_is_no_error(broker: Broker) -> None:
    """An acknowledgement that comes too late is dropped in silence: the message will come again."""
    async with Connection(endpoint(broker), "a") as connection:
        await connection.subscribe(["open/late"])
        await connection.publish("open/late", b"x")
        (delivery,) = await receive(connection, 1)
    connection.acknowledge(delivery)


async def test_cancelled_receiving_loses_nothing(broker: Broker) -> None:
    """Deliveries that are cancelled while waiting, again and again, miss no message."""
    async with Connection(endpoint(broker), "a") as connection:
        await connection.subscribe(["open/patient"])
        taken: list[bytes] = []

        async def take() -> None:
            async for delivery in connection.deliveries():
                taken.append(delivery.payload)

        for number in range(50):
            task = asyncio.create_task(take())
            await asyncio.sleep(0)
            await connection.publish("open/patient", str(number).encode())
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        missing = 50 - len(taken)
        taken += [one.payload for one in (await receive(connection, missing) if missing else [])]
        assert taken == [str(number).encode() for number in range(50)]


async def test_cancelled_publish_does_not_disturb_others(broker: Broker) -> None:
    """A publish that nobody waits for any more leaves the connection as it is."""
    async with Connection(endpoint(broker), "a") as connection:
        task = asyncio.create_task(connection.publish("open/x", b"x"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await connection.publish("open/x", b"y")


@pytest.mark.parametrize(
    ("protocol", "connack", "suback"),
    [("5", CONNACK_5, b"\x90\x05\x00\x01\x00\x01\x87"), ("3.1.1", CONNACK_31, b"\x90\x04\x00\x01\x01\x80")],
)
async def test_subscription_refused(protocol: str, connack: bytes, suback: bytes) -> None:
    """A filter that the broker does not grant is named; that another one is granted does not hide it."""
    # Mosquitto 2.0 grants every filter and holds messages back instead, so a scripted server refuses
    with FaultyServer(answering(connack, suback)).running() as server:
        where = Endpoint(port=server.port, protocol=protocol)  # type: ignore[arg-type]
        async with Connection(where, "a") as connection:
            with pytest.raises(BrokerError) as caught:
                await connection.subscribe(["open/#", "secret/#"])
    assert caught.value.code == "refused"
    assert str(caught.value) == f"broker {where}: subscription to secret/# refused"


async def test_publishing_against_the_rights_is_refused(broker: Broker) -> None:
    """With MQTT 5 the broker says that it took a message and threw it away; that is not a success."""
    async with Connection(endpoint(broker), "a") as connection:
        with pytest.raises(BrokerError) as caught:
            await connection.publish("secret/x", b"x")
        assert (caught.value.code, str(caught.value)) == (
            "refused",
            f"broker 127.0.0.1:{broker.port}: publishing to secret/x refused: not authorized",
        )
        await connection.publish("open/x", b"x")


async def test_message_above_the_packet_bound_never_comes(broker: Broker) -> None:
    """A hostile message of many megabytes stays at the broker, and what comes after it arrives."""
    async with Connection(endpoint(broker), "reader") as reader, Connection(endpoint(broker), "writer") as writer:
        await reader.subscribe(["open/huge"])
        await writer.publish("open/huge", bytes(MAX_PACKET_BYTES + 1))
        await writer.publish("open/huge", b"small")
        (delivery,) = await receive(reader, 1)
        assert delivery.payload == b"small"


async def test_a_second_one_with_the_same_identity_ends_the_first(broker: Broker) -> None:
    """Two programs with one identity (a cloned disk): the broker drops the first."""
    async with Connection(endpoint(broker), "twin") as first, Connection(endpoint(broker), "twin"):
        with pytest.raises(BrokerError, match="connection lost"):
            await receive(first, 1)


async def test_reason_of_the_broker_is_told() -> None:
    """A broker that says why it disconnects (MQTT 5: session taken over) is quoted."""
    with FaultyServer(answering(CONNACK_5, b"\xe0\x02\x8e\x00")).running() as server:
        async with Connection(Endpoint(port=server.port), "a") as connection:
            with pytest.raises(BrokerError) as caught:
                await connection.publish("t", b"x")
    assert str(caught.value) == f"broker 127.0.0.1:{server.port}: connection lost: session taken over"


@BOTH
async def test_broker_killed_fails_everything_that_waits(tmp_path: Path, protocol: str) -> None:
    """When the broker is killed, receiving, publishing and subscribing are lost at once, and leaving is no error."""
    with Broker(tmp_path).running() as broker:
        async with Connection(endpoint(broker, protocol), "a", timeout=100) as connection:
            broker.program.signal(signal.SIGSTOP)
            waiting = [
                asyncio.create_task(receive(connection, 1)),
                asyncio.create_task(receive(connection, 1)),
                asyncio.create_task(connection.publish("t", b"x")),
                asyncio.create_task(connection.subscribe(["t"])),
            ]
            await asyncio.sleep(0)
            broker.program.kill()
            for error in await asyncio.gather(*waiting, return_exceptions=True):
                assert isinstance(error, BrokerError)
                assert (error.code, str(error)) == ("lost", f"broker 127.0.0.1:{broker.port}: connection lost")
            for late in (connection.publish("t", b"x"), connection.subscribe(["t"]), receive(connection, 1)):
                with pytest.raises(BrokerError, match="connection lost"):
                    await late
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_leaving_a_mute_broker_does_not_hang(tmp_path: Path) -> None:
    """A broker that is stopped does not keep us from leaving, even cancelled in the middle of the goodbye."""
    with Broker(tmp_path).running() as broker:
        async with Connection(endpoint(broker), "a"):
            broker.program.signal(signal.SIGSTOP)
        broker.program.signal(signal.SIGCONT)


PROGRAM = """
import asyncio, sys
from tslcd_runtime.mqtt import Connection, Endpoint, Will

async def main():
    async with Connection(Endpoint(port=int(sys.argv[1]), protocol=sys.argv[2]), "mortal", will=Will("open/will", b"dead")):
        print("connected", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@BOTH
async def test_will_is_published_for_the_killed_and_not_for_those_who_say_goodbye(
    broker: Broker, protocol: str
) -> None:
    """The last will of a killed program arrives, retained; a clean end leaves none."""
    async with Connection(endpoint(broker), "reader") as reader:
        await reader.subscribe(["open/will"])
        async with Connection(endpoint(broker, protocol), "mortal", will=Will("open/will", b"dead")):
            pass
        await reader.publish("open/will", b"marker")
        assert [one.payload for one in await receive(reader, 1)] == [b"marker"]
        command = [sys.executable, "-c", PROGRAM, str(broker.port), protocol]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, env=dict(os.environ))
        assert process.stdout is not None
        assert await process.stdout.readline() == b"connected\n"
        process.kill()
        await process.wait()
        assert [one.payload for one in await receive(reader, 1)] == [b"dead"]
    async with Connection(endpoint(broker), "later") as later:
        await later.subscribe(["open/will"])
        (will,) = await receive(later, 1)
        assert (will.payload, will.retained) == (b"dead", True)
        await later.publish("open/will", b"", retain=True)


async def test_one_connection_after_another(tmp_path: Path) -> None:
    """A broker that comes back on its port is met by a new connection; a hundred in a row leave nothing."""
    broker = Broker(tmp_path)
    for _ in range(2):
        with broker.running():
            for _ in range(50):
                async with Connection(endpoint(broker), "a") as connection:
                    await connection.publish("t", b"x")
    assert asyncio.all_tasks() == {asyncio.current_task()}
    wait_until(lambda: not broker.program.running())
