"""Net-SNMP's snmptrap, snmpinform and snmpd speak to our listener: every version, every level, right and wrong."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.collector import eventually
from support.namespace import Namespace
from support.notifications import (
    COLD_START,
    COMMUNITY,
    IF_DESCR,
    IF_INDEX,
    IF_OPER_STATUS,
    LINK_DOWN,
    LINK_UP,
    Listening,
    link_bindings,
    polled,
    run,
    trap_command,
)
from support.processes import Program, find_program, free_port, running, wait_until
from tslcd_agent.config import Auth, Priv, Snmp
from tslcd_runtime.secret import Secret

if TYPE_CHECKING:
    from typing import Any

AUTH_PASSWORD, PRIV_PASSWORD = "authentication-pass", "privacy-pass"
USER = "tslcd"
V1, V2C = ["-v1", "-c", COMMUNITY], ["-v2c", "-c", COMMUNITY]


def secure(auth: str | None, priv: str | None, extension: Any = "blumenthal") -> tuple[Snmp, list[str]]:
    """Return a device's settings of version 3 and the words of snmptrap(1) that fit them."""
    words = ["-v3", "-u", USER, "-l", "authPriv" if priv else "authNoPriv" if auth else "noAuthNoPriv"]
    settings: dict[str, Any] = {"version": "3", "user": USER}
    if auth:
        settings["auth"] = Auth(protocol=auth, password=Secret(AUTH_PASSWORD))  # type: ignore[arg-type]
        words += ["-a", auth, "-A", AUTH_PASSWORD]
    if priv:
        settings["priv"] = Priv(protocol=priv, password=Secret(PRIV_PASSWORD), extension=extension)  # type: ignore[arg-type]
        words += ["-x", priv, "-X", PRIV_PASSWORD]
    return Snmp(**settings), words


COMMUNITIES = Snmp(community=Secret(COMMUNITY))
AUTHS = ("MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512")
PRIVS = ("DES", "AES", "AES-192", "AES-256")
LEVELS = [
    (None, None),
    *((auth, None) for auth in AUTHS),
    *(("SHA-256", priv) for priv in PRIVS),
    ("MD5", "DES"),
    ("SHA", "AES-192"),
    ("SHA", "AES-256"),
    ("SHA-512", "AES-256"),
]


@pytest.mark.parametrize("version", [V1, V2C], ids=["v1", "v2c"])
async def test_link_traps_of_versions_with_a_community_are_events(tmp_path: Path, version: list[str]) -> None:
    """Down and up, by ifIndex alone: generic traps 2 and 3 of version 1 are linkDown and linkUp."""
    async with Listening(tmp_path, [polled()]).running() as heard:
        for kind, up in ((LINK_DOWN, False), (LINK_UP, True)):
            code, said = await run(trap_command(heard.target, version, kind, link_bindings(7, up=up)), tmp_path)
            assert code == 0, said
            await eventually(lambda up=up: [one.up for one in heard.events][-1:] == [up])  # type: ignore[misc]
        assert [(one.key, one.up, one.source) for one in heard.events] == [
            ("wan1", False, "trap"),
            ("wan1", True, "trap"),
        ]
        await eventually(lambda: heard.pollers["fw"].woken == ["linkDown", "linkUp"])
        assert heard.statistics.received == 2
        assert sum(heard.statistics.refused.values()) == 0


@pytest.mark.parametrize("priv", ["AES-192", "AES-256"])
async def test_keys_of_reeders_extension_are_understood(tmp_path: Path, priv: str) -> None:
    """What Cisco and many others send: snmptrap(1) calls it AES-192-C and AES-256-C. Trap and inform alike."""
    snmp, words = secure("SHA", priv, "reeder")
    words[words.index("-x") + 1] = f"{priv}-C"
    async with Listening(tmp_path, [polled(snmp=snmp)]).running() as heard:
        for inform, kind, up in ((False, LINK_DOWN, False), (True, LINK_UP, True)):
            command = trap_command(heard.target, words, kind, link_bindings(7, up=up), inform=inform)
            code, said = await run(command, tmp_path)
            assert code == 0, said
            await eventually(lambda up=up: [one.up for one in heard.events][-1:] == [up])  # type: ignore[misc]
        assert (heard.statistics.received, sum(heard.statistics.refused.values())) == (2, 0)


