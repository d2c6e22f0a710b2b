"""Which loops are stuck, by a clock that is an argument."""

from __future__ import annotations

from tslcd_runtime.health import Health, notify


def test_a_loop_is_stuck_when_it_did_not_beat_within_its_limit() -> None:
    """Exactly at the limit it is not late, after it it is, and a beat mends it."""
    health = Health()
    health.register("poller", 10.0, now=100.0)
    health.register("courier", 20.0, now=100.0)
    assert health.stuck(110.0) == []
    assert health.stuck(110.1) == ["poller"]
    assert health.stuck(121.0) == ["poller", "courier"]
    health.beat("poller", now=121.0)
    assert health.stuck(121.0) == ["courier"]
    health.unregister("courier")
    assert health.stuck(121.0) == []


def test_unknown_names_are_no_error() -> None:
    """A loop that is stopping may beat, and be forgotten twice."""
    health = Health()
    health.beat("gone", now=1.0)
    health.unregister("gone")
    assert health.stuck(1e9) == []


def test_registered_again_starts_anew() -> None:
    """A loop that starts again (a reload) has its whole limit before it."""
    health = Health()
    health.register("poller", 10.0, now=0.0)
    health.register("poller", 10.0, now=100.0)
    assert health.stuck(105.0) == []


def test_real_clock_is_the_default() -> None:
    """Without an argument the monotonic clock decides."""
    health = Health()
    health.register("poller", 1000.0)
    health.beat("poller")
    assert health.stuck() == []


def test_without_systemd_nobody_is_told() -> None:
    """Without NOTIFY_SOCKET a message goes nowhere, and that is said."""
    assert notify("READY=1") is False
