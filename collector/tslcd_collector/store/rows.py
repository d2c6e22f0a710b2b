"""What goes into the store and comes out of it, as plain rows. Times are UTC seconds by the collector's clock unless named."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tslcd_wire.report import Table


class JournalRow(NamedTuple):
    """One report as it was taken in. ``at``: corrected time of measurement. ``replay``: needed besides the newest tables."""

    province: str
    agent: str
    stream: str
    seq: int
    at: float
    received: float
    replay: bool
    payload: bytes


class LatestRow(NamedTuple):
    """The newest table of one kind of one device; ``province`` is that of the topic."""

    province: str
    agent: str
    device: str
    kind: str
    at: float
    received: float
    table: Table


class MarkRow(NamedTuple):
    """What is done with of one stream: closed ranges; ``upto`` is the end of the one that starts at 1."""

    agent: str
    stream: str
    upto: int
    ranges: list[tuple[int, int]]


class AgentRow(NamedTuple):
    """The last status of an agent, as bytes of the contract; None where only reports came."""

    province: str
    agent: str
    heard: float
    status: bytes | None


class VerdictRow(NamedTuple):
    """A verdict of a channel that holds from ``since`` on; its state holds since ``state_since``.

    ``detail`` is as :meth:`tslcd_collector.verdict.Words.kept` writes it.
    """

    channel: str
    state: str
    reason: str
    party: str
    detail: str
    since: float
    state_since: float


class ProgressRow(NamedTuple):
    """How far the journal went to one time-series store.

    ``upto``: last row delivered; ``safe``: last one that a loss of the store's last minutes does not concern; ``started``: since
    when the store's process ran then (UTC seconds), 0 when not known.
    """

    target: str
    upto: int
    safe: int
    started: float


class SpanRow(NamedTuple):
    """From when to when something was seen: an agent on ``/metrics``, or who scrapes it (``kind`` agent or scraper)."""

    kind: str
    name: str
    since: float
    until: float


class WaitingRow(NamedTuple):
    """A report of the journal that is still to go to a time-series store."""

    id: int
    province: str
    agent: str
    at: float
    payload: bytes


class HeardRow(NamedTuple):
    """Who was heard in a row of the journal, measured when, received when."""

    id: int
    agent: str
    at: float
    received: float


@dataclass(slots=True)
class Batch:
    """Everything of one transaction.

    ``forgotten``: (agent, stream) whose marks are given up. ``retired``: channels that are supervised no more; their open
    verdict ends at ``now``.
    """

    now: float
    journal: list[JournalRow] = field(default_factory=list)
    latest: dict[tuple[str, str, str], LatestRow] = field(default_factory=dict)
    marks: dict[tuple[str, str], MarkRow] = field(default_factory=dict)
    agents: dict[str, AgentRow] = field(default_factory=dict)
    verdicts: list[VerdictRow] = field(default_factory=list)
    forgotten: list[tuple[str, str]] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    progress: list[ProgressRow] = field(default_factory=list)
    spans: list[SpanRow] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(
            self.journal
            or self.latest
            or self.marks
            or self.agents
            or self.verdicts
            or self.retired
            or self.progress
            or self.spans
        )


@dataclass(slots=True)
class Memory:
    """What the store knew when it was opened. ``alive``: when it was last written to, None for a new store.

    ``ended`` are the verdicts of the last day that no longer stand, oldest first. ``replay`` are the reports of the last minutes that :attr:`JournalRow.replay` marked, oldest first.
    """

    alive: float | None = None
    marks: list[MarkRow] = field(default_factory=list)
    agents: list[AgentRow] = field(default_factory=list)
    latest: list[LatestRow] = field(default_factory=list)
    verdicts: list[VerdictRow] = field(default_factory=list)
    ended: list[VerdictRow] = field(default_factory=list)
    replay: list[JournalRow] = field(default_factory=list)
    progress: list[ProgressRow] = field(default_factory=list)
    spans: list[SpanRow] = field(default_factory=list)
