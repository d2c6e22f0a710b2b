"""The oracle: what agents handed over against what the collector stored.

A source numbers what it hands over (``seq`` of the spool); the sink gives it back (the journal of the store, which has no
constraint that would hide a double). At the end nothing may be missing, invented or double, and one fresh report of every
agent must come through.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from province.parts import DemoError
from tslcd_agent.spool.inspection import inspect
from tslcd_agent.spool.state import MAX_SEQ
from tslcd_collector.decompression import decompress
from tslcd_wire.codec import decode_report

if TYPE_CHECKING:
    from pathlib import Path

    from province.stage import Stage


@dataclass(frozen=True)
class Account:
    """Of all agents together: reports handed over, stored, and what is wrong with the difference."""

    made: int
    stored: int
    missing: int
    invented: int
    double: int

    @property
    def balanced(self) -> bool:
        """Whether every report is there once, and no other."""
        return not (self.missing or self.invented or self.double)

    def __str__(self) -> str:
        """Write the account in a line."""
        return f"{self.made} reports made, {self.stored} stored: missing {self.missing}, invented {self.invented}, double {self.double}"


def _rows(file: Path, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def _spool(folder: Path) -> tuple[str, int, set[int]]:
    """Return name of the stream, highest number given, and the numbers that wait."""
    found = inspect(folder)
    waiting = {int(str(key)) & MAX_SEQ for (key,) in _rows(folder / "spool.db", "SELECT key FROM report")}
    return found.stream, found.newest, waiting


def account(stage: Stage) -> Account:
    """Compare every agent's spool with the collector's journal, both at rest. Raises DemoError when one cannot be read."""
    made = stored = missing = invented = double = 0
    try:
        # spools first: what is made meanwhile must not look invented, and what is confirmed meanwhile not lost
        spools = {agent: _spool(stage.spool(agent)) for agent in stage.agents}
        journal = _rows(stage.store / "collector.db", "SELECT agent, stream, seq, payload FROM journal")
    except sqlite3.Error as error:
        raise DemoError(f"oracle: {error}") from None
    seen: dict[tuple[object, object], dict[int, int]] = {}
    for agent, stream, seq, payload in journal:
        counts = seen.setdefault((agent, stream), {})
        counts[int(str(seq))] = counts.get(int(str(seq)), 0) + 1
        invented += not _is_itself(payload, agent, stream, seq)
    for agent, (stream, newest, waiting) in spools.items():
        counts = seen.pop((agent, stream), {})
        made += newest
        stored += len(counts)
        missing += sum(1 for seq in range(1, newest + 1) if seq not in counts and seq not in waiting)
        invented += sum(1 for seq in counts if not 1 <= seq <= newest)
        double += sum(count - 1 for count in counts.values())
    invented += sum(sum(counts.values()) for counts in seen.values())
    return Account(made, stored, missing, invented, double)


def _is_itself(payload: object, agent: object, stream: object, seq: object) -> bool:
    """Whether a stored payload is the report that it is stored as."""
    if not isinstance(payload, bytes):
        return False
    report = decode_report(payload, decompress).report
    return (report.agent, report.stream, report.seq) == (agent, stream, seq)


def fresh_report_passes(stage: Stage, timeout: float = 15.0) -> list[str]:
    """Wait for a report of every agent that is newer than now; return the agents of which none came."""
    start = time.time()
    waiting = set(stage.agents)
    deadline = time.monotonic() + timeout
    while waiting and time.monotonic() < deadline:
        for agent, at in _rows(stage.store / "collector.db", "SELECT agent, max(at) FROM journal GROUP BY agent"):
            if float(str(at)) > start:
                waiting.discard(str(agent))
        time.sleep(0.3)
    return sorted(waiting)
