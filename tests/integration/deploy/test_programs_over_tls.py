"""Both whole programs over TLS with client certificates, on a Mosquitto with the shipped configuration and rights."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

from support.collector import CollectorProgram
from support.processes import Program, running, wait_until
from support.snmpd import COMMUNITY, Snmpd
from support.tls_broker import TlsBroker
from tslcd_agent.spool.inspection import inspect

if TYPE_CHECKING:
    from pathlib import Path

AGENT = "a1"


def tls(broker: TlsBroker, name: str) -> str:
    """Return the lines of an endpoint in YAML."""
    folder = broker.certificates
    return (
        f"{{host: localhost, port: {broker.port}, tls: {{ca: {folder / 'ca.pem'}, "
        f"certificate: {folder / f'{name}.pem'}, key: {folder / f'{name}.key'}}}}}"
    )


def test_a_report_goes_from_a_real_device_to_the_journal_and_is_confirmed(tmp_path: Path) -> None:
    """What a real daemon answers is stored at the centre and deleted at the edge; the certificate's name is who speaks."""
    broker = TlsBroker(tmp_path / "broker", AGENT)
    collector = CollectorProgram(tmp_path / "collector", broker.port)
    text = collector.settings.read_text()
    head, _, rest = text.partition("\n")
    assert head.startswith("broker:")
    collector.settings.write_text(f"broker: {tls(broker, 'collector')}\n{rest}")
    snmpd = Snmpd(tmp_path / "snmpd")
    community = tmp_path / "community"
    community.write_text(COMMUNITY)
    settings = tmp_path / "agent.yaml"
    settings.write_text(
        f"agent: {{id: {AGENT}, province: '86'}}\nbrokers: [{tls(broker, AGENT)}]\n"
        f"spool: {{directory: {tmp_path / 'spool'}}}\nheartbeat: {{interval: 1s}}\npoll: {{interval: 1s, budget: 1s}}\n"
        f"devices: {{fw: {{address: 127.0.0.1, port: {snmpd.port}, snmp: {{community: {{file: {community}}}}}}}}}\n"
    )
    agent = Program([sys.executable, "-m", "tslcd_agent", "run", "--config", str(settings)], tmp_path / "agent.log")
    with broker.running(), snmpd.running(), collector.running():
        with running(agent, lambda: collector.value("tslcd_device_snmp_up", agent=AGENT, device="fw") == 1, 20):
            assert collector.value("tslcd_agent_online", agent=AGENT) == 1
            wait_until(lambda: inspect(tmp_path / "spool").confirmed > 3, 20, "reports are confirmed")
            agent.signal(signal.SIGTERM)
            assert agent.wait(5) == 0
        wait_until(lambda: collector.value("tslcd_agent_online", agent=AGENT) == 0, 5, "the goodbye is heard")
        stored = {seq for (seq,) in collector.rows(f"SELECT seq FROM journal WHERE agent = '{AGENT}'")}  # noqa: S608 - a constant
    seen = inspect(tmp_path / "spool")
    assert len(stored) >= seen.confirmed > 3
