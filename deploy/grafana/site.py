"""One site: its channels, and the health of everything that stands there: devices, firewall, power, the agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana import choices, equipment
from grafana.panels import (
    DURATION,
    bad_from,
    column,
    fixed,
    graph,
    hidden,
    listing,
    named_by,
    query,
    timeline,
    unseen,
    with_limits,
)
from grafana.queries import SITE, number_of, state_numbers, verdicts
from grafana.runbooks import panel_numbers
from grafana.screen import Screen
from grafana.thresholds import LATENCY, LOSS
from grafana.vocabulary import (
    AGENT_PROBLEMS,
    CONNECTED,
    DEVICE_PROBLEMS,
    NO_DATA,
    PARTIES,
    REASONS,
    RUNBOOK_OF_AGENT_PROBLEM,
    RUNBOOK_OF_DEVICE_PROBLEM,
    RUNBOOK_OF_REASON,
    START_REASONS,
    STATES,
    numbered,
)
from grafana.words import Language, Words

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import statetimeline, table, timeseries

_DEVICE: Final = Words("Thiết bị", "Device")


def _channels(screen: Screen) -> table.Panel:
    """Return a row for each channel of the site."""
    columns = {
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
        "operator": column(screen, Words("Đơn vị vận hành", "Operator")),
        "agency_name": column(screen, Words("Cơ quan sử dụng", "Agency")),
        "province": unseen(),
        "runbook": hidden(panel_numbers(RUNBOOK_OF_REASON)),
    }
    return listing(
        screen,
        Words("Các kênh của điểm kết nối", "Channels of the site"),
        Words("Bấm vào kênh để xem chi tiết, vào lý do để mở sổ tay", "A click on a channel or a reason leads further"),
        verdicts(STATES, SITE, ("operator", "agency_name"), within=SITE),
        columns,
        height=6,
        empty=NO_DATA,
    )


def _problems(screen: Screen) -> table.Panel:
    """Return what is wrong with the site's devices and agent now."""
    both = (
        f"max by (device, problem) (tslcd_device_problem{{{SITE}}} == 1)\n"
        f"or max by (agent, problem) (tslcd_agent_problem{{{SITE}}} == 1)"
    )
    columns = {
        "device": column(screen, _DEVICE),
        "agent": column(screen, Words("Tác tử", "Agent")),
        "problem": column(
            screen,
            Words("Vấn đề", "Problem"),
            words={**DEVICE_PROBLEMS, **AGENT_PROBLEMS},
            url=screen.runbook("runbook"),
        ),
        "runbook": hidden(panel_numbers({**RUNBOOK_OF_DEVICE_PROBLEM, **RUNBOOK_OF_AGENT_PROBLEM})),
    }
    return listing(
        screen,
        Words("Vấn đề hiện tại", "Problems now"),
        Words("Của thiết bị và tác tử; bấm để mở sổ tay", "Of devices and agent; a click opens the runbook"),
        [f'label_replace({both}, "runbook", "$1", "problem", "(.*)")'],
        columns,
        width=8,
        empty=Words("Không có vấn đề", "None"),
    )


def _problem_history(screen: Screen) -> statetimeline.Panel:
    """Return the problems over time, a line each."""
    panel = timeline(
        screen,
        Words("Diễn biến các vấn đề", "Problems over time"),
        Words(
            "Mỗi vấn đề của mỗi thiết bị một dòng, khi đang có",
            "A line for each problem of each device, while it lasts",
        ),
        [query(f"max by (device, problem) (tslcd_device_problem{{{SITE}}}) == 1", "{{device}} · {{problem}}")],
        width=16,
    )
    return named_by(screen, panel, "device", DEVICE_PROBLEMS)


