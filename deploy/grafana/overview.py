"""The wall screen of a province: how many channels are in which state, which need somebody, and who that is."""

from __future__ import annotations

from typing import Final

from grafana.panels import (
    CHANNEL,
    OVERVIEW,
    column,
    dashboard,
    graph,
    instant,
    listing,
    number,
    option,
    province,
    query,
    rows,
    state_map,
    state_numbers,
    thresholds,
    timeline,
    value_map,
)
from grafana.vocabulary import PARTIES, REASONS, STATES, Word
from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models

_HERE: Final = 'province=~"$province"'
_SAME: Final = "on (instance, channel, site, province)"


def _counts() -> list[stat.Panel]:
    """Return one number a state, the coverage, the lost agents, and the broker."""
    panels = []
    for state in ("up", "degraded", "down", "unknown", "maintenance"):
        word = STATES[state]
        panel = number(
            word.vi,
            f"Số kênh ở tình trạng này · Channels that are {word.en}",
            instant(f'sum(max by (province) (tslcd_channels{{{_HERE},state="{state}"}}))'),
        )
        quiet = "green" if state == "up" else "dark-blue"
        panels.append(panel.thresholds(thresholds((None, quiet), (1, word.colour))))
    panels.append(
        number(
            "Tỷ lệ giám sát",
            "Tỷ lệ kênh biết rõ tình trạng; dưới 100 % là có kênh không nhìn thấy · Share of the channels whose state is known",
            instant(f"min(max by (province) (tslcd_supervision_coverage_ratio{{{_HERE}}}))"),
        )
        .unit("percentunit")
        .decimals(1)
        .thresholds(thresholds((None, "red"), (0.95, "orange"), (1, "green")))
    )
    panels.append(
        number(
            "Tác tử mất liên lạc",
            "Số tác tử im lặng · Agents that are silent",
            instant(f"sum(1 - max by (province, agent) (tslcd_agent_online{{{_HERE}}}))"),
        ).thresholds(thresholds((None, "green"), (1, "red")))
    )
    panels.append(
        number(
            "Máy chủ MQTT",
            "Trung tâm thu thập đang nối với máy chủ MQTT · The collector is connected to the broker",
            instant("min(tslcd_collector_broker_connected)"),
        )
        .mappings([_connected()])
        .thresholds(thresholds((None, "red"), (1, "green")))
    )
    return panels


def _connected() -> models.ValueMap:
    return value_map({"0": Word("Mất kết nối", "lost", "red"), "1": Word("Đã nối", "connected", "green")})


def _needing_somebody() -> table.Panel:
    """Return the table of all channels that are not up: since when, why, whose turn it is."""
    columns = ["province", "site_name", "channel", "state", "reason", "party", "Value", "agency_name", "operator"]
    expr = (
        "max by (province, site_name, channel, state, reason, party, agency_name, operator) (\n"
        f'  (tslcd_channel_state{{{_HERE},state!="up"}} == 1)\n'
        f"  * {_SAME} group_left (reason, party) tslcd_channel_verdict_info\n"
        f"  * {_SAME} group_left (site_name, agency_name, operator) tslcd_channel_info\n"
        f"  * {_SAME} group_left () tslcd_channel_state_since_timestamp_seconds\n"
        ") * 1000"
    )
    link = {
        "title": "Xem kênh · Channel",
        "url": f"/d/{CHANNEL}?var-province=${{__data.fields.province}}&var-channel=${{__value.raw}}&${{__url_time_range}}",
    }
    return (
        listing(
            "Kênh cần xử lý",
            "Mọi kênh không ở tình trạng hoạt động: lý do, bên xử lý, từ lúc nào · All channels that are not up: why, who acts, since when",
            rows(expr),
            columns,
        )
        .span(24)
        .height(11)
        .no_value("Tất cả các kênh hoạt động")
        .sort_by([common_builders.TableSortByFieldState().display_name("Từ lúc").desc(desc=True)])
        .override_by_name("province", column("Tỉnh"))
        .override_by_name("site_name", column("Điểm kết nối"))
        .override_by_name("channel", [*column("Kênh"), option("links", [link])])
        .override_by_name("state", column("Tình trạng", words=STATES))
        .override_by_name("reason", column("Lý do", words=REASONS))
        .override_by_name("party", column("Bên xử lý", words=PARTIES))
        .override_by_name("Value", column("Từ lúc", unit="dateTimeFromNow"))
        .override_by_name("agency_name", column("Cơ quan"))
        .override_by_name("operator", column("Đơn vị vận hành"))
    )


def _history() -> statetimeline.Panel:
    """Return the states over time of the channels that were not up all the time."""
    troubled = f'max by (province, channel) (max_over_time(tslcd_channel_state{{{_HERE},state!="up"}}[$__range])) == 1'
    expr = f"{state_numbers(_HERE)}\nand on (province, channel) ({troubled})"
    return (
        timeline(
            "Diễn biến các kênh có sự cố",
            "Chỉ các kênh có lúc không hoạt động trong khoảng thời gian đang xem · Only channels that were not up all the time",
            query(expr, "{{channel}}"),
        )
        .span(24)
        .height(10)
        .mappings([state_map()])
    )


def _trend() -> timeseries.Panel:
    """Return the number of channels that are not up, over time."""
    panel = (
        graph("Số kênh không hoạt động", "Theo tình trạng · Channels that are not up, by state", "short")
        .decimals(0)
        .stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL))
        .fill_opacity(60)
        .span(12)
        .height(8)
        .with_target(
            query(f'sum by (state) (max by (province, state) (tslcd_channels{{{_HERE},state!="up"}}))', "{{state}}")
        )
    )
    for state, word in STATES.items():
        colour = {"mode": "fixed", "fixedColor": word.colour}
        panel = panel.override_by_name(state, [option("displayName", word.vi), option("color", colour)])
    return panel


def _agents() -> table.Panel:
    """Return the table of agents that are silent, with the time of their last report."""
    expr = (
        f"max by (province, site, agent) (tslcd_agent_last_report_timestamp_seconds{{{_HERE}}}) * 1000\n"
        f"and on (province, agent) (max by (province, agent) (tslcd_agent_online{{{_HERE}}}) == 0)"
    )
    return (
        listing(
            "Tác tử mất liên lạc",
            "Số liệu nằm trong hàng đợi tại chỗ và sẽ gửi bù · Silent agents; their data waits in the box and is sent later",
            rows(expr),
            ["province", "site", "agent", "Value"],
        )
        .span(12)
        .height(8)
        .no_value("Tất cả các tác tử đang hoạt động")
        .override_by_name("province", column("Tỉnh"))
        .override_by_name("site", column("Điểm kết nối"))
        .override_by_name("agent", column("Tác tử"))
        .override_by_name("Value", column("Báo cáo cuối", unit="dateTimeFromNow"))
    )


def overview() -> builders.Dashboard:
    """Return the dashboard of all channels."""
    board = dashboard(
        OVERVIEW,
        "Tổng quan kênh truyền TSLCD · Channels overview",
        "Tình trạng của mọi kênh, lý do và bên phải xử lý · The state of every channel, why, and who must act",
    ).with_variable(province(several=True))
    panels: list[stat.Panel | table.Panel | statetimeline.Panel | timeseries.Panel] = [
        *_counts(),
        _needing_somebody(),
        _history(),
        _trend(),
        _agents(),
    ]
    for number_of_panel, panel in enumerate(panels, 1):
        board = board.with_panel(panel.id(number_of_panel))
    return board
