"""What producers (pollers, probes, the heartbeat) hand to the reporter."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from tslcd_wire.report import Event, Tables


@dataclass(frozen=True, slots=True)
class Reading:
    """Tables of one device (or of the agent itself, ``device=""``) measured at one time.

    ``at``: wall time, UTC seconds. ``mono``: CLOCK_BOOTTIME seconds, so that a wrong wall clock can be put right later.
    """

    device: str
    tables: Tables
    events: tuple[Event, ...] = ()
    at: float = field(default_factory=time.time)
    mono: float = field(default_factory=lambda: time.clock_gettime(time.CLOCK_BOOTTIME))


#: Hands a reading over. Returns when the report made of it is on disk, or counted as dropped; never raises for a full disk.
Submit: TypeAlias = Callable[[Reading], Awaitable[None]]
