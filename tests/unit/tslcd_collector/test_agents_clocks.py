"""Wrong clocks are put right by the time since boot, right ones are left alone, and what nobody can know is flagged.

The simulated site is :mod:`support.boots`; ``tests/soak clocks`` plays thousands of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.boots import DAY, EXACT, HOUR, NOW, ROUND, Boot, Site, right, shifted, stepping
from tslcd_collector import clock
from tslcd_collector.clock import Clocks, Timed
from tslcd_wire.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable


def _clocks(max_future: float = EXACT) -> Clocks:
    return Clocks(max_future, 35 * DAY)


def _report(mono: float, at: float, *, boot: str = "b0b0", seq: int = 1, agent: str = "a") -> Report:
    return Report(agent=agent, stream="0198f3c2", seq=seq, at=at, boot=boot, mono=mono)


#: What a wall clock may do, by the true time; the outage of the scenario is the hour from NOW + 1 h.
WALLS: dict[str, Callable[[float], float]] = {
    "at 1970": lambda true: true - NOW,
    "a day ahead": lambda true: true + DAY,
    "50 years ahead": lambda true: true + 50 * 365.25 * DAY,
    "a minute ahead": lambda true: true + 60,
    "a minute behind": lambda true: true - 60,
    "a month behind": lambda true: true - 30 * DAY,
    "1970, set right in the outage": lambda true: true - NOW if true < NOW + 5400 else true,
    "stepping a day ahead in the outage": lambda true: true if true < NOW + 5400 else true + DAY,
    "stepping back an hour in the outage": lambda true: true if true < NOW + 5400 else true - HOUR,
    "stepping to and fro": lambda true: true + (HOUR if int(true / 600) % 2 else -HOUR),
}


@pytest.mark.parametrize("drift", [0.0, 200e-6, -200e-6])
@pytest.mark.parametrize("name", WALLS)
def test_a_boot_that_was_heard_is_putright_to_two_seconds(name: str, drift: float) -> None:
    """Live or late, whatever the clock says, from the moment that the boot is proven; and nothing is flagged unknown."""
    wall = WALLS[name]
    outage = (NOW + HOUR, NOW + 2 * HOUR)
    site = Site([Boot("b0b0", NOW, 3 * HOUR, wall, drift)], [outage])
    for _, true, report, _, _, timed in site.play():
        assert timed.known
        if true > NOW + 60:
            assert abs(timed.at - true) <= EXACT, (true - NOW, report.at)
            assert timed.corrected == (abs(report.at - true) > EXACT)


@pytest.mark.parametrize("drift", [200e-6, -200e-6])
def test_drift_is_followed_through_an_outage_of_thirty_days(drift: float) -> None:
    """Quartz that is off by 200 ppm is nine minutes off after a month: anchors before and after it tell what lies between."""
    site = Site([Boot("b0b0", NOW, 31 * DAY, lambda true: true - NOW, drift)], [(NOW + HOUR, NOW + 30 * DAY)])
    site.clocks = Clocks(EXACT, 40 * DAY)
    worst = max(abs(timed.at - true) for _, true, _, _, _, timed in site.play() if true > NOW + 60)
    assert worst <= EXACT


def testright_clock_is_left_alone_also_when_reports_are_late() -> None:
    """Through outages, delays up to 5 s, a collector that was away, and a drift of the time since boot."""
    site = Site(
        [Boot("b0b0", NOW, 3 * HOUR, right, 50e-6), Boot("b1b1", NOW + 4 * HOUR, 2 * HOUR, right)],
        [(NOW + HOUR, NOW + 2 * HOUR), (NOW + 2.5 * HOUR, NOW + 5 * HOUR)],
        delay=lambda true: (true * 7) % 5,
    )
    for _, true, _, _, _, timed in site.play():
        assert timed == Timed(true, corrected=False)


def test_boots_without_a_clock_during_an_outage_are_bounded_and_flagged() -> None:
    """Of four boots the second and third were never heard and thought it was 1970: no time is made up for them, the last is exact."""
    boots = [
        Boot("b0b0", NOW, HOUR, right),
        Boot("b1b1", NOW + 1.5 * HOUR, HOUR / 2, shifted(-NOW - 1.5 * HOUR)),
        Boot("b2b2", NOW + 2.5 * HOUR, HOUR / 2, shifted(-NOW - 2.5 * HOUR)),
        Boot("b3b3", NOW + 4 * HOUR, HOUR, lambda true: true - NOW - 4 * HOUR if true < NOW + 4.5 * HOUR else true),
    ]
    played = Site(boots, [(NOW + HOUR / 2, NOW + 4.2 * HOUR)]).play()
    for boot, true, report, received, _, timed in played:
        if boot.name in {"b1b1", "b2b2"}:
            assert not timed.known
            assert timed.at == report.at
            assert timed.earliest <= true <= timed.latest <= received
            assert timed.latest - timed.earliest < 3.5 * HOUR
        else:
            assert timed.known
            assert abs(timed.at - true) <= EXACT
    assert sum(not timed.known for *_, timed in played) == 2 * 60


def test_a_short_boot_between_two_known_ones_needs_no_clock() -> None:
    """A power blip: bounds that leave no more than four seconds are the time itself."""
    boots = [
        Boot("b0b0", NOW, HOUR, right),
        Boot("b1b1", NOW + HOUR + 1, HOUR / 2, lambda true: true - NOW),
        Boot("b2b2", NOW + 1.5 * HOUR + 2, HOUR, right),
    ]
    clocks = _clocks()
    played = Site(boots, [(NOW + HOUR + 0.5, NOW + 1.5 * HOUR + 1.5)], clocks=clocks).play()
    middle = [(true, timed) for boot, true, _, _, _, timed in played if boot.name == "b1b1"]
    assert len(middle) == 60
    known = [(true, timed) for true, timed in middle if timed.known]
    assert all(abs(timed.at - true) <= ROUND for true, timed in known)
    assert all(timed.earliest <= true <= timed.latest for true, timed in middle if not timed.known)


def test_an_offline_boot_with_aright_clock_is_believed_and_one_out_of_order_is_not() -> None:
    """The neighbours' order tells a plausible clock from an impossible one."""
    for offset, known in ((0.0, True), (-3 * HOUR, False), (5 * HOUR, False)):
        boots = [
            Boot("b0b0", NOW, HOUR, right),
            Boot("b1b1", NOW + 2 * HOUR, HOUR, shifted(offset)),
            Boot("b2b2", NOW + 4 * HOUR, HOUR, right),
        ]
        played = Site(boots, [(NOW + HOUR, NOW + 4 * HOUR)]).play()
        said = [timed for boot, _, _, _, _, timed in played if boot.name == "b1b1"]
        assert {timed.known for timed in said} == {known}


