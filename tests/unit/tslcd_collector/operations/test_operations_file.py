"""What operators enter: written with its line in the audit log or not at all, kept over restarts, damage and bad disks."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tslcd_collector.errors import OperationsError
from tslcd_collector.operations import Actor, Operations, OperationsFile, PlannedWork, desk
from tslcd_collector.operations.file import FILE
from tslcd_collector.store import VerdictRow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

NOW = 1_790_000_000.0
KEEP = 400 * 86400.0
LAN = Actor("lan", "192.0.2.7")
WORK = PlannedWork("Thay cáp", "maintenance", NOW + 60, NOW + 3600, ("c1",), (), (), "0270", "lan", NOW)


def _row(state: str, channel: str = "c1", since: float = 10.0) -> VerdictRow:
    return VerdictRow(channel, state, "ok", "none", "", NOW + since, NOW + since)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[OperationsFile]:
    """Open a new file."""
    opened = OperationsFile(tmp_path)
    opened.open(NOW)
    yield opened
    opened.close()


@pytest.fixture
async def operations(tmp_path: Path) -> AsyncIterator[Operations]:
    """Open a new file with its thread."""
    opened = Operations(OperationsFile(tmp_path), keep=KEEP)
    await opened.open(NOW)
    yield opened
    await opened.close()


def _trail(file: OperationsFile) -> list[tuple[str, str, str, str]]:
    return [(one.who, one.what, one.target, one.detail) for _, one in reversed(file.entries())]


def test_the_file_is_for_its_owner_alone(file: OperationsFile) -> None:
    """Mode 0600 for the file and what SQLite puts beside it; the folder's owner owns it."""
    with file.writing() as transaction:
        transaction.audit(NOW, LAN, "comment")
    for part in file.path.parent.glob(f"{FILE}*"):
        assert part.stat().st_mode & 0o777 == 0o600, part
        assert part.stat().st_uid == file.path.parent.stat().st_uid


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of others")
def test_a_file_made_by_a_command_of_root_belongs_to_the_folder(tmp_path: Path) -> None:
    """The collector, which is not root, can write what root's command made."""
    os.chown(tmp_path, 65534, 65534)
    made = OperationsFile(tmp_path)
    made.open(NOW)
    assert {part.stat().st_uid for part in tmp_path.glob(f"{FILE}*")} == {65534}
    made.close()


def test_nothing_is_changed_without_its_line_in_the_log(file: OperationsFile) -> None:
    """When the log cannot be written the change is not made either."""
    desk.acknowledge(file, "c1", "đã gọi", LAN, NOW)
    with closing(sqlite3.connect(file.path)) as one:
        one.execute("ALTER TABLE audit RENAME TO gone")
        one.commit()
        with pytest.raises(OperationsError, match="no such table: audit"):
            desk.acknowledge(file, "c2", "", LAN, NOW)
        with pytest.raises(OperationsError, match="no such table: audit"):
            desk.end(file, {"c1": NOW}, LAN, "")
        one.execute("ALTER TABLE gone RENAME TO audit")
        one.commit()
    assert set(desk.open_file(_again(file), NOW).acknowledgements) == {"c1"}
    assert _trail(file) == [("lan", "acknowledge", "c1", "đã gọi")]


def _again(file: OperationsFile) -> OperationsFile:
    file.close()
    return file


def test_a_damaged_file_is_set_aside_and_a_newer_one_left_alone(tmp_path: Path) -> None:
    """Rubbish, a page overwritten in the middle, a schema of tomorrow."""
    path = tmp_path / FILE
    path.write_bytes(b"no database at all, " * 100)
    file = OperationsFile(tmp_path)
    file.open(NOW)
    assert file.set_aside == tmp_path / f"{FILE}.damaged-{NOW:.0f}"
    for number in range(500):
        desk.comment(file, "c1", "x" * 100, LAN, NOW + number)
    file.close()
    raw = bytearray(path.read_bytes())
    raw[20_480:28_672] = os.urandom(8192)
    path.write_bytes(raw)
    file.open(NOW + 1)
    assert file.set_aside == tmp_path / f"{FILE}.damaged-{NOW + 1:.0f}"
    assert file.entries() == []
    file.close()
    with closing(sqlite3.connect(path)) as one:
        one.execute("PRAGMA user_version = 9")
    with pytest.raises(
        OperationsError, match=r"operations.db: schema version 9, this program knows 1: use the newer one"
    ):
        file.open(NOW)
    with pytest.raises(OperationsError, match="not open"):
        file.entries()


