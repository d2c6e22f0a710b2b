"""The files of an inventory as types: what people write, one struct a file and one a thing in it.

``sites.yaml`` holds ``sites: [...]``, and so does every file in ``sites/``; the same goes for every kind of thing. The
province alone is one document. Thresholds have defaults of ours: no rule gives lawful numbers for loss, delay, jitter or
availability (Circular 06/2026/TT-BKHCN, article 13.2), so every class may change them.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from tslcd_runtime.units import BitRate, Duration, Ratio
from tslcd_wire.topics import ID_PATTERN

#: Names that become label values: no control characters, no long prose.
_PRINTABLE: Final = r"^[^\x00-\x1f\x7f]+\Z"
Id = Annotated[str, Meta(pattern=rf"^{ID_PATTERN}\Z")]
Name = Annotated[str, Meta(pattern=_PRINTABLE, max_length=128)]
ProvinceCode = Annotated[str, Meta(pattern=r"^[0-9]{2}\Z", description="Decision 19/2025/QĐ-TTg, in quotes")]
UnitCode = Annotated[str, Meta(pattern=r"^[0-9]{5}\Z", description="Decision 19/2025/QĐ-TTg, in quotes")]
Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", description="YYYY-MM-DD")]
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
    Government Cipher Committee supervises it (Circular 06/2026/TT-BKHCN, article 9.4).
    """

    id: Id
    site: Id
    role: Literal["router", "firewall", "switch", "cipher"]
    agent: Id | None = None
    touch: bool = True
    model: Name | None = None

    @property
    def polled(self) -> bool:
        """Whether supervision may talk to the device at all."""
        return self.touch and self.role != "cipher"


class ChannelClass(msgspec.Struct, frozen=True, kw_only=True):
    """Thresholds of a class of channels: durations in seconds, shares as ratios.

    Evidence older than ``stale_after`` says nothing any more. ``availability_target`` is a share of time.
    """

    id: Id
    stale_after: Duration = 90.0
    loss_warn: Ratio = 0.01
    loss_critical: Ratio = 0.05
    latency_warn: Duration = 0.020
    latency_critical: Duration = 0.050
    jitter_warn: Duration = 0.010
    jitter_critical: Duration = 0.030
    availability_target: Ratio = 0.995
    repair_within: Duration = 4 * 3600.0


#: The class of channels that name none.
STANDARD: Final = ChannelClass(id="standard")


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
    binding: Binding | None = None


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


class Channels(msgspec.Struct, frozen=True, kw_only=True):
    """``channels.yaml``."""

    channels: tuple[ChannelEntry, ...]


#: The lists of an inventory: key in the file, which is also the file's name, and type.
LISTS: Final[dict[str, type[msgspec.Struct]]] = {
    "contacts": Contacts,
    "agencies": Agencies,
    "sites": Sites,
    "devices": Devices,
    "classes": Classes,
    "channels": Channels,
}
