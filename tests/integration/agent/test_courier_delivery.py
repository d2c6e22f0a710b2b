"""The courier against a real Mosquitto and a collector that acknowledges as told."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING

import pytest

from support.broker import Broker
from support.delivering_agent import BOOT, Agent, empty
from support.fake_collector import FakeCollector, until
from tslcd_agent.config import Uplink
from tslcd_agent.courier.pace import Window
from tslcd_agent.readings import Reading
from tslcd_agent.spool import Draft
from tslcd_runtime.mqtt import Connection, Endpoint
from tslcd_wire.ranges import RangeSet
from tslcd_wire.report import Ack, Event
from tslcd_wire.topics import Lane, Topic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tslcd_wire.report import Table


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Run a Mosquitto that forgets everything when it ends."""
    one = Broker(tmp_path / "broker")
    with one.running():
        yield one


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_live_reports_arrive_and_are_deleted_once_acknowledged(
    tmp_path: Path, broker: Broker, protocol: str
) -> None:
    """With either MQTT version: each report arrives once on the live lane, uncompressed, and leaves the spool."""
    agent = Agent(tmp_path / "spool", [Uplink(port=broker.port, protocol=protocol)])  # type: ignore[arg-type]
    async with FakeCollector(broker.port, protocol=protocol) as collector, agent.working():
        await agent.report(100)
        await until(lambda: len(collector.heard) >= 100)
        await empty(agent)
    assert sorted(collector.seqs(Lane.LIVE)) == list(range(1, 101))
    assert not any(one.compressed for one in collector.heard)


async def test_without_acknowledgement_nothing_is_deleted_and_nothing_repeated(tmp_path: Path, broker: Broker) -> None:
    """A broker's answer deletes nothing; where no collector acknowledges, nothing is sent twice, however long it takes."""
    agent = Agent(tmp_path / "spool", [Uplink(port=broker.port)], ack_timeout=0.2)
    async with FakeCollector(broker.port, answering=False) as collector, agent.working():
        await agent.report(20)
        await until(lambda: len(collector.heard) >= 20)
        await agent.report(1)
        await asyncio.sleep(1)  # several times ack_timeout: the time in which a wrong courier would repeat itself
        assert sorted(collector.seqs()) == list(range(1, 22))
        assert await agent.waiting() == 21


async def test_backlog_goes_as_compressed_history_behind_live_oldest_first(tmp_path: Path, broker: Broker) -> None:
    """Old reports go on the history lane as zstd, oldest first; a fresh one does not wait for them."""
    agent = Agent(tmp_path / "spool", [Uplink(port=broker.port)], history_rate=400_000, ack_timeout=20.0)
    async with agent.spool:
        await agent.report(1000, age=600)
    agent = Agent(tmp_path / "spool", [Uplink(port=broker.port)], history_rate=400_000, ack_timeout=20.0)
    async with FakeCollector(broker.port) as collector, agent.working():
        await until(lambda: len(collector.heard) >= 50)
        await agent.report(1)
        await until(lambda: collector.seqs(Lane.LIVE))
        assert collector.seqs(Lane.LIVE) == [1001]
        assert len(collector.heard) < 900
        await empty(agent)
    history = collector.seqs(Lane.HISTORY)
    assert history == list(range(1, 1001))
    assert all(one.compressed for one in collector.heard if one.lane is Lane.HISTORY)


async def test_history_waits_for_a_collector(tmp_path: Path, broker: Broker) -> None:
    """Before a collector told its mark, history stays in the spool: the collector may have it already."""
    agent = Agent(tmp_path / "spool", [Uplink(port=broker.port)])
    async with FakeCollector(broker.port, answering=False) as collector, agent.working():
        await agent.report(30, age=600)
        await until(lambda: collector.statuses)
        status = collector.statuses[-1]
        assert status.stream is not None
        await agent.report(1)
        await until(lambda: collector.seqs() == [31])
        collector.marks[status.stream] = RangeSet([(1, 20), (31, 31)])
        collector.answering = True
        await collector.acknowledge(status.stream)
        await until(lambda: len(collector.heard) >= 11)
        await empty(agent)
    assert sorted(set(collector.seqs(Lane.HISTORY))) == list(range(21, 31))


