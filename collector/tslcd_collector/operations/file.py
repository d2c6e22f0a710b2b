"""The file of what operators enter, and of the people who may: ``operations.db``, beside the store and apart from it.

Invariants:

* Nothing that people do is without its line in the audit log: both are written in one transaction, or neither.
* Passwords, one-time secrets, tokens and recovery codes are never in the audit log, and of tokens and codes only hashes are kept.
* The file is readable by its owner only, and belongs to the owner of its folder, also when root made it by a command.
* A file that is not a sound database is set aside under another name, never deleted.

The commands ``tslcd-collector person`` write here while the collector runs: SQLite's own locks keep them apart.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from tslcd_collector.database_file import connect, damaged, durable, parts, set_aside, transaction
from tslcd_collector.errors import OperationsError
from tslcd_collector.operations.rows import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tslcd_collector.operations.rows import Actor

FILE: Final = "operations.db"
VERSION: Final = 1
#: Lines of the audit log that are kept at most; far more than a year of a province.
MAX_ENTRIES: Final = 1_000_000

_SCHEMA: Final = f"""
CREATE TABLE person (
  name TEXT PRIMARY KEY, role TEXT NOT NULL, issuer TEXT NOT NULL DEFAULT '', subject TEXT NOT NULL DEFAULT '',
  password TEXT NOT NULL DEFAULT '', must_change INTEGER NOT NULL DEFAULT 0, secret TEXT NOT NULL DEFAULT '',
  last_step INTEGER NOT NULL DEFAULT 0, disabled INTEGER NOT NULL DEFAULT 0, created REAL NOT NULL, last_login REAL
) WITHOUT ROWID;
CREATE UNIQUE INDEX person_subject ON person (issuer, subject) WHERE subject != '';
CREATE TABLE recovery (person TEXT NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (person, hash)) WITHOUT ROWID;
CREATE TABLE session (
  hash BLOB PRIMARY KEY, person TEXT NOT NULL, created REAL NOT NULL, seen REAL NOT NULL, source TEXT NOT NULL,
  complete INTEGER NOT NULL, pending TEXT NOT NULL DEFAULT '', id_token TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX session_person ON session (person);
CREATE TABLE device (hash BLOB PRIMARY KEY, person TEXT NOT NULL, seen REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE acknowledgement (
  id INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, who TEXT NOT NULL, at REAL NOT NULL, comment TEXT NOT NULL,
  until REAL
);
CREATE UNIQUE INDEX acknowledgement_open ON acknowledgement (channel) WHERE until IS NULL;
CREATE TABLE comment (
  id INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, who TEXT NOT NULL, at REAL NOT NULL, text TEXT NOT NULL
);
CREATE INDEX comment_channel ON comment (channel, at);
CREATE TABLE planned_work (
  id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, kind TEXT NOT NULL, "begin" REAL NOT NULL, "end" REAL NOT NULL,
  channels TEXT NOT NULL, sites TEXT NOT NULL, operators TEXT NOT NULL, contact TEXT NOT NULL, who TEXT NOT NULL,
  at REAL NOT NULL, withdrawn REAL
);
CREATE INDEX planned_work_end ON planned_work ("end");
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, who TEXT NOT NULL, source TEXT NOT NULL, what TEXT NOT NULL,
  target TEXT NOT NULL, detail TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at);
PRAGMA user_version = {VERSION};
"""


class OperationsFile:
    """The file, opened. For one thread at a time; every method raises OperationsError, and then has written nothing."""

    def __init__(self, directory: Path) -> None:
        """Remember where; :meth:`open` does the work."""
        self.path = directory / FILE
        self.set_aside: Path | None = None
        self._connection: sqlite3.Connection | None = None

    def open(self, now: float) -> None:
        """Open or make the file; ``now`` (UTC seconds) names one that is damaged and set aside."""
        try:
            self._connect()
        except sqlite3.DatabaseError as error:
            if not damaged(error):
                raise self._failure(error) from None
            self._start_anew(now)
        except OSError as error:
            raise OperationsError(f"operations {self.path}: {error.strerror or error}") from None

    def close(self) -> None:
        """Close the file; safe to call again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def read(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        """Return the rows of a query."""
        try:
            return self._opened().execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._failure(error) from None

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """All of a block or nothing of it, synced at its end."""
        try:
            with transaction(self._opened()) as connection:
                yield Transaction(connection)
        except sqlite3.Error as error:
            raise self._failure(error) from None

    def entries(self, *, before: int | None = None, limit: int = 200) -> list[tuple[int, Entry]]:
        """Return lines of the audit log with their numbers, the newest first; those below number ``before``."""
        rows = self.read(
            "SELECT id, at, who, source, what, target, detail FROM audit WHERE ? IS NULL OR id < ? ORDER BY id DESC LIMIT ?",
            (before, before, limit),
        )
        return [(row[0], Entry(*row[1:])) for row in rows]

    def prune(self, now: float, keep: float) -> None:
        """Delete what ended more than ``keep`` seconds ago; of the audit log also what is more than MAX_ENTRIES."""
        before = now - keep
        with self.writing() as one:
            for query in (
                "DELETE FROM acknowledgement WHERE until < ?",
                "DELETE FROM comment WHERE at < ?",
                'DELETE FROM planned_work WHERE "end" < ?',
                "DELETE FROM audit WHERE at < ?",
            ):
                one.run(query, (before,))
            one.run("DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?", (MAX_ENTRIES,))

    def _failure(self, error: sqlite3.Error) -> OperationsError:
        return OperationsError(f"operations {self.path}: {error}")

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise OperationsError(f"operations {self.path}: not open")
        return self._connection

    def _connect(self) -> None:
        # made here with its mode, so that it is never readable by others, not even for a moment
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._connection = connect(self.path, self._prepare)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version not in {0, VERSION}:
            raise OperationsError(
                f"operations {self.path}: schema version {version}, this program knows {VERSION}: use the newer one"
            )
        durable(connection)
        connection.execute("PRAGMA secure_delete = ON")
        if version == 0:
            connection.executescript("BEGIN IMMEDIATE;" + _SCHEMA + "COMMIT;")
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            damage = sqlite3.DatabaseError("damaged")
            damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise damage
        self._give_to_owner()

    def _give_to_owner(self) -> None:
        """Let the file belong to whom the folder belongs to, when a command of root made it."""
        if os.geteuid() != 0:
            return
        owner = self.path.parent.stat()
        for part in parts(self.path):
            os.chown(part, owner.st_uid, owner.st_gid)

    def _start_anew(self, now: float) -> None:
        """Set the damaged file aside and make an empty one."""
        try:
            aside = set_aside(self.path, f"{now:.0f}")
            self._connect()
        except (OSError, sqlite3.Error) as error:
            raise OperationsError(f"operations {self.path}: damaged, and cannot be set aside: {error}") from None
        self.set_aside = aside


class Transaction:
    """What may be written together."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Remember; it began already."""
        self._connection = connection

    def run(self, query: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self._connection.execute(query, values)

    def audit(self, now: float, actor: Actor, what: str, target: str = "", detail: str = "") -> None:
        """Write a line of the audit log."""
        self.run(
            "INSERT INTO audit (at, who, source, what, target, detail) VALUES (?, ?, ?, ?, ?, ?)",
            (now, actor.who, actor.source, what, target, detail),
        )
