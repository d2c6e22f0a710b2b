"""The trap port under fire: garbage, floods, forged sources, replays; and what it never answers."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import time
from typing import TYPE_CHECKING

import msgspec
import pytest
from structlog.testing import capture_logs

from support import snmp_message as snmp
from support.collector import eventually
from support.notifications import (
    COMMUNITY,
    IF_INDEX,
    LINK_DOWN,
    LINK_UP,
    Listening,
    link_bindings,
    polled,
    run,
    trap_command,
)
from support.processes import free_port
from tslcd_agent.config import Auth, Snmp, Traps
from tslcd_agent.links import trap_engine, traps
from tslcd_runtime.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path

SYS_UP_TIME, TRAP_OID = "1.3.6.1.2.1.1.3.0", "1.3.6.1.6.3.1.1.4.1.0"


def datagram(kind: int, trap: str, request: int, *, community: str = COMMUNITY, index: int = 7) -> bytes:
    """Encode a notification of version 2c: linkDown and its like of an interface."""
    bindings = [
        snmp.binding(snmp.oid(SYS_UP_TIME), snmp.number(1000, snmp.TIME_TICKS)),
        snmp.binding(snmp.oid(TRAP_OID), snmp.oid(trap)),
        snmp.binding(snmp.oid(f"{IF_INDEX}.{index}"), snmp.number(index)),
    ]
    return snmp.message(snmp.V2C, community.encode(), snmp.pdu(kind, request, bindings))


def sender(address: str = "127.0.0.1") -> socket.socket:
    """Return a socket that sends from ``address``, which is any of 127.0.0.0/8."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((address, 0))
    made.settimeout(0)
    return made


async def test_ten_thousand_datagrams_of_garbage_a_second_hide_no_trap(tmp_path: Path) -> None:
    """Garbage from strangers and from the device itself, for two seconds; a trap between it is an event."""
    chance = random.Random(1)  # noqa: S311 - the same garbage in every run
    garbage = [chance.randbytes(chance.randrange(1500)) for _ in range(500)]
    heard = Listening(tmp_path, [polled("fw", "127.0.0.2")], rate=1000)
    async with heard.running():
        with sender() as stranger, sender("127.0.0.2") as device:
            target = ("127.0.0.1", heard.port)
            sent = 0
            for tenth in range(20):
                due = time.monotonic() + 0.1
                for number in range(1000):
                    (device if number % 10 == 0 else stranger).sendto(garbage[sent % 500], target)
                    sent += 1
                    if number % 50 == 0:
                        await asyncio.sleep(0)
                device.sendto(datagram(snmp.TRAP_V2, LINK_DOWN if tenth % 2 == 0 else LINK_UP, tenth), target)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            await eventually(lambda: len(heard.events) > 0)
            device.sendto(datagram(snmp.TRAP_V2, LINK_DOWN, 99), target)
            device.sendto(datagram(snmp.TRAP_V2, LINK_UP, 100), target)
            await eventually(lambda: heard.events[-1:] != [] and heard.events[-1].up)
        assert sum(heard.statistics.refused.values()) > 0
        assert heard.health.stuck() == []


async def test_a_storm_is_cut_and_the_device_is_polled_instead(tmp_path: Path) -> None:
    """What is more than the rate is counted and not decoded; told once, and once when it is over."""
    heard = Listening(tmp_path, [polled()], rate=2)
    with capture_logs() as logs:
        async with heard.running():
            with sender() as device:
                for number in range(300):
                    device.sendto(datagram(snmp.TRAP_V2, LINK_DOWN, number), ("127.0.0.1", heard.port))
                    await asyncio.sleep(0)
                await eventually(lambda: heard.statistics.received + heard.statistics.suppressed == 300)
            assert heard.statistics.received < 50
            assert [one.up for one in heard.events] == [False]
            assert "trap storm" in heard.pollers["fw"].woken
            await eventually(lambda: not heard.listener._gate._storming or heard.listener._queue.empty())
            heard.listener._gate._devices.clear()  # as if its bucket were full again
            with sender() as device:
                device.sendto(datagram(snmp.TRAP_V2, LINK_UP, 301), ("127.0.0.1", heard.port))
                await eventually(lambda: [one.up for one in heard.events] == [False, True])
            await eventually(lambda: any(one["event"] == "trap storm over" for one in logs), 20)
    assert [one["event"] for one in logs].count("more traps than are looked at") == 1


