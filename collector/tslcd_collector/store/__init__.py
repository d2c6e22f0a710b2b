"""What survives a restart: marks, journal, newest tables, agents' status, verdicts. One SQLite file, one thread."""

from tslcd_collector.store.database import Database, lock
from tslcd_collector.store.rows import (
    AgentRow,
    Batch,
    JournalRow,
    LatestRow,
    MarkRow,
    Memory,
    VerdictRow,
)
from tslcd_collector.store.thread import Store

__all__ = [
    "AgentRow",
    "Batch",
    "Database",
    "JournalRow",
    "LatestRow",
    "MarkRow",
    "Memory",
    "Store",
    "VerdictRow",
    "lock",
]
