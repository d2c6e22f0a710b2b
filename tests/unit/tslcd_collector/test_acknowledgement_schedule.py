"""When acknowledgements leave."""

from __future__ import annotations

from tslcd_collector.acks import AckSchedule, Address

A = Address("86", "a", "s1")
A2 = Address("86", "a", "s2")
B = Address("86", "b", "s1")


def test_first_leaves_at_once_and_further_ones_wait() -> None:
    """Per agent, and however often one is wanted."""
    schedule = AckSchedule(2.0)
    assert schedule.wait(0.0) is None
    schedule.want(A)
    schedule.want(A)
    assert schedule.wait(100.0) == 0.0
    assert schedule.take(100.0) == [A]
    schedule.want(A)
    schedule.want(A2)
    schedule.want(B)
    assert schedule.take(100.5) == [B]
    assert schedule.wait(100.5) == 1.5
    assert schedule.take(101.9) == []
    assert schedule.take(102.0) == [A, A2]
    assert schedule.wait(102.0) is None


def test_asked_for_leaves_at_once() -> None:
    """A status is answered without waiting for the interval."""
    schedule = AckSchedule(2.0)
    schedule.want(A)
    schedule.take(0.0)
    schedule.want(A, urgent=True)
    assert schedule.take(0.1) == [A]
