"""One store fed from the journal: whatever is killed, and whatever the store forgets, in the end it has everything, once."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

from tslcd_collector.backfill import feeder as feeders
from tslcd_collector.backfill.answer import Answer, Outcome
from tslcd_collector.backfill.coverage import Coverage
from tslcd_collector.backfill.delivery import CANARY, Delivery
from tslcd_collector.backfill.feeder import Feeder
from tslcd_collector.backfill.points import Conversion
from tslcd_collector.backfill.remote_write import decode
from tslcd_collector.backfill.selection import Selection
from tslcd_collector.backfill.sieve import Reason, Sieve
from tslcd_collector.errors import StoreError
from tslcd_collector.store import Backlog, Batch, Database, JournalRow, ProgressRow, backlog
from tslcd_wire import codec
from tslcd_wire.report import Report

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tslcd_wire.report import Table

NOW: Final = 1_790_000_000.0
TAIL: Final = 300.0
MUTANTS: Final = ("forgets the tail", "writes down what is under way", "trusts an answer as if it were on disk")


class Memoryful:
    """A store in memory that loses, at a power cut, what it took in the last minute. It tells since when it runs, or does not."""

    def __init__(self, *, telling: bool) -> None:
        """Start empty."""
        self.clock = 0.0
        self.down = False
        self.began = 1.0
        self.telling = telling
        self.taken: dict[tuple[str, int], tuple[float, float]] = {}

    async def send(self, body: bytes) -> Answer:
        """Take samples, or be away."""
        self.clock += 0.01
        if self.down:
            return Answer(Outcome.UNREACHABLE)
        for labels, samples in decode(body):
            for at, value in samples:
                if labels["__name__"] != CANARY:
                    self.taken[labels["interface"], at] = (value, self.clock)
        return Answer(Outcome.ACCEPTED)

    async def started(self) -> float | None:
        """Tell."""
        return None if self.down else self.began if self.telling else 0.0

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
        return await self.feeder.step(lambda: self.store.clock, lambda: NOW + self.seq)

    async def drain(self) -> None:
        """Go on until everything is there, and a little more."""
        for _ in range(200):
            await self.step()
            self.store.clock += 5

    def missing(self) -> set[tuple[str, int]]:
        """Return what the store does not have, or has wrong; what it has besides is an error."""
        wanted = {
            (name, int((NOW + seq) * 1000)): float(factor * seq)
            for seq in range(1, self.seq + 1)
            for name, factor in (("wan1", 1), ("lan", 2))
        }
        assert self.store.taken.keys() <= wanted.keys()
        return {key for key, value in wanted.items() if self.store.taken.get(key, (None,))[0] != value}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Make a world whose store tells since when it runs."""
    async with _world(tmp_path, telling=True) as one:
        yield one


@contextlib.asynccontextmanager
async def _world(directory: Path, *, telling: bool) -> AsyncIterator[World]:
    one = await asyncio.to_thread(lambda: World(directory, telling=telling))
    try:
        yield one
    finally:
        await one.backlog.close()
        one.database.close()


async def _live(one: World, seed: int) -> None:
    """Do a hundred things at random: reports, pages, kills, power cuts, absences, what was written down when."""
    dice = random.Random(seed)  # noqa: S311 - a seed makes it the same again
    for _ in range(100):
        match dice.choice(("report", "report", "step", "step", "write", "kill", "cut", "away", "wait")):
            case "report":
                await asyncio.to_thread(one.report, dice.randint(1, 9))
            case "step":
                await one.step()
            case "write":
                one.progress = one.feeder.progress
            case "kill":
                with contextlib.suppress(asyncio.CancelledError):
                    one.revive()
            case "cut":
                one.store.cut()
                if not one.store.telling:
                    one.store.down = True  # what does not tell must at least be seen to be away
            case "away":
                one.store.down = True
            case _:
                one.store.clock += dice.choice((1.0, 50.0, 400.0))
    await one.drain()


@pytest.mark.parametrize("telling", [True, False])
@pytest.mark.parametrize("seed", range(5))
async def test_kills_and_power_cuts_at_random_leave_no_hole(seed: int, *, telling: bool, tmp_path: Path) -> None:
    """Of the collector and of the store; missing 0, invented 0, altered 0."""
    async with _world(tmp_path, telling=telling) as one:
        await _live(one, seed)
        assert one.missing() == set()


