"""What every kind of probe looks like: one signature, a deadline from outside, phases measured, an outcome of a closed set.

A probe is ``async def probe(settings, means, findings) -> None``. It writes what it finds into :class:`Findings` as it goes,
so that what was measured before a failure is kept, returns when all is well, and raises :class:`ProbeError` when it is not.
Whoever calls it (:class:`~tslcd_agent.probes.prober.Prober`) sets the deadline, by cancelling, and makes the
:class:`ProbeResult`.
"""

from __future__ import annotations

import contextlib
import math
import statistics
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from tslcd_wire.catalogue import PROBE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tslcd_agent.config import Probe
    from tslcd_wire.report import Table

#: ``no_answer``: nothing came back in time; ``unreachable``: the network said so, or there is no route; ``unresolved``: the
#: name has no address; ``denied``: this system, or these settings, do not let the agent send the probe; ``refused``: the
#: target is there and does not want (TCP reset, broker's rights); ``bad_certificate``: not trusted, not valid now, or of
#: another name; ``bad_answer``: an answer that is not the wanted one; ``path_changed``: reached, by another way than before.
Outcome: TypeAlias = Literal[
    "ok",
    "no_answer",
    "unreachable",
    "unresolved",
    "denied",
    "refused",
    "bad_certificate",
    "bad_answer",
    "path_changed",
]
#: What takes time, in its order. Each has a column of its own in the catalogue.
Phase: TypeAlias = Literal["resolve", "connect", "tls", "answer", "transfer"]
PHASES: Final[tuple[Phase, ...]] = get_args(Phase)
#: Outcomes that say that the target answered as wanted.
GOOD: Final[frozenset[Outcome]] = frozenset({"ok", "path_changed"})


class ProbeError(Exception):
    """A probe that found something wrong. ``reason`` is short, for people, in English, and has no secret."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        """Keep both."""
        super().__init__(reason)
        self.outcome: Outcome = outcome
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Echoes:
    """One round of echoes.

    ``target``: address or name. ``count`` packets, ``spacing`` seconds apart, each waited for ``wait`` seconds, of ``size``
    bytes with IP and ICMP headers. ``source``: the address to send from. ``dscp``: 0 to 63.
    """

    target: str
    count: int = 5
    spacing: float = 0.2
    wait: float = 1.0
    size: int = 64
    source: str | None = None
    dscp: int = 0

    @property
    def longest(self) -> float:
        """The longest time that the sending and waiting may take, in seconds, without the name's resolution."""
        return (self.count - 1) * self.spacing + self.wait


@dataclass(frozen=True, slots=True)
class Hop:
    """One router on a path, or the target. ``address`` is empty where nobody answered; ``rtt`` in seconds."""

    address: str = ""
    rtt: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What some probes find besides times; None is "not known".

    ``certificate_expiry``: seconds until the first certificate of the chain ends; ``hops`` to the target; ``path_changes``
    since the agent's start; ``route``: for people, never in a report.
    """

    certificate_expiry: float | None = None
    http_status: int | None = None
    answers: int | None = None
    hops: int | None = None
    path_changes: int | None = None
    route: tuple[Hop, ...] = ()


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What became of a round. ``rtts``: round-trip times in seconds in the order of sending, None for what was lost.

    ``phases`` in seconds, those that came to their end; ``duration`` of the whole; ``reason``: why it is not ok.
    """

    outcome: Outcome
    rtts: tuple[float | None, ...] = ()
    address: str = ""
    type: str = "icmp"
    reason: str = ""
    duration: float | None = None
    phases: Mapping[Phase, float] = field(default_factory=dict)
    figures: Figures = field(default_factory=Figures)

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

    def percentile(self, share: float) -> float | None:
        """Return the nearest-rank percentile of the round-trip times, ``share`` above 0 to 1; None without answers."""
        answered = sorted(self.answered)
        return answered[math.ceil(share * len(answered)) - 1] if answered else None


class Findings:
    """What a round has found so far; a probe fills it in as it goes."""

    def __init__(self, name: str = "") -> None:
        """Begin with nothing. ``name``: the probe's, for what is remembered from round to round."""
        self.name = name
        self.address = ""
        self.rtts: tuple[float | None, ...] = ()
        self.phases: dict[Phase, float] = {}
        #: The phase under way, for saying what a deadline cut off.
        self.phase: Phase | None = None
        #: Something odd on the way, worth a word when the round comes to nothing.
        self.note = ""
        self.figures = Figures()
        #: What an end without an error means.
        self.outcome: Outcome = "ok"

    def tell(self, **figures: Any) -> None:
        """Note figures, fields of :class:`Figures`."""
        self.figures = replace(self.figures, **figures)

    @contextlib.contextmanager
    def measure(self, phase: Phase) -> Iterator[None]:
        """Measure the time of a block that comes to its end, in seconds; times of the same phase are added."""
        self.phase, began = phase, time.perf_counter()
        yield
        self.phases[phase] = self.phases.get(phase, 0.0) + time.perf_counter() - began
        self.phase = None


#: Runs one round of the probe of a name; raises nothing but cancellation, and ends in a bounded time.
ProbeFunction: TypeAlias = Callable[[str, "Probe"], Coroutine[Any, Any, ProbeResult]]


def probe_table(results: Mapping[str, ProbeResult]) -> Table:
    """Make the table ``probe`` from results by name; columns of nothing but None are left out.

    Packets are counted for echoes only: other probes send as many as they need, and have no loss.
    """
    found = list(results.values())
    columns: dict[str, list[Any]] = {
        "up": [int(result.outcome in GOOD) for result in found],
        "outcome": [result.outcome for result in found],
        "packets_sent": [result.sent if result.type == "icmp" else None for result in found],
        "packets_received": [len(result.answered) if result.type == "icmp" else None for result in found],
        "loss_ratio": [result.loss for result in found],
        "rtt_seconds": [statistics.fmean(result.answered) if result.answered else None for result in found],
        "rtt_min_seconds": [min(result.answered, default=None) for result in found],
        "rtt_max_seconds": [max(result.answered, default=None) for result in found],
        "jitter_seconds": [result.jitter for result in found],
        "rtt_median_seconds": [statistics.median(result.answered) if result.answered else None for result in found],
        "rtt_p95_seconds": [result.percentile(0.95) for result in found],
        "duration_seconds": [result.duration for result in found],
        **{f"{phase}_seconds": [result.phases.get(phase) for result in found] for phase in PHASES},
        "certificate_expiry_seconds": [result.figures.certificate_expiry for result in found],
        "http_status": [result.figures.http_status for result in found],
        "answers": [result.figures.answers for result in found],
        "hops": [result.figures.hops for result in found],
        "path_changes_total": [result.figures.path_changes for result in found],
        "type": [result.type for result in found],
    }
    table: Table = {"key": list(results)}
    for column in PROBE.by_name:
        if any(cell is not None for cell in columns[column]):
            table[column] = columns[column]
    return table
