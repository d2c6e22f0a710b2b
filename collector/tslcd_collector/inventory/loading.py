"""From a folder to an :class:`Inventory`: read, check whole, resolve."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from tslcd_collector.inventory import check, folder, windows
from tslcd_collector.inventory.classes import STANDARD, STANDARD_DEVICE
from tslcd_collector.inventory.model import Channel, DeviceKey, Inventory
from tslcd_runtime.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tslcd_collector.inventory.classes import ChannelClass
    from tslcd_collector.inventory.files import Agency, ChannelEntry, Device, Site

K = TypeVar("K")


def load(path: Path) -> Inventory:
    """Read the inventory in the folder ``path``. Raises SettingsError with every problem of every file."""
    found = folder.read(path)
    problems = [*found.problems, *check.problems(found)]
    if problems or found.province is None:
        raise SettingsError(problems)
    sites = check.ids(found.sites)
    agencies = check.ids(found.agencies)
    classes = {STANDARD.id: STANDARD, **check.ids(found.classes)}
    devices = {(one.agent, one.id): one for one in (entry.value for entry in found.devices) if one.agent}
    channels = {entry.value.id: _channel(entry, sites, agencies, classes) for entry in found.channels}
    return Inventory(
        province=found.province.value,
        sites=MappingProxyType(sites),
        agencies=MappingProxyType(agencies),
        contacts=MappingProxyType(check.ids(found.contacts)),
        classes=MappingProxyType(classes),
        device_classes=MappingProxyType({STANDARD_DEVICE.id: STANDARD_DEVICE, **check.ids(found.device_classes)}),
        devices=MappingProxyType(devices),
        untouched=tuple(one.value for one in found.devices if not one.value.polled),
        channels=MappingProxyType(channels),
        agents=MappingProxyType(_agents(sites, devices, channels)),
        channels_by_agent=_grouped((one.binding.agent, one) for one in channels.values() if one.binding),
        channels_by_device=_grouped(
            ((one.binding.agent, one.binding.device), one)
            for one in channels.values()
            if one.binding and one.binding.device
        ),
        groups=_grouped((one.redundancy_group, one) for one in channels.values() if one.redundancy_group),
        below=_grouped((one.upstream, one) for one in channels.values() if one.upstream),
        windows=tuple(windows.window(entry.value) for entry in found.maintenance),
    )


def _channel(
    entry: folder.Placed[ChannelEntry],
    sites: Mapping[str, Site],
    agencies: Mapping[str, Agency],
    classes: Mapping[str, ChannelClass],
) -> Channel:
    one = entry.value
    return Channel(
        id=one.id,
        name=one.name or "",
        site=sites[one.site],
        agency=agencies[one.agency],
        operator=one.operator,
        circuit=one.circuit,
        access_level=one.access_level,
        channel_class=classes[one.class_id],
        receive_bits_per_second=one.contracted,
        transmit_bits_per_second=one.contracted_transmit or one.contracted,
        tenant=one.tenant or "",
        connected_since=dt.date.fromisoformat(one.connected_since),
        legal_document=one.legal_document,
        upstream=one.upstream,
        binding=one.binding,
        place=entry.place,
        redundancy_group=one.redundancy_group,
        in_service=one.in_service,
    )


def _agents(
    sites: Mapping[str, Site], devices: Mapping[DeviceKey, Device], channels: Mapping[str, Channel]
) -> dict[str, Site]:
    agents: dict[str, Site] = {}
    for (agent, _), device in devices.items():
        agents.setdefault(agent, sites[device.site])
    for channel in channels.values():
        if channel.binding:
            agents.setdefault(channel.binding.agent, channel.site)
    return agents


def _grouped(pairs: Iterable[tuple[K, Channel]]) -> Mapping[K, tuple[Channel, ...]]:
    groups: defaultdict[K, list[Channel]] = defaultdict(list)
    for key, channel in pairs:
        groups[key].append(channel)
    return MappingProxyType({key: tuple(group) for key, group in groups.items()})
