"""``bench wall``: what a person before the wall screen waits for, and what a hundred of them cost.

A real broker and collector, Debian's chromium, and an agent of one commune after another whose link goes down. A change is timed
from the moment the agent hands its report to the broker until the browser has drawn it: broker, store, judge, event and page.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import machine, programs
from bench.figures import Figure, Result
from bench.meter import Meter, settle
from support import wall
from support.collector import ScriptedAgent, eventually
from support.processes import free_port, port_open, running
from support.screens import browser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from playwright.async_api import Browser, Page

    from tslcd_collector.inventory import Inventory

MAX_PAINT: Final = 1000.0
MAX_CHANGE: Final = 1000.0
MAX_TRANSFER: Final = 150.0
_NEEDS: Final = ("mosquitto", "chromium")
#: Resolves with the browser's clock (which is the machine's) once the frame with the cut is handed to the screen.
_WATCH: Final = """(id) => { const link = document.getElementById(id); window.drawn = new Promise((resolve) => {
const look = new MutationObserver(() => { if (link.classList.contains('down')) { look.disconnect();
requestAnimationFrame(() => setTimeout(() => resolve(performance.timeOrigin + performance.now()))); } });
look.observe(link, { attributes: true }); }); }"""
#: Run before the page: notes when the frame with all of it was handed to the screen.
_NOTE: Final = """addEventListener('DOMContentLoaded', () => requestAnimationFrame(() => setTimeout(() => {
window.painted = performance.now(); })));"""
_PAINT: Final = """() => { const entry = performance.getEntriesByName('first-contentful-paint')[0];
return entry && window.painted ? [window.painted, entry.startTime, document.querySelectorAll('#tiles .c').length] : null; }"""
_BYTES: Final = """() => [...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]
.filter((one) => !one.name.includes('/events')).reduce((sum, one) => sum + one.transferSize, 0)"""


@dataclass(frozen=True)
class Size:
    """How many channels; how often the page is opened anew, a link is cut; how many listen, and for how long they are metered."""

    channels: int = 500
    paints: int = 10
    changes: int = 20
    listeners: int = 100
    seconds: float = 10.0


SMALL: Final = Size(channels=12, paints=1, changes=1, listeners=3, seconds=0.5)


@dataclass
class _Found:
    """A value a round."""

    paint: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    change: list[float] = field(default_factory=list)
    transfer: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    listened: list[float] = field(default_factory=list)
    told: list[float] = field(default_factory=list)


def measure(size: Size, tell: Callable[[str], None]) -> Result:
    """Run the bench. Raises MissingError."""
    machine.require(*_NEEDS)
    found = _Found()
    with tempfile.TemporaryDirectory(prefix="tslcd-bench-") as name:
        folder = Path(name)
        known = wall.supervised(folder / "inventory", size.channels)
        broker_port, port = free_port(), free_port()
        broker = programs.broker(folder, broker_port)
        collector = programs.collector(
            folder, inventory_folder=folder / "inventory", broker_port=broker_port, port=port
        )
        with (
            running(broker, lambda: port_open(broker_port)),
            running(collector, lambda: port_open(port), timeout=30),
        ):
            asyncio.run(_rounds(size, known, (broker_port, port, collector.pid), found, tell))
    return Result(
        "wall",
        machine.describe(*_NEEDS),
        [
            Figure(f"first paint of {size.channels} channels, all of them", "ms", found.paint, max_ours=MAX_PAINT),
            Figure("first contentful paint", "ms", found.first),
            Figure("a cut on the screen after its report was sent", "ms", found.change, max_ours=MAX_CHANGE),
            Figure("the longest of them", "ms", [max(found.change)], max_ours=MAX_CHANGE),
            Figure("transfer of the page, style and scripts", "kB", found.transfer, max_ours=MAX_TRANSFER),
            Figure("CPU of the collector, nobody looks", "ms a second", found.alone),
            Figure(f"CPU of the collector, {size.listeners} look", "ms a second", found.listened),
            Figure(f"CPU of a cut told to {size.listeners}, all of it", "ms", found.told),
        ],
        [
            "first paint: from the click to the frame with every channel, in a browser that has kept nothing; its process starts in that time",
            "a cut: from the report handed to the broker to the frame that shows it, the store's sync included",
        ],
    )


async def _rounds(
    size: Size, known: Inventory, where: tuple[int, int, int], found: _Found, tell: Callable[[str], None]
) -> None:
    broker_port, port, collector = where
    address = f"http://127.0.0.1:{port}/"
    async with browser() as chromium:
        for number in range(1, size.paints + 1):
            tell(f"page {number} of {size.paints}")
            await _paint(chromium, address, size, found)
        page = await (await chromium.new_context(viewport={"width": 1920, "height": 1080})).new_page()
        await page.goto(address)
        await page.wait_for_selector("body.live")
        agents = [one.binding.agent for one in known.channels.values() if one.id.endswith("-c1") and one.binding]
        for number, agent in enumerate(agents[: size.changes], 1):
            tell(f"cut {number} of {size.changes}")
            await _cut(page, broker_port, agent, found.change)
        await page.context.close()
    tell(f"{size.listeners} listeners")
    await _cost(size, port, collector, found.alone)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(size.listeners):
            await stack.enter_async_context(_listening(port))
        await _cost(size, port, collector, found.listened)
        async with ScriptedAgent(broker_port, agents[-1]) as one:
            await one.status()
            await one.report()
            await asyncio.to_thread(settle, collector)
            meter = Meter(collector)
            await one.link(up=False)
            await asyncio.sleep(1.0)
            found.told.append(meter.seconds() * 1000 - found.listened[-1])


async def _paint(chromium: Browser, address: str, size: Size, found: _Found) -> None:
    context = await chromium.new_context(viewport={"width": 1920, "height": 1080})
    await context.add_init_script(_NOTE)
    page = await context.new_page()
    await page.goto(address)
    await page.wait_for_function(_PAINT)
    painted, first, channels = await page.evaluate(_PAINT)
    if channels != size.channels:
        raise RuntimeError(f"the page has {channels} channels")
    found.paint.append(painted)
    found.first.append(first)
    found.transfer.append(await page.evaluate(_BYTES) / 1000)
    await context.close()


async def _cut(page: Page, broker_port: int, agent: str, values: list[float]) -> None:
    link = f"c-{agent.removesuffix('-1')}-c1"
    async with ScriptedAgent(broker_port, agent) as one:
        await one.status()
        await one.report()
        await one.probes()
        await page.wait_for_selector(f"#{link}.up")
        await page.evaluate(_WATCH, link)
        began = time.time()
        await one.link(up=False)
        values.append(await page.evaluate("window.drawn") - began * 1000)


async def _cost(size: Size, port: int, collector: int, values: list[float]) -> None:
    await eventually(lambda: port_open(port))
    await asyncio.to_thread(settle, collector)
    meter = Meter(collector)
    await asyncio.sleep(size.seconds)
    values.append(meter.seconds() / size.seconds * 1000)


@contextlib.asynccontextmanager
async def _listening(port: int) -> AsyncIterator[None]:
    """Listen to the wall's events for the time of a block, and throw them away."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"event: beat")

    async def drain() -> None:
        while await reader.read(65536):
            pass

    draining = asyncio.create_task(drain())
    try:
        yield
    finally:
        draining.cancel()
        await asyncio.gather(draining, return_exceptions=True)
        writer.close()
