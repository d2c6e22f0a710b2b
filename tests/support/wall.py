"""A wall with every state on it, without broker or agents: what the pages' tests, the screenshots and axe look at.

``view(folder, channels)`` is a collector's view of a synthetic province in trouble: cuts, a mass outage behind one channel, a power
cut, planned work, silence. The same arguments make the same trouble, at ``now``.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import time
from typing import TYPE_CHECKING, Final

from tslcd_collector import inventory
from tslcd_collector.admit import Admission
from tslcd_collector.board import Board
from tslcd_collector.exposition import Exposition
from tslcd_collector.inventory import generate
from tslcd_collector.judge import phrases
from tslcd_collector.ledger.rows import History, Interval
from tslcd_collector.metrics import Metrics
from tslcd_collector.supervision import Standing, Supervision
from tslcd_collector.verdict import NOTHING, STATE_WORDS, Party, Reason, State, Verdict
from tslcd_collector.web import View, application, bind, serve
from tslcd_runtime.health import Health
from tslcd_wire.report import Report

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tslcd_collector.inventory import Channel, Inventory

PROVINCE: Final = "86"
GOOD: Final = Verdict(State.UP, Reason.OK, Party.NONE)
#: What is planned for some.
PLANNED: Final = phrases.PLANNED(
    kind=phrases.KINDS["maintenance"],
    until=phrases.moment(1_790_000_000.0),
    title="Thay mô-đun quang",
    would_be=phrases.WOULD_BE_SINCE(state=STATE_WORDS[State.DOWN], detail=phrases.CARRIER_DOWN(channel="86-trunk")),
)
#: What is wrong with some channels, and for how long, seconds.
TROUBLES: Final = (
    (Verdict(State.DOWN, Reason.INTERFACE_DOWN, Party.OPERATOR, phrases.NO_LINK(interface="wan1", device="fw")), 720.0),
    (Verdict(State.DOWN, Reason.GATEWAY_UNREACHABLE, Party.OPERATOR, phrases.NO_ANSWER(probe="gateway")), 95_000.0),
    (Verdict(State.DOWN, Reason.DEVICE_UNREACHABLE, Party.AGENCY, phrases.NEITHER(device="fw", probe="gateway")), 5400.0),
    (Verdict(State.DEGRADED, Reason.LOSS, Party.OPERATOR, phrases.LOST(probe="gateway", share=phrases.percent(0.07), rounds=3, grade=NOTHING)), 1800.0),
    (Verdict(State.DEGRADED, Reason.LATENCY, Party.OPERATOR, phrases.SLOW(probe="gateway", figure="64 ms", rounds=3, grade=phrases.CRITICAL(bound="50 ms"))), 40.0),
    (Verdict(State.UNKNOWN, Reason.SITE_POWER, Party.POWER, phrases.ON_BATTERY(how=phrases.OFFLINE(agent="a1"))), 300.0),
    (Verdict(State.UNKNOWN, Reason.AGENT_LOST, Party.MONITORING, phrases.SILENT(agent="a1")), 200_000.0),
    (Verdict(State.UP, Reason.SNMP_REFUSED, Party.MONITORING, phrases.SNMP(device="rt", state=phrases.SNMP_WORDS["refused"])), 86_000.0),
    (Verdict(State.MAINTENANCE, Reason.UPSTREAM_DOWN, Party.NONE, PLANNED), 3000.0),
)  # fmt: skip


class Past:
    """A ledger that knows the past of every channel: up, but for a cut every second day and a worse hour yesterday."""

    def __init__(self, supervision: Supervision, now: float) -> None:
        """Remember."""
        self._supervision = supervision
        self._now = now

    async def history(self, channel: str, since: float, until: float) -> History:
        """Return what a ledger would."""
        standing = self._supervision.standing.get(channel)
        if standing is None:
            return History([], [], more=False)
        found: list[Interval] = []
        at = since

        def add(verdict: Verdict, end: float | None, *, late: bool = False) -> None:
            nonlocal at
            words = (verdict.state.value, verdict.reason.value, verdict.party.value, verdict.detail.kept())
            found.append(Interval(channel, *words, at, end, "late" if late else "live"))
            at = end or until

        for days, length, trouble in ((6.1, 1900, 0), (4.3, 7600, 6), (2.2, 420, 1), (0.9, 5000, 3), (0.35, 1500, 0)):
            begin = self._now - days * 86400
            if at < begin < standing.since - length:
                add(GOOD, begin)
                add(TROUBLES[trouble][0], begin + length, late=trouble == len(TROUBLES) - 3)
        if standing.since > at:
            add(GOOD, standing.since)
        add(standing.verdict, None)
        return History(found, [], more=False)


def supervised(folder: Path, channels: int = 500) -> Inventory:
    """Return an inventory of so many channels of the real communes of a province, written into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in generate.inventory(PROVINCE, channels, min(channels, 124)).items():
        (folder / name).write_text(text, encoding="utf-8")
    return inventory.load(folder)


