"""The rig of the backfill: one time-series store fed from a journal, while both are killed and the store refuses, fails and forgets.

Everything is real but the store's process: the journal is a file, requests are encoded and decoded, batches halved. The store
loses, at a power cut, what it took in the last minute; takes none of the poisoned samples, nor what comes with them; fails by chance.
The oracle: in the end the store has every sample that is not poison (*missing*), nothing else and with no other value (*invented*),
and no request that was not accepted came unchanged more than three times (*unchanged*).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from rigs.disk_commands import options, run
from rigs.page import Section
from tslcd_collector.backfill import delivery as deliveries
from tslcd_collector.backfill import feeder as feeders
from tslcd_collector.backfill.answer import Answer, Outcome
from tslcd_collector.backfill.delivery import CANARY, MAX_SENDS, Delivery
from tslcd_collector.backfill.feeder import Feeder
from tslcd_collector.backfill.points import Conversion
from tslcd_collector.backfill.remote_write import decode
from tslcd_collector.backfill.selection import Selection
from tslcd_collector.backfill.sieve import Sieve
from tslcd_collector.store import Backlog, Batch, Database, JournalRow, ProgressRow
from tslcd_wire import codec
from tslcd_wire.report import Report

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tslcd_collector.backfill.coverage import Coverage
    from tslcd_collector.backfill.sieve import Reason
    from tslcd_wire.report import Table

NOW: Final = 1_790_000_000.0
TAIL: Final = 300.0
#: What is done at random in one round.
DEEDS: Final = ("report", "report", "step", "step", "write", "kill", "kill inside", "cut", "away", "refuse", "wait")
#: How many rounds a mutant has before it counts as not caught.
TRIES: Final = 20


class Killed(BaseException):
    """The collector is gone, in the middle of a page."""


class Memoryful:
    """A store in memory that loses, at a power cut, what it took in the last minute. It tells since when it runs, or does not."""

    def __init__(self, *, telling: bool) -> None:
        """Start empty."""
        self.clock = 0.0
        self.down = False
        self.began = 1.0
        self.telling = telling
        #: Every so many samples are poison, 0 for none; how it is answered; how often anything fails by chance.
        self.poison = 0
        self.poisoned = Outcome.REFUSED
        self.chance = 0.0
        #: Until then (its clock) it refuses everything.
        self.refuses = 0.0
        #: After so many requests the collector is killed.
        self.fuse: int | None = None
        self.dice = random.Random(0)  # noqa: S311 - draws failures, keeps no secret
        #: Requests that were not accepted, by life of the collector and turn of the tail, in which they may come again.
        self.unanswered: Counter[tuple[int, bytes]] = Counter()
        self.turn: Callable[[], int] = lambda: 0
        self.unchanged = 0
        self.taken: dict[tuple[str, int], tuple[float, float]] = {}

    async def send(self, body: bytes) -> Answer:
        """Take samples, or be away."""
        self.clock += 0.01
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                self.fuse = None
                raise Killed
        outcome = self._judge(body)
        if outcome is not Outcome.ACCEPTED:
            self.unanswered[self.turn(), body] += 1
            self.unchanged = max(self.unchanged, self.unanswered[self.turn(), body])
        return Answer(outcome)

    def bad(self, key: tuple[str, int]) -> bool:
        """Whether a sample is poison."""
        return self.poison > 0 and (key[1] // 1000 + len(key[0])) % self.poison == 0

    def _judge(self, body: bytes) -> Outcome:
        if self.down:
            return Outcome.UNREACHABLE
        if self.clock < self.refuses:
            return Outcome.REFUSED
        if self.dice.random() < self.chance:
            return self.dice.choice((Outcome.FAILED, Outcome.BUSY, Outcome.DENIED))
        found = {
            (labels["interface"], at): (value, self.clock)
            for labels, samples in decode(body)
            if labels["__name__"] != CANARY
            for at, value in samples
        }
        if any(map(self.bad, found)):
            return self.poisoned
        self.taken |= found
        return Outcome.ACCEPTED

    async def started(self) -> float | None:
        """Tell."""
        if self.down:
            self.down = False  # seen to be away, it comes back
            return None
        return self.began if self.telling else 0.0

    def cut(self) -> None:
        """Lose the power, and start again."""
        self.taken = {key: value for key, value in self.taken.items() if value[1] < self.clock - 60}
        self.began += 1000


class World:
    """A journal, a store and a feeder between them that can be killed."""

    def __init__(self, directory: Path, *, telling: bool = True) -> None:
        """Open the journal."""
        self.database = Database(directory)
        self.database.open(NOW)
        self.backlog = Backlog(directory)
        self.store = Memoryful(telling=telling)
        self.progress = ProgressRow("t", 0, 0, 0.0)
        self.given_up: Counter[Reason] = Counter()
        self.seq = 0
        self.coverage: Coverage | None = None
        self.revive()

    def revive(self) -> None:
        """Start a feeder from what was written down."""
        self.store.unanswered.clear()
        self.delivery = Delivery("t", self.store, self, batch=7, rate=1e9, scrape={}, sleep=self.sleep)
        conversion = Conversion({}, lambda: None, lambda _: ())
        self.feeder = Feeder(
            progress=self.progress,
            watched=self.store,
            delivery=self.delivery,
            ledger=self,
            backlog=self.backlog,
            selection=Selection(conversion, Sieve(86400.0, 120.0), self.coverage, ""),
            tail=TAIL,
        )
        self.store.turn = lambda: self.feeder._repeats

    def answered(self, outcome: Outcome) -> None:
        """Nobody asks."""

    def delivered(self, samples: int) -> None:
        """Nobody asks."""

    def aside(self, reason: Reason, samples: int) -> None:
        """Count what was given up."""
        self.given_up[reason] += samples

    async def sleep(self, seconds: float) -> None:
        """Let the time pass; a store that is away comes back."""
        self.store.clock += seconds
        self.store.down = False
        await asyncio.sleep(0)

    def report(self, count: int = 1) -> None:
        """Put reports into the journal."""
        rows = []
        for _ in range(count):
            self.seq += 1
            at = NOW + self.seq
            table: Table = {"key": ["wan1", "lan"], "receive_bytes_total": [self.seq, 2 * self.seq]}
            report = Report(
                agent="a1",
                stream="0198f3c2",
                seq=self.seq,
                at=at,
                boot="7c1e",
                mono=1.0,
                device="fw",
                tables={"interface": table},
            )
            rows.append(
                JournalRow("86", "a1", "0198f3c2", self.seq, at, at, replay=False, payload=codec.encode(report))
            )
        self.database.write(Batch(NOW, journal=rows))

    async def step(self) -> bool:
        """Let the feeder deliver a page."""
        self.feeder.add(self.seq, Counter(), NOW)
        self.store.clock += 1
        try:
            return await self.feeder.step(lambda: self.store.clock, lambda: NOW + self.seq)
        except Killed:
            self.revive()
            return True

    async def drain(self) -> None:
        """Go on until everything is there, and a little more."""
        for _ in range(200):
            await self.step()
            self.store.clock += 5

    def missing(self) -> set[tuple[str, int]]:
        """Return what the store does not have, but for poison."""
        return {key for key in self.wanted() if not self.store.bad(key)} - self.store.taken.keys()

    def invented(self) -> int:
        """Count what the store has and should not, or with another value."""
        wanted = self.wanted()
        return sum(wanted.get(key) != value or self.store.bad(key) for key, (value, _) in self.store.taken.items())

    def wanted(self) -> dict[tuple[str, int], float]:
        """Return every sample that was ever in the journal."""
        return {
            (name, int((NOW + seq) * 1000)): float(factor * seq)
            for seq in range(1, self.seq + 1)
            for name, factor in (("wan1", 1), ("lan", 2))
        }

    def mistakes(self) -> list[str]:
        """Return what is wrong in the end."""
        found = []
        if missing := len(self.missing()):
            found.append(f"missing {missing}")
        if invented := self.invented():
            found.append(f"invented {invented}")
        if self.store.unchanged > MAX_SENDS:
            found.append(f"unchanged {self.store.unchanged} times")
        return found


@contextlib.asynccontextmanager
async def world(directory: Path, *, telling: bool) -> AsyncIterator[World]:
    """Make a world for the time of a block."""
    one = await asyncio.to_thread(lambda: World(directory, telling=telling))
    try:
        yield one
    finally:
        await one.backlog.close()
        one.database.close()


async def live(one: World, seed: int, deeds: int = 100) -> Counter[str]:
    """Do so many things at random, and let everything come to rest; return what was done how often."""
    dice = random.Random(seed)  # noqa: S311 - a seed makes it the same again
    store = one.store
    store.poison = dice.choice((0, 0, 37, 11))
    store.poisoned = dice.choice((Outcome.REFUSED, Outcome.FAILED))
    store.chance = dice.choice((0.0, 0.0, 0.2))
    store.dice = dice
    done: Counter[str] = Counter()
    for _ in range(deeds):
        deed = dice.choice(DEEDS)
        done[deed] += 1
        match deed:
            case "report":
                await asyncio.to_thread(one.report, dice.randint(1, 9))
            case "step":
                await one.step()
            case "write":
                one.progress = one.feeder.progress
            case "kill":
                one.revive()
            case "kill inside":
                store.fuse = dice.randint(0, 5)
                await one.step()
                store.fuse = None
            case "cut":
                store.cut()
                store.down = not store.telling  # what does not tell must at least be seen to be away
            case "away":
                store.down = True
            case "refuse":
                store.refuses = store.clock + 30
            case _:
                store.clock += dice.choice((1.0, 50.0, 400.0))
    store.chance = 0.0
    await one.drain()
    return done


async def play(seed: int) -> tuple[Counter[str], list[str]]:
    """Play one round; return counts and what is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        async with world(Path(folder), telling=seed % 2 == 0) as one:
            counts = await live(one, seed)
            counts["samples"] = 2 * one.seq
            counts["poison"] = sum(map(one.store.bad, one.wanted()))
            return counts, [f"seed {seed}: {words}" for words in one.mistakes()]


