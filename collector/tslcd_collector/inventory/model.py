"""The inventory as the collector uses it: immutable, whole, and with the indexes that its readers need.

Invariants:

* Everything here went through :mod:`tslcd_collector.inventory.check`: every reference leads somewhere, so a reader never
  asks whether a site, an agency or a class exists.
* Codes of units are strings (Decision 19/2025/QĐ-TTg): ``"06970"`` is not a number.
* Bandwidth is what was contracted, in bits per second, never the speed of an interface.
* Nothing has an address: where a device is reached stands in the configuration of its agent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tslcd_collector.inventory.classes import STANDARD_DEVICE

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from tslcd_collector.inventory.classes import ChannelClass, DeviceClass
    from tslcd_collector.inventory.files import Agency, Binding, Contact, Device, Province, Site
    from tslcd_collector.maintenance import Window
    from tslcd_runtime.settings import Loaded, Path_, Problem

AccessLevel: TypeAlias = Literal["I", "II"]
#: How a device is named in reports: agent, and device within the agent.
DeviceKey: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the inventory's files."""

    file: Loaded[Any]
    path: Path_

    def __str__(self) -> str:
        """Write it as compilers do: ``channels.yaml:12``."""
        return f"{self.file.file}:{self.problem((), '').line}"

    def problem(self, path: Path_, message: str) -> Problem:
        """Make a problem about what stands at ``path`` within this place."""
        return self.file.problem((*self.path, *path), message)


@dataclass(frozen=True, slots=True)
class Channel:
    """One supervised circuit with everything it refers to, resolved.

    ``receive_bits_per_second`` and ``transmit_bits_per_second`` are contracted, seen from the site. ``binding`` is None
    while nothing measures the channel; it stays on every screen all the same. ``upstream`` is the id of the channel that
    carries this one. Channels of one ``redundancy_group`` stand in for each other.
    """

    id: str
    name: str
    site: Site
    agency: Agency
    operator: str
    circuit: str
    access_level: AccessLevel
    channel_class: ChannelClass
    receive_bits_per_second: float
    transmit_bits_per_second: float
    tenant: str
    connected_since: dt.date
    legal_document: str
    upstream: str | None
    binding: Binding | None
    place: Place = field(repr=False, compare=False)
    redundancy_group: str | None = None
    in_service: bool = True


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything a province supervises. Mappings are read-only and in the order of the files.

    ``agents`` maps an agent's id to the site where it stands: that of its first device, else of the first channel bound
    to it. ``devices`` are those with an agent; ``untouched`` those that are never polled. ``channels_by_agent`` has every channel bound
    to the agent, ``channels_by_device`` those bound to the device; ``groups`` the channels that stand in for each other;
    ``below`` the channels that one carries. ``windows`` are planned.
    """

    province: Province
    sites: Mapping[str, Site]
    agencies: Mapping[str, Agency]
    contacts: Mapping[str, Contact]
    classes: Mapping[str, ChannelClass]
    device_classes: Mapping[str, DeviceClass]
    devices: Mapping[DeviceKey, Device]
    untouched: tuple[Device, ...]
    channels: Mapping[str, Channel]
    agents: Mapping[str, Site]
    channels_by_agent: Mapping[str, tuple[Channel, ...]]
    channels_by_device: Mapping[DeviceKey, tuple[Channel, ...]]
    groups: Mapping[str, tuple[Channel, ...]]
    below: Mapping[str, tuple[Channel, ...]]
    windows: tuple[Window, ...]

    def device_class(self, key: DeviceKey) -> DeviceClass:
        """Return the thresholds of a device; the standard ones for a device that is not in the inventory."""
        device = self.devices.get(key)
        return self.device_classes[device.class_id] if device is not None else STANDARD_DEVICE
