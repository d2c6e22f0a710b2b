"""When a loop goes round: a fixed grid of ticks, each loop with a phase of its own.

Invariants:

* Ticks are ``phase + k * interval``: a slow round moves no later one, so there is no drift.
* A missed tick is skipped, never made up for.
* The phase depends on the name alone, so that many devices are spread over the interval, the same way after every start.

Pure: times are arguments, in seconds of any clock that does not jump.
"""

from __future__ import annotations

import math
import zlib
from typing import Final

#: The first round of every loop comes within this time after the start, in seconds.
FIRST_WITHIN: Final = 2.0


def phase(name: str, interval: float) -> float:
    """Return the phase of ``name``: 0 <= phase < ``interval``, evenly spread over names."""
    return zlib.crc32(name.encode()) / 2**32 * interval


def first_tick(now: float, interval: float, name: str) -> float:
    """Return when the loop ``name`` goes round for the first time: soon, but not all loops at once."""
    return now + phase(name, min(interval, FIRST_WITHIN))


def next_tick(now: float, interval: float, name: str) -> float:
    """Return the first tick after ``now``."""
    offset = phase(name, interval)
    tick = offset + (math.floor((now - offset) / interval) + 1) * interval
    # rounding may put the tick on now itself
    return tick if tick > now else tick + interval


def missed_ticks(previous: float, now: float, interval: float) -> int:
    """Count the ticks after the tick ``previous`` that ``now`` has passed already: rounds that were skipped."""
    return max(0, math.floor((now - previous) / interval))
