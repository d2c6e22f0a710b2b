"""Login at a running web server with local accounts: what gets in, what does not, and what is said about it."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import unicodedata
from typing import TYPE_CHECKING

import argon2
import pytest

from support.login import ADMIN, PASSWORD, Browser, Site, code, site
from tslcd_collector.access import passwords, people
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
    decomposed = unicodedata.normalize("NFD", "Đường truyền về xã")
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
