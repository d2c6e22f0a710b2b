"""What programs ask for. Every answer but that about the past is made from memory: no handler waits for disk or network.

``/metrics`` Prometheus text 0.0.4 or OpenMetrics 1.0, gzip when asked for; ``/-/healthy`` and ``/-/ready`` 200 or 503 with the
reason; ``/api/v1/channels``, ``/api/v1/agents`` JSON; ``/api/v1/sd`` targets for Prometheus (http_sd_config); ``/events`` what
changes on the wall, as server-sent events.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.responses import PlainTextResponse, Response

from tslcd_collector.errors import LedgerError
from tslcd_collector.exposition import OPENMETRICS, TEXT, wants_gzip, wants_openmetrics
from tslcd_collector.maintenance import VIET_NAM
from tslcd_collector.web import events
from tslcd_wire.report import MAX_TIME

if TYPE_CHECKING:
    from starlette.requests import Request

    from tslcd_collector.web.view import View

#: From so many chunks on a body is joined in another thread; below that it takes less than 5 ms.
_MANY_CHUNKS: Final = 500
#: Prometheus and VictoriaMetrics send it with every scrape; a person with a browser does not.
_SCRAPER: Final = "x-prometheus-scrape-timeout-seconds"

#: How far back a question without ``from`` goes, and how long its answer may take; seconds.
PAST: Final = 7 * 86400.0
PATIENCE: Final = 10.0

_encode = msgspec.json.Encoder().encode


class Api:
    """The handlers, over ``view``."""

    def __init__(self, view: View) -> None:
        """Remember what may be looked at."""
        self._view = view

    async def metrics(self, request: Request) -> Response:
        """Expose everything to Prometheus."""
        openmetrics = wants_openmetrics(request.headers.get("accept", ""))
        zipped = wants_gzip(request.headers.get("accept-encoding", ""))
        self._view.metrics.listeners.set(self._view.feed.listeners)
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
        """Answer 503 with the loops that are stuck."""
        del request
        stuck = self._view.health.stuck()
        if stuck:
            return PlainTextResponse(f"stuck: {', '.join(stuck)}\n", 503)
        return PlainTextResponse("healthy\n")

    async def ready(self, request: Request) -> Response:
        """Answer 503 with the reason until everything is there."""
        del request
        reasons = self._view.not_ready()
        if reasons:
            return PlainTextResponse(f"not ready: {'; '.join(reasons)}\n", 503)
        return PlainTextResponse("ready\n")

    async def channels(self, request: Request) -> Response:
        """Answer every channel."""
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
        """Answer every agent."""
        del request
        return _json({"agents": self._view.agents()})

    async def discovery(self, request: Request) -> Response:
        """Name the collector as a target, by the address the asker used; ``?kind=`` of anything else is empty."""
        if request.query_params.get("kind", "collector") != "collector":
            return _json([])
        labels = {"__meta_tslcd_kind": "collector", "__meta_tslcd_collector": self._view.collector}
        return _json([{"targets": [request.url.netloc], "labels": labels}])

    async def day(self, request: Request) -> Response:
        """Answer the last day of a channel, a point every five minutes."""
        channel = request.path_params["channel"]
        inventory = self._view.supervision.inventory
        if inventory is None or channel not in inventory.channels:
            return _json({"error": "no such channel"}, 404)
        points = self._view.day.points(channel, time.time())
        return _json({"channel": channel, "points": [point._asdict() for point in points]})

    async def events(self, request: Request) -> Response:
        """Tell what changes, from the event on that the browser saw last; ``?seen=`` is that of its page."""
        if request.method == "HEAD":
            return Response(headers=events.HEADERS)
        view = self._view
        view.rows()
        seen = request.headers.get("last-event-id") or request.query_params.get("seen", "")
        listener = view.feed.join(seen, view.beat())
        if listener is None:
            return PlainTextResponse("too many listeners: come back later\n", 503, {"Retry-After": "30"})
        return events.EventStream(view.feed, listener)


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
