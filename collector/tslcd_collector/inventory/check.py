"""The whole check of an inventory: what no single file can tell.

Invariants:

* Every mistake is told, at the line where it is mended, with what would be allowed.
* Nothing is said to be missing from a file that could not be read: that one problem is enough.
* What passes here needs no further check by any reader of the inventory.
"""

from __future__ import annotations

import datetime as dt
import difflib
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from tslcd_collector.inventory import windows
from tslcd_collector.inventory.classes import STANDARD, STANDARD_DEVICE
from tslcd_collector.inventory.units import same_name, territory
from tslcd_runtime.units import BIT_RATE, DURATION, RATIO

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from tslcd_collector.inventory.classes import ChannelClass, DeviceClass
    from tslcd_collector.inventory.files import ChannelEntry, Device, WindowEntry
    from tslcd_collector.inventory.folder import Folder, Placed
    from tslcd_collector.inventory.model import Place
    from tslcd_runtime.settings import Problem


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Identified)
#: What a channel of this network may have (level II tails have 200 Mbps for most communes since 2025).
MIN_CONTRACTED: Final = 2e6
MAX_CONTRACTED: Final = 10e9
#: Errors and traffic are judged over no less and no more than this, seconds.
MIN_OVER: Final = 60.0
MAX_OVER: Final = 3600.0
#: Cuts are remembered over a restart for so long, seconds (:data:`tslcd_collector.store.database.ENDED`).
MAX_FLAP: Final = 86400.0
#: A message lists no more than this many ids.
MAX_LISTED: Final = 10
_CIPHER: Final = "cipher equipment is never polled (Circular 06/2026/TT-BKHCN, article 9.4)"


class _Known:
    """What references may lead to, indexed once: an inventory of a nation has 15,000 channels."""

    def __init__(self, folder: Folder) -> None:
        self.broken = folder.broken
        self.sites = ids(folder.sites)
        self.agencies = ids(folder.agencies)
        self.classes = {STANDARD.id: STANDARD, **ids(folder.classes)}
        self.device_classes = {STANDARD_DEVICE.id: STANDARD_DEVICE, **ids(folder.device_classes)}
        self.channels = ids(folder.channels)
        self.operators = {one.operator for one in self.channels.values()}
        self.contacts = ids(folder.contacts)
        self.devices = {device_key(one.value): one.value for one in folder.devices}
        self.devices_of: dict[str, list[str]] = {}
        for holder, device in self.devices:
            self.devices_of.setdefault(holder, []).append(device)


def problems(folder: Folder) -> Iterator[Problem]:
    """Yield every problem that goes across values or files."""
    yield from _twice(folder)
    yield from _units(folder)
    yield from _contacts(folder)
    known = _Known(folder)
    for device in folder.devices:
        yield from _device(device, known)
    for one in folder.classes:
        yield from _class(one)
    for kind in folder.device_classes:
        yield from _device_class(kind)
    for channel in folder.channels:
        yield from _references(channel, known)
        yield from _figures(channel)
        yield from _binding(channel, known)
    yield from _circles(folder)
    yield from _groups(folder)
    for window in folder.maintenance:
        yield from windows.problems(window)
        yield from _window(window, known)


def ids(entries: Iterable[Placed[T]]) -> dict[str, T]:
    """Index things by their id; the first of two with one id stays."""
    index: dict[str, T] = {}
    for entry in entries:
        index.setdefault(entry.value.id, entry.value)
    return index


def device_key(device: Device) -> tuple[str, str]:
    """How a device is told apart: by agent and id; one without an agent by its site."""
    return (device.agent, device.id) if device.agent else (f"@{device.site}", device.id)


