"""HTTP and HTTPS: the only importer of h11, which knows HTTP/1.1 and no sockets, so that the phases are ours.

Invariants:

* What is read is bounded: the head by h11, the body by ``max_body``, interim answers by number; time by the deadline alone.
* A redirect is followed only where that is configured; its target is resolved and asked for permission like any other, and a
  way from https to http is not taken.
* A pattern that takes too long on a body is given up: its search holds the whole agent, whatever thread it runs in.
* No cookie, no credential and no body is ever sent.
"""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

import h11

from tslcd_agent.config.probes import web_address_problem
from tslcd_agent.probes import tls
from tslcd_agent.probes.contract import ProbeError
from tslcd_agent.telemetry import VERSION

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from types import FrameType

    from tslcd_agent.config import HttpProbe
    from tslcd_agent.probes.contract import Findings
    from tslcd_agent.probes.means import Means

_MAX_HEAD: Final = 16 * 1024
_MAX_INTERIM: Final = 8
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
#: The most that one search for ``body`` may take, in seconds of this process' own work; an ordinary one takes a millisecond.
SEARCH_WITHIN: Final = 0.1
_PORTS: Final = {"http": 80, "https": 443}


async def probe(settings: HttpProbe, means: Means, findings: Findings) -> None:
    """Ask once, or as often as redirects want and may. Raises ProbeError."""
    url = settings.target
    for left in range(settings.redirects, -1, -1):
        location = await _ask(settings, url, means, findings, follow=left > 0)
        if location is None:
            return
        url = _next(url, location)


def _next(url: str, location: str) -> str:
    """Return where a redirect leads. Raises ProbeError."""
    following = urljoin(url, location)
    if web_address_problem(following) is not None:
        raise ProbeError("bad_answer", "redirected to what is no web address")
    if url.lower().startswith("https:") and not following.lower().startswith("https:"):
        raise ProbeError("bad_answer", "redirected from https to http")
    return following


async def _ask(settings: HttpProbe, url: str, means: Means, findings: Findings, *, follow: bool) -> str | None:
    """Ask for one address; return where it leads to with ``follow``, None when it is the end. Raises ProbeError."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or _PORTS[parts.scheme]
    async with tls.session(settings, host, port, means, findings, tls=secure) as (reader, writer):
        shown = f"[{host}]" if ":" in host else host
        request = h11.Request(
            method=settings.method,
            target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            headers=[
                ("Host", shown if port == _PORTS[parts.scheme] else f"{shown}:{port}"),
                ("User-Agent", f"tslcd-agent/{VERSION}"),
                ("Accept", "*/*"),
                ("Connection", "close"),
            ],
        )
        try:
            return await _exchange(settings, request, reader, writer, findings, follow=follow)
        except h11.RemoteProtocolError as error:
            raise ProbeError("bad_answer", f"not HTTP as it should be: {str(error)[:120]}") from None


async def _exchange(
    settings: HttpProbe,
    request: h11.Request,
    reader: StreamReader,
    writer: StreamWriter,
    findings: Findings,
    *,
    follow: bool,
) -> str | None:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD)
    with findings.measure("answer"):
        writer.write((connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b""))
        await writer.drain()
        response = await _response(connection, reader)
    status = response.status_code
    findings.tell(http_status=status)
    location = next((value for name, value in response.headers if name == b"location"), None)
    if follow and status in _REDIRECTS and location is not None:
        return location.decode("latin-1")
    if status not in settings.status if settings.status else not 200 <= status < 300:  # noqa: PLR2004 - RFC 9110 section 15
        raise ProbeError("bad_answer", f"status {status}")
    with findings.measure("transfer"):
        body = await _body(connection, reader, int(settings.max_body))
    if settings.body is not None and not matches(settings.body, body.decode(errors="replace")):
        raise ProbeError("bad_answer", f"the body does not match, in its first {len(body)} bytes")
    return None


def matches(pattern: str, text: str) -> bool:
    """Whether ``pattern`` is found in ``text``, within :data:`SEARCH_WITHIN`. Raises ProbeError. In the main thread only.

    The search of :mod:`re` gives way to nobody, but it looks for signals: a timer of this process' work (setitimer(2),
    ITIMER_VIRTUAL) ends one that would last for years. There is no telling from a pattern alone which those are.
    """
    signal.signal(signal.SIGVTALRM, _too_long)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, SEARCH_WITHIN)
        return re.search(pattern, text) is not None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _too_long(_number: int, _frame: FrameType | None) -> None:
    reason = f"the pattern of body takes longer than {SEARCH_WITHIN:g} s on this page: write it without nested repeats"
    raise ProbeError("bad_answer", reason)


async def _response(connection: h11.Connection, reader: StreamReader) -> h11.Response:
    """Return the head of the answer. Raises ProbeError, RemoteProtocolError, OSError."""
    interim = 0
    while True:
        event = await _event(connection, reader)
        if isinstance(event, h11.Response):
            return event
        interim += 1
        if interim > _MAX_INTERIM:
            raise ProbeError("bad_answer", "interim answers without end")


async def _body(connection: h11.Connection, reader: StreamReader, bound: int) -> bytes:
    """Return the body, or its first ``bound`` bytes. Raises RemoteProtocolError, OSError."""
    found = bytearray()
    while len(found) < bound:
        event = await _event(connection, reader)
        if not isinstance(event, h11.Data):
            break
        found += event.data
    return bytes(found[:bound])


async def _event(connection: h11.Connection, reader: StreamReader) -> object:
    while True:
        event = connection.next_event()
        if event is not h11.NEED_DATA:
            return event
        data = await reader.read(tls.READ_LIMIT)
        if not data and connection.their_state is h11.SEND_RESPONSE:
            raise ProbeError("bad_answer", "closed the connection without an answer")
        connection.receive_data(data)
