"""A real Prometheus that scrapes two collectors and itself, for the tests of dashboards; a test says what each of them shows."""

from __future__ import annotations

import contextlib
import http.server
import threading
from typing import TYPE_CHECKING, Any, Final

import yaml

from support.processes import wait_until
from support.prometheus import Prometheus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: The two, as label ``instance``.
COLLECTORS: Final = ("collector", "collector-b")


@contextlib.contextmanager
def scraped(folder: Path, show: Callable[[str, int], bytes], rules: str = "") -> Iterator[Prometheus]:
    """Run a Prometheus with its files in ``folder`` until the end of the block; it has scraped itself when that begins.

    ``show``: the text of a collector at its scrape number (1 and up). ``rules``: a pattern that finds files of rules.
    """
    scrapes: dict[str, int] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/")
            scrapes[name] = scrapes.get(name, 0) + 1
            body = show(name, scrapes[name])
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="collectors")
    thread.start()
    one = Prometheus(folder / "store")
    jobs: list[dict[str, Any]] = [
        {
            "job_name": f"tslcd-{name}",
            "metrics_path": f"/{name}",
            "scrape_interval": "1s",
            "static_configs": [
                {
                    "targets": [f"127.0.0.1:{server.server_address[1]}"],
                    "labels": {"job": "tslcd-collector", "instance": name},
                }
            ],
        }
        for name in COLLECTORS
    ]
    jobs.append(
        {
            "job_name": "prometheus",
            "scrape_interval": "1s",
            "static_configs": [{"targets": [f"127.0.0.1:{one.port}"]}],
        }
    )
    (one.data.parent / "prometheus.yml").write_text(
        yaml.safe_dump({"scrape_configs": jobs, "rule_files": [rules] if rules else []})
    )
    try:
        with one.running():
            wait_until(
                lambda: one.query("rate(prometheus_tsdb_head_samples_appended_total[1m])"), 30, "its own scrapes"
            )
            yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
