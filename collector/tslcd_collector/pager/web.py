"""The pager over HTTP.

``POST /alerts/<severity>`` and ``/dead-man`` take Alertmanager's webhook; ``/-/healthy``, ``/-/ready``, ``/metrics``; ``/ack/<token>`` is the only
path that phones need: a proxy lets that one through.

Invariants:

* 200 to a webhook means: on disk, synced, with every message that follows from it. 503 means: nothing of it is, send it again.
* 4xx means: never send that again (Alertmanager does not); so only what can never be understood gets it.
* GET of a link shows a page and changes nothing, since chats fetch links to show a preview; POST acknowledges.
* A body is read only as far as it may be long, and only for as long as READING seconds; a token is compared in constant time.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from tslcd_collector.errors import StoreError
from tslcd_collector.pager import incidents, links, webhook, wording
from tslcd_collector.pager.hours import clock
from tslcd_collector.pager.metrics import CONTENT_TYPE
from tslcd_collector.pager.settings import SEVERITIES
from tslcd_collector.pager.story import Kind
from tslcd_collector.pager.webhook import MAX_BODY, WebhookError
from tslcd_runtime.language import Language
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    import sqlite3

    from starlette.requests import Request

    from tslcd_collector.pager.links import Grant
    from tslcd_collector.pager.reception import Reception
    from tslcd_collector.pager.webhook import Webhook

#: A body that takes longer is given up, seconds.
READING: Final = 10.0
#: Longer bodies are read in another thread, so that a large one does not stop the loop.
_LONG: Final = 32 * 2**10
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_templates = Environment(
    loader=PackageLoader("tslcd_collector.pager"), autoescape=select_autoescape(default=True), auto_reload=False
)
_page = _templates.get_template("acknowledge.html")


class _Refusal(Exception):  # noqa: N818 - an answer, not an error of ours
    """An answer that ends the handling of a post."""

    def __init__(self, status: int, result: str, text: str) -> None:
        super().__init__(text)
        self.status, self.result, self.text = status, result, text


def application(reception: Reception) -> Starlette:
    """Make the ASGI application."""
    routes = _Routes(reception)
    return Starlette(
        routes=[
            Route("/alerts/{severity}", routes.alerts, methods=["POST"]),
            Route("/dead-man", routes.dead_man, methods=["POST"]),
            Route("/ack/{token}", routes.acknowledge, methods=["GET", "POST"]),
            Route("/-/healthy", routes.healthy),
            Route("/-/ready", routes.ready),
            Route("/metrics", routes.metrics),
        ]
    )


class _Routes:
    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._log = get_logger("pager")
        self._said: dict[str, float] = {}

    async def alerts(self, request: Request) -> Response:
        severity = request.path_params["severity"]
        return await self._post(request, severity if severity in SEVERITIES else None)

    async def dead_man(self, request: Request) -> Response:
        return await self._post(request, "")

    async def _post(self, request: Request, severity: str | None) -> Response:
        """Take a post; ``severity`` is "" for the dead man's switch and None for a path that there is not."""
        try:
            self._authorize(request)
            if severity is None:
                raise _Refusal(404, "unknown_path", f"unknown severity: known are {', '.join(SEVERITIES)}")
            body = await self._body(request)
            try:
                found = await asyncio.to_thread(webhook.read, body) if len(body) > _LONG else webhook.read(body)
            except WebhookError as error:
                raise _Refusal(400, "malformed", str(error)) from None
            await self._take(severity, found)
        except _Refusal as refusal:
            self._reception.metrics.posts.labels(refusal.result).inc()
            self._say(refusal)
            return PlainTextResponse(f"{refusal.text}\n", refusal.status)
        self._reception.metrics.posts.labels("accepted").inc()
        return PlainTextResponse("stored\n")

    def _authorize(self, request: Request) -> None:
        token = self._reception.settings.web.token
        given = request.headers.get("authorization", "")
        if token is not None and not hmac.compare_digest(given.encode(), f"Bearer {token.reveal()}".encode()):
            raise _Refusal(401, "unauthorized", "wrong token")

    async def _body(self, request: Request) -> bytes:
        parts, size = [], 0
        try:
            async with asyncio.timeout(READING):
                async for part in request.stream():
                    parts.append(part)
                    size += len(part)
                    if size > MAX_BODY:
                        raise _Refusal(413, "too_large", f"longer than {MAX_BODY} bytes")
        except TimeoutError:
            raise _Refusal(503, "malformed", f"not sent within {READING:g} s") from None
        return b"".join(parts)

    async def _take(self, severity: str, found: Webhook) -> None:
        try:
            if severity:
                await self._reception.take(severity, found)
            elif (starts := webhook.heartbeat(found)) is not None:
                await self._reception.heard(starts)
        except StoreError as error:
            raise _Refusal(503, "queue_failed", str(error)) from None

    def _say(self, refusal: _Refusal) -> None:
        """Log a refusal once in ten minutes a kind."""
        now = time.monotonic()
        if now - self._said.get(refusal.result, -1e9) > 600.0:  # noqa: PLR2004 - ten minutes
            self._said[refusal.result] = now
            self._log.error("post refused", result=refusal.result, reason=refusal.text)

    async def acknowledge(self, request: Request) -> Response:
        now, reception = time.time(), self._reception
        token, url = request.path_params["token"], reception.settings.links.url
        grant = links.verify(token, reception.key, now) if url else None
        if grant is None:
            return PlainTextResponse(
                "Liên kết không đúng hoặc đã hết hạn · This link is wrong or has expired\n", 404, headers=_HEADERS
            )
        recipient = reception.routing.recipients.get(grant.recipient)
        language = Language(recipient.language if recipient is not None else "vi")
        try:
            if request.method == "POST":
                await reception.acknowledge(grant)
            rows = await reception.queue.run(lambda connection: _rows(connection, grant, language))
        except StoreError:
            text = language.say(
                vi="Chưa ghi được, hãy thử lại sau ít giây", en="Not written down: try again in a moment"
            )
            return PlainTextResponse(f"{text}\n", 503, headers=_HEADERS)
        return HTMLResponse(_page.render(rows=rows, say=language.say, language=language.value), headers=_HEADERS)

    async def healthy(self, request: Request) -> Response:
        del request
        stuck = self._reception.health.stuck()
        return PlainTextResponse(f"stuck: {', '.join(stuck)}\n" if stuck else "healthy\n", 503 if stuck else 200)

    async def ready(self, request: Request) -> Response:
        del request
        ready = self._reception.ready
        return PlainTextResponse("ready\n" if ready else "not ready: the queue is not open\n", 200 if ready else 503)

    async def metrics(self, request: Request) -> Response:
        del request
        return Response(self._reception.metrics.render(), headers={"Content-Type": CONTENT_TYPE})


def _rows(connection: sqlite3.Connection, grant: Grant, language: Language) -> list[dict[str, object]]:
    """Return what the page says of each incident of a link."""
    found = []
    for number in grant.incidents:
        incident = incidents.get(connection, number)
        if incident is None:
            continue
        story = incidents.current(connection, number, Kind.FIRING, incident.opened)
        if incident.closed is not None:
            state = language.say(vi="đã kết thúc lúc", en="over since") + f" {clock(incident.closed)}"
        elif incident.acknowledged is not None:
            who = incident.acknowledged_by
            state = language.say(vi=f"{who} đã xác nhận lúc", en=f"acknowledged by {who} at")
            state += f" {clock(incident.acknowledged)}"
        else:
            state = ""
        text = wording.title(story, language) if story.items else language.say(vi="Sự cố", en="Incident")
        found.append({"number": number, "text": text, "state": state})
    return found
