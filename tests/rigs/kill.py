"""The kill rig: SIGKILL at random moments, and at every system call of a scripted run, of the agent's spool and the collector's store.

strace delivers the signal on entry to the N-th call of a kind, for N = 1, 2, ... until the script comes to its end without
meeting it; so every gap between two system calls is tried, and none twice. Three scripts: a spool that is made, works and is
closed; one that was cut off before; and (agent) one whose file is damaged, so that the setting aside is cut off too.
"""

from __future__ import annotations

import contextlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rigs.account import Account, Findings
from rigs.keepers import SpoolKeeper, open_keeper
from rigs.mother import Mother, environment
from rigs.page import Section
from rigs.writer import Task, command

if TYPE_CHECKING:
    from collections.abc import Callable

#: Files of the rigs live in memory: what a kill leaves does not depend on the disk.
MEMORY: Final = "/dev/shm"  # noqa: S108 - directories of our own in it
SIDES: Final = ("agent", "collector")
#: Kinds of start of a scripted run.
STARTS: Final = ("new", "cut off", "damaged")
_LONGEST: Final = 0.04
_LIVES: Final = 200
#: Most seconds from exec to the first accepted report with a full disk.
MAX_RESTART: Final = 2.0
_CALL: Final = re.compile(r"\d+ +([a-z0-9_]+)\(")
_STEPS: Final = 12
_PAGE: Final = 4096
#: First byte of a page that holds rows of a table (https://www.sqlite.org/fileformat2.html, section 1.6).
_LEAF: Final = 0x0D


@dataclass
class Killed:
    """What one leg of the rig found. ``slowest``: seconds from exec to the first accepted report after a kill."""

    name: str
    kills: int = 0
    accepted: int = 0
    missing: int = 0
    invented: int = 0
    double: int = 0
    slowest: float = 0.0
    mistakes: list[str] = field(default_factory=list)

    def add(self, findings: Findings, what: str) -> None:
        """Count what one kill did."""
        self.kills += 1
        self.missing += findings.miscounted
        self.invented += len(findings.invented)
        self.double += len(findings.double)
        if findings:
            self.mistakes.append(f"{self.name}: {what}: {findings}")


def look(side: str, directory: Path, account: Account, size: int = 0) -> Findings:
    """Open what a writer left and judge it; put a fresh report down, and judge again what a second opening finds.

    ``size``: the bound of a spool that is small.
    """
    findings = _look(side, directory, account, size, fresh=account.newest + 1)
    return findings or _look(side, directory, account, size)


def _look(side: str, directory: Path, account: Account, size: int, fresh: int = 0) -> Findings:
    keeper = SpoolKeeper(directory, size) if size else open_keeper(side, directory)
    found, told = keeper.found(), keeper.told()
    findings = account.judge(found, told)
    account.settle(found, told)
    if fresh:
        account.hear([f"~ {fresh} {fresh}\n", f"+ {fresh} {keeper.put([fresh])[0]}\n"])
    keeper.close()
    return findings


def at_random(side: str, rounds: int, seed: int, tell: Callable[[int], None], mutant: str = "") -> Killed:
    """Kill a writer that never ends, so many times; the next begins where it left off."""
    result = Killed(f"{side}, at random")
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    with Mother() as mother:
        for begin in range(0, rounds, _LIVES):
            with tempfile.TemporaryDirectory(dir=MEMORY) as name:
                directory, account = Path(name), Account()
                for _ in range(min(_LIVES, rounds - begin)):
                    lines = directory / "lines"
                    lines.unlink(missing_ok=True)
                    task = Task(
                        side, str(directory / "disk"), account.newest + 1, seed=dice.getrandbits(32), mutant=mutant
                    )
                    pid = mother.fork(Task(**{**vars(task), "lines": str(lines)}))
                    mother.go(pid)
                    pause = dice.uniform(0, _LONGEST)
                    time.sleep(pause)
                    status = mother.kill(pid)
                    _hear(account, lines)
                    result.add(look(side, directory / "disk", account), f"after {pause:.4f} s")
                    if status != -signal.SIGKILL:
                        result.mistakes.append(f"{result.name}: the writer ended by itself with {status}")
                    tell(1)
                result.accepted += account.accepted
    return result


def _hear(account: Account, lines: Path) -> None:
    if lines.exists():
        with lines.open() as said:
            account.hear(said)


def starts(side: str) -> tuple[str, ...]:
    """Return what a script of this side may begin with; the collector keeps nothing of a damaged file."""
    return STARTS if side == "agent" else STARTS[:-1]


