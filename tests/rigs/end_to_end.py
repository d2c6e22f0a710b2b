"""``tests/soak end-to-end``: 500 agents, a broker and a collector, of which one part after another is killed, paused or cut off.

Processes with agents in them (:mod:`support.numbered_fleet`), each behind a link of its own; a Mosquitto with a memory on disk; a
collector behind a link. Acceptance by a spool makes an obligation, noted outside; the collector's journal gives back. The
oracle counts missing, invented and double; after each fault reports made since must be stored within :data:`RECOVERED`, and in
the end every spool must be empty within :data:`DRAINED`.
"""

from __future__ import annotations

import contextlib
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from rigs.broker import Account
from rigs.disk_commands import options, run
from rigs.page import Section
from support import inventories
from support.broker import Broker
from support.numbered_agent import RUN
from support.numbered_fleet import SAMPLES, name
from support.processes import Program, free_port, wait_until
from support.ways import Ways
from tslcd_collector.decompression import decompress
from tslcd_wire.codec import decode_report

if TYPE_CHECKING:
    from collections.abc import Callable

_TESTS: Final = Path(__file__).parents[1]
#: Seconds: between two faults, and how long one lasts.
EVERY: Final = (5.0, 30.0)
LASTING: Final = (1.0, 20.0)
#: Seconds: until what is measured after a fault is stored, and until every spool is empty when nothing is measured any more.
RECOVERED: Final = 180.0
DRAINED: Final = 120.0
#: What may happen, to what.
FAULTS: Final = (
    ("agents", "killed"),
    ("agents", "paused"),
    ("agents", "cut off"),
    ("broker", "killed"),
    ("broker", "paused"),
    ("broker", "wiped"),
    ("collector", "killed"),
    ("collector", "paused"),
    ("collector", "cut off"),
)
_PERSISTENT: Final = "allow_anonymous true\npersistence true\nautosave_interval 1\npersistence_location {folder}/\n"


class Size(NamedTuple):
    """How much. ``period``: seconds between two reports of an agent."""

    processes: int = 10
    agents: int = 50
    period: float = 4.0
    every: tuple[float, float] = EVERY
    lasting: tuple[float, float] = LASTING

    @property
    def rate(self) -> float:
        """Samples a second of all."""
        return self.processes * self.agents * SAMPLES / self.period


@dataclass
class Result:
    """What the oracle counts; how long each fault was felt after its end, and the end of it all, in seconds."""

    account: Account = field(default_factory=lambda: Account(0, 0, 0, 0))
    felt: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    drained: float = 0.0
    mistakes: list[str] = field(default_factory=list)

    def section(self, size: Size, minutes: float, seed: int) -> Section:
        """Return the figures."""
        rows = [
            (f"{part} {fault}", str(len(times)), f"{sorted(times)[len(times) // 2]:.1f}", f"{max(times):.1f}")
            for (part, fault), times in sorted(self.felt.items())
        ]
        one = self.account
        note = (
            f"{size.processes * size.agents} agents, {size.rate:,.0f} samples a second, {minutes:g} minutes: {one.obligations:,} reports "
            f"accepted by the spools: {one.missing} missing, {one.invented} invented, {one.double} double; every spool empty after "
            f"{self.drained:.1f} s (budgets: recovered {RECOVERED:.0f} s, empty {DRAINED:.0f} s); seed {seed}"
        )
        return Section("end-to-end", ("what, and how", "times", "felt, median s", "longest, s"), rows, [note])


