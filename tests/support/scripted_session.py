"""A device for tests without sockets: answers from a dictionary, as scripted, and records what it was asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.session import REPETITIONS, Traffic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tslcd_agent.errors import SnmpError
    from tslcd_agent.snmp.session import Value


class ScriptedSession:
    """An SnmpSession. ``fail_after``: so many GETs and walks are answered, then ``failure`` is raised (None: it hangs)."""

    def __init__(self, objects: dict[str, Value]) -> None:
        """Answer from ``objects``, which tests may change at any time."""
        self.objects = objects
        self.traffic = Traffic()
        self.closed = 0
        self.asked: list[tuple[str, ...]] = []
        self.walked: list[str] = []
        self.fail_after: int | None = None
        self.failure: SnmpError | None = None
        #: More objects than this in one GET are answered with an error-status, which comes as nothing.
        self.most = 1000

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Answer one GET."""
        self.asked.append(tuple(oids))
        await self._exchange()
        if len(oids) > self.most:
            return {}
        return {oid: self.objects[oid] for oid in oids if oid in self.objects}

    async def walk(self, column: str, limit: int, *, repetitions: int = REPETITIONS) -> dict[str, Value]:
        """Answer one walk, which is one PDU for every ``repetitions`` rows."""
        self.walked.append(column)
        prefix = f"{column}."
        found = {oid.removeprefix(prefix): value for oid, value in self.objects.items() if oid.startswith(prefix)}
        await self._exchange(pdus=1 + len(found) // repetitions)
        return dict(list(found.items())[:limit])

    async def close(self) -> None:
        """Count how often."""
        self.closed += 1

    async def _exchange(self, pdus: int = 1) -> None:
        self.traffic.requests += pdus
        await self._maybe_fail()
        self.traffic.answers += pdus

    async def _maybe_fail(self) -> None:
        await asyncio.sleep(0)
        if self.fail_after is None:
            return
        if self.fail_after == 0:
            if self.failure is not None:
                raise self.failure
            await asyncio.Event().wait()
        self.fail_after -= 1

    def set_row(self, index: int, name: str, *, oper: int = 1, octets: int = 1000, wide: bool = True) -> None:
        """Add or change an interface with every object of IF-MIB that is asked for."""
        cells: dict[str, Value] = {
            mib.IF_DESCR: f"descr {name}".encode(),
            mib.IF_SPEED: 4_294_967_295,
            mib.IF_ADMIN_STATUS: 1,
            mib.IF_OPER_STATUS: oper,
        }
        if wide:
            cells |= {mib.IF_NAME: name.encode(), mib.IF_HIGH_SPEED: 10_000, mib.IF_ALIAS: f"to {name}".encode()}
        for counter in mib.COUNTERS:
            cells[counter.narrow] = octets % 2**32
            if wide and counter.wide:
                cells[counter.wide] = octets
        self.objects |= {f"{column}.{index}": value for column, value in cells.items()}

    def drop_row(self, index: int) -> None:
        """Take an interface away."""
        for oid in [oid for oid in self.objects if oid.endswith(f".{index}") and oid.startswith("1.3.6.1.2.1.2.2")]:
            del self.objects[oid]
        for oid in [oid for oid in self.objects if oid.endswith(f".{index}") and oid.startswith("1.3.6.1.2.1.31.1.1")]:
            del self.objects[oid]


def router(rows: int = 2, *, wide: bool = True) -> ScriptedSession:
    """Make a device with the group system and ``rows`` interfaces, ``port1`` and on."""
    session = ScriptedSession(
        {
            mib.SYS_DESCR: b"synthetic router",
            mib.SYS_OBJECT_ID: "1.3.6.1.4.1.8072.3.2.10",
            mib.SYS_UP_TIME: 8_640_000,
            mib.SYS_NAME: b"rt-1",
            mib.IF_NUMBER: rows,
            mib.IF_TABLE_LAST_CHANGE: 100,
        }
    )
    for index in range(1, rows + 1):
        session.set_row(index, f"port{index}", octets=5_000_000_000 + index, wide=wide)
    return session
