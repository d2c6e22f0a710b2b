"""Hostile and broken messages at a real broker: refused, counted by code, logged once, and the others flow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import zstandard

from support.broker import Broker
from support.collector import CollectorProgram, ScriptedAgent, document, eventually, interface_table
from tslcd_wire import codec
from tslcd_wire.topics import Lane

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Run a broker."""
    with Broker(tmp_path / "broker").running() as one:
        yield one


@pytest.fixture
def collector(tmp_path: Path, broker: Broker) -> Iterator[CollectorProgram]:
    """Run a collector."""
    more = "intake: {ack_interval: 100ms}\n"
    with CollectorProgram(tmp_path / "collector", broker.port, more=more).running() as one:
        yield one


def _refused(collector: CollectorProgram, code: str) -> float:
    return collector.value("tslcd_collector_refused_total", code=code) or 0


def _bomb(size: int, *, honest: bool) -> bytes:
    if honest:
        return zstandard.ZstdCompressor().compress(bytes(size))
    stream = zstandard.ZstdCompressor().compressobj()
    return stream.compress(bytes(size)) + stream.flush()


async def test_hostile_messages_are_counted_while_others_flow(collector: CollectorProgram, broker: Broker) -> None:
    """Every kind of damage of one agent is refused under its code; the reports of another arrive all the same."""
    async with ScriptedAgent(broker.port) as good, ScriptedAgent(broker.port, agent="evil") as evil:
        report = evil.make()
        tables = interface_table()
        million = {"interface": {"key": [f"i{number}" for number in range(5000)]}}
        hostile: list[tuple[str, bytes]] = [
            ("malformed", b"\xff\xfe\x00 not a document"),
            ("malformed", b"[" * 100_000),
            ("malformed", b'{"v":1,"tables":' + b'{"a":' * 50_000),
            ("malformed", codec.ZSTD_MAGIC + b"\x00" * 50),
            ("malformed", zstandard.ZstdCompressor().compress(b"x" * 5000)[:-7]),
            ("oversize", _bomb(300_000_000, honest=True)),
            ("oversize", _bomb(300_000_000, honest=False)),
            ("oversize", b'{"v":1,"pad":"' + b"x" * 1_200_000 + b'"}'),
            ("version", document(report, v=2)),
            ("invalid", document(report, tables=million)),
            ("invalid", document(report, tables={**tables, "interface": {"key": ["a"], "oper_up": [2]}})),
            ("invalid", document(report, tables={"interface": {"key": ['a"\n'], "oper_up": [1]}})),
            ("invalid", document(report, tables={"interface": {"key": ["a", "b"], "oper_up": [1]}})),
            ("invalid", document(report, at=-1)),
            ("malformed", document(report).replace(b'"mono":', b'"mono":NaN,"was":')),
            ("identity", document(report, agent="a1")),
        ]
        wanted: dict[str, float] = {}
        for code, payload in hostile:
            wanted[code] = wanted.get(code, 0) + 1
            await evil.publish(Lane.LIVE, payload)
            await good.report()
        await evil.publish(Lane.STATUS, b"{")
        wanted["malformed"] += 1
        await evil.publish(Lane.LIVE, document(report), qos=0)
        wanted["qos"] = 1
        await eventually(lambda: good.upto == len(hostile), what="the good reports")
        await eventually(lambda: _refused(collector, "qos") == 1, what="qos")
        assert {code: _refused(collector, code) for code in wanted} == wanted
    assert collector.program.output().count("agent=evil") == len(wanted) - 1  # the one without a name by its topic
    assert collector.rows("SELECT DISTINCT agent FROM journal") == [("a1",)]
    assert collector.value("tslcd_interface_oper_up", agent="evil") is None


async def test_messages_of_two_megabytes_do_no_harm(collector: CollectorProgram, broker: Broker) -> None:
    """What is above the packet size is dropped by the broker or refused; the next report flows."""
    async with ScriptedAgent(broker.port) as agent:
        await agent.publish(Lane.LIVE, b"x" * (2 * 2**20 + 1000))
        await agent.publish(Lane.LIVE, b"x" * (2 * 2**20 - 1000))
        await agent.report()
        await eventually(lambda: agent.upto == 1, what="mark")
        assert _refused(collector, "oversize") == 1
    assert collector.value("tslcd_collector_broker_connects_total") == 1


async def test_refused_report_is_confirmed_so_that_it_does_not_come_for_ever(
    collector: CollectorProgram, broker: Broker
) -> None:
    """A report of the wrong shape whose number can be read counts as received, and leaves no gap."""
    async with ScriptedAgent(broker.port) as agent:
        await agent.report()
        await agent.publish(Lane.LIVE, document(agent.make(), tables={"interface": {"key": [""]}}))
        await agent.report()
        await eventually(lambda: agent.upto == 3, what="mark")
        assert collector.value("tslcd_collector_reports_total", lane="live", result="refused") == 1
        assert collector.rows("SELECT seq FROM journal ORDER BY seq") == [(1,), (3,)]


async def test_unknown_columns_are_left_out_and_counted(collector: CollectorProgram, broker: Broker) -> None:
    """A newer agent's column is counted; what is known of the report is taken."""
    async with ScriptedAgent(broker.port) as agent:
        tables = interface_table()
        tables["interface"]["colour"] = ["red", "blue"]
        await agent.publish(Lane.LIVE, document(agent.make(), tables=tables))
        await eventually(lambda: agent.upto == 1, what="mark")
        assert collector.value("tslcd_collector_refused_columns_total") == 1
        assert collector.value("tslcd_interface_oper_up", interface="wan1") == 1


async def test_too_many_devices_of_one_agent_are_refused(collector: CollectorProgram, broker: Broker) -> None:
    """An agent that invents devices is stopped at a bound, and its known devices go on."""
    async with ScriptedAgent(broker.port) as agent:
        for number in range(70):
            await agent.report({"device": {"key": [""], "snmp_up": [1]}}, device=f"d{number}")
        await eventually(lambda: agent.upto == 70, what="mark")
        await eventually(lambda: _refused(collector, "bounds") == 6, what="bounds")
        await agent.report({"device": {"key": [""], "snmp_up": [0]}}, device="d0")
        await eventually(lambda: collector.value("tslcd_device_snmp_up", device="d0") == 0, what="d0")


async def test_compressed_history_is_read(collector: CollectorProgram, broker: Broker) -> None:
    """A zstd frame on the history lane is a report like any other, and too old ones are confirmed but not kept."""
    async with ScriptedAgent(broker.port) as agent:
        payload = codec.encode(agent.make())
        await agent.publish(Lane.HISTORY, zstandard.ZstdCompressor().compress(payload))
        await agent.publish(Lane.HISTORY, codec.encode(agent.make(at=time.time() - 40 * 86400)))
        await eventually(lambda: agent.upto == 2, what="mark")
        assert collector.rows("SELECT count(*) FROM journal") == [(1,)]
        assert collector.value("tslcd_collector_reports_total", lane="history", result="too_old") == 1
