"""How fast history may go: bounded in bytes per second, in its share of the link, and by what the collector keeps up with.

Pure: time is an argument (monotonic seconds).

Invariants:

* History never occupies more than its share of the time of the link: it goes in bursts, and after each it rests for as long
  as the broker took to answer for it (at a share of one half). What a link can carry need not be known.
* A broker hands a collector what came, in its order: what waits there makes the live reports of every agent wait. So when many sites
  come back at once, each sends only as much history as the collector answers for within seconds.
* A burst is so small that it is through in about a second: that is how long a live report may have to wait behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tslcd_wire.ranges import RangeSet


class Rate:
    """A bound on bytes per second with a burst of one second. A message may overdraw; the next ones wait for it."""

    def __init__(self, bits_per_second: float) -> None:
        """Start with a full burst."""
        self._bytes_per_second = bits_per_second / 8
        self._tokens = self._bytes_per_second
        self._at: float | None = None

    def pause(self, now: float) -> float:
        """Return how many seconds to wait before the next message may go; 0 when it may."""
        if self._at is not None:
            gained = max(0.0, now - self._at) * self._bytes_per_second
            self._tokens = min(self._bytes_per_second, self._tokens + gained)
        self._at = now
        return 0.0 if self._tokens > 0 else -self._tokens / self._bytes_per_second + 0.001

    def spend(self, size: int) -> None:
        """Note that a message of so many bytes goes."""
        self._tokens -= size


class Share:
    """Bursts and rests, so that history has ``share`` of the link's time, and a burst takes about a second."""

    #: Bytes of a burst: the first one, the least and the most.
    FIRST: Final = 2048
    LEAST: Final = 512
    MOST: Final = 256 * 1024
    #: Seconds: a burst that took longer makes the next one half, one that took less than half of it makes it double.
    LONG: Final = 1.0
    #: What to wait, in seconds, for an answer of the broker that ends the wait anyway.
    _UNTIL_ANSWERED: Final = 5.0

    def __init__(self, share: float) -> None:
        """Remember; 1 means no rest."""
        self._rest = (1 - share) / share
        self._size = self.FIRST
        self._spent = 0
        self._under_way = 0
        self._began = 0.0
        self._resting_until = float("-inf")

    def pause(self, now: float) -> float:
        """Return how many seconds to wait before the next message may go; 0 when it may."""
        if self._under_way and self._spent >= self._size:
            return self._UNTIL_ANSWERED
        return max(0.0, self._resting_until - now)

    def started(self, size: int, now: float) -> None:
        """Note that a message of so many bytes goes."""
        if not self._under_way:
            self._began = now
            self._spent = 0
        self._under_way += 1
        self._spent += size

    def finished(self, now: float) -> None:
        """Note that the broker answered for a message, or that the connection ended. The last of a burst ends the burst."""
        self._under_way -= 1
        if self._under_way:
            return
        took = now - self._began
        self._resting_until = now + took * self._rest
        if took > self.LONG:
            self._size = max(self.LEAST, self._size // 2)
        elif took < self.LONG / 2 and self._spent >= self._size:
            self._size = min(self.MOST, self._size * 2)


class Window:
    """How many reports may wait for a collector's word before history waits too.

    One report at a time is timed, from the broker's answer to the collector's. While that takes hardly longer than it ever took over this
    connection the window grows by a few; when it takes seconds more, the window is halved.
    """

    FIRST: Final = 32
    LEAST: Final = 16
    MOST: Final = 1024
    _STEP: Final = 8
    #: Seconds over the quickest answer. A collector gathers its answers for two seconds, which is no lateness.
    LATE: Final = 3.0
    #: After so many seconds without a word the timed report counts as lost.
    _LOST: Final = 60.0

    def __init__(self) -> None:
        """Start small: others may come back at the same time."""
        self.size = self.FIRST
        self._timed: tuple[int, float] | None = None
        self._halved = False
        self._quickest = float("inf")

    def reconnected(self) -> None:
        """Note that there is a new connection, and perhaps another way."""
        self._timed, self._quickest, self.size = None, float("inf"), min(self.size, self.FIRST)

    def answered(self, key: int, now: float) -> None:
        """Note that the broker has answered for a report."""
        if self._timed is None:
            self._timed, self._halved = (key, now), False

    def heard(self, has: RangeSet, now: float) -> None:
        """Note a collector's word: it ``has`` these."""
        if self._timed is None:
            return
        key, began = self._timed
        took = now - began
        if key in has:
            self._timed = None
            self._quickest = min(self._quickest, took)
        elif took > self._LOST:
            self._timed = None
        late = took > self._quickest + self.LATE
        if late and not self._halved:
            self._halved = True
            self.size = max(self.LEAST, self.size // 2)
        elif key in has and not late:
            self.size = min(self.MOST, self.size + self._STEP)
