"""Problems of devices and of agents: closed sets, and the words for them in both languages.

Invariants:

* The values are label values of ``tslcd_device_problem`` and ``tslcd_agent_problem`` and never change meaning.
* A problem is a fact about one thing, with no party: who must act is the alert rule's to say.
"""

from __future__ import annotations

import enum
from typing import Final

from tslcd_collector.verdict import Words


class DeviceProblem(enum.Enum):
    """What is wrong with a router, firewall, switch or UPS."""

    CPU_HIGH = "cpu_high"
    MEMORY_HIGH = "memory_high"
    SESSIONS_NEAR_LIMIT = "sessions_near_limit"
    HA_CHANGED = "ha_changed"
    HA_PEER_LOST = "ha_peer_lost"
    TOO_HOT = "too_hot"
    FAN_FAILED = "fan_failed"
    POWER_SUPPLY_FAILED = "power_supply_failed"
    SENSOR_FAILED = "sensor_failed"
    OPTICAL_POWER_LOW = "optical_power_low"
    TUNNEL_DOWN = "tunnel_down"
    PATH_DOWN = "path_down"
    ON_BATTERY = "on_battery"
    BATTERY_LOW = "battery_low"
    BATTERY_FAILED = "battery_failed"
    SNMP_UNREADABLE = "snmp_unreadable"
    RESTARTED = "restarted"


class AgentProblem(enum.Enum):
    """What is wrong with an agent, besides that it is not heard."""

    CLOCK_WRONG = "clock_wrong"
    UPLINK_SPARE = "uplink_spare"
    SPOOL_FILLING = "spool_filling"
    SPOOL_DROPPING = "spool_dropping"
    IDENTITY_CLONED = "identity_cloned"


DEVICE_PROBLEM_WORDS: Final = {
    DeviceProblem.CPU_HIGH: Words("CPU tải cao", "CPU is busy"),
    DeviceProblem.MEMORY_HIGH: Words("bộ nhớ gần đầy", "memory is nearly full"),
    DeviceProblem.SESSIONS_NEAR_LIMIT: Words("bảng phiên gần đầy", "the session table is nearly full"),
    DeviceProblem.HA_CHANGED: Words("vừa chuyển vai trò trong cặp dự phòng", "changed its role in the pair"),
    DeviceProblem.HA_PEER_LOST: Words("mất thiết bị cùng cặp dự phòng", "the peer of the pair is lost"),
    DeviceProblem.TOO_HOT: Words("nhiệt độ quá cao", "too hot"),
    DeviceProblem.FAN_FAILED: Words("quạt hỏng", "a fan failed"),
    DeviceProblem.POWER_SUPPLY_FAILED: Words("bộ nguồn hỏng", "a power supply failed"),
    DeviceProblem.SENSOR_FAILED: Words("cảm biến báo lỗi", "a sensor tells of a fault"),
    DeviceProblem.OPTICAL_POWER_LOW: Words("công suất quang thu thấp", "received optical power is low"),
    DeviceProblem.TUNNEL_DOWN: Words("đường hầm mất kết nối", "a tunnel is down"),
    DeviceProblem.PATH_DOWN: Words("tuyến đo của thiết bị không tốt", "a path that the device measures is bad"),
    DeviceProblem.ON_BATTERY: Words("đang chạy bằng ắc quy", "runs on battery"),
    DeviceProblem.BATTERY_LOW: Words("ắc quy sắp hết", "the battery is low"),
    DeviceProblem.BATTERY_FAILED: Words("ắc quy hỏng", "the battery failed"),
    DeviceProblem.SNMP_UNREADABLE: Words("không đọc được bằng SNMP", "cannot be read by SNMP"),
    DeviceProblem.RESTARTED: Words("vừa khởi động lại", "restarted"),
}

AGENT_PROBLEM_WORDS: Final = {
    AgentProblem.CLOCK_WRONG: Words("đồng hồ sai", "the clock is wrong"),
    AgentProblem.UPLINK_SPARE: Words("báo cáo đi đường dự phòng", "reports leave by a spare way"),
    AgentProblem.SPOOL_FILLING: Words("hàng đợi báo cáo gần đầy", "the spool is nearly full"),
    AgentProblem.SPOOL_DROPPING: Words("hàng đợi đang bỏ báo cáo", "the spool drops reports"),
    AgentProblem.IDENTITY_CLONED: Words("định danh bị hai nguồn dùng chung", "two sources use its identity"),
}
