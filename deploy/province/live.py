"""The live table of all channels in the terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from province.stage import Stage

#: Shape and colour of each state: readable without the colour too.
_MARKS: Final = {
    "up": ("●", "green"),
    "degraded": ("◐", "yellow"),
    "down": ("✖", "bold red"),
    "unknown": ("?", "magenta"),
    "maintenance": ("◇", "blue"),
}


def run(stage: Stage, console: Console) -> None:
    """Redraw the table every second until Ctrl-C."""
    with Live(console=console, auto_refresh=False) as screen:
        while True:
            try:
                body: Any = _table(stage.channels())
            except (OSError, ValueError) as error:
                body = Text(f"bộ thu thập không trả lời · the collector does not answer: {error}", style="bold red")
            screen.update(Group(body, addresses(stage)), refresh=True)
            time.sleep(1)


def addresses(stage: Stage) -> Text:
    """Return the addresses to open, and where the parts' logs are."""
    lines = [f"bộ thu thập · collector   {stage.collector_url}/   {stage.collector_url}/metrics"]
    if stage.prometheus_url:
        lines.append(f"Prometheus               {stage.prometheus_url}/alerts")
    lines.append(f"nhật ký · logs            {stage.work.relative_to(stage.project)}/*.log")
    lines.append("kết thúc · end            Ctrl-C")
    return Text("\n".join(lines))


def _table(channels: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title="Kênh truyền · Channels", title_justify="left", expand=False)
    for heading in (
        "",
        "kênh · channel",
        "điểm · site",
        "trạng thái · state",
        "lý do · reason",
        "xử lý · party",
        "↓ Mbps",
        "↑ Mbps",
    ):
        table.add_column(heading, justify="right" if heading.endswith("Mbps") else "left", no_wrap=True)
    for one in channels:
        mark, style = _MARKS.get(str(one["state"]), ("?", ""))
        traffic = one.get("traffic") or {}
        table.add_row(
            Text(mark, style=style),
            str(one["id"]),
            str(one.get("site_name") or one["site"]),
            Text(str(one["state"]), style=style),
            str(one["reason"]),
            str(one["party"]),
            *(_mbps(traffic.get(f"{way}_bits_per_second")) for way in ("receive", "transmit")),
        )
    return table


def _mbps(bits_per_second: object) -> str:
    return f"{bits_per_second / 1e6:.2f}" if isinstance(bits_per_second, int | float) else "–"
