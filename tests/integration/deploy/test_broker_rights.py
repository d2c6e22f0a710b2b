"""The shipped broker configuration on a real Mosquitto: who comes in, and who may say and hear what."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
from typing import TYPE_CHECKING

import pytest

from support.processes import wait_until
from support.tls_broker import SHIPPED, TlsBroker, make_certificates
from tslcd_agent.roundtrip import RoundTrip
from tslcd_runtime.mqtt import BrokerError, Connection, Endpoint, Will
from tslcd_wire.topics import probe_topic

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path
    from types import ModuleType

ONE = "86-29551-1"
TWO = "86-29551-2"
LIVE = "tslcd/v1/86/{}/live"
ACK = "tslcd/v1/86/{}/ack"
STATUS = "tslcd/v1/86/{}/status"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsBroker]:
    """One broker for the module: no test changes it."""
    with TlsBroker(tmp_path_factory.mktemp("broker"), ONE, TWO).running() as running:
        yield running


class Client:
    """A connection that collects what is delivered to it."""

    def __init__(self, connection: Connection) -> None:
        """Begin with nothing."""
        self.connection = connection
        self.received: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

    async def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish what is allowed. Raises BrokerError."""
        await self.connection.publish(topic, payload, retain=retain)

    async def forge(self, topic: str, *, retain: bool = False) -> None:
        """Publish what is not allowed: the broker says so."""
        with pytest.raises(BrokerError) as caught:
            await self.connection.publish(topic, b"forged", retain=retain)
        assert caught.value.code == "refused"

    async def collect(self) -> None:
        """Take deliveries in, for ever."""
        async for delivery in self.connection.deliveries():
            self.connection.acknowledge(delivery)
            self.received.put_nowait((delivery.topic, delivery.payload))


@contextlib.asynccontextmanager
async def client(broker: TlsBroker, name: str, *filters: str) -> AsyncIterator[Client]:
    """Connect as the holder of a certificate, and listen."""
    async with Connection(broker.endpoint(name), name) as connection:
        one = Client(connection)
        if filters:
            await connection.subscribe(filters)
        task = asyncio.create_task(one.collect())
        try:
            yield one
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def refusal(endpoint: Endpoint) -> BrokerError:
    """Return the error of an attempt to use the broker, whether it shows at connecting or at the first question."""
    with pytest.raises(BrokerError) as caught:
        async with Connection(endpoint, "stranger", timeout=5) as connection:
            await connection.subscribe([LIVE.format("+")])
    return caught.value


async def test_an_agent_speaks_on_its_own_lanes_and_hears_its_own_ack(broker: TlsBroker) -> None:
    """The normal way: live, history and status reach the collector, the collector's ack reaches the agent."""
    topics = [f"tslcd/v1/86/{ONE}/{lane}" for lane in ("live", "history", "status")]
    filters = [f"tslcd/v1/+/+/{lane}" for lane in ("live", "history", "status")]
    async with client(broker, "collector", *filters) as collector, client(broker, ONE, ACK.format(ONE)) as agent:
        for topic in topics:
            await agent.say(topic, b"report")
        assert [(await collector.received.get())[0] for _ in topics] == topics
        await collector.say(ACK.format(ONE), b"upto")
        assert await agent.received.get() == (ACK.format(ONE), b"upto")


async def test_an_agent_cannot_speak_for_another_agent(broker: TlsBroker) -> None:
    """What one agent publishes under another's name is refused and reaches nobody; its own next report does."""
    async with (
        client(broker, "collector", LIVE.format("+"), STATUS.format("+")) as collector,
        client(broker, ONE) as agent,
    ):
        await agent.forge(LIVE.format(TWO))
        await agent.forge(STATUS.format(TWO), retain=True)
        await agent.forge(ACK.format(ONE))
        await agent.forge(f"tslcd/v1/86/{ONE}/live/below")
        await agent.say(LIVE.format(ONE), b"own")
        assert await collector.received.get() == (LIVE.format(ONE), b"own")
        assert collector.received.empty()


