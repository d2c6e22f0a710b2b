"""The ledger beside a real store: late reports out of the journal make the past known; trouble waits and is told once."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest

from support import inventories
from support.collector import eventually, interface_table, probe_table
from tslcd_collector.clock import Clocks
from tslcd_collector.errors import LedgerError
from tslcd_collector.judge.phrases import POWER_CUT
from tslcd_collector.ledger import Ledger, LedgerFile, book, journal
from tslcd_collector.ledger.journal import LateReports
from tslcd_collector.metrics import Metrics
from tslcd_collector.power import POWER, Starts
from tslcd_collector.store import Batch, Database, JournalRow, VerdictRow
from tslcd_collector.verdict import words_of
from tslcd_wire import codec
from tslcd_wire.report import Report

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tslcd_collector.inventory import Inventory
    from tslcd_wire.report import Table, Tables

NOW = 1_790_000_000.0


class Desk:
    """A store's journal and a ledger that reads it."""

    def __init__(self, folder: Path, known: Inventory) -> None:
        """Make the files in ``folder``."""
        self.folder = folder
        self.known = known
        self.database = Database(folder)
        self.database.open(NOW)
        self.seq = 0
        self.start()

    def renew_store(self) -> None:
        """Begin with an empty store, as after damage."""
        self.database.close()
        for file in self.folder.glob("collector.db*"):
            file.unlink()
        self.database.open(NOW)

    def start(self) -> None:
        """Begin with the files as they are, as a new process does."""
        self.metrics = Metrics()
        self.clocks = Clocks(2.0, 35 * 86400.0)
        self.starts = Starts(self.clocks)
        self.ledger = Ledger(
            LedgerFile(self.folder),
            LateReports(self.database.path),
            clocks=self.clocks,
            starts=self.starts,
            metrics=self.metrics,
        )
        self.ledger.set_inventory(self.known)

    async def report(self, tables: Tables, at: float, received: float, *, device: str = "") -> None:
        """Put a report into the journal, measured and received so many seconds after NOW."""
        self.seq += 1
        report = Report(
            agent="a1",
            stream="0198f3c2",
            seq=self.seq,
            at=NOW + at,
            boot="7c1e",
            mono=1000 + at,
            device=device,
            tables=tables,
        )
        row = JournalRow(
            "86", "a1", report.stream, self.seq, NOW + at, NOW + received, replay=False, payload=codec.encode(report)
        )
        await asyncio.to_thread(self.database.write, Batch(NOW + received, journal=[row]))

    async def settle(self, now: float) -> int:
        """Step until there is nothing left to do; return the steps."""
        steps = 1
        while await self.ledger.step(NOW + now):
            steps += 1
        return steps

    async def past(self, channel: str = "c1") -> list[tuple[str, str, float, float | None, str]]:
        """Return the past as tuples relative to NOW."""
        found = (await self.ledger.history(channel, 0, NOW * 2)).intervals
        return [(one.state, one.reason, one.since - NOW, one.until and one.until - NOW, one.origin) for one in found]

    def look(self, statement: str) -> list[tuple[object, ...]]:
        """Do something to the ledger's file from outside; blocks."""
        with contextlib.closing(sqlite3.connect(self.folder / "ledger.db", isolation_level=None)) as one:
            return one.execute(statement).fetchall()

    async def sql(self, statement: str) -> list[tuple[object, ...]]:
        """Do the same in a thread."""
        return await asyncio.to_thread(self.look, statement)


def _row(state: str, reason: str, since: float) -> VerdictRow:
    return VerdictRow("c1", state, reason, "none", "", NOW + since, NOW + since)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Desk]:
    """Make everything over the small inventory."""
    (tmp_path / "store").mkdir()
    made = Desk(tmp_path / "store", inventories.small(tmp_path / "inventory"))
    yield made
    made.database.close()


@pytest.fixture
async def desk(empty: Desk) -> AsyncIterator[Desk]:
    """Open the ledger; c1 was up until its agent was lost, from 60 s to 660 s."""
    await empty.ledger.open(NOW)
    empty.ledger.note([_row("up", "ok", 0), _row("unknown", "agent_lost", 60), _row("up", "ok", 660)])
    yield empty
    await empty.ledger.close(NOW + 3000)


async def test_blind_minutes_become_known(desk: Desk) -> None:
    """Ten minutes of reports come afterwards: the cut in them is in the ledger with the times of measurement."""
    for at in range(30, 660, 30):
        lost = 5 if 120 <= at < 420 else 0
        await desk.report(interface_table(), at, 700, device="fw")
        await desk.report(probe_table(lost=lost), at, 700)
    await desk.settle(700)
    assert await desk.past() == [
        ("up", "ok", 0, 60, "live"),
        ("up", "ok", 60, 120, "late"),
        ("down", "gateway_unreachable", 120, 420, "late"),
        ("up", "ok", 420, 660, "late"),
        ("up", "ok", 660, None, "live"),
    ]
    (note,) = (await desk.ledger.history("c1", NOW, NOW + 900)).revisions
    assert (note.since - NOW, note.until - NOW, note.at - NOW) == (60, 660, 700)
    assert desk.metrics.registry.get_sample_value("tslcd_collector_ledger_revisions_total") == 1


