"""The collector's own metrics, by prometheus_client. Everything exists from the start, at zero, with every label value."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Info, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from tslcd_collector.admit import Decision
from tslcd_collector.errors import REFUSAL_CODES
from tslcd_wire.topics import Lane

LANES: Final = (Lane.LIVE.value, Lane.HISTORY.value)
VERSION: Final = version("tslcd-monitor")
_EOF: Final = b"# EOF\n"


class Metrics:
    """Counters and gauges of one collector, in a registry of its own."""

    def __init__(self) -> None:
        """Make all of them."""
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        reg = self.registry
        self.reports = Counter(
            "tslcd_collector_reports",
            "Số báo cáo nhận được, theo làn và kết quả · Reports received, by lane and result",
            ["lane", "result"],
            registry=reg,
        )
        for lane in LANES:
            for decision in Decision:
                self.reports.labels(lane, decision.value)
        self.refused = Counter(
            "tslcd_collector_refused",
            "Số thông điệp bị từ chối, theo lý do · Messages refused, by reason",
            ["code"],
            registry=reg,
        )
        for code in REFUSAL_CODES:
            self.refused.labels(code)
        self.refused_columns = Counter(
            "tslcd_collector_refused_columns",
            "Số cột lạ bị bỏ qua · Unknown columns and kinds left out of reports",
            registry=reg,
        )
        self.lost_reports = Counter(
            "tslcd_collector_lost_reports",
            "Số báo cáo mà tác tử báo là đã mất · Reports that agents said are lost",
            registry=reg,
        )
        self.missing_reports = Gauge(
            "tslcd_collector_missing_reports",
            "Số báo cáo còn thiếu, tác tử sẽ gửi lại · Reports known to exist and not yet received",
            registry=reg,
        )
        self.broker_connected = Gauge(
            "tslcd_collector_broker_connected",
            "Đang kết nối tới máy chủ MQTT · Connected to the broker",
            registry=reg,
        )
        self.broker_connects = Counter(
            "tslcd_collector_broker_connects",
            "Số lần kết nối tới máy chủ MQTT · Connections made to the broker",
            registry=reg,
        )
        self.store_errors = Counter(
            "tslcd_collector_store_errors",
            "Số lần ghi kho dữ liệu không thành công · Writes to the store that failed",
            registry=reg,
        )
        self.unconfirmed = Counter(
            "tslcd_collector_unconfirmed_reports",
            "Số báo cáo hiển thị mà chưa lưu được, tác tử sẽ gửi lại · "
            "Reports shown but not stored nor confirmed, to be sent again",
            registry=reg,
        )
        self.inventory_valid = Gauge(
            "tslcd_collector_inventory_valid",
            "Lần nạp danh mục và cấu hình gần nhất hợp lệ · The last reading of inventory and settings was good",
            registry=reg,
        )
        self.inventory_loaded = Gauge(
            "tslcd_collector_inventory_loaded_timestamp_seconds",
            "Thời điểm nạp danh mục đang dùng · Time when the inventory in use was read",
            registry=reg,
        )
        self.clock_corrections = Counter(
            "tslcd_collector_clock_corrections",
            "Số báo cáo có thời gian đo được sửa lại · Reports whose time of measurement was put right",
            registry=reg,
        )
        self.cloned_agents = Gauge(
            "tslcd_collector_cloned_agents",
            "Số tác tử có hai nguồn dùng chung định danh · Agents whose identity two sources use at once",
            registry=reg,
        )
        self.build = Info("tslcd_collector_build", "Phiên bản đang chạy · Version that runs", registry=reg)
        self.build.info({"version": VERSION})
        ProcessCollector(registry=reg)

    def render(self, *, openmetrics: bool) -> bytes:
        """Return all of them, without the ``# EOF`` of OpenMetrics."""
        if openmetrics:
            text: bytes = generate_openmetrics(self.registry)  # type: ignore[no-untyped-call]
            return text.removesuffix(_EOF)
        return generate_latest(self.registry)
