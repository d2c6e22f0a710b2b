"""A real Prometheus for tests, on loopback, with a store of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import urllib.parse
from typing import TYPE_CHECKING, Any

from support.processes import Program, find_program, free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class PrometheusError(Exception):
    """A query that Prometheus does not accept; the message is its own."""


class Prometheus:
    """Prometheus on a port of its own; ``configuration`` is the text of prometheus.yml."""

    def __init__(self, directory: Path, configuration: str = "scrape_configs: []\n") -> None:
        """Write its configuration; nothing runs yet."""
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.data = directory / "data"
        (directory / "prometheus.yml").write_text(configuration)
        self.program = Program(
            [
                find_program("prometheus"),
                f"--config.file={directory / 'prometheus.yml'}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--web.enable-remote-write-receiver",
                "--log.level=warn",
            ],
            directory / "prometheus.log",
        )

    @contextlib.contextmanager
    def running(self) -> Iterator[Prometheus]:
        """Run for the time of a block."""
        with running(self.program, lambda: self._get("/-/ready")[0] == http.HTTPStatus.OK, 30):
            yield self

    def query(self, expr: str) -> list[dict[str, Any]]:
        """Ask for now. Returns the samples as Prometheus does. Raises PrometheusError."""
        return self._result("/api/v1/query", {"query": expr})

    def query_range(self, expr: str, start: float, end: float, step: float = 30.0) -> list[dict[str, Any]]:
        """Ask for a range, UTC seconds. Raises PrometheusError."""
        return self._result("/api/v1/query_range", {"query": expr, "start": start, "end": end, "step": step})

    def _result(self, path: str, arguments: dict[str, object]) -> list[dict[str, Any]]:
        _, body = self._get(f"{path}?{urllib.parse.urlencode(arguments)}")
        answer = json.loads(body)
        if answer["status"] != "success":
            raise PrometheusError(answer["error"])
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def _get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()
