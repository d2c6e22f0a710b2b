"""The whole way at the centre: from a real broker to verdict, metrics, acknowledgement, and over restarts."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import time
import zlib
from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from support.broker import Broker
from support.collector import AGENT, CollectorProgram, ScriptedAgent, eventually, interface_table
from support.processes import find_program, port_open, wait_until
from tslcd_wire.topics import Lane

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAST = "intake: {ack_interval: 100ms}\n"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Run a broker."""
    with Broker(tmp_path / "broker").running() as one:
        yield one


@pytest.fixture
def collector(tmp_path: Path, broker: Broker) -> Iterator[CollectorProgram]:
    """Run a collector."""
    with CollectorProgram(tmp_path / "collector", broker.port, more=FAST).running() as one:
        yield one


async def _healthy(agent: ScriptedAgent) -> None:
    await agent.status()
    await agent.report()
    for _ in range(3):
        await agent.probes()


async def test_every_channel_is_there_before_anything_was_heard(collector: CollectorProgram) -> None:
    """The first scrape has every channel of the inventory, unknown because never seen."""
    samples = collector.samples()
    assert {dict(labels)["channel"] for name, labels in samples if name == "tslcd_channel_up"} == {"c1", "c2"}
    assert collector.verdict() == ("unknown", "never_seen", "monitoring")
    assert collector.value("tslcd_channels", state="unknown") == 2
    assert collector.value("tslcd_supervision_coverage_ratio") == 0
    assert collector.value("tslcd_channel_contracted_bits_per_second", channel="c2", direction="transmit") == 50e6


async def test_report_becomes_metrics_verdict_and_acknowledgement(collector: CollectorProgram, broker: Broker) -> None:
    """A report is stored, shown, judged and confirmed."""
    async with ScriptedAgent(broker.port) as agent:
        await _healthy(agent)
        await eventually(lambda: collector.verdict() == ("up", "ok", "none"), what="up")
        await eventually(lambda: agent.upto == 4, what="mark")
    assert agent.acks[-1].collector == "a"
    assert [row[0] for row in collector.rows("SELECT seq FROM journal ORDER BY id")] == [1, 2, 3, 4]
    labels = {"province": "86", "site": "s1", "agent": AGENT, "device": "fw", "interface": "wan1"}
    assert collector.value("tslcd_interface_receive_bytes_total", **labels) == 1000
    assert collector.value("tslcd_interface_info", **labels, alias="to the operator") == 1
    assert collector.value("tslcd_device_snmp_state", device="fw", state="ok") == 1
    assert collector.value("tslcd_device_info", device="fw", sys_name='fw "1"') == 1
    assert collector.value("tslcd_channel_receive_bytes_total", channel="c1") == 1000
    assert collector.value("tslcd_channel_rtt_seconds", channel="c1") == 0.003
    assert collector.value("tslcd_channel_verdict_info", channel="c1", reason="ok", party="none") == 1
    assert collector.value("tslcd_agent_online", agent=AGENT) == 1
    assert collector.value("tslcd_collector_reports_total", lane="live", result="new") == 4


async def test_link_event_changes_the_channel_at_once(collector: CollectorProgram, broker: Broker) -> None:
    """A trap that the interface is down makes the channel down, also in oper_up, before the next poll; and up again."""
    async with ScriptedAgent(broker.port) as agent:
        await _healthy(agent)
        await eventually(lambda: collector.verdict()[0] == "up", what="up")
        await agent.link(up=False)
        await eventually(lambda: collector.verdict() == ("down", "interface_down", "operator"), what="down")
        assert collector.value("tslcd_interface_oper_up", interface="wan1") == 0
        await agent.link(up=True)
        await eventually(lambda: collector.verdict() == ("up", "ok", "none"), what="up again")
        states = collector.rows("SELECT state, reason, until IS NULL FROM verdict WHERE channel = 'c1' ORDER BY id")
        assert states[-2:] == [("down", "interface_down", 0), ("up", "ok", 1)]


async def test_history_never_overwrites_newer(collector: CollectorProgram, broker: Broker) -> None:
    """An old report is stored and confirmed, and changes nothing on the board."""
    async with ScriptedAgent(broker.port) as agent:
        await _healthy(agent)
        await agent.report(interface_table(up=False, received=1), Lane.HISTORY, at=time.time() - 600)
        await eventually(lambda: agent.upto == 5, what="mark")
        assert collector.verdict()[0] == "up"
        assert collector.value("tslcd_channel_receive_bytes_total", channel="c1") == 1000
        assert collector.value("tslcd_collector_reports_total", lane="history", result="new") == 1


async def test_repeated_report_is_known_and_confirmed_again(collector: CollectorProgram, broker: Broker) -> None:
    """The same report three times is stored once; "have it" is an acknowledgement, not an error."""
    async with ScriptedAgent(broker.port) as agent:
        report = agent.make()
        for _ in range(3):
            await agent.report(report.tables, seq=report.seq, at=report.at)
        await eventually(lambda: agent.upto == 1, what="mark")
        await eventually(
            lambda: collector.value("tslcd_collector_reports_total", lane="live", result="duplicate") == 2, what="count"
        )
        assert collector.rows("SELECT count(*) FROM journal") == [(1,)]


