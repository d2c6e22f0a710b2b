"""A small province under faults; ``tests/soak end-to-end`` has 500 agents and an hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rigs.end_to_end import FAULTS, Size, play

if TYPE_CHECKING:
    from pathlib import Path

SMALL = Size(processes=2, agents=5, period=0.2, every=(0.0, 0.2), lasting=(0.2, 1.0))


def test_nothing_is_lost_whatever_part_fails(tmp_path: Path) -> None:
    """Agents, broker and collector are killed, paused, wiped and cut off in turn: every report is stored once."""
    result = play(tmp_path, 0.15, 1, SMALL)
    assert result.mistakes == []
    assert result.account.obligations > 100
    assert set(result.felt) <= set(FAULTS)
    assert len(result.felt) >= 3


def test_the_oracle_catches_agents_that_trust_the_broker(tmp_path: Path) -> None:
    """Reports deleted once the broker has them are missed as soon as the broker is wiped or the collector away."""
    result = play(tmp_path, 0.1, 1, SMALL, mutant="delete-on-puback")
    assert any("missing" in words for words in result.mistakes)
