"""The whole agent as a process: start, reports, reload, stop; and its other commands."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.broker import Broker
from support.fake_collector import FakeCollector, until
from support.processes import Program, free_port, running, wait_until
from support.snmpd import COMMUNITY, Snmpd
from tslcd_agent.spool.inspection import inspect
from tslcd_wire.topics import Lane

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = [sys.executable, "-m", "tslcd_agent"]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Run a Mosquitto."""
    one = Broker(tmp_path / "broker")
    with one.running():
        yield one


def write(tmp_path: Path, port: int, more: str = "") -> Path:
    """Write settings; ``more`` is YAML at the top level."""
    path = tmp_path / "agent.yaml"
    path.write_text(
        f"agent: {{id: a-1, province: '86'}}\nlog: {{format: logfmt}}\nbrokers: [{{host: 127.0.0.1, port: {port}}}]\n"
        f"spool: {{directory: {tmp_path / 'spool'}}}\nheartbeat: {{interval: 1s}}\n"
        f"courier: {{reconnect_min: 100ms, reconnect_max: 500ms}}\n{more}"
    )
    return path


def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Call a command of the agent."""
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


class Notified:
    """A socket such as systemd's, and what came into it."""

    def __init__(self, path: Path) -> None:
        """Listen."""
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(0)
        self.messages: list[str] = []

    def __contains__(self, word: str) -> bool:
        """Whether systemd was told so."""
        while True:
            try:
                self.messages.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return any(word in message for message in self.messages)

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()


async def test_run_reload_and_stop(tmp_path: Path, broker: Broker) -> None:
    """It polls and probes and reports itself; SIGHUP takes new settings, keeps old ones when they are bad; SIGTERM ends it.

    Within 5 s of the signal it has said goodbye, closed its spool, and ended with 0.
    """
    snmpd = Snmpd(tmp_path / "snmpd")
    (tmp_path / "community").write_text(COMMUNITY)
    device = (
        f"devices: {{fw: {{address: 127.0.0.1, port: {snmpd.port}, interval: 1s,"
        " snmp: {version: 2c, community: {file: community}}}}\n"
    )
    probe = "probes: {gw: {target: 127.0.0.1, count: 2, interval: 2s}}\n"
    path = write(tmp_path, broker.port, device)
    notified = Notified(tmp_path / "notify")
    environment = {**os.environ, "NOTIFY_SOCKET": str(notified.path), "WATCHDOG_USEC": "1000000"}
    agent = Program([*COMMAND, "run", "--config", str(path)], tmp_path / "agent.log", env=environment)
    with snmpd.running():
        async with FakeCollector(broker.port) as collector:
            with running(agent, lambda: "READY=1" in notified):
                await until(lambda: {one.report.device for one in collector.heard} >= {"", "fw"})
                tables = {kind for one in collector.heard for kind in one.report.tables}
                assert tables == {"device", "interface", "agent"}
                await until(lambda: "WATCHDOG=1" in notified)

                path.write_text(path.read_text() + "probes: [\n")
                agent.signal(signal.SIGHUP)
                await until(lambda: "reload refused" in agent.output())
                assert f"{path}:" in agent.output()
                write(tmp_path, broker.port, device + probe)
                agent.signal(signal.SIGHUP)
                await until(lambda: any("probe" in one.report.tables for one in collector.heard))
                assert "RELOADING=1" in notified
                write(tmp_path, broker.port + 1, device)
                agent.signal(signal.SIGHUP)
                await until(lambda: "sections=brokers" in agent.output())

                began = time.monotonic()
                agent.signal(signal.SIGTERM)
                assert agent.wait(10) == 0
                assert time.monotonic() - began < 5
                await until(lambda: not collector.statuses[-1].online)
    assert "STOPPING=1" in notified
    notified.close()
    assert "reason=first-start" in agent.output()
    assert "Traceback" not in agent.output()
    assert max(collector.seqs()) <= (await asyncio.to_thread(inspect, tmp_path / "spool")).newest
    assert collector.seqs(Lane.HISTORY) == []


def _run_until_something_waits(agent: Program, spool: Path) -> None:
    with running(agent, lambda: inspect(spool).waiting >= 2):
        agent.kill()


async def test_killed_and_started_again_it_goes_on(tmp_path: Path, broker: Broker) -> None:
    """After kill -9 the next start says so, numbers go on, and what was waiting arrives."""
    path = write(tmp_path, broker.port)
    agent = Program([*COMMAND, "run", "--config", str(path)], tmp_path / "agent.log")
    await asyncio.to_thread(_run_until_something_waits, agent, tmp_path / "spool")
    async with FakeCollector(broker.port) as collector:
        with running(agent, lambda: "reason=process-crash" in agent.output()):
            await until(lambda: len(set(collector.seqs())) >= 5)
            await until(lambda: collector.statuses[-1].start_reason == "process-crash")
        assert len({one.report.stream for one in collector.heard}) == 1
        assert sorted(set(collector.seqs()))[:5] == [1, 2, 3, 4, 5]


