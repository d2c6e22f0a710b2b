"""Agent, broker and collector killed with SIGKILL in random order: what the spool accepted is stored, once.

The oracle is that of ``tests/soak broker`` (:mod:`rigs.broker`); a seeded mutant shows that it would see a loss.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

from rigs.broker import Account, Trio
from support.processes import wait_until

if TYPE_CHECKING:
    from pathlib import Path

SEED = 20261123


def _kill(trio: Trio, rounds: int) -> None:
    """Kill one, two or all of them in random order, again and again, and start them again."""
    dice = random.Random(SEED)  # noqa: S311 - repeatable on purpose
    for _ in range(rounds):
        time.sleep(dice.uniform(0.05, 0.5))
        victims = dice.sample(trio.programs(), dice.choice([1, 1, 2, 3]))
        for victim in victims:
            victim.kill()
            time.sleep(dice.uniform(0, 0.05))
        dice.shuffle(victims)
        for victim in victims:
            victim.start()


def _play(directory: Path, rounds: int, mutant: str = "") -> Account:
    trio = Trio(directory, mutant)
    try:
        for program in trio.programs():
            program.start()
        wait_until((trio.store / "collector.db").exists, 20, "the collector's store")
        _kill(trio, rounds)
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
