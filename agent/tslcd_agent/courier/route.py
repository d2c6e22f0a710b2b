"""Which uplink is used, after what pause, and when an earlier one is gone back to.

Pure: time and chance are arguments (monotonic seconds, a random number in [0, 1)).

Invariants:

* A way that fell silent is left for the next at once: that is this site's own trouble, and nobody else comes with it.
* A broker that closes a working connection closes everybody's. Nobody comes back at once: 500 agents spread over 30 s, and
  over 20 s where they have a spare way, then over 15 to 45 s an attempt (at the default bounds), so that the broker sees
  fewer than 50 connections a second.
* A spare way is left only when an earlier one has answered without a gap for a while; when that was too early, the while
  doubles.
"""

from __future__ import annotations

from typing import Final

#: A connection that lived shorter, in seconds, counts as a failure of that way.
STEADY: Final = 10.0
#: Parts of ``most`` over which everybody comes back after a broker closed: without a spare way, and with one.
_SPREAD: Final = 2 / 3
_SPREAD_SPARE: Final = 4 / 9
#: The longest that an earlier way must have answered before it is used again, in seconds, however often it failed.
MOST_PATIENCE: Final = 3600.0
#: The longest that an attempt lasts on a slow way, and an answer is waited for once there was one, in parts of ``answer_timeout``.
_MOST_SLOW: Final = 2.5
_MOST_SURE: Final = 6.0
#: A connection that took so long is waited for so many times as long: what is lost under way is sent again by TCP, ever later.
_AGAIN: Final = 4.0


class Backoff:
    """Pauses between attempts: doubling from ``least`` to ``most`` seconds, each between half and whole of itself."""

    def __init__(self, least: float, most: float) -> None:
        """Start with the least."""
        self._least = least
        self._most = most
        self._next = least

    def pause(self, chance: float) -> float:
        """Return the next pause; ``chance`` is a random number in [0, 1)."""
        whole, self._next = self._next, min(self._most, self._next * 2)
        return whole * (0.5 + chance / 2)

    def reset(self) -> None:
        """Begin with the least again, since it worked."""
        self._next = self._least


class Route:
    """Chooses among ``count`` uplinks, the first preferred. ``least`` and ``most`` bound the pauses, in seconds."""

    def __init__(self, count: int, least: float, most: float) -> None:
        """Begin with the first."""
        #: The uplink to use next.
        self.index = 0
        self._count = count
        self._most = most
        self._backoff = Backoff(least, most)
        self._failed = 0
        self._worked = False

    def ended(self, lived: float | None, *, mute: bool, chance: float) -> float:
        """Note that an attempt or a connection ended; choose, and return the pause before the next attempt, in seconds.

        ``lived``: how long there was a connection, None when there was none. ``mute``: nobody closed it, it fell silent.
        """
        if lived is not None and lived >= STEADY:
            self._backoff.reset()
            self._worked = True
            self._failed = 0
            if mute and self._count > 1:
                self._failed = 1
                self.index = (self.index + 1) % self._count
                return min(chance, self._most)
            return chance * self._most * (_SPREAD if self._count == 1 else _SPREAD_SPARE)
        self._failed += 1
        self.index = (self.index + 1) % self._count
        if self._failed < self._count:
            return 0.0
        self._failed = self.index = 0
        if self._worked:
            return self._most * (1 + 2 * chance) / 3
        return self._backoff.pause(chance)


class Return:
    """Whether an earlier uplink may be used again: it has answered for ``after`` seconds without a gap."""

    def __init__(self, after: float) -> None:
        """Start with the patience of the settings."""
        self._after = after
        self._since: dict[int, float] = {}
        #: How long an earlier way must have answered now, in seconds.
        self.patience = after

    def tried(self, index: int, now: float, *, good: bool) -> bool:
        """Note whether an earlier uplink answered; return whether to go back to it."""
        if not good:
            self._since.pop(index, None)
            return False
        return now - self._since.setdefault(index, now) >= self.patience

    def ended(self, lived: float) -> None:
        """Note that the way that was gone back to worked for so many seconds: too short doubles the patience."""
        self._since.clear()
        self.patience = (
            self._after if lived >= self.patience else max(self._after, min(MOST_PATIENCE, 2 * self.patience))
        )

    def left(self) -> None:
        """Forget what answered: another way is in use."""
        self._since.clear()


class Patience:
    """How long a broker is waited for, in seconds, on one way: ``attempt`` for a connection, ``answer`` once there is one.

    A way is given longer when an attempt ended in silence, and an answer when the connection took long: only a way that is known to
    work, and slowly, is waited for beyond what failing over can bear.
    """

    def __init__(self, least: float) -> None:
        """Begin with the least."""
        self._least = least
        self.attempt = self.answer = least

    def silent(self) -> None:
        """Note that an attempt ended without an answer."""
        self.attempt = min(self.attempt * 2, self._least * _MOST_SLOW)

    def answered(self, after: float) -> None:
        """Note how long an attempt took that got one."""
        if after < self._least / 2:
            self.attempt = self.answer = self._least
        else:
            self.answer = min(max(self.attempt, after * _AGAIN), self._least * _MOST_SURE)
