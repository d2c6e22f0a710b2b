"""Interfaces of this box as files: what netlink does not tell (speed), and all of it where netlink is denied.

Source: Documentation/ABI/testing/sysfs-class-net of the kernel. All of it blocks: call it in a thread.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tslcd_agent.links.netlink import LocalInterface, link_counters, operational

ROOT: Final = Path("/sys/class/net")
_STATES: Final = {"unknown": 0, "up": 6}
_DOWN: Final = 2
_COUNTERS: Final = (
    "rx_packets",
    "tx_packets",
    "rx_bytes",
    "tx_bytes",
    "rx_errors",
    "tx_errors",
    "rx_dropped",
    "tx_dropped",
    "multicast",
)


def interfaces(root: Path = ROOT) -> list[LocalInterface]:
    """Return every interface; one that goes away while it is read is left out."""
    try:
        folders = sorted(root.iterdir())
    except OSError:
        return []
    return [found for folder in folders if (found := _read(folder)) is not None]


def speeds(names: list[str], root: Path = ROOT) -> dict[str, float]:
    """Return the nominal speed of each, bits a second; only those that have one (virtual and idle ones do not)."""
    found = {name: _number(root / name / "speed") for name in names}
    return {name: megabits * 1e6 for name, megabits in found.items() if megabits is not None and megabits > 0}


def _read(folder: Path) -> LocalInterface | None:
    index, flags = _number(folder / "ifindex"), _number(folder / "flags")
    if index is None or flags is None:
        return None
    values = tuple(_number(folder / "statistics" / name) for name in _COUNTERS)
    known = tuple(value for value in values if value is not None)
    state = _STATES.get(_text(folder / "operstate"), _DOWN)
    return LocalInterface(
        index=index,
        name=folder.name,
        up=operational(state, flags),
        admin_up=bool(flags & 1),
        alias=_text(folder / "ifalias"),
        counters=link_counters(known) if len(known) == len(_COUNTERS) else {},
    )


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""


def _number(file: Path) -> int | None:
    try:
        return int(_text(file), 0)
    except ValueError:
        return None
