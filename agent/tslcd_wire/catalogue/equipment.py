"""What a profile may know of a device: sensors, sessions, tunnels, paths that it measures itself, and a UPS."""

from __future__ import annotations

from typing import Final

from tslcd_wire.catalogue.column import Column, Kind, Type, Unit, counter, flag, gauge, text

#: Values of ``sensor.status``, as ENTITY-SENSOR-MIB, CISCO-ENVMON-MIB and their like can tell.
SENSOR_STATES: Final = ("ok", "warning", "critical", "failed", "absent", "unknown")

SENSOR: Final = Kind(
    "sensor",
    keyed=True,
    help_vi="Cảm biến phần cứng của thiết bị: nhiệt độ, quạt, nguồn, công suất quang",
    help_en="Hardware sensor of a device: temperature, fan, power supply, optical power",
    columns=(
        Column(
            "status",
            Type.STATE,
            "Tình trạng do thiết bị báo",
            "Condition as the device tells it",
            states=SENSOR_STATES,
            source="the profile",
        ),
        gauge("temperature_celsius", "Nhiệt độ", "Temperature", Unit.CELSIUS, "the profile"),
        gauge(
            "temperature_limit_celsius",
            "Ngưỡng nhiệt độ của thiết bị",
            "Temperature at which the device itself gives alarm",
            Unit.CELSIUS,
            "the profile",
        ),
        gauge(
            "speed_rpm", "Tốc độ quạt, vòng mỗi phút", "Speed of the fan, revolutions a minute", Unit.RPM, "the profile"
        ),
        gauge(
            "speed_ratio",
            "Tốc độ quạt so với tối đa",
            "Speed of the fan, share of its highest",
            Unit.RATIO,
            "the profile",
        ),
        gauge("voltage_volts", "Điện áp", "Voltage", Unit.VOLTS, "the profile"),
        gauge("current_amperes", "Dòng điện", "Current", Unit.AMPERES, "the profile"),
        gauge("power_watts", "Công suất", "Power", Unit.WATTS, "the profile"),
        gauge("humidity_ratio", "Độ ẩm tương đối", "Relative humidity", Unit.RATIO, "the profile"),
        gauge("receive_power_dbm", "Công suất quang thu", "Received optical power", Unit.DBM, "the profile"),
        gauge("transmit_power_dbm", "Công suất quang phát", "Transmitted optical power", Unit.DBM, "the profile"),
        text("type", "Loại cảm biến", "What the sensor belongs to", "the profile"),
    ),
)

#: Values of ``firewall.ha_role``.
HA_ROLES: Final = ("standalone", "active", "passive", "unknown")

FIREWALL: Final = Kind(
    "firewall",
    keyed=False,
    help_vi="Tường lửa: phiên kết nối và cặp dự phòng",
    help_en="Firewall: sessions and high availability",
    columns=(
        gauge("sessions", "Số phiên đang mở", "Sessions in the table", source="the profile"),
        gauge("sessions_limit", "Số phiên tối đa", "Sessions that the table can hold", source="the profile"),
        gauge(
            "sessions_utilization_ratio",
            "Mức sử dụng bảng phiên",
            "Share of the session table in use",
            Unit.RATIO,
            "the profile",
        ),
        Column(
            "ha_role",
            Type.STATE,
            "Vai trò trong cặp dự phòng",
            "Role in the high-availability pair",
            states=HA_ROLES,
            source="the profile",
        ),
        flag("ha_peer_up", "Thiết bị dự phòng còn hoạt động", "The peer of the pair is there", "the profile"),
        text("ha_peer", "Tên thiết bị dự phòng", "Name of the peer", "the profile"),
    ),
)

TUNNEL: Final = Kind(
    "tunnel",
    keyed=True,
    help_vi="Đường hầm VPN của thiết bị",
    help_en="VPN tunnel of a device",
    columns=(
        flag("up", "Đường hầm đang hoạt động", "The tunnel is up", "the profile"),
        counter("receive_bytes_total", "Số byte nhận được", "Bytes received", Unit.BYTES, "the profile"),
        counter("transmit_bytes_total", "Số byte gửi đi", "Bytes sent", Unit.BYTES, "the profile"),
    ),
)

PATH: Final = Kind(
    "path",
    keyed=True,
    help_vi="Phép đo chất lượng do chính thiết bị thực hiện (link-monitor, SD-WAN, IP SLA, RPM, NQA)",
    help_en="Quality measurement made by the device itself (link-monitor, SD-WAN health, IP SLA, RPM, NQA)",
    columns=(
        flag("up", "Thiết bị cho là đường truyền tốt", "The device holds the path for good", "the profile"),
        gauge("loss_ratio", "Tỷ lệ mất gói", "Share of packets lost", Unit.RATIO, "the profile"),
        gauge("rtt_seconds", "Độ trễ khứ hồi", "Round-trip time", Unit.SECONDS, "the profile"),
        gauge("jitter_seconds", "Biến động trễ", "Jitter", Unit.SECONDS, "the profile"),
    ),
)

#: Values of ``ups.source``: what feeds the load (UPS-MIB upsOutputSource).
UPS_SOURCES: Final = ("utility", "battery", "bypass", "booster", "reducer", "off", "unknown")
#: Values of ``ups.battery_status`` (UPS-MIB upsBatteryStatus, and what vendors add).
BATTERY_STATES: Final = ("ok", "low", "depleted", "failed", "unknown")

UPS: Final = Kind(
    "ups",
    keyed=False,
    help_vi="Thiết bị lưu điện",
    help_en="Uninterruptible power supply",
    columns=(
        Column(
            "source",
            Type.STATE,
            "Nguồn đang cấp cho tải",
            "What feeds the load",
            states=UPS_SOURCES,
            source="the profile",
        ),
        flag("on_battery", "Đang chạy bằng ắc quy", "The load runs on battery", "the profile"),
        Column(
            "battery_status",
            Type.STATE,
            "Tình trạng ắc quy",
            "Condition of the battery",
            states=BATTERY_STATES,
            source="the profile",
        ),
        gauge("battery_charge_ratio", "Mức sạc ắc quy", "Charge of the battery", Unit.RATIO, "the profile"),
        gauge(
            "battery_runtime_seconds",
            "Thời gian ắc quy còn cấp được",
            "Time that the battery will last",
            Unit.SECONDS,
            "the profile",
        ),
        gauge(
            "on_battery_seconds", "Thời gian đã chạy bằng ắc quy", "Time on battery so far", Unit.SECONDS, "the profile"
        ),
        gauge("load_ratio", "Mức tải", "Load, share of the nominal power", Unit.RATIO, "the profile"),
        gauge("input_voltage_volts", "Điện áp vào", "Input voltage", Unit.VOLTS, "the profile"),
        gauge("output_voltage_volts", "Điện áp ra", "Output voltage", Unit.VOLTS, "the profile"),
        gauge("temperature_celsius", "Nhiệt độ ắc quy", "Temperature of the battery", Unit.CELSIUS, "the profile"),
    ),
)
