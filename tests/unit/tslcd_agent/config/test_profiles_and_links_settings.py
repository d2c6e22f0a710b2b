"""Settings of profiles, local links and fast polls: what is named has to be there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tslcd_agent.config import load_config
from tslcd_runtime.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

HEAD = 'agent: {id: a, province: "86"}\nbrokers: [{host: 192.0.2.10}]\n'
DEVICE = 'devices:\n  fw:\n    address: 192.0.2.1\n    snmp: {version: "2c", community: {file: word}}\n'


def problems(directory: Path, text: str) -> list[str]:
    """Return what is wrong with settings, with the directory taken out."""
    (directory / "word").write_text("public\n")
    (directory / "word").chmod(0o600)
    path = directory / "agent.yaml"
    path.write_text(HEAD + text)
    with pytest.raises(SettingsError) as caught:
        load_config(path)
    return [str(problem).replace(f"{directory}/", "") for problem in caught.value.problems]


def test_a_profile_that_nobody_has(tmp_path: Path) -> None:
    """Told where it stands, and where the names are."""
    assert problems(tmp_path, DEVICE + "    profile: fortigat\n") == [
        "agent.yaml:7: devices.fw.profile: there is no profile 'fortigat': see tslcd-agent profile list"
    ]


def test_profiles_of_ones_own(tmp_path: Path) -> None:
    """A file in the directory is a profile by its name; a directory that is not there is a mistake."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "acme-router.yaml").write_text("")
    text = f"profiles: {tmp_path / 'mine'}\n" + DEVICE + "    profile: acme-router\n"
    (tmp_path / "word").write_text("public\n")
    (tmp_path / "word").chmod(0o600)
    (tmp_path / "agent.yaml").write_text(HEAD + text)
    assert load_config(tmp_path / "agent.yaml").value.polled()[0].profile == "acme-router"
    assert problems(tmp_path, "profiles: /nowhere/at/all\n") == [
        "agent.yaml:3: profiles: /nowhere/at/all: no such directory"
    ]


def test_the_box_is_no_device_that_is_polled(tmp_path: Path) -> None:
    """One name is one thing in every report."""
    assert problems(tmp_path, DEVICE + "links: {device: fw}\n") == [
        "agent.yaml:7: links.device: the name of a device of devices: fw"
    ]


def test_a_fast_poll_is_not_faster_than_a_second(tmp_path: Path) -> None:
    """The bound of every loop holds for the fast poll too."""
    assert problems(tmp_path, DEVICE + "    watch: {interfaces: [wan1], interval: 100ms}\n") == [
        "agent.yaml:7: devices.fw.watch.interval: shorter than 1s"
    ]
