"""Guessing at a running web server: slowed down, refused in floods, and no way to keep out those who work here."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from support.login import PASSWORD, Browser, Site, code, site
from tslcd_collector.access import people
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


async def test_guessing_is_slowed_down_and_locks_nobody_out_who_was_here_before(running: Site) -> None:
    """Five guesses at an account, then the same wait whether it exists or not; a browser that logged in before is not touched."""
    browser = await running.entered()
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
    browser = await running.entered()
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
    browser = await running.entered()
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
