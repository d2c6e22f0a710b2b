"""Operators beside each other: how much of the time their channels worked, how often they were cut, and how well they carried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana import choices
from grafana.panels import (
    bad_from,
    bars,
    column,
    graph,
    instant,
    listing,
    named,
    query,
    stacked,
    with_limits,
)
from grafana.queries import CHOSEN, PROVINCE, SAME, among, holding, info, joined, labelled, one_each, worse
from grafana.screen import Screen
from grafana.thresholds import AVAILABILITY, JITTER, LATENCY, LOAD, LOSS
from grafana.vocabulary import NO_DATA, NOTHING, REASONS
from grafana.words import Language, Words

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import bargauge, table, timeseries

_RANGE: Final = "[$__range]"


def _mean(family: str, *, over: str = "") -> str:
    """Return the mean figure of each operator's chosen channels: now, or its function ``over`` the range.

    Of two collectors it is the greater figure of a channel, as on the dashboard of that channel.
    """
    series = f"tslcd_channel_{family}{{{PROVINCE}}}"
    one = joined(f"{over}({series}{_RANGE})" if over else series, "operator")
    return f"avg by (operator) (max by (province, channel, operator) ({one}))"


def _cuts() -> str:
    """Return how often each chosen channel was cut in the range, with its operator."""
    state = f'tslcd_channel_state{{{PROVINCE},state="down"}}{_RANGE}'
    return labelled(f"max by (province, channel) (changes({state}) - resets({state}))", "operator")


def _down() -> str:
    """Return how many channels of each operator are down; nothing where none is."""
    return f"count by (operator) (max by (province, channel, operator) ({joined(holding('down'), 'operator')}))"


def _comparison(screen: Screen) -> table.Panel:
    """Return a row for each operator."""
    p95 = worse(lambda direction: f"channel:{direction}_utilization:p95_7d{{{PROVINCE}}}")
    loaded = labelled(f"{p95} > bool {LOAD}", "operator")
    every = f"count by (operator) ({info('operator')})"
    exprs = [
        every,
        f"{_down()} or on (operator) 0 * {every}",
        _mean("up", over="avg_over_time"),
        f"sum by (operator) ({_cuts()})",
        _mean("loss_ratio", over="avg_over_time"),
        _mean("rtt_seconds", over="avg_over_time"),
        _mean("jitter_seconds", over="avg_over_time"),
        f"sum by (operator) ({loaded})",
    ]
    good = ((None, "orange"), (AVAILABILITY, "green"))
    columns = {
        "operator": column(
            screen,
            Words("Đơn vị vận hành", "Operator"),
            url=screen.link("overview", operator="${__value.raw}"),
        ),
        "Value #A": column(screen, Words("Số kênh", "Channels"), unit="short"),
        "Value #B": column(
            screen, Words("Đang mất kết nối", "Down now"), unit="short", limits=((None, "green"), (1, "red"))
        ),
        "Value #C": column(screen, Words("Độ khả dụng", "Availability"), unit="percentunit", decimals=3, limits=good),
        "Value #D": column(screen, Words("Số lần mất kết nối", "Cuts"), unit="short"),
        "Value #E": column(screen, Words("Mất gói", "Loss"), unit="percentunit", decimals=2, limits=bad_from(*LOSS)),
        "Value #F": column(screen, Words("Độ trễ", "Delay"), unit="s", limits=bad_from(*LATENCY)),
        "Value #G": column(screen, Words("Biến động trễ", "Jitter"), unit="s", limits=bad_from(*JITTER)),
        "Value #H": column(
            screen, Words("Kênh vượt 90 %", "Above 90 %"), unit="short", limits=((None, "green"), (1, "red"))
        ),
    }
    return listing(
        screen,
        Words("So sánh trong khoảng thời gian đang xem", "Compared, over the range"),
        Words(
            "Độ khả dụng: tỷ lệ thời gian dùng được, kể cả suy giảm và không kể lý do; mất gói, độ trễ, biến động trễ: trung bình các kênh",
            "Availability: share of time that channels worked, degraded included, for whatever cause; loss, delay and jitter: means",
        ),
        exprs,
        columns,
        height=6,
        empty=NO_DATA,
        sort="Value #C",
        descending=False,
    )


def _by_reason(screen: Screen) -> timeseries.Panel:
    """Return how many channels are not up for reasons that are the operator's."""
    one = among(
        f'tslcd_channel_verdict_info{{{PROVINCE},party="operator"}}\n  and {SAME} {holding("down", "degraded")}'
    )
    panel = graph(
        screen,
        Words("Kênh có sự cố phía đơn vị vận hành", "Channels in the operators' hands"),
        Words(
            "Mất kết nối hoặc suy giảm mà đơn vị vận hành phải xử lý, theo lý do",
            "Down or degraded and the operator's to mend, by reason",
        ),
        [query(f"count by (reason) ({one_each(one)})", "{{reason}}")],
        unit="short",
        width=24,
    )
    return named(screen, stacked(panel).no_value(screen.say(NOTHING)), REASONS)


