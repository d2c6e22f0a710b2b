"""Forms of operators: every mistake at its field, in both languages."""

from __future__ import annotations

import datetime as dt
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import inventories
from tslcd_collector.operations import forms
from tslcd_collector.operations.forms import FormError

if TYPE_CHECKING:
    from pathlib import Path

    from tslcd_collector.inventory import Inventory

#: 2026-09-21 21:13:20 in Viet Nam.
NOW = 1_790_000_000.0
GOOD = {"title": ["Thay cáp"], "from": ["2026-09-21T22:00"], "until": ["2026-09-22T02:00"], "channels": ["c1"]}


@pytest.fixture
def known(tmp_path: Path) -> Inventory:
    """Load the small inventory."""
    return inventories.small(tmp_path)


def test_a_good_form_is_planned_work_in_local_time(known: Inventory) -> None:
    """Local without an offset, any offset with one, seconds from programs; names by lists, commas and lines."""
    made = forms.planned_work(GOOD, known.channels.values(), "lan", NOW)
    assert dt.datetime.fromtimestamp(made.begin, dt.UTC) == dt.datetime(2026, 9, 21, 15, tzinfo=dt.UTC)
    assert (made.end - made.begin, made.channels, made.kind, made.who) == (4 * 3600, ("c1",), "maintenance", "lan")
    other = {
        **GOOD,
        "from": ["2026-09-21T15:00:00Z"],
        "until": [str(made.end)],
        "channels": ["c1, c2", "c1\r\nc2"],
        "operators": ["Viettel"],
        "kind": ["drill"],
    }
    same = forms.planned_work(other, known.channels.values(), "lan", NOW)
    assert (same.begin, same.end, same.channels, same.kind) == (made.begin, made.end, ("c1", "c2"), "drill")
    assert [same.window().concerns(one) for one in known.channels.values()] == [False, True]
    everything = forms.planned_work({**GOOD, "channels": [], "everything": ["1"]}, known.channels.values(), "lan", NOW)
    assert everything.window().concerns(known.channels["c2"])


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"until": ["2026-09-21T22:00"]}, {"until": "The end must be after the beginning."}),
        ({"until": ["2026-09-21T21:00"]}, {"until": "The end must be after the beginning."}),
        ({"from": ["2026-09-21T20:00"]}, {"from": "The beginning is in the past."}),
        ({"from": ["2020-01-01T00:00"], "until": ["2019-01-01T00:00"]}, {"from": "The beginning is in the past.", "until": "The end must be after the beginning."}),
        ({"from": ["2026-09-21T21:05"], "until": ["2026-09-21T21:10"]}, {"until": "The end is in the past."}),
        ({"from": ["2028-01-01T00:00"], "until": ["2028-01-01T01:00"]}, {"from": "Too far ahead: at most 400 days from now."}),
        ({"until": ["2026-11-21T22:00"]}, {"until": "Longer than 31 days."}),
        ({"from": [""], "until": ["mai"]}, {"from": "No time was entered.", "until": "Not a time, for example 2026-09-21T22:00."}),
        ({"from": ["nan"], "until": ["-1"]}, {"from": "Not a time, for example 2026-09-21T22:00.", "until": "Not a time, for example 2026-09-21T22:00."}),
        ({"until": ["9999-12-31T23:59"]}, {"until": "Not a time, for example 2026-09-21T22:00."}),
        ({"from": ["0001-01-01T00:00"]}, {"from": "Not a time, for example 2026-09-21T22:00."}),
        ({"title": ["  \n"]}, {"title": "Nothing was entered."}),
        ({"title": ["x" * 121]}, {"title": "121 characters long, at most 120 allowed."}),
        ({"kind": ["holiday"]}, {"kind": "Allowed are maintenance and drill."}),
        ({"channels": ["c1", "c9"], "sites": ["s9"]}, {"channels": "Not in the inventory: c9.", "sites": "Not in the inventory: s9."}),
        ({"channels": [",".join(f"c{n}" for n in range(600))]}, {"channels": "More than 500 of them."}),
        ({"channels": []}, {"channels": "Name channels, sites or operators, or say that everything is meant."}),
        ({"operators": ["Viettel"]}, {"channels": "No channel fits everything that is named."}),
        ({"title": [], "from": [], "until": [], "channels": []}, {"title": "Nothing was entered.", "from": "No time was entered.", "until": "No time was entered.", "channels": "Name channels, sites or operators, or say that everything is meant."}),
    ],
)  # fmt: skip
def test_every_mistake_is_told_at_its_field(
    known: Inventory, changes: dict[str, list[str]], wrong: dict[str, str]
) -> None:
    """All of them together, and each in Vietnamese too."""
    with pytest.raises(FormError) as caught:
        forms.planned_work({**GOOD, **changes}, known.channels.values(), "lan", NOW)
    assert {name: message.en for name, message in caught.value.problems.items()} == wrong
    assert all(message.vi and message.vi != message.en for message in caught.value.problems.values())


@given(
    st.dictionaries(
        st.sampled_from(["title", "from", "until", "channels", "kind", "contact"]),
        st.lists(st.text(max_size=20), max_size=2),
    )
)
def test_whatever_is_entered_is_planned_or_told(fields: dict[str, list[str]]) -> None:
    """No form ends in anything else."""
    with pytest.raises(FormError):
        forms.planned_work(fields, (), "lan", NOW)


def test_texts_are_nfc_and_have_no_control_characters() -> None:
    """Composed letters, kept line ends, nothing that turns a line around or rings a bell."""
    decomposed = unicodedata.normalize("NFD", "Đường truyền")
    assert forms.text({"a": [f" {decomposed}\a\x1b[31m\u202e\nhai "]}, "a") == "Đường truyền[31m\nhai"
    assert forms.text({}, "a") == ""
    with pytest.raises(FormError, match="1001 characters long"):
        forms.text({"a": ["x" * 1001]}, "a")
