"""Screenshots of the pages, and what axe-core finds wrong with them: ``python -m support.screens FOLDER``.

Every page in both languages, light and dark, on a wall screen and on a telephone, the wall on a laptop too. The exit code is 1 when axe-core finds something
serious or critical, which is named.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import async_playwright

from support import wall
from support.processes import find_program

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

    from tslcd_collector.web import View

#: What keeps Debian's chromium to itself.
ARGUMENTS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
SIZES: Final = {"wall": (1920, 1080), "laptop": (1366, 768), "phone": (390, 844)}
LANGUAGES: Final = ("vi", "en")
THEMES: Final = ("light", "dark")
SERIOUS: Final = ("serious", "critical")


class Look(NamedTuple):
    """One way of looking at a page."""

    page: str
    language: str
    theme: str
    size: str

    @property
    def name(self) -> str:
        """Name of the screenshot."""
        return f"{self.page}-{self.size}-{self.language}-{self.theme}.png"


LOOKS: Final = [
    Look(page, language, theme, size)
    for page in ("wall", "channel", "lost")
    for size in SIZES
    for language in LANGUAGES
    for theme in THEMES
    if size != "laptop" or page == "wall"
]


@contextlib.asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Run Debian's chromium for the time of a block."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=find_program("chromium"), args=list(ARGUMENTS))
        try:
            yield chromium
        finally:
            await chromium.close()


@contextlib.asynccontextmanager
async def looking(chromium: Browser, address: str, look: Look, channel: str) -> AsyncIterator[Page]:
    """Open a page in one way of looking at it; what its console says is an error, and so is a refused resource."""
    width, height = SIZES[look.size]
    context = await chromium.new_context(
        viewport={"width": width, "height": height},
        locale="vi-VN" if look.language == "vi" else "en-GB",
        color_scheme=look.theme,  # type: ignore[arg-type]
        is_mobile=look.size == "phone",
    )
    try:
        page = await context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        await page.goto(address + (f"/channels/{channel}" if look.page == "channel" else "/"))
        await page.wait_for_selector("#age:not(.old)")
        yield page
        if said:
            raise AssertionError(f"{look.name}: {said}")
    finally:
        await context.close()


async def findings(page: Page) -> list[str]:
    """Return what axe-core finds serious or critical on a page, with the first place of each."""
    found: dict[str, Any] = (await Axe().run(page)).response
    return [
        f"{one['id']}: {one['help']} ({len(one['nodes'])} ×, {one['nodes'][0]['target']} {one['nodes'][0].get('failureSummary', '')})"
        for one in found["violations"]
        if one["impact"] in SERIOUS
    ]


async def shoot(folder: Path, *, made: View | None = None, looks: list[Look] = LOOKS) -> list[str]:
    """Write the screenshots into ``folder``, which is there; return what axe-core finds, each line with the screenshot's name."""
    wrong = []
    with tempfile.TemporaryDirectory() as inventory:
        view = made or wall.view(Path(inventory))
        known = view.supervision.inventory
        assert known is not None
        channel = next(one for one in known.channels.values() if view.supervision.standing[one.id].verdict.detail)
        wall.measure(view, channel, time.time())
        async with wall.served(view) as address, browser() as chromium:
            beating = asyncio.create_task(view.feed.running(view.rows, view.beat))
            try:
                for look in (one for one in looks if one.page != "lost"):
                    wall.hear(view)
                    async with looking(chromium, address, look, channel.id) as page:
                        await page.screenshot(path=folder / look.name)
                        wrong += [f"{look.name}: {one}" for one in await findings(page)]
            finally:
                beating.cancel()
                await asyncio.gather(beating, return_exceptions=True)
            wall.hear(view)
            return wrong + await _lost(chromium, address, folder, [look for look in looks if look.page == "lost"])


async def _lost(chromium: Browser, address: str, folder: Path, looks: list[Look]) -> list[str]:
    """Look at the wall when no beat comes any more: the feed does not run, as if the collector hung."""
    wrong = []
    async with contextlib.AsyncExitStack() as stack:
        pages = [(look, await stack.enter_async_context(looking(chromium, address, look, ""))) for look in looks]
        for look, page in pages:
            await page.wait_for_selector("body.lost", timeout=20_000)
            await page.screenshot(path=folder / look.name)
            wrong += [f"{look.name}: {one}" for one in await findings(page)]
    return wrong


def main() -> None:
    """Write all of them."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    wrong = asyncio.run(shoot(folder))
    print("\n".join(wrong) or f"{len(LOOKS)} screenshots, nothing serious found by axe-core")  # noqa: T201 - a command
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
