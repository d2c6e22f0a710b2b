"""Tries one probe once, and says in plain words what came of it."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, assert_never

from tslcd_agent.probes.runner import echoes_of
from tslcd_agent.verification import CheckResult

if TYPE_CHECKING:
    from tslcd_agent.config import Probe
    from tslcd_agent.probes.contract import ProbeFunction, ProbeResult
    from tslcd_runtime.language import Language


async def check_probe(name: str, probe: Probe, run: ProbeFunction, language: Language) -> CheckResult:
    """Run one round of ``probe``. Good means that at least one echo was answered."""
    result = await run(echoes_of(probe))
    return CheckResult(name, ok=result.outcome == "ok", message=describe(probe.target, result, language))


def describe(target: str, result: ProbeResult, language: Language) -> str:
    """Say what became of a round to ``target``, in one line without a full stop."""
    match result.outcome:
        case "ok":
            answered, sent = len(result.answered), result.sent
            mean = statistics.fmean(result.answered) * 1000
            return language.say(
                vi=f"{target} trả lời {answered}/{sent} gói, độ trễ trung bình {mean:.2f} ms",
                en=f"{target} answers {answered} of {sent} packets, mean round-trip time {mean:.2f} ms",
            )
        case "no_answer":
            return language.say(
                vi=f"{target} không trả lời gói nào trong {result.sent} gói: đích tắt, hoặc chặn ICMP",
                en=f"{target} answers none of {result.sent} packets: it is off, or ICMP is blocked",
            )
        case "unreachable":
            return language.say(
                vi=f"không tới được {target}: mạng báo không có đường đi: kiểm tra địa chỉ và định tuyến",
                en=f"{target} is unreachable: the network says there is no way: check the address and the routes",
            )
        case "unresolved":
            return language.say(
                vi=f"tên {target} không có địa chỉ: kiểm tra tên và máy chủ DNS",
                en=f"the name {target} has no address: check the name and the DNS server",
            )
        case "denied":
            return language.say(
                vi=f"không được phép gửi tới {target}: thiếu quyền ICMP (CAP_NET_RAW hoặc net.ipv4.ping_group_range), hoặc thiết bị có touch: false",
                en=f"not allowed to send to {target}: no right to ICMP (CAP_NET_RAW or net.ipv4.ping_group_range), or a device with touch: false",
            )
        case _:
            assert_never(result.outcome)
