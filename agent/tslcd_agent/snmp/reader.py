"""One round of questions to one device.

The interface table is discovered once (GETBULK over the names); then a round asks for known cells, many in one GET, which
costs a fifth of walking. It is discovered again when the device restarted (sysUpTime went back), when ifNumber or
ifTableLastChange changed, when a row vanished or got another name, after a change of state (which may change the speed), and
every :data:`REDISCOVER_EVERY` rounds.

Invariants:

* Every GET asks for sysUpTime first. An answer without it is an error-status of the device, and the question is asked
  again in halves: devices differ in what fits into one answer.
* A :class:`Round` is filled as answers come, so that what was heard before a failure or the end of the time is kept.
* Values of a row are never reported under the name of another: each round proves the names it relies on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tslcd_agent.errors import BrokenError
from tslcd_agent.snmp import interpret
from tslcd_agent.snmp import objects as mib
from tslcd_wire.report import MAX_ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tslcd_agent.config import Interfaces
    from tslcd_agent.snmp.interpret import Plan
    from tslcd_agent.snmp.session import SnmpSession, Value

#: Rounds after which names, descriptions and speeds are read again without a reason.
REDISCOVER_EVERY: Final = 20
#: Objects in one GET: with 64-bit counters an answer of so many stays below one Ethernet frame.
OBJECTS_PER_GET: Final = 48
_TEXTS: Final = (mib.SYS_NAME, mib.SYS_DESCR, mib.SYS_OBJECT_ID)
_TABLE_MARKS: Final = (mib.IF_NUMBER, mib.IF_TABLE_LAST_CHANGE)


@dataclass(slots=True)
class Round:
    """What was heard in one round. ``values`` by OID; ``plan`` says what they mean, None before any discovery."""

    values: dict[str, Value] = field(default_factory=dict)
    plan: Plan | None = None
    complete: bool = False

    @property
    def answered(self) -> bool:
        """Whether the device answered at all."""
        return mib.SYS_UP_TIME in self.values


class DeviceReader:
    """Asks one device, remembering its interfaces from round to round."""

    def __init__(self, session: SnmpSession, wanted: Interfaces) -> None:
        """Start without any knowledge of the device."""
        self._session = session
        self._wanted = wanted
        self._plan: Plan | None = None
        self._texts: dict[str, Value] = {}
        self._marks: tuple[Value, ...] = ()
        self._up_time = -1
        self._rounds = 0
        self._per_get = OBJECTS_PER_GET

    def forget(self) -> None:
        """Discover again in the next round."""
        self._plan = None

    async def read(self, result: Round) -> None:
        """Fill ``result``. Raises SnmpError; what was heard until then is in ``result``."""
        values = result.values
        known = self._plan is not None and self._rounds < REDISCOVER_EVERY
        values.update(await self._get(_TABLE_MARKS if known else (*_TABLE_MARKS, *_TEXTS)))
        if not known:
            self._texts = {oid: values[oid] for oid in _TEXTS if oid in values}
        values.update(self._texts)
        marks = tuple(values.get(oid) for oid in _TABLE_MARKS)
        up_time = values.get(mib.SYS_UP_TIME)
        restarted = isinstance(up_time, int) and up_time < self._up_time
        if known and marks == self._marks and not restarted and self._plan is not None:
            result.plan = self._plan
            await self._ask(self._plan.oids(), values)
            if self._plan.moved(values):
                await self._discover(result)
        else:
            await self._discover(result)
        self._marks = marks
        self._up_time = up_time if isinstance(up_time, int) else -1
        self._rounds += 1
        result.complete = True

    async def _discover(self, result: Round) -> None:
        """Read names, find out which objects the rows have, and all values with them."""
        self._plan = result.plan = None
        names = await self._session.walk(mib.IF_NAME, MAX_ROWS)
        # ifName may be absent, empty, or missing for some rows (RFC 2863 section 3.1.2 was not for everyone)
        whole = result.values.get(mib.IF_NUMBER) in {None, len(names)} and all(names.values())
        descriptions = {} if names and whole else await self._session.walk(mib.IF_DESCR, MAX_ROWS)
        aliases = await self._session.walk(mib.IF_ALIAS, MAX_ROWS) if names else {}
        found = interpret.rows(names, descriptions, aliases, self._wanted)
        values = result.values
        await self._ask(interpret.status_oids(found), values)
        # until the end of discovery, what is known is better than nothing
        result.plan = interpret.plan(found, values)
        await self._ask(interpret.wide_oids(found), values)
        await self._ask(interpret.narrow_oids(found, values), values)
        self._plan = result.plan = interpret.plan(found, values)
        self._rounds = 0

    async def _ask(self, oids: Sequence[str], values: dict[str, Value]) -> None:
        """Ask for any number of objects, in as few GETs as the device takes."""
        start = 0
        while start < len(oids):
            part = oids[start : start + self._per_get]
            values.update(await self._get(part))
            start += len(part)

    async def _get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Ask in one GET; in halves when the device cannot answer it. Raises SnmpError."""
        answer = await self._session.get((mib.SYS_UP_TIME, *oids))
        if mib.SYS_UP_TIME in answer:
            return answer
        if len(oids) <= 1:
            msg = "answers without sysUpTime: not an SNMP agent, or a view that leaves out the group system"
            raise BrokenError(msg)
        self._per_get = max(1, min(self._per_get, len(oids) // 2))
        half = len(oids) // 2
        return {**await self._get(oids[:half]), **await self._get(oids[half:])}
