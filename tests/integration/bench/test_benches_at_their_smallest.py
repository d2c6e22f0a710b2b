"""The benches run, and print every figure. What the figures are is nobody's business here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from bench import figures, machine, meter, snmp_exporter
from support.processes import find_program

PROJECT: Final = Path(__file__).parents[3]
POLL: Final = {
    "CPU of one poll of 2 a second, whole path": True,
    "of it the agent": True,
    "of it the collector": True,
    "CPU of one poll of one a second, whole path": True,
    "of it the agent, of one a second": True,
    "of it the collector, of one a second": True,
    "of it the collector's idle loops": False,
    "CPU of one poll, peer walks whole tables": True,
    "CPU of the device": True,
    "resident memory of agent": True,
    "resident memory of agent that listens for traps": False,
    "resident memory of agent with several devices": False,
    "resident memory of agent, collectd": True,
    "resident memory of the collector": False,
    "CPU of one poll, agent and collectd": True,
    "SNMP packets": True,
    "SNMP packets, peer walks": True,
    "SNMP packets, collectd": True,
    "SNMP bytes": True,
    "SNMP bytes, peer walks": True,
    "SNMP bytes, collectd": True,
    "bytes to the centre": True,
    "bytes to the centre, peer walks": True,
}
INTAKE: Final = {
    "CPU of one sample taken in": True,
    "the same, peer with a message an interface": True,
    "the same, peer with a message a device": True,
}
SCRAPE: Final = {
    "CPU of one sample scraped, gzip": True,
    "CPU of one sample scraped, plain": True,
    "memory of one exposed sample": True,
    "gzip body, a sample": True,
}

SPOOL: Final = [
    "bytes a report",
    "bytes a report, gzip",
    "30 days",
    "days in 200 MiB",
    "append of a round, synced",
    "reports appended a second, synced",
    "reports read a second",
]
LINKS: Final = [
    *(
        f"link down to /metrics by {way}: {figure}"
        for way in ("trap", "netlink", "fast poll")
        for figure in ("p50", "p99", "longest")
    ),
    "resident memory of agent, with traps",
]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run what ``tests/bench/run`` runs once it has installed everything, as tests/run did before."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "tests")}
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=110, env=environment)


def namespaces() -> set[str]:
    """Name the network namespaces of benches that exist now."""
    listed = subprocess.run([find_program("ip"), "netns"], capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in listed.splitlines() if line.startswith("tslcd-bench-")}


def figures_of(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """Return the figures by name."""
    assert done.returncode == 0, done.stderr
    return {one["name"].strip(): one for one in json.loads(done.stdout)["figures"]}


@pytest.mark.parametrize(("name", "expected"), [("intake", INTAKE), ("scrape", SCRAPE)])
def test_a_bench_on_loopback_prints_every_figure_of_ours_and_of_the_peer(name: str, expected: dict[str, bool]) -> None:
    """Both contestants took every sample in, or the bench would have failed."""
    found = figures_of(bench(name, "--small", "--json"))
    assert list(found) == list(expected)
    assert all(one["ours"] and one["peer"] for one in found.values())


def test_poll_prints_every_figure_and_leaves_no_namespace() -> None:
    """Namespaces, links and programs go with the bench. Who is not root is told so."""
    before = namespaces()
    done = bench("poll", "--small", "--json")
    if os.geteuid() != 0:
        assert (done.returncode, "bench poll: not root" in done.stderr) == (2, True)
        return
    found = figures_of(done)
    assert list(found) == list(POLL)
    assert {name: bool(one["peer"]) for name, one in found.items()} == POLL
    assert all(one["ours"] for one in found.values())
    assert namespaces() <= before


def test_links_that_go_down_are_seen_in_every_way_and_no_namespace_is_left() -> None:
    """By trap, netlink and fast poll; the exit code would be 1 if a change never came to /metrics."""
    before = namespaces()
    done = bench("links", "--small", "--json")
    if os.geteuid() != 0:
        assert (done.returncode, "bench links: not root" in done.stderr) == (2, True)
        return
    found = figures_of(done)
    assert list(found) == LINKS
    assert all(one["ours"] for one in found.values())
    assert namespaces() <= before


def test_the_spool_is_measured_beside_its_peers() -> None:
    """Every figure of it is there; what has a peer has one."""
    found = figures_of(bench("spool", "--small", "--json"))
    assert [name for name, one in found.items() if one["peer"]] == SPOOL
    assert all(one["ours"] for one in found.values())


def test_the_wall_is_measured_in_a_real_browser() -> None:
    """Every figure of it is there, and none has a peer."""
    found = figures_of(bench("wall", "--small", "--json"))
    assert len(found) == 8
    assert all(one["ours"] and not one["peer"] for one in found.values())


def test_what_is_missing_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is measured by halves."""
    with pytest.raises(
        machine.MissingError,
        match=r"^not installed: no-such-a, no-such-b\. As root: apt-get install no-such-a no-such-b$",
    ):
        machine.require("no-such-a", "no-such-b")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(machine.MissingError, match=r"^not root: this bench makes network namespaces\. Run it as root$"):
        machine.require(root=True)


def test_budgets_are_judged_on_medians() -> None:
    """One slow round does not decide; without a peer there is no ratio."""
    one = figures.Figure("x", "ms", [1, 2, 90], [4, 5, 4], max_ratio=0.5)
    assert (one.ratio, one.within, one.budget) == (0.5, True, "≤ 0.5 ×")
    assert figures.Figure("x", "ms", [3], [4], max_ratio=0.5).within is False
    assert figures.Figure("x", "ms", [3], max_ratio=0.5).within is None
    assert figures.Figure("x", "MiB", [43], max_ours=42).within is False


def test_a_process_has_settled_when_it_uses_next_to_nothing_and_never_is_told() -> None:
    """The work is over when CPU time stands still; a process that goes on is an error, not a figure."""
    readings = iter([0.0, 0.4, 0.4, 0.41])
    meter.settle(1, cpu=lambda _: next(readings), sleep=lambda _: None)
    busy = iter(range(1000))
    with pytest.raises(TimeoutError, match=r"^process 1 is still busy after 3 s$"):
        meter.settle(1, 3, cpu=lambda _: float(next(busy)), sleep=lambda _: None)


def test_the_peer_is_configured_in_the_form_of_its_version() -> None:
    """Version 0.23 put credentials apart; the objects are the same."""
    old = snmp_exporter.configuration("public", (0, 21))
    new = snmp_exporter.configuration("public", (0, 28))
    assert "auth:\n    community: public" in old
    assert "auths:\n  bench:\n    community: public\n    version: 2\n" in new
    assert old.count("oid:") == new.count("oid:")
