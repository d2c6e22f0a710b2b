"""Where wrap counts outlive the agent: one small JSON file for each device that has counters which wrapped.

Invariant: a disk that does not take it stops nothing; it is told once until it works again. What is damaged is set aside
(:mod:`tslcd_agent.snmp.kept_file`); the counters of that device begin anew.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from tslcd_agent.snmp import kept_file
from tslcd_agent.snmp.counters import RANGE, Memo, Remembered
from tslcd_agent.snmp.uptime import TICKS
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from pathlib import Path

#: 2**31 wraps of 2**32 stay below 2**63; nothing wraps so often.
_MAX_WRAPS: Final = 2**31
_log = get_logger("counters")


class CounterMemory(Protocol):
    """Keeps what :class:`~tslcd_agent.snmp.counters.Counters` must remember over a restart of the agent."""

    async def recall(self, device: str) -> Remembered | None:
        """Return what was kept last; None when there is nothing that can be used."""
        ...

    async def keep(self, device: str, remembered: Remembered) -> None:
        """Keep it in place of what was kept before. Returns when it is on disk; raises nothing for a bad disk."""
        ...


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The file's content, see :class:`~tslcd_agent.snmp.counters.Remembered`; cells are ``[wraps, raw]``."""

    at: Annotated[float, Meta(ge=0)]
    ticks: Annotated[int, Meta(ge=0, lt=TICKS)]
    counters: dict[
        str, dict[str, tuple[Annotated[int, Meta(ge=1, le=_MAX_WRAPS)], Annotated[int, Meta(ge=0, lt=RANGE)]]]
    ]


class CounterFiles:
    """A :class:`CounterMemory` in a directory of its own, which is made when there is something to keep."""

    def __init__(self, directory: Path) -> None:
        """Remember the place."""
        self._directory = directory
        self._failing = False

    async def recall(self, device: str) -> Remembered | None:
        """Read the file of ``device``."""
        return await asyncio.to_thread(self._read, self._path(device))

    async def keep(self, device: str, remembered: Remembered) -> None:
        """Write the file of ``device``, or remove it when there is nothing to remember."""
        try:
            await asyncio.to_thread(self._write, self._path(device), remembered)
        except OSError as error:
            if not self._failing:
                _log.error("wrap counts not kept", device=device, reason=error.strerror or str(error))
            self._failing = True
        else:
            if self._failing:
                _log.info("wrap counts kept again", device=device)
            self._failing = False

    def _path(self, device: str) -> Path:
        return self._directory / f"{device}.json"  # ids are [a-z0-9-], so this is a name in the directory

    def _read(self, path: Path) -> Remembered | None:
        found = kept_file.read(path, _File, "wrap counts")
        if found is None:
            return None
        counters = {
            key: {column: Memo(*cell) for column, cell in columns.items()} for key, columns in found.counters.items()
        }
        return Remembered(found.at, found.ticks, counters)

    def _write(self, path: Path, remembered: Remembered) -> None:
        if not remembered.counters:
            path.unlink(missing_ok=True)
            return
        counters = {
            key: {column: tuple(memo) for column, memo in columns.items()}
            for key, columns in remembered.counters.items()
        }
        content = msgspec.json.encode({"at": remembered.at, "ticks": remembered.ticks, "counters": counters})
        kept_file.replace(path, content)
