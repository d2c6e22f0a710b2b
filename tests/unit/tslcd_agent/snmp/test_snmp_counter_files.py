"""Wrap counts on disk: whole or not at all, damage set aside, a bad disk told once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from tslcd_agent.snmp.counter_files import CounterFiles
from tslcd_agent.snmp.counters import Memo, Remembered

if TYPE_CHECKING:
    from pathlib import Path

KEPT = Remembered(
    1_790_000_000.0, 4711, {"wan": {"receive_bytes_total": Memo(3, 99), "transmit_bytes_total": Memo(1, 0)}}
)


async def test_what_was_kept_is_recalled_and_nothing_leaves_no_file(tmp_path: Path) -> None:
    """A device whose counters never wrapped has no file."""
    files = CounterFiles(tmp_path / "counters")
    assert await files.recall("rt") is None
    await files.keep("rt", Remembered())
    assert not (tmp_path / "counters").exists()
    await files.keep("rt", KEPT)
    assert await CounterFiles(tmp_path / "counters").recall("rt") == KEPT
    assert [one.name for one in (tmp_path / "counters").iterdir()] == ["rt.json"]
    await files.keep("rt", Remembered())
    assert await files.recall("rt") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 64,
        b'{"at":1,"ticks":2,"counters":{"wan":{"receive_bytes_total":[1,',
        b'{"at":1,"ticks":2,"counters":{"wan":{"receive_bytes_total":[0,5]}}}',
        b'{"at":1,"ticks":2,"counters":{"wan":{"receive_bytes_total":[1,4294967296]}}}',
        b'{"at":1,"ticks":-2,"counters":{}}',
        b'{"at":1,"ticks":2,"counters":{},"more":1}',
        b'{"at":1,"ticks":2,"counters":{"\xff":{}}}',
        b"[]",
    ],
    ids=["empty", "zeros", "cut", "no wraps", "raw too large", "uptime", "unknown key", "not UTF-8", "another thing"],
)
async def test_a_damaged_file_is_set_aside_and_counters_begin_anew(tmp_path: Path, content: bytes) -> None:
    """Told in the log, kept for whoever wants to look, and the next wrap is kept again."""
    (tmp_path / "rt.json").write_bytes(content)
    files = CounterFiles(tmp_path)
    with capture_logs() as logs:
        assert await files.recall("rt") is None
    assert [line["event"] for line in logs] == ["wrap counts damaged: set aside, begun anew"]
    assert (tmp_path / "rt.damaged").read_bytes() == content
    await files.keep("rt", KEPT)
    assert await files.recall("rt") == KEPT


async def test_a_disk_that_takes_nothing_is_told_once_until_it_does(tmp_path: Path) -> None:
    """Polling goes on; so does the old file, whole."""
    folder = tmp_path / "counters"
    files = CounterFiles(folder)
    await files.keep("rt", KEPT)
    (folder / "rt.new").mkdir()
    with capture_logs() as logs:
        for _ in range(3):
            await files.keep("rt", Remembered(1.0, 2, {"wan": {"receive_bytes_total": Memo(9, 9)}}))
        assert await files.recall("rt") == KEPT
        (folder / "rt.new").rmdir()
        await files.keep("rt", KEPT)
    assert [line["event"] for line in logs] == ["wrap counts not kept", "wrap counts kept again"]


async def test_a_file_that_cannot_be_read_is_told_and_left(tmp_path: Path) -> None:
    """Whatever stands in its place."""
    (tmp_path / "rt.json").mkdir()
    with capture_logs() as logs:
        assert await CounterFiles(tmp_path).recall("rt") is None
    assert [line["event"] for line in logs] == ["wrap counts not read"]
