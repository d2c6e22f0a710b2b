"""explain, profile, top and walk, as people run them, against a real SNMP daemon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from support.snmpd import COMMUNITY, V3_AUTH, V3_PRIV, Snmpd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


#: Users of the daemon in Net-SNMP's words; its AES-256-C is extended as Reeder says.
USERS = (("old", "MD5", "DES"), ("new", "SHA-256", "AES-256"), ("reeder", "SHA", "AES-256-C"))


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    """One daemon for all commands."""
    snmpd = Snmpd(tmp_path_factory.mktemp("snmpd"))
    for user, auth, priv in USERS:
        snmpd.add(f"createUser {user} {auth} {V3_AUTH} {priv} {V3_PRIV}", f"rouser {user} priv")
    with snmpd.running():
        yield snmpd


@pytest.fixture
def settings(daemon: Snmpd, tmp_path: Path) -> Path:
    """Write settings with the daemon, a device that nobody may touch, and a probe."""
    word = tmp_path / "word"
    word.write_text(f"{COMMUNITY}\n")
    word.chmod(0o600)
    path = tmp_path / "agent.yaml"
    path.write_text(
        'agent: {id: site, province: "86"}\nbrokers: [{host: 127.0.0.1}]\npoll: {timeout: 500ms}\n'
        f'devices:\n  router: {{address: {daemon.address}, port: {daemon.port}, snmp: {{version: "2c", community: {{file: word}}}}}}\n'
        "  cipher: {address: 192.0.2.9, touch: false}\n"
        "probes: {self: {target: 127.0.0.1, count: 2, spacing: 50ms}}\n"
    )
    return path


def agent(*arguments: object, language: str = "C.UTF-8") -> subprocess.CompletedProcess[str]:
    """Run ``tslcd-agent``."""
    command = [sys.executable, "-m", "tslcd_agent", *map(str, arguments)]
    environment = {**os.environ, "LC_ALL": language, "COLUMNS": "200"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)


def test_explain_tells_what_a_round_costs(settings: Path) -> None:
    """The first round discovers, the ordinary one asks in fewer packets; profile, reason and missing columns are told."""
    done = agent("explain", "router", "--config", settings, "--json")
    told: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode, done.stderr, told["state"], told["complete"]) == (0, "", "ok", True)
    assert told["profile"]["name"] == "linux-netsnmp"
    first, ordinary = told["rounds"]
    assert 0 < ordinary["requests"] < first["requests"]
    assert all(one["requests"] >= sum(step["requests"] for step in one["steps"]) > 0 for one in told["rounds"])
    assert told["tables"]["interface"] >= 1
    people = agent("explain", "router", "--config", settings)
    assert "ordinary round" in people.stdout
    assert "lượt thường" in agent("explain", "router", "--config", settings, language="vi_VN.UTF-8").stdout


def test_explain_of_a_device_that_does_not_answer(settings: Path) -> None:
    """One round, the reason, exit code 1."""
    done = agent("explain", "127.0.0.1", "--community", "x", "--port", 1, "--config", settings, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["state"], len(told["rounds"])) == (1, "refused", 1)
    assert told["reason"] == "port 1 of 127.0.0.1 is closed"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain", "cipher"], "cipher: touch: false: nothing is ever sent to it"),
        (["explain", "192.0.2.9", "--community", "x"], "192.0.2.9: touch: false: nothing is ever sent to it"),
        (["walk", "192.0.2.9", "--community", "x"], "192.0.2.9: touch: false: nothing is ever sent to it"),
        (["profile", "test", "cipher"], "cipher: touch: false: nothing is ever sent to it"),
        (["explain", "nobody"], "nobody: neither a device of the settings (router) nor an IP address"),
        (["explain", "192.0.2.1"], "192.0.2.1: say how to ask: --community or --like DEVICE"),
        (["walk", "192.0.2.1", "--like", "nobody"], "--like nobody: no such device in the settings: router"),
        (
            ["walk", "router", "--root", "ifTable"],
            "--root ifTable: an object identifier is wanted, for example 1.3.6.1.2.1",
        ),
        (
            ["profile", "test", "router", "--profile", "acme"],
            "--profile acme: there is no such profile: see tslcd-agent profile list",
        ),
    ],
)
def test_what_cannot_be_asked_is_said_and_ends_in_2(settings: Path, arguments: list[str], message: str) -> None:
    """Nothing is sent to who is not to be touched, by whatever name or address; the others hear what is allowed."""
    done = agent(*arguments, "--config", settings)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"tslcd-agent: {message}\n")


def test_an_address_is_asked_like_a_device_of_the_settings(settings: Path, daemon: Snmpd) -> None:
    """A second router with the same credentials needs no settings of its own to be tried."""
    done = agent("profile", "test", daemon.address, "--like", "router", "--port", daemon.port, "--config", settings)
    assert (done.returncode, done.stderr) == (0, "")
    assert "device.memory_total_bytes" in done.stdout


def test_a_recording_is_masked_and_can_be_tested(settings: Path, tmp_path: Path) -> None:
    """Walk, record, test: the profile finds in the recording what it found on the device; the name is not in it."""
    file = tmp_path / "box.snmprec"
    done = agent("walk", "router", "--record", file, "--config", settings)
    assert (done.returncode, done.stderr) == (0, "")
    text = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert "test-router" not in text
    assert "1.3.6.1.2.1.1.5.0|4|device-" in text
    assert not any(line.startswith("1.3.6.1.2.1.4.") for line in text.splitlines())
    found = json.loads(agent("profile", "test", file, "--json").stdout)
    alive = json.loads(agent("profile", "test", "router", "--config", settings, "--json").stdout)
    assert found["profile"] == alive["profile"] == "linux-netsnmp"
    # a daemon that was just started tells its load a while later
    columns = [{one["column"] for one in told["came"]} - {"cpu_utilization_ratio"} for told in (found, alive)]
    assert columns[0] == columns[1] >= {"memory_total_bytes", "vendor"}
    again = agent("walk", "router", "--record", file, "--config", settings)
    assert (again.returncode, again.stderr) == (
        2,
        f"tslcd-agent: --record {file}: is there already; nothing is written over it\n",
    )
    assert file.read_text() == text


def test_a_walk_prints_what_snmprec_has(settings: Path) -> None:
    """Object, type, value; the community is not in it, and a limit is a limit."""
    done = agent("walk", "router", "--root", "1.3.6.1.2.1.1", "--config", settings)
    assert "1.3.6.1.2.1.1.5.0|4|test-router" in done.stdout.splitlines()
    limited = agent("walk", "router", "--root", "1.3.6.1.2.1.1", "--limit", 3, "--config", settings)
    assert limited.stdout.splitlines() == done.stdout.splitlines()[:2] + limited.stdout.splitlines()[2:]
    assert len(limited.stdout.splitlines()) == 3


def test_a_file_that_is_no_recording(tmp_path: Path) -> None:
    """Said, exit code 1."""
    file = tmp_path / "holiday.txt"
    file.write_text("sun and sea\n")
    done = agent("profile", "test", file)
    assert done.returncode == 1
    assert "not a recording" in done.stderr


def test_top_shows_the_site_once_where_there_is_no_terminal(settings: Path) -> None:
    """Interfaces with rates, devices, probes; JSON has the same; everything answered, so 0."""
    done = agent("top", "--interval", 1, "--rounds", 2, "--config", settings, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert [one["name"] for one in told["devices"]] == ["router"]
    lo = next(one for one in told["interfaces"] if one["name"] == "lo")
    assert (lo["up"], lo["old"]) == (True, False)
    assert lo["receive_bits_per_second"] is not None
    assert told["probes"][0]["outcome"] == "ok"
    people = agent("top", "--interval", 1, "--rounds", 1, "--config", settings, language="vi_VN.UTF-8")
    assert "Giao diện" in people.stdout
    assert "● nối" in people.stdout


def test_top_says_that_a_device_does_not_answer(settings: Path) -> None:
    """The state stands beside the device, and the exit code is 1."""
    settings.write_text(
        'agent: {id: site, province: "86"}\nbrokers: [{host: 127.0.0.1}]\npoll: {timeout: 200ms, retries: 0}\n'
        'devices:\n  router: {address: 127.0.0.1, port: 1, snmp: {version: "2c", community: {file: word}}}\n'
    )
    done = agent("top", "--interval", 1, "--rounds", 2, "--config", settings)
    assert done.returncode == 1
    assert "✗ refused" in done.stdout


def test_profiles_are_listed_and_ones_own_are_checked(tmp_path: Path) -> None:
    """The list names kinds; a mistake in a file of one's own is told with file, line and key."""
    listed = json.loads(agent("profile", "list", "--json").stdout)
    assert listed["fortinet-fortigate"]["kinds"] == ["device", "firewall", "sensor", "tunnel", "path"]
    (tmp_path / "acme.yaml").write_text(
        "profile: acme\ntitle: Acme\nsource: ACME-MIB\nvalues: {device: {colour: {const: red}}}\n"
    )
    done = agent("profile", "check", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{tmp_path}/acme.yaml:4: values.device.colour: unknown key")
    (tmp_path / "acme.yaml").write_text(
        "profile: acme\ntitle: Acme\nsource: ACME-MIB\nvalues: {device: {vendor: {const: Acme}}}\n"
    )
    good = agent("profile", "check", tmp_path)
    assert (good.returncode, "acme" in good.stdout) == (0, True)


@pytest.mark.parametrize(
    ("user", "more", "lines"),
    [
        ("old", "", "      auth:\n        protocol: MD5\n      priv:\n        protocol: DES\n"),
        ("new", "", "      auth:\n        protocol: SHA-256\n      priv:\n        protocol: AES-256\n"),
        ("reeder", "", "      priv:\n        protocol: AES-256\n        extension: reeder\n"),
        (
            "reeder",
            ", context: vdom-9",
            "      priv:\n        protocol: AES-256\n        extension: reeder\n      context: null\n",
        ),
    ],
)
def test_check_prints_the_lines_that_make_a_device_answer(
    daemon: Snmpd, tmp_path: Path, user: str, more: str, lines: str
) -> None:
    """Of a user whose protocols, key extension and context are not those of the settings, in JSON and for people."""
    for name, word in (("auth", V3_AUTH), ("priv", V3_PRIV)):
        (tmp_path / name).write_text(word)
        (tmp_path / name).chmod(0o600)
    path = tmp_path / "agent.yaml"
    snmp = f'{{version: "3", user: {user}, auth: {{protocol: SHA, password: {{file: auth}}}}, priv: {{password: {{file: priv}}}}{more}}}'
    path.write_text(
        'agent: {id: site, province: "86"}\nbrokers: [{host: 127.0.0.1, port: 1}]\npoll: {timeout: 500ms, retries: 0}\n'
        f"spool: {{directory: {tmp_path}}}\n"
        f"devices:\n  fw: {{address: {daemon.address}, port: {daemon.port}, snmp: {snmp}}}\n"
    )
    done = agent("check", "--config", path, "--json")
    found = next(one for one in json.loads(done.stdout)["checks"] if one["kind"] == "device")
    assert (done.returncode, done.stderr, found["ok"]) == (1, "", False)
    assert found["settings"] == f"devices:\n  fw:\n    snmp:\n{lines}"
    if not more:
        people = agent("check", "--config", path, language="vi_VN.UTF-8")
        assert (
            f"Sửa các dòng này trong tệp cấu hình, giữ nguyên các dòng khác của fw:\n{found['settings']}"
            in people.stdout
        )


def test_a_recording_that_cannot_be_written_is_said_before_the_walk(settings: Path, tmp_path: Path) -> None:
    """Not after an hour, and not as a traceback."""
    file = tmp_path / "nowhere" / "box.snmprec"
    done = agent("walk", "router", "--record", file, "--config", settings)
    message = f"tslcd-agent: --record {file}: {file.parent} is no directory that can be written to\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


@pytest.mark.parametrize("command", [["walk"], ["profile", "test"], ["explain"]])
def test_who_does_not_answer_is_said_with_what_to_do(command: list[str]) -> None:
    """The kind of failure, the device, the next command, in both languages."""
    arguments = (*command, "127.0.0.1", "--community", "x", "--port", 1)
    english, vietnamese = agent(*arguments), agent(*arguments, language="vi_VN.UTF-8")
    assert (english.returncode, vietnamese.returncode) == (1, 1)
    said = english.stdout + english.stderr
    assert "refused" in said
    assert "port 1 of 127.0.0.1 is closed" in said
    assert "tslcd-agent check finds out why, and what to do" in said
    assert "chạy tslcd-agent check để biết nguyên nhân và cách sửa" in vietnamese.stdout + vietnamese.stderr
