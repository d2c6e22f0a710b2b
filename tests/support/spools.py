"""Spools for tests: a clock that is moved, reports that name themselves, and a process that dies."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tslcd_agent.spool.engine import Engine
from tslcd_agent.spool.state import Now, Worth, seq_of
from tslcd_agent.spool.store import FILE, Bounds, Draft
from tslcd_wire.ranges import RangeSet

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86400.0
MIB = 2**20
#: Everything of a report's payload that a test may look at, and noise that cannot be packed.
NOISE = 60


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


def build(stream: str, seq: int) -> bytes:
    """Make a payload out of its name alone; every fortieth is so long that it takes pages of its own."""
    noise = random.Random(seq).randbytes(NOISE if seq % 40 else 5000).hex()  # noqa: S311 - the same for every run
    return json.dumps({"stream": stream, "seq": seq, "noise": noise}).encode()


def opened(directory: Path, clock: Clock, *, size: int = 50 * MIB, age: float = 30 * DAY) -> Engine:
    """Open a spool."""
    directory.mkdir(exist_ok=True)
    engine = Engine(directory, Bounds(size, age), clock)
    engine.open()
    return engine


def fill(engine: Engine, clock: Clock, count: int, worth: Worth = Worth.MEASURED) -> list[int]:
    """Append; return the keys."""
    keys = engine.append([Draft(clock.at, clock.boot, clock.mono, build, worth) for _ in range(count)])
    return [key for key in keys if isinstance(key, int)]


def waiting(engine: Engine) -> list[int]:
    """Return the numbers that wait, oldest first; every payload is what it was."""
    rows = engine.oldest_first(10**6, RangeSet())
    for row in rows:
        document = json.loads(row.payload)
        assert (seq_of(row.key), row.payload) == (document["seq"], build(document["stream"], document["seq"]))
    return [seq_of(row.key) for row in rows]


def files_after_a_kill(engine: Engine) -> dict[str, bytes]:
    """Return the files as a process that is killed now would leave them; the engine stops."""
    store = engine._store
    assert store is not None
    folder = store.path.parent
    found = {one.name: one.read_bytes() for one in folder.iterdir() if one.name.startswith(FILE)}
    store._connection.close()
    return found


def kill(engine: Engine) -> None:
    """End without a goodbye: the files stay as they are at this moment."""
    assert engine._store is not None
    folder = engine._store.path.parent
    for name, content in files_after_a_kill(engine).items():
        (folder / name).write_bytes(content)


def disk_bytes(folder: Path) -> int:
    """Return what a folder uses on disk, as du(1) counts."""
    return sum(one.lstat().st_blocks * 512 for one in folder.rglob("*"))
