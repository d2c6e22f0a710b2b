"""Rules about sites and their agents: silent, without power, on a spare way, with a wrong clock, a full spool, a copied identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus.rule import Alert, Group, Record, RuleFile
from prometheus.thresholds import CERTIFICATE_NOW, CERTIFICATE_SOON, MANY, MANY_SHARE
from prometheus.words import at_site

from tslcd_collector.problems import AgentProblem
from tslcd_collector.verdict import Reason, State, Words

if TYPE_CHECKING:
    from prometheus.rule import Severity

ABOUT: Final = """
Sites and their agents. The invariants stand at the top of channels.rules.yml.

Certificates are read from measurements, which are backfilled. History cannot raise that alert wrongly: the time that is left is less now than it was then, unless the certificate was renewed, and then the samples of now are newer; and half an hour of it is needed.
"""

LOST: Final = "agent:lost:info"
AGENT: Final = "province, site, agent"
#: Sites of which every channel is in a planned window.
PLANNED: Final = "site:planned:info"
#: Why a channel may be unknown that has a page or warning of its own.
EXPLAINED: Final = "|".join(
    one.value
    for one in (
        *(Reason.AGENT_LOST, Reason.SITE_POWER, Reason.UPLINK_LOST, Reason.UPSTREAM_DOWN),
        *(Reason.DEVICE_UNREACHABLE, Reason.SNMP_REFUSED),
    )
)
CERTIFICATE: Final = f"min by ({AGENT}) (tslcd_probe_certificate_expiry_seconds)"
DAY: Final = 86400


def problem(one: AgentProblem) -> str:
    """Return the agents that have a problem."""
    return f'max by ({AGENT}) (tslcd_agent_problem{{problem="{one.value}"}}) == 1'


RECORDS: Final = (
    Record(
        name=PLANNED,
        note="Sites of which every channel is in a planned window: nobody is told what the work there does.",
        expr="""
            min by (province, site) (max by (province, site, channel) (tslcd_channel_state{state="maintenance"})) == 1
        """,
    ),
    Record(
        name=LOST,
        note="""
            Agents that are offline, or that say nothing while the broker holds them for online. What a cut upstream, a power cut or planned
            work explains is told by that.
        """,
        expr=f"""
            (
              max by ({AGENT}) (tslcd_agent_online) == 0
              or
              max by ({AGENT}) (tslcd_agent_online)
                and on (province, agent) (
                  tslcd_channel_info
                  and on (instance, province, site, channel) tslcd_channel_verdict_info{{reason="{Reason.AGENT_LOST.value}"}}
                )
            )
            unless on (province, site) tslcd_channel_verdict_info{{reason=~"{Reason.UPSTREAM_DOWN.value}|{Reason.SITE_POWER.value}"}}
            unless on (province, site) {PLANNED}
        """,
    ),
)


def _certificate(seconds: int, severity: Severity) -> Alert:
    return Alert(
        name="CertificateExpiring",
        severity=severity,
        party="monitoring",
        expr=f"{CERTIFICATE} < {seconds}",
        wait="30m",
        summary=at_site(
            f"Chứng thư mà tác tử tại {{{{ $name }}}} kiểm tra còn chưa tới {seconds // DAY} ngày",
            f"A certificate that the agent at {{{{ $name }}}} looks at ends in less than {seconds // DAY} days",
        ),
        action=Words(
            "Xem phép đo nào trên bảng điều khiển tác tử, gia hạn chứng thư rồi nạp lại dịch vụ",
            "Find the probe on the dashboard of agents, renew the certificate and reload the service",
        ),
    )


ALERTS: Final = (
    Alert(
        name="SitePower",
        severity="major",
        party="power",
        note="The collector says so when a UPS of the site ran on battery before the agent fell silent.",
        expr=f'max by (province, site) (tslcd_channel_verdict_info{{reason="{Reason.SITE_POWER.value}"}})',
        wait="10s",
        hold="2m",
        summary=at_site(
            "Điểm {{ $name }} mất điện; các kênh ở đó không có dữ liệu",
            "Site {{ $name }} has no power; the state of the channels there is unknown",
        ),
        action=Words(
            "Hỏi đầu mối tại điểm và điện lực giờ có điện lại; số liệu được giữ tại hộp giám sát",
            "Ask the contact and the power company when it will be back; data is kept in the box",
        ),
    ),
    Alert(
        name="AgentLost",
        severity="major",
        party="monitoring",
        expr=f"max by ({AGENT}) ({LOST})",
        wait="1m",
        hold="1m",
        summary=at_site(
            "Mất liên lạc với tác tử {{ $labels.agent }} ({{ $name }}); các kênh ở đó không có dữ liệu",
            "Agent {{ $labels.agent }} ({{ $name }}) is silent; the state of the channels there is unknown",
        ),
        action=Words(
            "Hỏi điểm kết nối: điện, hộp giám sát, đường Internet. Số liệu được giữ tại hộp và sẽ gửi bù",
            "Ask the site: power, the monitoring box, the Internet line. Data is kept in the box and will be sent later",
        ),
    ),
    Alert(
        name="ManyAgentsLost",
        severity="critical",
        party="monitoring",
        note="Sooner than AgentLost and told longer, so that it holds the single ones back from the first to the last.",
        expr=f"""
            count by (province) (max by ({AGENT}) ({LOST})) >= {MANY}
            and
            count by (province) (max by ({AGENT}) ({LOST}))
              >= {MANY_SHARE} * count by (province) (max by ({AGENT}) (tslcd_agent_online))
        """,
        wait="30s",
        hold="3m",
        summary=Words(
            "Tỉnh {{ $labels.province }}: mất liên lạc với {{ $value }} tác tử cùng lúc",
            "Province {{ $labels.province }}: {{ $value }} agents are silent at once",
        ),
        action=Words(
            "Kiểm tra máy chủ MQTT, chứng thư và đường vào trung tâm trước, rồi đến tuyến trục",
            "Check the broker, its certificate and the way into the centre first, then the trunk",
        ),
    ),
    Alert(
        name="UplinkSpare",
        severity="warning",
        party="operator",
        expr=problem(AgentProblem.UPLINK_SPARE),
        wait="5m",
        hold="5m",
        summary=at_site(
            "Báo cáo của {{ $name }} đang đi đường dự phòng", "Reports of {{ $name }} leave by a spare way"
        ),
        action=Words(
            "Xem kênh TSLCD của điểm có về được trung tâm không; nếu nhiều điểm cùng bị thì xem máy chủ MQTT phía TSLCD",
            "See whether the site's TSLCD channel leads to the centre; where many sites do this, look at the broker's side",
        ),
    ),
    Alert(
        name="ClockWrong",
        severity="warning",
        party="monitoring",
        expr=problem(AgentProblem.CLOCK_WRONG),
        wait="2m",
        hold="5m",
        summary=at_site("Đồng hồ của hộp giám sát tại {{ $name }} sai", "The clock of the box at {{ $name }} is wrong"),
        action=Words(
            "Xem đồng bộ thời gian (NTP) và pin của hộp; thời gian đo đã được bộ thu sửa",
            "Look at time synchronisation (NTP) and the battery of the box; the centre puts the times right",
        ),
    ),
    Alert(
        name="SpoolFilling",
        severity="warning",
        party="monitoring",
        expr=problem(AgentProblem.SPOOL_FILLING),
        wait="10m",
        hold="10m",
        summary=at_site(
            "Hàng đợi báo cáo tại {{ $name }} gần đầy", "The spool of reports at {{ $name }} is nearly full"
        ),
        action=Words(
            "Xem vì sao báo cáo chưa gửi được: đường về trung tâm, hạn mức dữ liệu; tăng dung lượng hàng đợi nếu cần",
            "Find out why reports are not sent: the way to the centre, the byte budget; make the spool larger if need be",
        ),
    ),
    Alert(
        name="SpoolFilling",
        severity="major",
        party="monitoring",
        note="Not filling but full: measurements are being lost.",
        expr=problem(AgentProblem.SPOOL_DROPPING),
        wait="1m",
        hold="10m",
        summary=at_site(
            "Hàng đợi báo cáo tại {{ $name }} đang bỏ số liệu", "The spool of reports at {{ $name }} drops data"
        ),
        action=Words(
            "Khôi phục đường về trung tâm ngay hoặc tăng dung lượng hàng đợi: số liệu cũ nhất đang mất",
            "Restore the way to the centre or make the spool larger now: the oldest data is being lost",
        ),
    ),
    Alert(
        name="IdentityCloned",
        severity="major",
        party="monitoring",
        expr=problem(AgentProblem.IDENTITY_CLONED),
        wait="30s",
        hold="10m",
        summary=at_site(
            "Hai nguồn dùng chung định danh của tác tử tại {{ $name }}",
            "Two sources use the identity of the agent at {{ $name }}",
        ),
        action=Words(
            "Tìm hộp bị sao chép đĩa hoặc kẻ mạo danh; thu hồi chứng thư và cấp chứng thư mới",
            "Find the box with a copied disk, or who pretends to be it; revoke the certificate and issue a new one",
        ),
    ),
    _certificate(CERTIFICATE_SOON, "warning"),
    _certificate(CERTIFICATE_NOW, "major"),
    Alert(
        name="SupervisionIncomplete",
        severity="warning",
        party="monitoring",
        note="The share of all, when something is missing that no other alert explains.",
        expr=f"""
            max by (province) (tslcd_supervision_coverage_ratio) < 1
              and on (province) (
                min by (province, site, channel) (tslcd_channel_state{{state="{State.UNKNOWN.value}"}}) == 1
                unless on (province, site, channel) tslcd_channel_verdict_info{{reason=~"{EXPLAINED}"}}
              )
        """,
        wait="5m",
        summary=Words(
            "Tỉnh {{ $labels.province }}: chỉ {{ $value | humanizePercentage }} số kênh đang được giám sát",
            "Province {{ $labels.province }}: only {{ $value | humanizePercentage }} of the channels are supervised",
        ),
        action=Words(
            'Xem các kênh "không có dữ liệu" trên bảng điều khiển và lý do của từng kênh',
            "See the channels that are unknown on the dashboard, and why",
        ),
    ),
)

FILE: Final = RuleFile(
    name="agents", about=ABOUT, groups=(Group(name="tslcd-agents", interval="5s", rules=(*RECORDS, *ALERTS)),)
)
