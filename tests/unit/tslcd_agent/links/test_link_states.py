"""One change is one event, whoever tells it first, and whoever tells it late."""

from __future__ import annotations

from itertools import pairwise, permutations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tslcd_agent.links.state import HOLD, LinkStates
from tslcd_wire.report import MAX_ROWS, Event

if TYPE_CHECKING:
    from tslcd_agent.links.state import Source


def tell(states: LinkStates, mono: float, source: Source, *, up: bool, key: str = "wan1") -> Event | None:
    """Tell about a link of device fw; the wall clock is 1000 s ahead of the other."""
    return states.changed("fw", key, up, mono + 1000, source, mono=mono)


def test_the_same_change_from_every_source_is_one_event() -> None:
    """Trap, netlink, fast poll and round tell the same; the first is the event, in any order."""
    sources: tuple[Source, ...] = ("trap", "netlink", "poll", "poll")
    for order in permutations(sources):
        states = LinkStates()
        assert tell(states, 0, "poll", up=True) is None
        events = [tell(states, 10 + number, source, up=False) for number, source in enumerate(order)]
        assert events == [Event(kind="link", key="wan1", up=False, at=1010, source=order[0]), None, None, None]
        assert sum(states.events.values()) == 1


def test_a_round_that_began_before_the_trap_is_old_news() -> None:
    """The device was asked, then the link went down and a trap came; the answer says up and is not believed."""
    states = LinkStates()
    tell(states, 0, "poll", up=True)
    assert tell(states, 10, "trap", up=False)
    assert tell(states, 9.9, "poll", up=True) is None
    assert states.held("fw", 9.9) == {"wan1": False}
    assert states.known("fw")["wan1"].up is False


def test_a_cache_does_not_undo_what_a_trap_told() -> None:
    """A poll right after a trap may be answered out of a cache; after the hold it is believed, and is an event."""
    states = LinkStates()
    assert tell(states, 10, "trap", up=False)
    assert tell(states, 10 + HOLD / 2, "poll", up=True) is None
    assert states.held("fw", 10 + HOLD / 2) == {"wan1": False}
    assert tell(states, 10 + HOLD / 2, "poll", up=False) is None
    assert tell(states, 10 + HOLD - 0.1, "poll", up=True) is None
    assert states.held("fw", 10 + HOLD) == {}
    assert tell(states, 10 + HOLD, "poll", up=True) == Event(
        kind="link", key="wan1", up=True, at=1010 + HOLD, source="poll"
    )


def test_a_second_trap_is_believed_at_once() -> None:
    """The hold is against polls only: a link that flaps is told as often as it flaps."""
    states = LinkStates()
    told = [tell(states, at, "trap", up=at % 2 == 0) for at in range(4)]
    assert [one.up for one in told if one] == [True, False, True, False]
    assert states.events == {"trap": 4, "netlink": 0, "poll": 0}


@pytest.mark.parametrize("source", ["poll", "netlink"])
def test_what_is_found_first_is_no_change(source: Source) -> None:
    """After a start the state of a link is known, not changed; a trap however is the news of a change."""
    assert tell(LinkStates(), 1, source, up=False) is None
    assert tell(LinkStates(), 1, "trap", up=False) == Event(kind="link", key="wan1", up=False, at=1001, source="trap")


def test_a_wall_clock_that_is_set_back_hides_no_change() -> None:
    """Order is by the time since boot."""
    states = LinkStates()
    states.changed("fw", "wan1", up=True, at=2_000_000_000, source="poll", mono=10)
    assert states.changed("fw", "wan1", up=False, at=1_700_000_000, source="poll", mono=12) is not None


def test_links_of_devices_do_not_mix() -> None:
    """wan1 of one device says nothing about wan1 of another."""
    states = LinkStates()
    states.changed("fw", "wan1", up=True, at=1, source="poll", mono=1)
    states.changed("rt", "wan1", up=False, at=2, source="poll", mono=2)
    assert (states.known("fw")["wan1"].up, states.known("rt")["wan1"].up) == (True, False)
    assert states.known("nobody") == {}


def test_names_without_end_cost_no_memory_without_end() -> None:
    """A device that invents interfaces pushes out its own oldest ones."""
    states = LinkStates()
    for number in range(MAX_ROWS + 10):
        tell(states, number, "trap", up=True, key=f"x{number}")
    assert len(states.known("fw")) == MAX_ROWS
    assert "x9" not in states.known("fw")
    assert "x10" in states.known("fw")


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 20), st.sampled_from(["trap", "netlink", "poll"])), max_size=30))
def test_events_alternate_whatever_is_told(news: list[tuple[bool, float, Source]]) -> None:
    """No two events in a row say the same, and the last one is what is known."""
    states = LinkStates()
    events = [event for up, mono, source in news if (event := tell(states, mono, source, up=up))]
    assert all(one.up != other.up for one, other in pairwise(events))
    if events:
        assert states.known("fw")["wan1"].up is events[-1].up
