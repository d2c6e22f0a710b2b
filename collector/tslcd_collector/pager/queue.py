"""The pager's file: SQLite with WAL and ``synchronous=FULL``; a thread of its own does the work.

Invariants:

* What a transaction wrote is on disk when :meth:`Queue.run` returns; one that fails wrote nothing.
* ``audit`` is append-only: the file itself refuses to change a row, and to delete one younger than 92 days.
* No token and no secret is in it but the key that signs acknowledgement links, which never leaves it.
* A file that is not a sound database is set aside under another name, never deleted.

Tables: ``incident`` one group of alerts from its first to its last, open while ``closed`` is null; ``alert`` the newest occurrence by
severity and fingerprint, ``claimed`` an end that is not believed yet; ``notification`` one message to one recipient, from ``waiting`` to ``sent``, ``cancelled`` or ``failed``; ``audit`` who was told
what, when, by what, with which outcome; ``meta``.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from tslcd_collector import database_file
from tslcd_collector.database_file import damaged, set_aside, transaction
from tslcd_collector.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

T = TypeVar("T")
FILE: Final = "pager.db"
LOCK: Final = "pager.lock"
VERSION: Final = 2
_KEY_BYTES: Final = 32

SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE incident (
  id INTEGER PRIMARY KEY AUTOINCREMENT, severity TEXT NOT NULL, key TEXT NOT NULL, opened REAL NOT NULL, heard REAL NOT NULL,
  closed REAL, acknowledged REAL, acknowledged_by TEXT, level INTEGER NOT NULL, due REAL
);
CREATE UNIQUE INDEX incident_open ON incident (severity, key) WHERE closed IS NULL;
CREATE TABLE alert (
  severity TEXT NOT NULL, fingerprint TEXT NOT NULL, incident INTEGER NOT NULL, starts REAL NOT NULL, ends REAL,
  claimed REAL, heard REAL NOT NULL, item BLOB NOT NULL, PRIMARY KEY (severity, fingerprint)
) WITHOUT ROWID;
CREATE INDEX alert_incident ON alert (incident);
CREATE TABLE notification (
  id INTEGER PRIMARY KEY AUTOINCREMENT, incident INTEGER NOT NULL, kind TEXT NOT NULL, recipient TEXT NOT NULL,
  created REAL NOT NULL, due REAL NOT NULL, held INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
  finished REAL, story BLOB NOT NULL
);
CREATE INDEX notification_waiting ON notification (recipient, due) WHERE state = 'waiting';
CREATE INDEX notification_incident ON notification (incident, recipient);
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, event TEXT NOT NULL, incident INTEGER NOT NULL,
  recipient TEXT NOT NULL, channel TEXT NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL
);
CREATE INDEX audit_recipient ON audit (recipient, event, at);
CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_kept BEFORE DELETE ON audit WHEN old.at > unixepoch() - 92 * 86400
BEGIN SELECT raise(ABORT, 'audit is kept for 92 days'); END;
"""
_CLAIMED: Final = "ALTER TABLE alert ADD COLUMN claimed REAL;"


def lock(directory: Path) -> AbstractContextManager[None]:
    """Hold the queue for this process alone. Raises StoreBusyError, StoreError. Blocks only on files."""
    return database_file.lock(directory / LOCK, "queue", "pager")


class Queue:
    """The file, opened; commands may open it beside a running pager. For the methods without ``async``: one thread at a time."""

    def __init__(self, directory: Path, *, read_only: bool = False) -> None:
        """Remember where; :meth:`open` does the work."""
        self.path = directory / FILE
        self.set_aside: Path | None = None
        self._read_only = read_only
        self._connection: sqlite3.Connection | None = None
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="queue")

    def open(self) -> None:
        """Open or make the file. Raises StoreError."""
        try:
            self._connect()
        except sqlite3.DatabaseError as error:
            if self._read_only or not damaged(error):
                raise self._error(error) from None
            self._start_anew()

    def close(self) -> None:
        """Close the file; safe to call again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do ``work`` as one transaction and sync it. Raises StoreError, and then nothing of it is written."""
        connection = self._connection
        if connection is None:
            raise StoreError(f"queue {self.path}: not open")
        try:
            with transaction(connection, "BEGIN" if self._read_only else "BEGIN IMMEDIATE"):
                return work(connection)
        except sqlite3.Error as error:
            raise self._error(error) from None

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Like :meth:`transact`, in the queue's thread; what was begun is done, also when nobody waits any more."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, lambda: self.transact(work))

    async def start(self) -> None:
        """Open, in the queue's thread. Raises StoreError."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self.open)

    async def stop(self) -> None:
        """Finish what was asked for, and close the file."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self.close)
        self._executor.shutdown(wait=False)

    def _connect(self) -> None:
        connect = database_file.connect_to_read if self._read_only else database_file.connect
        self._connection = connect(self.path, self._prepare)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if not self._read_only:
            database_file.durable(connection)
            if version == 0:
                connection.executescript(f"BEGIN IMMEDIATE;{SCHEMA}PRAGMA user_version = {VERSION};COMMIT;")
                version = VERSION
            elif version == 1:
                connection.executescript(f"BEGIN IMMEDIATE;{_CLAIMED}PRAGMA user_version = {VERSION};COMMIT;")
                version = VERSION
            connection.execute(
                "INSERT OR IGNORE INTO meta (key, value) VALUES ('link key', ?)", (secrets.token_bytes(_KEY_BYTES),)
            )
        if version != VERSION:
            way = "use the newer one" if version > VERSION else "start the pager, which brings it up to date"
            raise StoreError(f"queue {self.path}: schema version {version}, this program knows {VERSION}: {way}")
        connection.execute("SELECT count(*) FROM notification WHERE state = 'waiting'").fetchone()

    def _start_anew(self) -> None:
        """Set a damaged file aside and begin with an empty one."""
        try:
            aside = set_aside(self.path, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
            self._connect()
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"queue {self.path}: damaged, and cannot be set aside: {error}") from None
        self.set_aside = aside

    def _error(self, error: sqlite3.Error) -> StoreError:
        return StoreError(f"queue {self.path}: {error}")


def link_key(connection: sqlite3.Connection) -> bytes:
    """Return what signs acknowledgement links: random, made with the file."""
    (value,) = connection.execute("SELECT value FROM meta WHERE key = 'link key'").fetchone()
    return bytes(value)
