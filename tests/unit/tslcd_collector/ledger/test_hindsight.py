"""The past judged again: what late reports say, and what of the ledger they may replace."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from support.channels import BOTH, NOW, PROBE, channel
from support.collector import interface_table, probe_table
from tslcd_collector.ledger.hindsight import (
    ALIVE,
    Observation,
    judged,
    merged,
    observations,
    revised,
    silent_before,
    unknown_before,
)
from tslcd_collector.ledger.rows import Interval
from tslcd_wire.report import Event, Report

if TYPE_CHECKING:
    from tslcd_wire.report import Tables

STALE = 90.0
C1 = channel(BOTH)
ONE_PROBE = channel(PROBE)


def _report(tables: Tables, *, device: str = "fw", events: list[Event] | None = None, agent: str = "a1") -> Report:
    return Report(
        agent=agent,
        stream="0198f3c2",
        seq=1,
        at=NOW,
        boot="7c1e",
        mono=5.0,
        device=device,
        tables=tables,
        events=events or [],
    )


def _rounds(first: float, answers: list[int], step: float = 30.0) -> list[Observation]:
    return [
        Observation(first + index * step, "probe", "gateway", [5, answered, 0.003])
        for index, answered in enumerate(answers)
    ]


def _said(pieces: list[Interval]) -> list[tuple[str, str, float, float | None]]:
    return [(one.state, one.reason, one.since - NOW, None if one.until is None else one.until - NOW) for one in pieces]


def _known(state: str, reason: str, since: float, until: float | None, origin: str = "live") -> Interval:
    party = "none" if reason == "ok" else "monitoring"
    ends = None if until is None else NOW + until
    return Interval("c1", state, reason, party, "", NOW + since, ends, origin)  # type: ignore[arg-type]


def test_a_report_tells_what_its_channel_is_bound_to() -> None:
    """The device's state, the interface, link events at corrected times, rounds of bound probes; else a sign of life."""
    event = Event(kind="link", key="wan1", up=False, at=NOW - 2, source="trap")
    seen = observations(C1, _report(interface_table(), events=[event]), NOW - 100)
    assert seen == [
        Observation(NOW - 100, "device", "", ["ok"]),
        Observation(NOW - 100, "interface", "", [1, 1, 1000, 2000, None, None]),
        Observation(NOW - 102, "link", "", [False]),
    ]
    assert observations(C1, _report(probe_table(lost=5), device=""), NOW) == [
        Observation(NOW, "probe", "gateway", [5.0, 0.0, None, 0.0004])
    ]
    assert observations(C1, _report({"agent": {"key": [""]}}, device=""), NOW) == [Observation(NOW, ALIVE, "", [])]
    assert observations(C1, _report(interface_table(), device="rt"), NOW) == [Observation(NOW, ALIVE, "", [])]
    assert observations(C1, _report(interface_table(), agent="a2"), NOW) == []
    assert observations(channel(None), _report(interface_table()), NOW) == []
    old = _report({"device": {"key": [""], "snmp_up": [0]}})
    assert observations(C1, old, NOW)[0].values == ["silent"]


def test_what_was_measured_becomes_verdicts_with_the_times_of_measurement() -> None:
    """Up, a cut of two rounds, up again; after the last round it holds for as long as a live verdict would."""
    pieces = judged(ONE_PROBE, _rounds(NOW, [5, 5, 0, 0, 5, 5]))
    assert _said(pieces) == [
        ("up", "ok", 0, 60),
        ("down", "gateway_unreachable", 60, 120),
        ("up", "ok", 120, 150 + STALE),
    ]


def test_a_gap_in_what_was_measured_stays_unknown() -> None:
    """An hour without a report is not filled from both ends."""
    pieces = judged(ONE_PROBE, [*_rounds(NOW, [5, 5]), *_rounds(NOW + 3600, [5, 5])])
    assert _said(pieces) == [("up", "ok", 0, 30 + STALE), ("up", "ok", 3600, 3630 + STALE)]
    assert judged(ONE_PROBE, [Observation(NOW, ALIVE, "", [])]) == []
    assert judged(ONE_PROBE, []) == []


def test_a_link_event_is_as_good_as_a_poll() -> None:
    """Down by a trap between two polls, and up by the next poll."""
    seen = [
        Observation(NOW, "device", "", ["ok"]),
        Observation(NOW, "interface", "", [1, 1]),
        Observation(NOW + 10, "link", "", [False]),
        Observation(NOW + 30, "device", "", ["ok"]),
        Observation(NOW + 30, "interface", "", [1, 1]),
    ]
    assert _said(judged(C1, seen)) == [
        ("up", "ok", 0, 10),
        ("down", "interface_down", 10, 30),
        ("up", "ok", 30, 30 + STALE),
    ]


