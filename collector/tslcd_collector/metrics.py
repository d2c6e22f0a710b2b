"""The collector's own metrics, by prometheus_client. Everything exists from the start, at zero, with every label value."""

from __future__ import annotations

from importlib.metadata import version
from itertools import chain
from typing import Final, TypeVar

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Info, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.utils import floatToGoString

from tslcd_collector.admit import Decision
from tslcd_collector.backfill.answer import Outcome
from tslcd_collector.backfill.sieve import Reason
from tslcd_collector.errors import REFUSAL_CODES
from tslcd_wire.topics import Lane

LANES: Final = (Lane.LIVE.value, Lane.HISTORY.value)
VERSION: Final = version("tslcd-monitor")
#: What becomes of a login; ``locked``: refused without looking, after too many wrong ones.
LOGIN_RESULTS: Final = ("ok", "failed", "locked")
_EOF: Final = b"# EOF\n"
_Metric = TypeVar("_Metric", Counter, Gauge)


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
        self.ledger_errors = Counter(
            "tslcd_collector_ledger_errors",
            "Số lần sổ tình trạng kênh không ghi được · Failures of the ledger; what could not be written is written later",
            registry=reg,
        )
        self.operations_errors = Counter(
            "tslcd_collector_operations_errors",
            "Số lần không dùng được tệp xác nhận, bảo trì, tài khoản · Failures of the file of what operators enter, and of people",
            registry=reg,
        )
        self.logins = Counter(
            "tslcd_collector_logins",
            "Số lần đăng nhập, theo kết quả · Logins, by result",
            ["result"],
            registry=reg,
        )
        for result in LOGIN_RESULTS:
            self.logins.labels(result)
        self.listeners = Gauge(
            "tslcd_collector_event_listeners",
            "Số trình duyệt đang theo dõi màn hình giám sát · Browsers that listen to what changes on the wall",
            registry=reg,
        )
        self.listeners_dropped = Counter(
            "tslcd_collector_event_listeners_dropped",
            "Số trình duyệt bị ngắt vì nhận quá chậm · Listeners let go since they took too little",
            registry=reg,
        )
        self.ledger_revisions = Counter(
            "tslcd_collector_ledger_revisions",
            "Số lần đánh giá lại quá khứ của một kênh · Times that the past of a channel was judged again",
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
        self.backfill_samples = self._backfill(
            Counter, "samples", "Số mẫu đo đã được kho dữ liệu nhận · Samples that a time-series store took"
        )
        self.backfill_aside = self._backfill(
            Counter,
            "set_aside",
            "Số mẫu đo không gửi được, theo lý do · Samples given up, by reason (disk: reports)",
            "reason",
        )
        self.backfill_batches = self._backfill(
            Counter,
            "batches",
            "Số lần gửi tới kho dữ liệu, theo kết quả · Requests to a time-series store, by outcome",
            "outcome",
        )
        self.backfill_repeats = self._backfill(
            Counter,
            "repeats",
            "Số lần gửi lại các mẫu gần nhất sau khi kho khởi động lại · Times the last samples were sent again after the store had restarted",
        )
        self.backfill_waiting = self._backfill(
            Gauge, "waiting_reports", "Số báo cáo chờ gửi tới kho dữ liệu · Reports that wait for a time-series store"
        )
        self.backfill_oldest = self._backfill(
            Gauge,
            "oldest_seconds",
            "Tuổi của báo cáo cũ nhất đang chờ, 0 khi không có · Age of the oldest report that waits, 0 when none does",
        )
        #: By form: which samples there were, and the text with a place for each of their values.
        self._forms: dict[bool, tuple[list[tuple[str, dict[str, str]]], list[str]]] = {}
        self.build = Info("tslcd_collector_build", "Phiên bản đang chạy · Version that runs", registry=reg)
        self.build.info({"version": VERSION})
        ProcessCollector(registry=reg)

    def add_target(self, target: str) -> None:
        """Let the series of a time-series store exist, at zero."""
        for one in (self.backfill_samples, self.backfill_repeats, self.backfill_waiting, self.backfill_oldest):
            one.labels(target)
        for reason in Reason:
            self.backfill_aside.labels(target, reason.value)
        for outcome in Outcome:
            self.backfill_batches.labels(target, outcome.value)

    def _backfill(self, kind: type[_Metric], name: str, text: str, *labels: str) -> _Metric:
        return kind(f"tslcd_collector_backfill_{name}", text, ["target", *labels], registry=self.registry)

    def render(self, *, openmetrics: bool) -> bytes:
        """Return all of them, without the ``# EOF`` of OpenMetrics.

        What stands between the values is prometheus_client's, and kept: it changes when a series is added.
        """
        samples = [sample for family in self.registry.collect() for sample in family.samples]
        shape = [(sample.name, sample.labels) for sample in samples]
        known = self._forms.get(openmetrics)
        if known is None or known[0] != shape:
            text = self._written(openmetrics=openmetrics)
            pieces = _between(text)
            if len(pieces) == len(samples) + 1:
                self._forms[openmetrics] = (shape, pieces)
            return text.encode()
        values = [floatToGoString(sample.value) for sample in samples]  # type: ignore[no-untyped-call]
        return "".join(chain.from_iterable(zip(known[1], [*values, ""], strict=True))).encode()

    def _written(self, *, openmetrics: bool) -> str:
        if openmetrics:
            text: bytes = generate_openmetrics(self.registry)  # type: ignore[no-untyped-call]
            return text.removesuffix(_EOF).decode()
        return generate_latest(self.registry).decode()


def _between(text: str) -> list[str]:
    """Return what stands before, between and behind the values of an exposition."""
    pieces, piece = [], ""
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("#"):
            piece += f"{line}\n"
        else:
            head, space, _ = line.rpartition(" ")
            pieces.append(piece + head + space)
            piece = "\n"
    return [*pieces, piece]
