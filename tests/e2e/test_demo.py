"""``deploy/demo`` as a new user runs it: the check, the dashboards over it, its ends, and what it says when it cannot start."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import random
import re
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support import dashboards
from support.processes import Program, port_open, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PROJECT = Path(__file__).parents[2]
_DEMO = str(_PROJECT / "deploy" / "demo")


def port_base() -> int:
    """Return a number from which five ports in a row are free now, below those that the kernel gives to whoever asks for any."""
    while True:
        base = random.randrange(20_000, 32_000, 5)  # noqa: S311 - no secret
        if not any(port_open(base + offset) for offset in range(5)):
            return base


class Demo:
    """A running demo, seen from outside."""

    def __init__(self, log: Path, *arguments: str) -> None:
        """Choose ports; nothing runs yet."""
        self.base = port_base()
        self.program = Program([_DEMO, "--port-base", str(self.base), *arguments], log, env={"TERM": "dumb"})

    def start(self) -> None:
        """Start it and wait until every channel is up, and everything that tells so was measured."""
        self.program.start()
        wait_until(
            lambda: not self._over() and {one["reason"] for one in self.channels()} == {"ok"},
            120,
            "every channel is up",
        )

    def _over(self) -> bool:
        if not self.program.running():
            pytest.fail(f"the demo ended: {self.program.output()[-2000:]}")
        return False

    def channels(self) -> list[dict[str, Any]]:
        """Return the board of the collector."""
        listed: list[dict[str, Any]] = fetch(f"http://127.0.0.1:{self.base + 1}/api/v1/channels")["channels"]
        return listed

    def query(self, expression: str, *, instant: bool = True) -> list[dict[str, Any]]:
        """Ask the demo's Prometheus for now, or for the last two minutes."""
        asked: dict[str, Any] = {"query": expression}
        if not instant:
            asked |= {"start": time.time() - 120, "end": time.time(), "step": 2}
        path = "query" if instant else "query_range"
        result: list[dict[str, Any]] = fetch(
            f"http://127.0.0.1:{self.base + 2}/api/v1/{path}?{urllib.parse.urlencode(asked)}"
        )["data"]["result"]
        return result

    def children(self) -> dict[int, str]:
        """Return the programs that it started: process id and command."""
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                status = (process / "status").read_text()
                if f"\nPPid:\t{self.program.pid}\n" in status:
                    found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found


def fetch(url: str) -> Any:
    """GET a JSON document."""
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback, http
        return json.load(answer)


def gone(pids: list[int]) -> bool:
    """Whether none of these processes runs any more."""
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """Run a demo for the time of a test."""
    one = Demo(tmp_path / "demo.log")
    try:
        one.start()
        yield one
    finally:
        one.program.signal(signal.SIGINT)
        one.program.stop(20)


@pytest.mark.timeout(240)
def test_check_holds(tmp_path: Path) -> None:
    """Each fault is seen in exactly the right channels, comes back, and the oracle balances."""
    one = Demo(tmp_path / "check.log", "--check")
    one.program.start()
    code = one.program.wait(220)
    output = " ".join(one.program.output().split())
    assert code == 0, output
    assert "all checks held" in output
    assert re.search(r"oracle: [1-9][0-9]* reports made, [0-9]+ stored: missing 0, invented 0, double 0", output)


@pytest.mark.timeout(240)
def test_check_holds_without_what_root_may_do(tmp_path: Path) -> None:
    """The embedded broker and simulated devices show the same faults."""
    one = Demo(tmp_path / "check.log", "--check", "--simulated")
    one.program.start()
    assert one.program.wait(220) == 0, one.program.output()


