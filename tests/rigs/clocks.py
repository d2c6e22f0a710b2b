"""``tests/soak clocks``: thousands of sites with wrong clocks, and clocks that make each known mistake, which must be found.

Every site has one to five boots, each with a wall clock that is right, off by seconds to 50 years, or steps; outages that may
hide whole boots; a drift within 200 ppm; a delay of the network up to 2 s, and one report in a hundred that a broker kept for
minutes. A second site with a right clock plays against the same clocks: nothing of its may change.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import click
from msgspec import structs

from rigs.disk_commands import options, run
from rigs.page import Section
from support.boots import DAY, EXACT, HOUR, NOW, Boot, Outcome, Site, right, stepping
from tslcd_collector import clock
from tslcd_collector.boot_time import BootTime
from tslcd_collector.clock import Clocks, Timed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tslcd_wire.report import Report

OFFSETS: Final = (0.0, 0.0, 0.0, 3.0, -5.0, 60.0, -60.0, HOUR, -HOUR, DAY, -DAY, 50 * 365.25 * DAY, -NOW)
#: A report that a broker kept is late by up to so much, and comes in the live lane all the same; seconds.
KEPT: Final = 300.0
#: What a slow network adds to what a corrected time may be off, seconds.
DELAY: Final = 2.0
#: From the second heartbeat on a boot is proven; before, a clock that is behind is believed, seconds.
PROVEN: Final = 90.0
#: Sites that each mutant is tried on.
TRIES: Final = 300


class Believing(Clocks):
    """Believes what agents say."""

    def place(self, report: Report, received: float) -> Timed:
        """Return the agent's word."""
        del received
        return Timed(report.at, corrected=False)


class Inventing(Clocks):
    """Makes up the middle where nothing is known."""

    def place(self, report: Report, received: float) -> Timed:
        """Never flag."""
        timed = super().place(report, received)
        return timed if timed.known else Timed((timed.earliest + timed.latest) / 2, corrected=True)


class Forgetful(Clocks):
    """Remembers one boot of an agent."""

    def learn(self, report: Report, received: float, *, live: bool) -> None:
        """Forget the boots before."""
        super().learn(report, received, live=live)
        for boots in (one.boots for one in self.agents.values()):
            for name in [name for name in boots if name != report.boot]:
                del boots[name]


class Hasty(Clocks):
    """Believes the last live report, however late it came."""

    def learn(self, report: Report, received: float, *, live: bool) -> None:
        """Take the newest for the best."""
        super().learn(report, received, live=live)
        boot = self.agents[report.agent].boots[report.boot]
        if live:
            fresh = BootTime(boot.boot, boot.stream, boot.rank, boot.first_seq, boot.last_seq, boot.last_mono)
            fresh.reports, fresh.first_heard = boot.reports, boot.first_heard
            fresh.fresh(report.mono, received)
            fresh.reports, fresh.first_heard = boot.reports, boot.first_heard
            self.agents[report.agent].boots[report.boot] = fresh


class Crossed(Clocks):
    """Takes all agents for one."""

    def learn(self, report: Report, received: float, *, live: bool) -> None:
        """Learn for everybody."""
        super().learn(structs.replace(report, agent="all"), received, live=live)

    def place(self, report: Report, received: float) -> Timed:
        """Place by what anybody told."""
        return super().place(structs.replace(report, agent="all"), received)


MUTANTS: Final[dict[str, Callable[[float, float], Clocks]]] = {
    "believes every clock": Believing,
    "makes up what nobody knows": Inventing,
    "forgets the boots before": Forgetful,
    "believes late live reports": Hasty,
    "mixes agents up": Crossed,
}


def site(chance: random.Random, clocks: Clocks) -> Site:
    """Draw a site."""
    boots, begin = [], NOW
    drift = chance.uniform(-2e-4, 2e-4)
    for number in range(chance.randint(1, 5)):
        begin += chance.choice([30.0, 600.0, 2 * HOUR])
        lasts = chance.uniform(300, 3 * HOUR)
        wall = stepping(begin + chance.uniform(0, lasts), chance.choice(OFFSETS), chance.choice(OFFSETS))
        if chance.random() < 0.5:
            wall = right if chance.random() < 0.3 else stepping(0.0, 0.0, chance.choice(OFFSETS))
        boots.append(Boot(f"b{number:03x}", begin, lasts, wall, drift))
        begin += lasts
    outages = []
    for _ in range(chance.randint(0, 3)):
        start = NOW + chance.uniform(0, begin - NOW)
        outages.append((start, start + chance.choice([300.0, HOUR, 6 * HOUR])))
    kept = {round(NOW + 30 * number): chance.uniform(0, KEPT) for number in range(1000) if chance.random() < 0.01}
    return Site(boots, outages, lambda true: kept.get(round(true), 0.0) or (true * 7 % 1) * DELAY, clocks)


