"""Simulated devices: recordings of real routers and firewalls, with counters that move.

The recordings come with the package snmpsim-data (BSD licence, Copyright Ilya Etingof and contributors); none is in this
repository. Of each, the system group, the interface table and its extension are taken, and what the profiles read of sessions,
pairs, sensors, batteries and load, every row as it was recorded; only what stood still in the recording is set in motion: uptime
runs and counters grow, each at a rate of its own. The operational state of interfaces can be written with SNMP SET, which is how a check takes a simulated port down.
"""

from __future__ import annotations

import asyncio
import bz2
import hashlib
import importlib.resources
import os
import sys
from typing import TYPE_CHECKING, Final

from pysnmp.hlapi.v3arch import asyncio as snmp

from province.parts import DemoError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_SYSTEM: Final = "1.3.6.1.2.1.1."
_IF: Final = "1.3.6.1.2.1.2.2.1."
_IFX: Final = "1.3.6.1.2.1.31.1.1.1."
#: ENTITY-MIB and ENTITY-SENSOR-MIB, HOST-RESOURCES-MIB, UPS-MIB, and the parts of the vendors' own: Fortinet, Palo Alto, Eaton.
_EQUIPMENT: Final = (
    *(
        "1.3.6.1.2.1.47.1.1.1.1.",
        "1.3.6.1.2.1.99.1.1.1.",
        "1.3.6.1.2.1.25.2.3.1.",
        "1.3.6.1.2.1.25.3.3.1.",
        "1.3.6.1.2.1.33.1.",
    ),
    *(f"1.3.6.1.4.1.12356.{part}." for part in ("100.1", "101.3.2", "101.4", "101.12.2", "101.13")),
    *("1.3.6.1.4.1.25461.2.1.2.", "1.3.6.1.4.1.534.1.", "1.3.6.1.4.1.705.1."),
)
_WANTED: Final = (_SYSTEM, "1.3.6.1.2.1.2.1.0", _IF, _IFX, *_EQUIPMENT)
_UPTIME: Final = "1.3.6.1.2.1.1.3.0"
_OPER_STATUS: Final = f"{_IF}8."
#: Octets and packets of both tables (IF-MIB); errors and discards stay as recorded.
_OCTETS: Final = tuple(f"{table}{column}." for table, column in ((_IF, 10), (_IF, 16), (_IFX, 6), (_IFX, 10)))
_PACKETS: Final = tuple(f"{table}{column}." for table, column in ((_IF, 11), (_IF, 17), (_IFX, 7), (_IFX, 11)))


def recorded(name: str) -> Iterator[str]:
    """Yield the lines of a recording of snmpsim-data, for example ``network/firewall/fortinet-xcu``."""
    packed = importlib.resources.files("snmpsim_data") / "data" / f"{name}.snmprec.bz2"
    try:
        raw = packed.read_bytes()
    except (OSError, ModuleNotFoundError):
        raise DemoError(f"recording {name}: not in the installed snmpsim-data") from None
    for line in bz2.decompress(raw).splitlines():
        yield line.decode("ascii", errors="replace")


def synthetic(name: str, interfaces: Sequence[str]) -> Iterator[str]:
    """Yield a small recording of a device that never was, for machines where no real daemon can be started."""
    yield f"1.3.6.1.2.1.1.1.0|4|synthetic {name} of the demo"
    yield "1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.8072.3.2.10"
    yield "1.3.6.1.2.1.1.3.0|67|100"
    yield f"1.3.6.1.2.1.1.5.0|4|{name}"
    yield f"1.3.6.1.2.1.2.1.0|2|{len(interfaces)}"
    columns: list[tuple[str, str, str]] = [
        *((f"{_IF}{column}.", "2", value) for column, value in ((7, "1"), (8, "1"))),
        *((f"{_IF}{column}.", "65", "0") for column in (10, 11, 13, 14, 16, 17, 19, 20)),
        *((f"{_IFX}{column}.", "70", "1000") for column in (6, 7, 10, 11)),
        (f"{_IFX}15.", "66", "1000"),
    ]
    for index, interface in enumerate(interfaces, 1):
        yield f"{_IF}1.{index}|2|{index}"
        yield f"{_IF}2.{index}|4|{interface}"
        yield f"{_IFX}1.{index}|4|{interface}"
        yield f"{_IFX}18.{index}|4|"
        for oid, tag, value in columns:
            yield f"{oid}{index}|{tag}|{value}"


