"""The pages of login and of one's own account. They work without script, with a keyboard, Vietnamese first.

What an answer says about a login that failed does not depend on which part was wrong. The middleware has read the fields of a
form, and has checked its token where there is a session; before login :meth:`Access.own_form` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tslcd_collector.access import answers, fields, pages, people, sessions
from tslcd_collector.access.account import Account
from tslcd_collector.access.browser import Browser
from tslcd_collector.access.headers import safe_next
from tslcd_collector.access.passwords import BusyError
from tslcd_collector.access.service import WaitError
from tslcd_collector.errors import OperationsError
from tslcd_collector.operations.rows import Actor

if TYPE_CHECKING:
    from starlette.requests import Request

    from tslcd_collector.access.service import Access

WRONG: Final = (
    "Tên đăng nhập, mật khẩu hoặc mã xác thực không đúng.",
    "Name, password or code is wrong.",
)
BUSY: Final = ("Hệ thống đang bận: thử lại sau vài giây.", "Busy: try again in a few seconds.")
OLD: Final = (
    "Trang đăng nhập đã cũ: nhập lại. Trình duyệt cần nhận cookie.",
    "This page was too old: enter it again. The browser has to take cookies.",
)


def routes(access: Access | None) -> list[Route]:
    """Return the routes; none of them but the style where nobody can log in."""
    found = [Route("/access/style.css", _Style().answer)]
    if access is None or not access.settings.active:
        return found
    made, account = _Login(access), Account(access)
    found += [
        Route("/login", made.page),
        Route("/logout", made.log_out, methods=["POST"]),
        *account.routes(),
    ]
    if access.settings.mode == "oidc":
        found += [Route("/login/provider", made.to_provider), Route("/login/callback", made.from_provider)]
    else:
        found.append(Route("/login", made.log_in, methods=["POST"]))
    return found


class _Style:
    """What the pages look like."""

    def __init__(self) -> None:
        self._sheet = pages.load()

    async def answer(self, request: Request) -> Response:
        del request
        return Response(self._sheet, media_type="text/css", headers={"cache-control": "public, max-age=300"})


class _Login:
    """Logging in and out."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def page(self, request: Request) -> Response:
        onward = safe_next(request.query_params.get("next", "/"))
        if request.state.person is not None:
            return RedirectResponse(onward, 303)
        return self._form(request, onward)

    async def log_in(self, request: Request) -> Response:
        given = {name: values[-1] for name, values in request.state.fields.items() if values}
        onward, name = safe_next(given.get("next", "/")), given.get("name", "").strip().lower()[:100]
        browser = Browser(request, self._access.settings)
        if not self._access.own_form(browser.cookie("form"), given.get("form", "")):
            return self._form(request, onward, 403, OLD, name)
        try:
            made = await self._access.log_in(
                name, given.get("password", ""), given.get("code", ""), browser.source, browser.cookie("device")
            )
        except WaitError as error:
            return self._wait(request, onward, error, name)
        except BusyError:
            return self._form(request, onward, 503, BUSY, name)
        except (OperationsError, TimeoutError) as error:
            self._access.troubled(error)
            return answers.unusable(request)
        if made is None:
            return self._form(request, onward, 401, WRONG, name)
        await self._end(request, browser)
        answer = RedirectResponse(onward if made.complete else "/account/setup", 303)
        browser.give(answer, "session", made.token)
        if made.complete:
            browser.give(answer, "device", made.device, seconds=int(sessions.DEVICE_KEEP))
        browser.take(answer, "form")
        return answer

    async def to_provider(self, request: Request) -> Response:
        provider, token = await self._access.provider(), sessions.new_token()
        from tslcd_collector.access.provider import ProviderError  # noqa: PLC0415 - httpcore is wanted here only

        try:
            there = await provider.begin(token, request.query_params.get("next", "/"))
        except ProviderError as error:
            return _provider_failed(request, error)
        answer = RedirectResponse(there, 303)
        Browser(request, self._access.settings).give(answer, "flow", token, seconds=600)
        return answer

    async def from_provider(self, request: Request) -> Response:
        from tslcd_collector.access.provider import ProviderError  # noqa: PLC0415 - httpcore is wanted here only

        browser = Browser(request, self._access.settings)
        try:
            made, onward = await self._access.log_in_from_provider(
                dict(request.query_params), browser.cookie("flow"), browser.source
            )
        except (ProviderError, people.PersonError) as error:
            return _provider_failed(request, error)
        except (OperationsError, TimeoutError) as error:
            self._access.troubled(error)
            return answers.unusable(request)
        await self._end(request, browser)
        answer = RedirectResponse(onward, 303)
        browser.give(answer, "session", made.token)
        browser.take(answer, "flow")
        return answer

    async def log_out(self, request: Request) -> Response:
        browser, identity = Browser(request, self._access.settings), request.state.identity
        actor = Actor(identity.person.name, browser.source)
        try:
            now = self._access.now()
            id_token = await self._access.operations.run(lambda file: sessions.end(file, identity.session, actor, now))
        except (OperationsError, TimeoutError) as error:
            self._access.troubled(error)
            return answers.unusable(request)
        there = None
        if self._access.settings.mode == "oidc":
            there = await (await self._access.provider()).logout_address(id_token)
        answer = RedirectResponse(there or "/login", 303)
        browser.take(answer, "session")
        return answer

    async def _end(self, request: Request, browser: Browser) -> None:
        """End the session that the browser had before, whoever made it."""
        identity = request.state.identity
        if identity.session:
            actor = Actor(identity.person.name, browser.source)
            now = self._access.now()
            try:
                await self._access.operations.run(lambda file: sessions.end(file, identity.session, actor, now))
            except (OperationsError, TimeoutError) as error:
                self._access.troubled(error)

    def _form(
        self,
        request: Request,
        onward: str,
        status: int = 200,
        problem: tuple[str, str] | None = None,
        name: str = "",
    ) -> Response:
        if not fields.wants_page(request) and problem is not None:
            return answers.refuse(request, status, *problem)
        browser = Browser(request, self._access.settings)
        cookie = browser.cookie("form") or sessions.new_token()
        link = "/login/provider?" + urlencode({"next": onward})
        answer = pages.page(
            request,
            "login.html",
            status,
            form=self._access.form_token(cookie),
            onward=onward,
            problem=problem,
            shown_name=name,
            provider=link if self._access.settings.mode == "oidc" else "",
        )
        browser.give(answer, "form", cookie, seconds=3600)
        return answer

    def _wait(self, request: Request, onward: str, error: WaitError, name: str) -> Response:
        answer = self._form(request, onward, 429, error.words(), name)
        answer.headers["Retry-After"] = f"{error.seconds:.0f}"
        return answer


def _provider_failed(request: Request, error: Exception) -> Response:
    code = getattr(error, "code", "")
    if code == "unreachable":
        return answers.refuse(
            request,
            503,
            "Không kết nối được máy chủ đăng nhập: thử lại, hoặc báo quản trị.",
            "The login server cannot be reached: try again, or tell an administrator.",
        )
    return answers.refuse(
        request,
        403,
        f"Đăng nhập không thành công ({code}). Bắt đầu lại từ trang đăng nhập.",
        f"Login failed: {error}. Begin again from the login page.",
    )