async def test_gap_is_told_and_lost_numbers_close_it(collector: CollectorProgram, broker: Broker) -> None:
    """Missing numbers are named in the acknowledgement; what the agent says is lost is waited for no more, and counted."""
    async with ScriptedAgent(broker.port) as agent:
        await agent.report()
        await agent.report(seq=4)
        await eventually(lambda: bool(agent.acks) and agent.acks[-1].missing == [(2, 3)], what="gap")
        assert agent.acks[-1].have == [(4, 4)]
        await agent.status(oldest=3, newest=4, lost=[(3, 3)])
        await eventually(lambda: agent.upto == 4, what="mark")
        assert collector.value("tslcd_collector_lost_reports_total") == 2


async def test_status_asks_for_the_mark(collector: CollectorProgram, broker: Broker) -> None:
    """A status with a stream is answered at once, also when nothing is known of the stream."""
    del collector
    async with ScriptedAgent(broker.port, stream="ffff0000") as agent:
        await agent.status(newest=0)
        await eventually(lambda: bool(agent.acks), what="ack")
        assert agent.acks[0].stream == "ffff0000"
        assert agent.acks[0].upto == 0


async def test_retained_status_is_known_after_connecting(tmp_path: Path, broker: Broker) -> None:
    """A last will that waits on the broker makes the channel's agent lost as soon as the collector reads it."""
    async with ScriptedAgent(broker.port) as agent:
        await agent.status(online=False)
        with CollectorProgram(tmp_path / "late", broker.port).running() as collector:
            await eventually(lambda: collector.verdict() == ("unknown", "agent_lost", "monitoring"), what="agent_lost")
            assert collector.value("tslcd_agent_online", agent=AGENT) == 0
            await agent.status()
            await agent.report()
            await agent.probes()
            await eventually(lambda: collector.verdict()[0] == "up", what="up")


async def test_kill_between_store_and_acknowledgement_doubles_nothing(
    collector: CollectorProgram, broker: Broker
) -> None:
    """After kill -9 the agent sends again what was not confirmed; all is stored once, and no channel noticed."""
    async with ScriptedAgent(broker.port) as agent:
        await _healthy(agent)
        await eventually(lambda: collector.verdict()[0] == "up", what="up")
        before = collector.channel()
        sent = [await agent.report(interface_table(received=2000 + number)) for number in range(50)]
        collector.program.kill()
        collector.program.start()
        await eventually(lambda: port_open(collector.port), what="port")
        first = collector.channel()
        assert (first["state"], first["reason"]) == ("up", "ok")
        assert first["state_since"] == pytest.approx(before["state_since"], abs=0.002)
        assert first["traffic"]["receive_bytes_total"] >= 1000
        await eventually(collector.reads, what="reads")
        for report in sent:
            await agent.report(report.tables, seq=report.seq, at=report.at)
        await eventually(lambda: agent.upto == agent.seq, what="mark")
        assert collector.rows("SELECT seq, count(*) FROM journal GROUP BY seq HAVING count(*) > 1") == []
        assert collector.rows("SELECT count(*) FROM journal") == [(agent.seq,)]
        assert collector.value("tslcd_channel_receive_bytes_total", channel="c1") == 2049
        assert collector.channel()["state_since"] == first["state_since"]


async def test_clock_a_day_ahead_does_not_freeze_a_table(collector: CollectorProgram, broker: Broker) -> None:
    """A time in the future is put right, so that the next report still counts."""
    async with ScriptedAgent(broker.port) as agent:
        await agent.report(interface_table(received=1), at=time.time() + 86400)
        await eventually(lambda: agent.upto == 1, what="first mark")
        await agent.report(interface_table(received=2))
        await eventually(lambda: agent.upto == 2, what="mark")
        assert collector.value("tslcd_interface_receive_bytes_total", interface="wan1") == 2
        assert collector.value("tslcd_collector_clock_corrections_total") == 1


async def test_broker_restart_is_survived(collector: CollectorProgram, broker: Broker) -> None:
    """The broker dies and comes back; the collector connects again and goes on."""
    broker.program.kill()
    await eventually(lambda: collector.value("tslcd_collector_broker_connected") == 0, what="disconnected")
    broker.program.start()
    await eventually(lambda: collector.value("tslcd_collector_broker_connected") == 1, what="connected")
    async with ScriptedAgent(broker.port) as agent:
        await agent.report()
        await eventually(lambda: agent.upto == 1, what="mark")
    assert (collector.value("tslcd_collector_broker_connects_total") or 0) >= 2


