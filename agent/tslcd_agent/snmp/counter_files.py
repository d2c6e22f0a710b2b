"""Where wrap counts outlive the agent: one small JSON file for each device that has counters which wrapped.

Invariants:

* A file is replaced whole: written beside, synced, renamed, its directory synced. After a power cut there is the old one or
  the new one.
* What cannot be read is set aside as ``<name>.damaged`` and told; the counters of that device begin anew.
* A disk that does not take it stops nothing; it is told once until it works again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from tslcd_agent.snmp.counters import RANGE, Memo, Remembered
from tslcd_agent.snmp.uptime import TICKS
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from pathlib import Path

#: 2**31 wraps of 2**32 stay below 2**63; nothing wraps so often.
_MAX_WRAPS: Final = 2**31
#: A device has a few thousand interfaces at most.
_MAX_BYTES: Final = 8 * 2**20
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
        try:
            with path.open("rb") as file:
                content = file.read(_MAX_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.error("wrap counts not read", file=path.name, reason=error.strerror or str(error))
            return None
        try:
            found = msgspec.json.decode(content, type=_File)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            _log.error("wrap counts damaged: set aside, counters begin anew", file=path.name, reason=str(error))
            with contextlib.suppress(OSError):
                path.replace(path.with_suffix(".damaged"))
            return None
        counters = {
            key: {column: Memo(*cell) for column, cell in columns.items()} for key, columns in found.counters.items()
        }
        return Remembered(found.at, found.ticks, counters)

    def _write(self, path: Path, remembered: Remembered) -> None:
        if not remembered.counters:
            path.unlink(missing_ok=True)
            return
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        counters = {
            key: {column: tuple(memo) for column, memo in columns.items()}
            for key, columns in remembered.counters.items()
        }
        content = msgspec.json.encode({"at": remembered.at, "ticks": remembered.ticks, "counters": counters})
        beside = path.with_suffix(".new")
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        folder = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
