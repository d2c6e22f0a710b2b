"""``bench spool``: how long 200 MiB of the agent's spool last for a typical commune, and what a report costs there.

The rows of :mod:`bench.commune`, days of them, go through :class:`tslcd_agent.spool.engine.Engine`, synced, a round a
transaction as the agent does it; then the file is filled to its bound, closed and opened, killed and opened, and read from its
oldest report on. Peers: the same rows in a plain SQLite file without compression (same schema, same pragmas), and as
lines of JSON through gzip. Sizes are those on disk, journal included.
"""

from __future__ import annotations

import gzip
import os
import sqlite3
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import machine
from bench.commune import INTERVAL, REPORTS, Commune
from bench.figures import Figure, Result
from bench.meter import resident_bytes
from tslcd_agent.spool.engine import Engine
from tslcd_agent.spool.state import Now, Worth, key_of
from tslcd_agent.spool.store import Bounds, Draft
from tslcd_wire.ranges import RangeSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from tslcd_wire.report import Event, Tables

MIB: Final = 2**20
DAY: Final = 86_400.0
BOUND: Final = 200 * MIB
WANTED_DAYS: Final = 30
_BOOT: Final = "7c1e7c1e"
_READ: Final = 64
_STREAM: Final = "0198f3c2"
Measured = tuple[float, float, str, "Tables", "list[Event]"]


@dataclass(frozen=True)
class Size:
    """``rounds`` of which bytes are counted; ``synced``: of them one by one, as the agent does; ``bound``: filled to, in bytes."""

    rounds: int = 20_000
    synced: int = 1_000
    bound: int = BOUND


SMALL: Final = Size(rounds=400, synced=50, bound=2 * MIB)


class _Clock:
    """Goes with the reports, so that none becomes too old."""

    mono = 0.0

    def __call__(self) -> Now:
        return Now(1_790_000_000.0 + self.mono, _BOOT, self.mono)


def measure(size: Size, tell: Callable[[str], None]) -> Result:
    """Measure all of it."""
    with tempfile.TemporaryDirectory(dir=Path.cwd() / ".work" if (Path.cwd() / ".work").is_dir() else None) as name:
        folder = Path(name)
        tell(f"{size.rounds} rounds of a commune, {size.synced} synced one by one")
        ours, append, read = _ours(folder / "ours", size)
        tell("the same in a plain SQLite file, and as JSON lines through gzip")
        plain, plain_append, plain_read = _plain(folder / "plain.db", size)
        zipped = _zipped(folder / "lines.json.gz", size)
        tell(f"a spool filled to {size.bound / MIB:g} MiB, opened again")
        clean, killed, most, memory = _restarts(folder / "full", size)
    per_day = DAY / INTERVAL * REPORTS
    figures = (
        Figure("bytes a report", "B", [ours], [plain]),
        Figure("bytes a report, gzip", "B", [ours], [zipped]),
        Figure(
            f"{WANTED_DAYS} days", "MiB", [ours * per_day * WANTED_DAYS / MIB], [plain * per_day * WANTED_DAYS / MIB],
            max_ours=200,
        ),
        Figure("days in 200 MiB", "d", [BOUND / (ours * per_day)], [BOUND / (plain * per_day)]),
        Figure("append of a round, synced", "ms", [append], [plain_append]),
        Figure("reports appended a second, synced", "1/s", [REPORTS / append * 1000], [REPORTS / plain_append * 1000]),
        Figure("reports read a second", "1/s", [read], [plain_read]),
        Figure("open a full spool after a goodbye", "s", [clean], max_ours=2),
        Figure("open a full spool after a kill", "s", [killed], max_ours=2),
        Figure("most on disk of the bound", "%", [most * 100], max_ours=100),
        Figure("resident memory of this bench at its end", "MiB", [memory / MIB]),
    )  # fmt: skip
    notes = (
        "a round is four reports: two devices with eight interfaces each, four probes, the heartbeat",
        "gzip: one stream over all reports; no report in it can be read, deleted or saved alone",
    )
    return Result("spool", machine.describe(), figures, notes)


def _draft(commune: Commune, one: Measured) -> Draft:
    worth = Worth.EVENT if one[4] else Worth.ALIVE if "agent" in one[3] else Worth.MEASURED
    return Draft(one[0], _BOOT, one[1], lambda stream, seq: commune.payload(stream, seq, one), worth)


