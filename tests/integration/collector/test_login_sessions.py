"""Sessions at a running web server: who may do what with them, how they end, and what every answer carries."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from support.login import ADMIN, PASSWORD, Browser, Site, code, site
from tslcd_collector.access import Role, passwords, people
from tslcd_collector.access.settings import AccessSettings
from tslcd_runtime.secret import Secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tslcd_collector.operations import OperationsFile

PRIVATE = AccessSettings(mode="local", public_read=False, token=Secret("a token of programs"), protect_metrics=True)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Site]:
    """Serve with local accounts; pages are free to read."""
    async with site(tmp_path) as one:
        yield one


@pytest.fixture
async def private(tmp_path: Path) -> AsyncIterator[Site]:
    """Serve with local accounts; nothing is free to read."""
    async with site(tmp_path, PRIVATE) as one:
        yield one


async def test_a_session_prepared_by_another_is_never_used(running: Site) -> None:
    """A cookie that is there before login gets no rights by it, and the session before ends."""
    browser = await running.entered()
    async with browser:
        before = browser.cookies["tslcd_session"]
        running.ahead[0] += 30
        secret = await running.add("minh", Role.VIEWER)
        async with Browser(running.url) as fresh:
            page = await fresh.get("/login")
        form = re.search(r'name="form" value="([0-9a-f]+)"', page.text)[1]  # type: ignore[index]
        cookies = {"tslcd_session": before, "tslcd_form": page.cookies["tslcd_form"]}
        async with httpx.AsyncClient(base_url=running.url, cookies=cookies, trust_env=False) as other:
            sent = {"name": "minh", "password": PASSWORD, "code": code(secret, running.now()), "form": form}
            answer = await other.post("/login", data=sent)
            assert answer.status_code == 303
            assert answer.cookies["tslcd_session"] not in {before, "planted"}
        assert (await browser.get("/account")).status_code == 303
        planted = Browser(running.url, cookies={"tslcd_session": "planted"})
        running.ahead[0] += 30
        async with planted:
            answer = await planted.log_in("minh", code(secret, running.now()))
            assert answer.cookies["tslcd_session"] != "planted"


async def test_what_acts_needs_an_operator_and_the_token_of_the_session(running: Site) -> None:
    """Nobody: 401. A viewer: 403. Without the token, with a wrong one, or one of another session: 403. Then it is done."""
    path = "/api/v1/channels/c1/comments"
    async with httpx.AsyncClient(base_url=running.url, trust_env=False) as nobody:
        assert (await nobody.post(path, json={"text": "a"})).status_code == 401
    viewer = await running.entered("xem", Role.VIEWER)
    async with viewer:
        token = await viewer.csrf()
        assert (await viewer.post(path, data={"text": "a", "csrf": token})).status_code == 403
    browser = await running.entered()
    async with browser:
        mine = await browser.csrf()
        for header in (
            {},
            {"x-csrf-token": "0" * 64},
            {"x-csrf-token": token},
            {"x-csrf-token": mine, "origin": "http://evil.example"},
        ):
            assert (await browser.post(path, json={"text": "a"}, headers=header)).status_code == 403
        assert (
            await browser.post(path, json={"text": "a"}, headers={"x-csrf-token": mine, "accept": "*/*"})
        ).status_code == 201
        assert (await browser.post(path, data={"text": "b", "csrf": mine, "next": "/channels/c1"})).headers[
            "location"
        ] == "/channels/c1"
        # a route that nobody named, and every other method
        for method in ("PUT", "DELETE", "PATCH", "POST"):
            async with httpx.AsyncClient(base_url=running.url, trust_env=False) as nobody:
                assert (await nobody.request(method, "/anything")).status_code == 401
    comments = await running.operations.comments("c1")
    assert [(one.who, one.text) for one in comments] == [("lan", "b"), ("lan", "a")]


async def test_disabled_demoted_and_ended_sessions_hold_at_once(running: Site) -> None:
    """The next request after a command is refused; a role that was taken away is gone."""
    browser = await running.entered()
    async with browser:
        token = await browser.csrf()
        await running.operations.run(lambda file: people.set_role(file, "lan", Role.VIEWER, ADMIN, 0.0))
        assert (
            await browser.post("/api/v1/channels/c1/comments", data={"text": "a", "csrf": token})
        ).status_code == 403
        kept = dict(browser.cookies)
        await running.operations.run(lambda file: people.set_disabled(file, "lan", ADMIN, 0.0, disabled=True))
        assert (await browser.get("/account")).status_code == 303
        await running.operations.run(lambda file: people.set_disabled(file, "lan", ADMIN, 0.0, disabled=False))
    async with Browser(running.url, cookies=kept) as browser:
        assert (await browser.get("/account")).status_code == 303
    # whoever wrote it: a disabled person is nobody, whatever sessions there are
    running.ahead[0] += 30
    account = await running.operations.run(lambda file: people.find(file, "lan"))
    assert account is not None
    async with Browser(running.url) as browser:
        assert (await browser.log_in("lan", code(account.secret, running.now()))).status_code == 303
        await running.operations.run(lambda file: file.read("UPDATE person SET disabled = 1"))
        assert (await browser.get("/account")).status_code == 303


@pytest.mark.parametrize("change", ["reset", "password", "disabled", "demoted"])
async def test_a_login_under_way_ends_with_what_is_changed_meanwhile(
    running: Site, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the password is verified, which takes its time, the person is reset or loses rights: no session comes of it."""
    secret = await running.add("minh")
    hashed = await asyncio.to_thread(passwords.hashed, "another password 1")
    verify = running.access.guard.verify
    changes: dict[str, Callable[[OperationsFile], object]] = {
        "reset": lambda file: people.reset(file, "minh", hashed, ADMIN, running.now()),
        "password": lambda file: people.change_password(file, "minh", hashed, b"", ADMIN, running.now()),
        "disabled": lambda file: people.set_disabled(file, "minh", ADMIN, running.now(), disabled=True),
        "demoted": lambda file: people.set_role(file, "minh", Role.VIEWER, ADMIN, running.now()),
    }

    async def slowly(*arguments: Any, **named: Any) -> Any:
        found = await verify(*arguments, **named)
        await running.operations.run(changes[change])
        return found

    monkeypatch.setattr(running.access.guard, "verify", slowly)
    async with Browser(running.url) as browser:
        answer = await browser.log_in("minh", code(secret, running.now()))
        assert answer.status_code == 401
        assert "tslcd_session" not in browser.cookies
        assert (await browser.get("/account")).status_code == 303