def test_the_first_word_of_a_stranger() -> None:
    """History before anything live: believed when it can be true, if only of long ago, flagged when it cannot."""
    clocks = _clocks()
    for at, known in ((NOW - HOUR, True), (NOW + HOUR, False), (100.0, False), (NOW - 36 * DAY, True)):
        report = _report(50.0, at, agent=f"a{at}")
        clocks.learn(report, NOW, live=False)
        timed = clocks.place(report, NOW)
        assert (timed.known, timed.at, timed.corrected) == (known, at, False)
    assert _clocks().place(_report(50.0, 100.0), NOW).latest == NOW


def test_a_wrong_clock_is_told_with_its_offset() -> None:
    """Positive ahead, negative behind, known from the first live report; ten seconds are a problem."""
    for offset, wrong in ((0.0, False), (3.0, False), (15.0, True), (-DAY, True)):
        site = Site([Boot("b0b0", NOW, 600, shifted(offset))])
        site.play()
        known = site.clocks.agents["a"]
        assert known.offset == pytest.approx(offset, abs=0.1)
        assert known.wrong is wrong
        assert known.corrected == (0 if offset == 0 else 20 if offset > 0 or offset < -35 * DAY else 18)


def test_late_reports_in_the_live_lane_move_no_anchor() -> None:
    """A broker that kept live reports for ten minutes: the right clock is left alone, and believed after it is over."""
    clocks = _clocks()
    for second in range(0, 1200, 30):
        clocks.learn(_report(float(second), NOW + second), NOW + second, live=True)
    for second in range(1200, 1800, 30):  # all of them come at 1800
        report = _report(float(second), NOW + second)
        clocks.learn(report, NOW + 1800, live=True)
        assert clocks.place(report, NOW + 1800) == Timed(NOW + second, corrected=False)


