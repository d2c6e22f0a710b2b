"""Login at a running web server with local accounts: what gets in, what does not, and what is said about it."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from typing import TYPE_CHECKING

import argon2
import httpx
import pytest

from support.login import ADMIN, PASSWORD, Browser, Site, code, site
from tslcd_collector.access import Role, passwords, people
from tslcd_collector.access.settings import AccessSettings
from tslcd_runtime.secret import Secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

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


async def _entered(running: Site, name: str = "lan", role: Role = Role.OPERATOR) -> Browser:
    """Return the browser of somebody who has just logged in."""
    secret = await running.add(name, role)
    browser = Browser(running.url)
    answer = await browser.log_in(name, code(secret, running.now()))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    return browser


async def test_the_first_login_sets_up_a_password_an_authenticator_and_recovery_codes(running: Site) -> None:
    """Nothing else can be reached until both are set up; then the code is wanted, and a recovery code is taken once."""
    await running.add("minh", secret="none")
    async with Browser(running.url) as browser:
        answer = await browser.log_in("minh")
        assert answer.headers["location"] == "/account/setup"
        begun = browser.cookies["tslcd_session"]
        assert (await browser.get("/account")).headers["location"] == "/account/setup"
        assert (await browser.get("/api/v1/channels", headers={"accept": "*/*"})).status_code == 403
        token = await browser.csrf("/account/setup")
        new = "mật khẩu của riêng Minh"
        for sent, words in (
            ({"password": "sai", "new": new, "again": new}, "Mật khẩu hiện tại không đúng"),
            ({"password": PASSWORD, "new": "ngắn", "again": "ngắn"}, "ít nhất 12 ký tự"),
            ({"password": PASSWORD, "new": "aaaaaaaaaaaaaaa", "again": "aaaaaaaaaaaaaaa"}, "quá dễ đoán"),
            ({"password": PASSWORD, "new": new, "again": new + "!"}, "không giống nhau"),
            ({"password": PASSWORD, "new": PASSWORD, "again": PASSWORD}, "phải khác mật khẩu cũ"),
        ):
            refused = await browser.post("/account/setup/password", data={"csrf": token, **sent})
            assert refused.status_code in {400, 401}
            assert words in refused.text
        # the code cannot be set up before the password
        assert (
            "step 1 of 2"
            in (
                await browser.post("/account/setup/code", data={"csrf": token, "code": "1"}, follow_redirects=True)
            ).text
        )
        sent = {"csrf": token, "password": PASSWORD, "new": new, "again": new}
        assert (await browser.post("/account/setup/password", data=sent)).status_code == 303
        page = await browser.get("/account/setup")
        assert "<svg" in page.text
        assert "style=" not in page.text
        secret = re.search(r"<code>([A-Z2-7 ]+)</code>", page.text)[1].replace(" ", "")  # type: ignore[index]
        wrong = await browser.post("/account/setup/code", data={"csrf": token, "code": "000000"})
        assert (wrong.status_code, secret in wrong.text.replace(" ", "")) == (401, True)
        done = await browser.post("/account/setup/code", data={"csrf": token, "code": code(secret, running.now())})
        drawn = re.findall(r"<li><code>([a-z2-9-]{19})</code>", done.text)
        assert len(drawn) == 10
        assert done.headers["cache-control"] == "no-store"
        assert browser.cookies["tslcd_session"] != begun
        assert (await browser.get("/account")).status_code == 200
    async with Browser(running.url) as stolen:
        stolen.cookies.set("tslcd_session", begun)
        assert (await stolen.get("/account")).headers["location"] == "/login?next=/account"
    async with Browser(running.url) as browser:
        assert (await browser.log_in("minh", "", new)).status_code == 401
        assert (await browser.log_in("minh", drawn[0].upper().replace("-", " "), new)).status_code == 303
    async with Browser(running.url) as browser:
        assert (await browser.log_in("minh", drawn[0], new)).status_code == 401
        assert (await browser.log_in("minh", drawn[1], new)).status_code == 303
        assert "8 left" in (await browser.get("/account")).text
    done_things = [what for _, what, _ in await running.audit()]
    assert done_things.count("login") == 3
    assert {"password-change", "authenticator-set", "login-failed"} <= set(done_things)


async def test_whatever_is_wrong_the_answer_is_the_same(running: Site) -> None:
    """A name that nobody has, a wrong password, a wrong code, a disabled account, no password at all: one text, one status."""
    secret = await running.add("lan")
    disabled = await running.add("cuong")
    await running.operations.run(lambda file: people.set_disabled(file, "cuong", ADMIN, 0.0, disabled=True))
    answers = set()
    for name, password, one in (
        ("khong-ai", PASSWORD, "123456"),
        ("lan", "sai mật khẩu rồi", code(secret, running.now())),
        ("lan", PASSWORD, "000000"),
        ("lan", PASSWORD, ""),
        ("cuong", PASSWORD, code(disabled, running.now())),
    ):
        async with Browser(running.url) as browser:
            answer = await browser.log_in(name, one, password)
            shown = re.sub(r'value="[^"]*"', "", answer.text)
            answers.add((answer.status_code, shown))
            assert "tslcd_session" not in browser.cookies
    assert len(answers) == 1
    assert "Tên đăng nhập, mật khẩu hoặc mã xác thực không đúng" in answers.pop()[1]
    # a name that is nobody's may be a password in the wrong field
    assert [target for _, what, target in await running.audit() if what == "login-failed"] == [
        "",
        "lan",
        "lan",
        "lan",
        "cuong",
    ]


async def test_a_code_is_taken_once_also_by_two_at_once(running: Site) -> None:
    """Of two logins with one code one gets in; the code after it is good again."""
    secret = await running.add("lan")
    one, other = Browser(running.url), Browser(running.url)
    now = running.now()
    async with one, other:
        answers = await asyncio.gather(*(browser.log_in("lan", code(secret, now)) for browser in (one, other)))
        assert sorted(answer.status_code for answer in answers) == [303, 401]
    async with Browser(running.url) as browser:
        assert (await browser.log_in("lan", code(secret, now))).status_code == 401
        running.ahead[0] += 30
        assert (await browser.log_in("lan", code(secret, now + 30))).status_code == 303


async def test_a_telephone_may_be_half_a_minute_off(running: Site) -> None:
    """One step of time in either direction is taken, two are not."""
    running.ahead[0] = 30 - running.now() % 30 + 15  # the middle of a step, so that no step ends meanwhile
    for name, off, status in (("a1", -60, 401), ("a2", -30, 303), ("a3", 30, 303), ("a4", 90, 401)):
        secret = await running.add(name)
        async with Browser(running.url) as browser:
            assert (await browser.log_in(name, code(secret, running.now() + off))).status_code == status, off


async def test_passwords_are_the_same_however_the_keyboard_composes_them(running: Site) -> None:
    """NFC and NFD of one text are one password."""
    secret = await running.add("lan", password="Đường truyền về xã")
    decomposed = "Đường truyền về xã"
    async with Browser(running.url) as browser:
        assert (await browser.log_in("lan", code(secret, running.now()), decomposed)).status_code == 303


async def test_a_weaker_hash_is_made_anew_at_the_next_login(running: Site) -> None:
    """The same password, today's parameters; no second login is needed for it."""
    secret = await running.add("lan")
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(passwords.normalised(PASSWORD))

    def kept(value: str = "") -> str:
        with sqlite3.connect(running.file.path) as one:
            if value:
                one.execute("UPDATE person SET password = ?", (value,))
            return str(one.execute("SELECT password FROM person").fetchone()[0])

    await asyncio.to_thread(kept, weak)
    async with Browser(running.url) as browser:
        assert (await browser.log_in("lan", code(secret, running.now()))).status_code == 303
    parameters = argon2.extract_parameters(await asyncio.to_thread(kept))
    assert (parameters.type, parameters.memory_cost, parameters.time_cost) == (
        argon2.Type.ID,
        passwords.MEMORY,
        passwords.PASSES,
    )


