"""Settings of traps and of the box's own links: each mistake with its exact message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tslcd_agent.config import load_config
from tslcd_runtime.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

HEAD = 'agent: {id: 86-29551-1, province: "86"}\nbrokers: [{host: 192.0.2.10}]\n'
DEVICE = "devices: {fw: {address: 192.0.2.1, snmp: {community: {file: community}}}}\n"


def problems(directory: Path, text: str) -> list[str]:
    """Load settings; return what is wrong with them."""
    (directory / "community").write_text("hidden-word\n")
    file = directory / "agent.yaml"
    file.write_text(text)
    try:
        load_config(file)
    except SettingsError as error:
        return [str(problem).removeprefix(f"{directory}/") for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DEVICE + "traps: {}\nlinks: {}\n", []),
        (DEVICE + 'traps: {addresses: [192.0.2.10, "2001:db8::1"]}\n', []),
        (
            DEVICE + "traps: {addresses: [router, 192.0.2.10, 192.0.2.10]}\n",
            [
                "agent.yaml:4: traps.addresses[0]: 'router' is not an IP address",
                "agent.yaml:4: traps.addresses[2]: 192.0.2.10 is there twice",
            ],
        ),
        (
            "traps: {}\n",
            ["agent.yaml:3: traps: no device is polled, and no other is heard: add devices, or leave this out"],
        ),
        (
            "devices: {cipher: {address: 192.0.2.1, touch: false}}\ntraps: {}\n",
            ["agent.yaml:4: traps: no device is polled, and no other is heard: add devices, or leave this out"],
        ),
        (
            "devices: {fw: {address: nowhere, snmp: {community: {file: community}}}}\ntraps: {rate: 0}\n",
            ["agent.yaml:4: traps.rate: '0' is not allowed: a whole number from 1 to 1000 is wanted here"],
        ),
        (DEVICE + "links: {device: fw}\n", ["agent.yaml:4: links.device: the name of a device of devices: fw"]),
    ],
    ids=["defaults", "both families", "addresses", "no devices", "none to be touched", "rate", "name"],
)
def test_mistakes_are_named(tmp_path: Path, text: str, expected: list[str]) -> None:
    """File, line, and what to do."""
    assert problems(tmp_path, HEAD + text) == expected
