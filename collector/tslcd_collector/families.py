"""Every metric family that is made from reports and verdicts: name, type, labels, help in both languages.

Names, labels and closed sets are a contract with Prometheus rules and dashboards: families are added, never changed.
The collector's own metrics are in :mod:`tslcd_collector.metrics`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from tslcd_collector.verdict import State
from tslcd_wire.catalogue import KINDS, Type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tslcd_wire.catalogue import Column, Kind

#: Values of the label ``state`` of channels.
STATES: Final = tuple(state.value for state in State)


@dataclass(frozen=True, slots=True)
class Family:
    """One family. ``unit`` is part of the name; ``source`` says where the values come from."""

    name: str
    type: Literal["gauge", "counter"]
    labels: tuple[str, ...]
    help_vi: str
    help_en: str
    unit: str = ""
    source: str = ""

    def head(self, *, openmetrics: bool) -> bytes:
        """Return the ``# TYPE`` and ``# HELP`` lines; OpenMetrics names a counter without ``_total``."""
        name = self.name.removesuffix("_total") if openmetrics and self.type == "counter" else self.name
        text = f"{self.help_vi} · {self.help_en}".replace("\\", "\\\\").replace("\n", "\\n")
        return f"# HELP {name} {text}\n# TYPE {name} {self.type}\n".encode()


_CHANNEL: Final = ("channel", "site", "province")
_AGENT: Final = ("province", "site", "agent")
#: Labels of ``tslcd_channel_info`` after those of every channel family.
CHANNEL_INFO_LABELS: Final = (
    "site_name",
    "agency_name",
    "operator",
    "circuit",
    "access_level",
    "class",
    "tenant",
    "upstream",
    "redundancy_group",
    "agent",
    "device",
    "interface",
)

CHANNEL_STATE: Final = Family(
    "tslcd_channel_state",
    "gauge",
    (*_CHANNEL, "state"),
    "Tình trạng kênh truyền: 1 ở đúng một trạng thái",
    "State of the channel: 1 at exactly one of the states",
)
CHANNEL_UP: Final = Family(
    "tslcd_channel_up", "gauge", _CHANNEL, "Kênh truyền đang dùng được", "The channel works: up or degraded"
)
CHANNEL_VERDICT_INFO: Final = Family(
    "tslcd_channel_verdict_info",
    "gauge",
    (*_CHANNEL, "reason", "party"),
    "Lý do của tình trạng kênh và bên phải xử lý",
    "Reason of the channel's state and the party that must act",
)
CHANNEL_STATE_SINCE: Final = Family(
    "tslcd_channel_state_since_timestamp_seconds",
    "gauge",
    _CHANNEL,
    "Thời điểm bắt đầu tình trạng hiện tại của kênh",
    "Time since which the channel has its state",
    "seconds",
)
CHANNEL_INFO: Final = Family(
    "tslcd_channel_info",
    "gauge",
    (*_CHANNEL, *CHANNEL_INFO_LABELS),
    "Thông tin mô tả kênh truyền trong danh mục",
    "What the inventory says about the channel",
    source="inventory",
)
CHANNEL_CONTRACTED: Final = Family(
    "tslcd_channel_contracted_bits_per_second",
    "gauge",
    (*_CHANNEL, "direction"),
    "Băng thông theo hợp đồng, từng hướng nhìn từ điểm kết nối",
    "Contracted bandwidth, per direction as seen from the site",
    "bits_per_second",
    "inventory",
)
CHANNEL_RECEIVE: Final = Family(
    "tslcd_channel_receive_bytes_total",
    "counter",
    _CHANNEL,
    "Số byte hướng về của kênh",
    "Bytes received by the site over the channel",
    "bytes",
    "bound interface",
)
CHANNEL_TRANSMIT: Final = Family(
    "tslcd_channel_transmit_bytes_total",
    "counter",
    _CHANNEL,
    "Số byte hướng đi của kênh",
    "Bytes sent by the site over the channel",
    "bytes",
    "bound interface",
)
CHANNEL_LOSS: Final = Family(
    "tslcd_channel_loss_ratio",
    "gauge",
    _CHANNEL,
    "Tỷ lệ mất gói của kênh",
    "Packet loss of the channel",
    "ratio",
    "first bound probe",
)
CHANNEL_RTT: Final = Family(
    "tslcd_channel_rtt_seconds",
    "gauge",
    _CHANNEL,
    "Độ trễ khứ hồi của kênh",
    "Round-trip time of the channel",
    "seconds",
    "first bound probe",
)
CHANNEL_JITTER: Final = Family(
    "tslcd_channel_jitter_seconds",
    "gauge",
    _CHANNEL,
    "Biến động trễ của kênh",
    "Jitter of the channel",
    "seconds",
    "first bound probe",
)
CHANNEL_MISSING: Final = Family(
    "tslcd_channel_missing_reports",
    "gauge",
    _CHANNEL,
    "Số báo cáo của tác tử đo kênh còn thiếu: chưa nhận được, hoặc chưa vào kho dữ liệu",
    "Reports of the channel's agent not yet received, or not yet in every time-series store",
    source="marks, backfill",
)
CHANNELS: Final = Family(
    "tslcd_channels",
    "gauge",
    ("province", "state"),
    "Số kênh truyền theo tình trạng",
    "Channels by state",
)
COVERAGE: Final = Family(
    "tslcd_supervision_coverage_ratio",
    "gauge",
    ("province",),
    "Tỷ lệ kênh đang được giám sát: tình trạng không phải là không có dữ liệu",
    "Share of the channels whose state is known",
    "ratio",
)
AGENT_ONLINE: Final = Family(
    "tslcd_agent_online",
    "gauge",
    _AGENT,
    "Tác tử đang kết nối theo trạng thái do chính nó công bố",
    "The agent is connected, by its own status",
    source="status",
)
AGENT_LAST_REPORT: Final = Family(
    "tslcd_agent_last_report_timestamp_seconds",
    "gauge",
    _AGENT,
    "Thời điểm nhận báo cáo mới nhất của tác tử",
    "Time when the agent's last report was taken in",
    "seconds",
    "intake",
)
AGENT_CLOCK_OFFSET: Final = Family(
    "tslcd_agent_clock_offset_seconds",
    "gauge",
    _AGENT,
    "Đồng hồ của tác tử lệch so với bộ thu, dương khi chạy trước",
    "The agent's clock minus the collector's",
    "seconds",
    "live reports",
)
AGENT_CLOCK_CORRECTED: Final = Family(
    "tslcd_agent_clock_corrected_reports_total",
    "counter",
    _AGENT,
    "Số báo cáo được sửa thời gian đo",
    "Reports of the agent whose time of measurement was put right",
    source="intake",
)
AGENT_CLOCK_UNTIMED: Final = Family(
    "tslcd_agent_clock_unknown_reports_total",
    "counter",
    _AGENT,
    "Số báo cáo không xác định được thời gian đo",
    "Reports of the agent whose time of measurement nobody knows",
    source="intake",
)
AGENT_PROBLEM: Final = Family(
    "tslcd_agent_problem",
    "gauge",
    (*_AGENT, "problem"),
    "Vấn đề của tác tử: 1 khi đang có",
    "Problem of the agent: 1 while it lasts",
    source="what the agent tells, clocks, marks",
)
DEVICE_PROBLEM: Final = Family(
    "tslcd_device_problem",
    "gauge",
    (*_AGENT, "device", "problem"),
    "Vấn đề của thiết bị: 1 khi đang có, 0 khi số liệu cho biết là không",
    "Problem of the device: 1 while it lasts, 0 when its tables tell that there is none",
    source="tables, thresholds of the device's class",
)

