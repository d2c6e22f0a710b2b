"""A real Alertmanager for tests, and a pager that takes its webhooks."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from support.processes import Program, find_program, free_port, port_open
from support.webhooks import WebhookServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Pager:
    """Receives webhooks on loopback. While ``fails`` it answers 503 and counts in ``refused``."""

    def __init__(self) -> None:
        """Listen on a port of its own."""
        self.pages: list[tuple[str, dict[str, Any]]] = []
        self.fails = False
        self.refused = 0
        self._server = WebhookServer(self._take)
        self.port = self._server.port

    def _take(self, path: str, body: bytes) -> HTTPStatus:
        if self.fails:
            self.refused += 1
            return HTTPStatus.SERVICE_UNAVAILABLE
        self.pages.append((path, json.loads(body)))
        return HTTPStatus.OK

    @contextlib.contextmanager
    def running(self) -> Iterator[Pager]:
        """Take webhooks for the time of a block."""
        with self._server.running():
            yield self

    def names(self, path: str) -> list[list[str]]:
        """Return, for each page to ``path``, the names of its alerts."""
        return [[one["labels"]["alertname"] for one in page["alerts"]] for where, page in self.pages if where == path]


class Alertmanager:
    """Alertmanager on a port of its own with a configuration whose receivers on 127.0.0.1:9480 are the pager given."""

    def __init__(self, directory: Path, configuration: str, pager: int) -> None:
        """Write the configuration; nothing runs yet."""
        self.port = free_port()
        file = directory / "alertmanager.yml"
        file.write_text(configuration.replace("127.0.0.1:9480", f"127.0.0.1:{pager}"))
        self.program = Program(
            [
                find_program("prometheus-alertmanager"),
                f"--config.file={file}",
                f"--storage.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--cluster.listen-address=",
            ],
            directory / "alertmanager.log",
        )

    def ready(self) -> bool:
        """Whether it takes alerts."""
        return port_open(self.port) and self._ask("GET", "/-/ready")[0] == HTTPStatus.OK

    def fire(self, *alerts: dict[str, str]) -> None:
        """Hand in alerts that have begun now."""
        self._hand_in([{"labels": one, "startsAt": _in(0)} for one in alerts])

    def resolve(self, *alerts: dict[str, str]) -> None:
        """Hand in that alerts are over."""
        self._hand_in([{"labels": one, "startsAt": _in(-60), "endsAt": _in(-1)} for one in alerts])

    def _hand_in(self, alerts: list[dict[str, Any]]) -> None:
        status, answer = self._ask("POST", "/api/v2/alerts", json.dumps(alerts).encode())
        assert status == HTTPStatus.OK, answer

    def _ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def _in(seconds: float) -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)).isoformat()
