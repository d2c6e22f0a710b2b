"""What stands on the wall: places that never change, what needs somebody, and numbers that tell no better than it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support import inventories, wall
from tslcd_collector import inventory
from tslcd_collector.inventory import generate
from tslcd_collector.supervision import Standing
from tslcd_collector.verdict import REASON_WORDS, Party, Reason, State, Verdict, Words
from tslcd_collector.web import wording
from tslcd_collector.web.charts import WIDTH, chart, hours, strip
from tslcd_collector.web.day import SLOTS
from tslcd_collector.web.names import sort_key
from tslcd_collector.web.screen import Plan, Row, coverage, needs, rows, short, totals, worst
from tslcd_runtime.language import Language

if TYPE_CHECKING:
    from pathlib import Path

    from tslcd_collector.inventory import Inventory

NOW = 1_790_000_000.0
VI, EN = Language.VI, Language.EN


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """Load 40 channels of ten communes."""
    folder = tmp_path_factory.mktemp("inventory")
    for name, text in generate.inventory("86", 40, 10).items():
        (folder / name).write_text(text, encoding="utf-8")
    return inventory.load(folder)


def standing(known: Inventory, **changes: tuple[State, Reason, Party, float]) -> dict[str, Standing]:
    """Return channels that are up, but for ``changes`` by the end of their id (``c1`` of the first site that has it)."""
    found = {channel: Standing(wall.GOOD, NOW - 1e6, NOW - 1e6) for channel in known.channels}
    for name, (state, reason, party, ago) in changes.items():
        channel = name.replace("_", "-")
        assert channel in found
        found[channel] = Standing(Verdict(state, reason, party), NOW - ago / 2, NOW - ago)
    return found


def test_tiles_are_ordered_by_name_and_never_by_state(known: Inventory) -> None:
    """The eye finds a commune where it was yesterday; the same names in another order of files stand the same."""
    plan = Plan(known)
    names = [tile.name for tile in plan.tiles]
    assert names == sorted(names, key=sort_key)
    assert {channel.id for tile in plan.tiles for channel in tile.channels} == set(known.channels)
    assert Plan(known).version == plan.version


def test_two_sites_of_one_commune_are_told_apart(tmp_path: Path) -> None:
    """The name of the commune alone would say the same twice."""
    change = inventories.edited("sites.yaml", '"29557", name: Trụ sở', '"29551", name: Trạm y tế')
    change |= inventories.edited("channels.yaml", "- id: c2\n  site: s1", "- id: c2\n  site: s2")
    plan = Plan(inventory.load(inventories.write(tmp_path, change)))
    assert [(tile.type, tile.name) for tile in plan.tiles] == [
        ("P.", "Long Châu, Trạm y tế"),
        ("P.", "Long Châu, Trụ sở"),
    ]
    assert Plan(inventories.small(tmp_path / "other")).version != plan.version


def test_what_needs_somebody_is_the_worst_first_then_the_oldest_and_one_entry_a_cause(known: Inventory) -> None:
    """Four channels of a site with one cause are one entry; what nobody must act on is none."""
    ids = list(known.channels)
    site = known.channels[ids[0]].site.id
    cut, slow = (State.DOWN, Reason.INTERFACE_DOWN, Party.OPERATOR), (State.DEGRADED, Reason.LOSS, Party.OPERATOR)
    same = {one: (*cut, 600.0 + n) for n, one in enumerate(i for i in ids if known.channels[i].site.id == site)}
    others = [one for one in ids if known.channels[one].site.id != site]
    change = same | {
        others[0]: (*cut, 90_000.0),
        others[1]: (*slow, 500_000.0),
        others[2]: (State.UNKNOWN, Reason.AGENT_LOST, Party.MONITORING, 9e5),
        others[3]: (State.UP, Reason.SNMP_REFUSED, Party.MONITORING, 9e5),
        others[4]: (State.MAINTENANCE, Reason.MAINTENANCE, Party.NONE, 9e5),
    }
    now = rows({**standing(known), **standing(known, **{k.replace("-", "_"): v for k, v in change.items()})}, {}, {})
    found = needs(Plan(known), now)
    assert [(one.row.state, len(one.channels)) for one in found] == [
        ("down", 1), ("down", len(same)), ("degraded", 1), ("unknown", 1), ("up", 1),
    ]  # fmt: skip
    assert found[1].since == NOW - 600.0 - (len(same) - 1)
    marked = rows(standing(known, **{k.replace("-", "_"): v for k, v in same.items()}), {next(iter(same)): "an"}, {})
    assert sorted(len(one.channels) for one in needs(Plan(known), marked)) == [1, len(same) - 1]


def test_totals_and_coverage_count_every_channel_once(known: Inventory) -> None:
    """Unknown is what supervision does not cover; without channels there is no share."""
    some = dict.fromkeys(list(known.channels)[:3], (State.UNKNOWN, Reason.STALE, Party.MONITORING, 5.0))
    now = rows(standing(known, **{k.replace("-", "_"): v for k, v in some.items()}), {}, {})
    assert totals(now) == {"down": 0, "degraded": 0, "unknown": 3, "maintenance": 0, "up": 37}
    assert coverage(now) == pytest.approx(37 / 40)
    assert coverage({}) is None
    assert worst([]) == "up"
    assert worst(["up", "unknown", "maintenance"]) == "unknown"


def test_every_reason_has_a_first_half_that_stands_alone() -> None:
    """The list has room for what is; what to do stands on the channel's page."""
    for reason in Reason:
        for text, whole in zip(short(reason), REASON_WORDS[reason], strict=True):
            assert 3 < len(text) < 100, text
            assert whole.startswith(text)
            assert not text.endswith((".", ":"))