async def test_history_waits_for_a_collector_that_does_not_keep_up(tmp_path: Path, broker: Broker) -> None:
    """It has spoken once; what it has not spoken of is no more than a window, and the rest goes when it speaks again."""
    agent = Agent(tmp_path / "spool", [Uplink(port=broker.port)], ack_timeout=20.0)
    async with FakeCollector(broker.port, answering=False) as collector, agent.working():
        await agent.report(200, age=600)
        await agent.report(1)
        await until(lambda: collector.seqs(Lane.LIVE) == [201])
        stream = collector.statuses[-1].stream
        assert stream is not None
        await collector.acknowledge(stream)
        await until(lambda: len(collector.seqs()) >= Window.FIRST)
        await asyncio.sleep(1)  # in which a courier without a window would send everything
        assert len(collector.seqs()) == Window.FIRST
        collector.marks[stream] = RangeSet((seq, seq) for seq in collector.seqs())
        collector.answering = True
        await collector.acknowledge(stream)
        await empty(agent)
    assert collector.seqs(Lane.HISTORY) == list(range(1, 201))


async def test_a_broker_killed_with_reports_under_way_loses_nothing(tmp_path: Path) -> None:
    """Broker killed and started empty, again and again, while reports flow: all of them arrive in the end."""
    broker = Broker(tmp_path / "broker")
    agent = Agent(tmp_path / "spool", [Uplink(port=broker.port)], live_window=1.0)
    got: set[int] = set()
    async with agent.working():
        for _ in range(3):
            with broker.running():
                async with FakeCollector(broker.port) as collector:
                    await agent.report(40)
                    await until(lambda: len(collector.heard) >= 10)
                    await agent.report(10)
                    broker.program.kill()
                got |= set(collector.seqs())
        with broker.running():
            async with FakeCollector(broker.port) as collector:
                # what earlier collectors had is known, as from a store
                status_stream = (await agent.spool.statistics()).stream
                collector.marks[status_stream] = RangeSet((one, one) for one in got)
                await empty(agent)
            got |= set(collector.seqs())
    assert got == set(range(1, 151))
    assert agent.courier.connects >= 4


async def test_lost_acknowledgements_lead_to_repeats_that_say_the_same(tmp_path: Path, broker: Broker) -> None:
    """When acknowledgements get lost, reports come again, byte for byte the same report under the same number."""
    agent = Agent(tmp_path / "spool", [Uplink(port=broker.port)], ack_timeout=0.3)
    async with FakeCollector(broker.port, answering=False) as collector, agent.working():
        await agent.report(5)
        await until(lambda: len(collector.heard) >= 5)
        await asyncio.sleep(2)  # older than the courier's patience
        stream = collector.heard[0].report.stream
        await collector.say(Ack(collector="c1", stream=stream, upto=0))
        await until(lambda: len(collector.heard) >= 10)
        collector.marks[stream] = RangeSet([(1, 5)])
        await collector.acknowledge(stream)
        await empty(agent)
    first = {one.report.seq: one.report for one in collector.heard[:5]}
    assert all(one.report == first[one.report.seq] for one in collector.heard)


async def test_missing_is_sent_again_and_lost_is_told(tmp_path: Path, broker: Broker) -> None:
    """Asked for by name, a report that waits is sent again; of one that is gone the status says that it is lost."""
    agent = Agent(tmp_path / "spool", [Uplink(port=broker.port)], ack_timeout=0.4)
    async with FakeCollector(broker.port, answering=False) as collector, agent.working():
        await agent.report(6)
        await until(lambda: len(collector.heard) >= 6)
        stream = collector.heard[0].report.stream
        await agent.spool.confirm(stream, [(3, 3)])  # as if damaged
        await asyncio.sleep(1)  # longer than it could be on its way
        await collector.say(Ack(collector="c1", stream=stream, upto=1, have=[(4, 6)], missing=[(2, 3)]))
        await until(lambda: collector.seqs().count(2) == 2)
        await until(lambda: any(status.lost == [(3, 3)] for status in collector.statuses))
        assert await agent.waiting() == 1
        assert collector.seqs().count(5) == 1


