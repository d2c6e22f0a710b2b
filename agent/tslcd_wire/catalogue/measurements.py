"""What the agent measures itself: probes, and the agent."""

from __future__ import annotations

from typing import Final

from tslcd_wire.catalogue.column import Column, Kind, Type, Unit, counter, flag, gauge, text

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

#: Values of ``agent.start_reason``. ``process-crash``: the same boot, and no goodbye; ``power-or-reboot``: another boot, and no
#: goodbye; ``clean-restart``: after a goodbye, whatever the boot.
START_REASONS: Final = ("first-start", "clean-restart", "process-crash", "power-or-reboot")

PROBE: Final = Kind(
    "probe",
    keyed=True,
    help_vi="Phép đo chủ động từ tác tử tới một đích có tên",
    help_en="Active measurement from the agent to a named target",
    columns=(
        flag("up", "Đích có trả lời", "The target answered", "ICMP echo"),
        Column(
            "outcome",
            Type.STATE,
            "Kết quả của lượt đo gần nhất",
            "Outcome of the last round",
            states=PROBE_OUTCOMES,
            source="ICMP echo",
        ),
        gauge("packets_sent", "Số gói gửi trong một lượt đo", "Packets sent in the round", source="ICMP echo"),
        gauge(
            "packets_received", "Số gói trả lời trong một lượt đo", "Packets answered in the round", source="ICMP echo"
        ),
        gauge("loss_ratio", "Tỷ lệ mất gói của lượt đo", "Share of the round's packets without an answer", Unit.RATIO),
        gauge("rtt_seconds", "Độ trễ khứ hồi trung bình", "Mean round-trip time", Unit.SECONDS),
        gauge("rtt_min_seconds", "Độ trễ khứ hồi nhỏ nhất", "Smallest round-trip time", Unit.SECONDS),
        gauge("rtt_max_seconds", "Độ trễ khứ hồi lớn nhất", "Largest round-trip time", Unit.SECONDS),
        gauge(
            "jitter_seconds",
            "Biến động trễ: trung bình chênh lệch giữa hai gói liền nhau",
            "Mean absolute difference of consecutive round-trip times",
            Unit.SECONDS,
            "mean of |D(i-1,i)|, after RFC 3550 section 6.4.1",
        ),
        gauge("rtt_median_seconds", "Trung vị độ trễ khứ hồi", "Median round-trip time", Unit.SECONDS),
        gauge("rtt_p95_seconds", "Phân vị 95 của độ trễ", "95th percentile of the round-trip time", Unit.SECONDS),
        gauge("duration_seconds", "Thời gian của cả lượt đo", "Duration of the round", Unit.SECONDS),
        gauge("resolve_seconds", "Thời gian phân giải tên", "Time to resolve the name", Unit.SECONDS),
        gauge("connect_seconds", "Thời gian mở kết nối TCP", "Time to open the TCP connection", Unit.SECONDS),
        gauge("tls_seconds", "Thời gian bắt tay TLS", "Time of the TLS handshake", Unit.SECONDS),
        gauge(
            "answer_seconds", "Thời gian chờ câu trả lời", "Time from the question to the first answer", Unit.SECONDS
        ),
        gauge("transfer_seconds", "Thời gian nhận hết câu trả lời", "Time to receive the whole answer", Unit.SECONDS),
        gauge(
            "certificate_expiry_seconds",
            "Thời gian còn lại của chứng thư; âm khi đã hết hạn",
            "Time until the certificate ends; negative when it has ended",
            Unit.SECONDS,
            "X.509 notAfter",
        ),
        gauge("http_status", "Mã trạng thái HTTP", "HTTP status code", source="RFC 9110 section 15"),
        gauge("answers", "Số bản ghi DNS trả về", "DNS records in the answer", source="RFC 1035 section 4.1"),
        gauge("hops", "Số chặng tới đích", "Hops to the target", source="ICMP time exceeded"),
        counter("path_changes_total", "Số lần đường đi thay đổi", "Changes of the path since the agent's start"),
        text("type", "Loại phép đo", "Kind of the probe"),
    ),
)

