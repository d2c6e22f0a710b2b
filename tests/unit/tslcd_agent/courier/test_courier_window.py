"""How much history waits for a collector's word: many sites that come back at once, one alone, slow ways, words that do not come."""

from __future__ import annotations

from collections import deque

import pytest

from tslcd_agent.courier.pace import Window
from tslcd_wire.ranges import RangeSet

#: A collector: reports that it stores in a second, and seconds between two answers to one agent.
STORES = 2000
ANSWERS = 2.0
STEP = 0.1
#: Reports that an agent can send in a second.
SENDS = 150


class Site:
    """An agent with a backlog that never ends, and how far the collector has answered."""

    def __init__(self, number: int, way: float) -> None:
        self.window = Window()
        self.sent = self.stored = self.confirmed = 0
        self.way = way
        self.answer_at = (number % 20) * ANSWERS / 20
        self.answers: deque[tuple[float, int]] = deque()

    def step(self, now: float, queue: deque[Site]) -> None:
        """Take answers in, and send what may go."""
        if now >= self.answer_at and self.stored > self.confirmed:
            self.answers.append((now + self.way, self.stored))
            self.answer_at = now + ANSWERS
        while self.answers and self.answers[0][0] <= now:
            _, self.confirmed = self.answers.popleft()
            self.window.heard(RangeSet([(1, self.confirmed)]), now)
        for _ in range(min(int(SENDS * STEP), self.window.size - (self.sent - self.confirmed))):
            self.sent += 1
            self.window.answered(self.sent, now)
            queue.append(self)


def play(count: int, seconds: float, way: float = 0.05) -> tuple[list[float], list[Site]]:
    """Let so many sites send; return how long a live report would wait at the broker, step by step, and the sites."""
    sites = [Site(number, way) for number in range(count)]
    queue: deque[Site] = deque()
    waits = []
    for tick in range(int(seconds / STEP)):
        now = tick * STEP
        for site in sites:
            site.step(now, queue)
        for _ in range(min(len(queue), int(STORES * STEP))):
            queue.popleft().stored += 1
        waits.append(len(queue) / STORES)
    return waits, sites


def test_two_hundred_sites_that_come_back_keep_no_live_report_waiting_for_long() -> None:
    """The collector has always something to do, and what is new is through within seconds; nobody starves."""
    waits, sites = play(200, 600)
    assert max(waits) < 10
    assert sorted(waits)[len(waits) // 2] < 5
    assert sum(site.stored for site in sites) > 0.95 * 600 * STORES
    assert min(site.stored for site in sites) > 0.2 * max(site.stored for site in sites)


@pytest.mark.parametrize("way", [0.05, 10.0])
def test_one_site_alone_is_soon_as_fast_as_it_can_be(way: float) -> None:
    """Also over a satellite: what always takes long is no lateness."""
    _, (site,) = play(1, 1200, way)
    assert site.window.size > Window.FIRST
    before = site.stored
    assert before > 1200 * (0.7 * SENDS if way < 1 else Window.FIRST / (ANSWERS + way))


def test_a_word_that_does_not_come_halves_once_and_a_lost_one_is_not_waited_for() -> None:
    """The collector speaks of others; after a minute another report is timed. A new connection begins small."""
    window = Window()
    window.answered(1, 0.0)
    window.heard(RangeSet([(1, 1)]), 1.0)
    assert window.size == 40
    window.answered(2, 10.0)
    for now in (13.0, 14.5, 16.0, 40.0):
        window.heard(RangeSet([(1, 1)]), now)
    assert window.size == 20
    window.answered(3, 50.0)
    window.heard(RangeSet([(3, 3)]), 71.0)
    window.answered(4, 72.0)
    window.heard(RangeSet([(3, 4)]), 73.0)
    assert window.size == 28
    for number in range(5, 300):
        window.answered(number, 100.0)
        window.heard(RangeSet([(3, number)]), 100.0)
    assert window.size == Window.MOST
    window.reconnected()
    assert window.size == Window.FIRST
