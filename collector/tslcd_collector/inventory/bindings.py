"""Bindings against what devices really have: the one mistake that only a running network can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tslcd_collector.inventory.model import DeviceKey, Inventory
    from tslcd_runtime.settings import Problem


def binding_problems(inventory: Inventory, interfaces_by_device: Mapping[DeviceKey, tuple[str, ...]]) -> list[Problem]:
    """Return a problem, at the line of the binding, for every channel whose interface its device does not have.

    ``interfaces_by_device`` has the names (IF-MIB::ifName) that each device has reported, by agent and device. Devices that
    were never reported are not in it, and nothing is said about their channels.
    """
    problems: list[Problem] = []
    for (agent, device), channels in inventory.channels_by_device.items():
        known = interfaces_by_device.get((agent, device))
        if known is None:
            continue
        there = ", ".join(sorted(known)) or "none"
        for channel in channels:
            wanted = channel.binding.interface if channel.binding else None
            if wanted is not None and wanted not in known:
                message = f"channel {channel.id}: interface {wanted!r} is not on device {device} of agent {agent}; it has: {there}"
                problems.append(channel.place.problem(("binding", "interface"), message))
    return sorted(problems)
