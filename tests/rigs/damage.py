"""The damage rig: every bit of a small spool flipped, every length it may be cut to, files swapped, emptied and deleted.

What must come of it: the spool opens, also the second time, without setting anything aside again; a report whose own bytes
are whole is given back; none is given back that differs in a bit; what is gone is told to the last report, as far as anything
is left that knows of it; and a fresh report passes under a new key.

Whose bytes are whole is read off the file with a parser of the rig's own (:mod:`rigs.cells`). A report that is packed with a
dictionary needs one of that one's two copies besides. Damage to the journal is judged
apart: SQLite ends a journal at the first frame that fails its checksum, as after a power cut, so what was written behind it
may be gone, but no more than that, and what was in the file before stays.
"""

from __future__ import annotations

import contextlib
import functools
import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rigs.account import Account
from rigs.cells import owners
from rigs.keepers import SpoolKeeper, mistaken
from rigs.kill import MEMORY
from rigs.page import Section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FILE: Final = "spool.db"
JOURNAL: Final = "spool.db-wal"
#: Reports in the spool, and how many of them are in its journal only.
REPORTS: Final = 40
_IN_JOURNAL: Final = 6
#: Bytes of a database file's header (sqlite.org/fileformat2.html, 1.3).
_HEADER: Final = 100
_KINDS: Final = ("bit of the file", "bit of the journal", "file cut", "journal cut", "files swapped or gone")


@dataclass(frozen=True)
class Case:
    """One damage: to which file, where, and which bit; ``bit`` -1: cut there. ``swap``: a damage of another kind, by name."""

    kind: str
    at: int = 0
    bit: int = 0
    swap: str = ""

    def __str__(self) -> str:
        """For people."""
        return (
            f"{self.kind}, {self.swap}"
            if self.swap
            else f"{self.kind}, byte {self.at}" + f" bit {self.bit}" * (self.bit >= 0)
        )


@dataclass
class Damaged:
    """What the rig found, by kind of damage."""

    cases: Counter[str] = field(default_factory=Counter)
    whole: Counter[str] = field(default_factory=Counter)
    given: Counter[str] = field(default_factory=Counter)
    invented: Counter[str] = field(default_factory=Counter)
    untold: Counter[str] = field(default_factory=Counter)
    loops: Counter[str] = field(default_factory=Counter)
    mistakes: list[str] = field(default_factory=list)

    def add(self, other: Damaged) -> None:
        """Add what another process found."""
        for name in ("cases", "whole", "given", "invented", "untold", "loops"):
            getattr(self, name).update(getattr(other, name))
        self.mistakes += other.mistakes


class Specimen:
    """A spool to be damaged: its files as bytes, what is owed of it, and whose bytes are where."""

    def __init__(self, seed: int, *, journal: bool) -> None:
        """Make it: most reports in the file, the last ones in the journal, some confirmed and deleted. ``journal``: keep it."""
        self.account = Account()
        with tempfile.TemporaryDirectory(dir=MEMORY) as name:
            directory = Path(name)
            keeper = SpoolKeeper(directory)
            dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
            number = 1
            while number <= REPORTS - _IN_JOURNAL:
                number = self._put(keeper, number, dice.choice((1, 2, 3)))
            self._release(keeper, 3)
            keeper.close()
            self.old = set(self.account.owed)
            keeper = SpoolKeeper(directory, clock=keeper.clock)
            while number <= REPORTS:
                number = self._put(keeper, number, 1)
            if not journal:
                keeper.close()
                self.old = set(self.account.owed)
            self.stream = keeper.engine.statistics().stream
            self.files = {one.name: one.read_bytes() for one in directory.iterdir() if one.name in {FILE, JOURNAL}}
            self._packed = _packed(directory / FILE)
            if journal:
                keeper.close()
        self._by_key = {key: number for number, key in self.account.owed.items()}
        self._spans = [
            (first, last, self._by_key[key]) for first, last, key in owners(self.files[FILE]) if key in self._by_key
        ]
        self._copies = [
            [(first, last) for first, last, _ in owners(self.files[FILE], table)]
            for table in ("dictionary", "dictionary_twin")
        ]

    def _put(self, keeper: SpoolKeeper, number: int, count: int) -> int:
        numbers = range(number, number + count)
        self.account.hear([f"~ {numbers[0]} {numbers[-1]}\n"])
        self.account.hear([f"+ {one} {key}\n" for one, key in zip(numbers, keeper.put(numbers), strict=True)])
        return number + count

    def _release(self, keeper: SpoolKeeper, count: int) -> None:
        found = keeper.found(count)
        self.account.hear([f"- {kept.number}\n" for kept in found])
        keeper.release(found)
        self.account.hear([f"= {kept.number}\n" for kept in found])

    def whole(self, case: Case) -> set[int]:
        """Return the reports that a damage leaves whole."""
        if case.swap:
            if case.swap in _LOSES_ALL:
                return set()
            return set(self.account.owed) if case.swap.startswith("index") else self.old
        if "journal" in case.kind:
            return self.old  # what the file alone says
        hit = {number for first, last, number in self._spans if _hits(case, first, last)}
        if all(any(_hits(case, first, last) for first, last in copy) for copy in self._copies):
            hit |= {self._by_key[key] for key in self._packed if key in self._by_key}
        return set(self.account.owed) - hit

    def cases(self) -> Iterator[Case]:
        """Yield every damage to a bit or a length."""
        for kind, name in (("file", FILE), ("journal", JOURNAL)):
            size = len(self.files.get(name, b""))
            yield from (Case(f"bit of the {kind}", at, bit) for at in range(size) for bit in range(8))
            yield from (Case(f"{kind} cut", at, -1) for at in range(size))

    def write(self, directory: Path, case: Case) -> None:
        """Write the files with a damage."""
        for name, content in self.files.items():
            (directory / name).write_bytes(content)
        if case.swap:
            SWAPS[case.swap](directory)
            return
        path = directory / (JOURNAL if "journal" in case.kind else FILE)
        with path.open("r+b") as file:
            if case.bit < 0:
                file.truncate(case.at)
                return
            file.seek(case.at)
            byte = file.read(1)[0]
            file.seek(case.at)
            file.write(bytes([byte ^ 1 << case.bit]))


