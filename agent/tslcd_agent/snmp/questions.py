"""Any number of questions to one device, in as few packets as it takes.

Invariants:

* Every GET asks for sysUpTime first. An answer without it is an error-status of the device (tooBig, genErr), and the
  question is asked again in halves: devices differ in what fits into one answer.
* What a device takes is remembered from round to round (:class:`~tslcd_agent.snmp.sizes.Allowance`): objects in a GET, rows
  in a GETBULK.
* Silence is taken for a matter of size only when the device answers a small question right after it.
* An object that the device cannot even answer alone is not asked for again until :meth:`Questions.forget`; it says nothing
  about sizes.
* A restart is noticed in the very answer that shows it, also in the middle of a round.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tslcd_agent.errors import BrokenError, SilentError
from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.session import REPETITIONS
from tslcd_agent.snmp.sizes import Allowance
from tslcd_agent.snmp.trace import Step
from tslcd_agent.snmp.uptime import UpTime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tslcd_agent.snmp.session import SnmpSession, Value
    from tslcd_agent.snmp.trace import Trace

#: Objects in one GET; :func:`~tslcd_agent.snmp.packing.pack` sees to it that an answer fits into one Ethernet frame.
OBJECTS_PER_GET: Final = 64
#: Objects in one GET when nothing is known of how long their values are.
_UNKNOWN_PER_GET: Final = 40


def boot_time() -> float:
    """Return CLOCK_BOOTTIME: seconds, also those in which this machine slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Questions:
    """How one device is asked. ``trace`` is told every step of a round, when it is there."""

    def __init__(self, session: SnmpSession, *, clock: Callable[[], float] = boot_time) -> None:
        """Know nothing of the device."""
        self._session = session
        self._clock = clock
        self._refusals = 0
        self._poison: set[str] = set()
        #: Whether the device answered anything since the round began.
        self.answered = False
        self.per_get = Allowance(OBJECTS_PER_GET)
        self.per_walk = Allowance(REPETITIONS)
        self.up_time = UpTime()
        self.trace: Trace | None = None

    @property
    def traffic(self) -> tuple[int, int]:
        """Requests and retries so far."""
        traffic = self._session.traffic
        return traffic.requests, traffic.retries

    def begin(self) -> None:
        """Begin a round."""
        self.answered = False
        self._refusals = 0

    def forget(self) -> None:
        """Try again what the device could not answer."""
        self._poison.clear()

    def end(self) -> None:
        """End a round that was completed: sizes that were never refused in it have proved themselves."""
        if self._refusals == 0:
            self.per_get.accept()
            self.per_walk.accept()

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time a block as the step ``name``, which the caller may give ``rows``."""
        step = Step(name)
        if self.trace is None:
            yield step
            return
        self.trace.steps.append(step)
        requests, retries = self.traffic
        began = self._clock()
        try:
            yield step
        except BaseException as error:
            step.error = str(error) or type(error).__name__
            raise
        finally:
            step.seconds = self._clock() - began
            now = self.traffic
            step.requests, step.retries = now[0] - requests, now[1] - retries

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Ask for any number of objects; return those that exist. Raises SnmpError."""
        values: dict[str, Value] = {}
        await self.fill(values, oids)
        return values

    async def fill(self, values: dict[str, Value], oids: Sequence[str]) -> None:
        """Ask for any number of objects and put those that exist into ``values`` as they come. Raises SnmpError."""
        start = 0
        while start < len(oids):
            part = oids[start : start + min(self.per_get.size, _UNKNOWN_PER_GET)]
            values.update(await self.ask(part))
            start += len(part)

    async def ask(self, oids: Sequence[str]) -> dict[str, Value]:
        """Ask in one GET, in halves when the device cannot answer it; the answer has sysUpTime too. Raises SnmpError."""
        if self._poison:
            oids = [oid for oid in oids if oid not in self._poison]
        said = True
        try:
            answer = await self._session.get((mib.SYS_UP_TIME, *oids))
        except SilentError:
            if not oids or not await self._still_there():
                raise
            answer, said = {}, False
        if mib.SYS_UP_TIME in answer:
            self.answered = True
            self.up_time.hear(answer[mib.SYS_UP_TIME], self._clock())
            return answer
        if not oids or (len(oids) == 1 and not self.answered):
            msg = "answers without sysUpTime: not an SNMP agent, or a view that leaves out the group system"
            raise BrokenError(msg)
        if len(oids) == 1:
            self._poison.update(oids)
            return {}
        self._refusals += 1
        known, half = len(self._poison), len(oids) // 2
        answer = {**await self.ask(oids[:half]), **await self.ask(oids[half:])}
        if len(self._poison) == known:
            self.per_get.refuse(len(oids), sure=said)
        return answer

    async def walk(self, column: str, limit: int) -> dict[str, Value]:
        """Return the cells of a column by index, at most ``limit``. Raises SnmpError."""
        while True:
            size = self.per_walk.size
            try:
                cells = await self._session.walk(column, limit, repetitions=size)
            except SilentError:
                if size <= 1 or not await self._still_there():
                    raise
                said = False
            else:
                self.answered = True
                # an error-status ends a walk like an absent column does: one row tells which it was
                if cells or size <= 1 or not await self._session.walk(column, 1, repetitions=1):
                    return cells
                said = True
            self._refusals += 1
            self.per_walk.refuse(size, sure=said)

    async def _still_there(self) -> bool:
        """Whether a device that was silent to a large question answers a small one."""
        if not self.answered:
            return False
        try:
            return mib.SYS_UP_TIME in await self._session.get((mib.SYS_UP_TIME,))
        except SilentError:
            return False