async def test_sessions_end_by_idleness_by_age_and_by_hand(running: Site) -> None:
    """An hour without a request, twelve hours in any case, log out, and log out everywhere else."""
    browser = await running.entered()
    async with browser:
        running.ahead[0] += 3599
        assert (await browser.get("/account")).status_code == 200
        running.ahead[0] += 3601
        assert (await browser.get("/account")).status_code == 303
    secret = await running.add("minh")
    async with Browser(running.url) as one, Browser(running.url) as other:
        await one.log_in("minh", code(secret, running.now()))
        running.ahead[0] += 30
        await other.log_in("minh", code(secret, running.now()))
        assert (await one.post("/account/sessions", data={"csrf": await one.csrf()})).status_code == 303
        assert (await other.get("/account")).status_code == 303
        for _ in range(12):
            assert (await one.get("/account")).status_code == 200
            running.ahead[0] += 3530
        assert (await one.get("/account")).status_code == 200
        running.ahead[0] += 12 * 3600 - 12 * 3530 + 60  # a minute past twelve hours
        assert (await one.get("/account")).status_code == 303
    async with Browser(running.url) as one:
        await one.log_in("minh", code(secret, running.now()))
        kept, token = one.cookies["tslcd_session"], await one.csrf()
        assert (await one.post("/logout", data={"csrf": "x"})).status_code == 403
        assert (await one.post("/logout", data={"csrf": token})).headers["location"] == "/login"
        assert "tslcd_session" not in one.cookies
        one.cookies.set("tslcd_session", kept)
        assert (await one.get("/account")).status_code == 303


async def test_nothing_is_free_to_read_where_login_is_for_all(private: Site) -> None:
    """Pages and JSON want login or the token, metrics the token; health is free, and so is what the login page needs."""
    bearer = {"authorization": "Bearer a token of programs"}
    async with httpx.AsyncClient(base_url=private.url, trust_env=False) as program:
        for path in ("/-/healthy", "/-/ready", "/login", "/access/style.css"):
            assert (await program.get(path)).status_code == 200, path
        for path in (
            "/",
            "/events",
            "/channels/c1",
            "/api/v1/channels",
            "/api/v1/agents",
            "/metrics",
            "/api/v1/sd",
            "/maintenance",
            "/metrics/",
        ):
            refused = await program.get(path)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Bearer realm="tslcd"'), path
            assert (await program.get(path, headers={"authorization": "Bearer another"})).status_code == 401
            for host in ("x/login?", "x/-/healthy?", "x/static/", "login"):
                assert (await program.get(path, headers={"host": host})).status_code in {400, 401}, host
        for path in ("/", "/api/v1/channels", "/api/v1/sd"):
            assert (await program.get(path, headers=bearer)).status_code == 200, path
        assert (await program.get("/api/v1/audit", headers=bearer)).status_code == 403
        assert (await program.post("/api/v1/maintenance", headers=bearer)).status_code == 401


async def test_headers_of_every_answer(running: Site) -> None:
    """A strict policy, no sniffing, no frames; cookies for HTTP only; over https also Secure, the host's own, and HSTS."""
    secret = await running.add("lan")
    async with Browser(running.url) as browser:
        for path in ("/", "/login", "/api/v1/channels", "/nothing", "/api/v1/sd"):
            headers = (await browser.get(path)).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert "strict-transport-security" not in headers
        page = await browser.get("/login")
        assert re.search(r"<script|style=|\son\w+=", page.text) is None
        cookie = (await browser.log_in("lan", code(secret, running.now()))).headers.get_list("set-cookie")
        assert all("HttpOnly" in one and "SameSite=lax" in one and "Secure" not in one for one in cookie)
    running.ahead[0] += 30
    async with Browser(running.url) as browser:
        # a proxy on this machine says how the person's browser speaks
        proxied = {
            "x-forwarded-proto": "https",
            "x-forwarded-for": "198.51.100.7",
            "origin": running.url.replace("http:", "https:"),
        }
        page = await browser.get("/login", headers=proxied)
        form = re.search(r'name="form" value="([0-9a-f]+)"', page.text)[1]  # type: ignore[index]
        sent = {"name": "lan", "password": PASSWORD, "code": code(secret, running.now()), "form": form}
        cookies = {"cookie": f"__Host-tslcd_form={page.cookies['__Host-tslcd_form']}"}
        answer = await browser.post("/login", data=sent, headers=proxied | cookies)
        given = [one for one in answer.headers.get_list("set-cookie") if one.startswith("__Host-tslcd_session=")]
        assert len(given) == 1
        assert "Secure" in given[0]
        assert "strict-transport-security" in answer.headers
    entries = await running.operations.entries()
    assert [one.source for _, one in entries if one.what == "login"] == ["198.51.100.7", "127.0.0.1"]
