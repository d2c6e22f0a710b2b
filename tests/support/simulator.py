"""snmpsim for tests: recordings by community name or SNMPv3 context, and users of every protocol."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

from support.processes import Program, free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

AUTH_PASSWORD: Final = "authentication-pass"
PRIV_PASSWORD: Final = "privacy-pass"
#: snmpsim's names of protocols, by ours; its AES192 and AES256 are extended as Reeder says.
AUTHS: Final = {
    "MD5": "MD5",
    "SHA": "SHA",
    "SHA-224": "SHA224",
    "SHA-256": "SHA256",
    "SHA-384": "SHA384",
    "SHA-512": "SHA512",
}
PRIVS: Final = {
    ("DES", "blumenthal"): "DES",
    ("AES", "blumenthal"): "AES",
    ("AES-192", "blumenthal"): "AES192BLMT",
    ("AES-192", "reeder"): "AES192",
    ("AES-256", "blumenthal"): "AES256BLMT",
    ("AES-256", "reeder"): "AES256",
}


class Protocols(NamedTuple):
    """What a user is authenticated and encrypted with, in the words of the settings; the empty text: not at all."""

    auth: str = ""
    priv: str = ""
    extension: str = ""

    @property
    def user(self) -> str:
        """The name of the user that has them."""
        return ".".join(part for part in self if part) or "open"


#: Every combination there is, from none to all.
EVERY: Final = (
    Protocols(),
    *(Protocols(auth) for auth in AUTHS),
    *(Protocols(auth, *priv) for auth, priv in product(AUTHS, PRIVS)),
)


def users(every: Iterable[Protocols]) -> list[str]:
    """Return the options that make these users."""
    options = []
    for one in every:
        options.append(f"--v3-user={one.user}")
        if one.auth:
            options += [f"--v3-auth-proto={AUTHS[one.auth]}", f"--v3-auth-key={AUTH_PASSWORD}"]
        if one.priv:
            options += [f"--v3-priv-proto={PRIVS[one.priv, one.extension]}", f"--v3-priv-key={PRIV_PASSWORD}"]
    return options


class Simulator:
    """snmpsim on a port of its own. Files put into ``data`` before it runs are devices: ``NAME.snmprec`` is community NAME."""

    def __init__(self, directory: Path, *, options: Iterable[str] = ()) -> None:
        """Make its folders; ``options`` are of its only engine."""
        self.data = directory / "data"
        self.data.mkdir(parents=True)
        (directory / "index").mkdir()
        self.port = free_port(socket.SOCK_DGRAM)
        # it insists on being told a user when root starts it
        user = ["--process-user=root", "--process-group=root"] if os.geteuid() == 0 else []
        self.program = Program(
            [
                sys.executable,
                "-c",
                "from snmpsim.commands.responder import main; import sys; sys.exit(main())",
                f"--cache-dir={directory / 'index'}",
                "--logging-method=stderr",
                "--log-level=error",
                *user,
                "--v3-engine-id=auto",
                *options,
                f"--data-dir={self.data}",
                f"--agent-udpv4-endpoint=127.0.0.1:{self.port}",
            ],
            directory / "snmpsim.log",
        )

    def _listens(self) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError:
                return True
        return False

    @contextlib.contextmanager
    def running(self) -> Iterator[Simulator]:
        """Run for the time of a block."""
        with running(self.program, self._listens, timeout=60):
            yield self
