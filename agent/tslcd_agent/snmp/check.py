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
from tslcd_runtime.describe import to_yaml

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tslcd_agent.config import PolledDevice, Snmp
    from tslcd_agent.snmp.credentials import Finding
    from tslcd_agent.snmp.poller import Reachable
    from tslcd_agent.snmp.session import SnmpSession
    from tslcd_runtime.language import Language


async def check_device(
    device: PolledDevice,
    session: SnmpSession,
    *,
    reachable: Reachable,
    language: Language,
    find: Callable[[PolledDevice], Awaitable[Finding]] | None = None,
) -> CheckResult:
    """Read ``device`` once, and find out what it takes instead when it refuses or is silent.

    Closes the session. Ends within the device's budget, an echo and :data:`~tslcd_agent.snmp.credentials.FIND_WITHIN`.
    Raises nothing but cancellation. ``find`` searches; :func:`~tslcd_agent.snmp.credentials.find_credentials` when None.
    """
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
    finally:
        await session.close()
    seconds = time.monotonic() - began
    if heard.complete:
        return CheckResult(device.id, ok=True, message=_good(heard, seconds, language))
    if heard.answered:
        return CheckResult(device.id, ok=False, message=_partial(error, seconds, language))
    return await _failed(device, error, reachable, language, find or _finder())


def _finder() -> Callable[[PolledDevice], Awaitable[Finding]]:
    from tslcd_agent.snmp.credentials import find_credentials  # noqa: PLC0415 - imports pysnmp

    return find_credentials


async def _failed(
    device: PolledDevice,
    error: SnmpError,
    reachable: Reachable,
    language: Language,
    find: Callable[[PolledDevice], Awaitable[Finding]],
) -> CheckResult:
    """Say what a device without any answer is suffering from, and what to write when that was found."""
    match error:
        case BrokenError():
            message = _broken(device, error, language)
        case RefusedError(reason="port"):
            message = _refused(device, error, language)
        case SilentError(answered_from=str(other)):
            message = _elsewhere(device, other, language)
        case RefusedError():
            return _found(device, await find(device), _refused(device, error, language), language)
        case _:
            if await reachable(device.address, device.timeout):
                return _found(device, await find(device), _silent(device, language), language)
            message = _unreachable(device, language)
    return CheckResult(device.id, ok=False, message=message)


def _found(device: PolledDevice, finding: Finding, otherwise: str, language: Language) -> CheckResult:
    """Say what the search found; ``otherwise`` when that is nothing."""
    message = _advice(device, finding, language) or otherwise
    known = finding.verdict in {"takes", "context"}
    return CheckResult(device.id, ok=False, message=message, settings=to_write(device, finding.snmp) if known else "")


def to_write(device: PolledDevice, found: Snmp) -> str:
    """Return the lines of agent.yaml that are to be changed so that ``device`` is asked as ``found`` says; empty: none."""
    configured = device.snmp
    changed: dict[str, object] = {}
    if found.version != configured.version:
        changed["version"] = found.version
    for key, names in (("auth", ("protocol",)), ("priv", ("protocol", "extension"))):
        old, new = getattr(configured, key), getattr(found, key)
        if old is not None and new is None:
            changed[key] = None
        elif old is not None and old != new:
            changed[key] = {name: getattr(new, name) for name in names if getattr(new, name) != getattr(old, name)}
    if found.context != configured.context:
        changed["context"] = found.context
    return to_yaml({"devices": {device.id: {"snmp": changed}}}) if changed else ""


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


def _unreachable(device: PolledDevice, language: Language) -> str:
    return language.say(
        vi=f"không tới được: {device.address} không trả lời ping lẫn SNMP: kiểm tra địa chỉ, dây và đường đi",
        en=f"unreachable: {device.address} answers neither ping nor SNMP: check the address, the cable and the route",
    )


def _elsewhere(device: PolledDevice, other: str, language: Language) -> str:
    return language.say(
        vi=f"im lặng: hỏi {device.address} thì {other} trả lời: ghi địa chỉ đó vào address, hoặc sửa địa chỉ nguồn SNMP trên thiết bị",
        en=f"silent: {device.address} is asked, and {other} answers: write that as address, or correct the device's SNMP source address",
    )


def _silent(device: PolledDevice, language: Language) -> str:
    if device.snmp.version != "3":
        return language.say(
            vi="bị từ chối hoặc im lặng: thiết bị trả lời ping nhưng không trả lời SNMP: sai community, hoặc địa chỉ này không được phép",
            en="refused or silent: the device answers ping, but not SNMP: community wrong, or this address not allowed",
        )
    return language.say(
        vi="im lặng: thiết bị trả lời ping nhưng không trả lời SNMPv3: SNMP chưa bật, hoặc địa chỉ này không được phép",
        en="silent: the device answers ping, but not SNMPv3: SNMP is not enabled, or this address not allowed",
    )


