"""``tslcd-agent probe`` and ``check`` with probes of every type: what people and programs read, exit codes 0, 1 and 2."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from support.broker import Broker
from support.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Page(http.server.BaseHTTPRequestHandler):
    """Says hello."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has
        """Keep quiet."""


@pytest.fixture
def web() -> Iterator[int]:
    """Serve a page."""
    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Write settings with a device that must not be touched."""
    file = tmp_path / "agent.yaml"
    file.write_text(
        'agent: {id: a-1, province: "86"}\nbrokers: [{host: 127.0.0.1}]\nspool: {directory: '
        f"{tmp_path / 'spool'}}}\ndevices: {{cipher: {{address: 127.0.0.9, touch: false}}}}\n"
    )
    return file


def probe(settings: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    command = [sys.executable, "-m", "tslcd_agent", "probe", *words, "--config", str(settings)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_type_writes_its_phases_and_a_sentence(settings: Path, web: int) -> None:
    """For people; a web address is recognised."""
    page = probe(settings, f"http://127.0.0.1:{web}/", "--body", "^hello$")
    assert page.returncode == 0, page.stderr
    for word in ("connect", "answer", "transfer", f"http://127.0.0.1:{web}/ answers with status 200, "):
        assert word in page.stdout
    port = probe(settings, "localhost", "--type", "tcp", "--port", str(web), "--source", "127.0.0.2")
    assert port.returncode == 0
    assert "resolve" in port.stdout
    assert f"localhost:{web} takes connections, " in port.stdout
    way = probe(settings, "127.0.0.1", "--type", "path", "--max-hops", "3")
    assert way.returncode == 0
    assert "127.0.0.1 is at hop 1" in way.stdout
    echoes = probe(settings, "::1", "--count", "3", "--size", "1000", "--dscp", "af41", "--spacing", "10ms")
    assert echoes.returncode == 0
    assert "::1 answers 3 of 3 packets" in echoes.stdout


def test_the_same_for_programs(settings: Path, web: int) -> None:
    """Numbers in base units, and null for what is not known."""
    said = json.loads(probe(settings, f"http://127.0.0.1:{web}/", "--json").stdout)
    assert (said["type"], said["outcome"], said["http_status"], said["reason"]) == ("http", "ok", 200, "")
    assert set(said["phases_seconds"]) == {"connect", "answer", "transfer"}
    assert said["certificate_expiry_seconds"] is None
    said = json.loads(probe(settings, "127.0.0.1", "--count", "2", "--json").stdout)
    assert (said["sent"], said["received"], said["loss_ratio"], len(said["rtt_seconds"])) == (2, 2, 0, 2)
    assert min(said["rtt_seconds"]) <= said["rtt_median_seconds"] <= said["rtt_p95_seconds"]
    said = json.loads(probe(settings, "127.0.0.1", "--type", "path", "--json").stdout)
    assert (said["hops"], [hop["address"] for hop in said["route"]]) == (1, ["127.0.0.1"])


def test_faults_end_with_1(settings: Path) -> None:
    """A closed port, a missing page, an address that nothing may be sent to."""
    port = str(free_port())
    for words, sentence in (
        (("127.0.0.1", "--type", "tcp", "--port", port), f"127.0.0.1:{port} refuses: "),
        (("127.0.0.1", "--type", "tls", "--port", port), f"127.0.0.1:{port} refuses: "),
        (("127.0.0.1", "--type", "dns", "--name", "portal.example", "--port", port), "127.0.0.1 refuses: "),
        ((f"http://127.0.0.1:{port}/",), f"http://127.0.0.1:{port}/ refuses: "),
        (("http://127.0.0.9/",), "nothing was sent to http://127.0.0.9/ (nothing may be sent to that address)"),
        (("no-such-name.invalid", "--type", "path"), "the name no-such-name.invalid has no address"),
        (("--type", "mqtt"), "the broker is unreachable: "),
    ):
        said = probe(settings, *words)
        assert said.returncode == 1, words
        assert sentence in said.stdout, words
        assert said.stderr == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "TARGET is missing: --type icmp needs it"),
        (("gw.example", "--type", "tcp"), "--port is missing: --type tcp needs it"),
        (("gw.example", "--port", "22"), "--port does not belong to --type icmp"),
        (("gw.example", "--no-verify"), "--no-verify does not belong to --type icmp"),
        (("gw.example", "--dscp", "gold"), "'gold' is not a DSCP: write 0 to 63, or a name such as ef, af41, cs6"),
        (("gw.example", "--timeout", "3"), "'3' is not a duration: write a number and one of ms, s, min, h, d, for example 30s"),
        (("gw.example", "--timeout", "0s"), "--timeout must be more than nothing"),
        (("gw.example", "--count", "1000"), "Expected `int` <= 100 - at `$.count`"),
        (("gw.example", "--source", "eth0"), "--source: 'eth0' is not an IP address"),
        (("gw.example", "--type", "http"), "TARGET: 'gw.example' is not a web address: write http://HOST/ or https://HOST/"),
        (("http://gw.example/", "--body", "("), "--body: not a regular expression: missing ), unterminated subpattern at position 0"),
        (("gw.example", "--type", "mqtt"), "TARGET does not belong to --type mqtt"),
        (("192.0.2.53", "--type", "dns", "--name", "portal.example", "--record", "ANY"), "Invalid enum value 'ANY' - at `$.record`"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_ends_with_2(settings: Path, words: tuple[str, ...], message: str) -> None:
    """Before anything is sent, with what is allowed."""
    said = probe(settings, *words)
    assert (said.returncode, said.stderr, said.stdout) == (2, f"tslcd-agent probe: {message}\n", "")


def test_check_tries_every_probe_of_the_settings(settings: Path, web: int, tmp_path: Path) -> None:
    """Each with its sentence; the round trip goes to the broker of the settings, after everything else."""
    closed = free_port()
    with Broker(tmp_path / "broker").running() as broker:
        settings.write_text(
            settings.read_text().replace("{host: 127.0.0.1}", f"{{host: 127.0.0.1, port: {broker.port}}}")
            + "probes:\n  own: {type: mqtt}\n  gw: {target: 127.0.0.1, count: 1}\n"
            + f'  page: {{type: http, target: "http://127.0.0.1:{web}/"}}\n'
            + f"  shut: {{type: tcp, target: 127.0.0.1, port: {closed}}}\n  way: {{type: path, target: 127.0.0.1}}\n"
        )
        command = [sys.executable, "-m", "tslcd_agent", "check", "--json", "--config", str(settings)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert probe(settings, "--type", "mqtt").returncode == 0
    assert done.returncode == 1, done.stderr
    found = {one["name"]: one for one in json.loads(done.stdout)["checks"] if one["kind"] == "probe"}
    assert {name: one["ok"] for name, one in found.items()} == {
        "gw": True,
        "page": True,
        "shut": False,
        "way": True,
        "own": True,
    }
    assert found["own"]["message"].startswith("a word to the broker came back, ")
    assert found["shut"]["message"].startswith(f"127.0.0.1:{closed} refuses: ")
