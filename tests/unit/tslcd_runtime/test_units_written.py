"""Quantities as people write them: what is shown is parsed as the very same number."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tslcd_runtime.units import BIT_RATE, BYTE_SIZE, DURATION, RATIO, Quantity

EVERY = [DURATION, BYTE_SIZE, BIT_RATE, RATIO]


@pytest.mark.parametrize("quantity", EVERY, ids=lambda quantity: quantity.name)
@given(data=st.data())
def test_what_was_parsed_is_shown_and_parsed_the_same(quantity: Quantity, data: st.DataObject) -> None:
    """parse(show(parse(text))) == parse(text) for any number and suffix."""
    number = data.draw(st.decimals(0, 10**12, places=data.draw(st.integers(0, 9))))
    suffix = data.draw(st.sampled_from(list(quantity.factors)))
    value = quantity.parse(f"{number:f}{suffix}")
    assert quantity.parse(quantity.show(value)) == value


@given(st.floats(0, allow_infinity=False))
@example(5e-324)
@example(1.7976931348623157e308)
def test_any_number_of_base_units_is_shown_exactly(value: float) -> None:
    """Where the base unit has a suffix of its own, nothing is lost, however small or large."""
    for quantity in (DURATION, BYTE_SIZE, BIT_RATE):
        assert quantity.parse(quantity.show(value)) == value


@pytest.mark.parametrize(
    ("quantity", "value", "text"),
    [
        (DURATION, 0.0, "0ms"), (DURATION, 0.25, "250ms"), (DURATION, 30.0, "30s"), (DURATION, 90.0, "1.5min"),
        (DURATION, 2592000.0, "30d"), (DURATION, 86400.5, "86400.5s"), (BYTE_SIZE, 200 * 2**20, "200MiB"), (BYTE_SIZE, 1000, "1000B"),
        (BIT_RATE, 2e8, "200Mbps"), (RATIO, 0.07, "7%"), (RATIO, 0.005, "0.5%"), (DURATION, float("inf"), "0ms"),
    ],
)  # fmt: skip
def test_shown_short(quantity: Quantity, value: float, text: str) -> None:
    """The largest suffix that leaves a short number is taken."""
    assert quantity.show(value) == text


@pytest.mark.parametrize(
    "text", ["", "s", "1", "1 minute", "1S", "1e3s", "+1s", "-1s", ".5s", "1.s", "1s s", "1,5s", "١s", "nan", None, 5]
)
def test_not_a_duration(text: object) -> None:
    """Anything else is refused with what is allowed."""
    with pytest.raises(ValueError, match="is not a duration: write a number and one of ms, s, min, h, d"):
        DURATION.parse(text)
