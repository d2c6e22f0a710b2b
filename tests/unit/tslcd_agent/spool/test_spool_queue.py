"""The spool as the loop sees it: its thread, cancellation, one agent a directory, and a model under random actions."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tslcd_agent.spool import Bounds, Draft, Spool, SpoolError
from tslcd_agent.spool.engine import Engine
from tslcd_agent.spool.inspection import inspect
from tslcd_agent.spool.lock import DirectoryLock
from tslcd_agent.spool.news import MAX_ROWS
from tslcd_agent.spool.state import Now, seq_of
from tslcd_wire.ranges import RangeSet

BOUNDS = Bounds(50 * 2**20, 86400.0)


def now() -> Now:
    """Stand still."""
    return Now(1_790_000_000.0, "aaaa0000", 1000.0)


def draft() -> Draft:
    """Make a small report."""
    return Draft(*_times(), lambda stream, seq: f"{stream} {seq}".encode())


def _times() -> tuple[float, str, float]:
    at = now()
    return at.at, at.boot, at.mono


async def test_many_appends_at_once_share_transactions_and_keep_their_order(tmp_path: Path) -> None:
    """Each caller gets its own number, in the order of calling, and all are on disk."""
    async with Spool(tmp_path / "spool", BOUNDS, now) as spool:
        keys = await asyncio.gather(*(spool.append(draft()) for _ in range(700)))
        assert [seq_of(key) for key in keys] == list(range(1, 701))
        assert (await spool.statistics()).waiting == 700
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700


async def test_a_cancelled_append_is_whole_or_absent(tmp_path: Path) -> None:
    """Callers that go away leave no half report and no gap."""
    async with Spool(tmp_path, BOUNDS, now) as spool:
        tasks = [asyncio.create_task(spool.append(draft())) for _ in range(200)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        numbers = [seq_of(result) for result in results if isinstance(result, int)]
        rows = await spool.oldest_first(500, RangeSet())
        found = [seq_of(row.key) for row in rows]
        assert found == list(range(1, len(found) + 1))
        assert set(numbers) <= set(found)
        assert len(numbers) == 100


async def test_news_are_what_the_disk_has(tmp_path: Path) -> None:
    """What was appended is handed over once, as it stands in the file; when it is too much, or not so sure, the file is asked."""
    async with Spool(tmp_path, BOUNDS, now) as spool:
        await spool.append(draft())
        assert spool.take_news() is None, "there may be older ones"
        await asyncio.gather(*(spool.append(draft()) for _ in range(5)))
        news = spool.take_news()
        assert news == (await spool.newest_first(5, RangeSet()))[::-1]
        assert spool.take_news() == []
        await asyncio.gather(*(spool.append(draft()) for _ in range(MAX_ROWS + 1)))
        await spool.append(draft())
        assert spool.take_news() is None
        await spool.append(draft())
        assert len(spool.take_news() or ()) == 1
        await spool.confirm((await spool.statistics()).stream, [(1, 1000)])
        await spool.append(Draft(*_times(), lambda stream, seq: f'{{"stream": "{stream}", "seq": {seq}}}'.encode()))
        await spool.renew_stream((await spool.statistics()).stream)
        assert spool.take_news() is None, "they have other numbers now"


async def test_what_is_in_memory_only_is_no_news(tmp_path: Path) -> None:
    """While the disk fails the engine says what is to be sent."""
    async with Spool(tmp_path, BOUNDS, now) as spool:
        spool.take_news()
        await spool._call(lambda: spool._engine._fail(OSError("disk")))
        await spool.append(draft())
        assert spool.take_news() is None


async def test_errors_of_builders_and_of_the_engine_reach_their_caller_only(tmp_path: Path) -> None:
    """The thread survives whatever a job raises."""

    def broken(stream: str, seq: int) -> bytes:
        raise ValueError(f"{stream and seq}")

    async with Spool(tmp_path, BOUNDS, now) as spool:
        good, bad = await asyncio.gather(
            spool.append(draft()), spool.append(Draft(*_times(), broken)), return_exceptions=True
        )
        assert isinstance(good, int)
        assert isinstance(bad, ValueError)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Engine, "append", lambda *_: _raise(KeyError("engine")))
            patch.setattr(Engine, "statistics", lambda *_: _raise(KeyError("engine")))
            with pytest.raises(KeyError):
                await spool.append(draft())
            with pytest.raises(KeyError):
                await spool.statistics()
        assert await spool.append(draft())


def _raise(error: Exception) -> None:
    raise error


async def test_two_agents_on_one_directory_are_refused(tmp_path: Path) -> None:
    """The second is told who has it, and may have it when the first is gone."""
    async with Spool(tmp_path, BOUNDS, now):
        with pytest.raises(SpoolError) as caught:
            async with Spool(tmp_path, BOUNDS, now):
                pass
        assert str(caught.value) == f"spool directory {tmp_path} is in use by another agent (process {os.getpid()})"
        assert caught.value.code == "busy"
    async with Spool(tmp_path, BOUNDS, now) as spool:
        await spool.mark_alive()


async def test_a_directory_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """A file in the way is a mistake of settings, not trouble of the disk."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError) as caught:
        async with Spool(tmp_path / "file" / "spool", BOUNDS, now):
            pass
    assert str(caught.value) == f"spool directory {tmp_path / 'file' / 'spool'}: not a directory"


