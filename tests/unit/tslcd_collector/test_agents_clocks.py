"""Wrong clocks are put right by the time since boot, and right ones are left alone."""

from __future__ import annotations

from tslcd_collector import clock
from tslcd_collector.clock import Clocks, Timed

DAY = 86400.0
NOW = 1_790_000_000.0


def _proven(offset: float = 0.0) -> Clocks:
    """Return clocks that saw four live reports of boot b0, mono 0 to 30 s, ending at NOW."""
    clocks = Clocks(120.0, 35 * DAY)
    for second in (0, 10, 20, 30):
        clocks.live("a", "b0", float(second), NOW - 30 + second + offset)
    return clocks


def test_right_clock_is_left_alone_also_when_reports_are_late() -> None:
    """A report that says an hour ago was measured an hour ago."""
    assert _proven().correct("a", "b0", 30 - 3600.0 + 3600, NOW, NOW) == Timed(NOW, corrected=False)
    late = Clocks(120.0, 35 * DAY)
    late.live("a", "b0", 5000.0, NOW)
    assert late.correct("a", "b0", 5000.0, NOW - 3600, NOW) == Timed(NOW - 3600, corrected=False)


def test_clock_ahead_is_put_right_at_once() -> None:
    """Without knowledge of the boot by the time of reception, with it exactly; never after reception."""
    assert Clocks(120.0, 35 * DAY).correct("a", "b0", 5.0, NOW + DAY, NOW) == Timed(NOW, corrected=True)
    assert _proven().correct("a", "b0", 20.0, NOW + DAY, NOW) == Timed(NOW - 10, corrected=True)
    assert _proven().correct("a", "b0", 9999.0, NOW + DAY, NOW) == Timed(NOW, corrected=True)
    assert _proven().correct("a", "other", 20.0, NOW + DAY, NOW) == Timed(NOW, corrected=True)


def test_clock_behind_is_put_right_when_proven() -> None:
    """A box that thinks it is 1970, or an hour ago, has its reports where they belong, history of the same boot too."""
    assert _proven().correct("a", "b0", 30.0, 100.0, NOW) == Timed(NOW, corrected=True)
    assert _proven().correct("a", "b0", 20.0, NOW - 3610, NOW) == Timed(NOW - 10, corrected=True)
    unproven = Clocks(120.0, 35 * DAY)
    unproven.live("a", "b0", 30.0, NOW)
    assert unproven.correct("a", "b0", 20.0, 90.0, NOW) == Timed(NOW - 10, corrected=True)
    assert unproven.correct("a", "b1", 20.0, 90.0, NOW) == Timed(90.0, corrected=False)


def test_the_fastest_report_tells_best_and_drift_is_followed() -> None:
    """A delayed report does not move the estimate; hours of drift do."""
    clocks = _proven()
    clocks.live("a", "b0", 40.0, NOW + 60)
    assert clocks.correct("a", "b0", 30.0, 0.0, NOW + 60).at - NOW < 0.1
    clocks.live("a", "b0", 100_000.0, NOW + 100_000)
    assert abs(clocks.correct("a", "b0", 100_000.0, 0.0, NOW + 100_000).at - (NOW + 100_000)) < 1e-6


def test_new_boot_starts_anew_and_memory_is_bounded() -> None:
    """After a restart of the box its old time since boot means nothing."""
    clocks = _proven()
    clocks.live("a", "b1", 1.0, NOW + 60)
    assert clocks.correct("a", "b1", 1.0, 0.0, NOW + 60) == Timed(NOW + 60, corrected=True)
    assert clocks.correct("a", "b0", 1.0, 0.0, NOW + 60) == Timed(0.0, corrected=False)
    full = Clocks(120.0, DAY)
    for number in range(clock.MAX_AGENTS + 1):
        full.live(f"a{number}", "b0", 1.0, NOW)
    assert full.correct(f"a{clock.MAX_AGENTS}", "b0", 1.0, 0.0, NOW) == Timed(0.0, corrected=False)
