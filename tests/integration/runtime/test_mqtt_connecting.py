"""Connecting to a broker: every way in which it does not work, and what is left behind."""

from __future__ import annotations

import asyncio
import gc
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.broker import Broker
from support.faulty import CONNACK_5, CONNACK_31, FaultyServer, answering, close_at_once, read_until_closed
from support.processes import free_port, wait_until
from tslcd_runtime.mqtt import BrokerError, Connection, Endpoint, Will, probe_port
from tslcd_runtime.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator


def open_descriptors() -> int:
    """Count the file descriptors of this process."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


async def failure(connection: Connection) -> BrokerError:
    """Connect, and return the error."""
    with pytest.raises(BrokerError) as caught:
        async with connection:
            pass
    return caught.value


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Run a broker that wants a password."""
    directory = tmp_path_factory.mktemp("guarded")
    passwords = directory / "passwords"
    passwords.touch()
    passwords.chmod(0o600)
    subprocess.run(["mosquitto_passwd", "-b", str(passwords), "agent", "right"], check=True)
    with Broker(directory, lines=f"allow_anonymous false\npassword_file {passwords}\n").running() as broker:
        yield broker


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_wrong_password_is_refused_and_not_shown(guarded: Broker, protocol: str) -> None:
    """A wrong password is told as such, without the password."""
    password = Secret("not-the-right-one")
    endpoint = Endpoint(port=guarded.port, protocol=protocol, username="agent", password=password)  # type: ignore[arg-type]
    error = await failure(Connection(endpoint, "a"))
    assert error.code == "refused"
    assert str(error) == f"broker 127.0.0.1:{guarded.port}: refused: user name, password or certificate not accepted"


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_right_password_is_let_in(guarded: Broker, protocol: str) -> None:
    """The right password connects, with both versions of the protocol."""
    endpoint = Endpoint(port=guarded.port, protocol=protocol, username="agent", password=Secret("right"))  # type: ignore[arg-type]
    async with Connection(endpoint, "a") as connection:
        await connection.publish("t", b"x")


async def test_closed_port_is_unreachable() -> None:
    """Nobody listens: said with the reason of the system."""
    port = free_port()
    error = await failure(Connection(Endpoint(port=port), "a"))
    assert (error.code, str(error)) == ("unreachable", f"broker 127.0.0.1:{port}: connection refused")


async def test_unknown_name_is_unreachable() -> None:
    """A name that does not exist (RFC 6761: .invalid never does) is told with the resolver's words."""
    error = await failure(Connection(Endpoint(host="broker.invalid"), "a"))
    assert error.code == "unreachable"
    assert str(error).startswith("broker broker.invalid:1883: ")


async def test_mute_listener_is_a_timeout() -> None:
    """Somebody accepts and never answers: the timeout of the connection decides."""
    with FaultyServer(read_until_closed).running() as server:
        error = await failure(Connection(Endpoint(port=server.port), "a", timeout=0.2))
    assert (error.code, str(error)) == ("timeout", f"broker 127.0.0.1:{server.port}: no answer")


async def test_listener_that_closes_is_told_at_once() -> None:
    """A connection closed before the CONNACK does not wait for the timeout, which is far away here."""
    with FaultyServer(close_at_once).running() as server:
        error = await failure(Connection(Endpoint(port=server.port), "a", timeout=100))
    assert error.code == "unreachable"
    assert str(error).endswith("closed the connection: does it speak MQTT without TLS?")


@pytest.mark.parametrize(
    "garbage",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x20\x00",
        b"\x20\xff\xff\xff\xff\xff",
        b"\x20\x02\x00",
        b"\xff" * 64,
        bytes(8),
    ],
)
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_garbage_instead_of_mqtt_is_an_error_of_ours(garbage: bytes, protocol: str) -> None:
    """Whatever a server babbles, connecting ends with a BrokerError."""
    with FaultyServer(answering(garbage, then=close_at_once)).running() as server:
        endpoint = Endpoint(port=server.port, protocol=protocol)  # type: ignore[arg-type]
        error = await failure(Connection(endpoint, "a", timeout=0.5))
    assert error.code in {"unreachable", "timeout"}