def moving(lines: Iterable[str]) -> Iterator[str]:
    """Set a recording in motion, line by line: the form is ``OID|TAG[:MODULE]|VALUE`` (snmpsim's .snmprec)."""
    for line in lines:
        oid, _, rest = line.partition("|")
        tag, _, value = rest.partition("|")
        if not oid.startswith(_WANTED):
            continue
        if oid == _UPTIME and tag == "67":
            yield f"{oid}|67:numeric|initial={value},rate=100"
        elif oid.startswith(_OCTETS + _PACKETS) and tag in {"65", "70"}:
            rate = _rate(oid) // (1 if oid.startswith(_OCTETS) else 700)
            # a reading near the top of the counter would stick there in a simulated one
            yield f"{oid}|{tag}:numeric|initial={int(value) % 2**30},rate={rate}"
        elif oid.startswith(_OPER_STATUS) and tag == "2":
            yield f"{oid}|2:writecache|value={value}"
        else:
            yield line


def _rate(oid: str) -> int:
    """Return bytes a second of a counter: always the same one for the same interface and direction, 5 kB/s to 2 MB/s."""
    column, index = oid.split(".")[-2:]
    inbound = column in {"6", "10", "7", "11"} and oid.startswith(_IFX) is (column in {"6", "7"})
    digest = hashlib.sha256(f"{index}{inbound}".encode()).digest()
    return 5_000 + int.from_bytes(digest[:4], "big") % 2_000_000


def _sort_key(line: str) -> tuple[int, ...]:
    return tuple(int(part) for part in line.partition("|")[0].split("."))


def write(folder: Path, community: str, lines: Iterable[str]) -> None:
    """Write ``folder/community.snmprec`` in the order of OIDs, which the simulator needs."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {line.partition("|")[0]: line for line in moving(lines)}
    text = "\n".join(sorted(rows.values(), key=_sort_key)) + "\n"
    (folder / f"{community}.snmprec").write_text(text)


def responder(data: Path, index: Path, endpoints: Iterable[tuple[str, int]]) -> list[str]:
    """Return the command of a simulator that answers at ``endpoints`` for every recording in ``data``, by community name."""
    index.mkdir(parents=True, exist_ok=True)
    # it insists on being told a user when root starts it
    user = ["--process-user=root", "--process-group=root"] if os.geteuid() == 0 else []
    return [
        sys.executable,
        "-c",
        "from snmpsim.commands.responder import main; import sys; sys.exit(main())",
        f"--data-dir={data}",
        f"--cache-dir={index}",
        *(f"--agent-udpv4-endpoint={address}:{port}" for address, port in endpoints),
        "--logging-method=stderr",
        "--log-level=error",
        *user,
    ]


def set_oper_status(address: str, port: int, community: str, *, index: int, status: int) -> None:
    """Write ifOperStatus of one interface of a simulated device by SNMP SET. Raises DemoError when it is not answered."""
    asyncio.run(_set(address, port, community, f"{_OPER_STATUS}{index}", status))


async def _set(address: str, port: int, community: str, oid: str, value: int) -> None:
    engine = snmp.SnmpEngine()
    try:
        target = await snmp.UdpTransportTarget.create((address, port), timeout=2, retries=2)
        error, status, _, _ = await snmp.set_cmd(
            engine,
            snmp.CommunityData(community),
            target,
            snmp.ContextData(),
            snmp.ObjectType(snmp.ObjectIdentity(oid), snmp.Integer32(value)),
        )
    finally:
        engine.close_dispatcher()
    if error or status:
        raise DemoError(f"simulated device {community}: SNMP SET: {error or status}")
