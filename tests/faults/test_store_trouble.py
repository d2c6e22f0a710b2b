"""A store that fails, hangs or comes back: live values are shown, nothing is confirmed that is not on disk."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any

import pytest

from support import inventories
from support.broker import Broker
from support.collector import STREAM, ScriptedAgent, interface_table
from tslcd_collector import config, intake, metrics
from tslcd_collector.acks import Address
from tslcd_collector.admit import Admission
from tslcd_collector.board import Board
from tslcd_collector.clock import Clocks
from tslcd_collector.errors import StoreError
from tslcd_collector.exposition import Exposition
from tslcd_collector.intake import Intake
from tslcd_collector.reception import Reception
from tslcd_collector.rounds import Rounds
from tslcd_collector.store import Batch, Database, Store
from tslcd_collector.supervision import Supervision
from tslcd_runtime.health import Health
from tslcd_runtime.mqtt import Endpoint
from tslcd_wire.topics import Lane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tslcd_collector.inventory import Inventory


class Disk(Database):
    """A database whose writes can be made to fail or to hang."""

    def __init__(self, directory: Path) -> None:
        """Start healthy."""
        super().__init__(directory)
        self.failing = False
        self.free = threading.Event()
        self.free.set()

    def write(self, batch: Batch) -> None:
        """Write, fail, or wait and write."""
        self.free.wait(20)
        if self.failing:
            raise StoreError("store: database or disk is full")
        super().write(batch)


class Centre:
    """Intake and judge of a collector, inside the test."""

    def __init__(self, directory: Path, port: int, known: Inventory) -> None:
        """Wire the parts."""
        self.settings = config.CollectorSettings(
            broker=Endpoint(port=port), intake=config.Intake(ack_interval=0.05, batch_wait=0.005)
        )
        self.disk = Disk(directory)
        self.store = Store(self.disk)
        self.metrics = metrics.Metrics()
        self.admission = Admission()
        exposition = Exposition()
        self.board = Board(exposition, 300.0)
        self.supervision = Supervision(self.board, exposition)
        self.board.set_inventory(known)
        self.supervision.set_inventory(known)
        health = Health()
        self.rounds = Rounds(
            board=self.board,
            supervision=self.supervision,
            admission=self.admission,
            store=self.store,
            metrics=self.metrics,
            health=health,
            interval=0.1,
            keep=60.0,
        )
        reception = Reception(
            self.admission, Clocks(120.0, 86400.0), self.board, self.metrics, provinces=frozenset({"+"})
        )
        self.intake = Intake(
            self.settings,
            reception=reception,
            admission=self.admission,
            store=self.store,
            board=self.board,
            metrics=self.metrics,
            health=health,
            wake=self.rounds.wake,
        )

    def count(self, name: str, **labels: str) -> float:
        """Return one of the collector's own metrics."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    def journal(self) -> list[int]:
        """Return the numbers in the journal."""
        rows = self.disk._open_connection().execute("SELECT seq FROM journal ORDER BY id").fetchall()
        return [row[0] for row in rows]

    def shown(self) -> Any:
        """Return the counter that is exposed."""
        return self.board.value("a1", "fw", "interface", "wan1", "receive_bytes_total")


async def until(condition: Callable[[], object], what: str, within: float = 10.0) -> None:
    """Wait until it is so; everything is in this loop."""
    try:
        async with asyncio.timeout(within):
            while not condition():  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise TimeoutError(what) from None


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[tuple[Centre, ScriptedAgent]]:
    """Run intake and judge on a real broker, with a scripted agent."""
    with Broker(tmp_path / "broker").running() as broker:
        known = await asyncio.to_thread(inventories.small, tmp_path / "inventory")
        one = Centre(tmp_path, broker.port, known)
        await one.store.open(0.0)
        tasks = [asyncio.create_task(one.intake.run()), asyncio.create_task(one.rounds.judging())]
        await until(lambda: one.count("tslcd_collector_broker_connected"), "connected")
        async with ScriptedAgent(broker.port) as agent:
            yield one, agent
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        one.disk.free.set()
        with contextlib.suppress(StoreError):
            await one.rounds.flush()
        await one.store.close()


async def test_full_disk_stops_confirmations_and_not_the_view(centre: tuple[Centre, ScriptedAgent]) -> None:
    """While the disk is full live values change and nothing is confirmed; afterwards what was missed is asked for."""
    one, agent = centre
    await agent.report(interface_table(received=1))
    await until(lambda: agent.upto == 1, "first mark")
    one.disk.failing = True
    second = await agent.report(interface_table(received=2))
    await agent.report(interface_table(received=99), Lane.HISTORY, at=second.at - 1)
    await until(lambda: one.shown() == 2, "shown")
    await until(lambda: one.count("tslcd_collector_store_errors_total") >= 1, "counted")
    assert one.count("tslcd_collector_unconfirmed_reports_total") == 1
    assert agent.upto == 1
    one.disk.failing = False
    await agent.report(interface_table(received=4))
    await until(lambda: bool(agent.acks[-1].missing), "missing is told")
    assert agent.acks[-1].missing == [(2, 3)]
    await agent.report(second.tables, seq=2, at=second.at)
    await agent.report(interface_table(received=99), Lane.HISTORY, seq=3, at=second.at - 1)
    await until(lambda: agent.upto == 4, "everything is confirmed")
    assert sorted(one.journal()) == [1, 2, 3, 4]
    assert one.shown() == 4


