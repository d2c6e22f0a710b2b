"""Network namespaces for tests: made under names of their own, and removed with everything in them. Needs root."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING

from support.processes import find_program

if TYPE_CHECKING:
    from collections.abc import Iterator


class Namespace:
    """A network namespace with loopback up."""

    def __init__(self, name: str) -> None:
        """Name it; the process id keeps parallel runs apart. Namespaces have short names."""
        self.name = f"t{os.getpid()}-{name}"
        self.prefix = [find_program("ip"), "netns", "exec", self.name]

    def ip(self, *words: str) -> None:
        """Run ``ip`` inside. Raises subprocess.CalledProcessError."""
        subprocess.run([find_program("ip"), "-n", self.name, *words], check=True, capture_output=True)

    @contextlib.contextmanager
    def existing(self) -> Iterator[Namespace]:
        """Exist for the time of a block."""
        ip = find_program("ip")
        subprocess.run([ip, "netns", "add", self.name], check=True, capture_output=True)
        try:
            self.ip("link", "set", "lo", "up")
            yield self
        finally:
            subprocess.run([ip, "netns", "del", self.name], check=False, capture_output=True)


def join(one: Namespace, other: Namespace, device: str, one_address: str, other_address: str) -> None:
    """Join two namespaces by a virtual cable; its ends are called ``device`` and carry an address with prefix length each."""
    one.ip("link", "add", device, "type", "veth", "peer", "name", device, "netns", other.name)
    for namespace, address in ((one, one_address), (other, other_address)):
        namespace.ip("address", "add", address, "dev", device)
        namespace.ip("link", "set", device, "up")
