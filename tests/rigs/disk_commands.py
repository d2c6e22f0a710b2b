"""The commands of the disk rigs: ``tests/soak kill``, ``damage``, ``power-cut``, ``crash-states``, ``disk``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click
from rich.console import Console
from rich.progress import Progress

from bench.machine import MissingError, require
from rigs import crash_states as crashing
from rigs import damage as damaging
from rigs import disk as failing
from rigs import kill as killing
from rigs import power_cut as cutting
from rigs.ending import finish
from rigs.keepers import be_silent
from rigs.shares import divided

if TYPE_CHECKING:
    from rigs.page import Section

#: Takes what tells of progress; returns the figures and what is wrong.
Work: TypeAlias = Callable[[Callable[[int], None]], tuple["Section", list[str]]]
Command: TypeAlias = Callable[..., None]
#: Trials in a share; about how many damages there are.
_SHARE: Final = 2000
_ALL: Final = 1_000_000
#: Mistakes that are told one by one.
_TOLD: Final = 40


def options(command: Command) -> Command:
    """Add what every rig takes."""
    for option in (
        click.option("--write", is_flag=True, help="Write the figures into tests/faults/README.md."),
        click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table."),
        click.option("--seed", default=20260101, show_default=True, help="The same seed tries the same."),
    ):
        command = option(command)
    return command


def run(name: str, total: int | None, work: Work, *, as_json: bool, write: bool) -> None:
    """Run a rig with a progress bar, tell what it found, and end with the exit code."""
    be_silent()
    talk = Console(stderr=True)
    try:
        with Progress(console=talk, transient=True) as progress:
            task = progress.add_task(name, total=total)
            section, mistakes = work(lambda count: progress.advance(task, count))
    except MissingError as error:
        talk.print(f"soak {name}: {error}", style="red", markup=False)
        sys.exit(2)
    finish(section, mistakes[:_TOLD], clean=not mistakes, as_json=as_json, write=write)


@click.command()
@click.option("--rounds", default=5000, show_default=True, help="Kills at random, of each of the two.")
@click.option("--stride", default=1, show_default=True, help="Kill at every so many system calls of the scripts.")
@click.option("--full", default=200, show_default=True, help="MiB on the disk for the restarts; 0: none.")
@options
def kill(*, rounds: int, stride: int, full: int, seed: int, **how: Any) -> None:
    """Kill the agent's spool and the collector's store with SIGKILL: at random, and at every system call."""

    def work(tell: Callable[[int], None]) -> tuple[Section, list[str]]:
        require("strace")
        found = []
        for side in killing.SIDES:
            if rounds:
                found.append(killing.at_random(side, rounds, seed, tell))
            found += [killing.Sweep(side, start, seed, stride).run(tell) for start in killing.starts(side)]
            if full:
                found.append(killing.restart(side, full, 10, seed, tell))
        return killing.section(found, seed), [words for one in found for words in one.mistakes]

    run("kill", None, work, **how)


@click.command()
@click.option(
    "--cases", default=100_000, show_default=True, help="Damages to try, drawn from all there are; 0: all of them."
)
@options
def damage(*, cases: int, seed: int, **how: Any) -> None:
    """Flip every bit of a small spool, cut it at every byte, swap and delete its files; read what is left."""
    shares = -(-(cases or _ALL) // _SHARE)

    def work(tell: Callable[[int], None]) -> tuple[Section, list[str]]:
        found = damaging.Damaged()
        for one in divided(partial(damaging.run, cases, seed), shares):
            found.add(one)
            tell(1)
        return damaging.section(found, seed), found.mistakes

    run("damage", shares, work, **how)


@click.command("power-cut")
@click.option("--cuts", default=1000, show_default=True, help="Cuts, half of them on each file system.")
@options
def power_cut(*, cuts: int, seed: int, **how: Any) -> None:
    """Copy the disk of a writer at random instants, without what is in memory only, and read the copy."""

    def work(tell: Callable[[int], None]) -> tuple[Section, list[str]]:
        each = -(-cuts // len(cutting.SYSTEMS))
        found = [cutting.cut(system, each, seed, tell) for system in cutting.SYSTEMS]
        return cutting.section(found, seed), [words for one in found for words in one.mistakes]

    run("power-cut", cuts, work, **how)


@click.command("crash-states")
@click.option("--states", default=1_000_000, show_default=True, help="Different disks to judge.")
@options
def crash_states(*, states: int, seed: int, **how: Any) -> None:
    """Judge disks as they may be after a power cut at every step of recorded scripts, by what was synced and what was not."""
    shares = -(-states // _SHARE)

    def work(tell: Callable[[int], None]) -> tuple[Section, list[str]]:
        found = crashing.Crashed()
        for one in divided(partial(crashing.run, states, seed), shares):
            found.add(one)
            tell(1)
        return crashing.section(found, seed), found.mistakes

    run("crash-states", shares, work, **how)


@click.command()
@click.option("--rounds", default=200, show_default=True, help="Times that the disk is filled up.")
@click.option("--stride", default=1, show_default=True, help="An error at every so many system calls of the script.")
@options
def disk(*, rounds: int, stride: int, seed: int, **how: Any) -> None:
    """Fill the disk up, and let it answer with errors, under a spool that works."""

    def work(tell: Callable[[int], None]) -> tuple[Section, list[str]]:
        found = [failing.full(rounds, seed, tell)]
        found += [
            failing.Errors(error, burst, seed, stride).run(tell) for error in failing.ERRORS for burst in (False, True)
        ]
        return failing.section(found, seed), [words for one in found for words in one.mistakes]

    run("disk", None, work, **how)


#: In the order of the page.
COMMANDS: Final = (kill, damage, power_cut, crash_states, disk)
