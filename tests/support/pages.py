"""A receiver of Alertmanager's webhooks: what would be sent to people, when, and how often the dead man's switch was heard."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Page:
    """An alert that somebody is told of for the first time; ``at`` by the monotonic clock, in seconds."""

    at: float
    receiver: str
    labels: dict[str, str] = field(hash=False)
    annotations: dict[str, str] = field(hash=False, compare=False)

    @property
    def name(self) -> str:
        """The alert's name."""
        return self.labels["alertname"]


class PageSink:
    """Takes webhooks on ``port``. An alert is a page when it was not told before, or was told to be over since."""

    def __init__(self) -> None:
        """Take a port; :meth:`running` serves."""
        self.pages: list[Page] = []
        self.dead_man: list[float] = []
        self._open: dict[str, str] = {}
        self._lock = threading.Lock()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink.take(self.path, json.loads(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]

    def take(self, path: str, document: dict[str, object]) -> None:
        """Note a webhook."""
        now = time.monotonic()
        alerts = document["alerts"]
        assert isinstance(alerts, list)
        with self._lock:
            if path.endswith("/dead-man"):
                self.dead_man.append(now)
                return
            for alert in alerts:
                key = alert["fingerprint"]
                if alert["status"] == "resolved":
                    self._open.pop(key, None)
                elif key not in self._open:
                    self._open[key] = alert["startsAt"]
                    self.pages.append(Page(now, path, alert["labels"], alert["annotations"]))

    @contextlib.contextmanager
    def running(self) -> Iterator[Self]:
        """Serve for the time of a block."""
        thread = threading.Thread(target=self._server.serve_forever, name="pages")
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()
