"""Devices: how each is asked, and the checks of it.

A device with ``touch: false`` (cipher equipment, Circular 06/2026/TT-BKHCN article 9.4) is in the settings so that it is
*not* asked: its address may be nobody's target.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta

from tslcd_agent.config.untouchable import disguised, permitted
from tslcd_agent.config.values import Address, Glob, Settings, normal_address
from tslcd_runtime.secret import Secret
from tslcd_runtime.units import Duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from tslcd_runtime.settings import Loaded, Path_, Problem

#: RFC 3414 section 11.2: passwords are at least this long.
MIN_PASSWORD_CHARS: Final = 8
#: Keys of ``snmp`` that version 3 alone has.
_SECURE_KEYS: Final = ("user", "auth", "priv", "context")


class Auth(Settings, frozen=True, kw_only=True):
    """SNMPv3 authentication (RFC 3414, RFC 7860). MD5 is for devices that know nothing better."""

    protocol: Literal["SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512", "MD5"] = "SHA-256"
    password: Secret


class Priv(Settings, frozen=True, kw_only=True):
    """SNMPv3 encryption (RFC 3826). DES is for devices that know nothing better.

    ``extension``: how AES-192 and AES-256 make a key that is longer than the digest of MD5, SHA or SHA-224: as
    draft-blumenthal-aes-usm-04 says, or as draft-reeder-snmpv3-usm-3desede-00, which Cisco and many others follow.
    """

    protocol: Literal["AES", "AES-192", "AES-256", "DES"] = "AES"
    password: Secret
    extension: Literal["blumenthal", "reeder"] = "blumenthal"


class Snmp(Settings, frozen=True, kw_only=True):
    """How a device is asked: version 1 or 2c with ``community``, or 3 with ``user``, ``auth`` and ``priv``.

    Without ``priv`` version 3 is authenticated only (authNoPriv), without ``auth`` not even that (noAuthNoPriv).
    ``context``: the name of a part of the device (a virtual router, a VDOM), where it has several. ``engine``: the library
    that asks; ``auto`` is gufo-snmp where that is installed and able, else pysnmp.
    """

    version: Literal["1", "2c", "3"] = "2c"
    community: Secret | None = None
    user: Annotated[str, Meta(min_length=1, max_length=32)] | None = None
    auth: Auth | None = None
    priv: Priv | None = None
    context: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    engine: Literal["auto", "gufo", "pysnmp"] = "auto"


class Interfaces(Settings, frozen=True, kw_only=True):
    """Which interfaces are reported: shell patterns over their names; ``exclude`` wins."""

    include: Annotated[tuple[Glob, ...], Meta(max_length=64)] = ("*",)
    exclude: Annotated[tuple[Glob, ...], Meta(max_length=64)] = ()


class Watch(Settings, frozen=True, kw_only=True):
    """A fast poll of the few interfaces that channels are bound to, for devices that send no traps."""

    interfaces: Annotated[tuple[Glob, ...], Meta(min_length=1, max_length=16)]
    interval: Duration = 2.0


class Device(Settings, frozen=True, kw_only=True):
    """One device. ``touch: false``: never polled and never probed. ``profile``: ``auto``, or the name of one.

    ``trap_sources``: addresses beside ``address`` that its traps come from (a loopback, a management port, a NAT).
    """

    address: Address
    port: Annotated[int, Meta(ge=1, le=65535)] = 161
    snmp: Snmp | None = None
    interval: Duration | None = None
    interfaces: Interfaces = Interfaces()
    profile: Annotated[str, Meta(min_length=1, max_length=64)] = "auto"
    watch: Watch | None = None
    trap_sources: Annotated[tuple[Address, ...], Meta(max_length=16)] = ()
    touch: bool = True


class PolledDevice(Settings, frozen=True, kw_only=True):
    """A device that is polled, with every default resolved: durations in seconds. Made by :meth:`AgentConfig.polled` only."""

    id: str
    address: str
    port: int
    snmp: Snmp
    interfaces: Interfaces
    interval: float
    timeout: float
    retries: int
    budget: float
    profile: str = "auto"
    watch: Watch | None = None
    trap_sources: tuple[str, ...] = ()


def check_devices(loaded: Loaded[Any]) -> Iterator[Problem]:
    """Yield the problems of ``devices`` of an AgentConfig."""
    config = loaded.value
    seen: dict[tuple[str, int], str] = {}
    untouched: dict[str, str] = {}
    addresses: dict[str, str] = {}
    for name, device in config.devices.items():
        where: Path_ = ("devices", name)
        try:
            address = addresses[name] = normal_address(device.address)
        except ValueError:
            yield loaded.problem((*where, "address"), f"{device.address!r} is not an IP address")
            continue
        first = seen.setdefault((address, device.port), name)
        if first != name:
            yield loaded.problem((*where, "address"), f"the same address and port as device {first}")
        if not device.touch:
            untouched.setdefault(address, name)
        elif device.snmp is None:
            yield loaded.problem(where, "snmp: missing (or touch: false, and the device is never asked)")
        else:
            yield from _credentials(loaded, (*where, "snmp"), device.snmp)
    for name, device in config.devices.items():
        if device.touch and name in addresses:
            yield from _reachable(loaded, ("devices", name, "address"), addresses[name], untouched)
        for place, text in enumerate(device.trap_sources):
            yield from _trap_source(loaded, ("devices", name, "trap_sources", place), text, untouched)


def _reachable(loaded: Loaded[Any], where: Path_, address: str, untouched: dict[str, str]) -> Iterator[Problem]:
    """Say why nothing may be sent to an address."""
    other = next((untouched[one] for one in disguised(address) if one in untouched), None)
    if other is not None:
        yield loaded.problem(where, f"the address of device {other}, which has touch: false")
    elif not permitted(address, ()):
        yield loaded.problem(where, f"{address} is not the address of one device")


def _trap_source(loaded: Loaded[Any], where: Path_, text: str, untouched: dict[str, str]) -> Iterator[Problem]:
    """Say what is wrong with an address that traps come from, and that informs are answered to."""
    try:
        address = normal_address(text)
    except ValueError:
        yield loaded.problem(where, f"{text!r} is not an IP address")
        return
    yield from _reachable(loaded, where, address, untouched)


def _credentials(loaded: Loaded[Any], where: Path_, snmp: Snmp) -> Iterator[Problem]:
    """Say what a version needs and what does not belong to it."""
    if snmp.engine == "gufo" and not _installed("gufo.snmp"):
        yield loaded.problem((*where, "engine"), "gufo-snmp is not installed here: auto takes pysnmp instead")
    wanted, foreign = ("user", ("community",)) if snmp.version == "3" else ("community", _SECURE_KEYS)
    if getattr(snmp, wanted) is None:
        yield loaded.problem((*where, wanted), f"missing: version {snmp.version} needs {wanted}")
    for key in foreign:
        if getattr(snmp, key) is not None:
            yield loaded.problem((*where, key), f"does not belong to version {snmp.version}")
    if snmp.version != "3":
        return
    if snmp.priv is not None and snmp.auth is None:
        yield loaded.problem((*where, "priv"), "needs auth: SNMPv3 encrypts only what it authenticates (RFC 3414)")
    if snmp.context is not None and snmp.engine == "gufo":
        yield loaded.problem((*where, "context"), "gufo-snmp knows no contexts: engine must be auto or pysnmp")
    yield from _secrets(loaded, where, snmp)


def _secrets(loaded: Loaded[Any], where: Path_, snmp: Snmp) -> Iterator[Problem]:
    """Say what is wrong with passwords and keys of version 3."""
    for key in ("auth", "priv"):
        part: Auth | Priv | None = getattr(snmp, key)
        if part is not None and len(part.password.reveal()) < MIN_PASSWORD_CHARS:
            message = f"shorter than {MIN_PASSWORD_CHARS} characters (RFC 3414)"
            yield loaded.problem((*where, key, "password"), message)
    if snmp.priv is not None and snmp.priv.extension == "reeder" and not snmp.priv.protocol.startswith("AES-"):
        message = f"reeder is for AES-192 and AES-256 only, not for {snmp.priv.protocol}"
        yield loaded.problem((*where, "priv", "extension"), message)


def _installed(module: str) -> bool:
    """Whether there is such a module, which is not imported."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
