"""The largest recordings there are (0.4 to 3.4 million objects), polled over UDP by the whole way of a poller."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support import snmp_message as snmp
from support.processes import Program, free_port, wait_until
from support.replayed import file_of

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(TESTS)}

#: Recording, profile, and the kinds that must come.
GIANTS = (
    ("network/router/huawei-unknown-002", "huawei-vrp", {"device", "interface", "sensor"}),
    ("network/router/huawei-acu2", "huawei-vrp", {"device", "interface", "sensor"}),
    ("network/appliance/cisco-ucs-6100-k9", "cisco-nxos", {"device", "interface", "sensor"}),
    ("network/firewall/fortinet-xcu", "fortinet-fortigate", {"device", "interface", "firewall", "sensor", "path"}),
)
#: What knowing such devices may cost above an agent that has polled nothing, in octets.
GROWTH = 8 * 2**20
ROUNDS = 3


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[int]]:
    """Serve the giants, each in a process of its own."""
    folder = tmp_path_factory.mktemp("giants")
    served: list[tuple[int, Program]] = []
    try:
        for number, (name, _, _) in enumerate(GIANTS):
            port = free_port(socket.SOCK_DGRAM)
            command = [sys.executable, "-m", "support.recorded_device", str(port), str(file_of(name))]
            program = Program(command, folder / f"{number}.log", env=ENVIRONMENT)
            program.start()
            served.append((port, program))
        for port, program in served:
            wait_until(partial(answers, port), 60, program.command[-1])
        yield [port for port, _ in served]
    finally:
        for _, program in served:
            program.stop()


def answers(port: int) -> bool:
    """Whether a device answers a GET of sysUpTime there."""
    cell = snmp.binding(snmp.oid("1.3.6.1.2.1.1.3.0"), snmp.tlv(snmp.NULL, b""))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(1)
        asker.connect(("127.0.0.1", port))
        asker.send(snmp.message(snmp.V2C, b"public", snmp.pdu(snmp.GET, 1, [cell])))
        return bool(asker.recv(2048))


def polled(rounds: int, *ports: int) -> dict[str, Any]:
    """Poll devices in a process of its own."""
    command = [sys.executable, "-m", "support.polled", str(rounds), *map(str, ports)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=TESTS.parent, env=ENVIRONMENT)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_giants_are_polled_within_their_budgets(ports: list[int]) -> None:
    """All of them at once: every round is complete and inside poll.budget, memory hardly grows, later rounds are cheap."""
    idle = polled(0, *ports)
    result = polled(ROUNDS, *ports)
    for (name, profile, kinds), rounds in zip(GIANTS, result["devices"], strict=True):
        for one in rounds:
            assert (one["complete"], one["overran"], one["reason"]) == (True, False, ""), name
            assert (one["profile"], set(one["rows"])) == (profile, kinds)
        first, *later = rounds
        assert all(one["requests"] < first["requests"] / 2 for one in later)
        assert all(one["rows"] == first["rows"] for one in later)
    assert result["resident_bytes"] - idle["resident_bytes"] < GROWTH