async def test_verdicts_wait_for_the_disk(centre: tuple[Centre, ScriptedAgent]) -> None:
    """A verdict that fell while the disk was full is in the ledger afterwards, in order."""
    one, agent = centre
    one.disk.failing = True
    await agent.report()
    await until(lambda: one.supervision.standing["c1"].verdict.state.value == "up", "up")
    await agent.link(up=False)
    await until(lambda: one.supervision.standing["c1"].verdict.state.value == "down", "down")
    one.disk.failing = False

    def states() -> list[str]:
        rows = one.disk._open_connection().execute("SELECT state FROM verdict WHERE channel = 'c1' ORDER BY id")
        return [row[0] for row in rows]

    await until(lambda: states()[-2:] == ["up", "down"], "the ledger")


async def test_an_ack_that_leaves_while_a_batch_is_written_does_not_speak_of_it(
    centre: tuple[Centre, ScriptedAgent],
) -> None:
    """An answer that was due anyway tells what is on disk, not what is on its way there."""
    one, agent = centre
    await agent.report(interface_table(received=1))
    await until(lambda: agent.upto == 1, "first mark")
    one.disk.free.clear()
    await agent.report(interface_table(received=2))
    await agent.report(interface_table(received=4), seq=4)
    await until(lambda: one.admission.marks("a1", STREAM).newest == 4, "both are admitted, and being written")
    before = len(agent.acks)
    one.intake._acks.want(Address("86", "a1", STREAM), urgent=True)
    one.intake._acks_wanted.set()
    await until(lambda: len(agent.acks) > before, "an answer")
    assert (agent.acks[-1].upto, agent.acks[-1].have, agent.acks[-1].missing) == (1, [], [(3, 3)])
    one.disk.free.set()
    await until(lambda: agent.upto == 2, "stored")
    assert agent.acks[-1].have == [(4, 4)]


async def test_hanging_disk_neither_blinds_nor_doubles(
    centre: tuple[Centre, ScriptedAgent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that hangs: values go on, nothing is confirmed; when it ends well its reports count, once."""
    monkeypatch.setattr(intake, "PATIENCE", 0.1)
    one, agent = centre
    one.disk.free.clear()
    first = await agent.report(interface_table(received=1))
    await until(lambda: one.shown() == 1, "shown without the disk")
    await agent.report(interface_table(received=2))
    await until(lambda: one.shown() == 2, "shown again")
    assert agent.acks == []
    one.disk.free.set()
    await agent.report(interface_table(received=3))
    await until(lambda: agent.acks and agent.acks[-1].upto >= 1, "the first is confirmed", 15.0)
    await agent.report(first.tables, seq=1, at=first.at)
    await agent.report(interface_table(received=2), seq=2, at=first.at)
    await agent.report(interface_table(received=3), seq=3, at=first.at)
    await until(lambda: agent.upto == 3, "all are confirmed")
    assert sorted(one.journal()) == [1, 2, 3]


async def test_overload_is_dropped_and_counted(
    centre: tuple[Centre, ScriptedAgent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More bytes waiting than memory is given for are dropped unconfirmed; what is sent again is taken."""
    monkeypatch.setattr(intake, "MAX_WAITING_BYTES", 10)
    one, agent = centre
    await agent.report()
    await until(lambda: one.count("tslcd_collector_refused_total", code="overload") == 1, "overload")
    assert agent.acks == []
    monkeypatch.undo()
    await agent.report(seq=1)
    await until(lambda: agent.upto == 1, "taken")


async def test_settings_for_another_broker_take_effect(centre: tuple[Centre, ScriptedAgent], tmp_path: Path) -> None:
    """After a reload the collector reads from the other broker, and provinces it no longer reads are left alone."""
    one, _ = centre
    with Broker(tmp_path / "other").running() as other:
        one.intake.reload(
            config.CollectorSettings(broker=Endpoint(port=other.port), intake=one.settings.intake, provinces=("86",))
        )
        await until(lambda: one.count("tslcd_collector_broker_connects_total") == 2, "connected to the other")
        async with ScriptedAgent(other.port) as agent:
            await agent.report()
            await until(lambda: agent.upto == 1, "mark")
