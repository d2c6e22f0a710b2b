"""The rules that every kind and column of the catalogue keeps, and the mistakes that it refuses to hold."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tslcd_wire.catalogue import KINDS, KINDS_BY_NAME, Column, Kind, Type, Unit

COLUMNS = [(kind, column) for kind in KINDS for column in kind.columns]


def test_families_are_unique_and_valid() -> None:
    """Every column is a Prometheus family of its own, with a valid name that no suffix of the exposition makes ambiguous."""
    families = [kind.family(column.name) for kind, column in COLUMNS]
    assert len(set(families)) == len(families)
    for family in families:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", family)
        assert "__" not in family
        assert not family.endswith(("_bucket", "_count", "_sum", "_created", "_info"))


def test_kinds_are_found_by_name() -> None:
    """Names are unique, and the index has them all."""
    assert [kind.name for kind in KINDS] == list(KINDS_BY_NAME)
    assert {"interface", "device", "probe", "agent"} <= set(KINDS_BY_NAME)


@pytest.mark.parametrize(("kind", "column"), COLUMNS, ids=lambda part: part.name)
def test_help_is_one_sentence_in_both_languages(kind: Kind, column: Column) -> None:
    """Help is there in Vietnamese and in English, without a full stop, and nobody pasted one into the other."""
    for text in (column.help_vi, column.help_en, kind.help_vi, kind.help_en):
        assert text == text.strip()
        assert text
        assert not text.endswith(".")
        assert "\n" not in text
    assert column.help_en.isascii()
    assert column.help_vi != column.help_en or column.name == "version"


@pytest.mark.parametrize(("kind", "column"), COLUMNS, ids=lambda part: part.name)
def test_units_are_base_units_at_the_end_of_the_name(kind: Kind, column: Column) -> None:
    """A name that ends in a unit has that unit, and no name has a unit that is not a base unit."""
    del kind
    stem = column.name.removesuffix("_total")
    by_name = next((unit for unit in Unit if unit.value and stem.endswith(unit.value)), Unit.NONE)
    assert column.unit is by_name
    assert not re.search(r"(milli|micro|kilo|mega|percent|minutes|hours|bits)(_total)?$", column.name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "Bad"}, "column 'Bad': names are"),
        ({"name": "bad\n"}, "names are"),
        ({"name": "packets_total"}, "column 'packets_total': counters, and only counters, end in _total"),
        ({"type": Type.COUNTER}, "column 'good': counters, and only counters, end in _total"),
        ({"unit": Unit.SECONDS}, "column 'good': the unit seconds belongs at the end of the name"),
        ({"states": ("a",)}, "column 'good': states belong to STATE columns and to no other"),
        ({"type": Type.STATE}, "column 'good': states belong to STATE columns and to no other"),
    ],
)
def test_column_that_breaks_a_rule_cannot_be_made(change: dict[str, Any], message: str) -> None:
    """A column that breaks a naming rule is refused where it is written."""
    with pytest.raises(ValueError, match=message):
        Column(**{"name": "good", "type": Type.GAUGE, "help_vi": "a", "help_en": "a", **change})


@pytest.mark.parametrize(
    ("name", "columns"),
    [("Bad", ()), ("k", ("x", "x")), ("k", ("key",)), ("k", ("info",))],
)
def test_kind_that_breaks_a_rule_cannot_be_made(name: str, columns: tuple[str, ...]) -> None:
    """A kind with a bad name, a double column, or one that would shadow the key or the info series is refused."""
    made = tuple(Column(column, Type.GAUGE, "a", "a") for column in columns)
    with pytest.raises(ValueError, match=f"kind '{name}': bad kind name, or a column twice"):
        Kind(name, keyed=True, help_vi="a", help_en="a", columns=made)
