"""Load against the contract: the 95th percentile in both readings of Circular 06/2026/TT-BKHCN article 5.6, and who comes near it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana import choices
from grafana.panels import (
    bars,
    column,
    graph,
    instant,
    listing,
    number,
    option,
    query,
    steps,
    thresholds,
    unseen,
    with_limits,
)
from grafana.queries import PROVINCE, labelled, worse
from grafana.screen import Screen
from grafana.thresholds import LOAD
from grafana.vocabulary import NO_DATA
from grafana.words import Language, Words

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries

_DIRECTIONS: Final = (
    ("receive", Words("Hướng về", "Inbound")),
    ("transmit", Words("Hướng đi", "Outbound")),
)
#: From here on somebody should look, long before the law is broken.
_NEAR: Final = 0.7
_LIMITS: Final = ((None, "green"), (_NEAR, "yellow"), (LOAD, "red"))


def _p95(direction: str, window: str = "7d") -> str:
    """Return the 95th percentile of the chosen channels as a share of the contract, by (province, channel)."""
    return f"max by (province, channel) (channel:{direction}_utilization:p95_{window}{{{PROVINCE}}})"


def _days_above(direction: str) -> str:
    """Return on how many of the last seven days, from midnight to midnight in Viet Nam, the day's own percentile was too high.

    The same moments as in the rule ChannelOverloaded95: a step of a day is at midnight UTC, which is seven in the morning.
    """
    daily = f"channel:{direction}_utilization:p95_1d{{{PROVINCE}}} offset 7h"
    return f"max by (province, channel) (sum_over_time((({daily}) > bool {LOAD})[7d:1d]))"


def _counts(screen: Screen) -> stat.Panel:
    """Return how many channels are above the limit in each reading, and near it."""
    p95, daily = worse(_p95), worse(_days_above)
    window_reading = Words("Vượt 90 %, cửa sổ 7 ngày", "Above 90 %, one window of 7 days")
    daily_reading = Words("Vượt 90 %, đủ 7 ngày liền", "Above 90 % on 7 days running")
    near = Words("Từ 70 % đến 90 %", "Between 70 and 90 %")
    targets = [
        instant(f"count({labelled(f'{p95} > {LOAD}')}) or vector(0)", screen.say(window_reading)),
        instant(f"count({labelled(f'{daily} >= 7')}) or vector(0)", screen.say(daily_reading), ref="B"),
        instant(f"count({labelled(f'{p95} > {_NEAR} <= {LOAD}')}) or vector(0)", screen.say(near), ref="C"),
    ]
    return (
        number(
            screen,
            Words("Số kênh theo phân vị 95", "Channels by 95th percentile"),
            Words(
                "Hai cách đọc điều 5.6 Thông tư 06/2026/TT-BKHCN: một cửa sổ 7 ngày; hoặc phân vị 95 của từng ngày, 7 ngày liền",
                "Both readings of article 5.6: one window of 7 days; or each day's own percentile, 7 days running",
            ),
            targets,
            width=24,
        )
        .thresholds(thresholds((None, "green"), (1, "red")))
        .override_by_name(screen.say(near), [option("thresholds", steps((None, "green"), (1, "yellow")))])
    )


def _table(screen: Screen) -> table.Panel:
    """Return a row for each channel, the most loaded first."""
    names = ("site_name", "operator", "class")
    exprs = [
        f"{labelled(_p95('receive'), *names)}",
        f"{labelled(_p95('transmit'), *names)}",
        f"{labelled(_p95('receive', '1d'), *names)}",
        f"{labelled(_p95('transmit', '1d'), *names)}",
        f"{labelled(_days_above('receive'), *names)}",
        f"{labelled(_days_above('transmit'), *names)}",
        f"{labelled(f'max by (province, channel) (tslcd_channel_contracted_bits_per_second{{{PROVINCE}}})', *names)}",
    ]
    days = ((None, "green"), (1, "yellow"), (7, "red"))
    columns = {
        "site_name": column(screen, Words("Điểm kết nối", "Site")),
        "channel": column(
            screen,
            Words("Kênh", "Channel"),
            url=screen.link("channel", province="${__data.fields.province}", channel="${__value.raw}"),
        ),
        "operator": column(screen, Words("Đơn vị vận hành", "Operator")),
        "class": column(screen, Words("Loại kênh", "Class")),
        "Value #G": column(screen, Words("Hợp đồng", "Contract"), unit="bps"),
        **{
            f"Value #{ref}": column(screen, title, unit="percentunit", decimals=1, limits=_LIMITS)
            for ref, title in (
                ("A", Words("p95 7 ngày, về", "p95 7 days, in")),
                ("B", Words("p95 7 ngày, đi", "p95 7 days, out")),
                ("C", Words("p95 24 giờ, về", "p95 24 h, in")),
                ("D", Words("p95 24 giờ, đi", "p95 24 h, out")),
            )
        },
        "Value #E": column(screen, Words("Ngày vượt, về", "Days above, in"), unit="short", limits=days),
        "Value #F": column(screen, Words("Ngày vượt, đi", "Days above, out"), unit="short", limits=days),
        "province": unseen(),
    }
    return listing(
        screen,
        Words("Tải của từng kênh so với băng thông hợp đồng", "Load of each channel against its contract"),
        Words(
            "Phân vị 95 từ mẫu 5 phút; ngày vượt: trong 7 ngày gần nhất, số ngày mà phân vị 95 của riêng ngày đó vượt 90 %",
            "95th percentile of 5-minute samples; days above: of the last seven, those whose own percentile is above 90 %",
        ),
        exprs,
        columns,
        height=14,
        empty=NO_DATA,
        sort="Value #A",
    )


def _top(screen: Screen) -> list[bargauge.Panel]:
    """Return the ten most loaded channels of each direction."""
    return [
        bars(
            screen,
            Words(f"Mười kênh tải cao nhất, {words.vi.lower()}", f"Ten most loaded, {words.en.lower()}"),
            Words("Phân vị 95 của 7 ngày so với băng thông hợp đồng", "95th percentile of 7 days, of the contract"),
            instant(f"topk(10, {labelled(_p95(direction), 'site_name')})", "{{site_name}} · {{channel}}"),
            unit="percentunit",
            height=10,
        )
        .max(1)
        .thresholds(thresholds(*_LIMITS))
        for direction, words in _DIRECTIONS
    ]


def _trends(screen: Screen) -> list[timeseries.Panel]:
    """Return how the percentiles of the most loaded channels move, and the sum of the traffic by operator."""
    panels = []
    for direction, words in _DIRECTIONS:
        panel = graph(
            screen,
            Words(f"Phân vị 95 theo thời gian, {words.vi.lower()}", f"95th percentile over time, {words.en.lower()}"),
            Words("Mười kênh tải cao nhất; đường đứt là 90 %", "The ten most loaded channels; dashed: 90 %"),
            [query(f"topk(10, {labelled(_p95(direction), 'site_name')})", "{{site_name}} · {{channel}}")],
            unit="percentunit",
        )
        panels.append(with_limits(panel.axis_soft_max(1), (None, "green"), (LOAD, "red")))
    for direction, words in _DIRECTIONS:
        rate = f"max by (province, channel) (channel:{direction}_bits:rate5m{{{PROVINCE}}})"
        panels.append(
            graph(
                screen,
                Words(f"Tổng lưu lượng, {words.vi.lower()}", f"All traffic, {words.en.lower()}"),
                Words(
                    "Tổng các kênh theo đơn vị vận hành, mẫu 5 phút",
                    "Sum of the channels by operator, 5-minute samples",
                ),
                [query(f"sum by (operator) ({labelled(rate, 'operator')})", "{{operator}}")],
                unit="bps",
            )
        )
    return panels


def capacity(language: Language) -> Screen:
    """Return the dashboard of load and bandwidth."""
    screen = Screen(
        "capacity",
        Words(
            "Phân vị 95 so với băng thông hợp đồng, theo cả hai cách đọc điều 5.6",
            "95th percentile against the contract, in both readings of article 5.6",
        ),
        language,
        time="now-7d",
        refresh="5m",
    )
    choices.channels(screen)
    screen.add(_counts(screen), _table(screen), *_top(screen), *_trends(screen))
    return screen