def test_old_things_go_and_what_holds_stays(file: OperationsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the end of their time; the log also by its number of lines."""
    desk.acknowledge(file, "c1", "", LAN, NOW)
    desk.acknowledge(file, "c2", "", LAN, NOW)
    desk.end(file, {"c2": NOW + 5}, LAN, "")
    desk.comment(file, "c1", "x", LAN, NOW)
    desk.plan(file, WORK, LAN, NOW)
    file.prune(NOW + 10_000, 5_000.0)
    assert file.read("SELECT channel FROM acknowledgement") == [("c1",)]
    assert (desk.comments(file, "c1"), file.entries(), desk.windows(file, NOW)) == ([], [], [])
    monkeypatch.setattr("tslcd_collector.operations.file.MAX_ENTRIES", 3)
    for number in range(10):
        desk.comment(file, "c1", "x", LAN, NOW + 10_000 + number)
    file.prune(NOW + 10_010, 5_000.0)
    assert len(file.entries()) == 3


async def test_an_acknowledgement_ends_when_the_channel_is_up(operations: Operations) -> None:
    """Not when it becomes worse or better without being up; at once in memory, then in the file, with its line in the log."""
    seen: list[int] = []
    operations.changed = lambda: seen.append(len(operations.acknowledgements))
    await operations.acknowledge("c1", "đã gọi", LAN, NOW)
    await operations.acknowledge("c2", "", LAN, NOW)
    for state in ("degraded", "unknown", "maintenance", "down"):
        operations.note([_row(state)])
    assert set(operations.acknowledgements) == {"c1", "c2"}
    operations.note([_row("up")])
    assert set(operations.acknowledgements) == {"c2"}
    operations.retire(["c2", "c9"], NOW + 20)
    assert operations.acknowledgements == {}
    await operations.step(NOW + 11)
    await operations.step(NOW + 12)
    assert seen == [1, 2]
    entries = await operations.entries()
    assert [(one.who, one.what, one.target, one.at - NOW) for _, one in entries[:2]] == [
        ("", "acknowledgement-end", "c2", 20.0),
        ("", "acknowledgement-end", "c1", 10.0),
    ]


async def test_what_came_up_while_the_collector_was_away_is_not_acknowledged(tmp_path: Path) -> None:
    """A restart compares with what stands: up, gone from the inventory, down still."""
    operations = Operations(OperationsFile(tmp_path), keep=KEEP)
    await operations.open(NOW)
    for channel in ("c1", "c2", "c3"):
        await operations.acknowledge(channel, "", LAN, NOW)
    await operations.close()
    again = Operations(OperationsFile(tmp_path), keep=KEEP)
    await again.open(NOW + 100)
    again.resume(lambda: [_row("up", "c1"), _row("down", "c3")], NOW + 100)
    assert set(again.acknowledgements) == {"c3"}
    await again.close()
    third = Operations(OperationsFile(tmp_path), keep=KEEP)
    await third.open(NOW + 200)
    assert set(third.acknowledgements) == {"c3"}
    await third.close()


async def test_what_came_up_before_the_file_could_be_opened_is_not_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is back minutes after the start: what stands then counts, not what stood at the start."""
    operations = Operations(OperationsFile(tmp_path), keep=KEEP)
    await operations.open(NOW)
    for channel in ("c1", "c2", "c3"):
        await operations.acknowledge(channel, "", LAN, NOW)
    await operations.close()
    again = Operations(file := OperationsFile(tmp_path), keep=KEEP)
    working, rows = file.open, [_row("down", "c1"), _row("down", "c3")]

    def broken(_: float) -> None:
        raise OperationsError("the disk is away")

    monkeypatch.setattr(file, "open", broken)
    await again.open(NOW + 100)
    again.resume(lambda: rows, NOW + 100)
    rows[0] = _row("up", "c1")
    monkeypatch.setattr(file, "open", working)
    task = asyncio.create_task(again.working(lambda: NOW + 200))
    opened = asyncio.Event()
    again.changed = opened.set
    async with asyncio.timeout(20):
        await opened.wait()
    assert set(again.acknowledgements) == {"c3"}
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await again.close()


async def test_acknowledged_again_by_another(operations: Operations) -> None:
    """The last one holds; withdrawing ends it; withdrawing nothing changes nothing."""
    await operations.acknowledge("c1", "một", LAN, NOW)
    await operations.acknowledge("c1", "hai", Actor("minh"), NOW + 1)
    assert operations.acknowledgements["c1"].who == "minh"
    assert await operations.withdraw_acknowledgement("c1", LAN, NOW + 2)
    assert not await operations.withdraw_acknowledgement("c1", LAN, NOW + 3)
    rows = await operations.run(lambda file: file.read("SELECT who, until FROM acknowledgement ORDER BY id"))
    assert rows == [("lan", NOW + 1), ("minh", NOW + 2)]


async def test_planned_work_survives_a_restart_and_ends(operations: Operations, tmp_path: Path) -> None:
    """Told to the judge when it is made, called off, or over; lists and texts come back as they were."""
    told: list[list[str]] = []
    operations.changed = lambda: told.append([one.title for one in operations.windows])
    made = await operations.plan(WORK, LAN, NOW)
    drill = WORK._replace(title="Diễn tập", kind="drill", end=NOW + 100, channels=(), operators=("VNPT",))
    other = await operations.plan(drill, LAN, NOW)
    assert other.window().operators == {"VNPT"}
    assert made.window().id != other.window().id
    again = Operations(OperationsFile(tmp_path), keep=KEEP)
    await again.open(NOW)
    assert sorted(again.windows) == sorted([made, other])
    await again.close()
    await operations.step(NOW + 100)
    assert await operations.withdraw(made.id, LAN, NOW + 101)
    assert not await operations.withdraw(made.id, LAN, NOW + 102)
    assert told == [["Thay cáp"], ["Thay cáp", "Diễn tập"], ["Thay cáp"], []]


async def test_a_file_that_cannot_be_written_refuses_changes_and_catches_up(operations: Operations) -> None:
    """Read-only: a change is refused and not shown; an end holds in memory and is written when the disk is good again."""
    await operations.acknowledge("c1", "", LAN, NOW)
    await operations.run(lambda file: file.read("PRAGMA query_only = 1"))
    with pytest.raises(OperationsError, match="readonly database"):
        await operations.acknowledge("c2", "", LAN, NOW)
    with pytest.raises(OperationsError, match="readonly database"):
        await operations.plan(WORK, LAN, NOW)
    assert (set(operations.acknowledgements), operations.windows) == ({"c1"}, [])
    operations.note([_row("up")])
    with pytest.raises(OperationsError):
        await operations.step(NOW + 20)
    assert operations.acknowledgements == {}
    await operations.run(lambda file: file.read("PRAGMA query_only = 0"))
    await operations.step(NOW + 21)
    assert await operations.run(lambda file: file.read("SELECT until FROM acknowledgement")) == [(NOW + 10,)]


async def test_a_file_that_cannot_be_opened_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in its place, then none: nothing waits for it, and then it works."""
    monkeypatch.setattr("tslcd_collector.operations.service.PAUSE", 0.01)
    (tmp_path / FILE).mkdir()
    operations = Operations(OperationsFile(tmp_path), keep=KEEP)
    await operations.open(NOW)
    with pytest.raises(OperationsError, match="not open"):
        await operations.acknowledge("c1", "", LAN, NOW)
    opened = asyncio.Event()
    operations.changed = opened.set
    working = asyncio.create_task(operations.working(lambda: NOW))
    await asyncio.sleep(0.05)
    (tmp_path / FILE).rmdir()
    await asyncio.wait_for(opened.wait(), 10)
    await operations.acknowledge("c1", "", LAN, NOW)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await operations.close()


async def test_a_file_that_hangs_is_not_waited_for(operations: Operations, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who changes something is told; what was begun is finished all the same, in the file and in memory."""
    monkeypatch.setattr("tslcd_collector.operations.service.PATIENCE", 0.05)
    with closing(sqlite3.connect(operations._file.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TimeoutError):
            await operations.acknowledge("c1", "", LAN, NOW)
        other.execute("COMMIT")
    monkeypatch.undo()
    assert await operations.run(lambda file: file.read("SELECT who FROM acknowledgement")) == [("lan",)]
    assert set(operations.acknowledgements) == {"c1"}