def _advice(device: PolledDevice, finding: Finding, language: Language) -> str:
    """Say what the search found and what to write; nothing when it found nothing."""
    user = device.snmp.user
    keys = ", ".join(changes(device.snmp, finding.snmp, language))
    match finding.verdict:
        case "takes" if keys:
            return language.say(
                vi=f"bị từ chối với cấu hình này, nhưng thiết bị chấp nhận {keys}: ghi như vậy vào phần snmp của thiết bị",
                en=f"refused as configured, but the device takes {keys}: write that into the device's snmp section",
            )
        case "takes":
            return language.say(
                vi="lúc đầu không trả lời, hỏi lại thì trả lời đúng cấu hình này: thiết bị chậm hoặc mất gói: tăng poll.timeout",
                en="no answer at first, but one with this very configuration afterwards: slow device or lost packets: raise poll.timeout",
            )
        case "secure":
            return language.say(
                vi=f'im lặng với phiên bản {device.snmp.version}, nhưng thiết bị có SNMPv3: sai community, hoặc ghi version: "3" với user, auth và priv',
                en=f'silent in version {device.snmp.version}, but the device speaks SNMPv3: community wrong, or write version: "3" with user, auth and priv',
            )
        case "user":
            return language.say(
                vi=f"bị từ chối: thiết bị không có người dùng SNMPv3 {user}: sửa snmp.user, hoặc tạo người dùng đó trên thiết bị",
                en=f"refused: the device knows no SNMPv3 user {user}: correct snmp.user, or create that user on the device",
            )
        case "auth":
            return language.say(
                vi=f"bị từ chối: có người dùng {user} nhưng mật khẩu không đúng với thuật toán xác thực nào: sửa snmp.auth.password",
                en=f"refused: user {user} is known, but the password fits no authentication protocol: correct snmp.auth.password",
            )
        case "priv":
            protocol = finding.snmp.auth.protocol if finding.snmp.auth else ""
            return language.say(
                vi=f"bị từ chối: người dùng {user} xác thực đúng (auth.protocol: {protocol}), nhưng mật khẩu mã hóa không đúng với thuật toán nào: sửa snmp.priv.password",
                en=f"refused: user {user} is authenticated (auth.protocol: {protocol}), but the password fits no privacy protocol: correct snmp.priv.password",
            )
        case "wants auth" | "wants priv":
            key = finding.verdict.removeprefix("wants ")
            return language.say(
                vi=f"bị từ chối: có người dùng {user} nhưng thiết bị đòi thêm: ghi thêm snmp.{key} (protocol và password)",
                en=f"refused: user {user} is known, but the device wants more: add snmp.{key} (protocol and password)",
            )
        case "context":
            return language.say(
                vi=f"bị từ chối: người dùng {user} và mật khẩu đúng, nhưng thiết bị không trả lời trong ngữ cảnh {device.snmp.context}: sửa hoặc bỏ snmp.context",
                en=f"refused: user {user} and the passwords are right, but nothing is answered in the context {device.snmp.context}: correct snmp.context, or leave it out",
            )
        case "nothing":
            return ""
        case _:
            assert_never(finding.verdict)


def changes(configured: Snmp, found: Snmp, language: Language) -> list[str]:
    """Return the keys of the section ``snmp`` that are to be changed, as they are written, and those to leave out."""
    keys = [] if found.version == configured.version else [f'version: "{found.version}"']
    without = language.say(vi="không có", en="without")
    if configured.auth and not found.auth:
        keys.append(f"{without} auth")
    elif configured.auth and found.auth and found.auth.protocol != configured.auth.protocol:
        keys.append(f"auth.protocol: {found.auth.protocol}")
    if configured.priv and not found.priv:
        keys.append(f"{without} priv")
    elif configured.priv and found.priv:
        keys += [
            f"priv.{key}: {getattr(found.priv, key)}"
            for key in ("protocol", "extension")
            if getattr(found.priv, key) != getattr(configured.priv, key)
        ]
    if configured.context and not found.context:
        keys.append(f"{without} context")
    return keys


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
                vi=f"bị từ chối: câu hỏi trong ngữ cảnh SNMPv3 {device.snmp.context} không được trả lời: sửa snmp.context, hoặc phần mã hóa (priv)",
                en=f"refused: questions in the SNMPv3 context {device.snmp.context} stay unanswered: correct snmp.context, or the encryption (priv)",
            )
        case _:
            assert_never(error.reason)
