"""What the check of a device says, word for word, in both languages, and never a secret."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from support.scripted_session import ScriptedSession, router
from tslcd_agent.config import Auth, Interfaces, PolledDevice, Priv, Snmp
from tslcd_agent.errors import BrokenError, RefusedError, SilentError, SnmpError
from tslcd_agent.snmp.check import check_device, to_write
from tslcd_agent.snmp.credentials import Finding
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
    finding: Finding | None = None,
) -> tuple[bool, str]:
    """Check a scripted device; ``finding``: what the search for other credentials comes to."""
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

    async def find(asked: PolledDevice) -> Finding:
        assert asked == device
        return finding or Finding("nothing", snmp)

    result = await check_device(device, session, reachable=reachable, language=language, find=find)
    assert session.closed == 1
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
            RefusedError("context", "x"),
            Snmp(version="3", user="tslcd", context="vdom-2"),
            True,
            "refused: questions in the SNMPv3 context vdom-2 stay unanswered: correct snmp.context, or the encryption (priv)",
            "bị từ chối: câu hỏi trong ngữ cảnh SNMPv3 vdom-2 không được trả lời: sửa snmp.context, hoặc phần mã hóa (priv)",
        ),
        (
            SilentError("x", answered_from="192.0.2.9"),
            V2C,
            True,
            "silent: 192.0.2.1 is asked, and 192.0.2.9 answers: write that as address, or correct the device's SNMP source address",
            "im lặng: hỏi 192.0.2.1 thì 192.0.2.9 trả lời: ghi địa chỉ đó vào address, hoặc sửa địa chỉ nguồn SNMP trên thiết bị",
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


def taking(**changed: Any) -> Finding:
    """Make the finding that the device takes version 3 with other protocols."""
    assert V3.auth is not None
    assert V3.priv is not None
    auth = msgspec.structs.replace(V3.auth, protocol=changed.get("auth", V3.auth.protocol))
    priv = msgspec.structs.replace(
        V3.priv,
        protocol=changed.get("priv", V3.priv.protocol),
        extension=changed.get("extension", V3.priv.extension),
    )
    return Finding("takes", msgspec.structs.replace(V3, auth=auth, priv=priv))


@pytest.mark.parametrize(
    ("snmp", "finding", "english", "vietnamese"),
    [
        (
            V2C,
            Finding("takes", Snmp(version="1", community=Secret("hidden-word"))),
            'refused as configured, but the device takes version: "1": write that into the device\'s snmp section',
            'bị từ chối với cấu hình này, nhưng thiết bị chấp nhận version: "1": ghi như vậy vào phần snmp của thiết bị',
        ),
        (
            V2C,
            Finding("secure", V2C),
            'silent in version 2c, but the device speaks SNMPv3: community wrong, or write version: "3" with user, auth and priv',
            'im lặng với phiên bản 2c, nhưng thiết bị có SNMPv3: sai community, hoặc ghi version: "3" với user, auth và priv',
        ),
        (
            V3,
            taking(auth="SHA", priv="AES-256", extension="reeder"),
            (
                "refused as configured, but the device takes auth.protocol: SHA, priv.protocol: AES-256, priv.extension: reeder: "
                "write that into the device's snmp section"
            ),
            (
                "bị từ chối với cấu hình này, nhưng thiết bị chấp nhận auth.protocol: SHA, priv.protocol: AES-256, "
                "priv.extension: reeder: ghi như vậy vào phần snmp của thiết bị"
            ),
        ),
        (
            V3,
            Finding("takes", Snmp(version="3", user="tslcd")),
            "refused as configured, but the device takes without auth, without priv: write that into the device's snmp section",
            "bị từ chối với cấu hình này, nhưng thiết bị chấp nhận không có auth, không có priv: ghi như vậy vào phần snmp của thiết bị",
        ),
        (
            V3,
            Finding("takes", V3),
            "no answer at first, but one with this very configuration afterwards: slow device or lost packets: raise poll.timeout",
            "lúc đầu không trả lời, hỏi lại thì trả lời đúng cấu hình này: thiết bị chậm hoặc mất gói: tăng poll.timeout",
        ),
        (
            V3,
            Finding("user", V3),
            "refused: the device knows no SNMPv3 user tslcd: correct snmp.user, or create that user on the device",
            "bị từ chối: thiết bị không có người dùng SNMPv3 tslcd: sửa snmp.user, hoặc tạo người dùng đó trên thiết bị",
        ),
        (
            V3,
            Finding("auth", V3),
            "refused: user tslcd is known, but the password fits no authentication protocol: correct snmp.auth.password",
            "bị từ chối: có người dùng tslcd nhưng mật khẩu không đúng với thuật toán xác thực nào: sửa snmp.auth.password",
        ),
        (
            V3,
            Finding("priv", V3),
            (
                "refused: user tslcd is authenticated (auth.protocol: SHA-256), but the password fits no privacy protocol: "
                "correct snmp.priv.password"
            ),
            (
                "bị từ chối: người dùng tslcd xác thực đúng (auth.protocol: SHA-256), nhưng mật khẩu mã hóa không đúng với "
                "thuật toán nào: sửa snmp.priv.password"
            ),
        ),
        (
            msgspec.structs.replace(V3, context="vdom-9"),
            Finding("context", V3),
            "refused: user tslcd and the passwords are right, but nothing is answered in the context vdom-9: correct snmp.context, or leave it out",
            "bị từ chối: người dùng tslcd và mật khẩu đúng, nhưng thiết bị không trả lời trong ngữ cảnh vdom-9: sửa hoặc bỏ snmp.context",
        ),
        (
            V3,
            Finding("wants priv", V3),
            "refused: user tslcd is known, but the device wants more: add snmp.priv (protocol and password)",
            "bị từ chối: có người dùng tslcd nhưng thiết bị đòi thêm: ghi thêm snmp.priv (protocol và password)",
        ),
    ],
)
@pytest.mark.parametrize("error", [SilentError("x"), RefusedError("user", "x")], ids=["silent", "refused"])
async def test_what_the_device_takes_instead_is_said_as_it_is_written(
    error: SnmpError, snmp: Snmp, finding: Finding, english: str, vietnamese: str
) -> None:
    """The keys and values of the settings, so that a technician copies them."""
    assert await say(failing(error), snmp=snmp, finding=finding) == (False, english)
    assert await say(failing(error), snmp=snmp, finding=finding, language=Language.VI) == (False, vietnamese)


@pytest.mark.parametrize(
    ("configured", "found", "lines"),
    [
        (V2C, Snmp(version="1", community=Secret("hidden-word")), '      version: "1"\n'),
        (
            msgspec.structs.replace(V3, context="vdom-9"),
            taking(auth="MD5", priv="AES-256", extension="reeder").snmp,
            (
                "      auth:\n        protocol: MD5\n"
                "      priv:\n        protocol: AES-256\n        extension: reeder\n"
                "      context: null\n"
            ),
        ),
        (V3, Snmp(version="3", user="tslcd"), "      auth: null\n      priv: null\n"),
    ],
)
def test_the_lines_to_write_are_yaml_of_what_changes(configured: Snmp, found: Snmp, lines: str) -> None:
    """Nothing but the keys that change, under their parents, and never a secret."""
    device = PolledDevice(
        id="fw",
        address="192.0.2.1",
        port=161,
        snmp=configured,
        interfaces=Interfaces(),
        interval=30,
        timeout=1,
        retries=1,
        budget=5,
    )
    assert to_write(device, found) == f"devices:\n  fw:\n    snmp:\n{lines}"
    assert to_write(device, configured) == ""
