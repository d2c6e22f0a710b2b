"""``explain`` and the problems of devices, of a running collector, as people and programs ask for them."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from rich.console import Console

from support.broker import Broker
from support.collector import CollectorProgram, ScriptedAgent, eventually, interface_table
from tslcd_collector.commands.explain import shown
from tslcd_runtime.language import Language

if TYPE_CHECKING:
    from pathlib import Path


def explain(collector: CollectorProgram, *arguments: str, lang: str = "C.UTF-8") -> subprocess.CompletedProcess[str]:
    """Run ``tslcd-collector explain`` against a collector."""
    command = [sys.executable, "-m", "tslcd_collector", "explain", "--config", str(collector.settings), *arguments]
    environment = {**os.environ, "LC_ALL": lang, "COLUMNS": "160"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


async def test_a_cut_is_explained_in_both_languages(tmp_path: Path) -> None:
    """The step that decides, the readings with their age, who depends on it; a channel that nobody has is an error."""
    with Broker(tmp_path / "broker").running() as broker:
        collector = CollectorProgram(tmp_path / "c", broker.port)
        with collector.running():
            async with ScriptedAgent(broker.port) as agent:
                tables = {**interface_table(up=False), "firewall": {"key": [""], "ha_peer_up": [0]}}
                await agent.report(tables)  # type: ignore[arg-type]
                await eventually(lambda: b'reason="interface_down"' in collector.get("/metrics")[2], what="verdict")
            vietnamese, nobody = await asyncio.gather(
                asyncio.to_thread(explain, collector, "c1", lang="vi_VN.UTF-8"),
                asyncio.to_thread(explain, collector, "c9", "--json"),
            )
            told = json.loads(collector.get("/api/v1/channels/c1/explain")[2])
            devices = json.loads(collector.get("/api/v1/devices")[2])["devices"]
            agents = json.loads(collector.get("/api/v1/agents")[2])["agents"]
    assert vietnamese.returncode == 0, vietnamese.stderr
    assert "✖ c1 mất kết nối · interface_down · đơn vị vận hành" in vietnamese.stdout
    assert "Giao diện của kênh mất tín hiệu" in vietnamese.stdout
    assert "giao diện wan1 của thiết bị fw mất tín hiệu" in vietnamese.stdout
    assert "interface wan1" not in vietnamese.stdout
    assert "quyết định" in vietnamese.stdout
    screen = Console(width=160, file=io.StringIO(), record=True)
    screen.print(shown(told, Language.EN))
    english = screen.export_text()
    assert "✖ c1 down · interface_down · operator" in english
    assert re.search(r"interface +decides +its interface is off or has no link", english)
    assert [one["step"] for one in told["considered"] if one["outcome"] == "decides"] == ["interface"]
    assert [(one["how"], one["channel"]) for one in told["dependencies"]] == [("below", "c2")]
    assert {one["what"] for one in told["inputs"] if one["counts"]} >= {"agent", "device", "interface"}
    assert nobody.returncode == 1
    assert "no such channel" in nobody.stderr
    firewall = next(one for one in devices if one["device"] == "fw")
    assert [one["problem"] for one in firewall["problems"]] == ["ha_peer_lost"]
    assert agents[0]["problems"] == []
