"""The page of all metric families, from the code: ``python -m tslcd_collector.exposition_page > collector/METRICS.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tslcd_collector.families import CATALOGUE, SUPERVISION
from tslcd_collector.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tslcd_collector.families import Family

_HEAD = """\
# Metrics

Made by `python -m tslcd_collector.exposition_page`; a test compares. Every family that `/metrics` can have: name, type, labels,
and the help text in Vietnamese and English. Times are Unix seconds, everything else is in base units. A label whose value is
empty is left out. Families are only ever added.
"""


def page() -> str:
    """Return the page as Markdown."""
    return "".join(
        (
            _HEAD,
            "\n## Kênh truyền và tác tử · channels and agents\n\n",
            "A channel's state, verdict, times and inventory never leave. Its traffic and quality leave when they are too old.\n\n",
            _table(SUPERVISION),
            "\n## Thiết bị, giao diện, phép đo, tác tử · devices, interfaces, probes, agents\n\n",
            "From the catalogue of the wire contract. A table that is not renewed for `expiry` leaves, as a real hole.\n\n",
            _table(CATALOGUE),
            "\n## Bộ thu · the collector itself\n\nAll of them exist from the start, at zero, with every label value.\n\n",
            _own(),
        )
    )


def _table(families: Iterable[Family]) -> str:
    rows = [
        _row(
            one.name,
            one.type,
            one.labels,
            f"{one.help_vi} · {one.help_en}" + (f" ({one.source})" if one.source else ""),
        )
        for one in families
    ]
    return _TABLE + "".join(rows)


_TABLE = "| family | type | labels | help |\n|---|---|---|---|\n"


def _row(name: str, kind: str, labels: Iterable[str], text: str) -> str:
    escaped = text.replace("|", "\\|")
    return f"| `{name}` | {kind} | {', '.join(labels)} | {escaped} |\n"


def _own() -> str:
    rows = []
    for family in Metrics().registry.collect():
        name = family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")
        labels = dict.fromkeys(label for sample in family.samples for label in sample.labels)
        rows.append(_row(name, "gauge" if family.type == "info" else family.type, labels, family.documentation))
    return _TABLE + "".join(rows)


@click.command()
def main() -> None:
    """Write the page of all metric families to standard output."""
    click.echo(page(), nl=False)


if __name__ == "__main__":
    main()
