"""Counts what reaches a network interface inside a namespace, by the address that each frame asks for or goes to."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING

from support.processes import Program, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.namespace import Namespace

#: Writes what it counted after every frame, one JSON document a line. ARP and neighbour discovery count: who only looks for
#: an address has already decided to send there.
_COUNTER = """
import collections, ipaddress, json, socket, sys

ETH_P_ALL, OUTGOING = 3, 4
listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
listener.bind((sys.argv[1], ETH_P_ALL))
counted = collections.Counter()
print("{}", flush=True)
while True:
    frame, (_, _, direction, _, _) = listener.recvfrom(65536)
    if direction == OUTGOING:
        continue
    kind, protocol, address = frame[12:14], "", b""
    if kind == bytes.fromhex("0806"):
        protocol, address = "arp", frame[38:42]
    elif kind == bytes.fromhex("0800"):
        protocol, address = str(frame[23]), frame[30:34]
    elif kind == bytes.fromhex("86dd"):
        protocol, address = str(frame[20]), frame[38:54]
        if frame[20] == 58 and frame[54] == 135:
            protocol, address = "arp", frame[62:78]
    if address:
        counted[f"{ipaddress.ip_address(address)} {protocol}"] += 1
        print(json.dumps(counted), flush=True)
"""
#: Protocol numbers of IP, as counted.
ICMP, TCP, UDP, ICMP6, SEARCH = "1", "6", "17", "58", "arp"


class Capture:
    """What was counted so far."""

    def __init__(self, program: Program) -> None:
        """Read from a running counter."""
        self._program = program

    def frames(self, address: str, protocol: str | None = None) -> int:
        """Return how many frames went to an address, or looked for it; of all protocols, or of one."""
        lines = self._program.output().splitlines()
        counted: dict[str, int] = json.loads(next(line for line in reversed(lines) if line.endswith("}")))
        return sum(
            count for key, count in counted.items() if key.split()[0] == address and protocol in {None, key.split()[1]}
        )


@contextlib.contextmanager
def capturing(namespace: Namespace, device: str, log: Path) -> Iterator[Capture]:
    """Count for the time of a block."""
    program = Program([*namespace.prefix, sys.executable, "-c", _COUNTER, device], log)
    with running(program, lambda: "{}" in program.output()):
        yield Capture(program)
