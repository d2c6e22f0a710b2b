"""One round of one device, from the first question to the tables: itself, its interfaces, what its profile knows.

Invariants:

* A round ends within its budget, and what was heard until then is in its tables.
* ``poll_complete`` is 1 only when everything that was to be asked was answered.
* Wrap counts are on disk before a table that needs them leaves (see :mod:`tslcd_agent.snmp.counters`).
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tslcd_agent.errors import SnmpError
from tslcd_agent.snmp import interpret
from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.counters import Counters
from tslcd_agent.snmp.questions import boot_time
from tslcd_agent.snmp.reader import DeviceReader, Round

if TYPE_CHECKING:
    from tslcd_agent.config import PolledDevice
    from tslcd_agent.snmp.counter_files import CounterMemory
    from tslcd_agent.snmp.profile.known import KnownRows
    from tslcd_agent.snmp.profile.reader import ProfileReader
    from tslcd_agent.snmp.session import SnmpSession
    from tslcd_agent.snmp.trace import Trace
    from tslcd_wire.report import Table, Tables

_SYSTEM: Final = (mib.SYS_OBJECT_ID, mib.SYS_DESCR)


@dataclass(slots=True)
class Outcome:
    """What came of a round. ``at``: UTC seconds, ``mono``: CLOCK_BOOTTIME seconds, both when it began; ``duration`` seconds.

    ``state``: ``ok`` when the device answered at all, else the code of the error. ``reason``: why it is not complete, for
    people; empty when it is. ``overran``: the budget ended it. ``left_out``: interfaces beyond the bounds.
    """

    at: float
    mono: float
    tables: Tables = field(default_factory=dict)
    state: str = "ok"
    reason: str = ""
    complete: bool = False
    overran: bool = False
    left_out: int = 0
    duration: float = 0.0

    @property
    def answered(self) -> bool:
        """Whether the device answered."""
        return self.state == "ok"

    @property
    def interfaces(self) -> Table | None:
        """The table of interfaces."""
        return self.tables.get("interface")


class DeviceRounds:
    """The rounds of one device, each with what the ones before it found out."""

    def __init__(
        self,
        device: PolledDevice,
        session: SnmpSession,
        *,
        profile: ProfileReader | None = None,
        memory: CounterMemory | None = None,
        known: KnownRows | None = None,
    ) -> None:
        """``profile`` reads what the device has beyond its interfaces.

        ``memory`` keeps wrap counts over restarts of the agent, ``known`` the rows that may be missed.
        """
        self.reader = DeviceReader(session, device.interfaces)
        self.profile = profile
        self._device = device
        self._session = session
        self._memory = memory
        self._known = known
        self._recalled = memory is None and known is None
        self._number = 0
        self._restarts = 0

    async def go(self, trace: Trace | None = None) -> Outcome:
        """Make a round. Raises nothing but cancellation."""
        result = Outcome(time.time(), boot_time())
        began = time.monotonic()
        before = self.reader.questions.traffic
        heard = Round()
        error: SnmpError | None = None
        whole = False
        if not self._recalled:
            await self._recall()
        try:
            async with asyncio.timeout(self._device.budget):
                await self.reader.read(heard, trace)
                self._interpret(heard, result)
                await self._ask_profile(heard, result)
                whole = heard.complete
        except TimeoutError:
            result.overran = True
        except SnmpError as caught:
            error = caught
        if not heard.answered:
            result.state = error.code if error is not None else "silent"
            result.tables = interpret.failure_tables(result.state)
        elif not result.tables:
            self._interpret(heard, result)
        result.complete = whole
        result.reason = "" if whole else self._reason(error, overran=result.overran)
        result.duration = time.monotonic() - began
        requests, retries = self.reader.questions.traffic
        interpret.cost(
            result.tables["device"],
            duration=result.duration,
            complete=whole,
            requests=requests - before[0],
            retries=retries - before[1],
        )
        if self._memory is not None and self.reader.counters.changed:
            await self.keep()
        await self._keep_known()
        return result

    async def knock(self) -> SnmpError | None:
        """Ask one small question, once; return what went wrong, None when it was answered. Raises TimeoutError.

        A TimeoutError says only that nothing came within the wait for one answer.
        """
        try:
            async with asyncio.timeout(self._device.timeout):
                await self._session.get((mib.SYS_UP_TIME,))
        except SnmpError as error:
            return error
        return None

    async def keep(self) -> None:
        """Keep what must outlive the agent, as it is now."""
        if self._memory is not None and self._recalled:
            remembered = self.reader.remember(at=time.time(), mono=boot_time())
            await self._memory.keep(self._device.id, remembered)

    async def close(self) -> None:
        """Keep what must outlive the agent, and close the session."""
        if self.reader.counters.wrapped:
            await self.keep()
        await self._keep_known(anyway=True)
        await self._session.close()

    async def _keep_known(self, *, anyway: bool = False) -> None:
        """Keep the rows that may be missed, when there is something new about them."""
        if self._known is not None and self.profile is not None:
            news = self.profile.remember(time.time(), anyway=anyway)
            if news is not None:
                await self._known.keep(self._device.id, news)

    async def _recall(self) -> None:
        if self._memory is not None:
            self.reader.counters = Counters(await self._memory.recall(self._device.id))
        if self._known is not None and self.profile is not None:
            known = await self._known.recall(self._device.id)
            if known is not None:
                self.profile.recall(known)
        self._recalled = True

    def _interpret(self, heard: Round, result: Outcome) -> None:
        """Make the tables of what was heard."""
        table = self.reader.table(heard, at=time.time(), mono=boot_time())
        result.left_out = heard.left_out
        result.tables["device"] = interpret.device_table(
            heard.values, interfaces=len(table["key"]) if table else 0, left_out=heard.left_out
        )
        if table is not None:
            result.tables["interface"] = table

    async def _ask_profile(self, heard: Round, result: Outcome) -> None:
        """Let the profile add what it knows."""
        if self.profile is None:
            return
        if self.reader.restarts != self._restarts:
            self._restarts = self.reader.restarts
            self.profile.forget()
        system = {oid: heard.values.get(oid) for oid in _SYSTEM}
        number, self._number = self._number, self._number + 1
        questions = self.reader.questions
        await self.profile.read(questions, system, result.tables, number, questions.step)

    def _reason(self, error: SnmpError | None, *, overran: bool) -> str:
        if error is not None:
            return str(error)
        if overran:
            return f"no answer within {self._device.budget:g} s"
        return "the interface table is not known whole yet"
