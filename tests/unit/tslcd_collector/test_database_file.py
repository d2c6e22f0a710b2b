"""What every SQLite file here has in common, where no file of its own shows it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tslcd_collector.database_file import connect, connect_to_read, damaged, set_aside, transaction

if TYPE_CHECKING:
    from pathlib import Path


class _StopError(BaseException):
    """No error of SQLite, nor an Exception."""


def test_what_lies_beside_a_damaged_file_goes_with_it(tmp_path: Path) -> None:
    """A journal that stayed would be played into the new file."""
    for suffix in ("", "-journal", "-wal", "-shm", "-other"):
        (tmp_path / f"x.db{suffix}").write_text(suffix)
    aside = set_aside(tmp_path / "x.db", "now")
    assert aside == tmp_path / "x.db.damaged-now"
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {
        "x.db-other": "-other",
        **{f"x.db.damaged-now{suffix}": suffix for suffix in ("", "-journal", "-wal", "-shm")},
    }


def test_a_transaction_is_whole_or_nothing_whatever_stops_it(tmp_path: Path) -> None:
    """What stops it is told as it is, nothing stays, and the next one is taken."""

    def stopped() -> None:
        with transaction(one):
            one.execute("INSERT INTO x VALUES (1)")
            raise _StopError

    with closing(connect(tmp_path / "x.db", lambda new: new.execute("CREATE TABLE x (y)"))) as one:
        with pytest.raises(_StopError):
            stopped()
        with transaction(one):
            one.execute("INSERT INTO x VALUES (2)")
        assert one.execute("SELECT y FROM x").fetchall() == [(2,)]


def test_a_full_disk_leaves_nothing_half_done(tmp_path: Path) -> None:
    """SQLite may have ended the transaction by itself: that is told as it is, and with room again the next one is taken."""

    def write(number: int) -> None:
        with transaction(one):
            one.execute("INSERT INTO x VALUES (?, ?)", (number, bytes(2**20)))

    with closing(connect(tmp_path / "x.db", lambda new: new.execute("CREATE TABLE x (y, z)"))) as one:
        (usual,) = one.execute("PRAGMA max_page_count").fetchone()
        one.execute("PRAGMA max_page_count = 20")
        with pytest.raises(sqlite3.OperationalError, match="full") as refused:
            write(1)
        assert not damaged(refused.value)
        one.execute(f"PRAGMA max_page_count = {usual}")
        write(2)
        assert one.execute("SELECT y FROM x").fetchall() == [(2,)]


def test_a_file_that_is_read_is_not_made(tmp_path: Path) -> None:
    """One that is not there is no damage, and cannot be written to either when it is."""
    with pytest.raises(sqlite3.OperationalError) as refused, closing(connect_to_read(tmp_path / "x.db")):
        pass
    assert not damaged(refused.value)
    assert list(tmp_path.iterdir()) == []
    connect(tmp_path / "x.db", lambda new: new.execute("CREATE TABLE x (y)")).close()
    with closing(connect_to_read(tmp_path / "x.db")) as one, pytest.raises(sqlite3.OperationalError, match="readonly"):
        one.execute("INSERT INTO x VALUES (1)")
