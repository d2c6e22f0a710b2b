"""The spool on a disk that is really full, or really read only: a small file system in memory, made and removed here."""

from __future__ import annotations

import json
import random
import subprocess
from typing import TYPE_CHECKING

import pytest

from support.processes import find_program
from support.spools import MIB, Clock, fill, kill, opened, waiting
from tslcd_agent.spool.engine import RETRY_PAUSE
from tslcd_agent.spool.inspection import inspect
from tslcd_agent.spool.state import seq_of
from tslcd_wire.ranges import RangeSet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tslcd_agent.spool.engine import Engine

SEED = 20261124
RANGES = RangeSet()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 4 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run([find_program("mount"), "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run([find_program("umount"), "--lazy", str(folder)], check=True)


def make_full(folder: Path) -> Path:
    """Take what is left of a disk."""
    other = folder / "of-somebody-else"
    with other.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return other


def remount(folder: Path, how: str) -> None:
    """Make a file system read only (``ro``) or writable (``rw``)."""
    subprocess.run([find_program("mount"), "-o", f"remount,{how}", str(folder)], check=True)


def json_name(payload: bytes) -> tuple[str, int]:
    """Return stream and number of a report."""
    document = json.loads(payload)
    return document["stream"], document["seq"]


def numbers(engine: Engine, stream: str) -> list[int]:
    """Return which numbers of a stream wait."""
    return engine.waiting(stream, 1, 10**6, 10**6) or []


def test_a_full_disk_is_read_confirmed_and_left_behind(disk: Path) -> None:
    """New reports wait in memory, old ones are delivered; with room again all of it is on disk, exactly once."""
    clock = Clock()
    engine = opened(disk / "spool", clock)
    old = engine.statistics().stream
    fill(engine, clock, 200)
    other = make_full(disk)
    made = 200
    while not engine.statistics().memory:
        made += len(fill(engine, clock, 20))
    statistics = engine.statistics()
    assert "full" in statistics.failing
    assert statistics.waiting == made
    on_disk = made - statistics.memory
    assert numbers(engine, old) == list(range(1, on_disk + 1))
    assert engine.confirm(old, [(1, 150)]) == 150
    assert waiting(engine)[:50] == list(range(151, 201)), "confirmed ones are not handed out again"
    new = statistics.stream
    assert engine.confirm(new, [(1, 1)]) == 1
    other.unlink()
    clock.forward(RETRY_PAUSE + 1)
    fill(engine, clock, 1)
    after = engine.statistics()
    assert (after.failing, after.memory, after.stream) == ("", 0, new)
    assert (after.waiting, after.totals.made, after.totals.confirmed) == (made - 150, made + 1, 151)
    kill(engine)
    engine = opened(disk / "spool", clock)
    assert (numbers(engine, old), numbers(engine, new)[0]) == (list(range(151, on_disk + 1)), 2)
    engine.close()
    assert inspect(disk / "spool").waiting == made - 150


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("trouble", ["full", "ro"])
def test_a_start_on_a_bad_disk_delivers_what_is_there(disk: Path, trouble: str, *, clean: bool) -> None:
    """After a goodbye and after a kill, on a full disk and on a read-only one; it recovers by itself."""
    clock = Clock()
    engine = opened(disk / "spool", clock)
    old = engine.statistics().stream
    fill(engine, clock, 100)
    if clean:
        engine.close()
    else:
        kill(engine)
    if trouble == "full":
        other = make_full(disk)
    else:
        remount(disk, "ro")
    engine = opened(disk / "spool", clock)
    fill(engine, clock, 3)
    assert engine.start_reason == ("clean-restart" if clean else "process-crash")
    statistics = engine.statistics()
    assert (statistics.waiting, statistics.memory > 0) == (103, True) or trouble == "full"
    if clean or trouble == "full":
        assert numbers(engine, old)[:100] == list(range(1, 101))
    else:
        assert set(numbers(engine, old)) <= set(range(1, 101))
    engine.confirm(old, [(1, 10)])
    if trouble == "full":
        other.unlink()
    else:
        remount(disk, "rw")
    clock.forward(RETRY_PAUSE + 1)
    [key] = fill(engine, clock, 1)
    assert engine.statistics().failing == ""
    assert engine.statistics().waiting == 94
    assert seq_of(key) in {4, 104}
    engine.close()
    engine = opened(disk / "spool", clock)
    assert engine.statistics().waiting == 94
    engine.close()


def test_a_disk_that_is_full_now_and_then_loses_nothing(disk: Path) -> None:
    """Full and free in turns, with confirmations and kills while free: every report waits or is confirmed, once."""
    chance = random.Random(SEED)  # noqa: S311 - the same for every run
    clock = Clock()
    engine = opened(disk / "spool", clock, size=50 * MIB)
    confirmed: set[tuple[str, int]] = set()
    for _ in range(12):
        other = make_full(disk) if chance.random() < 0.5 else None
        for _ in range(chance.randint(1, 6)):
            fill(engine, clock, chance.randint(1, 30))
        rows = [json_name(row.payload) for row in engine.oldest_first(20, RANGES)]
        for stream, seq in rows:
            engine.confirm(stream, [(seq, seq)])
            confirmed.add((stream, seq))
        if other:
            other.unlink()
        clock.forward(RETRY_PAUSE + 1)
        fill(engine, clock, 1)
        if chance.random() < 0.3:
            kill(engine)
            engine = opened(disk / "spool", clock, size=50 * MIB)
    held = [json_name(row.payload) for row in engine.oldest_first(10**6, RANGES)]
    assert len(held) == len(set(held)), f"seed {SEED}"
    assert not set(held) & confirmed, f"seed {SEED}"
    totals = engine.statistics().totals
    assert (totals.made, totals.confirmed, totals.dropped) == (len(held) + len(confirmed), len(confirmed), 0)
    engine.close()
