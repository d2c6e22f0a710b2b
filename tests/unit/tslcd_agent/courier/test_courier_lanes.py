"""What the courier decides: what is lost, what was heard, how fast, how patiently."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tslcd_agent.courier.lanes import Marks, UnderWay, overlap
from tslcd_agent.spool.state import MAX_SEQ
from tslcd_wire.ranges import RangeSet


def sent(way: UnderWay, *keys: int, at: float) -> None:
    """Send and have the broker answer."""
    for key in keys:
        way.start(key)
        way.answered(key, at)


def test_a_slow_collector_is_not_taken_for_a_loss() -> None:
    """However late, as long as acknowledgements go through the order of sending, nothing is sent again."""
    way = UnderWay(10)
    for key in range(1, 101):
        sent(way, key, at=float(key))
    for key in range(1, 101):
        way.acknowledged(RangeSet([(1, key)]), 0, MAX_SEQ, now=key + 50.0)
        way.confirmed(1, key)
        assert (key + 1 in way.held) == (key < 100)
    assert way.unanswered() == 0


def test_what_was_overtaken_is_let_go() -> None:
    """A report sent ack_timeout before one that is confirmed, and not confirmed itself, did not arrive."""
    way = UnderWay(10)
    sent(way, 1, 2, at=0)
    sent(way, 3, at=5)
    sent(way, 4, at=11)
    way.acknowledged(RangeSet([(1, 1), (4, 4)]), 0, MAX_SEQ, now=12)
    assert [key for key in (2, 3) if key in way.held] == [3]


def test_without_acknowledgements_nothing_is_let_go_and_memory_stays_small() -> None:
    """A month without a collector: one range, few periods."""
    way = UnderWay(10)
    for key in range(1, 20_001):
        sent(way, key, at=key * 30.0)
    assert list(way.held) == [(1, 20_000)]
    assert len(way._sent) <= UnderWay._MAX_PERIODS
    assert sum(len(period.keys) for period in way._sent) == 20_000
    way.acknowledged(RangeSet(), 0, MAX_SEQ, now=20_000 * 30.0 + 61)
    assert not way.held


def test_after_a_reconnect_the_first_acknowledgement_decides() -> None:
    """What went over an earlier connection and is not confirmed goes again, but not before the mark is known."""
    way = UnderWay(10)
    sent(way, 1, 2, 3, at=0)
    way.reconnected()
    assert len(way.held) == 3
    way.acknowledged(RangeSet([(1, 2)]), 0, MAX_SEQ, now=1)
    way.confirmed(1, 2)
    assert not way.held


def test_a_collector_that_has_a_report_does_not_get_it_again_for_another() -> None:
    """Of two that are required one is away: the other's acknowledgements let go only what it lacks."""
    way = UnderWay(10)
    sent(way, 1, 2, at=0)
    way.acknowledged(RangeSet([(1, 2)]), 0, MAX_SEQ, now=1000)
    assert len(way.held) == 2
    way.acknowledged(RangeSet([(1, 1)]), 0, MAX_SEQ, now=1001)
    assert list(way.held) == [(1, 1)]


def test_named_reports_go_again_unless_they_may_be_on_their_way() -> None:
    """Order or patience proves that a named report did not arrive; one just sent, or being sent, is left alone."""
    way = UnderWay(8)
    sent(way, 1, at=0)
    sent(way, 2, at=5)
    way.start(3)
    heard = way.acknowledged(RangeSet([(2, 2)]), 0, MAX_SEQ, now=6)
    assert heard == 5
    way.named([1, 2, 3], heard, now=6)
    assert list(way.held) == [(2, 3)]
    way.named([2], float("-inf"), now=5 + 2 * 8)
    assert list(way.held) == [(3, 3)]


def test_streams_of_the_past_are_judged_by_the_same_order() -> None:
    """A collector that speaks of one stream shows by its order that reports of another did not arrive."""
    way = UnderWay(10)
    sent(way, 5, at=0)
    sent(way, MAX_SEQ + 2, at=20)
    way.acknowledged(RangeSet([(MAX_SEQ + 2, MAX_SEQ + 2)]), MAX_SEQ + 1, 2 * MAX_SEQ, now=21)
    assert 5 not in way.held


def test_a_failed_publish_may_go_again_at_once() -> None:
    """What the broker did not answer is not held; what it answered is not failed afterwards; late answers are no harm."""
    way = UnderWay(10)
    way.start(1)
    way.start(2)
    assert way.publishing() == 2
    way.failed(1)
    way.answered(2, 0)
    way.failed(2)
    way.answered(1, 0)
    assert list(way.held) == [(2, 2)]
    assert way.publishing() == 0


def test_a_repeat_under_way_is_not_let_go_by_its_first_sending() -> None:
    """Let go, sent again, and still without the broker's answer: it is not sent a third time."""
    way = UnderWay(10)
    sent(way, 1, at=0)
    way.start(1)
    way.acknowledged(RangeSet(), 0, MAX_SEQ, now=100)
    assert 1 in way.held


def test_a_dead_collector_does_not_hold_up_the_living_one() -> None:
    """Two must store each report and one is away: what the other has is not ahead of the collectors, but stays held."""
    way = UnderWay(10)
    sent(way, *range(1, 2001), at=0)
    assert way.unanswered() == 2000
    way.acknowledged(RangeSet([(1, 1990)]), 0, MAX_SEQ, now=1)
    assert (way.unanswered(), len(way.held)) == (10, 2000)
    way.confirmed(1, 1990)
    assert (way.unanswered(), len(way.held)) == (10, 10)
    way.start(2001)
    way.failed(2001)
    assert way.unanswered() == 10


def test_marks_of_several_collectors() -> None:
    """Deleted is what enough of them have; the ones unheard for longest are forgotten when there are too many."""
    marks = Marks(2)
    assert marks.note("a", "s", 5, [(8, 9)]) == []
    assert marks.note("b", "s", 3, [(5, 8), (11, 10)]) == [(1, 3), (5, 5), (8, 8)]
    assert marks.note("b", "t", 9, []) == []
    for number in range(Marks.MAX_COLLECTORS):
        marks.note(f"x{number}", "u", 0, [])
    assert marks.note("c", "s", 9, []) == []
    assert Marks(1).note("a", "s", 0, [(2, 3)]) == [(2, 3)]


@given(st.lists(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 6)), max_size=5), max_size=4), st.integers(1, 4))
def test_overlap_is_what_counting_says(raw: list[list[tuple[int, int]]], required: int) -> None:
    """The same as counting every number."""
    sets = [RangeSet((first, first + length) for first, length in ranges) for ranges in raw]
    expected = [number for number in range(1, 40) if sum(number in one for one in sets) >= required]
    found = [number for first, last in overlap(sets, required) for number in range(first, last + 1)]
    assert found == expected
