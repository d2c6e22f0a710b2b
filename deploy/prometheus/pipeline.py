"""Rules about the supervision itself: collector, broker, store, what is lost or refused, notifications, the dead man's switch."""

from __future__ import annotations

from typing import Final

from prometheus.channels import firing
from prometheus.rule import Alert, Group, RuleFile
from prometheus.thresholds import MESSAGE_LATE

from tslcd_collector.verdict import Words

ABOUT: Final = """
The supervision itself. The invariants stand at the top of channels.rules.yml. What is read here are the collector's, Prometheus' and the Alertmanager's own metrics, which nobody backfills.
"""

COLLECTOR: Final = 'up{job="tslcd-collector"}'
BATCHES: Final = "tslcd_collector_backfill_batches_total"
_KEPT: Final = Words("Số liệu được giữ tại các tác tử", "Data is kept by the agents")

ALERTS: Final = (
    Alert(
        name="CollectorDead",
        severity="critical",
        party="monitoring",
        expr=f"absent({COLLECTOR} == 1)",
        wait="15s",
        summary=Words(
            "Bộ thu ngừng hoạt động: không thấy tình trạng của kênh nào",
            "The collector is dead: no channel is seen",
        ),
        action=Words(
            f"Xem dịch vụ tslcd-collector trên máy chủ giám sát. {_KEPT.vi}",
            f"Look at the service tslcd-collector on the monitoring server. {_KEPT.en}",
        ),
    ),
    Alert(
        name="CollectorDead",
        severity="warning",
        party="monitoring",
        note="One of a pair: everything is still seen.",
        expr=f"max({COLLECTOR}) == 1 and min({COLLECTOR}) == 0",
        wait="1m",
        summary=Words(
            "Một trong hai bộ thu ngừng hoạt động",
            "One of the collectors is dead; the other one sees everything",
        ),
        action=Words(
            "Xem dịch vụ tslcd-collector trên máy chủ kia", "Look at the service tslcd-collector on the other server"
        ),
    ),
    Alert(
        name="PipelineBroken",
        severity="critical",
        party="monitoring",
        expr="max(tslcd_collector_broker_connected) == 0",
        wait="15s",
        summary=Words("Bộ thu mất kết nối với máy chủ MQTT", "The collector has lost the broker"),
        action=Words(
            f"Xem dịch vụ mosquitto, chứng thư và mạng giữa hai bên. {_KEPT.vi}",
            f"Look at the service mosquitto, the certificates and the network between them. {_KEPT.en}",
        ),
    ),
    Alert(
        name="StoreFailing",
        severity="critical",
        party="monitoring",
        expr="max(increase(tslcd_collector_store_errors_total[5m])) > 0",
        summary=Words("Bộ thu không ghi được dữ liệu", "The collector cannot store"),
        action=Words(
            "Kiểm tra đĩa của máy chủ giám sát: đầy, lỗi, chỉ đọc. Báo cáo chưa lưu không được xác nhận nên không mất",
            "Check the disk of the monitoring server: full, failing, read-only. What is not stored is not confirmed, so it is not lost",
        ),
    ),
    Alert(
        name="StoreFailing",
        severity="warning",
        party="monitoring",
        note="The ledger alone: live supervision goes on, and what could not be written is written later.",
        expr="max(increase(tslcd_collector_ledger_errors_total[5m])) > 0",
        summary=Words("Sổ tình trạng kênh không ghi được", "The ledger of verdicts cannot be written"),
        action=Words(
            "Kiểm tra đĩa và quyền của tệp sổ tình trạng kênh; cảnh báo và giám sát không bị ảnh hưởng",
            "Check the disk and the rights of the ledger's file; alerts and supervision go on",
        ),
    ),
    Alert(
        name="BackfillRefused",
        severity="warning",
        party="monitoring",
        expr=f"""
            max(
              sum by (instance, target) (increase({BATCHES}{{outcome!="accepted"}}[10m])) > 0
              unless on (instance, target) sum by (instance, target) (increase({BATCHES}{{outcome="accepted"}}[10m])) > 0
              or
              sum by (instance, target) (increase(tslcd_collector_backfill_set_aside_total{{reason=~"refused|disk"}}[10m])) > 0
            )
        """,
        wait="5m",
        summary=Words(
            "Kho dữ liệu không nhận số liệu gửi bù", "The time-series store does not take what is sent afterwards"
        ),
        action=Words(
            "Xem nhật ký của bộ thu: kho từ chối vì sao; địa chỉ, quyền, out_of_order_time_window. Số liệu đang chờ trên đĩa",
            "Read the collector's log for why: address, rights, out_of_order_time_window. The data waits on disk",
        ),
    ),
    Alert(
        name="ReportsLost",
        severity="warning",
        party="monitoring",
        expr="max(increase(tslcd_collector_lost_reports_total[10m])) > 0",
        summary=Words(
            "Có báo cáo bị mất tại tác tử (hàng đợi đầy hoặc hỏng đĩa)",
            "Reports were lost at an agent (a full spool or a damaged disk)",
        ),
        action=Words(
            "Xem tác tử nào: hàng đợi đầy vì mất liên lạc lâu, hay đĩa hỏng",
            "Find the agent: a spool that was full after a long silence, or a damaged disk",
        ),
    ),
    Alert(
        name="ReportsRefused",
        severity="warning",
        party="monitoring",
        expr="max by (code) (increase(tslcd_collector_refused_total[10m])) > 0",
        summary=Words(
            "Bộ thu từ chối báo cáo: {{ $labels.code }}", "The collector refuses reports: {{ $labels.code }}"
        ),
        action=Words(
            "Xem nhật ký của bộ thu: tác tử nào và vì sao. Có thể khác phiên bản, cấu hình sai hoặc giả mạo",
            "Read the log of the collector: which agent and why. Another version, wrong settings or forgery",
        ),
    ),
    Alert(
        name="InventoryInvalid",
        severity="warning",
        party="monitoring",
        expr="min(tslcd_collector_inventory_valid) == 0",
        wait="1m",
        summary=Words(
            "Danh mục có lỗi; bộ thu đang dùng bản hợp lệ trước đó",
            "The inventory has a mistake; the collector uses the last good one",
        ),
        action=Words(
            "Chạy: tslcd-collector check, sửa đúng tệp và dòng được nêu",
            "Run: tslcd-collector check, and mend the file and line that it names",
        ),
    ),
    Alert(
        name="NotificationsFailing",
        severity="critical",
        party="monitoring",
        note="It may not reach anybody by itself, so it also ends the dead man's switch below, which others listen for.",
        expr=f"""
            max(increase(alertmanager_notifications_failed_total[5m])) > 0
            or
            max(increase(prometheus_notifications_errors_total[5m])) > 0
            or
            max(increase(prometheus_notifications_dropped_total[5m])) > 0
            or
            max(increase(tslcd_pager_messages_given_up_total[5m])) > 0
            or
            max(tslcd_pager_oldest_waiting_seconds) > {MESSAGE_LATE}
            or
            max(up{{job="tslcd-pager"}}) == 0
        """,
        wait="30s",
        summary=Words(
            "Cảnh báo không gửi đi được: pager hoặc Alertmanager không trả lời, hoặc không kênh nhắn tin nào nhận",
            "Alerts cannot be sent: the pager or the Alertmanager does not answer, or no channel takes the messages",
        ),
        action=Words(
            "Xem dịch vụ pager và prometheus-alertmanager; theo dõi màn hình cho tới khi gửi lại được",
            "Look at the services of the pager and the Alertmanager; watch the screen until they send again",
        ),
    ),
    Alert(
        name="NotificationsFailing",
        severity="major",
        party="monitoring",
        note="A rule that fails pages nobody.",
        expr="max(increase(prometheus_rule_evaluation_failures_total[5m])) > 0",
        wait="1m",
        summary=Words("Có luật cảnh báo không tính được", "There are alert rules that cannot be evaluated"),
        action=Words(
            "Mở trang Rules của Prometheus, xem luật nào báo lỗi và vì sao",
            "Open the page Rules of Prometheus, and see which rule fails and why",
        ),
    ),
    Alert(
        name="Watchdog",
        severity="none",
        party="none",
        note="""
            Fires while all is well. Whoever stops hearing it (the dead man's receiver of the Alertmanager) knows that Prometheus, the
            Alertmanager, the pager or the way out is dead.
        """,
        expr=f"vector(1) unless on () {firing('NotificationsFailing', severity='critical')}",
        summary=Words("Chuỗi cảnh báo còn hoạt động", "The chain of alerts is alive"),
        action=Words(
            "Không cần làm gì; khi cảnh báo này im lặng thì chuỗi cảnh báo đã hỏng",
            "Nothing to do; when this one falls silent, the chain is broken",
        ),
    ),
)

FILE: Final = RuleFile(
    name="pipeline", about=ABOUT, groups=(Group(name="tslcd-pipeline", interval="5s", rules=ALERTS),)
)
