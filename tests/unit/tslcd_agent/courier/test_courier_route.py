"""Which uplink, after what pause: a province that comes back, a way that falls silent, and going back to it."""

from __future__ import annotations

import heapq
import random

import pytest

from tslcd_agent.config import Courier
from tslcd_agent.courier.route import MOST_PATIENCE, STEADY, Backoff, Patience, Return, Route

AGENTS = 500
#: Connections a second that a province may make.
MOST = 50


def attempts(outage: float, uplinks: int, seed: int) -> list[float]:
    """Return when 500 agents try to connect to the first broker, in seconds after it closed all connections.

    The broker takes nobody for ``outage`` seconds; the other brokers take nobody at all.
    """
    chance = random.Random(seed)  # noqa: S311 - a simulation
    settings = Courier()
    agents = [Route(uplinks, settings.reconnect_min, settings.reconnect_max) for _ in range(AGENTS)]
    due = [(route.ended(3600.0, mute=False, chance=chance.random()), number) for number, route in enumerate(agents)]
    heapq.heapify(due)
    found = []
    while due:
        now, number = heapq.heappop(due)
        route = agents[number]
        if route.index == 0:
            found.append(now)
            if now >= outage:
                continue
        heapq.heappush(due, (now + 0.001 + route.ended(None, mute=False, chance=chance.random()), number))
    return found


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("outage", "uplinks"), [(0, 1), (5, 1), (60, 1), (600, 1), (0, 2), (20, 2), (600, 3)])
def test_a_province_comes_back_slowly_enough(outage: float, uplinks: int, seed: int) -> None:
    """Whatever the broker's outage, no second has more than 50 attempts of 500 agents; all are back within a minute."""
    found = attempts(outage, uplinks, seed)
    assert len(found) >= AGENTS
    window = [found[number + MOST] - found[number] for number in range(len(found) - MOST)]
    assert min(window) >= 1.0
    assert max(found) <= outage + 60


def test_silence_is_left_at_once_and_a_closed_connection_is_not() -> None:
    """Silence: the next way within a second. Closed by the broker: the same way, after a while; then the next at once."""
    route = Route(2, 1, 45)
    assert (route.ended(3600, mute=True, chance=0.999) < 1, route.index) == (True, 1)
    route = Route(2, 1, 45)
    assert (route.ended(3600, mute=False, chance=0.999) < 20, route.index) == (True, 0)
    assert (route.ended(None, mute=False, chance=0.5), route.index) == (0, 1)
    assert (15 <= route.ended(None, mute=False, chance=0) <= 45, route.index) == (True, 0)
    route = Route(1, 1, 45)
    assert (route.ended(3600, mute=True, chance=1) <= 30, route.index) == (True, 0)


def test_before_anything_worked_attempts_are_soon_and_all_ways_are_tried() -> None:
    """A box that is set up without a broker: every way, then pauses that double from the least."""
    route = Route(3, 1, 45)
    taken = [(route.index, route.ended(None, mute=False, chance=0)) for _ in range(9)]
    assert taken == [(0, 0), (1, 0), (2, 0.5), (0, 0), (1, 0), (2, 1), (0, 0), (1, 0), (2, 2)]


def test_a_connection_that_never_holds_is_a_failure() -> None:
    """A broker that lets in and throws out again does not keep the agent from its spare way."""
    route = Route(2, 1, 45)
    assert (route.ended(STEADY / 2, mute=False, chance=0.9), route.index) == (0, 1)


def test_going_back_needs_answers_without_a_gap() -> None:
    """Sixty seconds of answers; one failure begins anew; each earlier way for itself."""
    back = Return(60)
    assert not back.tried(0, 0, good=True)
    assert not back.tried(0, 50, good=False)
    assert not back.tried(0, 55, good=True)
    assert not back.tried(1, 60, good=True)
    assert not back.tried(0, 114, good=True)
    assert back.tried(0, 115, good=True)
    back.left()
    assert not back.tried(1, 200, good=True)


def test_going_back_too_early_doubles_the_patience() -> None:
    """To an hour at most; a way that held as long as it was waited for has earned the first patience again."""
    back = Return(60)
    waited = []
    for _ in range(8):
        back.ended(lived=5)
        waited.append(back.patience)
    assert waited == [120, 240, 480, 960, 1920, MOST_PATIENCE, MOST_PATIENCE, MOST_PATIENCE]
    back.ended(lived=MOST_PATIENCE)
    assert back.patience == 60


def test_backoff_doubles_to_its_bound_and_starts_again() -> None:
    """Between half and whole of 1, 2, 4, 8, 10, 10."""
    backoff = Backoff(1, 10)
    assert [backoff.pause(0) for _ in range(6)] == [0.5, 1, 2, 4, 5, 5]
    backoff.reset()
    assert backoff.pause(0.5) == 0.75


def test_a_slow_way_gets_more_time_until_it_is_quick_again() -> None:
    """An attempt: ten seconds, then twenty, at most twenty-five; an answer: four times what the connection took, at most sixty."""
    patience = Patience(10.0)
    waits = []
    for _ in range(3):
        patience.silent()
        waits.append(patience.attempt)
    assert waits == [20.0, 25.0, 25.0]
    assert patience.answer == 10.0, "nobody has answered yet"
    patience.answered(12.0)
    assert (patience.attempt, patience.answer) == (25.0, 48.0)
    patience.answered(24.0)
    assert (patience.attempt, patience.answer) == (25.0, 60.0)
    patience.answered(0.3)
    assert (patience.attempt, patience.answer) == (10.0, 10.0)
