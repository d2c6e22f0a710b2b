"""Admission of reports: marks, gaps, bounds, clones; beside a reference model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tslcd_collector import admit
from tslcd_collector.admit import Admission, AdmissionError, Decision


def test_numbers_are_new_once_and_the_mark_follows_the_first_gap() -> None:
    """Out of order, the mark stops at the first hole, and what is beyond it is told as have and missing."""
    admission = Admission()
    assert [admission.admit("a", "s", seq) for seq in (1, 2, 5, 4, 9, 5)] == [Decision.NEW] * 5 + [Decision.DUPLICATE]
    marks = admission.marks("a", "s")
    assert (marks.upto, marks.newest, marks.missing_count()) == (2, 9, 4)
    assert (marks.stored_upto, marks.have(10)) == (0, []), "nothing is on disk yet"
    admission.stored("a", "s", list(marks.seen))
    assert (marks.stored_upto, marks.have(10)) == (2, [(4, 5), (9, 9)])
    assert marks.missing(10) == [(3, 3), (6, 8)]
    assert marks.missing(1) == [(3, 3)]
    assert marks.have(1) == [(9, 9)]
    assert admission.missing() == 4


def test_withdrawn_number_is_new_again_and_known_to_exist() -> None:
    """What could not be stored is asked for again."""
    admission = Admission()
    admission.admit("a", "s", 1)
    admission.admit("a", "s", 2)
    admission.withdraw("a", "s", 2)
    admission.withdraw("a", "other", 2)
    assert admission.marks("a", "s").missing(5) == [(2, 2)]
    assert admission.admit("a", "s", 2) is Decision.NEW


def test_an_agent_is_believed_about_what_it_lost() -> None:
    """Below ``oldest`` and in ``lost`` nothing is waited for; every such number is counted once."""
    admission = Admission()
    admission.admit("a", "s", 2)
    assert admission.advance("a", "s", oldest=4, newest=9, lost=[(6, 7), (9, 8)]) == 4
    assert admission.advance("a", "s", oldest=4, newest=9, lost=[(6, 7)]) == 0
    assert admission.marks("a", "s").missing(9) == [(4, 5), (8, 9)]
    assert admission.marks("a", "s").upto == 3
    assert admission.advance("a", "s", oldest=None, newest=None) == 0


def test_holes_are_bounded() -> None:
    """A number that would need one range too many is not admitted; one that closes a hole is."""
    admission = Admission()
    for index in range(admit.MAX_RANGES):
        admission.admit("a", "s", 2 * index + 2)
    with pytest.raises(AdmissionError, match="gaps"):
        admission.admit("a", "s", 10**9)
    assert admission.admit("a", "s", 3) is Decision.NEW
    assert admission.admit("a", "s", 10**9) is Decision.NEW


def test_streams_and_agents_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least recently used stream makes room, and its mark is given up in the store too; agents are refused."""
    admission = Admission()
    for index in range(admit.MAX_STREAMS):
        admission.admit("a", f"s{index}", 1)
    admission.admit("a", "s0", 2)
    admission.admit("a", "new", 1)
    assert admission.take_evicted() == [("a", "s1")]
    assert admission.take_evicted() == []
    assert admission.streams("a")[-2:] == ["s0", "new"]
    assert admission.marks("a", "s1").upto == 0
    monkeypatch.setattr(admit, "MAX_AGENTS", 1)
    with pytest.raises(AdmissionError, match="bounds"):
        admission.admit("b", "s", 1)
    assert list(admission) == ["a"]


def test_restored_marks_go_on() -> None:
    """What the store knew is known."""
    admission = Admission()
    admission.restore("a", "s", [(1, 5), (8, 8)])
    assert admission.admit("a", "s", 5) is Decision.DUPLICATE
    assert admission.marks("a", "s").missing(3) == [(6, 7)]


def test_two_sources_that_take_turns_are_a_clone() -> None:
    """A new stream or boot is no clone; coming back to the one before, twice, is, and is forgotten after a while."""
    admission = Admission()
    for at, boot in enumerate(["aa", "aa", "bb", "bb"]):
        admission.live_source("a", "s", boot, float(at))
    assert admission.cloned(5) == []
    admission.live_source("a", "s", "aa", 5)
    assert admission.cloned(5) == []
    admission.live_source("a", "s", "bb", 6)
    assert admission.cloned(6) == ["a"]
    assert admission.cloned(6 + admit.CLONE_MEMORY + 1) == []
    admission.live_source("a", "s", "aa", 6 + admit.CLONE_MEMORY + 1)
    assert admission.cloned(6 + admit.CLONE_MEMORY + 1) == []


@given(st.lists(st.one_of(st.integers(1, 30), st.tuples(st.integers(1, 30), st.integers(1, 30)))))
def test_admission_is_a_set(actions: list[int | tuple[int, int]]) -> None:
    """Whatever order: NEW exactly when not seen and not lost; mark and gaps are those of the set."""
    admission, model, newest = Admission(), set[int](), 0
    for action in actions:
        if isinstance(action, int):
            assert (admission.admit("a", "s", action) is Decision.NEW) == (action not in model)
            model.add(action)
            newest = max(newest, action)
        else:
            oldest, top = action
            lost = set(range(1, oldest)) - model
            assert admission.advance("a", "s", oldest=oldest, newest=top) == len(lost)
            model |= lost
            newest = max(newest, top, max(model, default=0))
    marks = admission.marks("a", "s")
    absent = set(range(1, newest + 1)) - model
    assert marks.upto == (min(absent) - 1 if absent else newest)
    assert {number for first, last in marks.missing(99) for number in range(first, last + 1)} == absent
    assert marks.missing_count() == len(absent)
