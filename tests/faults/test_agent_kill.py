"""The spool under ``kill -9``: what was acknowledged is there, once, and nothing else is; and the oracle sees mutants."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tslcd_agent.spool.state import Now
from tslcd_agent.spool.store import FILE, Bounds, Store

TESTS = Path(__file__).parents[1]
SEED = 20261123
ROUNDS = 40


@dataclass
class Oracle:
    """What must be in the spool, and what was found wrong."""

    directory: Path
    acknowledged: dict[int, int] = field(default_factory=dict)
    confirmed: set[int] = field(default_factory=set)
    started: int = 0
    missing: int = 0
    invented: int = 0
    double: int = 0
    reused: int = 0

    def round(self, kill_after: float, mutant: str = "") -> None:
        """Run the driver, kill it after a while, and look."""
        command = [sys.executable, "-m", "support.spool_driver", str(self.directory), str(self.started + 1)]
        process = subprocess.Popen(
            [*command, mutant] if mutant else command,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(TESTS)},
        )
        assert process.stdout is not None
        first = process.stdout.readline()  # it works from here on
        time.sleep(kill_after)
        process.kill()
        said = (first + process.stdout.read()).decode().splitlines()
        process.stdout.close()
        assert process.wait(10) == -9, "the driver ended by itself"
        keys = {key: number for number, key in self.acknowledged.items() if key}
        for line in said:
            words = line[1:].split()
            number = int(words[0])
            self.started = max(self.started, number)
            if line.startswith("-"):
                self.confirmed.add(number)
                continue
            key = int(words[1]) if len(words) > 1 else 0
            self.reused += bool(key) and keys.setdefault(key, number) != number
            self.acknowledged[number] = key
        self.look()
        self.started += 100  # whatever was under way and not acknowledged keeps its number for ever

    def look(self) -> None:
        """Compare the file with what was acknowledged and confirmed."""
        store = Store(self.directory / FILE, Bounds(100 * 2**20, 86400))
        rows = store.rows(1, 2**62, 10**6, "ASC")
        store.close()
        numbers = [json.loads(row.payload)["number"] for row in rows]
        assert all(json.loads(row.payload)["seq"] == row.key & (2**40 - 1) for row in rows)
        self.missing += len(self.acknowledged.keys() - self.confirmed - set(numbers))
        self.invented += sum(not 1 <= number <= self.started + 100 for number in numbers)
        self.double += len(numbers) - len(set(numbers))
        for number in self.acknowledged.keys() - self.confirmed - set(numbers):
            self.confirmed.add(number)  # counted once


def test_every_acknowledged_append_survives_kill_9(tmp_path: Path) -> None:
    """40 kills at random moments: missing 0, invented 0, double 0, no number given twice; then it works as before."""
    chance = random.Random(SEED)  # noqa: S311 - the same for every run
    oracle = Oracle(tmp_path / "spool")
    for _ in range(ROUNDS):
        oracle.round(chance.uniform(0, 0.15))
    assert (oracle.missing, oracle.invented, oracle.double, oracle.reused) == (0, 0, 0, 0), f"seed {SEED}"
    assert len(oracle.acknowledged) > 20 * ROUNDS
    store = Store(oracle.directory / FILE, Bounds(100 * 2**20, 86400))
    from tslcd_agent.spool import Draft  # noqa: PLC0415

    fresh = store.append([Draft(0.0, "7c1e", 0.0, lambda *_: b"fresh")], Now(0.0, "7c1e", 0.0))
    assert isinstance(fresh[0], int)
    assert fresh[0] > max(oracle.acknowledged.values())
    store.close()


@pytest.mark.parametrize("mutant", ["early", "delete-before-ack", "reuse"])
def test_the_oracle_catches_mutants(tmp_path: Path, mutant: str) -> None:
    """A spool that acknowledges before the commit, deletes unasked, or gives numbers again does not pass."""
    chance = random.Random(SEED)  # noqa: S311 - the same for every run
    oracle = Oracle(tmp_path / "spool")
    for _ in range(ROUNDS):
        oracle.round(chance.uniform(0, 0.15), mutant)
        if oracle.missing or oracle.reused:
            return
    pytest.fail(f"mutant {mutant} not caught in {ROUNDS} rounds")
