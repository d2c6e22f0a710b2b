"""Values of recorded devices, served by snmpsim, equal to what Net-SNMP's ``snmpget`` makes of them, through both engines."""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest

from support.processes import find_program
from support.replayed import data
from support.simulator import Simulator
from tslcd_agent.config import Interfaces, PolledDevice, Snmp
from tslcd_agent.snmp.gufo_engine import GufoSession
from tslcd_agent.snmp.pysnmp_engine import PysnmpSession
from tslcd_runtime.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tslcd_agent.snmp.session import Value

SEED = 3
SAMPLE = 1000
TOGETHER = 40
#: Small enough to be indexed in a second, of different makers, and with every type of value.
RECORDINGS = (
    "network/firewall/paloalto-pa-5000",
    "network/firewall/topsec-ngfw4000-uf",
    "network/router/cisco-unmarked-0",
    "network/switch/dlink-des3038",
    "UPS/eaton-93e-80",
    "os/linux/sangfor",
    "os/windows/XP",
    "network/wifi/aruba-7010",
)
_TYPED = re.compile(r"^(?P<type>[A-Za-z0-9-]+(?: Address)?): ?(?P<text>.*)$", re.DOTALL)


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Run snmpsim with the recordings, each a community with the last part of its name."""
    made = Simulator(tmp_path_factory.mktemp("recordings"))
    for name in RECORDINGS:
        shutil.copy(data() / f"{name}.snmprec.bz2", made.data / f"{name.rpartition('/')[2]}.snmprec.bz2")
    with made.running():
        yield made


def shown(value: Value) -> set[str]:
    """Write a value as ``snmpget -Oxt`` may: what Net-SNMP calls a number depends on its type, which is not handed over."""
    if isinstance(value, bytes):
        if value[:3] == b"\x9f\x78\x04":
            return {f"{struct.unpack('>f', value[3:])[0]:f}"}
        return {value.hex()}
    return {str(value)}


def read_as_net_snmp(text: str) -> str | None:
    """Return what a line of ``snmpget -OneUxt`` says in the form of :func:`shown`; None for what does not exist."""
    if text.startswith("No Such") or text == "NULL":
        return None
    if text == '""':
        return ""
    typed = _TYPED.match(text)
    if typed is None:
        return text  # TimeTicks
    match typed["type"]:
        case "Hex-STRING" | "STRING" | "BITS":
            return typed["text"].strip('"').replace(" ", "").replace("\n", "").lower()
        case "OID":
            return typed["text"].removeprefix(".")
        case "Network Address":
            return ".".join(str(int(part, 16)) for part in typed["text"].split(":"))
        case "Opaque":
            return typed["text"].rpartition(" ")[2]
        case _:
            return typed["text"].strip()


async def snmpget(port: int, community: str, oids: Sequence[str]) -> dict[str, str | None]:
    """Ask Net-SNMP."""
    options = ["-v2c", "-c", community, "-m", "", "-OneUxt", "-t", "5", "-r", "1"]
    process = await asyncio.create_subprocess_exec(
        find_program("snmpget"), *options, f"127.0.0.1:{port}", *oids, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, error = await process.communicate()
    assert process.returncode == 0, error
    answers = re.split(r"^\.(?=1\.)", out.decode(errors="replace"), flags=re.MULTILINE)[1:]
    pairs = [answer.rstrip("\n").partition(" = ") for answer in answers]
    return {oid: read_as_net_snmp(text) for oid, _, text in pairs}


def names(simulator: Simulator, community: str) -> list[str]:
    """Return the names in a recording, whatever their type."""
    import bz2  # noqa: PLC0415 - only here

    lines = bz2.decompress((simulator.data / f"{community}.snmprec.bz2").read_bytes()).splitlines()
    return [line.partition(b"|")[0].decode() for line in lines if line[:2] == b"1."]


async def test_a_thousand_values_are_what_snmpget_says(simulator: Simulator) -> None:
    """Random names of eight recordings: every value of both engines is the one that Net-SNMP shows."""
    chance = random.Random(SEED)  # noqa: S311 - the same sample every time is the point
    different = []
    compared = 0
    kinds: set[type] = set()
    for name in RECORDINGS:
        community = name.rpartition("/")[2]
        every = names(simulator, community)
        sample = chance.sample(every, min(len(every), SAMPLE // len(RECORDINGS)))
        device = PolledDevice(
            id="rt",
            address="127.0.0.1",
            port=simulator.port,
            snmp=Snmp(community=Secret(community)),
            interfaces=Interfaces(),
            interval=30,
            timeout=5,
            retries=1,
            budget=20,
        )
        sessions = (GufoSession(device), PysnmpSession(device))
        for start in range(0, len(sample), TOGETHER):
            oids = sample[start : start + TOGETHER]
            truth = await snmpget(simulator.port, community, oids)
            assert set(truth) == set(oids)
            first, second = [await session.get(oids) for session in sessions]
            assert first == second
            compared += len(oids)
            kinds |= {type(value) for value in first.values()}
            for oid, text in truth.items():
                ours = shown(first[oid]) if oid in first else {None}
                if text not in ours:
                    different.append(f"{community} {oid}: {ours} is {text}")
        for session in sessions:
            await session.close()
    assert different == []
    assert compared == SAMPLE
    assert kinds == {int, bytes, str}
