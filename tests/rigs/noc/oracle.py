"""The oracle: which pages a scenario must cause, which came, and how long they took."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from rigs.page import Section

if TYPE_CHECKING:
    from rigs.noc.pages import Page

#: Seconds from a fault to its page, for pages that wake somebody (99 of 100), and until a dead chain is noticed.
WITHIN: Final = 30.0
DEAD_MAN: Final = 300.0
#: The part of all pages that must be due.
PRECISION: Final = 0.99


@dataclass
class Tally:
    """What the oracle counted of scenarios of one name. ``delays``: seconds to urgent pages, as shipped."""

    played: int = 0
    wanted: int = 0
    right: int = 0
    wrong: int = 0


@dataclass
class Result:
    """What came of it all; ``dead``: how long the death of a part of the chain could go unnoticed, in seconds as shipped."""

    tallies: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    delays: list[float] = field(default_factory=list)
    dead: list[float] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """The part of the pages due that came."""
        wanted = sum(one.wanted for one in self.tallies.values())
        return sum(one.right for one in self.tallies.values()) / wanted if wanted else 1.0

    @property
    def precision(self) -> float:
        """The part of the pages that were due."""
        right, wrong = (sum(getattr(one, what) for one in self.tallies.values()) for what in ("right", "wrong"))
        return right / (right + wrong) if right + wrong else 1.0

    def failures(self, *, timed: bool) -> list[str]:
        """Say what did not hold; ``timed``: waiting times were those shipped, so delays mean something."""
        found = [one for one in self.mistakes if "false page" not in one or self.precision < PRECISION]
        if self.precision < PRECISION:
            found.append(f"precision {self.precision:.2%}, {PRECISION:.0%} asked for")
        if timed and self.delays and _part(self.delays, 0.99) > WITHIN:
            found.append(f"p99 from fault to page {_part(self.delays, 0.99):.1f} s, {WITHIN:.0f} s allowed")
        if self.dead and max(self.dead) > DEAD_MAN:
            found.append(f"a dead chain unnoticed for {max(self.dead):.0f} s, {DEAD_MAN:.0f} s allowed")
        return found

    def section(self, factor: float, seed: int) -> Section:
        """Return the figures."""
        rows = [
            (name, str(one.played), str(one.wanted), str(one.right), str(one.wanted - one.right), str(one.wrong))
            for name, one in sorted(self.tallies.items())
        ]
        played = sum(one.played for one in self.tallies.values())
        notes = [
            f"{played:,} scenarios, seed {seed}: recall {self.recall:.1%}, precision {self.precision:.2%}; waiting times divided by {factor:g}"
        ]
        if self.delays and factor == 1:
            notes.append(
                f"fault to urgent page: p50 {_part(self.delays, 0.5):.1f} s, p99 {_part(self.delays, 0.99):.1f} s, longest "
                f"{max(self.delays):.1f} s ({len(self.delays)} pages)"
            )
        if self.dead:
            notes.append(
                f"dead chain noticed after at most {max(self.dead):.0f} s as shipped ({len(self.dead)} deaths; {DEAD_MAN:.0f} s allowed)"
            )
        notes += [one for one in self.mistakes if "false page" in one]
        return Section(
            "noc" if factor != 1 else "noc-shipped",
            ("what happens", "times", "pages due", "came", "missed", "false"),
            rows,
            notes,
        )


def _part(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def judge(name: str, due: tuple[frozenset[str], ...], pages: list[Page], result: Result) -> None:
    """Count what came of a scenario of this name: from each set one page was due, and no other."""
    tally = result.tallies[name]
    tally.played += 1
    tally.wanted += len(due)
    left = list(pages)
    for names in due:
        found = next((one for one in left if one.name in names), None)
        if found is None:
            result.mistakes.append(f"{name}: no page {' or '.join(sorted(names))}")
        else:
            left.remove(found)
            tally.right += 1
    tally.wrong += len(left)
    result.mistakes += [f"{name}: false page {words(one)}" for one in left]


def words(page: Page) -> str:
    """Say which page it is, and what it told."""
    where = " ".join(filter(None, map(page.labels.get, ("site", "channel", "agent", "device")))) or "province"
    told = page.annotations.get("summary_en", "")
    return f"{page.name} of {where}" + f" ({told})" * bool(told)
