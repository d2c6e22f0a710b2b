"""What concerns a whole province, one after another: programs of the centre die, and much is lost at once."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from rigs.noc.oracle import DEAD_MAN, judge
from rigs.noc.province import CROWD
from rigs.noc.scenarios import PATIENCE

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Collection

    from rigs.noc.oracle import Result
    from rigs.noc.room import Room
    from support.processes import Program

#: The pager's patience with the dead man's switch, in seconds.
PAGER_WAITS: Final = 180.0
#: What happens to the whole province, and links that are cut while it sends its history.
CALAMITIES: Final = (
    "broker killed", "collector killed", "many channels cut", "many agents lost", "backlog of all sites beside cuts",
    "Prometheus killed while a link is down", "Alertmanager killed while a link is down",
)  # fmt: skip
CUTS: Final = 5
#: What is cut so many seconds after many others is no part of their event.
LATER: Final = 330.0
#: A second cause: an Alertmanager that comes back is told that it was away, and may tell people.
ALSO: Final = {"Alertmanager killed while a link is down": "NotificationsFailing"}


class Calamities:
    """What concerns the whole province, one after another. ``minutes``: of history that every site sends when it comes back."""

    def __init__(self, room: Room, result: Result, dice: random.Random, minutes: int) -> None:
        """Remember."""
        self._room, self._result, self._dice, self._minutes = room, result, dice, minutes
        self._province = room.province
        self._plain = [
            site
            for site in room.province.sites
            if site.in_service and not (site.planned or site.grouped) and site.behind is None
        ]

    async def play(self, names: Collection[str], tell: Callable[[int], None]) -> None:
        """Let those of these names happen."""
        room = self._room
        for name, due, happen in (
            ("broker killed", ("PipelineBroken",), self._broker),
            ("collector killed", ("CollectorDead",), self._collector),
            ("many channels cut", ("ManyChannelsDown", "ChannelDown"), self._channels),
            ("many agents lost", ("ManyAgentsLost",), self._agents),
            ("backlog of all sites beside cuts", ("ChannelDown",) * CUTS, self._backlog),
            ("Prometheus killed while a link is down", ("ChannelDown",), self._prometheus),
            ("Alertmanager killed while a link is down", ("ChannelDown",), self._alertmanager),
        ):
            if name not in names:
                continue
            begin = len(room.sink.pages)
            await happen(frozenset(due))
            await room.quiet(PATIENCE / room.factor + 20)
            await self._province.wait(90)
            told = [one for one in room.sink.pages[begin:] if one.name != ALSO.get(name)]
            judge(name, tuple(frozenset((one,)) for one in due), told, self._result)
            tell(1)

    async def _paged(self, names: frozenset[str]) -> None:
        began, before = time.monotonic(), len(self._room.sink.pages)
        until = began + PATIENCE / self._room.factor
        while time.monotonic() < until:
            if any(one.name in names for one in self._room.sink.pages[before:]):
                return
            await asyncio.sleep(0.05)

    async def _dies(self, program: Program, names: frozenset[str]) -> None:
        program.kill()
        await self._paged(names)
        await self._province.wait(self._dice.uniform(0, 60))
        program.start()

    async def _broker(self, names: frozenset[str]) -> None:
        await self._dies(self._room.broker.program, names)
        await self._province.settled()

    async def _collector(self, names: frozenset[str]) -> None:
        await self._dies(self._room.collector, names)

    async def _channels(self, names: frozenset[str]) -> None:
        """Half of all channels at once, and while they are cut another one, which has nothing to do with it."""
        many, one = {"ManyChannelsDown"}, self._plain[-1]
        self._province.crowd.cut = set(self._dice.sample(range(CROWD), CROWD // 2))
        await self._province.tell(self._province.crowd, beat=True)
        await self._paged(names & many)
        await self._province.wait(LATER + self._dice.uniform(0, 60))
        one.lines[0].oper_up = False
        await self._province.tell(one)
        await self._paged(names - many)
        one.lines[0].oper_up = True
        await self._province.tell(one)
        self._province.crowd.cut = set()

    async def _agents(self, names: frozenset[str]) -> None:
        sites = self._dice.sample(self._province.sites, len(self._province.sites) // 2)
        for site in sites:
            site.silent = True
        await asyncio.gather(*(self._province.status(site, online=False) for site in sites))
        await self._paged(names)
        await self._province.wait(self._dice.uniform(0, 60))
        for site in sites:
            site.silent = False
        await asyncio.gather(*(self._province.status(site, online=True) for site in sites))

    async def _backlog(self, names: frozenset[str]) -> None:
        """Every site sends a day with outages in it, while links go down and come back."""
        begin, cut = len(self._room.sink.pages), self._plain[:CUTS]
        async with asyncio.TaskGroup() as group:
            for site in self._province.sites:
                group.create_task(self._province.remember(site, 86_400, self._minutes))
            for site in cut:
                await self._province.wait(self._dice.uniform(0, 20))
                site.lines[0].oper_up = False
                await self._province.tell(site)
        until = time.monotonic() + PATIENCE / self._room.factor
        pages = self._room.sink.pages
        while sum(one.name in names for one in pages[begin:]) < CUTS and time.monotonic() < until:  # noqa: ASYNC110 - they come from a thread
            await asyncio.sleep(0.05)
        for site in cut:
            site.lines[0].oper_up = True
            await self._province.tell(site)

    async def _prometheus(self, names: frozenset[str]) -> None:
        await self._silenced(self._room.prometheus.program, names)

    async def _alertmanager(self, names: frozenset[str]) -> None:
        await self._silenced(self._room.alertmanager, names)

    async def _silenced(self, program: Program, names: frozenset[str]) -> None:
        """Kill a part of the chain of alerts while a link is down: the dead man is heard no more, and nobody is paged twice."""
        room, site = self._room, self._plain[0]
        site.lines[0].oper_up = False
        await self._province.tell(site)
        await self._paged(names)
        died = time.monotonic()
        program.kill()
        await self._province.wait(DEAD_MAN)
        last = max((at for at in room.sink.dead_man), default=died)
        believed = room.credulous if program is room.prometheus.program else 0.0
        self._result.dead.append(max(0.0, last - died - believed) * room.factor + PAGER_WAITS)
        program.start()
        await self._province.wait(120)
        site.lines[0].oper_up = True
        await self._province.tell(site)
