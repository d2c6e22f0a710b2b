"""The spool without its thread: numbers, bounds, damage, a disk that fails, and how the clock can lie.

Longer than most, for the reason that every part stands on the same fixtures.
"""

from __future__ import annotations

import json
import random
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tslcd_agent.spool.engine import MEMORY_BYTES, RETRY_PAUSE, Engine
from tslcd_agent.spool.state import Now, generation_of, key_of, seq_of
from tslcd_agent.spool.store import FILE, Bounds, DamagedError, Draft, Store
from tslcd_wire.ranges import RangeSet

if TYPE_CHECKING:
    from pathlib import Path

NOTHING = RangeSet()
DAY = 86400.0


@dataclass
class Clock:
    """A clock that tests move."""

    at: float = 1_790_000_000.0
    boot: str = "aaaa0000"
    mono: float = 1000.0

    def __call__(self) -> Now:
        """Tell the time."""
        return Now(self.at, self.boot, self.mono)

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.at += seconds
        self.mono += seconds

    def reboot(self, boot: str) -> None:
        """Begin another boot."""
        self.boot, self.mono = boot, 10.0


def build(stream: str, seq: int) -> bytes:
    """Make a payload of 600 bytes that names itself and cannot be packed to less than half."""
    noise = random.Random(seq).randbytes(270).hex()  # noqa: S311 - the same for every run
    return json.dumps({"stream": stream, "seq": seq, "noise": noise}).encode().ljust(600)


def opened(directory: Path, clock: Clock, *, size: int = 50 * 2**20, age: float = 30 * DAY) -> Engine:
    """Open a spool."""
    directory.mkdir(exist_ok=True)
    engine = Engine(directory, Bounds(size, age), clock)
    engine.open()
    return engine


def die(engine: Engine) -> None:
    """End without a goodbye: the file and its journal stay as they are at this moment."""
    assert engine._store is not None
    crash(engine._store)


def crash(store: Store) -> None:
    """Close a file as the kernel does for a process that was killed: SQLite has no say."""
    files = [one for one in store.path.parent.iterdir() if one.name.startswith(FILE)]
    held = {one: one.read_bytes() for one in files if not one.name.endswith("-shm")}
    store._connection.close()
    for path, content in held.items():
        path.write_bytes(content)


def fill(engine: Engine, clock: Clock, count: int) -> list[int]:
    """Append; return the keys."""
    keys = engine.append([Draft(clock.at, clock.boot, clock.mono, build) for _ in range(count)])
    return [key for key in keys if isinstance(key, int)]


def waiting(engine: Engine) -> list[int]:
    """Return the numbers that wait, oldest first."""
    return [seq_of(row.key) for row in engine.oldest_first(10**6, NOTHING)]


def test_numbers_go_on_after_everything_was_confirmed_and_the_spool_opened_again(tmp_path: Path) -> None:
    """An empty spool still knows its last number, and its stream."""
    clock = Clock()
    engine = opened(tmp_path, clock)
    stream = engine.statistics().stream
    fill(engine, clock, 5)
    assert engine.confirm(stream, [(1, 5)]) == 5
    assert (engine.statistics().oldest, engine.statistics().newest) == (6, 5)
    engine.close()
    engine = opened(tmp_path, clock)
    assert [seq_of(key) for key in fill(engine, clock, 1)] == [6]
    assert engine.statistics().stream == stream
    assert engine.statistics().totals.confirmed == 5
    engine.close()


def test_a_builder_that_raises_takes_no_number(tmp_path: Path) -> None:
    """One bad report of a group fails alone, and leaves no gap."""
    clock = Clock()
    engine = opened(tmp_path, clock)

    def broken(stream: str, seq: int) -> bytes:
        raise ValueError(stream, seq)

    drafts = [Draft(clock.at, clock.boot, clock.mono, one) for one in (build, broken, build)]
    first, second, third = engine.append(drafts)
    assert isinstance(second, ValueError)
    assert (first, third) == (key_of(1, 1), key_of(1, 2))
    engine.close()


def test_orders_and_exclusion(tmp_path: Path) -> None:
    """Newest first, oldest first, without what is excluded, and fresh only when asked."""
    clock = Clock()
    engine = opened(tmp_path, clock)
    fill(engine, clock, 5)
    clock.forward(100)
    fill(engine, clock, 5)
    exclude = RangeSet([(key_of(1, 9), key_of(1, 9)), (key_of(1, 2), key_of(1, 3))])
    assert [seq_of(row.key) for row in engine.newest_first(4, exclude)] == [10, 8, 7, 6]
    assert [seq_of(row.key) for row in engine.newest_first(9, exclude, youngest=60)] == [10, 8, 7, 6]
    assert [seq_of(row.key) for row in engine.oldest_first(3, exclude)] == [1, 4, 5]
    clock.reboot("bbbb0000")
    assert engine.newest_first(4, NOTHING, youngest=60) == []
    engine.close()


