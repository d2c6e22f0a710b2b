"""What is wrong with an agent, from its own heartbeat, its clock, and who else uses its name. Pure.

Invariant: a problem is told, true or false, exactly while the thing it is read from is known: the heartbeat while it is fresh.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tslcd_collector.problems import AgentProblem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: A spool is filling from this share of its bound on, and until it is below CLEAR times that.
FILLING: Final = 0.8
CLEAR: Final = 0.9
#: So long after the last dropped report a spool counts as dropping, seconds.
DROPPING_FOR: Final = 600.0


@dataclass(frozen=True, slots=True)
class Drops:
    """How many reports an agent had dropped when it last told, and when that number last grew (UTC seconds)."""

    total: int | None = None
    grew: float = float("-inf")

    def after(self, total: int | None, at: float) -> Drops:
        """Return what is known after a heartbeat measured at ``at``; an agent that starts anew counts from 0."""
        if total is None:
            return self
        grew = self.total is not None and total > self.total
        return Drops(total, at if grew else self.grew)


def agent_problems(
    heartbeat: Mapping[str, Sequence[Any]] | None,
    at: float,
    drops: Drops,
    before: frozenset[AgentProblem],
    *,
    clock_wrong: bool | None,
    cloned: bool,
) -> dict[AgentProblem, bool]:
    """Return every problem that can be told of. ``heartbeat``: the agent's table, measured at ``at``, None when too old."""
    told = {AgentProblem.IDENTITY_CLONED: cloned}
    if clock_wrong is not None:
        told[AgentProblem.CLOCK_WRONG] = clock_wrong
    if heartbeat is None:
        return told
    spare, used, limit = (_cell(heartbeat, name) for name in ("uplink_spare", "spool_bytes", "spool_limit_bytes"))
    if spare is not None:
        told[AgentProblem.UPLINK_SPARE] = bool(spare)
    if used is not None and limit:
        wanted = FILLING * (CLEAR if AgentProblem.SPOOL_FILLING in before else 1.0)
        told[AgentProblem.SPOOL_FILLING] = used / limit >= wanted
    if drops.total is not None:
        told[AgentProblem.SPOOL_DROPPING] = at - drops.grew < DROPPING_FOR
    return told


def _cell(table: Mapping[str, Sequence[Any]], column: str) -> Any:
    cells = table.get(column)
    return cells[0] if cells else None
