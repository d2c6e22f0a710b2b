"""A time-series store over HTTP: one connection kept open, every failure an answer. The only importer of the HTTP library.

Invariants: a request ends within ``timeout``, whatever the other side does; no redirect is followed and no proxy of the environment used,
so samples and passwords go where the settings say and nowhere else; no more than MAX_BODY bytes of an answer are read.
"""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

import httpcore

from tslcd_collector.backfill import remote_write
from tslcd_collector.backfill.answer import Answer, Outcome, read

if TYPE_CHECKING:
    from tslcd_collector.backfill.settings import Target

MAX_BODY: Final = 8 * 2**20
#: A Go program's own metrics have it (client_golang process collector); VictoriaMetrics too.
_STARTED = re.compile(rb"^process_start_time_seconds(?:\{[^}]*\})? ([0-9.e+]+)", re.MULTILINE)


class Endpoint:
    """One target; an async context manager. ``timeout``: seconds for a whole request."""

    def __init__(self, target: Target, timeout: float) -> None:
        """Remember; :meth:`__aenter__` reads certificates."""
        self._target = target
        self._timeout = timeout
        parts = urlsplit(target.url)
        self._metrics = f"{parts.scheme}://{parts.netloc}/metrics"
        self._headers: list[tuple[bytes | str, bytes | str]] = [
            *remote_write.HEADERS.items(),
            *target.headers.items(),
            *_authorization(target).items(),
        ]
        self._pool: httpcore.AsyncConnectionPool | None = None

    def __str__(self) -> str:
        """Name the target; its address may have secrets in it."""
        return self._target.name

    async def __aenter__(self) -> Self:
        """Read certificates, in a thread. Raises OSError, ssl.SSLError."""
        context = await asyncio.to_thread(_tls, self._target)
        self._pool = await httpcore.AsyncConnectionPool(
            ssl_context=context, max_connections=1, max_keepalive_connections=1, keepalive_expiry=60.0
        ).__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close the connection."""
        if self._pool is not None:
            await self._pool.aclose()
            self._pool = None

    async def send(self, body: bytes) -> Answer:
        """POST a request's body."""
        try:
            status, headers, text = await self._ask("POST", self._target.url, body)
        except _FAILURES as error:
            return Answer(Outcome.UNREACHABLE, text=f"{type(error).__name__} {error}".strip()[:200])
        return read(status, headers.get(b"retry-after", b"").decode("latin-1"), text, time.time())

    async def started(self) -> float | None:
        """Return since when the store's process runs (UTC seconds); 0 when it does not say, None when it does not answer."""
        try:
            status, _, text = await self._ask("GET", self._metrics, b"")
        except _FAILURES:
            return None
        found = _STARTED.search(text) if status == HTTPStatus.OK else None
        return float(found[1]) if found is not None else 0.0

    async def _ask(self, method: str, url: str, body: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
        if self._pool is None:
            raise httpcore.ConnectError("closed")
        async with (
            asyncio.timeout(self._timeout),
            self._pool.stream(method, url, headers=self._headers, content=body) as response,
        ):
            parts, size = [], 0
            async for part in response.aiter_stream():
                parts.append(part)
                size += len(part)
                if size > MAX_BODY:
                    break
            return response.status, {name.lower(): value for name, value in response.headers}, b"".join(parts)


_FAILURES: Final = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    httpcore.ConnectionNotAvailable,
    TimeoutError,
    OSError,
)


def _authorization(target: Target) -> dict[str, str]:
    if target.password is None:
        return {}
    if target.username is None:
        return {"Authorization": f"Bearer {target.password.reveal()}"}
    both = f"{target.username}:{target.password.reveal()}".encode()
    return {"Authorization": f"Basic {base64.b64encode(both).decode()}"}


def _tls(target: Target) -> ssl.SSLContext | None:
    if not target.url.startswith("https:"):
        return None
    tls = target.tls
    context = ssl.create_default_context(cafile=tls.ca if tls is not None else None)
    if tls is not None and tls.certificate is not None:
        context.load_cert_chain(tls.certificate, tls.key)
    return context
