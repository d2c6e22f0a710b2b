"""Sites with wrong clocks by the hundred, as ``tests/soak clocks`` plays them by the thousand; and every mutant is caught."""

from __future__ import annotations

from rigs.clocks import MUTANTS, judge


def test_no_time_is_made_up_and_no_other_site_is_touched() -> None:
    """Boots, outages, steps, drift, slow networks and brokers that keep reports: nothing wrong, and five of five mutants caught."""
    played: list[int] = []
    section, wrong = judge(150, 20260101, played.append)
    assert wrong == []
    assert sum(played) == 150
    assert f"mutants caught {len(MUTANTS)} of {len(MUTANTS)}" in section.notes[0]