async def test_a_last_will_cannot_speak_for_another_agent(broker: TlsBroker) -> None:
    """A will on another's status is never published; the will on one's own is."""
    async with client(broker, "collector", STATUS.format("+")) as collector:
        for owner in (TWO, ONE):
            will = Will(STATUS.format(owner), b"gone")
            with contextlib.suppress(BrokerError):  # the broker may refuse such a connection outright
                first = Connection(broker.endpoint(ONE), ONE, will=will)
                await first.__aenter__()
                # a second connection with the same certificate ends the first without a goodbye: its will is due
                async with client(broker, ONE, ACK.format(ONE)):
                    pass
                await first.__aexit__(None, None, None)
        assert await collector.received.get() == (STATUS.format(ONE), b"gone")
        assert collector.received.empty()
    async with client(broker, ONE) as agent:
        await agent.say(STATUS.format(ONE), b"", retain=True)  # the broker forgets it, for the other tests


async def test_an_agent_cannot_hear_others(broker: TlsBroker) -> None:
    """Acks and reports of other agents are not delivered to an agent, whatever it subscribes to."""
    async with (
        client(broker, "collector") as collector,
        client(broker, TWO) as other,
        client(broker, ONE, "#") as agent,
    ):
        await collector.say(ACK.format(TWO), b"not for you")
        await other.say(LIVE.format(TWO), b"not for you")
        await collector.say(ACK.format(ONE), b"for you")
        assert await agent.received.get() == (ACK.format(ONE), b"for you")
        assert agent.received.empty()


async def test_an_agent_hears_its_own_word_and_nobody_elses(broker: TlsBroker) -> None:
    """The topic for round trips: an agent alone, both ways; the collector neither speaks nor hears there."""
    async with (
        client(broker, "collector", "tslcd/v1/+/+/probe") as collector,
        client(broker, TWO, probe_topic("86", ONE)) as other,
        client(broker, ONE, probe_topic("86", ONE)) as agent,
    ):
        await other.forge(probe_topic("86", ONE))
        await collector.forge(probe_topic("86", ONE))
        await agent.say(probe_topic("86", ONE), b"word")
        assert await agent.received.get() == (probe_topic("86", ONE), b"word")
        assert other.received.empty()
        assert collector.received.empty()


async def test_a_round_trip_comes_back(broker: TlsBroker) -> None:
    """An agent's own connection is enough, with the rights that are shipped."""
    async with Connection(broker.endpoint(TWO), TWO) as connection, asyncio.timeout(10):
        for _ in range(3):
            assert await RoundTrip("86", TWO).over(connection, listen=True) > 0
        with pytest.raises(BrokerError, match="refused"):
            await RoundTrip("86", ONE).over(connection, listen=True)


async def test_the_collector_cannot_report(broker: TlsBroker) -> None:
    """A collector that is taken over can invent no report and no agent, not even one with its own name."""
    async with (
        client(broker, "collector", LIVE.format("+"), STATUS.format("+")) as collector,
        client(broker, ONE) as agent,
    ):
        await collector.forge(LIVE.format(ONE))
        await collector.forge(LIVE.format("collector"))
        await collector.forge(STATUS.format("collector"), retain=True)
        await agent.say(LIVE.format(ONE), b"true")
        assert await collector.received.get() == (LIVE.format(ONE), b"true")
        assert collector.received.empty()


async def test_who_looks_on_hears_everything_and_says_nothing(broker: TlsBroker) -> None:
    """The certificate for ``tap`` reads every lane, acks included, beside the running collector, and writes none."""
    async with (
        client(broker, "collector", LIVE.format("+")) as collector,
        client(broker, "collector-tap", "tslcd/v1/+/+/+") as tap,
        client(broker, ONE) as agent,
    ):
        await tap.forge(ACK.format(ONE))
        await tap.forge(LIVE.format(ONE))
        await tap.forge(LIVE.format("collector-tap"))
        await agent.say(LIVE.format(ONE), b"report")
        assert await collector.received.get() == (LIVE.format(ONE), b"report")
        await collector.say(ACK.format(ONE), b"upto")
        heard = [await tap.received.get(), await tap.received.get()]
        assert sorted(heard) == [(ACK.format(ONE), b"upto"), (LIVE.format(ONE), b"report")]