async def test_strangers_and_devices_not_to_be_touched_get_no_answer(tmp_path: Path) -> None:
    """An inform with the right community from an address that is not polled is counted, named once, and left unanswered."""
    heard = Listening(tmp_path, [polled("fw", "127.0.0.2")])
    with capture_logs() as logs:
        async with heard.running():
            with sender() as stranger, sender("127.0.0.2") as device:
                for number in range(3):
                    stranger.sendto(datagram(snmp.INFORM, LINK_DOWN, number), ("127.0.0.1", heard.port))
                device.sendto(datagram(snmp.INFORM, LINK_UP, 9), ("127.0.0.1", heard.port))
                await eventually(lambda: heard.statistics.received == 1)
                answer = await asyncio.get_running_loop().sock_recv(device, 4096)
                assert snmp.decode(answer).request_id == 9
                with pytest.raises(BlockingIOError):
                    stranger.recv(4096)
            assert heard.statistics.refused["source"] == 3
    refused = [(one["source"], one["code"]) for one in logs if one["event"] == "trap refused"]
    assert refused == [("127.0.0.1", "source")]


async def test_a_device_is_heard_from_its_other_addresses_too(tmp_path: Path) -> None:
    """Those of ``trap_sources`` are its own, and answered; the log of any other names that setting."""
    device = msgspec.structs.replace(polled("fw", "127.0.0.2"), trap_sources=("127.0.0.3",))
    heard = Listening(tmp_path, [device])
    with capture_logs() as logs:
        async with heard.running():
            with sender("127.0.0.3") as other, sender("127.0.0.4") as stranger:
                stranger.sendto(datagram(snmp.INFORM, LINK_UP, 1), ("127.0.0.1", heard.port))
                other.sendto(datagram(snmp.INFORM, LINK_DOWN, 9), ("127.0.0.1", heard.port))
                answer = await asyncio.get_running_loop().sock_recv(other, 4096)
                assert snmp.decode(answer).request_id == 9
                await eventually(lambda: [(one.device) for one in heard.readings] == ["fw"])
                assert heard.statistics.refused["source"] == 1
    reasons = [one["reason"] for one in logs if one["event"] == "trap refused"]
    assert reasons == [
        "not the address of a polled device: if it is one of its others, add it to devices.X.trap_sources"
    ]


async def test_an_inform_that_is_sent_again_undoes_nothing(tmp_path: Path) -> None:
    """Its answer was lost: down, up, and down again is the first one once more. It is answered each time."""
    async with Listening(tmp_path, [polled()]).running() as heard:
        loop = asyncio.get_running_loop()
        with sender() as device:
            for trap, request in ((LINK_DOWN, 1), (LINK_UP, 2), (LINK_DOWN, 1), (LINK_UP, 2)):
                device.sendto(datagram(snmp.INFORM, trap, request), ("127.0.0.1", heard.port))
                assert snmp.decode(await loop.sock_recv(device, 4096)).request_id == request
            await eventually(lambda: heard.statistics.received == 4)
        assert [one.up for one in heard.events] == [False, True]


async def test_a_recorded_trap_of_version_3_is_not_believed_again(tmp_path: Path) -> None:
    """The time window of RFC 3414, which the library does not keep; the poller is woken to see what is true."""
    snmp3 = Snmp(version="3", user="tslcd", auth=Auth(protocol="SHA", password=Secret("authentication-pass")))
    words = ["-v3", "-u", "tslcd", "-l", "authNoPriv", "-a", "SHA", "-A", "authentication-pass"]
    times = [("5,1000", True), ("5,900", True), ("5,800", False), ("4,5000", False), ("6,1", True), ("5,2000", False)]
    async with Listening(tmp_path, [polled(snmp=snmp3)]).running() as heard:
        received = refused = 0
        for boots_time, good in times:
            command = trap_command(heard.target, [*words, "-Z", boots_time], LINK_DOWN, link_bindings(7, up=False))
            assert (await run(command, tmp_path))[0] == 0
            received, refused = received + good, refused + (not good)
            await eventually(lambda r=received: heard.statistics.received == r)  # type: ignore[misc]
            await eventually(lambda r=refused: heard.statistics.refused["replay"] == r)  # type: ignore[misc]
        assert heard.pollers["fw"].woken.count("trap refused") == 3


