"""What somebody saw on the page is not sent again; what nobody could see is."""

from __future__ import annotations

from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from tslcd_collector.backfill.coverage import MAX_SCRAPERS, Coverage

T: Final = 1_790_000_000.0
EXPIRY: Final = 300.0


def _coverage() -> Coverage:
    return Coverage(EXPIRY, 30.0)


def _scrapes(coverage: Coverage, since: float, until: float, scraper: str = "") -> None:
    at = since
    while at <= until:
        coverage.scraped(scraper, T + at)
        at += 5.0


def _live(coverage: Coverage, since: float, until: float, step: float = 30.0) -> None:
    at = since
    while at <= until:
        coverage.reported("a1", T + at, T + at + 0.5)
        at += step


def _covered(coverage: Coverage, *times: float, scraper: str = "") -> list[bool]:
    return [coverage.covers("a1", T + at, scraper) for at in times]


def test_an_agent_that_was_cut_off() -> None:
    """The page showed its last values until they expired; what was measured after that, and before it was back, is sent."""
    coverage = _coverage()
    _scrapes(coverage, 0, 2000)
    _live(coverage, 0, 600)
    _live(coverage, 1500, 1800)
    for at in range(630, 1500, 30):
        coverage.reported("a1", T + at, T + 1501)  # history: much too late for the page
    assert _covered(coverage, 0, 300, 600, 899) == [True] * 4
    assert _covered(coverage, 901, 1200, 1499) == [False] * 3
    assert _covered(coverage, 1500, 1800) == [True] * 2


def test_prometheus_was_away() -> None:
    """Reports came and were on the page, but nobody read it: all of that time is sent, but for a moment at its edges."""
    coverage = _coverage()
    _scrapes(coverage, 0, 600)
    _live(coverage, 0, 1800)
    _scrapes(coverage, 1200, 1800)
    assert _covered(coverage, 590, 614, 616, 900, 1184, 1186, 1300) == [True, True, False, False, False, True, True]


def test_a_scrape_that_was_late_is_no_absence() -> None:
    """A pause not longer than the gap belongs to the interval."""
    coverage = _coverage()
    _live(coverage, 0, 300)
    _scrapes(coverage, 0, 100)
    _scrapes(coverage, 129, 300)
    assert _covered(coverage, 115) == [True]


def test_each_of_two_scrapers_sees_for_itself() -> None:
    """What one of a pair missed is sent to that one only."""
    coverage = _coverage()
    _live(coverage, 0, 900)
    _scrapes(coverage, 0, 900, "192.0.2.1")
    _scrapes(coverage, 0, 200, "192.0.2.2")
    assert _covered(coverage, 500, scraper="192.0.2.1") == [True]
    assert _covered(coverage, 500, scraper="192.0.2.2") == [False]
    assert _covered(coverage, 500) == [True]
    assert _covered(coverage, 500, scraper="192.0.2.3") == [False]
    for number in range(100):
        coverage.scraped(f"198.51.100.{number}", T)
    assert len(coverage._scrapers) <= MAX_SCRAPERS + 1


def test_a_late_first_report_covers_from_when_it_came() -> None:
    """Measured four minutes ago it is on the page now, and was not then."""
    coverage = _coverage()
    _scrapes(coverage, 0, 600)
    coverage.reported("a1", T, T + 240)
    assert _covered(coverage, 0, 200, 241) == [False, False, True]


def test_a_restart_forgets_nothing_that_was_written_down() -> None:
    """Intervals before and after; what hardly grew is not written each time."""
    before = _coverage()
    _scrapes(before, 0, 600)
    _live(before, 0, 600)
    agents, scrapers = before.take_changed()
    assert len(agents) == 1
    assert before.take_changed() == ([], [])
    _live(before, 630, 630)
    assert before.take_changed() == ([], [])
    _live(before, 660, 690)
    _live(before, 2000, 2030)
    _scrapes(before, 2000, 2030)
    more, seen = before.take_changed()
    assert [(since - T, until - T) for _, since, until in more] == [(0, 990), (2000, 2330)]
    after = _coverage()
    kept = {(name, since): until for name, since, until in [*agents, *more]}
    seen_too = {(name, since): until for name, since, until in [*scrapers, *seen]}
    after.restore([(*key, until) for key, until in kept.items()], [(*key, until) for key, until in seen_too.items()])
    times = (0, 300, 616, 700, 1500, 2000, 2030)
    assert _covered(after, *times) == _covered(before, *times)
    assert after.take_changed() == ([], [])


def test_the_old_is_forgotten() -> None:
    """Memory is bounded by the window."""
    coverage = _coverage()
    for start in range(0, 20_000, 1000):
        _live(coverage, start, start)
        _scrapes(coverage, start, start)
    coverage.forget(T + 19_500)
    assert len(coverage._agents["a1"].intervals) == 1
    assert len(coverage._scrapers[""].intervals) == 1
    coverage.take_changed()


@given(st.lists(st.tuples(st.floats(0, 3000), st.floats(0, 400)), max_size=30))
def test_what_is_uncovered_is_never_older_than_what_the_page_showed_then(reports: list[tuple[float, float]]) -> None:
    """For reports in time: at no uncovered moment was the table of an earlier report still fresh on the page."""
    coverage = _coverage()
    coverage.scraped("", T - 1000)
    coverage._scrapers[""].extend(T - 1000, T + 10_000, 1e9)
    timely = sorted((at, late / 10) for at, late in reports)
    for at, late in timely:
        coverage.reported("a1", T + at, T + at + late)
    for at, _ in timely:
        for probe in (at, at + 100, at + EXPIRY - 1, at + EXPIRY + 1):
            if not coverage.covers("a1", T + probe, ""):
                assert not any(one <= probe <= one + EXPIRY for one, _ in timely)
