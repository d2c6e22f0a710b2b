"""The words on the screens for every code of a closed set, with its colour.

Codes are those of the collector's verdicts and problems, and so are the words, wherever they fit into a cell; a code that is
missing here would be shown as it is. A colour never stands alone: the word is always beside it.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, TypeVar

from grafana.words import Word, Words

from tslcd_collector.judge.phrases import SNMP_WORDS
from tslcd_collector.problems import AGENT_PROBLEM_WORDS, DEVICE_PROBLEM_WORDS
from tslcd_collector.verdict import PARTY_WORDS, STATE_WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tslcd_collector.verdict import Words as Told

_Code = TypeVar("_Code", bound=Enum)
#: The colour of a number that says nothing bad and nothing good.
QUIET: Final = "#6e7178"
NO_DATA: Final = Words("Không có dữ liệu", "No data")
#: Where having none is good, or no fault.
NOTHING: Final = Words("Không có", "None")


def _told(words: Mapping[_Code, Told], colours: dict[str, str]) -> dict[str, Word]:
    """Return the collector's words for these codes, each with its colour, as they begin a text."""
    by_code = {str(code.value): told for code, told in words.items()}
    return {code: _begun(by_code[code], colour) for code, colour in colours.items()}


def _begun(told: Told, colour: str) -> Word:
    return Word(told.vi[:1].upper() + told.vi[1:], told.en[:1].upper() + told.en[1:], colour)


#: States of a channel. Where collectors disagree the later one holds; the place is the number that timelines draw. What is
#: unknown to one may be known to another, and planned work explains whatever is seen of it.
STATES: Final = _told(
    STATE_WORDS, {"unknown": "purple", "up": "green", "degraded": "orange", "down": "red", "maintenance": "blue"}
)

#: In short: the sentences of the verdicts are too long for a cell.
REASONS: Final[dict[str, Word]] = {
    "ok": Word("Bình thường", "ok", "green"),
    "interface_down": Word("Giao diện mất tín hiệu", "Interface down", "red"),
    "admin_down": Word("Giao diện bị tắt trong cấu hình", "Switched off in the configuration", "red"),
    "gateway_unreachable": Word("Không tới được cổng kết nối", "Gateway unreachable", "red"),
    "loss": Word("Mất gói", "Packet loss", "orange"),
    "latency": Word("Độ trễ cao", "Delay", "orange"),
    "jitter": Word("Biến động trễ cao", "Jitter", "orange"),
    "errors": Word("Gói lỗi, gói bị loại", "Errors, discards", "orange"),
    "overloaded": Word("Quá tải", "Overloaded", "orange"),
    "redundancy_lost": Word("Mất dự phòng", "Redundancy lost", "orange"),
    "flapping": Word("Chập chờn", "Flapping", "orange"),
    "device_unreachable": Word("Thiết bị không trả lời", "Device unreachable", "purple"),
    "snmp_refused": Word("Thiết bị từ chối SNMP", "SNMP refused", "purple"),
    "site_power": Word("Mất điện tại điểm kết nối", "No power at the site", "purple"),
    "uplink_lost": Word("Báo cáo không qua được kênh", "Reports do not get through", "orange"),
    "upstream_down": Word("Kênh cấp trên bị mất kết nối", "The carrying channel is down", "red"),
    "agent_lost": Word("Mất liên lạc với tác tử", "Agent lost", "purple"),
    "stale": Word("Số liệu đã cũ", "Stale", "purple"),
    "never_seen": Word("Chưa từng có số liệu", "Never seen", "purple"),
    "maintenance": Word("Bảo trì theo kế hoạch", "Planned maintenance", "blue"),
    "not_in_service": Word("Chưa đưa vào sử dụng", "Not in service yet", "blue"),
}

PARTIES: Final = {
    **_told(PARTY_WORDS, dict.fromkeys(("operator", "agency", "power", "monitoring"), "text")),
    "none": Word("—", "none", "text"),
}

DEVICE_PROBLEMS: Final = _told(
    DEVICE_PROBLEM_WORDS,
    {
        "cpu_high": "orange",
        "memory_high": "orange",
        "sessions_near_limit": "orange",
        "ha_changed": "orange",
        "ha_peer_lost": "red",
        "too_hot": "red",
        "fan_failed": "red",
        "power_supply_failed": "red",
        "sensor_failed": "orange",
        "optical_power_low": "orange",
        "tunnel_down": "red",
        "path_down": "red",
        "on_battery": "orange",
        "battery_low": "red",
        "battery_failed": "red",
        "snmp_unreadable": "purple",
        "restarted": "blue",
    },
)

AGENT_PROBLEMS: Final = _told(
    AGENT_PROBLEM_WORDS,
    {
        "clock_wrong": "orange",
        "uplink_spare": "orange",
        "spool_filling": "orange",
        "spool_dropping": "red",
        "identity_cloned": "red",
    },
)

SEVERITIES: Final[dict[str, Word]] = {
    "critical": Word("Khẩn cấp", "Critical", "red"),
    "major": Word("Nghiêm trọng", "Major", "orange"),
    "warning": Word("Cảnh báo", "Warning", "yellow"),
    "info": Word("Thông tin", "Info", "blue"),
}