def _twice(folder: Folder) -> Iterator[Problem]:
    """Tell of every id that is given twice within its kind, in one file or two, with both places."""
    named: list[tuple[str, Place]] = []
    named += ((f"contact {one.value.id!r}", one.place) for one in folder.contacts)
    named += ((f"agency {one.value.id!r}", one.place) for one in folder.agencies)
    named += ((f"site {one.value.id!r}", one.place) for one in folder.sites)
    named += ((f"class {one.value.id!r}", one.place) for one in folder.classes)
    named += ((f"device class {one.value.id!r}", one.place) for one in folder.device_classes)
    named += ((f"channel {one.value.id!r}", one.place) for one in folder.channels)
    named += ((f"window {one.value.id!r}", one.place) for one in folder.maintenance)
    for one in folder.devices:
        holder = f"agent {one.value.agent!r}" if one.value.agent else f"site {one.value.site!r}"
        named.append((f"device {one.value.id!r} of {holder}", one.place))
    first: dict[str, Place] = {}
    for name, place in named:
        known = first.setdefault(name, place)
        if known is not place:
            yield place.problem(("id",), f"{name} is given twice, first at {known}")


def _missing(place: Place, path: tuple[str | int, ...], word: str, wanted: str, known: Collection[str]) -> Problem:
    """Say that a reference leads nowhere, and where it might lead."""
    near = difflib.get_close_matches(wanted, known, 1)
    if near:
        hint = f"did you mean {near[0]!r}?"
    else:
        hint = f"there are {', '.join(sorted(known)[:MAX_LISTED])}" if known else "there are none"
        hint += f" and {len(known) - MAX_LISTED} more" if len(known) > MAX_LISTED else ""
    return place.problem(path, f"no {word} {wanted!r} in the inventory: {hint}")


def _units(folder: Folder) -> Iterator[Problem]:
    """Compare codes and names with the table of units."""
    table = territory()
    code = None
    if folder.province is not None:
        province, place = folder.province.value, folder.province.place
        unit = table.provinces.get(province.code)
        if unit is None:
            yield place.problem(("code",), f"no province has the code {province.code!r}")
        else:
            code = unit.code
            if not same_name(province.name, unit):
                yield place.problem(("name",), f"province {unit.code} is {unit.name}, not {province.name}")
    for entry in folder.sites:
        site, place = entry.value, entry.place
        unit = table.communes.get(site.unit)
        if unit is None:
            yield place.problem(("unit",), f"no commune, ward or special zone has the code {site.unit!r}")
            continue
        if code is not None and unit.province != code:
            home = table.provinces[unit.province]
            message = f"unit {unit.code} {unit.full_name} is in province {home.code} {home.name}, not in {code}"
            yield place.problem(("unit",), message)
        if site.unit_name is not None and not same_name(site.unit_name, unit):
            yield place.problem(("unit_name",), f"unit {unit.code} is {unit.full_name}, not {site.unit_name}")


def _contacts(folder: Folder) -> Iterator[Problem]:
    if "contacts" in folder.broken:
        return
    known = ids(folder.contacts)
    holders = [(one.place, one.value.contacts) for one in folder.sites]
    holders += [(one.place, one.value.contacts) for one in folder.agencies]
    holders += [(folder.province.place, folder.province.value.contacts)] if folder.province else []
    for place, contacts in holders:
        for index, one in enumerate(contacts):
            if one not in known:
                yield _missing(place, ("contacts", index), "contact", one, known)


def _device(entry: Placed[Device], known: _Known) -> Iterator[Problem]:
    device, place = entry.value, entry.place
    if device.site not in known.sites and "sites" not in known.broken:
        yield _missing(place, ("site",), "site", device.site, known.sites)
    if device.class_id not in known.device_classes and "device_classes" not in known.broken:
        yield _missing(place, ("class",), "device class", device.class_id, known.device_classes)
    if device.role == "cipher" and device.agent:
        yield place.problem(("agent",), f"{_CIPHER}: leave agent out")
    if device.role == "cipher" and (*place.path, "touch") in place.file.lines and device.touch:
        yield place.problem(("touch",), f"{_CIPHER}: leave touch out")
    if device.polled and not device.agent:
        yield place.problem(("agent",), "missing: name the agent that polls the device, or write touch: false")


