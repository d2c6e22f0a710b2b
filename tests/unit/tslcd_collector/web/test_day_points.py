"""The last day of a channel in points: whatever the order of reports, whatever comes twice, whatever is wrong with them."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import inventories
from support.wire import BARE
from tslcd_collector import inventory
from tslcd_collector.web.day import MAX_APART, SLOT, SLOTS, Day
from tslcd_collector.web.day_file import DayFile
from tslcd_wire.report import Report

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from tslcd_collector.inventory import Inventory
    from tslcd_collector.web.day import Point

#: The beginning of a slot, and the slot of "now" that ends a day after it.
START = 1_790_000_100.0 // SLOT * SLOT
NOW = START + 86400 - 1


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """Load the small inventory once."""
    return inventories.small(tmp_path_factory.mktemp("inventory"))


def report(**changes: Any) -> Report:
    """Return a report of agent a1."""
    return Report(**{name: value for name, value in BARE.items() if name != "v"} | changes)


def counters(received: int | None, sent: int | None = 0, *, device: str = "fw", key: str = "wan1") -> Report:
    """Return a reading of the bound interface."""
    table = {"key": ["lan", key], "receive_bytes_total": [5, received], "transmit_bytes_total": [5, sent]}
    return report(agent="a1", device=device, tables={"interface": table})


def probe(loss: float, rtt: float | None, jitter: float | None = 0.001) -> Report:
    """Return a round of the bound probe."""
    table = {"key": ["gateway"], "loss_ratio": [loss], "rtt_seconds": [rtt], "jitter_seconds": [jitter]}
    return report(agent="a1", device="", tables={"probe": table})


def day(known: Inventory, *readings: tuple[Report, float]) -> Day:
    """Return a day into which ``readings`` came."""
    made = Day()
    made.set_inventory(known)
    for one, at in readings:
        made.note(one, at, NOW)
    return made


def at(made: Day, slot: int, channel: str = "c1") -> Point:
    """Return one point of the day that begins at START."""
    return made.points(channel, NOW)[slot]


def test_a_rate_is_the_difference_of_two_readings_by_the_time_between_them(known: Inventory) -> None:
    """Bits per second, exactly over the seconds between the readings, and not over the slot."""
    made = day(known, (counters(1000, 500), START + 10), (counters(1000 + 2500, 500), START + 590))
    assert at(made, 1).receive == pytest.approx(2500 * 8 / 580, rel=1e-3)
    assert at(made, 1).transmit == 0
    assert (at(made, 0).receive, at(made, 2).receive) == (None, None)
    assert len(made.points("c1", NOW)) == SLOTS


def test_loss_delay_and_jitter_are_means_of_the_rounds_that_know_them(known: Inventory) -> None:
    """A round without an answer counts as loss and has no delay."""
    made = day(
        known, (probe(0.0, 0.004), START + 1), (probe(1.0, None, None), START + 31), (probe(0.2, 0.008), START + 61)
    )
    assert at(made, 0).loss == pytest.approx(0.4)
    assert at(made, 0).rtt == pytest.approx(0.006)
    assert at(made, 0).jitter == pytest.approx(0.001)


@given(st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_ends_in_the_same_points(chance: random.Random) -> None:
    """History after live reports, live reports among history, some of it twice."""
    known = _KNOWN[0]
    readings = [(counters(step * 7000, step * 300), START + step * 30.0) for step in range(60)]
    readings += [(probe((step % 5) / 5, 0.001 * step), START + step * 30.0 + 3) for step in range(60)]
    plain = day(known, *readings).points("c1", NOW)
    mixed = readings + chance.sample(readings, 40)
    chance.shuffle(mixed)
    for one, other in zip(day(known, *mixed).points("c1", NOW), plain, strict=True):
        for value, expected in zip(one, other, strict=True):
            assert value == (expected if expected is None else pytest.approx(expected, rel=1e-5))


_KNOWN: list[Inventory] = []


@pytest.fixture(autouse=True)
def _for_hypothesis(known: Inventory) -> None:
    """Hand the inventory to the test that hypothesis calls, which takes no fixtures of a function."""
    _KNOWN[:] = [known]


def test_a_counter_that_began_anew_is_a_hole_and_no_peak(known: Inventory) -> None:
    """The device restarted between two readings: nobody knows how much it was."""
    made = day(known, (counters(10**12), START + 10), (counters(400), START + 310), (counters(800), START + 610))
    assert at(made, 1).receive is None
    assert at(made, 2).receive == pytest.approx(400 * 8 / 300)


def test_readings_too_far_apart_are_no_rate(known: Inventory) -> None:
    """A mean over an hour says nothing about its last five minutes."""
    near = day(known, (counters(0), START + 10), (counters(9000), START + MAX_APART * SLOT + 10))
    assert at(near, MAX_APART).receive == pytest.approx(9000 * 8 / (MAX_APART * SLOT))
    far = day(known, (counters(0), START + 10), (counters(9000), START + (MAX_APART + 1) * SLOT + 10))
    assert at(far, MAX_APART + 1).receive is None


def test_what_comes_late_fills_the_hole(known: Inventory) -> None:
    """History of an outage is drawn where it belongs."""
    made = day(known, (counters(0), START), (counters(6000), START + 10 * SLOT), (counters(7000), START + 11 * SLOT))
    assert at(made, 10).receive is None
    for slot in range(1, 10):
        made.note(counters(slot * 600), START + slot * SLOT, NOW)
    assert at(made, 10).receive == pytest.approx(600 * 8 / SLOT)
    assert at(made, 5).receive == pytest.approx(600 * 8 / SLOT)


@pytest.mark.parametrize(
    ("reading", "when"),
    [
        (counters(9999), NOW + 3600),
        (counters(9999), START - 3 * 86400),
        (counters(None, None), START + 900),
        (counters(9999, device="rt"), START + 900),
        (counters(9999, key="wan7"), START + 900),
        (report(agent="a9", device="fw", tables=counters(1).tables), START + 900),
        (report(agent="a1", device="fw", tables={}), START + 900),
        (report(agent="a1", device="", tables={"probe": {"key": ["core"], "loss_ratio": [1]}}), START + 900),
        (report(agent="a1", device="", tables={"probe": {"key": ["gateway"]}}), START + 900),
    ],
    ids=["future", "past", "not known", "device", "interface", "agent", "no table", "probe", "no cells"],
)
def test_what_does_not_belong_here_changes_nothing(known: Inventory, reading: Report, when: float) -> None:
    """Another thing, another time, or nothing at all."""
    made = day(known, (counters(100), START + 300), (counters(200), START + 600))
    before = made.points("c1", NOW)
    made.note(reading, when, NOW)
    assert made.points("c1", NOW) == before


def test_a_day_later_nothing_of_the_day_before_is_left(known: Inventory) -> None:
    """Slots are used again; what stood in them is gone, also when nobody wrote for hours."""
    made = day(known, *((counters(step * 1000), START + step * SLOT) for step in range(SLOTS)))
    assert sum(point.receive is not None for point in made.points("c1", NOW)) == SLOTS - 1
    later = NOW + 20 * 3600
    made.note(counters(10**9), later, later)
    known_points = [point for point in made.points("c1", later) if point.receive is not None]
    assert all(later - 86400 - SLOT <= point.at <= NOW for point in known_points)
    assert made.points("c1", later + 2 * 86400)[5] == ((later + 2 * 86400) // SLOT * SLOT - 282 * SLOT, *[None] * 5)


def test_a_channel_bound_to_another_interface_begins_anew(known: Inventory, tmp_path: Path) -> None:
    """A difference between counters of two interfaces would be a peak that never was; a channel that leaves is forgotten."""
    made = day(known, (counters(100), START + 300), (counters(200), START + 600))
    written = made.take_dirty()
    change = inventories.edited("channels.yaml", "interface: wan1", "interface: wan2")
    made.set_inventory(inventory.load(inventories.write(tmp_path / "one", change)))
    assert all(point.receive is None for point in made.points("c1", NOW))
    made.restore(written.items())
    assert all(point.receive is None for point in made.points("c1", NOW))
    made.set_inventory(known)
    made.restore(written.items())
    assert at(made, 2).receive is not None


def test_a_day_of_history_is_written_in_parts(known: Inventory) -> None:
    """So that packing it never holds the loop up; the newest first, and in the end all of it."""
    made = day(known, *((counters(step * 1000), START + step * SLOT) for step in range(SLOTS)))
    taken: list[int] = []
    while part := made.take_dirty(100):
        assert len(part) <= 100
        taken += sorted(part, reverse=True)
    assert taken == sorted(taken, reverse=True)
    assert len(taken) == SLOTS


async def test_charts_outlive_a_restart(known: Inventory, tmp_path: Path) -> None:
    """What was written is drawn again, what came late to an old slot too; a day later it has left the file."""
    made = day(
        known, *((counters(step * 1000), START + step * SLOT) for step in range(9)), (probe(0.2, 0.004), START + 5)
    )
    await DayFile(tmp_path, made).write(NOW)
    made.note(probe(0.4, 0.006), START + 35, NOW)
    await DayFile(tmp_path, made).write(NOW)
    again = day(known)
    await DayFile(tmp_path, again).restore(NOW)
    assert again.points("c1", NOW) == made.points("c1", NOW)
    assert again.take_dirty() == {}
    await DayFile(tmp_path, made).write(NOW + 2 * 86400)
    with sqlite3.connect(tmp_path / "day.db") as connection:
        assert connection.execute("SELECT count(*) FROM slot").fetchone() == (0,)
    connection.close()


@pytest.mark.parametrize("damage", ["no database", "other bytes", "cut off"])
async def test_a_file_that_cannot_be_read_is_begun_anew(known: Inventory, tmp_path: Path, damage: str) -> None:
    """It is for the eye only; the collector starts, and the next write is read again."""
    made = day(known, (counters(100), START + 300), (counters(200), START + 600))
    file = tmp_path / "day.db"
    await DayFile(tmp_path, made).write(NOW)
    raw = _file_bytes(file)
    if damage == "other bytes":
        with sqlite3.connect(file) as connection:
            connection.execute("UPDATE slot SET channels = ?", (msgspec.msgpack.encode(["x"]),))
        connection.close()
    else:
        _replace(file, b"not a database at all" * 50 if damage == "no database" else raw[: len(raw) // 2])
    again = day(known)
    await DayFile(tmp_path, again).restore(NOW)
    assert all(point.receive is None for point in again.points("c1", NOW))
    again.note(counters(100), START + 300, NOW)
    again.note(counters(200), START + 600, NOW)
    await DayFile(tmp_path, again).write(NOW)
    third = day(known)
    await DayFile(tmp_path, third).restore(NOW)
    assert at(third, 2).receive is not None


async def test_what_could_not_be_written_is_written_later(known: Inventory, tmp_path: Path) -> None:
    """A folder that is away for a while costs no point."""
    made = day(known, (counters(100), START + 300), (counters(200), START + 600))
    file = DayFile(tmp_path / "later", made)
    await file.write(NOW)
    _make(tmp_path / "later")
    await file.write(NOW)
    again = day(known)
    await DayFile(tmp_path / "later", again).restore(NOW)
    assert at(again, 2).receive is not None


def _file_bytes(file: Path) -> bytes:
    return file.read_bytes()


def _replace(file: Path, raw: bytes) -> None:
    file.write_bytes(raw)


def _make(folder: Path) -> None:
    folder.mkdir()


def test_memory_of_a_channel_is_bounded(known: Inventory) -> None:
    """A year of reports takes as much as a day of them."""
    made = day(known)
    for step in range(3 * SLOTS):
        moment = START + step * SLOT * 7
        made.note(counters(step), moment, moment)
    ring: Any = made._rings["c1"]
    columns = (
        ring.offset,
        ring.received,
        ring.sent,
        ring.rounds,
        ring.loss,
        ring.rtt,
        ring.answered,
        ring.jitter,
        ring.jittered,
    )
    assert sum(len(column) * column.itemsize for column in columns) == 36 * SLOTS
