"""``tests/soak broker``: a broker that is killed, wiped, full or mute, between an agent and a collector that are whole.

The source numbers what it hands over; acceptance by the spool makes an obligation, noted outside; the collector's journal
gives back. The oracle counts missing, invented and double. After each fault a fresh report must get through.
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
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from rigs.disk_commands import options, run
from rigs.page import Section
from support.broker import Broker
from support.numbered_agent import RUN
from support.processes import Program, free_port, wait_until
from tslcd_agent.spool.inspection import inspect
from tslcd_collector.decompression import decompress
from tslcd_wire.codec import decode_report

if TYPE_CHECKING:
    from collections.abc import Callable

_TESTS: Final = Path(__file__).parents[1]
_INVENTORY: Final = _TESTS.parent / "configs" / "inventory"
#: What happens to the broker. Killed: it has what it saved within a second. Wiped: nothing. Full: it keeps five messages for who is
#: slow, and the collector stands still meanwhile. Mute: it holds its connections and says nothing.
FAULTS: Final = ("killed", "wiped", "full", "mute")
#: How long a fault lasts, in seconds, and how long the way may need until a fresh report is stored.
LASTING: Final = (0.3, 3.0)
RECOVERED: Final = 60.0
_PERSISTENT: Final = "allow_anonymous true\npersistence true\nautosave_interval 1\npersistence_location {folder}/\n"
_SMALL: Final = "max_queued_messages 5\n"


class Account(NamedTuple):
    """What the oracle counts."""

    obligations: int
    missing: int
    invented: int
    double: int


class Trio:
    """The three programs, each of which may be killed and started again."""

    def __init__(self, directory: Path, mutant: str = "") -> None:
        """Write configurations; nothing runs yet."""
        self.spool = directory / "spool"
        self.ledger = directory / "ledger"
        self.store = directory / "store"
        self.broker = Broker(directory / "broker")
        settings = directory / "collector.yaml"
        settings.write_text(
            f"broker: {{port: {self.broker.port}, keepalive: 5}}\ninventory: {_INVENTORY}\n"
            f"store: {{directory: {self.store}, keep: 1d}}\nweb: {{port: {free_port()}}}\nintake: {{ack_interval: 100ms}}\n"
        )
        self.collector = Program(
            [sys.executable, "-m", "tslcd_collector", "run", "--config", str(settings)], directory / "collector.log"
        )
        command = [
            sys.executable,
            "-m",
            "support.numbered_agent",
            str(self.spool),
            str(self.broker.port),
            str(self.ledger),
        ]
        self.agent = Program(
            [*command, *([mutant] if mutant else [])], directory / "agent.log", env={"PYTHONPATH": str(_TESTS)}
        )

    def programs(self) -> list[Program]:
        """Return all three."""
        return [self.broker.program, self.collector, self.agent]

    def stored(self) -> int:
        """Return the number of the newest row of the collector's journal; 0 while there is none."""
        try:
            with contextlib.closing(
                sqlite3.connect(f"file:{self.store / 'collector.db'}?mode=ro", uri=True)
            ) as connection:
                (newest,) = connection.execute("SELECT max(rowid) FROM journal").fetchone()
        except sqlite3.OperationalError:
            return 0
        return int(newest or 0)

    def drain(self) -> None:
        """End the source and let everything that waits arrive."""
        wait_until(lambda: self.ledger.exists() and self.ledger.stat().st_size > 0, 30, "the first obligation")
        self.ledger.with_suffix(".stop").touch()
        wait_until(lambda: inspect(self.spool).waiting == 0, 60, "the spool is empty")

    def account(self) -> Account:
        """Compare obligations with the journal."""
        accepted = {int(line) for line in self.ledger.read_text().split()}
        # accepted by the spool, and killed before the note: one number may follow each noted one, or be a run's only one
        runs = len(self.ledger.with_suffix(".runs").read_text().split())
        allowed = accepted | {number + 1 for number in accepted} | {run * RUN + 1 for run in range(1, runs + 1)}
        with sqlite3.connect(f"file:{self.store / 'collector.db'}?mode=ro", uri=True) as connection:
            rows = connection.execute("SELECT payload FROM journal").fetchall()
        connection.close()
        counts = Counter(
            int(decode_report(payload, decompress).report.tables["probe"]["packets_sent"][0]) for (payload,) in rows
        )
        return Account(
            len(accepted),
            missing=len(accepted - counts.keys()),
            invented=len(counts.keys() - allowed),
            double=sum(count - 1 for count in counts.values()),
        )


