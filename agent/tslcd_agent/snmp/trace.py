"""What one round did, step by step, for people who ask why it takes so long; nobody pays for it who does not ask."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Step:
    """One step of a round: ``system``, ``interface names``, ``counters``, ``table tunnels``, ...

    ``seconds`` it took; ``requests`` and ``retries`` that the session counted meanwhile; ``rows``: cells or rows that came;
    ``error``: why it ended early, empty when it did not.
    """

    name: str
    seconds: float = 0.0
    requests: int = 0
    retries: int = 0
    rows: int = 0
    error: str = ""


@dataclass(slots=True)
class Trace:
    """The steps of a round in the order in which they began; steps do not contain each other."""

    steps: list[Step] = field(default_factory=list)
