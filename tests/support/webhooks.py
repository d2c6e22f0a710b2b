"""A receiver of Alertmanager's webhooks on loopback: what is made of a post is for the test to say."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from http import HTTPStatus


class WebhookServer:
    """Listens on a ``port`` of its own; ``take`` gets path and body of each post, in a thread, and returns the answer."""

    def __init__(self, take: Callable[[str, bytes], HTTPStatus]) -> None:
        """Take a port; :meth:`running` serves."""

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.send_response(take(self.path, self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Serve for the time of a block."""
        thread = threading.Thread(target=self._server.serve_forever, name="webhooks")
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()
