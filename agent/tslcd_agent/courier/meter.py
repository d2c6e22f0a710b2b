"""What metered uplinks have carried in this month, in a file beside the spool.

Invariants:

* The count never goes back within a month, whatever the clock does: a box that wakes up in 1970 goes on counting for the
  latest month that it has seen.
* A file that cannot be read or written stops nothing: it is said once, and counting goes on in memory.
* After a crash the count lacks what was sent since the last :meth:`Meter.save`, at most :data:`SAVE_EVERY` seconds.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

import msgspec

from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Seconds between two writings of the file.
SAVE_EVERY: Final = 30.0
#: What a message costs beside topic and payload, in bytes: MQTT, TLS, TCP and IP headers of it and of its answer.
OVERHEAD: Final = 220

_log = get_logger("meter")


class _Count(msgspec.Struct):
    """Bytes in a calendar month, ``2026-11``, in UTC."""

    month: str
    bytes: int


class Meter:
    """Counts bytes of the uplinks that have a budget. ``budgets``: bytes a calendar month (UTC), by the uplink's name."""

    def __init__(self, file: Path, budgets: Mapping[str, float]) -> None:
        """Remember; :meth:`load` reads."""
        self._file = file
        self._budgets = dict(budgets)
        self._counts: dict[str, _Count] = {}
        self._changed = self._said = False

    def load(self) -> None:
        """Read what was counted before (blocking). A damaged file is said and counts as empty."""
        if not self._budgets:
            return
        try:
            self._counts = msgspec.json.decode(self._file.read_bytes(), type=dict[str, _Count])
        except FileNotFoundError:
            return
        except (OSError, msgspec.DecodeError) as error:
            _log.warning(
                "what metered uplinks carried is not known: counting anew", file=self._file.name, reason=str(error)
            )

    def save(self) -> None:
        """Write the counts when they changed (blocking), whole or not at all."""
        if not self._changed:
            return
        self._changed = False
        fresh = self._file.with_name(f"{self._file.name}.new")
        try:
            with fresh.open("wb") as file:
                file.write(msgspec.json.encode(self._counts))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._file)
        except OSError as error:
            if not self._said:
                _log.warning("what metered uplinks carry cannot be written", file=self._file.name, reason=str(error))
            self._said = True
        else:
            self._said = False

    def spend(self, name: str, size: int, wall: float) -> None:
        """Note a message of ``size`` bytes of topic and payload; ``wall`` is the time in UTC seconds."""
        if name in self._budgets:
            self._current(name, wall).bytes += size + OVERHEAD
            self._changed = True

    def is_spent(self, name: str, wall: float) -> bool:
        """Whether an uplink has carried as much as it may in this month."""
        return name in self._budgets and self._current(name, wall).bytes >= self._budgets[name]

    def _current(self, name: str, wall: float) -> _Count:
        month = time.strftime("%Y-%m", time.gmtime(wall))
        count = self._counts.get(name)
        if count is None or count.month < month:
            count = self._counts[name] = _Count(month, 0)
        return count