def test_size_drops_the_oldest_and_counts_every_one(tmp_path: Path) -> None:
    """The file keeps its bound, the newest stay, made = waiting + dropped, and the oldest number moves."""
    clock = Clock()
    engine = opened(tmp_path, clock, size=2**20)
    for _ in range(120):
        fill(engine, clock, 50)
    statistics = engine.statistics()
    assert statistics.bytes <= 2**20
    assert sum(one.stat().st_size for one in tmp_path.iterdir()) <= 2**20
    assert statistics.totals.made == 6000
    assert statistics.totals.dropped_size == 6000 - statistics.waiting > 2000
    assert waiting(engine) == list(range(statistics.oldest, 6001))
    assert statistics.lost == ()
    engine.close()


def test_age_drops_what_is_too_old(tmp_path: Path) -> None:
    """Older than the bound goes, younger stays, across a reboot too."""
    clock = Clock()
    engine = opened(tmp_path, clock, age=DAY)
    fill(engine, clock, 3)
    clock.forward(DAY / 2)
    fill(engine, clock, 2)
    clock.reboot("bbbb0000")
    clock.forward(DAY / 2 + 1)
    fill(engine, clock, 1)
    assert waiting(engine) == [4, 5, 6]
    assert engine.statistics().totals.dropped_age == 3
    engine.close()


def test_a_clock_that_jumps_makes_nothing_old(tmp_path: Path) -> None:
    """Measured in 1970 by a box without a clock, then the clock is set: nothing is dropped, in this boot or the next."""
    clock = Clock(at=100.0)
    engine = opened(tmp_path, clock, age=DAY)
    fill(engine, clock, 3)
    clock.at = 1_790_000_000.0
    fill(engine, clock, 1)
    assert waiting(engine) == [1, 2, 3, 4]
    assert engine.statistics().oldest_age == 0
    clock.reboot("bbbb0000")
    fill(engine, clock, 1)
    assert waiting(engine) == [1, 2, 3, 4, 5]
    assert engine.statistics().oldest_age is None
    clock.forward(2 * DAY)
    fill(engine, clock, 1)
    assert waiting(engine) == [6], "what cannot be dated goes with what is younger than it"
    engine.close()


def test_start_reasons(tmp_path: Path) -> None:
    """The next start tells a first start, a clean stop, a crash and a power cut apart."""
    clock = Clock()
    engine = opened(tmp_path, clock)
    assert (engine.start_reason, engine.last_alive) == ("first-start", None)
    engine.close()
    engine = opened(tmp_path, clock)
    assert engine.start_reason == "clean-restart"
    engine.mark_alive()
    die(engine)
    engine = opened(tmp_path, clock)
    assert engine.start_reason == "process-crash"
    clock.forward(300)
    clock.reboot("bbbb0000")
    die(engine)
    engine = opened(tmp_path, clock)
    assert engine.start_reason == "power-or-reboot"
    assert engine.last_alive is not None
    assert clock.at - engine.last_alive.at == 300
    engine.close()


def damage_header(path: Path) -> None:
    """Overwrite the first page."""
    with path.open("r+b") as file:
        file.write(b"\xff" * 4096)


def damage_middle(path: Path) -> None:
    """Overwrite pages in the middle."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(b"\xff" * 16384)


def damage_cut(path: Path) -> None:
    """Lose the second half."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 // 4096 * 4096)


def damage_garbage(path: Path) -> None:
    """Become something else."""
    path.write_bytes(b"not a database at all " * 1000)


def damage_state(path: Path) -> None:
    """Make the document unreadable."""
    connection = sqlite3.connect(path)
    connection.execute("UPDATE state SET document = '{}'")
    connection.commit()
    connection.close()