@contextlib.contextmanager
def _replaced(owner: object, name: str, value: object) -> Iterator[None]:
    before = vars(owner)[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def _eager(feeder: Feeder) -> ProgressRow:
    return ProgressRow("t", feeder.horizon, feeder.horizon, feeder._started)


async def _credulous(*_: object) -> bool:
    return True


#: Each with one mistake: what it is, and where.
MUTANTS: Final[dict[str, Callable[[], contextlib.AbstractContextManager[None]]]] = {
    "forgets the tail": lambda: _replaced(Feeder, "_send_tail_again", lambda _: None),
    "writes down what is under way": lambda: _replaced(Feeder, "progress", property(_eager)),
    "does not see that the store was started anew": lambda: _replaced(feeders, "_SAME", 1e12),
    "sends unchanged for long": lambda: _replaced(deliveries, "MAX_SENDS", 12),
    "sets aside without a canary": lambda: _replaced(Delivery, "_until_well", _credulous),
}


async def catch(mutant: str) -> int | None:
    """Return in which round a mutant was caught, None when in none."""
    with MUTANTS[mutant]():
        for seed in range(TRIES):
            if (await play(seed))[1]:
                return seed
    return None


def judge(rounds: int, seed: int, tell: Callable[[int], None]) -> tuple[Section, list[str]]:
    """Play so many rounds, and every mutant until it is caught."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for number in range(rounds):
        counted, more = asyncio.run(play(seed + number))
        counts += counted
        wrong += more
        tell(1)
    caught = {name: asyncio.run(catch(name)) for name in MUTANTS}
    wrong += [f"mutant not caught in {TRIES} rounds: {name}" for name, at in caught.items() if at is None]
    kills = counts["kill"] + counts["kill inside"]
    figures = (rounds, counts["samples"], counts["poison"], kills, counts["cut"], counts["away"], len(wrong))
    found = sum(at is not None for at in caught.values())
    notes = [
        f"seed {seed}: missing, invented, or unchanged more than {MAX_SENDS} times: {len(wrong)}; mutants caught {found} of {len(caught)}"
    ]
    columns = ("rounds", "samples", "poison", "collector killed", "store cut", "store away", "wrong")
    return Section("backfill", columns, [tuple(f"{figure:,}" for figure in figures)], notes), wrong


@click.command()
@click.option("--rounds", default=2000, show_default=True, help="Rounds of a hundred deeds.")
@options
def backfill(*, rounds: int, seed: int, **output: Any) -> None:
    """Feed a store that refuses, fails and forgets, killing both sides: every good sample arrives."""
    run("backfill", rounds, lambda tell: judge(rounds, seed, tell), **output)
