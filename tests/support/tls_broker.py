"""A real Mosquitto with the shipped configuration, rights and certificates; only paths, port and user are the test's."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from support.processes import Program, find_program, free_port, port_open, running
from tslcd_runtime.mqtt import Endpoint, Tls

if TYPE_CHECKING:
    from collections.abc import Iterator

SHIPPED: Final = Path(__file__).parents[2] / "deploy" / "mosquitto"


def make_certificates(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``make-certificates`` on ``folder`` and return what became of it."""
    command = [sys.executable, str(SHIPPED / "make-certificates"), "--folder", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class TlsBroker:
    """The broker of a province on a port of its own, known as ``localhost`` and nothing else."""

    def __init__(self, directory: Path, *agents: str) -> None:
        """Make the certificates and the configuration; nothing runs yet."""
        self.certificates = directory / "certificates"
        for arguments in (
            ("ca",),
            ("broker", "localhost"),
            ("collector",),
            ("collector", "collector-tap"),
            ("agent", *agents),
        ):
            done = make_certificates(self.certificates, *arguments)
            if done.returncode:
                raise RuntimeError(done.stderr)
        self.port = free_port()
        state = directory / "state"
        state.mkdir(mode=0o700)
        text = (SHIPPED / "mosquitto.conf").read_text()
        for shipped, here in (
            ("pid_file /run/mosquitto/mosquitto.pid", f"pid_file {state}/mosquitto.pid"),
            ("user mosquitto", "user root"),
            ("listener 8883", f"listener {self.port} localhost"),
            ("/etc/mosquitto/certs/", f"{self.certificates}/"),
            ("/etc/mosquitto/acl", str(directory / "acl")),
            ("/var/lib/mosquitto/", f"{state}/"),
            ("log_dest file /var/log/mosquitto/mosquitto.log", "log_dest stderr"),
        ):
            if shipped not in text:
                msg = f"mosquitto.conf has no longer {shipped!r}"
                raise ValueError(msg)
            text = text.replace(shipped, here)
        configuration = directory / "mosquitto.conf"
        configuration.write_text(text)
        shutil.copy(SHIPPED / "acl", directory / "acl")
        (directory / "acl").chmod(0o600)
        self.program = Program([find_program("mosquitto"), "-c", str(configuration)], directory / "mosquitto.log")

    def endpoint(self, name: str | None, *, host: str = "localhost", certificates: Path | None = None) -> Endpoint:
        """Return the endpoint for the holder of the certificate ``name``; None comes without one."""
        folder = certificates or self.certificates
        certificate, key = (str(folder / f"{name}.pem"), str(folder / f"{name}.key")) if name else (None, None)
        tls = Tls(ca=str(self.certificates / "ca.pem"), certificate=certificate, key=key)
        return Endpoint(host=host, port=self.port, tls=tls)

    @contextlib.contextmanager
    def running(self) -> Iterator[TlsBroker]:
        """Run for the time of a block."""
        with running(self.program, lambda: port_open(self.port, "localhost")):
            yield self
