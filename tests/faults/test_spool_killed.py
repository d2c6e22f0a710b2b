"""SIGKILL of the agent's spool and the collector's store, at random and at system calls: what was accepted is there, once."""

from __future__ import annotations

import pytest

from rigs import kill

SEED = 20261124


def _nothing(_: int) -> None:
    """Tell nobody."""


@pytest.mark.parametrize("side", kill.SIDES)
def test_what_was_accepted_survives_kills_at_random_moments(side: str) -> None:
    """40 kills: missing 0, invented 0, double 0; a fresh report passes after each, and the next life begins from there."""
    found = kill.at_random(side, 40, SEED, _nothing)
    assert not found.mistakes, found.mistakes
    assert found.accepted > 500


@pytest.mark.parametrize(("side", "start"), [(side, start) for side in kill.SIDES for start in ("new", "cut off")])
def test_what_was_accepted_survives_kills_at_system_calls(side: str, start: str) -> None:
    """Every twentieth system call of a script (the command tries all)."""
    found = kill.Sweep(side, start, SEED, stride=20).run(_nothing)
    assert not found.mistakes, found.mistakes
    assert found.kills > 15


@pytest.mark.parametrize("mutant", ["ack before sync", "delete before ack"])
def test_the_kill_rig_catches(mutant: str) -> None:
    """A spool that accepts before its commit, or deletes what nobody confirmed, does not pass."""
    assert kill.at_random("agent", 20, SEED, _nothing, mutant).missing
    assert kill.Sweep("agent", "new", SEED, 20, mutant).run(_nothing).missing


def test_a_restart_after_a_kill_is_quick_whatever_waits() -> None:
    """With some MiB on the disk the next writer accepts a report at once (the command: 200 MiB, at most 2 s)."""
    found = kill.restart("agent", 4, 2, SEED, _nothing)
    assert not found.mistakes, found.mistakes
    assert found.kills == 2
