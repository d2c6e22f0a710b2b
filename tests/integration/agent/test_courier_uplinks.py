"""Several ways to the centre, over real Mosquittos: failing over, going back, WebSocket, where connections leave from."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from support.broker import Broker
from support.certificate import self_signed
from support.delivering_agent import Agent, empty
from support.fake_collector import FakeCollector, until
from support.processes import free_port
from support.thin_link import ThinLink
from tslcd_agent.config import Uplink
from tslcd_agent.courier.meter import Meter
from tslcd_runtime.mqtt import BrokerError, Connection, Endpoint, Tls
from tslcd_wire.topics import Lane

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def fibre(tmp_path: Path) -> Iterator[Broker]:
    """Run the broker that the first uplink leads to."""
    with Broker(tmp_path / "fibre").running() as one:
        yield one


@pytest.fixture
def mobile(tmp_path: Path) -> Iterator[Broker]:
    """Run the broker that the spare uplink leads to."""
    with Broker(tmp_path / "mobile").running() as one:
        yield one


def ways(fibre: Broker, mobile: Broker) -> list[Uplink]:
    """Return both ways."""
    return [Uplink(name="fibre", port=fibre.port, keepalive=5), Uplink(name="mobile", port=mobile.port)]


async def test_a_dead_first_way_is_replaced_and_gone_back_to(tmp_path: Path, fibre: Broker, mobile: Broker) -> None:
    """Killed: the spare carries what is new, and says so; back: the first is used again after it has answered for a while."""
    agent = Agent(tmp_path / "spool", ways(fibre, mobile), return_after=0.6)
    changes: list[str] = []
    agent.courier.on_uplink_change = lambda: changes.append(agent.courier.uplink)
    async with FakeCollector(mobile.port, name="spare") as spare, agent.working():
        async with FakeCollector(fibre.port) as first:
            await agent.report(5)
            await until(lambda: len(first.heard) == 5)
            assert (agent.courier.uplink, agent.courier.uplink_spare) == ("fibre", False)
            fibre.program.kill()
        await agent.report(5)
        await until(lambda: len(spare.heard) >= 5)
        assert (agent.courier.uplink, agent.courier.uplink_spare) == ("mobile", True)
        fibre.program.start()
        await until(lambda: agent.courier.uplink == "fibre")
        assert (agent.courier.uplink_spare, agent.courier.uplink_changes, changes) == (False, 2, ["mobile", "fibre"])
        said = [status.online for status in spare.statuses]
        assert said == [True] * len(said), "who changes the way is not gone"
        async with FakeCollector(fibre.port) as first:
            await agent.report(5)
            await until(lambda: set(first.seqs()) >= set(range(11, 16)))


async def test_a_silent_first_way_is_left(tmp_path: Path, fibre: Broker, mobile: Broker) -> None:
    """A broker that holds the connection and says nothing is left once an answer is overdue, and not gone back to."""
    agent = Agent(tmp_path / "spool", ways(fibre, mobile), return_after=0.3, answer_timeout=0.5)
    async with FakeCollector(mobile.port) as spare, agent.working():
        await until(lambda: agent.courier.uplink == "fibre")
        fibre.program.signal(signal.SIGSTOP)
        try:
            await agent.report(5)
            await until(lambda: len(spare.heard) >= 5)
            await empty(agent)
            await agent.report(5)
            await empty(agent)
            assert (agent.courier.uplink, agent.courier.uplink_changes) == ("mobile", 1)
            assert agent.courier.failures["timeout"] >= 1
        finally:
            fibre.program.signal(signal.SIGCONT)
        await until(lambda: agent.courier.uplink == "fibre")


async def test_a_link_that_falls_silent_is_found_in_every_state(tmp_path: Path, fibre: Broker) -> None:
    """Before the broker let us in, with nothing to send, and in the middle of a backlog: dropped each time, nothing lost."""
    async with ThinLink(fibre.port, 1e6) as link, FakeCollector(fibre.port) as collector:
        uplink = Uplink(port=link.port, keepalive=5)
        agent = Agent(tmp_path / "spool", [uplink], answer_timeout=0.5, reconnect_max=0.5)
        link.silence()
        async with agent.working():
            await until(lambda: agent.courier.failures["timeout"] >= 1)
            link.restore()
            await until(lambda: agent.courier.connected_to)
            link.silence()
            await until(lambda: not agent.courier.connected_to, 30)
            link.restore()
            await agent.report(300, age=600)
            await until(lambda: len(set(collector.seqs())) > 50)
            link.silence()
            await until(lambda: not agent.courier.connected_to)
            link.restore()
            await empty(agent)
    assert set(collector.seqs()) == set(range(1, 301))


async def test_a_thin_line_is_not_taken_for_a_mute_one(tmp_path: Path, fibre: Broker) -> None:
    """The answer to the last of many comes late, after those to the others: the connection stays, and nothing goes twice."""
    async with ThinLink(fibre.port, 24_000) as link, FakeCollector(fibre.port) as collector:
        agent = Agent(tmp_path / "spool", [Uplink(port=link.port)], answer_timeout=1.0, ack_timeout=20.0)
        async with agent.working():
            await agent.report(25)
            await empty(agent)
    assert sorted(collector.seqs()) == list(range(1, 26))
    assert (agent.courier.connects, agent.courier.failures["timeout"]) == (1, 0)


async def test_a_way_slower_than_the_timeout_is_used_all_the_same(tmp_path: Path, fibre: Broker) -> None:
    """The first attempt is given up, the next is waited for longer."""
    async with ThinLink(fibre.port, 1e6, 0.35) as link, FakeCollector(fibre.port) as collector:
        agent = Agent(tmp_path / "spool", [Uplink(port=link.port)], answer_timeout=0.5, ack_timeout=20.0)
        async with agent.working():
            await agent.report(5)
            await empty(agent)
    assert set(collector.seqs()) == set(range(1, 6))
    assert (agent.courier.connects, agent.courier.failures["timeout"]) == (1, 1)


async def test_a_spent_budget_stops_history_and_nothing_else(tmp_path: Path, fibre: Broker) -> None:
    """Over a metered line: live reports go on, history waits and says so; a new budget lets it go."""
    meter = Meter(tmp_path / "metered.json", {"sim": 60_000})
    agent = Agent(tmp_path / "spool", [Uplink(name="sim", port=fibre.port)], meter=meter)
    async with FakeCollector(fibre.port) as collector, agent.working():
        await agent.report(600, age=600)
        await until(lambda: agent.courier.history_stopped)
        before = len(collector.seqs(Lane.HISTORY))
        await agent.report(20)
        await until(lambda: set(collector.seqs(Lane.LIVE)) >= set(range(601, 621)))
        assert 0 < before < 600
        assert await agent.waiting() >= 200
        meter._budgets["sim"] = 10**9
        await agent.report(1)
        await empty(agent)
        assert not agent.courier.history_stopped
    assert meter._file.exists()


def websocket_broker(directory: Path, plain: int, lines: str = "") -> Broker:
    """Make a Mosquitto with a WebSocket listener; 2.0.11 does not start without a plain one beside it."""
    more = f"protocol websockets\n{lines}listener {plain} 127.0.0.1\nallow_anonymous true\n"
    return Broker(directory, lines=more)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_reports_go_over_websocket(tmp_path: Path, protocol: str) -> None:
    """A backlog and live reports, with either MQTT version, through Mosquitto's own WebSocket listener."""
    plain = free_port()
    broker = websocket_broker(tmp_path / "broker", plain)
    uplink = Uplink(name="web", port=broker.port, transport="websocket", protocol=protocol)  # type: ignore[arg-type]
    agent = Agent(tmp_path / "spool", [uplink])
    with broker.running():
        async with FakeCollector(plain) as collector, agent.working():
            await agent.report(500, age=600)
            await agent.report(20)
            await empty(agent)
    assert sorted(set(collector.seqs())) == list(range(1, 521))