class Province:
    """All programs, and the links between them. ``ways``: one for each process with agents, then the collector's."""

    def __init__(self, directory: Path, size: Size, mutant: str = "") -> None:
        """Write configurations; nothing runs yet."""
        self.size = size
        self.store = directory / "store"
        self.memory = directory / "memory"
        self.memory.mkdir()
        self.broker = Broker(directory / "broker", lines=_PERSISTENT.format(folder=self.memory))
        self.ways = Ways(self.broker.port, size.processes + 1)
        self.folders = [directory / f"fleet{number}" for number in range(size.processes)]
        self._directory = directory
        self._mutant = mutant
        self.fleets: list[Program] = []

    def prepare(self) -> None:
        """Write what needs the links' ports."""
        size, settings = self.size, self._directory / "collector.yaml"
        known = inventories.write(self._directory / "inventory", _inventory(size.processes * size.agents))
        settings.write_text(
            f"broker: {{port: {self.ways.ports[-1]}}}\ninventory: {known}\nstore: {{directory: {self.store}, keep: 1d}}\n"
            f"web: {{port: {free_port()}}}\n"
        )
        self.collector = Program(
            [sys.executable, "-m", "tslcd_collector", "run", "--config", str(settings)],
            self._directory / "collector.log",
        )
        for number, folder in enumerate(self.folders):
            folder.mkdir()
            words = (folder, self.ways.ports[number], number * size.agents + 1, size.agents, size.period, self._mutant)
            command = [sys.executable, "-m", "support.numbered_fleet", *(str(word) for word in words if word != "")]
            self.fleets.append(
                Program(command, self._directory / f"fleet{number}.log", env={"PYTHONPATH": str(_TESTS)})
            )

    def programs(self) -> list[Program]:
        """Return all."""
        return [self.broker.program, self.collector, *self.fleets]

    def happen(self, part: str, fault: str, number: int, seconds: float) -> None:
        """Let a fault begin, last and end; ``number`` chooses among the processes with agents."""
        program = {"agents": self.fleets[number], "broker": self.broker.program, "collector": self.collector}[part]
        way = number if part == "agents" else -1
        if fault == "paused":
            program.signal(signal.SIGSTOP)
        elif fault == "cut off":
            self.ways.silence(way)
        else:
            program.kill()
        if fault == "wiped":
            for one in self.memory.iterdir():
                one.unlink()
        time.sleep(seconds)
        if fault == "paused":
            program.signal(signal.SIGCONT)
        elif fault == "cut off":
            self.ways.restore(way)
        else:
            program.start()

    def fresh(self, number: int, since: float) -> bool:
        """Whether the journal has, of every agent in a process, a report measured since then (Unix seconds)."""
        first = number * self.size.agents + 1
        with contextlib.closing(self._journal()) as connection:
            (count,) = connection.execute(
                "SELECT count(DISTINCT agent) FROM latest WHERE at > ? AND agent BETWEEN ? AND ?",
                (since, name(first), name(first + self.size.agents - 1)),
            ).fetchone()
        return int(count) == self.size.agents

    def all_fresh(self, since: float) -> bool:
        """Whether it has of every agent."""
        return all(self.fresh(number, since) for number in range(self.size.processes))

    def waiting(self) -> int:
        """Count what lies in the spools; needs the stop file."""
        return sum(int((folder / "waiting").read_text()) for folder in self.folders)

    def account(self, told: list[str]) -> Account:
        """Compare obligations with the journal; ``told``: gets a line for each that is missing."""
        accepted: set[tuple[str, int]] = set()
        allowed: set[tuple[str, int]] = set()
        for place, folder in enumerate(self.folders):
            mine = {(agent, int(one)) for agent, one in map(str.split, (folder / "ledger").read_text().splitlines())}
            accepted |= mine
            # accepted by the spool, and killed before the note: one number may follow a noted one, or be a run's only one
            runs = len((folder / "runs").read_text().split())
            agents = [name(place * self.size.agents + 1 + number) for number in range(self.size.agents)]
            allowed |= mine | {(agent, number + 1) for agent, number in mine}
            allowed |= {(agent, run * RUN + 1) for agent in agents for run in range(1, runs + 1)}
        counts: Counter[tuple[str, int]] = Counter()
        with contextlib.closing(self._journal()) as connection:
            for agent, payload in connection.execute("SELECT agent, payload FROM journal"):
                table = decode_report(payload, decompress).report.tables["probe"]
                counts[agent, int(table["packets_sent"][0])] += 1
        for agent, number in sorted(accepted - counts.keys()):
            later = sorted(one for who, one in accepted if who == agent and one > number)
            told.append(
                f"missing: {agent} number {number % RUN} of run {number // RUN}; noted after it: {len(later)}, "
                f"of the same run {sum(one // RUN == number // RUN for one in later)}; stored after it: "
                f"{sum((agent, one) in counts for one in later)}"
            )
        return Account(
            len(accepted),
            missing=len(accepted - counts.keys()),
            invented=len(counts.keys() - allowed),
            double=sum(count - 1 for count in counts.values()),
        )

    def _journal(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self.store / 'collector.db'}?mode=ro", uri=True, timeout=30)


