"""The catalogue: every kind of thing a report can tell about, and every column of it.

A report carries *tables*; a table tells about things of one *kind*; a kind has *columns*. Column ``c`` of kind ``k``
becomes the Prometheus family ``tslcd_<k>_<c>`` with the labels ``province, site, agent, device`` and, where the kind has
keys, ``<k>``. What is not in the catalogue is never exported.

Invariants:

* Names are ``[a-z][a-z0-9_]*``; a ``COUNTER`` ends in ``_total`` and nothing else does; units are Prometheus base units
  and are part of the name (https://prometheus.io/docs/practices/naming/).
* Columns are only ever added. A column that changed its meaning is a new column; a breaking change of the contract is a
  new topic version (:mod:`tslcd_wire.topics`).
* ``TEXT`` columns never become series of their own: they are the labels of ``tslcd_<k>_info``.
* A ``STATE`` column is exported one-hot, with the label ``state`` over its closed set of values.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import Final

#: Longest key (label value) and longest ``TEXT`` value, in characters.
MAX_KEY_CHARS: Final = 128
MAX_TEXT_CHARS: Final = 256
#: Counters are readings of Counter64 objects at most (RFC 2578 section 7.1.10).
MAX_COUNTER: Final = 2**64 - 1

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


class Type(enum.Enum):
    """What the values of a column are, on the wire and in Prometheus."""

    #: A finite float. JSON number.
    GAUGE = "gauge"
    #: An absolute reading that only grows, 0 to 2**64-1. JSON integer.
    COUNTER = "counter"
    #: 0 or 1. JSON integer; a Prometheus gauge.
    BOOL = "bool"
    #: One word of a closed set. JSON string; a Prometheus gauge, one-hot over the label ``state``.
    STATE = "state"
    #: Free text of at most MAX_TEXT_CHARS. JSON string; a label of the kind's ``_info`` series.
    TEXT = "text"


class Unit(enum.Enum):
    """Base units, spelled as in metric names. ``NONE`` is for counts, flags and texts."""

    NONE = ""
    SECONDS = "seconds"
    BYTES = "bytes"
    RATIO = "ratio"
    BITS_PER_SECOND = "bits_per_second"
    CELSIUS = "celsius"
    VOLTS = "volts"
    AMPERES = "amperes"
    WATTS = "watts"
    #: Decibels against one milliwatt; a logarithm, which optical budgets are made in.
    DBM = "dbm"
    #: Revolutions a minute, what every fan tells.
    RPM = "rpm"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a kind.

    ``help_vi`` and ``help_en`` are one sentence each, without a full stop. ``states`` is the closed set of a STATE column.
    ``source`` names where the value comes from (a MIB object, a file under /proc, a measurement).
    """

    name: str
    type: Type
    help_vi: str
    help_en: str
    unit: Unit = Unit.NONE
    states: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse a column that breaks the naming rules. Raises ValueError."""
        if not _NAME.match(self.name):
            msg = f"column {self.name!r}: names are [a-z][a-z0-9_]*"
            raise ValueError(msg)
        if (self.type is Type.COUNTER) != self.name.endswith("_total"):
            msg = f"column {self.name!r}: counters, and only counters, end in _total"
            raise ValueError(msg)
        if self.unit is not Unit.NONE and not self.name.removesuffix("_total").endswith(self.unit.value):
            msg = f"column {self.name!r}: the unit {self.unit.value} belongs at the end of the name"
            raise ValueError(msg)
        if (self.type is Type.STATE) != bool(self.states):
            msg = f"column {self.name!r}: states belong to STATE columns and to no other"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing. ``keyed`` says whether a device (or agent) has many of them, told apart by the table's keys.

    A kind without keys has exactly one row, whose key is the empty string, and no label of its own.
    """

    name: str
    keyed: bool
    help_vi: str
    help_en: str
    columns: tuple[Column, ...]
    by_name: dict[str, Column] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Index the columns. Raises ValueError for a bad or double name."""
        index = {column.name: column for column in self.columns}
        if not _NAME.match(self.name) or len(index) != len(self.columns) or "key" in index or "info" in index:
            msg = f"kind {self.name!r}: bad kind name, or a column twice, or a column named key or info"
            raise ValueError(msg)
        object.__setattr__(self, "by_name", index)

    def family(self, column: str) -> str:
        """Name of the Prometheus family of a column, for example ``tslcd_interface_oper_up``."""
        return f"tslcd_{self.name}_{column}"


def _gauge(name: str, vi: str, en: str, unit: Unit = Unit.NONE, source: str = "") -> Column:
    return Column(name, Type.GAUGE, vi, en, unit, source=source)


def _counter(name: str, vi: str, en: str, unit: Unit = Unit.NONE, source: str = "") -> Column:
    return Column(name, Type.COUNTER, vi, en, unit, source=source)


def _flag(name: str, vi: str, en: str, source: str = "") -> Column:
    return Column(name, Type.BOOL, vi, en, source=source)


def _text(name: str, vi: str, en: str, source: str = "") -> Column:
    return Column(name, Type.TEXT, vi, en, source=source)


INTERFACE: Final = Kind(
    "interface",
    keyed=True,
    help_vi="Giao diện của thiết bị, đặt tên theo ifName",
    help_en="Interface of a device, named by ifName",
    columns=(
        _flag("oper_up", "Giao diện đang hoạt động", "The interface is operationally up", "IF-MIB::ifOperStatus"),
        _flag("admin_up", "Giao diện được bật trong cấu hình", "The interface is enabled", "IF-MIB::ifAdminStatus"),
        _gauge(
            "speed_bits_per_second",
            "Tốc độ danh định của giao diện",
            "Nominal speed of the interface",
            Unit.BITS_PER_SECOND,
            "IF-MIB::ifHighSpeed, else ifSpeed",
        ),
        _counter(
            "receive_bytes_total",
            "Số byte nhận được",
            "Bytes received",
            Unit.BYTES,
            "IF-MIB::ifHCInOctets, else ifInOctets",
        ),
        _counter(
            "transmit_bytes_total",
            "Số byte gửi đi",
            "Bytes sent",
            Unit.BYTES,
            "IF-MIB::ifHCOutOctets, else ifOutOctets",
        ),
        _counter(
            "receive_unicast_packets_total",
            "Số gói đơn hướng nhận được",
            "Unicast packets received",
            source="IF-MIB::ifHCInUcastPkts, else ifInUcastPkts",
        ),
        _counter(
            "transmit_unicast_packets_total",
            "Số gói đơn hướng gửi đi",
            "Unicast packets sent",
            source="IF-MIB::ifHCOutUcastPkts, else ifOutUcastPkts",
        ),
        _counter(
            "receive_errors_total", "Số gói lỗi hướng về", "Received packets with errors", source="IF-MIB::ifInErrors"
        ),
        _counter(
            "transmit_errors_total", "Số gói lỗi hướng đi", "Packets not sent for errors", source="IF-MIB::ifOutErrors"
        ),
        _counter(
            "receive_discards_total",
            "Số gói bị loại hướng về",
            "Received packets discarded",
            source="IF-MIB::ifInDiscards",
        ),
        _counter(
            "transmit_discards_total",
            "Số gói bị loại hướng đi",
            "Outbound packets discarded",
            source="IF-MIB::ifOutDiscards",
        ),
        _gauge(
            "counter_discontinuity_seconds",
            "Thời gian hoạt động của thiết bị khi các bộ đếm được đặt lại lần gần nhất",
            "Uptime of the device at which the counters last started anew",
            Unit.SECONDS,
            "IF-MIB::ifCounterDiscontinuityTime",
        ),
        _text("alias", "Mô tả do người quản trị đặt", "Description set by the administrator", "IF-MIB::ifAlias"),
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
        _flag("snmp_up", "Thiết bị trả lời SNMP", "The device answers SNMP", "the poll itself"),
        Column(
            "snmp_state",
            Type.STATE,
            "Kết quả của lần hỏi SNMP gần nhất",
            "Outcome of the last SNMP poll",
            states=SNMP_STATES,
            source="the poll itself",
        ),
        _gauge(
            "uptime_seconds",
            "Thời gian hoạt động của phần quản trị mạng",
            "Time since the network management part of the device started",
            Unit.SECONDS,
            "SNMPv2-MIB::sysUpTime",
        ),
        _gauge(
            "poll_duration_seconds",
            "Thời gian của một lần hỏi SNMP",
            "Duration of the poll",
            Unit.SECONDS,
            "the poll itself",
        ),
        _gauge("interfaces", "Số giao diện đọc được", "Interfaces read", source="the poll itself"),
        _flag(
            "poll_complete",
            "Lần hỏi gần nhất đọc được đầy đủ",
            "The last poll read everything it asked for",
            "the poll itself",
        ),
        _gauge("poll_requests", "Số câu hỏi SNMP của lần hỏi", "SNMP requests of the poll", source="the poll itself"),
        _gauge(
            "poll_retries",
            "Số câu hỏi phải gửi lại",
            "Requests of the poll that were sent again",
            source="the poll itself",
        ),
        _gauge(
            "interfaces_left_out",
            "Số giao diện không báo cáo vì vượt giới hạn",
            "Interfaces beyond the bound that are not reported",
            source="the poll itself",
        ),
        _gauge("cpu_utilization_ratio", "Mức sử dụng CPU", "CPU utilisation", Unit.RATIO, "the profile"),
        _gauge("memory_utilization_ratio", "Mức sử dụng bộ nhớ", "Memory utilisation", Unit.RATIO, "the profile"),
        _gauge("memory_total_bytes", "Dung lượng bộ nhớ", "Size of the memory", Unit.BYTES, "the profile"),
        _text("sys_name", "Tên thiết bị", "Name of the device", "SNMPv2-MIB::sysName"),
        _text("sys_descr", "Mô tả thiết bị", "Description of the device", "SNMPv2-MIB::sysDescr"),
        _text("sys_object_id", "Mã định danh chủng loại", "Identification of the type", "SNMPv2-MIB::sysObjectID"),
        _text("vendor", "Nhà sản xuất", "Vendor", "the profile"),
        _text("model", "Kiểu thiết bị", "Model", "the profile"),
        _text("serial", "Số sê-ri", "Serial number", "the profile"),
        _text("software_version", "Phiên bản phần mềm", "Version of the software", "the profile"),
        _text("profile", "Hồ sơ thiết bị đang dùng", "Profile in use", "the profile"),
    ),
)

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
        _gauge("temperature_celsius", "Nhiệt độ", "Temperature", Unit.CELSIUS, "the profile"),
        _gauge(
            "temperature_limit_celsius",
            "Ngưỡng nhiệt độ của thiết bị",
            "Temperature at which the device itself gives alarm",
            Unit.CELSIUS,
            "the profile",
        ),
        _gauge(
            "speed_rpm", "Tốc độ quạt, vòng mỗi phút", "Speed of the fan, revolutions a minute", Unit.RPM, "the profile"
        ),
        _gauge(
            "speed_ratio",
            "Tốc độ quạt so với tối đa",
            "Speed of the fan, share of its highest",
            Unit.RATIO,
            "the profile",
        ),
        _gauge("voltage_volts", "Điện áp", "Voltage", Unit.VOLTS, "the profile"),
        _gauge("current_amperes", "Dòng điện", "Current", Unit.AMPERES, "the profile"),
        _gauge("power_watts", "Công suất", "Power", Unit.WATTS, "the profile"),
        _gauge("humidity_ratio", "Độ ẩm tương đối", "Relative humidity", Unit.RATIO, "the profile"),
        _gauge("receive_power_dbm", "Công suất quang thu", "Received optical power", Unit.DBM, "the profile"),
        _gauge("transmit_power_dbm", "Công suất quang phát", "Transmitted optical power", Unit.DBM, "the profile"),
        _text("type", "Loại cảm biến", "What the sensor belongs to", "the profile"),
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
        _gauge("sessions", "Số phiên đang mở", "Sessions in the table", source="the profile"),
        _gauge("sessions_limit", "Số phiên tối đa", "Sessions that the table can hold", source="the profile"),
        _gauge(
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
        _flag("ha_peer_up", "Thiết bị dự phòng còn hoạt động", "The peer of the pair is there", "the profile"),
        _text("ha_peer", "Tên thiết bị dự phòng", "Name of the peer", "the profile"),
    ),
)

TUNNEL: Final = Kind(
    "tunnel",
    keyed=True,
    help_vi="Đường hầm VPN của thiết bị",
    help_en="VPN tunnel of a device",
    columns=(
        _flag("up", "Đường hầm đang hoạt động", "The tunnel is up", "the profile"),
        _counter("receive_bytes_total", "Số byte nhận được", "Bytes received", Unit.BYTES, "the profile"),
        _counter("transmit_bytes_total", "Số byte gửi đi", "Bytes sent", Unit.BYTES, "the profile"),
    ),
)

PATH: Final = Kind(
    "path",
    keyed=True,
    help_vi="Phép đo chất lượng do chính thiết bị thực hiện (link-monitor, SD-WAN, IP SLA, RPM, NQA)",
    help_en="Quality measurement made by the device itself (link-monitor, SD-WAN health, IP SLA, RPM, NQA)",
    columns=(
        _flag("up", "Thiết bị cho là đường truyền tốt", "The device holds the path for good", "the profile"),
        _gauge("loss_ratio", "Tỷ lệ mất gói", "Share of packets lost", Unit.RATIO, "the profile"),
        _gauge("rtt_seconds", "Độ trễ khứ hồi", "Round-trip time", Unit.SECONDS, "the profile"),
        _gauge("jitter_seconds", "Biến động trễ", "Jitter", Unit.SECONDS, "the profile"),
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
        _flag("on_battery", "Đang chạy bằng ắc quy", "The load runs on battery", "the profile"),
        Column(
            "battery_status",
            Type.STATE,
            "Tình trạng ắc quy",
            "Condition of the battery",
            states=BATTERY_STATES,
            source="the profile",
        ),
        _gauge("battery_charge_ratio", "Mức sạc ắc quy", "Charge of the battery", Unit.RATIO, "the profile"),
        _gauge(
            "battery_runtime_seconds",
            "Thời gian ắc quy còn cấp được",
            "Time that the battery will last",
            Unit.SECONDS,
            "the profile",
        ),
        _gauge(
            "on_battery_seconds", "Thời gian đã chạy bằng ắc quy", "Time on battery so far", Unit.SECONDS, "the profile"
        ),
        _gauge("load_ratio", "Mức tải", "Load, share of the nominal power", Unit.RATIO, "the profile"),
        _gauge("input_voltage_volts", "Điện áp vào", "Input voltage", Unit.VOLTS, "the profile"),
        _gauge("output_voltage_volts", "Điện áp ra", "Output voltage", Unit.VOLTS, "the profile"),
        _gauge("temperature_celsius", "Nhiệt độ ắc quy", "Temperature of the battery", Unit.CELSIUS, "the profile"),
    ),
)

#: Values of ``probe.outcome``. ``no_answer``: nothing came back; ``unreachable``: the network said so, or no route;
#: ``unresolved``: the name has no address; ``denied``: this system does not let the agent send the probe.
#: ``refused``: the other side refused (a closed port); ``bad_certificate``: TLS was set up, the certificate does not hold;
#: ``bad_answer``: an answer that is not the wanted one (an HTTP status, a DNS code, something that is not the protocol);
#: ``path_changed``: the way to the target is another than in the round before.
PROBE_OUTCOMES: Final = (
    "ok",
    "no_answer",
    "unreachable",
    "unresolved",
    "denied",
    "refused",
    "bad_certificate",
    "bad_answer",
    "path_changed",
)

PROBE: Final = Kind(
    "probe",
    keyed=True,
    help_vi="Phép đo chủ động từ tác tử tới một đích có tên",
    help_en="Active measurement from the agent to a named target",
    columns=(
        _flag("up", "Đích có trả lời", "The target answered", "ICMP echo"),
        Column(
            "outcome",
            Type.STATE,
            "Kết quả của lượt đo gần nhất",
            "Outcome of the last round",
            states=PROBE_OUTCOMES,
            source="ICMP echo",
        ),
        _gauge("packets_sent", "Số gói gửi trong một lượt đo", "Packets sent in the round", source="ICMP echo"),
        _gauge(
            "packets_received", "Số gói trả lời trong một lượt đo", "Packets answered in the round", source="ICMP echo"
        ),
        _gauge("loss_ratio", "Tỷ lệ mất gói của lượt đo", "Share of the round's packets without an answer", Unit.RATIO),
        _gauge("rtt_seconds", "Độ trễ khứ hồi trung bình", "Mean round-trip time", Unit.SECONDS),
        _gauge("rtt_min_seconds", "Độ trễ khứ hồi nhỏ nhất", "Smallest round-trip time", Unit.SECONDS),
        _gauge("rtt_max_seconds", "Độ trễ khứ hồi lớn nhất", "Largest round-trip time", Unit.SECONDS),
        _gauge(
            "jitter_seconds",
            "Biến động trễ: trung bình chênh lệch giữa hai gói liền nhau",
            "Mean absolute difference of consecutive round-trip times",
            Unit.SECONDS,
            "mean of |D(i-1,i)|, after RFC 3550 section 6.4.1",
        ),
        _gauge("rtt_median_seconds", "Trung vị độ trễ khứ hồi", "Median round-trip time", Unit.SECONDS),
        _gauge("rtt_p95_seconds", "Phân vị 95 của độ trễ", "95th percentile of the round-trip time", Unit.SECONDS),
        _gauge("duration_seconds", "Thời gian của cả lượt đo", "Duration of the round", Unit.SECONDS),
        _gauge("resolve_seconds", "Thời gian phân giải tên", "Time to resolve the name", Unit.SECONDS),
        _gauge("connect_seconds", "Thời gian mở kết nối TCP", "Time to open the TCP connection", Unit.SECONDS),
        _gauge("tls_seconds", "Thời gian bắt tay TLS", "Time of the TLS handshake", Unit.SECONDS),
        _gauge(
            "answer_seconds", "Thời gian chờ câu trả lời", "Time from the question to the first answer", Unit.SECONDS
        ),
        _gauge("transfer_seconds", "Thời gian nhận hết câu trả lời", "Time to receive the whole answer", Unit.SECONDS),
        _gauge(
            "certificate_expiry_seconds",
            "Thời gian còn lại của chứng thư; âm khi đã hết hạn",
            "Time until the certificate ends; negative when it has ended",
            Unit.SECONDS,
            "X.509 notAfter",
        ),
        _gauge("http_status", "Mã trạng thái HTTP", "HTTP status code", source="RFC 9110 section 15"),
        _gauge("answers", "Số bản ghi DNS trả về", "DNS records in the answer", source="RFC 1035 section 4.1"),
        _gauge("hops", "Số chặng tới đích", "Hops to the target", source="ICMP time exceeded"),
        _counter("path_changes_total", "Số lần đường đi thay đổi", "Changes of the path since the agent's start"),
        _text("type", "Loại phép đo", "Kind of the probe"),
    ),
)

AGENT: Final = Kind(
    "agent",
    keyed=False,
    help_vi="Tác tử giám sát đặt tại điểm kết nối",
    help_en="Monitoring agent at the connection point",
    columns=(
        _gauge("uptime_seconds", "Thời gian chạy của tác tử", "Time since the agent started", Unit.SECONDS),
        _gauge(
            "resident_memory_bytes",
            "Bộ nhớ tác tử đang dùng",
            "Resident memory of the agent",
            Unit.BYTES,
            "/proc/self/statm",
        ),
        _counter("cpu_seconds_total", "Thời gian CPU đã dùng", "CPU time used", Unit.SECONDS, "getrusage(2)"),
        _gauge("spool_reports", "Số báo cáo còn trong hàng đợi", "Reports waiting in the spool"),
        _gauge("spool_bytes", "Dung lượng hàng đợi trên đĩa", "Size of the spool on disk", Unit.BYTES),
        _gauge("spool_limit_bytes", "Giới hạn dung lượng hàng đợi", "Bound of the spool", Unit.BYTES),
        _gauge(
            "spool_oldest_seconds",
            "Tuổi của báo cáo cũ nhất chưa gửi",
            "Age of the oldest waiting report",
            Unit.SECONDS,
        ),
        _counter("reports_total", "Số báo cáo đã tạo", "Reports made"),
        _counter("reports_sent_total", "Số lần gửi báo cáo", "Sendings of reports, repeats included"),
        _counter("reports_confirmed_total", "Số báo cáo trung tâm đã lưu", "Reports that the collector has stored"),
        _counter("reports_dropped_total", "Số báo cáo bị bỏ", "Reports dropped, by bounds or damage"),
        _counter("broker_connects_total", "Số lần kết nối tới máy chủ MQTT", "Connections made to the broker"),
        _counter("poll_overruns_total", "Số lần hỏi quá thời hạn", "Polls that ran out of their time budget"),
        _counter("polls_incomplete_total", "Số lần hỏi chỉ đọc được một phần", "Polls that read only a part"),
        _counter("traps_received_total", "Số trap và inform nhận được", "Traps and informs taken"),
        _counter(
            "traps_refused_total",
            "Số trap bị từ chối: nguồn lạ, sai thông tin xác thực, không hiểu được",
            "Traps refused: unknown source, wrong credentials, or not to be understood",
        ),
        _counter("traps_suppressed_total", "Số trap bị bỏ khi quá nhiều", "Traps dropped in a storm"),
        _counter("link_events_total", "Số lần thay đổi trạng thái giao diện", "Changes of interfaces that were told"),
        _text("version", "Phiên bản", "Version"),
    ),
)

#: Every kind, in the order of documentation and exposition.
KINDS: Final[tuple[Kind, ...]] = (
    DEVICE,
    INTERFACE,
    SENSOR,
    FIREWALL,
    TUNNEL,
    PATH,
    UPS,
    PROBE,
    AGENT,
)
KINDS_BY_NAME: Final[dict[str, Kind]] = {kind.name: kind for kind in KINDS}