def test_it_stops_in_time_while_a_broker_swallows_the_connection(tmp_path: Path) -> None:
    """A TCP connect that hangs does not hold up the stop."""
    with socket.socket() as hole, socket.socket() as first, socket.socket() as second:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for one in (first, second):  # the backlog is full: whoever comes now waits
            one.settimeout(0)
            one.connect_ex(hole.getsockname())
        path = write(tmp_path, hole.getsockname()[1])
        agent = Program([*COMMAND, "run", "--config", str(path)], tmp_path / "agent.log")
        with running(agent, lambda: inspect(tmp_path / "spool").waiting >= 1):
            began = time.monotonic()
            agent.signal(signal.SIGTERM)
            assert agent.wait(10) == 0
            assert time.monotonic() - began < 5
    assert call("spool", "--config", str(path), "--json").returncode == 0


def test_two_agents_on_one_spool(tmp_path: Path) -> None:
    """The second says who has it, and ends with 1."""
    path = write(tmp_path, free_port())
    agent = Program([*COMMAND, "run", "--config", str(path)], tmp_path / "agent.log")
    with running(agent, lambda: "started" in agent.output()):
        second = call("run", "--config", str(path))
        assert second.returncode == 1
        expected = (
            f"tslcd-agent: spool directory {tmp_path / 'spool'} is in use by another agent (process {agent.pid})\n"
        )
        assert second.stderr == expected
        seen = call("spool", "--config", str(path), LC_ALL="C.UTF-8")
        assert seen.returncode == 0
        assert "reports waiting" in seen.stdout


def test_the_running_agent_is_lean(tmp_path: Path, broker: Broker) -> None:
    """Connected and reporting it stays below 42 MB, and has neither rich nor a web framework in it.

    Python 3.13 itself is larger; 43.2 MB were seen there.
    """
    path = write(tmp_path, broker.port, "probes: {gw: {target: 127.0.0.1, interval: 1s, count: 1}}\n")
    plain = os.environ | {name: "" for name in os.environ if name.startswith("COVERAGE_PROCESS")}
    agent = Program([*COMMAND, "run", "--config", str(path)], tmp_path / "agent.log", env=plain)
    with running(agent, lambda: inspect(tmp_path / "spool").waiting >= 4):
        status = Path(f"/proc/{agent.pid}/status").read_text()
        resident = int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0])
        assert resident <= (42_000 if sys.version_info < (3, 13) else 44_500), status
    script = "import sys, tslcd_agent.cli, tslcd_agent.commands.run; print([one for one in sys.modules if one in {'rich', 'pygments', 'cryptography', 'prometheus_client'}])"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=plain)
    assert said.stdout == "[]\n"