#: What has no data in the demo, and why. tests/integration/deploy/test_dashboard_queries.py has data for all but the last two.
EMPTY: dict[tuple[str, ...], str] = {
    ("overview", "@Bảo trì"): "no maintenance",
    ("channel", "@Bảo trì"): "no maintenance",
    ("site", "@Bảo trì"): "no maintenance",
    ("operators", "@Bảo trì"): "no maintenance",
    ("channel", "Các kênh dự phòng cho nhau"): "no redundancy group in the inventory",
    ("site", "Đường hầm"): "no recorded device has tunnels",
    ("site", "Công suất quang"): "no recorded device has optical power",
    ("site", "Cảm biến báo bất thường"): "all recorded sensors are well",
    ("site", "Thời gian ắc quy còn cấp được"): "the recorded UPS does not tell",
    ("agents", "Vấn đề hiện tại"): "no agent has a problem",
    ("agents", "Diễn biến các vấn đề"): "no agent has a problem",
    ("capacity", "Tải của từng kênh so với băng thông hợp đồng", "E"): "a day's percentile is judged at midnight",
    ("capacity", "Tải của từng kênh so với băng thông hợp đồng", "F"): "a day's percentile is judged at midnight",
}


@pytest.mark.timeout(240)
def test_every_query_of_every_dashboard_has_data_and_ends_leave_nothing(demo: Demo) -> None:
    """With one agent killed and one port without carrier, no panel, variable or annotation is empty but for those of a list.

    Ctrl-C then leaves no process and no namespace.
    """
    variables = dict.fromkeys(("province", "operator", "tenant", "class", "site"), ".*") | {"channel": "86-29551-c1"}
    empty = dashboards.Empty(EMPTY)

    def ask(name: str, wanted: Callable[[dashboards.Query], bool]) -> None:
        for one in filter(wanted, dashboards.queries(dashboards.load(name), variables)):
            asked = functools.partial(demo.query, one.expr, instant=one.instant)
            if not empty.allows(name, one):
                # counters need two scrapes before they have a rate, and alerts a while before they fire
                wait_until(asked, 120, f"{name}: {one.where} {one.ref}: {one.expr}")
            empty.note(name, one, data=bool(asked()))

    # what the channel carries is asked while it carries something: a share of packets is that of the last two minutes
    ask("channel", lambda one: "rate(" in one.expr)
    victim = next(pid for pid, command in demo.children().items() if "86-29611-1/agent.yaml" in command)
    os.kill(victim, signal.SIGKILL)
    subprocess.run(["ip", "-n", "tslcd-core", "link", "set", "fw-wan1", "down"], check=True)
    wait_until(
        lambda: {one["state"] for one in demo.channels()} == {"up", "down", "unknown"}, 20, "what was lost and cut"
    )
    ask("channel", lambda one: "rate(" not in one.expr)
    for name in dashboards.NAMES:
        if name != "channel":
            ask(name, lambda _: True)
    assert empty.mistakes() == []
    pids = list(demo.children())
    demo.program.signal(signal.SIGINT)
    assert demo.program.wait(20) == 0
    assert gone(pids)
    assert not list(Path("/run/netns").glob("tslcd-*"))


@pytest.mark.timeout(240)
def test_a_killed_demo_leaves_nothing_running_and_the_next_one_starts(tmp_path: Path) -> None:
    """SIGKILL takes every part with it, and what stays of the network is no obstacle."""
    first = Demo(tmp_path / "first.log")
    first.start()
    pids = list(first.children())
    assert len(pids) >= 12
    first.program.kill()
    wait_until(lambda: gone(pids), 5, "the parts of a killed demo end")
    second = Demo(tmp_path / "second.log")
    try:
        second.start()
        third = Demo(tmp_path / "third.log")
        third.program.start()
        assert third.program.wait(60) == 2
        assert f"another demo is running on this machine (pid {second.program.pid}): end it first" in " ".join(
            third.program.output().split()
        )
    finally:
        second.program.signal(signal.SIGINT)
        second.program.stop(20)


@pytest.mark.timeout(120)
def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    """The port, what it is for, and who has it."""
    one = Demo(tmp_path / "demo.log")
    with socket.socket() as other:
        other.bind(("127.0.0.1", one.base + 1))
        other.listen()
        one.program.start()
        assert one.program.wait(90) == 2
    said = " ".join(one.program.output().split())
    assert f"port {one.base + 1} (collector) is in use by " in said
    assert f"(pid {os.getpid()})" in said
    assert "--port-base" in said