async def test_engines_without_end_and_refusals_without_end_cost_no_memory_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine ids that a user is known under are bounded; an engine that refused much is made anew, and hears on."""
    monkeypatch.setattr(trap_engine, "MAX_ENGINES", 3)
    monkeypatch.setattr(trap_engine, "WORN_AFTER", 5)
    snmp3 = Snmp(version="3", user="tslcd")
    words = ["-v3", "-u", "tslcd", "-l", "noAuthNoPriv"]
    async with Listening(tmp_path, [polled(snmp=snmp3)]).running() as heard:
        for number in range(6):
            command = trap_command(heard.target, words, LINK_DOWN, link_bindings(7, up=False))
            command[command.index("-e") + 1] = f"0x80001f8880c0ffee{number:02x}"
            assert (await run(command, tmp_path))[0] == 0
        await eventually(lambda: heard.statistics.received == 6)
        engine = heard.listener._engines[0][1]
        assert len(engine._windows) == 3
        with sender() as device:
            for number in range(6):
                device.sendto(datagram(snmp.TRAP_V2, LINK_UP, number), ("127.0.0.1", heard.port))
        await eventually(lambda: heard.statistics.refused["credentials"] == 6)
        command = trap_command(heard.target, words, LINK_UP, link_bindings(7, up=True))
        assert (await run(command, tmp_path))[0] == 0
        await eventually(lambda: heard.events[-1].up)
        assert heard.listener._engines[0][1] is not engine


async def test_a_port_that_is_taken_is_told_once_and_had_as_soon_as_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent goes on meanwhile; the reason says who may have it."""
    monkeypatch.setattr(traps, "RETRY_MIN", 0.02)
    monkeypatch.setattr(traps, "RETRY_MAX", 0.02)
    port = free_port(socket.SOCK_DGRAM)
    heard = Listening(tmp_path, [polled()], port=port)
    with capture_logs() as logs:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", port))
            task = asyncio.create_task(heard.listener.run())
            try:
                await eventually(lambda: any(one["event"] == "no traps are heard" for one in logs))
                await asyncio.sleep(0.1)
            except BaseException:
                task.cancel()
                raise
        try:
            await eventually(lambda: any(one["event"] == "listening for traps" for one in logs))
            with sender() as device:
                device.sendto(datagram(snmp.TRAP_V2, LINK_DOWN, 1), ("127.0.0.1", port))
                await eventually(lambda: len(heard.events) == 1)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    told = [one["reason"] for one in logs if one["event"] == "no traps are heard"]
    assert told == [f"port {port} is taken by another program, snmptrapd perhaps: stop it, or use another port"]


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (13, "port 162 is for privileged programs: give the agent CAP_NET_BIND_SERVICE, or another port"),
        (99, "no interface has this address now"),
        (97, "address family not supported by protocol"),
    ],
)
def test_why_a_port_cannot_be_had_is_said_in_plain_words(number: int, reason: str) -> None:
    """With what to do about it, where something can be done."""
    assert traps._reason(OSError(number, os.strerror(number)), 162) == reason


async def test_addresses_of_ipv6_are_heard_beside_those_of_ipv4(tmp_path: Path) -> None:
    """One socket for both, or one each; an IPv4 source is known either way."""
    for addresses in (("::",), ("0.0.0.0", "::")):  # noqa: S104 - the machine's own traps alone are looked at
        heard = Listening(tmp_path, [polled("four", "127.0.0.1"), polled("six", "::1")])
        heard.listener._settings = traps_settings(heard, addresses)
        task = asyncio.create_task(heard.listener.run())
        try:
            with sender() as four, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as six:

                async def heard_both(
                    heard: Listening = heard, four: socket.socket = four, six: socket.socket = six
                ) -> bool:
                    four.sendto(datagram(snmp.TRAP_V2, LINK_DOWN, 1), ("127.0.0.1", heard.port))
                    six.sendto(datagram(snmp.TRAP_V2, LINK_DOWN, 1), ("::1", heard.port))
                    await asyncio.sleep(0.05)
                    return {one.device for one in heard.readings} == {"four", "six"}

                async with asyncio.timeout(20):
                    while not await heard_both():
                        pass
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def traps_settings(heard: Listening, addresses: tuple[str, ...]) -> Traps:
    """Return the listener's settings with other addresses."""
    return msgspec.structs.replace(heard.listener._settings, addresses=addresses)
