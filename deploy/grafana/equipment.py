"""What stands at a site and how it does: devices, firewall, tunnels, hardware, power."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.panels import (
    DURATION,
    bad_from,
    column,
    graph,
    listing,
    query,
    timeline,
    with_limits,
)
from grafana.queries import SITE, number_of
from grafana.thresholds import BATTERY, CPU, MEMORY, OPTICAL, SESSIONS, TEMPERATURE
from grafana.vocabulary import (
    BATTERY_STATES,
    HA_ROLES,
    NO_DATA,
    SENSOR_STATES,
    SNMP_STATES,
    UP,
    UPS_SOURCES,
    numbered,
)
from grafana.words import Words

if TYPE_CHECKING:
    from grafana.screen import Screen
    from grafana_foundation_sdk.builders import statetimeline, table, timeseries

_DEVICE: Final = Words("Thiết bị", "Device")


def devices(screen: Screen) -> table.Panel:
    """Return a row for each device: what it is and how it does."""
    number = number_of("tslcd_device_snmp_state", SITE, "device", SNMP_STATES)
    exprs = [
        f"max by (device, vendor, model, software_version) (tslcd_device_info{{{SITE}}})",
        number,
        f"max by (device) (tslcd_device_cpu_utilization_ratio{{{SITE}}})",
        f"max by (device) (tslcd_device_memory_utilization_ratio{{{SITE}}})",
        f"max by (device) (tslcd_device_uptime_seconds{{{SITE}}})",
    ]
    columns = {
        "device": column(screen, _DEVICE),
        "vendor": column(screen, Words("Hãng", "Vendor")),
        "model": column(screen, Words("Kiểu máy", "Model")),
        "software_version": column(screen, Words("Phần mềm", "Software")),
        "Value #B": column(screen, Words("SNMP", "SNMP"), words=numbered(SNMP_STATES)),
        "Value #C": column(screen, Words("CPU", "CPU"), unit="percentunit", limits=bad_from(CPU)),
        "Value #D": column(screen, Words("Bộ nhớ", "Memory"), unit="percentunit", limits=bad_from(MEMORY)),
        "Value #E": column(screen, Words("Thời gian chạy", "Uptime"), unit=DURATION, decimals=0),
    }
    return listing(
        screen,
        Words("Thiết bị", "Devices"),
        Words("Hãng, kiểu máy, SNMP, tải, thời gian chạy", "Vendor, model, SNMP, load, uptime"),
        exprs,
        columns,
        height=6,
        empty=NO_DATA,
    )


def load(screen: Screen) -> list[timeseries.Panel]:
    """Return CPU, memory and the session table."""
    panels = []
    for kind, title, limit in (
        ("device_cpu_utilization_ratio", Words("CPU của thiết bị", "CPU"), CPU),
        ("device_memory_utilization_ratio", Words("Bộ nhớ của thiết bị", "Memory"), MEMORY),
        ("firewall_sessions_utilization_ratio", Words("Bảng phiên của tường lửa", "Firewall session table"), SESSIONS),
    ):
        target = query(f"max by (device) (tslcd_{kind}{{{SITE}}})", "{{device}}")
        description = Words(
            "Tỷ lệ đang dùng; đường đứt là ngưỡng của loại thiết bị chuẩn",
            "Share in use; dashed: the threshold of the standard class of devices",
        )
        panel = graph(screen, title, description, [target], unit="percentunit", width=8)
        panels.append(with_limits(panel.max(1), *bad_from(limit)))
    return panels


def sessions(screen: Screen) -> timeseries.Panel:
    """Return the firewall's sessions and how many it can hold."""
    return graph(
        screen,
        Words("Số phiên qua tường lửa", "Firewall sessions"),
        Words("Đang mở, và tối đa khi thiết bị cho biết", "Open ones, and the most where the device tells"),
        [
            query(f"max by (device) (tslcd_firewall_sessions{{{SITE}}})", "{{device}}"),
            query(
                f"max by (device) (tslcd_firewall_sessions_limit{{{SITE}}})",
                "{{device}}, " + screen.say(Words("tối đa", "limit")),
                ref="B",
            ),
        ],
        unit="short",
        width=8,
    )


def availability_pair(screen: Screen) -> list[statetimeline.Panel]:
    """Return the roles of high-availability pairs, and whether the peer is there."""
    roles = number_of("tslcd_firewall_ha_role", SITE, "device", HA_ROLES)
    return [
        timeline(
            screen,
            Words("Vai trò trong cặp dự phòng", "High-availability role"),
            Words("Của từng tường lửa", "Of each firewall"),
            [query(roles, "{{device}}")],
            width=8,
            words=numbered(HA_ROLES),
        ),
        timeline(
            screen,
            Words("Thiết bị cùng cặp", "High-availability peer"),
            Words("Tường lửa còn thấy thiết bị cùng cặp", "The firewall sees its peer"),
            [query(f"min by (device) (tslcd_firewall_ha_peer_up{{{SITE}}})", "{{device}}")],
            width=8,
            words=UP,
        ),
    ]