@dataclass
class Sweep:
    """A scripted run, killed at every system call, or at every ``stride``-th."""

    side: str
    start: str
    seed: int
    stride: int = 1
    mutant: str = ""

    def run(self, tell: Callable[[int], None]) -> Killed:
        """Sweep."""
        result = Killed(f"{self.side}, every system call, {self.start}")
        with Mother() as mother, tempfile.TemporaryDirectory(dir=MEMORY) as name:
            place = Path(name)
            account = self._prepare(mother, place / "begin")
            calls = self._calls(mother, place, account)
            wanted = [(call, number) for call, count in sorted(calls.items()) for number in range(1, count + 1)]
            for call, number in wanted[self.seed % self.stride :: self.stride]:
                options = ["-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"]
                after, status = self._run(mother, place, account, options)
                result.add(look(self.side, place / "disk", after), f"{call} number {number}, ended with {status}")
                result.accepted += after.accepted
                tell(1)
        return result

    def _calls(self, mother: Mother, place: Path, account: Account) -> Counter[str]:
        """Return how often the script makes each system call. Raises RuntimeError when it does not come to its end."""
        _, status = self._run(mother, place, account, [])
        if status:
            raise RuntimeError(f"{self.side}, {self.start}: the script itself ended with {status}")
        lines = (place / "trace").read_text(errors="replace").splitlines()
        return Counter(match[1] for line in lines if (match := _CALL.match(line)))

    def _run(self, mother: Mother, place: Path, account: Account, options: list[str]) -> tuple[Account, int]:
        """Run the script once from its beginning, under strace; return what it said, and how it ended."""
        disk, lines = place / "disk", place / "lines"
        shutil.rmtree(disk, ignore_errors=True)
        lines.unlink(missing_ok=True)
        if (place / "begin").exists():
            shutil.copytree(place / "begin", disk)
        status = mother.traced(self._task(disk, lines, account.newest + 1, _STEPS), options, place / "trace")
        after = account.copy()
        _hear(after, lines)
        return after, status

    def _task(self, disk: Path, lines: Path, first: int, steps: int) -> Task:
        small = self.side == "agent"
        return Task(self.side, str(disk), first, steps, self.seed, str(lines), self.mutant, small=small)

    def _prepare(self, mother: Mother, begin: Path) -> Account:
        """Make what the script begins with; return the account of it, which is what an undisturbed opening finds."""
        account = Account()
        if self.start == "new":
            return account
        lines = begin.with_name("lines")
        options = ["-e", "trace=fdatasync", "-e", "inject=fdatasync:signal=KILL:when=60"]
        mother.traced(self._task(begin, lines, 1, 100), options, begin.with_name("trace"))
        _hear(account, lines)
        if self.start == "damaged":
            path = next(begin.glob("*.db"))
            with contextlib.closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            _lose_page(path)
        baseline = Path(shutil.copytree(begin, begin.with_name("baseline")))
        keeper = open_keeper(self.side, baseline)
        account.settle(keeper.found(), keeper.told())
        keeper.close()
        return account


def _lose_page(path: Path) -> None:
    """Zero a page of rows in the middle of a file."""
    content = path.read_bytes()
    leaves = [at for at in range(_PAGE, len(content), _PAGE) if content[at] == _LEAF]
    with path.open("r+b") as file:
        file.seek(leaves[len(leaves) // 2])
        file.write(bytes(_PAGE))


def restart(side: str, mebibytes: int, kills: int, seed: int, tell: Callable[[int], None]) -> Killed:
    """Fill a disk, then kill a writer on it again and again: how long until the next has accepted a report."""
    result = Killed(f"{side}, {mebibytes} MiB full")
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        disk = Path(name) / "disk"
        first = fill(side, disk, mebibytes)
        for _ in range(kills):
            task = Task(side, str(disk), first, seed=dice.getrandbits(32))
            first += 10**6
            began = time.monotonic()
            with subprocess.Popen(command(task), stdout=subprocess.PIPE, text=True, env=environment()) as process:
                lines = process.stdout or ()
                for line in lines:
                    if line.startswith("+"):
                        break
                result.slowest = max(result.slowest, time.monotonic() - began)
                time.sleep(dice.uniform(0, _LONGEST))
                process.kill()
            result.kills += 1
            tell(1)
    if result.slowest > MAX_RESTART:
        result.mistakes.append(f"{result.name}: {result.slowest:.2f} s until a report was accepted")
    return result


def fill(side: str, disk: Path, mebibytes: int) -> int:
    """Put reports down until the files use so much; return the next number."""
    keeper = SpoolKeeper(disk, 10 * mebibytes * 2**20) if side == "agent" else open_keeper(side, disk)
    number = 1
    while sum(one.stat().st_size for one in disk.iterdir() if "-shm" not in one.name) < mebibytes * 2**20:
        keeper.put(range(number, number + 1000))
        number += 1000
    keeper.close()
    return number


def section(found: list[Killed], seed: int) -> Section:
    """Return the figures."""
    rows = [
        (
            one.name,
            f"{one.kills:,}",
            f"{one.accepted:,}",
            str(one.missing),
            str(one.invented),
            str(one.double),
            f"{one.slowest:.2f}" if one.slowest else "",
        )
        for one in found
    ]
    missing, invented, double = (sum(getattr(one, name) for one in found) for name in ("missing", "invented", "double"))
    return Section(
        "kill",
        ("writer and kills", "kills", "accepted", "missing", "invented", "double", "slowest restart, s"),
        rows,
        [
            (
                f"{sum(one.kills for one in found):,} kills, seed {seed}: missing {missing}, invented {invented}, double {double} "
                f"of {sum(one.accepted for one in found):,} accepted reports (budget: none of any; restart ≤ {MAX_RESTART:.0f} s)"
            )
        ],
    )
