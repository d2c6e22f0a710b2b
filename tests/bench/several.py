"""``bench poll``, second part: the same poll when agent and collector serve several devices, as they do in a province.

A commit, an acknowledgement, a scrape and the loops that turn without work cost the same whether one device reports or ten. So one
agent polls ten addresses of the same daemon once a second, spread over the second as always, and the page is read once a
second; the peer is asked ten times a second and each of its pages is read. Ten polls a second are what a province of 150 communes
with two devices each makes every 30 s.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bench import programs, snmp_exporter
from bench.meter import Meter, resident_bytes
from support.processes import running
from support.snmpd import COMMUNITY

if TYPE_CHECKING:
    from pathlib import Path

    from bench.poll import Course, Size

MIB: Final = 2**20
_REPORTS: Final = "tslcd_collector_reports_total"


@dataclass
class Several:
    """Values a round, each for one poll: CPU in milliseconds; ``memory``: the agent's, MiB, at the end."""

    agent: list[float] = field(default_factory=list)
    collector: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)
    memory: float = 0.0

    @property
    def whole(self) -> list[float]:
        """Agent and collector together."""
        return [agent + collector for agent, collector in zip(self.agent, self.collector, strict=True)]


def measure(course: Course, size: Size, folder: Path, *, agent: str) -> Several:
    """Poll ``size.devices`` devices, ``size.rounds`` times ``size.polls`` seconds, with an agent of that name."""
    found = Several()
    folder.mkdir()
    addresses = course.site.further_addresses(size.devices)
    program = programs.agent(
        folder,
        name=agent,
        broker_address=course.broker_address,
        devices={f"several-{number}": address for number, address in enumerate(addresses)},
        community=COMMUNITY,
        interval=1,
        prefix=course.site.site.prefix,
    )

    def published() -> bool:
        return (
            course.ours.get("/metrics").samples(r"tslcd_interface_oper_up\{.*several-")
            >= len(addresses) * size.interfaces
        )

    with running(program, published, timeout=60):
        for _ in range(size.rounds):
            meters = [Meter(one.pid) for one in (program, course.collector, course.exporter.program)]
            before = course.ours.get("/metrics").total(_REPORTS)
            asked = _ask_the_peer(course, size, len(addresses))
            ours, collector, peer = (meter.seconds() * 1e3 for meter in meters)
            polls = course.ours.get("/metrics").total(_REPORTS) - before
            found.agent.append(ours / polls)
            found.collector.append(collector / polls)
            found.peer.append(peer / asked)
        found.memory = resident_bytes(program.pid) / MIB
    return found


def _ask_the_peer(course: Course, size: Size, times: int) -> int:
    """Read our page once and ask the peer so many times, every second for ``size.polls`` seconds; return how often it was."""
    asked = 0
    began = time.monotonic()
    while (passed := time.monotonic() - began) < size.polls:
        course.ours.get("/metrics")
        for _ in range(times):
            course.ask_peer(snmp_exporter.SAME)
        asked += times
        time.sleep(max(0.0, 1.0 - (time.monotonic() - began - passed)))
    return asked
