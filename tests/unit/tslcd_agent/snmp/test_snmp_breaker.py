"""How often a device that does not answer is asked, and when rounds out of turn begin."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tslcd_agent.snmp.breaker import FAILURES, MOST, Ask, Breaker
from tslcd_agent.snmp.waking import Waking


def ticks(breaker: Breaker, count: int) -> list[Ask]:
    """Go so many ticks with a device that never answers."""
    result = []
    for _ in range(count):
        result.append(breaker.tick())
        if result[-1] is not Ask.NOTHING:
            breaker.fail()
    return result


@pytest.mark.parametrize(
    ("chance", "pauses"), [(0.0, [1, 1, 2, 2, 2]), (0.999, [1, 2, 4, 4, 4])], ids=["soonest", "latest"]
)
def test_pauses_grow_to_a_few_ticks_and_no_further(chance: float, pauses: list[int]) -> None:
    """Three whole rounds, then small questions with pauses between them."""
    seen = ticks(Breaker(lambda: chance), FAILURES + sum(pauses) + len(pauses))
    assert seen[:FAILURES] == [Ask.ROUND] * FAILURES
    expected = [one for pause in pauses for one in [*[Ask.NOTHING] * pause, Ask.KNOCK]]
    assert seen[FAILURES:] == expected


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=5))
def test_no_pause_is_longer_than_the_cap(chances: list[float]) -> None:
    """Whatever chance says, a device that came back is asked within MOST + 1 ticks."""
    left = iter(chances * 100)
    seen = ticks(Breaker(lambda: next(left)), 60)
    longest = max(len(run) for run in "".join("-" if one is Ask.NOTHING else "x" for one in seen).split("x"))
    assert 1 <= longest <= MOST


def test_a_pause_is_cut_short_and_an_answer_closes_the_breaker() -> None:
    """After one answer everything is asked again, and three more failures are needed."""
    breaker = Breaker(lambda: 0.9)
    ticks(breaker, FAILURES + 3)
    breaker.fail()
    assert breaker.open
    breaker.cut()
    assert breaker.tick() is Ask.KNOCK
    breaker.succeed()
    assert ticks(breaker, FAILURES) == [Ask.ROUND] * FAILURES


def test_a_round_out_of_turn_begins_at_once_unless_one_just_began() -> None:
    """Within a second after a round it waits for that second."""
    waking = Waking(30.0)
    assert waking.due(100.0) is None
    waking.ask()
    assert waking.due(100.0) == 100.0
    waking.begin(100.0, woken=False)
    assert waking.due(100.0) is None
    waking.ask()
    assert waking.due(100.2) == 101.0
    assert waking.due(110.0) == 110.0


def test_a_storm_costs_some_rounds_in_an_interval() -> None:
    """Asked for without end, rounds come after 1, 2, 4, 8, 16 seconds, and the next round in turn begins anew."""
    waking, now, began = Waking(30.0), 0.0, []
    waking.begin(now, woken=False)
    while now < 30.0:
        waking.ask()
        due = waking.due(now)
        assert due is not None
        now = due
        began.append(now)
        waking.begin(now, woken=True)
    assert began == [1.0, 3.0, 7.0, 15.0, 31.0]
    waking.begin(32.0, woken=False)
    waking.ask()
    assert waking.due(32.0) == 33.0


def test_a_short_interval_is_the_largest_gap() -> None:
    """A device that is asked every half second can be asked out of turn as often."""
    waking = Waking(0.5)
    waking.begin(0.0, woken=True)
    waking.ask()
    assert waking.due(0.1) == 0.5
