"""``bench intake``: what it costs to take in one sample from the broker.

The same readings of the same routers at the same rate through the same Mosquitto, in turns: ours, the peer with a message an
interface, the peer with a message a device. CPU time of the whole process, nothing subtracted: ours decodes, checks, stores
with fsync, judges, renders and acknowledges meanwhile; the peer keeps the numbers in memory.
"""

from __future__ import annotations

import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import machine, mqtt2prometheus
from bench.figures import Figure, Result
from bench.meter import Meter, settle
from bench.stand import Stand

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.stand import Contestant

MAX_RATIO: Final = 0.5
_NEEDS: Final = ("mosquitto", mqtt2prometheus.PACKAGE)


@dataclass(frozen=True)
class Size:
    """How much is published: ``readings`` of two routers a commune, one router every ``pause`` seconds, so many times."""

    communes: int = 20
    interfaces: int = 50
    readings: int = 8
    pause: float = 0.025
    rounds: int = 3


SMALL: Final = Size(communes=1, interfaces=5, readings=2, pause=0.01, rounds=1)


def measure(size: Size, tell: Callable[[str], None]) -> Result:
    """Run the bench. Raises MissingError."""
    machine.require(*_NEEDS)
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="tslcd-bench-") as folder:
        stand = Stand(Path(folder), size.communes, size.interfaces)
        contestants = (stand.ours, stand.per_interface, stand.per_device)
        with stand.running():
            for one in contestants:  # the first reading makes series, which is another work
                tell(f"first reading: {one.form}")
                stand.publish(one, 1, size.pause)
            for number in range(1, size.rounds + 1):
                for one in contestants:
                    tell(f"round {number} of {size.rounds}: {one.form}")
                    figures.setdefault(one.form, []).append(_round(stand, one, size))
            _prove(stand, contestants)
    ours, per_interface, per_device = (figures[one.form] for one in contestants)
    better = min(per_interface, per_device, key=statistics.median)
    return Result(
        "intake",
        machine.describe(*_NEEDS),
        [
            Figure("CPU of one sample taken in", "µs", ours, better, max_ratio=MAX_RATIO),
            Figure("the same, peer with a message an interface", "µs", ours, per_interface),
            Figure("the same, peer with a message a device", "µs", ours, per_device),
        ],
        [
            f"{len(stand.routers)} routers of {size.interfaces} interfaces, {1 / size.pause:g} readings/s",
            f"{size.readings * len(stand.routers)} readings a round, {size.rounds} rounds",
            "ours: durable (fsync before every acknowledgement), judged, rendered; texts and states come on top, unpaid",
            "peer: kept in memory, rendered when scraped; its cheaper form is compared",
        ],
    )


def _round(stand: Stand, one: Contestant, size: Size) -> float:
    """Return microseconds of CPU a sample."""
    settle(one.pid)
    meter = Meter(one.pid)
    samples = stand.publish(one, size.readings, size.pause)
    settle(one.pid)
    return meter.seconds() / samples * 1e6


def _prove(stand: Stand, contestants: tuple[Contestant, ...]) -> None:
    """Check that everybody has every sample. Raises RuntimeError: figures of a program that lost its input are void."""
    expected = len(stand.routers) * stand.samples_per_router
    for one in contestants:
        found = one.samples()
        if found < expected:
            raise RuntimeError(f"{one.form} exposes {found} samples of {expected}")
