"""What every device has: itself and its interfaces."""

from __future__ import annotations

from typing import Final

from tslcd_wire.catalogue.column import Column, Kind, Type, Unit, counter, flag, gauge, text

INTERFACE: Final = Kind(
    "interface",
    keyed=True,
    help_vi="Giao diện của thiết bị, đặt tên theo ifName",
    help_en="Interface of a device, named by ifName",
    columns=(
        flag("oper_up", "Giao diện đang hoạt động", "The interface is operationally up", "IF-MIB::ifOperStatus"),
        flag("admin_up", "Giao diện được bật trong cấu hình", "The interface is enabled", "IF-MIB::ifAdminStatus"),
        gauge(
            "speed_bits_per_second",
            "Tốc độ danh định của giao diện",
            "Nominal speed of the interface",
            Unit.BITS_PER_SECOND,
            "IF-MIB::ifHighSpeed, else ifSpeed",
        ),
        counter(
            "receive_bytes_total",
            "Số byte nhận được",
            "Bytes received",
            Unit.BYTES,
            "IF-MIB::ifHCInOctets, else ifInOctets",
        ),
        counter(
            "transmit_bytes_total",
            "Số byte gửi đi",
            "Bytes sent",
            Unit.BYTES,
            "IF-MIB::ifHCOutOctets, else ifOutOctets",
        ),
        counter(
            "receive_unicast_packets_total",
            "Số gói đơn hướng nhận được",
            "Unicast packets received",
            source="IF-MIB::ifHCInUcastPkts, else ifInUcastPkts",
        ),
        counter(
            "transmit_unicast_packets_total",
            "Số gói đơn hướng gửi đi",
            "Unicast packets sent",
            source="IF-MIB::ifHCOutUcastPkts, else ifOutUcastPkts",
        ),
        counter(
            "receive_errors_total", "Số gói lỗi hướng về", "Received packets with errors", source="IF-MIB::ifInErrors"
        ),
        counter(
            "transmit_errors_total", "Số gói lỗi hướng đi", "Packets not sent for errors", source="IF-MIB::ifOutErrors"
        ),
        counter(
            "receive_discards_total",
            "Số gói bị loại hướng về",
            "Received packets discarded",
            source="IF-MIB::ifInDiscards",
        ),
        counter(
            "transmit_discards_total",
            "Số gói bị loại hướng đi",
            "Outbound packets discarded",
            source="IF-MIB::ifOutDiscards",
        ),
        gauge(
            "counter_discontinuity_seconds",
            "Thời gian hoạt động của thiết bị khi các bộ đếm được đặt lại lần gần nhất",
            "Uptime of the device at which the counters last started anew",
            Unit.SECONDS,
            "IF-MIB::ifCounterDiscontinuityTime",
        ),
        text("alias", "Mô tả do người quản trị đặt", "Description set by the administrator", "IF-MIB::ifAlias"),
    ),
)

#: Values of ``device.snmp_state``: what became of the last SNMP poll.
#: ``refused``: an authentication or authorisation error, or the port is closed; ``silent``: no SNMP answer although the
#: device answers a ping; ``unreachable``: neither answers; ``broken``: answers that cannot be decoded.
SNMP_STATES: Final = ("ok", "refused", "silent", "unreachable", "broken")

DEVICE: Final = Kind(
    "device",
    keyed=False,
    help_vi="Thiết bị được giám sát: bộ định tuyến, tường lửa, bộ chuyển mạch",
    help_en="Supervised device: router, firewall, switch",
    columns=(
        flag("snmp_up", "Thiết bị trả lời SNMP", "The device answers SNMP", "the poll itself"),
        Column(
            "snmp_state",
            Type.STATE,
            "Kết quả của lần hỏi SNMP gần nhất",
            "Outcome of the last SNMP poll",
            states=SNMP_STATES,
            source="the poll itself",
        ),
        gauge(
            "uptime_seconds",
            "Thời gian hoạt động của phần quản trị mạng",
            "Time since the network management part of the device started",
            Unit.SECONDS,
            "SNMPv2-MIB::sysUpTime",
        ),
        gauge(
            "poll_duration_seconds",
            "Thời gian của một lần hỏi SNMP",
            "Duration of the poll",
            Unit.SECONDS,
            "the poll itself",
        ),
        gauge("interfaces", "Số giao diện đọc được", "Interfaces read", source="the poll itself"),
        flag(
            "poll_complete",
            "Lần hỏi gần nhất đọc được đầy đủ",
            "The last poll read everything it asked for",
            "the poll itself",
        ),
        gauge("poll_requests", "Số câu hỏi SNMP của lần hỏi", "SNMP requests of the poll", source="the poll itself"),
        gauge(
            "poll_retries",
            "Số câu hỏi phải gửi lại",
            "Requests of the poll that were sent again",
            source="the poll itself",
        ),
        gauge(
            "interfaces_left_out",
            "Số giao diện không báo cáo vì vượt giới hạn",
            "Interfaces beyond the bound that are not reported",
            source="the poll itself",
        ),
        gauge("cpu_utilization_ratio", "Mức sử dụng CPU", "CPU utilisation", Unit.RATIO, "the profile"),
        gauge("memory_utilization_ratio", "Mức sử dụng bộ nhớ", "Memory utilisation", Unit.RATIO, "the profile"),
        gauge("memory_total_bytes", "Dung lượng bộ nhớ", "Size of the memory", Unit.BYTES, "the profile"),
        text("sys_name", "Tên thiết bị", "Name of the device", "SNMPv2-MIB::sysName"),
        text("sys_descr", "Mô tả thiết bị", "Description of the device", "SNMPv2-MIB::sysDescr"),
        text("sys_object_id", "Mã định danh chủng loại", "Identification of the type", "SNMPv2-MIB::sysObjectID"),
        text("vendor", "Nhà sản xuất", "Vendor", "the profile"),
        text("model", "Kiểu thiết bị", "Model", "the profile"),
        text("serial", "Số sê-ri", "Serial number", "the profile"),
        text("software_version", "Phiên bản phần mềm", "Version of the software", "the profile"),
        text("profile", "Hồ sơ thiết bị đang dùng", "Profile in use", "the profile"),
    ),
)