async def test_an_agent_cannot_throw_the_collector_out(broker: TlsBroker) -> None:
    """A client id is not believed: a stolen box that calls itself ``collector`` is only itself, and ends nobody's session."""
    async with client(broker, "collector", LIVE.format("+")) as collector:
        async with Connection(broker.endpoint(ONE), "collector") as thief:
            await thief.publish(LIVE.format(ONE), b"still only me")
        assert await collector.received.get() == (LIVE.format(ONE), b"still only me")


async def test_without_a_certificate_nobody_comes_in(broker: TlsBroker) -> None:
    """A client that shows no certificate is turned away in the TLS handshake, whatever password it has."""
    error = await refusal(broker.endpoint(None))
    assert error.code in ("tls", "refused"), error


async def test_the_certificate_of_another_authority_is_refused(broker: TlsBroker, tmp_path: Path) -> None:
    """A certificate with the right name by the wrong authority is worth nothing."""
    assert make_certificates(tmp_path / "foreign", "ca").returncode == 0
    assert make_certificates(tmp_path / "foreign", "agent", ONE).returncode == 0
    error = await refusal(broker.endpoint(ONE, certificates=tmp_path / "foreign"))
    assert error.code in ("tls", "refused"), error


async def test_an_expired_certificate_is_refused(broker: TlsBroker) -> None:
    """A certificate past its end is turned away."""
    spec = importlib.util.spec_from_file_location("certificates", SHIPPED / "certificates.py")
    assert spec is not None
    assert spec.loader is not None
    certificates: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(certificates)
    certificates.Authority(broker.certificates).issue("expired", [], server=False, days=-1)
    error = await refusal(broker.endpoint("expired"))
    assert error.code in ("tls", "refused"), error


async def test_the_wrong_server_name_is_refused_by_the_client(broker: TlsBroker) -> None:
    """A broker that answers under a name its certificate does not have is not trusted."""
    error = await refusal(broker.endpoint(ONE, host="127.0.0.1"))
    assert error.code == "tls"
    assert "127.0.0.1" in str(error)


async def test_a_broker_of_another_authority_is_refused_by_the_client(broker: TlsBroker, tmp_path: Path) -> None:
    """An agent that trusts another authority does not speak to this broker."""
    assert make_certificates(tmp_path / "foreign", "ca").returncode == 0
    own = broker.endpoint(ONE)
    assert own.tls is not None
    tls = type(own.tls)(ca=str(tmp_path / "foreign" / "ca.pem"), certificate=own.tls.certificate, key=own.tls.key)
    error = await refusal(Endpoint(host="localhost", port=broker.port, tls=tls))
    assert error.code == "tls"


async def test_a_withdrawn_certificate_is_refused_after_a_restart(tmp_path: Path) -> None:
    """``make-certificates revoke`` shuts one agent out and leaves the others alone."""
    broker = TlsBroker(tmp_path, "stolen", "good")
    with broker.running():
        async with Connection(broker.endpoint("stolen"), "stolen") as connection:
            await connection.subscribe([ACK.format("stolen")])
    assert "1 withdrawn" in make_certificates(broker.certificates, "revoke", "stolen").stdout
    with broker.running():
        error = await refusal(broker.endpoint("stolen"))
        assert error.code in ("tls", "refused"), error
        async with Connection(broker.endpoint("good"), "good") as connection:
            await connection.subscribe([ACK.format("good")])
    wait_until(lambda: not broker.program.running())


async def test_a_report_of_the_largest_size_passes(broker: TlsBroker) -> None:
    """The broker's bound is above the contract's."""
    payload = b" " * (1 << 20)
    async with client(broker, "collector", LIVE.format("+")) as collector, client(broker, ONE) as agent:
        await agent.say(LIVE.format(ONE), payload)
        assert await collector.received.get() == (LIVE.format(ONE), payload)
