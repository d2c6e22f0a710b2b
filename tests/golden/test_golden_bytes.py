"""Golden bytes: what was on the wire once decodes and encodes to the same bytes for ever.

A file here is only ever added, never changed: spools and brokers hold these bytes. A column that is new in the catalogue
needs a file of its own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tslcd_wire.catalogue import KINDS
from tslcd_wire.codec import decode_ack, decode_report, decode_status, encode

FILES = sorted(Path(__file__).parent.glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_golden_bytes_come_back_the_same(file: Path) -> None:
    """Decoded and encoded again, nothing is refused and every byte is the same."""
    payload = file.read_bytes()
    message: Any
    match file.stem.split("-")[0]:
        case "report":
            message, refused = decode_report(payload)
            assert refused == ()
        case "status":
            message = decode_status(payload)
        case _:
            message = decode_ack(payload)
    assert encode(message) == payload


def test_every_kind_and_column_is_golden() -> None:
    """All kinds and columns stand in the files with a value, and each message is there."""
    told: dict[str, set[str]] = {}
    for file in FILES:
        for kind, table in json.loads(file.read_bytes()).get("tables", {}).items():
            known = {column for column, cells in table.items() if any(cell is not None for cell in cells)}
            told.setdefault(kind, set()).update(known - {"key"})
    assert told == {kind.name: set(kind.by_name) for kind in KINDS}
    assert {file.stem.split("-")[0] for file in FILES} == {"report", "status", "ack"}
