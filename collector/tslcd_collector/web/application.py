"""The routes: pages for people, JSON and metrics for programs.

A page is served to whoever may reach the port. Where people log in, ``request.state.person`` is who asks; what only operators may do
is offered to them alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Route

from tslcd_collector import access
from tslcd_collector.operations import routes as operations
from tslcd_collector.web import judgement
from tslcd_collector.web.api import Api
from tslcd_collector.web.pages import Pages

if TYPE_CHECKING:
    from tslcd_collector.web.view import View


def application(view: View) -> Starlette:
    """Make the ASGI application over ``view``."""
    api, pages = Api(view), Pages(view)
    return Starlette(
        routes=[
            Route("/", pages.wall),
            Route("/channels/{channel}", pages.channel),
            Route("/static/{name}", pages.static),
            Route("/events", api.events),
            Route("/metrics", api.metrics),
            Route("/-/healthy", api.healthy),
            Route("/-/ready", api.ready),
            Route("/api/v1/channels", api.channels),
            Route("/api/v1/channels/{channel}/history", api.history),
            Route("/api/v1/channels/{channel}/day", api.day),
            Route("/api/v1/agents", api.agents),
            Route("/api/v1/sd", api.discovery),
            *judgement.routes(view.supervision),
            *access.routes(view.access),
            *operations.routes(view.operations, view.supervision),
        ],
        middleware=access.middleware(view.access),
    )
