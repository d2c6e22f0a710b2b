"""What ``tests/soak network`` does, inside a network namespace of its own: ``python -m rigs.network_cells FOLDER < ORDERS``.

Orders are JSON; one line of JSON comes out for each cell that is over. A cell is the agent's own spool, reporter and courier, a
link (:mod:`support.thin_link`) with a rate, a delay and a fault, a Mosquitto behind it of whose packets nftables drops a part, and a
collector that acknowledges every second by a way of its own. What was accepted by the spool must be heard.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import resource
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from rigs.keepers import be_silent
from support.broker import Broker
from support.delivering_agent import Agent
from support.fake_collector import FakeCollector, until
from support.processes import find_program, free_port
from support.thin_link import PACKET, ThinLink
from tslcd_agent.config import Courier as CourierSettings
from tslcd_agent.config import Uplink
from tslcd_agent.courier import Courier
from tslcd_agent.courier.route import STEADY
from tslcd_wire.codec import decode_report
from tslcd_wire.ranges import RangeSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tslcd_runtime.mqtt import Connection

Fault = Literal["", "reset", "half-open", "up silent", "down silent", "answers lost", "slices", "stall"]
#: Faults that a courier has to find by itself, since nobody closes anything.
SILENT: Final = frozenset({"half-open", "up silent", "down silent"})
#: Seconds between two looks of a cell, and two acknowledgements.
_LOOK: Final = 0.05
_ACKNOWLEDGE: Final = 1.0
#: The courier's own settings.
USUAL: Final = msgspec.structs.asdict(CourierSettings())
#: Seconds that finding a fault is waited for.
_GIVEN_UP: Final = 45.0


class Cell(msgspec.Struct, frozen=True):
    """One state of the network. ``rate`` in bit/s, ``delay`` in seconds each way, ``loss`` as ping tells it, 0 to 1: of packets with their answers."""

    rate: float = 256_000.0
    delay: float = 0.05
    loss: float = 0.0
    fault: Fault = ""


class Orders(msgspec.Struct, frozen=True):
    """What to do. ``times``: how often a fault happens; ``within``: seconds until everything must be heard once the faults are over.

    ``backlog`` and ``live`` are reports, ``period`` seconds between two live ones, ``settings`` the courier's, ``keepalive`` its
    connection's. ``herd``: agents that come back at once to a broker that was killed, 0 for none.
    """

    cells: list[Cell] = []
    times: int = 5
    within: float = 900.0
    backlog: int = 60
    live: int = 20
    period: float = 3.0
    settings: dict[str, float] = {}
    keepalive: int = 15
    herd: int = 0
    seed: int = 1
    mutant: str = ""


class Outcome(msgspec.Struct):
    """What became of a cell. ``found``: seconds until a silent fault was left, each time."""

    cell: Cell
    accepted: int = 0
    missing: int = 0
    invented: int = 0
    repeated: int = 0
    connects: int = 0
    seconds: float = 0.0
    found: list[float] = []


class Herd(msgspec.Struct):
    """How agents came back: how many, the most in one second, and how long until the last, in seconds."""

    agents: int
    most: int
    seconds: float


@contextlib.contextmanager
def lossy(port: int, part: float) -> Iterator[None]:
    """Let so great a part of the packets to and from a port, or their answers, be lost for the time of a block."""
    if not part:
        yield
        return
    nft, table = find_program("nft"), f"loss{port}"
    chance = f"numgen random mod 1000 < {round((1 - (1 - part) ** 0.5) * 1000)} drop"
    rules = (
        f"table inet {table} {{\nchain arriving {{\ntype filter hook input priority 0;\n"
        f"tcp dport {port} {chance}\ntcp sport {port} {chance}\n}}\n}}\n"
    )
    subprocess.run([nft, "-f", "-"], input=rules, text=True, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run([nft, "delete", "table", "inet", table], check=False, capture_output=True)


async def play(cell: Cell, orders: Orders, folder: Path) -> Outcome:
    """Let one cell happen. Raises TimeoutError when not even a connection comes about."""
    outcome = Outcome(cell)
    aside = free_port()
    broker = Broker(folder / "broker", lines=f"allow_anonymous true\nlistener {aside} 127.0.0.1\n")
    dice = random.Random(f"{orders.seed} {cell}")  # noqa: S311 - repeatable on purpose
    with broker.running():
        link = ThinLink(broker.port, cell.rate, cell.delay, 1 if cell.fault == "slices" else PACKET)
        async with link, FakeCollector(aside, answering=False) as collector:
            agent = _agent(folder, link.port, orders)
            async with agent.working():
                with lossy(broker.port, cell.loss):
                    began = time.monotonic()
                    heard: Counter[int] = Counter()
                    listening = asyncio.create_task(_listen(agent, collector, heard), name="listening")
                    await agent.report(orders.backlog, age=600)
                    measuring = asyncio.create_task(_measure(agent, orders), name="measuring")
                    if cell.fault and cell.fault != "slices":
                        await until(lambda: agent.courier.connected_to, orders.within)
                        for _ in range(orders.times):
                            await asyncio.sleep(dice.uniform(0.5, 2) * orders.period)
                            await _happen(cell.fault, link, agent, outcome, orders.period)
                    await measuring
                    outcome.accepted = orders.backlog + orders.live
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(orders.within):
                            while await agent.waiting():  # noqa: ASYNC110 - the spool has no event for it
                                await asyncio.sleep(_LOOK)
                    outcome.seconds = time.monotonic() - began
                    listening.cancel()
                    await asyncio.wait((listening,))
                link.up.rate = link.down.rate = 1e9
                link.up.delay = link.down.delay = 0.0
    outcome.connects = agent.courier.connects
    numbers = set(range(1, outcome.accepted + 1))
    outcome.missing, outcome.invented = len(numbers - heard.keys()), len(heard.keys() - numbers)
    outcome.repeated = heard.total() - len(heard)
    return outcome


def _agent(folder: Path, port: int, orders: Orders) -> Agent:
    """Make an agent with the courier's own settings, but for those of the orders."""
    return Agent(folder / "spool", [Uplink(port=port, keepalive=orders.keepalive)], **{**USUAL, **orders.settings})


