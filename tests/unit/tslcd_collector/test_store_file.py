"""The store's file: one transaction a batch, damage set aside, limits, what a restart needs."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from tslcd_collector.errors import StoreBusyError, StoreError
from tslcd_collector.store import (
    AgentRow,
    Batch,
    Database,
    JournalRow,
    LatestRow,
    MarkRow,
    ProgressRow,
    SpanRow,
    VerdictRow,
    lock,
)
from tslcd_collector.store import database as databases

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1_790_000_000.0


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Open an empty store."""
    one = Database(tmp_path)
    one.open(NOW)
    yield one
    one.close()


def _journal(seq: int, received: float = NOW, *, replay: bool = False) -> JournalRow:
    return JournalRow("86", "a1", "s", seq, received, received, replay, b"{}")


def _latest(at: float, value: int, kind: str = "interface") -> LatestRow:
    return LatestRow("86", "a1", "fw", kind, at, at, {"key": ["wan1"], "oper_up": [value]})


def _verdict(state: str, since: float) -> VerdictRow:
    return VerdictRow("c1", state, "ok", "none", "", since, since)


def test_a_batch_is_remembered_whole(database: Database) -> None:
    """Marks, agents, newest tables, open verdicts and the reports to replay come back."""
    database.write(
        Batch(
            NOW,
            journal=[_journal(1), _journal(2, replay=True), _journal(3, NOW - 9999, replay=True)],
            latest={("a1", "fw", "interface"): _latest(NOW, 1)},
            marks={("a1", "s"): MarkRow("a1", "s", 3, [(1, 3), (5, 5)])},
            agents={"a1": AgentRow("86", "a1", NOW, b"{}")},
            verdicts=[_verdict("up", NOW)],
        )
    )
    database.write(Batch(NOW + 1, agents={"a1": AgentRow("86", "a1", NOW + 1, None)}))
    memory = database.remember()
    assert memory.alive == NOW + 1
    assert memory.marks == [MarkRow("a1", "s", 3, [(1, 3), (5, 5)])]
    assert memory.agents == [AgentRow("86", "a1", NOW + 1, b"{}")]
    assert memory.latest == [_latest(NOW, 1)]
    assert memory.verdicts == [_verdict("up", NOW)]
    assert [row.seq for row in memory.replay] == [2]


def test_only_newer_tables_replace(database: Database) -> None:
    """An older one in a later batch changes nothing; kinds and columns this program does not know are not read."""
    for at, value in ((NOW, 1), (NOW - 1, 0), (NOW, 0)):
        database.write(Batch(NOW, latest={("a1", "fw", "interface"): _latest(at, value)}))
    strange = LatestRow("86", "a1", "fw", "colours", NOW, NOW, {"key": [""]})
    unknown = LatestRow("86", "a1", "", "agent", NOW, NOW, {"key": [""], "colour": ["red"]})
    database.write(Batch(NOW, latest={("a1", "fw", "colours"): strange, ("a1", "", "agent"): unknown}))
    rows = database.latest()
    assert [(row.kind, row.at, row.table.get("oper_up")) for row in rows if row.kind == "interface"] == [
        ("interface", NOW, [1])
    ]
    assert [row.table for row in rows if row.kind != "interface"] == [{"key": [""]}]


def test_verdicts_are_intervals_without_overlap(database: Database, tmp_path: Path) -> None:
    """A new verdict ends the one before; a channel that is supervised no more has none open."""
    database.write(Batch(NOW, verdicts=[_verdict("unknown", NOW), _verdict("up", NOW + 1)]))
    database.write(Batch(NOW + 2, verdicts=[_verdict("down", NOW + 2)]))
    database.write(Batch(NOW + 5, retired=["c1", "never"]))
    with sqlite3.connect(tmp_path / "collector.db") as one:
        rows = one.execute("SELECT state, since, until FROM verdict ORDER BY id").fetchall()
    one.close()
    assert rows == [("unknown", NOW, NOW + 1), ("up", NOW + 1, NOW + 2), ("down", NOW + 2, NOW + 5)]


def test_marks_that_were_given_up_are_deleted(database: Database) -> None:
    """The store does not grow with streams that nobody keeps account of."""
    database.write(Batch(NOW, marks={("a1", "s"): MarkRow("a1", "s", 3, [(1, 3)])}))
    database.write(Batch(NOW, forgotten=[("a1", "s")]))
    assert database.remember().marks == []


def test_a_failed_batch_leaves_nothing(database: Database) -> None:
    """When one row cannot be written none is, and the next batch works."""
    bad = _journal(1)._replace(payload=object())  # type: ignore[arg-type]  # what SQLite cannot hold
    with pytest.raises(StoreError, match="not supported"):
        database.write(Batch(NOW, journal=[_journal(1), bad], agents={"a1": AgentRow("86", "a1", NOW, None)}))
    database.write(Batch(NOW, journal=[_journal(7)]))
    memory = database.remember()
    assert memory.agents == []
    assert database.prune(NOW + 1) == 1


