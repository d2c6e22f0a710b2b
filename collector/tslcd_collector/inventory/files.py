"""The files of an inventory as types: what people write, one struct a file and one a thing in it.

``sites.yaml`` holds ``sites: [...]``, and so does every file in ``sites/``; the same goes for every kind of thing. The
province alone is one document. Thresholds are in :mod:`tslcd_collector.inventory.classes`.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from tslcd_collector.inventory.classes import STANDARD, STANDARD_DEVICE, ChannelClass, DeviceClass, Id, Name
from tslcd_runtime.units import BitRate, Duration

ProvinceCode = Annotated[str, Meta(pattern=r"^[0-9]{2}\Z", description="Decision 19/2025/QĐ-TTg, in quotes")]
UnitCode = Annotated[str, Meta(pattern=r"^[0-9]{5}\Z", description="Decision 19/2025/QĐ-TTg, in quotes")]
Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", description="YYYY-MM-DD")]
#: A moment in local time (UTC+7).
Moment = Annotated[
    str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}\Z", description="YYYY-MM-DD HH:MM, local time")
]
Phone = Annotated[str, Meta(pattern=r"^\+?[0-9][0-9 ]{2,19}\Z")]


class Province(msgspec.Struct, frozen=True, kw_only=True):
    """The province whose channels these are."""

    code: ProvinceCode
    name: Name
    contacts: tuple[Id, ...] = ()


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Who is called; ``role`` in the words of the province, such as ``on-call``."""

    id: Id
    name: Name
    role: Name
    phone: Phone | None = None


class Agency(msgspec.Struct, frozen=True, kw_only=True):
    """A body of the Party, the State or the Fatherland Front that uses channels."""

    id: Id
    name: Name
    kind: Literal["party", "state", "front", "other"]
    contacts: tuple[Id, ...] = ()


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A place with one connection point. ``unit`` is the code of the commune, ward or special zone it stands in.

    ``unit_name`` may stand beside the code for readers; it is then compared with the table of units.
    """

    id: Id
    unit: UnitCode
    name: Name
    unit_name: Name | None = None
    kind: Literal["commune-office", "provincial-agency", "former-district-office", "other"] = "commune-office"
    contacts: tuple[Id, ...] = ()


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """Router, firewall or switch of a site, by the names that reports use: ``agent`` and ``id`` within the agent.

    ``touch: false`` keeps a device in the inventory and out of all polling. Cipher equipment is never touched: the
    Government Cipher Committee supervises it (Circular 06/2026/TT-BKHCN, article 9.4). A device that is not ``in_service``
    yet has no problems.
    """

    id: Id
    site: Id
    role: Literal["router", "firewall", "switch", "cipher"]
    agent: Id | None = None
    class_id: Id = msgspec.field(name="class", default=STANDARD_DEVICE.id)
    touch: bool = True
    in_service: bool = True
    model: Name | None = None

    @property
    def polled(self) -> bool:
        """Whether supervision may talk to the device at all."""
        return self.touch and self.role != "cipher"


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """What tells about a channel: an interface of a device, probes of the agent, or both.

    ``probes`` are names of probes of the agent; the first is the gateway's.
    """

    agent: Id
    device: Id | None = None
    interface: Name | None = None
    probes: tuple[Name, ...] = ()


class ChannelEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A channel as it stands in a file, with the columns of Circular 06/2026/TT-BKHCN, article 10.1.

    ``contracted`` is the bandwidth of both directions, unless ``contracted_transmit`` tells another one away from the site.
    ``upstream`` is the channel that carries this one. Channels of one ``redundancy_group`` stand in for each other. A channel that
    is not ``in_service``, or was not connected yet, has no faults.
    """

    id: Id
    site: Id
    agency: Id
    operator: Name
    circuit: Name
    access_level: Literal["I", "II"]
    contracted: BitRate
    connected_since: Day
    legal_document: Name
    name: Name | None = None
    class_id: Id = msgspec.field(name="class", default=STANDARD.id)
    contracted_transmit: BitRate | None = None
    tenant: Name | None = None
    upstream: Id | None = None
    redundancy_group: Id | None = None
    in_service: bool = True
    binding: Binding | None = None


class WindowEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A planned window, maintenance or a drill: once, ``from`` and ``until``; or again and again, ``every`` and ``lasts``.

    ``every`` is ``daily 22:00``, ``sun 22:00`` or ``day 15 22:00`` (of the month). Times are local (UTC+7). A window holds for
    the channels that fit every list that is given, and for all channels when none is.
    """

    id: Id
    title: Name
    kind: Literal["maintenance", "drill"] = "maintenance"
    since: Moment | None = msgspec.field(name="from", default=None)
    until: Moment | None = None
    every: Name | None = None
    lasts: Duration | None = None
    channels: tuple[Id, ...] = ()
    sites: tuple[Id, ...] = ()
    operators: tuple[Name, ...] = ()
    contact: Id | None = None


class Contacts(msgspec.Struct, frozen=True, kw_only=True):
    """``contacts.yaml``."""

    contacts: tuple[Contact, ...]


class Agencies(msgspec.Struct, frozen=True, kw_only=True):
    """``agencies.yaml``."""

    agencies: tuple[Agency, ...]


class Sites(msgspec.Struct, frozen=True, kw_only=True):
    """``sites.yaml``."""

    sites: tuple[Site, ...]


class Devices(msgspec.Struct, frozen=True, kw_only=True):
    """``devices.yaml``."""

    devices: tuple[Device, ...]


class Classes(msgspec.Struct, frozen=True, kw_only=True):
    """``classes.yaml``."""

    classes: tuple[ChannelClass, ...]


class DeviceClasses(msgspec.Struct, frozen=True, kw_only=True):
    """``device_classes.yaml``."""

    device_classes: tuple[DeviceClass, ...]


class Maintenance(msgspec.Struct, frozen=True, kw_only=True):
    """``maintenance.yaml``."""

    windows: tuple[WindowEntry, ...]


class Channels(msgspec.Struct, frozen=True, kw_only=True):
    """``channels.yaml``."""

    channels: tuple[ChannelEntry, ...]


#: The lists of an inventory: name of the file, which is also the key in it (but for KEYS), and type.
LISTS: Final[dict[str, type[msgspec.Struct]]] = {
    "contacts": Contacts,
    "agencies": Agencies,
    "sites": Sites,
    "devices": Devices,
    "classes": Classes,
    "device_classes": DeviceClasses,
    "channels": Channels,
    "maintenance": Maintenance,
}
#: Keys of files that are named otherwise.
KEYS: Final = {"maintenance": "windows"}
