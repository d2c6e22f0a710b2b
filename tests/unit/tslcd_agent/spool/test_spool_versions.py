"""Files of another version, of another program, and those whose number is damaged: told apart, and none is spoilt."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest

from support.spools import Clock, fill, opened, waiting
from tslcd_agent.spool.state import seq_of
from tslcd_agent.spool.store import FILE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("number", [-1, 0, 3, 10, 2 + 2**31 - 2**32])
def test_a_damaged_number_is_no_other_version(tmp_path: Path, number: int) -> None:
    """What the file has in it is of this version: it is read, and goes on under a new name."""
    clock = Clock()
    engine = opened(tmp_path, clock)
    fill(engine, clock, 3)
    engine.close()
    with contextlib.closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute(f"PRAGMA user_version={number}")
    engine = opened(tmp_path, clock)
    assert waiting(engine) == [1, 2, 3]
    assert engine.statistics().totals.files_set_aside == 1
    engine.close()


def test_a_file_of_a_later_version_is_left_as_it_is(tmp_path: Path) -> None:
    """Neither read nor changed nor deleted; a new spool works beside it, again and again."""
    clock = Clock()
    engine = opened(tmp_path, clock)
    fill(engine, clock, 3)
    engine.close()
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("PRAGMA user_version=3")
    connection.execute("UPDATE state SET document = json_set(document, '$.later', 1)")
    connection.commit()
    connection.close()
    content = (tmp_path / FILE).read_bytes()
    for _ in range(2):
        engine = opened(tmp_path, clock)
        fill(engine, clock, 1)
        engine.close()
    [aside] = tmp_path.glob("newer-*.db")
    assert aside.read_bytes() == content
    engine = opened(tmp_path, clock)
    assert waiting(engine) == [1, 2]
    engine.close()


def test_the_database_of_another_program_is_set_aside(tmp_path: Path) -> None:
    """It is no spool, whatever it is."""
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("CREATE TABLE photographs (name TEXT)")
    connection.commit()
    connection.close()
    clock = Clock()
    engine = opened(tmp_path, clock)
    assert seq_of(fill(engine, clock, 1)[0]) == 1
    assert len(list(tmp_path.glob("damaged-*.db"))) == 1
    engine.close()
