"""Our two programs and the broker, as an administrator would run them: real commands, real settings, defaults where possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench import machine
from support.processes import Program, find_program
from tslcd_collector.inventory.generate import inventory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PROVINCE: Final = "86"


def broker(folder: Path, port: int, *, address: str = "127.0.0.1", prefix: Sequence[str] = ()) -> Program:
    """Return a Mosquitto without persistence that lets peers have as many messages in flight as they want."""
    file = folder / "mosquitto.conf"
    user = "user root\n"  # as root it would otherwise change to a user that cannot read the bench's folder
    file.write_text(
        f"{user}listener {port} {address}\nallow_anonymous true\nmax_inflight_messages 1000\nmax_queued_messages 0\n"
    )
    return Program([*prefix, find_program("mosquitto"), "-c", str(file)], folder / "mosquitto.log")


def write_inventory(folder: Path, communes: int) -> Path:
    """Write a synthetic inventory with four channels a commune, and return its folder."""
    target = folder / "inventory"
    target.mkdir()
    for name, text in inventory(PROVINCE, 4 * communes, communes).items():
        (target / name).write_text(text, encoding="utf-8")
    return target


def collector(
    folder: Path, *, inventory_folder: Path, broker_port: int, port: int, prefix: Sequence[str] = ()
) -> Program:
    """Return the collector with its defaults."""
    file = folder / "collector.yaml"
    file.write_text(
        f"provinces: ['{PROVINCE}']\n"
        f"broker: {{host: 127.0.0.1, port: {broker_port}}}\n"
        f"inventory: {inventory_folder}\n"
        f"store: {{directory: {folder / 'store'}}}\n"
        f"web: {{host: 127.0.0.1, port: {port}}}\n"
        "log: {level: warning}\n"
    )
    command = [*prefix, machine.program("tslcd-collector"), "run", "--config", str(file)]
    return Program(command, folder / "collector.log")


def agent(
    folder: Path,
    *,
    name: str,
    broker_address: tuple[str, int],
    devices: Mapping[str, str],
    community: str,
    interval: float,
    traps: str = "",
    prefix: Sequence[str] = (),
) -> Program:
    """Return an agent that polls devices (addresses by id) every ``interval`` seconds; all else at its default.

    ``traps``: the address to listen on for traps, none when empty.
    """
    secret = folder / "community"
    secret.write_text(community)
    secret.chmod(0o600)
    file = folder / "agent.yaml"
    file.write_text(
        f"agent: {{id: {name}, province: '{PROVINCE}'}}\n"
        f"brokers: [{{host: {broker_address[0]}, port: {broker_address[1]}}}]\n"
        f"spool: {{directory: {folder / 'spool'}}}\n"
        f"poll: {{interval: {interval:g}s, budget: {interval:g}s}}\n"
        "devices:\n"
        + "".join(
            f"  {name}: {{address: {address}, snmp: {{community: {{file: {secret}}}}}}}\n"
            for name, address in devices.items()
        )
        + (f"traps: {{addresses: [{traps}]}}\n" if traps else "")
    )
    command = [*prefix, machine.program("tslcd-agent"), "run", "--config", str(file)]
    return Program(command, folder / "agent.log")
