"""All monitoring agents: who is silent, whose reports leave by a spare way, whose spool fills, whose clock is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana import choices
from grafana.panels import (
    bad_from,
    column,
    graph,
    hidden,
    instant,
    listing,
    named_by,
    number,
    option,
    query,
    steps,
    thresholds,
    timeline,
    unseen,
    with_limits,
)
from grafana.queries import SITE
from grafana.runbooks import panel_numbers
from grafana.screen import Screen
from grafana.thresholds import CLOCK, SPOOL
from grafana.vocabulary import AGENT_PROBLEMS, CONNECTED, NO_DATA, QUIET, RUNBOOK_OF_AGENT_PROBLEM
from grafana.words import Language, Words

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import stat, statetimeline, table, timeseries

_BY: Final = "province, site, agent"
_RATE: Final = "[$__rate_interval]"


def _counts(screen: Screen) -> stat.Panel:
    """Return how many agents there are, and how many have what."""
    everything = Words("Tác tử", "Agents")
    faults: list[tuple[Words, str]] = [
        (Words("Mất liên lạc", "Silent"), f"count(max by ({_BY}) (tslcd_agent_online{{{SITE}}}) == 0)"),
        *(
            (
                Words(AGENT_PROBLEMS[problem].vi, AGENT_PROBLEMS[problem].en),
                f'count(max by ({_BY}) (tslcd_agent_problem{{{SITE},problem="{problem}"}}) == 1)',
            )
            for problem in ("uplink_spare", "spool_filling", "clock_wrong")
        ),
    ]
    targets = [instant(f"count(max by ({_BY}) (tslcd_agent_online{{{SITE}}}))", screen.say(everything))]
    targets += [
        instant(f"{expr} or vector(0)", screen.say(words), ref=ref)
        for ref, (words, expr) in zip("BCDE", faults, strict=True)
    ]
    return (
        number(
            screen,
            Words("Số tác tử", "Agents in numbers"),
            Words("Tất cả, mất liên lạc, và có từng vấn đề", "All of them, silent ones, and those with each problem"),
            targets,
            width=24,
        )
        .thresholds(thresholds((None, "green"), (1, "orange")))
        .override_by_name(screen.say(everything), [option("thresholds", steps((None, QUIET)))])
        .override_by_name(screen.say(faults[0][0]), [option("thresholds", steps((None, "green"), (1, "red")))])
    )


def _table(screen: Screen) -> table.Panel:
    """Return a row for each agent."""
    exprs = [
        f"max by ({_BY}) (tslcd_agent_online{{{SITE}}})",
        f"max by ({_BY}) (tslcd_agent_last_report_timestamp_seconds{{{SITE}}}) * 1000",
        f"max by ({_BY}) (tslcd_agent_spool_reports{{{SITE}}})",
        f"max by ({_BY}) (tslcd_agent_spool_bytes{{{SITE}}} / tslcd_agent_spool_limit_bytes{{{SITE}}})",
        f"max by ({_BY}) (tslcd_agent_spool_oldest_seconds{{{SITE}}})",
        f"max by ({_BY}) (tslcd_agent_clock_offset_seconds{{{SITE}}})",
        f"max by ({_BY}) (tslcd_agent_uptime_seconds{{{SITE}}})",
        f"max by ({_BY}, uplink, version) (tslcd_agent_info{{{SITE}}})",
        f"max by ({_BY}, site_name) (tslcd_channel_info{{{SITE}}})",
    ]
    columns = {
        "site_name": column(
            screen,
            Words("Điểm kết nối", "Site"),
            url=screen.link("site", province="${__data.fields.province}", site="${__data.fields.site}"),
        ),
        "agent": column(screen, Words("Tác tử", "Agent")),
        "Value #A": column(screen, Words("Kết nối", "Connection"), words=CONNECTED),
        "Value #B": column(screen, Words("Báo cáo cuối", "Last report"), unit="dateTimeAsIso"),
        "uplink": column(screen, Words("Đường đang dùng", "Uplink in use")),
        "Value #C": column(screen, Words("Trong hàng đợi", "Waiting"), unit="short"),
        "Value #D": column(screen, Words("Hàng đợi đã dùng", "Spool used"), unit="percentunit", limits=bad_from(SPOOL)),
        "Value #E": column(screen, Words("Chờ lâu nhất", "Oldest"), unit="s"),
        "Value #F": column(screen, Words("Lệch đồng hồ", "Clock offset"), unit="s"),
        "Value #G": column(screen, Words("Đã chạy", "Uptime"), unit="dtdhms", decimals=0),
        "version": column(screen, Words("Phiên bản", "Version")),
        "province": unseen(),
        "site": unseen(),
    }
    return listing(
        screen,
        Words("Mọi tác tử", "Every agent"),
        Words(
            "Kết nối, đường đang dùng, hàng đợi, đồng hồ, phiên bản", "Connection, way in use, spool, clock, version"
        ),
        exprs,
        columns,
        height=12,
        empty=NO_DATA,
        sort="Value #A",
        descending=False,
    )


def _problems(screen: Screen) -> list[table.Panel | statetimeline.Panel]:
    """Return the problems of now with their runbooks, and the problems over time."""
    columns = {
        "site": column(
            screen,
            Words("Điểm kết nối", "Site"),
            url=screen.link("site", province="${__data.fields.province}", site="${__value.raw}"),
        ),
        "agent": column(screen, Words("Tác tử", "Agent")),
        "problem": column(screen, Words("Vấn đề", "Problem"), words=AGENT_PROBLEMS, url=screen.runbook("runbook")),
        "province": unseen(),
        "runbook": hidden(panel_numbers(RUNBOOK_OF_AGENT_PROBLEM)),
    }
    now = listing(
        screen,
        Words("Vấn đề hiện tại", "Problems now"),
        Words("Bấm vào vấn đề để mở sổ tay xử lý", "A click on the problem opens the runbook"),
        [
            f'label_replace(max by ({_BY}, problem) (tslcd_agent_problem{{{SITE}}} == 1), "runbook", "$1", "problem", "(.*)")'
        ],
        columns,
        width=8,
        height=6,
        empty=Words("Không có vấn đề", "None"),
    )
    before = timeline(
        screen,
        Words("Diễn biến các vấn đề", "Problems over time"),
        Words(
            "Mỗi vấn đề của mỗi tác tử một dòng, khi đang có", "A line for each problem of each agent, while it lasts"
        ),
        [query(f"max by (agent, problem) (tslcd_agent_problem{{{SITE}}}) == 1", "{{agent}} · {{problem}}")],
        width=16,
        height=6,
    )
    return [now, named_by(screen, before, "agent", AGENT_PROBLEMS)]


def _silence(screen: Screen) -> statetimeline.Panel:
    """Return the connection of the agents that were silent at some time of the range."""
    lost = f"max by (province, agent) (min_over_time(tslcd_agent_online{{{SITE}}}[$__range] @ end())) == 0"
    return timeline(
        screen,
        Words("Tác tử từng mất liên lạc", "Agents that were silent"),
        Words(
            "Chỉ các tác tử có lúc mất liên lạc; số liệu được giữ tại chỗ và gửi bù",
            "Only agents that were silent at some time; their data waits in the box and is sent later",
        ),
        [
            query(
                f"max by (province, agent) (tslcd_agent_online{{{SITE}}})\nand on (province, agent) ({lost})",
                "{{agent}}",
            )
        ],
        height=6,
        words=CONNECTED,
    )


def _graphs(screen: Screen) -> list[timeseries.Panel]:
    """Return spools, delivery, clocks and what agents cost."""
    top = "topk(10, max by (agent) ({}))"
    ten = Words("Mười tác tử cao nhất", "The ten highest agents")
    used = f"tslcd_agent_spool_bytes{{{SITE}}} / tslcd_agent_spool_limit_bytes{{{SITE}}}"
    figures = (
        (
            Words("Báo cáo trong hàng đợi", "Reports waiting"),
            ten,
            top.format(f"tslcd_agent_spool_reports{{{SITE}}}"),
            "short",
        ),
        (Words("Hàng đợi đã dùng", "Spool used"), ten, top.format(used), "percentunit"),
        (
            Words("Báo cáo chờ lâu nhất", "Oldest waiting report"),
            ten,
            top.format(f"tslcd_agent_spool_oldest_seconds{{{SITE}}}"),
            "s",
        ),
        (
            Words("Lệch đồng hồ", "Clock offset"),
            Words("Mười tác tử lệch nhiều nhất, không kể chiều", "The ten that are off most, in either direction"),
            top.format(f"abs(tslcd_agent_clock_offset_seconds{{{SITE}}})"),
            "s",
        ),
        (
            Words("Bộ nhớ của tác tử", "Memory of agents"),
            ten,
            top.format(f"tslcd_agent_resident_memory_bytes{{{SITE}}}"),
            "bytes",
        ),
        (
            Words("CPU của tác tử", "CPU of agents"),
            ten,
            top.format(f"rate(tslcd_agent_cpu_seconds_total{{{SITE}}}{_RATE})"),
            "percentunit",
        ),
    )
    panels = {
        title: graph(screen, title, told, [query(expr, "{{agent}}")], unit=unit, width=8)
        for title, told, expr, unit in figures
    }
    flow = graph(
        screen,
        Words("Báo cáo mỗi giây", "Reports a second"),
        Words(
            "Đã tạo, đã gửi, được xác nhận, đã bỏ: tổng các tác tử",
            "Made, sent, confirmed, dropped: all agents together",
        ),
        [
            query(
                f"sum(max by ({_BY}) (rate(tslcd_agent_{family}_total{{{SITE}}}{_RATE})))", screen.say(words), ref=ref
            )
            for ref, family, words in (
                ("A", "reports", Words("Đã tạo", "Made")),
                ("B", "reports_sent", Words("Đã gửi", "Sent")),
                ("C", "reports_confirmed", Words("Được xác nhận", "Confirmed")),
                ("D", "reports_dropped", Words("Đã bỏ", "Dropped")),
            )
        ],
        unit="short",
        width=12,
    )
    trouble = graph(
        screen,
        Words("Trục trặc của tác tử mỗi giây", "Trouble of agents a second"),
        Words(
            "Hỏi thiết bị quá hạn hoặc dở dang, trap bị từ chối, phép đo lỗi, đổi đường",
            "Polls overrun or incomplete, traps refused, probes in error, changes of the way",
        ),
        [
            query(
                f"sum(max by ({_BY}) (rate(tslcd_agent_{family}_total{{{SITE}}}{_RATE})))", screen.say(words), ref=ref
            )
            for ref, family, words in (
                ("A", "poll_overruns", Words("Hỏi quá hạn", "Polls overrun")),
                ("B", "polls_incomplete", Words("Hỏi dở dang", "Polls incomplete")),
                ("C", "traps_refused", Words("Trap bị từ chối", "Traps refused")),
                ("D", "probe_errors", Words("Phép đo lỗi", "Probes in error")),
                ("E", "uplink_changes", Words("Đổi đường", "Changes of the way")),
            )
        ],
        unit="short",
        width=12,
    )
    waiting, spool, oldest, clock, memory, cpu = panels.values()
    limited = [with_limits(spool.axis_soft_max(1), *bad_from(SPOOL)), with_limits(clock, *bad_from(CLOCK))]
    return [flow, trouble, waiting, limited[0], oldest, limited[1], memory, cpu]


def agents(language: Language) -> Screen:
    """Return the dashboard of all agents."""
    screen = Screen(
        "agents",
        Words(
            "Kết nối, đường báo cáo, hàng đợi, đồng hồ và tải của mọi tác tử",
            "Connection, ways, spools, clocks and cost of every agent",
        ),
        language,
    )
    choices.province(screen)
    choices.site(screen, several=True)
    screen.add(_counts(screen), _table(screen), *_problems(screen), _silence(screen))
    screen.heading(Words("Hàng đợi, đồng hồ, tải", "Spools, clocks, cost"))
    screen.add(*_graphs(screen))
    return screen
