"""Ticks of a loop: no drift, skipped when missed, spread over names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tslcd_agent.schedule import FIRST_WITHIN, first_tick, missed_ticks, next_tick, phase

times = st.floats(min_value=0, max_value=1e8, allow_nan=False)
intervals = st.floats(min_value=1, max_value=86400)
names = st.text(min_size=1, max_size=20)


@given(times, intervals, names)
def test_the_next_tick_is_after_now_and_at_most_one_interval_away(now: float, interval: float, name: str) -> None:
    """Never now, never in the past, never later than one interval (and a rounding error)."""
    tick = next_tick(now, interval, name)
    assert now < tick <= now + interval * (1 + 1e-6) + 1e-6


@given(times, st.integers(1, 3600), names, st.integers(1, 50))
def test_ticks_stay_on_one_grid_however_late_a_round_ends(now: float, interval: int, name: str, late: int) -> None:
    """A round that ends late moves no later tick: all are a whole number of intervals apart."""
    first = next_tick(now, interval, name)
    later = next_tick(first + late * 0.37 * interval, interval, name)
    rounds = (later - first) / interval
    assert abs(rounds - round(rounds)) < 1e-3


def test_names_spread_over_the_interval_and_keep_their_phase() -> None:
    """A hundred devices do not poll at one moment, and a device polls at the same phase after every start."""
    phases = [phase(f"device-{number}", 30) for number in range(100)]
    assert phases == [phase(f"device-{number}", 30) for number in range(100)]
    assert all(0 <= one < 30 for one in phases)
    assert max(sum(low <= one < low + 3 for one in phases) for low in range(0, 30, 3)) < 30


@given(times, intervals, names)
def test_the_first_round_comes_soon_after_the_start(now: float, interval: float, name: str) -> None:
    """Nobody waits a whole interval for the first sign of life."""
    assert now <= first_tick(now, interval, name) <= now + FIRST_WITHIN


def test_missed_ticks_are_counted_not_made_up_for() -> None:
    """A round of 65 s at an interval of 30 s skipped two ticks, and the next one is in the future."""
    assert missed_ticks(100, 165, 30) == 2
    assert missed_ticks(100, 129, 30) == 0
    assert missed_ticks(100, 90, 30) == 0
