"""What stands in the ledger, as plain rows. Times are UTC seconds."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

#: How an interval came to be: judged as it happened; judged again from late reports; told by an agent's start; the collector was
#: not running.
Origin: TypeAlias = Literal["live", "late", "power", "blind"]
#: How long intervals are kept, seconds: a year and what a yearly report needs to be late.
KEEP: Final = 400 * 86400.0


class Interval(NamedTuple):
    """One verdict of a channel from ``since`` until ``until`` (None: it still holds).

    ``detail`` is as :meth:`tslcd_collector.verdict.Words.kept` writes it. ``revision``: how often this time was judged, 0 for the first. ``id`` is the row's, 0 for one that is not written yet.
    """

    channel: str
    state: str
    reason: str
    party: str
    detail: str
    since: float
    until: float | None
    origin: Origin = "live"
    revision: int = 0
    id: int = 0

    def agrees(self, other: Interval) -> bool:
        """Whether both say the same but for the detail."""
        return (self.state, self.reason, self.party) == (other.state, other.reason, other.party)


class Revision(NamedTuple):
    """A note that the time from ``since`` to ``until`` was judged anew at ``at``, and from what, kept as a detail is."""

    since: float
    until: float
    at: float
    note: str


class History(NamedTuple):
    """The past of one channel: intervals without a hole between them, oldest first; ``more``: the newest were left out."""

    intervals: list[Interval]
    revisions: list[Revision]
    more: bool
