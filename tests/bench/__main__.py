"""``tests/bench/run BENCH``: exit code 0 when it was measured, whatever the figures; 2 when it cannot run here.

``links`` alone says 1 when a change was never seen: that is no figure.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import click
from rich.console import Console

from bench import intake, links, poll, scrape, spool, wall
from bench.machine import MissingError
from tslcd_runtime.command import console

if TYPE_CHECKING:
    from types import FrameType


@click.command()
@click.argument("bench", type=click.Choice(["poll", "intake", "scrape", "links", "spool", "wall"]))
@click.option("--small", is_flag=True, help="The smallest size: shows that it runs; its figures mean nothing.")
@click.option(
    "--trials", type=click.IntRange(1), default=200, help="Bench links: how often a link goes down, each way."
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")
def main(*, bench: str, small: bool, trials: int, as_json: bool) -> None:
    """Measure our programs beside what Debian packages."""
    talk = Console(stderr=True)
    signal.signal(signal.SIGTERM, _end)

    def tell(step: str) -> None:
        talk.print(step, style="dim", markup=False)

    lost = 0
    try:
        match bench:
            case "links":
                result, lost = links.measure(3 if small else trials, tell)
            case "poll":
                result = poll.measure(poll.SMALL if small else poll.Size(), tell)
            case "intake":
                result = intake.measure(intake.SMALL if small else intake.Size(), tell)
            case "spool":
                result = spool.measure(spool.SMALL if small else spool.Size(), tell)
            case "wall":
                result = wall.measure(wall.SMALL if small else wall.Size(), tell)
            case _:
                result = scrape.measure(scrape.SMALL if small else scrape.Size(), tell)
    except MissingError as error:
        talk.print(f"bench {bench}: {error}", style="red", markup=False)
        sys.exit(2)
    if as_json:
        print(result.to_json())
    else:
        result.show(console())
    if lost:
        sys.exit(1)


def _end(_number: int, _frame: FrameType | None) -> None:
    """End like Ctrl-C: everything that was made is removed."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
