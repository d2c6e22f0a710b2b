"""The agent about itself: its table is the catalogue's, whole and in range."""

from __future__ import annotations

import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tslcd_agent.reporter import boot_id
from tslcd_agent.spool.state import Statistics, Totals
from tslcd_agent.telemetry import VERSION, Start, agent_table, resident_bytes
from tslcd_wire import codec
from tslcd_wire.catalogue import AGENT
from tslcd_wire.report import Report


def test_the_table_has_every_column_and_is_accepted() -> None:
    """What the catalogue names is there, in its order, and the contract takes it, also where nothing is known."""
    totals = Totals(made=10, confirmed=3, dropped_size=1, dropped_age=1, dropped_damage=1, dropped_memory=1)
    spool = Statistics(
        stream="0198f3c2", oldest=1, newest=10, waiting=3, bytes=4096, limit=8192, oldest_age=None, memory=0,
        totals=totals, failing="",
    )  # fmt: skip
    courier: Any = SimpleNamespace(
        sent=7, connects=2, uplink="", uplink_spare=False, uplink_changes=0, history_stopped=False
    )
    table = agent_table(
        spool, courier, Start("first-start", None, 20.0), uptime=1.5, activity={}, resident=None, cpu=0.1
    )
    assert list(table)[1:] == [column.name for column in AGENT.columns]
    assert table["reports_dropped_total"] == [4]
    report = Report(
        agent="a", stream="0198f3c2", seq=1, at=1.0, boot="7c1e", mono=1.0, device="", tables={"agent": table}
    )
    decoded = codec.decode_report(codec.encode(report))
    assert (decoded.report.tables["agent"], decoded.refused) == (table, ())


def test_the_version_is_that_of_the_distribution() -> None:
    """Written twice, held together here."""
    project = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION


def test_a_kernel_without_these_files_is_no_error(tmp_path: Path) -> None:
    """Boot id and memory are then not known."""
    assert boot_id(tmp_path / "none") == "00000000"
    assert len(boot_id()) == 8
    assert resident_bytes(tmp_path / "none") is None
    assert (resident_bytes() or 0) > 2**20
