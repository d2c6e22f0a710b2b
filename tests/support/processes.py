"""Real programs for tests: started on loopback, waited for, and ended by their own process id."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path


def find_program(name: str) -> str:
    """Return the path of a program of the system; sbin counts too. Raises FileNotFoundError naming what to install."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin:/sbin")
    if path is None:
        msg = f"{name} is not installed: tests/run installs it"
        raise FileNotFoundError(msg)
    return path


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], object], timeout: float = 10.0, what: str = "condition") -> None:
    """Poll until ``condition`` is true; exceptions of it count as not yet. Raises TimeoutError."""
    deadline = time.monotonic() + timeout
    last: Exception | None = None
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except Exception as error:  # noqa: BLE001 - whatever it is, the deadline decides
            last = error
        time.sleep(0.02)
    msg = f"{what}: not within {timeout} s" + (f" ({last!r})" if last else "")
    raise TimeoutError(msg)


def port_open(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody accepts TCP connections there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


class Program:
    """A program under test, with its output in a file. ``start`` and ``kill`` may be called again and again."""

    def __init__(self, command: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None) -> None:
        """Remember the command; nothing runs yet."""
        self.command = list(command)
        self.log = log
        self._env = {**os.environ, **env} if env is not None else None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; output is appended to the log."""
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self._env, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """Process id. Raises ProcessLookupError when it was never started."""
        if self._process is None:
            raise ProcessLookupError(self.command[0])
        return self._process.pid

    def running(self) -> bool:
        """Whether it runs now."""
        return self._process is not None and self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens when it has ended."""
        if self._process is not None:
            self._process.send_signal(number)

    def wait(self, timeout: float = 10.0) -> int:
        """Wait for its end and return the exit code. Raises subprocess.TimeoutExpired."""
        if self._process is None:
            raise ProcessLookupError(self.command[0])
        return self._process.wait(timeout)

    def stop(self, timeout: float = 10.0) -> int | None:
        """End it politely, then not; return the exit code."""
        if self._process is None:
            return None
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout)
        return self.kill()

    def kill(self) -> int | None:
        """End it with SIGKILL."""
        if self._process is None:
            return None
        self._process.kill()
        return self._process.wait(10)

    def output(self) -> str:
        """Everything it wrote so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


@contextlib.contextmanager
def running(program: Program, ready: Callable[[], object], timeout: float = 10.0) -> Iterator[Program]:
    """Run a program for the time of a block, from the moment it is ready."""
    program.start()
    try:
        try:
            wait_until(ready, timeout, program.command[0])
        except TimeoutError as error:
            error.add_note(program.output()[-4000:])
            raise
        yield program
    finally:
        program.stop()
