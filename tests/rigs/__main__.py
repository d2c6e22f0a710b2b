"""``tests/soak RIG``: exit code 0 when the rig found nothing, 1 when it did, 2 when it cannot run here."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console
from rich.progress import Progress

from bench.machine import MissingError
from rigs import backfill, clocks, fleet
from rigs.broker import broker
from rigs.disk_commands import COMMANDS
from rigs.end_to_end import end_to_end
from rigs.ending import finish
from rigs.fuzz import MAX_GROWTH
from rigs.legs import legs, run_all
from rigs.network import network
from rigs.noc.command import noc
from rigs.page import Section
from rigs.pager_kill import pager
from rigs.rules import rules
from rigs.thin_link import thin_link

if TYPE_CHECKING:
    from types import FrameType

    from rigs.fuzz import Findings
    from rigs.legs import Leg

MIB: Final = 2**20


@click.group()
def main() -> None:
    """Run the fault rigs for as long as you like."""
    signal.signal(signal.SIGTERM, _end)


@main.command()
@click.option("--packets", default=200_000, show_default=True, help="Datagrams to send.")
@click.option("--seed", default=20260101, show_default=True, help="The same seed sends the same datagrams.")
@click.option("--processes", default=os.cpu_count() or 1, show_default=True, help="Processes at a time.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")
@click.option("--write", is_flag=True, help="Write the figures into tests/faults/README.md.")
def fuzz(*, packets: int, seed: int, processes: int, as_json: bool, write: bool) -> None:
    """Answer a real session wrongly, in every way that a device could, and judge what it makes of that."""
    chosen = legs(packets, seed, processes)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("fuzzing", total=sum(one.packets for one in chosen))
        found = run_all(chosen, processes, lambda count: progress.advance(task, count))
    section = _fuzzed(found, seed)
    failures = [f"{leg.name}, seed {leg.seed}: {words}" for leg, one in found for words in one.failures]
    finish(section, failures, clean=all(one.clean for _, one in found), as_json=as_json, write=write)


def _fuzzed(found: list[tuple[Leg, Findings]], seed: int) -> Section:
    rows = [
        (
            leg.name,
            f"{one.packets:,}",
            f"{one.questions:,}",
            f"{one.accepted:,}",
            f"{sum(one.refused.values()):,}",
            str(one.unhandled),
            str(one.wrong),
            str(one.lost),
            f"{one.growth / MIB:.1f}",
            f"{one.seconds:.0f}",
        )
        for leg, one in found
    ]
    packets, questions = (sum(getattr(one, name) for _, one in found) for name in ("packets", "questions"))
    return Section(
        "fuzz",
        (
            "engine",
            "datagrams",
            "questions",
            "answered",
            "refused",
            "unhandled",
            "wrong",
            "lost",
            "RSS growth, MiB",
            "s",
        ),
        rows,
        [
            (
                f"{packets:,} datagrams in {questions:,} questions, seed {seed}: unhandled exceptions "
                f"{sum(one.unhandled for _, one in found)}, wrong values {sum(one.wrong for _, one in found)}, honest answers lost "
                f"{sum(one.lost for _, one in found)} (budget: none of any; RSS growth ≤ {MAX_GROWTH // MIB} MiB a process)"
            ),
        ],
    )


@main.command("fleet")
@click.option("--minutes", default=10.0, show_default=True, help="How long it is watched.")
@click.option("--interval", default=5.0, show_default=True, help="Seconds between two rounds of a device.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")
@click.option("--write", is_flag=True, help="Write the figures into tests/faults/README.md.")
def watch_fleet(*, minutes: float, interval: float, as_json: bool, write: bool) -> None:
    """Run one agent with 50 devices: 10 silent, 5 slow, 5 hostile; the other 30 may miss no round."""
    talk = Console(stderr=True)
    try:
        with Progress(console=talk, transient=True) as progress:
            task = progress.add_task("watching the agent", total=minutes * 60)
            result = fleet.watch(
                fleet.Size(seconds=minutes * 60, interval=interval), lambda done: progress.advance(task, done)
            )
    except MissingError as error:
        talk.print(f"soak fleet: {error}", style="red", markup=False)
        sys.exit(2)
    finish(result.section(), result.mistakes, clean=not result.mistakes, as_json=as_json, write=write)


def _end(_number: int, _frame: FrameType | None) -> None:
    """End like Ctrl-C: everything that was started is ended."""
    raise KeyboardInterrupt


for command in (*COMMANDS, clocks.clocks, backfill.backfill, broker, thin_link, end_to_end, network, noc, pager, rules):
    main.add_command(command)

if __name__ == "__main__":
    main()
