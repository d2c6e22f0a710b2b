"""A channel's page that stays open: changes at bad moments, pages that do not come, comments, and who works with keys."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

from support import wall
from support.collector import eventually
from support.login import Site, site
from support.screens import browser
from tslcd_collector.ledger.rows import History, Interval
from tslcd_collector.supervision import Standing
from tslcd_collector.verdict import Party, Reason, State, Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import BrowserContext, Page, Route

CUT: Final = Verdict(State.DOWN, Reason.INTERFACE_DOWN, Party.OPERATOR)
#: Has the page count what it was told of rows.
COUNTING: Final = """() => { let told = 0; const rows = TSLCD.handlers.rows;
    TSLCD.handlers.rows = (...given) => { rows(...given); document.body.dataset.told = told += 1; }; }"""


class Past:
    """A ledger with a list that is longer than its place."""

    async def history(self, channel: str, since: float, until: float) -> History:
        """Return forty intervals."""
        del until
        words = (CUT.state.value, CUT.reason.value, CUT.party.value, "")
        found = [Interval(channel, *words, since + at, since + at + 1) for at in range(40)]
        return History(found, [], more=False)


def stand(one: Site, verdict: Verdict) -> None:
    """Have a channel change, and everybody told."""
    now = time.time()
    one.supervision.standing["c1"] = Standing(verdict, now, now)
    one.view.feed.wake()


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[Site, BrowserContext, Page, list[str]]]:
    """Open the page of a channel that is cut, as an operator; yields with it what went wrong in its script."""
    async with site(folder) as one, browser() as chromium:
        one.view.ledger = Past()  # type: ignore[assignment]
        stand(one, CUT)
        session = await one.entered()
        context = await chromium.new_context(locale="vi-VN", viewport={"width": 390, "height": 844})
        await context.add_cookies(
            [{"name": name, "value": value, "url": one.url} for name, value in session.cookies.items()]
        )
        await session.aclose()
        await context.route("**/static/channel.*", impatient)
        running = asyncio.create_task(one.view.feed.running(one.view.rows, one.view.beat))
        page = await context.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        try:
            await page.goto(f"{one.url}/channels/c1")
            await page.wait_for_selector(".verdict.down")
            await page.wait_for_selector("#age:not(.lost) >> text=Chưa có số liệu")
            yield one, context, page, wrong
        finally:
            await context.close()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def impatient(route: Route) -> None:
    """Serve the script of the page, with a shorter patience."""
    answer = await route.fetch()
    text = await answer.text()
    assert "PATIENCE = 20" in text
    await route.fulfill(response=answer, body=text.replace("PATIENCE = 20", "PATIENCE = 2"))


async def test_a_change_while_the_page_is_asked_for_is_not_lost(tmp_path: Path) -> None:
    """Up, and cut again before the page that says up has come: it stays cut."""
    async with opened(tmp_path) as (one, _, page, wrong):
        asked, go_on, answers = asyncio.Event(), asyncio.Event(), 0

        async def late(route: Route) -> None:
            nonlocal answers
            answers += 1
            answer = await route.fetch()
            asked.set()
            await go_on.wait()
            await route.fulfill(response=answer)

        await page.evaluate(COUNTING)
        await page.route("**/channels/c1", late)
        stand(one, wall.GOOD)
        await asyncio.wait_for(asked.wait(), 10)
        stand(one, CUT)
        await page.wait_for_selector("body[data-told='2']")
        assert answers == 1
        go_on.set()
        await eventually(lambda: answers == 2)
        await page.wait_for_selector("#channel[data-row^=down]")
        assert wrong == []


async def test_a_page_that_does_not_come_is_asked_for_again_soon(tmp_path: Path) -> None:
    """A bad gateway, then no answer at all: seconds later the page shows what the channel is."""
    async with opened(tmp_path) as (one, _, page, wrong):
        answers = 0

        async def failing(route: Route) -> None:
            nonlocal answers
            answers += 1
            if answers == 1:
                await route.fulfill(status=502, body="bad gateway")
            elif answers > 2:
                await route.continue_()

        await page.route("**/channels/c1", failing)
        stand(one, wall.GOOD)
        await page.wait_for_selector(".verdict.up", timeout=20_000)
        assert (answers, wrong) == (3, [])


async def test_comments_appear_on_open_pages_and_nothing_that_is_typed_is_lost(tmp_path: Path) -> None:
    """One's own at once, and a moment later to whoever only looks; comments that cannot be read just now stay."""
    async with opened(tmp_path) as (one, context, page, wrong):
        assert context.browser is not None
        stranger = await context.browser.new_context(locale="vi-VN")
        looking = await stranger.new_page()
        await looking.goto(f"{one.url}/channels/c1")
        assert await looking.locator("#duty").is_hidden()
        comment = page.locator("form[action$=comments]")
        await page.locator("input[name=title]").fill("Thay đầu c")
        await comment.locator("input[name=text]").fill("VNPT hẹn 15:00")
        await comment.locator("button").click()
        for reader in (page, looking):
            await reader.locator(".comment >> text=VNPT hẹn 15:00").wait_for(timeout=5_000)
        await page.locator("input[name=title]").focus()
        await page.keyboard.press("End")
        stand(one, wall.GOOD)
        await page.wait_for_selector(".verdict.up")
        await page.keyboard.type("uối")
        assert await page.locator("input[name=title]").input_value() == "Thay đầu cuối"
        await one.operations.run(lambda file: file.close())
        stand(one, CUT)
        await page.wait_for_selector(".verdict.down")
        assert await page.locator(".comment").count() == 1
        assert wrong == []
        await stranger.close()


async def test_a_change_moves_neither_the_focus_nor_what_is_scrolled(tmp_path: Path) -> None:
    """WCAG 2.4.3: who reads the history, or stands on a link, does so after the change too."""
    async with opened(tmp_path) as (one, _, page, wrong):
        region = "document.querySelector('#channel .scroll')"
        await page.locator("#channel .scroll").focus()
        await page.evaluate(f"{region}.scrollTo(120, 90)")
        above = await page.evaluate("scrollY")
        assert above > 0
        await page.evaluate(f"window.old = {region}")
        stand(one, wall.GOOD)
        await page.wait_for_selector(".verdict.up")
        found = await page.evaluate(
            f"[{region} !== old, document.activeElement === {region}, {region}.scrollLeft, {region}.scrollTop, scrollY]"
        )
        assert found == [True, True, 120, 90, above]
        one.supervision.standing["c2"] = Standing(CUT, 5.0, 5.0)
        await page.goto(f"{one.url}/channels/c2")
        await page.locator("#channel a[href='/channels/c1']").focus()
        one.supervision.standing["c2"] = Standing(wall.GOOD, 5.0, 5.0)
        one.view.feed.wake()
        await page.wait_for_selector(".verdict.up")
        assert await page.evaluate("document.activeElement.getAttribute('href')") == "/channels/c1"
        assert wrong == []
