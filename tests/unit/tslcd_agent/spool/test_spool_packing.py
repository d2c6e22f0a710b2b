"""How reports lie in the file: packed, readable with the file alone, and files of version 1 carried on."""

from __future__ import annotations

import sqlite3
import zlib
from typing import TYPE_CHECKING, Any

import msgspec

from bench.commune import Commune
from support.spools import Clock, build, fill, kill, opened, waiting
from tslcd_agent.readings import Reading
from tslcd_agent.reporter import worth
from tslcd_agent.spool.packing import DICTIONARY_BYTES, DICTIONARY_EVERY, FIRST_DICTIONARIES, Packer
from tslcd_agent.spool.schema import TWINS
from tslcd_agent.spool.state import Row, Worth, key_of
from tslcd_agent.spool.store import FILE, Draft
from tslcd_wire.ranges import RangeSet
from tslcd_wire.report import Event

if TYPE_CHECKING:
    from pathlib import Path

V1 = (
    """CREATE TABLE report (key INTEGER PRIMARY KEY, at REAL NOT NULL, boot TEXT NOT NULL, mono REAL NOT NULL,
    checksum INTEGER NOT NULL, payload BLOB NOT NULL)""",
    "CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), document TEXT NOT NULL)",
)
STREAM = "0198f3c2"


