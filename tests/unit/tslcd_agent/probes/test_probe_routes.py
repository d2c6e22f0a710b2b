"""Routes: what is a change and what is not, as a model of any sequence of rounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tslcd_agent.probes.route import RouteMemory, differs, identity, merged

A, B, C = "192.0.2.1", "192.0.2.2", "192.0.2.3"
hops = st.lists(st.sampled_from(["", A, B, C]), min_size=1, max_size=5).map(tuple)


@pytest.mark.parametrize(
    ("known", "seen", "expected"),
    [
        ((A, B), (A, B), False),
        ((A, B), ("", B), False),
        (("", B), (A, B), False),
        (("", B), ("", B), False),
        ((A, B), (C, B), True),
        ((A, B), (A, C, B), True),
        ((A, C, B), (A, B), True),
    ],
)
def test_another_router_or_another_length_is_a_change_and_silence_is_none(
    known: tuple[str, ...], seen: tuple[str, ...], expected: object
) -> None:
    """Only what both know is compared."""
    assert differs(known, seen) is expected


@given(hops, hops)
def test_what_does_not_differ_merges_into_what_differs_from_neither(
    known: tuple[str, ...], seen: tuple[str, ...]
) -> None:
    """Nothing that was known is lost, and nothing is invented."""
    if differs(known, seen):
        return
    both = merged(known, seen)
    assert not differs(both, known)
    assert not differs(both, seen)
    assert [bool(hop) for hop in both] == [bool(a or b) for a, b in zip(known, seen, strict=True)]


@given(st.lists(hops, min_size=1, max_size=12))
def test_a_change_is_told_once_and_counted(rounds: list[tuple[str, ...]]) -> None:
    """The same round again is never a change; the count only grows; a probe's memory is its own."""
    memory = RouteMemory()
    told = 0
    for seen in rounds:
        told += memory.note("way", seen) is not None
        assert memory.changes("way") == told
        assert memory.note("way", seen) is None
        assert memory.length("way") == len(seen)
    assert (memory.changes("other"), memory.length("other")) == (0, 0)


def test_a_router_that_was_silent_once_is_still_compared() -> None:
    """A, then silence, then C: that is a change, though no two rounds that follow each other differ."""
    memory = RouteMemory()
    assert memory.note("way", (A, B)) is None
    assert memory.note("way", ("", B)) is None
    assert memory.note("way", (C, B)) == (A, B)


def test_the_identity_of_a_route_has_no_address() -> None:
    """Twelve digits, the same for the same route."""
    assert identity((A, B)) == identity((A, B)) != identity((B, A))
    assert len(identity((A, "", B))) == 12