async def test_garbage_after_connecting_is_a_lost_connection() -> None:
    """A packet that cannot be parsed ends the connection, not the program."""
    with FaultyServer(answering(CONNACK_31, b"\x30\x05\xff\xff\xff\xff\xff" * 3)).running() as server:
        async with Connection(Endpoint(port=server.port, protocol="3.1.1"), "a", timeout=5) as connection:
            with pytest.raises(BrokerError, match="connection lost") as caught:
                await connection.publish("t", b"x")
    assert caught.value.code == "lost"


async def test_no_answer_to_a_publish_is_a_timeout() -> None:
    """A broker that goes mute after connecting: publish and subscribe end with the timeout."""
    with FaultyServer(answering(CONNACK_5)).running() as server:
        async with Connection(Endpoint(port=server.port), "a", timeout=0.2) as connection:
            for call in (connection.publish("t", b"x"), connection.subscribe(["t"])):
                with pytest.raises(BrokerError, match="no answer") as caught:
                    await call
                assert caught.value.code == "timeout"


async def test_nothing_is_left_after_failures_of_every_kind(guarded: Broker) -> None:
    """No descriptor, no task and no thread stays after refused, mute, closing and cancelled connects."""
    await asyncio.to_thread(str)  # asyncio starts its own thread
    before = open_descriptors()
    with (
        FaultyServer(read_until_closed).running() as mute,
        FaultyServer(close_at_once).running() as rude,
    ):
        for _ in range(5):
            await failure(Connection(Endpoint(port=mute.port), "a", timeout=0.05))
            await failure(Connection(Endpoint(port=rude.port), "a"))
            await failure(Connection(Endpoint(port=guarded.port), "a"))
            await failure(Connection(Endpoint(port=free_port()), "a"))
            accepted = mute.accepted
            task = asyncio.create_task(failure(Connection(Endpoint(port=mute.port), "a")))
            await asyncio.to_thread(wait_until, lambda: mute.accepted > accepted)  # noqa: B023 - used at once
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert asyncio.all_tasks() == {asyncio.current_task()}
    assert open_descriptors() == before


@pytest.mark.parametrize("turns", range(12))
async def test_cancelled_at_every_turn_of_connecting(guarded: Broker, turns: int) -> None:
    """Cancelled after any number of turns of the loop, connecting leaves neither descriptor nor task."""
    before = open_descriptors()
    endpoint = Endpoint(port=guarded.port, username="agent", password=Secret("right"))

    async def connect() -> None:
        async with Connection(endpoint, "a"):
            await asyncio.Event().wait()

    task = asyncio.create_task(connect())
    for _ in range(turns):
        await asyncio.sleep(0.0005 * turns)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}

    # the daemon thread may still be on its way
    await asyncio.to_thread(wait_until, lambda: open_descriptors() <= before)


async def test_bad_will_leaves_no_socket(guarded: Broker) -> None:
    """A mistake in our own arguments is raised as it is, and the open socket is closed."""
    before = open_descriptors()
    with pytest.raises(ValueError, match="topic"):
        async with Connection(Endpoint(port=guarded.port), "a", will=Will("", b"")):
            pass
    assert open_descriptors() == before


async def test_calls_without_a_connection_are_lost() -> None:
    """Before and after its block a connection answers 'not connected', and leaving twice is no error."""
    connection = Connection(Endpoint(), "a")
    for call in (connection.publish("t", b""), connection.subscribe(["t"]), anext(connection.deliveries())):
        with pytest.raises(BrokerError, match="not connected") as caught:
            await call
        assert caught.value.code == "lost"
    await connection.__aexit__(None, None, None)


def test_probing_a_port(guarded: Broker) -> None:
    """An open port is fine, a closed one is unreachable, without a word of MQTT."""
    probe_port(Endpoint(port=guarded.port))
    port = free_port()
    with pytest.raises(BrokerError, match=f"^broker 127.0.0.1:{port}: connection refused$"):
        probe_port(Endpoint(port=port))