@pytest.mark.parametrize(("auth", "priv"), LEVELS, ids=lambda value: value or "none")
async def test_version_3_is_understood_at_every_level(tmp_path: Path, auth: str | None, priv: str | None) -> None:
    """Traps come from an engine nobody told us of; informs go to ours, after discovery, and are acknowledged."""
    snmp, words = secure(auth, priv)
    async with Listening(tmp_path, [polled(snmp=snmp)]).running() as heard:
        trap = trap_command(heard.target, words, LINK_DOWN, link_bindings(7, up=False))
        assert (await run(trap, tmp_path))[0] == 0
        await eventually(lambda: [one.up for one in heard.events] == [False])
        inform = trap_command(heard.target, words, LINK_UP, link_bindings(7, up=True), inform=True)
        code, said = await run(inform, tmp_path)
        assert code == 0, said
        await eventually(lambda: [one.up for one in heard.events] == [False, True])
        assert sum(heard.statistics.refused.values()) == 0
        assert heard.statistics.received == 2


async def test_an_inform_of_version_2c_is_acknowledged(tmp_path: Path) -> None:
    """The command snmpinform exits with 0 when it was answered."""
    async with Listening(tmp_path, [polled()]).running() as heard:
        command = trap_command(heard.target, V2C, COLD_START, [], inform=True)
        assert (await run(command, tmp_path))[0] == 0
        await eventually(lambda: heard.pollers["fw"].woken == ["coldStart"])
        assert heard.events == []


@pytest.mark.parametrize(
    ("snmp", "words", "code"),
    [
        (COMMUNITIES, ["-v2c", "-c", "private"], "credentials"),
        (COMMUNITIES, ["-v1", "-c", "private"], "credentials"),
        (secure("SHA", None)[0], V2C, "credentials"),
        (secure("SHA", None)[0], ["-v3", "-u", "other", "-l", "authNoPriv", "-a", "SHA", "-A", AUTH_PASSWORD], "credentials"),
        (secure("SHA", None)[0], ["-v3", "-u", USER, "-l", "authNoPriv", "-a", "SHA", "-A", "another-password"], "credentials"),
        (secure("SHA", None)[0], ["-v3", "-u", USER, "-l", "noAuthNoPriv"], "level"),
        (secure("SHA", "AES")[0], secure("SHA", None)[1], "level"),
        (secure("SHA", "AES")[0], [*secure("SHA", "AES")[1][:-1], "another-password"], "credentials"),
        (COMMUNITIES, secure("SHA", "AES")[1], "credentials"),
    ],
    ids=["community", "community v1", "v2c to v3", "user", "password", "no auth", "no priv", "privacy", "v3 to v2c"],
)  # fmt: skip
async def test_wrong_credentials_are_refused_and_never_acknowledged(
    tmp_path: Path, snmp: Snmp, words: list[str], code: str
) -> None:
    """Whatever is wrong, nothing is told, nobody is woken, and the inform fails at its sender."""
    async with Listening(tmp_path, [polled(snmp=snmp)]).running() as heard:
        for inform in (False, True):
            if inform and "-v1" in words:
                continue  # version 1 has no informs
            command = trap_command(heard.target, words, LINK_DOWN, link_bindings(7, up=False), inform=inform)
            command[command.index("-t") + 1] = "0.5"
            exit_code, _ = await run(command, tmp_path)
            assert bool(exit_code) is inform
        await eventually(lambda: sum(heard.statistics.refused.values()) > 0)
        refused = {name for name, count in heard.statistics.refused.items() if count}
        assert refused == {code}
        assert (heard.events, heard.pollers["fw"].woken, heard.statistics.received) == ([], [], 0)


async def test_informs_go_on_after_our_restart(tmp_path: Path) -> None:
    """The engine id stays and its boots grow, so a sender that remembers us finds us younger, not a replay."""
    snmp, words = secure("SHA-256", "AES")
    command: list[str] = []
    port = 0
    for _ in range(3):
        heard = Listening(tmp_path, [polled(snmp=snmp)], port=port)
        port = heard.port
        async with heard.running():
            command = trap_command(heard.target, words, LINK_DOWN, link_bindings(7, up=False), inform=True)
            assert (await run(command, tmp_path))[0] == 0
            await eventually(lambda heard=heard: len(heard.events) == 1)  # type: ignore[misc]
    assert '"boots": 3' in (tmp_path / "engine.json").read_text()


