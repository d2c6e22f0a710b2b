"""A broker that is killed, wiped, full or mute costs nothing; ``tests/soak broker`` is the long version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rigs.broker import play

if TYPE_CHECKING:
    from pathlib import Path

SEED = 20261124


@pytest.mark.timeout(200)
def test_no_fault_of_a_broker_loses_invents_or_doubles(tmp_path: Path) -> None:
    """One round of each kind, and a fresh report gets through after each."""
    played = play(tmp_path, 4, SEED)
    print(f"4 rounds, seed {SEED}: {played}")  # noqa: T201 - the figure
    assert played.account.obligations > 100
    assert played.mistakes() == []
    assert {fault: len(times) for fault, times in played.felt.items()} == dict.fromkeys(
        ("killed", "wiped", "full", "mute"), 1
    )


@pytest.mark.timeout(200)
def test_the_rig_catches_an_agent_that_trusts_the_broker(tmp_path: Path) -> None:
    """An agent that deletes a report once the broker has it loses what a full or wiped one forgets."""
    played = play(tmp_path, 4, SEED, mutant="delete-on-puback")
    assert played.account.missing > 0
    assert any("missing" in words for words in played.mistakes())
