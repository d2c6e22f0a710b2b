"""The wall screen of a province: how many channels are in which state, which need somebody, and who that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana import choices
from grafana.panels import (
    DURATION,
    bars,
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
    stacked,
    steps,
    thresholds,
    timeline,
    unseen,
)
from grafana.queries import (
    CHOSEN,
    PROVINCE,
    SITE,
    alerts,
    among,
    at_sites,
    count_in,
    info,
    not_up,
    one_each,
    state_numbers,
    verdicts,
    with_since,
)
from grafana.runbooks import meanings, panel_numbers
from grafana.screen import Screen
from grafana.thresholds import COVERAGE
from grafana.vocabulary import (
    DEVICE_PROBLEMS,
    NOTHING,
    PARTIES,
    QUIET,
    REASONS,
    RUNBOOK_OF_DEVICE_PROBLEM,
    RUNBOOK_OF_REASON,
    RUNNING,
    SEVERITIES,
    STATES,
    state_number,
)
from grafana.words import Language, Words

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import bargauge, stat, statetimeline, table, timeseries

#: States that call for somebody.
_OPEN: Final = ("down", "degraded", "unknown")
#: Severities that somebody is told of at once, and all that are shown.
_PAGING: Final = "critical|major"
_SHOWN: Final = "critical|major|warning"
_NUMBERED: Final = {str(state_number(state)): word for state, word in STATES.items()}


def _states(screen: Screen) -> stat.Panel:
    """Return one number a state."""
    order = ("down", "degraded", "unknown", "maintenance", "up")
    targets = [
        instant(count_in(state), screen.say(STATES[state]), ref=ref) for ref, state in zip("ABCDE", order, strict=True)
    ]
    panel = number(
        screen,
        Words("Số kênh theo tình trạng", "Channels by state"),
        Words(
            "Mọi kênh của danh mục, mỗi kênh ở đúng một tình trạng",
            "Every channel of the inventory, each in exactly one state",
        ),
        targets,
        width=14,
    )
    for state in order:
        word = STATES[state]
        # no channel that is up is bad news, and so is a collector that tells of none
        none = "red" if state == "up" else QUIET
        panel = panel.override_by_name(screen.say(word), [option("thresholds", steps((None, none), (1, word.colour)))])
    return panel


def _supervision(screen: Screen) -> stat.Panel:
    """Return how much of it is seen, and what else is wrong."""
    seen = Words("Kênh nhìn thấy", "Channels seen")
    faults = (
        (
            Words("Mất liên lạc với tác tử", "Silent agents"),
            f"count(max by (province, agent) ({at_sites(f'tslcd_agent_online{{{SITE}}}')}) == 0)",
        ),
        (
            Words("Thiết bị có vấn đề", "Devices in trouble"),
            f"count(max by (province, agent, device) ({at_sites(f'tslcd_device_problem{{{SITE}}} == 1')}))",
        ),
        (
            Words("Cảnh báo lớn", "Major alerts"),
            f"count(count by (alertname, province, site, channel, agent, device) ({alerts(_PAGING)}))",
        ),
    )
    collector = Words("Bộ thu", "Collector")
    coverage = f"1 - ({count_in('unknown')}) / count({info()})"
    targets = [
        instant('max(up{job="tslcd-collector"}) or vector(0)', screen.say(collector)),
        instant(coverage, screen.say(seen), ref="B"),
    ]
    targets += [
        instant(f"{expr} or vector(0)", screen.say(words), ref=ref)
        for ref, (words, expr) in zip("CDE", faults, strict=True)
    ]
    return (
        number(
            screen,
            Words("Giám sát", "Supervision"),
            Words(
                "Bộ thu có chạy không, tỷ lệ kênh biết rõ tình trạng, số tác tử mất liên lạc, thiết bị có vấn đề, cảnh báo khẩn cấp và nghiêm trọng đang bật, kể cả cảnh báo không thuộc điểm nào (cả tỉnh, hệ thống giám sát)",
                "Whether the collector runs, share of the channels whose state is known, silent agents, devices with problems, critical and major alerts, also those of no site (of a province, of the supervision)",
            ),
            targets,
            width=10,
        )
        .thresholds(thresholds((None, "green"), (1, "red")))
        .override_by_name(
            screen.say(collector),
            [
                option("mappings", [screen.value_map(RUNNING)]),
                option("thresholds", steps((None, "red"), (1, "green"))),
            ],
        )
        .override_by_name(
            screen.say(seen),
            [
                option("unit", "percentunit"),
                option("decimals", 1),
                option("thresholds", steps((None, "red"), (COVERAGE, "green"))),
            ],
        )
    )


def _incidents(screen: Screen) -> table.Panel:
    """Return the table of all channels that need somebody, the longest first."""
    columns = {
        "site_name": column(
            screen,
            Words("Điểm kết nối", "Site"),
            url=screen.link("site", province="${__data.fields.province}", site="${__data.fields.site}"),
        ),
        "channel": column(
            screen,
            Words("Kênh", "Channel"),
            url=screen.link("channel", province="${__data.fields.province}", channel="${__value.raw}"),
        ),
        "state": column(screen, Words("Tình trạng", "State"), words=STATES),
        "reason": column(screen, Words("Lý do", "Reason"), words=REASONS, url=screen.runbook("runbook")),
        "party": column(screen, Words("Bên xử lý", "Who acts"), words=PARTIES),
        "Value #B": column(screen, Words("Kéo dài", "For"), unit=DURATION, decimals=0),
        "Value #A": column(screen, Words("Từ lúc", "Since"), unit="dateTimeAsIso"),
        "operator": column(
            screen,
            Words("Đơn vị vận hành", "Operator"),
            url=screen.link("operators", province="${__data.fields.province}", operator="${__value.raw}"),
        ),
        "agency_name": column(screen, Words("Cơ quan sử dụng", "Agency")),
        "province": column(screen, Words("Tỉnh", "Province"), width=70),
        "site": unseen(),
        "runbook": hidden(panel_numbers(RUNBOOK_OF_REASON)),
    }
    return listing(
        screen,
        Words("Sự cố đang mở, lâu nhất trước", "Open incidents, the oldest first"),
        Words(
            "Kênh mất kết nối, suy giảm hoặc không có dữ liệu: lý do, bên xử lý, từ lúc nào. Bấm vào lý do để mở sổ tay",
            "Channels that are down, degraded or unknown: why, who acts, since when. A click on the reason opens the runbook",
        ),
        verdicts(_OPEN, CHOSEN, ("site_name", "agency_name", "operator")),
        columns,
        height=10,
        empty=Words("Không có sự cố", "No incident"),
        sort="Value #B",
    )


def _troubled(screen: Screen) -> statetimeline.Panel:
    """Return the states over time of the channels that were not up all the time."""
    # unknown is trouble when every collector has once said so: one of them may be cut off from the broker
    at_one, at_all = (
        f"{fold} by (province, channel) (max_over_time(tslcd_channel_state{{{PROVINCE},{states}}}[$__range] @ end())) == 1"
        for fold, states in (("max", 'state!~"up|unknown"'), ("min", 'state="unknown"'))
    )
    numbers = state_numbers(PROVINCE, label="site_name", up_among=f"{at_one} or {at_all}")
    return timeline(
        screen,
        Words("Diễn biến các kênh có sự cố", "Channels that had trouble"),
        Words(
            "Chỉ các kênh có lúc không hoạt động trong khoảng thời gian đang xem",
            "Only channels that were not up all the time of the range",
        ),
        [query(numbers, "{{site_name}} · {{channel}}")],
        height=11,
        words=_NUMBERED,
    )


def _every_channel(screen: Screen) -> statetimeline.Panel:
    """Return the states of all chosen channels."""
    return timeline(
        screen,
        Words("Diễn biến mọi kênh", "Every channel over time"),
        Words(
            "Mọi kênh đã chọn; chọn đơn vị vận hành, mạng riêng, loại kênh hoặc điểm kết nối ở đầu trang để thu hẹp",
            "All chosen channels; choose an operator, tenant, class or site at the top to see fewer",
        ),
        [query(state_numbers(PROVINCE, label="site_name"), "{{site_name}} · {{channel}}")],
        height=30,
        words=_NUMBERED,
    )


def _trend(screen: Screen) -> timeseries.Panel:
    """Return the number of channels that are not up, over time."""
    panel = graph(
        screen,
        Words("Số kênh không hoạt động", "Channels that are not up"),
        Words("Theo tình trạng", "By state"),
        [query(f'count_values("state", {among(not_up(PROVINCE))})', "{{state}}")],
        unit="short",
    )
    return named(screen, stacked(panel).no_value(screen.say(NOTHING)), _NUMBERED)


def _parties(screen: Screen) -> bargauge.Panel:
    """Return how many open incidents wait for whom."""
    panel = bars(
        screen,
        Words("Sự cố đang mở theo bên xử lý", "Open incidents by who acts"),
        Words("Bao nhiêu kênh đang chờ bên nào", "How many channels wait for whom"),
        instant(f"count by (party) ({with_since(_OPEN)})", "{{party}}"),
        unit="short",
    )
    for code, word in PARTIES.items():
        panel = panel.override_by_name(code, [option("displayName", screen.say(word)), fixed("orange")])
    return panel


def _alerts(screen: Screen) -> table.Panel:
    """Return the alerts that fire, each with its runbook."""
    shown = f'label_replace({alerts(_SHOWN)}, "runbook", "$1", "alertname", "(.*)")'
    by = "alertname, runbook, severity, party, province, site, channel, agent, device"
    columns = {
        "severity": column(screen, Words("Mức", "Severity"), words=SEVERITIES, width=120),
        "alertname": column(screen, Words("Cảnh báo", "Alert"), words=meanings(), url=screen.runbook("runbook")),
        "site": column(
            screen,
            Words("Điểm kết nối", "Site"),
            url=screen.link("site", province="${__data.fields.province}", site="${__value.raw}"),
        ),
        "channel": column(
            screen,
            Words("Kênh", "Channel"),
            url=screen.link("channel", province="${__data.fields.province}", channel="${__value.raw}"),
        ),
        "party": column(screen, Words("Bên xử lý", "Who acts"), words=PARTIES),
        "province": unseen(),
        "runbook": hidden(panel_numbers()),
    }
    return listing(
        screen,
        Words("Cảnh báo đang bật", "Alerts that fire"),
        Words(
            "Cảnh báo của các kênh và điểm đã chọn; cảnh báo không thuộc điểm nào (cả tỉnh, hệ thống giám sát) luôn có. Bấm vào tên để mở sổ tay xử lý",
            "Alerts of the chosen channels and their sites; those of no site (of a province, of the supervision) are always there. A click on the name opens the runbook",
        ),
        [f"max by ({by}) ({shown})"],
        columns,
        width=12,
        height=9,
        empty=NOTHING,
    )


def _devices(screen: Screen) -> table.Panel:
    """Return what is wrong with devices."""
    there = at_sites(f"tslcd_device_problem{{{SITE}}} == 1")
    there = f'label_replace({there}, "runbook", "$1", "problem", "(.*)")'
    named = f"tslcd_channel_info{{{CHOSEN}}}"
    problems = (
        f"{there}\n* on (province, site) group_left (site_name) {one_each(named, 'province, site')}\n"
        # a site without channels has no name here
        f'or on (province, site) label_replace({there}, "site_name", "$1", "site", "(.*)")'
    )
    columns = {
        "site_name": column(
            screen,
            Words("Điểm kết nối", "Site"),
            url=screen.link("site", province="${__data.fields.province}", site="${__data.fields.site}"),
        ),
        "device": column(screen, Words("Thiết bị", "Device"), width=110),
        "problem": column(screen, Words("Vấn đề", "Problem"), words=DEVICE_PROBLEMS, url=screen.runbook("runbook")),
        "province": unseen(),
        "site": unseen(),
        "runbook": hidden(panel_numbers(RUNBOOK_OF_DEVICE_PROBLEM)),
    }
    return listing(
        screen,
        Words("Thiết bị có vấn đề", "Devices in trouble"),
        Words("Bấm vào vấn đề để mở sổ tay xử lý", "A click on the problem opens the runbook"),
        [f"max by (province, site, site_name, device, problem, runbook) ({problems})"],
        columns,
        width=12,
        height=9,
        empty=NOTHING,
    )


def overview(language: Language) -> Screen:
    """Return the dashboard of all channels."""
    screen = Screen(
        "overview",
        Words(
            "Tình trạng của mọi kênh, lý do và bên phải xử lý",
            "The state of every channel, why, and who must act",
        ),
        language,
        refresh="15s",
    )
    choices.channels(screen)
    screen.add(_states(screen), _supervision(screen), _incidents(screen), _troubled(screen))
    screen.add(_trend(screen), _parties(screen), _alerts(screen), _devices(screen))
    screen.fold(Words("Mọi kênh", "Every channel"), _every_channel(screen))
    choices.mark_outages(screen, CHOSEN, cuts=False)
    return screen