def mistakes(found: list[Outcome]) -> list[str]:
    """Return what is wrong with what became of the reports of one site."""
    wrong = []
    heard: dict[str, list[Outcome]] = {}
    for one in found:
        known = heard.setdefault(one.boot.name, [])
        if one.live:
            known.append(one)
        anchored = len(known) > 3 and one.received - known[0].received > PROVEN
        off = one.timed.at - one.true
        drifted = abs(one.boot.drift) * max((abs(one.true - other.true) for other in known[-1:]), default=0.0)
        allowed = EXACT + DELAY + (KEPT if len(known) < 8 else 0.0) + drifted
        name = f"boot {one.boot.name} at {one.true - NOW:.0f} s"
        if one.timed.known and one.timed.at > one.received + EXACT:
            wrong.append(f"{name}: a time in the future")
        if not one.timed.known and known:
            wrong.append(f"{name}: flagged though the boot was heard")
        if not one.timed.known and not one.timed.earliest - allowed <= one.true <= one.timed.latest + allowed:
            wrong.append(f"{name}: bounds without the truth")
        if one.timed.corrected and abs(off) > allowed:
            wrong.append(f"{name}: corrected, and {off:.1f} s off")
        if anchored and abs(off) > max(allowed, clock.BEHIND + EXACT + DELAY + drifted):
            wrong.append(f"{name}: {off:.1f} s off though the boot was heard")
    return wrong


def play(seed: int, make: Callable[[float, float], Clocks] = Clocks) -> tuple[Counter[str], list[str]]:
    """Play one site beside one that is right; return counts and what is wrong."""
    chance = random.Random(seed)  # noqa: S311 - draws scenarios, keeps no secret
    clocks = make(EXACT, 35 * DAY)
    found = site(chance, clocks).play()
    other = Site([Boot("b000", NOW + HOUR, 2 * HOUR, right)], [(NOW + 2 * HOUR, NOW + 2.5 * HOUR)], clocks=clocks).play(
        "b"
    )
    wrong = [f"seed {seed}: {one}" for one in mistakes(found)]
    wrong += [f"seed {seed}: the other site" for one in other if one.timed != Timed(one.true, corrected=False)]
    counts = Counter(
        reports=len(found),
        corrected=sum(one.timed.corrected for one in found),
        exact=sum(one.timed.corrected and abs(one.timed.at - one.true) <= EXACT for one in found),
        flagged=sum(not one.timed.known for one in found),
        other=len(other),
    )
    return counts, wrong


def judge(sites: int, seed: int, tell: Callable[[int], None]) -> tuple[Section, list[str]]:
    """Play so many sites, and every mutant until it is caught."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for number in range(sites):
        counted, more = play(seed + number)
        counts += counted
        wrong += more
        tell(1)
    caught = {name: next((n for n in range(TRIES) if play(seed + n, make)[1]), None) for name, make in MUTANTS.items()}
    wrong += [f"mutant not caught in {TRIES} sites: {name}" for name, at in caught.items() if at is None]
    rows = [
        (
            f"{sites:,}",
            *(f"{counts[name]:,}" for name in ("reports", "corrected", "exact", "flagged", "other")),
            str(len(wrong)),
        )
    ]
    notes = [
        (
            f"seed {seed}. What is not within {EXACT:.0f} s is so by the delay of the network, or by a boot whose first reports a broker "
            f"kept; other sites' times unchanged; mutants caught {sum(at is not None for at in caught.values())} of {len(caught)}"
        )
    ]
    return Section(
        "clocks", ("sites", "reports", "corrected", "within 2 s", "flagged", "of other sites", "wrong"), rows, notes
    ), wrong


@click.command()
@click.option("--sites", default=5000, show_default=True, help="Sites to play.")
@options
def clocks(*, sites: int, seed: int, **output: Any) -> None:
    """Play sites with wrong clocks: no time is made up, and a heard boot's times are right."""
    run("clocks", sites, lambda tell: judge(sites, seed, tell), **output)
