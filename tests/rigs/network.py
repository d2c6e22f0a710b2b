"""``tests/soak network``: every rate with every delay and every loss, every fault of a connection, and a herd that comes back.

The cells are all played at once in a network namespace of their own (:mod:`rigs.network_cells`); most of what they do is to wait.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from bench.machine import require
from rigs.disk_commands import options, run
from rigs.network_cells import SILENT, Cell, Fault, Herd, Orders, Outcome
from rigs.page import Section

if TYPE_CHECKING:
    from collections.abc import Callable

_TESTS: Final = Path(__file__).parents[1]
RATES: Final = (9_600.0, 64_000.0, 512_000.0)
DELAYS: Final = (0.0, 0.5, 2.5, 5.0)
LOSSES: Final = (0.0, 0.05, 0.2, 0.5)
FAULTS: Final[tuple[Fault, ...]] = (
    "reset", "half-open", "up silent", "down silent", "answers lost", "slices", "stall",
)  # fmt: skip
#: Seconds until a silent fault must be left; connections a second that a broker may see when a province comes back.
FOUND: Final = 30.0
MOST: Final = 50
HERD: Final = 500


def matrix() -> list[Cell]:
    """Return every cell of the long run."""
    return [
        *(Cell(rate, delay, loss) for rate, delay, loss in product(RATES, DELAYS, LOSSES)),
        *(Cell(fault=fault) for fault in FAULTS),
    ]


@dataclass
class Played:
    """What came of it."""

    outcomes: list[Outcome] = field(default_factory=list)
    herd: Herd | None = None

    def mistakes(self) -> list[str]:
        """Say what did not hold."""
        found = []
        for one in self.outcomes:
            name = title(one.cell)
            found += [f"{name}: {count} {what}" for what in ("missing", "invented") if (count := getattr(one, what))]
            if one.cell.fault in SILENT and max(one.found, default=FOUND + 1) > FOUND:
                found.append(f"{name}: not found within {FOUND:.0f} s")
        if self.herd is not None and self.herd.most > MOST:
            found.append(f"{self.herd.most} connections in a second, {MOST} allowed")
        return found

    def section(self, seed: int) -> Section:
        """Return the figures: the matrix by loss and rate, each fault by itself."""
        groups: dict[str, list[Outcome]] = defaultdict(list)
        for one in sorted(self.outcomes, key=lambda one: (one.cell.fault, one.cell.rate, one.cell.loss)):
            cell = one.cell
            groups[cell.fault or f"{cell.rate / 1000:g} kbit/s, loss {cell.loss:.0%}"].append(one)
        rows = []
        for name, ones in groups.items():
            found = [seconds for one in ones for seconds in one.found]
            rows.append(
                (
                    name,
                    str(len(ones)),
                    f"{sum(one.accepted for one in ones):,}",
                    *(str(sum(getattr(one, what) for one in ones)) for what in ("missing", "invented", "repeated")),
                    str(sum(one.connects for one in ones)),
                    f"{max(one.seconds for one in ones):.0f}",
                    f"{max(found):.1f}" if found else "",
                )
            )
        columns = (
            "network",
            "cells",
            "accepted",
            "missing",
            "invented",
            "sent again",
            "connections",
            "longest, s",
            "found, s",
        )
        notes = [f"delays each way: {', '.join(f'{delay:g}' for delay in DELAYS)} s; seed {seed}"]
        if self.herd is not None:
            notes.append(
                f"{self.herd.agents} agents whose broker was killed: at most {self.herd.most} connections in a second, all back after "
                f"{self.herd.seconds:.0f} s"
            )
        return Section("network", columns, rows, notes)


def title(cell: Cell) -> str:
    """Return the words for a cell."""
    return f"{cell.fault or 'no fault'} at {cell.rate / 1000:g} kbit/s, {cell.delay:g} s, loss {cell.loss:.0%}"


def play(orders: Orders, tell: Callable[[int], None] = lambda _: None) -> Played:
    """Play cells in a namespace of their own. Raises RuntimeError with its last words when that ended early."""
    played = Played()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as errors:
        command = ["unshare", "--net", sys.executable, "-m", "rigs.network_cells", folder]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=_TESTS
        ) as process:
            try:
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(msgspec.json.encode(orders))
                process.stdin.close()
                for line in process.stdout:
                    if b'"cell"' in line:
                        played.outcomes.append(msgspec.json.decode(line, type=Outcome))
                    else:
                        played.herd = msgspec.json.decode(line, type=Herd)
                    tell(1)
            finally:
                process.terminate()
        if len(played.outcomes) < len(orders.cells) or bool(orders.herd) != (played.herd is not None):
            errors.seek(0)
            raise RuntimeError(errors.read()[-2000:])
    return played


@click.command()
@click.option(
    "--herd", default=HERD, show_default=True, help="Agents that come back at once to a broker that was killed."
)
@options
def network(*, herd: int, seed: int, **output: Any) -> None:
    """Send reports through thin, slow, lossy and broken networks."""

    def work(tell: Callable[[int], None]) -> tuple[Section, list[str]]:
        for program in ("nft", "unshare", "ip"):
            require(program)
        played = play(Orders(cells=matrix(), herd=herd, seed=seed), tell)
        return played.section(seed), played.mistakes()

    run("network", len(matrix()) + bool(herd), work, **output)