def test_pruning_takes_old_rows_in_steps(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most so many at once, never newer ones, and numbers of rows are not used again."""
    monkeypatch.setattr(databases, "PRUNE_STEP", 3)
    database.write(Batch(NOW, journal=[_journal(seq, NOW + seq) for seq in range(1, 6)]))
    assert [database.prune(NOW + 5) for _ in range(3)] == [3, 1, 0]
    assert database.prune(NOW + 9) == 1


def test_durability_is_what_is_promised(database: Database) -> None:
    """WAL, and FULL: a commit is on disk when it returns."""
    connection = database._open_connection()
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


@pytest.mark.parametrize(
    "content", [b"this is not a database, it is a text" * 50, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_damaged_file_is_set_aside(tmp_path: Path, content: bytes) -> None:
    """It is kept under another name, and the collector starts with an empty store."""
    (tmp_path / "collector.db").write_bytes(content)
    database = Database(tmp_path)
    database.open(NOW)
    try:
        assert database.set_aside == tmp_path / f"collector.db.damaged-{NOW:.0f}"
        assert database.set_aside.read_bytes() == content
        assert database.remember().alive is None
    finally:
        database.close()


def test_a_damaged_page_is_found_when_the_store_is_read(tmp_path: Path) -> None:
    """Damage behind a sound header is set aside too."""
    database = Database(tmp_path)
    database.open(NOW)
    marks = {("a1", f"{number:08x}"): MarkRow("a1", f"{number:08x}", 1, [(1, 1)]) for number in range(2000)}
    database.write(Batch(NOW, marks=marks))
    database.close()
    file = tmp_path / "collector.db"
    raw = bytearray(file.read_bytes())
    raw[8 * 4096 :] = b"\xa5" * (len(raw) - 8 * 4096)
    file.write_bytes(raw)
    memory = database.open_and_remember(NOW + 1)
    try:
        assert memory.alive is None
        assert database.set_aside is not None
    finally:
        database.close()


def test_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    """A store of a newer program is not touched."""
    with sqlite3.connect(tmp_path / "collector.db") as one:
        one.execute("PRAGMA user_version = 99")
    one.close()
    with pytest.raises(StoreError, match="schema version 99, this program knows 3: use the newer one"):
        Database(tmp_path).open(NOW)


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    """A file where the folder should be, and a database that is a folder."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="it must be a folder this user may write to"), lock(tmp_path / "file"):
        pass
    (tmp_path / "collector.db").mkdir()
    with pytest.raises(StoreError, match="unable to open"):
        Database(tmp_path).open(NOW)
    with pytest.raises(StoreError, match="not open"):
        Database(tmp_path).prune(NOW)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """The second is told who is there; afterwards the store is free again."""
    busy = pytest.raises(StoreBusyError, match="another collector works on it")
    with lock(tmp_path / "new"), busy, lock(tmp_path / "new"):
        pass
    with lock(tmp_path / "new"):
        pass


def test_reading_beside_a_running_collector(database: Database, tmp_path: Path) -> None:
    """A reader sees what is committed and cannot write."""
    database.write(Batch(NOW, latest={("a1", "fw", "interface"): _latest(NOW, 1)}))
    reader = Database(tmp_path, read_only=True)
    reader.open(NOW)
    assert len(reader.latest()) == 1
    with pytest.raises(StoreError, match="readonly"):
        reader.write(Batch(NOW))
    reader.close()
    reader.close()


def test_what_waits_is_held_until_the_file_is_too_large(database: Database) -> None:
    """Rows that a time-series store has not got stay, however old; when they take more room than they are given the oldest go."""
    database.write(Batch(NOW, journal=[_journal(seq) for seq in range(1, 11)]))
    database.hold = 4
    assert [database.prune(NOW + 900), database.prune(NOW + 900)] == [4, 0]
    database.room = 1.0
    assert database.prune(NOW + 900) == 6
    assert database.newest() == 10


def test_progress_and_spans_are_remembered(database: Database) -> None:
    """The newest progress a target; spans grow by their beginning, and are forgotten by their end."""
    first, second = ProgressRow("tsdb", 5, 3, 1.5), ProgressRow("tsdb", 7, 5, 1.5)
    spans = [SpanRow("agent", "a1", NOW, NOW + 10), SpanRow("scraper", "", NOW + 50, NOW + 60)]
    database.write(Batch(NOW, progress=[first], spans=spans))
    database.write(Batch(NOW, progress=[second], spans=[SpanRow("agent", "a1", NOW, NOW + 20)]))
    memory = database.remember()
    assert memory.progress == [second]
    assert memory.spans == [SpanRow("agent", "a1", NOW, NOW + 20), spans[1]]
    database.forget_spans(NOW + 30)
    assert database.remember().spans == [spans[1]]


def test_a_store_of_the_version_before_is_taken_over(tmp_path: Path) -> None:
    """Its rows stay; what it lacks is made. A reader beside the older program still reads it."""
    database = Database(tmp_path)
    database.open(NOW)
    database.write(Batch(NOW, journal=[_journal(1)]))
    connection = database._open_connection()
    connection.executescript("DROP TABLE progress; DROP TABLE span; PRAGMA user_version = 1;")
    database.close()
    reader = Database(tmp_path, read_only=True)
    reader.open(NOW)
    assert reader.latest() == []
    reader.close()
    database.open(NOW)
    database.write(Batch(NOW, progress=[ProgressRow("tsdb", 1, 1, 0.0)]))
    assert database.newest() == 1
    database.close()


def test_trouble_with_the_file_is_one_kind_of_error(tmp_path: Path) -> None:
    """Every question to a store that is not open."""
    for question in (Database(tmp_path).newest, lambda: Database(tmp_path).forget_spans(NOW)):
        with pytest.raises(StoreError, match="not open"):
            question()