def _append(engine: Engine, clock: _Clock, commune: Commune, rounds: int) -> None:
    drafts = [_draft(commune, one) for _ in range(rounds) for one in commune.drafts()]
    clock.mono = drafts[-1].mono
    engine.append(drafts)


def disk_bytes(folder: Path) -> int:
    """Return what a folder uses on disk, as du(1) counts."""
    return sum(one.stat().st_blocks * 512 for one in folder.iterdir())


def _ours(folder: Path, size: Size) -> tuple[float, float, float]:
    folder.mkdir()
    clock, commune = _Clock(), Commune()
    engine = Engine(folder, Bounds(10 * BOUND, 1000 * DAY), clock)
    engine.open()
    _append(engine, clock, commune, 200)
    append = _seconds(lambda: _append(engine, clock, commune, 1), size.synced) / size.synced * 1000
    left = size.rounds - size.synced - 200
    while left > 0:
        _append(engine, clock, commune, min(left, 50))
        left -= 50
    reports = engine.statistics().waiting

    def read() -> None:
        done = RangeSet()
        while rows := engine.oldest_first(_READ, done):
            done.add(key_of(1, 1), rows[-1].key)

    rate = reports / _seconds(read)
    engine.close()
    return disk_bytes(folder) / reports, append, rate


def _plain(path: Path, size: Size) -> tuple[float, float, float]:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE report (key INTEGER PRIMARY KEY, at REAL, boot TEXT, mono REAL, payload BLOB)")
    commune, seq = Commune(), 0

    def append(rounds: int) -> None:
        nonlocal seq
        connection.execute("BEGIN")
        for one in (one for _ in range(rounds) for one in commune.drafts()):
            seq += 1
            row = (key_of(1, seq), one[0], _BOOT, one[1], commune.payload(_STREAM, seq, one))
            connection.execute("INSERT INTO report VALUES (?, ?, ?, ?, ?)", row)
        connection.execute("COMMIT")

    synced = _seconds(lambda: append(1), size.synced) / size.synced * 1000
    for _ in range(0, max(0, size.rounds - size.synced), 50):
        append(50)

    def read() -> None:
        at = 0
        wanted = "SELECT key, at, boot, mono, payload FROM report WHERE key > ? ORDER BY key LIMIT ?"
        while rows := connection.execute(wanted, (at, _READ)).fetchall():
            at = rows[-1][0]

    rate = seq / _seconds(read)
    connection.close()
    return path.stat().st_blocks * 512 / seq, synced, rate


def _zipped(path: Path, size: Size) -> float:
    commune, seq = Commune(), 0
    with gzip.open(path, "wb") as file:
        for _ in range(size.rounds):
            for one in commune.drafts():
                seq += 1
                file.write(commune.payload(_STREAM, seq, one) + b"\n")
    return path.stat().st_size / seq


def _restarts(folder: Path, size: Size) -> tuple[float, float, float, int]:
    """Fill a spool beyond its bound; return seconds to open it cleanly and after a kill, the most it used, and memory."""
    folder.mkdir()
    clock, commune = _Clock(), Commune()
    bounds = Bounds(size.bound, 1000 * DAY)
    engine = Engine(folder, bounds, clock)
    engine.open()
    ready = [list(commune.drafts()) for _ in range(250)]
    most = 0
    while engine.statistics().totals.dropped_size < 20_000 * size.bound / BOUND:
        for part in range(0, len(ready), 50):
            engine.append([_draft(commune, one) for some in ready[part : part + 50] for one in some])
        most = max(most, disk_bytes(folder))
    engine.close()
    began = time.perf_counter()
    engine = Engine(folder, bounds, clock)
    engine.open()
    clean = time.perf_counter() - began
    engine.append([_draft(commune, one) for one in ready[0]])
    killed_folder = folder.with_name("killed")
    killed_folder.mkdir()
    for one in folder.iterdir():  # what a kill leaves: the file and its journal as they are
        if not one.name.endswith("-shm"):
            (killed_folder / one.name).write_bytes(one.read_bytes())
    engine.close()
    began = time.perf_counter()
    engine = Engine(killed_folder, bounds, clock)
    engine.open()
    killed = time.perf_counter() - began
    engine.close()
    return clean, killed, most / size.bound, resident_bytes(os.getpid())


def _seconds(work: Callable[[], object], times: int = 1) -> float:
    began = time.perf_counter()
    for _ in range(times):
        work()
    return time.perf_counter() - began
