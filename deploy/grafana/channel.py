"""One channel: its state and reason over time, its traffic against the contract, its quality, its interface, its redundancy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana import choices
from grafana.panels import (
    DURATION,
    bad_from,
    column,
    fixed,
    graph,
    hidden,
    instant,
    listing,
    named,
    number,
    option,
    query,
    steps,
    thresholds,
    timeline,
    unseen,
    with_limits,
)
from grafana.queries import PROVINCE, SAME, holding, state_numbers, verdicts
from grafana.runbooks import panel_numbers
from grafana.screen import Screen
from grafana.thresholds import AVAILABILITY, ERRORS, JITTER, LATENCY, LOAD, LOSS
from grafana.vocabulary import PARTIES, REASONS, RUNBOOK_OF_REASON, STATES, state_number
from grafana.words import Language, Words

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import stat, statetimeline, table, timeseries

_THIS: Final = 'province=~"$province",channel="$channel"'
#: The series of the interface that the channel is bound to.
_BOUND: Final = f"and on (instance, province, agent, device, interface) tslcd_channel_info{{{_THIS}}}"
_DASHED: Final = {"fill": "dash", "dash": [10, 10]}
_INBOUND: Final = Words("Hướng về", "Inbound")
_OUTBOUND: Final = Words("Hướng đi", "Outbound")
_DIRECTIONS: Final = (("receive", _INBOUND), ("transmit", _OUTBOUND))
_STATE_NUMBERS: Final = {str(state_number(state)): word for state, word in STATES.items()}


def _now(screen: Screen) -> table.Panel:
    """Return the row of the channel: state, reason, party, since, and what the inventory says."""
    columns = {
        "state": column(screen, Words("Tình trạng", "State"), words=STATES),
        "reason": column(screen, Words("Lý do", "Reason"), words=REASONS, url=screen.runbook("runbook")),
        "party": column(screen, Words("Bên xử lý", "Who acts"), words=PARTIES),
        "Value #B": column(screen, Words("Kéo dài", "For"), unit=DURATION, decimals=0),
        "Value #A": column(screen, Words("Từ lúc", "Since"), unit="dateTimeAsIso"),
        "site_name": column(
            screen,
            Words("Điểm kết nối", "Site"),
            url=screen.link("site", province="${__data.fields.province}", site="${__data.fields.site}"),
        ),
        "agency_name": column(screen, Words("Cơ quan sử dụng", "Agency")),
        "operator": column(
            screen,
            Words("Đơn vị vận hành", "Operator"),
            url=screen.link("operators", province="${__data.fields.province}", operator="${__value.raw}"),
        ),
        "circuit": column(screen, Words("Mã kênh", "Circuit")),
        "access_level": column(screen, Words("Cấp", "Level"), width=60),
        "class": column(screen, Words("Loại kênh", "Class")),
        "province": unseen(),
        "site": unseen(),
        "runbook": hidden(panel_numbers(RUNBOOK_OF_REASON)),
    }
    labels = ("site_name", "agency_name", "operator", "circuit", "access_level", "class")
    return listing(
        screen,
        Words("Tình trạng hiện tại", "State now"),
        Words(
            "Tình trạng, lý do, bên phải xử lý; bấm vào lý do để mở sổ tay",
            "The state, why, and who must act; a click on the reason opens the runbook",
        ),
        verdicts(STATES, _THIS, labels, within=_THIS),
        columns,
        height=4,
        empty=Words("Danh mục không có kênh này", "The inventory has no such channel"),
    )


def _figures(screen: Screen) -> stat.Panel:
    """Return the figures of the range and of seven days."""
    available = Words("Độ khả dụng", "Availability")
    cuts = Words("Số lần mất kết nối", "Cuts")
    state = f'tslcd_channel_state{{{_THIS},state="down"}}[$__range]'
    targets = [
        instant(f"max(avg_over_time(tslcd_channel_up{{{_THIS}}}[$__range]))", screen.say(available)),
        instant(f"max(changes({state}) - resets({state}))", screen.say(cuts), ref="B"),
    ]
    loads = []
    for ref, (direction, words) in zip("CD", _DIRECTIONS, strict=True):
        title = Words(f"p95 7 ngày, {words.vi.lower()}", f"p95 of 7 days, {words.en.lower()}")
        expr = f"max(channel:{direction}_utilization:p95_7d{{{_THIS}}})"
        targets.append(instant(expr, screen.say(title), ref=ref))
        loads.append(screen.say(title))
    panel = (
        number(
            screen,
            Words("Trong khoảng thời gian đang xem", "In the range on the screen"),
            Words(
                "Tỷ lệ thời gian dùng được (kể cả suy giảm), số lần mất kết nối; phân vị 95 của 7 ngày so với băng thông hợp đồng",
                "Share of time that it worked (degraded included), cuts; 95th percentile of 7 days against the contract",
            ),
            targets,
            width=24,
        )
        .unit("percentunit")
        .decimals(2)
        .thresholds(thresholds(*bad_from(LOAD)))
        .override_by_name(
            screen.say(available), [option("thresholds", steps((None, "orange"), (AVAILABILITY, "green")))]
        )
        .override_by_name(
            screen.say(cuts),
            [option("unit", "short"), option("decimals", 0), option("thresholds", steps(*bad_from(1)))],
        )
    )
    for load in loads:
        panel = panel.override_by_name(load, [option("decimals", 1)])
    return panel


def _history(screen: Screen) -> list[statetimeline.Panel]:
    """Return the state over time, and the reasons: a line for each that there was."""
    states = timeline(
        screen,
        Words("Diễn biến tình trạng", "State over time"),
        Words("Tình trạng theo thời gian", "The state, as it was"),
        [query(state_numbers(_THIS), screen.say(Words("Tình trạng", "State")))],
        height=4,
        words=_STATE_NUMBERS,
    )
    held = holding(*STATES, within=_THIS)
    reasons = timeline(
        screen,
        Words("Diễn biến lý do", "Reasons over time"),
        Words("Mỗi lý do một dòng", "A line for each reason"),
        [query(f"max by (reason) (tslcd_channel_verdict_info{{{_THIS}}}\n  and {SAME} {held})", "{{reason}}")],
        height=5,
    )
    return [states, named(screen, reasons, REASONS)]


def _traffic(screen: Screen) -> timeseries.Panel:
    """Return the traffic of both directions against the contract and 90 % of it (Circular 06/2026/TT-BKHCN article 5.6)."""
    panel = graph(
        screen,
        Words("Lưu lượng so với băng thông hợp đồng", "Traffic against the contract"),
        Words(
            f"Hướng về, hướng đi; đường đứt màu đỏ là {LOAD:.0%} băng thông hợp đồng".replace("%", " %"),
            f"Both directions; the red dashes are {LOAD:.0%} of the contracted bandwidth".replace("%", " %"),
        ),
        [],
        unit="bps",
        width=24,
        height=9,
    )
    for ref, (direction, words) in zip("AB", _DIRECTIONS, strict=True):
        rate = f"rate(tslcd_channel_{direction}_bytes_total{{{_THIS}}}[$__rate_interval])"
        panel = panel.with_target(query(f"max by (channel) ({rate}) * 8", screen.say(words), ref=ref))
    bare = option("custom.fillOpacity", 0)
    for whole, most, (direction, words) in zip("CD", "EF", _DIRECTIONS, strict=True):
        contracted = f'max(tslcd_channel_contracted_bits_per_second{{{_THIS},direction="{direction}"}})'
        of_contract = Words(f"Hợp đồng, {words.vi.lower()}", f"Contract, {words.en.lower()}")
        most_of_it = Words(f"{LOAD * 100:g} % hợp đồng, {words.vi.lower()}", f"{LOAD * 100:g} %, {words.en.lower()}")
        panel = (
            panel.with_target(query(contracted, screen.say(of_contract), ref=whole))
            .with_target(query(f"{LOAD} * {contracted}", screen.say(most_of_it), ref=most))
            .override_by_query(whole, [bare, fixed("text")])
            .override_by_query(most, [bare, fixed("red"), option("custom.lineStyle", _DASHED)])
        )
    return panel


def _quality(screen: Screen) -> list[timeseries.Panel]:
    """Return loss, delay, jitter, each with the thresholds of the standard class."""
    panels = []
    for family, title, unit, limits in (
        ("loss_ratio", Words("Tỷ lệ mất gói", "Packet loss"), "percentunit", LOSS),
        ("rtt_seconds", Words("Độ trễ khứ hồi", "Round-trip time"), "s", LATENCY),
        ("jitter_seconds", Words("Biến động trễ", "Jitter"), "s", JITTER),
    ):
        target = query(f"max by (channel) (tslcd_channel_{family}{{{_THIS}}})", screen.say(title))
        description = Words(
            "Đường đứt là ngưỡng suy giảm và ngưỡng mất kết nối của loại kênh chuẩn",
            "Dashed: where the standard class is degraded, and where it is down",
        )
        panel = graph(screen, title, description, [target], unit=unit, width=8)
        panels.append(with_limits(panel.axis_soft_max(limits[1] * 1.1), *bad_from(*limits)))
    return panels


def _faults(screen: Screen) -> list[timeseries.Panel]:
    """Return packets with errors and discarded ones of the bound interface, and their share of all packets."""
    bad = graph(
        screen,
        Words("Gói lỗi và gói bị loại của giao diện", "Errors and discards"),
        Words("Giao diện mà kênh gắn vào, gói mỗi giây", "The bound interface, packets a second"),
        [],
        unit="pps",
    )
    kinds = (("errors", Words("lỗi", "errors")), ("discards", Words("bị loại", "discards")))
    refs = iter("ABCD")
    for direction, words in _DIRECTIONS:
        for what, kind in kinds:
            rate = f"rate(tslcd_interface_{direction}_{what}_total{{{PROVINCE}}}[$__rate_interval])"
            legend = Words(f"{words.vi}, {kind.vi}", f"{words.en}, {kind.en}")
            bad = bad.with_target(query(f"max(({rate})\n{_BOUND})", screen.say(legend), ref=next(refs)))
    share = graph(
        screen,
        Words("Tỷ lệ gói lỗi và gói bị loại", "Share of errors and discards"),
        Words(
            "Trên tổng số gói của giao diện; đường đứt là ngưỡng của loại kênh chuẩn",
            "Of all packets of the interface; dashed: thresholds of the standard class",
        ),
        [],
        unit="percentunit",
    )
    for ref, (direction, words) in zip("AB", _DIRECTIONS, strict=True):
        errors, discards, packets = (
            f"max((rate(tslcd_interface_{direction}_{what}_total{{{PROVINCE}}}[$__rate_interval]))\n{_BOUND})"
            for what in ("errors", "discards", "unicast_packets")
        )
        expr = f"({errors}\n+ {discards})\n/ (({packets}\n+ {errors}\n+ {discards}) > 0)"
        share = share.with_target(query(expr, screen.say(words), ref=ref))
    return [bad, with_limits(share.axis_soft_max(ERRORS[1] * 1.1), *bad_from(*ERRORS))]


def _redundancy(screen: Screen) -> statetimeline.Panel:
    """Return the states of all channels that stand in for each other with this one."""
    group = f"max by (province, redundancy_group) (tslcd_channel_info{{{_THIS}}})"
    members = (
        'max by (province, channel, redundancy_group) (tslcd_channel_info{redundancy_group!=""})\n'
        f"    and on (province, redundancy_group) {group}"
    )
    states = state_numbers(PROVINCE, label="operator", chosen='redundancy_group!=""', among=members)
    return timeline(
        screen,
        Words("Các kênh dự phòng cho nhau", "Redundancy group"),
        Words(
            "Mọi kênh cùng nhóm dự phòng với kênh này; không có nhóm thì bảng trống",
            "All channels of this one's redundancy group; empty when it has none",
        ),
        [query(states, "{{channel}} · {{operator}}")],
        height=5,
        words=_STATE_NUMBERS,
    )


def channel(language: Language) -> Screen:
    """Return the dashboard of one channel."""
    screen = Screen(
        "channel",
        Words(
            "Một kênh: tình trạng, lưu lượng so với hợp đồng, chất lượng, giao diện, dự phòng",
            "One channel: state, traffic against the contract, quality, interface, redundancy",
        ),
        language,
    )
    choices.channels(screen, several_provinces=False)
    choices.channel(screen)
    screen.add(_now(screen), _figures(screen), *_history(screen), _traffic(screen), *_quality(screen))
    screen.add(*_faults(screen), _redundancy(screen))
    choices.mark_outages(screen, _THIS)
    return screen
