"""Restarts, and clocks that only went round."""

from __future__ import annotations

import pytest

from tslcd_agent.snmp.uptime import TICKS, UpTime, restarted

DAY = 86_400


@pytest.mark.parametrize(
    ("before", "now", "elapsed", "expected"),
    [
        pytest.param(100_000, 103_000, 30, False, id="ran on"),
        pytest.param(100_000, 2_000, 30, True, id="restarted"),
        pytest.param(200, 100, 30, True, id="restarted twice within seconds"),
        pytest.param(TICKS - 1_000, 2_000, 30, False, id="went round after 497 days"),
        pytest.param(TICKS - 90_000_000, 2_000, 30, True, id="restarted ten days before it would go round"),
        pytest.param(6_000, 100_000, 3 * DAY, True, id="restarted while nobody looked"),
        pytest.param(100 * DAY, 100 * DAY + 3_500, 30, False, id="a clock that runs fast"),
        pytest.param(100 * DAY, 100 * DAY + 2_800, 30, False, id="a clock that runs slowly"),
        pytest.param(100 * DAY, 100 * DAY - 50, 1, False, id="another processor answered"),
        pytest.param(100 * DAY, 100 * DAY + DAY * 100, 30, False, id="our machine slept"),
    ],
)
def test_a_restart_is_told_from_a_clock_that_goes_round(
    before: int, now: int, elapsed: float, *, expected: bool
) -> None:
    """SysUpTime has 32 bits of hundredths of a second."""
    assert restarted(before, now, elapsed) is expected


def test_restarts_are_counted_and_nonsense_is_not_heard() -> None:
    """An uptime that is no number of ticks changes nothing."""
    up_time = UpTime()
    for ticks, at in ((500_000, 0.0), (None, 10.0), (b"x", 20.0), (-1, 20.0), (TICKS, 20.0), (503_000, 30.0)):
        up_time.hear(ticks, at)
    assert (up_time.ticks, up_time.at, up_time.restarts) == (503_000, 30.0, 0)
    up_time.hear(1_000, 60.0)
    assert up_time.restarts == 1