async def test_holes_that_the_bound_made_are_told_unasked(tmp_path: Path, broker: Broker) -> None:
    """Where link changes were kept and measurements before and after them dropped, the status names the numbers."""
    agent = Agent(tmp_path / "spool", [Uplink(port=broker.port)], size=2 * 2**20)
    async with agent.spool:
        await agent.report(3)
        up = Event(kind="link", key="wan1", up=False, at=time.time(), source="trap")
        await agent.reporter.submit(Reading("fw", {}, (up,), time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)))
        noise = random.Random(1)  # noqa: S311 - the same for every run
        while not (statistics := await agent.spool.statistics()).lost:
            table: Table = {"key": [noise.randbytes(60).hex() for _ in range(400)], "loss_ratio": [0.0] * 400}
            await agent.reporter.submit(Reading("", {"probe": table}, (), time.time(), 0.0))
    assert (statistics.oldest, statistics.lost[0][0]) == (4, 5)
    agent = Agent(tmp_path / "spool", [Uplink(port=broker.port)], size=2 * 2**20)
    async with FakeCollector(broker.port, answering=False) as collector, agent.working():
        await until(lambda: any(status.oldest == 4 and status.lost[:1] for status in collector.statuses))
        assert [tuple(one) for one in collector.statuses[-1].lost] == list(statistics.lost)


async def test_two_collectors_are_required(tmp_path: Path, broker: Broker) -> None:
    """With required_acks 2, a report is deleted only when both have it; one that has everything gets nothing twice."""
    agent = Agent(tmp_path / "spool", [Uplink(port=broker.port)], required_acks=2, ack_timeout=0.3)
    async with FakeCollector(broker.port, name="c1") as first, agent.working():
        await agent.report(10)
        await until(lambda: len(first.heard) >= 10)
        await asyncio.sleep(0.6)
        await agent.report(1)
        await until(lambda: len(first.heard) >= 11)
        assert await agent.waiting() == 11
        assert sorted(first.seqs()) == list(range(1, 12))
        async with FakeCollector(broker.port, name="c2") as second:
            await agent.report(1)  # that this arrives at both shows what the second lacks
            await until(lambda: len(second.heard) >= 11)
            await asyncio.sleep(0.6)
            await agent.report(1)
            await empty(agent)
        assert set(second.seqs()) == set(range(1, 14))


async def test_a_mute_broker_is_left_for_the_next(tmp_path: Path, broker: Broker) -> None:
    """A broker that is there but answers nothing is left, and the next of the list carries on; nothing is lost."""
    import signal  # noqa: PLC0415

    second = Broker(tmp_path / "second")
    with second.running():
        agent = Agent(tmp_path / "spool", [Uplink(port=broker.port), Uplink(port=second.port)], answer_timeout=0.5)
        async with FakeCollector(second.port) as collector, agent.working():
            await until(lambda: agent.courier.connected_to == f"127.0.0.1:{broker.port}")
            broker.program.signal(signal.SIGSTOP)
            await agent.report(30)
            await until(lambda: len(collector.heard) >= 30)
            await empty(agent)
            broker.program.signal(signal.SIGCONT)
        assert agent.courier.failures["timeout"] >= 1


async def test_status_is_retained_and_tells_start_and_stop(tmp_path: Path, broker: Broker) -> None:
    """Whoever comes later sees the status: online with numbers, and after a clean stop offline and when."""
    agent = Agent(tmp_path / "spool", [Uplink(port=broker.port)])
    agent.courier.config_digest = "abc"
    async with agent.working():
        await agent.report(3)
        await until(lambda: agent.courier.sent >= 3)
        agent.courier.config_digest = "def"
        agent.courier.wake()
        async with FakeCollector(broker.port, answering=False) as collector:
            await until(lambda: any(one.config == "def" for one in collector.statuses))
        status = collector.statuses[-1]
        assert (status.online, status.oldest, status.newest, status.start_reason) == (True, 1, 3, "first-start")
    async with FakeCollector(broker.port) as collector:
        await until(lambda: collector.statuses)
    status = collector.statuses[0]
    assert (status.online, status.stream, status.config) == (False, None, "def")
    assert status.at > 0


