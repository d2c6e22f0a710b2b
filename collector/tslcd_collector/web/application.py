"""The routes. Every answer but that about the past is made from memory: no handler waits for disk or network.

``/metrics`` Prometheus text 0.0.4 or OpenMetrics 1.0, gzip when asked for; ``/-/healthy`` and ``/-/ready`` 200 or 503 with the
reason; ``/api/v1/channels``, ``/api/v1/agents`` JSON; ``/api/v1/sd`` targets for Prometheus (http_sd_config); ``/`` a page.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from typing import TYPE_CHECKING, Final

import msgspec
from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from tslcd_collector.errors import LedgerError
from tslcd_collector.exposition import OPENMETRICS, TEXT, wants_gzip, wants_openmetrics
from tslcd_collector.verdict import STATE_WORDS, State
from tslcd_wire.report import MAX_TIME

if TYPE_CHECKING:
    from starlette.requests import Request

    from tslcd_collector.web.view import View

#: Local time of all people here; no daylight saving (Asia/Ho_Chi_Minh).
VIET_NAM: Final = dt.timezone(dt.timedelta(hours=7))
#: From so many chunks on a body is joined in another thread; below that it takes less than 5 ms.
_MANY_CHUNKS: Final = 500
#: Prometheus and VictoriaMetrics send it with every scrape; a person with a browser does not.
_SCRAPER: Final = "x-prometheus-scrape-timeout-seconds"

#: How far back a question without ``from`` goes, and how long its answer may take; seconds.
PAST: Final = 7 * 86400.0
PATIENCE: Final = 10.0

_templates = Environment(
    loader=PackageLoader("tslcd_collector.web"), autoescape=select_autoescape(default=True), auto_reload=False
)
_index = _templates.get_template("index.html")
_encode = msgspec.json.Encoder().encode


def application(view: View) -> Starlette:
    """Make the ASGI application over ``view``."""
    routes = _Routes(view)
    return Starlette(
        routes=[
            Route("/", routes.index),
            Route("/metrics", routes.metrics),
            Route("/-/healthy", routes.healthy),
            Route("/-/ready", routes.ready),
            Route("/api/v1/channels", routes.channels),
            Route("/api/v1/channels/{channel}/history", routes.history),
            Route("/api/v1/agents", routes.agents),
            Route("/api/v1/sd", routes.discovery),
        ]
    )


class _Routes:
    def __init__(self, view: View) -> None:
        self._view = view

    async def metrics(self, request: Request) -> Response:
        openmetrics = wants_openmetrics(request.headers.get("accept", ""))
        zipped = wants_gzip(request.headers.get("accept-encoding", ""))
        own = self._view.metrics.render(openmetrics=openmetrics)
        scrape = self._view.exposition.scrape(own, openmetrics=openmetrics, zipped=zipped)
        many = sum(len(chunks) for _, chunks in scrape.parts) > _MANY_CHUNKS
        body = await asyncio.to_thread(scrape.body) if many else scrape.body()
        headers = {"Content-Type": OPENMETRICS if openmetrics else TEXT, "Vary": "Accept, Accept-Encoding"}
        if zipped:
            headers["Content-Encoding"] = "gzip"
        if _SCRAPER in request.headers and request.client is not None:
            self._view.scraped(request.client.host)
        return Response(body, headers=headers)

    async def healthy(self, request: Request) -> Response:
        del request
        stuck = self._view.health.stuck()
        if stuck:
            return PlainTextResponse(f"stuck: {', '.join(stuck)}\n", 503)
        return PlainTextResponse("healthy\n")

    async def ready(self, request: Request) -> Response:
        del request
        reasons = self._view.not_ready()
        if reasons:
            return PlainTextResponse(f"not ready: {'; '.join(reasons)}\n", 503)
        return PlainTextResponse("ready\n")

    async def channels(self, request: Request) -> Response:
        del request
        return _json({"channels": self._view.channels()})

    async def history(self, request: Request) -> Response:
        """Answer what a channel was ``?from=&to=``, each UTC seconds or ISO 8601; without them the last 7 days."""
        now = time.time()
        try:
            until = moment(request.query_params.get("to"), now)
            since = moment(request.query_params.get("from"), until - PAST)
        except ValueError as error:
            return _json({"error": str(error)}, 400)
        if since > until:
            return _json({"error": "from is after to"}, 400)
        try:
            async with asyncio.timeout(PATIENCE):
                found = await self._view.history(request.path_params["channel"], since, until)
        except (LedgerError, TimeoutError) as error:
            return _json({"error": str(error) or "the ledger is busy: ask again"}, 503)
        return _json({"error": "no such channel"}, 404) if found is None else _json(found)

    async def agents(self, request: Request) -> Response:
        del request
        return _json({"agents": self._view.agents()})

    async def discovery(self, request: Request) -> Response:
        """Name the collector as a target, by the address the asker used; ``?kind=`` of anything else is empty."""
        if request.query_params.get("kind", "collector") != "collector":
            return _json([])
        labels = {"__meta_tslcd_kind": "collector", "__meta_tslcd_collector": self._view.collector}
        return _json([{"targets": [request.url.netloc], "labels": labels}])

    async def index(self, request: Request) -> Response:
        del request
        channels = self._view.channels()
        totals = [
            (words.vi, words.en, state.value, sum(channel["state"] == state.value for channel in channels))
            for state, words in ((state, STATE_WORDS[state]) for state in State)
        ]
        for channel in channels:
            since = dt.datetime.fromtimestamp(channel["state_since"], VIET_NAM)
            channel["since_text"] = f"{since:%d/%m/%Y %H:%M:%S}"
        return HTMLResponse(_index.render(channels=channels, totals=totals))


def moment(text: str | None, otherwise: float) -> float:
    """Read a time of a question: UTC seconds, or ISO 8601 with its offset, local (UTC+7) without. Raises ValueError."""
    if not text:
        return otherwise
    try:
        seconds = float(text)
    except ValueError:
        try:
            when = dt.datetime.fromisoformat(text.replace(" ", "+"))
        except ValueError:
            msg = f"{text[:40]!r}: a time looks like 1790000000 or 2026-09-21T21:13:20+07:00"
            raise ValueError(msg) from None
        seconds = (when if when.tzinfo else when.replace(tzinfo=VIET_NAM)).timestamp()
    if not 0 <= seconds <= MAX_TIME:
        msg = f"{text[:40]!r}: not a time of this age"
        raise ValueError(msg)
    return seconds


def _json(document: object, status: int = 200) -> Response:
    return Response(_encode(document), status, media_type="application/json")
