"""Where a bench ran, and what it needs to run at all."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from support.processes import find_program

if TYPE_CHECKING:
    from collections.abc import Sequence


class MissingError(Exception):
    """The bench cannot run here; the message says what is missing and what to do."""


def require(*packages: str, root: bool = False) -> None:
    """Check that the programs of Debian ``packages`` are there. Raises MissingError naming all that is missing."""
    missing = [name for name in packages if not _installed(name)]
    if missing:
        raise MissingError(f"not installed: {', '.join(missing)}. As root: apt-get install {' '.join(missing)}")
    if root and os.geteuid() != 0:
        raise MissingError("not root: this bench makes network namespaces. Run it as root")


def program(name: str) -> str:
    """Return the path of one of our own commands, beside the Python that runs. Raises MissingError."""
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        raise MissingError(f"{name} is not beside {sys.executable}: install the project into this environment")
    return str(path)


def describe(*packages: str) -> str:
    """Return one line: processors, kernel, Python, our version, and those of Debian ``packages``."""
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    parts = [
        f"{os.cpu_count()} × {model.group(1) if model else platform.machine()}",
        f"Linux {platform.release()}",
        f"Python {platform.python_version()}",
        f"tslcd-monitor {version('tslcd-monitor')}",
        *(f"{name} {debian_version(name)}" for name in packages),
    ]
    return " · ".join(parts)


def debian_version(package: str) -> str:
    """Return the version of an installed Debian package, empty when it is not installed."""
    command = ["dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Version}", package]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return found[2:].strip() if found.startswith("ii") else ""


def _installed(package: str) -> bool:
    return bool(debian_version(package)) or _on_path(package)


def _on_path(name: str) -> bool:
    try:
        find_program(name)
    except FileNotFoundError:
        return False
    return True


def run(command: Sequence[str]) -> str:
    """Run a command of the system and return its output. Raises MissingError with its words when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout
