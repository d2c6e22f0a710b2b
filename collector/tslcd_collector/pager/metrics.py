"""The pager's own metrics. Everything exists from the start, at zero, with every label value."""

from __future__ import annotations

from typing import Final

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from prometheus_client.exposition import generate_latest

from tslcd_collector.pager.answers import Outcome
from tslcd_collector.pager.novelty import Novelty
from tslcd_collector.pager.redaction import KINDS
from tslcd_collector.pager.settings import SEVERITIES

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
#: What became of a post.
RESULTS: Final = ("accepted", "malformed", "too_large", "unauthorized", "unknown_path", "queue_failed")


class Metrics:
    """Counters and gauges of one pager, in a registry of its own."""

    def __init__(self) -> None:
        """Make all of them."""
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = reg = CollectorRegistry()
        self.posts = Counter(
            "tslcd_pager_posts",
            "Số lần Alertmanager gửi đến, theo kết quả · Posts of Alertmanager, by result",
            ["result"],
            registry=reg,
        )
        self.alerts = Counter(
            "tslcd_pager_alerts",
            "Số cảnh báo nhận được, theo mức và là gì · Alerts in them, by severity and what they were",
            ["severity", "novelty"],
            registry=reg,
        )
        self.unreadable = Counter(
            "tslcd_pager_unreadable_alerts",
            "Số cảnh báo không đọc được · Alerts in a post that could not be read",
            registry=reg,
        )
        self.masked = Counter(
            "tslcd_pager_masked",
            "Số lần che địa chỉ, mã kênh, liên kết trong lời văn · Addresses, circuits and links taken out of texts",
            ["kind"],
            registry=reg,
        )
        self.messages = Counter(
            "tslcd_pager_messages",
            "Số lần gửi tin, theo kênh và kết quả · Tries to send a message, by channel and outcome",
            ["channel", "outcome"],
            registry=reg,
        )
        self.given_up = Counter(
            "tslcd_pager_messages_given_up",
            "Số tin không kênh nào nhận · Messages that no channel took",
            registry=reg,
        )
        self.queue_errors = Counter(
            "tslcd_pager_queue_errors",
            "Số lần hàng đợi không dùng được · Times that the queue could not be used",
            registry=reg,
        )
        self.waiting = Gauge(
            "tslcd_pager_waiting_messages",
            "Số tin đang đợi · Messages that wait, those held back included",
            registry=reg,
        )
        self.oldest = Gauge(
            "tslcd_pager_oldest_waiting_seconds",
            "Tin cũ nhất đã đợi bao lâu · How long the oldest message waits that is not held back",
            registry=reg,
        )
        self.incidents = Gauge(
            "tslcd_pager_open_incidents",
            "Số sự cố chưa kết thúc, đã hoặc chưa xác nhận · Open incidents, acknowledged or not",
            ["severity", "acknowledged"],
            registry=reg,
        )
        self.silence = Gauge(
            "tslcd_pager_dead_man_silence_seconds",
            "Đã bao lâu không có tín hiệu của chuỗi giám sát · How long the monitoring chain was not heard",
            registry=reg,
        )
        self.dead = Gauge(
            "tslcd_pager_dead_man_dead",
            "Chuỗi giám sát đã được báo là ngừng · The monitoring chain was told as dead",
            registry=reg,
        )
        self.settings_valid = Gauge(
            "tslcd_pager_settings_valid",
            "Lần nạp cấu hình gần nhất có được không · Whether the last load of the settings succeeded",
            registry=reg,
        )
        for result in RESULTS:
            self.posts.labels(result)
        for kind in KINDS:
            self.masked.labels(kind)
        for severity in SEVERITIES:
            for novelty in Novelty:
                self.alerts.labels(severity, novelty.value)
            for acknowledged in ("yes", "no"):
                self.incidents.labels(severity, acknowledged)
        for channel in ("zalo", "sms", "mail"):
            for outcome in Outcome:
                self.messages.labels(channel, outcome.value)
        ProcessCollector(registry=reg)

    def render(self) -> bytes:
        """Return them in Prometheus text format."""
        return generate_latest(self.registry)
