"""A small time-series store for tests: takes remote write over real HTTP, keeps what it took, and answers as it is told."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from tslcd_collector.backfill.remote_write import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Labels and milliseconds.
Key: TypeAlias = tuple[frozenset[tuple[str, str]], int]
CANARY = "tslcd_collector_backfill_canary_timestamp_seconds"


class Reply(NamedTuple):
    """What the store answers; a status of 0 hangs up without a word, and -1 says nothing until the store closes."""

    status: int = 204
    headers: tuple[tuple[str, str], ...] = ()
    text: str = ""


class SampleStore:
    """Listens on a port of its own. ``rule`` decides about the samples of a request, after they were counted as seen."""

    def __init__(self) -> None:
        """Take everything."""
        self.rule: Callable[[dict[Key, float]], Reply] = lambda _: Reply()
        self.started = 1_790_000_000.0
        self.taken: dict[Key, float] = {}
        #: Samples that were taken with another value than before.
        self.changed = 0
        #: How often each body came.
        self.bodies: Counter[bytes] = Counter()
        self.requests = 0
        self.canaries = 0
        self.headers: dict[str, str] = {}
        self._free = threading.Event()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def running(self) -> Iterator[SampleStore]:
        """Serve for the time of a block."""
        store = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65536  # head and body leave together

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with store._lock:
                    store.headers = dict(self.headers.items())
                    reply = store._take(body)
                self._answer(reply)

            def do_GET(self) -> None:
                self._answer(Reply(200, (), f"# TYPE x gauge\nprocess_start_time_seconds {store.started:.2f}\n"))

            def _answer(self, reply: Reply) -> None:
                if reply.status == -1:
                    store._free.wait(30)
                if reply.status <= 0:
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in reply.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.text)))
                self.end_headers()
                self.wfile.write(reply.text.encode())

            def log_message(self, *_: Any) -> None:
                return

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._free.set()
            server.shutdown()
            server.server_close()
            thread.join()

    @property
    def url(self) -> str:
        """Where to write."""
        return f"http://127.0.0.1:{self.port}/api/v1/write"

    def values(self, name: str) -> dict[int, float]:
        """Return milliseconds and value of everything taken of a family, whatever its other labels."""
        return {at: value for (labels, at), value in self.taken.items() if ("__name__", name) in labels}

    def lose(self) -> None:
        """Forget everything, as a power cut makes a store do, and be another process from now on."""
        with self._lock:
            self.taken.clear()
            self.started += 1000

    def _take(self, body: bytes) -> Reply:
        samples: dict[Key, float] = {
            (frozenset(labels.items()), at): value for labels, points in decode(body) for at, value in points
        }
        self.requests += 1
        self.bodies[body] += 1
        alone = all(("__name__", CANARY) in labels for labels, _ in samples)
        self.canaries += alone
        reply = self.rule(samples)
        if 200 <= reply.status < 300:
            for key, value in samples.items():
                self.changed += self.taken.get(key, value) != value
                if ("__name__", CANARY) not in key[0]:
                    self.taken[key] = value
        return reply
