"""What the check of a device says, word for word, in both languages, and never a secret."""

from __future__ import annotations

import pytest

from support.scripted_session import ScriptedSession, router
from tslcd_agent.config import Auth, Interfaces, PolledDevice, Priv, Snmp
from tslcd_agent.errors import BrokenError, RefusedError, SilentError, SnmpError
from tslcd_agent.snmp.check import check_device
from tslcd_runtime.language import Language
from tslcd_runtime.secret import Secret

V2C = Snmp(community=Secret("hidden-word"))
V3 = Snmp(
    version="3",
    user="tslcd",
    auth=Auth(password=Secret("hidden-word")),
    priv=Priv(password=Secret("hidden-word")),
)


async def say(
    session: ScriptedSession,
    *,
    snmp: Snmp = V2C,
    alive: bool = True,
    language: Language = Language.EN,
    budget: float = 5.0,
) -> tuple[bool, str]:
    """Check a scripted device."""
    device = PolledDevice(
        id="fw",
        address="192.0.2.1",
        port=161,
        snmp=snmp,
        interfaces=Interfaces(),
        interval=30,
        timeout=1,
        retries=1,
        budget=budget,
    )

    async def reachable(address: str, wait: float) -> bool:
        assert (address, wait) == ("192.0.2.1", 1)
        return alive

    result = await check_device(device, session, reachable=reachable, language=language)
    assert result.name == "fw"
    assert "hidden-word" not in result.message
    return result.ok, result.message


def failing(error: SnmpError | None, after: int = 0) -> ScriptedSession:
    """Make a device that fails after some answers."""
    session = router(2)
    session.failure, session.fail_after = error, after
    return session


async def test_a_good_device_is_named_and_counted() -> None:
    """SysName, number of interfaces, time."""
    ok, message = await say(router(3))
    assert ok
    assert message.startswith("answers SNMP: rt-1, 3 interfaces, read in 0.")
    _, message = await say(router(3), language=Language.VI)
    assert message.startswith("trả lời SNMP: rt-1, 3 giao diện, đọc trong 0.")


@pytest.mark.parametrize(
    ("error", "snmp", "alive", "english", "vietnamese"),
    [
        (
            SilentError("x"),
            V2C,
            True,
            "refused or silent: the device answers ping, but not SNMP: community wrong, or this address not allowed",
            "bị từ chối hoặc im lặng: thiết bị trả lời ping nhưng không trả lời SNMP: sai community, hoặc địa chỉ này không được phép",
        ),
        (
            SilentError("x"),
            V3,
            True,
            "silent: the device answers ping, but not SNMPv3: SNMP is not enabled, or this address not allowed",
            "im lặng: thiết bị trả lời ping nhưng không trả lời SNMPv3: SNMP chưa bật, hoặc địa chỉ này không được phép",
        ),
        (
            SilentError("x"),
            V2C,
            False,
            "unreachable: 192.0.2.1 answers neither ping nor SNMP: check the address, the cable and the route",
            "không tới được: 192.0.2.1 không trả lời ping lẫn SNMP: kiểm tra địa chỉ, dây và đường đi",
        ),
        (
            RefusedError("port", "x"),
            V2C,
            True,
            "refused: port 161 of 192.0.2.1 is closed: SNMP is not enabled, or on another port",
            "bị từ chối: cổng 161 của 192.0.2.1 đóng: SNMP chưa bật, hoặc ở cổng khác",
        ),
        (
            RefusedError("user", "x"),
            V3,
            True,
            "refused: authentication refused for user tslcd: name, password, protocol or security level wrong",
            "bị từ chối: xác thực SNMPv3 của người dùng tslcd thất bại: sai tên, mật khẩu, thuật toán hoặc mức bảo mật",
        ),
        (
            RefusedError("privacy", "x"),
            V3,
            True,
            "refused: encrypted questions of user tslcd stay unanswered: privacy password or protocol wrong (priv)",
            "bị từ chối: người dùng tslcd gửi câu hỏi mã hóa mà không được trả lời: sai mật khẩu hoặc thuật toán mã hóa (priv)",
        ),
        (
            BrokenError("not BER"),
            V2C,
            True,
            "answers on port 161 that cannot be understood: is that SNMP? (not BER)",
            "trả lời không hiểu được trên cổng 161: đó có phải là SNMP không? (not BER)",
        ),
    ],
)
async def test_every_failure_is_said_plainly(
    error: SnmpError, snmp: Snmp, alive: bool, english: str, vietnamese: str
) -> None:
    """What happened, to what, and what to do now."""
    assert await say(failing(error), snmp=snmp, alive=alive) == (False, english)
    assert await say(failing(error), snmp=snmp, alive=alive, language=Language.VI) == (False, vietnamese)


async def test_a_device_that_hangs_is_silent_after_its_budget() -> None:
    """The check ends, too."""
    ok, message = await say(failing(None), budget=0.05)
    assert not ok
    assert message.startswith("refused or silent:")


async def test_a_slow_device_is_told_from_a_silent_one() -> None:
    """It answered, but not in time."""
    ok, message = await say(failing(None, after=3), budget=0.05)
    assert not ok
    assert message.startswith("answers SNMP, but could not be read whole in 0.")
    assert message.endswith("raise poll.timeout or poll.budget")
