"""What is looked at of all that is sent to the trap port, decided before anything is decoded. Pure: times are arguments.

Invariants:

* A device has RATE notifications a second and a burst of BURST_SECONDS times as many; all devices together have GLOBAL_RATE.
  Decoding costs two milliseconds, the gate two microseconds: a storm costs the agent a tenth of a processor, not its other work.
* A device that tells now and then (MODEST_RATE a second, MODEST_BURST at once) is heard also while others storm: half of what
  is common is kept for those.
* A refusal is logged once a source and code, then again after LOG_AGAIN seconds; sources beyond MAX_SOURCES are counted only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tslcd_agent.links.notification import CODES

if TYPE_CHECKING:
    from tslcd_agent.links.notification import Code

#: A line card that goes down sends one trap for each of its ports.
BURST_SECONDS: Final = 5
#: Notifications a second of all devices together, and how many at once.
GLOBAL_RATE: Final = 50.0
GLOBAL_BURST: Final = 400.0
MODEST_RATE: Final = 2.0
MODEST_BURST: Final = 20.0
LOG_AGAIN: Final = 3600.0
MAX_SOURCES: Final = 256


@dataclass(slots=True)
class Bucket:
    """A token bucket: ``rate`` tokens a second, at most ``burst``. ``since``: when ``tokens`` were counted, seconds."""

    rate: float
    burst: float
    tokens: float = field(init=False)
    since: float = 0.0

    def __post_init__(self) -> None:
        """Begin full."""
        self.tokens = self.burst

    def fill(self, now: float) -> float:
        """Put in what time brought; return what there is."""
        if now > self.since:
            self.tokens = min(self.burst, self.tokens + (now - self.since) * self.rate)
            self.since = now
        return self.tokens


class Gate:
    """Lets notifications of devices through, as many as ``rate`` allows a second."""

    def __init__(self, rate: float) -> None:
        """Begin with everything full."""
        self._rate = rate
        self._devices: dict[str, Bucket] = {}
        self._modest: dict[str, Bucket] = {}
        self._all = Bucket(GLOBAL_RATE, GLOBAL_BURST)
        self._storming: set[str] = set()

    def admit(self, device: str, now: float) -> bool:
        """Whether one more of ``device`` is looked at now. ``now``: seconds of a clock that does not jump."""
        if device not in self._devices:
            self._devices[device] = Bucket(self._rate, self._rate * BURST_SECONDS, since=now)
            self._modest[device] = Bucket(MODEST_RATE, MODEST_BURST, since=now)
        own, modest = self._devices[device], self._modest[device]
        is_modest = modest.fill(now) >= 1
        kept = 0.0 if is_modest else GLOBAL_BURST / 2
        if own.fill(now) < 1 or self._all.fill(now) < 1 + kept:
            return False
        own.tokens -= 1
        self._all.tokens -= 1
        modest.tokens -= is_modest
        return True

    def storm_began(self, device: str) -> bool:
        """Note that one was not admitted; return whether that is news."""
        if device in self._storming:
            return False
        self._storming.add(device)
        return True

    def storms_over(self, now: float) -> list[str]:
        """Return the devices whose storm is over: their buckets are full again."""
        over = [name for name in self._storming if name not in self._devices or self._full(name, now)]
        self._storming.difference_update(over)
        return over

    def _full(self, device: str, now: float) -> bool:
        bucket = self._devices[device]
        return bucket.fill(now) >= bucket.burst


@dataclass(slots=True)
class TrapStatistics:
    """What the listener did since the start. ``refused`` by code; ``suppressed``: not looked at, in a storm."""

    received: int = 0
    refused: dict[Code, int] = field(default_factory=lambda: dict.fromkeys(CODES, 0))
    suppressed: int = 0

    def activity(self) -> dict[str, int]:
        """Return the counts that the agent tells of itself, by column of kind ``agent``."""
        return {
            "traps_received_total": self.received,
            "traps_refused_total": sum(self.refused.values()),
            "traps_suppressed_total": self.suppressed,
            "traps_replayed_total": self.refused["replay"],
        }


class Refusals:
    """Counts refusals, and says which of them to log."""

    def __init__(self, statistics: TrapStatistics) -> None:
        """Count into ``statistics``."""
        self._statistics = statistics
        self._told: dict[tuple[str, Code], float] = {}

    def note(self, source: str, code: Code, now: float) -> bool:
        """Count one; return whether this one is logged."""
        self._statistics.refused[code] += 1
        told = self._told.get((source, code))
        if told is not None and now - told < LOG_AGAIN:
            return False
        if told is None and len(self._told) >= MAX_SOURCES:
            old = [key for key, at in self._told.items() if now - at >= LOG_AGAIN]
            for key in old:
                del self._told[key]
            if not old:
                return False
        self._told[source, code] = now
        return True
