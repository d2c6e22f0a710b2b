"""How fast history may go, on links from 9.6 kbit/s to a local network, beside live reports."""

from __future__ import annotations

import heapq

import pytest

from tslcd_agent.courier.pace import Rate, Share

#: Messages of history that are under way at once, at most, and their size in bytes.
WINDOW = 12
HISTORY = 700
#: Bytes of a live report, and seconds between two.
LIVE = 1200
PERIOD = 5.0


class Link:
    """A link that sends one message after another, and a broker that answers each; times in seconds, rate in bits a second."""

    def __init__(self, rate: float, delay: float) -> None:
        self.rate = rate
        self.delay = delay
        self.busy_until = 0.0

    def send(self, size: int, now: float) -> float:
        """Put a message into the queue; return when its answer is here."""
        self.busy_until = max(self.busy_until, now) + size * 8 / self.rate
        return self.busy_until + 2 * self.delay


def drain(link: Link, share: float, seconds: float) -> tuple[float, list[float]]:
    """Send an endless backlog and live reports; return the link's time that history took, and the delays of live reports."""
    pace = Share(share)
    events: list[tuple[float, int, str]] = [
        (number * PERIOD, number, "live") for number in range(int(seconds / PERIOD))
    ]
    heapq.heapify(events)
    heapq.heappush(events, (0.0, -1, "look"))
    under_way, taken, delays, counter = 0, 0.0, [], 10**6
    while events and events[0][0] < seconds:
        now, _, kind = heapq.heappop(events)
        if kind == "live":
            delays.append(link.send(LIVE, now) - now)
            continue
        if kind == "answer":
            under_way -= 1
            pace.finished(now)
        while under_way < WINDOW and pace.pause(now) <= 0:
            pace.started(HISTORY, now)
            under_way += 1
            counter += 1
            taken += HISTORY * 8 / link.rate
            heapq.heappush(events, (link.send(HISTORY, now), counter, "answer"))
        if not under_way:
            counter += 1
            heapq.heappush(events, (now + max(0.001, pace.pause(now)), counter, "look"))
    return taken, sorted(delays)


@pytest.mark.parametrize(
    ("rate", "delay", "bound"),
    [(9_600, 0.05, 5), (64_000, 0.3, 3), (256_000, 0.02, 1.5), (256_000, 0.6, 3), (2e6, 0.005, 0.5)],
)
def test_history_leaves_half_of_the_link_and_live_waits_little(rate: float, delay: float, bound: float) -> None:
    """Ten minutes of backlog: at most half of the link's time, and 99 of 100 live reports within the bound, in seconds."""
    taken, delays = drain(Link(rate, delay), 0.5, 600)
    assert taken <= 0.5 * 600 * 1.02
    assert delays[int(len(delays) * 0.99)] <= bound


def test_a_thin_link_is_used_nevertheless() -> None:
    """Of 256 kbit/s history takes more than a third, and without a rest nearly all that live leaves."""
    taken, _ = drain(Link(256_000, 0.02), 0.5, 600)
    assert taken > 200
    taken, _ = drain(Link(256_000, 0.02), 1.0, 600)
    assert taken > 450


def test_a_burst_that_ends_with_its_connection_does_not_hold_up_the_next() -> None:
    """Whatever was under way is reported as finished, and the next burst has its own begin."""
    pace = Share(0.5)
    pace.started(5000, 0)
    pace.started(5000, 0)
    assert pace.pause(1) > 0
    pace.finished(100)
    assert pace.pause(100) > 0
    pace.finished(100)
    assert pace.pause(100) == pytest.approx(100)
    assert pace.pause(200) == 0


def test_rate_holds_over_a_minute() -> None:
    """A bound of 8,000 bit/s lets 1,000 bytes a second through, after a burst of one second, whatever the sizes."""
    rate = Rate(8000)
    now = 0.0
    total = 0
    while now < 60:
        pause = rate.pause(now)
        if pause:
            now += pause
            continue
        rate.spend(700)
        total += 700
    assert 60_000 <= total <= 62_000
    assert rate.pause(now - 100) > 0, "a clock that goes back gives nothing"