def _inventory(agents: int) -> dict[str, str | None]:
    """Return the files that tell of so many agents, with a channel each."""
    devices, channels = ["devices:\n"], ["channels:\n"]
    for number in range(1, agents + 1):
        agent = name(number)
        devices.append(f"- {{id: d{number}, site: s1, agent: {agent}, role: router}}\n")
        channels.append(
            f"- {{id: c{number}, site: s1, agency: ubnd, operator: VNPT, circuit: VNPT-{number}, access_level: II, contracted: 200Mbps, "
            f"connected_since: 2025-07-01, legal_document: 01/2025, binding: {{agent: {agent}, probes: [p0]}}}}\n"
        )
    return {"devices.yaml": "".join(devices), "channels.yaml": "".join(channels)}


def play(
    directory: Path,
    minutes: float,
    seed: int,
    size: Size | None = None,
    *,
    mutant: str = "",
    tell: Callable[[int], None] = lambda _: None,
) -> Result:
    """Let faults happen for so long, and account for everything. Raises TimeoutError when not even the beginning works."""
    size = size or Size()
    province = Province(directory, size, mutant)
    result = Result()
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    with province.ways.open():
        province.prepare()
        try:
            for program in province.programs():
                program.start()
            began = time.time()
            wait_until(lambda: province.all_fresh(began), RECOVERED, "a report of every agent")
            faults: list[tuple[str, str]] = []
            begin = time.monotonic()
            while time.monotonic() - begin < minutes * 60:
                before = time.monotonic()
                time.sleep(dice.uniform(*size.every))
                faults = faults or dice.sample(FAULTS, len(FAULTS))
                fault = faults.pop()
                _one(province, result, fault, dice)
                tell(round(time.monotonic() - before))
            _drain(province, result)
        except TimeoutError as error:
            error.add_note(province.collector.output()[-1500:])
            raise
        finally:
            for program in reversed(province.programs()):
                program.kill()
    lines: list[str] = []
    result.account = province.account(lines)
    for what, count in result.account._asdict().items():
        if what != "obligations" and count:
            result.mistakes.append(f"{count} reports {what}")
    result.mistakes += lines
    return result


def _one(province: Province, result: Result, fault: tuple[str, str], dice: random.Random) -> None:
    """Let one fault happen, and see that it is overcome."""
    number = dice.randrange(province.size.processes)
    province.happen(*fault, number, dice.uniform(*province.size.lasting))
    ended, since = time.monotonic(), time.time()
    try:
        if fault[0] == "agents":
            wait_until(lambda: province.fresh(number, since), RECOVERED)
        else:
            wait_until(lambda: province.all_fresh(since), RECOVERED)
    except TimeoutError:
        result.mistakes.append(f"{' '.join(fault)}: not recovered within {RECOVERED:.0f} s")
    result.felt[fault].append(time.monotonic() - ended)


def _drain(province: Province, result: Result) -> None:
    """Measure nothing more, and wait for empty spools."""
    stopped = time.monotonic()
    for folder in province.folders:
        (folder / "stop").touch()
    try:
        wait_until(lambda: province.waiting() == 0, DRAINED)
    except TimeoutError:
        result.mistakes.append(f"spools not empty within {DRAINED:.0f} s")
    result.drained = time.monotonic() - stopped


@click.command("end-to-end")
@click.option("--minutes", default=60.0, show_default=True, help="How long faults happen.")
@options
def end_to_end(*, minutes: float, seed: int, **output: Any) -> None:
    """Kill, pause and cut off parts of a province with 500 agents, and account for every report."""

    def work(tell: Callable[[int], None]) -> tuple[Section, list[str]]:
        with tempfile.TemporaryDirectory() as folder:
            result = play(Path(folder), minutes, seed, tell=tell)
        return result.section(Size(), minutes, seed), result.mistakes

    run("end-to-end", round(minutes * 60), work, **output)
