"""What operators do on the page: acknowledge, comment, plan maintenance, and read the audit log.

Programs send and get JSON; forms of pages are answered by going on to the page in ``next``, and with the form and a message at each
wrong field when something is wrong. The middleware of :mod:`tslcd_collector.access` has seen to it that whoever comes here may.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec
from jinja2 import ChoiceLoader, Environment, PackageLoader, select_autoescape
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from tslcd_collector.access import answers, fields
from tslcd_collector.access.headers import safe_next
from tslcd_collector.errors import OperationsError
from tslcd_collector.maintenance import VIET_NAM
from tslcd_collector.operations import forms, trail
from tslcd_collector.operations.forms import FormError, Message
from tslcd_collector.operations.rows import Actor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from starlette.requests import Request

    from tslcd_collector.inventory import Channel
    from tslcd_collector.operations.rows import Comment, Entry, PlannedWork
    from tslcd_collector.operations.service import Operations
    from tslcd_collector.supervision import Supervision

    Handler = Callable[[Request], Awaitable[Response]]

_templates: Final = Environment(
    loader=ChoiceLoader([PackageLoader("tslcd_collector.operations"), PackageLoader("tslcd_collector.access")]),
    autoescape=select_autoescape(default=True),
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters["local"] = lambda at: f"{dt.datetime.fromtimestamp(at, VIET_NAM):%d/%m/%Y %H:%M:%S}"
#: Lines of the audit log in one answer.
MAX_ENTRIES: Final = 200
NOT_DOWN: Final = Message(
    "Kênh đang hoạt động: không có gì để xác nhận.", "The channel is up: there is nothing to acknowledge."
)


def routes(
    operations: Operations | None, supervision: Supervision, now: Callable[[], float] = time.time
) -> list[Route]:
    """Return the routes; none where nothing can be entered."""
    if operations is None:
        return []
    for name in _templates.list_templates(["html"]):
        _templates.get_template(name)  # read now, so that no request waits for a disk
    made = _Routes(operations, supervision, now)
    return [
        Route("/api/v1/channels/{channel}/acknowledge", made.usable(made.acknowledge), methods=["POST"]),
        Route("/api/v1/channels/{channel}/comments", made.usable(made.comments)),
        Route("/api/v1/channels/{channel}/comments", made.usable(made.comment), methods=["POST"]),
        Route("/api/v1/maintenance", made.windows),
        Route("/api/v1/maintenance", made.usable(made.plan), methods=["POST"]),
        Route("/api/v1/maintenance/{number:int}/withdraw", made.usable(made.withdraw), methods=["POST"]),
        Route("/api/v1/audit", made.usable(made.audit)),
        Route("/maintenance", made.page),
        Route("/audit", made.usable(made.audit_page)),
    ]


class _Routes:
    def __init__(self, operations: Operations, supervision: Supervision, now: Callable[[], float]) -> None:
        self._operations = operations
        self._supervision = supervision
        self._now = now

    async def acknowledge(self, request: Request) -> Response:
        """Acknowledge the trouble of a channel; with ``withdraw`` take it back."""
        channel, given = request.path_params["channel"], request.state.fields
        standing = self._supervision.standing.get(channel)
        if standing is None:
            return _unknown(request)
        if given.get("withdraw", [""])[-1]:
            done = await self._operations.withdraw_acknowledgement(channel, _actor(request), self._now())
            return _done(request, {"withdrawn": done}, f"/channels/{channel}")
        comment = forms.text(given, "comment")
        if standing.verdict.state.value == "up":
            return answers.refuse(request, 409, *NOT_DOWN)
        made = await self._operations.acknowledge(channel, comment, _actor(request), self._now())
        return _done(request, {"acknowledgement": made._asdict()}, f"/channels/{channel}", 201)

    async def comment(self, request: Request) -> Response:
        """Write a comment."""
        channel = request.path_params["channel"]
        if channel not in self._supervision.standing:
            return _unknown(request)
        text = forms.text(request.state.fields, "text", required=True)
        made = await self._operations.comment(channel, text, _actor(request), self._now())
        return _done(request, {"comment": made._asdict()}, f"/channels/{channel}", 201)

    async def comments(self, request: Request) -> Response:
        """Answer the comments on a channel, the newest first."""
        channel = request.path_params["channel"]
        if channel not in self._supervision.standing:
            return _unknown(request)
        found: list[Comment] = await self._operations.comments(channel)
        return _json({"comments": [one._asdict() for one in found]})

    async def windows(self, request: Request) -> Response:
        """Answer the planned work that is not over."""
        del request
        return _json({"windows": [_window(one) for one in self._operations.windows]})

    async def plan(self, request: Request) -> Response:
        """Plan work."""
        actor = _actor(request)
        try:
            work = forms.planned_work(request.state.fields, self._channels(), actor.who, self._now())
        except FormError as error:
            if fields.wants_page(request):
                return self._page(request, 400, error.problems)
            raise
        made = await self._operations.plan(work, actor, self._now())
        return _done(request, {"window": _window(made)}, "/maintenance", 201)

    async def withdraw(self, request: Request) -> Response:
        """Call planned work off, or end it early."""
        done = await self._operations.withdraw(request.path_params["number"], _actor(request), self._now())
        if not done:
            return answers.refuse(
                request, 404, "Không có lịch bảo trì này, hoặc đã hết.", "No such window, or it is over."
            )
        return _done(request, {"withdrawn": True}, "/maintenance")

    async def audit(self, request: Request) -> Response:
        """Answer the audit log to operators, the newest first; ``?before=`` a number goes on."""
        if request.state.person is None or not request.state.person.operator:
            return answers.forbidden(request)
        found = await self._entries(request)
        return _json({"entries": [_entry(number, one) for number, one in found]})

    async def audit_page(self, request: Request) -> Response:
        """Show the audit log to operators."""
        if request.state.person is None or not request.state.person.operator:
            return answers.forbidden(request) if request.state.person else answers.unauthorised(request)
        found = await self._entries(request)
        older = found[-1][0] if len(found) == MAX_ENTRIES else None
        entries = [(one, trail.done(one.what), trail.detail(one.what, one.detail)) for _, one in found]
        return _page(request, "audit.html", entries=entries, older=older)

    async def page(self, request: Request) -> Response:
        """Show planned work, and to operators the form for more."""
        return self._page(request, 200, {})

    def usable(self, handler: Handler) -> Handler:
        """Answer what is wrong with a form, or with the file."""

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except FormError as error:
                body = {
                    "error": str(error),
                    "error_vi": "; ".join(one.vi for one in error.problems.values()),
                    "problems": {name: one._asdict() for name, one in error.problems.items()},
                }
                if fields.wants_page(request):
                    return answers.refuse(request, 400, str(body["error_vi"]), str(body["error"]))
                return _json(body, 400)
            except (OperationsError, TimeoutError):
                return answers.unusable(request)

        return answer

    def _page(self, request: Request, status: int, problems: dict[str, Message]) -> Response:
        given = {name: values for name, values in request.state.fields.items() if values}
        channels = self._channels()
        return _page(
            request,
            "maintenance.html",
            status,
            windows=self._operations.windows,
            now=self._now(),
            problems=problems,
            given=given,
            channels=channels,
            sites={one.site.id: one.site.name for one in channels},
            operators=sorted({one.operator for one in channels}),
        )

    async def _entries(self, request: Request) -> list[Any]:
        before = request.query_params.get("before", "")
        number = int(before) if re.fullmatch("[0-9]{1,15}", before) else None
        return await self._operations.entries(number, MAX_ENTRIES)

    def _channels(self) -> Collection[Channel]:
        inventory = self._supervision.inventory
        return inventory.channels.values() if inventory is not None else ()


def _entry(number: int, one: Entry) -> dict[str, Any]:
    return {
        "id": number,
        **one._asdict(),
        "what_words": trail.done(one.what)._asdict(),
        "detail_words": trail.detail(one.what, one.detail)._asdict(),
    }


def _window(work: PlannedWork) -> dict[str, Any]:
    found = work._asdict()
    return {"from": found.pop("begin"), "until": found.pop("end"), **found}


def _actor(request: Request) -> Actor:
    return Actor(request.state.person.name, request.client.host if request.client is not None else "")


def _done(request: Request, body: object, onward: str, status: int = 200) -> Response:
    if fields.wants_page(request):
        wanted = request.state.fields.get("next", [onward])[-1]
        return RedirectResponse(safe_next(wanted), 303)
    return _json(body, status)


def _unknown(request: Request) -> Response:
    return answers.refuse(request, 404, "Không có kênh này.", "No such channel.")


def _page(request: Request, name: str, status: int = 200, **values: Any) -> Response:
    state = request.state
    return HTMLResponse(_templates.get_template(name).render(person=state.person, csrf=state.csrf, **values), status)


def _json(document: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(document), status, media_type="application/json")
