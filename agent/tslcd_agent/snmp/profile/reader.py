"""What a profile asks of one device, round for round.

Invariants:

* What a part (the scalars, each table) gave is in the tables when the round ends, however it ends; a part that fails or lasts
  too long takes nothing from those before it, and is asked last in the next round.
* Absent objects are asked for at discovery only, which comes with :meth:`ProfileReader.forget`, with another sysObjectID or
  profile, and every :data:`DISCOVER_EVERY` rounds; another sysDescr alone is none (DrayTek's has counters in it).
* Everything that is known is reported in every round, also what is seldom read; but never what was due and did not come.
* A unit that waits for the other one of its pair has no tunnels, and misses none.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.profile.expression import evaluate, fit, is_numeric, text_of
from tslcd_agent.snmp.profile.known import KEEP_EVERY, Known
from tslcd_agent.snmp.profile.library import Choice, Profile
from tslcd_agent.snmp.profile.parts import Questions, ScalarPart, TablePart, Walks
from tslcd_agent.snmp.profile.rows import merged
from tslcd_runtime.logs import get_logger
from tslcd_runtime.settings import SettingsError
from tslcd_wire.catalogue import FIREWALL, KINDS_BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from tslcd_agent.snmp.profile.library import Library
    from tslcd_agent.snmp.session import Value
    from tslcd_wire.report import Tables

__all__ = ["Choice", "ProfileReader", "Questions"]

#: Rounds after which everything is discovered again without a reason.
DISCOVER_EVERY: Final = 500


class ProfileReader:
    """Asks one device for what its profile has, remembering from round to round what the device does not have."""

    def __init__(self, library: Library, wanted: str = "auto", *, clock: Callable[[], float] = time.monotonic) -> None:
        """``wanted``: ``auto``, or the name of a profile that is used whatever the device says that it is.

        ``clock`` (seconds) tells how long rows have been missed.
        """
        self._clock = clock
        self._recalled: Known | None = None
        self._lasting: frozenset[str] = frozenset()
        self._kept = clock()
        self._library = library
        self._wanted = wanted
        self._choice: Choice | None = None
        self._said: tuple[str, str] | None = None
        self._profile: Profile | None = None
        self._scalars: ScalarPart | None = None
        self._tables: tuple[TablePart, ...] = ()
        self._order: list[ScalarPart | TablePart] = []
        self._discovered = 0
        self._log = get_logger("snmp")

    @property
    def choice(self) -> Choice | None:
        """The profile in use; None before the first round."""
        return self._choice

    @property
    def profile(self) -> Profile | None:
        """What the chosen profile says; None before the first round."""
        return self._profile

    def recall(self, known: Known) -> None:
        """Go on from what an earlier run of the agent left, if the device turns out to be the same; before the first round."""
        self._recalled = known

    def remember(self, at: float, *, anyway: bool = False) -> Known | None:
        """Return what must outlive the agent (``at``: UTC seconds); None while what was returned last will do."""
        now = self._clock()
        lasting = self._names()
        if lasting == self._lasting and not (lasting and (anyway or now - self._kept >= KEEP_EVERY)):
            return None
        self._lasting, self._kept = lasting, now
        tables = {part.table.id: part.memory.remember(now) for part in self._tables if part.memory is not None}
        return Known(at, self._said[0] if self._said else "", self._choice.name if self._choice else "", tables)

    def forget(self) -> None:
        """Discover again in the next round: rows, and objects that were absent."""
        for part in self._order:
            part.forget()

    async def read(
        self,
        questions: Questions,
        system: Mapping[str, Value],
        tables: Tables,
        number: int,
        step: Callable[[str], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        """Fill ``tables`` with every kind the profile knows; columns of ``device`` go beside those that are there.

        ``system`` has sysObjectID.0 and sysDescr.0 by OID; ``number`` counts the device's rounds from 0. Raises SnmpError;
        what was heard until then, or until a cancellation, is in ``tables``. ``step`` is told each part as it is read.
        """
        self._choose(text_of(system.get(mib.SYS_OBJECT_ID)), text_of(system.get(mib.SYS_DESCR)))
        if number - self._discovered >= DISCOVER_EVERY or number < self._discovered:
            self._discovered = number
            self.forget()
        due = [part for part in self._order if part.is_due(number)]
        missing = set(map(id, due))
        walks = Walks(questions, self._clock())
        try:
            for part in due:
                await self._read(part, walks, number, step)
                missing.discard(id(part))
        finally:
            self._report(tables, missing)

    async def _read(
        self,
        part: ScalarPart | TablePart,
        walks: Walks,
        number: int,
        step: Callable[[str], AbstractContextManager[object]],
    ) -> None:
        """Read one part; when that fails, whatever it was, the others come first the next time."""
        try:
            with step(part.name):
                await part.read(walks, number)
        except BaseException:
            self._order.remove(part)
            self._order.append(part)
            raise

    def _choose(self, sys_object_id: str, sys_descr: str) -> None:
        """Choose the profile when the device says for the first time what it is, and when it says another thing."""
        said = (sys_object_id, sys_descr)
        if said == self._said:
            return
        choice = self._library.choose(*said)
        if self._wanted in self._library:
            choice = Choice(self._wanted, "the settings say so")
        elif self._wanted != "auto":
            choice = Choice(choice.name, f"there is no profile {self._wanted}; {choice.why}")
        known, self._choice = self._choice, choice
        if self._said is None or self._said[0] != sys_object_id or known is None or choice.name != known.name:
            self._use(choice.name)
            self._look_back(sys_object_id, choice.name)
        self._said = said

    def _look_back(self, sys_object_id: str, profile: str) -> None:
        """Give the tables what was recalled of this device, once."""
        known, self._recalled = self._recalled, None
        if known is None or (known.sys_object_id, known.profile) != (sys_object_id, profile):
            return
        for part in self._tables:
            if part.memory is not None:
                part.memory.recall(known.memos(part.table.id, time.time()), self._clock())
        self._lasting = self._names()

    def _names(self) -> frozenset[str]:
        """Return what is missed, or would be, in all tables."""
        parts = [(part.table.id, part.memory) for part in self._tables if part.memory is not None]
        return frozenset(f"{table} {name}" for table, memory in parts for name in memory.lasting())

    def _use(self, name: str) -> None:
        try:
            self._profile = self._library.profile(name)
        except SettingsError as error:
            # a file that was damaged after it was checked takes away what is in it, and not the device
            self._log.error("profile not usable", profile=name, problem=str(error.problems[0]))
            self._profile = Profile(name, name, "", (name,))
        self._scalars = ScalarPart(self._profile)
        self._tables = tuple(TablePart(table) for table in self._profile.tables)
        self._order = [self._scalars, *self._tables]

    def _report(self, tables: Tables, missing: set[int]) -> None:
        """Put into ``tables`` what is known and not ``missing``."""
        scalars = self._scalars
        device = tables.setdefault("device", {"key": [""]})
        if self._choice is not None:
            device["profile"] = [self._choice.name]
        if scalars is not None and self._profile is not None and id(scalars) not in missing:
            for kind, columns in self._profile.values.items():
                row = _scalar_cells(kind, columns, scalars)
                if row:
                    tables.setdefault(kind, {"key": [""]}).update(row)
        waits = tables.get(FIREWALL.name, {}).get("ha_role") == ["passive"]
        kinds = dict.fromkeys(part.table.kind for part in self._tables)
        for kind_name in kinds:
            known = [part for part in self._tables if part.table.kind == kind_name and id(part) not in missing]
            parts = [part.rows if waits else [*part.rows, *part.missed] for part in known]
            table = merged(KINDS_BY_NAME[kind_name or ""], parts)
            if table is not None:
                tables[kind_name or ""] = table


def _scalar_cells(kind: str, columns: Mapping[str, Any], scalars: ScalarPart) -> dict[str, list[Any]]:
    """Work out the columns of a kind without keys; nothing when only constants are left of another kind than ``device``."""
    by_name = KINDS_BY_NAME[kind].by_name
    cells: dict[str, list[Any]] = {}
    measured = kind == "device"
    for name, expression in columns.items():
        column = by_name[name]
        cell = fit(column, expression, evaluate(expression, scalars, numeric=is_numeric(column)))
        if cell is not None:
            cells[name] = [cell]
            measured = measured or expression.const is None
    return cells if measured else {}
