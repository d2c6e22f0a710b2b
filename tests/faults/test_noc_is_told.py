"""A few troubles, and what people are told of them; ``tests/soak noc`` has a thousand."""

from __future__ import annotations

import pytest

from rigs.noc.command import play
from rigs.noc.oracle import Result, judge
from rigs.noc.scenarios import SCENARIOS
from support.pages import Page

#: Waiting times are divided by this.
FACTOR = 4.0
#: Scenarios that end soon; warnings, which are gathered for minutes, and what concerns a whole province are the long run's.
SOON = frozenset(
    {
        "link down",
        "link blinks",
        "planned work",
        "not in service yet",
        "history arrives",
        "history arrives while a link is down",
    }
)


@pytest.mark.timeout(300)
async def test_each_cause_is_one_page_and_nothing_else_is() -> None:
    """Real Mosquitto, collector, Prometheus and Alertmanager, the shipped rules and routes: every page due came, once, and no other."""
    pool = [one for one in SCENARIOS if one.name in SOON]
    result = await play(2 * len(pool), 20260101, FACTOR, pool=pool, calamities=())
    assert result.mistakes == []
    assert set(result.tallies) == SOON
    assert result.recall == 1.0
    assert sum(one.wanted for one in result.tallies.values()) == 4


def _pages(*names: str) -> list[Page]:
    return [
        Page(0.0, "/alerts/critical", {"alertname": name, "severity": "critical", "site": "s1"}, {}) for name in names
    ]


@pytest.mark.parametrize(
    ("pages", "recall", "precision", "words"),
    [
        ((), 0.0, 1.0, "cut: no page ChannelDown"),
        (("ChannelDown", "ChannelDown"), 1.0, 0.5, "cut: false page ChannelDown of s1"),
        (("ChannelDown", "AgentLost"), 1.0, 0.5, "cut: false page AgentLost of s1"),
        (("AgentLost",), 0.0, 0.0, "cut: no page ChannelDown"),
    ],
)
def test_the_oracle_sees_what_is_missing_and_what_is_too_much(
    pages: tuple[str, ...], recall: float, precision: float, words: str
) -> None:
    """No page, the same page twice, a page about something else besides or instead."""
    result = Result()
    judge("cut", (frozenset({"ChannelDown"}),), _pages(*pages), result)
    assert (result.recall, result.precision) == (recall, precision)
    assert words in result.mistakes
    assert result.failures(timed=False)
