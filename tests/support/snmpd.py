"""A real Net-SNMP daemon for tests: v2c community ``public``, v3 user ``tslcd`` (SHA, AES, authPriv)."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from typing import TYPE_CHECKING, Final

from support.processes import Program, find_program, free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

COMMUNITY: Final = "public"
V3_USER: Final = "tslcd"
#: A user without any key.
V3_OPEN_USER: Final = "open"
V3_AUTH: Final = "authentication-pass"
V3_PRIV: Final = "privacy-pass"


class Snmpd:
    """snmpd on a UDP port of its own, with nothing of the system's configuration.

    ``prefix`` is put before the command, for example ``["ip", "netns", "exec", NAME]``.
    """

    def __init__(
        self, directory: Path, *, address: str = "127.0.0.1", port: int | None = None, prefix: Sequence[str] = ()
    ) -> None:
        """Write its configuration."""
        directory.mkdir(parents=True, exist_ok=True)
        self.address = address
        self.port = port or free_port(socket.SOCK_DGRAM)
        self._prefix = list(prefix)
        configuration = self._configuration = directory / "snmpd.conf"
        configuration.write_text(
            f"rocommunity {COMMUNITY}\n"
            f"createUser {V3_USER} SHA {V3_AUTH} AES {V3_PRIV}\nrouser {V3_USER} priv\n"
            f"createUser {V3_OPEN_USER}\nrouser {V3_OPEN_USER} noauth\n"
            "sysName test-router\nsysDescr synthetic router of the tests\n"
        )
        self.program = Program(
            [
                *self._prefix,
                find_program("snmpd"),
                "-f",
                "-C",
                "-c",
                str(configuration),
                "-Lo",
                "-p",
                str(directory / "snmpd.pid"),
                f"udp:{address}:{self.port}",
            ],
            directory / "snmpd.log",
            env={"SNMP_PERSISTENT_DIR": str(directory / "persistent")},
        )

    def add(self, *lines: str) -> None:
        """Add lines to its configuration, before it runs."""
        with self._configuration.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    def answers(self) -> bool:
        """Whether it answers a GET of sysUpTime."""
        command = [
            "snmpget",
            "-v2c",
            "-c",
            COMMUNITY,
            "-t",
            "1",
            "-r",
            "0",
            f"{self.address}:{self.port}",
            "1.3.6.1.2.1.1.3.0",
        ]
        return subprocess.run([*self._prefix, *command], capture_output=True, check=False).returncode == 0

    @contextlib.contextmanager
    def running(self) -> Iterator[Snmpd]:
        """Run for the time of a block."""
        with running(self.program, self.answers):
            yield self
