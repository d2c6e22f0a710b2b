"""The wall in a real browser, before a real collector and in front of one that is killed; and before connections that do not read."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import socket
from typing import TYPE_CHECKING, Final

import pytest

from support import inventories, screens, wall
from support.broker import Broker
from support.collector import CollectorProgram, ScriptedAgent, eventually
from support.login import site
from support.screens import LOOKS, browser
from support.spelling import FOUND
from tslcd_collector import inventory
from tslcd_collector.maintenance import VIET_NAM
from tslcd_collector.supervision import Standing
from tslcd_collector.verdict import Party, Reason, State, Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import BrowserContext, Page, Route

    from tslcd_collector.inventory import Inventory
    from tslcd_collector.web import View

CUT: Final = Verdict(State.DOWN, Reason.INTERFACE_DOWN, Party.OPERATOR)


async def opened(context: BrowserContext, address: str) -> tuple[Page, list[str]]:
    """Open a page; return it with what its console complains about."""
    page = await context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    await page.goto(address)
    return page, said


async def impatient(route: Route) -> None:
    """Serve the script of the connection, with a shorter patience."""
    answer = await route.fetch()
    text = await answer.text()
    assert "LOST = 10" in text
    await route.fulfill(response=answer, body=text.replace("LOST = 10", "LOST = 5"))


async def test_a_change_is_seen_at_once_and_a_killed_collector_too(tmp_path: Path) -> None:
    """Without a reload: up, cut, lost, and back again with what was missed; a channel's page follows as well."""
    broker = Broker(tmp_path / "broker")
    with broker.running():
        collector = CollectorProgram(tmp_path / "collector", broker.port)
        with collector.running():
            async with ScriptedAgent(broker.port) as agent, browser() as chromium:
                await agent.status()
                context = await chromium.new_context(locale="vi-VN", viewport={"width": 1920, "height": 1080})
                await context.route("**/static/live.*", impatient)
                page, said = await opened(context, f"http://127.0.0.1:{collector.port}/")
                await page.evaluate("window.neverReloaded = true")
                await agent.report()
                await agent.probes()
                await page.wait_for_selector("#c-c1.up")
                await agent.link(up=False)
                await page.wait_for_selector("#c-c1.down")
                first = page.locator("#needs .need").first
                assert "Giao diện của kênh mất tín hiệu" in await first.inner_text()
                assert "đơn vị vận hành" in await first.inner_text()
                assert await page.locator(".total.down b").inner_text() == "1"
                sheet, _ = await opened(context, f"http://127.0.0.1:{collector.port}/channels/c1")
                await sheet.wait_for_selector(".verdict.down")
                assert said == []
                collector.program.kill()
                await page.wait_for_selector("#age.old")
                await page.wait_for_selector("body.lost")
                assert "MẤT LIÊN LẠC VỚI BỘ THU" in await page.locator("#alarm").inner_text()
                collector.program.start()
                await eventually(collector.reads)
                await agent.link(up=True)
                await page.wait_for_selector("body:not(.lost)")
                await page.wait_for_selector("#c-c1.up")
                await sheet.wait_for_selector(".verdict.up")
                assert await page.evaluate("window.neverReloaded") is True
                assert await page.locator("#alarm").is_hidden()
                await context.close()


