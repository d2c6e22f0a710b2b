"""Whether an alert that was posted is news, given what is known of it. Pure.

Alertmanager repeats a group every ``repeat_interval``, sends again what it had no answer to, and two of them post everything twice, one
perhaps long after the other. Alerts are known by their fingerprint (:class:`Known`, the newest occurrence).

=============  ===================================================================  =====================================
``NEW``        fires, and was never heard of; or began after the known one ended    told at once
``DOUBTFUL``   fires, but ended according to another post that covers this time     told after GRACE, unless it ends first
``REPEAT``     fires, and is known to fire, or was only claimed to be over          nothing
``OVER``       ended, and is known to fire                                          told when believed of the whole group
``STALE``      ended, and was never known to fire, ended before, or began again     nothing
=============  ===================================================================  =====================================

``DOUBTFUL`` is a second Alertmanager that is late (its "resolved" follows), or a fault that is really there: waiting tells which.
A firing alert whose start moved by less than SHIFT is the same one: two Prometheus do not begin in the same second. So is one whose end
was only claimed: an Alertmanager takes for over what a dead Prometheus does not repeat.
"""

from __future__ import annotations

import enum
from typing import Final, NamedTuple

#: A second Alertmanager's "resolved" follows its "firing" within that, seconds.
GRACE: Final = 90.0
#: Two Prometheus, or one that was started anew, begin the same alert within that, seconds.
SHIFT: Final = 300.0


class Novelty(enum.Enum):
    """What a posted alert is: a closed set, values of a label."""

    NEW = "new"
    DOUBTFUL = "doubtful"
    REPEAT = "repeat"
    OVER = "over"
    STALE = "stale"


class Known(NamedTuple):
    """The newest occurrence of an alert, UTC seconds: ``ends`` is None while it fires, ``claimed`` an end that is not believed yet."""

    starts: float
    ends: float | None
    claimed: float | None = None


def decide(known: Known | None, starts: float, ends: float | None) -> Novelty:
    """Compare what was posted (``ends`` is None while it fires) with what is known."""
    if ends is None:
        if known is None:
            return Novelty.NEW
        if known.ends is None:
            again = starts > known.starts + SHIFT and known.claimed is None
            return Novelty.NEW if again else Novelty.REPEAT
        return Novelty.NEW if starts > known.ends else Novelty.DOUBTFUL
    if known is None or known.ends is not None or ends < known.starts:
        return Novelty.STALE
    return Novelty.OVER
