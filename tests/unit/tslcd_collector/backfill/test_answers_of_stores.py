"""What follows from what a store answered, and how long to wait."""

from __future__ import annotations

import pytest

from tslcd_collector.backfill.answer import FIRST_PAUSE, MAX_PAUSE, MAX_RETRY_AFTER, Outcome, pause, read, seconds

NOW = 1_445_412_400.0


@pytest.mark.parametrize(
    ("status", "text", "outcome"),
    [
        (200, "", Outcome.ACCEPTED),
        (204, "", Outcome.ACCEPTED),
        (301, "", Outcome.DENIED),
        (400, "out of order sample", Outcome.REFUSED),
        (401, "", Outcome.DENIED),
        (404, "remote write receiver needs to be enabled", Outcome.DENIED),
        (408, "", Outcome.FAILED),
        (413, "", Outcome.REFUSED),
        (429, "", Outcome.BUSY),
        (500, "disk full", Outcome.FAILED),
        (500, "too old sample", Outcome.REFUSED),
        (500, "out of bounds", Outcome.REFUSED),
        (503, "", Outcome.FAILED),
    ],
)
def test_every_status_has_its_consequence(status: int, text: str, outcome: Outcome) -> None:
    """A 500 that names a sample is a refusal: Prometheus answers so to one sample that is too old."""
    answer = read(status, "", text.encode(), NOW)
    assert answer.outcome is outcome
    assert answer.text == ("" if outcome is Outcome.ACCEPTED else f"{status} {text}".strip())


def test_what_a_store_says_is_one_short_line() -> None:
    """For the log: neither lines of its own nor pages, whatever the bytes are."""
    assert read(500, "", b"a\r\nb\x00" + b"\xff" * 1000, NOW).text.count("\n") == 0
    assert len(read(500, "", b"x" * 10_000, NOW).text) <= 210


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("99999999999999999999", MAX_RETRY_AFTER),
        ("-3", 0.0),
        ("1.5", 0.0),
        ("٣", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 80.0),
        ("Wed, 21 Oct 2015 07:20:00 GMT", 0.0),
        ("Wed, 21 Oct 2099 07:28:00 GMT", MAX_RETRY_AFTER),
        ("tomorrow", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, wanted: float) -> None:
    """RFC 9110 section 10.2.3; what cannot be read is nothing, and nobody is obeyed for ever."""
    assert seconds(header, NOW) == wanted


def test_pauses_grow_are_jittered_and_bounded() -> None:
    """Half to the whole of a doubling time; never below what the store asked for."""
    assert pause(1, 0.0, 0.0) == FIRST_PAUSE / 2
    assert pause(1, 1.0, 0.0) == FIRST_PAUSE
    assert pause(3, 1.0, 0.0) == 4 * FIRST_PAUSE
    assert pause(10_000, 1.0, 0.0) == MAX_PAUSE
    assert pause(1, 0.5, 9.0) == 9.0
