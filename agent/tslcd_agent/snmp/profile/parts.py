"""The questions of a profile in parts that are asked, fail and are remembered apart.

Invariants:

* A part is discovered once: columns by walking, scalars all together; then only what the device has is asked for, many
  objects in one GET.
* A table is walked again every :data:`WALK_EVERY` readings, and at once when a row has vanished or got another name: a cell
  is never reported under the name of another row.
* What was read in part is not reported; what was read before is, until the part is due again.
* A table that misses rows is walked at every reading, since what comes back may have another index; an empty one whose rows come
  and go is looked at every :data:`WALK_EVERY` readings, and every other empty one at discovery only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from tslcd_agent.snmp.profile.expression import counts, joined_index
from tslcd_agent.snmp.profile.missed import Missed
from tslcd_agent.snmp.profile.rows import Row, RowView, joins, naming_columns, nested, row_columns, rows
from tslcd_wire.catalogue import KINDS_BY_NAME, Type
from tslcd_wire.report import MAX_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tslcd_agent.snmp.profile.document import Expression, Pace, Table, Where
    from tslcd_agent.snmp.profile.library import Profile
    from tslcd_agent.snmp.session import Value

#: Rounds between two readings of what is slow.
SLOW_EVERY: Final = 10
#: Readings of a table between two walks of it.
WALK_EVERY: Final = 10
#: Chosen rows of a column up to which they are asked for one by one.
MAX_CELLS: Final = 64
_PERIODS: Final[dict[Pace, int]] = {"round": 1, "slow": SLOW_EVERY, "start": 0}


class Questions(Protocol):
    """How a device is asked. Both raise SnmpError."""

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Ask for any number of objects, in as few packets as the device takes; return those that exist."""
        ...

    async def walk(self, column: str, limit: int) -> dict[str, Value]:
        """Return the cells of one column by their index (the rest of the OID), at most ``limit``."""
        ...


