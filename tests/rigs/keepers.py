"""Both things that keep reports on disk, with one face for the rigs: the agent's spool and the collector's store.

What the rigs ask of both: put numbered reports down, get them back, let some go, and survive. The clock is the rig's: a second
a step, so that the same script does the same on every run.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import zlib
from typing import TYPE_CHECKING, Any, Final, Protocol
from unittest.mock import patch

import structlog

from rigs.account import AGENT, BEGIN, BOOT, Kept, report
from tslcd_agent.spool import Bounds, Draft, Now
from tslcd_agent.spool.engine import Engine
from tslcd_agent.spool.lock import DirectoryLock
from tslcd_agent.spool.state import seq_of
from tslcd_collector.store import Batch, Database, JournalRow, MarkRow
from tslcd_collector.store import lock as store_lock
from tslcd_wire.ranges import RangeSet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

#: What may be wrong with a program that keeps reports, in the words that choose a mutant.
MUTANTS: Final = ("ack before sync", "synchronous normal", "no directory sync", "delete before ack", "no checksum")
_MANY: Final = 10**6
_DAY: Final = 86400.0


class Keeper(Protocol):
    """Something that keeps reports; opened by its constructor."""

    def put(self, numbers: Sequence[int]) -> list[int]:
        """Keep reports in one transaction; return a key for each, growing, when all are synced."""

    def found(self, limit: int = _MANY) -> list[Kept]:
        """Return what is kept, oldest first."""

    def release(self, found: Sequence[Kept]) -> int:
        """Delete these, which are stored elsewhere: always the oldest. Return how many are; fewer when the disk fails."""

    def told(self) -> int:
        """Return how many reports it says it dropped, over its life."""

    def close(self) -> None:
        """Close it the clean way."""


class Clock:
    """A clock that the rig moves: a second at each look."""

    def __init__(self) -> None:
        """Begin."""
        self.seconds = 0.0

    def __call__(self) -> Now:
        """Return the time."""
        self.seconds += 1.0
        return Now(BEGIN + self.seconds, BOOT, 1000.0 + self.seconds)


class SpoolKeeper:
    """The agent's spool, without its thread."""

    def __init__(self, directory: Path, size: int = 200 * 2**20, clock: Clock | None = None) -> None:
        """Open it; ``size``: its bound in bytes, as shipped unless told."""
        self.clock = clock or Clock()
        self._lock = DirectoryLock(directory)
        self._lock.acquire()
        self.engine = Engine(directory, Bounds(size, 400 * _DAY), self.clock)
        self.engine.open()

    def put(self, numbers: Sequence[int]) -> list[int]:
        """Keep reports; the builders' errors are raised."""
        keys = []
        for result in self.engine.append([self._draft(number) for number in numbers]):
            if isinstance(result, Exception):
                raise result
            keys.append(result)
        return keys

    def _draft(self, number: int) -> Draft:
        now = self.clock()
        return Draft(now.at, now.boot, now.mono, lambda stream, seq: report(number, stream, seq))

    def found(self, limit: int = _MANY) -> list[Kept]:
        """Return what waits. A row's key says which number its report must have."""
        rows = self.engine.oldest_first(limit, RangeSet())
        return [Kept(row.key, _stream(row.payload), seq_of(row.key), row.payload) for row in rows]

    def release(self, found: Sequence[Kept]) -> int:
        """Confirm them, each under the stream that it names."""
        return sum(
            self.engine.confirm(stream, [(kept.seq, kept.seq) for kept in found if kept.stream == stream])
            for stream in dict.fromkeys(kept.stream for kept in found)
        )

    def told(self) -> int:
        """Return its total of drops, for any cause."""
        return self.engine.statistics().totals.dropped

    def close(self) -> None:
        """Say goodbye."""
        self.engine.close()
        self._lock.release()


def _stream(payload: bytes) -> str:
    at = payload.find(b'"stream":"') + 10
    return payload[at : payload.find(b'"', at)].decode(errors="replace")


class StoreKeeper:
    """The collector's store, without its thread: what it wrote it may acknowledge to the agent."""

    _STREAM: Final = "0198f3c2"

    def __init__(self, directory: Path) -> None:
        """Open it, and read what a restart of the collector reads."""
        self._held = contextlib.ExitStack()
        self._held.enter_context(store_lock(directory))
        self._database = Database(directory)
        memory = self._database.open_and_remember(BEGIN)
        self._held.callback(self._database.close)
        self.upto = max((mark.upto for mark in memory.marks if mark.stream == self._STREAM), default=0)
        self._now = memory.alive or BEGIN

    def put(self, numbers: Sequence[int]) -> list[int]:
        """Write reports and the mark that covers them."""
        batch = Batch(now=self._now)
        keys = list(range(self.upto + 1, self.upto + 1 + len(numbers)))
        for key, number in zip(keys, numbers, strict=True):
            payload = report(number, self._STREAM, key)
            batch.journal.append(JournalRow("86", AGENT, self._STREAM, key, self._now, float(key), False, payload))  # noqa: FBT003 - a column
        batch.marks[AGENT, self._STREAM] = MarkRow(AGENT, self._STREAM, keys[-1], [(1, keys[-1])])
        self._database.write(batch)
        self.upto = keys[-1]
        return keys

    def found(self, limit: int = _MANY) -> list[Kept]:
        """Read the journal from outside; a mark that covers more than was ever written would be seen as a reused key."""
        with contextlib.closing(sqlite3.connect(f"file:{self._database.path}?mode=ro", uri=True)) as connection:
            rows = connection.execute(
                "SELECT stream, seq, payload FROM journal ORDER BY id LIMIT ?", (limit,)
            ).fetchall()
        return [Kept(seq, stream, seq, payload) for stream, seq, payload in rows]

    def release(self, found: Sequence[Kept]) -> int:
        """Prune them: ``received`` is their key."""
        return self._database.prune(found[-1].key + 0.5) if found else 0

    def told(self) -> int:
        """Drop nothing, ever."""
        return 0

    def close(self) -> None:
        """Close it."""
        self._held.close()


def be_silent() -> None:
    """Let the programs under test log nothing: what they say of thousands of damaged files is not for people."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def open_keeper(side: str, directory: Path) -> Keeper:
    """Open the one of ``side``: agent or collector."""
    return SpoolKeeper(directory) if side == "agent" else StoreKeeper(directory)


class _Hasty(sqlite3.Connection):
    """Takes ``synchronous = NORMAL`` where FULL is asked for: commits of a WAL are then not synced."""

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        return super().execute(sql.replace("=FULL", "=NORMAL").replace("= FULL", "= NORMAL"), *values)


@contextlib.contextmanager
def mistaken(mutant: str) -> Iterator[None]:
    """Make the mistakes that are made inside: synchronous normal, no checksum. The others are the writer's and the disk's."""
    connect = sqlite3.connect
    match mutant:
        case "synchronous normal":
            with patch.object(sqlite3, "connect", lambda *given, **named: connect(*given, factory=_Hasty, **named)):
                yield
        case "no checksum":
            with patch.object(zlib, "crc32", lambda *_: 0):
                yield
        case _:
            yield