def _over_time(screen: Screen) -> list[timeseries.Panel]:
    """Return the operators' figures over time."""
    figures = (
        (
            Words("Kênh mất kết nối", "Channels down"),
            Words("Theo đơn vị vận hành", "By operator"),
            _down(),
            "short",
            (),
        ),
        (
            Words("Mất gói trung bình", "Mean loss"),
            Words(
                "Trung bình các kênh; đường đứt là ngưỡng của loại kênh chuẩn",
                "Mean of the channels; dashed: thresholds of the standard class",
            ),
            _mean("loss_ratio"),
            "percentunit",
            LOSS,
        ),
        (
            Words("Độ trễ trung bình", "Mean delay"),
            Words(
                "Trung bình các kênh; đường đứt là ngưỡng của loại kênh chuẩn",
                "Mean of the channels; dashed: thresholds of the standard class",
            ),
            _mean("rtt_seconds"),
            "s",
            LATENCY,
        ),
        (
            Words("Biến động trễ trung bình", "Mean jitter"),
            Words(
                "Trung bình các kênh; đường đứt là ngưỡng của loại kênh chuẩn",
                "Mean of the channels; dashed: thresholds of the standard class",
            ),
            _mean("jitter_seconds"),
            "s",
            JITTER,
        ),
    )
    panels = []
    for title, description, expr, unit, limits in figures:
        panel = graph(screen, title, description, [query(expr, "{{operator}}")], unit=unit)
        panels.append(
            with_limits(panel, *bad_from(*limits)) if limits else panel.decimals(0).no_value(screen.say(NOTHING))
        )
    return panels


def _worst(screen: Screen) -> list[bargauge.Panel]:
    """Return the channels that were cut most often, and those that were away longest."""
    away = f"1 - max by (province, channel) (avg_over_time(tslcd_channel_up{{{PROVINCE}}}{_RANGE}))"
    return [
        bars(
            screen,
            Words("Mất kết nối nhiều lần nhất", "Cut most often"),
            Words("Mười kênh, số lần trong khoảng thời gian đang xem", "Ten channels, cuts in the range"),
            instant(f"topk(10, sum by (channel, operator) ({_cuts()}) > 0)", "{{channel}} · {{operator}}"),
            unit="short",
        ),
        bars(
            screen,
            Words("Không dùng được lâu nhất", "Away for the longest time"),
            Words("Mười kênh, tỷ lệ thời gian trong khoảng đang xem", "Ten channels, share of the range"),
            instant(
                f"topk(10, max by (channel, operator) ({labelled(away, 'operator')}) > 0)", "{{channel}} · {{operator}}"
            ),
            unit="percentunit",
        ),
    ]


def operators(language: Language) -> Screen:
    """Return the dashboard of all operators."""
    screen = Screen(
        "operators",
        Words(
            "Các đơn vị vận hành cạnh nhau: độ khả dụng, số lần mất kết nối, chất lượng",
            "The operators beside each other: availability, cuts, quality",
        ),
        language,
        time="now-24h",
        refresh="1m",
    )
    choices.channels(screen)
    screen.add(_comparison(screen), *_over_time(screen), _by_reason(screen), *_worst(screen))
    choices.mark_outages(screen, CHOSEN, cuts=False)
    return screen
