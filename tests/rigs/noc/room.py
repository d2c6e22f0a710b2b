"""The programs of the centre as they are shipped, but for ports, waiting times, and the pager's casebook behind a receiver."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from rigs.noc.pages import PageSink
from support import shortened
from support.broker import Broker
from support.processes import Program, find_program, free_port, port_open, running
from support.prometheus import Prometheus
from tslcd_collector.pager.reception import LATE
from tslcd_collector.pager.settings import DeadMan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rigs.noc.province import Province

MOSQUITTO: Final = shortened.DEPLOY / "mosquitto" / "mosquitto.conf"


class Room:
    """The programs of the centre, as shipped but for ports and waiting."""

    def __init__(self, folder: Path, province: Callable[[int], Province], factor: float) -> None:
        """Write all configuration."""
        self.factor = factor
        shorter, more = shortened.resend(factor)
        self.sink = PageSink(DeadMan().settle / factor, LATE / factor + more)
        lines = f"allow_anonymous true\npersistence true\npersistence_location {folder}/\n{_limits()}"
        self.broker = Broker(folder / "broker", lines=lines)
        self.province = province(self.broker.port)
        web, alerts = free_port(), free_port()
        settings = folder / "collector.yaml"
        known = self.province.inventory(folder / "inventory")
        settings.write_text(
            f"broker: {{port: {self.broker.port}}}\ninventory: {known}\nstore: {{directory: {folder / 'store'}}}\nweb: {{port: {web}}}\n"
        )
        self.collector = Program([sys.executable, "-m", "tslcd_collector", "run", "--config", str(settings)], folder / "collector.log")  # fmt: skip
        self.prometheus = Prometheus(folder / "prometheus")
        ports = {"tslcd-collector": web, "prometheus": self.prometheus.port, "alertmanager": alerts}
        text = shortened.prometheus(folder / "rules", factor, ports)
        (folder / "prometheus/prometheus.yml").write_text(text)
        self.prometheus.program.command.append(f"--rules.alert.resend-delay={(shorter + more) * 1000:.0f}ms")
        #: For so long an Alertmanager believes a dead Prometheus more than the divided times say, seconds.
        self.credulous = 4 * more
        (folder / "alertmanager.yml").write_text(shortened.alertmanager(factor, self.sink.port))
        self.alertmanager = Program(
            [
                find_program("prometheus-alertmanager"),
                f"--config.file={folder / 'alertmanager.yml'}",
                f"--storage.path={folder / 'alertmanager'}",
                f"--web.listen-address=127.0.0.1:{alerts}",
                "--cluster.listen-address=",
                "--log.level=warn",
            ],
            folder / "alertmanager.log",
        )
        self._ports = (self.broker.port, web, self.prometheus.port, alerts)

    @property
    def programs(self) -> tuple[Program, ...]:
        """Return all, in the order of their start."""
        return self.broker.program, self.collector, self.prometheus.program, self.alertmanager

    @contextlib.contextmanager
    def running(self) -> Iterator[Room]:
        """Run everything for the time of a block."""
        with self.sink.running(), contextlib.ExitStack() as stack:
            for program, port in zip(self.programs, self._ports, strict=True):
                stack.enter_context(running(program, partial(port_open, port), 30))
            yield self

    def firing(self) -> list[dict[str, str]]:
        """Return the labels of what pages and fires now."""
        found = self.prometheus.query('ALERTS{alertstate="firing",severity=~"critical|major"}')
        return [one["metric"] for one in found]

    async def seen(self, within: float) -> None:
        """Wait until Prometheus knows every channel. Raises TimeoutError."""
        wanted = sum(1 for site in self.province.everyone for _ in site.entries())

        def unknown() -> str:
            found = self.prometheus.query("count(tslcd_channel_up)")
            known = int(found[0]["value"][1]) if found else 0
            return f"Prometheus knows {known} of {wanted} channels" if known != wanted else ""

        await _until_nothing(unknown, within)

    async def quiet(self, within: float) -> None:
        """Wait until nothing fires that pages. Raises TimeoutError that names what does."""

        def loud() -> str:
            names = sorted({one["alertname"] for one in self.firing()})
            return f"still firing: {', '.join(names)}" if names else ""

        await _until_nothing(loud, within)


def _limits() -> str:
    """Return how much the shipped broker keeps for a collector that does not keep up."""
    return "".join(re.findall(r"^max_queued_\w+ .*\n", MOSQUITTO.read_text(), re.MULTILINE))


async def _until_nothing(wrong: Callable[[], str], within: float) -> None:
    """Ask Prometheus what is still wrong until it is nothing. Raises TimeoutError that says it."""
    deadline = time.monotonic() + within
    words = "Prometheus was not asked"
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            words = await asyncio.to_thread(wrong)
            if not words:
                return
        await asyncio.sleep(0.2)
    raise TimeoutError(words)
