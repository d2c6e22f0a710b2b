"""Backfill into the real Prometheus and the real VictoriaMetrics, with the real collector."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from support import outage
from support.broker import Broker
from support.collector import CollectorProgram, ScriptedAgent, eventually
from support.outage import RECEIVED, holes
from support.processes import free_port
from support.prometheus import Prometheus
from support.sample_store import SampleStore
from support.victoria_metrics import VictoriaMetrics
from tslcd_collector.config import CollectorSettings

if TYPE_CHECKING:
    from collections.abc import Callable

SHIPPED = Path(__file__).parents[3] / "deploy" / "prometheus" / "prometheus.yml"


def _store(kind: type[Prometheus], directory: Path, collector_port: int) -> Prometheus:
    window = outage.out_of_order("31d") if kind is Prometheus else ""
    return kind(directory, window + outage.scraping(collector_port))


def test_labels_and_window_are_those_of_the_shipped_scrape_configuration() -> None:
    """Else the past would be another series than the present, or would be refused."""
    shipped = yaml.safe_load(SHIPPED.read_text())
    backfill = CollectorSettings().backfill
    (job,) = (one for one in shipped["scrape_configs"] if one["job_name"] == "tslcd-collector")
    (static,) = job["static_configs"]
    assert backfill.labels == {"job": job["job_name"], **static["labels"]}
    days = int(shipped["storage"]["tsdb"]["out_of_order_time_window"].removesuffix("d"))
    assert backfill.window == days * 86400
    assert backfill.scrape_gap > 2 * int(job["scrape_interval"].removesuffix("s"))


@pytest.mark.parametrize("kind", [Prometheus, VictoriaMetrics])
async def test_an_outage_leaves_no_hole_and_no_second_series(kind: type[Prometheus], tmp_path: Path) -> None:
    """Ten minutes that were measured and not sent are in the scraped series, with their times; the counter has no reset.

    What a spool holds longest, thirty days, is taken in too.
    """
    now = time.time()
    epoch, since, until, month = now - 31 * 86400, now - 900, now - 30, now - 30 * 86400
    with Broker(tmp_path / "broker").running() as broker:
        collector_port = free_port()
        store = _store(kind, tmp_path / "tsdb", collector_port)
        collector = CollectorProgram(
            tmp_path / "collector",
            broker.port,
            more=outage.settings(f"http://127.0.0.1:{store.port}/api/v1/write", scraped=True),
        )
        collector.settings.write_text(collector.settings.read_text().replace(str(collector.port), str(collector_port)))
        collector.port = collector_port
        with store.running(), collector.running():
            async with ScriptedAgent(broker.port) as agent:
                await outage.live(agent, epoch)
                await outage.replay(agent, epoch, month, month)
                await outage.replay(agent, epoch, since, until)
                await eventually(lambda: not holes(store, since, until), 20, "no hole")
                await eventually(lambda: not holes(store, month - 30, month), 20, "a month ago")
                await outage.live(agent, epoch)
                wanted = outage.reading(time.time(), epoch)
                await eventually(lambda: _last(store) >= wanted - 10 * outage.RATE, 10, "scraped")
            found = await asyncio.to_thread(store.query, f"resets({RECEIVED}{{interface='wan1'}}[20m])")
            assert [one["value"][1] for one in found] == ["0"]
            grown = await asyncio.to_thread(store.query, "last_over_time(tslcd_channel_receive_bytes_total[20m])")
            assert len(grown) == 1
            for family in ("tslcd_channel_receive_bytes_total", "tslcd_interface_info", "tslcd_device_snmp_state"):
                series = await asyncio.to_thread(
                    store.query, f"count by (__name__, state, interface) (count_over_time({family}[20m]))"
                )
                assert series, family
                assert {one["value"][1] for one in series} == {"1"}, f"{family} is twice"
            past = await asyncio.to_thread(store.query_range, "tslcd_channel_up", since, until, 30)
            assert past == [], "verdicts are never backfilled"
            assert collector.value("tslcd_collector_backfill_set_aside_total", target="tsdb", reason="refused") == 0
            await eventually(lambda: collector.value("tslcd_channel_missing_reports", channel="c1") == 0)


def _last(store: Prometheus) -> float:
    (one,) = store.query(f"{RECEIVED}{{interface='wan1'}}")
    return float(one["value"][1])


async def test_a_killed_store_gets_its_last_minutes_again(tmp_path: Path) -> None:
    """Prometheus is killed and everything it had not made a block of is gone; what it had acknowledged is there again."""
    now = time.time()
    epoch, since, until = now - 3600, now - 400, now - 60
    with Broker(tmp_path / "broker").running() as broker:
        store = Prometheus(tmp_path / "tsdb", outage.out_of_order("1h"))
        collector = CollectorProgram(
            tmp_path / "collector", broker.port, more=outage.settings(f"http://127.0.0.1:{store.port}/api/v1/write")
        )
        with store.running(), collector.running():
            async with ScriptedAgent(broker.port) as agent:
                await outage.replay(agent, epoch, since, until)
                await eventually(lambda: not holes(store, since, until), 20, "no hole")
                store.program.kill()
                for part in ("wal", "wbl", "chunks_head"):
                    shutil.rmtree(store.data / part, ignore_errors=True)
                store.program.start()
                await eventually(lambda: store.query("vector(1)"), 20, "it runs again")
                assert await asyncio.to_thread(holes, store, since, until) != [], "nothing was lost"
                await eventually(lambda: not holes(store, since, until), 30, "no hole again")
            await eventually(lambda: collector.value("tslcd_collector_backfill_repeats_total", target="tsdb") == 1)


async def test_a_killed_collector_goes_on_where_it_was(tmp_path: Path) -> None:
    """SIGKILL in the middle, twice, while reports come in: every sample of every report arrives, none is invented or altered."""
    now = time.time()
    epoch, since, until = now - 3600, now - 1800, now - 60
    with Broker(tmp_path / "broker").running() as broker, SampleStore().running() as store:
        collector = CollectorProgram(tmp_path / "collector", broker.port, more=outage.settings(store.url, rate=400))
        async with ScriptedAgent(broker.port) as agent:
            with collector.running():
                await eventually(lambda: collector.get("/-/ready")[0] == 200, 10, "ready")
                times = await outage.replay(agent, epoch, since, until)
                await eventually(lambda: agent.upto == len(times), 10, "acknowledged")
                await eventually(lambda: len(store.taken) > 200, 20, "begun")
                collector.program.kill()
                cut = len(store.taken)
                collector.program.start()
                await eventually(lambda: len(store.taken) > cut + 500, 20, "gone on")
                collector.program.kill()
                _set_rate(collector, 100_000)
                collector.program.start()
                wanted = {int(at * 1000): float(outage.reading(at, epoch)) for at in times}

                family = "tslcd_channel_receive_bytes_total"
                await eventually(lambda: store.values(family) == wanted, 30, "everything")
                await eventually(
                    lambda: collector.value("tslcd_collector_backfill_waiting_reports", target="tsdb") == 0
                )
    assert store.changed == 0


def _set_rate(collector: CollectorProgram, rate: int) -> None:
    text = collector.settings.read_text()
    collector.settings.write_text(text.replace("rate: 400", f"rate: {rate}"))


async def test_poison_costs_itself_in_prometheus(tmp_path: Path) -> None:
    """A window set too wide lets samples leave that Prometheus answers 500 to, with the good ones of their batch: these arrive."""
    now = time.time()
    epoch, since, until = now - 40 * 86400, now - 900, now - 60
    with Broker(tmp_path / "broker").running() as broker:
        store = Prometheus(tmp_path / "tsdb", outage.out_of_order("20m"))
        collector = CollectorProgram(
            tmp_path / "collector", broker.port, more=outage.settings(f"http://127.0.0.1:{store.port}/api/v1/write")
        )
        with store.running(), collector.running():
            async with ScriptedAgent(broker.port) as agent:
                await outage.replay(agent, epoch, now, now)
                await eventually(lambda: store.query(f"last_over_time({RECEIVED}[5m])"), 20, "the head is at now")
                await outage.replay(agent, epoch, since, until)
                await outage.replay(agent, epoch, now - 6000, now - 6000)
                await outage.replay(agent, epoch, now - 33 * 86400, now - 33 * 86400)
                await eventually(lambda: not holes(store, since, until), 30, "the good ones")

                def aside(reason: str) -> Callable[[], Any]:
                    return lambda: collector.value(
                        "tslcd_collector_backfill_set_aside_total", target="tsdb", reason=reason
                    )

                await eventually(lambda: (aside("refused")() or 0) > 10, 20, "set aside alone")
                await eventually(lambda: (aside("old")() or 0) > 10, 20, "set aside before")
