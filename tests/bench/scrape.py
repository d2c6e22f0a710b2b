"""``bench scrape``: what it costs to read the metrics, and to hold them.

Both hold the same routers. Before every scrape every router is read again, so that nothing that is exposed is as it was; then
the process settles, and CPU time is taken around the scrape alone. With gzip, which Prometheus always asks for, and without.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import machine, mqtt2prometheus
from bench.figures import Figure, Result
from bench.meter import Meter, resident_bytes, settle
from bench.stand import Stand

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.stand import Contestant

MAX_RATIO: Final = 0.1
MAX_MEMORY_RATIO: Final = 0.5
_NEEDS: Final = ("mosquitto", mqtt2prometheus.PACKAGE)


@dataclass(frozen=True)
class Size:
    """How much is held: two routers a commune; and how often it is read, each time both ways."""

    communes: int = 60
    interfaces: int = 50
    pause: float = 0.02
    rounds: int = 3


SMALL: Final = Size(communes=1, interfaces=5, pause=0.01, rounds=1)


@dataclass
class _Found:
    """Values a round of one contestant: microseconds of CPU a sample, bytes a sample."""

    zipped: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    wire: list[float] = field(default_factory=list)
    samples: int = 0


def measure(size: Size, tell: Callable[[str], None]) -> Result:
    """Run the bench. Raises MissingError."""
    machine.require(*_NEEDS)
    with tempfile.TemporaryDirectory(prefix="tslcd-bench-") as folder:
        stand = Stand(Path(folder), size.communes, size.interfaces)
        contestants = (stand.ours, stand.per_interface)
        found = {one.form: _Found() for one in contestants}
        with stand.running():
            empty = {}
            for one in contestants:
                settle(one.pid)
                empty[one.form] = (resident_bytes(one.pid), one.samples())
            for number in range(1, size.rounds + 1):
                for one in contestants:
                    tell(f"round {number} of {size.rounds}: {one.form}")
                    _round(stand, one, size, found[one.form])
                    memory, samples = empty[one.form]
                    grown = resident_bytes(one.pid) - memory
                    found[one.form].memory.append(grown / (found[one.form].samples - samples))
    ours, peer = (found[one.form] for one in contestants)
    return Result(
        "scrape",
        machine.describe(*_NEEDS),
        [
            Figure("CPU of one sample scraped, gzip", "µs", ours.zipped, peer.zipped, max_ratio=MAX_RATIO),
            Figure("CPU of one sample scraped, plain", "µs", ours.plain, peer.plain, max_ratio=MAX_RATIO),
            Figure("memory of one exposed sample", "bytes", ours.memory, peer.memory, max_ratio=MAX_MEMORY_RATIO),
            Figure("gzip body, a sample", "bytes", ours.wire, peer.wire),
        ],
        [
            f"exposed: ours {ours.samples} samples, peer {peer.samples}; all of them measured anew before every scrape",
            "the first scrape after a change: gzip is not yet kept",
            "memory: resident memory with all samples less that without any, after the scrapes",
        ],
    )


def _round(stand: Stand, one: Contestant, size: Size, found: _Found) -> None:
    """Read every router again and scrape, once with gzip and once without."""
    for zipped, values in ((True, found.zipped), (False, found.plain)):
        stand.publish(one, 1, size.pause)
        settle(one.pid)
        meter = Meter(one.pid)
        page = one.scraper.get("/metrics", zipped=zipped)
        used = meter.seconds()
        found.samples = page.samples(one.families)
        if found.samples < len(stand.routers) * stand.samples_per_router:
            raise RuntimeError(f"{one.form} exposes {found.samples} samples only")
        values.append(used / found.samples * 1e6)
        if zipped:
            found.wire.append(page.size / found.samples)
