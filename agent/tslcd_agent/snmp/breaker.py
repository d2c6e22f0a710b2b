"""When a device that does not answer is asked again, and how much.

Invariants:

* After FAILURES rounds without an answer the device is asked one small question only, and not at every tick.
* Pauses grow to MOST ticks and no further: a device that comes back is read again within MOST + 1 ticks, whatever happens.
* A pause is cut short by whoever knows better (a trap, an answered ping, a link that came up).

Pure: chance is an argument.
"""

from __future__ import annotations

import enum
import random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

#: Rounds without an answer before the breaker opens, and the most ticks that a pause lasts.
FAILURES: Final = 3
MOST: Final = 4


class Ask(enum.Enum):
    """What is asked at a tick: everything, one small question first, or nothing."""

    ROUND = "round"
    KNOCK = "knock"
    NOTHING = "nothing"


class Breaker:
    """The breaker of one device, closed at first."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        """``chance`` returns 0 <= x < 1; it keeps many devices that failed together from being asked together."""
        self._chance = chance
        self._failures = 0
        self._pause = 0
        self._left = 0

    @property
    def open(self) -> bool:
        """Whether the device is asked less than everything."""
        return self._failures >= FAILURES

    def tick(self) -> Ask:
        """Return what to ask at this tick; every tick is to be told once."""
        if not self.open:
            return Ask.ROUND
        if self._left > 0:
            self._left -= 1
            return Ask.NOTHING
        return Ask.KNOCK

    def succeed(self) -> None:
        """Take note of an answer."""
        self._failures = self._pause = self._left = 0

    def fail(self) -> None:
        """Take note of a round, or a small question, without an answer."""
        self._failures += 1
        if self.open:
            self._pause = min(MOST, 2 * self._pause or 1)
            self._left = 1 + int(self._pause * (1 + self._chance()) / 2 - 0.5)

    def cut(self) -> None:
        """Ask at the next tick."""
        self._left = 0