SUPERVISION: Final = (
    CHANNEL_STATE,
    CHANNEL_UP,
    CHANNEL_VERDICT_INFO,
    CHANNEL_STATE_SINCE,
    CHANNEL_INFO,
    CHANNEL_CONTRACTED,
    CHANNEL_RECEIVE,
    CHANNEL_TRANSMIT,
    CHANNEL_LOSS,
    CHANNEL_RTT,
    CHANNEL_JITTER,
    CHANNEL_MISSING,
    CHANNELS,
    COVERAGE,
    AGENT_ONLINE,
    AGENT_LAST_REPORT,
    AGENT_CLOCK_OFFSET,
    AGENT_CLOCK_CORRECTED,
    AGENT_CLOCK_UNTIMED,
    AGENT_PROBLEM,
    DEVICE_PROBLEM,
)


def info_name(kind: Kind) -> str:
    """Name of the family that carries a kind's texts."""
    return f"tslcd_{kind.name}_info"


def _column_family(kind: Kind, column: Column) -> Family:
    labels = (*_AGENT, "device", *((kind.name,) if kind.keyed else ()))
    if column.type is Type.STATE:
        labels = (*labels, "state")
    return Family(
        kind.family(column.name),
        "counter" if column.type is Type.COUNTER else "gauge",
        labels,
        column.help_vi,
        column.help_en,
        column.unit.value,
        column.source,
    )


def _kind_families(kind: Kind) -> Iterator[Family]:
    for column in kind.columns:
        if column.type is not Type.TEXT:
            yield _column_family(kind, column)
    texts = tuple(column.name for column in kind.columns if column.type is Type.TEXT)
    if texts:
        labels = (*_AGENT, "device", *((kind.name,) if kind.keyed else ()), *texts)
        yield Family(info_name(kind), "gauge", labels, kind.help_vi, kind.help_en)


#: The families of the catalogue, in its order.
CATALOGUE: Final = tuple(family for kind in KINDS for family in _kind_families(kind))
#: Everything, in the order of exposition.
FAMILIES: Final = (*SUPERVISION, *CATALOGUE)


def escape(value: str) -> str:
    """Escape a label value (Prometheus text format 0.0.4, OpenMetrics 1.0)."""
    if "\\" in value or '"' in value or "\n" in value:
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return value


def labels_text(pairs: dict[str, str]) -> str:
    """Write labels the way they stand between braces; empty ones are left out, which means the same."""
    return ",".join(f'{name}="{escape(value)}"' for name, value in pairs.items() if value)