def _class(entry: Placed[ChannelClass]) -> Iterator[Problem]:
    limits, place = entry.value, entry.place
    for name, quantity in (("loss", RATIO), ("latency", DURATION), ("jitter", DURATION), ("errors", RATIO)):
        warn, critical = getattr(limits, f"{name}_warn"), getattr(limits, f"{name}_critical")
        if warn > critical:
            message = f"{quantity.show(warn)} is above {name}_critical {quantity.show(critical)}"
            yield place.problem((f"{name}_warn",), message)
    yield from _shares(
        entry,
        (
            "loss_warn",
            "loss_critical",
            "errors_warn",
            "errors_critical",
            "overload_warn",
            "clear",
            "availability_target",
        ),
    )
    for name in ("stale_after", "flap_window", "clear"):
        if getattr(limits, name) <= 0:
            nothing = RATIO.show(0) if name == "clear" else DURATION.show(0)
            yield place.problem((name,), f"{nothing} is not allowed: above 0")
    if limits.flap_window > MAX_FLAP:
        message = f"{DURATION.show(limits.flap_window)} is not allowed: at most {DURATION.show(MAX_FLAP)}"
        yield place.problem(("flap_window",), message)
    if not MIN_OVER <= limits.traffic_over <= MAX_OVER:
        bounds = f"{DURATION.show(MIN_OVER)} to {DURATION.show(MAX_OVER)}"
        yield place.problem(("traffic_over",), f"{DURATION.show(limits.traffic_over)} is not allowed: {bounds}")


def _device_class(entry: Placed[DeviceClass]) -> Iterator[Problem]:
    yield from _shares(entry, ("cpu_warn", "memory_warn", "sessions_warn", "battery_low", "clear"))
    if entry.value.clear <= 0:
        yield entry.place.problem(("clear",), "0% is not allowed: above 0")


def _shares(entry: Placed[ChannelClass] | Placed[DeviceClass], names: Iterable[str]) -> Iterator[Problem]:
    for name in names:
        share = getattr(entry.value, name)
        if share > 1:
            yield entry.place.problem((name,), f"{RATIO.show(share)} is not allowed: 0% to 100%")


def _references(entry: Placed[ChannelEntry], known: _Known) -> Iterator[Problem]:
    channel, place = entry.value, entry.place
    targets: tuple[tuple[str, str, str, Collection[str]], ...] = (
        ("site", "sites", channel.site, known.sites),
        ("agency", "agencies", channel.agency, known.agencies),
        ("class", "classes", channel.class_id, known.classes),
    )
    for key, kind, wanted, there in targets:
        if wanted not in there and kind not in known.broken:
            yield _missing(place, (key,), key, wanted, there)
    if channel.upstream is not None and channel.upstream not in known.channels and "channels" not in known.broken:
        yield _missing(place, ("upstream",), "channel", channel.upstream, known.channels)


def _figures(entry: Placed[ChannelEntry]) -> Iterator[Problem]:
    channel, place = entry.value, entry.place
    for key in ("contracted", "contracted_transmit"):
        rate = getattr(channel, key)
        if rate is not None and not MIN_CONTRACTED <= rate <= MAX_CONTRACTED:
            bounds = f"{BIT_RATE.show(MIN_CONTRACTED)} to {BIT_RATE.show(MAX_CONTRACTED)}"
            yield place.problem((key,), f"{BIT_RATE.show(rate)} is not allowed: {bounds}")
    try:
        dt.date.fromisoformat(channel.connected_since)
    except ValueError:
        yield place.problem(("connected_since",), f"{channel.connected_since} is not a day of the calendar: YYYY-MM-DD")


