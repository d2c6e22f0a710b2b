"""What was told before, and what went over an interface: the two memories of the judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.channel_truth import CUT, CUTS, GOOD_VERDICT
from support.channels import NOW
from tslcd_collector.judge import UNTOLD, CounterReading, Past, past_of
from tslcd_collector.judge.steadiness import MAX_CUTS
from tslcd_collector.judge.traffic import BUCKET, MARGIN, counters, kept, summed
from tslcd_collector.verdict import Reason, State

if TYPE_CHECKING:
    import random

    from tslcd_collector.verdict import Verdict


@pytest.mark.parametrize(
    ("told", "cuts"),
    CUTS,
)
def test_which_cuts_count(told: list[Verdict], cuts: int) -> None:
    """Those of the line itself, of a channel that was seen to work."""
    past = past_of(((verdict, NOW + index) for index, verdict in enumerate(told)), 900.0)
    assert len(past.cuts) == cuts
    assert (past.state, past.reason) == (told[-1].state, told[-1].reason)


def test_cuts_are_forgotten_after_the_window() -> None:
    """At its very end; and no more are kept than a class can ask for."""
    past = Past(State.UP, Reason.OK, (NOW,))
    assert past.after(GOOD_VERDICT, NOW + 899.9, 900.0).cuts == (NOW,)
    assert past.after(GOOD_VERDICT, NOW + 900, 900.0).cuts == ()
    for index in range(MAX_CUTS + 50):
        past = past.after(CUT, NOW + index, 900.0).after(GOOD_VERDICT, NOW + index, 900.0)
    assert len(past.cuts) == MAX_CUTS
    assert UNTOLD.after(GOOD_VERDICT, NOW, 900.0).cuts == ()


def _reading(at: float, octets: int = 0, bad: int = 0) -> CounterReading:
    return CounterReading(NOW + at, octets, 2 * octets, 100 * octets, bad)


def test_a_full_run_is_summed_up() -> None:
    """Rates of both directions in bits per second, and packets, over the newest readings that span the time."""
    run = tuple(_reading(30 * index, 3000 * index, index) for index in range(12))
    told = summed(run, 300.0, 90.0)
    assert told is not None
    assert (told.at, told.span) == (NOW + 330, 300.0)
    assert (told.receive_bits, told.transmit_bits) == (800.0, 1600.0)
    assert (told.packets, told.bad) == (3_000_000, 10)


@pytest.mark.parametrize(
    "run",
    [
        (_reading(0), _reading(299)),  # too short, and a gap
        tuple(_reading(30 * index) for index in range(10)),  # 270 s
        (
            *(_reading(30 * index) for index in range(6)),
            *(_reading(250 + 30 * index) for index in range(6)),
        ),  # a gap of 100 s
        tuple(_reading(30 * index, 100 if index < 6 else 0) for index in range(12)),  # the device began anew
        tuple(_reading(30 * index, 0, 100 if index < 6 else 0) for index in range(12)),
    ],
)
def test_a_broken_run_says_nothing(run: tuple[CounterReading, ...]) -> None:
    """No rate is made up over a gap or a counter that went back."""
    told = summed(run, 300.0, 90.0)
    assert told is not None
    assert told.span == 0
    assert told.receive_bits is None


def test_bounds_of_a_run() -> None:
    """A run of exactly the time counts, with gaps of exactly what is allowed; nothing read is nothing told."""
    assert summed((), 300.0, 90.0) is None
    told = summed(tuple(_reading(at) for at in (0, 30, 120, 210, 300)), 300.0, 90.0)
    assert told is not None
    assert told.span == 300.0


def test_what_the_device_does_not_tell_is_not_summed() -> None:
    """One direction alone, no packets: the rest is told."""
    run = tuple(CounterReading(NOW + 30 * n, 3000 * n, None, None, None) for n in range(11))
    told = summed(run, 300.0, 90.0)
    assert told is not None
    assert (told.receive_bits, told.transmit_bits, told.packets, told.bad) == (800.0, None, None, None)


def test_absence_of_the_collector_ages_nothing() -> None:
    """Readings keep their own times between each other; the newest counts as fresh as when the collector stopped."""
    run = tuple(_reading(30 * n)._replace(absence=3600.0) for n in range(11))
    told = summed(run, 300.0, 90.0)
    assert told is not None
    assert (told.at, told.span) == (NOW + 3900, 300.0)


@given(st.lists(st.integers(0, 1200), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_readings_in_any_order_end_in_the_same(times: list[int], chance: random.Random) -> None:
    """And are bounded: one a bucket, none older than is needed."""
    wanted: tuple[CounterReading, ...] = ()
    for at in sorted(set(times)):
        wanted = kept(wanted, _reading(at), 300.0)
    found: tuple[CounterReading, ...] = ()
    for at in chance.sample(times, len(times)):
        found = kept(found, _reading(at), 300.0)
    assert found == wanted
    assert len(found) <= (300.0 + MARGIN) / BUCKET + 2


def test_counters_of_a_row() -> None:
    """Packets are unicast, bad ones errors and discards of both directions; what is not told is None."""
    table: dict[str, list[Any]] = {
        "key": ["lan", "wan1"],
        "receive_bytes_total": [1, 2],
        "receive_errors_total": [None, 3],
    }
    table["transmit_discards_total"] = [None, 4]
    assert counters(table, 1, NOW) == CounterReading(NOW, 2, None, None, 7)
    assert counters(table, 0, NOW) == CounterReading(NOW, 1, None, None, None)
