"""What a running process costs, read from outside it, without asking it.

CPU time comes from the process's CPU clock (clock_getcpuclockid(3)): user and system time of all its threads, the ended ones
too, in nanoseconds. ``utime`` and ``stime`` of proc(5) are the same time in steps of 10 ms, too coarse for one scrape.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

#: A process that used less than this share of one CPU for SETTLE_WINDOW seconds has done its work.
SETTLED_SHARE: Final = 0.04
SETTLE_WINDOW: Final = 0.5


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process used so far. Raises ProcessLookupError when it is gone."""
    try:
        return time.clock_gettime((~pid << 3) | 2)  # CPUCLOCK_SCHED of another process, as clock_getcpuclockid makes it
    except OSError:
        raise ProcessLookupError(pid) from None


def resident_bytes(pid: int) -> int:
    """Return VmRSS of proc(5). Raises ProcessLookupError when the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        raise ProcessLookupError(pid) from None
    for line in lines:
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(pid)


@dataclass
class Meter:
    """CPU time of one process since the meter was made or started again."""

    pid: int
    began: float = 0.0

    def __post_init__(self) -> None:
        """Begin."""
        self.restart()

    def restart(self) -> None:
        """Begin again."""
        self.began = cpu_seconds(self.pid)

    def seconds(self) -> float:
        """Return CPU seconds since the beginning."""
        return cpu_seconds(self.pid) - self.began


def settle(
    pid: int,
    timeout: float = 30.0,
    *,
    cpu: Callable[[int], float] = cpu_seconds,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until a process has done the work that it was given. Raises TimeoutError after ``timeout`` seconds."""
    for _ in range(int(timeout / SETTLE_WINDOW)):
        before = cpu(pid)
        sleep(SETTLE_WINDOW)
        if cpu(pid) - before < SETTLED_SHARE * SETTLE_WINDOW:
            return
    msg = f"process {pid} is still busy after {timeout:g} s"
    raise TimeoutError(msg)