def test_only_what_was_unknown_is_replaced() -> None:
    """Late reports of ten minutes fill the unknown part; what was judged live on both sides stays."""
    known = [
        _known("up", "ok", -1000, 0),
        _known("unknown", "agent_lost", 0, 600),
        _known("up", "ok", 600, None),
    ]
    pieces = judged(ONE_PROBE, _rounds(NOW - 30, [5, 5, 0, 0, 0, *[5] * 18]))
    ((old, tiles),) = revised(known, pieces, unknown_before, STALE)
    assert old == known[1]
    assert _said(tiles) == [
        ("up", "ok", 0, 30),
        ("down", "gateway_unreachable", 30, 120),
        ("up", "ok", 120, 600),
    ]
    assert [(one.origin, one.revision) for one in tiles] == [("late", 1)] * 3


def test_the_verdict_that_went_on_without_measurement_before_a_silence_is_put_right() -> None:
    """The agent was cut off with its channel: the live verdict was ``up`` until the broker noticed, the reports say down."""
    known = [_known("up", "ok", -1000, 20), _known("unknown", "agent_lost", 20, None)]
    changes = revised(known, judged(ONE_PROBE, _rounds(NOW, [0, 0, 5])), unknown_before, STALE)
    tiles = [tile for _, tiles in changes for tile in tiles]
    assert _said(tiles) == [
        ("up", "ok", -1000, 0),
        ("down", "gateway_unreachable", 0, 20),
        ("down", "gateway_unreachable", 20, 60),
        ("up", "ok", 60, 60 + STALE),
        ("unknown", "agent_lost", 60 + STALE, None),
    ]
    # but not what is longer ago than a verdict may go on
    early = judged(ONE_PROBE, _rounds(NOW - 300, [0, 0]))
    assert revised(known, early, unknown_before, STALE) == []


def test_a_power_cut_explains_a_silence_and_nothing_else() -> None:
    """``agent_lost`` becomes ``site_power`` for the time of the absence; a refused device stays what it was."""
    piece = Interval("c1", "unknown", "site_power", "power", "", NOW + 10, NOW + 500, "power")
    known = [
        _known("up", "ok", -1000, 90),
        _known("unknown", "agent_lost", 90, 520),
        _known("unknown", "snmp_refused", 520, 530),
        _known("up", "ok", 530, None),
    ]
    changes = revised(known, [piece], silent_before, STALE)
    assert [old for old, _ in changes] == known[:2]
    assert _said([tile for _, tiles in changes for tile in tiles]) == [
        ("up", "ok", -1000, 10),
        ("unknown", "site_power", 10, 90),
        ("unknown", "site_power", 90, 500),
        ("unknown", "agent_lost", 500, 520),
    ]
    assert revised([_known("unknown", "site_power", 0, 600)], [piece], silent_before) == []


def test_what_follows_and_says_the_same_is_shown_as_one() -> None:
    """Tiles of one origin are joined; a hole or another origin keeps them apart."""
    tiles = [
        _known("up", "ok", 0, 10),
        replace_until(_known("up", "ok", 10, 20), 1),
        _known("up", "ok", 30, 40),
        _known("up", "ok", 40, None, "late"),
    ]
    shown = list(merged(tiles))
    assert [(one.since - NOW, one.revision) for one in shown] == [(0, 1), (30, 0), (40, 0)]
    assert list(merged([])) == []


def replace_until(one: Interval, revision: int) -> Interval:
    """Return the interval with another revision."""
    return one._replace(revision=revision)


STATES = st.sampled_from([("up", "ok"), ("down", "interface_down"), ("unknown", "agent_lost"), ("unknown", "stale")])
ORIGINS = st.sampled_from(["live", "late", "power", "blind"])


@st.composite
def _timelines(draw: st.DrawFn) -> list[Interval]:
    at, known = 0.0, []
    for (state, reason), lasts, origin in draw(
        st.lists(st.tuples(STATES, st.integers(1, 200), ORIGINS), min_size=1, max_size=8)
    ):
        known.append(_known(state, reason, at, at + lasts, origin))
        at += lasts
    known[-1] = known[-1]._replace(until=None)
    return known


@settings(max_examples=300)
@given(
    _timelines(),
    st.lists(st.integers(0, 5), max_size=12),
    st.floats(-300, 900),
    st.floats(5, 120),
)
def test_no_hole_no_overlap_and_nothing_measured_live_is_overruled(
    known: list[Interval], answers: list[int], first: float, step: float
) -> None:
    """Whatever is laid over whatever: the same time is covered, knowledge only grows, and doing it again changes nothing."""
    pieces = judged(ONE_PROBE, _rounds(NOW + first, answers, step))
    assert all(one.until is not None and one.since < one.until for one in pieces)
    assert all(one.until is not None and one.until <= two.since for one, two in pairwise(pieces))
    replaced = dict(revised(known, pieces, unknown_before, STALE))
    after = [tile for one in known for tile in replaced.get(one, [one])]
    assert (after[0].since, after[-1].until) == (known[0].since, None)
    assert all(one.until == two.since and one.since < two.since for one, two in pairwise(after))
    for old, tiles in replaced.items():
        measured = old.origin == "live" and old.state != "unknown"
        for tile in tiles:
            assert tile.state != "unknown" or old.state == "unknown"
            if measured and not tile.agrees(old):
                assert old.until is not None
                assert tile.since >= old.until - STALE
    again = revised(after, pieces, unknown_before, STALE)
    assert [tiles for old, tiles in again if any(not tile.agrees(old) for tile in tiles)] == []
