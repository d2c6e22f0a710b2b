"""RangeSet beside a plain set: any sequence of actions gives the same numbers, in the one canonical form."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tslcd_wire.ranges import RangeSet

NUMBERS = st.integers(0, 60)


class RangeSetMachine(RuleBasedStateMachine):
    """Random additions and removals."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self.ranges = RangeSet()
        self.model: set[int] = set()

    @rule(first=NUMBERS, length=st.integers(0, 12))
    def add(self, first: int, length: int) -> None:
        """Add a range."""
        self.ranges.add(first, first + length)
        self.model |= set(range(first, first + length + 1))

    @rule(number=NUMBERS)
    def add_one(self, number: int) -> None:
        """Add one number."""
        self.ranges.add(number)
        self.model.add(number)

    @rule(first=NUMBERS, length=st.integers(0, 12))
    def remove(self, first: int, length: int) -> None:
        """Remove a range, whether it is there or not."""
        self.ranges.remove(first, first + length)
        self.model -= set(range(first, first + length + 1))

    @precondition(lambda self: bool(self.model))
    @rule(data=st.data())
    def remove_one(self, data: st.DataObject) -> None:
        """Remove one number that is there."""
        number = data.draw(st.sampled_from(sorted(self.model)))
        self.ranges.remove(number)
        self.model.discard(number)

    @rule(first=NUMBERS, length=st.integers(-2, 40))
    def gaps(self, first: int, length: int) -> None:
        """Gaps are exactly what is missing of a range, in ranges that neither touch nor run backwards."""
        gaps = list(self.ranges.gaps(first, first + length))
        missing = [number for low, high in gaps for number in range(low, high + 1)]
        assert missing == [number for number in range(first, first + length + 1) if number not in self.model]
        assert all(low <= high for low, high in gaps)

    @invariant()
    def same_numbers(self) -> None:
        """Membership, count and truth agree with the set."""
        assert {number for number in range(-1, 80) if number in self.ranges} == self.model
        assert len(self.ranges) == len(self.model)
        assert bool(self.ranges) == bool(self.model)

    @invariant()
    def canonical(self) -> None:
        """Ranges ascend, are disjoint and not adjacent; made again from its ranges, the set is equal."""
        pairs = list(self.ranges)
        assert all(low <= high for low, high in pairs)
        assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(pairs))
        assert RangeSet(reversed(pairs)) == self.ranges


RangeSetMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=30)
TestRangeSet = RangeSetMachine.TestCase


@given(st.lists(st.tuples(NUMBERS, st.integers(0, 9)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=9))
def test_made_from_ranges_in_any_order(pairs: list[tuple[int, int]]) -> None:
    """Overlapping ranges in any order give the union."""
    assert [n for low, high in RangeSet(pairs) for n in range(low, high + 1)] == sorted(
        {n for low, high in pairs for n in range(low, high + 1)}
    )


def test_backwards_is_an_error_and_changes_nothing() -> None:
    """A range that runs backwards is refused."""
    ranges = RangeSet([(1, 3)])
    with pytest.raises(ValueError, match="the range 5 to 4 runs backwards"):
        ranges.add(5, 4)
    assert list(ranges) == [(1, 3)]


def test_shown_and_compared() -> None:
    """It shows its ranges, is not hashable, and is not equal to other things."""
    ranges = RangeSet([(1, 3)])
    assert repr(ranges) == "RangeSet([(1, 3)])"
    assert ranges != [(1, 3)]
    with pytest.raises(TypeError):
        hash(ranges)
