"""Readings become reports: made once, checked against the contract, and kept before anybody hears of them.

Invariants:

* A report that reaches the spool is one that the contract accepts: its bytes were decoded and checked as the collector does.
* What the contract does not know is left out and counted; a reading that it refuses is counted and never sent.
* :meth:`Reporter.submit` returns when the report is on disk, and never raises for a disk or a bad reading.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tslcd_agent.spool import Draft, Worth
from tslcd_runtime.logs import get_logger
from tslcd_wire import codec
from tslcd_wire.errors import WireError
from tslcd_wire.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from tslcd_agent.readings import Reading
    from tslcd_agent.spool import Spool

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_BOOT_CHARS: Final = 8
#: Kinds of tables that tell whether the box lives and has power.
_LIFE: Final = frozenset({"agent", "ups"})
_log = get_logger("reporter")


def boot_id(path: Path = _BOOT_ID) -> str:
    """Return the kernel's boot id (random(4)), shortened to 8 hexadecimal digits; zeros where the kernel has none."""
    try:
        return path.read_text().replace("-", "")[:_BOOT_CHARS]
    except OSError:
        return "0" * _BOOT_CHARS


def worth(reading: Reading) -> Worth:
    """Return what a reading is worth when the spool must make room: events most, then what tells of life and power."""
    if reading.events:
        return Worth.EVENT
    return Worth.MEASURED if _LIFE.isdisjoint(reading.tables) else Worth.ALIVE


class Reporter:
    """Makes reports of one agent out of readings. ``on_kept`` is called when there is something new to send."""

    def __init__(self, spool: Spool, agent: str, boot: str, on_kept: Callable[[], None]) -> None:
        """Remember."""
        self._spool = spool
        self._agent = agent
        self._boot = boot
        self._on_kept = on_kept
        self._told: set[str] = set()
        #: Readings that the contract refused, by its error code; columns that it does not know.
        self.refused: dict[str, int] = {}
        self.unknown_columns = 0

    async def submit(self, reading: Reading) -> None:
        """Make a report of a reading and keep it; see :data:`tslcd_agent.readings.Submit`."""
        left_out: list[str] = []

        def build(stream: str, seq: int) -> bytes:
            report = Report(
                agent=self._agent,
                stream=stream,
                seq=seq,
                at=reading.at,
                boot=self._boot,
                mono=reading.mono,
                device=reading.device,
                tables=reading.tables,
                events=list(reading.events),
            )
            payload = codec.encode(report)
            decoded = codec.decode_report(payload)
            left_out[:] = decoded.refused
            return codec.encode(decoded.report) if decoded.refused else payload

        try:
            await self._spool.append(Draft(reading.at, self._boot, reading.mono, build, worth(reading)))
        except WireError as error:
            self.refused[error.code] = self.refused.get(error.code, 0) + 1
            self._tell_once(f"{reading.device} {error.code}", "reading refused", reading.device, str(error))
            return
        if left_out:
            self.unknown_columns += len(left_out)
            text = ", ".join(left_out)
            self._tell_once(f"{reading.device} {text}", "columns left out", reading.device, text)
        self._on_kept()

    def _tell_once(self, what: str, event: str, device: str, reason: str) -> None:
        """Log an edge: the first time that something is refused."""
        if what not in self._told:
            self._told.add(what)
            _log.error(event, device=device, reason=reason)
