"""One's own account: the first login's password and authenticator, a new password, new recovery codes, one's sessions.

Invariants:

* Until a password of one's own and an authenticator are set up, nothing else can be reached (the middleware sees to it), and what is
  set up is written only after a code of the authenticator was right.
* A secret and recovery codes are shown once, in an answer that is never kept (``no-store``).
* A session gets another token when it becomes complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from starlette.responses import RedirectResponse
from starlette.routing import Route

from tslcd_collector.access import answers, codes, pages, passwords, people, sessions
from tslcd_collector.access.browser import Browser
from tslcd_collector.access.passwords import BusyError
from tslcd_collector.access.service import WaitError
from tslcd_collector.errors import OperationsError
from tslcd_collector.operations.rows import Actor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from tslcd_collector.access.service import Access
    from tslcd_collector.operations import OperationsFile

    Handler = Callable[[Request], Awaitable[Response]]

WRONG_CODE: Final = (
    "Mã không đúng: nhập mã 6 số đang hiện trên ứng dụng; đồng hồ điện thoại phải đúng giờ.",
    "Wrong code: enter the 6 digits that the app shows now; the telephone's clock has to be right.",
)
WRONG_PASSWORD: Final = ("Mật khẩu hiện tại không đúng.", "The present password is wrong.")
NOT_ALIKE: Final = ("Hai lần nhập mật khẩu mới không giống nhau.", "The two new passwords differ.")
SAME: Final = ("Mật khẩu mới phải khác mật khẩu cũ.", "The new password has to be another one.")
BUSY: Final = ("Hệ thống đang bận: thử lại sau vài giây.", "Busy: try again in a few seconds.")

T = TypeVar("T")


class Account:
    """The pages, for whoever is logged in."""

    def __init__(self, access: Access) -> None:
        """Remember."""
        self._access = access

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/account", self._usable(self.page)),
            Route("/account/sessions", self._usable(self.end_sessions), methods=["POST"]),
            Route("/account/password", self._usable(self.password), methods=["POST"]),
            Route("/account/codes", self._usable(self.new_codes), methods=["POST"]),
            Route("/account/setup", self._usable(self.setup)),
            Route("/account/setup/password", self._usable(self.password), methods=["POST"]),
            Route("/account/setup/code", self._usable(self.set_up), methods=["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        """Show the account."""
        return await self._page(request)

    async def end_sessions(self, request: Request) -> Response:
        """End all other sessions."""
        identity, now = request.state.identity, self._access.now()
        actor = self._actor(request)
        await self._run(lambda file: sessions.end_others(file, actor.who, identity.session, actor, now))
        return RedirectResponse("/account", 303)

    async def password(self, request: Request) -> Response:
        """Set a new password; who does it knows the old one, here or at the login a moment ago."""
        given, identity, actor = _given(request), request.state.identity, self._actor(request)
        setup = not identity.complete
        show = self._setup if setup else self._page
        account = await self._account(actor.who)
        if account is None or account.issuer or (setup and not account.must_change):
            return answers.forbidden(request)
        new = given.get("new", "")
        browser = Browser(request, self._access.settings)
        right = await self._access.check_password(
            actor.who, given.get("password", ""), browser.source, browser.cookie("device")
        )
        if not right:
            return await show(request, 401, WRONG_PASSWORD)
        problem = passwords.problem(new, actor.who)
        if problem is None and passwords.normalised(new) != passwords.normalised(given.get("again", "")):
            problem = NOT_ALIKE
        if problem is None and passwords.normalised(new) == passwords.normalised(given.get("password", "")):
            problem = SAME
        if problem is not None:
            return await show(request, 400, problem)
        kept, now = await self._access.guard.hashed(new), self._access.now()
        await self._run(lambda file: people.change_password(file, actor.who, kept, identity.session, actor, now))
        return RedirectResponse("/account/setup" if setup else "/account", 303)

    async def new_codes(self, request: Request) -> Response:
        """Show new recovery codes to who has the authenticator; the old ones are gone."""
        actor, now = self._actor(request), self._access.now()
        account = await self._account(actor.who)
        if account is None or not account.secret:
            return answers.forbidden(request)
        browser = Browser(request, self._access.settings)
        self._access.count_guess(actor.who, browser.source)
        step = codes.step_of(account.secret, _given(request).get("code", ""), account.last_step, now)
        drawn = codes.new_recovery_codes()

        def take(file: OperationsFile) -> bool:
            if step is None:
                return False
            with file.writing() as transaction:
                if not people.use_step(transaction, actor.who, step):
                    return False
            people.set_codes(file, actor.who, _hashes(drawn), actor, now)
            return True

        if not await self._run(take):
            return await self._page(request, 401, WRONG_CODE)
        self._access.guess_was_right(actor.who, browser.source)
        return pages.page(request, "codes.html", codes=drawn)

    async def setup(self, request: Request) -> Response:
        """Show what is left to be set up."""
        if request.state.identity.complete:
            return RedirectResponse("/account", 303)
        return await self._setup(request)

    async def set_up(self, request: Request) -> Response:
        """Take up the authenticator that shows the right code."""
        identity, actor, now = request.state.identity, self._actor(request), self._access.now()
        account = await self._account(actor.who)
        if account is None or account.must_change or account.secret or identity.complete:
            return RedirectResponse("/account/setup", 303)
        secret = await self._run(lambda file: sessions.pending(file, identity.session))
        step = codes.step_of(secret, _given(request).get("code", ""), 0, now) if secret else None
        if step is None:
            return await self._setup(request, 401, WRONG_CODE)
        drawn, token, device = codes.new_recovery_codes(), sessions.new_token(), sessions.new_token()

        def take(file: OperationsFile) -> None:
            people.set_secret(file, actor.who, secret, step, _hashes(drawn), actor, now)
            sessions.renew(file, identity.session, token, now)
            with file.writing() as transaction:
                sessions.remember_device(transaction, actor.who, device, now)

        await self._run(take)
        request.state.csrf = sessions.csrf(token)
        answer = pages.page(request, "codes.html", codes=drawn)
        browser = Browser(request, self._access.settings)
        browser.give(answer, "session", token)
        browser.give(answer, "device", device, seconds=int(sessions.DEVICE_KEEP))
        return answer

    async def _page(self, request: Request, status: int = 200, problem: tuple[str, str] | None = None) -> Response:
        identity, name = request.state.identity, request.state.person.name
        now, limits = self._access.now(), self._access.limits
        account = await self._account(name)
        shown = await self._run(lambda file: sessions.of_person(file, name, identity.session, limits, now))
        left = await self._run(lambda file: people.codes_left(file, name))
        local = account is not None and not account.issuer
        return pages.page(
            request, "account.html", status, sessions=shown, codes_left=left, local=local, problem=problem
        )

    async def _setup(self, request: Request, status: int = 200, problem: tuple[str, str] | None = None) -> Response:
        identity, name = request.state.identity, request.state.person.name
        account = await self._account(name)
        if account is None or account.secret:
            return answers.forbidden(request)
        if account.must_change:
            return pages.page(request, "setup_password.html", status, problem=problem)
        secret = await self._run(lambda file: sessions.pending(file, identity.session))
        if not secret:
            secret = codes.new_secret()
            await self._run(lambda file: sessions.set_pending(file, identity.session, secret))
        values: dict[str, Any] = {
            "picture": codes.picture(codes.address(secret, name)),
            "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        }
        return pages.page(request, "setup_code.html", status, problem=problem, **values)

    def _usable(self, handler: Handler) -> Handler:
        """Answer what the file, the hashing threads or the count of guesses refuse."""

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except WaitError as error:
                return answers.refuse(request, 429, *error.words(), Retry_After=f"{error.seconds:.0f}")
            except BusyError:
                return answers.refuse(request, 503, *BUSY)
            except (OperationsError, TimeoutError) as error:
                self._access.troubled(error)
                return answers.unusable(request)

        return answer

    def _actor(self, request: Request) -> Actor:
        return Actor(request.state.person.name, Browser(request, self._access.settings).source)

    async def _account(self, name: str) -> people.Account | None:
        return await self._run(lambda file: people.find(file, name))

    async def _run(self, work: Callable[[OperationsFile], T]) -> T:
        return await self._access.operations.run(work)


def _given(request: Request) -> dict[str, str]:
    return {name: values[-1] for name, values in request.state.fields.items() if values}


def _hashes(drawn: list[str]) -> list[bytes]:
    return [one for one in map(codes.recovery_hash, drawn) if one is not None]
