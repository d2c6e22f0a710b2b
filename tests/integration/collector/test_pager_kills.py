"""kill -9 at any moment: a post that was answered is told to everybody, and twice only where the kill hit between told and noted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rigs import pager_kill

if TYPE_CHECKING:
    from pathlib import Path


def test_a_kill_loses_nothing(tmp_path: Path) -> None:
    """Missing 0, invented 0, and no more messages twice than there were kills; ``tests/soak pager`` kills more often."""
    found = pager_kill.run(tmp_path, 5, pager_kill.SEED, lambda: None)
    assert found.clean, found
    assert found.faults > 5


def test_the_oracle_sees_what_is_lost(tmp_path: Path) -> None:
    """A pager that takes a message for sent before it is told is caught: by some kills, for each has to hit between the two."""
    source = pager_kill.mutated(tmp_path / "source", "sent before it is told")
    assert any(
        pager_kill.run(tmp_path / f"p{number}", 2, pager_kill.SEED + number, lambda: None, source=source).missing
        for number in range(6)
    )
