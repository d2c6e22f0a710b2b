"""One agent as the board knows it. No clock, no disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tslcd_collector.judge.agents import Drops, agent_problems

if TYPE_CHECKING:
    from tslcd_collector.problems import AgentProblem
    from tslcd_wire.report import Status, Table


@dataclass(slots=True)
class AgentState:
    """An agent as the collector knows it. ``heard``: last sign of life, ``reported``: last report; UTC seconds, ours.

    ``goodbye``: it went offline by its own word. ``spare``: its last heartbeat left by a spare way.
    """

    province: str
    online: bool = True
    heard: float = 0.0
    reported: float = 0.0
    offline_since: float = float("-inf")
    goodbye: bool = False
    spare: bool = False
    status: Status | None = None
    rows: int = 0
    devices: set[str] = field(default_factory=set)
    drops: Drops = field(default_factory=Drops)
    problems: frozenset[AgentProblem] = frozenset()

    def tell(
        self, heartbeat: tuple[Table, float] | None, clock_wrong: bool | None, *, cloned: bool
    ) -> dict[AgentProblem, bool]:
        """Return the problems that can be told of, and remember them. ``heartbeat``: its table and when it was measured."""
        table, at = heartbeat if heartbeat is not None else (None, 0.0)
        told = agent_problems(table, at, self.drops, self.problems, clock_wrong=clock_wrong, cloned=cloned)
        self.problems = frozenset(problem for problem, there in told.items() if there)
        return told
