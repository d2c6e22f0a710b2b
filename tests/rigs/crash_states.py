"""The crash state rig: disks as they may be after a power cut, by the rules alone; needs no root and no file system.

The model is the least that POSIX and a disk promise. What was written is durable when its file was synced, a name when its
directory was. Of everything later any part may be there: each write or none of it, any of its 512-byte sectors, a new length or the
old, a new name or none, in any combination. A sector that was not being written is not harmed (what SQLite calls powersafe
overwrite, https://www.sqlite.org/psow.html).

A script of a real writer is recorded; at every step disks are drawn from what the model allows and judged by the oracle. One in
sixteen besides has one bit flipped somewhere, as old disks do: then no report may be given back altered, and no more is asked.
"""

from __future__ import annotations

import hashlib
import random
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rigs.account import Account
from rigs.keepers import mistaken
from rigs.kill import MEMORY, look
from rigs.mother import Mother
from rigs.page import Section
from rigs.recording import Event, record
from rigs.writer import SMALL

if TYPE_CHECKING:
    from collections.abc import Iterator

SECTOR: Final = 512
_STEPS: Final = 30
_ROTTEN: Final = 16
#: Draws for one step of which none is new, and then the next step's turn comes.
_VAIN: Final = 8


@dataclass
class Volatile:
    """A file: what is durable of it, and what is not yet, in order."""

    durable: bytes = b""
    pending: list[Event] = field(default_factory=list)

    def sync(self) -> None:
        """Make everything durable."""
        for event in self.pending:
            self.durable = _applied(self.durable, event, None)
        self.pending.clear()


class Disk:
    """One directory and its files, as they are and as they may be after a crash."""

    def __init__(self) -> None:
        """Begin empty."""
        self._files: dict[str, Volatile] = {}
        self._durable: dict[str, Volatile] = {}
        self._names: list[tuple[str, Volatile | None]] = []

    def apply(self, event: Event) -> None:
        """Do a step."""
        match event.kind:
            case "create":
                self._files[event.name] = Volatile()
                self._names.append((event.name, self._files[event.name]))
            case "unlink":
                del self._files[event.name]
                self._names.append((event.name, None))
            case "write" | "cut":
                self._files[event.name].pending.append(event)
            case "sync":
                self._files[event.name].sync()
            case "sync-directory":
                self._durable = dict(self._files)
                self._names.clear()

    def crashed(self, dice: random.Random) -> dict[str, bytes]:
        """Return the files of one disk that may be after a crash now."""
        names = dict(self._durable)
        share = dice.choice((0.0, 0.5, 1.0))
        for name, file in self._names:
            if dice.random() < share:
                if file is None:
                    names.pop(name, None)
                else:
                    names[name] = file
        return {name: _crashed(file, dice) for name, file in names.items()}


