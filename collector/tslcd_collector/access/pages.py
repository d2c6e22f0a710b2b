"""Pages of login and account: HTML without script, from templates of this package."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.responses import HTMLResponse

from tslcd_collector.maintenance import VIET_NAM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

_templates: Final = Environment(
    loader=PackageLoader("tslcd_collector.access"),
    autoescape=select_autoescape(default=True),
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters["local"] = lambda at: f"{dt.datetime.fromtimestamp(at, VIET_NAM):%d/%m/%Y %H:%M}"


def page(
    request: Request, name: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> Response:
    """Render a page; it knows who is logged in, and the token of forms."""
    state = request.state
    text = _templates.get_template(name).render(
        person=getattr(state, "person", None), csrf=getattr(state, "csrf", ""), **values
    )
    return HTMLResponse(text, status, headers=dict(headers or {}))


def message(request: Request, status: int, vi: str, en: str, headers: Mapping[str, str] | None = None) -> Response:
    """Render a page with nothing but a message."""
    return page(request, "message.html", status, headers, vi=vi, en=en)


def load() -> bytes:
    """Read all templates, so that no request waits for a disk; return the style sheet."""
    for name in _templates.list_templates(["html"]):
        _templates.get_template(name)
    source, _, _ = _templates.loader.get_source(_templates, "style.css")  # type: ignore[union-attr]
    return source.encode()
