"""The stand of ``intake`` and ``scrape``: one broker, our collector, the peer in both its forms, and the load.

Everything on free ports of loopback; everything ends with the block.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from bench import programs
from bench.load import OURS, PER_DEVICE, PER_INTERFACE
from bench.mqtt2prometheus import Mqtt2Prometheus, configuration
from bench.scraping import Scraper
from bench.synthetic import PEER_ROOT, Router, fields_per_device, fields_per_interface
from support.processes import Program, free_port, port_open, running
from tslcd_collector.inventory import load as load_inventory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Families that are about channels, interfaces and devices, not about the exporter itself.
OUR_FAMILIES: Final = "tslcd_(?!collector_)"
PEER_FAMILIES: Final = "peer_"


class Contestant:
    """One of the programs under load: its process, its metrics, and the families that count."""

    def __init__(self, form: str, program: Program, port: int, families: str) -> None:
        """Remember."""
        self.form = form
        self.program = program
        self.port = port
        self.families = families
        self.scraper = Scraper(lambda: socket.create_connection(("127.0.0.1", port), timeout=30))

    @property
    def pid(self) -> int:
        """Process id."""
        return self.program.pid

    def samples(self) -> int:
        """Count what it exposes now."""
        return self.scraper.get("/metrics").samples(self.families)


class Stand:
    """Everything, running. ``ours``, ``per_interface`` and ``per_device`` are the contestants."""

    def __init__(self, folder: Path, communes: int, interfaces: int) -> None:
        """Write every configuration; nothing runs yet."""
        self.interfaces = interfaces
        self._broker_port = free_port()
        self._broker = programs.broker(folder, self._broker_port)
        inventory_folder = programs.write_inventory(folder, communes)
        self.routers = [
            {"province": programs.PROVINCE, "agent": agent, "device": device}
            for agent, device in load_inventory(inventory_folder).devices
        ]
        self.samples_per_router = Router("", "", "", interfaces).samples
        port = free_port()
        collector = programs.collector(
            folder, inventory_folder=inventory_folder, broker_port=self._broker_port, port=port
        )
        self.ours = Contestant(OURS, collector, port, OUR_FAMILIES)
        self.per_interface = self._peer(folder, PER_INTERFACE)
        self.per_device = self._peer(folder, PER_DEVICE)
        self._load: subprocess.Popen[str] | None = None

    def _peer(self, folder: Path, form: str) -> Contestant:
        fields = fields_per_interface() if form == PER_INTERFACE else fields_per_device(self.interfaces)
        level = "interfaces" if form == PER_INTERFACE else "devices"
        text = configuration(
            self._broker_port, f"{PEER_ROOT}/{level}/#", f"{PEER_ROOT}/{level}/(?P<deviceid>.*)", fields, form
        )
        port = free_port()
        peer = Mqtt2Prometheus(folder, text, port=port, name=f"mqtt2prometheus-{form}")
        return Contestant(form, peer.program, port, PEER_FAMILIES)

    @contextlib.contextmanager
    def running(self) -> Iterator[Stand]:
        """Run everything for the time of a block."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(running(self._broker, lambda: port_open(self._broker_port)))
            for one in (self.ours, self.per_interface, self.per_device):
                stack.callback(one.scraper.close)
                path = "/-/ready" if one is self.ours else "/metrics"
                stack.enter_context(
                    running(one.program, lambda one=one, path=path: one.scraper.get(path), timeout=30)  # type: ignore[misc]
                )
            command = [sys.executable, "-m", "bench.load", str(self._broker_port), str(self.interfaces)]
            self._load = stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            stack.callback(self._load.terminate)
            self._say(json.dumps(self.routers))
            yield self

    def publish(self, contestant: Contestant, rounds: int, pause: float) -> int:
        """Publish readings of every router for one contestant, and return the number of samples."""
        self._say(f"{contestant.form} {rounds} {pause}")
        if self._load is None or self._load.stdout is None:
            raise RuntimeError("not running")
        answer = self._load.stdout.readline()
        if not answer:
            raise RuntimeError("the load ended: its words are above")
        return int(answer)

    def _say(self, line: str) -> None:
        if self._load is None or self._load.stdin is None:
            raise RuntimeError("not running")
        self._load.stdin.write(line + "\n")
        self._load.stdin.flush()
