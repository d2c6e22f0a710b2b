"""A web application of a collector with login, on a real port of loopback, and browsers that log in to it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

import httpx
import pyotp

from support import inventories
from tslcd_collector.access import Access, Role, passwords, people
from tslcd_collector.access.settings import AccessSettings
from tslcd_collector.admit import Admission
from tslcd_collector.board import Board
from tslcd_collector.exposition import Exposition
from tslcd_collector.metrics import Metrics
from tslcd_collector.operations import Actor, Operations, OperationsFile
from tslcd_collector.supervision import Supervision
from tslcd_collector.web import View, application, bind, serve
from tslcd_runtime.health import Health

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PASSWORD: Final = "kênh truyền số 1"
ADMIN: Final = Actor("test", "")
KEEP: Final = 400 * 86400.0
_CSRF: Final = re.compile(r'name="csrf" value="([0-9a-f]{64})"')
_FORM: Final = re.compile(r'name="form" value="([0-9a-f]{64})"')


@dataclass
class Site:
    """A running application. ``ahead`` is added to its clocks, seconds."""

    url: str
    access: Access
    operations: Operations
    supervision: Supervision
    file: OperationsFile
    view: View
    ahead: list[float] = field(default_factory=lambda: [0.0])

    def now(self) -> float:
        """Return the time that the application knows."""
        return time.time() + self.ahead[0]

    async def add(self, name: str, role: Role = Role.OPERATOR, secret: str = "", password: str = PASSWORD) -> str:
        """Add a person, completely set up with an authenticator unless ``secret`` is ``"none"``; return the secret."""
        secret = secret or pyotp.random_base32()
        kept = await asyncio.to_thread(passwords.hashed, password)

        def write(file: OperationsFile) -> None:
            people.add(file, name, role, kept, ADMIN, self.now())
            if secret != "none":
                with file.writing() as transaction:
                    transaction.run("UPDATE person SET secret = ?, must_change = 0 WHERE name = ?", (secret, name))

        await self.operations.run(write)
        return secret

    async def entered(self, name: str = "lan", role: Role = Role.OPERATOR) -> Browser:
        """Return the browser of somebody who has just logged in."""
        secret = await self.add(name, role)
        browser = Browser(self.url)
        answer = await browser.log_in(name, code(secret, self.now()))
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        return browser

    async def audit(self) -> list[tuple[str, str, str]]:
        """Return the audit log, the oldest first: who, what, of what."""
        return [(one.who, one.what, one.target) for _, one in reversed(await self.operations.entries())]


@contextlib.asynccontextmanager
async def site(directory: Path, settings: AccessSettings | None = None, port: int = 0) -> AsyncIterator[Site]:
    """Serve for the time of a block; ``directory`` gets inventory and store."""
    one = await asyncio.to_thread(_made, directory, settings or AccessSettings(mode="local"))
    await one.operations.open(time.time())
    app = await asyncio.to_thread(application, one.view)
    listener = bind("127.0.0.1", port)
    one.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        async with serve(app, listener):
            yield one
    finally:
        listener.close()
        await one.access.close()
        await one.operations.close()


def _made(directory: Path, settings: AccessSettings) -> Site:
    """Put everything together; reads files."""
    store = directory / "store"
    store.mkdir(exist_ok=True)
    exposition, metrics = Exposition(), Metrics()
    board = Board(exposition, 300.0)
    supervision = Supervision(board, exposition)
    supervision.set_inventory(inventories.small(directory / "inventory"))
    supervision.judge(time.time())
    file = OperationsFile(store)
    operations = Operations(file, metrics=metrics, keep=KEEP)
    ahead = [0.0]
    access = Access(
        settings,
        operations,
        metrics,
        clock=lambda: time.time() + ahead[0],
        steady=lambda: time.monotonic() + ahead[0],
    )
    view = View(
        collector="a",
        exposition=exposition,
        metrics=metrics,
        supervision=supervision,
        board=board,
        admission=Admission(),
        health=Health(),
        operations=operations,
        access=access,
        ready=True,
    )
    return Site("", access, operations, supervision, file, view, ahead)


class Browser(httpx.AsyncClient):
    """A browser: keeps cookies, follows nothing by itself, and asks for pages."""

    def __init__(self, url: str, **more: Any) -> None:
        """Open it at a site."""
        super().__init__(
            base_url=url, headers={"accept": "text/html,*/*", "origin": url}, trust_env=False, timeout=20.0, **more
        )

    async def __aenter__(self) -> Self:
        """Use it for a block; it may have been used before."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close it."""
        await self.aclose()

    async def log_in(self, name: str, code: str = "", password: str = PASSWORD, **more: str) -> httpx.Response:
        """Open the login page and send its form."""
        page = await self.get("/login")
        found = _FORM.search(page.text)
        form = found[1] if found is not None else ""
        return await self.post("/login", data={"name": name, "password": password, "code": code, "form": form, **more})

    async def csrf(self, path: str = "/account") -> str:
        """Return the token that forms of this session have."""
        page = await self.get(path)
        found = _CSRF.search(page.text)
        assert found is not None, page.text
        return found[1]


def code(secret: str, at: float | None = None) -> str:
    """Return what an authenticator shows."""
    return pyotp.TOTP(secret).at(int(time.time() if at is None else at))