def ways(screen: Screen) -> list[statetimeline.Panel]:
    """Return tunnels and the paths that devices measure."""
    return [
        timeline(
            screen,
            title,
            description,
            [query(f"min by (device, {kind}) (tslcd_{kind}_up{{{SITE}}})", f"{{{{device}}}} · {{{{{kind}}}}}")],
            width=12,
            height=7,
            words=UP,
        )
        for kind, title, description in (
            ("tunnel", Words("Đường hầm", "Tunnels"), Words("Theo thiết bị và tên đường hầm", "By device and name")),
            (
                "path",
                Words("Tuyến do thiết bị đo", "Paths that devices measure"),
                Words("Thiết bị cho là tốt hay hỏng", "Good or bad, as the device holds it"),
            ),
        )
    ]


def hardware(screen: Screen) -> list[timeseries.Panel | table.Panel]:
    """Return temperatures, optical power, and what sensors complain of."""
    heat = graph(
        screen,
        Words("Nhiệt độ", "Temperatures"),
        Words(
            "Tám cảm biến nóng nhất; đường đứt là ngưỡng khi thiết bị không cho biết ngưỡng riêng",
            "The eight hottest sensors; dashed: the threshold where the device has none of its own",
        ),
        [
            query(
                f"topk(8, max by (device, sensor) (tslcd_sensor_temperature_celsius{{{SITE}}}))",
                "{{device}} · {{sensor}}",
            )
        ],
        unit="celsius",
        width=8,
    )
    light = graph(
        screen,
        Words("Công suất quang", "Optical power"),
        Words("Thu và phát theo mô-đun quang", "Received and transmitted, by transceiver"),
        [
            query(
                f"min by (device, sensor) (tslcd_sensor_{one}_power_dbm{{{SITE}}})",
                f"{{{{device}}}} · {{{{sensor}}}}, {screen.say(words)}",
                ref=ref,
            )
            for ref, one, words in (
                ("A", "receive", Words("thu", "received")),
                ("B", "transmit", Words("phát", "sent")),
            )
        ],
        unit="dBm",
        width=8,
    )
    columns = {
        "device": column(screen, _DEVICE),
        "sensor": column(screen, Words("Cảm biến", "Sensor")),
        "state": column(screen, Words("Tình trạng", "Condition"), words=SENSOR_STATES),
    }
    complaints = listing(
        screen,
        Words("Cảm biến báo bất thường", "Sensors that complain"),
        Words(
            "Quạt, nguồn, nhiệt độ và cảm biến khác không tốt",
            "Fans, power supplies, temperatures and others that are not well",
        ),
        [
            f'max by (device, sensor, state) (tslcd_sensor_status{{{SITE},state=~"warning|critical|failed"}}) == 1',
        ],
        columns,
        width=8,
        empty=Words("Tất cả đều tốt", "All are well"),
    )
    return [
        with_limits(heat, *bad_from(TEMPERATURE)),
        with_limits(light, (None, "orange"), (OPTICAL, "green")),
        complaints,
    ]


def power(screen: Screen) -> list[timeseries.Panel | statetimeline.Panel]:
    """Return what feeds the load, and the battery."""
    source = timeline(
        screen,
        Words("Nguồn đang cấp", "Source of power"),
        Words("Thiết bị lưu điện đang lấy điện từ đâu, ắc quy ra sao", "What feeds the UPS's load, and its battery"),
        [
            query(number_of("tslcd_ups_source", SITE, "device", UPS_SOURCES), "{{device}}"),
        ],
        width=8,
        words=numbered(UPS_SOURCES),
    )
    battery = graph(
        screen,
        Words("Mức sạc và mức tải", "Charge and load"),
        Words("Của thiết bị lưu điện; đường đứt là mức sạc thấp", "Of the UPS; dashed: where the charge is low"),
        [
            query(f"min by (device) (tslcd_ups_{one}_ratio{{{SITE}}})", f"{{{{device}}}}, {screen.say(words)}", ref=ref)
            for ref, one, words in (
                ("A", "battery_charge", Words("mức sạc", "charge")),
                ("B", "load", Words("mức tải", "load")),
            )
        ],
        unit="percentunit",
        width=8,
    )
    left = graph(
        screen,
        Words("Thời gian ắc quy còn cấp được", "Battery time left"),
        Words("Theo thiết bị lưu điện", "As the UPS estimates"),
        [query(f"min by (device) (tslcd_ups_battery_runtime_seconds{{{SITE}}})", "{{device}}")],
        unit="s",
        width=8,
    )
    condition = timeline(
        screen,
        Words("Tình trạng ắc quy", "Condition of the battery"),
        Words("Do thiết bị lưu điện báo", "As the UPS tells"),
        [query(number_of("tslcd_ups_battery_status", SITE, "device", BATTERY_STATES), "{{device}}")],
        height=4,
        words=numbered(BATTERY_STATES),
    )
    return [source, with_limits(battery.max(1), (None, "red"), (BATTERY, "green")), left, condition]