async def test_exposition_is_what_prometheus_and_openmetrics_read(collector: CollectorProgram, broker: Broker) -> None:
    """Prometheus' own checker finds nothing but the contract's unit of bandwidth; OpenMetrics parses; gzip is the same text."""
    async with ScriptedAgent(broker.port) as agent:
        await _healthy(agent)
        await agent.status(version="1.0")
        await eventually(lambda: collector.verdict()[0] == "up", what="up")
    _, headers, text = collector.get("/metrics")
    assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    command = [find_program("promtool"), "check", "metrics"]
    checked = await asyncio.to_thread(subprocess.run, command, input=text, capture_output=True, check=False)
    lines = (checked.stdout + checked.stderr).decode().splitlines()
    assert [line for line in lines if 'use base unit "bytes" instead of "bits"' not in line] == []
    status, headers, openmetrics = collector.get("/metrics", {"Accept": "application/openmetrics-text;version=1.0.0"})
    assert status == 200
    assert headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.endswith(b"# EOF\n")
    families = {family.name: family for family in parse_openmetrics(openmetrics.decode())}  # type: ignore[no-untyped-call]
    assert families["tslcd_interface_receive_bytes"].type == "counter"
    assert families["tslcd_channel_state"].type == "gauge"
    _, headers, zipped = collector.get("/metrics", {"Accept-Encoding": "gzip"})
    assert headers["content-encoding"] == "gzip"
    plain = b""
    while zipped:
        stream = zlib.decompressobj(31)
        plain += stream.decompress(zipped)
        zipped = stream.unused_data
    names = {line.split(b"{")[0] for line in text.splitlines() if line.startswith(b"tslcd_channel")}
    assert names == {line.split(b"{")[0] for line in plain.splitlines() if line.startswith(b"tslcd_channel")}


async def test_expired_tables_leave_and_channels_stay(tmp_path: Path, broker: Broker) -> None:
    """A table that is not renewed leaves the exposition; the verdict stays."""
    more = "expiry: 5s\njudge: {interval: 100ms}\n"
    with CollectorProgram(tmp_path / "short", broker.port, more=more).running() as collector:
        async with ScriptedAgent(broker.port) as agent:
            await agent.report(at=time.time() - 3)
            await eventually(lambda: collector.value("tslcd_interface_oper_up", interface="wan1") == 1, what="shown")
            await eventually(lambda: collector.value("tslcd_interface_oper_up", interface="wan1") is None, what="gone")
        assert collector.value("tslcd_channel_up", channel="c1") == 1
        assert collector.value("tslcd_channel_receive_bytes_total", channel="c1") is None


async def test_other_pages(collector: CollectorProgram, broker: Broker) -> None:
    """Health, readiness, agents, service discovery and the page for people."""
    async with ScriptedAgent(broker.port) as agent:
        await agent.status(version="1.2.3")
        await agent.report()
        await eventually(lambda: agent.upto == 1, what="mark")
    assert collector.get("/-/healthy")[::2] == (200, b"healthy\n")
    assert collector.get("/-/ready")[::2] == (200, b"ready\n")
    (one,) = json.loads(collector.get("/api/v1/agents")[2])["agents"]
    assert (one["agent"], one["site"], one["version"], one["devices"]) == (AGENT, "s1", "1.2.3", ["fw"])
    assert one["streams"] == [{"stream": "0198f3c2", "upto": 1, "newest": 1, "missing": 0}]
    (target,) = json.loads(collector.get("/api/v1/sd")[2])
    assert target["targets"] == [f"127.0.0.1:{collector.port}"]
    assert json.loads(collector.get("/api/v1/sd?kind=agent")[2]) == []
    page = collector.get("/")[2].decode()
    assert "Giám sát kênh truyền" in page
    assert "Chưa từng có số liệu" in page
    assert collector.get("/nothing")[0] == 404


def test_sighup_takes_a_good_inventory_and_keeps_the_last_good_one(collector: CollectorProgram) -> None:
    """A mistake changes nothing but a metric and the log; a good inventory is taken at once."""
    channels = collector.directory / "inventory" / "channels.yaml"
    good = channels.read_text(encoding="utf-8")
    channels.write_text(good.replace("site: s1", "site: s9", 1), encoding="utf-8")
    collector.program.signal(signal.SIGHUP)
    wait_until(lambda: collector.value("tslcd_collector_inventory_valid") == 0)
    assert collector.channel("c1")["site"] == "s1"
    assert "settings and inventory in use stay" in collector.program.output()
    channels.write_text(good.replace("id: c2", "id: c3"), encoding="utf-8")
    collector.program.signal(signal.SIGHUP)
    wait_until(lambda: collector.value("tslcd_collector_inventory_valid") == 1)
    assert collector.verdict("c3") == ("unknown", "never_seen", "monitoring")
    assert collector.value("tslcd_channel_up", channel="c2") is None
    wait_until(lambda: collector.rows("SELECT until IS NULL FROM verdict WHERE channel = 'c2'") == [(0,)])


def test_sigterm_ends_cleanly_and_soon(collector: CollectorProgram) -> None:
    """SIGTERM ends the program within 5 s with code 0."""
    collector.program.signal(signal.SIGTERM)
    assert collector.program.wait(5) == 0
    assert "event=stopped" in collector.program.output()
    assert "Traceback" not in collector.program.output()
