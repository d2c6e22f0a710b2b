"""Login as the event loop sees it: who a token belongs to, guesses, and how a session begins and ends.

Invariants:

* What is wrong with a login is said in one way, whichever part was wrong, and takes the same time.
* A one-time code is taken in the transaction that begins the session, so of two logins with one code one fails.
* What became of every guess is in the audit log and the log; of a flood of guesses one line a minute and a number.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from hashlib import sha256
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple

from tslcd_collector.access import codes, people, sessions
from tslcd_collector.access.attempts import Attempts
from tslcd_collector.access.headers import origin
from tslcd_collector.access.passwords import Guard
from tslcd_collector.access.sessions import Limits
from tslcd_collector.operations.rows import Actor
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from tslcd_collector.access.people import Account
    from tslcd_collector.access.person import Identity
    from tslcd_collector.access.provider import OpenId
    from tslcd_collector.access.settings import AccessSettings
    from tslcd_collector.metrics import Metrics
    from tslcd_collector.operations import Operations, OperationsFile

#: Lines that failed logins may write into the audit log, a minute.
MAX_FAILURES: Final = 30
MINUTE: Final = 60.0
#: Seconds between prunings of sessions.
PRUNE: Final = 600.0


class Login(NamedTuple):
    """A login that was right: the session's token, and what the browser is known by from now on."""

    token: str
    device: str
    complete: bool