def version_1(path: Path, clock: Clock, *, damaged: int = 0) -> None:
    """Make a file as version 1 made it, with five reports; ``damaged`` names one whose bytes changed."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    for statement in V1:
        connection.execute(statement)
    for seq in range(1, 6):
        payload = build(STREAM, seq)
        row = (key_of(1, seq), clock.at, clock.boot, clock.mono, zlib.crc32(payload))
        connection.execute("INSERT INTO report VALUES (?, ?, ?, ?, ?, ?)", (*row, payload + b" " * (seq == damaged)))
    totals = {"made": 7, "confirmed": 2, "dropped_size": 0, "dropped_age": 0, "dropped_damage": 0, "dropped_memory": 0,
              "files_set_aside": 0}  # fmt: skip
    document = {"current": 1, "streams": {"1": STREAM}, "next": 6, "waiting": 5, "totals": totals, "alive": None}
    connection.execute("INSERT INTO state VALUES (1, ?)", (msgspec.json.encode(document).decode(),))
    connection.commit()
    connection.close()


def test_a_file_of_version_1_is_carried_on(tmp_path: Path) -> None:
    """Same stream, same numbers, same bytes; new reports are packed beside the old, and a restart finds both."""
    clock = Clock()
    version_1(tmp_path / FILE, clock)
    engine = opened(tmp_path, clock)
    assert waiting(engine) == [1, 2, 3, 4, 5]
    fill(engine, clock, 2)
    kill(engine)
    engine = opened(tmp_path, clock)
    statistics = engine.statistics()
    assert (statistics.stream, waiting(engine)) == (STREAM, [1, 2, 3, 4, 5, 6, 7])
    assert (statistics.totals.made, statistics.totals.confirmed) == (9, 2)
    assert engine.confirm(STREAM, [(1, 6)]) == 6
    engine.close()


def test_rows_of_a_damaged_file_of_version_1_are_saved(tmp_path: Path) -> None:
    """A changed report is found by its own checksum, and a file that does not open gives up all others."""
    clock = Clock()
    version_1(tmp_path / FILE, clock, damaged=3)
    content = bytearray((tmp_path / FILE).read_bytes())
    content[:16] = b"damaged in front"
    (tmp_path / FILE).write_bytes(content)
    engine = opened(tmp_path, clock)
    assert waiting(engine) == [1, 2, 4, 5]
    assert engine.statistics().totals.dropped_damage == 1
    assert engine.statistics().totals.made == 7
    engine.close()


def test_a_commune_takes_a_fifth_of_its_bytes(tmp_path: Path) -> None:
    """Once there is a dictionary, reports of a typical site are stored in less than a fifth, and come back the same."""
    clock, commune = Clock(), Commune()
    engine = opened(tmp_path, clock)
    stored = plain = 0
    payloads: list[bytes] = []
    for _ in range(400):
        drafts = []
        for one in commune.drafts():

            def make(stream: str, seq: int, one: Any = one) -> bytes:
                payloads.append(commune.payload(stream, seq, one))
                return payloads[-1]

            drafts.append(Draft(clock.at, clock.boot, clock.mono, make))
        engine.append(drafts)
    assert engine._store is not None
    for key, size in engine._store._connection.execute(
        "SELECT key, length(payload) FROM report WHERE key > ?", (key_of(1, 800),)
    ):
        stored += size
        plain += len(payloads[(key & 0xFFFF) - 1])
    assert stored < plain / 5
    assert [row.payload for row in engine.oldest_first(10**6, RangeSet())] == payloads
    engine.close()


def test_dictionaries_are_bounded_and_go_with_the_last_report_that_names_them(tmp_path: Path) -> None:
    """A new one comes with time and is no larger than its bound; those of confirmed reports are deleted."""
    clock = Clock()
    engine = opened(tmp_path, clock)
    stream = engine.statistics().stream
    assert engine._store is not None
    for _ in range(30):
        fill(engine, clock, 300)
        engine.confirm(stream, [(1, engine.statistics().newest - 50)])
    for table in TWINS:
        found = engine._store._connection.execute(f"SELECT id, length(content) FROM {table}").fetchall()  # noqa: S608 - constants
        assert 1 <= len(found) <= 2
        assert found[-1][0] == 1 + 1 + (30 * 300 - sum(FIRST_DICTIONARIES)) // (DICTIONARY_EVERY + 300)
        assert all(size <= DICTIONARY_BYTES for _, size in found)
    assert len(waiting(engine)) == 50
    engine.close()


def test_a_rolled_back_dictionary_is_named_by_no_row(tmp_path: Path) -> None:
    """When the transaction that made it fails, reports after it are packed without it, and can be read."""
    clock = Clock()
    engine = opened(tmp_path, clock)
    for _ in range(FIRST_DICTIONARIES[0]):
        fill(engine, clock, 1)
    store = engine._store
    assert store is not None
    store._connection.execute("CREATE TEMP TRIGGER full BEFORE INSERT ON report BEGIN SELECT RAISE(ABORT, 'full'); END")
    assert engine.append([Draft(clock.at, clock.boot, clock.mono, build)])
    assert engine.statistics().memory == 1
    clock.forward(6)
    fill(engine, clock, 5)
    assert engine.statistics().failing == ""
    assert len(waiting(engine)) == FIRST_DICTIONARIES[0] + 6
    engine.close()


def test_a_row_that_names_an_unknown_dictionary_is_damaged() -> None:
    """Nothing is handed out that cannot be what was measured."""
    packer = Packer(lambda _: None)
    stored = packer.pack(Row(key_of(1, 1), 1.0, "a", 1.0, b"some report some report some report some report"))
    assert packer.unpack(stored) is not None
    for changed in ({"dictionary": 7}, {"at": 2.0}, {"boot": "b"}, {"worth": 1}, {"payload": b"x"}, {"key": None}):
        assert packer.unpack(stored._replace(**changed)) is None


def test_what_a_reading_is_worth() -> None:
    """Events most, then heartbeats and power, then measurements."""
    event = Event(kind="link", key="wan", up=False, at=1.0, source="trap")
    assert worth(Reading("fw", {"interface": {"key": []}}, (event,))) is Worth.EVENT
    assert worth(Reading("", {"agent": {"key": [""]}})) is Worth.ALIVE
    assert worth(Reading("ups", {"ups": {"key": [""]}})) is Worth.ALIVE
    assert worth(Reading("fw", {"interface": {"key": []}})) is Worth.MEASURED
