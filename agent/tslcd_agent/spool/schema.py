"""The form of the file: its tables, its version, and how a file of an older version is carried on.

Invariants:

* ``PRAGMA user_version`` tells the form. A file of version 1 (which has 0 there) becomes one of version 2 in one
  transaction that rewrites no row. A file of a later version is never opened for writing; it is told from a damaged number by its state
  document, which has something in it that this version does not know.
* The tables are those of the form, to the letter: a type that a damaged bit made another one changes values without a word.
* ``PRAGMA application_id`` and the state document hold the same random number: the journal of another file is found out.
* Rows of both versions have their columns in the same order; the last two are missing in a row that version 1 wrote.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tslcd_agent.spool.state import State, fresh_state

if TYPE_CHECKING:
    from pathlib import Path

FILE: Final = "spool.db"
VERSION: Final = 2
PAGE: Final = 4096
JOURNAL: Final = "-wal"
_HELD: Final = "-wal.held"
_OLDEST: Final = 0
_REPORT: Final = """CREATE TABLE report (key INTEGER PRIMARY KEY, at REAL NOT NULL, boot TEXT NOT NULL, mono REAL NOT NULL,
    checksum INTEGER NOT NULL, payload BLOB NOT NULL, worth INTEGER NOT NULL DEFAULT 0,
    dictionary INTEGER NOT NULL DEFAULT -1)"""
_DICTIONARY: Final = """CREATE TABLE {name} (id INTEGER PRIMARY KEY, made INTEGER NOT NULL, first INTEGER NOT NULL,
    checksum INTEGER NOT NULL, content BLOB NOT NULL)"""
TWINS: Final = ("dictionary", "dictionary_twin")
_STATE: Final = "CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), document TEXT NOT NULL)"
_BESIDE: Final = (
    *(_DICTIONARY.format(name=name) for name in TWINS),
    "CREATE TABLE lost (first INTEGER PRIMARY KEY, last INTEGER NOT NULL)",
    "CREATE INDEX kept ON report (worth, key) WHERE worth > 0",
)
_SCHEMA: Final = frozenset(" ".join(one.split()) for one in (_REPORT, _STATE, *_BESIDE))
#: SQLITE_CORRUPT, SQLITE_NOTADB: the file is damaged, not the disk full.
_DAMAGED: Final = frozenset({11, 26})
#: What SQLite says of our own statements when the text of the schema was damaged: it has no code for that.
_OTHER_SCHEMA: Final = ("no such column", "no such table", "malformed", "unsupported file format")
_OTHER_NUMBER: Final = "the number of a form that it has not"
#: Where a file's header says who may write it, and what: a journal of either kind (sqlite.org/fileformat2.html, 1.3.3).
_WRITING: Final = slice(18, 20)
_WRITTEN_BY_US: Final = (b"\x01\x01", b"\x02\x02")

_decoder = msgspec.json.Decoder(State)


class DamagedError(Exception):
    """The file opens but cannot be what we wrote."""

    code = "damaged"


class NewerError(Exception):
    """The file was written by a later version of this program."""

    code = "newer"


def is_damage(error: Exception) -> bool:
    """Whether an error says that the file itself is damaged, rather than that the disk is full or failing."""
    if isinstance(error, DamagedError | UnicodeDecodeError):
        return True  # of the schema's own text: sqlite3 decodes it for its message
    if isinstance(error, sqlite3.OperationalError) and str(error).startswith(_OTHER_SCHEMA):
        return True
    number = getattr(error, "sqlite_errorcode", None)
    return isinstance(number, int) and number & 0xFF in _DAMAGED


def check_files(path: Path) -> None:
    """Raise DamagedError where SQLite would throw a journal away, for the file is empty or gone, or would open it for reading only."""
    journal = path.with_name(path.name + JOURNAL)
    held = path.with_name(path.name + _HELD)
    if held.exists() and not journal.exists():
        held.rename(journal)
    if journal.exists() and journal.stat().st_size and not (path.exists() and path.stat().st_size):
        raise DamagedError("a journal without its file")
    if path.exists():
        with path.open("rb") as file:
            writing = file.read(_WRITING.stop)[_WRITING]
        if writing and writing not in _WRITTEN_BY_US:
            raise DamagedError("a file for other programs to write")


def close_untouched(connection: sqlite3.Connection, path: Path) -> None:
    """Close a damaged file without SQLite taking its journal away, for more of that may be read than SQLite reads."""
    journal, held = path.with_name(path.name + JOURNAL), path.with_name(path.name + _HELD)
    with contextlib.suppress(OSError):
        journal.rename(held)
    try:
        with contextlib.suppress(sqlite3.Error):
            connection.close()
    finally:
        with contextlib.suppress(OSError):
            held.rename(journal)


def prepare(connection: sqlite3.Connection, journal_bytes: int, *, had_journal: bool) -> None:
    """Make the tables, or carry an older file on. ``had_journal``: whether a journal with frames was there before.

    Raises NewerError, DamagedError, sqlite3.Error.
    """
    execute = connection.execute
    connection.text_factory = text
    version: int = execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION or version < _OLDEST:
        try:
            load_state(connection)
        except (sqlite3.Error, DamagedError):
            raise NewerError(f"version {version}; this program knows {VERSION}") from None
        raise DamagedError(_OTHER_NUMBER)
    if not execute("PRAGMA page_count").fetchone()[0]:
        execute("PRAGMA auto_vacuum=INCREMENTAL")  # before the first table, or it has no effect
    execute("PRAGMA journal_mode=WAL")
    execute("PRAGMA synchronous=FULL")
    execute(f"PRAGMA wal_autocheckpoint={max(8, journal_bytes // 2 // PAGE)}")
    execute(f"PRAGMA journal_size_limit={journal_bytes}")
    execute("PRAGMA cache_size=-512")  # KiB; the agent lives in 42 MB
    if version < VERSION:
        execute("BEGIN IMMEDIATE")
        try:
            _make(connection, had_journal=had_journal)
            execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                execute("ROLLBACK")
            raise
    _check(connection)


def _check(connection: sqlite3.Connection) -> None:
    """Raise DamagedError when the tables are not those of the form."""
    found = {" ".join(str(sql).split()) for (sql,) in connection.execute("SELECT sql FROM sqlite_schema")}
    if found != _SCHEMA:
        raise DamagedError("tables that are not ours")


def _make(connection: sqlite3.Connection, *, had_journal: bool) -> None:
    execute = connection.execute
    tables = {name for (name,) in execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if tables.issuperset(TWINS):
        raise DamagedError(_OTHER_NUMBER)
    if "report" in tables:
        execute("ALTER TABLE report ADD COLUMN worth INTEGER NOT NULL DEFAULT 0")
        execute("ALTER TABLE report ADD COLUMN dictionary INTEGER NOT NULL DEFAULT -1")
    elif tables:
        raise DamagedError("another program's database")
    elif had_journal:
        raise DamagedError("a journal that does not hold together")
    else:
        execute(_REPORT)
        execute(_STATE)
        state = fresh_state()
        state.settled = False
        execute(f"PRAGMA application_id={state.identity}")
        execute("INSERT INTO state VALUES (1, ?)", (msgspec.json.encode(state).decode(),))
    for statement in _BESIDE:
        execute(statement)
    execute(f"PRAGMA user_version={VERSION}")


def text(data: bytes) -> str:
    """Decode a text of the file; damaged bytes are no error here, for the checksum tells."""
    return data.decode(errors="replace")


def load_state(connection: sqlite3.Connection) -> State:
    """Read the state document, and check that it is this file's. Raises DamagedError, sqlite3.Error."""
    found = connection.execute("SELECT document FROM state WHERE id = 1").fetchone()
    if found is None:
        raise DamagedError("no state")
    state = decode_state(found[0])
    identity = connection.execute("PRAGMA application_id").fetchone()[0]
    if state.identity != identity:
        raise DamagedError("the journal of another file")
    return state


def decode_state(document: Any) -> State:
    """Read a state document. Raises DamagedError."""
    try:
        state = _decoder.decode(document)
        state.stream  # noqa: B018 - raises when the current stream has no name
    except (msgspec.MsgspecError, KeyError, TypeError, UnicodeError) as error:
        raise DamagedError(f"state not readable: {error}") from None
    return state
