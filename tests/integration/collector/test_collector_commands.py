"""The commands of the collector as a person at a terminal meets them."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.broker import Broker
from support.collector import AGENT, CollectorProgram, ScriptedAgent, eventually
from support.processes import Program, free_port
from tslcd_collector.config import CollectorSettings
from tslcd_wire.topics import Lane

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def run(*arguments: object, lang: str = "C.UTF-8") -> subprocess.CompletedProcess[str]:
    """Run ``tslcd-collector`` with these arguments."""
    command = [sys.executable, "-m", "tslcd_collector", *map(str, arguments)]
    environment = {**os.environ, "LC_ALL": lang, "COLUMNS": "200"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Run a broker."""
    with Broker(tmp_path / "broker").running() as one:
        yield one


async def test_check_names_what_works(tmp_path: Path, broker: Broker) -> None:
    """With everything right the exit code is 0, in either language."""
    collector = CollectorProgram(tmp_path / "c", broker.port)
    done = await asyncio.to_thread(run, "check", "--config", collector.settings)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok\tinventory\t2 channels, 2 sites, 2 devices\n" in done.stdout
    assert f"ok\tbroker\t127.0.0.1:{broker.port}: connected, may read\n" in done.stdout
    assert "may be written to" in done.stdout
    vietnamese = await asyncio.to_thread(run, "check", "--config", collector.settings, lang="vi_VN.UTF-8")
    assert "được\tdanh mục\t2 kênh, 2 điểm kết nối, 2 thiết bị\n" in vietnamese.stdout


async def test_check_names_an_interface_that_does_not_exist(tmp_path: Path, broker: Broker) -> None:
    """A binding to an interface that the device does not have is told with those that it has, beside a running collector."""
    collector = CollectorProgram(tmp_path / "c", broker.port)
    channels = collector.directory / "inventory" / "channels.yaml"
    channels.write_text(channels.read_text(encoding="utf-8").replace("wan1", "wan9"), encoding="utf-8")
    with collector.running():
        async with ScriptedAgent(broker.port) as agent:
            await agent.report()
            await eventually(lambda: agent.upto == 1, what="mark")
        done = await asyncio.to_thread(run, "check", "--json", "--config", collector.settings)
    assert done.returncode == 1
    result = json.loads(done.stdout)
    assert result["ok"] is False
    wrong = [one["message"] for one in result["checks"] if not one["ok"]]
    assert len(wrong) == 1
    assert wrong[0].endswith("channel c1: interface 'wan9' is not on device fw of agent a1; it has: lan, wan1")
    assert any("a running collector has it" in one["message"] for one in result["checks"])


def test_check_names_everything_that_is_wrong(tmp_path: Path) -> None:
    """An unreachable broker, provider and time-series store, a store that cannot be, and a mistake in the inventory are all told."""
    port = free_port()
    wrong = free_port()
    more = (
        f"backfill: {{targets: [{{name: prometheus, url: 'http://127.0.0.1:{wrong}/api/v1/write'}}]}}\n"
        f"access: {{mode: oidc, url: 'https://noc.example.vn', oidc: {{issuer: 'http://127.0.0.1:{wrong}', client_id: c, viewers: ['*']}}}}\n"
    )
    collector = CollectorProgram(tmp_path / "c", port, more=more)
    (collector.directory / "store").write_text("a file")
    devices = collector.directory / "inventory" / "devices.yaml"
    devices.write_text(devices.read_text(encoding="utf-8").replace("firewall", "firewal"), encoding="utf-8")
    done = run("check", "--config", collector.settings)
    assert done.returncode == 1
    assert f"FAIL\tbroker\tbroker 127.0.0.1:{port}: connection refused\n" in done.stdout
    assert "it must be a folder this user may write to" in done.stdout
    assert f"FAIL\tlogin\thttp://127.0.0.1:{wrong}: cannot be reached: connection refused\n" in done.stdout
    assert f"FAIL\tbackfill prometheus\thttp://127.0.0.1:{wrong}/api/v1/write: " in done.stdout
    assert done.stderr == ""
    assert "devices.yaml:2: devices[0].role: 'firewal' is not allowed" in done.stdout


def test_mistakes_in_the_settings_end_with_2(tmp_path: Path) -> None:
    """All mistakes of the settings are told with file and line, and the exit code is 2."""
    file = tmp_path / "collector.yaml"
    file.write_text("brokr: {}\nstore: {keep: 15}\nprovinces: ['+', '86']\n")
    done = run("run", "--config", file)
    allowed = ", ".join(CollectorSettings.__struct_fields__)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"{file}:1: brokr: unknown key: did you mean broker? allowed are {allowed}",
        f"{file}:2: store.keep: '15' is not a duration: write a number and one of ms, s, min, h, d, for example 30s",
    ]


def test_port_in_use_is_named(tmp_path: Path) -> None:
    """A web port that another program has is named, before anything else is done; exit code 2."""
    collector = CollectorProgram(tmp_path / "c", free_port())
    with socket.socket() as other:
        other.bind(("127.0.0.1", collector.port))
        other.listen()
        done = run("run", "--config", collector.settings)
    assert done.returncode == 2
    assert done.stderr == (
        f"tslcd-collector: web: port {collector.port} on 127.0.0.1 is in use by another program: stop it, or set web.port\n"
    )