@pytest.fixture(scope="module")
def supervised(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """Load 500 channels, once."""
    return wall.supervised(tmp_path_factory.mktemp("inventory"))


@pytest.fixture
def province(supervised: Inventory) -> View:
    """Have some of them in trouble."""
    return wall.seen(supervised)


@pytest.fixture
def district(tmp_path: Path) -> View:
    """Make as many as a test has patience for."""
    return wall.view(tmp_path / "inventory", 60)


@pytest.fixture
def spelt(tmp_path: Path) -> View:
    """Make a channel for every case of spelling, named by its text; and one whose name is hostile."""
    head, entry = inventories.FILES["channels.yaml"].split("- id: c1")
    entry = "- id: c1" + entry.split("- id: c2")[0].replace("operator: VNPT", "operator: ABC")
    names = [text for _, text, _ in FOUND] + ["<img src=x onerror=document.title='run'>"]
    entries = [
        entry.replace("id: c1", f"id: n{number}\n  name: {json.dumps(name, ensure_ascii=False)}", 1)
        for number, name in enumerate(names)
    ]
    change: dict[str, str | None] = {"channels.yaml": head + "".join(entries)}
    return wall.seen(inventory.load(inventories.write(tmp_path, change)), troubled=False)


async def test_the_wall_is_worked_with_keys_alone(province: View) -> None:
    """Arrows move among tiles, / searches, Esc clears; the tabulator passes the grid in one step."""
    async with wall.served(province) as address, browser() as chromium:
        context = await chromium.new_context(locale="en-GB", viewport={"width": 1920, "height": 1080})
        page, said = await opened(context, address)
        await page.wait_for_selector("body.live")
        focused = "document.activeElement.id"
        assert await page.locator("#tiles .c[tabindex='0']").count() == 1
        first, second, below = await page.evaluate(
            """() => { const tiles = [...document.querySelectorAll('.tile')], top = tiles[0].offsetTop;
            const below = tiles.find((tile) => tile.offsetTop > top && tile.offsetLeft === tiles[0].offsetLeft);
            return [tiles[0].querySelector('.c').id, tiles[0].querySelectorAll('.c')[1].id, below.querySelector('.c').id]; }"""
        )
        await page.locator(f"#{first}").focus()
        for key, expected in (("ArrowRight", second), ("ArrowLeft", first), ("ArrowDown", below), ("ArrowUp", first)):
            await page.keyboard.press(key)
            assert await page.evaluate(focused) == expected, key
        await page.keyboard.press("End")
        assert await page.evaluate(focused) != first
        await page.keyboard.press("/")
        assert await page.evaluate(focused) == "q"
        await page.keyboard.type("tan thuy/")
        assert await page.locator(".tile:visible").count() == 0
        await page.keyboard.press("Backspace")
        assert await page.locator(".tile:visible").count() == 1
        assert "q=tan+thuy" in page.url
        await page.keyboard.press("Escape")
        assert await page.locator(".tile:visible").count() == 124
        assert (await page.evaluate(focused)).startswith("c-")
        await page.locator(".total.down").click()
        assert await page.locator("#tiles .c:visible").count() == 9
        # what changes under a filter is filtered too, and what is focused stays so
        await page.locator("#needs a").nth(2).focus()
        link = await page.evaluate("document.activeElement.href")
        running = asyncio.create_task(province.feed.running(province.rows, province.beat))
        channel = second.removeprefix("c-")
        province.supervision.standing[channel] = Standing(CUT, 5.0, 5.0)
        province.feed.wake()
        await page.wait_for_selector(f"#{second}.down")
        assert await page.locator("#tiles .c:visible").count() == 10
        assert await page.evaluate("document.activeElement.href") == link
        assert (
            await page.locator("#needs .need").first.locator("a").get_attribute("href")
            == f"{address}/channels/{channel}"
        )
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/channels/**")
        assert said == []
        await context.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_long_list_shows_whole_entries_and_counts_the_rest(province: View) -> None:
    """No entry is cut on a wall or a laptop, above or below; keys reach the last, and a telephone has all of them."""
    for number, channel in enumerate(list(province.supervision.standing)[::5]):
        province.supervision.standing[channel] = Standing(wall.TROUBLES[number % 8][0], 5.0, 5.0)
    measure = """() => { const box = document.getElementById('needs').getBoundingClientRect();
        const shown = [...document.querySelectorAll('#needs > li')].filter((item) => !item.classList.contains('cut'));
        const whole = shown.every((item) => { const one = (item.firstElementChild || item).getBoundingClientRect();
            return one.top >= box.top - 2 && one.bottom <= box.bottom + 2; });
        return [whole, shown.length, document.getElementById('needs-rest').textContent]; }"""
    async with wall.served(province) as address, browser() as chromium:
        for width, height in ((1920, 1080), (1366, 768)):
            context = await chromium.new_context(locale="en-GB", viewport={"width": width, "height": height})
            page, said = await opened(context, address)
            await page.wait_for_selector("#needs-rest:visible")
            count = int(await page.locator("#needs-count").inner_text())
            whole, shown, rest = await page.evaluate(measure)
            assert (whole, rest) == (True, f"and {count - shown} more")
            await page.locator("#needs a").first.focus()
            await page.keyboard.press("End")
            await page.wait_for_selector("#needs li:not(.cut) a:focus")
            assert (await page.evaluate(measure))[0] is True
            assert await page.evaluate("document.activeElement === [...document.querySelectorAll('#needs a')].at(-1)")
            assert "above" in await page.locator("#needs-rest").inner_text()
            await page.locator("#q").fill("tan thuy")
            assert await page.locator("#needs-rest").is_hidden()
            assert await page.locator("#needs .cut").count() == 0
            assert said == []
            await context.close()
        context = await chromium.new_context(locale="en-GB", viewport={"width": 390, "height": 844}, is_mobile=True)
        page, _ = await opened(context, address)
        await page.wait_for_selector("body.live")
        assert await page.locator("#needs .cut").count() == 0
        assert "filter" in await page.locator("#needs > li").last.inner_text()
        await context.close()


async def test_the_browser_finds_names_as_the_server_does(spelt: View) -> None:
    """The same cases; and a hostile name is text wherever the script writes it."""
    async with wall.served(spelt) as address, browser() as chromium:
        context = await chromium.new_context(viewport={"width": 1920, "height": 1080})
        page, said = await opened(context, address)
        await page.wait_for_selector("body.live")
        running = asyncio.create_task(spelt.feed.running(spelt.rows, spelt.beat))
        for number, (query, text, expected) in enumerate(FOUND):
            await page.locator("#q").fill(query)
            assert (await page.locator(f"#c-n{number}:visible").count() == 1) is expected, (query, text)
        await page.locator("#q").fill("")
        evil = f"n{len(FOUND)}"
        spelt.supervision.standing[evil] = Standing(CUT, 5.0, 5.0)
        spelt.feed.wake()
        await page.wait_for_selector(f"#c-{evil}.down")
        await page.locator(f"#c-{evil}").hover()
        assert "<img src=x" in await page.locator("#about").inner_text()
        assert await page.locator("main img").count() == 0
        assert await page.title() != "run"
        assert said == []
        await context.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_an_operator_acts_on_the_page_and_the_wall_tells(tmp_path: Path) -> None:
    """Acknowledge, comment, plan work; a mistake is told beside its form, and what was written is text to everybody."""
    async with site(tmp_path) as one, browser() as chromium:
        session = await one.entered()
        context = await chromium.new_context(locale="vi-VN", viewport={"width": 1920, "height": 1080})
        await context.add_cookies(
            [{"name": name, "value": value, "url": one.url} for name, value in session.cookies.items()]
        )
        await session.aclose()
        running = asyncio.create_task(one.view.feed.running(one.view.rows, one.view.beat))
        watching, said = await opened(context, one.url)
        page, _ = await opened(context, f"{one.url}/channels/c1")
        acknowledge, comment, work = (page.locator("form.act").nth(number) for number in range(3))
        await acknowledge.locator("input[name=comment]").fill("<i>đã gọi</i>")
        await acknowledge.locator("button").first.click()
        await acknowledge.locator("output >> text=Đã ghi.").wait_for()
        await watching.wait_for_selector("#c-c1[data-m=lan]")
        assert "lan" in await watching.locator("#needs .mark").first.inner_text()
        await page.wait_for_selector("#channel >> text=<i>đã gọi</i>")
        assert await screens.findings(page) == []
        await comment.locator("input[name=text]").fill("<img src=x onerror=document.title='run'>")
        await comment.locator("button").click()
        await comment.locator("output >> text=Đã ghi.").wait_for()
        await work.locator("input[name=title]").fill("Thay đầu cuối")
        await work.locator("input[name=from]").fill("2099-01-02T08:00")
        await work.locator("input[name=until]").fill("2099-01-01T08:00")
        await work.locator("button").click()
        await work.locator("output >> text=Chưa ghi được").wait_for()
        begin = dt.datetime.now(VIET_NAM) + dt.timedelta(hours=1)
        await work.locator("input[name=from]").fill(f"{begin:%Y-%m-%dT%H:%M}")
        await work.locator("input[name=until]").fill(f"{begin + dt.timedelta(hours=2):%Y-%m-%dT%H:%M}")
        await work.locator("input[name=kind]").check()
        await work.locator("button").click()
        await work.locator("output >> text=Đã ghi.").wait_for()
        await page.reload()
        assert "<img src=x" in await page.locator(".comment").inner_text()
        assert await page.title() != "run"
        await page.locator("button[name=withdraw]").click()
        await watching.wait_for_selector("#c-c1:not([data-m])")
        assert [(made.title, made.kind, made.channels) for made in one.operations.windows] == [
            ("Thay đầu cuối", "drill", ("c1",))
        ]
        assert said == []
        await context.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_pages_have_nothing_that_shuts_people_out(district: View, tmp_path: Path) -> None:
    """axe-core finds nothing serious or critical; `python -m support.screens` looks in every way."""
    chosen = {("wall", "vi", "light", "wall"), ("wall", "en", "dark", "phone"), ("channel", "vi", "dark", "phone")}
    looks = [look for look in LOOKS if look in chosen]
    assert len(looks) == len(chosen)
    assert await screens.shoot(tmp_path, made=district, looks=looks) == []


async def test_without_scripts_the_state_is_there_and_the_page_comes_again(province: View) -> None:
    """Tiles, words and the list, from the server alone."""
    async with wall.served(province) as address, browser() as chromium:
        context = await chromium.new_context(
            java_script_enabled=False, locale="vi-VN", viewport={"width": 1920, "height": 1080}
        )
        page, _ = await opened(context, address + "/?state=down")
        assert await page.locator("#tiles .c:visible").count() == 9
        assert await page.locator("meta[http-equiv=refresh]").count() == 1
        assert "15 giây" in await page.locator(".filters").inner_text()
        await context.close()


async def test_who_does_not_read_is_let_go_and_the_others_hear_everything(province: View) -> None:
    """A mass outage again and again: a browser that sleeps costs a bounded queue, and its place is free again."""
    known = list(province.supervision.standing)
    async with wall.served(province) as address:
        port = int(address.rpartition(":")[2])
        asleep = socket.socket()
        asleep.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asleep.setblocking(False)  # noqa: FBT003 - as the standard library has it
        loop = asyncio.get_running_loop()
        await loop.sock_connect(asleep, ("127.0.0.1", port))
        await loop.sock_sendall(asleep, b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert b"x-accel-buffering: no" in head
        assert b"content-encoding" not in head
        await reader.readuntil(b"event: beat")
        changes = heard = 0
        while province.feed.dropped == 0:
            verdict = CUT if changes % 2 == 0 else wall.GOOD
            province.supervision.standing.update((channel, Standing(verdict, 5.0, 5.0)) for channel in known)
            province.rows()
            changes += 1
            await reader.readuntil(b"event: change")
            heard += 1
            assert changes < 2000
        assert heard == changes
        assert province.feed.listeners == 1
        asleep.close()
        writer.close()
        await writer.wait_closed()


async def test_a_browser_that_comes_back_goes_on_where_it_was(province: View) -> None:
    """By the header that browsers send, over a connection that was cut."""
    async with wall.served(province) as address:
        port = int(address.rpartition(":")[2])

        async def listen(seen: str, until: bytes) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET /events?seen=old-1 HTTP/1.1\r\nHost: x\r\nLast-Event-ID: {seen}\r\n\r\n".encode())
            found = await reader.readuntil(until)
            writer.close()
            await writer.wait_closed()
            return found

        assert b"event: all" in await listen("", b"event: beat")
        seen = province.feed.last
        channel = next(iter(province.supervision.standing))
        province.supervision.standing[channel] = Standing(CUT, 5.0, 5.0)
        found = await listen(seen, b"event: beat")
        assert b"event: all" not in found
        assert found.count(b"event: change") == 1
        assert channel.encode() in found
        await eventually(lambda: province.feed.listeners == 0)
