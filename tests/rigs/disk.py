"""The disk rig: a disk that is full, or answers with errors, under a spool that works.

What must come of it: the process lives, and no call fails; a report is handed out for sending at the latest a round after it was put down
(*late* counts those that are not); when the disk works again everything is given back, once, but for what is told as dropped,
to the last one; and a fresh report passes.

Full is a tmpfs of a few MiB that another file fills up and leaves again. Errors are strace's: ENOSPC, EROFS or EIO in place of the
N-th call of a kind, or of that one and the next forty, for every N that a script makes.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.machine import require
from bench.machine import run as command_output
from rigs.account import Account, Findings, number_of
from rigs.keepers import SpoolKeeper
from rigs.kill import MEMORY, look
from rigs.mother import Mother
from rigs.page import Section
from rigs.writer import Task
from tslcd_agent.spool.engine import RETRY_PAUSE
from tslcd_wire.ranges import RangeSet

if TYPE_CHECKING:
    from collections.abc import Callable

ERRORS: Final = ("ENOSPC", "EROFS", "EIO")
#: Calls of the spool that a disk may answer with an error.
CALLS: Final = ("pwrite64", "fdatasync", "ftruncate", "openat", "unlink", "pread64")
_BURST: Final = 40
#: Bound of the spool under a full disk, in bytes; and reports that are more than memory takes meanwhile.
_BOUND: Final = 2**20
_OVER: Final = 4000
#: One report in so many is looked for at once, where there are more than so many.
_LOOKS: Final = 100
_STEPS: Final = 10


@dataclass
class Troubled:
    """What one kind of trouble did."""

    name: str
    trials: int = 0
    accepted: int = 0
    late: int = 0
    dropped: int = 0
    miscounted: int = 0
    invented: int = 0
    double: int = 0
    died: int = 0
    mistakes: list[str] = field(default_factory=list)

    def add(self, findings: Findings, what: str) -> None:
        """Count what a trial found at its end."""
        self.dropped += findings.told
        self.miscounted += findings.miscounted
        self.invented += len(findings.invented)
        self.double += len(findings.double)
        if findings:
            self.mistakes.append(f"{self.name}: {what}: {findings}")


class Source:
    """Puts numbered reports into a spool whose disk may fail, and sees at once whether they can be sent."""

    def __init__(self, keeper: SpoolKeeper, result: Troubled) -> None:
        """Begin with the number 1."""
        self.account = Account()
        self._keeper = keeper
        self._result = result

    def put(self, count: int) -> None:
        """Put reports down, each a round of its own."""
        for number in range(self.account.newest + 1, self.account.newest + 1 + count):
            self.account.hear([f"~ {number} {number}\n"])
            self._keeper.put([number])
            self.account.hear([f"+ {number} 0\n"])
            self._result.accepted += 1
            if number % _LOOKS and count > _LOOKS:
                continue
            newest = self._keeper.engine.newest_first(1, RangeSet())
            self._result.late += not newest or number_of(newest[0].payload) < number - 1

    def judge(self, what: str) -> None:
        """Let the disk be tried again, and compare; a fresh report, and the same after another start, must pass."""
        self._keeper.clock.seconds += 2 * RETRY_PAUSE
        self.put(1)
        found, told = self._keeper.found(), self._keeper.told()
        self._result.add(self.account.judge(found, told), what)
        if failing := self._keeper.engine.statistics().failing:
            self._result.mistakes.append(f"{self._result.name}: {what}: still said to fail: {failing}")
        self.account.settle(found, told)


def full(rounds: int, seed: int, tell: Callable[[int], None]) -> Troubled:
    """Fill the disk up again and again, for tens of reports each. Raises MissingError: not root."""
    require("mount", root=True)
    result = Troubled("full")
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="disk-")))
        command_output(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(place)])
        stack.callback(command_output, ["umount", "-l", str(place)])
        keeper = SpoolKeeper(place / "spool", _BOUND)
        source = Source(keeper, result)
        for number in range(rounds):
            source.put(dice.randint(1, 20))
            _fill_up(place / "other")
            source.put(dice.choice((1, 10, 60, _OVER)) if number else _OVER)
            (place / "other").unlink()
            source.judge(f"round {number}")
            keeper.release(keeper.found(40))
            found = keeper.found()
            source.account.settle(found, keeper.told())
            result.trials += 1
            tell(1)
        keeper.close()
        keeper = SpoolKeeper(place / "spool", _BOUND)
        result.add(source.account.judge(keeper.found(), keeper.told()), "after another start")
        keeper.close()
    return result


def _fill_up(path: Path) -> None:
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


@dataclass(frozen=True)
class Errors:
    """A script, with an error in place of every ``stride``-th of its calls; ``burst``: and of the following ones."""

    error: str
    burst: bool
    seed: int
    stride: int = 1

    def run(self, tell: Callable[[int], None]) -> Troubled:
        """Try all."""
        require("strace")
        result = Troubled(f"{self.error}, {'some calls' if self.burst else 'one call'}")
        with Mother() as mother, tempfile.TemporaryDirectory(dir=MEMORY) as name:
            counts = self._counts(mother, Path(name))
            wanted = [(call, number) for call in CALLS for number in range(1, counts[call] + 1)]
            for call, number in wanted[self.seed % self.stride :: self.stride]:
                with tempfile.TemporaryDirectory(dir=MEMORY) as place:
                    last = f"..{number + _BURST}" if self.burst else ""
                    options = ["-e", f"trace={call}", "-e", f"inject={call}:error={self.error}:when={number}{last}"]
                    self._try(mother, Path(place), options, f"{call} number {number}", result)
                tell(1)
        return result

    def _task(self, place: Path) -> Task:
        return Task("agent", str(place / "spool"), 1, _STEPS, self.seed, str(place / "lines"), troubled=True)

    def _counts(self, mother: Mother, place: Path) -> Counter[str]:
        mother.traced(self._task(place), ["-e", f"trace={','.join(CALLS)}"], place / "trace")
        lines = (place / "trace").read_text().splitlines()
        return Counter(line.split()[1].partition("(")[0] for line in lines)

    def _try(self, mother: Mother, place: Path, options: list[str], what: str, result: Troubled) -> None:
        status = mother.traced(self._task(place), options, place / "trace")
        if not (place / "lines").exists():
            return  # the error met the file that the writer speaks by, and nothing of the spool
        lines = (place / "lines").read_text().splitlines(keepends=True)
        result.trials += 1
        late = sum(line.startswith("late") for line in lines)
        result.late += late
        if late:
            result.mistakes.append(f"{result.name}: {what}: {late} reports could not be sent a round later")
        if status:
            result.died += 1
            result.mistakes.append(f"{result.name}: {what}: the writer ended with {status}")
            return
        account = Account()
        account.hear(_without_keys(lines))
        result.accepted += account.accepted
        result.add(look("agent", place / "spool", account), what)


def _without_keys(lines: list[str]) -> list[str]:
    """Leave the keys out: reports in memory get others when they move to the disk, under the same names."""
    return [f"{line.rsplit(' ', 1)[0]} 0\n" if line.startswith("+") else line for line in lines]


def section(found: list[Troubled], seed: int) -> Section:
    """Return the figures."""
    names = ("trials", "accepted", "late", "dropped", "miscounted", "invented", "double", "died")
    rows = [(one.name, *(f"{getattr(one, name):,}" for name in names)) for one in found]
    totals = ", ".join(f"{name} {sum(getattr(one, name) for one in found)}" for name in names[4:])
    trials = sum(one.trials for one in found)
    return Section(
        "disk", ("trouble", *names), rows, [f"{trials:,} trials, seed {seed}: {totals} (budget: none of any)"]
    )