def test_a_full_disk_does_not_stop_the_agent(tmp_path: Path, broker: Broker) -> None:
    """When its files may grow no more the agent says so and goes on reporting; with room again it recovers by itself."""
    path = write(tmp_path, broker.port)
    agent = Program([*COMMAND, "run", "--config", str(path)], tmp_path / "agent.log")
    with running(agent, lambda: inspect(tmp_path / "spool").waiting >= 1):
        resource.prlimit(agent.pid, resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
        wait_until(lambda: "disk fails: reports wait in memory only" in agent.output())
        resource.prlimit(agent.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_until(lambda: "disk works again" in agent.output(), 20)
    assert agent.wait() == 0
    assert "Traceback" not in agent.output()


def test_check_says_what_works_and_what_to_do(tmp_path: Path, broker: Broker) -> None:
    """All good is 0; a broker that is not there is named with what happened and what to do, and ends with 1."""
    probe = "probes: {gw: {target: 127.0.0.1, count: 1}}\n"
    path = write(tmp_path, broker.port, probe)
    good = call("check", "--config", str(path))
    assert good.returncode == 0, good.stderr
    assert f"127.0.0.1:{broker.port}" in good.stdout
    assert "connected, MQTT 5, not encrypted" in good.stdout
    assert "not there yet, the agent will make it" in good.stdout
    assert not (tmp_path / "spool").exists()

    port = free_port()
    path = write(tmp_path, port, probe)
    (tmp_path / "spool").mkdir()
    bad = call("check", "--config", str(path), "--json")
    assert bad.returncode == 1
    said = json.loads(bad.stdout)
    assert [(one["kind"], one["ok"]) for one in said["checks"]] == [("spool", True), ("broker", False), ("probe", True)]
    assert said["checks"][1]["message"] == (
        f"broker 127.0.0.1:{port}: connection refused: check address, port and route, and whether the broker runs"
    )
    vietnamese = call("check", "--config", str(path), LC_ALL="vi_VN.UTF-8", PYTHONUTF8="1")
    assert vietnamese.returncode == 1
    assert "kiểm tra địa chỉ, cổng, đường đi và máy chủ MQTT có đang chạy không" in vietnamese.stdout


def test_check_asks_devices(tmp_path: Path, broker: Broker) -> None:
    """A device that answers is named with its interfaces; a wrong community is found, and never shown."""
    (tmp_path / "good").write_text(COMMUNITY)
    (tmp_path / "bad").write_text("not-the-community")
    snmpd = Snmpd(tmp_path / "snmpd")
    snmp = f"address: 127.0.0.1, port: {snmpd.port}, snmp: {{community: {{file: %s}}}}"
    with snmpd.running():
        good = write(tmp_path, broker.port, f"devices: {{fw: {{{snmp % 'good'}}}}}\npoll: {{timeout: 500ms}}\n")
        found = json.loads(call("check", "--json", "--config", str(good)).stdout)["checks"][2]
        assert (found["name"], found["ok"]) == ("fw", True)
        assert found["message"].startswith("answers SNMP: test-router, ")
        bad = write(tmp_path, broker.port, f"devices: {{fw: {{{snmp % 'bad'}}}}}\npoll: {{timeout: 300ms}}\n")
        said = call("check", "--config", str(bad))
    assert said.returncode == 1
    assert "silent in version 2c, but the device speaks SNMPv3: community wrong" in " ".join(said.stdout.split())
    assert "not-the-community" not in said.stdout + said.stderr


def test_check_of_a_broker_that_refuses(tmp_path: Path) -> None:
    """Wrong credentials and missing rights are told apart from an absent broker."""
    (tmp_path / "acl").write_text("topic read none\n")
    closed = Broker(tmp_path / "closed", lines="allow_anonymous false\n")
    limited = Broker(tmp_path / "limited", lines=f"allow_anonymous true\nacl_file {tmp_path / 'acl'}\n")
    with closed.running(), limited.running():
        refused = json.loads(call("check", "--json", "--config", str(write(tmp_path, closed.port))).stdout)
        assert refused["checks"][1]["message"].endswith(
            "refused: user name, password or certificate not accepted: check the certificate, or user name and password,"
            " and this agent's rights at the broker"
        )


def test_bad_settings_end_every_command_with_2(tmp_path: Path) -> None:
    """All problems are told, with file and line."""
    path = write(tmp_path, 1883, "colour: red\npoll: {interval: 5}\n")
    for command in ("run", "check", "dump-config", "spool"):
        said = call(command, "--config", str(path))
        assert said.returncode == 2
        assert f"{path}:7: colour: unknown key" in said.stderr
        assert f"{path}:8: poll.interval: " in said.stderr
    missing = call("check", "--config", str(tmp_path / "none.yaml"))
    assert (missing.returncode, missing.stderr) == (2, f"{tmp_path / 'none.yaml'}: no such file or directory\n")


def test_probe_dump_config_and_spool(tmp_path: Path) -> None:
    """The small commands, for people and as JSON."""
    path = write(tmp_path, 1883, "devices: {cipher: {address: 127.0.0.9, touch: false}}\n")
    config = ("--config", str(path))
    probe = call("probe", "127.0.0.1", "--count", "2", *config)
    assert probe.returncode == 0
    assert "127.0.0.1 answers 2 of 2 packets" in probe.stdout
    as_json = json.loads(call("probe", "127.0.0.1", "--count", "2", "--json", *config).stdout)
    assert (as_json["outcome"], as_json["sent"], as_json["received"], as_json["loss_ratio"]) == ("ok", 2, 2, 0.0)
    untouchable = call("probe", "127.0.0.9", *config)
    assert untouchable.returncode == 1
    assert "touch: false" in untouchable.stdout

    dumped = call("dump-config", *config)
    assert dumped.returncode == 0
    (tmp_path / "again.yaml").write_text(dumped.stdout)
    assert call("dump-config", "--config", str(tmp_path / "again.yaml")).stdout == dumped.stdout

    nothing = call("spool", *config)
    assert nothing.returncode == 1
    assert "no spool here; the agent makes it when it first runs" in nothing.stderr
    assert call("--version").stdout == "tslcd-agent, version 0.1.0\n"
