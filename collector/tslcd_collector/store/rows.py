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
    """A verdict of a channel that holds from ``since`` on; its state holds since ``state_since``."""

    channel: str
    state: str
    reason: str
    party: str
    detail: str
    since: float
    state_since: float


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

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.journal or self.latest or self.marks or self.agents or self.verdicts or self.retired)


@dataclass(slots=True)
class Memory:
    """What the store knew when it was opened. ``alive``: when it was last written to, None for a new store.

    ``replay`` are the reports of the last minutes that :attr:`JournalRow.replay` marked, oldest first.
    """

    alive: float | None = None
    marks: list[MarkRow] = field(default_factory=list)
    agents: list[AgentRow] = field(default_factory=list)
    latest: list[LatestRow] = field(default_factory=list)
    verdicts: list[VerdictRow] = field(default_factory=list)
    replay: list[JournalRow] = field(default_factory=list)
