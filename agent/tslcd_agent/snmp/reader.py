"""One round of questions to one device about itself and its interfaces.

The interface table is discovered once (GETBULK over the names); then a round asks for known cells, as many in one GET as fit
into a frame, which costs a fifth of walking. It is discovered again when the device restarted, when ifNumber or
ifTableLastChange changed, when a row vanished or got another name, and every :data:`REDISCOVER_EVERY` rounds, when
descriptions and speeds are read again; which objects rows have is learned again every :data:`LEARN_EVERY` rounds.

Invariants:

* A :class:`Round` is filled as answers come, so that what was heard before a failure or the end of the time is kept.
* Values of a row are never reported under the name of another: each round proves the names it relies on, and what it heard
  is put under no name until it has.
* A table that is too large for the time is learned in several rounds, and read in turns: its names and states in every round.
* However many rows a device claims to have, :data:`WALK_LIMIT` are listened to.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from tslcd_agent.snmp import interfaces
from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.counters import Counters, Moment, Remembered
from tslcd_agent.snmp.interfaces import Found
from tslcd_agent.snmp.packing import answer_size, pack
from tslcd_agent.snmp.questions import Questions, boot_time
from tslcd_agent.snmp.uptime import TICKS, TICKS_A_SECOND
from tslcd_wire.report import MAX_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tslcd_agent.config import Interfaces
    from tslcd_agent.snmp.interfaces import Plan, Row
    from tslcd_agent.snmp.session import SnmpSession, Value
    from tslcd_agent.snmp.trace import Trace
    from tslcd_wire.report import Table

#: Rounds after which names, descriptions and speeds are read again without a reason.
REDISCOVER_EVERY: Final = 20
#: Rounds after which it is learned again which objects the rows have.
LEARN_EVERY: Final = 10 * REDISCOVER_EVERY
#: Names that are listened to in one walk: filters may want few of many.
WALK_LIMIT: Final = 2 * MAX_ROWS
#: Objects of a lesson that are lost when a round is cut short.
_LESSON: Final = 200
#: Rows whose discontinuity or speed is asked for beside a round.
_ASIDE: Final = 256
_TEXTS: Final = (mib.SYS_NAME, mib.SYS_DESCR, mib.SYS_OBJECT_ID)
_MARKS: Final = (mib.IF_NUMBER, mib.IF_TABLE_LAST_CHANGE)
#: What the answer to every GET has besides what was asked for.
_TAKEN: Final = answer_size(mib.SYS_UP_TIME, 2**32)
_MARK_SIZES: Final = tuple((oid, answer_size(oid, 2**32)) for oid in _MARKS)


@dataclass(slots=True)
class Round:
    """What was heard in one round. ``values`` by OID; ``plan`` says what they mean, None while nothing is proved.

    ``made``: the table ``interface`` with raw counters, where it was needed already.
    ``slow``: there is something of what is read rarely among the values.
    """

    values: dict[str, Value] = field(default_factory=dict)
    plan: Plan | None = None
    complete: bool = False
    made: Table | None = None
    slow: bool = False

    @property
    def answered(self) -> bool:
        """Whether the device answered at all."""
        return mib.SYS_UP_TIME in self.values

    @property
    def left_out(self) -> int:
        """Interfaces beyond the bounds, which are not reported."""
        return self.plan.left_out if self.plan is not None else 0


class DeviceReader:
    """Asks one device, remembering its interfaces from round to round."""

    def __init__(
        self,
        session: SnmpSession,
        wanted: Interfaces,
        *,
        clock: Callable[[], float] = boot_time,
    ) -> None:
        """Start without any knowledge of the device."""
        self.questions = Questions(session, clock=clock)
        self.counters = Counters()
        self._clock = clock
        self._wanted = wanted
        self._plan: Plan | None = None
        self._schedule = _Schedule()
        self._texts: dict[str, Value] = {}
        self._marks: tuple[Value, ...] = ()
        self._restarts = 0
        self._refreshed = 0
        self._learned = 0
        #: While a table is being learned: what discovery heard of it, None for what the device does not have.
        self._lesson: dict[str, Value] = {}
        self._lesson_of: object = None
        self._discontinuities: dict[str, int] = {}
        self._speeds_wanted: frozenset[str] = frozenset()

    @property
    def keys(self) -> Mapping[str, str]:
        """Interface keys by ifIndex, as of the last round that knew them."""
        return {row.index: row.key for row in self._plan.rows} if self._plan is not None else {}

    @property
    def restarts(self) -> int:
        """Restarts of the device seen so far."""
        return self.questions.up_time.restarts

    def forget(self) -> None:
        """Learn everything again in the next round."""
        self._plan = None
        self.questions.forget()

    def changed(self, keys: Iterable[str]) -> None:
        """Read the speeds of ``keys`` again in the next round: a link that came up may have another."""
        self._speeds_wanted = frozenset(keys)

    async def read(self, result: Round, trace: Trace | None = None) -> None:
        """Fill ``result``. Raises SnmpError; what was heard until then is in ``result``."""
        self.questions.trace = trace
        self.questions.begin()
        if self._plan is None or self._refreshed >= REDISCOVER_EVERY or not await self._known_round(result, self._plan):
            await self._discover(result)
        else:
            result.complete = True
        self._refreshed += 1
        self._learned += 1
        if result.plan is not None:
            whole, result.complete = result.complete, False
            await self._aside(result, result.plan)
            result.complete = whole
        self.questions.end()

    def table(self, heard: Round, *, at: float, mono: float) -> Table | None:
        """Make the table ``interface`` of what was heard, counters made long; to be called once for each round."""
        plan = heard.plan
        if plan is None:
            return None
        table = heard.made if heard.made is not None else interfaces.interface_table(plan, heard.values)
        if table is None:
            return None
        before = self._discontinuities
        news = _discontinuities(plan, heard.values) if heard.slow else {}

        def discontinuous(key: str) -> bool:
            return key in news and news[key] != before.get(key, 0)

        self.counters.extend(table, plan, self.moment(at=at, mono=mono), discontinuous)
        known = before
        if news:
            both = {**before, **news}
            known = self._discontinuities = {key: both[key] for key in plan.keys if key in both}
        if any(known.values()):
            seconds = [known[key] / TICKS_A_SECOND if key in known else None for key in plan.keys]
            table["counter_discontinuity_seconds"] = seconds
        return table

    def moment(self, *, at: float, mono: float) -> Moment:
        """Return now (UTC seconds, CLOCK_BOOTTIME seconds) as counters count time."""
        up_time = self.questions.up_time
        return Moment(mono, at, up_time.ticks, up_time.restarts)

    def remember(self, *, at: float, mono: float) -> Remembered:
        """Return what must outlive the agent, with the time at which the device was last heard."""
        silence = mono - self.questions.up_time.at
        return self.counters.remember(self.moment(at=at - silence, mono=mono))

    async def _known_round(self, result: Round, plan: Plan) -> bool:
        """Ask for what is known to be there; return whether it still is."""
        values, questions, schedule = result.values, self.questions, self._schedule
        if schedule.plan is not plan or schedule.most != questions.per_get.size:
            schedule = self._schedule = _Schedule.of(plan, questions.per_get.size)
        with questions.step("interfaces") as step:
            for position, batch in enumerate(schedule.head):
                values.update(await questions.ask(batch))
                step.rows += len(batch)
                if position == 0:
                    if not self._same_device(values):
                        return False
                    values.update(self._texts)
                if position == schedule.proof:
                    if plan.moved(values):
                        return False
                    result.plan = plan
            for batch in schedule.turns():
                values.update(await questions.ask(batch))
                step.rows += len(batch)
        return True

    def _same_device(self, values: Mapping[str, Value]) -> bool:
        """Whether nothing says that the interface table is another one now."""
        return self.restarts == self._restarts and tuple(values.get(oid) for oid in _MARKS) == self._marks

    async def _discover(self, result: Round) -> None:
        """Read names and all that is read rarely; where rows are new, find out which objects they have."""
        values, questions, known = result.values, self.questions, self._plan
        result.plan = None
        self._refreshed = 0
        with questions.step("system"):
            values.update(await questions.ask((*_MARKS, *_TEXTS)))
        self._texts = {oid: values[oid] for oid in _TEXTS if oid in values}
        marks, restarts = tuple(values.get(oid) for oid in _MARKS), self.restarts
        found = await self._find(values.get(mib.IF_NUMBER))
        if (
            known is None
            or restarts != self._restarts
            or self._learned >= LEARN_EVERY
            or known.rows_differ(found)
            or self._plan is None
        ):
            resumed = self._lesson_of == (restarts, marks)
            if not resumed:
                self._lesson.clear()
            self._lesson_of = (restarts, marks)
            self._plan = result.plan = await self._learn(result, found)
            self._lesson_of = None
            self._marks, self._restarts = marks, restarts
            result.complete = not resumed
            return
        await self._slow(result, found.rows)
        plan = self._plan = known.renewed(found, values)
        self._marks = marks
        result.complete = await self._known_round(result, plan)
        if not result.complete:
            # it changed while it was being read: what was heard proves nothing
            self._plan = result.plan = None

    async def _find(self, number: Value) -> Found:
        """Read the names of all interfaces, and the descriptions of those that are wanted."""
        questions = self.questions
        with questions.step("interface names") as step:
            names = await questions.walk(mib.IF_NAME, WALK_LIMIT)
            # ifName may be absent, empty, or missing for some rows (RFC 2863 section 3.1.2 was not for everyone)
            whole = bool(names) and (number in {None, len(names)} or len(names) >= WALK_LIMIT) and all(names.values())
            described = {} if whole else await questions.walk(mib.IF_DESCR, WALK_LIMIT)
            step.rows = len(names) + len(described)
        endless = max(len(names), len(described)) >= WALK_LIMIT
        found = interfaces.find(names, described, {}, self._wanted)
        with questions.step("interface aliases") as step:
            if 2 * len(found.rows) > len(names):
                aliases = await questions.walk(mib.IF_ALIAS, WALK_LIMIT) if names else {}
            else:
                heard = await questions.get([f"{mib.IF_ALIAS}.{row.index}" for row in found.rows])
                aliases = {row.index: heard.get(f"{mib.IF_ALIAS}.{row.index}") for row in found.rows}
            step.rows = len(aliases)
        found = interfaces.find(names, described, aliases, self._wanted)
        if endless:
            claimed = number if isinstance(number, int) else 0
            found = replace(found, left_out=found.left_out + max(1, claimed - WALK_LIMIT))
        return found

    async def _learn(self, result: Round, found: Found) -> Plan:
        """Find out which objects the rows have, going on where a round before was cut short; return the plan."""
        values, lesson = result.values, self._lesson
        with self.questions.step("interface objects") as step:
            await self.questions.fill(values, interfaces.status_oids(found.rows))
            # until the end of discovery, what is known is better than nothing
            result.plan = interfaces.plan(found, values)
            result.slow = True
            await self._study(values, interfaces.slow_oids(found.rows))
            await self._study(values, interfaces.wide_oids(found.rows))
            result.plan = interfaces.plan(found, values)
            there = {oid: value for oid, value in lesson.items() if value is not None}
            await self._study(values, interfaces.old_speed_oids(found.rows, there))
            await self._study(values, interfaces.narrow_oids(found.rows, there))
            step.rows = len(lesson)
        there = {oid: value for oid, value in lesson.items() if value is not None}
        lesson.clear()
        self._learned = 0
        return interfaces.plan(found, {**there, **values})

    async def _study(self, values: dict[str, Value], oids: Sequence[str]) -> None:
        """Ask for ``oids`` of which nothing is known yet, and remember which of them there are."""
        unknown = [oid for oid in oids if oid not in self._lesson]
        for start in range(0, len(unknown), _LESSON):
            part = unknown[start : start + _LESSON]
            await self.questions.fill(values, part)
            self._lesson.update((oid, values.get(oid)) for oid in part)

    async def _slow(self, result: Round, rows: Sequence[Row]) -> None:
        """Ask what hardly ever changes."""
        result.slow = True
        with self.questions.step("interface speeds"):
            await self.questions.fill(result.values, interfaces.slow_oids(rows))
            await self.questions.fill(result.values, interfaces.old_speed_oids(rows, result.values))

    async def _aside(self, result: Round, plan: Plan) -> None:
        """Ask what only some rounds want to know."""
        values, questions = result.values, self.questions
        wanted, self._speeds_wanted = self._speeds_wanted, frozenset()
        if wanted:
            rows = [row for row in plan.rows if row.key in wanted][:_ASIDE]
            await self._slow(result, rows)
            self._plan = result.plan = plan.renewed(Found(plan.rows, plan.left_out), values)
            return
        made = result.made = interfaces.interface_table(plan, values)
        fell = self.counters.fell(made, plan) if made is not None else ()
        if fell:
            oids = [f"{mib.IF_COUNTER_DISCONTINUITY_TIME}.{row.index}" for row in plan.rows if row.key in fell]
            result.slow = True
            with questions.step("counter discontinuities"):
                await questions.fill(values, oids[:_ASIDE])


def _discontinuities(plan: Plan, values: Mapping[str, Value]) -> dict[str, int]:
    """Return what was heard of ifCounterDiscontinuityTime, in ticks, by interface key."""
    heard = ((row.key, values.get(f"{mib.IF_COUNTER_DISCONTINUITY_TIME}.{row.index}")) for row in plan.rows)
    return {key: ticks for key, ticks in heard if isinstance(ticks, int) and 0 <= ticks < TICKS}


@dataclass(slots=True)
class _Schedule:
    """The GETs of a round: ``head`` has marks, names and states; ``proof`` is the one that has the last name."""

    plan: Plan | None = None
    most: int = 0
    head: tuple[tuple[str, ...], ...] = ()
    tail: tuple[tuple[str, ...], ...] = ()
    proof: int = 0
    turn: int = 0

    @classmethod
    def of(cls, plan: Plan, most: int) -> _Schedule:
        """Pack everything that ``plan`` asks, at most ``most`` objects in one GET."""
        batches = pack([*_MARK_SIZES, *plan.sized()], most, taken=_TAKEN)
        ends = list(accumulate(len(batch) for batch in batches))
        named = len(_MARKS) + len(plan.names)
        proof = bisect_left(ends, named)
        states = sum(oid is not None for oid in plan.cells.get("oper_up", ()))
        split = bisect_left(ends, named + states) + 1
        return cls(plan, most, batches[:split], batches[split:], proof)

    def turns(self) -> Iterator[tuple[str, ...]]:
        """Return the rest of the GETs, beginning with the one that cut the last round short; after it, when it did twice."""
        first = self.turn
        for position in range(len(self.tail)):
            place = (first + position) % len(self.tail)
            after = (place + 1) % len(self.tail)
            self.turn = place if position else after
            yield self.tail[place]
            self.turn = after
