"""The supervision itself: collector, broker, store, backfill, Prometheus, Alertmanager. Whoever watches must be watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.panels import (
    column,
    graph,
    hidden,
    instant,
    listing,
    number,
    option,
    query,
    steps,
    thresholds,
    timeline,
)
from grafana.runbooks import meanings, panel_numbers
from grafana.screen import Screen
from grafana.vocabulary import CONNECTED, NO_DATA, NOTHING, PARTIES, SEVERITIES, UP
from grafana.words import Language, Word, Words

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import stat, statetimeline, table, timeseries

_RATE: Final = "[$__rate_interval]"
_RANGE: Final = "[$__range]"


def _state(screen: Screen) -> stat.Panel:
    """Return what must be so: connected, valid, nothing missing or failing."""
    connection = Words("Máy chủ MQTT", "Broker")
    inventory = Words("Danh mục", "Inventory")
    targets = [
        instant("min(tslcd_collector_broker_connected)", screen.say(connection)),
        instant("min(tslcd_collector_inventory_valid)", screen.say(inventory), ref="B"),
    ]
    counts = (
        (Words("Báo cáo còn thiếu", "Reports missing"), "max(tslcd_collector_missing_reports)"),
        (Words("Chờ vào kho", "Waiting for the store"), "max(tslcd_collector_backfill_waiting_reports)"),
        (Words("Định danh trùng", "Identities cloned"), "max(tslcd_collector_cloned_agents)"),
        (
            Words("Lỗi ghi (khoảng xem)", "Write errors (range)"),
            f"max(increase(tslcd_collector_store_errors_total{_RANGE})) + max(increase(tslcd_collector_ledger_errors_total{_RANGE}))",
        ),
    )
    targets += [instant(expr, screen.say(words), ref=ref) for ref, (words, expr) in zip("CDEF", counts, strict=True)]
    panel = number(
        screen,
        Words("Bộ thu", "Collector"),
        Words(
            "Kết nối, danh mục, báo cáo còn thiếu hoặc đang chờ, định danh trùng, lỗi ghi kho và sổ",
            "Connection, inventory, reports missing or waiting, cloned identities, failed writes of store and ledger",
        ),
        targets,
        width=24,
    ).thresholds(thresholds((None, "green"), (1, "orange")))
    for words in (connection, inventory):
        panel = panel.override_by_name(
            screen.say(words),
            [
                option("mappings", [screen.value_map(CONNECTED if words is connection else _VALID)]),
                option("thresholds", steps((None, "red"), (1, "green"))),
            ],
        )
    return panel


def _up(screen: Screen) -> statetimeline.Panel:
    """Return what Prometheus could read, target by target."""
    return timeline(
        screen,
        Words("Đích mà Prometheus đọc", "Targets of Prometheus"),
        Words("Bộ thu, Prometheus và các đích khác", "The collector, Prometheus and the others"),
        [query("max by (job, instance) (up)", "{{job}} · {{instance}}")],
        height=6,
        words=UP,
    )


def _alerts(screen: Screen) -> table.Panel:
    """Return the alerts about the supervision itself."""
    columns = {
        "severity": column(screen, Words("Mức", "Severity"), words=SEVERITIES, width=120),
        "alertname": column(screen, Words("Cảnh báo", "Alert"), words=meanings(), url=screen.runbook("runbook")),
        "party": column(screen, Words("Bên xử lý", "Who acts"), words=PARTIES),
        "Value": column(screen, Words("Số lượng", "How many"), unit="short"),
        "runbook": hidden(panel_numbers()),
    }
    alerts = 'label_replace(ALERTS{alertstate="firing",party="monitoring",severity!="none"}, "runbook", "$1", "alertname", "(.*)")'
    return listing(
        screen,
        Words("Cảnh báo về hệ thống giám sát", "Alerts about the supervision"),
        Words("Bấm vào tên để mở sổ tay xử lý", "A click on the name opens the runbook"),
        [f"count by (alertname, severity, party, runbook) ({alerts})"],
        columns,
        width=12,
        height=8,
        empty=NOTHING,
    )


def _versions(screen: Screen) -> table.Panel:
    """Return what runs where, and since when."""
    exprs = [
        "max by (job, instance, version) (tslcd_collector_build_info or prometheus_build_info or alertmanager_build_info)",
        "max by (job, instance) (process_start_time_seconds) * 1000",
    ]
    columns = {
        "job": column(screen, Words("Chương trình", "Program")),
        "instance": column(screen, Words("Bản", "Instance")),
        "version": column(screen, Words("Phiên bản", "Version")),
        "Value #B": column(screen, Words("Chạy từ", "Since"), unit="dateTimeAsIso"),
    }
    return listing(
        screen,
        Words("Phiên bản đang chạy", "Versions"),
        Words("Chương trình nào, phiên bản nào, chạy từ lúc nào", "Which program, which version, since when"),
        exprs,
        columns,
        width=12,
        height=8,
        empty=NO_DATA,
    )


_VALID: Final = {"1": Word("Hợp lệ", "Valid", "green"), "0": Word("Có lỗi", "Mistaken", "red")}

#: Title, description, unit, and queries with legends; a legend in words is in both languages.
_Figure = tuple[Words, Words, str, tuple[tuple[str, Words], ...]]


def _same(text: str) -> Words:
    return Words(text, text)


_COLLECTOR: Final[tuple[_Figure, ...]] = (
    (
        Words("Báo cáo nhận được mỗi giây", "Reports received a second"),
        Words("Theo làn và kết quả", "By lane and result"),
        "short",
        (
            (
                f"sum by (lane, result) (max by (lane, result) (rate(tslcd_collector_reports_total{_RATE})) > 0)",
                _same("{{lane}} · {{result}}"),
            ),
        ),
    ),
    (
        Words("Bị từ chối trong khoảng xem", "Refused, over the range"),
        Words(
            "Thông điệp bị từ chối theo mã, và cột lạ bị bỏ qua",
            "Messages refused by code, and unknown columns left out",
        ),
        "short",
        (
            (f"max by (code) (increase(tslcd_collector_refused_total{_RATE}))", _same("{{code}}")),
            (
                f"max(increase(tslcd_collector_refused_columns_total{_RATE}))",
                Words("cột lạ", "unknown columns"),
            ),
        ),
    ),
    (
        Words("Báo cáo thiếu, mất, chưa lưu", "Missing, lost, not stored"),
        Words("Thiếu sẽ được gửi lại; mất là không bao giờ đến", "Missing ones are sent again; lost ones never come"),
        "short",
        (
            ("max(tslcd_collector_missing_reports)", Words("còn thiếu", "missing")),
            (f"max(increase(tslcd_collector_lost_reports_total{_RATE}))", Words("đã mất", "lost")),
            (f"max(increase(tslcd_collector_unconfirmed_reports_total{_RATE}))", Words("chưa lưu", "not stored")),
        ),
    ),
    (
        Words("Lỗi ghi và việc sửa lại", "Failures and corrections"),
        Words(
            "Kho, sổ tình trạng kênh, đánh giá lại quá khứ, sửa thời gian đo",
            "Store, ledger, the past judged again, times put right",
        ),
        "short",
        (
            (f"max(increase(tslcd_collector_store_errors_total{_RATE}))", Words("lỗi ghi kho", "store errors")),
            (f"max(increase(tslcd_collector_ledger_errors_total{_RATE}))", Words("lỗi ghi sổ", "ledger errors")),
            (f"max(increase(tslcd_collector_ledger_revisions_total{_RATE}))", Words("đánh giá lại", "judged again")),
            (
                f"max(increase(tslcd_collector_clock_corrections_total{_RATE}))",
                Words("sửa thời gian", "times put right"),
            ),
            (f"max(increase(tslcd_collector_broker_connects_total{_RATE}))", Words("nối lại MQTT", "broker connects")),
        ),
    ),
    (
        Words("Bộ nhớ của bộ thu", "Memory of the collector"),
        Words("Bộ nhớ thực, theo bản", "Resident memory, by instance"),
        "bytes",
        (('max by (instance) (process_resident_memory_bytes{job=~"tslcd-collector.*"})', _same("{{instance}}")),),
    ),
    (
        Words("CPU của bộ thu", "CPU of the collector"),
        Words("Phần của một lõi, theo bản", "Share of one core, by instance"),
        "percentunit",
        (
            (
                f'max by (instance) (rate(process_cpu_seconds_total{{job=~"tslcd-collector.*"}}{_RATE}))',
                _same("{{instance}}"),
            ),
        ),
    ),
)
_BACKFILL: Final[tuple[_Figure, ...]] = (
    (
        Words("Chờ gửi bù vào kho", "Waiting for the store"),
        Words("Báo cáo chờ kho chuỗi thời gian", "Reports that wait for a time-series store"),
        "short",
        (("max by (instance) (tslcd_collector_backfill_waiting_reports)", _same("{{instance}}")),),
    ),
    (
        Words("Tuổi của báo cáo chờ lâu nhất", "Oldest waiting report"),
        Words("Bằng 0 khi không có gì chờ", "Zero when nothing waits"),
        "s",
        (("max by (instance) (tslcd_collector_backfill_oldest_seconds)", _same("{{instance}}")),),
    ),
    (
        Words("Mẫu gửi bù mỗi giây", "Samples sent a second"),
        Words("Kho đã nhận, và không gửi được theo lý do", "Taken by the store, and given up by reason"),
        "short",
        (
            (f"sum(rate(tslcd_collector_backfill_samples_total{_RATE}))", Words("đã nhận", "taken")),
            (f"sum by (reason) (rate(tslcd_collector_backfill_set_aside_total{_RATE}))", _same("{{reason}}")),
        ),
    ),
    (
        Words("Lần gửi theo kết quả", "Requests by outcome"),
        Words(
            "Mỗi giây, và số lần gửi lại sau khi kho khởi động lại", "A second, and repeats after the store restarted"
        ),
        "short",
        (
            (f"sum by (outcome) (rate(tslcd_collector_backfill_batches_total{_RATE}))", _same("{{outcome}}")),
            (f"sum(rate(tslcd_collector_backfill_repeats_total{_RATE}))", Words("gửi lại", "repeats")),
        ),
    ),
)
_PROMETHEUS: Final[tuple[_Figure, ...]] = (
    (
        Words("Chuỗi và mẫu của Prometheus", "Series and samples"),
        Words("Số chuỗi đang có; số mẫu ghi mỗi giây", "Series in the head; samples appended a second"),
        "short",
        (
            ("max(prometheus_tsdb_head_series)", Words("chuỗi", "series")),
            (
                f"sum(rate(prometheus_tsdb_head_samples_appended_total{_RATE}))",
                Words("mẫu mỗi giây", "samples a second"),
            ),
        ),
    ),
    (
        Words("Thời gian đọc và tính luật", "Scrapes and rules"),
        Words("Đọc bộ thu; nhóm luật lâu nhất", "A scrape of the collector; the longest group of rules"),
        "s",
        (
            ('max(scrape_duration_seconds{job=~"tslcd-collector.*"})', Words("đọc bộ thu", "scrape")),
            ("max(prometheus_rule_group_last_duration_seconds)", Words("nhóm luật lâu nhất", "longest group")),
        ),
    ),
    (
        Words("Lỗi của Prometheus", "Failures of Prometheus"),
        Words(
            "Luật lỗi, bỏ lỡ; cảnh báo không gửi được; mẫu quá cũ",
            "Rules failed or missed; alerts not sent; samples too old",
        ),
        "short",
        (
            (f"sum(increase(prometheus_rule_evaluation_failures_total{_RATE}))", Words("luật lỗi", "rules failed")),
            (
                f"sum(increase(prometheus_rule_group_iterations_missed_total{_RATE}))",
                Words("luật bỏ lỡ", "rules missed"),
            ),
            (f"sum(increase(prometheus_notifications_dropped_total{_RATE}))", Words("cảnh báo rơi", "alerts dropped")),
            (f"sum(increase(prometheus_tsdb_too_old_samples_total{_RATE}))", Words("mẫu quá cũ", "samples too old")),
            (
                f"sum(increase(prometheus_tsdb_wal_writes_failed_total{_RATE}))",
                Words("lỗi ghi đĩa", "disk writes failed"),
            ),
        ),
    ),
    (
        Words("Đĩa của Prometheus", "Disk of Prometheus"),
        Words("Các khối đã nén", "Compacted blocks"),
        "bytes",
        (("max(prometheus_tsdb_storage_blocks_bytes)", Words("khối", "blocks")),),
    ),
)
_ALERTMANAGER: Final[tuple[_Figure, ...]] = (
    (
        Words("Cảnh báo trong Alertmanager", "Alerts in Alertmanager"),
        Words("Theo trạng thái", "By state"),
        "short",
        (("sum by (state) (alertmanager_alerts)", _same("{{state}}")),),
    ),
    (
        Words("Thông báo gửi đi", "Notifications"),
        Words("Đã gửi và không gửi được, trong mỗi khoảng", "Sent and failed, per interval"),
        "short",
        (
            (f"sum(increase(alertmanager_notifications_total{_RATE}))", Words("đã gửi", "sent")),
            (f"sum(increase(alertmanager_notifications_failed_total{_RATE}))", Words("không gửi được", "failed")),
        ),
    ),
)


def _graphs(screen: Screen, figures: tuple[_Figure, ...], width: int) -> list[timeseries.Panel]:
    return [
        graph(
            screen,
            title,
            description,
            [query(expr, screen.say(legend), ref=ref) for ref, (expr, legend) in zip("ABCDE", queries, strict=False)],
            unit=unit,
            width=width,
            height=7,
        )
        for title, description, unit, queries in figures
    ]


def pipeline(language: Language) -> Screen:
    """Return the dashboard of the supervision itself."""
    screen = Screen(
        "pipeline",
        Words(
            "Bộ thu, máy chủ MQTT, kho, gửi bù, Prometheus, Alertmanager",
            "Collector, broker, store, backfill, Prometheus, Alertmanager",
        ),
        language,
    )
    screen.add(_state(screen), _up(screen), _alerts(screen), _versions(screen))
    screen.heading(Words("Bộ thu", "Collector"))
    screen.add(*_graphs(screen, _COLLECTOR, 8))
    screen.heading(Words("Gửi bù vào kho chuỗi thời gian", "Backfill"))
    screen.add(*_graphs(screen, _BACKFILL, 12))
    screen.heading(Words("Prometheus", "Prometheus"))
    screen.add(*_graphs(screen, _PROMETHEUS, 12))
    screen.heading(Words("Alertmanager", "Alertmanager"))
    screen.add(*_graphs(screen, _ALERTMANAGER, 12))
    return screen
