"""What guards every request: who it is, whether that is enough, whether a form is our own, and the headers of every answer.

Invariants:

* What is not named here as free needs a right: a route that somebody adds and forgets is readable by viewers only, or changeable
  by operators only.
* A request that changes something comes from a page of this host and shows the token of its session; cookies alone change nothing.
* What is guarded is the path that is routed, whatever the Host header says.
* Trouble with the file of people never takes the pages away that need nobody: who cannot be asked is nobody.
* A stream of events ends with its session.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING, Final

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request

from tslcd_collector.access import answers, fields
from tslcd_collector.access.browser import Browser
from tslcd_collector.access.headers import security
from tslcd_collector.access.person import OFF, Identity, Person, Role
from tslcd_collector.access.settings import AccessSettings
from tslcd_collector.errors import OperationsError

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from tslcd_collector.access.service import Access

#: For supervisors of processes, who have no password, and log nobody in.
ALWAYS_FREE: Final = frozenset({"/-/healthy", "/-/ready"})
#: For Prometheus; free unless the settings want the token.
MACHINES: Final = frozenset({"/metrics", "/api/v1/sd"})
#: What pages look like, the same for everybody.
FILES: Final = ("/static/", "/access/", "/favicon.ico")
#: Pages of login, which check by themselves, and files.
OPEN: Final = ("/login", *FILES)
#: Pages of a session that is not set up completely.
SETUP: Final = ("/account/setup", "/logout")
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
#: A stream looks whether its session still holds this seldom, seconds.
_LOOK: Final = 10.0
PROGRAM: Final = Person("token", Role.VIEWER)


def middleware(access: Access | None) -> list[Middleware]:
    """Return what the web application is wrapped in; ``access`` is None where nobody can log in."""
    return [Middleware(Gate, access=access)]


class Gate:
    """The gate, as ASGI."""

    def __init__(self, app: ASGIApp, access: Access | None) -> None:
        """Remember."""
        self._app = app
        self._access = access if access is not None and access.settings.active else None
        self._settings = access.settings if access is not None else AccessSettings()
        provider = access.provider_origin if access is not None else ""
        self._headers = {https: security(https=https, provider=provider) for https in (False, True)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Guard one request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        browser = Browser(request, self._settings)
        token = browser.cookie("session")
        answer = _Answer(send, self._headers[browser.https])
        identity, trouble = await self._who(request, token)
        request.state.person, request.state.csrf = identity.person, identity.csrf
        request.state.identity, request.state.fields = identity, {}
        refusal = self._refused(request, identity, trouble=trouble)
        if refusal is None and request.method not in READING:
            refusal, receive = await self._read_form(request, identity)
        if refusal is not None:
            await refusal(scope, receive, answer)
            return
        answer.private = identity.person is not None or request.scope["path"].startswith(("/login", "/account"))
        if identity.session and self._access is not None and not self._settings.public_read:
            answer.still = _Still(self._access, token)
        await self._app(scope, receive, answer)

    async def _who(self, request: Request, token: str) -> tuple[Identity, bool]:
        """Return who it is, and whether that could not be found out."""
        if self._bearer(request):
            return Identity(PROGRAM), False
        if self._access is None or not token or request.scope["path"].startswith(FILES):
            return OFF, False
        try:
            return await self._access.identify(token) or OFF, False
        except (OperationsError, TimeoutError) as error:
            self._access.troubled(error)
            return OFF, True

    def _bearer(self, request: Request) -> bool:
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        if self._settings.token is None or scheme.lower() != "bearer":
            return False
        wanted = self._settings.token.reveal()
        return hmac.compare_digest(*(hashlib.sha256(one.strip().encode()).digest() for one in (shown, wanted)))

    def _refused(self, request: Request, identity: Identity, *, trouble: bool) -> Response | None:
        """Return why a request is refused, None when it is not."""
        path, person = request.scope["path"], identity.person
        if path in ALWAYS_FREE or path.startswith(OPEN):
            return None
        if path in MACHINES:
            return None if person is not None or not self._settings.protect_metrics else answers.unauthorised(request)
        if not identity.complete and not path.startswith(SETUP):
            return answers.not_set_up(request)
        if request.method in READING:
            if person is not None or (self._settings.public_read and not path.startswith("/account")):
                return None
            return answers.unusable(request) if trouble else answers.unauthorised(request)
        if self._access is None:
            return answers.nobody_acts(request)
        if not identity.session:
            return answers.unusable(request) if trouble else answers.unauthorised(request)
        if person is None or not (person.operator or path.startswith(("/account", "/logout"))):
            return answers.forbidden(request)
        return None

    async def _read_form(self, request: Request, identity: Identity) -> tuple[Response | None, Receive]:
        """Read the body of a request that changes something; return why it is refused, and the body to be read again."""
        if not self._same_origin(request):
            return answers.foreign_form(request), request.receive
        try:
            body = await _body(request)
            request.state.fields = fields.parse(request.headers.get("content-type", ""), body)
        except fields.BodyError as error:
            return answers.bad_body(request, error), request.receive
        shown = request.headers.get("x-csrf-token") or request.state.fields.get("csrf", [""])[-1]
        if (
            identity.session
            and request.scope["path"] != "/login"
            and not hmac.compare_digest(shown.encode(), identity.csrf.encode())
        ):
            return answers.foreign_form(request), request.receive
        return None, _again(body, request.receive)

    def _same_origin(self, request: Request) -> bool:
        """Whether the browser says that the request comes from a page of ours; old ones say nothing."""
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return False
        origin = request.headers.get("origin")
        if origin is None:
            return True
        own = {f"{request.url.scheme}://{request.headers.get('host', '')}".lower()}
        if self._settings.url is not None:
            own.add(self._settings.url.rstrip("/").lower())
        return origin.lower() in own


class _Still:
    """Whether the session of a long answer still holds."""

    def __init__(self, access: Access, token: str) -> None:
        self._access = access
        self._token = token
        self._looked = time.monotonic()

    async def holds(self) -> bool:
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return True
        self._looked = now
        try:
            return await self._access.identify(self._token, touch=False) is not None
        except (OperationsError, TimeoutError) as error:
            self._access.troubled(error)
            return False


class _Answer:
    """``send`` that adds headers, and ends an answer whose session has ended."""

    def __init__(self, send: Send, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        self._send = send
        self._headers = headers
        self._ended = False
        #: Whether it is for one person only, and not to be kept by browsers and proxies.
        self.private = True
        self.still: _Still | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            found = MutableHeaders(scope=message)
            for name, value in self._headers:
                # the policy of a page does not know where the logout leads to
                if name == b"content-security-policy":
                    found[name.decode()] = value.decode()
                else:
                    found.setdefault(name.decode(), value.decode())
            if self.private and "cache-control" not in found:
                found["cache-control"] = "no-store"
        elif self._ended:
            return  # who writes on is told by the server that nobody listens
        elif self.still is not None and message.get("more_body") and not await self.still.holds():
            self._ended = True
            message = {**message, "body": b"", "more_body": False}
        await self._send(message)


async def _body(request: Request) -> bytes:
    """Read a body, bounded. Raises BodyError."""
    too_long = fields.BodyError(413, f"a body has at most {fields.LONGEST} bytes")
    if _number(request.headers.get("content-length")) > fields.LONGEST:
        raise too_long
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > fields.LONGEST:
            raise too_long
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read to who asks next."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return left.pop() if left else await receive()

    return give


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdigit() else 0
