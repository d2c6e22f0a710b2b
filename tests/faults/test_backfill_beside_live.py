"""A time-series store that is away, slow or asleep: agents do not notice, and what it missed it gets afterwards."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import pytest

from support import outage
from support.broker import Broker
from support.certificate import self_signed
from support.collector import CollectorProgram, ScriptedAgent, eventually, interface_table
from support.outage import RECEIVED
from support.processes import free_port
from support.prometheus import Prometheus
from support.sample_store import Reply, SampleStore
from tslcd_collector.backfill.answer import Outcome
from tslcd_collector.backfill.endpoint import Endpoint
from tslcd_collector.backfill.remote_write import encode
from tslcd_collector.backfill.settings import Target
from tslcd_runtime.mqtt import Tls
from tslcd_runtime.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_store_that_hangs_delays_nobody(tmp_path: Path) -> None:
    """With a backlog and a store that does not answer, live reports are confirmed and shown within a second each."""
    now = time.time()
    with Broker(tmp_path / "broker").running() as broker, SampleStore().running() as store:
        store.rule = lambda _: Reply(-1)
        collector = CollectorProgram(tmp_path / "collector", broker.port, more=outage.settings(store.url))
        with collector.running():
            async with ScriptedAgent(broker.port) as agent:
                times = await outage.replay(agent, now - 7200, now - 3600, now - 60)
                await eventually(lambda: store.requests >= 1, 10, "it hangs")
                slowest = 0.0
                for _ in range(5):
                    began = time.monotonic()
                    await outage.live(agent, now - 7200)
                    await eventually(lambda: agent.upto == agent.seq, 10, "confirmed")
                    slowest = max(slowest, time.monotonic() - began)
                assert slowest < 1.0
                waiting = "tslcd_collector_backfill_waiting_reports"
                await eventually(lambda: (collector.value(waiting, target="tsdb") or 0) >= len(times), 10, "told")
                assert (collector.value("tslcd_collector_backfill_oldest_seconds", target="tsdb") or 0) > 3000
                assert (collector.value("tslcd_channel_missing_reports", channel="c1") or 0) >= len(times)
                store.rule = lambda _: Reply()
                store._free.set()
                await eventually(
                    lambda: len(store.values("tslcd_channel_receive_bytes_total")) >= len(times), 20, "arrived"
                )
                await eventually(
                    lambda: collector.value("tslcd_channel_missing_reports", channel="c1") == 0, 20, "gone"
                )


async def test_everything_goes_by_remote_write_when_told_so(tmp_path: Path) -> None:
    """``mode: all``: live reports too, at once and with the time of measurement, whoever scrapes the page; link events as well."""
    epoch = time.time() - 3600
    with Broker(tmp_path / "broker").running() as broker, SampleStore().running() as store:
        more = f"backfill: {{mode: all, targets: [{{name: tsdb, url: {json.dumps(store.url)}}}]}}\n"
        collector = CollectorProgram(tmp_path / "collector", broker.port, more=more)
        with collector.running():
            async with ScriptedAgent(broker.port) as agent:
                times = []
                for _ in range(3):
                    collector.get("/metrics", {"X-Prometheus-Scrape-Timeout-Seconds": "1"})
                    at = time.time()
                    await agent.report(interface_table(received=outage.reading(at, epoch)), at=at)
                    times.append(int(at * 1000))
                down = time.time() + 0.05  # not in the millisecond of a table
                await agent.link(up=False, at=down)
                family = "tslcd_channel_receive_bytes_total"
                await eventually(lambda: sorted(store.values(family)) == times, 10, "every report")
                wanted = int(down * 1000)
                await eventually(lambda: store.values("tslcd_interface_oper_up").get(wanted) == 0.0, 10, "the event")
                assert not any(name.startswith("tslcd_channel_up") for name, _ in _series(store))


def _series(store: SampleStore) -> set[tuple[str, frozenset[tuple[str, str]]]]:
    return {(dict(labels)["__name__"], labels) for labels, _ in store.taken}


async def test_what_prometheus_did_not_scrape_is_sent_to_it(tmp_path: Path) -> None:
    """Live reports that were on the page while Prometheus was stopped are in it afterwards, and the counter has no reset."""
    epoch = time.time() - 3600
    with Broker(tmp_path / "broker").running() as broker:
        port = free_port()
        store = Prometheus(tmp_path / "tsdb", outage.out_of_order("1h") + outage.scraping(port))
        collector = CollectorProgram(
            tmp_path / "collector",
            broker.port,
            more=outage.settings(f"http://127.0.0.1:{store.port}/api/v1/write", scraped=True),
        )
        collector.settings.write_text(collector.settings.read_text().replace(str(collector.port), str(port)))
        collector.port = port
        with store.running(), collector.running():
            async with ScriptedAgent(broker.port) as agent:
                await outage.live(agent, epoch)
                await eventually(lambda: store.query(f"{RECEIVED}{{interface='wan1'}}"), 10, "scraped")
                store.program.stop()
                away = time.time()
                for _ in range(8):
                    await outage.live(agent, epoch)
                    await asyncio.sleep(0.5)
                store.program.start()
                back = time.time()
                await eventually(lambda: store.query("vector(1)"), 20, "it runs again")
                for _ in range(4):
                    await outage.live(agent, epoch)
                    await asyncio.sleep(0.5)
                inside = f"count_over_time({RECEIVED}{{interface='wan1'}}[2s])"

                def filled() -> bool:
                    (one,) = store.query_range(inside, away + 2, back - 1, 1)
                    return len(one["values"]) >= int(back - 1 - away - 2)

                await eventually(filled, 20, "no hole")
                (resets,) = store.query(f"resets({RECEIVED}{{interface='wan1'}}[1m])")
                assert resets["value"][1] == "0"


@pytest.mark.parametrize(
    ("target", "authorization"),
    [
        ({}, None),
        ({"username": "me", "password": Secret("pw")}, "Basic bWU6cHc="),
        ({"password": Secret("token")}, "Bearer token"),
    ],
)
async def test_passwords_go_where_the_settings_say(target: dict[str, object], authorization: str | None) -> None:
    """As basic authentication, or as a bearer token; further headers go along."""
    with SampleStore().running() as store:
        made = Target(name="t", url=store.url, headers={"X-Scope-OrgID": "p86"}, **target)  # type: ignore[arg-type]
        async with Endpoint(made, 5.0) as endpoint:
            assert (await endpoint.send(encode([]))).outcome is Outcome.ACCEPTED
            assert await endpoint.started() == store.started
    assert store.headers.get("Authorization") == authorization
    assert store.headers["X-Scope-OrgID"] == "p86"


async def test_a_store_that_is_not_there_is_an_answer(tmp_path: Path) -> None:
    """Nobody listening, another protocol, a certificate nobody signed, a closed endpoint: never an exception."""
    certificate, _ = await asyncio.to_thread(self_signed, tmp_path)
    with SampleStore().running() as store:
        for url in (f"http://127.0.0.1:{free_port()}/w", f"https://127.0.0.1:{store.port}/w"):
            target = Target(name="t", url=url, tls=Tls(ca=str(certificate)) if url.startswith("https") else None)
            endpoint = Endpoint(target, 2.0)
            async with endpoint:
                answer = await endpoint.send(encode([]))
                assert answer.outcome is Outcome.UNREACHABLE
                assert answer.text
                assert await endpoint.started() is None
            assert (await endpoint.send(b"")).outcome is Outcome.UNREACHABLE
    with pytest.raises(OSError, match="No such file"):
        await Endpoint(Target(name="t", url="https://127.0.0.1/", tls=Tls(ca="/nowhere.pem")), 1.0).__aenter__()


async def test_check_tries_the_stores(tmp_path: Path) -> None:
    """One that takes remote write, one that does not, one that is not there."""
    with (
        Broker(tmp_path / "broker").running() as broker,
        SampleStore().running() as good,
        SampleStore().running() as bad,
    ):
        bad.rule = lambda _: Reply(404, (), "remote write receiver needs to be enabled")
        targets = [("good", good.url), ("bad", bad.url), ("gone", f"http://127.0.0.1:{free_port()}/w")]
        written = ", ".join(f"{{name: {name}, url: {json.dumps(url)}}}" for name, url in targets)
        collector = CollectorProgram(tmp_path / "c", broker.port, more=f"backfill: {{targets: [{written}]}}\n")
        command = [*collector.program.command[:3], "check", "--json", "--config", str(collector.settings)]
        done = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        out, _ = await done.communicate()
    assert done.returncode == 1
    said = out.decode()
    assert "takes remote write" in said
    assert (
        "denied: 404 remote write receiver needs to be enabled (Prometheus needs --web.enable-remote-write-receiver)"
        in said
    )
    assert "unreachable: ConnectError" in said
