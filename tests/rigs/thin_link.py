"""``tests/soak thin-link``: days of backlog go home over a thin link, and live reports go before them.

The agent's own spool, reporter and courier with a typical commune's reports (:mod:`bench.commune`), a Mosquitto, a collector that
acknowledges every second, and between agent and broker a link of so many bits a second that all of it shares. What must
hold: every report arrives, live ones within 5 s (99 of 100), and history takes at most its half of the link.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.progress import Progress

from bench.commune import INTERVAL, REPORTS, Commune
from bench.spool import disk_bytes
from rigs.ending import finish
from rigs.page import Section
from support.broker import Broker
from support.delivering_agent import Agent
from support.fake_collector import FakeCollector, until
from support.thin_link import ThinLink
from tslcd_agent.config import Uplink
from tslcd_agent.readings import Reading
from tslcd_wire.ranges import RangeSet
from tslcd_wire.topics import Lane

if TYPE_CHECKING:
    from collections.abc import Callable

DAY: Final = 86_400.0
#: Seconds: 99 of 100 live reports must be there within it.
LATEST: Final = 5.0
#: History's part of the link, and what it may be over for headers and answers that are not reckoned to it.
HALF: Final = 0.5
TOLERANCE: Final = 0.1
#: The bound of the spool, in bytes.
SIZE: Final = 200 * 2**20
#: The courier's settings: those of the agent, but for the bound that a link of its own sets.
COURIER: Final = {"ack_timeout": 20.0, "answer_timeout": 10.0, "live_window": 60.0, "history_rate": 1e9}
#: Reports that are measured at once while the backlog is made.
_TOGETHER: Final = 200
#: What the link carries once it is thin no more, in bits a second.
_WIDE: Final = 100e6
#: Seconds between two looks at what the collector got: what a delay may be wrong by.
_LOOK: Final = 0.02


@dataclass
class Drained:
    """What became of a backlog. Times in seconds, sizes in bytes. All but ``seconds`` is of the time when the link was thin."""

    backlog: int = 0
    spool: int = 0
    live: int = 0
    arrived: Counter[int] = field(default_factory=Counter)
    delays: list[float] = field(default_factory=list)
    seconds: float = 0.0
    thin: float = 0.0
    live_bytes: int = 0
    carried: int = 0
    rate: float = 0.0

    @property
    def lost(self) -> int:
        """Count the reports that did not arrive."""
        return self.backlog + self.live - len(self.arrived)

    @property
    def repeated(self) -> int:
        """Count the reports that went over the link more than once."""
        return self.arrived.total() - len(self.arrived)

    @property
    def share(self) -> float:
        """Return the part of what the link could carry that went to anything but live reports."""
        return (self.carried - self.live_bytes) * 8 / self.rate / self.thin

    def slowest(self, part: float) -> float:
        """Return the delay that so great a part of the live reports did not exceed."""
        ordered = sorted(self.delays)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))]

    def failures(self) -> list[str]:
        """Say what did not hold."""
        found = []
        if self.lost:
            found.append(f"{self.lost} reports did not arrive")
        if self.slowest(0.99) > LATEST:
            found.append(f"p99 of live reports {self.slowest(0.99):.1f} s, {LATEST:.0f} s allowed")
        if self.share > HALF + TOLERANCE:
            found.append(f"history took {self.share:.2f} of the link, {HALF + TOLERANCE:.2f} allowed")
        return found

    def section(self) -> Section:
        """Return the figures."""
        row = (
            f"{self.rate / 1000:.0f} kbit/s",
            f"{self.backlog:,}",
            f"{self.spool / 2**20:.1f}",
            f"{self.seconds / 60:.1f}",
            f"{self.thin / 60:.1f}",
            f"{self.lost}",
            f"{self.repeated}",
            f"{self.share:.2f}",
            f"{self.slowest(0.5):.2f}",
            f"{self.slowest(0.99):.2f}",
            f"{self.slowest(1):.2f}",
        )
        columns = ("link", "backlog", "spool, MiB", "minutes", "of them thin", "lost", "repeated", "history's share", "live p50, s", "p99, s",
                   "longest, s")  # fmt: skip
        return Section("thin-link", columns, [row], [f"{self.live:,} live reports meanwhile"])


async def drain(
    folder: Path, days: float, rate: float, *, live_every: float, delay: float = 0.02, thin_for: float = inf,
    tell: Callable[[float], None] = lambda _: None, **settings: object,
) -> Drained:  # fmt: skip
    """Make a backlog of ``days``, then send it over a link of ``rate`` bits a second, for ``thin_for`` seconds, then over a wide one.

    ``settings`` are the courier's.
    """
    result = Drained(rate=rate)
    broker = Broker(folder / "broker")
    with broker.running():
        async with ThinLink(broker.port, rate, delay) as link:
            filler = Agent(folder / "spool", [Uplink(port=link.port)], size=SIZE)
            async with filler.spool:
                result.backlog = await _fill(filler, days)
                result.spool = disk_bytes(folder / "spool")
            chosen: dict[str, Any] = {**COURIER, **settings}
            agent = Agent(folder / "spool", [Uplink(port=link.port)], size=SIZE, **chosen)
            async with FakeCollector(broker.port, answering=False) as collector, agent.working():
                await _watch(agent, collector, link, result, live_every, thin_for, tell)
    return result


async def _fill(agent: Agent, days: float) -> int:
    """Measure for days, as fast as the disk takes it; return how many reports that made."""
    commune = Commune()
    rounds = max(1, int(days * DAY / INTERVAL))
    begin = time.time() - rounds * INTERVAL - 120
    waiting: list[Reading] = []
    for number in range(rounds):
        at = begin + number * INTERVAL
        waiting += [
            Reading(device, tables, tuple(events), at, 0.0) for _, _, device, tables, events in commune.drafts()
        ]
        if len(waiting) >= _TOGETHER or number == rounds - 1:
            await asyncio.gather(*(agent.reporter.submit(one) for one in waiting))
            waiting.clear()
    return rounds * REPORTS


async def _watch(
    agent: Agent, collector: FakeCollector, link: ThinLink, result: Drained, live_every: float, thin_for: float,
    tell: Callable[[float], None],
) -> None:  # fmt: skip
    """Make live reports while the link is thin, until everything is home."""
    commune = Commune(seed=1)
    measured: dict[int, float] = {}
    await until(lambda: collector.statuses)
    next_live = next_ack = began = time.monotonic()
    stream = (await agent.spool.statistics()).stream
    drained = False
    while not drained or measured:
        now = time.monotonic()
        for one in collector.heard:
            result.arrived[one.report.seq] += 1
            collector.marks.setdefault(stream, RangeSet()).add(one.report.seq)
            if one.lane is Lane.LIVE and (made := measured.pop(one.report.seq, None)) is not None:
                result.delays.append(now - made)
        collector.heard.clear()
        if now >= next_ack:
            next_ack = now + 1
            await collector.acknowledge(stream)
            waiting = (await agent.spool.statistics()).waiting
            tell(1 - waiting / max(1, result.backlog))
            drained = drained or waiting <= REPORTS * 2
        if not result.thin and (drained or now - began >= thin_for):
            result.thin, result.carried = now - began, link.up.carried
            link.up.rate = link.down.rate = _WIDE
        if now >= next_live and not result.thin:
            next_live = now + live_every
            for _, _, device, tables, events in commune.drafts():
                reading = Reading(device, tables, tuple(events), time.time(), time.clock_gettime(time.CLOCK_BOOTTIME))
                await agent.reporter.submit(reading)
                result.live += 1
                newest = (await agent.spool.statistics()).newest
                measured[newest] = time.monotonic()
                result.live_bytes += len((await agent.spool.newest_first(1, RangeSet(), 60.0))[0].payload)
        await asyncio.sleep(_LOOK)
    result.seconds = time.monotonic() - began


@click.command("thin-link")
@click.option("--days", default=30.0, show_default=True, help="Days without a link.")
@click.option("--rate", default=256, show_default=True, help="What the link carries, in kbit/s.")
@click.option("--thin-minutes", default=inf, help="How long it is so thin; then 100 Mbit/s.  [default: to the end]")
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")
@click.option("--write", is_flag=True, help="Write the figures into tests/faults/README.md.")
def thin_link(*, days: float, rate: int, thin_minutes: float, as_json: bool, write: bool) -> None:
    """Send days of backlog over a thin link, beside live reports every 30 seconds."""
    with tempfile.TemporaryDirectory() as folder, Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("draining", total=1)
        result = asyncio.run(
            drain(
                Path(folder),
                days,
                rate * 1000.0,
                live_every=INTERVAL,
                thin_for=thin_minutes * 60,
                tell=lambda done: progress.update(task, completed=done),
            )
        )
    failures = result.failures()
    finish(result.section(), failures, clean=not failures, as_json=as_json, write=write)
