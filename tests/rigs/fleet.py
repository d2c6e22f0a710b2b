"""The fleet rig: one real agent, many devices, some of them bad; the good ones may miss no round.

The agent is ``tslcd-agent run`` as a process, the broker a Mosquitto, the collector one that acknowledges and keeps what it is
judged by. Devices are one process more (:mod:`rigs.devices`). A round is *missed* when a tick of a good device brought no
reading, or more than one, or one that is not complete: state, every interface, every value as the device has it.

Ticks are computed here once more from the grid that :mod:`tslcd_agent.schedule` promises, in the agent's own time of
measurement (``mono``), so that a broker's delay is nobody's miss.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import socket
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench import machine
from bench.meter import Meter, resident_bytes
from rigs.page import Section
from support import snmp_responder as responder
from support.broker import Broker
from support.fake_collector import FakeCollector
from support.processes import Program, running
from tslcd_agent.schedule import phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tslcd_wire.report import Report

TESTS: Final = Path(__file__).parents[1]
MIB: Final = 2**20
_MOST_MISTAKES: Final = 20


@dataclass(frozen=True)
class Size:
    """What is run and for how long. ``hostile``: behaviours of the hostile devices, one device each."""

    seconds: float = 600.0
    interval: float = 5.0
    good: int = 30
    silent: int = 10
    slow: int = 5
    hostile: tuple[str, ...] = ("garbage", "looping", "storming", "late", "mutating")
    rows: int = 12

    def behaviours(self) -> list[str]:
        """Return the behaviour of every device; bad ones stand between the good ones."""
        bad = ["silent"] * self.silent + ["slow"] * self.slow + list(self.hostile)
        return ["good"] * self.good + bad


@dataclass
class Course:
    """What was seen. ``begins``, ``ends``: the watched time, CLOCK_BOOTTIME seconds."""

    size: Size
    begins: float = 0.0
    ends: float = math.inf
    rounds: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    states: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    durations: list[float] = field(default_factory=list)
    lateness: list[float] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    expected: int = 0
    missed: int = 0
    cpu: float = 0.0
    memory: int = 0

    def take(self, report: Report) -> None:
        """Take note of a report of a device."""
        behaviour, _, number = report.device.partition("-")
        table = report.tables.get("device")
        if not number.isdigit() or table is None or not self.begins <= report.mono < self.ends:
            return
        self.states[report.device][table["snmp_state"][0]] += 1
        if behaviour != "good":
            return
        interval = self.size.interval
        offset = phase(report.device, interval) + time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
        tick = math.floor((report.mono - offset) / interval)
        self.rounds[report.device][tick] += 1
        self.durations.append(table["poll_duration_seconds"][0])
        self.lateness.append(report.mono - offset - tick * interval)
        if wrong := self._wrong(report, int(number)):
            self._note(f"{report.device}, tick {tick}: {wrong}")
            self.rounds[report.device][tick] += 1_000_000  # which is not exactly one

    def _wrong(self, report: Report, number: int) -> str:
        """Return what is not as the device has it."""
        device, interfaces = report.tables["device"], report.tables.get("interface")
        if device["snmp_state"] != ["ok"] or device.get("poll_complete", [1]) != [1]:
            return f"state {device['snmp_state'][0]}, complete {device.get('poll_complete')}"
        if device.get("sys_name") != [f"router-{number}"]:
            return f"name {device.get('sys_name')}"
        if interfaces is None:
            return "no interfaces"
        expected = {f"Gi0/{row}": responder.counter(number, row, 6) for row in range(1, self.size.rows + 1)}
        found = dict(zip(interfaces["key"], interfaces.get("receive_bytes_total", []), strict=False))
        return "" if found == expected else f"interfaces {found}"

    def judge(self) -> None:
        """Count the ticks that brought no single complete reading."""
        interval = self.size.interval
        shift = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
        for number, behaviour in enumerate(self.size.behaviours(), 1):
            if behaviour != "good":
                continue
            name = f"good-{number}"
            offset = phase(name, interval) + shift
            first = math.ceil((self.begins - offset) / interval)
            last = math.floor((self.ends - offset) / interval)
            for tick in range(first, last):
                self.expected += 1
                count = self.rounds[name][tick]
                if count != 1:
                    self.missed += 1
                    self._note(f"{name}, tick {tick - first + 1}: {count} readings")

    def _note(self, words: str) -> None:
        if len(self.mistakes) < _MOST_MISTAKES:
            self.mistakes.append(words)

    def section(self) -> Section:
        """Return the figures."""
        size = self.size
        seconds = self.ends - self.begins
        rows = []
        for behaviour in dict.fromkeys(size.behaviours()):
            states: Counter[str] = Counter()
            devices = [name for name in self.states if name.partition("-")[0] == behaviour]
            for name in devices:
                states += self.states[name]
            told = ", ".join(f"{state} {count}" for state, count in states.most_common())
            rows.append((behaviour, str(size.behaviours().count(behaviour)), str(states.total()), told))
        notes = [
            (
                f"{size.good} good devices among {len(size.behaviours())}, {size.rows} interfaces each, every {size.interval:g} s for "
                f"{seconds:.0f} s: {self.expected:,} rounds due, {self.missed} missed"
            ),
            (
                f"round of a good device: median {_ms(self.durations, 50)}, p99 {_ms(self.durations, 99)}, longest "
                f"{_ms(self.durations, 100)}; begun after its tick: p99 {_ms(self.lateness, 99)}, at most {_ms(self.lateness, 100)}"
            ),
            f"the agent: {self.cpu / seconds * 100:.1f} % of one CPU, {self.memory / MIB:.1f} MiB resident",
        ]
        return Section("fleet", ("device", "devices", "readings", "states told"), rows, notes)


def _ms(values: list[float], share: int) -> str:
    if len(values) < 2:
        return "–"
    found = max(values) if share == 100 else statistics.quantiles(values, n=100)[share - 1]
    return f"{found * 1e3:.0f} ms"


def watch(size: Size, tell: Callable[[float], None] = lambda _: None) -> Course:
    """Run everything for ``size.seconds`` and judge. Raises MissingError."""
    machine.require("mosquitto")
    with tempfile.TemporaryDirectory(prefix="tslcd-fleet-") as folder:
        return asyncio.run(_watch(Path(folder), size, tell))


async def _watch(folder: Path, size: Size, tell: Callable[[float], None]) -> Course:
    course = Course(size)
    broker = Broker(folder / "broker")
    plan = [
        (port, behaviour, number, size.rows)
        for number, (port, behaviour) in enumerate(
            zip(_ports(len(size.behaviours())), size.behaviours(), strict=True), 1
        )
    ]
    agent = Program(
        [sys.executable, "-m", "tslcd_agent", "run", "--config", str(_settings(folder, broker.port, plan, size))],
        folder / "agent.log",
    )
    with broker.running(), devices(folder, plan):
        async with FakeCollector(broker.port, agent="fleet") as collector:
            with running(agent, agent.running):
                await _settled(collector, size)
                meter = Meter(agent.pid)
                began = time.monotonic()
                course.begins = time.clock_gettime(time.CLOCK_BOOTTIME)
                while (done := time.monotonic() - began) < size.seconds:
                    await asyncio.sleep(min(1.0, size.seconds - done))
                    tell(min(1.0, size.seconds - done))
                    _drain(collector, course)
                course.cpu, course.memory = meter.seconds(), resident_bytes(agent.pid)
                course.ends = time.clock_gettime(time.CLOCK_BOOTTIME)
                # readings of the last tick may be under way; judge() asks for none of it
                await asyncio.sleep(1.0)
                _drain(collector, course)
    course.judge()
    if "Traceback" in (output := agent.output()):
        course.mistakes.append(output[output.index("Traceback") :][:2000])
    return course


async def _settled(collector: FakeCollector, size: Size) -> None:
    """Wait until every good device was read once. Raises TimeoutError naming those that were not."""
    waiting = {f"good-{number}" for number, behaviour in enumerate(size.behaviours(), 1) if behaviour == "good"}
    deadline = time.monotonic() + 30 + size.interval
    while waiting:
        waiting -= {one.report.device for one in collector.heard if "interface" in one.report.tables}
        if time.monotonic() > deadline:
            raise TimeoutError(f"never read: {sorted(waiting)}")
        await asyncio.sleep(0.05)
    collector.heard.clear()


def _drain(collector: FakeCollector, course: Course) -> None:
    """Take what came, and keep none of it."""
    heard, collector.heard[:] = list(collector.heard), []
    for one in heard:
        course.take(one.report)


def _ports(count: int) -> list[int]:
    """Return so many free UDP ports."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(count)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]