_SNMP_COLOURS: Final = {
    "ok": "green",
    "refused": "purple",
    "silent": "orange",
    "unreachable": "red",
    "broken": "orange",
}
SNMP_STATES: Final = {code: _begun(SNMP_WORDS[code], colour) for code, colour in _SNMP_COLOURS.items()}

HA_ROLES: Final[dict[str, Word]] = {
    "active": Word("Đang chạy", "Active", "green"),
    "passive": Word("Dự phòng", "Passive", "blue"),
    "standalone": Word("Một mình", "Standalone", "text"),
    "unknown": Word("Không xác định", "Unknown", "purple"),
}

SENSOR_STATES: Final[dict[str, Word]] = {
    "ok": Word("Tốt", "ok", "green"),
    "warning": Word("Cảnh báo", "Warning", "orange"),
    "critical": Word("Nguy hiểm", "Critical", "red"),
    "failed": Word("Hỏng", "Failed", "red"),
    "absent": Word("Không lắp", "Absent", "text"),
    "unknown": Word("Không xác định", "Unknown", "purple"),
}

UPS_SOURCES: Final[dict[str, Word]] = {
    "utility": Word("Điện lưới", "Mains", "green"),
    "battery": Word("Ắc quy", "Battery", "red"),
    "bypass": Word("Nối tắt", "Bypass", "orange"),
    "booster": Word("Tăng áp", "Booster", "blue"),
    "reducer": Word("Giảm áp", "Reducer", "blue"),
    "off": Word("Tắt", "Off", "red"),
    "unknown": Word("Không xác định", "Unknown", "purple"),
}

BATTERY_STATES: Final[dict[str, Word]] = {
    "ok": Word("Tốt", "ok", "green"),
    "low": Word("Thấp", "Low", "orange"),
    "depleted": Word("Cạn", "Depleted", "red"),
    "failed": Word("Hỏng", "Failed", "red"),
    "unknown": Word("Không xác định", "Unknown", "purple"),
}

START_REASONS: Final[dict[str, Word]] = {
    "first-start": Word("Lần đầu", "First start", "text"),
    "clean-restart": Word("Khởi động lại bình thường", "Clean restart", "green"),
    "process-crash": Word("Tiến trình bị lỗi", "Process crash", "orange"),
    "power-or-reboot": Word("Mất điện hoặc khởi động lại máy", "Power or reboot", "orange"),
}

#: Which runbook tells what to do about a reason: names of ``deploy/runbooks``.
RUNBOOK_OF_REASON: Final[dict[str, str]] = {
    **dict.fromkeys(REASONS, "ChannelDegraded"),
    **dict.fromkeys(("interface_down", "admin_down", "gateway_unreachable", "upstream_down"), "ChannelDown"),
    **dict.fromkeys(("agent_lost", "stale", "never_seen"), "AgentLost"),
    "overloaded": "ChannelOverloaded95",
    "redundancy_lost": "RedundancyLost",
    "flapping": "ChannelFlapping",
    "device_unreachable": "ChannelDown",
    "snmp_refused": "DeviceUnreadable",
    "site_power": "SitePower",
    "uplink_lost": "UplinkSpare",
}
RUNBOOK_OF_DEVICE_PROBLEM: Final[dict[str, str]] = {
    **dict.fromkeys(("cpu_high", "memory_high"), "DeviceOverloaded"),
    "sessions_near_limit": "SessionsNearLimit",
    **dict.fromkeys(("ha_changed", "ha_peer_lost"), "FirewallFailover"),
    **dict.fromkeys(("too_hot", "fan_failed", "power_supply_failed", "sensor_failed"), "DeviceHardware"),
    **dict.fromkeys(("on_battery", "battery_low", "battery_failed"), "OnBattery"),
    "optical_power_low": "OpticalPowerLow",
    "tunnel_down": "TunnelDown",
    "path_down": "PathDown",
    "snmp_unreadable": "DeviceUnreadable",
    "restarted": "DeviceRestarted",
}
RUNBOOK_OF_AGENT_PROBLEM: Final[dict[str, str]] = {
    "clock_wrong": "ClockWrong",
    "uplink_spare": "UplinkSpare",
    "spool_filling": "SpoolFilling",
    "spool_dropping": "SpoolFilling",
    "identity_cloned": "IdentityCloned",
}


#: For what is either so or not.
UP: Final[dict[str, Word]] = {"1": Word("Tốt", "Up", "green"), "0": Word("Mất", "Down", "red")}
RUNNING: Final[dict[str, Word]] = {"1": Word("Chạy", "Runs", "green"), "0": Word("DỪNG", "DEAD", "red")}
CONNECTED: Final[dict[str, Word]] = {"1": Word("Đã nối", "Connected", "green"), "0": Word("Mất kết nối", "Lost", "red")}


def numbered(words: dict[str, Word]) -> dict[str, Word]:
    """Return the words by the numbers that timelines draw for their codes, 1 and up."""
    return {str(number): word for number, word in enumerate(words.values(), 1)}


def state_number(state: str) -> int:
    """Return the number that stands for a state in a timeline, 1 and up."""
    return list(STATES).index(state) + 1
