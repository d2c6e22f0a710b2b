"""Health: every working loop says that it goes round, and systemd's watchdog hears of it only while all of them do.

The clock is an argument; :meth:`Health.feed` is the thin shell that sleeps and tells systemd (sd_notify(3)).
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from dataclasses import dataclass
from typing import Final

#: How often systemd hears of us when it did not say (WATCHDOG_USEC); a third of that otherwise.
DEFAULT_PERIOD: Final = 10.0


@dataclass(slots=True)
class _Loop:
    limit: float
    last: float


class Health:
    """The loops of a program, each with the longest time it may take to go round, in seconds."""

    def __init__(self) -> None:
        """Start with no loops."""
        self._loops: dict[str, _Loop] = {}

    def register(self, name: str, limit: float, now: float | None = None) -> None:
        """Expect a beat of ``name`` at least every ``limit`` seconds from ``now`` (monotonic) on."""
        self._loops[name] = _Loop(limit, time.monotonic() if now is None else now)

    def unregister(self, name: str) -> None:
        """Expect nothing of ``name`` any more."""
        self._loops.pop(name, None)

    def beat(self, name: str, now: float | None = None) -> None:
        """Note that ``name`` went round. Unknown names are no error: a loop may be stopping."""
        loop = self._loops.get(name)
        if loop is not None:
            loop.last = time.monotonic() if now is None else now

    def stuck(self, now: float | None = None) -> list[str]:
        """Return the loops that are late, by name."""
        at = time.monotonic() if now is None else now
        return [name for name, loop in self._loops.items() if at - loop.last > loop.limit]

    async def feed(self) -> None:
        """Tell systemd's watchdog, for ever, as long as nothing is stuck."""
        microseconds = os.environ.get("WATCHDOG_USEC", "")
        period = int(microseconds) / 3e6 if microseconds.isdigit() and int(microseconds) else DEFAULT_PERIOD
        while True:
            stuck = self.stuck()
            if stuck:
                notify(f"STATUS=stuck: {', '.join(stuck)}")
            else:
                notify("WATCHDOG=1")
            await asyncio.sleep(period)


def notify(message: str) -> bool:
    """Send ``message`` to systemd's notification socket; return whether there is one (sd_notify(3)).

    Messages: ``READY=1``, ``RELOADING=1``, ``STOPPING=1``, ``WATCHDOG=1``, ``STATUS=text``; several are separated by newlines.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.settimeout(0)
        try:
            sender.sendto(message.encode(), "\0" + address[1:] if address.startswith("@") else address)
        except OSError:
            return False
    return True