@pytest.mark.parametrize(
    ("seconds", "vi", "en"),
    [
        (-5, "0 giây", "0 s"),
        (0.9, "0 giây", "0 s"),
        (59, "59 giây", "59 s"),
        (60, "1 phút", "1 min"),
        (3599, "59 phút", "59 min"),
        (3600, "1 giờ", "1 h"),
        (7500, "2 giờ 5 phút", "2 h 5 min"),
        (86400, "1 ngày", "1 d"),
        (90_061, "1 ngày 1 giờ", "1 d 1 h"),
        (8_640_000, "100 ngày", "100 d"),
    ],
)
def test_durations_have_at_most_two_units(seconds: float, vi: str, en: str) -> None:
    """And no seconds from a minute on."""
    assert (wording.duration(seconds, VI), wording.duration(seconds, EN)) == (vi, en)


def test_numbers_are_written_as_each_language_does_and_never_rounded_to_all_is_well() -> None:
    """499 of 500 channels are not 100 %; a decimal comma in Vietnamese."""
    assert wording.percent(499.9 / 500, EN) == "99.9 %"
    assert wording.percent(0.9842, VI) == "98,4 %"
    assert (wording.percent(1, VI), wording.percent(0, VI)) == ("100 %", "0 %")
    assert wording.rate(200e6, VI) == "200 Mbit/s"
    assert [wording.rate(bits, EN) for bits in (0, 999, 1500, 2.5e9, 12345e6)] == [
        "0 bit/s", "999 bit/s", "1.5 kbit/s", "2.5 Gbit/s", "12.3 Gbit/s",
    ]  # fmt: skip
    assert wording.milliseconds(0.00345, VI) == "3,45 ms"
    assert wording.milliseconds(12.5, EN) == "12500 ms"


def test_times_are_local_and_have_a_day_when_it_is_not_today() -> None:
    """UTC+7 the whole year; the day changes at local midnight."""
    midnight = 1_790_010_000.0 // 86400 * 86400 + 17 * 3600
    assert wording.since(midnight + 60, midnight + 3600) == "00:01"
    assert wording.since(midnight - 60, midnight + 3600).endswith(" 23:59")
    assert wording.clock(midnight) == "00:00:00"


