"""Many sources for the oracle in one process: real spools, reporters and couriers, fed with numbers instead of measurements.

``python -m support.numbered_fleet DIRECTORY PORT FIRST COUNT PERIOD [MUTANT]`` is the agents FIRST to FIRST + COUNT - 1 (see
:func:`name`). Each hands a report of :data:`SAMPLES` samples over every PERIOD seconds; once its spool has accepted one, a line
``agent number`` in DIRECTORY/ledger makes it an obligation. Every run has numbers of its own (:data:`RUN`), so the program may be killed and
started again. Once DIRECTORY/stop is there no more numbers are made, and DIRECTORY/waiting tells how many reports are left.

The mutant ``delete-on-puback`` deletes a report as soon as the broker has it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

from support.numbered_agent import RUN, delete_on_puback
from tslcd_agent.config import Courier as CourierSettings
from tslcd_agent.config import Identity, Uplink
from tslcd_agent.courier import Courier
from tslcd_agent.readings import Reading
from tslcd_agent.reporter import Reporter, boot_id
from tslcd_agent.spool import Bounds, Spool, system_clock
from tslcd_runtime.health import Health

PROVINCE: Final = "86"
#: Probes of an agent; each has :data:`COLUMNS` samples a report.
PROBES: Final = 4
COLUMNS: Final = 4
SAMPLES: Final = PROBES * COLUMNS
_KEYS: Final = [f"p{number}" for number in range(PROBES)]
#: Seconds between two looks whether to stop, and two counts of what is left.
_LOOK: Final = 1.0


def name(number: int) -> str:
    """Return the id of an agent."""
    return f"a{number:03}"


class Source:
    """One agent."""

    def __init__(self, number: int, directory: Path, port: int, boot: str, period: float) -> None:
        """Make its parts; :meth:`run` works. Its courier is as patient as a real one whose reports are that much rarer."""
        self.agent = name(number)
        settings = CourierSettings(
            ack_timeout=period * 2.5,
            live_window=period * 2.5,
            answer_timeout=max(1.0, period),
            reconnect_min=period / 8,
            reconnect_max=period * 2.5,
        )
        self.spool = Spool(directory / self.agent, Bounds(50 * 2**20, 86400.0), system_clock(boot))
        identity = Identity(id=self.agent, province=PROVINCE)
        self._courier = Courier(
            self.spool, [Uplink(port=port)], settings, identity, version="0", boot=boot, health=Health()
        )
        self._reporter = Reporter(self.spool, self.agent, boot, self._courier.wake)

    async def run(self, first: int, period: float, delay: float, ledger: int, stopped: asyncio.Event) -> None:
        """Hand numbers over until stopped, and send for ever."""
        async with self.spool, asyncio.TaskGroup() as group:
            group.create_task(self._courier.run())
            await asyncio.sleep(delay)
            number = first
            while not stopped.is_set():
                value = [float(number)] * PROBES
                table = {
                    "key": _KEYS,
                    "packets_sent": value,
                    "packets_received": value,
                    "loss_ratio": [0.0] * PROBES,
                    "rtt_seconds": [0.001] * PROBES,
                }
                await self._reporter.submit(Reading(device="", tables={"probe": table}))  # type: ignore[dict-item]
                os.write(ledger, f"{self.agent} {number}\n".encode())
                number += 1
                await asyncio.sleep(period)


async def run(directory: Path, port: int, first: int, count: int, period: float) -> None:
    """Be the agents until killed."""
    boot = boot_id()
    with (directory / "runs").open("a") as note:
        note.write("run\n")
    begin = len((directory / "runs").read_text().split()) * RUN + 1
    ledger = os.open(directory / "ledger", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    stopped = asyncio.Event()
    sources = [Source(number, directory, port, boot, period) for number in range(first, first + count)]
    async with asyncio.TaskGroup() as group:
        for place, source in enumerate(sources):
            group.create_task(source.run(begin, period, period * place / count, ledger, stopped))
        while True:
            await asyncio.sleep(_LOOK)
            if (directory / "stop").exists():
                stopped.set()
                await asyncio.sleep(0.1)
                left = sum([(await source.spool.statistics()).waiting for source in sources])
                (directory / "waiting.new").write_text(str(left))
                (directory / "waiting.new").rename(directory / "waiting")


if __name__ == "__main__":
    folder, port, first, count, period, *mutant = sys.argv[1:]
    if mutant == ["delete-on-puback"]:
        delete_on_puback()
    asyncio.run(run(Path(folder), int(port), int(first), int(count), float(period)))
