"""The power cut rig: what the disk holds at an instant, without anything that only memory holds, again and again while a writer works.

An image file on xfs holds a file system (ext4, xfs), on which a writer puts reports down as fast as it can. A cut is a copy of
the image by reference (FICLONE), which xfs makes of one instant: what the inner file system has not sent to its block device is
not in it. The copy is mounted, so that the journal of the file system recovers it, and the spool in it is opened and judged.

All of it happens in a mount namespace of its own: a copy that still lives in somebody else's would be mounted again as it was.

What it models: a power cut of a disk that keeps what it was sent. What it does not: a disk with a volatile cache that loses
what was not flushed, or that reorders; that is the rig of crash states. So a missing sync of a directory is not seen here: ext4
and xfs put a new name into the same journal entry as the file that is synced.
"""

from __future__ import annotations

import contextlib
import fcntl
import random
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.machine import MissingError, require
from bench.machine import run as command_output
from rigs.account import Account, Findings
from rigs.keepers import SpoolKeeper
from rigs.kill import MEMORY
from rigs.mother import environment
from rigs.page import Section
from rigs.writer import Task, command
from support.mounts import own_mounts
from support.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: File systems that are cut off, with the least MiB of an image that mkfs takes, and what mounting a copy needs.
SYSTEMS: Final = {"ext4": (64, "loop"), "xfs": (320, "loop,nouuid")}
#: ioctl_ficlone(2).
_FICLONE: Final = 0x40049409
_OUTER_MIB: Final = 2000
#: Seconds between two cuts, at most.
_LONGEST: Final = 0.25
_FRESH: Final = 10**9
_ARRIVED: Final = 30.0


@dataclass
class Cut:
    """What the rig found on one file system."""

    system: str
    cuts: int = 0
    accepted: int = 0
    missing: int = 0
    invented: int = 0
    double: int = 0
    unreadable: int = 0
    mistakes: list[str] = field(default_factory=list)


def check_machine() -> None:
    """Raise MissingError when this machine cannot do it: not root, no xfs, no loop devices."""
    require("xfsprogs", "e2fsprogs", "mount", root=True)
    with contextlib.suppress(OSError):
        subprocess.run(["modprobe", "xfs"], capture_output=True, check=False)
    known = Path("/proc/filesystems").read_text().split()
    if missing := [name for name in SYSTEMS if name not in known]:
        raise MissingError(f"this kernel has no {' and no '.join(missing)}: run it on another one")
    if not Path("/dev/loop-control").exists():
        raise MissingError("no /dev/loop-control: run it where loop devices are allowed")


@contextlib.contextmanager
def _mounted(image: Path, place: Path, options: str = "loop") -> Iterator[Path]:
    place.mkdir(exist_ok=True)
    command_output(["mount", "-o", options, str(image), str(place)])
    try:
        yield place
    finally:
        try:
            command_output(["umount", str(place)])
        except MissingError:  # interrupted while a file was open in it: it goes with the last one
            command_output(["umount", "-l", str(place)])


def _make(image: Path, mebibytes: int, *mkfs: str) -> Path:
    with image.open("wb") as file:
        file.truncate(mebibytes * 2**20)
    command_output([*mkfs, str(image)])
    return image


def cut(system: str, cuts: int, seed: int, tell: Callable[[int], None], mutant: str = "") -> Cut:
    """Cut a writer's disk off so many times. Raises MissingError."""
    check_machine()
    result = Cut(system)
    with contextlib.ExitStack() as stack:
        stack.enter_context(own_mounts())
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cut-")))
        outer = _make(place / "outer.img", _OUTER_MIB, "mkfs.xfs", "-q", "-m", "reflink=1")
        stack.enter_context(_mounted(outer, place / "outer"))
        size, options = SYSTEMS[system]
        image = _make(place / "outer" / "inner.img", size, f"mkfs.{system}", "-q")
        disk = stack.enter_context(_mounted(image, place / "inner"))
        lines = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=MEMORY))) / "lines"
        task = Task("agent", str(disk / "spool"), 1, seed=seed, lines=str(lines), mutant=mutant)
        process = subprocess.Popen(command(task), env=environment(), stderr=subprocess.PIPE)
        stack.callback(_end, process)
        wait_until(lambda: "+" in lines.read_text(), _ARRIVED, "the first accepted report")
        listener = _Listener(lines)
        dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
        for number in range(cuts):
            time.sleep(dice.uniform(0, _LONGEST))
            before, after = listener.around(image, place / "outer" / "cut.img")
            _judge(result, before, after, place, options, number)
            tell(1)
            if process.poll() is not None:
                raise RuntimeError(
                    f"the writer ended with {process.returncode}: {process.stderr and process.stderr.read()!r}"
                )
        result.accepted = listener.account.accepted
    return result


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


