"""Reports through bad networks, in seconds; ``tests/soak network`` has every cell, and minutes for each."""

from __future__ import annotations

import msgspec
import pytest

from rigs.network import FAULTS, play
from rigs.network_cells import SILENT, Cell, Orders

#: A courier that finds in a second what the shipped settings find in ten.
HASTY = {"answer_timeout": 1.0, "ack_timeout": 2.0, "reconnect_min": 0.1, "reconnect_max": 1.0, "live_window": 5.0}
SHORT = Orders(times=2, within=60.0, backlog=20, live=10, period=0.2, settings=HASTY, keepalive=5)


def test_nothing_is_lost_over_any_network() -> None:
    """Thin, slow, lossy; reset, half-open, one-way, with answers lost, in slices, stalled: everything is heard, and who is mute is left."""
    cells = [
        Cell(rate=9_600.0, delay=0.0),
        Cell(delay=0.7),
        Cell(loss=0.2),
        *(Cell(rate=1e6, delay=0.01, fault=fault) for fault in FAULTS),
    ]
    played = play(msgspec.structs.replace(SHORT, cells=cells, herd=20))
    assert played.mistakes() == []
    assert {one.cell.fault for one in played.outcomes if one.found} == SILENT
    assert all(one.connects > 1 for one in played.outcomes if one.cell.fault in {"reset", "answers lost"})
    assert played.herd is not None
    assert played.herd.agents == 20


@pytest.mark.parametrize(
    ("fault", "mutant", "words"),
    [("reset", "delete-on-send", "missing"), ("answers lost", "delete-on-send", "missing")],
)
def test_the_rig_catches_a_courier_that_trusts_tcp(fault: str, mutant: str, words: str) -> None:
    """Reports deleted when they were sent are missed."""
    cell = Cell(rate=1e6, delay=0.2, fault=fault)  # type: ignore[arg-type]
    played = play(msgspec.structs.replace(SHORT, cells=[cell], mutant=mutant, within=10.0))
    assert any(words in one for one in played.mistakes())
