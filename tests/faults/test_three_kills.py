"""Agent, broker and collector killed with SIGKILL in random order: what the spool accepted is stored, once.

The source numbers what it hands over; acceptance by the spool makes an obligation, noted outside; the collector's journal
gives back. The oracle counts missing, invented and double. A seeded mutant shows that it would see a loss.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from support.broker import Broker
from support.numbered_agent import RUN
from support.processes import Program, free_port, wait_until
from tslcd_agent.spool.inspection import inspect
from tslcd_collector.decompression import decompress
from tslcd_wire.codec import decode_report

_TESTS = Path(__file__).parents[1]
_INVENTORY = _TESTS.parent / "configs" / "inventory"
SEED = 20261123


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

    def play(self, rounds: int) -> None:
        """Kill one, two or all of them in random order, again and again, and start them again."""
        dice = random.Random(SEED)  # noqa: S311 - repeatable on purpose
        for _ in range(rounds):
            time.sleep(dice.uniform(0.05, 0.5))
            victims = dice.sample(self.programs(), dice.choice([1, 1, 2, 3]))
            for victim in victims:
                victim.kill()
                time.sleep(dice.uniform(0, 0.05))
            dice.shuffle(victims)
            for victim in victims:
                victim.start()

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


def _play(directory: Path, rounds: int, mutant: str = "") -> Account:
    trio = Trio(directory, mutant)
    try:
        for program in trio.programs():
            program.start()
        wait_until((trio.store / "collector.db").exists, 20, "the collector's store")
        trio.play(rounds)
        trio.drain()
    except TimeoutError as error:
        error.add_note(trio.collector.output()[-1500:] + trio.agent.output()[-1500:])
        raise
    finally:
        for program in reversed(trio.programs()):
            program.kill()
    return trio.account()


@pytest.mark.timeout(400)
def test_nothing_that_the_spool_accepted_is_lost_invented_or_doubled(tmp_path: Path) -> None:
    """100 rounds of SIGKILL: every accepted report is stored exactly once, and no other is."""
    account = _play(tmp_path, 100)
    print(f"100 rounds, seed {SEED}: {account}")  # noqa: T201 - the figure
    assert account.obligations > 100
    assert account[1:] == (0, 0, 0)


@pytest.mark.timeout(200)
def test_the_oracle_catches_an_agent_that_trusts_the_broker(tmp_path: Path) -> None:
    """An agent that deletes a report once the broker has it loses some, and the oracle says so."""
    account = _play(tmp_path, 15, mutant="delete-on-puback")
    assert account.missing > 0
