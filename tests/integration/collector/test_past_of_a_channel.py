"""A running collector's ledger: blind minutes become known, power cuts are told, clocks are known after ``kill -9``."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from support.broker import Broker
from support.collector import CollectorProgram, ScriptedAgent, eventually, interface_table, probe_table
from tslcd_wire.topics import Lane

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tslcd_wire.report import Table

FAST = "intake: {ack_interval: 100ms}\n"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Run a broker."""
    with Broker(tmp_path / "broker").running() as running:
        yield running


@pytest.fixture
def collector(tmp_path: Path, broker: Broker) -> Iterator[CollectorProgram]:
    """Run a collector."""
    with CollectorProgram(tmp_path / "collector", broker.port, more=FAST).running() as running:
        yield running


def _past(collector: CollectorProgram, query: str = "", channel: str = "c1") -> dict[str, Any]:
    status, _, body = collector.get(f"/api/v1/channels/{channel}/history{query}")
    assert status == 200, body
    found: dict[str, Any] = json.loads(body)
    return found


def _states(collector: CollectorProgram) -> list[tuple[str, str, str]]:
    return [(one["state"], one["reason"], one["origin"]) for one in _past(collector)["intervals"]]


def _ledger(collector: CollectorProgram, query: str) -> list[tuple[Any, ...]]:
    file = f"file:{collector.directory}/store/ledger.db?mode=ro"
    with contextlib.closing(sqlite3.connect(file, uri=True)) as one:
        return one.execute(query).fetchall()


async def _up(collector: CollectorProgram, agent: ScriptedAgent) -> None:
    await agent.status()
    await agent.report()
    for _ in range(3):
        await agent.probes()
    await eventually(lambda: collector.verdict() == ("up", "ok", "none"), what="up")


async def test_a_cut_nobody_saw_is_in_the_ledger_afterwards(collector: CollectorProgram, broker: Broker) -> None:
    """The agent was away; its history tells of a cut meanwhile: in the ledger with its times, never on the board or as a change."""
    async with ScriptedAgent(broker.port) as agent:
        await _up(collector, agent)
        await agent.status(online=False)
        await eventually(lambda: collector.verdict()[0] == "unknown", what="unknown")
        gone = collector.channel()["since"]
        await eventually(lambda: time.time() > gone + 5, what="five seconds of silence")
        for offset, lost in ((0.2, 0), (0.8, 5), (1.6, 0)):
            await agent.report(probe_table(lost=lost), Lane.HISTORY, device="", at=gone + offset)
        await _up(collector, agent)
        await eventually(lambda: ("down", "gateway_unreachable", "late") in _states(collector), what="the cut")
        past = _past(collector)
        cut = next(one for one in past["intervals"] if one["state"] == "down")
        assert (cut["since"] - gone, cut["until"] - gone) == (
            pytest.approx(0.8, abs=0.01),
            pytest.approx(1.6, abs=0.01),
        )
        assert cut["party_words"]["vi"] == "đơn vị vận hành"
        assert [one["note"]["en"] for one in past["revisions"]] == ["judged again from late reports"]
        assert "down" not in {row[0] for row in collector.rows("SELECT state FROM verdict")}
        before = past["intervals"]
        assert all(one["until"] == two["since"] for one, two in pairwise(before))
        # kill -9 and a new start: the same past, and no hole
        collector.program.kill()
        collector.program.start()
        await eventually(collector.reads, what="reads again")
        after = _past(collector)["intervals"]
        assert [(one["state"], one["since"]) for one in after] == [(one["state"], one["since"]) for one in before]


async def test_a_power_cut_is_told_by_the_next_start(collector: CollectorProgram, broker: Broker) -> None:
    """A box without power for some seconds: ``site_power`` in the ledger once its heartbeat tells, ``agent_lost`` before."""
    async with ScriptedAgent(broker.port) as agent:
        began = time.time()
        await _up(collector, agent)
        alive = time.time()
        await agent.status(online=False)
        await eventually(lambda: collector.verdict()[:2] == ("unknown", "agent_lost"), what="agent lost")
        await eventually(lambda: time.time() > alive + 2, what="seconds without power")
        start: Table = {
            "key": [""],
            "start_reason": ["power-or-reboot"],
            "started_boottime_seconds": [1.0],
            "last_alive_boottime_seconds": [alive - 1_700_000_000],
            "last_alive_timestamp_seconds": [alive],
        }
        await agent.report({"agent": start}, device="", boot="8d2f", mono=1.2)
        await _up(collector, agent)
        await eventually(lambda: ("unknown", "site_power", "power") in _states(collector), what="site power")
        outage = next(one for one in _past(collector)["intervals"] if one["reason"] == "site_power")
        assert outage["party"] == "power"
        assert began < outage["since"] < outage["until"] < time.time()
        assert _ledger(collector, "SELECT agent, reason FROM absence") == [("a1", "power-or-reboot")]


