"""A few troubles, and what people are told of them; ``tests/soak noc`` has a thousand."""

from __future__ import annotations

import pytest

from rigs.noc.command import play
from rigs.noc.oracle import Result, judge
from rigs.noc.pages import Page
from rigs.noc.scenarios import SCENARIOS, Scenario

#: Waiting times are divided by this.
FACTOR = 10.0
COUNT = 100
#: Of the calamities those that are over within a minute; the others are the long run's.
SOON = ("broker killed", "collector killed", "many channels cut")
#: Warnings are gathered for minutes: two of the many are enough here.
GATHERED = frozenset({"packets lost", "firewall busy"})


def _pool() -> list[Scenario]:
    """Everything that wakes somebody or nobody, and two kinds of warnings."""
    warnings = {"ChannelDegraded", "UplinkSpare", "TunnelDown"}
    return [
        one
        for one in SCENARIOS
        if one.name in GATHERED
        or not any(name in warnings or name.startswith(("Device", "Sessions")) for names in one.pages for name in names)
    ]


@pytest.mark.timeout(600)
async def test_each_cause_is_one_page_and_nothing_else_is() -> None:
    """Real Mosquitto, collector, Prometheus and Alertmanager, the shipped rules and routes: every page due came, once, and no other."""
    pool = _pool()
    result = await play(COUNT, 20260101, FACTOR, pool=pool, calamities=SOON)
    print(result.section(FACTOR, 20260101).notes)  # noqa: T201 - figures belong into the report of the run
    assert result.failures(timed=False) == []
    assert {one.name for one in pool} | set(SOON) == set(result.tallies) - {"(nothing)"}
    assert sum(one.played for one in result.tallies.values()) == COUNT + len(SOON)
    assert result.recall == 1.0


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
