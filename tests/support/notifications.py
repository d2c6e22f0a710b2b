"""Traps and informs of Net-SNMP's own commands, and a listener of ours that hears them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from support.processes import find_program, free_port
from tslcd_agent.config import PolledDevice, Snmp, Traps
from tslcd_agent.config.devices import Interfaces
from tslcd_agent.links.gate import TrapStatistics
from tslcd_agent.links.pollers import Pollers
from tslcd_agent.links.state import LinkStates
from tslcd_agent.links.traps import TrapListener
from tslcd_runtime.health import Health
from tslcd_runtime.secret import Secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from tslcd_agent.readings import Reading
    from tslcd_wire.report import Event

IF_INDEX: Final = "1.3.6.1.2.1.2.2.1.1"
IF_DESCR: Final = "1.3.6.1.2.1.2.2.1.2"
IF_OPER_STATUS: Final = "1.3.6.1.2.1.2.2.1.8"
IF_NAME: Final = "1.3.6.1.2.1.31.1.1.1.1"
LINK_DOWN: Final = "1.3.6.1.6.3.1.1.5.3"
LINK_UP: Final = "1.3.6.1.6.3.1.1.5.4"
COLD_START: Final = "1.3.6.1.6.3.1.1.5.1"
COMMUNITY: Final = "public"
#: The engine that sends traps of version 3 in tests; informs have ours.
SENDER_ENGINE: Final = "0x80001f8880c0ffee01"


def link_bindings(index: int, *, up: bool, name: str = "", description: str = "") -> list[str]:
    """Return the variable bindings of linkDown and linkUp (RFC 2863) in the words of snmptrap(1)."""
    words = [f"{IF_INDEX}.{index}", "i", str(index), f"{IF_OPER_STATUS}.{index}", "i", "1" if up else "2"]
    if name:
        words += [f"{IF_NAME}.{index}", "s", name]
    if description:
        words += [f"{IF_DESCR}.{index}", "s", description]
    return words


def trap_command(
    target: str, credentials: Sequence[str], kind: str, bindings: Sequence[str], *, inform: bool = False
) -> list[str]:
    """Return the command that sends one notification to ``target`` (address:port) and exits with 0 when it was taken."""
    command = [find_program("snmpinform" if inform else "snmptrap"), *credentials, "-r", "1", "-t", "3"]
    if "-v3" in credentials and not inform:
        command += ["-e", SENDER_ENGINE]
    if "-v1" in credentials:
        generic = str(int(kind.rpartition(".")[2]) - 1)
        return [*command, target, "1.3.6.1.4.1.8072.3.2.10", "192.0.2.1", generic, "0", "", *bindings]
    return [*command, target, "", kind, *bindings]


async def run(command: Sequence[str], directory: Path) -> tuple[int, str]:
    """Run a command with Net-SNMP's state in ``directory``; return its exit code and what it said."""
    environment = {
        **os.environ,
        "SNMP_PERSISTENT_DIR": str(directory / "net-snmp"),
        "SNMPCONFPATH": str(directory),
        "MIBS": "",
    }
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environment
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


def polled(name: str = "fw", address: str = "127.0.0.1", snmp: Snmp | None = None, port: int = 161) -> PolledDevice:
    """Return a device as settings make it."""
    return PolledDevice(
        id=name,
        address=address,
        port=port,
        snmp=snmp or Snmp(community=Secret(COMMUNITY)),
        interfaces=Interfaces(),
        interval=30,
        timeout=1,
        retries=1,
        budget=20,
    )


@dataclass
class ScriptedPoller:
    """A poller that knows what a test tells it, and records what woke it."""

    keys: dict[str, str] = field(default_factory=dict)
    woken: list[str] = field(default_factory=list)

    def key_of(self, index: str) -> str | None:
        """Return the key of an ifIndex."""
        return self.keys.get(index)

    def indexes_of(self, patterns: Sequence[str]) -> Mapping[str, str]:
        """Return every ifIndex by key, whatever the patterns."""
        del patterns
        return {key: index for index, key in self.keys.items()}

    def wake(self, reason: str) -> None:
        """Record."""
        self.woken.append(reason)


class Listening:
    """A listener on a free port, with everything that it told."""

    def __init__(
        self,
        directory: Path,
        devices: Sequence[PolledDevice],
        *,
        address: str = "127.0.0.1",
        rate: int = 20,
        port: int = 0,
    ) -> None:
        """Make it; :meth:`running` runs it."""
        self.port = port or free_port(socket.SOCK_DGRAM)
        self.address = address
        self.target = f"{address}:{self.port}"
        self.readings: list[Reading] = []
        self.statistics = TrapStatistics()
        self.states = LinkStates()
        self.pollers = {device.id: ScriptedPoller({"7": "wan1"}) for device in devices}
        self.health = Health()
        self.listener = TrapListener(
            Traps(addresses=(address,), port=self.port, rate=rate),
            devices,
            states=self.states,
            submit=self._submit,
            pollers=Pollers(self.pollers),
            health=self.health,
            statistics=self.statistics,
            identity_file=directory / "engine.json",
        )

    async def _submit(self, reading: Reading) -> None:
        self.readings.append(reading)

    @property
    def events(self) -> list[Event]:
        """Every event told so far."""
        return [event for reading in self.readings for event in reading.events]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Listening]:
        """Run for the time of a block, from the moment the port is open."""
        task = asyncio.create_task(self.listener.run(), name="listener")
        try:
            while not self._taken():
                assert not task.done(), task.exception()
                await asyncio.sleep(0.01)
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _taken(self) -> bool:
        """Whether somebody has the port."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((self.address, self.port))
            except OSError:
                return True
        return False
