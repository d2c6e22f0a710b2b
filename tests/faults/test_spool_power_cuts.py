"""The disk of a working spool cut off at random instants, on real file systems: what was accepted is on it.

Root and a kernel with xfs and loop devices are needed; where one is missing the rig says which, and the crash states
(``test_spool_crash_states.py``), which need neither, carry the claim.
"""

from __future__ import annotations

import pytest

from bench.machine import MissingError
from rigs import power_cut

SEED = 20261124


def _cut(system: str, cuts: int, seed: int = SEED, mutant: str = "") -> power_cut.Cut | str:
    """Cut, or say why this machine cannot."""
    try:
        return power_cut.cut(system, cuts, seed, lambda _: None, mutant)
    except MissingError as error:
        return str(error)


def _tells_what_to_do(reason: str) -> bool:
    return any(words in reason for words in ("apt-get install", "as root", "run it"))


@pytest.mark.parametrize("system", power_cut.SYSTEMS)
def test_what_was_accepted_survives_power_cuts(system: str) -> None:
    """8 cuts on each file system: missing 0, invented 0, double 0, no spool unreadable or set aside, a fresh report passes."""
    found = _cut(system, 8)
    assert _tells_what_to_do(found) if isinstance(found, str) else not found.mistakes, found


@pytest.mark.parametrize("mutant", ["ack before sync", "synchronous normal", "delete before ack"])
def test_the_power_cut_rig_catches(mutant: str) -> None:
    """A spool that accepts too early, does not sync its journal, or deletes what nobody confirmed does not pass."""
    for seed in range(SEED, SEED + 8):
        found = _cut("ext4", 6, seed, mutant)
        if _tells_what_to_do(found) if isinstance(found, str) else found.missing:
            return
    pytest.fail(f"{mutant}: not caught")
