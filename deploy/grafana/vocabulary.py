"""The words on the screens: Vietnamese for every code of a closed set, with its colour.

Codes are those of the collector's verdicts; a code that is missing here would be shown as it is.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Word(NamedTuple):
    """A Vietnamese word, the English one for descriptions, and a colour that Grafana knows."""

    vi: str
    en: str
    colour: str


#: States of a channel, from the best to the worst for a wall screen: the place is the number that timelines draw.
STATES: Final[dict[str, Word]] = {
    "up": Word("Hoạt động", "up", "green"),
    "maintenance": Word("Bảo trì", "maintenance", "blue"),
    "unknown": Word("Không rõ", "unknown", "purple"),
    "degraded": Word("Suy giảm", "degraded", "orange"),
    "down": Word("Mất kết nối", "down", "red"),
}

REASONS: Final[dict[str, Word]] = {
    "ok": Word("Bình thường", "ok", "green"),
    "interface_down": Word("Giao diện mất tín hiệu", "interface down", "red"),
    "admin_down": Word("Giao diện bị tắt trong cấu hình", "switched off in the configuration", "red"),
    "gateway_unreachable": Word("Không tới được cổng kết nối", "gateway unreachable", "red"),
    "loss": Word("Mất gói", "packet loss", "orange"),
    "latency": Word("Trễ cao", "delay", "orange"),
    "device_unreachable": Word("Thiết bị không trả lời", "device unreachable", "purple"),
    "snmp_refused": Word("Thiết bị từ chối SNMP", "SNMP refused", "purple"),
    "site_power": Word("Mất điện tại điểm kết nối", "no power at the site", "purple"),
    "uplink_lost": Word("Báo cáo không qua được kênh", "reports do not get through", "orange"),
    "upstream_down": Word("Kênh cấp trên bị mất kết nối", "the carrying channel is down", "red"),
    "agent_lost": Word("Mất liên lạc với tác tử", "agent lost", "purple"),
    "stale": Word("Số liệu đã cũ", "stale", "purple"),
    "never_seen": Word("Chưa từng có số liệu", "never seen", "purple"),
}

PARTIES: Final[dict[str, Word]] = {
    "operator": Word("Đơn vị vận hành", "operator", "text"),
    "agency": Word("Cơ quan sử dụng", "agency", "text"),
    "power": Word("Nguồn điện", "power", "text"),
    "monitoring": Word("Hệ thống giám sát", "monitoring", "text"),
    "none": Word("—", "none", "text"),
}


def state_number(state: str) -> int:
    """Return the number that stands for a state in a timeline, 1 and up."""
    return list(STATES).index(state) + 1
