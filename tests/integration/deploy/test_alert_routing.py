"""The shipped Alertmanager configuration: who is told what, and what holds what back, by a real Alertmanager."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import re
import subprocess
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from support.processes import Program, find_program, free_port, port_open, running, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

SHIPPED: Final = Path(__file__).parents[3] / "deploy" / "alertmanager" / "alertmanager.yml"


def amtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run amtool."""
    return subprocess.run([find_program("amtool"), *arguments], capture_output=True, text=True, check=False)


def test_alertmanager_accepts_the_configuration() -> None:
    """``amtool check-config`` finds four receivers and no fault."""
    done = amtool("check-config", str(SHIPPED))
    assert done.returncode == 0, done.stderr
    assert "4 receivers" in done.stdout


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=ChannelDown severity=critical party=operator province=86 site=s", "pager-critical"),
        ("alertname=ManyChannelsDown severity=critical party=operator province=86", "pager-critical"),
        ("alertname=CollectorDead severity=critical party=monitoring", "pager-critical"),
        ("alertname=PipelineBroken severity=critical party=monitoring", "pager-critical"),
        ("alertname=AgentLost severity=major party=monitoring province=86 site=s", "pager-major"),
        ("alertname=ChannelDegraded severity=warning party=operator province=86 site=s", "pager-warning"),
        ("alertname=SupervisionIncomplete severity=warning party=monitoring province=86", "pager-warning"),
        ("alertname=Watchdog severity=none party=none", "dead-man"),
        ("alertname=SomethingNew severity=unheard-of", "pager-warning"),
    ],
)
def test_an_alert_goes_to_its_receiver(labels: str, receiver: str) -> None:
    """Routes go by severity; nothing is lost for having a severity that nobody knows."""
    done = amtool(
        "config", "routes", "test", f"--config.file={SHIPPED}", f"--verify.receivers={receiver}", *labels.split()
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_receivers_are_on_this_machine() -> None:
    """The file that is shipped sends nothing to anywhere else."""
    hosts = set(re.findall(r"url: https?://([^:/]+)", SHIPPED.read_text()))
    assert hosts == {"127.0.0.1"}


def test_a_group_is_sent_in_time() -> None:
    """A page must leave within 30 s: scrape, rules and ``for`` take 20 s of them, so the group waits 5 s at most."""
    route = yaml.safe_load(SHIPPED.read_text())["route"]
    urgent = [route, *(one for one in route["routes"] if one["receiver"] in ("pager-critical", "dead-man"))]
    assert {one.get("group_wait", "5s") for one in urgent} <= {"0s", "5s"}


class Pager:
    """Receives webhooks on loopback."""

    def __init__(self) -> None:
        """Listen on a port of its own."""
        self.pages: list[tuple[str, dict[str, Any]]] = []
        pages = self.pages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                pages.append((self.path, json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Stay quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]

    def names(self, path: str) -> list[list[str]]:
        """Return, for each page to ``path``, the names of its alerts."""
        return [[one["labels"]["alertname"] for one in page["alerts"]] for where, page in self.pages if where == path]


class Alertmanager:
    """A real Alertmanager with the shipped configuration; only the pager's port and the waiting are the test's."""

    def __init__(self, directory: Path, pager: Pager) -> None:
        """Write the configuration; groups wait 1 s, so that a test ends soon."""
        self.port = free_port()
        text = SHIPPED.read_text().replace("127.0.0.1:9480", f"127.0.0.1:{pager.port}")
        configuration = directory / "alertmanager.yml"
        configuration.write_text(re.sub(r"group_wait: (5s|15s|1m)", "group_wait: 1s", text))
        self.program = Program(
            [
                find_program("prometheus-alertmanager"),
                f"--config.file={configuration}",
                f"--storage.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--cluster.listen-address=",
            ],
            directory / "alertmanager.log",
        )

    def ready(self) -> bool:
        """Whether it takes alerts."""
        if not port_open(self.port):
            return False
        return self._ask("GET", "/-/ready") == HTTPStatus.OK

    def fire(self, *alerts: dict[str, str]) -> None:
        """Hand in alerts that have begun now."""
        now = dt.datetime.now(dt.UTC).isoformat()
        body = json.dumps([{"labels": one, "startsAt": now} for one in alerts]).encode()
        assert self._ask("POST", "/api/v2/alerts", body) == HTTPStatus.OK

    def _ask(self, method: str, path: str, body: bytes | None = None) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture
def pager() -> Iterator[Pager]:
    """Run a pager."""
    one = Pager()
    thread = threading.Thread(target=one.server.serve_forever, name="pager")
    thread.start()
    yield one
    one.server.shutdown()
    one.server.server_close()
    thread.join()


def channel_down(number: int) -> dict[str, str]:
    """Return the labels of one cut."""
    return {
        "alertname": "ChannelDown",
        "severity": "critical",
        "party": "operator",
        "province": "86",
        "site": f"86-{number:05}",
        "channel": f"86-{number:05}-1",
    }


MANY: Final = {"alertname": "ManyChannelsDown", "severity": "critical", "party": "operator", "province": "86"}
DEAD: Final = {"alertname": "CollectorDead", "severity": "critical", "party": "monitoring"}
WATCHDOG: Final = {"alertname": "Watchdog", "severity": "none", "party": "none"}
AGENT: Final = {
    "alertname": "AgentLost",
    "severity": "major",
    "party": "monitoring",
    "province": "86",
    "site": "86-00001",
}


def test_sixty_cuts_of_one_cause_are_one_page(tmp_path: Path, pager: Pager) -> None:
    """With ManyChannelsDown, sixty cuts of its province make one page; a cut in another province still makes its own."""
    elsewhere = {**channel_down(1), "province": "96", "site": "96-00001"}
    alertmanager = Alertmanager(tmp_path, pager)
    with running(alertmanager.program, alertmanager.ready):
        alertmanager.fire(MANY, *(channel_down(number) for number in range(60)), elsewhere)
        wait_until(lambda: len(pager.names("/alerts/critical")) >= 2, 15, "two pages")
        alertmanager.fire(WATCHDOG)  # a later group: when it is there, the sixty had their time
        wait_until(lambda: pager.names("/dead-man"), 15, "the dead man's switch")
    assert sorted(pager.names("/alerts/critical")) == [["ChannelDown"], ["ManyChannelsDown"]]


def test_two_channels_of_a_site_are_one_page(tmp_path: Path, pager: Pager) -> None:
    """Grouping is by site; the lost agent of the same site goes its own way and holds no cut back."""
    second = {**channel_down(1), "channel": "86-00001-2"}
    alertmanager = Alertmanager(tmp_path, pager)
    with running(alertmanager.program, alertmanager.ready):
        alertmanager.fire(AGENT, channel_down(1), second)
        wait_until(lambda: pager.names("/alerts/critical") and pager.names("/alerts/major"), 15, "both pages")
    assert pager.names("/alerts/critical") == [["ChannelDown", "ChannelDown"]]
    assert pager.names("/alerts/major") == [["AgentLost"]]


def test_a_dead_collector_holds_everything_back_but_itself_and_the_watchdog(tmp_path: Path, pager: Pager) -> None:
    """Nobody is called to a commune while the supervision itself is dead."""
    alertmanager = Alertmanager(tmp_path, pager)
    with running(alertmanager.program, alertmanager.ready):
        alertmanager.fire(DEAD, channel_down(1), AGENT, MANY)
        wait_until(lambda: pager.names("/alerts/critical"), 15, "the page about the collector")
        alertmanager.fire(WATCHDOG)
        wait_until(lambda: pager.names("/dead-man"), 15, "the dead man's switch")
    assert pager.names("/alerts/critical") == [["CollectorDead"]]
    assert pager.names("/alerts/major") == []
