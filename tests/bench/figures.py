"""Figures of a bench: ours beside the peer's, with the ratio and what it may be.

A figure has one value a round; what is told is the median of the rounds, and their smallest and largest beside it. The ratio
is that of the medians.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console


@dataclass(frozen=True)
class Figure:
    """One line of the table. ``ours`` and ``peer``: a value a round, empty where there is nothing to compare.

    ``max_ratio`` and ``max_ours`` are the budget, as a share of the peer's median or in the figure's own unit.
    """

    name: str
    unit: str
    ours: Sequence[float] = ()
    peer: Sequence[float] = ()
    max_ratio: float | None = None
    max_ours: float | None = None

    @property
    def ratio(self) -> float | None:
        """Median of ours to the median of the peer's; None where one of them is missing or nothing."""
        if not self.ours or not self.peer or not (peer := statistics.median(self.peer)):
            return None
        return statistics.median(self.ours) / peer

    @property
    def within(self) -> bool | None:
        """Whether the budget holds; None without a budget or without the figures for it."""
        if self.max_ours is not None and self.ours:
            return statistics.median(self.ours) <= self.max_ours
        if self.max_ratio is not None and self.ratio is not None:
            return self.ratio <= self.max_ratio
        return None

    @property
    def budget(self) -> str:
        """The budget as people read it."""
        if self.max_ours is not None:
            return f"≤ {self.max_ours:g} {self.unit}"
        return "" if self.max_ratio is None else f"≤ {self.max_ratio:g} ×"


@dataclass(frozen=True)
class Result:
    """What a bench found. ``notes``: what must be said beside the figures."""

    bench: str
    machine: str
    figures: Sequence[Figure]
    notes: Sequence[str] = ()

    def show(self, console: Console) -> None:
        """Write the table for people."""
        table = Table(title=f"bench {self.bench}", caption=self.machine, title_justify="left", caption_justify="left")
        table.add_column("figure")
        for heading in ("ours", "peer", "ratio", "budget"):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("")
        for one in self.figures:
            verdict = {True: "[green]ok[/]", False: "[bold red]over[/]", None: ""}[one.within]
            ratio = "" if one.ratio is None else f"{one.ratio:.2f} ×"
            name = f"{one.name}, {one.unit}"
            table.add_row(name, _spread(one.ours), _spread(one.peer), ratio, one.budget, verdict)
        console.print(table)
        for note in self.notes:
            console.print(f"· {note}", markup=False)

    def to_json(self) -> str:
        """Return everything, for programs."""
        return json.dumps(
            {
                "bench": self.bench,
                "machine": self.machine,
                "notes": list(self.notes),
                "figures": [
                    {
                        "name": one.name,
                        "unit": one.unit,
                        "ours": list(one.ours),
                        "peer": list(one.peer),
                        "ratio": one.ratio,
                        "budget": one.budget,
                        "within": one.within,
                    }
                    for one in self.figures
                ],
            },
            ensure_ascii=False,
            indent=1,
        )


def _spread(values: Sequence[float]) -> str:
    """Write the median, and the smallest and largest where they differ."""
    if not values:
        return "–"
    middle = _short(statistics.median(values))
    low, high = _short(min(values)), _short(max(values))
    return middle if low == high else f"{middle} ({low}..{high})"


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
