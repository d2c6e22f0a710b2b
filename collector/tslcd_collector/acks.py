"""When an agent is told what is stored. Pure: the clock is an argument (monotonic seconds).

Invariants: the first acknowledgement leaves at once, further ones at most every ``interval`` an agent, however many reports
come; one that was asked for by a status leaves at once again. Nothing that is wanted is forgotten until it is taken.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Address(NamedTuple):
    """Whose acknowledgement: the agent by its topic, and the stream."""

    province: str
    agent: str
    stream: str


@dataclass(slots=True)
class _Agent:
    last: float = float("-inf")
    wanted: dict[str, None] = field(default_factory=dict)


class AckSchedule:
    """Who wants an acknowledgement, and when it may leave."""

    def __init__(self, interval: float) -> None:
        """``interval`` in seconds."""
        self.interval = interval
        self._agents: dict[tuple[str, str], _Agent] = {}
        self._waiting: dict[tuple[str, str], None] = {}

    def want(self, address: Address, *, urgent: bool = False) -> None:
        """Let an acknowledgement leave when it may, or at once."""
        key = (address.province, address.agent)
        agent = self._agents.setdefault(key, _Agent())
        agent.wanted[address.stream] = None
        self._waiting[key] = None
        if urgent:
            agent.last = float("-inf")

    def take(self, now: float) -> list[Address]:
        """Return what may leave now, and forget it."""
        taken = []
        for key in list(self._waiting):
            agent = self._agents[key]
            if now - agent.last >= self.interval:
                taken += [Address(*key, stream) for stream in agent.wanted]
                agent.wanted.clear()
                agent.last = now
                del self._waiting[key]
        return taken

    def wait(self, now: float) -> float | None:
        """Return the seconds until something may leave, None when nothing is wanted."""
        if not self._waiting:
            return None
        return max(0.0, min(self._agents[key].last for key in self._waiting) + self.interval - now)
