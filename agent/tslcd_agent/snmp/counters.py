"""32-bit counters made long: a wrap is added where it happened, and a counter never jumps for a wrong reason.

What is published of a Counter32 is ``raw + wraps * 2**32``. A reading below the one before it is

* a counter that began anew, when the device restarted (sysUpTime), when ifCounterDiscontinuityTime says so, or when the
  interface, at its speed, cannot have counted so much since (somebody cleared it): then ``wraps`` is 0 again, which
  every reader of counters understands;
* a wrap else. Where no speed is known, a wrap is believed when it explains the reading with less than half of the range.

Invariants:

* The published counter is never ahead of the true one, and falls only when the device's own fell without wrapping.
* Where a counter may have wrapped more than once between two readings it is told by the least that can be true, and its
  interface is named in :attr:`Counters.doubtful`: nothing is made up.
* What must survive a restart of the agent (:class:`Remembered`) changes with a wrap, with every quarter of the range that
  a counter which has wrapped moves on, so that it can be told whether it wrapped while nobody looked, and with a restart
  of the device that such a counter survived.

Pure: times are arguments, files are elsewhere (:mod:`tslcd_agent.snmp.counter_files`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import le
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tslcd_agent.snmp.objects import COUNTERS
from tslcd_agent.snmp.uptime import TICKS, TICKS_A_SECOND, restarted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tslcd_agent.snmp.interfaces import Plan
    from tslcd_wire.report import Table

RANGE: Final = 2**32
QUARTER: Final = RANGE // 4
#: Devices refresh their counters every few seconds, whenever they are asked: a reading may have so much more in it.
STALENESS: Final = 10.0
#: An interface may be a little faster than it says.
MARGIN: Final = 1.1
_OCTETS: Final = {counter.column: counter.octets for counter in COUNTERS}
#: Errors and discards are far from their range at any speed; nobody wants to hear that they might not be.
_TOLD: Final = frozenset(counter.column for counter in COUNTERS if counter.wide)


class Memo(NamedTuple):
    """What is remembered of one counter that has wrapped: how often, and a later reading."""

    wraps: int
    raw: int


@dataclass(frozen=True, slots=True)
class Remembered:
    """What outlives the agent. ``at``: UTC seconds; ``ticks``: sysUpTime then; memos by interface key and column."""

    at: float = 0.0
    ticks: int = 0
    counters: Mapping[str, Mapping[str, Memo]] = field(default_factory=dict)


class Moment(NamedTuple):
    """When a table was read. ``mono``: CLOCK_BOOTTIME seconds; ``at``: UTC seconds; ``ticks``: sysUpTime, if known.

    ``restarts``: restarts of the device seen since the agent started.
    """

    mono: float
    at: float
    ticks: int | None
    restarts: int = 0


@dataclass(slots=True)
class _Cell:
    """One counter: its last reading, when (CLOCK_BOOTTIME), and after how many restarts of the device.

    ``memo``: the reading that Remembered has of it, where ``wraps`` > 0.
    """

    raw: int
    mono: float
    restarts: int
    wraps: int = 0
    memo: int = 0


@dataclass(slots=True)
class _Steady:
    """A column of counters none of which ever wrapped or is missing, which is nearly all of them: compared whole."""

    keys: tuple[str, ...]
    raws: list[Any]
    mono: float
    restarts: int

    def grew(self, keys: tuple[str, ...], raws: Sequence[Any]) -> bool:
        """Whether ``raws`` are readings of the same rows, and none is below the one before."""
        return keys is self.keys and len(raws) == len(keys) and None not in raws and all(map(le, self.raws, raws))


class Counters:
    """The 32-bit counters of one device."""

    def __init__(self, remembered: Remembered | None = None) -> None:
        """Go on from what an earlier run of the agent left."""
        self._remembered = remembered
        self._cells: dict[str, dict[str, _Cell]] = {}
        self._steady: dict[str, _Steady] = {}
        #: Interfaces with a counter that may have wrapped more than once between the last two readings.
        self.doubtful: tuple[str, ...] = ()
        #: Whether :meth:`remember` would return something else than the last time.
        self.changed = False

    @property
    def wrapped(self) -> bool:
        """Whether there is anything to remember."""
        return any(cell.wraps for cells in self._cells.values() for cell in cells.values())

    def fell(self, table: Table, plan: Plan) -> tuple[str, ...]:
        """Return the keys of rows of which a 32-bit counter is below its last reading; ``table`` has raw readings."""
        found: dict[str, None] = {}
        for column in plan.narrow:
            raws = table.get(column, ())
            steady = self._steady.get(column)
            if steady is not None and steady.grew(plan.keys, raws):
                continue
            cells = self._awake(column)
            for key, raw in zip(plan.keys, raws, strict=False):
                if raw is not None and (cell := cells.get(key)) is not None and raw < cell.raw:
                    found[key] = None
        return tuple(found)

    def extend(
        self, table: Table, plan: Plan, moment: Moment, discontinuous: Callable[[str], bool] = lambda _: False
    ) -> None:
        """Replace raw 32-bit readings in ``table``, which was made of ``plan``, by long ones.

        ``discontinuous`` tells of a key whether ifCounterDiscontinuityTime says that its counters began anew.
        """
        if self._remembered is not None and moment.ticks is not None:
            self._recall(self._remembered, moment, moment.ticks)
            self._remembered = None
        doubtful: dict[str, None] = {}
        for column in plan.narrow:
            raws = table.get(column)
            if raws is None:
                continue
            steady = self._steady.get(column)
            if steady is not None and steady.grew(plan.keys, raws):
                steady.raws, steady.mono, steady.restarts = raws, moment.mono, moment.restarts
            else:
                table[column] = self._each(column, raws, plan, moment, discontinuous, doubtful)
        for column in self._cells.keys() - plan.narrow.keys():
            self._forget_others(self._awake(column), ())
        self.doubtful = tuple(doubtful)

    def _each(
        self,
        column: str,
        raws: list[int | None],
        plan: Plan,
        moment: Moment,
        discontinuous: Callable[[str], bool],
        doubtful: dict[str, None],
    ) -> list[int | None]:
        """Take the readings of a column one by one, and return what is told of them."""
        cells = self._awake(column)
        self._forget_others(cells, plan.keys)
        told: list[int | None] = []
        for key, raw, short, speed in zip(plan.keys, raws, plan.narrow[column], plan.speeds, strict=True):
            if raw is None or not short or raw >= RANGE:
                if raw is not None and (gone := cells.pop(key, None)) is not None:
                    self.changed |= gone.wraps > 0  # the interface has a 64-bit counter now
                told.append(raw)
                continue
            cell = cells.get(key)
            if cell is None:
                cell = cells[key] = _Cell(raw, moment.mono, moment.restarts)
            else:
                rate = None if speed is None else speed / 8 / _OCTETS[column]
                if rate is not None and rate * (moment.mono - cell.mono) >= RANGE and column in _TOLD:
                    doubtful[key] = None
                anew = moment.restarts != cell.restarts or (raw < cell.raw and discontinuous(key))
                self._advance(cell, raw, moment, rate, anew=anew)
            told.append(raw + cell.wraps * RANGE)
        if column not in _TOLD and len(cells) == len(raws) and not any(cell.wraps for cell in cells.values()):
            self._steady[column] = _Steady(plan.keys, raws, moment.mono, moment.restarts)
        return told

    def remember(self, moment: Moment) -> Remembered:
        """Return what is to be kept: the counters that have wrapped, as last read."""
        self.changed = False
        kept: dict[str, dict[str, Memo]] = {}
        for column, cells in self._cells.items():
            for key, cell in cells.items():
                if cell.wraps:
                    cell.memo = cell.raw
                    kept.setdefault(key, {})[column] = Memo(cell.wraps, cell.raw)
        return Remembered(moment.at, moment.ticks or 0, kept)

    def _advance(self, cell: _Cell, raw: int, moment: Moment, rate: float | None, *, anew: bool) -> None:
        """Take one reading. ``rate``: what the counter can count in a second; None when nobody knows."""
        if raw < cell.raw:
            elapsed = moment.mono - cell.mono + STALENESS
            limit = RANGE // 2 if rate is None else rate * elapsed * MARGIN
            wrapped = not anew and raw + RANGE - cell.raw <= limit
            self.changed |= wrapped or cell.wraps > 0
            cell.wraps = cell.wraps + 1 if wrapped else 0
        elif cell.wraps and (raw - cell.memo >= QUARTER or moment.restarts != cell.restarts):
            self.changed = True
        cell.raw, cell.mono, cell.restarts = raw, moment.mono, moment.restarts

    def _awake(self, column: str) -> dict[str, _Cell]:
        """Return the counters of a column one by one."""
        cells = self._cells.setdefault(column, {})
        steady = self._steady.pop(column, None)
        if steady is not None:
            for key, raw in zip(steady.keys, steady.raws, strict=True):
                cells[key] = _Cell(raw, steady.mono, steady.restarts)
        return cells

    def _forget_others(self, cells: dict[str, _Cell], keys: tuple[str, ...]) -> None:
        for key in cells.keys() - set(keys):
            self.changed |= cells.pop(key).wraps > 0

    def _recall(self, remembered: Remembered, moment: Moment, ticks: int) -> None:
        """Put remembered counters where the last run left them, unless the device restarted since."""
        if restarted(remembered.ticks, ticks, max(0.0, moment.at - remembered.at)):
            self.changed = bool(remembered.counters)
            return
        # the device's own clock tells how long nobody looked, whatever became of ours
        since = moment.mono - (ticks - remembered.ticks) % TICKS / TICKS_A_SECOND
        for key, memos in remembered.counters.items():
            for column, memo in memos.items():
                cell = _Cell(memo.raw, since, moment.restarts, memo.wraps, memo.raw)
                self._cells.setdefault(column, {})[key] = cell
