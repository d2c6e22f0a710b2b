"""Tries one probe once, and says in plain words what came of it."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, assert_never

from tslcd_agent.config import DnsProbe, HttpProbe, IcmpProbe, MqttProbe, PathProbe, TcpProbe, TlsProbe
from tslcd_agent.config.probes import host_of
from tslcd_agent.probes.contract import GOOD
from tslcd_agent.verification import CheckResult
from tslcd_runtime.units import DURATION

if TYPE_CHECKING:
    from tslcd_agent.config import Probe
    from tslcd_agent.probes.contract import ProbeFunction, ProbeResult
    from tslcd_runtime.language import Language

_DAY = 86400.0


async def check_probe(name: str, probe: Probe, run: ProbeFunction, language: Language) -> CheckResult:
    """Run one round of ``probe``. Good means that the target answered as wanted."""
    result = await run(name, probe)
    return CheckResult(name, ok=result.outcome in GOOD, message=describe(probe, result, language))


def describe(probe: Probe, result: ProbeResult, language: Language) -> str:
    """Say what became of a round, in one line without a full stop."""
    if result.outcome in GOOD:
        return _good(probe, result, language)
    return _bad(probe, result, language)


def _subject(probe: Probe, language: Language) -> str:
    match probe:
        case MqttProbe():
            return language.say(vi="máy chủ MQTT", en="the broker")
        case TcpProbe() | TlsProbe():
            return f"[{probe.target}]:{probe.port}" if ":" in probe.target else f"{probe.target}:{probe.port}"
        case _:
            return probe.target


def _good(probe: Probe, result: ProbeResult, language: Language) -> str:
    subject = _subject(probe, language)
    spent = sum(result.phases.values()) * 1000
    match probe:
        case IcmpProbe():
            answered, sent = len(result.answered), result.sent
            mean = statistics.fmean(result.answered) * 1000
            return language.say(
                vi=f"{subject} trả lời {answered}/{sent} gói, độ trễ trung bình {mean:.2f} ms",
                en=f"{subject} answers {answered} of {sent} packets, mean round-trip time {mean:.2f} ms",
            )
        case TcpProbe():
            return language.say(
                vi=f"{subject} nhận kết nối, {spent:.1f} ms", en=f"{subject} takes connections, {spent:.1f} ms"
            )
        case TlsProbe():
            text = language.say(vi=f"{subject} bắt tay TLS, {spent:.1f} ms", en=f"{subject} speaks TLS, {spent:.1f} ms")
            return text + _certificate(result, language)
        case DnsProbe():
            return language.say(
                vi=f"{subject} trả lời {result.figures.answers} bản ghi {probe.record} của {probe.name}, {spent:.1f} ms",
                en=f"{subject} answers {result.figures.answers} {probe.record} records of {probe.name}, {spent:.1f} ms",
            )
        case HttpProbe():
            text = language.say(
                vi=f"{subject} trả lời mã {result.figures.http_status}, {spent:.1f} ms",
                en=f"{subject} answers with status {result.figures.http_status}, {spent:.1f} ms",
            )
            return text + _certificate(result, language)
        case PathProbe():
            return language.say(
                vi=f"{subject} ở chặng thứ {result.figures.hops}", en=f"{subject} is at hop {result.figures.hops}"
            )
        case MqttProbe():
            return language.say(
                vi=f"gửi tới {subject} và nhận lại được, {spent:.1f} ms",
                en=f"a word to {subject} came back, {spent:.1f} ms",
            )
        case _:
            assert_never(probe)


def _certificate(result: ProbeResult, language: Language) -> str:
    left = result.figures.certificate_expiry
    if left is None:
        return ""
    days = int(abs(left) / _DAY)
    if left < 0:
        return language.say(vi=f", chứng thư đã hết hạn {days} ngày", en=f", its certificate ended {days} days ago")
    return language.say(vi=f", chứng thư còn {days} ngày", en=f", its certificate is good for {days} days")


def _bad(probe: Probe, result: ProbeResult, language: Language) -> str:
    subject, reason = _subject(probe, language), result.reason
    match result.outcome:
        case "no_answer" if isinstance(probe, IcmpProbe):
            return language.say(
                vi=f"{subject} không trả lời gói nào trong {result.sent} gói: đích tắt, hoặc chặn ICMP",
                en=f"{subject} answers none of {result.sent} packets: it is off, or ICMP is blocked",
            )
        case "no_answer":
            within = DURATION.show(probe.longest)
            return language.say(
                vi=f"{subject} không trả lời trong {within} ({reason}): đích tắt, quá chậm, hoặc tường lửa ở giữa chặn",
                en=f"{subject} does not answer within {within} ({reason}): it is off, too slow, or a firewall in between drops it",
            )
        case "unreachable":
            return language.say(
                vi=f"không tới được {subject}: mạng báo không có đường đi: kiểm tra địa chỉ và định tuyến",
                en=f"{subject} is unreachable: the network says there is no way: check the address and the routes",
            )
        case "unresolved":
            name = host_of(probe) or subject
            return language.say(
                vi=f"tên {name} không có địa chỉ: kiểm tra tên và máy chủ DNS",
                en=f"the name {name} has no address: check the name and the DNS server",
            )
        case "denied":
            return _denied(probe, subject, reason, language)
        case "refused":
            return _refused(probe, subject, reason, language)
        case "bad_certificate":
            return language.say(
                vi=f"chứng thư của {subject} không được tin ({reason}): kiểm tra hạn, tên, ca và đồng hồ",
                en=f"the certificate of {subject} is not trusted ({reason}): check its end, its name, ca, and the clock",
            ) + _certificate(result, language)
        case "bad_answer":
            return language.say(
                vi=f"{subject} trả lời không như mong đợi ({reason}): kiểm tra dịch vụ và cấu hình của phép đo",
                en=f"{subject} answers otherwise than wanted ({reason}): check the service, and this probe's settings",
            )
        case "ok" | "path_changed":
            return _good(probe, result, language)
        case _:
            assert_never(result.outcome)


def _refused(probe: Probe, subject: str, reason: str, language: Language) -> str:
    if isinstance(probe, MqttProbe):
        return language.say(
            vi=f"{subject} từ chối ({reason}): kiểm tra quyền của tác tử này trên chủ đề probe",
            en=f"{subject} refuses ({reason}): check this agent's right to the topic probe",
        )
    return language.say(
        vi=f"{subject} từ chối kết nối: dịch vụ không chạy, hoặc sai cổng",
        en=f"{subject} refuses: the service does not run, or this is not its port",
    )


def _denied(probe: Probe, subject: str, reason: str, language: Language) -> str:
    if isinstance(probe, IcmpProbe | PathProbe):
        return language.say(
            vi=f"không được phép gửi tới {subject}: thiếu quyền ICMP (CAP_NET_RAW hoặc net.ipv4.ping_group_range), hoặc thiết bị có touch: false",
            en=f"not allowed to send to {subject}: no right to ICMP (CAP_NET_RAW or net.ipv4.ping_group_range), or a device with touch: false",
        )
    return language.say(
        vi=f"không gửi được tới {subject} ({reason}): thiết bị có touch: false, hoặc hệ thống này không cho phép",
        en=f"nothing was sent to {subject} ({reason}): a device with touch: false, or this system does not allow it",
    )
