"""What every kind of probe looks like: one signature, an outcome of a closed set, never a bare bool.

A probe is ``async def probe(echoes: Echoes) -> ProbeResult``. It ends within :attr:`Echoes.longest` seconds and a little,
and raises nothing but cancellation.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tslcd_wire.catalogue import PROBE

if TYPE_CHECKING:
    from tslcd_wire.report import Table

#: ``no_answer``: nothing came back; ``unreachable``: the network said so, or there is no route; ``unresolved``: the name
#: has no address; ``denied``: this system, or these settings, do not let the agent send the probe.
Outcome: TypeAlias = Literal["ok", "no_answer", "unreachable", "unresolved", "denied"]


@dataclass(frozen=True, slots=True)
class Echoes:
    """One round of a probe.

    ``target``: address or name. ``count`` packets, ``spacing`` seconds apart, each waited for ``wait`` seconds, of ``size``
    bytes with IP and ICMP headers. ``source``: the address to send from.
    """

    target: str
    count: int = 5
    spacing: float = 0.2
    wait: float = 1.0
    size: int = 64
    source: str | None = None

    @property
    def longest(self) -> float:
        """The longest time that the sending and waiting may take, in seconds, without the name's resolution."""
        return (self.count - 1) * self.spacing + self.wait


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What became of a round. ``rtts``: round-trip times in seconds in the order of sending, None for what was lost."""

    outcome: Outcome
    rtts: tuple[float | None, ...] = ()
    address: str = ""

    @property
    def sent(self) -> int:
        """Packets that left this system."""
        return len(self.rtts)

    @property
    def answered(self) -> tuple[float, ...]:
        """Round-trip times of the packets that were answered, in seconds."""
        return tuple(rtt for rtt in self.rtts if rtt is not None)

    @property
    def loss(self) -> float | None:
        """Share of the packets without an answer, 0 to 1; None when none was sent."""
        return 1 - len(self.answered) / self.sent if self.rtts else None

    @property
    def jitter(self) -> float | None:
        """Mean absolute difference of round-trip times of consecutive answers, in seconds (after RFC 3550 section 6.4.1).

        None below two answers. A lost packet does not make its neighbours strangers: the next answer follows the last.
        """
        answered = self.answered
        return statistics.fmean(abs(b - a) for a, b in pairwise(answered)) if len(answered) > 1 else None


#: The one signature.
ProbeFunction: TypeAlias = Callable[[Echoes], Coroutine[Any, Any, ProbeResult]]


def probe_table(results: dict[str, ProbeResult]) -> Table:
    """Make the table ``probe`` from results by name; columns of nothing but None are left out."""
    found = list(results.values())
    columns: dict[str, list[Any]] = {
        "up": [int(result.outcome == "ok") for result in found],
        "outcome": [result.outcome for result in found],
        "packets_sent": [result.sent for result in found],
        "packets_received": [len(result.answered) for result in found],
        "loss_ratio": [result.loss for result in found],
        "rtt_seconds": [statistics.fmean(result.answered) if result.answered else None for result in found],
        "rtt_min_seconds": [min(result.answered, default=None) for result in found],
        "rtt_max_seconds": [max(result.answered, default=None) for result in found],
        "jitter_seconds": [result.jitter for result in found],
    }
    table: Table = {"key": list(results)}
    for column in PROBE.by_name:
        if any(cell is not None for cell in columns.get(column, ())):
            table[column] = columns[column]
    return table