def test_a_disk_in_trouble_is_not_locked_and_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a read-only disk the agent goes on in memory, so the lock lets it."""

    def read_only(*_: object) -> int:
        raise OSError(30, "Read-only file system")

    lock = DirectoryLock(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", read_only)
        assert not lock.acquire()
    lock.release()
    assert lock.acquire()
    lock.release()


async def test_inspection_while_the_agent_runs_and_after(tmp_path: Path) -> None:
    """What waits can be seen from outside at any time, and looking changes nothing."""
    with pytest.raises(SpoolError, match="no spool here"):
        await asyncio.to_thread(inspect, tmp_path)
    async with Spool(tmp_path, BOUNDS, now) as spool:
        for _ in range(3):
            await spool.append(draft())
        await spool.confirm((await spool.statistics()).stream, [(1, 1)])
        seen = await asyncio.to_thread(inspect, tmp_path)
        assert (seen.waiting, seen.made, seen.confirmed, seen.newest) == (2, 3, 1, 3)
        assert seen.oldest_at == now().at
    after = await asyncio.to_thread(inspect, tmp_path)
    assert (after.waiting, after.stream) == (2, seen.stream)


def test_inspection_of_a_damaged_spool_says_so(tmp_path: Path) -> None:
    """Neither garbage nor a foreign database is taken for a spool."""
    (tmp_path / "spool.db").write_bytes(b"garbage" * 999)
    with pytest.raises(SpoolError, match="cannot be read: file is not a database") as caught:
        inspect(tmp_path)
    assert caught.value.code == "damaged"
    (tmp_path / "spool.db").unlink()
    sqlite3.connect(tmp_path / "spool.db").close()
    with pytest.raises(SpoolError, match="no such table"):
        inspect(tmp_path)


class SpoolModel(RuleBasedStateMachine):
    """The engine beside a set of numbers, under appends, confirmations, restarts and crashes."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.engine = self._opened()
        self.given = 0
        self.held: set[int] = set()

    def _opened(self) -> Engine:
        engine = Engine(Path(self.directory.name), BOUNDS, now)
        engine.open()
        return engine

    @rule(count=st.integers(1, 5))
    def append(self, count: int) -> None:
        """Append a group."""
        keys = self.engine.append([draft() for _ in range(count)])
        numbers = [seq_of(key) for key in keys if isinstance(key, int)]
        assert numbers == list(range(self.given + 1, self.given + count + 1))
        self.given += count
        self.held |= set(numbers)

    @rule(first=st.integers(1, 40), length=st.integers(0, 15))
    def confirm(self, first: int, length: int) -> None:
        """Confirm any range, also of numbers that are not there."""
        self.engine.confirm(self.engine.statistics().stream, [(first, first + length)])
        self.held -= set(range(first, first + length + 1))

    @rule(clean=st.booleans())
    def restart(self, clean: bool) -> None:
        """Stop, or be killed; start again."""
        if clean:
            self.engine.close()
        else:
            assert self.engine._store is not None
            journal = Path(self.directory.name, "spool.db-wal")
            content = journal.read_bytes()
            file = Path(self.directory.name, "spool.db").read_bytes()
            self.engine._store._connection.close()
            Path(self.directory.name, "spool.db").write_bytes(file)
            journal.write_bytes(content)
        self.engine = self._opened()

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        """Exactly the reports that were appended and not confirmed, in order, and the statistics say so."""
        rows = [seq_of(row.key) for row in self.engine.oldest_first(1000, RangeSet())]
        assert rows == sorted(self.held)
        statistics = self.engine.statistics()
        assert (statistics.waiting, statistics.newest) == (len(self.held), self.given)
        assert statistics.oldest == min(self.held, default=self.given + 1)

    def teardown(self) -> None:
        """Close."""
        self.engine.close()
        self.directory.cleanup()


TestSpoolModel = SpoolModel.TestCase
TestSpoolModel.settings = settings(max_examples=25, stateful_step_count=20)
