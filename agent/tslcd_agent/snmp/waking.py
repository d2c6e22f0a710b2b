"""Rounds out of turn: at once when something is known to have happened, and bounded when something happens all the time.

Invariants:

* A round that is asked for begins at once, unless one began less than the gap ago: then as soon as the gap is over.
* The gap is FIRST_GAP seconds after a round in turn, and doubles with every round out of turn: a storm of traps costs a
  device some rounds in an interval, never one a trap.

Pure: times are arguments, in seconds of a clock that does not jump.
"""

from __future__ import annotations

from typing import Final

FIRST_GAP: Final = 1.0


class Waking:
    """What was asked for, and when it may begin."""

    def __init__(self, interval: float) -> None:
        """``interval``: seconds between rounds in turn, the most that the gap becomes."""
        self._interval = interval
        self._gap = min(FIRST_GAP, interval)
        self._began: float | None = None
        self._wanted = False

    def ask(self) -> None:
        """Want a round out of turn."""
        self._wanted = True

    def due(self, now: float) -> float | None:
        """Return when the round that was asked for begins; None when there is none."""
        if not self._wanted:
            return None
        return now if self._began is None else max(now, self._began + self._gap)

    def begin(self, now: float, *, woken: bool) -> None:
        """Take note of a round, out of turn (``woken``) or in turn; it is the answer to all that was asked for until now."""
        self._wanted = False
        self._began = now
        self._gap = min(self._interval, 2 * self._gap) if woken else min(FIRST_GAP, self._interval)