@pytest.mark.parametrize("mutant", MUTANTS)
async def test_the_oracle_catches_mutants(mutant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these mistakes leaves a hole in one of the same runs."""
    if mutant == MUTANTS[0]:
        monkeypatch.setattr(Feeder, "_send_tail_again", lambda _: None)
    elif mutant == MUTANTS[1]:
        eager = property(lambda self: ProgressRow("t", self.horizon, self.horizon, self._started))
        monkeypatch.setattr(Feeder, "progress", eager)
    else:
        monkeypatch.setattr(feeders, "_SAME", 1e9)
    holes = 0
    for seed in range(5):
        (tmp_path / str(seed)).mkdir()
        async with _world(tmp_path / str(seed), telling=True) as one:
            await _live(one, seed)
            holes += len(one.missing())
    assert holes > 0


async def test_a_start_that_did_not_change_sends_nothing_twice(world: World) -> None:
    """A lost connection is no restart when the store says so."""
    await asyncio.to_thread(world.report, 5)
    await world.step()
    world.store.down = True
    await asyncio.to_thread(world.report, 5)
    await world.drain()
    assert world.feeder.take_repeats() == 0
    assert world.missing() == set()


async def test_the_tail_is_safe_after_a_while(world: World) -> None:
    """What was delivered longer ago than the tail, to a process that is still the same, is not kept."""
    await asyncio.to_thread(world.report, 3)
    await world.step()
    assert world.feeder.progress == ProgressRow("t", 3, 0, 1.0)
    world.store.clock += TAIL + 10
    await world.step()
    assert world.feeder.progress == ProgressRow("t", 3, 3, 1.0)


async def test_rows_that_made_room_are_counted(world: World) -> None:
    """The disk had to give up the oldest: it goes on with what is there, and tells how many are gone."""
    await asyncio.to_thread(world.report, 10)

    def lose(upto: int) -> None:
        world.database._open_connection().execute("DELETE FROM journal WHERE id <= ?", (upto,))

    await asyncio.to_thread(lose, 4)
    await world.step()
    assert world.given_up == {Reason.DISK: 4}
    await asyncio.to_thread(world.report, 2)
    await asyncio.to_thread(lose, 12)
    await world.step()
    assert world.given_up == {Reason.DISK: 6}
    assert world.feeder.position == 12


async def test_pages_are_bounded_and_unreadable_rows_are_passed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """In bytes, but for one row that is larger alone; a row of another version stops nobody."""
    monkeypatch.setattr(backlog, "PAGE_BYTES", 500)
    await asyncio.to_thread(world.report, 5)
    rows = [JournalRow("86", "a1", "0198f3c2", 9, NOW, NOW, replay=False, payload=b'{"v":99}' + b" " * 3000)]
    await asyncio.to_thread(lambda: world.database.write(Batch(NOW, journal=rows)))
    page = await world.backlog.page(0, 6)
    assert 1 <= len(page) < 5
    assert [row.id for row in await world.backlog.page(5, 6)] == [6]
    world.feeder.add(6, Counter(), NOW)
    for _ in range(6):
        await world.feeder.step(lambda: world.store.clock, lambda: NOW)
    assert world.feeder.position == 6
    assert len(world.store.taken) == 10


async def test_what_was_seen_is_not_sent(world: World) -> None:
    """With an account of scrapes only what nobody saw leaves."""
    world.coverage = Coverage(300.0, 30.0)
    world.coverage._scrapers[""].extend(NOW, NOW + 5, 0.0)
    world.coverage.reported("a1", NOW, NOW)
    world.revive()
    await asyncio.to_thread(world.report, 60)
    await world.drain()
    assert {at // 1000 - NOW for _, at in world.store.taken} == set(range(21, 61))


async def test_a_journal_that_cannot_be_read_is_no_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told once, and tried again."""
    monkeypatch.setattr(feeders, "IDLE", 0.01)
    await asyncio.to_thread(world.report, 2)
    good, failures = world.backlog.page, iter(range(3))

    async def page(after: int, upto: int) -> object:
        if next(failures, None) is not None:
            raise StoreError("store: disk I/O error")
        return await good(after, upto)

    monkeypatch.setattr(world.backlog, "page", page)
    world.feeder.add(2, Counter(), NOW)
    task = asyncio.create_task(world.feeder.run())
    async with asyncio.timeout(5):
        while world.feeder.position < 2:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_oldest_that_waits_is_known(world: World) -> None:
    """In pieces, so that little memory tells it of a long backlog; None when nothing waits."""
    one = world.feeder
    assert one.oldest is None
    for piece in range(50):
        one.add(100 * (piece + 1), Counter(a1=100), NOW - (7 if piece == 20 else 1))
    assert len(one._pieces) <= 5
    assert one.oldest == NOW - 7
    assert one.waiting == {"a1": 5000}
    one.position = 4999
    assert one.oldest == NOW - 1
    one.position = 5000
    assert one.oldest is None