async def test_a_huge_password_is_refused_and_costs_nothing(running: Site) -> None:
    """A megabyte is too long a body; what fits in a body and is no password is a wrong one."""
    async with Browser(running.url) as browser:
        assert (await browser.log_in("lan", "", "x" * 2**20)).status_code == 413
        assert (await browser.log_in("lan", "", "x" * 50_000)).status_code == 401

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b"x" * 1024

        chunked = await browser.post(
            "/login", content=pieces(), headers={"content-type": "application/x-www-form-urlencoded"}
        )
        assert chunked.status_code == 413
        assert (
            await browser.post(
                "/login", content=b"\xff\xfe", headers={"content-type": "application/x-www-form-urlencoded"}
            )
        ).status_code == 400
        assert (await browser.post("/login", files={"name": b"lan"})).status_code == 415


async def test_a_login_form_of_another_site_is_refused(running: Site) -> None:
    """Without the token of this browser's login page nobody is logged in, nor from another origin."""
    secret = await running.add("lan")
    form = {"name": "lan", "password": PASSWORD, "code": code(secret, running.now())}
    async with Browser(running.url) as browser:
        assert (await browser.post("/login", data=form)).status_code == 403
        assert (await browser.post("/login", data={**form, "form": "0" * 64})).status_code == 403
        for header in ({"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
            assert (await browser.post("/login", data=form, headers=header)).status_code == 403
        assert (await browser.log_in(name="lan", code=form["code"])).status_code == 303


async def test_login_leads_to_pages_of_ours_only(running: Site) -> None:
    """Any ``next`` that may lead elsewhere leads to the main page."""
    secret = await running.add("lan")
    for wanted in (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%5C/../\\evil",
        "javascript:alert(1)",
        "/\t/evil.example",
        " /evil",
        "/logout",
        "/login?next=/login",
        "/a" * 400,
        "/channels/c1\r\nset-cookie: a=b",
        "/đường",
        "",
    ):
        running.ahead[0] += 30
        async with Browser(running.url) as browser:
            answer = await browser.log_in("lan", code(secret, running.now()), next=wanted)
            assert (answer.status_code, answer.headers["location"]) == (303, "/"), wanted


async def test_login_leads_back_to_where_one_wanted_to_go(private: Site) -> None:
    """A page that wants login sends there and back, with its query."""
    secret = await private.add("lan")
    async with Browser(private.url) as browser:
        asked = await browser.get("/channels/c1?lang=en&x=1")
        assert asked.headers["location"] == "/login?next=/channels/c1%3Flang%3Den%26x%3D1"
        page = await browser.get(asked.headers["location"])
        assert 'name="next" value="/channels/c1?lang=en&amp;x=1"' in page.text
        answer = await browser.log_in("lan", code(secret, private.now()), next="/channels/c1?lang=en&x=1")
        assert answer.headers["location"] == "/channels/c1?lang=en&x=1"


async def test_a_session_prepared_by_another_is_never_used(running: Site) -> None:
    """A cookie that is there before login gets no rights by it, and the session before ends."""
    browser = await _entered(running)
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
    viewer = await _entered(running, "xem", Role.VIEWER)
    async with viewer:
        token = await viewer.csrf()
        assert (await viewer.post(path, data={"text": "a", "csrf": token})).status_code == 403
    browser = await _entered(running)
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
    browser = await _entered(running)
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


async def test_sessions_end_by_idleness_by_age_and_by_hand(running: Site) -> None:
    """An hour without a request, twelve hours in any case, log out, and log out everywhere else."""
    browser = await _entered(running)
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
        running.ahead[0] += 900
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


async def test_guessing_is_slowed_down_and_locks_nobody_out_who_was_here_before(running: Site) -> None:
    """Five guesses at an account, then the same wait whether it exists or not; a browser that logged in before is not touched."""
    browser = await _entered(running)
    secret = await running.add("minh")
    async with browser:
        for name in ("lan", "khong-ai"):
            async with Browser(running.url) as stranger:
                found = [(await stranger.log_in(name, "000000", f"đoán lần thứ {n}")).status_code for n in range(7)]
                assert found == [401] * 5 + [429] * 2
                refused = await stranger.log_in(name, "000000", PASSWORD)
                assert int(refused.headers["retry-after"]) in range(1, 16)
        running.ahead[0] += 1
        await browser.post("/logout", data={"csrf": await browser.csrf()})
        people_secret = await running.operations.run(lambda file: people.find(file, "lan"))
        assert people_secret is not None
        running.ahead[0] += 5
        later = running.now() + 30
        assert (await browser.log_in("lan", code(people_secret.secret, later))).status_code == 303
    # twenty wrong ones from one address stop strangers there, for a quarter of an hour at the most
    async with Browser(running.url) as stranger:
        for n in range(12):
            await stranger.log_in(f"ten-{n}", "000000")
        assert (await stranger.log_in("minh", code(secret, running.now()))).status_code == 429
        running.ahead[0] += 901
        assert (await stranger.log_in("minh", code(secret, running.now()))).status_code == 303
    assert running.access._metrics is not None
    samples = {
        one.labels["result"]: one.value
        for one in next(iter(running.access._metrics.logins.collect())).samples
        if one.name.endswith("_total")
    }
    assert samples["locked"] >= 7


async def test_a_flood_of_guesses_is_refused_and_known_browsers_get_through(
    running: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strangers beyond those that may wait get 503; somebody known is served by a thread of their own; the loop never waits."""
    browser = await _entered(running)
    people_secret = await running.operations.run(lambda file: people.find(file, "lan"))
    assert people_secret is not None
    monkeypatch.setattr("tslcd_collector.access.attempts.FREE", {"account": 1000, "device": 1000, "address": 1000})
    monkeypatch.setattr("tslcd_collector.access.passwords.MAX_WAITING", 2)
    async with browser, Browser(running.url) as stranger:
        page = await stranger.get("/login")
        form = re.search(r'name="form" value="([0-9a-f]+)"', page.text)[1]  # type: ignore[index]
        sent = {"name": "khong-ai", "password": PASSWORD, "code": "", "form": form}
        flood = [asyncio.create_task(stranger.post("/login", data=sent)) for _ in range(20)]
        await browser.post("/logout", data={"csrf": await browser.csrf()})
        running.ahead[0] += 30
        assert (await browser.log_in("lan", code(people_secret.secret, running.now()))).status_code == 303
        statuses = {answer.status_code for answer in await asyncio.gather(*flood)}
        assert statuses == {401, 503}


async def test_recovery_codes_are_made_anew_with_a_code_only(running: Site) -> None:
    """A wrong code changes nothing, guessing ends, a right one shows ten new ones."""
    browser = await _entered(running)
    account = await running.operations.run(lambda file: people.find(file, "lan"))
    assert account is not None
    async with browser:
        token = await browser.csrf()
        tried = [
            (await browser.post("/account/codes", data={"csrf": token, "code": "000000"})).status_code for _ in range(6)
        ]
        assert tried == [401] * 5 + [429]
        running.ahead[0] += 30
        shown = await browser.post("/account/codes", data={"csrf": token, "code": code(account.secret, running.now())})
        assert shown.text.count("<li><code>") == 10