class Played(NamedTuple):
    """What the oracle counts, and how long each kind of fault was felt after its end, in seconds."""

    account: Account
    felt: dict[str, list[float]]

    def mistakes(self) -> list[str]:
        """Say what is wrong."""
        return [
            f"{count} reports {name}"
            for name, count in self.account._asdict().items()
            if name != "obligations" and count
        ]


class BrokerFaults:
    """Does to the broker of a trio what a round says."""

    def __init__(self, trio: Trio, directory: Path) -> None:
        """Give the broker a memory on disk, and another configuration in which it keeps little."""
        self._trio = trio
        self._memory = directory / "memory"
        self._memory.mkdir()
        lines = _PERSISTENT.format(folder=self._memory)
        port = trio.broker.port
        self._large = Broker(directory / "large", port=port, lines=lines)
        self._small = Broker(directory / "small", port=port, lines=lines + _SMALL)
        trio.broker = self._large

    def happen(self, fault: str, seconds: float) -> None:
        """Let a fault begin, last and end."""
        program = self._trio.broker.program
        if fault == "mute":
            program.signal(signal.SIGSTOP)
            time.sleep(seconds)
            program.signal(signal.SIGCONT)
            return
        program.kill()
        if fault == "wiped":
            for one in self._memory.iterdir():
                one.unlink()
        self._trio.broker = self._small if fault == "full" else self._large
        if fault != "full":
            time.sleep(seconds)
        self._trio.broker.program.start()
        if fault == "full":
            self._trio.collector.signal(signal.SIGSTOP)
            time.sleep(seconds)
            self._trio.collector.signal(signal.SIGCONT)


def play(
    directory: Path, rounds: int, seed: int, *, mutant: str = "", tell: Callable[[int], None] = lambda _: None
) -> Played:
    """Play rounds of faults and account for everything. Raises TimeoutError when a fresh report does not get through."""
    trio = Trio(directory, mutant)
    faults = BrokerFaults(trio, directory)
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    felt: dict[str, list[float]] = defaultdict(list)
    try:
        for program in trio.programs():
            program.start()
        wait_until(lambda: trio.stored() > 0, 30, "the first report is stored")
        for number in range(rounds):
            time.sleep(dice.uniform(0.05, 0.5))
            fault = FAULTS[number % len(FAULTS)]
            faults.happen(fault, dice.uniform(*LASTING))
            ended, before = time.monotonic(), trio.stored()
            wait_until(lambda before=before: trio.stored() > before, RECOVERED, f"a report after {fault}")  # type: ignore[misc]
            felt[fault].append(time.monotonic() - ended)
            tell(1)
        trio.drain()
    except TimeoutError as error:
        error.add_note(trio.collector.output()[-1500:] + trio.agent.output()[-1500:])
        raise
    finally:
        for program in reversed(trio.programs()):
            program.kill()
    return Played(trio.account(), felt)


def section(played: Played, seed: int) -> Section:
    """Return the figures."""
    rows = [
        (fault, str(len(times)), f"{sorted(times)[len(times) // 2]:.1f}", f"{max(times):.1f}")
        for fault, times in sorted(played.felt.items())
    ]
    one = played.account
    note = (
        f"{one.obligations:,} reports accepted by the spool: {one.missing} missing, {one.invented} invented, "
        f"{one.double} double; seed {seed}"
    )
    return Section("broker", ("the broker was", "rounds", "felt, median s", "longest, s"), rows, [note])


@click.command()
@click.option("--rounds", default=200, show_default=True, help="Faults, each kind in its turn.")
@options
def broker(*, rounds: int, seed: int, **output: Any) -> None:
    """Kill, wipe, fill and silence the broker between a whole agent and a whole collector."""

    def work(tell: Callable[[int], None]) -> tuple[Section, list[str]]:
        with tempfile.TemporaryDirectory() as folder:
            played = play(Path(folder), rounds, seed, tell=tell)
        return section(played, seed), played.mistakes()

    run("broker", rounds, work, **output)
