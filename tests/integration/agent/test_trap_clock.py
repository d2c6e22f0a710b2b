"""Traps that look old: refused and named, and heard again once the device itself says that it lost count of its starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from support.collector import eventually
from support.notifications import (
    COMMUNITY,
    LINK_DOWN,
    LINK_UP,
    SENDER_ENGINE,
    Listening,
    link_bindings,
    polled,
    run,
    trap_command,
)
from support.processes import free_port
from support.snmpd import V3_AUTH, V3_PRIV, V3_USER, Snmpd
from tslcd_agent.config import Auth, Priv, Snmp
from tslcd_agent.links import traps
from tslcd_agent.links.engine_clock import ASK_AGAIN, ClockQuestions
from tslcd_agent.snmp.session import Traffic
from tslcd_runtime.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tslcd_agent.snmp.session import Value

SECURE = Snmp(
    version="3",
    user=V3_USER,
    auth=Auth(protocol="SHA", password=Secret(V3_AUTH)),
    priv=Priv(protocol="AES", password=Secret(V3_PRIV)),
)
WORDS = ["-v3", "-u", V3_USER, "-l", "authPriv", "-a", "SHA", "-A", V3_AUTH, "-x", "AES", "-X", V3_PRIV]


def daemon(directory: Path) -> Snmpd:
    """Return a device with the engine that sends the traps, at its first start."""
    made = Snmpd(directory / "snmpd")
    made.add(f"exactEngineID {SENDER_ENGINE}")
    return made


async def send(heard: Listening, directory: Path, boots_time: str, *, up: bool) -> None:
    """Send a link trap of the engine with these boots and time."""
    kind = LINK_UP if up else LINK_DOWN
    command = trap_command(heard.target, [*WORDS, "-Z", boots_time], kind, link_bindings(7, up=up))
    code, said = await run(command, directory)
    assert code == 0, said


async def test_a_device_that_forgot_how_often_it_started_is_asked_and_heard_again(tmp_path: Path) -> None:
    """Its first trap after that stays refused, however authentic; then its own answer counts, and the log says so once."""
    device = daemon(tmp_path)
    with device.running(), capture_logs() as logs:
        heard = Listening(tmp_path, [polled(snmp=SECURE, port=device.port)])
        async with heard.running():
            await send(heard, tmp_path, "50,1000", up=False)
            await eventually(lambda: [one.up for one in heard.events] == [False])
            await send(heard, tmp_path, "1,1000", up=True)
            await eventually(lambda: any(one["event"] == "device lost count of its starts" for one in logs))
            assert [one.up for one in heard.events] == [False]
            assert heard.statistics.activity()["traps_replayed_total"] == 1
            await send(heard, tmp_path, "1,1001", up=True)
            await eventually(lambda: [one.up for one in heard.events] == [False, True])
    refused = [str(one["reason"]) for one in logs if one["event"] == "trap refused"]
    assert refused == [
        (
            "older than the time window of SNMPv3 allows: somebody sends it again, or the device forgot how often it"
            " started, which it is now asked"
        )
    ]
    lost = [one for one in logs if one["event"] == "device lost count of its starts"]
    assert [(one["device"], one["boots"]) for one in lost] == [("fw", 1)]


class Knowing:
    """A device that knows its count, and counts how often it is asked."""

    def __init__(self) -> None:
        """Nobody asked."""
        self.asked = 0
        self.traffic = Traffic()

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Say who it is, with what the agent knows of it already."""
        self.asked += 1
        return dict(zip(oids, (bytes.fromhex(SENDER_ENGINE.removeprefix("0x")), 7, 1010), strict=True))

    async def walk(self, column: str, limit: int, *, repetitions: int = 25) -> dict[str, Value]:
        """Say nothing more."""
        del column, limit, repetitions
        return {}

    async def close(self) -> None:
        """Have nothing to close."""


async def test_a_recorded_trap_is_refused_still_while_its_device_knows_its_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device was asked once for both, says what is known, and nothing changes."""
    device = Knowing()
    monkeypatch.setattr(traps, "open_session", lambda _: device)
    heard = Listening(tmp_path, [polled(snmp=SECURE)])
    with capture_logs() as logs:
        async with heard.running():
            await send(heard, tmp_path, "7,1000", up=False)
            await eventually(lambda: [one.up for one in heard.events] == [False])
            for refused in (1, 2):
                await send(heard, tmp_path, "5,9000", up=True)
                await eventually(lambda r=refused: heard.statistics.refused["replay"] == r)  # type: ignore[misc]
            await send(heard, tmp_path, "7,1011", up=True)
            await eventually(lambda: [one.up for one in heard.events] == [False, True])
    assert device.asked == 1
    assert not [one for one in logs if one["event"].startswith("device ")]


async def test_a_device_that_cannot_be_asked_stays_refused_and_the_log_says_what_to_do(tmp_path: Path) -> None:
    """Nobody listens at its port; traps of others are not held up."""
    with capture_logs() as logs:
        heard = Listening(tmp_path, [polled(snmp=SECURE, port=free_port())])
        async with heard.running():
            await send(heard, tmp_path, "50,1000", up=False)
            await send(heard, tmp_path, "2,1000", up=True)
            await eventually(lambda: any(one["event"] == "device not asked for its SNMPv3 clock" for one in logs))
            assert [one.up for one in heard.events] == [False]
    said = next(one for one in logs if one["event"] == "device not asked for its SNMPv3 clock")
    assert said["device"] == "fw"
    assert str(said["reason"]).endswith(": its old traps stay refused; reload the settings to begin anew")


def test_a_device_is_asked_once_a_minute_and_only_where_answers_are_authentic() -> None:
    """Replays cost a device one question a minute; without authentication anybody could answer."""
    questions = ClockQuestions()
    device = polled(snmp=SECURE)
    assert [questions.may_ask(device, now) for now in (5.0, 6.0, 5.0 + ASK_AGAIN)] == [True, False, True]
    assert not questions.may_ask(polled("open", snmp=Snmp(version="3", user=V3_USER)), 0.0)
    assert not questions.may_ask(polled("old"), 0.0)


@pytest.mark.parametrize(
    ("snmp", "words", "remedy"),
    [
        (SECURE, ["-v2c", "-c", COMMUNITY], "came in version 2c, devices.X.snmp says 3: have the device send its traps as SNMPv3"),
        (SECURE, ["-v1", "-c", COMMUNITY], "came in version 1, devices.X.snmp says 3: have the device send its traps as SNMPv3"),
        (None, WORDS, "came in version 3, devices.X.snmp says 1 or 2c: set one of both right"),
    ],
    ids=["2c to 3", "1 to 3", "3 to 2c"],
)  # fmt: skip
async def test_a_trap_of_another_version_than_the_settings_is_named_with_its_remedy(
    tmp_path: Path, snmp: Snmp | None, words: list[str], remedy: str
) -> None:
    """It is refused as bad credentials, once in the log."""
    with capture_logs() as logs:
        heard = Listening(tmp_path, [polled(snmp=snmp)])
        async with heard.running():
            for refused in (1, 2):
                await run(trap_command(heard.target, words, LINK_DOWN, link_bindings(7, up=False)), tmp_path)
                await eventually(lambda r=refused: heard.statistics.refused["credentials"] == r)  # type: ignore[misc]
    reasons = [str(one["reason"]) for one in logs if one["event"] == "trap refused"]
    assert len(reasons) == 1
    assert reasons[0].startswith(remedy)
