"""Rules about devices: what the collector calls a problem, gathered by who must act and how soon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus.agents import PLANNED
from prometheus.rule import Alert, Group, RuleFile
from prometheus.words import at_site, problems

from tslcd_collector.problems import DeviceProblem as Problem
from tslcd_collector.verdict import Words

if TYPE_CHECKING:
    from prometheus.rule import Owner, Severity

ABOUT: Final = """
Devices. The invariants stand at the top of channels.rules.yml.

tslcd_device_problem is the collector's judgement of the newest tables by the thresholds of the device's class; it is never backfilled. One alert a device and kind of trouble; which problems it has is read into the text. During planned work at a site its devices are not told.
"""


def _alert(  # noqa: PLR0913 - a row of a table
    name: str,
    listed: tuple[Problem, ...],
    severity: Severity,
    party: Owner,
    *,
    wait: str,
    hold: str,
    summary: Words,
    action: Words,
    note: str = "",
) -> Alert:
    names = "|".join(one.value for one in listed)
    return Alert(
        name=name,
        severity=severity,
        party=party,
        note=note,
        expr=f"""
            max by (province, site, agent, device) (tslcd_device_problem{{problem=~"{names}"}}) == 1
            unless on (province, site) {PLANNED}
        """,
        wait=wait,
        hold=hold,
        summary=summary,
        reason=problems(*listed),
        action=action,
    )


ALERTS: Final = (
    _alert(
        "DeviceUnreadable",
        (Problem.SNMP_UNREADABLE,),
        "warning",
        "monitoring",
        wait="2m",
        hold="2m",
        summary=at_site("Không đọc được một thiết bị tại {{ $name }}", "A device at {{ $name }} cannot be read"),
        action=Words(
            "Chạy tslcd-agent check tại hộp giám sát: thiết bị không trả lời hay từ chối tài khoản SNMP",
            "Run tslcd-agent check on the box: the device does not answer, or it refuses the SNMP credentials",
        ),
    ),
    _alert(
        "DeviceOverloaded",
        (Problem.CPU_HIGH, Problem.MEMORY_HIGH),
        "warning",
        "agency",
        wait="5m",
        hold="5m",
        summary=at_site("Một thiết bị tại {{ $name }} quá tải", "A device at {{ $name }} is overloaded"),
        action=Words(
            "Xem lưu lượng và số phiên của thiết bị, tác vụ bất thường; báo đầu mối của cơ quan sử dụng",
            "Look at its traffic and sessions and for what is unusual; tell the contact of the agency",
        ),
    ),
    _alert(
        "SessionsNearLimit",
        (Problem.SESSIONS_NEAR_LIMIT,),
        "warning",
        "agency",
        wait="2m",
        hold="5m",
        summary=at_site(
            "Bảng phiên của tường lửa tại {{ $name }} gần đầy",
            "The session table of the firewall at {{ $name }} is nearly full",
        ),
        action=Words(
            "Tìm máy mở nhiều phiên (mã độc, quét mạng); khi đầy thì không ai mở được phiên mới",
            "Find who opens many sessions (malware, scans); when it is full nobody can open a new one",
        ),
    ),
    _alert(
        "FirewallFailover",
        (Problem.HA_CHANGED,),
        "warning",
        "agency",
        wait="",
        hold="",
        note="The collector tells a change for as long as the class says (ha_changed_for).",
        summary=at_site(
            "Tường lửa tại {{ $name }} vừa chuyển vai trò trong cặp dự phòng",
            "The firewall at {{ $name }} changed its role in the pair",
        ),
        action=Words(
            "Hỏi cơ quan sử dụng có chủ ý không; nếu không, xem vì sao thiết bị chính nhường vai trò",
            "Ask the agency whether it was intended; if not, find out why the primary gave up its role",
        ),
    ),
    _alert(
        "FirewallFailover",
        (Problem.HA_PEER_LOST,),
        "major",
        "agency",
        wait="1m",
        hold="5m",
        summary=at_site(
            "Cặp tường lửa tại {{ $name }} mất một thiết bị; thiết bị còn lại đang chạy",
            "The pair of firewalls at {{ $name }} has lost one; the other one runs",
        ),
        action=Words(
            "Gọi đầu mối của cơ quan sử dụng: nguồn, dây nối HA, phiên bản của thiết bị đã mất",
            "Call the contact of the agency: power, HA cables and version of the one that is lost",
        ),
    ),
    _alert(
        "TunnelDown",
        (Problem.TUNNEL_DOWN,),
        "warning",
        "agency",
        wait="1m",
        hold="2m",
        summary=at_site("Một đường hầm tại {{ $name }} mất kết nối", "A tunnel at {{ $name }} is down"),
        action=Words(
            "Xem đầu bên kia có mất không, khóa và thời hạn của đường hầm; kênh truyền vẫn hoạt động",
            "See whether the other end is down, then keys and lifetimes of the tunnel; the channel itself works",
        ),
    ),
    _alert(
        "PathDown",
        (Problem.PATH_DOWN,),
        "warning",
        "operator",
        wait="1m",
        hold="2m",
        summary=at_site(
            "Thiết bị tại {{ $name }} báo một tuyến đo không tốt",
            "The device at {{ $name }} holds one of its paths for bad",
        ),
        action=Words(
            "So với kênh truyền cùng điểm; nếu chỉ tuyến này thì báo đơn vị vận hành của tuyến",
            "Compare with the channels of the site; if it is this path alone, call its operator",
        ),
    ),
    _alert(
        "OpticalPowerLow",
        (Problem.OPTICAL_POWER_LOW,),
        "warning",
        "operator",
        wait="5m",
        hold="10m",
        summary=at_site(
            "Công suất quang thu tại {{ $name }} thấp: suy hao quang tăng",
            "Received optical power at {{ $name }} is low: attenuation grows",
        ),
        action=Words(
            "Báo đơn vị vận hành kiểm tra sợi quang và đầu nối trước khi kênh mất hẳn",
            "Have the operator look at fibre and connectors before the channel is lost",
        ),
    ),
    _alert(
        "DeviceHardware",
        (Problem.FAN_FAILED, Problem.POWER_SUPPLY_FAILED, Problem.SENSOR_FAILED, Problem.BATTERY_FAILED),
        "warning",
        "agency",
        wait="1m",
        hold="5m",
        summary=at_site(
            "Một thiết bị tại {{ $name }} báo hỏng phần cứng", "A device at {{ $name }} tells of failed hardware"
        ),
        action=Words(
            "Báo đầu mối của cơ quan sử dụng để thay linh kiện; thiết bị vẫn chạy",
            "Tell the contact of the agency to have the part changed; the device still runs",
        ),
    ),
    _alert(
        "DeviceHardware",
        (Problem.TOO_HOT,),
        "major",
        "agency",
        wait="1m",
        hold="5m",
        summary=at_site(
            "Một thiết bị tại {{ $name }} quá nóng, có thể tự tắt",
            "A device at {{ $name }} is too hot and may switch itself off",
        ),
        action=Words(
            "Gọi đầu mối của cơ quan sử dụng: điều hòa, quạt, bụi, phòng máy",
            "Call the contact of the agency: air conditioning, fans, dust, the room",
        ),
    ),
    _alert(
        "OnBattery",
        (Problem.ON_BATTERY, Problem.BATTERY_LOW),
        "warning",
        "power",
        wait="30s",
        hold="2m",
        summary=at_site(
            "Điểm {{ $name }} mất điện lưới, đang chạy bằng ắc quy", "Site {{ $name }} has no mains and runs on battery"
        ),
        action=Words(
            "Hỏi đầu mối tại điểm và điện lực; khi hết ắc quy thì kênh và hộp giám sát đều tắt",
            "Ask the contact and the power company; when the battery ends, the channel and the box go off",
        ),
    ),
    _alert(
        "DeviceRestarted",
        (Problem.RESTARTED,),
        "warning",
        "agency",
        wait="",
        hold="",
        note="The collector tells a restart for as long as the class says (restarted_for).",
        summary=at_site("Một thiết bị tại {{ $name }} vừa khởi động lại", "A device at {{ $name }} restarted"),
        action=Words(
            "Hỏi cơ quan sử dụng có chủ ý không; lặp lại nhiều lần là dấu hiệu nguồn hoặc phần cứng hỏng",
            "Ask the agency whether it was intended; again and again it means bad power or hardware",
        ),
    ),
)

FILE: Final = RuleFile(name="devices", about=ABOUT, groups=(Group(name="tslcd-devices", interval="15s", rules=ALERTS),))
