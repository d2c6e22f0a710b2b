"""``tests/soak noc``: what people are told of a thousand troubles, by the real Mosquitto, collector, Prometheus and Alertmanager.

Batches of scenarios (:mod:`rigs.noc.scenarios`) happen beside each other in one province, then what concerns all of it happens one
after another: broker, collector, Prometheus, Alertmanager killed, many channels or agents lost at once. Everything that waits is
divided (:mod:`support.shortened`) unless ``--factor 1``; then ``--urgent`` leaves only what wakes people, so that it is over in ten
minutes. The oracle asks of each scenario: the pages that it must cause,
each once (recall), and no other (precision); and of each page how long it took, by the clock and times the factor.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from rigs.disk_commands import options, run
from rigs.noc.calamities import CALAMITIES, Calamities
from rigs.noc.oracle import Result, judge, words
from rigs.noc.province import Province, Site
from rigs.noc.room import Room
from rigs.noc.scenarios import AFTER, PATIENCE, SCENARIOS, Scenario, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from rigs.page import Section

#: What waiting times are divided by, unless told otherwise.
FACTOR: Final = 10.0
#: Scenarios beside each other, and how many of them may silence agents: more would be a mass outage.
BATCH: Final = 100
SILENT: Final = 7
#: Sites of the last batch that nothing happens to: with the others there are two hundred that send a day of history.
OTHERS: Final = 100


def draw(count: int, dice: random.Random, pool: Sequence[Scenario] = SCENARIOS) -> list[Scenario]:
    """Draw a batch: every scenario of the pool in turn, as far as the few that silence agents allow, in any order."""
    chosen: list[Scenario] = []
    silent = 0
    while len(chosen) < count:
        for one in dice.sample(pool, len(pool)):
            if len(chosen) < count and not (one.silences and silent >= SILENT):
                silent += one.silences
                chosen.append(one)
    return chosen


class Batch:
    """Scenarios beside each other, each with sites of its own."""

    def __init__(self, scenarios: list[Scenario], others: int = 0) -> None:
        """Make the sites, and ``others`` that nothing happens to."""
        self.cast: list[tuple[Scenario, list[Site]]] = []
        number = 0
        for one in scenarios:
            first = number + 1
            made = []
            for shape in one.sites:
                number += 1
                behind = {"behind": first + shape["behind"]} if "behind" in shape else {}
                made.append(Site(number, **{**shape, **behind}))
            self.cast.append((one, made))
        self.sites = [site for _, sites in self.cast for site in sites]
        self.sites += [Site(number + one) for one in range(1, others + 1)]

    async def play(self, room: Room, dice: random.Random, result: Result, tell: Callable[[int], None]) -> None:
        """Let all of it happen, and judge the pages."""
        seeds = [dice.random() for _ in self.cast]
        async with asyncio.TaskGroup() as group:
            for (scenario, sites), seed in zip(self.cast, seeds, strict=True):
                group.create_task(self._one(room, scenario, sites, random.Random(seed), result, tell))  # noqa: S311 - repeatable
        for scenario, sites in self.cast:
            names = {site.name for site in sites}
            told = [one for one in room.sink.pages if one.labels.get("site") in names]
            warned = [one for one in told if one.name in scenario.told and one.labels["severity"] == "warning"]
            judge(scenario.name, scenario.pages, [one for one in told if one not in warned], result)
        elsewhere = {site.name for site in self.sites}
        for page in room.sink.pages:
            if page.labels.get("site") not in elsewhere:
                result.tallies["(nothing)"].wrong += 1
                result.mistakes.append(f"false page {words(page)}")

    async def _one(
        self,
        room: Room,
        scenario: Scenario,
        sites: list[Site],
        dice: random.Random,
        result: Result,
        tell: Callable[[int], None],
    ) -> None:
        await room.province.wait(dice.uniform(0, 40))
        await scenario.play(Stage(room, sites, dice, result))
        await room.province.wait(AFTER)
        tell(1)


async def play(
    count: int, seed: int, factor: float, *, pool: Sequence[Scenario] = SCENARIOS, calamities: Collection[str] = CALAMITIES, others: int = 0, minutes: int = 1440,
    tell: Callable[[int], None] = lambda _: None,
) -> Result:  # fmt: skip
    """Play so many scenarios in batches, and the calamities after the last one, with ``others`` beside its sites. Raises TimeoutError when a start fails."""
    result, dice = Result(), random.Random(seed)  # noqa: S311 - repeatable on purpose
    while count:
        last = count <= BATCH
        batch = Batch(draw(min(BATCH, count), dice, pool), others if last else 0)
        count -= len(batch.cast)
        with tempfile.TemporaryDirectory() as folder:
            room = Room(Path(folder), lambda port, batch=batch: Province(batch.sites, factor, port), factor)  # type: ignore[misc]
            with room.running():
                async with room.province.alive():
                    await room.seen(120)
                    await room.quiet(120)
                    room.sink.pages.clear()
                    await batch.play(room, dice, result, tell)
                    if last:
                        with contextlib.suppress(TimeoutError):
                            await room.quiet(PATIENCE / factor)
                        room.sink.pages.clear()
                        await Calamities(room, result, dice, minutes).play(calamities, tell)
    return result


@click.command()
@click.option("--scenarios", default=1000, show_default=True, help="How many, in batches of a hundred.")
@click.option("--factor", default=FACTOR, show_default=True, help="What waiting times are divided by; 1: as shipped.")
@click.option("--urgent", is_flag=True, help="Only cuts of channels, and nothing that concerns the whole province.")
@options
def noc(*, scenarios: int, factor: float, urgent: bool, seed: int, **output: Any) -> None:
    """Let a thousand troubles happen in a province, and judge what people are told of them."""
    calamities = () if urgent else CALAMITIES
    pool = [one for one in SCENARIOS if one.urgent or not urgent]

    def work(tell: Callable[[int], None]) -> tuple[Section, list[str]]:
        result = asyncio.run(
            play(scenarios, seed, factor, pool=pool, calamities=calamities, others=OTHERS * (not urgent), tell=tell)
        )
        return result.section(factor, seed), result.failures(timed=factor == 1)

    run("noc", scenarios + len(calamities), work, **output)
