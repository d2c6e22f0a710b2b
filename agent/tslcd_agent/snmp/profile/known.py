"""Rows that outlive the agent: after a power cut of a whole site, the tunnel that does not come back must be missed.

Invariants:

* What is kept is of one device: another sysObjectID under the same address or another profile begins with nothing.
* It is kept when something new lasts or was forgotten, every :data:`KEEP_EVERY` seconds, and at the end; a crash costs that much.
* A clock that stood still or ran backwards meanwhile makes nothing younger than it was.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from tslcd_agent.snmp import kept_file
from tslcd_agent.snmp.profile.missed import Memo
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from pathlib import Path

KEEP_EVERY: Final = 3600.0
_MAX_TABLES: Final = 16
_MAX_ROWS: Final = 4096
_log = get_logger("snmp")


class Known(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What may be missed of a device, by table. ``at``: UTC seconds."""

    at: float
    sys_object_id: str
    profile: str
    tables: Annotated[
        dict[str, Annotated[list[Memo], Meta(max_length=_MAX_ROWS)]],
        Meta(max_length=_MAX_TABLES),
    ]

    def memos(self, table: str, now: float) -> list[Memo]:
        """Return what is known of a table at ``now`` (UTC seconds)."""
        passed = max(0.0, now - self.at)
        return [one._replace(ago=one.ago + passed) for one in self.tables.get(table, ())]


class KnownRows(Protocol):
    """Keeps what may be missed over a restart of the agent."""

    async def recall(self, device: str) -> Known | None:
        """Return what was kept last; None when there is nothing that can be used."""
        ...

    async def keep(self, device: str, known: Known) -> None:
        """Keep it in place of what was kept before; raises nothing for a bad disk."""
        ...


class KnownFiles:
    """:class:`KnownRows` in a directory of its own, which is made when there is something to keep."""

    def __init__(self, directory: Path) -> None:
        """Remember the place."""
        self._directory = directory
        self._failing = False

    async def recall(self, device: str) -> Known | None:
        """Read the file of ``device``."""
        return await asyncio.to_thread(kept_file.read, self._path(device), Known, "known tunnels")

    async def keep(self, device: str, known: Known) -> None:
        """Write the file of ``device``, or remove it when there is nothing to remember."""
        try:
            await asyncio.to_thread(self._write, self._path(device), known)
        except OSError as error:
            if not self._failing:
                _log.error("known tunnels not kept", device=device, reason=error.strerror or str(error))
            self._failing = True
        else:
            self._failing = False

    def _path(self, device: str) -> Path:
        return self._directory / f"{device}.json"  # ids are [a-z0-9-], so this is a name in the directory

    def _write(self, path: Path, known: Known) -> None:
        if any(known.tables.values()):
            kept_file.replace(path, msgspec.json.encode(known))
        else:
            path.unlink(missing_ok=True)
