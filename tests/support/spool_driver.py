"""Appends numbered reports to a real spool for ever, and writes each number to standard output once it is acknowledged.

``python -m support.spool_driver DIRECTORY FIRST [MUTANT]``. A line ``+N`` says that the append of N returned; ``-N`` that N was
confirmed by the driver, as by a collector, *before* its deletion is asked for. Mutants, each of which must be caught:
``early`` acknowledges before the commit, ``delete-before-ack`` deletes what nobody confirmed, ``reuse`` forgets which
numbers were given once everything is deleted.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tslcd_agent.spool import Bounds, Draft, Spool, system_clock
from tslcd_agent.spool.store import Store
from tslcd_wire.ranges import RangeSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tslcd_agent.spool.state import Now

BOOT = "7c1e0000"


def say(line: str) -> None:
    """Write a line that survives SIGKILL: a pipe's bytes are the reader's once written."""
    os.write(1, f"{line}\n".encode())


def payload(number: int, stream: str, seq: int) -> bytes:
    """Return the bytes of report ``number``; the reader checks all of them."""
    return f'{{"stream":"{stream}","seq":{seq},"number":{number}}}'.encode().ljust(600)


def mutate(mutant: str) -> None:
    """Break the spool in one way."""
    if mutant == "reuse":
        insert = Store.append

        def forgetful(self: Store, drafts: Sequence[Draft], now: Now) -> list[int | Exception]:
            if self.state.waiting == 0:
                self.update(lambda state: setattr(state, "next", 1))
            return insert(self, drafts, now)

        setattr(Store, "append", forgetful)  # noqa: B010 - a mutant


async def drive(directory: Path, number: int, mutant: str) -> None:
    """Append, and now and then confirm, until killed."""
    chance = random.Random(number)  # noqa: S311 - the same for every run
    async with Spool(directory, Bounds(100 * 2**20, 86400), system_clock(BOOT)) as spool:

        async def one(number: int) -> None:
            if mutant == "early":
                say(f"+{number}")
            mono = time.clock_gettime(time.CLOCK_BOOTTIME)
            key = await spool.append(Draft(time.time(), BOOT, mono, lambda stream, seq: payload(number, stream, seq)))
            if mutant != "early":
                say(f"+{number} {key}")

        while True:
            async with asyncio.TaskGroup() as group:
                for _ in range(chance.randint(1, 20)):
                    group.create_task(one(number))
                    number += 1
            rows = await spool.oldest_first(chance.randint(0, 30), RangeSet())
            stream = (await spool.statistics()).stream
            for row in rows:
                if mutant != "delete-before-ack":
                    say(f"-{json.loads(row.payload)['number']}")
            await spool.confirm(stream, [(row.key & (2**40 - 1), row.key & (2**40 - 1)) for row in rows])


if __name__ == "__main__":
    mutate((sys.argv[3:] or [""])[0])
    asyncio.run(drive(Path(sys.argv[1]), int(sys.argv[2]), (sys.argv[3:] or [""])[0]))
