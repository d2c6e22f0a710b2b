"""``tests/soak pager``: a pager is killed (SIGKILL) at random moments while faults are posted and people are told.

The oracle: every fault has a name of its own and is posted again until it is answered with 200, as Alertmanager does. At the end
each that was answered must have been told to each person (missing 0), nothing else (invented 0), and a kill may double one message a
person (that between "told" and "written down"). Mutants, each with one mistake, must be caught.
"""

from __future__ import annotations

import http.client
import itertools
import random
import re
import shutil
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console
from rich.progress import Progress

import tslcd_collector
from rigs.ending import finish
from rigs.page import Section
from support.pager import PagerProgram, Services
from support.paging import alert, post

if TYPE_CHECKING:
    from collections.abc import Callable

SEED: Final = 20261125
#: Who is told, and at which addresses: every second message to the second person fails at first and goes by SMS.
PEOPLE: Final = {"an": ("an",), "binh": ("binh", "binh-sms")}
SETTINGS: Final = """
dead_man: {after: 0s}
rate: {messages: 1000}
people:
- {id: an, name: An, channels: [{by: zalo, to: an}]}
- {id: binh, name: Bình, channels: [{by: zalo, to: binh}, {by: sms, to: binh-sms}]}
escalation: {critical: {steps: [{to: [an, binh], wait: 1h}]}}
"""
#: One mistake each: file, what stands there, and what stands there in the mutant.
MUTANTS: Final = {
    "answers before it is synced": (
        "web.py",
        "await self._reception.take(severity, found)",
        "self._late = asyncio.create_task(self._reception.take(severity, found))",
    ),
    "sent before it is told": (
        "outbox.py",
        "SET attempts = attempts + 1",
        "SET state = 'sent', attempts = attempts + 1",
    ),
    "forgets what it told": ("outbox.py", "SET state = 'sent', finished = ?", "SET state = 'waiting', finished = ?"),
}


@dataclass(frozen=True)
class Found:
    """What became of the faults; ``doubled`` counts messages, the others faults a person."""

    kills: int
    faults: int
    missing: int
    invented: int
    doubled: int

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.missing and not self.invented and self.doubled <= self.kills * len(PEOPLE)


class _Source:
    """Posts one fault after another, each until it is answered."""

    def __init__(self, pager: PagerProgram) -> None:
        self.stored: list[str] = []
        self.ending = threading.Event()
        self.more = threading.Event()
        self._pager = pager

    def run(self) -> None:
        """Post until told to end, and then until the last one is answered."""
        ended = None
        for number in itertools.count():
            name = f"k{number:05}"
            while not self._post(name):
                time.sleep(0.02)
                ended = ended or (time.monotonic() if self.ending.is_set() else None)
                if ended is not None and time.monotonic() > ended + 30.0:
                    return
            self.stored.append(name)
            self.more.set()
            if self.ending.is_set():
                return

    def _post(self, name: str) -> bool:
        try:
            return self._pager.post(post(alert(name), group=name)) == 200
        except (OSError, http.client.HTTPException):
            return False


def run(directory: Path, kills: int, seed: int, advance: Callable[[], object], *, source: Path | None = None) -> Found:
    """Kill so many times. ``source``: a folder with a package ``tslcd_collector`` to run in place of ours."""
    moments = random.Random(seed)  # noqa: S311 - draws moments, protects nothing
    with Services().running() as services:
        services.manners["binh"] = ["ok", "broken"] * 100_000
        # a slow machine doubles nothing
        pager = PagerProgram(directory, services, SETTINGS, timeout="20s", source=source)
        faults = _Source(pager)
        thread = threading.Thread(target=faults.run, name="source")
        thread.start()
        try:
            for _ in range(kills):
                with pager.running():
                    faults.more.clear()
                    faults.more.wait(20.0)
                    time.sleep(moments.random() / 3)
                    pager.program.kill()
                advance()
        finally:
            faults.ending.set()
        with pager.running():
            thread.join(40.0)
            _settle(services, faults.stored)
    told = {who: Counter(_names(services, addresses)) for who, addresses in PEOPLE.items()}
    stored = set(faults.stored)
    return Found(
        kills,
        len(stored),
        sum(len(stored - set(one)) for one in told.values()),
        sum(len(set(one) - stored) for one in told.values()),
        sum(one.total() - len(one) for one in told.values()),
    )


def mutated(directory: Path, name: str) -> Path:
    """Write the program with one mistake in it; returns the folder for ``source``."""
    file, right, wrong = MUTANTS[name]
    shutil.copytree(Path(tslcd_collector.__file__).parent, directory / "tslcd_collector")
    path = directory / "tslcd_collector" / "pager" / file
    text = path.read_text(encoding="utf-8")
    if right not in text:
        raise LookupError(f"{file}: {right}")
    path.write_text(text.replace(right, wrong), encoding="utf-8")
    return directory


def _settle(services: Services, stored: list[str]) -> None:
    """Wait until all are told, or nobody was told anything for two seconds."""
    quiet, before = time.monotonic(), len(services.sent)
    while time.monotonic() < quiet + 2.0:
        if all(set(stored) <= set(_names(services, one)) for one in PEOPLE.values()):
            return
        if len(services.sent) != before:
            quiet, before = time.monotonic(), len(services.sent)
        time.sleep(0.05)


def _names(services: Services, addresses: tuple[str, ...]) -> list[str]:
    told = [text for one in addresses for text in services.texts(one)]
    return [found[0] for text in told if (found := re.search(r"k\d{5}", text))]


@click.command("pager")
@click.option("--kills", default=200, show_default=True, help="How often the pager is killed.")
@click.option("--mutant-kills", default=20, show_default=True, help="How often each mutant is, at most.")
@click.option("--seed", default=SEED, show_default=True, help="The same seed draws the same moments.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")
@click.option("--write", is_flag=True, help="Write the figures into tests/faults/README.md.")
def pager(*, kills: int, mutant_kills: int, seed: int, as_json: bool, write: bool) -> None:
    """Kill a pager while faults are posted and people are told."""
    rows, failures = [], []
    programs = {"as it is": kills, **dict.fromkeys(MUTANTS, mutant_kills)}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("killing", total=sum(programs.values()))
        for name, count in programs.items():
            with tempfile.TemporaryDirectory() as folder:
                source = mutated(Path(folder) / "source", name) if name in MUTANTS else None
                found = run(Path(folder) / "pager", count, seed, lambda: progress.advance(task), source=source)
            counts = (found.kills, found.faults, found.missing, found.invented, found.doubled)
            rows.append((name, *map(str, counts)))
            if found.clean is (name in MUTANTS):
                failures.append(f"{name}: {'not caught' if name in MUTANTS else found}")
    notes = [f"Two people, one of whom is told by the second channel every other time; seed {seed}"]
    section = Section("pager", ("the pager", "kills", "faults", "missing", "invented", "doubled"), rows, notes)
    finish(section, failures, clean=not failures, as_json=as_json, write=write)