async def test_devices_with_one_user_and_different_passwords_are_told_apart(tmp_path: Path) -> None:
    """Two devices behind one address: the one whose credentials fit has said it."""
    one, one_words = secure("SHA", None)
    other = Snmp(version="3", user=USER, auth=Auth(protocol="SHA", password=Secret("another-password")))
    other_words = [*one_words[:-1], "another-password"]
    devices = [polled("a", snmp=one, port=161), polled("b", snmp=other, port=1161)]
    async with Listening(tmp_path, devices).running() as heard:
        for words in (one_words, other_words):
            command = trap_command(heard.target, words, LINK_DOWN, link_bindings(7, up=False))
            assert (await run(command, tmp_path))[0] == 0
        await eventually(lambda: [one.device for one in heard.readings] == ["a", "b"])


#: Listens inside the namespace, and writes a line for every event and for what wakes the poller.
LISTENER = """
import asyncio, pathlib, sys
from support.notifications import Listening, ScriptedPoller, polled
from test_trap_interop import COMMUNITIES, secure

async def main(version, port, directory):
    snmp = secure("SHA", "AES")[0] if version == "v3" else COMMUNITIES
    heard = Listening(pathlib.Path(directory), [polled(snmp=snmp)], port=port)
    heard.pollers["fw"] = ScriptedPoller()
    async with heard.running():
        while True:
            lines = [f"{one.key} {one.up}" for one in heard.events] + heard.pollers["fw"].woken
            refused = sum(heard.statistics.refused.values())
            print("|".join([*lines, f"refused {refused}"]), flush=True)
            await asyncio.sleep(0.1)

asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
"""


@pytest.mark.parametrize("version", ["v2c", "v3"])
def test_a_real_daemon_tells_of_a_link_that_goes_down(tmp_path: Path, version: str) -> None:
    """The daemon watches its own interfaces and sends linkDown and linkUp by itself; in version 3 as informs."""
    words = secure("SHA", "AES")[1] if version == "v3" else V2C
    port = free_port(socket.SOCK_DGRAM)
    with Namespace("trap").existing() as site:
        site.ip("link", "add", "wan1", "type", "veth", "peer", "name", "far")
        for name in ("wan1", "far"):
            site.ip("link", "set", name, "up")
        paths = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), str(Path(__file__).parent)])}
        command = [*site.prefix, sys.executable, "-c", LISTENER, version, str(port), str(tmp_path)]
        listener = Program(command, tmp_path / "listener.log", env=paths)
        daemon = _daemon(tmp_path, site, version, words, f"127.0.0.1:{port}")

        def said() -> list[str]:
            lines = [line for line in listener.output().splitlines() if line.endswith(tuple("0123456789"))]
            return lines[-1].split("|") if lines else []

        with running(listener, said, 20), running(daemon, lambda: "coldStart" in said(), 20):
            # what it finds at its start, it tells too
            wait_until(lambda: "wan1 True" in said(), 30, "wan1 up")
            site.ip("link", "set", "far", "down")
            wait_until(lambda: "wan1 False" in said(), 30, "wan1 down")
            site.ip("link", "set", "far", "up")
            wait_until(lambda: said().count("wan1 True") == 2, 30, "wan1 up again")
            assert said()[-1] == "refused 0"


def _daemon(directory: Path, site: Namespace, version: str, words: list[str], target: str) -> Program:
    """Return an snmpd that looks at its interfaces every second and sends to ``target``."""
    inform = "-Ci " if version == "v3" else ""
    configuration = directory / "snmpd.conf"
    configuration.write_text(
        f"rocommunity {COMMUNITY}\ntrapsess {inform}{' '.join(words)} {target}\n"
        "createUser monitor SHA internal-password\nrouser monitor noauth\niquerySecName monitor\n"
        f"notificationEvent down .{LINK_DOWN} .{IF_INDEX} .{IF_OPER_STATUS} .{IF_DESCR}\n"
        f"notificationEvent up .{LINK_UP} .{IF_INDEX} .{IF_OPER_STATUS} .{IF_DESCR}\n"
        f'monitor -r 1 -e up "up" .{IF_OPER_STATUS} != 2\nmonitor -r 1 -e down "down" .{IF_OPER_STATUS} == 2\n'
    )
    command = [find_program("snmpd"), "-f", "-C", "-c", str(configuration), "-Le", "-p", str(directory / "pid")]
    environment = {"SNMP_PERSISTENT_DIR": str(directory / "persistent"), "MIBS": ""}
    return Program([*site.prefix, *command, "udp:127.0.0.1:1161"], directory / "snmpd.log", env=environment)