def _crashed(file: Volatile, dice: random.Random) -> bytes:
    content = file.durable
    share = dice.choice((0.0, 0.1, 0.5, 0.9, 1.0))
    torn = dice.random() < 0.5
    for event in file.pending:
        sectors = range(event.at // SECTOR, (event.at + len(event.data) - 1) // SECTOR + 1)
        if torn and event.kind == "write":
            kept = {sector for sector in sectors if dice.random() < share}
            content = _applied(content, event, kept)
        elif dice.random() < share:
            content = _applied(content, event, None)
    return content


def _applied(content: bytes, event: Event, kept: set[int] | None) -> bytes:
    """Return content after a write or a cut; ``kept``: the sectors that arrived, None for all."""
    if event.kind == "cut":
        return content[: event.at].ljust(event.at, b"\0")
    if kept is None:
        return content[: event.at].ljust(event.at, b"\0") + event.data + content[event.at + len(event.data) :]
    result = bytearray(content)
    for sector in sorted(kept):
        first, last = max(event.at, sector * SECTOR), min(event.at + len(event.data), (sector + 1) * SECTOR)
        if len(result) < last:
            result.extend(bytes(last - len(result)))
        result[first:last] = event.data[first - event.at : last - event.at]
    return bytes(result)


@dataclass
class Crashed:
    """What the rig found. ``states``: different ones; ``rotten``: of them, with a bit flipped.

    ``set_aside``: files without a flipped bit that the spool took for damaged. What it read of them is judged like all.
    """

    scripts: int = 0
    events: int = 0
    states: int = 0
    rotten: int = 0
    missing: int = 0
    invented: int = 0
    double: int = 0
    unreadable: int = 0
    set_aside: int = 0
    mistakes: list[str] = field(default_factory=list)

    @property
    def violations(self) -> int:
        """Count everything that must not be."""
        return self.missing + self.invented + self.double + self.unreadable

    def add(self, other: Crashed) -> None:
        """Add what another process found."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def run(
    states: int, seed: int, share: int = 0, shares: int = 1, *, mutant: str = "", rotten_in: int = _ROTTEN
) -> Crashed:
    """Try so many states, or a share of them, of a script of the share's own; ``mutant``: of :data:`rigs.keepers.MUTANTS`.

    One state in ``rotten_in`` has a flipped bit besides.
    """
    result = Crashed(scripts=1)
    dice = random.Random(f"{seed} {share}")  # noqa: S311 - repeatable on purpose
    with Mother() as mother:
        events = record(mother, dice.getrandbits(32), _STEPS, mutant)
    if mutant == "no directory sync":
        events = [event for event in events if event.kind != "sync-directory"]
    result.events = len(events)
    wanted = -(-states // shares)
    seen: set[bytes] = set()
    with mistaken(mutant):
        while result.states < wanted:
            before = result.states
            each = -(-(wanted - before) // len(events))
            for account, disk, step in _steps(events):
                vain = 0
                goal = min(wanted, result.states + each)
                while result.states < goal and vain < _VAIN:
                    vain += not _try(account, disk.crashed(dice), step, dice, seen, result, rotten_in)
            if result.states == before:
                break  # there are no more
    return result


def _steps(events: list[Event]) -> Iterator[tuple[Account, Disk, int]]:
    """Yield what had been said, and the disk, after every step."""
    account, disk = Account(), Disk()
    for step, event in enumerate(events):
        if event.kind == "say":
            account.hear(event.data.decode().splitlines(keepends=True))
        else:
            disk.apply(event)
        yield account, disk, step


def _try(
    account: Account,
    files: dict[str, bytes],
    step: int,
    dice: random.Random,
    seen: set[bytes],
    result: Crashed,
    rotten_in: int,
) -> bool:
    """Judge a disk; False when it was judged before, at this step or with the same said."""
    rotten = dice.randrange(rotten_in) == 0
    if rotten and any(files.values()):
        name = dice.choice(sorted(name for name, content in files.items() if content))
        rotted = bytearray(files[name])
        rotted[dice.randrange(len(rotted))] ^= 1 << dice.randrange(8)
        files[name] = bytes(rotted)
    digest = hashlib.blake2b(
        str((account.accepted, len(account.gone), len(account.leaving), rotten)).encode(), digest_size=12
    )
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + files[name])
    if digest.digest() in seen:
        return False
    seen.add(digest.digest())
    result.states += 1
    result.rotten += rotten
    with tempfile.TemporaryDirectory(dir=MEMORY) as place:
        directory = Path(place)
        for name, content in files.items():
            (directory / name).write_bytes(content)
        try:
            findings = look("agent", directory, account.copy(), SMALL)
        except Exception as error:  # noqa: BLE001 - whatever comes out of the spool ends an agent
            if not rotten:
                result.unreadable += 1
                result.mistakes.append(f"step {step}: {type(error).__name__}: {error}")
            return True
        result.set_aside += not rotten and any(
            one.name.startswith(("damaged-", "unread-")) for one in directory.iterdir()
        )
    if rotten:
        # what a flipped bit costs is the damage rig's question
        findings.missing.clear()
        findings.double.clear()
        findings.told = 0
    result.missing += findings.miscounted
    result.invented += len(findings.invented)
    result.double += len(findings.double)
    if findings:
        result.mistakes.append(f"step {step}{', a bit flipped' * rotten}: {findings}")
    return True


def section(found: Crashed, seed: int) -> Section:
    """Return the figures."""
    names = ("scripts", "events", "states", "rotten", "missing", "invented", "double", "unreadable", "set_aside")
    note = (
        f"{found.states:,} different disks, {found.rotten:,} of them with a flipped bit, seed {seed}: "
        f"violations {found.violations} (budget: none)"
    )
    row = [f"{getattr(found, name):,}" for name in names]
    return Section("crash-states", ("", *(name.replace("_", " ") for name in names)), [["spool", *row]], [note])
