"""What a rig found, as a table for people, as JSON, and as a section of ``tests/faults/README.md``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.table import Table

from bench import machine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

PAGE: Final = Path(__file__).parents[1] / "faults" / "README.md"


@dataclass(frozen=True)
class Section:
    """A table and what is said below it. ``name`` stands in the page's marks."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]

    def show(self, console: Console) -> None:
        """Write the table for people."""
        table = Table(
            title=f"soak {self.name}", caption=machine.describe(), title_justify="left", caption_justify="left"
        )
        for number, column in enumerate(self.columns):
            table.add_column(column, justify="right" if number else "left")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)
        for note in self.notes:
            console.print(f"· {note}", markup=False)

    def markdown(self) -> str:
        """Return it for the page."""
        lines = ["| " + " | ".join(self.columns) + " |", "|---" + "|---:" * (len(self.columns) - 1) + "|"]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join((*lines, "", *self.notes, "", machine.describe() + "."))

    def to_json(self, failures: Sequence[str]) -> str:
        """Return everything, for programs."""
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return json.dumps(
            {"rig": self.name, "rows": rows, "notes": list(self.notes), "failures": list(failures)}, ensure_ascii=False
        )


def write(section: Section, page: Path = PAGE) -> None:
    """Put a section in the place of its elder. Raises LookupError when the page has no place for it."""
    text = page.read_text(encoding="utf-8")
    place = re.compile(rf"(<!-- soak {section.name} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not place.search(text):
        raise LookupError(section.name)
    page.write_text(place.sub(lambda found: f"{found[1]}\n{section.markdown()}\n\n{found[2]}", text), encoding="utf-8")
