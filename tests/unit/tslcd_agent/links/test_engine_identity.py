"""An engine id for life, and boots that only grow: whatever becomes of the file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tslcd_agent.links.engine_identity import next_identity

if TYPE_CHECKING:
    from pathlib import Path


def test_boots_grow_and_the_id_stays(tmp_path: Path) -> None:
    """RFC 3414 section 2.2: senders remember both."""
    file = tmp_path / "engine.json"
    starts = [next_identity(file) for _ in range(3)]
    assert [one.boots for one in starts] == [1, 2, 3]
    assert len({one.engine_id for one in starts}) == 1
    assert len(starts[0].engine_id) == 17
    assert starts[0].engine_id[0] & 0x80
    assert [path.name for path in tmp_path.iterdir()] == ["engine.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"engine_id": "00"}',
        b'{"engine_id": "zz", "boots": 1}',
        b'{"engine_id": "8000", "boots": 4}',
        json.dumps({"engine_id": "80" * 17, "boots": 2**31}).encode(),
        json.dumps({"engine_id": "80" * 17, "boots": "7"}).encode(),
    ],
)
def test_a_file_that_makes_no_sense_is_answered_with_a_new_id(tmp_path: Path, content: bytes) -> None:
    """Nobody remembers anything of a new id."""
    file = tmp_path / "engine.json"
    file.write_bytes(content)
    fresh = next_identity(file)
    assert (fresh.boots, len(fresh.engine_id)) == (1, 17)
    assert next_identity(file) == (fresh.engine_id, 2)


def test_boots_that_cannot_be_kept_belong_to_an_id_that_is_never_used_again(tmp_path: Path) -> None:
    """On a full or missing disk each start is a new engine; an old one would be taken for a replay."""
    kept = next_identity(tmp_path / "engine.json")
    (tmp_path / "engine.json.new").mkdir()
    lost = [next_identity(tmp_path / "engine.json") for _ in range(2)]
    assert len({kept.engine_id, *(one.engine_id for one in lost)}) == 3
    assert {one.boots for one in lost} == {1}
    assert next_identity(tmp_path / "nowhere" / "engine.json").boots == 1


def test_a_file_that_cannot_be_read_is_no_reason_to_stop(tmp_path: Path) -> None:
    """A directory stands where the file should be."""
    (tmp_path / "engine.json").mkdir()
    assert next_identity(tmp_path / "engine.json").boots == 1
