"""What every SQLite file of the collector and the pager has in common: one holder, whole transactions, damage set aside.

Invariants:

* A lock ends with the process that has it, however that ends (flock(2)).
* A transaction is whole or nothing, also when what stops it is no error of SQLite, and on disk when it is over.
* A file that is not a sound database is set aside under another name with all that SQLite keeps beside it, never deleted.

Each file says itself what it is: schema, version, errors.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tslcd_collector.errors import StoreBusyError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: A journal that grew gives back what is more, bytes.
_JOURNAL: Final = 64 * 2**20
#: What SQLite keeps beside a file, the file first.
_SUFFIXES: Final = ("", "-journal", "-wal", "-shm")


@contextmanager
def lock(file: Path, what: str, program: str) -> Iterator[None]:
    """Hold the folder of ``file`` for this process alone; made when there is none. ``what`` is in it, for the ``program`` alone.

    Raises StoreBusyError, StoreError. Blocks only on files.
    """
    directory = file.parent
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o750)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StoreError(f"{what} {directory}: {reason}: it must be a folder this user may write to") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreBusyError(f"{what} {directory}: another {program} works on it: stop that one first") from None
        yield
    finally:
        os.close(descriptor)


def connect(path: Path, prepare: Callable[[sqlite3.Connection], object]) -> sqlite3.Connection:
    """Open or make a file for one thread at a time; closed again when ``prepare`` fails. Raises sqlite3.Error, and what that does."""
    return _prepared(sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0), prepare)


def connect_to_read(path: Path, prepare: Callable[[sqlite3.Connection], object] = lambda _: None) -> sqlite3.Connection:
    """Open a file that there is, to read it beside whoever writes it. Raises as :func:`connect`."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)
    return _prepared(connection, prepare)


def durable(connection: sqlite3.Connection) -> None:
    """Have every transaction synced, in a journal beside the file. Raises sqlite3.Error."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL}")


@contextmanager
def transaction(connection: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
    """All of a block or nothing of it, synced at its end. Raises sqlite3.Error."""
    connection.execute(begin)
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def damaged(error: BaseException | None) -> bool:
    """Whether it says that the file is not a sound database."""
    code: int = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def parts(path: Path) -> Iterator[Path]:
    """Yield the files that a database consists of now."""
    for suffix in _SUFFIXES:
        part = path.with_name(path.name + suffix)
        if part.exists():
            yield part


def set_aside(path: Path, stamp: str) -> Path:
    """Give a damaged file another name, with ``stamp`` in it, and return it. Raises OSError."""
    name = f"{path.name}.damaged-{stamp}"
    for part in parts(path):
        part.rename(path.with_name(name + part.name.removeprefix(path.name)))
    return path.with_name(name)


def _prepared(connection: sqlite3.Connection, prepare: Callable[[sqlite3.Connection], object]) -> sqlite3.Connection:
    try:
        prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection
