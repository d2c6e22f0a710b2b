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


def test_no_spelling_of_an_untouchable_address_is_a_device_or_a_source_of_traps(tmp_path: Path) -> None:
    """Gateways make IPv4 of some IPv6 addresses; groups and nobody's address are no device."""
    disguises = ["192.0.2.3", "::ffff:192.0.2.3", "64:ff9b::c000:203", "2002:c000:203::1", "224.0.0.1", "any"]
    cipher = "  cipher: {address: 192.0.2.3, touch: false}\n"
    sources = ", ".join(f'"{one}"' for one in ["192.0.2.4", *disguises])
    device = f"  fw: {{address: 192.0.2.1, snmp: {{community: {{file: community}}}}, trap_sources: [{sources}]}}\n"
    taken = "the address of device cipher, which has touch: false"
    wrong = [taken] * 4 + ["224.0.0.1 is not the address of one device", "'any' is not an IP address"]
    assert problems(tmp_path, f"{HEAD}devices:\n{cipher}{device}") == [
        f"agent.yaml:5: devices.fw.trap_sources[{place}]: {message}" for place, message in enumerate(wrong, 1)
    ]
    for address in disguises[2:4]:
        device = f'  fw: {{address: "{address}", snmp: {{community: {{file: community}}}}}}\n'
        assert problems(tmp_path, f"{HEAD}devices:\n{cipher}{device}") == [f"agent.yaml:5: devices.fw.address: {taken}"]
        head = HEAD.replace("host: 192.0.2.10", f'host: "{address}"')
        assert problems(tmp_path, f"{head}devices:\n{cipher}") == [f"agent.yaml:2: brokers[0].host: {taken}"]
