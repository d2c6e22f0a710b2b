"""Whether a device started anew, or only its clock went round.

sysUpTime is in hundredths of a second and goes round after 497 days (2**32 ticks, RFC 2578 section 7.1.8): that is no
restart. A device that was silent for long may have started anew and be up for longer than it was before: that is one.

Pure: times are arguments.
"""

from __future__ import annotations

from typing import Final

TICKS: Final = 2**32
TICKS_A_SECOND: Final = 100
#: A clock that is asked over a network, and is not ours, may differ by so much: seconds, and a share of what elapsed.
SLACK_SECONDS: Final = 30.0
SLACK_SHARE: Final = 0.1
#: Devices with several processors were seen to answer a little younger than before (ticks); no restart leaves one
#: that is up for more than a minute so little behind.
_JITTER: Final = 100
_MINUTE: Final = 60 * TICKS_A_SECOND


def restarted(before: int, now: int, elapsed: float) -> bool:
    """Whether a device that told ``before`` ticks, and ``elapsed`` seconds later ``now``, started anew in between."""
    expected = before + elapsed * TICKS_A_SECOND
    slack = (SLACK_SECONDS + SLACK_SHARE * elapsed) * TICKS_A_SECOND
    if now >= before:
        return now < expected - slack
    if abs(now + TICKS - expected) <= slack:
        return False
    return not (before - now <= _JITTER and now > _MINUTE)


class UpTime:
    """The last sysUpTime of one device."""

    def __init__(self) -> None:
        """Know nothing."""
        #: None before the first.
        self.ticks: int | None = None
        #: When it was heard, on the clock of :meth:`hear`.
        self.at = 0.0
        #: Restarts seen so far.
        self.restarts = 0

    def hear(self, ticks: object, at: float) -> None:
        """Take note of an answer; ``at``: seconds of a clock that never jumps. What is no number of ticks is ignored."""
        if not isinstance(ticks, int) or not 0 <= ticks < TICKS:
            return
        if self.ticks is not None and restarted(self.ticks, ticks, at - self.at):
            self.restarts += 1
        self.ticks, self.at = ticks, at