async def test_wrong_clocks_over_a_restart_of_the_collector(collector: CollectorProgram, broker: Broker) -> None:
    """A box at 1970 is put right after ``kill -9`` too; a boot nobody heard of is confirmed and flagged; others notice nothing."""
    boot = time.time() - 5000  # when the box began, and when it thinks it was 1970
    async with ScriptedAgent(broker.port) as agent, ScriptedAgent(broker.port, "a2", "0198aaaa") as other:
        now = time.time()
        await agent.report(interface_table(), at=now - boot, mono=now - boot, boot="aaaa")
        await other.report()
        await eventually(lambda: collector.value("tslcd_agent_problem", agent="a1", problem="clock_wrong") == 1)
        assert collector.value("tslcd_agent_clock_offset_seconds", agent="a1") == pytest.approx(-boot, abs=2)
        assert collector.value("tslcd_agent_problem", agent="a2", problem="clock_wrong") == 0
        await eventually(lambda: len(_ledger(collector, "SELECT boot FROM clock")) == 2, what="clocks written")
        collector.program.kill()
        collector.program.start()
        await eventually(collector.reads, what="reads again")
        await agent.report(probe_table(), Lane.HISTORY, device="", at=4000.0, mono=4000.0, boot="aaaa")
        # a boot before that, unknown, at a time that cannot be
        flagged = await agent.report(probe_table(), Lane.HISTORY, device="", at=30.0, mono=30.0, boot="bbbb")
        await other.report()
        await eventually(lambda: agent.upto == flagged.seq, what="both confirmed")
        ((at,),) = collector.rows("SELECT at FROM journal WHERE agent = 'a1' AND seq = 2")
        assert at == pytest.approx(boot + 4000, abs=2)
        assert collector.rows("SELECT at FROM journal WHERE agent = 'a1' AND seq = 3") == []
        assert collector.value("tslcd_collector_reports_total", lane="history", result="untimed") == 1
        assert collector.value("tslcd_agent_clock_unknown_reports_total", agent="a1") == 1
        await eventually(lambda: other.upto == 2, what="the other site")
        assert collector.rows("SELECT count(*) FROM journal WHERE agent = 'a2'") == [(2,)]


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("nobody/history", 404, "no such channel"),
        ("c1/history?from=yesterday", 400, "'yesterday': a time looks like 1790000000 or 2026-09-21T21:13:20+07:00"),
        ("c1/history?from=-5", 400, "'-5': not a time of this age"),
        ("c1/history?to=1e300", 400, "'1e300': not a time of this age"),
        ("c1/history?from=nan", 400, "'nan': not a time of this age"),
        ("c1/history?from=200&to=100", 400, "from is after to"),
    ],
)
def test_bad_questions_about_the_past(shared_collector: CollectorProgram, path: str, status: int, error: str) -> None:
    """Each is answered with what is wrong."""
    answered, _, body = shared_collector.get(f"/api/v1/channels/{path}")
    assert (answered, json.loads(body)) == (status, {"error": error})


def test_times_in_questions_may_be_written_as_people_do(shared_collector: CollectorProgram) -> None:
    """ISO 8601, local without an offset; without any the last seven days."""
    asked = _past(shared_collector, "?from=2026-09-21T21:13:20%2B07:00&to=2026-09-22")
    assert (asked["from"], asked["to"]) == (1_790_000_000.0, 1_790_010_000.0)
    whole = _past(shared_collector)
    assert whole["to"] - whole["from"] == pytest.approx(7 * 86400)
    assert [one["reason"] for one in whole["intervals"]] == ["never_seen"]


@pytest.fixture(scope="module")
def shared_collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CollectorProgram]:
    """Run a collector that nobody reports to."""
    folder = tmp_path_factory.mktemp("questions")
    with Broker(folder / "broker").running() as broker, CollectorProgram(folder, broker.port).running() as running:
        yield running