class Walks:
    """Columns walked in this round: those that several parts want are walked once."""

    def __init__(self, questions: Questions, now: float) -> None:
        """Start with nothing walked. ``now``: when the round began, in seconds of any clock that does not step."""
        self._questions = questions
        self.now = now
        self._columns: dict[str, dict[str, Value]] = {}

    async def column(self, oid: str) -> dict[str, Value]:
        """Return the column, asked for when it is the first time. Raises SnmpError."""
        if oid not in self._columns:
            self._columns[oid] = await self._questions.walk(oid, MAX_ROWS)
        return self._columns[oid]

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Ask for objects. Raises SnmpError."""
        return await self._questions.get(oids) if oids else {}


def pace_of(kind: str, column: str, expression: Expression) -> Pace:
    """Return how often a column of ``values`` is read: texts seldom, unless the profile says otherwise."""
    if expression.every is not None:
        return expression.every
    return "slow" if KINDS_BY_NAME[kind].by_name[column].type is Type.TEXT else "round"


def is_due(pace: Pace, age: int) -> bool:
    """Whether something of this pace is read ``age`` rounds after it was discovered."""
    period = _PERIODS[pace]
    return age % period == 0 if period else age == 0


class ScalarPart:
    """Everything without keys: scalars by OID, and columns that are aggregated."""

    #: What a trace calls it.
    name: Final = "values"

    def __init__(self, profile: Profile) -> None:
        """Collect what to ask from the expressions of ``profile``."""
        self.columns: dict[str, dict[str, Value]] = {}
        self._scalars: dict[str, Value] = {}
        #: Objects by pace; an object that several columns want is asked for as often as the fastest of them.
        self._wanted: dict[str, Pace] = {}
        self._aggregates: dict[tuple[str, Where | None], Pace] = {}
        #: The rows that count, by aggregate, since the last walk.
        self._rows: dict[tuple[str, Where | None], list[str]] = {}
        self._since: int | None = None
        for kind, columns in profile.values.items():
            for name, expression in columns.items():
                pace = pace_of(kind, name, expression)
                for one in nested((expression,)):
                    if one.oid is not None and one.aggregate is not None:
                        key = (one.oid, one.where)
                        self._aggregates[key] = _faster(self._aggregates.get(key), pace)
                    elif one.oid is not None:
                        self._wanted[one.oid] = _faster(self._wanted.get(one.oid), pace)

    @property
    def index(self) -> str:
        """Scalars have no index."""
        return ""

    def cell(self, oid: str) -> Value:
        """Return a scalar."""
        return self._scalars.get(oid)

    def at(self, oid: str, index: str) -> Value:
        """Return a cell of a column."""
        return self.columns.get(oid, {}).get(index)

    def column(self, oid: str, where: Where | None) -> Mapping[str, Value]:
        """Return the cells of a column, of those rows that counted when it was walked."""
        cells = self.columns.get(oid, {})
        return {index: cells[index] for index in self._rows.get((oid, where), ()) if index in cells}

    def forget(self) -> None:
        """Discover again."""
        self._since = None

    def is_due(self, number: int) -> bool:
        """Whether there is something to ask in this round; rounds count from 0."""
        paces = {*self._wanted.values(), *self._aggregates.values()}
        return self._since is None or any(is_due(pace, number - self._since) for pace in paces)

    async def read(self, walks: Walks, number: int) -> None:
        """Ask. Raises SnmpError."""
        if self._since is None:
            scalars = await walks.get(list(self._wanted))
            await self._walk(walks, list(self._aggregates))
            self._scalars = scalars
            self._since = number
            return
        age = number - self._since
        oids = [oid for oid, pace in self._wanted.items() if oid in self._scalars and is_due(pace, age)]
        due = [key for key, pace in self._aggregates.items() if is_due(pace, age)]
        again = [
            key
            for key in due
            if self._rows.get(key) and age % (WALK_EVERY * max(1, _PERIODS[self._aggregates[key]])) == 0
        ]
        cells = [
            (column, index)
            for column in dict.fromkeys(oid for oid, _ in due)
            for index in dict.fromkeys(
                i for key in due if key[0] == column and key not in again for i in self._rows.get(key, ())
            )
        ]
        answer = await walks.get([*oids, *(f"{column}.{index}" for column, index in cells)])
        for oid in oids:
            # an object that goes away for once is asked for again
            self._scalars[oid] = answer.get(oid)
        for column, index in cells:
            self.columns.setdefault(column, {})[index] = answer.get(f"{column}.{index}")
        await self._walk(walks, again)

    async def _walk(self, walks: Walks, keys: Sequence[tuple[str, Where | None]]) -> None:
        """Find out which rows of aggregated columns count, and read them."""
        for oid, where in keys:
            if where is None or where.oid is None or where.oid == oid:
                cells = await walks.column(oid)
                self._rows[oid, where] = [index for index, cell in cells.items() if counts(where, cell, index)]
                self.columns.setdefault(oid, {}).update(cells)
                continue
            deciding = await walks.column(where.oid)
            chosen = [index for index, cell in deciding.items() if counts(where, cell, index)]
            if len(chosen) > MAX_CELLS:
                cells = await walks.column(oid)
            else:
                answer = await walks.get([f"{oid}.{index}" for index in chosen])
                cells = {index: answer[f"{oid}.{index}"] for index in chosen if f"{oid}.{index}" in answer}
            self._rows[oid, where] = [index for index in chosen if index in cells]
            self.columns.setdefault(oid, {}).update(cells)


def _faster(one: Pace | None, other: Pace) -> Pace:
    return min((pace for pace in (one, other) if pace is not None), key=lambda pace: _PERIODS[pace] or SLOW_EVERY**9)


class TablePart:
    """One table of the device."""

    def __init__(self, table: Table) -> None:
        """Start without knowing any row."""
        self.table = table
        self.name = f"table {table.id}"
        self.rows: list[Row] = []
        #: Rows that are told of although they are not there any more.
        self.missed: list[Row] = []
        self.memory = Missed(table.missed, table.rows) if table.missed else None
        self._pace: Pace = table.every or "round"
        self._columns: dict[str, dict[str, Value]] = {}
        self._since: int | None = None
        self._absent = False

    def forget(self) -> None:
        """Discover again."""
        self._since = None

    def is_due(self, number: int) -> bool:
        """Whether there is something to ask in this round; rounds count from 0."""
        if self._since is None:
            return True
        age = number - self._since
        if self._absent and not self.missed:
            return self.memory is not None and age % self._walks_every == 0
        return is_due(self._pace, age)

    @property
    def _walks_every(self) -> int:
        """Rounds between two walks."""
        return WALK_EVERY * max(1, _PERIODS[self._pace])

    async def read(self, walks: Walks, number: int) -> None:
        """Ask. Raises SnmpError; the rows are then those of before."""
        known = (
            self._since is not None
            and not self.table.newest
            and not self.missed
            and (number - self._since) % self._walks_every != 0
        )
        if not known or not await self._refresh(walks):
            await self._walk(walks)
            if self._since is None:
                self._since = number
        self.rows = rows(self.table, self._columns)
        if self.memory is not None:
            self.missed = self.memory.note(self.rows, walks.now)

    async def _walk(self, walks: Walks) -> None:
        """Read every column; of those rows that do not count nothing is kept."""
        columns: dict[str, dict[str, Value]] = {}
        for oid in row_columns(self.table):
            columns[oid] = await walks.column(oid)
            if self._absent and not columns[oid]:
                break  # still nothing
        self._absent = not any(columns.values())
        if not self._absent:
            for oid in naming_columns(self.table):
                columns[oid] = await walks.column(oid)
            for join in joins(self.table):
                columns[join.oid] = await walks.column(join.oid)
        kept = rows(self.table, columns)
        wanted = set(self._cells_of(kept, columns))
        self._columns = {
            oid: {index: value for index, value in cells.items() if (oid, index) in wanted}
            for oid, cells in columns.items()
        }

    async def _refresh(self, walks: Walks) -> bool:
        """Read the cells that are known; False when the table is not what it was."""
        cells = list(self._cells_of(self.rows, self._columns))
        answer = await walks.get([f"{oid}.{index}" for oid, index in cells])
        fresh: dict[str, dict[str, Value]] = {oid: {} for oid in self._columns}
        for oid, index in cells:
            value = answer.get(f"{oid}.{index}")
            if value is not None:
                fresh[oid][index] = value
        naming = naming_columns(self.table)
        for row in self.rows:
            gone = all(row.index not in fresh[oid] for oid in row_columns(self.table))
            renamed = any(fresh[oid].get(row.index) != self._columns[oid].get(row.index) for oid in naming)
            if gone or renamed:
                return False
        self._columns = fresh
        return True

    def _cells_of(self, found: Sequence[Row], columns: Mapping[str, Mapping[str, Value]]) -> Iterator[tuple[str, str]]:
        """Yield column and index of every cell that ``found`` is made of, once."""
        seen: set[tuple[str, str]] = set()
        own = [oid for oid in (*row_columns(self.table), *naming_columns(self.table)) if oid in columns]
        others = list(joins(self.table))
        for row in found:
            view = RowView(columns, row.index)
            places = [(oid, row.index) for oid in own]
            places += [(join.oid, joined_index(join, view)) for join in others if join.oid in columns]
            for place in places:
                if place not in seen and columns[place[0]].get(place[1]) is not None:
                    seen.add(place)
                    yield place
