"""What keeps verdicts steady: thresholds that let go later than they take hold, and cuts that come again and again. Pure.

Invariants:

* What was before is an argument, a :class:`Past`, and follows from the verdicts that were told and nothing else. So a restart, which
  reads them from the store, and hindsight, which folds over its own, come to the same.
* A cut counts when the channel was seen to work before, and when the line itself was cut: not for a device switched off, a
  channel further up, or during planned work.
* A channel flaps from the class's ``flap_count`` cuts within ``flap_window`` on, and until one less than that is too many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tslcd_collector.verdict import Reason, State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tslcd_collector.inventory.classes import ChannelClass
    from tslcd_collector.verdict import Verdict

#: Cuts of the line itself.
CUTS: Final = frozenset({Reason.INTERFACE_DOWN, Reason.GATEWAY_UNREACHABLE})
WORKS: Final = frozenset({State.UP, State.DEGRADED})
#: No more cuts than this are remembered of a channel: the most a class may ask for.
MAX_CUTS: Final = 100


@dataclass(frozen=True, slots=True)
class Past:
    """State and reason that were told before, None when nothing was; ``cuts``: when it was cut lately, UTC seconds, oldest first."""

    state: State | None = None
    reason: Reason | None = None
    cuts: tuple[float, ...] = ()

    def after(self, verdict: Verdict, at: float, window: float) -> Past:
        """Return what was, once ``verdict`` was told at ``at``; cuts older than ``window`` seconds are forgotten."""
        cuts = self.cuts
        if cuts and at - cuts[0] >= window:
            cuts = tuple(one for one in cuts if at - one < window)
        if verdict.state is State.DOWN and verdict.reason in CUTS and self.state in WORKS:
            cuts = (*cuts, at)[-MAX_CUTS:]
        if cuts is self.cuts and verdict.state is self.state and verdict.reason is self.reason:
            return self
        return Past(verdict.state, verdict.reason, cuts)


#: Of a channel that nothing was told about yet.
UNTOLD: Final = Past()


def past_of(told: Iterable[tuple[Verdict, float]], window: float) -> Past:
    """Return what was, after verdicts told one after another, each with its time (UTC seconds)."""
    past = UNTOLD
    for verdict, at in told:
        past = past.after(verdict, at, window)
    return past


def bound(warn: float, reason: Reason, past: Past, clear: float) -> float:
    """Return from where on a figure is bad: at ``warn``, or at ``clear`` times that while the channel is bad for ``reason``."""
    return warn * clear if past.reason is reason else warn


def flaps(past: Past, limits: ChannelClass, now: float) -> int:
    """Return how often a channel that flaps was cut within the class's window, 0 for one that does not flap."""
    count = sum(now - one < limits.flap_window for one in past.cuts)
    wanted = limits.flap_count - (past.reason is Reason.FLAPPING)
    return count if count >= wanted else 0
