"""Network namespaces of a bench: a site, its device, and the centre.

::

    centre ══ uplink ══ site ══ ours ════ device
                             ╚═ peer ═══╝

Broker and collector run in the centre; agent and peer at the site; snmpd in the device. Each pair of ends counts what went
over it, so ours and the peer's packets are told apart although both ask the same daemon. Only documentation addresses
(RFC 5737); the names have the process id, so benches do not meet. Segmentation offload is off on all of them: packets are
counted as a wire would carry them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.machine import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CLONE_NEWNET: Final = 0x40000000


@dataclass(frozen=True)
class Traffic:
    """Packets and bytes (Ethernet header and above) over a link, both ways."""

    packets: int
    bytes: int

    def __sub__(self, other: Traffic) -> Traffic:
        """Return what came since ``other``."""
        return Traffic(self.packets - other.packets, self.bytes - other.bytes)

    def __add__(self, other: Traffic) -> Traffic:
        """Return both together."""
        return Traffic(self.packets + other.packets, self.bytes + other.bytes)


class Namespace:
    """One namespace, by its name."""

    def __init__(self, name: str) -> None:
        """Remember."""
        self.name = name
        self.prefix = ("ip", "netns", "exec", name)

    def ip(self, *arguments: str) -> str:
        """Run the command ``ip`` (ip(8)) inside. Raises MissingError."""
        return run(["ip", "-n", self.name, *arguments])

    def inside(self, work: Callable[[], socket.socket]) -> socket.socket:
        """Return a socket made by ``work`` inside the namespace; it stays there, also when used from outside."""
        made: list[socket.socket] = []
        failed: list[BaseException] = []

        def enter() -> None:
            try:
                libc = ctypes.CDLL(None, use_errno=True)
                with Path(f"/run/netns/{self.name}").open() as handle:
                    # of this thread only, which ends with the work
                    if libc.setns(handle.fileno(), _CLONE_NEWNET):
                        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
                made.append(work())
            except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
                failed.append(error)

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        return made[0]

    def connect(self, port: int) -> socket.socket:
        """Connect to a TCP port of the namespace's loopback. Raises OSError."""
        return self.inside(lambda: socket.create_connection(("127.0.0.1", port), timeout=10))

    def accepts(self, port: int) -> bool:
        """Whether somebody accepts TCP connections on the namespace's loopback. Raises OSError when not."""
        self.connect(port).close()
        return True


class Site:
    """The three namespaces and the links between them."""

    def __init__(self) -> None:
        """Choose names; nothing is made yet."""
        pid = os.getpid()
        self.site = Namespace(f"tslcd-bench-{pid}-site")
        self.device = Namespace(f"tslcd-bench-{pid}-device")
        self.centre = Namespace(f"tslcd-bench-{pid}-centre")
        #: Addresses of the device as ours and the peer ask it, and of the centre.
        self.ours_address, self.peer_address, self.centre_address = "192.0.2.2", "198.51.100.2", "203.0.113.2"
        #: Address of the site on the link between agent and device.
        self.agent_address = "192.0.2.1"

    @contextlib.contextmanager
    def built(self, interfaces: int) -> Iterator[Site]:
        """Make everything, with so many interfaces at the device, and remove it in the end."""
        try:
            for one in (self.site, self.device, self.centre):
                run(["ip", "netns", "add", one.name])
                one.ip("link", "set", "lo", "up")
            self._link("ours", self.device, "192.0.2", 24)
            self._link("peer", self.device, "198.51.100", 24)
            self._link("uplink", self.centre, "203.0.113", 24)
            self._fill(interfaces - 3)  # loopback and two links are there already
            yield self
        finally:
            for one in (self.site, self.device, self.centre):
                if Path(f"/run/netns/{one.name}").exists():
                    run(["ip", "netns", "del", one.name])

    def traffic(self, link: str, pid: int) -> Traffic:
        """Return what went over ``ours``, ``peer`` or ``uplink`` so far, as process ``pid`` at the site sees it (proc(5))."""
        for line in Path(f"/proc/{pid}/net/dev").read_text().splitlines():
            name, _, counters = line.strip().partition(":")
            if name == link:
                numbers = [int(one) for one in counters.split()]
                return Traffic(numbers[1] + numbers[9], numbers[0] + numbers[8])
        raise LookupError(link)

    def _link(self, name: str, far: Namespace, network: str, length: int) -> None:
        """Join the site and ``far``. Nothing goes over it that the programs did not send: no ARP, no IPv6."""
        self._pair(name, far)
        ends = ((self.site, 1), (far, 2))
        for one, host in ends:
            hardware = f"02:00:00:00:00:{host:02x}"
            one.ip("link", "set", name, "address", hardware, "gso_max_segs", "1", "addrgenmode", "none")
            one.ip("address", "add", f"{network}.{host}/{length}", "dev", name)
            one.ip("link", "set", name, "up")
            hardware = f"02:00:00:00:00:{3 - host:02x}"
            one.ip("neighbour", "replace", f"{network}.{3 - host}", "lladdr", hardware, "nud", "permanent", "dev", name)

    def _pair(self, name: str, far: Namespace) -> None:
        run(["ip", "link", "add", name, "netns", self.site.name, "type", "veth", "peer", name, "netns", far.name])

    def _fill(self, count: int) -> None:
        """Give the device more interfaces: pairs of veth, one of each with the other, and one more to the site."""
        for number in range(1, count // 2 + 1):
            pair = (f"wan{number}", f"lan{number}")
            self.device.ip("link", "add", pair[0], "mtu", "65535", "type", "veth", "peer", pair[1], "mtu", "65535")
            for name in pair:
                self.device.ip("link", "set", name, "up", "alias", f"leased line {name}")
        if count % 2:
            self._pair("spare", self.device)

    def further_addresses(self, count: int) -> list[str]:
        """Give the device so many more addresses on the link ``ours``, and return them."""
        made = [f"192.0.2.{10 + number}" for number in range(count)]
        for address in made:
            self.device.ip("address", "add", f"{address}/24", "dev", "ours")
            hardware = ("lladdr", "02:00:00:00:00:02", "nud", "permanent")
            self.site.ip("neighbour", "replace", address, *hardware, "dev", "ours")
        return made

    def move_counters(self, interfaces: int, packets: int) -> None:
        """Send so many large packets out of every filled interface, so that counters have the digits of real ones."""
        frame = b"\xff" * 6 + b"\x02" + b"\0" * 5 + b"\x88\xb5" + bytes(60_000)  # local experimental EtherType
        for number in range(1, (interfaces - 3) // 2 + 1):
            for name in (f"wan{number}", f"lan{number}"):
                with self.device.inside(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)) as sender:
                    self._send(sender, name, frame, packets)

    def _send(self, sender: socket.socket, name: str, frame: bytes, packets: int) -> None:
        sender.bind((name, 0))
        for _ in range(packets):
            sender.send(frame)
