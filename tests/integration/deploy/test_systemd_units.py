"""The systemd units: understood by systemd without a complaint, and with little exposure."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from support.processes import find_program

SHIPPED: Final = Path(__file__).parents[3] / "deploy" / "systemd"
#: What each unit starts.
STARTS: Final = {
    "tslcd-agent": "tslcd-agent run --config /etc/tslcd/agent.yaml",
    "tslcd-collector": "tslcd-collector run --config /etc/tslcd/collector.yaml",
    "tslcd-pager": "tslcd-collector pager --config /etc/tslcd/pager.yaml",
}
PROGRAMS: Final = tuple(STARTS)
MAX_EXPOSURE: Final = 2.0


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze, without a pager and without colours."""
    environment = {**os.environ, "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "", "LC_ALL": "C.UTF-8", "COLUMNS": "200"}
    command = [find_program("systemd-analyze"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def settings(program: str) -> dict[str, list[str]]:
    """Return the keys of a unit with all their values."""
    found: dict[str, list[str]] = {}
    for line in (SHIPPED / f"{program}.service").read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


def installed_as_far_as_systemd_sees(program: str, directory: Path) -> Path:
    """Copy a unit, with a program that exists here in place of the one that will be installed."""
    text = (SHIPPED / f"{program}.service").read_text()
    start = f"ExecStart=/opt/tslcd/bin/{STARTS[program]}\n"
    assert start in text
    unit = directory / f"{program}.service"
    unit.write_text(text.replace(start, f"ExecStart={shutil.which('true')}\n"))
    return unit


@pytest.mark.parametrize("program", PROGRAMS)
def test_systemd_understands_every_line(program: str, tmp_path: Path) -> None:
    """``systemd-analyze verify`` has nothing to say: no unknown key, no bad value."""
    done = analyze("verify", "--man=no", str(installed_as_far_as_systemd_sees(program, tmp_path)))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_verify_would_complain(tmp_path: Path) -> None:
    """The check above is one that can fail."""
    unit = installed_as_far_as_systemd_sees("tslcd-agent", tmp_path)
    unit.write_text(unit.read_text().replace("ProtectClock=yes", "ProtectClocks=yes"))
    assert "ProtectClocks" in analyze("verify", "--man=no", str(unit)).stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_little_is_exposed(program: str, tmp_path: Path) -> None:
    """``systemd-analyze security`` rates the unit 2.0 or less of 10."""
    unit = installed_as_far_as_systemd_sees(program, tmp_path)
    done = analyze("security", "--offline=true", "--no-pager", str(unit))
    rating = re.search(rf"Overall exposure level for {program}\.service: ([0-9.]+)", done.stdout)
    assert rating is not None, done.stdout + done.stderr
    assert float(rating[1]) <= MAX_EXPOSURE


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_root_no_capability_and_a_watchdog(program: str) -> None:
    """Its own user, not one capability, restarted for ever, watched, and told of new settings by SIGHUP."""
    unit = settings(program)
    assert unit["User"] == [program]
    assert unit["CapabilityBoundingSet"] == unit["AmbientCapabilities"] == [""]
    assert unit["Type"] == ["notify"]
    assert unit["NotifyAccess"] == ["main"]
    assert unit["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert unit["Restart"] == ["always"]
    assert unit["StartLimitIntervalSec"] == ["0"]
    assert int(unit["WatchdogSec"][0]) >= 10


def test_the_users_of_the_units_are_made(tmp_path: Path) -> None:
    """systemd-sysusers makes their users in an empty system, without a shell."""
    (tmp_path / "etc").mkdir()
    done = subprocess.run(
        [find_program("systemd-sysusers"), f"--root={tmp_path}", str(SHIPPED / "tslcd-sysusers.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "etc" / "passwd").read_text().splitlines()
    users = {line.split(":")[0]: line.split(":")[5:] for line in lines}
    assert users == {program: [f"/var/lib/{program}", "/usr/sbin/nologin"] for program in PROGRAMS}
