"""The stage: every part of the demo with its configuration, started in order and stopped in reverse.

``devices → broker → collector → Alertmanager → Prometheus → agents``. Everything is written below one working folder, made anew at each
start; one demo runs at a time on a machine, held by a lock that the kernel releases however the demo ends.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import struct
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from province.devices import FIREWALL, ROUTER, Devices
from province.parts import DemoError, Part, listens, require_free, wait_for
from tslcd_collector import inventory as inventories

if TYPE_CHECKING:
    from tslcd_collector.inventory import Inventory

#: How often agents ask and measure, and how often Prometheus scrapes: fast, so that a person need not wait.
INTERVAL: Final = "2s"
#: How often the recorded devices are asked: one process plays all of them, and nothing of them changes fast.
UNHURRIED: Final = "4s"
#: How often a group of rules is evaluated, and for how long a fault must last before it is one.
_WAITING: Final = re.compile(r"(?m)^(\s+(?:interval|for):) .*$")
#: What a sample of load is made of: after the start nothing is known of a channel, and a sample would be five minutes away.
_SAMPLE: Final = "[5m]"
#: An abstract address (unix(7)): it belongs to nobody's folder, and is free again however its holder ends.
_LOCK: Final = "\0tslcd-demo"


@dataclass(frozen=True)
class Ports:
    """Where things listen on 127.0.0.1; devices by UDP, on addresses of their own."""

    broker: int
    collector: int
    prometheus: int
    devices: int
    alertmanager: int

    @classmethod
    def from_base(cls, base: int) -> Ports:
        """Return five ports in a row."""
        return cls(base, base + 1, base + 2, base + 3, base + 4)


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
        self.alertmanager_program = shutil.which("prometheus-alertmanager")
        if self.alertmanager_program:
            tcp["Alertmanager"] = ports.alertmanager
        require_free(tcp)
        keys = [key for key, device in self.inventory.devices.items() if device.touch]
        self.devices = Devices(self.work, keys, ports.devices, real=real)
        self.broker = self._broker()
        self.collector = self._collector()
        self.alertmanager = self._alertmanager()
        self.prometheus = self._prometheus()
        self.agents = {agent: self._agent(agent) for agent in self.inventory.agents}

    def start(self) -> None:
        """Start everything and wait until each part answers. Raises DemoError with the last words of the one that does not."""
        self.devices.start()
        self.broker.start()
        wait_for(lambda: listens(self.ports.broker), 20, "the broker listens", self.broker)
        self.collector.start()
        wait_for(lambda: self.fetch("/-/ready"), 30, "the collector is ready", self.collector)
        if self.alertmanager:
            self.alertmanager.start()
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
        for part in (self.prometheus, self.alertmanager, self.collector, self.broker):
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
        # what was measured while nobody scraped goes into Prometheus afterwards, as the series that it scrapes
        store = f"{{name: prometheus, url: 'http://127.0.0.1:{self.ports.prometheus}/api/v1/write'}}"
        backfill = f"""\
backfill:
  targets: [{store}]
  labels: {{job: tslcd-collector, instance: '127.0.0.1:{self.ports.collector}'}}
  window: 1d
"""
        file.write_text(
            f"""\
provinces: ['{self.inventory.province.code}']
broker: {{host: 127.0.0.1, port: {self.ports.broker}, protocol: '{self._protocol}'}}
inventory: {self.project / "configs" / "inventory"}
store: {{directory: {self.store}, keep: 1d}}
web: {{host: 127.0.0.1, port: {self.ports.collector}}}
intake: {{ack_interval: 500ms}}
{backfill if self.prometheus_program else ""}"""
        )
        return Part(
            "collector", [_script("tslcd-collector"), "run", "--config", str(file)], self.work / "collector.log"
        )

    def _prometheus(self) -> Part | None:
        """Prometheus with the rules of ``deploy/prometheus``, scraping and judging as fast as the agents ask."""
        if self.prometheus_program is None:
            return None
        file = self.work / "prometheus.yml"
        rules = self.work / "rules"
        rules.mkdir()
        for path in (self.project / "deploy" / "prometheus" / "rules").glob("*.rules.yml"):
            (rules / path.name).write_text(_WAITING.sub(r"\1 2s", path.read_text()).replace(_SAMPLE, "[10s]"))
        others = "".join(
            f"  - {{job_name: {name}, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}\n"
            for name, port, runs in (
                ("prometheus", self.ports.prometheus, True),
                ("alertmanager", self.ports.alertmanager, self.alertmanager is not None),
            )
            if runs
        )
        alerting = (
            f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{self.ports.alertmanager}']}}]}}]}}"
        )
        file.write_text(
            f"""\
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 2s}}
rule_files: ['{rules}/*.rules.yml']
storage: {{tsdb: {{out_of_order_time_window: 1d}}}}
{alerting if self.alertmanager else ""}
scrape_configs:
  - job_name: tslcd-collector
    static_configs: [{{targets: ['127.0.0.1:{self.ports.collector}']}}]
{others}"""
        )
        command = [
            self.prometheus_program,
            f"--config.file={file}",
            f"--storage.tsdb.path={self.work / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{self.ports.prometheus}",
            "--web.enable-remote-write-receiver",
            "--log.level=warn",
        ]
        return Part("Prometheus", command, self.work / "prometheus.log")

    def _alertmanager(self) -> Part | None:
        """Alertmanager, where it is installed; in a demo it tells nobody."""
        if self.alertmanager_program is None or self.prometheus_program is None:
            return None
        file = self.work / "alertmanager.yml"
        file.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
        command = [
            self.alertmanager_program,
            f"--config.file={file}",
            f"--storage.path={self.work / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{self.ports.alertmanager}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]
        return Part("Alertmanager", command, self.work / "alertmanager.log")

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
        interval = INTERVAL if agent in {FIREWALL[0], ROUTER[0]} else UNHURRIED
        file = folder / "agent.yaml"
        file.write_text(
            f"""\
agent: {{id: {agent}, province: '{self.inventory.province.code}'}}
brokers: [{{host: 127.0.0.1, port: {self.ports.broker}, protocol: '{self._protocol}'}}]
spool: {{directory: {self.spool(agent)}}}
courier: {{ack_timeout: 5s, live_window: 10s, reconnect_min: 200ms, reconnect_max: 1s}}
poll: {{interval: {interval}, timeout: 1s, retries: 0, budget: {interval}}}
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