def _hits(case: Case, first: int, last: int) -> bool:
    return case.at <= last if case.bit < 0 else first <= case.at <= last


def _packed(path: Path) -> list[int]:
    """Return the keys of reports that are packed with a dictionary."""
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return [key for (key,) in connection.execute("SELECT key FROM report WHERE dictionary > 0")]


def _exchange(directory: Path) -> None:
    (directory / FILE).rename(directory / "between")
    if (directory / JOURNAL).exists():
        (directory / JOURNAL).rename(directory / FILE)
    (directory / "between").rename(directory / JOURNAL)


def _strange(directory: Path, name: str) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as other:
        keeper = SpoolKeeper(Path(other))
        keeper.put(range(900_001, 900_004))
        shutil.copyfile(Path(other) / name, directory / name)
        keeper.close()


#: Damages to whole files, by name.
SWAPS: Final[dict[str, Callable[[Path], object]]] = {
    "file deleted": lambda directory: (directory / FILE).unlink(),
    "file empty": lambda directory: (directory / FILE).write_bytes(b""),
    "file of zeros": lambda directory: (directory / FILE).write_bytes(bytes(40_960)),
    "file of noise": lambda directory: (directory / FILE).write_bytes(random.Random(1).randbytes(40_960)),  # noqa: S311 - no secret
    "journal deleted": lambda directory: (directory / JOURNAL).unlink(missing_ok=True),
    "journal empty": lambda directory: (directory / JOURNAL).write_bytes(b""),
    "journal of noise": lambda directory: (directory / JOURNAL).write_bytes(random.Random(2).randbytes(9_000)),  # noqa: S311 - no secret
    "file and journal exchanged": _exchange,
    "journal of another spool": lambda directory: _strange(directory, JOURNAL),
    "index of noise": lambda directory: (directory / f"{FILE}-shm").write_bytes(random.Random(3).randbytes(32_768)),  # noqa: S311 - no secret
    "index of zeros": lambda directory: (directory / f"{FILE}-shm").write_bytes(bytes(32_768)),
}
_LOSES_ALL: Final = {
    "file deleted",
    "file empty",
    "file of zeros",
    "file of noise",
    "file and journal exchanged",
}


def judge(specimen: Specimen, case: Case, result: Damaged) -> None:
    """Try one damage."""
    result.cases[case.kind] += 1
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        directory = Path(name)
        specimen.write(directory, case)
        try:
            words = _judge(specimen, case, directory, result)
        except Exception as error:  # noqa: BLE001 - whatever comes out of the spool ends an agent, again and again
            result.loops[case.kind] += 1
            words = [f"{type(error).__name__}: {error}"]
    result.mistakes += [f"{case}: {one}" for one in words]


