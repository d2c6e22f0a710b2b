"""A daemon with fifty interfaces of its own: links that really go down, interfaces that really come and go."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from support.namespace import Namespace
from support.processes import Program, wait_until
from support.snmpd import COMMUNITY, Snmpd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Polls without pause, and writes one line for each reading.
AGENT = f"""
import asyncio, json
from tslcd_agent.config import Interfaces, PolledDevice, Snmp
from tslcd_agent.snmp.poller import DevicePoller, PollStatistics
from tslcd_agent.snmp.gufo_engine import GufoSession
from tslcd_runtime.health import Health
from tslcd_runtime.secret import Secret

async def submit(reading):
    print(json.dumps([reading.tables, [[e.key, e.up] for e in reading.events]]), flush=True)

async def reachable(address, wait):
    return True

async def main(port):
    device = PolledDevice(id="rt", address="127.0.0.1", port=port, snmp=Snmp(community=Secret({COMMUNITY!r})),
                          interfaces=Interfaces(include=("port*",)), interval=0.2, timeout=1, retries=1, budget=5)
    await DevicePoller(device, GufoSession(device), submit, reachable=reachable, health=Health(),
                       statistics=PollStatistics()).run()

import sys
asyncio.run(main(int(sys.argv[1])))
"""


@pytest.fixture
def site() -> Iterator[Namespace]:
    """Make a namespace with fifty interfaces, all up."""
    with Namespace("site").existing() as namespace:
        for number in range(0, 50, 2):
            namespace.ip("link", "add", f"port{number}", "type", "veth", "peer", "name", f"port{number + 1}")
        for number in range(50):
            namespace.ip("link", "set", f"port{number}", "up")
        yield namespace


def test_links_and_interfaces_that_change_are_followed(tmp_path: Path, site: Namespace) -> None:
    """Down and up are events with the right name; an interface that goes away is down, and a new one is found."""
    with Snmpd(tmp_path / "snmpd", prefix=site.prefix).running() as daemon:
        agent = Program([*site.prefix, sys.executable, "-c", AGENT, str(daemon.port)], tmp_path / "agent.log")

        def readings() -> list[Any]:
            return [json.loads(line) for line in agent.output().splitlines() if line.startswith("[")]

        def row(name: str) -> dict[str, Any] | None:
            table = readings()[-1][0]["interface"]
            if name not in table["key"]:
                return None
            at = table["key"].index(name)
            return {column: cells[at] for column, cells in table.items()}

        def events() -> list[Any]:
            return [event for reading in readings() for event in reading[1]]

        agent.start()
        try:
            wait_until(lambda: readings()[-1][0]["device"]["interfaces"] == [50], 20, "fifty interfaces")
            assert (row("port7") or {})["oper_up"] == 1
            site.ip("link", "set", "port7", "down")
            wait_until(lambda: ["port7", False] in events(), 20, "link down")
            assert (row("port7") or {})["admin_up"] == 0
            site.ip("link", "set", "port7", "up")
            wait_until(lambda: ["port7", True] in events(), 20, "link up")
            # Net-SNMP keeps the rows of what is gone for five minutes, as notPresent; its peer goes with it
            site.ip("link", "del", "port8")
            wait_until(lambda: ["port8", False] in events() and ["port9", False] in events(), 20, "interfaces gone")
            site.ip("link", "add", "port98", "type", "veth", "peer", "name", "port99")
            wait_until(lambda: row("port98") is not None, 20, "new interface")
            assert all(reading[0]["device"]["snmp_state"] == ["ok"] for reading in readings())
        finally:
            agent.stop()