class _Listener:
    """Hears the writer, which goes on while its disk is copied."""

    def __init__(self, lines: Path) -> None:
        self.account = Account()
        self._lines = lines
        self._heard = 0

    def _hear(self, upto: int) -> None:
        with self._lines.open("rb") as file:
            file.seek(self._heard)
            self.account.hear(file.read(upto - self._heard).decode().splitlines(keepends=True))
        self._heard = upto

    def around(self, image: Path, copy: Path) -> tuple[Account, Account]:
        """Take the picture; return what had been said before it, and what had when it was taken."""
        with image.open("rb") as source, copy.open("wb") as target:
            said = self._lines.stat().st_size  # lines are written whole
            fcntl.ioctl(target, _FICLONE, source.fileno())
        then = self._lines.stat().st_size
        self._hear(said)
        before = self.account.copy()
        self._hear(then)
        return before, self.account


def _judge(result: Cut, before: Account, after: Account, place: Path, options: str, number: int) -> None:
    result.cuts += 1
    words = ""
    try:
        with _mounted(place / "outer" / "cut.img", place / "cut", options) as disk:
            findings, aside = _look(disk / "spool", before, after)
        if aside:
            words = "the spool was set aside"
    except Exception as error:  # noqa: BLE001 - a disk that cannot be mounted, a spool that cannot be opened: unreadable
        findings, words = Findings(), f"{type(error).__name__}: {error}"
    result.unreadable += bool(words)
    result.missing += findings.miscounted
    result.invented += len(findings.invented)
    result.double += len(findings.double)
    if findings or words:
        result.mistakes.append(f"{result.system}, cut {number}: {findings}{words and '; '}{words}")


def _look(directory: Path, before: Account, after: Account) -> tuple[Findings, bool]:
    """Judge a disk by what had been said before the cut; what was said while it was made may be on it or not."""
    keeper = SpoolKeeper(directory)
    before.newest = after.newest
    for number in after.leaving | (after.gone - before.gone):
        before.owed.pop(number, None)
    found = keeper.found()
    findings = before.judge(found, keeper.told())
    before.settle(found, keeper.told())
    before.hear([f"~ {_FRESH} {_FRESH}\n", f"+ {_FRESH} {keeper.put([_FRESH])[0]}\n"])
    keeper.close()
    keeper = SpoolKeeper(directory)
    again = before.judge(keeper.found(), keeper.told())
    keeper.close()
    return findings or again, any("db" in one.suffix and one.stem != "spool" for one in directory.iterdir())


def section(found: list[Cut], seed: int) -> Section:
    """Return the figures."""
    names = ("missing", "invented", "double", "unreadable")
    rows = [
        (one.system, f"{one.cuts:,}", f"{one.accepted:,}", *(str(getattr(one, name)) for name in names))
        for one in found
    ]
    totals = ", ".join(f"{name} {sum(getattr(one, name) for one in found)}" for name in names)
    cuts, accepted = (sum(getattr(one, name) for one in found) for name in ("cuts", "accepted"))
    note = f"{cuts:,} cuts, {accepted:,} accepted reports, seed {seed}: {totals} (budget: none of any)"
    return Section("power-cut", ("file system", "cuts", "accepted", *names), rows, [note])