def test_second_collector_on_one_store_is_refused(tmp_path: Path, broker: Broker) -> None:
    """Two programs never write one store; exit code 1."""
    collector = CollectorProgram(tmp_path / "c", broker.port)
    with collector.running():
        done = run("run", "--config", collector.settings)
    assert done.returncode == 1
    assert "another collector works on it: stop that one first" in done.stderr


async def test_tap_shows_decoded_messages(tmp_path: Path, broker: Broker) -> None:
    """Follows the lanes it was asked for, ends after so many, and shows what cannot be decoded with its code."""
    collector = CollectorProgram(tmp_path / "c", broker.port)
    command = [sys.executable, "-m", "tslcd_collector", "tap", "--config", str(collector.settings)]
    lines = Program([*command, "--agent", AGENT, "--lane", "live", "--count", "2"], tmp_path / "lines.log")
    documents = Program([*command, "--json", "--count", "3"], tmp_path / "json.log")
    async with ScriptedAgent(broker.port) as agent:
        await agent.status()  # retained: the second tap begins with it
        lines.start()
        documents.start()
        await eventually(lambda: '"retained": true' in documents.output(), what="tap reads")
        # the first one gives no sign of life: what it needs is sent until it ends
        while lines.running():
            await agent.publish(Lane.LIVE, b"{")
            await agent.link(up=False)
            await asyncio.sleep(0.1)
        await eventually(lambda: not documents.running(), what="the end")
    assert lines.wait() == 0
    first, second = lines.output().splitlines()
    assert "! malformed" in first + second
    assert f"{AGENT}/live" in first
    assert "fw  wan1=down" in first + second
    found = [json.loads(line) for line in documents.output().splitlines()]
    assert [one["topic"].rsplit("/", 1)[1] for one in found] == ["status", "live", "live"]
    assert found[0]["message"]["stream"] == "0198f3c2"


async def test_channels_shows_the_board(tmp_path: Path, broker: Broker) -> None:
    """The table has every channel in the reader's language; the exit code is 1 when one is down."""
    collector = CollectorProgram(tmp_path / "c", broker.port)
    with collector.running():
        done = await asyncio.to_thread(run, "channels", "--config", collector.settings, lang="vi_VN.UTF-8")
        assert done.returncode == 0, done.stderr
        assert "không có dữ liệu" in done.stdout
        async with ScriptedAgent(broker.port) as agent:
            await agent.report()
            await agent.link(up=False)
            await eventually(lambda: collector.verdict()[0] == "down", what="down")
        done = await asyncio.to_thread(run, "channels", "--json", "--url", f"http://127.0.0.1:{collector.port}")
        assert done.returncode == 1
        assert [one["state"] for one in json.loads(done.stdout)["channels"]] == ["down", "unknown"]
        await eventually(lambda: b"interface_down" in collector.get("/api/v1/channels/c1/history")[2], what="the past")
        past = await asyncio.to_thread(
            run, "channels", "--history", "c1", "--config", collector.settings, lang="vi_VN.UTF-8"
        )
        assert past.returncode == 0, past.stderr
        assert "interface_down" in past.stdout
        assert "trực tiếp" in past.stdout
        assert "giao diện wan1 của thiết bị fw mất tín hiệu" in past.stdout
        past = await asyncio.to_thread(
            run, "channels", "--history", "c1", "--json", "--days", "1", "--config", collector.settings
        )
        assert [one["state"] for one in json.loads(past.stdout)["intervals"]][-1] == "down"
        nobody = await asyncio.to_thread(run, "channels", "--history", "c?9", "--config", collector.settings)
        assert nobody.returncode == 1
        assert nobody.stderr == (f"tslcd-collector: http://127.0.0.1:{collector.port}: answered 404: no such channel\n")
        watching = Program(
            [sys.executable, "-m", "tslcd_collector", "channels", "--watch", "--config", str(collector.settings)],
            tmp_path / "watch.log",
            env={"COLUMNS": "200"},
        )
        watching.start()
        try:
            await eventually(lambda: "interface_down" in watching.output(), what="the table")
        finally:
            watching.stop()
    away = await asyncio.to_thread(run, "channels", "--config", collector.settings)
    assert away.returncode == 1
    assert away.stderr == (
        f"tslcd-collector: http://127.0.0.1:{collector.port}: connection refused: is the collector running?\n"
    )


def test_dump_config_and_schema(tmp_path: Path) -> None:
    """What is dumped reads back as the same; the schema names every section."""
    defaults = run("dump-config", "--defaults")
    assert defaults.returncode == 0
    file = tmp_path / "collector.yaml"
    file.write_text(defaults.stdout)
    again = run("dump-config", "--config", file)
    assert "keep: 15min" in again.stdout
    assert json.loads(run("schema").stdout)["title"] == "tslcd-collector settings"
