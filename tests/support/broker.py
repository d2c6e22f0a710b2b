"""A real Mosquitto for tests."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from support.processes import Program, find_program, free_port, port_open, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Broker:
    """Mosquitto on a port of its own; it can be killed and started again on the same port."""

    def __init__(self, directory: Path, *, port: int | None = None, lines: str = "allow_anonymous true\n") -> None:
        """Write its configuration; ``lines`` go below the listener."""
        directory.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        configuration = directory / "mosquitto.conf"
        user = "user root\n"  # as root it would otherwise change to a user that cannot read the test's directory
        configuration.write_text(f"{user}listener {self.port} 127.0.0.1\nmax_inflight_messages 1000\n{lines}")
        self.program = Program([find_program("mosquitto"), "-c", str(configuration)], directory / "mosquitto.log")

    @contextlib.contextmanager
    def running(self) -> Iterator[Broker]:
        """Run for the time of a block."""
        with running(self.program, lambda: port_open(self.port)):
            yield self