AGENT: Final = Kind(
    "agent",
    keyed=False,
    help_vi="Tác tử giám sát đặt tại điểm kết nối",
    help_en="Monitoring agent at the connection point",
    columns=(
        gauge("uptime_seconds", "Thời gian chạy của tác tử", "Time since the agent started", Unit.SECONDS),
        gauge(
            "resident_memory_bytes",
            "Bộ nhớ tác tử đang dùng",
            "Resident memory of the agent",
            Unit.BYTES,
            "/proc/self/statm",
        ),
        counter("cpu_seconds_total", "Thời gian CPU đã dùng", "CPU time used", Unit.SECONDS, "getrusage(2)"),
        gauge("spool_reports", "Số báo cáo còn trong hàng đợi", "Reports waiting in the spool"),
        gauge("spool_bytes", "Dung lượng hàng đợi trên đĩa", "Size of the spool on disk", Unit.BYTES),
        gauge("spool_limit_bytes", "Giới hạn dung lượng hàng đợi", "Bound of the spool", Unit.BYTES),
        gauge(
            "spool_oldest_seconds",
            "Tuổi của báo cáo cũ nhất chưa gửi",
            "Age of the oldest waiting report",
            Unit.SECONDS,
        ),
        counter("reports_total", "Số báo cáo đã tạo", "Reports made"),
        counter("reports_sent_total", "Số lần gửi báo cáo", "Sendings of reports, repeats included"),
        counter("reports_confirmed_total", "Số báo cáo bộ thu đã lưu", "Reports that the collector has stored"),
        counter("reports_dropped_total", "Số báo cáo bị bỏ", "Reports dropped, by bounds or damage"),
        counter("broker_connects_total", "Số lần kết nối tới máy chủ MQTT", "Connections made to the broker"),
        counter("poll_overruns_total", "Số lần hỏi quá thời hạn", "Polls that ran out of their time budget"),
        counter("polls_incomplete_total", "Số lần hỏi chỉ đọc được một phần", "Polls that read only a part"),
        counter("traps_received_total", "Số trap và inform nhận được", "Traps and informs taken"),
        counter(
            "traps_refused_total",
            "Số trap bị từ chối: nguồn lạ, sai thông tin xác thực, không hiểu được",
            "Traps refused: unknown source, wrong credentials, or not to be understood",
        ),
        counter("traps_suppressed_total", "Số trap bị bỏ khi quá nhiều", "Traps dropped in a storm"),
        counter("link_events_total", "Số lần thay đổi trạng thái giao diện", "Changes of interfaces that were told"),
        counter(
            "probe_errors_total",
            "Số lượt đo hỏng vì lỗi của chính tác tử",
            "Rounds of probes that ended in an error of the agent itself",
        ),
        counter(
            "traps_replayed_total",
            "Số trap SNMPv3 bị từ chối vì cũ hơn cửa sổ thời gian",
            "SNMPv3 traps refused because they are older than the time window",
        ),
        counter("reports_dropped_size_total", "Số báo cáo bỏ vì đầy hàng đợi", "Reports dropped by the bound of size"),
        counter("reports_dropped_age_total", "Số báo cáo bỏ vì quá hạn", "Reports dropped by the bound of age"),
        counter(
            "reports_dropped_damage_total", "Số báo cáo bỏ vì tệp hỏng", "Reports dropped because they were damaged"
        ),
        counter(
            "reports_dropped_memory_total",
            "Số báo cáo bỏ vì đĩa lỗi và bộ nhớ đầy",
            "Reports dropped from memory while the disk failed",
        ),
        counter("spool_files_set_aside_total", "Số tệp hàng đợi hỏng được giữ riêng", "Damaged spool files set aside"),
        flag("spool_in_memory", "Đĩa lỗi, báo cáo chỉ giữ trong bộ nhớ", "Reports are in memory only, the disk fails"),
        text("uplink", "Đường về trung tâm đang dùng", "Way to the broker in use", "brokers[].name"),
        flag("uplink_spare", "Đang dùng đường dự phòng", "The way in use is not the first of the list"),
        counter("uplink_changes_total", "Số lần đổi đường về trung tâm", "Changes of the way to the broker"),
        flag(
            "history_stopped",
            "Ngừng gửi bù vì hết hạn mức dữ liệu",
            "History waits: the byte budget of a metered way is spent",
        ),
        Column("start_reason", Type.STATE, "Lý do khởi động", "Why the agent started", states=START_REASONS),
        gauge(
            "last_alive_timestamp_seconds",
            "Dấu hiệu sống cuối trước khi khởi động, theo đồng hồ lúc đó",
            "Last sign of life before the start, UTC by the clock of that time",
            Unit.SECONDS,
        ),
        gauge(
            "last_alive_boottime_seconds",
            "CLOCK_BOOTTIME của dấu hiệu sống cuối",
            "CLOCK_BOOTTIME of the last sign of life before the start",
            Unit.SECONDS,
        ),
        gauge("started_boottime_seconds", "CLOCK_BOOTTIME lúc khởi động", "CLOCK_BOOTTIME of the start", Unit.SECONDS),
        text("version", "Phiên bản", "Version"),
    ),
)
