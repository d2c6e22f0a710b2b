"""Reading a page of metrics as Prometheus does, and counting what is in it."""

from __future__ import annotations

import gzip
import http.client
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

#: What Prometheus 2.42 sends with every scrape.
ACCEPT: Final = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
_OK: Final = 200


@dataclass(frozen=True)
class Page:
    """A body as it is after decompression, and its size on the wire in bytes."""

    text: str
    size: int

    def samples(self, pattern: str = "") -> int:
        """Count the samples of families whose name begins like ``pattern`` (a regular expression)."""
        return sum(1 for line in self.text.splitlines() if line and line[0] != "#" and re.match(pattern, line))

    def total(self, family: str) -> float:
        """Add up the samples of one family."""
        lines = (line for line in self.text.splitlines() if line.startswith((f"{family}{{", f"{family} ")))
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


class Scraper:
    """One connection that is kept, like Prometheus keeps it. ``connect`` makes it."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        """Connect at the first scrape."""
        self._connect = connect
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str, *, zipped: bool = True, accept: str = ACCEPT) -> Page:
        """Return the page; over a new connection when the server closed the idle one. Raises OSError when it cannot be had."""
        headers = {"Accept": accept, "Accept-Encoding": "gzip" if zipped else "identity"}
        kept = self._connection is not None
        try:
            return self._ask(path, headers)
        except ConnectionError:
            if not kept:
                raise
            return self._ask(path, headers)

    def _ask(self, path: str, headers: dict[str, str]) -> Page:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1")
            self._connection.sock = self._connect()
        try:
            self._connection.request("GET", path, headers=headers)
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise ConnectionError(f"{path}: {error!r}") from None
        if response.will_close:
            self.close()
        if response.status != _OK:
            raise LookupError(f"{path}: {response.status} {body[:300]!r}")
        if response.headers.get("Content-Encoding") != "gzip":
            return Page(body.decode(), len(body))
        return Page(gzip.decompress(body).decode(), len(body))

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