def _judge(specimen: Specimen, case: Case, directory: Path, result: Damaged) -> list[str]:
    words = []
    account = specimen.account.copy()
    whole = specimen.whole(case)
    keeper = SpoolKeeper(directory)
    found = keeper.found()
    told = keeper.told()
    findings = account.judge(found, told, damaged=True)
    lost = whole & set(findings.missing)
    result.whole[case.kind] += len(whole)
    result.given[case.kind] += len(whole) - len(lost)
    result.invented[case.kind] += len(findings.invented) + len(findings.double)
    if lost:
        words.append(f"whole and not given back: {sorted(lost)[:8]}")
    if findings.invented or findings.double:
        words.append(f"invented {findings.invented[:5]}, double {findings.double[:5]}")
    if told != len(findings.missing):
        result.untold[case.kind] += 1
        if case.kind == _KINDS[0] or told > len(findings.missing):
            words.append(f"{len(findings.missing)} gone and {told} told")
    if keeper.engine.statistics().failing:
        words.append(f"the disk is said to fail: {keeper.engine.statistics().failing}")
    account.settle(found, told)
    if keeper.engine.statistics().stream != specimen.stream or "journal" in str(case):
        account.top = (
            0  # other names; and what a lost journal said is known to the collector alone, which asks for a new stream
        )
    fresh = 1000
    account.hear([f"~ {fresh} {fresh}\n", f"+ {fresh} {keeper.put([fresh])[0]}\n"])
    keeper.close()
    aside = _aside(directory)
    keeper = SpoolKeeper(directory)
    again = account.judge(keeper.found(), keeper.told())
    if again:
        words.append(f"after a fresh report: {again}")
    keeper.close()
    if _aside(directory) != aside:
        result.loops[case.kind] += 1
        words.append("set aside again at the second start")
    return words


def _aside(directory: Path) -> int:
    return sum(one.suffix == ".db" and one.name != FILE for one in directory.iterdir())


def specimens(seed: int) -> list[Specimen]:
    """Return a spool that was cut off, with a journal, and one that was closed."""
    return [Specimen(seed, journal=True), Specimen(seed, journal=False)]


@functools.lru_cache(1)
def choose(cases: int, seed: int) -> list[tuple[int, Case]]:
    """Return so many of all cases, and every bit of a file's header, with the number of their specimen; 0: all.

    Those of whole files are always among them.
    """
    made = specimens(seed)
    whole = [(number, case) for number in range(len(made)) for case in _swaps()]
    if not cases:
        return whole + [(number, case) for number, one in enumerate(made) for case in one.cases()]
    sizes = [
        (number, kind, len(one.files.get(name, b"")))
        for number, one in enumerate(made)
        for kind, name in (("file", FILE), ("journal", JOURNAL))
    ]
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    drawn: dict[Case, int] = {Case(_KINDS[0], at, bit): 0 for at in range(_HEADER) for bit in range(8)}
    while len(drawn) < cases + _HEADER * 8 - len(whole):
        number, kind, size = dice.choices(sizes, [size for *_, size in sizes])[0]
        at, bit = dice.randrange(size), dice.randrange(-1, 8)
        drawn[Case(f"{kind} cut" if bit < 0 else f"bit of the {kind}", at, bit)] = number
    return whole + [(number, case) for case, number in drawn.items()]


def _swaps() -> list[Case]:
    return [Case(_KINDS[-1], swap=swap) for swap in SWAPS]


def run(cases: int, seed: int, share: int = 0, shares: int = 1, *, mutant: str = "") -> Damaged:
    """Try so many damages, or a share of them; ``mutant``: a mistake of :data:`rigs.keepers.MUTANTS`."""
    result = Damaged()
    with mistaken(mutant):
        made = specimens(seed)
        for number, case in choose(cases, seed)[share::shares]:
            judge(made[number], case, result)
    return result


def section(found: Damaged, seed: int) -> Section:
    """Return the figures."""
    rows = [
        (
            kind,
            f"{found.cases[kind]:,}",
            f"{found.whole[kind]:,}",
            f"{100 * found.given[kind] / found.whole[kind]:.4g} %" if found.whole[kind] else "",
            str(found.invented[kind]),
            str(found.untold[kind]),
            str(found.loops[kind]),
        )
        for kind in _KINDS
    ]
    cases, whole, given = found.cases.total(), found.whole.total(), found.given.total()
    note = (
        f"{cases:,} damages, seed {seed}: {given:,} of {whole:,} whole reports given back, invented {found.invented.total()}, "
        f"starts that failed or set aside again {found.loops.total()} (budget: all, none, none)"
    )
    columns = (
        "damage",
        "cases",
        "whole reports",
        "given back",
        "invented or double",
        "not told exactly",
        "crash loops",
    )
    return Section("damage", columns, rows, [note])