async def test_a_quiet_collector_gives_a_sign_of_life_every_few_seconds(desk: Desk) -> None:
    """While nothing changes there is no sync a second; but how long a killed collector was blind is known to 5 s. A last sign is its end."""
    told = []
    for now in (700, 701, 704, 705, 706, 711):
        await desk.settle(now)
        [(alive,)] = await desk.sql("SELECT value FROM meta WHERE key = 'alive'")
        told.append(float(str(alive)) - NOW)
    assert told == [700, 700, 700, 705, 705, 711]
    await desk.ledger.close(NOW + 712)
    assert await desk.sql("SELECT value FROM meta WHERE key = 'alive'") == [(NOW + 712,)]
    desk.start()
    await desk.ledger.open(NOW + 713)


async def test_order_and_repetition_of_late_reports_do_not_matter(desk: Desk) -> None:
    """One report at a time, newest first, some of them twice: the same past."""
    times = [*range(30, 660, 30)]
    for at in [*reversed(times), *times[5:9]]:
        lost = 5 if 120 <= at < 420 else 0
        await desk.report(probe_table(lost=lost), at, 700)
        await desk.report(interface_table(), at, 700, device="fw")
        await desk.settle(700)
    past = await desk.past()
    assert [(state, since, until) for state, _, since, until, _ in past if state == "down"] == [("down", 120, 420)]
    assert not [one for one in past if one[0] == "unknown"]


async def test_fresh_reports_and_known_times_are_not_looked_at(desk: Desk) -> None:
    """What came at once, and what tells of a time that was known, leaves no trace."""
    await desk.settle(1)
    await desk.report(probe_table(lost=5), 100, 100.5)
    await desk.report(probe_table(lost=5), 2000, 2600)
    await desk.report(probe_table(lost=5), 1000, 1030)
    before = await desk.past()
    await desk.settle(2700)
    assert await desk.past() == before
    assert await desk.sql("SELECT count(*) FROM evidence") == [(0,)]