async def test_foreign_and_broken_acknowledgements_change_nothing(tmp_path: Path, broker: Broker) -> None:
    """Garbage and acknowledgements of streams that are not ours are counted and ignored."""
    agent = Agent(tmp_path / "spool", [Uplink(port=broker.port)])
    async with FakeCollector(broker.port, answering=False) as collector, agent.working():
        await agent.report(3)
        await until(lambda: len(collector.heard) >= 3)
        await collector.say(Ack(collector="c1", stream="00000000", upto=99))
        topic = str(Topic("86", "a-1", Lane.ACK))
        await collector._connection.publish(topic, b"\xff{")
        await collector._connection.publish(topic, b'{"v":1,"collector":"c1","stream":"zz","upto":3}')
        await until(lambda: agent.courier.acks == {"applied": 0, "foreign": 1, "malformed": 2})
        assert await agent.waiting() == 3


async def test_a_spool_that_was_set_back_begins_a_new_stream(tmp_path: Path, broker: Broker) -> None:
    """When a collector has numbers that were never given here, what waits gets new ones, and arrives."""
    agent = Agent(tmp_path / "spool", [Uplink(port=broker.port)], ack_timeout=0.3)
    async with FakeCollector(broker.port, answering=False) as collector, agent.working():
        await agent.report(4)
        await until(lambda: len(collector.heard) >= 4)
        stream = collector.heard[0].report.stream
        await collector.say(Ack(collector="c1", stream=stream, upto=500))
        await until(lambda: len(collector.heard) >= 8)
        collector.answering = True
        again = collector.heard[4:]
        assert {one.report.stream for one in again} != {stream}
        assert sorted(one.report.seq for one in again) == [1, 2, 3, 4]
        collector.marks[again[0].report.stream] = RangeSet([(1, 4)])
        await collector.acknowledge(again[0].report.stream)
        await empty(agent)


async def test_another_with_the_same_name_does_not_stop_the_courier(tmp_path: Path, broker: Broker) -> None:
    """A copied disk: the broker hangs up on the first of two with one name; it comes back, and all arrives."""
    agent = Agent(tmp_path / "spool", [Uplink(port=broker.port)])
    async with FakeCollector(broker.port) as collector, agent.working():
        await until(lambda: agent.courier.connects)
        async with Connection(Endpoint(port=broker.port), "tslcd-86-a-1"):
            await until(lambda: agent.courier.failures["lost"] >= 1)
        await agent.report(5)
        await until(lambda: len(collector.heard) >= 5)
        await empty(agent)


async def test_a_reading_that_the_contract_refuses_is_counted_and_never_sent(tmp_path: Path, broker: Broker) -> None:
    """A table that is no table takes no number; an unknown column is left out and the rest goes."""
    agent = Agent(tmp_path / "spool", [Uplink(port=broker.port)])
    async with FakeCollector(broker.port) as collector, agent.working():
        await agent.reporter.submit(Reading("fw", {"interface": {"key": ["a", "a"], "oper_up": [1, 1]}}))
        await agent.reporter.submit(Reading("", {"probe": {"key": ["gw"], "loss_ratio": [0.5], "colour": ["red"]}}))
        await until(lambda: collector.heard)
        await empty(agent)
    assert agent.reporter.refused == {"invalid": 1}
    assert agent.reporter.unknown_columns == 1
    assert [one.report.seq for one in collector.heard] == [1]
    assert collector.heard[0].report.tables == {"probe": {"key": ["gw"], "loss_ratio": [0.5]}}


async def test_append_while_the_courier_is_away(tmp_path: Path) -> None:
    """Without any broker reports are kept, in order, and nothing is raised."""
    agent = Agent(tmp_path / "spool", [Uplink(port=1)])
    async with agent.working():
        await agent.report(10)
        await until(lambda: agent.courier.failures["unreachable"] >= 2)
        rows = await agent.spool.oldest_first(20, RangeSet())
        assert len(rows) == 10
        assert await agent.spool.append(Draft(0.0, BOOT, 0.0, lambda stream, seq: f"{stream}{seq}".encode()))