def _agent(screen: Screen) -> list[table.Panel | statetimeline.Panel | timeseries.Panel]:
    """Return the monitoring box, the way its reports leave, and its probes."""
    number = number_of("tslcd_agent_start_reason", SITE, "agent", START_REASONS)
    exprs = [
        f"max by (agent, version, uplink) (tslcd_agent_info{{{SITE}}})",
        f"max by (agent) (tslcd_agent_online{{{SITE}}})",
        f"max by (agent) (tslcd_agent_last_report_timestamp_seconds{{{SITE}}}) * 1000",
        f"max by (agent) (tslcd_agent_spool_reports{{{SITE}}})",
        number,
    ]
    columns = {
        "agent": column(screen, Words("Tác tử", "Agent"), url=screen.link("agents", site="${site}")),
        "Value #B": column(screen, Words("Kết nối", "Connection"), words=CONNECTED),
        "uplink": column(screen, Words("Đường đang dùng", "Uplink in use")),
        "Value #C": column(screen, Words("Báo cáo cuối", "Last report"), unit="dateTimeAsIso"),
        "Value #D": column(screen, Words("Trong hàng đợi", "Waiting"), unit="short"),
        "Value #E": column(screen, Words("Lần khởi động cuối", "Last start"), words=numbered(START_REASONS)),
        "version": column(screen, Words("Phiên bản", "Version")),
    }
    box = listing(
        screen,
        Words("Tác tử giám sát tại chỗ", "The monitoring agent"),
        Words(
            "Đường báo cáo đang dùng, hàng đợi, lần khởi động cuối", "The way of its reports, its spool, its last start"
        ),
        exprs,
        columns,
        height=4,
        empty=NO_DATA,
    )
    ways = timeline(
        screen,
        Words("Đường báo cáo đã dùng", "Uplink in use"),
        Words("Báo cáo rời điểm kết nối bằng đường nào", "By which way reports leave the site"),
        [query(f'max by (agent, uplink) (tslcd_agent_info{{{SITE},uplink!=""}})', "{{uplink}}")],
        width=8,
    ).override_by_regexp("/.*/", [fixed("blue")])
    probes = []
    for family, title, unit, limits in (
        ("loss_ratio", Words("Phép đo: mất gói", "Probes: loss"), "percentunit", LOSS),
        ("rtt_seconds", Words("Phép đo: độ trễ", "Probes: round-trip time"), "s", LATENCY),
    ):
        target = query(f"max by (agent, probe) (tslcd_probe_{family}{{{SITE}}})", "{{probe}}")
        description = Words("Theo từng đích đo của tác tử", "By target of the agent")
        probes.append(with_limits(graph(screen, title, description, [target], unit=unit, width=8), *bad_from(*limits)))
    return [box, ways, *probes]


def site(language: Language) -> Screen:
    """Return the dashboard of one site."""
    screen = Screen(
        "site",
        Words(
            "Một điểm kết nối: các kênh, thiết bị, tường lửa, nguồn điện, tác tử",
            "One site: its channels, devices, firewall, power, agent",
        ),
        language,
    )
    choices.province(screen, several=False)
    choices.site(screen, several=False)
    states = query(state_numbers(SITE), "{{channel}}")
    title = Words("Diễn biến các kênh", "Channels over time")
    told = Words("Tình trạng của từng kênh", "The state of each channel")
    screen.add(_channels(screen), timeline(screen, title, told, [states], height=5, words=numbered(STATES)))
    screen.add(_problems(screen), _problem_history(screen))
    screen.heading(Words("Thiết bị và tường lửa", "Devices and firewall"))
    screen.add(
        equipment.devices(screen),
        *equipment.load(screen),
        equipment.sessions(screen),
        *equipment.availability_pair(screen),
    )
    screen.add(*equipment.ways(screen), *equipment.hardware(screen))
    screen.heading(Words("Nguồn điện", "Power"))
    screen.add(*equipment.power(screen))
    screen.heading(Words("Tác tử và phép đo", "Agent and probes"))
    screen.add(*_agent(screen))
    choices.mark_outages(screen, SITE)
    return screen
