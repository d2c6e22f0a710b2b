"""Damage of every kind: a bit, a page, the end of a file, files swapped and deleted.

What is whole is delivered, no number is given twice, and the next start works.
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest

from support.spools import MIB, Clock, build, disk_bytes, files_after_a_kill, fill, kill, opened, waiting
from tslcd_agent.spool import damage
from tslcd_agent.spool.packing import FIRST_DICTIONARIES
from tslcd_agent.spool.schema import TWINS
from tslcd_agent.spool.state import generation_of, seq_of
from tslcd_agent.spool.store import FILE, Store
from tslcd_wire.ranges import RangeSet

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tslcd_agent.spool.packing import Stored
    from tslcd_agent.spool.state import Row

SEED = 20261124
CASES = 30


def made(folder: Path, *, clean: bool) -> tuple[dict[str, bytes], str, set[int]]:
    """Make a spool of 200 reports of which some are confirmed; return its files, its stream, and what waits."""
    clock = Clock()
    engine = opened(folder, clock)
    stream = engine.statistics().stream
    for _ in range(20):
        fill(engine, clock, 10)
    engine.confirm(stream, [(1, 20), (50, 60)])
    if clean:
        engine.close()
        return {FILE: (folder / FILE).read_bytes()}, stream, set(range(21, 201)) - set(range(50, 61))
    files = files_after_a_kill(engine)
    del files[f"{FILE}-shm"]  # nothing of it outlives the process
    return files, stream, set(range(21, 201)) - set(range(50, 61))


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("kind", ["bit", "page", "cut"])
def test_damage_anywhere_costs_what_it_hit_and_nothing_else(tmp_path: Path, kind: str, *, clean: bool) -> None:
    """A flipped bit costs one report at most, and it is counted; whatever happened, no number is given twice."""
    files, stream, held = made(tmp_path / "made", clean=clean)
    chance = random.Random(f"{SEED} {kind} {clean}")  # noqa: S311 - the same for every run
    clock = Clock()
    for case in range(CASES):
        name = chance.choices(list(files), [len(content) for content in files.values()])[0]
        content = bytearray(files[name])
        at = chance.randrange(len(content))
        if kind == "bit":
            content[at] ^= 1 << chance.randrange(8)
        elif kind == "page":
            content[at // 4096 * 4096 : (at // 4096 + 1) * 4096] = bytes(4096)
        else:
            del content[at:]
        folder = tmp_path / "case"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for one, whole in {**files, name: bytes(content)}.items():
            (folder / one).write_bytes(whole)
        engine = opened(folder, clock)
        what = f"seed {SEED}, case {case}: {kind} at {at} of {name}"
        gone = held - set(waiting(engine))
        statistics = engine.statistics()
        assert statistics.failing == "", what
        if kind == "bit":
            assert len(gone) <= statistics.totals.dropped_damage <= 1, what
        [key] = fill(engine, clock, 1)
        assert engine.generation(stream) != generation_of(key) or seq_of(key) == 201, what
        engine.close()
        engine = opened(folder, clock)
        assert engine.start_reason == "clean-restart", what
        assert held - gone <= set(waiting(engine)), what
        engine.close()


def test_a_damaged_page_hides_no_other_and_the_gap_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Reports before and behind a page that is gone are delivered, the count is exact, and the log names the numbers."""
    files, stream, held = made(tmp_path / "made", clean=True)
    whole = files[FILE]
    needle = build(stream, 100)[60:100]
    assert needle not in whole, "reports are packed"
    full = [n for n in range(len(whole) // 4096) if whole[n * 4096] == 13 and whole[n * 4096 + 4] > 10]
    page = full[1]
    content = bytearray(whole)
    content[page * 4096 + 8 : (page + 1) * 4096] = b"\xff" * 4088
    (tmp_path / "made" / FILE).write_bytes(content)
    clock = Clock()
    engine = opened(tmp_path / "made", clock)
    left = set(waiting(engine))
    gone = sorted(held - left)
    assert gone
    assert min(left) < gone[0] or gone[-1] < max(left)
    totals = engine.statistics().totals
    assert (totals.dropped_damage, totals.classes, totals.files_set_aside) == (
        len(gone),
        {"damage/unknown": len(gone)},
        1,
    )
    assert f"{stream} " in capsys.readouterr().out
    engine.close()


def test_an_interrupted_rescue_goes_on_at_the_next_start(tmp_path: Path) -> None:
    """Killed while it reads a damaged file, the agent saves the rest when it starts again; nothing is counted twice."""
    files, _, held = made(tmp_path / "made", clean=True)
    content = bytearray(files[FILE])
    content[100:110] = b"\xff" * 10
    (tmp_path / "made" / FILE).write_bytes(content)
    clock = Clock()
    adopt = Store.adopt
    calls = 0

    def interrupted(self: Store, rows: Iterable[Row | Stored]) -> int:
        nonlocal calls
        calls += 1
        count = adopt(self, list(rows)[: 20 if calls == 1 else None])
        raise KeyboardInterrupt(count)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "adopt", interrupted)
        opened_and_interrupted(tmp_path / "made", clock)
    assert damage.unread(tmp_path / "made")
    engine = opened(tmp_path / "made", clock)
    assert set(waiting(engine)) >= held
    statistics = engine.statistics()
    assert (statistics.totals.files_set_aside, statistics.totals.dropped_damage) == (1, 0)
    assert not damage.unread(tmp_path / "made")
    engine.close()


@pytest.mark.parametrize("at", ["a page that was given back", "the last renaming"])
def test_a_rescue_that_is_killed_late_counts_nothing_twice(tmp_path: Path, at: str) -> None:
    """Neither when saved pages are holes of the old file by then, nor when only its last name is missing."""
    files, _, held = made(tmp_path / "made", clean=True)
    content = bytearray(files[FILE])
    content[100:110] = b"\xff" * 10
    (tmp_path / "made" / FILE).write_bytes(content)
    clock = Clock()
    adopt, rename = Store.adopt, damage._rename
    calls = 0

    def killed_between_pages(self: Store, rows: Iterable[Row | Stored]) -> int:
        nonlocal calls
        calls += 1
        if calls > 2:
            raise KeyboardInterrupt
        return adopt(self, rows)

    def killed_at_the_end(path: Path, target: Path) -> Path:
        if target.name.startswith(damage.DAMAGED):
            raise KeyboardInterrupt
        return rename(path, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(damage, "SHARE", 2**62)
        if at == "the last renaming":
            patch.setattr(damage, "_rename", killed_at_the_end)
        else:
            patch.setattr(Store, "pages_at_once", 1)
            patch.setattr(Store, "adopt", killed_between_pages)
        opened_and_interrupted(tmp_path / "made", clock)
    assert damage.unread(tmp_path / "made")
    engine = opened(tmp_path / "made", clock)
    assert set(waiting(engine)) >= held
    totals = engine.statistics().totals
    assert (totals.files_set_aside, totals.dropped_damage, totals.made) == (1, 0, 200)
    assert not damage.unread(tmp_path / "made")
    engine.close()


def test_a_journal_follows_its_file_when_a_kill_came_between(tmp_path: Path) -> None:
    """Killed while a damaged file is set aside, between file and journal, both are one file at the next start."""
    files, _, held = made(tmp_path / "made", clean=False)
    assert files[f"{FILE}-wal"]
    for name in files:
        (tmp_path / "made" / name).unlink(missing_ok=True)
    (tmp_path / "made" / f"{damage.UNREAD}-20260921T141319Z.db").write_bytes(files[FILE])
    (tmp_path / "made" / f"{FILE}-wal").write_bytes(files[f"{FILE}-wal"])
    engine = opened(tmp_path / "made", Clock())
    assert set(waiting(engine)) >= held
    totals = engine.statistics().totals
    assert (totals.files_set_aside, totals.dropped_damage) == (1, 0)
    engine.close()


def opened_and_interrupted(folder: Path, clock: Clock) -> None:
    """Open a spool, and be killed at it."""
    with pytest.raises(KeyboardInterrupt):
        opened(folder, clock)


def test_three_damaged_files_are_kept_and_those_that_go_are_counted(tmp_path: Path) -> None:
    """Bounded in number; the latest is always among them."""
    clock = Clock()
    for round_ in range(5):
        (tmp_path / FILE).write_bytes(f"garbage {round_}".encode() * 1000)
        engine = opened(tmp_path, clock)
        totals = engine.statistics().totals
        engine.close()
        clock.forward(1)
    kept = sorted(tmp_path.glob("damaged-*.db"))
    assert [one.read_bytes()[:9] for one in kept] == [b"garbage 2", b"garbage 3", b"garbage 4"]
    assert totals.files_deleted == 1, "counters of a file that cannot be read begin anew"


def test_a_large_damaged_file_gives_back_what_was_saved_out_of_it(tmp_path: Path) -> None:
    """The directory keeps its bound although the damaged file is kept: it has holes where whole reports were."""
    clock = Clock()
    size = 4 * MIB
    engine = opened(tmp_path, clock, size=size)
    for _ in range(100):
        fill(engine, clock, 100)
    kill(engine)
    with (tmp_path / FILE).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * 8)
    before = disk_bytes(tmp_path)
    assert before > size // 2
    engine = opened(tmp_path, clock, size=size)
    for _ in range(20):
        fill(engine, clock, 1)
    [aside] = tmp_path.glob("damaged-*.db")
    assert aside.stat().st_blocks * 512 <= size // damage.SHARE
    assert disk_bytes(tmp_path) <= size
    assert len(waiting(engine)) > 5000
    engine.close()


def test_a_file_without_its_journal_begins_a_new_stream(tmp_path: Path) -> None:
    """The journal knew which numbers were given last: none of the old stream is given again."""
    clock = Clock()
    engine = opened(tmp_path, clock)
    stream = engine.statistics().stream
    fill(engine, clock, 50)
    engine.close()
    engine = opened(tmp_path, clock)
    fill(engine, clock, 10)
    kill(engine)
    (tmp_path / f"{FILE}-wal").unlink()
    engine = opened(tmp_path, clock)
    assert waiting(engine) == list(range(1, 51))
    assert engine.statistics().stream != stream
    assert engine.confirm(stream, [(1, 50)]) == 50
    engine.close()


def test_the_journal_of_another_spool_is_not_taken(tmp_path: Path) -> None:
    """Swapped journals, deleted files and an empty file lose nothing that is whole, and repeat no number."""
    clock = Clock()
    for name in ("one", "two"):
        engine = opened(tmp_path / name, clock)
        fill(engine, clock, 50)
        engine.close()
        engine = opened(tmp_path / name, clock)
        fill(engine, clock, 10)
        kill(engine)
    shutil.copy(tmp_path / "two" / f"{FILE}-wal", tmp_path / "one" / f"{FILE}-wal")
    engine = opened(tmp_path / "one", clock)
    assert len([row for row in engine.oldest_first(1000, RangeSet()) if json.loads(row.payload)]) >= 50
    assert engine.statistics().failing == ""
    engine.close()
    (tmp_path / "two" / FILE).write_bytes(b"")
    engine = opened(tmp_path / "two", clock)
    assert set(waiting(engine)) >= set(range(51, 61)), "what stood in the journal alone"
    assert engine.statistics().totals.files_set_aside == 1
    engine.close()


@pytest.mark.parametrize("replaced", [True, False])
def test_a_spool_deleted_under_the_running_agent_is_copied_back(tmp_path: Path, *, replaced: bool) -> None:
    """The open file still has the reports: at the next sign of life they are in the directory again."""
    clock = Clock()
    folder = tmp_path / "spool"
    engine = opened(folder, clock)
    stream = engine.statistics().stream
    fill(engine, clock, 50)
    shutil.rmtree(folder)
    if replaced:
        other = opened(folder, clock)
        fill(other, clock, 5)
        other.close()
    engine.mark_alive()
    fill(engine, clock, 1)
    expected = list(range(1, 51))
    assert waiting(engine) == ([1, 2, 3, 4, 5] if replaced else []) + [*expected, 1]
    assert engine.confirm(stream, [(1, 50)]) == 50
    engine.close()
    engine = opened(folder, clock)
    assert len(waiting(engine)) == (6 if replaced else 1)
    engine.close()


def test_a_damaged_dictionary_costs_nothing_while_its_twin_is_whole(tmp_path: Path) -> None:
    """With both gone the reports that were packed with it are counted as damaged; others are delivered."""
    clock = Clock()
    engine = opened(tmp_path, clock)
    fill(engine, clock, FIRST_DICTIONARIES[0])
    fill(engine, clock, 20)
    engine.close()
    for number, table in enumerate(TWINS):
        connection = sqlite3.connect(tmp_path / FILE)
        changed = connection.execute(f"UPDATE {table} SET content = CAST('x' AS BLOB)").rowcount  # noqa: S608 - constants
        connection.commit()
        connection.close()
        assert changed == 1
        engine = opened(tmp_path, clock)
        assert waiting(engine) == list(
            range(1, (FIRST_DICTIONARIES[0] + 20 if number == 0 else FIRST_DICTIONARIES[0]) + 1)
        )
        assert engine.statistics().totals.dropped_damage == (0 if number == 0 else 20)
        engine.close()


@pytest.mark.parametrize(
    ("text", "damaged"),
    [
        (b"mono REAL", b"m\xffno REAL"),
        (b"mono REAL", b"mano REAL"),
        (b"mono REAL", b"mono RDAL"),
        (b"CREATE TABLE report", b"CREATE T\xffBLE report"),
        (b"CREATE TABLE report", b"CREATE TABLE resort"),
        (b"tablereportreport", b"tableresortreport"),
        (b"CREATE TABLE state", b"CREATE TABLE st\xffte"),
    ],
)
def test_damaged_schema_is_damage_of_the_file(tmp_path: Path, text: bytes, damaged: bytes) -> None:
    """The file is set aside, and every row is delivered: no exception gets out, and it is no failing disk."""
    files, _stream, held = made(tmp_path / "made", clean=True)
    assert files[FILE].count(text) == 1
    folder = tmp_path / "damaged"
    folder.mkdir()
    (folder / FILE).write_bytes(files[FILE].replace(text, damaged))
    clock = Clock()
    for _ in range(2):
        engine = opened(folder, clock)
        assert (set(waiting(engine)), engine.statistics().failing) == (held, "")
        engine.close()
