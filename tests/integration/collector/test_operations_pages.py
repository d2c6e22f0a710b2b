"""What operators do on the page, over a running web server, and what is left when its file cannot be used."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from support.login import Browser, Site, code, site
from tslcd_collector.access import Role
from tslcd_collector.access.settings import AccessSettings
from tslcd_collector.store import VerdictRow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Site]:
    """Serve with local accounts; pages are free to read."""
    async with site(tmp_path) as one:
        yield one


class Operator(httpx.AsyncClient):
    """A program of an operator: JSON, with cookie and token."""


@contextlib.asynccontextmanager
async def _operator(
    running: Site, name: str = "lan", role: Role = Role.OPERATOR
) -> AsyncIterator[tuple[Browser, Operator]]:
    secret = await running.add(name, role)
    async with Browser(running.url) as browser:
        assert (await browser.log_in(name, code(secret, running.now()))).status_code == 303
        headers = {"x-csrf-token": await browser.csrf()}
        async with Operator(
            base_url=running.url, cookies=dict(browser.cookies), headers=headers, trust_env=False
        ) as one:
            yield browser, one


async def _channel(running: Site, channel: str = "c1") -> dict[str, object]:
    async with httpx.AsyncClient(base_url=running.url, trust_env=False) as nobody:
        found = (await nobody.get("/api/v1/channels")).json()["channels"]
    return next({name: one[name] for name in one if name.startswith("ack")} for one in found if one["id"] == channel)


def _up(channel: str) -> VerdictRow:
    return VerdictRow(channel, "up", "ok", "none", "", time.time(), time.time())


async def test_a_channel_is_acknowledged_and_the_page_and_the_api_tell_by_whom(running: Site) -> None:
    """Until it is up again, or somebody takes it back; who, when, why; a channel that nobody has, and too long a comment."""
    async with _operator(running) as (browser, one):
        answer = await one.post("/api/v1/channels/c1/acknowledge", json={"comment": "<b>Đã gọi</b> VNPT"})
        assert answer.status_code == 201
        made = answer.json()["acknowledgement"]
        assert (made["who"], made["channel"], made["until"]) == ("lan", "c1", None)
        assert await _channel(running) == {
            "acknowledged_by": "lan",
            "acknowledged_at": made["at"],
            "acknowledgement": "<b>Đã gọi</b> VNPT",
        }
        page = (await browser.get("/channels/c1")).text
        assert "&lt;b&gt;Đã gọi&lt;/b&gt; VNPT" in page
        assert "<b>Đã gọi" not in page
        running.operations.note([_up("c1")])
        assert (await _channel(running))["acknowledged_by"] is None
        assert (await one.post("/api/v1/channels/c9/acknowledge", json={})).status_code == 404
        refused = await one.post("/api/v1/channels/c1/acknowledge", json={"comment": "x" * 1001})
        assert (refused.status_code, list(refused.json()["problems"])) == (400, ["comment"])
        assert (await one.post("/api/v1/channels/c1/acknowledge", json={})).status_code == 201
        assert (await one.post("/api/v1/channels/c1/acknowledge", json={"withdraw": True})).json() == {
            "withdrawn": True
        }
        assert (await one.post("/api/v1/channels/c1/acknowledge", json={"withdraw": True})).json() == {
            "withdrawn": False
        }
        assert (await one.post("/api/v1/channels/c1/comments", json={"text": None})).status_code == 400
        assert (await one.post("/api/v1/channels/c1/comments", json={"text": "một"})).status_code == 201
        assert [entry["text"] for entry in (await one.get("/api/v1/channels/c1/comments")).json()["comments"]] == [
            "một"
        ]
        assert (await one.get("/api/v1/channels/c9/comments")).status_code == 404


async def test_maintenance_is_planned_on_the_page_and_mistakes_stand_at_their_fields(running: Site) -> None:
    """The form comes back with what was entered and a message at each wrong field; programs get the same as JSON."""
    soon, later = running.now() + 600, running.now() + 4200
    async with _operator(running) as (browser, one):
        token = await browser.csrf("/maintenance")
        wrong = {
            "csrf": token,
            "title": "<i>Thay cáp",
            "from": str(later),
            "until": str(soon),
            "channels": ["c1", "c9"],
        }
        page = await browser.post("/api/v1/maintenance", data=wrong)
        assert page.status_code == 400
        assert 'value="&lt;i&gt;Thay cáp"' in page.text
        assert "Kết thúc phải sau khi bắt đầu" in page.text
        assert 'id="channels-problem">Không có trong danh mục: c9.' in page.text
        assert page.text.count('aria-invalid="true"') == 2
        problems = (await one.post("/api/v1/maintenance", json={**wrong})).json()["problems"]
        assert problems["until"] == {
            "vi": "Kết thúc phải sau khi bắt đầu.",
            "en": "The end must be after the beginning.",
        }
        good = {**wrong, "from": str(soon), "until": str(later), "channels": ["c1"], "next": "https://evil.example"}
        assert (await browser.post("/api/v1/maintenance", data=good)).headers["location"] == "/"
        assert (await one.post("/api/v1/maintenance", json={**good, "kind": "drill"})).status_code == 201
        windows = (await one.get("/api/v1/maintenance")).json()["windows"]
        assert [(work["kind"], work["channels"], work["who"], work["from"]) for work in windows] == [
            ("maintenance", ["c1"], "lan", soon),
            ("drill", ["c1"], "lan", soon),
        ]
        assert "&lt;i&gt;Thay cáp" in (await browser.get("/maintenance")).text
        number = windows[0]["id"]
        assert (await browser.post(f"/api/v1/maintenance/{number}/withdraw", data={"csrf": token})).status_code == 303
        assert (await one.post(f"/api/v1/maintenance/{number}/withdraw")).status_code == 404
        assert len(running.operations.windows) == 1


async def test_the_audit_log_says_who_did_what_from_where_to_operators_alone(running: Site) -> None:
    """No password, code, token or hash is in it; it goes on page by page."""
    async with _operator(running) as (browser, one):
        await one.post("/api/v1/channels/c1/acknowledge", json={"comment": "đã gọi"})
        async with Browser(running.url) as stranger:
            await stranger.log_in("lan", "123456", "một mật khẩu sai")
        page = (await browser.get("/audit")).text
        assert "xác nhận sự cố" in page
        assert "bằng mã một lần" in page
        assert "đăng nhập không thành công" in page
        entries = (await one.get("/api/v1/audit")).json()["entries"]
        shown = [(entry["who"], entry["source"], entry["what"], entry["target"], entry["detail"]) for entry in entries]
        assert shown[:3] == [
            ("", "127.0.0.1", "login-failed", "lan", ""),
            ("lan", "127.0.0.1", "acknowledge", "c1", "đã gọi"),
            ("lan", "127.0.0.1", "login", "lan", "authenticator"),
        ]
        assert entries[2]["detail_words"] == {"vi": "bằng mã một lần", "en": "authenticator"}
        assert entries[0]["what_words"]["vi"] == "đăng nhập không thành công"
        older = (await one.get(f"/api/v1/audit?before={entries[1]['id']}")).json()["entries"]
        assert [entry["what"] for entry in older] == ["login", "person-add"]
        assert (await one.get("/api/v1/audit?before=x'--")).status_code == 200
        text = str(entries)
        for secret in (*browser.cookies.values(), "mật khẩu", "123456", "argon2"):
            assert secret not in text
    async with _operator(running, "xem", Role.VIEWER) as (browser, one):
        assert (await browser.get("/audit")).status_code == 403
        assert (await one.get("/api/v1/audit")).status_code == 403
        assert 'action="/api/v1/maintenance"' not in (await browser.get("/maintenance")).text
    async with Browser(running.url) as nobody:
        assert (await nobody.get("/audit")).headers["location"] == "/login?next=/audit"


async def test_without_login_everything_is_read_and_nothing_changed(tmp_path: Path) -> None:
    """Mode off: the pages are there, no login page, and every change is refused with what to do."""
    async with site(tmp_path, AccessSettings()) as running, Browser(running.url) as browser:
        for path in ("/", "/channels/c1", "/maintenance", "/api/v1/channels", "/api/v1/maintenance"):
            assert (await browser.get(path)).status_code == 200, path
        assert (await browser.get("/login")).status_code == 404
        for path in ("/api/v1/channels/c1/acknowledge", "/api/v1/maintenance", "/api/v1/maintenance/1/withdraw"):
            refused = await browser.post(path, headers={"accept": "*/*"})
            assert refused.status_code == 403
            assert "access.mode" in refused.json()["error"]
        assert (await browser.get("/api/v1/audit")).status_code == 403


async def test_a_disk_that_fails_takes_away_login_and_changes_and_nothing_else(running: Site) -> None:
    """Read-only, then unreadable: clear words, 503, and what is only looked at stays; then all of it works again."""
    async with _operator(running) as (browser, one):
        secret = await running.add("minh")
        await running.operations.run(lambda file: file.read("PRAGMA query_only = 1"))
        refused = await one.post("/api/v1/channels/c1/acknowledge", json={})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
        assert "operations.db" in refused.json()["error"]
        async with Browser(running.url) as other:
            page = await other.log_in("minh", code(secret, running.now()))
            assert (page.status_code, "trang chỉ xem vẫn chạy" in page.text) == (503, True)
            assert "tslcd_session" not in other.cookies
        assert (await browser.get("/account")).status_code == 200
        await running.operations.run(lambda file: file.read("PRAGMA query_only = 0"))
        connection = running.file._connection
        running.file._connection = None
        for path in ("/", "/channels/c1", "/maintenance", "/api/v1/channels"):
            assert (await browser.get(path)).status_code == 200, path
        assert (await browser.get("/account")).status_code == 503
        assert (await one.post("/api/v1/channels/c1/acknowledge", json={})).status_code == 503
        running.file._connection = connection
        assert (await one.post("/api/v1/channels/c1/acknowledge", json={})).status_code == 201


async def test_a_stream_of_events_ends_with_its_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is logged out everywhere sees no more of the wall, also on a page that is open."""
    monkeypatch.setattr("tslcd_collector.access.gate._LOOK", 0.0)
    monkeypatch.setattr("tslcd_collector.web.events.BEAT", 0.02)
    settings = AccessSettings(mode="local", public_read=False)
    async with site(tmp_path, settings) as running, _operator(running) as (browser, one):
        feed = asyncio.create_task(running.view.feed.running(running.view.rows, running.view.beat))
        async with one.stream("GET", "/events") as stream:
            pieces = stream.aiter_raw()
            for _ in range(5):
                await asyncio.wait_for(anext(pieces), 10)
            await browser.post("/logout", data={"csrf": one.headers["x-csrf-token"]})
            async with asyncio.timeout(10):
                async for _ in pieces:
                    pass
        feed.cancel()
        await asyncio.gather(feed, return_exceptions=True)