class WaitError(Exception):
    """Too many guesses; ``seconds`` until the next one."""

    def __init__(self, seconds: float) -> None:
        """Remember."""
        self.seconds = seconds
        super().__init__(f"{seconds:.0f} s")

    def words(self) -> tuple[str, str]:
        """Say how long to wait, in Vietnamese and in English."""
        minutes = int(self.seconds // 60) + 1
        return (
            f"Thử sai quá nhiều lần: chờ {minutes} phút rồi thử lại.",
            f"Too many wrong tries: wait {minutes} min and try again.",
        )


class Access:
    """Login to one collector. ``clock`` tells the time, UTC seconds; ``steady`` one that is never set."""

    def __init__(
        self,
        settings: AccessSettings,
        operations: Operations,
        metrics: Metrics | None = None,
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """Remember; nothing is imported and no thread started before somebody logs in."""
        self.settings = settings
        self.operations = operations
        self.now = clock
        provider = settings.oidc if settings.mode == "oidc" else None
        self.limits = Limits(settings.idle, settings.lifetime, provider.issuer if provider is not None else "")
        self.guard = Guard()
        self._metrics = metrics
        self._steady = steady
        self._attempts = Attempts()
        self._key = secrets.token_bytes(32)
        self._provider: OpenId | None = None
        self._failures = (0.0, 0)
        self._prune_at = 0.0
        self._troubled = False
        self._log = get_logger("access")

    @property
    def provider_origin(self) -> str:
        """Where the provider's pages are, empty without one."""
        return origin(self.limits.issuer) if self.limits.issuer else ""

    async def provider(self) -> OpenId:
        """Return the provider, made when somebody comes to log in; what it needs is imported in a thread."""
        if self._provider is None:
            module = await asyncio.to_thread(import_module, "tslcd_collector.access.provider")
            for name in module.NEEDED:
                await asyncio.to_thread(import_module, name)
            if self.settings.oidc is None or self.settings.url is None:
                msg = "no provider in the settings"
                raise RuntimeError(msg)
            self._provider = module.OpenId(self.settings.oidc, self.settings.url.rstrip("/"))
        return self._provider

    async def identify(self, token: str, *, touch: bool = True) -> Identity | None:
        """Return whose session a token is. Raises OperationsError, TimeoutError."""
        now = self.now()
        found = await self.operations.run(
            lambda file: sessions.find(file, token, self.limits, now, touch=touch and not self._troubled)
        )
        if self._steady() >= self._prune_at:
            self._prune_at = self._steady() + PRUNE
            await self.operations.run(lambda file: sessions.prune(file, self.limits, now))
        self._troubled = False
        return found

    async def log_in(self, name: str, password: str, code: str, source: str, device: str) -> Login | None:
        """Log somebody in with a password and a one-time or recovery code; None when any of it is wrong.

        Raises WaitError, BusyError, OperationsError, TimeoutError.
        """
        now = self.now()
        known = bool(device) and await self.operations.run(lambda file: sessions.knows(file, name, device, now))
        key = sessions.digest(device) if known else None
        wait = self._attempts.begin(name, source, key, self._steady())
        if wait > 0:
            self._count("locked")
            raise WaitError(wait)
        account = await self.operations.run(lambda file: people.find(file, name))
        usable = account is not None and not account.disabled and not account.issuer
        outcome = await self.guard.verify(account.password if account and usable else "", password, known=known)
        actor = Actor(name if account is not None else "", source)
        if account is None or not usable or not outcome.right:
            await self._failed(name, actor, now)
            return None
        token, browser = sessions.new_token(), device if known else sessions.new_token()
        if not await self.operations.run(lambda file: _begin(file, account, code, token, browser, actor, now)):
            await self._failed(name, actor, now)
            return None
        self._attempts.succeeded(name, source, key)
        better = outcome.better
        if better is not None:
            await self.operations.run(
                lambda file: people.improve_password(file, name, account.password, better, now, actor)
            )
        self._count("ok")
        self._log.info("login", person=name, source=source)
        return Login(token, browser, account.complete)

    async def check_password(self, name: str, password: str, source: str, device: str) -> bool:
        """Whether somebody who is logged in knows the password; counted like a login.

        Raises WaitError, BusyError, OperationsError, TimeoutError.
        """
        now = self.now()
        known = bool(device) and await self.operations.run(lambda file: sessions.knows(file, name, device, now))
        key = sessions.digest(device) if known else None
        wait = self._attempts.begin(name, source, key, self._steady())
        if wait > 0:
            raise WaitError(wait)
        account = await self.operations.run(lambda file: people.find(file, name))
        outcome = await self.guard.verify(account.password if account else "", password, known=True)
        if outcome.right:
            self._attempts.succeeded(name, source, key)
        else:
            await self._failed(name, Actor(name, source), now)
        return outcome.right

    def count_guess(self, name: str, source: str) -> None:
        """Count a guess of a code by somebody who is logged in. Raises WaitError."""
        wait = self._attempts.begin(f"code of {name}", source, None, self._steady())
        if wait > 0:
            raise WaitError(wait)

    def guess_was_right(self, name: str, source: str) -> None:
        """Take back the guess that was right."""
        self._attempts.succeeded(f"code of {name}", source, None)

    async def log_in_from_provider(self, answer: dict[str, str], browser: str, source: str) -> tuple[Login, str]:
        """Log somebody in whom the provider vouches for; return also where to go on to.

        Raises ProviderError, PersonError, OperationsError, TimeoutError.
        """
        provider, now = await self.provider(), self.now()
        from tslcd_collector.access.provider import ProviderError  # noqa: PLC0415 - httpcore is wanted here only

        try:
            claimed = await provider.finish(answer, browser, now)
            account = await self.operations.run(
                lambda file: people.from_provider(file, provider.settings.issuer, claimed, Actor("", source), now)
            )
        except (ProviderError, people.PersonError) as error:
            await self._failed("", Actor("", source), now, str(error))
            raise
        if account.disabled:
            await self._failed(account.name, Actor(account.name, source), now, "disabled here")
            raise ProviderError("disabled", "this person is disabled here")
        token = sessions.new_token()
        actor = Actor(account.name, source)

        def write(file: OperationsFile) -> bool:
            with file.writing() as transaction:
                if not _still(file, account):
                    return False
                sessions.begin(transaction, account.name, token, actor, now, complete=True, id_token=claimed.id_token)
                transaction.audit(now, actor, "login", account.name, f"provider, {account.role.value}")
            return True

        if not await self.operations.run(write):
            await self._failed(account.name, actor, now, "changed here meanwhile")
            raise ProviderError("disabled", "this person was changed here meanwhile")
        self._count("ok")
        self._log.info("login", person=account.name, source=source, role=account.role.value)
        return Login(token, "", complete=True), claimed.onward

    def form_token(self, cookie: str) -> str:
        """Return what a form before login has in it, for a browser with this cookie."""
        return hmac.new(self._key, cookie.encode(errors="replace"), sha256).hexdigest()

    def own_form(self, cookie: str, shown: str) -> bool:
        """Whether a form before login is ours, and of this browser."""
        return bool(cookie) and hmac.compare_digest(self.form_token(cookie).encode(), shown.encode(errors="replace"))

    def troubled(self, error: Exception) -> None:
        """Say once that nobody can be asked who somebody is."""
        if not self._troubled:
            self._troubled = True
            self._log.error("people cannot be asked for: nobody is logged in meanwhile", reason=str(error) or "busy")

    async def close(self) -> None:
        """End threads and connections."""
        self.guard.close()
        if self._provider is not None:
            await self._provider.close()

    async def _failed(self, name: str, actor: Actor, now: float, why: str = "") -> None:
        """Write down a login that failed; of a flood only the beginning of each minute."""
        self._count("failed")
        # a name that is nobody's may be a password in the wrong field: it is not written down
        target = name if actor.who else ""
        self._log.warning("login failed", person=target or "(nobody)", source=actor.source, reason=why or "wrong")
        since, count = self._failures
        if now - since >= MINUTE or now < since:
            more = f"; {count - MAX_FAILURES} more in the minute before" if count > MAX_FAILURES else ""
            self._failures = since, count = now, 0
            why += more
        self._failures = (since, count + 1)
        if count >= MAX_FAILURES:
            return

        def write(file: OperationsFile) -> None:
            with file.writing() as transaction:
                transaction.audit(now, Actor("", actor.source), "login-failed", target, why)

        await self.operations.run(write)

    def _count(self, result: str) -> None:
        if self._metrics is not None:
            self._metrics.logins.labels(result).inc()


def _begin(
    file: OperationsFile, account: Account, code: str, token: str, browser: str, actor: Actor, now: float
) -> bool:
    """Take the code and begin a session, or neither; neither for an account that was changed meanwhile. Raises OperationsError."""
    with file.writing() as transaction:
        if not _still(file, account):
            return False
        how = "first login, without an authenticator"
        if account.secret:
            step = codes.step_of(account.secret, code, account.last_step, now)
            recovery = codes.recovery_hash(code)
            if step is not None and people.use_step(transaction, account.name, step):
                how = "authenticator"
            elif recovery is not None and people.use_code(transaction, account.name, recovery):
                how = "recovery code"
            else:
                return False
        sessions.begin(transaction, account.name, token, actor, now, complete=account.complete)
        if account.complete:
            sessions.remember_device(transaction, account.name, browser, now)
        transaction.audit(now, actor, "login", account.name, how)
    return True


def _still(file: OperationsFile, account: Account) -> bool:
    """Whether an account is as it was read: who was reset, disabled or gave a new password meanwhile has to come anew."""
    known = people.find(file, account.name)
    return known is not None and _rights(known) == _rights(account)


def _rights(account: Account) -> tuple[object, ...]:
    return account.role, account.issuer, account.password, account.must_change, account.secret, account.disabled
