"""The series of one agent that the collector itself decides: whether it is there, its clock, its problems. Text, and no state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tslcd_collector.families import (
    AGENT_CLOCK_CORRECTED,
    AGENT_CLOCK_OFFSET,
    AGENT_CLOCK_UNTIMED,
    AGENT_LAST_REPORT,
    AGENT_ONLINE,
    AGENT_PROBLEM,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tslcd_collector.clock import AgentClock
    from tslcd_collector.problems import AgentProblem


def agent_chunks(
    labels: str, *, online: bool, reported: float, clock: AgentClock | None, problems: Mapping[AgentProblem, bool]
) -> dict[str, bytes]:
    """Write the series of an agent with these labels; ``reported``: its last report, UTC seconds, 0 for none."""
    lines = {AGENT_ONLINE.name: f"{{{labels}}} {int(online)}"}
    if reported:
        lines[AGENT_LAST_REPORT.name] = f"{{{labels}}} {reported:.3f}"
    if clock is not None:
        lines[AGENT_CLOCK_CORRECTED.name] = f"{{{labels}}} {clock.corrected}"
        lines[AGENT_CLOCK_UNTIMED.name] = f"{{{labels}}} {clock.untimed}"
        if clock.offset is not None:
            lines[AGENT_CLOCK_OFFSET.name] = f"{{{labels}}} {clock.offset:.3f}"
    chunks = {name: f"{name}{text}\n".encode() for name, text in lines.items()}
    name = AGENT_PROBLEM.name
    chunks[name] = "".join(
        f'{name}{{{labels},problem="{problem.value}"}} {int(there)}\n' for problem, there in problems.items()
    ).encode()
    return chunks
