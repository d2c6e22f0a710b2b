"""What to do with a report, by its name ``(agent, stream, seq)`` alone. Pure: no clock, no disk, no network.

Invariants:

* A number is admitted as NEW once. It is NEW again only after :meth:`Admission.withdraw`, which the intake calls when the
  report could not be stored.
* ``upto`` never falls. Everything up to it was stored, refused, or is lost by the agent's own word.
* What agents are told comes from ``Marks.stored`` alone, which changes when a batch is on disk and not before: a number that is
  admitted while its batch is being written is neither confirmed nor asked for.
* Memory is bounded: at most MAX_RANGES ranges a stream, MAX_STREAMS streams an agent (the least recently used one goes),
  MAX_AGENTS agents.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tslcd_wire.ranges import RangeSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_RANGES: Final = 1024
MAX_STREAMS: Final = 16
MAX_AGENTS: Final = 20_000
#: Returns to a source that had been superseded, until two sources with one identity are taken for sure.
CLONE_RETURNS: Final = 2
#: How long an agent counts as cloned after the last return, and how long a return counts, seconds.
CLONE_MEMORY: Final = 600.0


class Decision(enum.Enum):
    """What to do with a report. The values are those of the label ``result``."""

    NEW = "new"
    DUPLICATE = "duplicate"
    #: Measured longer ago than is kept: confirmed, so that the agent lets go of it, but not kept.
    TOO_OLD = "too_old"
    #: Measured at a time that nobody knows any more: confirmed and counted, not shown, and never given a time made up.
    UNTIMED = "untimed"
    REFUSED = "refused"


class AdmissionError(Exception):
    """A report that cannot be kept account of now. ``code``: gaps or bounds. It is not confirmed, and may come again."""

    def __init__(self, code: str) -> None:
        """Keep the code."""
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Marks:
    """What is known of one stream of one agent. ``stored``: the ranges of ``seen`` whose marks are on disk, ascending."""

    seen: RangeSet = field(default_factory=RangeSet)
    stored: Sequence[tuple[int, int]] = ()
    newest: int = 0
    used: int = 0  # a count of uses, to find the least recently used

    @property
    def upto(self) -> int:
        """Everything from 1 up to here is done with; 0 when nothing is."""
        return _upto(next(iter(self.seen), (0, 0)))

    @property
    def stored_upto(self) -> int:
        """Everything from 1 up to here is done with, on disk; 0 when nothing is."""
        return _upto(self.stored[0]) if self.stored else 0

    def have(self, limit: int) -> list[tuple[int, int]]:
        """Return the ranges above ``stored_upto`` that are on disk, the newest ``limit`` of them."""
        return [pair for pair in self.stored if pair[0] > 1][-limit:]

    def missing(self, limit: int) -> list[tuple[int, int]]:
        """Return the ranges below the newest number that never came, the oldest ``limit`` of them."""
        gaps: list[tuple[int, int]] = []
        for gap in self.seen.gaps(1, self.newest):
            gaps.append(gap)
            if len(gaps) == limit:
                break
        return gaps

    def missing_count(self) -> int:
        """Count the numbers that never came, below the newest."""
        return self.newest - len(self.seen)


def _upto(first: tuple[int, int]) -> int:
    return first[1] if first[0] == 1 else 0


@dataclass(slots=True)
class _Source:
    """Which machine the live reports of an agent come from, to see two of them take turns."""

    now: tuple[str, str]
    before: tuple[str, str] | None = None
    returns: int = 0
    last_return: float = float("-inf")


class Admission:
    """The marks of all agents."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._agents: dict[str, dict[str, Marks]] = {}
        self._sources: dict[str, _Source] = {}
        self._evicted: list[tuple[str, str]] = []
        self._uses = 0

    def restore(self, agent: str, stream: str, ranges: Iterable[tuple[int, int]]) -> None:
        """Take up what the store knows of a stream; call in the order of last use."""
        marks = self._marks(agent, stream)
        marks.seen = RangeSet(ranges)
        marks.stored = list(marks.seen)
        marks.newest = max((last for _, last in marks.seen), default=0)

    def admit(self, agent: str, stream: str, seq: int) -> Decision:
        """Decide NEW or DUPLICATE, and remember the number. Raises AdmissionError when there is no room to remember."""
        marks = self._marks(agent, stream)
        if seq in marks.seen:
            return Decision.DUPLICATE
        ranges = marks.seen.ranges()
        marks.seen.add(seq)
        if marks.seen.ranges() > max(ranges, MAX_RANGES):
            marks.seen.remove(seq)
            raise AdmissionError("gaps")
        marks.newest = max(marks.newest, seq)
        return Decision.NEW

    def stored(self, agent: str, stream: str, ranges: Sequence[tuple[int, int]]) -> None:
        """Note that these marks, ascending, are on disk; a stream that had to make room meanwhile stays forgotten."""
        marks = self._agents.get(agent, {}).get(stream)
        if marks is not None:
            marks.stored = ranges

    def withdraw(self, agent: str, stream: str, seq: int) -> None:
        """Forget a number that was admitted and then not stored; it stays known that it exists."""
        marks = self._agents.get(agent, {}).get(stream)
        if marks is not None:
            marks.seen.remove(seq)

    def advance(
        self, agent: str, stream: str, *, oldest: int | None, newest: int | None, lost: Iterable[tuple[int, int]] = ()
    ) -> int:
        """Believe an agent about what it can never send; return how many numbers are lost by that.

        ``oldest``: lowest number still in its spool; ``newest``: highest number given; ``lost``: holes between them.
        """
        marks = self._marks(agent, stream)
        before = len(marks.seen)
        if oldest is not None and oldest > 1:
            marks.seen.add(1, oldest - 1)
        for first, last in lost:
            if first <= last and marks.seen.ranges() < MAX_RANGES:
                marks.seen.add(first, last)
        highest = max((last for _, last in marks.seen), default=0)
        marks.newest = max(marks.newest, newest or 0, highest)
        return len(marks.seen) - before

    def marks(self, agent: str, stream: str) -> Marks:
        """Return what is known of a stream; all zero when nothing is."""
        return self._agents.get(agent, {}).get(stream, Marks())

    def streams(self, agent: str) -> list[str]:
        """Return the streams kept account of, the least recently used first."""
        known = self._agents.get(agent, {})
        return sorted(known, key=lambda stream: known[stream].used)

    def missing(self) -> int:
        """Count the numbers of the newest stream of every agent that never came."""
        return sum(max(known.values(), key=lambda one: one.used).missing_count() for known in self._agents.values())

    def missing_of(self, agent: str) -> int:
        """Count the numbers of the newest stream of ``agent`` that never came."""
        known = self._agents.get(agent)
        return max(known.values(), key=lambda one: one.used).missing_count() if known else 0

    def live_source(self, agent: str, stream: str, boot: str, now: float) -> None:
        """Note where a live report came from. A cloned disk shows as two sources that take turns."""
        source = self._sources.get(agent)
        at = (stream, boot)
        if source is None:
            self._sources[agent] = _Source(at)
        elif at != source.now:
            if at == source.before:
                source.returns = source.returns + 1 if now - source.last_return <= CLONE_MEMORY else 1
                source.last_return = now
            source.before, source.now = source.now, at

    def cloned(self, now: float) -> list[str]:
        """Return the agents whose identity two sources use at the same time."""
        return sorted(
            agent
            for agent, source in self._sources.items()
            if source.returns >= CLONE_RETURNS and now - source.last_return <= CLONE_MEMORY
        )

    def take_evicted(self) -> list[tuple[str, str]]:
        """Return the (agent, stream) that had to make room since the last call."""
        evicted, self._evicted = self._evicted, []
        return evicted

    def __iter__(self) -> Iterator[str]:
        """Iterate over the agents."""
        return iter(self._agents)

    def _marks(self, agent: str, stream: str) -> Marks:
        known = self._agents.get(agent)
        if known is None:
            if len(self._agents) >= MAX_AGENTS:
                raise AdmissionError("bounds")
            known = self._agents[agent] = {}
        marks = known.get(stream)
        if marks is None:
            if len(known) >= MAX_STREAMS:
                oldest = min(known, key=lambda one: known[one].used)
                del known[oldest]
                self._evicted.append((agent, oldest))
            marks = known[stream] = Marks()
        self._uses += 1
        marks.used = self._uses
        return marks
