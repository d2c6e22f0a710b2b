"""Names on the wall: their order, and how they are found. The browser's script is held against the same cases."""

from __future__ import annotations

import unicodedata

import pytest

from support.spelling import FOUND
from tslcd_collector.web.names import found, sort_key


@pytest.mark.parametrize(("query", "text", "expected"), FOUND)
def test_names_are_found_however_they_are_typed(query: str, text: str, expected: bool) -> None:
    """Without marks every spelling, with them only what has them; the place of the tone and case never count."""
    assert found(query, text) is expected
    assert found(unicodedata.normalize("NFD", query), unicodedata.normalize("NFC", text)) is expected
    assert found(unicodedata.normalize("NFC", query.upper()), unicodedata.normalize("NFD", text)) is expected


def test_letters_come_before_tones() -> None:
    """As in a Vietnamese dictionary, whatever the code points are."""
    names = [
        "Ă",
        "Ân",
        "An Bình",
        "Áng",
        "Bến Tre",
        "Cầu Kè",
        "Càng Long",
        "Chợ Lách",
        "Đại An",
        "Duyên Hải",
        "An Bính",
        "Ba",
    ]
    assert sorted(names, key=sort_key) == [
        "An Bình", "An Bính", "Áng", "Ă", "Ân", "Ba", "Bến Tre", "Càng Long", "Cầu Kè", "Chợ Lách", "Duyên Hải", "Đại An",
    ]  # fmt: skip
    assert sort_key("Hoà") == sort_key("Hòa")
    assert sort_key("") < sort_key("a") < sort_key("☃")
