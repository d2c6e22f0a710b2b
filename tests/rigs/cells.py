"""Where in a SQLite file the bytes of each row of the table ``report`` are (https://www.sqlite.org/fileformat2.html).

A reader of its own, for the damage rig: what the spool itself can read of a file says nothing about what it should.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = 4096
_INTERIOR, _LEAF = 0x05, 0x0D


def owners(content: bytes, table: str = "report") -> list[tuple[int, int, int]]:
    """Return ``(first byte, last byte, rowid)`` of every piece of every row of a sound file."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        uri = f"{Path(file.name).as_uri()}?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    return list(_page(content, root))


def _page(content: bytes, page: int) -> Iterator[tuple[int, int, int]]:
    begin = (page - 1) * PAGE
    count = int.from_bytes(content[begin + 3 : begin + 5], "big")
    interior = content[begin] == _INTERIOR
    head = begin + (12 if interior else 8)
    for number in range(count):
        at = begin + int.from_bytes(content[head + 2 * number : head + 2 * number + 2], "big")
        if interior:
            yield from _page(content, int.from_bytes(content[at : at + 4], "big"))
        else:
            yield from _cell(content, at)
    if interior:
        yield from _page(content, int.from_bytes(content[begin + 8 : begin + 12], "big"))


def _cell(content: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    size, after = _varint(content, at)
    rowid, after = _varint(content, after)
    most = PAGE - 35
    if size <= most:
        yield at, after + size - 1, rowid
        return
    least = (PAGE - 12) * 32 // 255 - 23
    local = least + (size - least) % (PAGE - 4)
    local = local if local <= most else least
    yield at, after + local + 3, rowid
    following, left = int.from_bytes(content[after + local : after + local + 4], "big"), size - local
    while left > 0:
        begin = (following - 1) * PAGE
        yield begin, begin + 4 + min(left, PAGE - 4) - 1, rowid
        following, left = int.from_bytes(content[begin : begin + 4], "big"), left - (PAGE - 4)


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for number in range(8):
        byte = content[at + number]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + number + 1
    return value << 8 | content[at + 8], at + 9
