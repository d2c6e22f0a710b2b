"""Puts the times of measurement right when an agent's clock is wrong. Pure.

A report carries its wall time ``at`` and its ``mono`` (CLOCK_BOOTTIME, which runs on whatever the wall clock does). A report
of the live lane is fresh when it comes, so ``received - mono``, the smallest one seen, is the wall time of the boot, true
to the delay of the network; with it any ``mono`` of that boot has a true wall time.

Invariants:

* No corrected time is later than ``received + max_future``: a clock a day ahead cannot freeze a table.
* A clock that is right is left alone, also when reports come late: going back needs PROOF_REPORTS live reports over
  PROOF_SECONDS that agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

PROOF_REPORTS: Final = 3
PROOF_SECONDS: Final = 20.0
#: How fast two clocks may drift apart; quartz is good for a tenth of this.
DRIFT: Final = 1e-3
MAX_AGENTS: Final = 20_000


class Timed(NamedTuple):
    """When a report was measured (UTC seconds), and whether the agent's own word for it was wrong."""

    at: float
    corrected: bool


@dataclass(slots=True)
class _Boot:
    boot: str
    start: float
    first: float
    last: float
    reports: int = 1


class Clocks:
    """The clocks of all agents, as far as they are known."""

    def __init__(self, max_future: float, max_age: float) -> None:
        """``max_future``, ``max_age``: seconds ahead or behind from which on a time is not believed."""
        self.max_future = max_future
        self.max_age = max_age
        self._boots: dict[str, _Boot] = {}

    def live(self, agent: str, boot: str, mono: float, received: float) -> None:
        """Learn from a report of the live lane, that came at ``received`` (our UTC seconds)."""
        known = self._boots.get(agent)
        start = received - mono
        if known is None or known.boot != boot:
            if known is not None or len(self._boots) < MAX_AGENTS:
                self._boots[agent] = _Boot(boot, start, received, received)
            return
        known.start = min(known.start + DRIFT * max(0.0, received - known.last), start)
        known.last = received
        known.reports += 1

    def correct(self, agent: str, boot: str, mono: float, at: float, received: float) -> Timed:
        """Return when it was measured. A time that cannot be put right stays as it is, unless it is in the future."""
        known = self._boots.get(agent)
        true = known.start + mono if known is not None and known.boot == boot else None
        if at > received + self.max_future:
            return Timed(received if true is None else min(true, received), corrected=True)
        if true is None or known is None or true - at <= self.max_future:
            return Timed(at, corrected=False)
        proven = known.reports >= PROOF_REPORTS and known.last - known.first >= PROOF_SECONDS
        if proven or at < received - self.max_age:
            return Timed(min(true, received), corrected=True)
        return Timed(at, corrected=False)