def _settings(folder: Path, port: int, plan: list[tuple[int, str, int, int]], size: Size) -> Path:
    """Write the agent's settings."""
    community = folder / "community"
    community.write_text("public")
    community.chmod(0o600)
    settings: dict[str, Any] = {
        "agent": {"id": "fleet", "province": "86"},
        "brokers": [{"host": "127.0.0.1", "port": port}],
        "spool": {"directory": str(folder / "spool")},
        "poll": {
            "interval": f"{size.interval:g}s",
            "budget": f"{size.interval * 0.8:g}s",
            "timeout": "1s",
            "retries": 1,
        },
        "log": {"format": "logfmt"},
        "devices": {
            f"{behaviour}-{number}": {
                "address": "127.0.0.1",
                "port": device,
                "snmp": {"community": {"file": str(community)}},
            }
            for device, behaviour, number, _ in plan
        },
    }
    path = folder / "agent.yaml"
    path.write_text(json.dumps(settings))  # which YAML includes
    return path


@contextlib.contextmanager
def devices(folder: Path, plan: list[tuple[int, str, int, int]]) -> Iterator[Program]:
    """Run the devices for the time of a block."""
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    program = Program([sys.executable, "-m", "rigs.devices", json.dumps(plan)], folder / "devices.log", env=environment)
    with running(program, lambda: "ready" in program.output(), timeout=20):
        yield program
