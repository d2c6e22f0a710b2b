"""The parts of the demo as processes that never outlive it.

Invariants:

* Every part dies with the demo, also when the demo is killed with SIGKILL: ``setpriv --pdeathsig`` asks the kernel for it.
* A part is ended by its own process id, and only if this demo started it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class DemoError(Exception):
    """The demo cannot go on; the message says why and what to do."""


class Part:
    """One program with its log file; it may be stopped, killed and started again."""

    def __init__(self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        """Remember the command; nothing runs yet."""
        self.name = name
        self.command = list(command)
        self.log = log
        self.env = {**os.environ, **(env or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; output goes to its log. Raises DemoError when the program is not there."""
        with self.log.open("ab") as out:
            try:
                self._process = subprocess.Popen(
                    ["setpriv", "--pdeathsig", "KILL", "--", *self.command],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    env=self.env,
                    start_new_session=True,
                )
            except OSError as error:
                raise DemoError(f"{self.name}: {error.strerror}: {self.command[0]}") from None

    def running(self) -> bool:
        """Whether it runs now."""
        return self._process is not None and self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def signal_stop(self) -> None:
        """Ask it to end, without waiting."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)

    def stop(self, timeout: float = 8.0) -> None:
        """End it politely, then not."""
        if self._process is None:
            return
        self.signal_stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
        self.kill()

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self._process.wait(10)

    def last_words(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-1500:] if self.log.exists() else ""


def wait_for(condition: Callable[[], object], timeout: float, what: str, part: Part | None = None) -> None:
    """Poll until ``condition`` holds; exceptions count as not yet. Raises DemoError, with the part's last words."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        with contextlib.suppress(Exception):
            if condition():
                return
        if part is not None and not part.running():
            break
        time.sleep(0.05)
    words = f"\n{part.last_words()}" if part else ""
    raise DemoError(f"{what}: not within {timeout:g} s{words}")


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody accepts TCP connections there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


def require_free(ports: Mapping[str, int]) -> None:
    """Refuse to start while somebody else has a port. Raises DemoError naming each port, what for and who has it."""
    taken = []
    for purpose, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                taken.append(f"port {port} ({purpose}) is in use{_holder(port)}")
    if taken:
        raise DemoError("; ".join(taken) + ". End what uses it, or choose others with --port-base N.")


def _holder(port: int) -> str:
    """Say which process listens there, as far as /proc lets us see."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == "0A" and int(words[1].rsplit(":", 1)[1], 16) == port:
                    inodes.add(f"socket:[{words[9]}]")
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(one.readlink()) in inodes for one in (process / "fd").iterdir()):
                return f" by {(process / 'comm').read_text().strip()} (pid {process.name})"
    return ""
