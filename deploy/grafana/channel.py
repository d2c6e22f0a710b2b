"""One channel: its state and reason over time, its traffic against the contract, its quality, its interface."""

from __future__ import annotations

from typing import Final

from grafana.panels import (
    CHANNEL,
    OVERVIEW,
    column,
    dashboard,
    graph,
    listing,
    option,
    province,
    query,
    rows,
    state_map,
    state_numbers,
    timeline,
    variable,
)
from grafana.vocabulary import PARTIES, REASONS, STATES
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import statetimeline, table, timeseries
from grafana_foundation_sdk.models import dashboard as models

_THIS: Final = 'province="$province",channel="$channel"'
_SAME: Final = "on (instance, channel, site, province)"
#: The series of the interface that the channel is bound to.
_BOUND: Final = f"and on (instance, province, agent, device, interface) tslcd_channel_info{{{_THIS}}}"
_DASHED: Final = {"fill": "dash", "dash": [10, 10]}


def _now() -> table.Panel:
    """Return the row of the channel: state, reason, party, since, and what the inventory says."""
    expr = (
        "max by (state, reason, party, site_name, agency_name, operator, circuit, access_level, class) (\n"
        f"  (tslcd_channel_state{{{_THIS}}} == 1)\n"
        f"  * {_SAME} group_left (reason, party) tslcd_channel_verdict_info\n"
        f"  * {_SAME} group_left (site_name, agency_name, operator, circuit, access_level, class) tslcd_channel_info\n"
        f"  * {_SAME} group_left () tslcd_channel_state_since_timestamp_seconds\n"
        ") * 1000"
    )
    titles = {
        "site_name": "Điểm kết nối",
        "agency_name": "Cơ quan",
        "operator": "Đơn vị vận hành",
        "circuit": "Mã kênh của đơn vị vận hành",
        "access_level": "Cấp truy nhập",
        "class": "Nhóm kênh",
    }
    panel = (
        listing(
            "Tình trạng hiện tại",
            "Tình trạng, lý do, bên phải xử lý · The state now, why, and who must act",
            rows(expr),
            ["state", "reason", "party", "Value", *titles],
        )
        .span(24)
        .height(4)
        .override_by_name("state", column("Tình trạng", words=STATES))
        .override_by_name("reason", column("Lý do", words=REASONS))
        .override_by_name("party", column("Bên xử lý", words=PARTIES))
        .override_by_name("Value", column("Từ lúc", unit="dateTimeFromNow"))
    )
    for label, title in titles.items():
        panel = panel.override_by_name(label, column(title))
    return panel


def _states() -> statetimeline.Panel:
    """Return the state over time."""
    return (
        timeline(
            "Diễn biến tình trạng",
            "Tình trạng theo thời gian · State over time",
            query(state_numbers(_THIS), "Tình trạng"),
        )
        .span(24)
        .height(4)
        .mappings([state_map()])
    )


def _reasons() -> statetimeline.Panel:
    """Return the reasons over time: a line for each that there was."""
    expr = f'max by (reason) (tslcd_channel_verdict_info{{{_THIS},reason!="ok"}})'
    panel = timeline(
        "Diễn biến lý do",
        "Lý do theo thời gian, mỗi lý do một dòng · Reasons over time, a line each",
        query(expr, "{{reason}}"),
    )
    for reason, word in REASONS.items():
        colour = {"mode": "fixed", "fixedColor": word.colour}
        panel = panel.override_by_name(reason, [option("displayName", word.vi), option("color", colour)])
    return panel.span(24).height(5).no_value("Không có sự cố")


