"""Sets of sequence numbers as closed ranges: small in memory however many numbers, exact at every edge.

Invariant: ranges are disjoint, not adjacent, ascending; so ``[(1, 3), (5, 5)]`` is a form of its set, and the only one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class RangeSet:
    """A mutable set of integers, kept as closed ranges. Adding costs O(log n) and a shift, n the number of ranges."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        """Start with ``ranges``, closed, in any order, overlapping or not. Raises ValueError when one runs backwards."""
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in ranges:
            self.add(first, last)

    def add(self, first: int, last: int | None = None) -> None:
        """Add one number, or the closed range. Raises ValueError when ``last < first``."""
        last = first if last is None else last
        if last < first:
            msg = f"the range {first} to {last} runs backwards"
            raise ValueError(msg)
        low = bisect_left(self._lasts, first - 1)
        high = bisect_right(self._firsts, last + 1)
        if low < high:
            first = min(first, self._firsts[low])
            last = max(last, self._lasts[high - 1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]

    def remove(self, first: int, last: int | None = None) -> None:
        """Remove one number, or the closed range; absent numbers are no error."""
        last = first if last is None else last
        low = bisect_left(self._lasts, first)
        high = bisect_right(self._firsts, last)
        if low >= high:
            return
        keep = []
        if self._firsts[low] < first:
            keep.append((self._firsts[low], first - 1))
        if self._lasts[high - 1] > last:
            keep.append((last + 1, self._lasts[high - 1]))
        self._firsts[low:high] = [pair[0] for pair in keep]
        self._lasts[low:high] = [pair[1] for pair in keep]

    def gaps(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield the closed ranges of [first, last] that are not in the set, ascending."""
        at = first
        for index in range(bisect_left(self._lasts, first), len(self._firsts)):
            if self._firsts[index] > last:
                break
            if at < self._firsts[index]:
                yield at, self._firsts[index] - 1
            at = self._lasts[index] + 1
        if at <= last:
            yield at, last

    def ranges(self) -> int:
        """Count the ranges, which is what a set costs in memory."""
        return len(self._firsts)

    def __contains__(self, number: int) -> bool:
        """Whether the number is in the set."""
        index = bisect_left(self._lasts, number)
        return index < len(self._firsts) and self._firsts[index] <= number

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Iterate over the ranges, ascending."""
        return iter(zip(self._firsts, self._lasts, strict=True))

    def __len__(self) -> int:
        """Count the numbers."""
        return sum(last - first + 1 for first, last in self)

    def __bool__(self) -> bool:
        """Whether there is any number."""
        return bool(self._firsts)

    def __eq__(self, other: object) -> bool:
        """Equal when the same numbers are in both."""
        if not isinstance(other, RangeSet):
            return NotImplemented
        return self._firsts == other._firsts and self._lasts == other._lasts

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        """Show the ranges."""
        return f"RangeSet({list(self)})"
