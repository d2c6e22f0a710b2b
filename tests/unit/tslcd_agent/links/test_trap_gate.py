"""What is looked at of a storm, and what is said about those who are refused."""

from __future__ import annotations

from tslcd_agent.links.gate import (
    BURST_SECONDS,
    GLOBAL_BURST,
    GLOBAL_RATE,
    LOG_AGAIN,
    MAX_SOURCES,
    Gate,
    Refusals,
    TrapStatistics,
)


def admitted(gate: Gate, device: str, count: int, *, begin: float = 0.0, seconds: float = 0.0) -> int:
    """Send so many evenly over a time; return how many were let through."""
    return sum(gate.admit(device, begin + number * seconds / count) for number in range(count))


def test_a_line_card_is_heard_and_a_storm_is_not() -> None:
    """The burst passes at once; then the rate, for as long as it lasts."""
    gate = Gate(20)
    assert admitted(gate, "fw", 48) == 48
    assert admitted(gate, "fw", 10_000) == 20 * BURST_SECONDS - 48
    assert 190 <= admitted(gate, "fw", 100_000, begin=0, seconds=10) <= 210


def test_one_device_that_storms_leaves_room_for_the_others() -> None:
    """However many storm, one that tells something now and then is heard every time."""
    gate = Gate(1000)
    heard = 0
    for tenth in range(600):
        for storming in range(10):
            admitted(gate, f"storm{storming}", 100, begin=tenth / 10)
        if tenth % 10 == 9:
            heard += gate.admit("fw", tenth / 10)
    assert heard == 60


def test_all_devices_together_are_bounded() -> None:
    """The decoder has a share of one processor, no more."""
    gate = Gate(1000)
    total = sum(admitted(gate, f"d{number}", 50, begin=tenth / 10) for tenth in range(100) for number in range(30))
    assert total <= GLOBAL_BURST + 10 * GLOBAL_RATE


def test_a_storm_begins_once_and_ends_once() -> None:
    """It is over when the bucket is full again."""
    gate = Gate(10)
    admitted(gate, "fw", 51)
    assert [gate.storm_began("fw"), gate.storm_began("fw"), gate.storms_over(1.0)] == [True, False, []]
    assert [gate.storms_over(6.0), gate.storms_over(7.0), gate.storm_began("fw")] == [["fw"], [], True]


def test_a_clock_that_stands_still_or_goes_back_gives_nothing() -> None:
    """Tokens come with time alone."""
    gate = Gate(1)
    assert admitted(gate, "fw", 100, begin=100) == BURST_SECONDS
    assert gate.admit("fw", 50) is False
    assert gate.admit("fw", 100) is False
    assert gate.admit("fw", 101) is True


def test_refusals_are_all_counted_and_logged_once_a_source() -> None:
    """A source is named again an hour later, and for another reason."""
    statistics = TrapStatistics()
    refusals = Refusals(statistics)
    told = [refusals.note("192.0.2.9", "source", second) for second in range(100)]
    assert told == [True, *[False] * 99]
    assert refusals.note("192.0.2.9", "garbage", 100)
    assert refusals.note("192.0.2.9", "source", LOG_AGAIN)
    assert statistics.activity() == {
        "traps_received_total": 0,
        "traps_refused_total": 102,
        "traps_suppressed_total": 0,
        "traps_replayed_total": 0,
    }


def test_forged_sources_without_end_cost_no_memory_without_end() -> None:
    """The first ones are named, the others counted; when those are forgotten, others are named."""
    statistics = TrapStatistics()
    refusals = Refusals(statistics)
    assert sum(refusals.note(f"198.51.100.{number}", "source", 0) for number in range(10_000)) == MAX_SOURCES
    assert statistics.refused["source"] == 10_000
    assert refusals.note("203.0.113.1", "source", LOG_AGAIN)
    assert len(refusals._told) == 1