@pytest.mark.parametrize(
    ("asked", "remembered", "accept", "expected"),
    [
        (None, None, "", VI),
        ("en", "vi", "vi", EN),
        (None, "en", "vi", EN),
        ("xx", "yy", "fr-FR, de;q=0.5", VI),
        (None, None, "en-US,en;q=0.9,vi;q=0.8", EN),
        (None, None, "fr, vi;q=0.4, en;q=0.6", EN),
        (None, None, "en;q=0, vi;q=0.1", VI),
        (None, None, "en;q=9e9e9,,;;;,=" + "x" * 5000, EN),
        (None, None, "*", VI),
    ],
)
def test_the_language_is_what_was_asked_for_then_remembered_then_preferred(
    asked: str | None, remembered: str | None, accept: str, expected: Language
) -> None:
    """And Vietnamese for everybody else, however broken the header."""
    assert wording.preferred(asked=asked, remembered=remembered, accept=accept) is expected


def test_a_line_has_holes_where_nothing_is_known_and_single_points_are_seen() -> None:
    """Nothing is joined over a hole; a point between two holes has a length."""
    values: list[float | None] = [None] * SLOTS
    values[3:5] = [10.0, 20.0]
    values[9] = 5.0
    drawn = chart({"rtt": values}, {"warn": 18.0, "far": 900.0}, 1.0)
    assert drawn.top == 25
    assert drawn.lines[0].path == "M3.5 60.0h.1L4.5 20.0M9.5 80.0h.1"
    assert (drawn.lines[0].highest, drawn.lines[0].latest) == (20.0, 5.0)
    assert [level.name for level in drawn.levels] == ["warn"]
    nothing = chart({"rtt": [None] * SLOTS}, {}, 0.0)
    assert (nothing.empty, nothing.lines[0].path, nothing.top) == (True, "", 1.0)


def test_hours_below_a_chart_are_full_local_ones() -> None:
    """Every fourth one, within the day."""
    for first in (NOW, NOW + 1234.5, 1_790_010_000.0 // 86400 * 86400 + 17 * 3600):
        found = hours(first)
        assert all((tick.value + 7 * 3600) % (4 * 3600) == 0 for tick in found)
        assert all(0 <= tick.at <= 100 for tick in found)
        assert len(found) == 6


def test_a_strip_covers_its_time_and_shows_the_shortest_cut() -> None:
    """Without a hole where the ledger has none; a cut of a second in a week is drawn."""
    from tslcd_collector.ledger.rows import Interval  # noqa: PLC0415 - beside its only use

    def interval(state: str, since: float, until: float | None) -> Interval:
        return Interval("c1", state, "ok", "none", "", since, until)

    week = 7 * 86400.0
    found = strip(
        [
            interval("up", NOW - 2 * week, NOW - 5000),
            interval("down", NOW - 5000, NOW - 4999),
            interval("up", NOW - 4999, None),
            interval("down", NOW - 3 * week, NOW - 2 * week),
        ],
        NOW - week,
        NOW,
    )
    assert [one.interval.state for one in found] == ["up", "down", "up"]
    assert found[0].x == 0
    assert found[-1].x + found[-1].width == pytest.approx(WIDTH)
    assert found[1].width >= WIDTH / 1000


def test_a_row_changes_with_the_verdict_and_not_with_what_is_measured(known: Inventory) -> None:
    """A quiet network sends nothing, whatever the detail says."""
    channel = next(iter(known.channels))
    one = Standing(Verdict(State.DEGRADED, Reason.LOSS, Party.OPERATOR, Words("mất 3 %", "lost 3%")), NOW - 5, NOW - 9)
    other = Standing(
        Verdict(State.DEGRADED, Reason.LOSS, Party.OPERATOR, Words("mất 7 %", "lost 7%")), NOW - 5, NOW - 9
    )
    assert rows({channel: one}, {}, {}) == rows({channel: other}, {}, {}) == {
        channel: Row(channel, "degraded", "loss", "operator", NOW - 9)
    }  # fmt: skip