def damage_no_state(path: Path) -> None:
    """Lose the document."""
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM state")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("damage", "saved"),
    [
        (damage_header, 0),
        (damage_middle, 400),
        (damage_cut, 0),
        (damage_garbage, 0),
        (damage_state, 500),
        (damage_no_state, 500),
    ],
)
def test_a_damaged_file_is_set_aside_and_what_is_readable_is_kept(tmp_path: Path, damage: object, saved: int) -> None:
    """Never deleted; a new stream begins; saved reports keep stream, number and bytes; new ones are kept."""
    clock = Clock()
    engine = opened(tmp_path, clock)
    stream = engine.statistics().stream
    fill(engine, clock, 500)
    before = {row.key: row.payload for row in engine.oldest_first(500, NOTHING)}
    assert engine._store is not None
    engine._store.close()  # without a goodbye
    damage(tmp_path / FILE)  # type: ignore[operator]
    bytes_before = (tmp_path / FILE).read_bytes()

    engine = opened(tmp_path, clock)
    rows = engine.oldest_first(1000, NOTHING)
    assert len(rows) >= saved
    assert all(before[row.key] == row.payload for row in rows)
    statistics = engine.statistics()
    assert statistics.stream != stream
    assert statistics.totals.files_set_aside == 1
    assert statistics.waiting == len(rows)
    fresh = fill(engine, clock, 1)[0]
    assert fresh > max((row.key for row in rows), default=0)
    aside = [one for one in tmp_path.iterdir() if one.name.startswith("damaged-") and one.suffix == ".db"]
    assert [one.read_bytes() for one in aside] == [bytes_before]
    if rows:
        assert engine.confirm(stream, [(1, 500)]) == len(rows), "reports of the old stream are confirmed by its name"
    engine.close()


def test_damage_found_while_working_is_repaired_on_the_spot(tmp_path: Path) -> None:
    """A file that breaks under the running agent is set aside, and the append that met it succeeds."""
    clock = Clock()
    engine = opened(tmp_path, clock)
    fill(engine, clock, 300)
    assert engine._store is not None
    original = Store.append
    calls = 0

    def broken(self: Store, drafts: list[Draft], now: Now) -> list[int | Exception]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise DamagedError("found while working")
        return original(self, drafts, now)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "append", broken)
        key = fill(engine, clock, 1)[0]
    assert generation_of(key) == 2
    statistics = engine.statistics()
    assert (statistics.waiting, statistics.totals.files_set_aside, statistics.failing) == (301, 1, "")
    engine.close()


def test_a_second_damaged_file_of_the_same_second_gets_its_own_name(tmp_path: Path) -> None:
    """Nothing that was set aside is ever overwritten."""
    clock = Clock()
    for _ in range(3):
        (tmp_path / FILE).write_bytes(b"garbage" * 1000)
        opened(tmp_path, clock).close()
    assert len(list(tmp_path.glob("damaged-*.db"))) == 3


def test_a_flipped_bit_in_a_report_is_found_and_counted(tmp_path: Path) -> None:
    """SQLite does not see it; the checksum does: the report is never handed out, and counted as dropped."""
    clock = Clock()
    engine = opened(tmp_path, clock)
    fill(engine, clock, 3)
    engine.close()
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("UPDATE report SET payload = CAST('{\"seq\":9}' AS BLOB) WHERE key = ?", (key_of(1, 2),))
    connection.commit()
    connection.close()
    engine = opened(tmp_path, clock)
    assert waiting(engine) == [1, 3]
    assert engine.statistics().totals.dropped_damage == 1
    assert engine.waiting(engine.statistics().stream, 1, 3, 10) == [1, 3]
    engine.close()


def fill_disk(engine: Engine) -> None:
    """Let the file grow no more, as on a full disk."""
    assert engine._store is not None
    engine._store._connection.execute("PRAGMA max_page_count = 1")


