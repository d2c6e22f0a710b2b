"""The agent without its producers: spool, reporter and courier in this process."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from tslcd_agent.config import Courier as CourierSettings
from tslcd_agent.config import Identity, Uplink
from tslcd_agent.courier import Courier
from tslcd_agent.readings import Reading
from tslcd_agent.reporter import Reporter
from tslcd_agent.spool import Bounds, Spool, system_clock
from tslcd_runtime.health import Health

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tslcd_agent.courier.meter import Meter
    from tslcd_wire.report import Table

BOOT = "7c1e0000"


class Agent:
    """Spool, reporter and courier, without producers."""

    def __init__(
        self,
        directory: Path,
        uplinks: list[Uplink],
        *,
        size: int = 50 * 2**20,
        meter: Meter | None = None,
        name: str = "a-1",
        **settings: object,
    ) -> None:
        """Make them; ``settings`` are the courier's."""
        self.spool = Spool(directory, Bounds(size, 86400), system_clock(BOOT))
        defaults: dict[str, object] = {
            "ack_timeout": 1.0,
            "reconnect_min": 0.05,
            "reconnect_max": 0.2,
            "answer_timeout": 2.0,
            "history_rate": 1e8,
        }
        self.courier = Courier(
            self.spool,
            uplinks,
            CourierSettings(**{**defaults, **settings}),  # type: ignore[arg-type]
            Identity(id=name, province="86"),
            version="0",
            boot=BOOT,
            health=Health(),
            meter=meter,
        )
        self.reporter = Reporter(self.spool, name, BOOT, self.courier.wake)

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[Agent]:
        """Run for the time of a block, then stop cleanly."""
        async with self.spool:
            task = asyncio.create_task(self.courier.run(), name="courier")
            try:
                yield self
            finally:
                self.courier.stop()
                async with asyncio.timeout(10):
                    await task

    async def report(self, count: int = 1, *, age: float = 0) -> None:
        """Measure ``count`` times, ``age`` seconds ago."""
        at, mono = time.time() - age, time.clock_gettime(time.CLOCK_BOOTTIME) - age
        for number in range(count):
            table: Table = {"key": ["gw"], "loss_ratio": [0.0], "rtt_seconds": [number / 1000]}
            await self.reporter.submit(Reading("", {"probe": table}, (), at, max(0.0, mono)))

    async def waiting(self) -> int:
        """Count the reports in the spool."""
        return (await self.spool.statistics()).waiting


async def empty(agent: Agent) -> None:
    """Wait until every report was confirmed."""
    async with asyncio.timeout(60):
        while await agent.waiting():  # noqa: ASYNC110 - the spool has no event for it
            await asyncio.sleep(0.05)