async def test_large_messages_over_secure_websocket(tmp_path: Path) -> None:
    """Over wss with certificates on both sides, messages of every length that a frame's header has come back whole."""
    for name in ("broker", "client"):
        self_signed(tmp_path, name)
    lines = f"certfile {tmp_path}/broker.pem\nkeyfile {tmp_path}/broker.key\ncafile {tmp_path}/client.pem\n"
    broker = websocket_broker(tmp_path / "broker", free_port(), f"{lines}require_certificate true\n")
    tls = Tls(ca=f"{tmp_path}/broker.pem", certificate=f"{tmp_path}/client.pem", key=f"{tmp_path}/client.key")
    sizes = [0, 125, 126, 4000, 66_000]
    got = []
    with broker.running():
        async with Connection(Endpoint(port=broker.port, transport="websocket", tls=tls), "a") as connection:
            await connection.subscribe(["big"])
            for size in sizes:
                await connection.publish("big", bytes(size))
            async for delivery in connection.deliveries():
                connection.acknowledge(delivery)
                got.append(len(delivery.payload))
                if len(got) == len(sizes):
                    break
    assert got == sizes


async def test_a_websocket_where_there_is_none_is_said(fibre: Broker) -> None:
    """A broker without it, and nobody there: an error of the door's, and no wait for the timeout."""
    for port in (fibre.port, free_port()):
        with pytest.raises(BrokerError) as caught:
            async with Connection(Endpoint(port=port, transport="websocket"), "a", timeout=30):
                pass
        assert caught.value.code == "unreachable"


@pytest.mark.parametrize(
    ("way", "seen"),
    [
        ({"source": "127.0.0.7"}, "127.0.0.7"),
        ({"interface": "lo"}, "127.0.0.1"),
        ({"source": "127.0.0.8", "interface": "lo"}, "127.0.0.8"),
    ],
)
async def test_connections_leave_from_where_they_are_told(fibre: Broker, way: dict[str, str], seen: str) -> None:
    """The broker sees the source address."""
    async with Connection(Endpoint(port=fibre.port, **way), "leaver"):  # type: ignore[arg-type]
        await until(lambda: f"New client connected from {seen}" in fibre.program.output())


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ({"source": "192.0.2.1"}, "cannot assign requested address"),
        ({"interface": "absent0"}, "no such device"),
        ({"source": "2001:db8::1"}, "address family"),
    ],
)
async def test_an_exit_that_is_not_there_is_said(fibre: Broker, way: dict[str, str], reason: str) -> None:
    """An address or interface that this machine does not have (any more) is an unreachable broker, with its reason."""
    with pytest.raises(BrokerError, match=reason) as caught:
        async with Connection(Endpoint(port=fibre.port, **way), "leaver"):  # type: ignore[arg-type]
            pass
    assert caught.value.code == "unreachable"


async def test_one_dead_collector_of_two_does_not_stop_history(tmp_path: Path, fibre: Broker) -> None:
    """Two must store each report: the living one gets all of a backlog, nothing is deleted, and then the other gets it."""
    agent = Agent(tmp_path / "spool", [Uplink(port=fibre.port)], required_acks=2, ack_timeout=20.0)
    async with agent.working():
        async with FakeCollector(fibre.port, name="living") as living:
            await agent.report(1500, age=600)
            await until(lambda: len(set(living.seqs())) == 1500, 30)
            assert await agent.waiting() == 1500
        assert sorted(living.seqs()) == list(range(1, 1501))