def test_our_own_clock_set_forward_is_believed_after_a_while() -> None:
    """The collector ran an hour behind and is put right: within a window the agents are right again."""
    clocks = _clocks()
    for second in range(0, 7200, 30):
        ours = NOW + second - (HOUR if second < 3600 else 0)
        report = _report(float(second), NOW + second)
        clocks.learn(report, ours, live=True)
        timed = clocks.place(report, ours)
        if second < 3600 or second > 3600 + 2 * 660:
            assert abs(timed.at - ours) <= EXACT


def test_what_is_known_is_known_after_a_restart() -> None:
    """Rows that were taken and given back decide as before; nothing is written again that did not change."""
    before = Site([Boot("b0b0", NOW, 2 * HOUR, WALLS["at 1970"], 100e-6)])
    before.play()
    rows = before.clocks.take_changed()
    assert [(row.agent, row.boot, row.first_seq, row.last_seq) for row in rows] == [("a", "b0b0", 1, 240)]
    assert before.clocks.take_changed() == []
    before.clocks.learn(_report(7190.0, 7190.0, seq=241), NOW + 7190, live=True)
    assert before.clocks.take_changed() == []
    after = _clocks()
    after.restore(rows)
    old = _report(600.0, 600.0, seq=20)
    assert after.place(old, NOW + 3 * HOUR) == before.clocks.place(old, NOW + 3 * HOUR)
    assert after.place(old, NOW + 3 * HOUR).at == pytest.approx(NOW + 600, abs=EXACT)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Agents, boots of an agent and boots in all; the oldest boot goes, the newest is known."""
    monkeypatch.setattr(clock, "MAX_AGENTS", 3)
    monkeypatch.setattr(clock, "MAX_ALL", 2 * clock.MAX_BOOTS)
    clocks = _clocks()
    for number in range(5):
        for boot in range(100):
            report = _report(10.0, NOW, boot=f"{boot:04x}", seq=boot + 1, agent=f"a{number}")
            clocks.learn(report, NOW, live=True)
            clocks.place(report, NOW)
    assert len(clocks.agents) == 3
    assert sum(len(one.boots) for one in clocks.agents.values()) <= 2 * clock.MAX_BOOTS
    assert "0063" in clocks.agents["a0"].boots
    assert len(clocks.take_changed()) <= 2 * clock.MAX_BOOTS
    rows = [clock.ClockRow(f"x{n}", "b0", "0198f3c2", 0, 1, 1, 1.0, 1, NOW, NOW, []) for n in range(5)]
    clocks.restore(rows)
    assert len(clocks.agents) == 3


WALL = st.sampled_from([0.0, 3.0, -8.0, 60.0, -60.0, HOUR, -DAY, DAY, -NOW])
LIVES = st.lists(st.tuples(st.floats(0, 2 * HOUR), st.floats(60, 2 * HOUR), WALL, WALL), min_size=1, max_size=5)


@settings(max_examples=150, deadline=None)
@given(LIVES, st.lists(st.tuples(st.floats(0, 12 * HOUR), st.floats(0, 5 * HOUR)), max_size=4), st.floats(-2e-4, 2e-4))
def test_no_time_is_made_up(
    lives: list[tuple[float, float, float, float]], outages: list[tuple[float, float]], drift: float
) -> None:
    """Any boots, clocks, steps and outages: never in the future, right or flagged when corrected, bounds that hold the truth."""
    boots, begin = [], NOW
    for index, (off, lasts, first, second) in enumerate(lives):
        begin += off
        half = begin + lasts / 2
        boots.append(
            Boot(
                f"b{index:03x}",
                begin,
                lasts,
                stepping(half, first, second),
                drift,
            )
        )
        begin += lasts
    site = Site(boots, [(NOW + start, NOW + start + lasts) for start, lasts in outages])
    for _, true, report, received, _, timed in site.play():
        assert timed.at <= received + EXACT or not timed.known
        assert timed.at >= true - 60 - EXACT or not timed.known or not timed.corrected
        if timed.corrected:
            assert abs(timed.at - true) <= EXACT
        elif timed.known:
            assert timed.at == report.at
        else:
            assert timed.earliest - EXACT <= true <= timed.latest + EXACT