def view(folder: Path, channels: int = 500) -> View:
    """Return the view of a collector with so many channels, some of them in trouble."""
    return seen(supervised(folder, channels))


def seen(known: Inventory, *, troubled: bool = True) -> View:
    """Return the view of a collector that supervises ``known``."""
    exposition = Exposition()
    board = Board(exposition, 300.0)
    supervision = Supervision(board, exposition)
    board.set_inventory(known)
    supervision.set_inventory(known)
    now = time.time()
    made = View(
        collector="a",
        exposition=exposition,
        metrics=Metrics(),
        supervision=supervision,
        board=board,
        admission=Admission(),
        health=Health(),
        ledger=Past(supervision, now),  # type: ignore[arg-type]
        ready=True,
    )
    made.day.set_inventory(known)
    for agent in known.agents:
        board.restore_agent(PROVINCE, agent, None, now, now)
    chance = random.Random(7)  # noqa: S311 - reproducible, and no secret
    sites = list(known.sites)
    broken = dict(zip(chance.sample(sites, min(len(sites), 14)), range(14), strict=False)) if troubled else {}
    for channel in known.channels.values():
        verdict, lasts = GOOD, 400_000.0 + chance.random() * 4e6
        if channel.site.id in broken:
            number = broken[channel.site.id]
            whole = number in {0, 5}
            if whole or channel.id.endswith("-c1"):
                verdict, lasts = TROUBLES[number % len(TROUBLES)]
                lasts *= 1 + number / 20
        supervision.standing[channel.id] = Standing(verdict, now - lasts, now - lasts)
    return made


def hear(made: View) -> None:
    """Have every agent report now, so that nothing on the page looks old."""
    for state in made.board.agents.values():
        state.reported = time.time()


def measure(made: View, channel: Channel, now: float) -> None:
    """Fill the last day of a channel as its agent would have: a quiet night, a busy day, a bad hour, a hole."""
    binding = channel.binding
    assert binding is not None
    chance = random.Random(channel.id)  # noqa: S311 - the same
    received = sent = 10**12
    for step in range(2880):
        at = now - 86400 + step * 30
        hour = ((at / 3600) + 7) % 24
        busy = 0.08 + 0.55 * math.exp(-((hour - 10) ** 2) / 8) + 0.45 * math.exp(-((hour - 15) ** 2) / 6)
        received += int(channel.receive_bits_per_second / 8 * 30 * min(1.0, busy * chance.uniform(0.7, 1.3)))
        sent += int(channel.transmit_bits_per_second / 8 * 30 * min(1.0, 0.3 * busy * chance.uniform(0.6, 1.4)))
        if 1500 < step < 1560:
            continue
        bad = 900 < step < 1000
        if binding.device and binding.interface:
            table: dict[str, list[object]] = {
                "key": [binding.interface],
                "receive_bytes_total": [received],
                "transmit_bytes_total": [sent],
            }
            made.day.note(_report(binding.agent, binding.device, {"interface": table}), at, now)
        if binding.probes:
            lost = chance.choice((0.2, 0.4, 0.0)) if bad else 0.2 * (chance.random() < 0.004)
            rtt = chance.uniform(0.003, 0.005) + (0.03 if bad else 0) + 0.004 * busy
            probe: dict[str, list[object]] = {
                "key": [binding.probes[0]],
                "loss_ratio": [lost],
                "rtt_seconds": [rtt],
                "jitter_seconds": [rtt / 9],
            }
            made.day.note(_report(binding.agent, "", {"probe": probe}), at, now)


def _report(agent: str, device: str, tables: dict[str, dict[str, list[object]]]) -> Report:
    return Report(agent=agent, stream="0198f3c2", seq=1, at=0.0, boot="7c1e", mono=0.0, device=device, tables=tables)


@contextlib.asynccontextmanager
async def served(made: View) -> AsyncIterator[str]:
    """Serve the pages on a free port for the time of a block; yields the address."""
    app = await asyncio.to_thread(application, made)
    with contextlib.closing(bind("127.0.0.1", 0)) as listener:
        async with serve(app, listener):
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
