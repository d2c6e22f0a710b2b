"""What survives a restart: marks, journal, newest tables, agents' status, verdicts. One SQLite file, one thread."""

from tslcd_collector.store.backlog import Backlog
from tslcd_collector.store.database import Database, lock
from tslcd_collector.store.rows import (
    AgentRow,
    Batch,
    HeardRow,
    JournalRow,
    LatestRow,
    MarkRow,
    Memory,
    ProgressRow,
    SpanRow,
    VerdictRow,
    WaitingRow,
)
from tslcd_collector.store.thread import Store

__all__ = [
    "AgentRow",
    "Backlog",
    "Batch",
    "Database",
    "HeardRow",
    "JournalRow",
    "LatestRow",
    "MarkRow",
    "Memory",
    "ProgressRow",
    "SpanRow",
    "Store",
    "VerdictRow",
    "WaitingRow",
    "lock",
]
