"""What goes when there is no room: by class, counted, its numbers told; and the directory never exceeds its bound."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from support.spools import DAY, MIB, Clock, disk_bytes, fill, kill, opened, waiting
from tslcd_agent.spool.memory import Memory
from tslcd_agent.spool.state import Worth, seq_of
from tslcd_agent.spool.store import FILE, MAX_LOST, Draft
from tslcd_wire.ranges import RangeSet

SMALL = MIB


def test_measurements_go_before_heartbeats_and_heartbeats_before_events(tmp_path: Path) -> None:
    """The oldest of a class first; the counters tell cause and class; every number that is gone is told."""
    clock = Clock()
    engine = opened(tmp_path, clock, size=2 * MIB)
    worth: dict[int, Worth] = {}
    for number in range(450):
        for one, count in ((Worth.MEASURED, 26), (Worth.ALIVE, 1), (Worth.EVENT, int(number % 10 == 0))):
            worth |= dict.fromkeys((seq_of(key) for key in fill(engine, clock, count, one)), one)
    held = waiting(engine)
    statistics = engine.statistics()
    gone = set(worth) - set(held)
    assert {worth[seq] for seq in gone} == {Worth.MEASURED}
    measured = [seq for seq in held if worth[seq] is Worth.MEASURED]
    assert measured[0] > max(gone)
    assert statistics.totals.dropped_size == len(gone) > 1000
    assert statistics.totals.classes == {"size/measured": len(gone)}
    lost = RangeSet(statistics.lost)
    assert len(statistics.lost) == MAX_LOST, "as many ranges as the wire takes, the lowest"
    told = {seq for seq in worth if seq in lost}
    assert told == {seq for seq in gone if statistics.oldest < seq <= max(told)}
    assert statistics.oldest == held[0] == 27
    engine.close()


def test_what_is_kept_longer_may_fill_a_third_of_the_room(tmp_path: Path) -> None:
    """A storm of events does not push out all measurements: beyond a third of the room heartbeats and events go first."""
    clock = Clock()
    engine = opened(tmp_path, clock, size=SMALL)
    fill(engine, clock, 500)
    for _ in range(120):
        fill(engine, clock, 50, Worth.EVENT)
        fill(engine, clock, 5, Worth.ALIVE)
        fill(engine, clock, 5)
    statistics = engine.statistics()
    assert statistics.totals.classes["size/event"] > 0
    assert statistics.totals.classes["size/alive"] > 0
    assert any(row.worth is Worth.MEASURED for row in engine.oldest_first(10**6, RangeSet()))
    engine.close()


def test_the_directory_never_exceeds_its_bound(tmp_path: Path) -> None:
    """File, journal and other files together, at every step, with reports of every size up to the largest."""
    chance = random.Random(20261124)  # noqa: S311 - the same for every run
    clock = Clock()
    (tmp_path / "counters").mkdir()
    (tmp_path / "counters" / "fw.json").write_bytes(b"x" * 100_000)
    size = 2 * MIB
    engine = opened(tmp_path, clock, size=size)
    made = 0
    for _ in range(150):
        sizes = [chance.choice([100, 1000, 10_000, 60_000, 400_000]) for _ in range(chance.randint(1, 12))]
        drafts = [
            Draft(clock.at, clock.boot, clock.mono, lambda *_, n=n: chance.randbytes(n), chance.choice(list(Worth)))
            for n in sizes
        ]
        keys = engine.append(drafts)
        made += len(keys)
        assert disk_bytes(tmp_path) <= size
    statistics = engine.statistics()
    assert statistics.totals.made == made == statistics.waiting + statistics.totals.dropped_size
    engine.close()


def test_a_bound_that_was_lowered_is_kept_soon(tmp_path: Path) -> None:
    """The file gives back what it may not have any more."""
    clock = Clock()
    engine = opened(tmp_path, clock, size=4 * MIB)
    for _ in range(80):
        fill(engine, clock, 100)
    engine.close()
    engine = opened(tmp_path, clock, size=MIB)
    for _ in range(200):
        fill(engine, clock, 1)
    assert disk_bytes(tmp_path) <= MIB
    engine.close()


def test_a_report_larger_than_a_sixteenth_of_the_bound_is_dropped_and_told(tmp_path: Path) -> None:
    """It has a number, is counted, and everything else stays."""
    clock = Clock()
    engine = opened(tmp_path, clock, size=SMALL)
    noise = random.Random(1).randbytes(128 * 1024 + 1)  # noqa: S311 - noise
    fill(engine, clock, 3)
    engine.append([Draft(clock.at, clock.boot, clock.mono, lambda *_: noise)])
    fill(engine, clock, 1)
    assert waiting(engine) == [1, 2, 3, 5]
    assert engine.statistics().lost == ((4, 4),)
    assert engine.statistics().totals.dropped_size == 1
    engine.close()


def test_lost_numbers_are_told_until_the_mark_passes_them(tmp_path: Path) -> None:
    """Confirmed by a collector after all, they are lost no more; what is below the oldest is told by that."""
    clock = Clock()
    engine = opened(tmp_path, clock, age=DAY)
    stream = engine.statistics().stream
    noise = random.Random(1).randbytes(2 * MIB + 1)  # noqa: S311 - noise
    for _ in range(4):
        fill(engine, clock, 4)
        engine.append([Draft(clock.at, clock.boot, clock.mono, lambda *_: noise)])
    assert engine.statistics().lost == ((5, 5), (10, 10), (15, 15), (20, 20))
    engine.confirm(stream, [(10, 15)])
    assert engine.statistics().lost == ((5, 5), (20, 20))
    kill(engine)
    engine = opened(tmp_path, clock, age=DAY)
    assert engine.statistics().lost == ((5, 5), (20, 20))
    engine.confirm(stream, [(1, 12)])
    statistics = engine.statistics()
    assert (statistics.oldest, statistics.lost) == (16, ((20, 20),))
    clock.forward(2 * DAY)
    fill(engine, clock, 1)
    statistics = engine.statistics()
    assert (statistics.oldest, statistics.lost, statistics.totals.dropped_age) == (21, (), 4)
    engine.close()


def test_memory_drops_by_class_too() -> None:
    """While the disk fails events outlive measurements, and what was dropped is told."""
    memory = Memory(1)
    noise = b"x" * 100_000
    memory.append(Draft(0.0, "a", 0.0, lambda *_: noise, Worth.EVENT))
    for _ in range(40):
        memory.append(Draft(0.0, "a", 0.0, lambda *_: noise))
    assert memory.oldest == 1
    [(first, last)] = memory.lost_from_oldest()
    assert first == 2
    assert memory.totals.classes == {"memory/measured": last - first + 1}
    for _ in range(40):
        memory.append(Draft(0.0, "a", 0.0, lambda *_: noise, Worth.EVENT))
    assert any(row.worth is Worth.MEASURED for row in memory.rows.values())


class BoundedModel(RuleBasedStateMachine):
    """The engine under a bound that bites, beside sets of numbers."""

    @initialize()
    def begin(self) -> None:
        """Open a spool of the least size."""
        self.directory = tempfile.TemporaryDirectory()
        self.folder = Path(self.directory.name)
        self.clock = Clock()
        self.given: dict[int, Worth] = {}
        self.held: set[int] = set()
        self.confirmed: set[int] = set()
        self._open()

    def _open(self) -> None:
        self.engine = opened(self.folder, self.clock, size=MIB, age=DAY)

    @rule(count=st.integers(1, 60), worth=st.sampled_from(Worth), large=st.booleans())
    def append(self, count: int, worth: Worth, *, large: bool) -> None:
        """Append a group, of large reports or small ones."""

        def make(_: str, seq: int) -> bytes:
            return random.Random(seq).randbytes(9000 if large else 300)  # noqa: S311 - noise

        drafts = [Draft(self.clock.at, self.clock.boot, self.clock.mono, make, worth) for _ in range(count)]
        numbers = [seq_of(key) for key in self.engine.append(drafts) if isinstance(key, int)]
        assert numbers == list(range(len(self.given) + 1, len(self.given) + count + 1))
        self.given |= dict.fromkeys(numbers, worth)
        self.held |= set(numbers)

    @rule(first=st.integers(1, 300), length=st.integers(0, 100))
    def confirm(self, first: int, length: int) -> None:
        """Confirm any range that was given."""
        last = min(first + length, len(self.given))
        self.engine.confirm(self.engine.statistics().stream, [(first, last)])
        self.confirmed |= set(range(first, last + 1)) & set(self.given)
        self.held -= self.confirmed

    @rule(clean=st.booleans())
    def restart(self, *, clean: bool) -> None:
        """Stop, or be killed; start again."""
        if clean:
            self.engine.close()
        else:
            kill(self.engine)
        self._open()

    @rule(days=st.sampled_from([0.3, 0.6]))
    def wait(self, days: float) -> None:
        """Let reports become old."""
        self.clock.forward(days * DAY)

    @invariant()
    def every_report_is_somewhere(self) -> None:
        """Each waits, was confirmed, or was dropped, counted and told; and the bound is kept."""
        rows = {seq_of(row.key) for row in self.engine.oldest_first(10**6, RangeSet())}
        assert rows <= self.held
        dropped = self.held - rows
        self.held = rows
        self.dropped = getattr(self, "dropped", set()) | dropped
        statistics = self.engine.statistics()
        totals = statistics.totals
        assert totals.dropped == sum(totals.classes.values()) == len(self.dropped)
        assert (totals.made, statistics.waiting) == (len(self.given), len(rows))
        assert statistics.oldest == min(rows, default=len(self.given) + 1)
        told = {seq for seq in self.given if seq in RangeSet(statistics.lost)}
        wanted = {seq for seq in self.dropped - self.confirmed if seq > statistics.oldest}
        assert told == wanted
        assert disk_bytes(self.folder) <= MIB
        assert statistics.failing == ""

    def teardown(self) -> None:
        """Close."""
        if hasattr(self, "engine"):
            self.engine.close()
            self.directory.cleanup()


TestBoundedModel = BoundedModel.TestCase
TestBoundedModel.settings = settings(max_examples=8, stateful_step_count=20, deadline=None)


def test_the_file_is_named_as_it_always_was(tmp_path: Path) -> None:
    """Spools in the field are found again."""
    clock = Clock()
    opened(tmp_path, clock).close()
    assert [one.name for one in tmp_path.iterdir()] == [FILE] == ["spool.db"]
