"""Bits, lengths and files of a spool that are wrong: what is whole is given back, nothing altered ever is."""

from __future__ import annotations

import pytest

from rigs import damage
from rigs.keepers import be_silent

SEED = 20261124


def test_whole_reports_are_given_back_and_no_other() -> None:
    """Every bit of the header and 250 other damages (the command tries all of a million): whole reports are given back, none altered or twice; no start fails."""
    be_silent()
    found = damage.run(250, SEED)
    assert found.mistakes == []
    assert found.given.total() == found.whole.total()
    assert found.loops.total() == found.invented.total() == 0


def test_the_damage_rig_catches_a_spool_without_checksums() -> None:
    """Where rows have no checksum, altered reports are given back, and the rig says so."""
    be_silent()
    for seed in range(SEED, SEED + 10):
        if damage.run(200, seed, mutant="no checksum").invented["bit of the file"]:
            return
    pytest.fail("not caught")
