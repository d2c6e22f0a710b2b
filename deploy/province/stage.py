"""The stage: every part of the demo with its configuration, started in order and stopped in reverse.

``devices → broker → collector → Prometheus → agents``. Everything is written below one working folder, made anew at each
start; one demo runs at a time on a machine, held by a lock that the kernel releases however the demo ends.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import struct
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from province.devices import Devices
from province.parts import DemoError, Part, listens, require_free, wait_for
from tslcd_collector import inventory as inventories

if TYPE_CHECKING:
    from tslcd_collector.inventory import Inventory

#: How often agents ask and measure, and how often Prometheus scrapes: fast, so that a person need not wait.
INTERVAL: Final = "2s"
#: An abstract address (unix(7)): it belongs to nobody's folder, and is free again however its holder ends.
_LOCK: Final = "\0tslcd-demo"


@dataclass(frozen=True)
class Ports:
    """Where things listen on 127.0.0.1; devices by UDP, on addresses of their own."""

    broker: int
    collector: int
    prometheus: int
    devices: int

    @classmethod
    def from_base(cls, base: int) -> Ports:
        """Return four ports in a row."""
        return cls(base, base + 1, base + 2, base + 3)


class Stage:
    """The whole demo. ``real``: Mosquitto, Net-SNMP and namespaces, as root; otherwise what needs no rights."""

    def __init__(self, project: Path, ports: Ports, *, real: bool) -> None:
        """Take the lock, clear the working folder and write every configuration. Raises DemoError."""
        self._lock = _take_lock()
        self.project = project
        self.ports = ports
        self.real = real
        self.work = project / ".work" / "demo"
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True, mode=0o700)
        self.inventory: Inventory = inventories.load(project / "configs" / "inventory")
        tcp = {"MQTT broker": ports.broker, "collector": ports.collector}
        self.prometheus_program = shutil.which("prometheus")
        if self.prometheus_program:
            tcp["Prometheus"] = ports.prometheus
        require_free(tcp)
        keys = [key for key, device in self.inventory.devices.items() if device.touch]
        self.devices = Devices(self.work, keys, ports.devices, real=real)
        self.broker = self._broker()
        self.collector = self._collector()
        self.prometheus = self._prometheus()
        self.agents = {agent: self._agent(agent) for agent in self.inventory.agents}

    def start(self) -> None:
        """Start everything and wait until each part answers. Raises DemoError with the last words of the one that does not."""
        self.devices.start()
        self.broker.start()
        wait_for(lambda: listens(self.ports.broker), 20, "the broker listens", self.broker)
        self.collector.start()
        wait_for(lambda: self.fetch("/-/ready"), 30, "the collector is ready", self.collector)
        if self.prometheus:
            self.prometheus.start()
            wait_for(lambda: _get(f"{self.prometheus_url}/-/ready"), 30, "Prometheus is ready", self.prometheus)
        for agent in self.agents.values():
            agent.start()

    def stop(self) -> None:
        """Stop everything, in reverse; also what was started only in part."""
        for agent in self.agents.values():
            agent.signal_stop()
        for agent in self.agents.values():
            agent.stop()
        for part in (self.prometheus, self.collector, self.broker):
            if part is not None:
                part.stop()
        self.devices.stop()
        self._lock.close()

    def rest(self) -> None:
        """Let agents say goodbye and the collector store what is under way; both stay stopped."""
        for agent in self.agents.values():
            agent.signal_stop()
        for agent in self.agents.values():
            agent.stop()
        time.sleep(1)  # the last acknowledged messages are within the broker now
        self.collector.stop()

    def fetch(self, path: str) -> bytes:
        """GET a path of the collector. Raises OSError."""
        return _get(f"{self.collector_url}{path}")

    @property
    def collector_url(self) -> str:
        """Where the collector is."""
        return f"http://127.0.0.1:{self.ports.collector}"

    @property
    def prometheus_url(self) -> str:
        """Where Prometheus is, or empty without one."""
        return f"http://127.0.0.1:{self.ports.prometheus}" if self.prometheus else ""

    def spool(self, agent: str) -> Path:
        """Return the folder of an agent's spool."""
        return self.work / agent / "spool"

    @property
    def store(self) -> Path:
        """Folder of the collector's store."""
        return self.work / "collector"

    def _broker(self) -> Part:
        """Mosquitto, or without root the broker that needs no installing (amqtt, MQTT 3.1.1)."""
        folder = self.work / "broker"
        folder.mkdir()
        if self.real:
            program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin")
            if program is None:
                raise DemoError("mosquitto is not installed")
            configuration = folder / "mosquitto.conf"
            configuration.write_text(
                f"user root\nlistener {self.ports.broker} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 1000\n"
            )
            return Part("broker", [program, "-c", str(configuration)], self.work / "broker.log")
        configuration = folder / "amqtt.yaml"
        configuration.write_text(
            f"listeners:\n  default:\n    type: tcp\n    bind: 127.0.0.1:{self.ports.broker}\n"
            "plugins:\n  amqtt.plugins.authentication.AnonymousAuthPlugin:\n    allow_anonymous: true\n"
        )
        return Part("broker", [_script("amqtt"), "-c", str(configuration)], self.work / "broker.log")

    @property
    def _protocol(self) -> str:
        return "5" if self.real else "3.1.1"

    def _collector(self) -> Part:
        file = self.work / "collector.yaml"
        file.write_text(
            f"""\
provinces: ['{self.inventory.province.code}']
broker: {{host: 127.0.0.1, port: {self.ports.broker}, protocol: '{self._protocol}'}}
inventory: {self.project / "configs" / "inventory"}
store: {{directory: {self.store}, keep: 1d}}
web: {{host: 127.0.0.1, port: {self.ports.collector}}}
intake: {{ack_interval: 500ms}}
"""
        )
        return Part(
            "collector", [_script("tslcd-collector"), "run", "--config", str(file)], self.work / "collector.log"
        )

    def _prometheus(self) -> Part | None:
        """Prometheus with the rules of ``deploy/prometheus``, scraping as fast as the agents ask."""
        if self.prometheus_program is None:
            return None
        file = self.work / "prometheus.yml"
        rules = self.project / "deploy" / "prometheus" / "rules"
        file.write_text(
            f"""\
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 2s}}
rule_files: ['{rules}/*.rules.yml']
scrape_configs:
  - job_name: tslcd-collector
    static_configs: [{{targets: ['127.0.0.1:{self.ports.collector}']}}]
"""
        )
        command = [
            self.prometheus_program,
            f"--config.file={file}",
            f"--storage.tsdb.path={self.work / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{self.ports.prometheus}",
            "--log.level=warn",
        ]
        return Part("Prometheus", command, self.work / "prometheus.log")

    def _agent(self, agent: str) -> Part:
        folder = self.work / agent
        folder.mkdir()
        devices = "".join(
            f"  {key[1]}: {{address: {source.address}, port: {source.port}, snmp: {source.snmp}}}\n"
            for key, source in self.devices.sources.items()
            if key[0] == agent
        )
        probes = "".join(
            f"  {name}: {{target: {target}, count: 3, spacing: 100ms, timeout: 1s, interval: {INTERVAL}}}\n"
            for name, target in self.devices.targets(agent).items()
        )
        file = folder / "agent.yaml"
        file.write_text(
            f"""\
agent: {{id: {agent}, province: '{self.inventory.province.code}'}}
brokers: [{{host: 127.0.0.1, port: {self.ports.broker}, protocol: '{self._protocol}'}}]
spool: {{directory: {self.spool(agent)}}}
courier: {{ack_timeout: 5s, live_window: 10s, reconnect_min: 200ms, reconnect_max: 1s}}
poll: {{interval: {INTERVAL}, timeout: 1s, retries: 0, budget: {INTERVAL}}}
heartbeat: {{interval: 5s}}
devices:
{devices}
probes:
{probes}"""
        )
        return Part(f"agent {agent}", [_script("tslcd-agent"), "run", "--config", str(file)], folder / "agent.log")


def _get(url: str) -> bytes:
    """GET. Raises OSError, also for an answer that is not good."""
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback, http
        body: bytes = answer.read()
        return body


def _script(name: str) -> str:
    """Return a program of the environment that runs the demo."""
    return str(Path(sys.executable).with_name(name))


def _take_lock() -> socket.socket:
    """Refuse to run beside another demo: both would use the same namespaces and the same folder. Raises DemoError."""
    lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        lock.bind(_LOCK)
        lock.listen()
    except OSError:
        with lock:
            holder = ""
            with contextlib.suppress(OSError):
                lock.connect(_LOCK)
                credentials = lock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
                holder = f" (pid {struct.unpack('3i', credentials)[0]})"
        raise DemoError(f"another demo is running on this machine{holder}: end it first") from None
    return lock
