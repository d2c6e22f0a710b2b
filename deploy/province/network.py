"""Network namespaces for the two real daemons, and the operator's core behind their WAN ports.

::

    this machine ── lan ── firewall namespace ══ wan1, wan2 ══ core namespace (the operator's gateway)
    this machine ── lan ── router namespace   ══ wan1       ══ core namespace

Only documentation addresses (RFC 5737), only inside this machine. A WAN port goes down the way it does in the field: its
far end does, so the daemon sees a port that is enabled and has no carrier. Everything is removed at the end, and what an
earlier demo left behind when it was killed is removed at the start.
"""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from province.parts import DemoError

CORE: Final = "tslcd-core"


@dataclass(frozen=True)
class Wan:
    """A WAN port: its name, its address, and the gateway's on the far side."""

    name: str
    address: str
    gateway: str


@dataclass(frozen=True)
class Device:
    """A device in a namespace: ``host`` is this machine's address on its LAN, ``address`` the device's."""

    namespace: str
    host: str
    address: str
    wans: tuple[Wan, ...]

    @property
    def cable(self) -> str:
        """Name of this machine's end of the LAN cable (at most 15 characters)."""
        return f"{self.namespace}-lan"


FIREWALL: Final = Device(
    "tslcd-fw",
    "203.0.113.241",
    "203.0.113.242",
    (Wan("wan1", "198.51.100.241", "198.51.100.242"), Wan("wan2", "198.51.100.245", "198.51.100.246")),
)
ROUTER: Final = Device("tslcd-rt", "203.0.113.245", "203.0.113.246", (Wan("wan1", "198.51.100.249", "198.51.100.250"),))
DEVICES: Final = (FIREWALL, ROUTER)
#: Every address above is within these; while a cable is out, nothing for them leaves this machine another way.
_WALLS: Final = ("203.0.113.240/29", "198.51.100.240/28")
_LAST_RESORT: Final = "4294967294"


def _ip(*words: str, check: bool = True) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise DemoError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def _core_end(device: Device, wan: Wan) -> str:
    return f"{device.namespace.removeprefix('tslcd-')}-{wan.name}"


def build() -> None:
    """Make all namespaces and cables. Raises DemoError. Needs root."""
    remove()
    for wall in _WALLS:
        _ip("route", "replace", "blackhole", wall, "metric", _LAST_RESORT)
    for namespace in (CORE, *(device.namespace for device in DEVICES)):
        _ip("netns", "add", namespace)
        _ip("-n", namespace, "link", "set", "lo", "up")
        for setting, value in (("ip_forward", "1"), ("conf/all/rp_filter", "0"), ("conf/default/rp_filter", "0")):
            _sysctl(namespace, f"net/ipv4/{setting}", value)
    table = 100
    for device in DEVICES:
        inside = device.namespace
        _ip("link", "add", device.cable, "type", "veth", "peer", "name", "lan", "netns", inside)
        _ip("addr", "add", f"{device.host}/30", "dev", device.cable)
        _ip("-n", inside, "addr", "add", f"{device.address}/30", "dev", "lan")
        for wan in device.wans:
            table += 1
            far = _core_end(device, wan)
            _ip("-n", inside, "link", "add", wan.name, "type", "veth", "peer", "name", far, "netns", CORE)
            _ip("-n", inside, "addr", "add", f"{wan.address}/30", "dev", wan.name)
            _ip("-n", inside, "link", "set", wan.name, "up")
            _ip("-n", CORE, "addr", "add", f"{wan.gateway}/30", "dev", far)
            # the answer leaves where the question came in, however many ways there are
            _ip("-n", CORE, "rule", "add", "from", wan.gateway, "table", str(table))
            _restore_core_end(device, wan, table)
        plug_in(device)


def _sysctl(namespace: str, name: str, value: str) -> None:
    done = subprocess.run(
        ["ip", "netns", "exec", namespace, "tee", f"/proc/sys/{name}"],
        input=value,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DemoError(f"namespace {namespace}: {name}: {done.stderr.strip()}")


def _restore_core_end(device: Device, wan: Wan, table: int) -> None:
    far = _core_end(device, wan)
    _ip("-n", CORE, "link", "set", far, "up")
    _ip("-n", CORE, "route", "replace", "203.0.113.240/29", "via", wan.address, "dev", far, "table", str(table))


def cut_wan(device: Device, name: str) -> None:
    """Take the carrier from a WAN port: the operator's end goes down."""
    wan = next(one for one in device.wans if one.name == name)
    _ip("-n", CORE, "link", "set", _core_end(device, wan), "down")


def mend_wan(device: Device, name: str) -> None:
    """Give the carrier back."""
    table = 100
    for one in DEVICES:
        for wan in one.wans:
            table += 1
            if one is device and wan.name == name:
                _restore_core_end(device, wan, table)


def unplug(device: Device) -> None:
    """Take the device off this machine's LAN, as if it had no power: its end of the cable goes down."""
    _ip("-n", device.namespace, "link", "set", "lan", "down")


def plug_in(device: Device) -> None:
    """Put the device on this machine's LAN, with routes to the gateways behind it."""
    _ip("-n", device.namespace, "link", "set", "lan", "up")
    _ip("link", "set", device.cable, "up")
    for wan in device.wans:
        _ip("route", "replace", f"{wan.gateway}/32", "via", device.address, "dev", device.cable)


def remove() -> None:
    """Remove everything that :func:`build` made; what is not there is no error."""
    for device in DEVICES:
        _ip("link", "del", device.cable, check=False)
    for wall in _WALLS:
        _ip("route", "del", "blackhole", wall, "metric", _LAST_RESORT, check=False)
    for namespace in (CORE, *(device.namespace for device in DEVICES)):
        if Path("/run/netns", namespace).exists():
            _ip("netns", "del", namespace, check=False)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and any(device.cable in _ip("-o", "link") for device in DEVICES):
        time.sleep(0.05)  # the kernel takes veth ends away in the background
