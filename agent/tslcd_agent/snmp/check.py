"""Tries one device the way the poller does, and says in plain words what works and what to do about what does not."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, assert_never

from tslcd_agent.errors import BrokenError, RefusedError, SilentError, SnmpError
from tslcd_agent.snmp import interpret
from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.reader import DeviceReader, Round
from tslcd_agent.verification import CheckResult

if TYPE_CHECKING:
    from tslcd_agent.config import PolledDevice
    from tslcd_agent.snmp.poller import Reachable
    from tslcd_agent.snmp.session import SnmpSession
    from tslcd_runtime.language import Language


async def check_device(
    device: PolledDevice, session: SnmpSession, *, reachable: Reachable, language: Language
) -> CheckResult:
    """Read ``device`` once. Ends within its budget and an echo; raises nothing but cancellation."""
    heard = Round()
    began = time.monotonic()
    error: SnmpError = SilentError(f"no SNMP answer within {device.budget:g} s")
    try:
        async with asyncio.timeout(device.budget):
            await DeviceReader(session, device.interfaces).read(heard)
    except TimeoutError:
        pass
    except SnmpError as caught:
        error = caught
    seconds = time.monotonic() - began
    if heard.complete:
        return CheckResult(device.id, ok=True, message=_good(heard, seconds, language))
    if heard.answered:
        return CheckResult(device.id, ok=False, message=_partial(error, seconds, language))
    match error:
        case RefusedError():
            message = _refused(device, error, language)
        case BrokenError():
            message = _broken(device, error, language)
        case _:
            alive = await reachable(device.address, device.timeout)
            message = _silent(device, language, alive=alive)
    return CheckResult(device.id, ok=False, message=message)


def _good(heard: Round, seconds: float, language: Language) -> str:
    name = interpret.text_of(heard.values.get(mib.SYS_NAME)) or "?"
    count = len(heard.plan.rows) if heard.plan else 0
    return language.say(
        vi=f"trả lời SNMP: {name}, {count} giao diện, đọc trong {seconds:.2f} s",
        en=f"answers SNMP: {name}, {count} interfaces, read in {seconds:.2f} s",
    )


def _partial(error: SnmpError, seconds: float, language: Language) -> str:
    return language.say(
        vi=f"có trả lời SNMP nhưng không đọc hết sau {seconds:.1f} s ({error}): tăng poll.timeout hoặc poll.budget",
        en=f"answers SNMP, but could not be read whole in {seconds:.1f} s ({error}): raise poll.timeout or poll.budget",
    )


def _silent(device: PolledDevice, language: Language, *, alive: bool) -> str:
    if not alive:
        return language.say(
            vi=f"không tới được: {device.address} không trả lời ping lẫn SNMP: kiểm tra địa chỉ, dây và đường đi",
            en=f"unreachable: {device.address} answers neither ping nor SNMP: check the address, the cable and the route",
        )
    if device.snmp.version == "2c":
        return language.say(
            vi="bị từ chối hoặc im lặng: thiết bị trả lời ping nhưng không trả lời SNMP: sai community, hoặc địa chỉ này không được phép",
            en="refused or silent: the device answers ping, but not SNMP: community wrong, or this address not allowed",
        )
    return language.say(
        vi="im lặng: thiết bị trả lời ping nhưng không trả lời SNMPv3: SNMP chưa bật, hoặc địa chỉ này không được phép",
        en="silent: the device answers ping, but not SNMPv3: SNMP is not enabled, or this address not allowed",
    )


def _broken(device: PolledDevice, error: BrokenError, language: Language) -> str:
    return language.say(
        vi=f"trả lời không hiểu được trên cổng {device.port}: đó có phải là SNMP không? ({error})",
        en=f"answers on port {device.port} that cannot be understood: is that SNMP? ({error})",
    )


def _refused(device: PolledDevice, error: RefusedError, language: Language) -> str:
    match error.reason:
        case "port":
            return language.say(
                vi=f"bị từ chối: cổng {device.port} của {device.address} đóng: SNMP chưa bật, hoặc ở cổng khác",
                en=f"refused: port {device.port} of {device.address} is closed: SNMP is not enabled, or on another port",
            )
        case "privacy":
            return language.say(
                vi=f"bị từ chối: người dùng {device.snmp.user} gửi câu hỏi mã hóa mà không được trả lời: sai mật khẩu hoặc thuật toán mã hóa (priv)",
                en=f"refused: encrypted questions of user {device.snmp.user} stay unanswered: privacy password or protocol wrong (priv)",
            )
        case "user":
            return language.say(
                vi=f"bị từ chối: xác thực SNMPv3 của người dùng {device.snmp.user} thất bại: sai tên, mật khẩu, thuật toán hoặc mức bảo mật",
                en=f"refused: authentication refused for user {device.snmp.user}: name, password, protocol or security level wrong",
            )
        case "context":
            return language.say(
                vi=f"bị từ chối: thiết bị không có ngữ cảnh SNMPv3 {device.snmp.context}: sửa snmp.context",
                en=f"refused: the device has no SNMPv3 context {device.snmp.context}: correct snmp.context",
            )
        case _:
            assert_never(error.reason)