def _traffic() -> timeseries.Panel:
    """Return the traffic of both directions against the contract and 90 % of it (Circular 06/2026/TT-BKHCN article 5.6)."""
    panel = graph(
        "Lưu lượng so với băng thông hợp đồng",
        "Hướng về, hướng đi; đường đứt là 90 % băng thông hợp đồng · Both directions; dashed: 90 % of the contracted bandwidth",
        "bps",
    )
    for ref, direction, title in (("A", "receive", "Hướng về"), ("B", "transmit", "Hướng đi")):
        rate = f"rate(tslcd_channel_{direction}_bytes_total{{{_THIS}}}[$__rate_interval])"
        panel = panel.with_target(query(f"max by (channel) ({rate}) * 8", title, ref=ref))
    plain = [option("custom.fillOpacity", 0), option("color", {"mode": "fixed", "fixedColor": "text"})]
    limit = [
        option("custom.fillOpacity", 0),
        option("custom.lineStyle", _DASHED),
        option("color", {"mode": "fixed", "fixedColor": "red"}),
    ]
    for whole, most, direction, title in (("C", "E", "receive", "hướng về"), ("D", "F", "transmit", "hướng đi")):
        contracted = f'max(tslcd_channel_contracted_bits_per_second{{{_THIS},direction="{direction}"}})'
        panel = (
            panel.with_target(query(contracted, f"Hợp đồng, {title}", ref=whole))
            .with_target(query(f"0.9 * {contracted}", f"90 % hợp đồng, {title}", ref=most))
            .override_by_query(whole, plain)
            .override_by_query(most, limit)
        )
    return panel.span(24).height(9)


def _quality() -> list[timeseries.Panel]:
    """Return loss, and round-trip time with jitter."""
    loss = graph("Tỷ lệ mất gói", "Packet loss", "percentunit").with_target(
        query(f"max by (channel) (tslcd_channel_loss_ratio{{{_THIS}}})", "Mất gói")
    )
    delay = graph("Độ trễ và biến động trễ", "Round-trip time and jitter", "s")
    for ref, family, title in (("A", "rtt", "Độ trễ khứ hồi"), ("B", "jitter", "Biến động trễ")):
        delay = delay.with_target(
            query(f"max by (channel) (tslcd_channel_{family}_seconds{{{_THIS}}})", title, ref=ref)
        )
    return [loss.axis_soft_max(0.05).span(12).height(8), delay.span(12).height(8)]


def _faults(what: str, title: str, description: str) -> timeseries.Panel:
    """Return errors or discards of the bound interface, both directions, in packets a second."""
    panel = graph(title, description, "pps")
    for ref, direction, legend in (("A", "receive", "Hướng về"), ("B", "transmit", "Hướng đi")):
        rate = f"rate(tslcd_interface_{direction}_{what}_total[$__rate_interval])"
        panel = panel.with_target(query(f"max by (device, interface) ({rate}\n{_BOUND})", legend, ref=ref))
    return panel.span(12).height(7)


def channel() -> builders.Dashboard:
    """Return the dashboard of one channel."""
    sites = 'query_result(max by (site, site_name) (tslcd_channel_info{province="$province"}))'
    board = (
        dashboard(
            CHANNEL,
            "Kênh truyền TSLCD · Channel",
            "Một kênh: tình trạng, lưu lượng so với hợp đồng, chất lượng, giao diện · One channel: state, traffic, quality, interface",
        )
        .with_variable(province(several=False))
        .with_variable(
            variable(
                "site", "Điểm kết nối", sites, regex='/site="(?<value>[^"]+)",site_name="(?<text>[^"]+)"/', several=True
            )
        )
        .with_variable(
            variable("channel", "Kênh", 'label_values(tslcd_channel_info{province="$province",site=~"$site"}, channel)')
        )
        .link(
            builders.DashboardLink("Tổng quan · Overview")
            .type(models.DashboardLinkType.LINK)
            .url(f"/d/{OVERVIEW}")
            .keep_time(keep_time=True)
        )
    )
    panels: list[table.Panel | statetimeline.Panel | timeseries.Panel] = [
        _now(),
        _states(),
        _reasons(),
        _traffic(),
        *_quality(),
        _faults("errors", "Gói lỗi của giao diện", "Interface errors"),
        _faults("discards", "Gói bị loại của giao diện", "Interface discards"),
    ]
    for number_of_panel, panel in enumerate(panels, 1):
        board = board.with_panel(panel.id(number_of_panel))
    return board
