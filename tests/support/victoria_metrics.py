"""A real VictoriaMetrics for tests, on loopback, with a store of its own."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from support.processes import Program, find_program, free_port, running
from support.prometheus import Prometheus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class VictoriaMetrics(Prometheus):
    """Answers queries as Prometheus does."""

    def __init__(self, directory: Path, configuration: str = "scrape_configs: []\n") -> None:
        """Write its configuration; nothing runs yet."""
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        (directory / "scrape.yml").write_text(configuration)
        self.program = Program(
            [
                find_program("victoria-metrics"),
                f"-storageDataPath={directory / 'data'}",
                f"-httpListenAddr=127.0.0.1:{self.port}",
                f"-promscrape.config={directory / 'scrape.yml'}",
                "-retentionPeriod=3",
                "-dedup.minScrapeInterval=1ms",
                "-memory.allowedBytes=100MB",
                "-search.latencyOffset=0s",
                "-loggerLevel=WARN",
            ],
            directory / "victoria-metrics.log",
        )

    @contextlib.contextmanager
    def running(self) -> Iterator[VictoriaMetrics]:
        """Run for the time of a block."""
        with running(self.program, lambda: self._get("/health")[0] == 200, 30):
            yield self

    def _result(self, path: str, arguments: dict[str, object]) -> list[dict[str, Any]]:
        """Let what came be seen at once, and ask."""
        self._get("/internal/force_flush")
        return super()._result(path, arguments)