async def _measure(agent: Agent, orders: Orders) -> None:
    for _ in range(orders.live):
        await agent.report()
        await asyncio.sleep(orders.period)


async def _listen(agent: Agent, collector: FakeCollector, heard: Counter[int]) -> None:
    """Count what comes, and acknowledge it every second."""
    acknowledged, at = -1, 0.0
    stream = (await agent.spool.statistics()).stream
    while True:
        for one in collector.heard:
            heard[one.report.seq] += 1
            collector.marks.setdefault(stream, RangeSet()).add(one.report.seq)
        collector.heard.clear()
        news = heard.total() + len(collector.statuses)
        if collector.statuses and news != acknowledged and time.monotonic() - at >= _ACKNOWLEDGE:
            acknowledged, at = news, time.monotonic()
            await collector.acknowledge(stream)
        await asyncio.sleep(_LOOK)


async def _happen(fault: Fault, link: ThinLink, agent: Agent, outcome: Outcome, while_: float) -> None:
    """Let a fault begin, last and end. What is silent lasts until it was found, ``_GIVEN_UP`` at most."""
    before, began = agent.courier.connects, time.monotonic()
    if fault == "reset":
        link.reset()
    elif fault == "stall":
        link.silence()
        await asyncio.sleep(while_)
    elif fault == "answers lost":
        link.down.discarding = True
        await asyncio.sleep(while_)
        link.reset()
    else:
        if fault == "half-open":
            link.forget()
        else:
            (link.up if fault == "up silent" else link.down).open.clear()
        with contextlib.suppress(TimeoutError):
            await until(lambda: not agent.courier.connected_to or agent.courier.connects > before, _GIVEN_UP)
        outcome.found.append(time.monotonic() - began)
    link.restore()
    with contextlib.suppress(TimeoutError):
        await until(lambda: agent.courier.connected_to, 120)


async def come_back(orders: Orders, folder: Path) -> Herd:
    """Kill a broker under many agents, start it again, and read in its log how they come back."""
    count = orders.herd
    broker = Broker(folder / "broker", lines="allow_anonymous true\nlog_timestamp_format %s\n")
    log = broker.program.log
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(broker.running())
        agents = [
            Agent(
                folder / f"spool{number}",
                [Uplink(port=broker.port)],
                name=f"a-{number}",
                **{**USUAL, **orders.settings},
            )
            for number in range(count)
        ]
        for agent in agents:
            await stack.enter_async_context(agent.working())
        await until(lambda: all(agent.courier.connected_to for agent in agents), 120)
        if not orders.settings:
            await asyncio.sleep(STEADY + 2)  # a connection that lived shorter would count as a failed attempt
        broker.program.kill()
        await until(lambda: not any(agent.courier.connected_to for agent in agents), 30)
        begin = log.stat().st_size
        broker.program.start()
        began = time.monotonic()
        await until(lambda: all(agent.courier.connected_to for agent in agents), 300)
        seconds = time.monotonic() - began
        text = log.read_bytes()[begin:].decode()
    seen = Counter(re.findall(r"^(\d+): New connection", text, re.MULTILINE))
    return Herd(count, max(seen.values()), seconds)


def _delete_on_send() -> None:
    """Become the mutant: a report is deleted as soon as it was handed to TCP."""
    publish = Courier._publish

    async def delete_and_publish(self: Courier, connection: Connection, topic: str, payload: bytes, key: int) -> None:
        if payload.startswith(b"{"):
            report = decode_report(payload).report
            await self._spool.confirm(report.stream, [(report.seq, report.seq)])
        await publish(self, connection, topic, payload, key)

    setattr(Courier, "_publish", delete_and_publish)  # noqa: B010 - a mutant


async def _work(orders: Orders, folder: Path) -> None:
    async def one(number: int, cell: Cell) -> None:
        place = folder / str(number)
        place.mkdir()
        _say(await play(cell, orders, place))

    async with asyncio.TaskGroup() as group:
        for number, cell in enumerate(orders.cells):
            group.create_task(one(number, cell))
    if orders.herd:
        _say(await come_back(orders, folder))


def _say(outcome: Outcome | Herd) -> None:
    sys.stdout.write(msgspec.json.encode(outcome).decode() + "\n")
    sys.stdout.flush()


def main() -> None:
    """Work through the orders on standard input."""
    be_silent()
    orders = msgspec.json.decode(sys.stdin.buffer.read(), type=Orders)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    subprocess.run([find_program("ip"), "link", "set", "lo", "up"], check=True)
    if orders.mutant == "delete-on-send":
        _delete_on_send()
    asyncio.run(_work(orders, Path(sys.argv[1])))


if __name__ == "__main__":
    main()