def _binding(entry: Placed[ChannelEntry], known: _Known) -> Iterator[Problem]:
    """Check what a channel is bound to, as far as the inventory knows it."""
    channel, place, binding = entry.value, entry.place, entry.value.binding
    if binding is None:
        return
    if binding.interface is None and not binding.probes:
        yield place.problem(
            ("binding",), "names neither an interface nor a probe: nothing would tell about the channel"
        )
    if binding.interface is not None and binding.device is None:
        yield place.problem(("binding", "device"), f"missing: interface {binding.interface!r} is on a device")
    if len(set(binding.probes)) < len(binding.probes):
        yield place.problem(("binding", "probes"), "a probe is named twice")
    if binding.device is None or "devices" in known.broken:
        return
    held = ((binding.agent, binding.device), (f"@{channel.site}", binding.device))
    device = known.devices.get(held[0]) or known.devices.get(held[1])
    if device is None:
        yield _no_device(entry, known)
        return
    where = ("binding", "device")
    if device.role == "cipher":
        yield place.problem(where, f"device {device.id!r} cannot be bound: {_CIPHER}")
    elif not device.polled:
        yield place.problem(where, f"device {device.id!r} cannot be bound: it has touch: false")
    # a site that does not exist has been told already
    if device.site != channel.site and device.site in known.sites and channel.site in known.sites:
        message = (
            f"device {device.id!r} of agent {binding.agent!r} stands at site {device.site!r}, not {channel.site!r}"
        )
        yield place.problem(where, message)


def _no_device(entry: Placed[ChannelEntry], known: _Known) -> Problem:
    """Say whether it is the agent or the device that is not known."""
    binding = entry.value.binding
    assert binding is not None  # noqa: S101 - the caller looked
    wanted = binding.device or ""
    there = sorted(known.devices_of.get(binding.agent, ()))
    if there:
        message = f"agent {binding.agent!r} has no device {wanted!r}: it has {', '.join(there)}"
        return entry.place.problem(("binding", "device"), message)
    agents = {holder for holder in known.devices_of if not holder.startswith("@")}
    return _missing(entry.place, ("binding", "agent"), "device of agent", binding.agent, agents)


def _circles(folder: Folder) -> Iterator[Problem]:
    """Follow every channel's upstream; each circle is told once, where it was entered first."""
    upstream = {one.value.id: one.value.upstream for one in folder.channels}
    told: set[str] = set()
    for entry in folder.channels:
        trail: list[str] = []
        at: str | None = entry.value.id
        while at is not None and at in upstream and at not in told and at not in trail:
            trail.append(at)
            at = upstream[at]
        if at is not None and at in trail and entry.value.id == at:
            way = " -> ".join([*trail[trail.index(at) :], at])
            yield entry.place.problem(("upstream",), f"goes in a circle: {way}")
            told.update(trail)


def _groups(folder: Folder) -> Iterator[Problem]:
    """Check that a group of redundancy has two channels or more, of one site or one agency."""
    groups: dict[str, list[Placed[ChannelEntry]]] = {}
    for entry in folder.channels:
        if entry.value.redundancy_group is not None:
            groups.setdefault(entry.value.redundancy_group, []).append(entry)
    for name, entries in groups.items():
        first = entries[0]
        if len(entries) == 1 and "channels" not in folder.broken:
            message = f"group {name!r} has this channel only: two or more stand in for each other"
            yield first.place.problem(("redundancy_group",), message)
        for entry in entries[1:]:
            if entry.value.site != first.value.site and entry.value.agency != first.value.agency:
                message = (
                    f"group {name!r}: neither site nor agency are those of channel {first.value.id} at {first.place}"
                )
                yield entry.place.problem(("redundancy_group",), message)


def _window(entry: Placed[WindowEntry], known: _Known) -> Iterator[Problem]:
    """Check what a window refers to."""
    window, place = entry.value, entry.place
    lists: tuple[tuple[str, str, tuple[str, ...], Collection[str]], ...] = (
        ("channels", "channel", window.channels, known.channels),
        ("sites", "site", window.sites, known.sites),
        ("operators", "operator", window.operators, known.operators),
    )
    for key, word, wanted, there in lists:
        source = "channels" if key == "operators" else key
        for index, one in enumerate(wanted):
            if one not in there and source not in known.broken:
                yield _missing(place, (key, index), word, one, there)
    if window.contact is not None and window.contact not in known.contacts and "contacts" not in known.broken:
        yield _missing(place, ("contact",), "contact", window.contact, known.contacts)
