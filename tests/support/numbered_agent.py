"""A source for the oracle: the real spool, reporter and courier, fed with numbers instead of measurements.

``python -m support.numbered_agent DIRECTORY BROKER_PORT LEDGER [MUTANT]`` hands numbered readings over for ever. When the spool
has accepted one (``submit`` returned), its number is appended to LEDGER: from then on it is an obligation. Every run has
numbers of its own (:data:`RUN`), so the program may be killed and started again. Once a file LEDGER.stop is
there, no more numbers are made, and what waits is sent.

The mutant ``delete-on-puback`` deletes a report as soon as the broker has it, which an oracle worth its name must catch.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tslcd_agent.config import Courier as CourierSettings
from tslcd_agent.config import Identity, Uplink
from tslcd_agent.courier import Courier
from tslcd_agent.readings import Reading
from tslcd_agent.reporter import Reporter, boot_id
from tslcd_agent.spool import Bounds, Spool, system_clock
from tslcd_runtime.health import Health
from tslcd_wire.codec import decode_report
from tslcd_wire.topics import Lane, parse

if TYPE_CHECKING:
    from tslcd_runtime.mqtt import Connection

AGENT = "86-29551-1"
PROVINCE = "86"
#: Seconds between two numbers.
PERIOD = 0.01
#: Run n hands over n * RUN + 1, n * RUN + 2, ...
RUN = 1_000_000


async def run(directory: Path, port: int, ledger: Path, mutant: str) -> None:
    """Hand numbers over until killed."""
    boot = boot_id()
    settings = CourierSettings(
        ack_timeout=2.0, live_window=2.0, history_rate=1e9, reconnect_min=0.05, reconnect_max=0.2, answer_timeout=2.0
    )
    async with Spool(directory, Bounds(200 * 2**20, 30 * 86400.0), system_clock(boot)) as spool:
        if mutant == "delete-on-puback":
            delete_on_puback()
        uplink = Uplink(port=port, keepalive=5)
        identity = Identity(id=AGENT, province=PROVINCE)
        courier = Courier(spool, [uplink], settings, identity, version="0", boot=boot, health=Health())
        reporter = Reporter(spool, AGENT, boot, courier.wake)
        async with asyncio.TaskGroup() as group:
            group.create_task(courier.run())
            await _number(reporter, ledger)


def _begin(ledger: Path) -> int:
    """Note that a run begins, and return the number before its first: runs never share numbers."""
    runs = ledger.with_suffix(".runs")
    with runs.open("a") as note:
        note.write("run\n")
    return len(runs.read_text().split()) * RUN


async def _number(reporter: Reporter, ledger: Path) -> None:
    number = _begin(ledger) + 1
    note = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    stop = ledger.with_suffix(".stop")
    while not stop.exists():
        await reporter.submit(Reading(device="", tables={"probe": {"key": ["n"], "packets_sent": [float(number)]}}))
        os.write(note, f"{number}\n".encode())
        number += 1
        await asyncio.sleep(PERIOD)


def delete_on_puback() -> None:
    """Become the mutant: what the broker has answered is deleted from the spool of whoever asked."""
    publish = Courier._publish

    async def publish_and_delete(self: Courier, connection: Connection, topic: str, payload: bytes, key: int) -> None:
        await publish(self, connection, topic, payload, key)
        if parse(topic).lane is Lane.LIVE:
            report = decode_report(payload).report
            await self._spool.confirm(report.stream, [(report.seq, report.seq)])

    setattr(Courier, "_publish", publish_and_delete)  # noqa: B010 - a mutant


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), (sys.argv[4:] or [""])[0]))
