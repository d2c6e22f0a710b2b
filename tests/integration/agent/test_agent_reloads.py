"""Reloads: what producers opened is closed again, and memory does not grow."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Final

from support.processes import Program, free_port, running, wait_until
from support.snmpd import COMMUNITY, V3_AUTH, V3_PRIV, V3_USER, Snmpd

RELOADS: Final = 25
#: Reloads until every module is imported and memory has its shape.
WARM: Final = 10
#: What may come and go between two looks: a connection under way, a probe of this moment.
SLACK: Final = 3
#: In bytes. One engine of the trap listener that stayed each time would be some 15 MB, and measured are 2 in all.
GROWTH: Final = 8 * 2**20
SETTINGS: Final = """
agent: {{id: a-1, province: "86"}}
log: {{format: logfmt}}
brokers: [{{host: 127.0.0.1, port: {closed}}}]
spool: {{directory: {spool}}}
heartbeat: {{interval: 1s}}
poll: {{interval: 1s, budget: 1s}}
devices:
  community: {{address: 127.0.0.1, port: {port}, snmp: {{community: {{file: word}}}}, watch: {{interfaces: ["*"], interval: 1s}}}}
  secure:
    address: 127.0.0.2
    port: {port}
    snmp: {{version: "3", user: {user}, engine: pysnmp, auth: {{protocol: SHA, password: {{file: auth}}}}, priv: {{password: {{file: priv}}}}}}
probes:
  echo: {{target: 127.0.0.1, count: 1, interval: 1s}}
  port: {{type: tcp, target: 127.0.0.1, port: {closed}, interval: 1s, timeout: 1s}}
  way: {{type: path, target: 127.0.0.1, interval: 1s, timeout: 1s}}
traps: {{addresses: [127.0.0.1], port: {traps}}}
links: {{interval: 1s}}
"""


def opened(agent: Program) -> int:
    """Return how many descriptors the process has."""
    return sum(1 for _ in Path(f"/proc/{agent.pid}/fd").iterdir())


def resident(agent: Program) -> int:
    """Return its resident memory in bytes (proc(5), statm)."""
    return int(Path(f"/proc/{agent.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_reloads_leave_no_descriptor_and_no_memory_behind(tmp_path: Path) -> None:
    """Pollers of both engines, a watch, traps, own links and probes, closed and made anew each time."""
    device = Snmpd(tmp_path / "snmpd")
    for name, word in (("word", COMMUNITY), ("auth", V3_AUTH), ("priv", V3_PRIV)):
        (tmp_path / name).write_text(f"{word}\n")
    text = SETTINGS.format(
        port=device.port, closed=free_port(), traps=free_port(), user=V3_USER, spool=tmp_path / "spool"
    )
    (tmp_path / "agent.yaml").write_text(text)
    command = [sys.executable, "-m", "tslcd_agent", "run", "--config", str(tmp_path / "agent.yaml")]
    agent = Program(command, tmp_path / "agent.log")
    figures: list[tuple[int, int]] = []
    with device.running(), running(agent, lambda: "listening for traps" in agent.output()):
        for number in range(1, RELOADS + 1):
            agent.signal(signal.SIGHUP)
            wait_until(lambda n=number: agent.output().count("listening for traps") > n, 30, "the reload")  # type: ignore[misc]
            if number in {WARM, RELOADS}:
                figures.append((opened(agent), resident(agent)))
        (before, small), _ = figures
        wait_until(lambda: opened(agent) <= before + SLACK, 20, f"descriptors as before: {figures}")
        assert resident(agent) - small < GROWTH, figures
    assert "Traceback" not in agent.output()
