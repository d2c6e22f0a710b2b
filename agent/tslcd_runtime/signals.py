"""Signals of a program that systemd runs: SIGTERM and SIGINT say stop, SIGHUP says read the settings again.

Invariants:

* systemd hears of a reload before it begins (``Type=notify-reload``) and when it is over, whether it changed anything or not.
* A SIGHUP that comes while settings are read is not lost: they are read once more.
"""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING, Final, Self

from tslcd_runtime.health import notify
from tslcd_runtime.memory import settle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_STOP: Final = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """Signals of this process, for the time of a block. ``stop`` is set by the first that says so."""

    def __init__(self) -> None:
        """Hear nothing yet."""
        self.stop = asyncio.Event()
        self._heard = asyncio.Event()

    def __enter__(self) -> Self:
        """Take the signals."""
        loop = asyncio.get_running_loop()
        for number in _STOP:
            loop.add_signal_handler(number, self._stopped)
        loop.add_signal_handler(signal.SIGHUP, self._heard.set)
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        loop = asyncio.get_running_loop()
        for number in (*_STOP, signal.SIGHUP):
            loop.remove_signal_handler(number)

    async def wait(self) -> None:
        """Wait for a signal, of either meaning. For one at a time."""
        await self._heard.wait()
        self._heard.clear()

    async def reloading(self, reload: Callable[[], Awaitable[None]]) -> None:
        """Do ``reload`` at every SIGHUP, until a signal says stop."""
        while True:
            await self.wait()
            if self.stop.is_set():
                return
            tell_reloading()
            await reload()
            settle()
            notify("READY=1")

    def _stopped(self) -> None:
        self.stop.set()
        self._heard.set()


def tell_reloading() -> None:
    """Tell systemd that settings are read again now; READY=1 ends it."""
    notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
