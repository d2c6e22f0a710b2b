"""Values that are numbers or text, and mappings whose keys are either: how they are read, and what is refused."""

from __future__ import annotations

import pytest
from msgspec import Struct

from tslcd_runtime.settings import SettingsError, loads


class Words(Struct, forbid_unknown_fields=True, frozen=True):
    """Settings with raw values in them."""

    map: dict[int | str, int | float | str] = {}
    listed: tuple[int | float | str, ...] = ()
    one: int | float | str | None = None


def test_values_come_as_they_are() -> None:
    """Numbers are numbers, text is text, and a number as a key is its digits."""
    words = loads(b"map: {1: up, -2: 0.5, '3': '3', four: 4}\nlisted: [1, 1.5, one, '1']\none: 1.3.6.1\n", Words).value
    assert words.map == {"1": "up", "-2": 0.5, "3": "3", "four": 4}
    assert words.listed == (1, 1.5, "one", "1")
    assert words.one == "1.3.6.1"
    assert loads(b"one: null", Words).value.one is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("map: {1: off}", "f.yaml:1: map.1: off is not a number or text in YAML: put it in quotes"),
        ("map: {on: 1}", "f.yaml:1: map: key 'on' is not text: put it in quotes"),
        ("map: {1.5: 1}", "f.yaml:1: map: key '1.5' is not text: put it in quotes"),
        ("map: {1: 1, '1': 2}", "f.yaml:1: map.1: given twice, first in line 1"),
        ("map: {1: [2]}", "f.yaml:1: map.1: a list is not allowed: a number or text is wanted here"),
        ("listed: [null]", "f.yaml:1: listed[0]: empty is not allowed"),
        ("listed: [yes]", "f.yaml:1: listed[0]: yes is not a number or text in YAML: put it in quotes"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    """Flags, lists and nothing are neither numbers nor text."""
    with pytest.raises(SettingsError) as caught:
        loads(text.encode(), Words, name="f.yaml")
    assert str(caught.value) == message
