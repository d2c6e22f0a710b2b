"""Disks as they may be after a power cut, by what was synced and what was not: no root, no file system, no luck needed."""

from __future__ import annotations

import random

import pytest

from rigs import crash_states
from rigs.crash_states import SECTOR, Disk
from rigs.keepers import MUTANTS, be_silent
from rigs.recording import Event

SEED = 20261124


def test_no_disk_that_may_be_after_a_crash_loses_what_was_accepted() -> None:
    """400 different disks of a recorded script: nothing missing, invented or double, and a fresh report passes."""
    be_silent()
    found = crash_states.run(400, SEED)
    assert not found.mistakes, found.mistakes[:5]
    assert found.states == 400


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_crash_state_rig_catches(mutant: str) -> None:
    """Five of five mistakes: early acknowledgement, no sync of journal or directory, deletion unasked, no checksum."""
    be_silent()
    rotten = {"rotten_in": 1} if mutant == "no checksum" else {}
    assert any(crash_states.run(200, SEED, share, mutant=mutant, **rotten).violations for share in range(20))


def _states(events: list[Event]) -> set[tuple[tuple[str, bytes], ...]]:
    disk = Disk()
    for event in events:
        disk.apply(event)
    dice = random.Random(SEED)  # noqa: S311 - repeatable on purpose
    return {tuple(sorted(disk.crashed(dice).items())) for _ in range(400)}


def test_the_model_allows_what_a_disk_may_do_and_nothing_else() -> None:
    """A file without its name is gone; unsynced sectors arrive in any combination; synced ones always."""
    old, new = b"o" * 2 * SECTOR, b"n" * 2 * SECTOR
    begin = [Event("create", "f"), Event("write", "f", 0, old), Event("sync", "f")]
    assert _states(begin) == {(), (("f", old),)}
    begin.append(Event("sync-directory"))
    assert _states(begin) == {(("f", old),)}
    torn = {old, new, new[:SECTOR] + old[SECTOR:], old[:SECTOR] + new[SECTOR:]}
    assert _states([*begin, Event("write", "f", 0, new)]) == {(("f", content),) for content in torn}
    assert _states([*begin, Event("cut", "f", 3)]) == {(("f", old),), (("f", b"ooo"),)}
    assert _states([*begin, Event("unlink", "f")]) == {(), (("f", old),)}