async def test_a_kill_between_reading_and_judging_loses_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read stands in the ledger with the cursor; the next process judges it."""
    for at in range(60, 660, 30):
        await desk.report(probe_table(), at, 700)
    monkeypatch.setattr(book, "STEP", 0)
    await desk.ledger.step(NOW + 700)
    assert ("unknown", "agent_lost", 60, 660, "live") in await desk.past()
    monkeypatch.undo()
    await desk.ledger.close(NOW + 701)
    desk.start()
    await desk.ledger.open(NOW + 702)
    await desk.settle(703)
    assert ("up", "ok", 60, 660, "late") in await desk.past()


async def test_the_journal_may_be_pruned_or_made_anew(desk: Desk) -> None:
    """Rows that are gone are passed over, and so is a cursor of another journal."""
    for at in range(60, 300, 30):
        await desk.report(probe_table(), at, 700)
    await desk.settle(700)
    await asyncio.to_thread(desk.database.prune, NOW + 10_000)
    await desk.report(probe_table(), 300, 800)
    assert await desk.settle(801) == 1
    await desk.ledger.close(NOW + 802)
    await asyncio.to_thread(desk.renew_store)
    desk.start()
    await desk.ledger.open(NOW + 803)
    await desk.report(probe_table(lost=5), 510, 900)
    await desk.settle(901)
    assert ("down", "gateway_unreachable", 510, 600, "late") in await desk.past()


async def test_a_power_cut_is_told_by_the_agent_afterwards(desk: Desk) -> None:
    """The silence was ``agent_lost``; the start says that the box had no power: party power, from last to first sign of life."""
    for second in range(0, 60, 10):
        live = Report(agent="a1", stream="0198f3c2", seq=1 + second, at=NOW + second, boot="7c1e", mono=1000.0 + second)
        desk.clocks.learn(live, NOW + second, live=True)
    start: Table = {
        "key": [""],
        "start_reason": [POWER],
        "started_boottime_seconds": [20.0],
        "last_alive_boottime_seconds": [1030.0],
        "last_alive_timestamp_seconds": [NOW + 30],
    }
    back = Report(agent="a1", stream="0198f3c2", seq=99, at=NOW + 650, boot="8d2f", mono=30.0, tables={"agent": start})
    desk.clocks.learn(back, NOW + 650, live=True)
    desk.starts.note(back, NOW + 650)
    await desk.settle(700)
    assert await desk.past() == [
        ("up", "ok", 0, 50, "live"),
        ("unknown", "site_power", 50, 640, "power"),
        ("unknown", "agent_lost", 640, 660, "live"),
        ("up", "ok", 660, None, "live"),
    ]
    (note,) = (await desk.ledger.history("c1", NOW, NOW + 900)).revisions
    assert words_of(note.note) == POWER_CUT


async def test_clocks_are_known_after_a_restart(desk: Desk) -> None:
    """The anchor of a boot that began at 1970 is taken up by the next process."""
    for second in range(0, 60, 10):
        report = Report(agent="a1", stream="0198f3c2", seq=1, at=float(second), boot="7c1e", mono=float(second))
        desk.clocks.learn(report, NOW + second, live=True)
    await desk.settle(60)
    await desk.ledger.close(NOW + 61)
    desk.start()
    await desk.ledger.open(NOW + 65)
    late = Report(agent="a1", stream="0198f3c2", seq=2, at=25.0, boot="7c1e", mono=25.0)
    assert desk.clocks.place(late, NOW + 1000).at == pytest.approx(NOW + 25, abs=0.1)


async def test_a_broken_ledger_waits_and_then_writes_everything(desk: Desk) -> None:
    """Nothing is lost of what came meanwhile, in order; questions are refused, the error is counted."""
    await desk.settle(1)
    await desk.sql("ALTER TABLE interval RENAME TO away")
    desk.ledger.note([_row("down", "loss", 700)])
    for _ in range(2):
        with pytest.raises(LedgerError, match="no such table"):
            await desk.ledger.step(NOW + 701)
    with pytest.raises(LedgerError, match="no such table"):
        await desk.past()
    desk.ledger.note([_row("up", "ok", 710)])
    await desk.sql("ALTER TABLE away RENAME TO interval")
    await desk.settle(720)
    assert [one[:4] for one in (await desk.past())[-3:]] == [
        ("up", "ok", 660, 700),
        ("down", "loss", 700, 710),
        ("up", "ok", 710, None),
    ]


async def test_a_journal_that_cannot_be_read_is_tried_again(desk: Desk) -> None:
    """What changed is written all the same; late reports are judged when the journal is there again."""
    await desk.report(probe_table(lost=5), 100, 700)
    store, aside = desk.folder / "collector.db", desk.folder / "aside.db"
    await asyncio.to_thread(store.rename, aside)
    with pytest.raises(LedgerError, match=r"journal .*collector.db: unable to open database file"):
        await desk.ledger.step(NOW + 701)
    assert len(await desk.past()) == 3
    await asyncio.to_thread(aside.rename, store)
    await desk.settle(702)
    assert ("down", "gateway_unreachable", 100, 190, "late") in await desk.past()


async def test_a_page_of_the_journal_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """By rows and by bytes; the past is the same as in one step."""
    monkeypatch.setattr(journal, "PAGE_ROWS", 7)
    monkeypatch.setattr(journal, "PAGE_BYTES", 700)
    for at in range(60, 660, 30):
        await desk.report(probe_table(lost=5), at, 700)
    assert await desk.settle(700) > 5
    assert ("down", "gateway_unreachable", 60, 660, "late") in await desk.past()


async def test_the_start_goes_on_with_what_stands(desk: Desk) -> None:
    """A change that the ledger never heard of is taken from what stands; one that fails is kept for later."""
    await desk.settle(1)
    await desk.ledger.resume([_row("down", "loss", 900)], NOW + 950)
    assert (await desk.past())[-1][:4] == ("down", "loss", 900, None)
    await desk.sql("ALTER TABLE interval RENAME TO away")
    await desk.ledger.resume([_row("up", "ok", 960)], NOW + 970)
    assert desk.metrics.registry.get_sample_value("tslcd_collector_ledger_errors_total") == 1
    await desk.sql("ALTER TABLE away RENAME TO interval")
    await desk.settle(980)
    assert (await desk.past())[-1][:4] == ("up", "ok", 960, None)


async def test_what_waits_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest changes are given up and counted; a channel that nobody supervises any more ends."""
    monkeypatch.setattr(book, "MAX_PENDING", 10)
    desk.ledger.note([_row("up" if number % 2 else "down", "ok", 700.0 + number) for number in range(30)])
    assert desk.metrics.registry.get_sample_value("tslcd_collector_ledger_errors_total") == 23
    desk.ledger.retire(["c1"])
    await desk.settle(800)
    assert (await desk.past())[-1][3] == 800


async def test_a_ledger_that_cannot_be_opened_does_not_stop_the_collector(empty: Desk) -> None:
    """It is said and counted; what stands is kept and written when it can be."""
    await asyncio.to_thread((empty.folder / "ledger.db").mkdir)
    await empty.ledger.open(NOW)
    await empty.ledger.resume([_row("up", "ok", 0)], NOW)
    assert empty.metrics.registry.get_sample_value("tslcd_collector_ledger_errors_total") == 1
    working = asyncio.create_task(empty.ledger.working(lambda: NOW + 1))
    await eventually(lambda: empty.metrics.registry.get_sample_value("tslcd_collector_ledger_errors_total") == 2)
    await asyncio.to_thread((empty.folder / "ledger.db").rmdir)
    await eventually(lambda: empty.look("SELECT count(*) FROM interval") == [(1,)], what="written")
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert await empty.past() == [("up", "ok", 0, None, "live")]
    await empty.ledger.close(NOW + 2)
