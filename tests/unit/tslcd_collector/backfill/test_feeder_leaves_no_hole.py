"""One store fed from the journal: whatever is killed, and whatever the store forgets, in the end it has everything, once."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from rigs import backfill
from rigs.backfill import NOW, TAIL, World
from tslcd_collector.backfill import feeder as feeders
from tslcd_collector.backfill.coverage import Coverage
from tslcd_collector.backfill.sieve import Reason
from tslcd_collector.errors import StoreError
from tslcd_collector.store import Batch, JournalRow, ProgressRow, backlog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Make a world whose store tells since when it runs."""
    async with backfill.world(tmp_path, telling=True) as one:
        yield one


@pytest.mark.parametrize("seed", range(20))
async def test_kills_cuts_and_poison_at_random_leave_no_hole(seed: int) -> None:
    """Of the collector and of the store, the rig's short run; missing 0, invented 0, nothing unchanged more than three times."""
    assert (await backfill.play(seed))[1] == []


@pytest.mark.parametrize("mutant", backfill.MUTANTS)
async def test_the_rig_catches_mutants(mutant: str) -> None:
    """Each of these mistakes is found in one of a few rounds."""
    assert await backfill.catch(mutant) is not None


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
