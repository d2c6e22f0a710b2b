"""The live table of all channels in the terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from tslcd_collector.commands.channels import ApiError, fetch, table
from tslcd_runtime.language import Language

if TYPE_CHECKING:
    from rich.console import Console

    from province.stage import Stage


def run(stage: Stage, console: Console) -> None:
    """Redraw the table every second until Ctrl-C; where there is no terminal, only say where to look."""
    if not console.is_terminal:
        console.print(addresses(stage))
    language = Language.choose()
    with Live(console=console, auto_refresh=False) as screen:
        while True:
            try:
                body: RenderableType = table(fetch(stage.collector_url), language)
            except ApiError as error:
                body = Text(str(error), style="bold red")
            if console.is_terminal:
                screen.update(Group(body, addresses(stage)), refresh=True)
            time.sleep(1)


def addresses(stage: Stage) -> Text:
    """Return the addresses to open, and where the parts' logs are."""
    lines = [f"bộ thu · collector  {stage.collector_url}/   {stage.collector_url}/metrics"]
    if stage.prometheus_url:
        lines.append(f"Prometheus                  {stage.prometheus_url}/alerts")
    if stage.alertmanager:
        lines.append(f"Alertmanager                http://127.0.0.1:{stage.ports.alertmanager}/")
    lines.append(f"nhật ký · logs              {stage.work.relative_to(stage.project)}/*.log")
    lines.append("kết thúc · end              Ctrl-C")
    return Text("\n".join(lines))