def test_a_full_disk_sends_reports_to_memory_and_recovers_by_itself(tmp_path: Path) -> None:
    """While the disk is full reports have a stream of their own; when it works again they move in and it goes on."""
    clock = Clock()
    engine = opened(tmp_path, clock)
    old = engine.statistics().stream
    fill(engine, clock, 2)
    with pytest.MonkeyPatch.context() as patch:
        fill_disk(engine)
        patch.setattr(Store, "_prepare", _full)
        keys = fill(engine, clock, 40)
        clock.forward(RETRY_PAUSE + 1)
        keys += fill(engine, clock, 1)
        statistics = engine.statistics()
        assert len(keys) == 41
        assert statistics.failing == "database or disk is full"
        assert statistics.memory == 41
        assert statistics.stream != old
        assert (statistics.oldest, statistics.newest) == (1, 41)
        assert [seq_of(row.key) for row in engine.newest_first(2, NOTHING, youngest=60)] == [41, 40]
        assert len(engine.oldest_first(100, NOTHING)) == 43, "what the file holds can be read all the same"
        assert engine.waiting(statistics.stream, 40, 99, 10) == [40, 41]
        assert engine.confirm(statistics.stream, [(1, 1)]) == 1
        assert engine.confirm(old, [(1, 1)]) == 1
        assert engine.confirm(old, [(1, 1)]) == 0
        assert engine.waiting(old, 1, 9, 10) == [2], "confirmed is remembered until it can be written"
        assert [(generation_of(row.key), seq_of(row.key)) for row in engine.oldest_first(2, NOTHING)] == [
            (1, 2),
            (2, 2),
        ]
        assert engine.statistics().waiting == 41
    clock.forward(RETRY_PAUSE + 1)
    fill(engine, clock, 1)
    after = engine.statistics()
    assert (after.failing, after.memory, after.stream) == ("", 0, statistics.stream)
    assert [(generation_of(row.key), seq_of(row.key)) for row in engine.oldest_first(100, NOTHING)] == [
        (1, 2),
        *((2, seq) for seq in range(2, 43)),
    ]
    assert (after.totals.made, after.totals.confirmed, after.waiting) == (44, 2, 42)
    engine.close()
    engine = opened(tmp_path, clock)
    assert engine.statistics().stream == statistics.stream
    assert [seq_of(key) for key in fill(engine, clock, 1)] == [43]
    engine.close()


def _full(_: Store) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def test_a_crash_while_the_disk_is_full_gives_no_number_twice(tmp_path: Path) -> None:
    """What was in memory is gone, and so is its stream; the stream on disk goes on where the disk knows it."""
    clock = Clock()
    engine = opened(tmp_path, clock)
    fill(engine, clock, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "append", lambda *_: _full(_[0]))
        in_memory = fill(engine, clock, 5)
        lost_stream = engine.statistics().stream
    assert [generation_of(key) for key in in_memory] == [2] * 5
    del engine
    engine = opened(tmp_path, clock)
    assert fill(engine, clock, 1) == [key_of(1, 3)]
    assert engine.statistics().stream != lost_stream
    engine.close()


def test_memory_is_bounded_and_counts_what_it_drops(tmp_path: Path) -> None:
    """A disk that is full for long costs a bounded amount of memory; the newest stay."""
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "__init__", lambda *_: _full(_[0]))
        engine = opened(tmp_path, clock)
        for _ in range(5):
            fill(engine, clock, 1000)

        def broken(stream: str, seq: int) -> bytes:
            raise ValueError(stream, seq)

        assert isinstance(engine.append([Draft(0.0, "a", 0.0, broken)])[0], ValueError)
        statistics = engine.statistics()
        engine.close()
    assert statistics.memory <= MEMORY_BYTES // 600
    assert statistics.totals.dropped_memory == 5000 - statistics.memory
    assert (statistics.newest, statistics.oldest) == (5000, 5001 - statistics.memory)


def test_a_disk_dead_at_the_start_and_well_later_keeps_what_it_held(tmp_path: Path) -> None:
    """Reports of the time without a disk go behind those that the file had."""
    clock = Clock()
    engine = opened(tmp_path, clock)
    fill(engine, clock, 3)
    engine.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "__init__", lambda *_: _full(_[0]))
        engine = opened(tmp_path, clock)
        fill(engine, clock, 2)
    clock.forward(RETRY_PAUSE + 1)
    fill(engine, clock, 1)
    assert [generation_of(row.key) for row in engine.oldest_first(9, NOTHING)] == [1, 1, 1, 2, 2, 2]
    engine.close()


def test_a_new_stream_for_a_spool_that_was_set_back(tmp_path: Path) -> None:
    """What waits gets new numbers within its bytes too; nothing is lost and nothing keeps an old name."""
    clock = Clock()
    engine = opened(tmp_path, clock)
    old = engine.statistics().stream
    fill(engine, clock, 250)
    engine.renew_stream(old)
    statistics = engine.statistics()
    assert (statistics.oldest, statistics.newest, statistics.waiting) == (1, 250, 250)
    documents = [json.loads(row.payload) for row in engine.oldest_first(300, NOTHING)]
    assert [(one["stream"], one["seq"]) for one in documents] == [(statistics.stream, seq) for seq in range(1, 251)]
    engine.renew_stream("00000000")
    assert engine.statistics().stream == statistics.stream
    engine.close()
    engine = opened(tmp_path, clock)
    assert engine.generation(old) is None, "names of streams without reports are forgotten at the start"
    engine.close()
