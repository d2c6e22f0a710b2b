"""What may happen in a province, and which pages people must get of it: exactly one a cause, none of what is no fault.

A scenario has a site of its own (some have several) and names the alerts it must cause: of each set of names exactly one alert,
once. Whatever else is told of its sites is a false page. Times are those of the shipped configuration, in seconds.
"""

# ruff: noqa: D401 - a scenario's docstring says what happens
from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rigs.noc.province import BEAT

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from rigs.noc.oracle import Result
    from rigs.noc.pages import Page
    from rigs.noc.province import Province, Site
    from rigs.noc.room import Room

#: The longest that a page is waited for: the warnings of a group are gathered for as long as ten minutes.
PATIENCE: Final = 900.0
#: What ends a scenario: its channel is well again, and nobody is told anything more for so long.
AFTER: Final = 150.0


@dataclass
class Stage:
    """A scenario as it is played, and its sites: the cause is at the first."""

    room: Room
    sites: list[Site]
    dice: random.Random
    result: Result
    cut: float = 0.0

    @property
    def site(self) -> Site:
        """The first site, where the cause is."""
        return self.sites[0]

    @property
    def province(self) -> Province:
        """Where it is."""
        return self.room.province

    async def wait(self, shipped: float) -> None:
        """Let so many seconds pass."""
        await self.province.wait(shipped)

    async def link(self, *, up: bool, line: int = 0) -> None:
        """Change a channel's link, which is told at once."""
        self.site.lines[line].oper_up = up
        self.cut = 0.0 if up else time.monotonic()
        await self.province.tell(self.site)

    def pages(self, *names: str) -> list[Page]:
        """Return the pages of these names about the scenario's sites."""
        ours = {site.name for site in self.sites}
        return [one for one in self.room.sink.pages if one.name in names and one.labels.get("site") in ours]

    async def until_paged(self, *names: str) -> None:
        """Hold a fault until people know, and a while longer."""
        until = time.monotonic() + PATIENCE / self.room.factor
        while not (found := self.pages(*names)) and time.monotonic() < until:  # noqa: ASYNC110 - they come from a thread
            await asyncio.sleep(0.02)
        if found and self.cut:
            self.result.delays.append((found[0].at - self.cut) * self.room.factor)
        await self.wait(self.dice.uniform(0, 30))


@dataclass(frozen=True)
class Scenario:
    """What happens, which alerts it must cause, and how its sites are made. ``told``: warnings that may come besides."""

    play: Callable[[Stage], Awaitable[None]]
    pages: tuple[frozenset[str], ...]
    sites: tuple[dict[str, Any], ...] = ({},)
    silences: bool = False
    told: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Its name, in words."""
        return self.play.__name__.replace("_", " ")

    @property
    def urgent(self) -> bool:
        """Whether it is a cut that wakes somebody."""
        return frozenset({"ChannelDown"}) in self.pages


SCENARIOS: Final[list[Scenario]] = []


def scenario(
    *pages: str | frozenset[str],
    sites: tuple[dict[str, Any], ...] = ({},),
    silences: bool = False,
    told: frozenset[str] = frozenset(),
) -> Callable[[Callable[[Stage], Awaitable[None]]], Callable[[Stage], Awaitable[None]]]:
    """Enter a scenario. ``silences``: its agent is not heard, which only a few in a hundred may be at once."""

    def enter(play: Callable[[Stage], Awaitable[None]]) -> Callable[[Stage], Awaitable[None]]:
        sets = tuple(frozenset((one,)) if isinstance(one, str) else one for one in pages)
        SCENARIOS.append(Scenario(play, sets, sites, silences, told))
        return play

    return enter


@scenario("ChannelDown")
async def link_down(stage: Stage) -> None:
    """The interface loses its link, is told by a trap, and comes back."""
    await stage.link(up=False)
    await stage.until_paged("ChannelDown")
    await stage.link(up=True)


@scenario()
async def link_blinks(stage: Stage) -> None:
    """A cut shorter than ten seconds pages nobody."""
    await stage.link(up=False)
    await stage.wait(stage.dice.uniform(0.5, 4))
    await stage.link(up=True)


@scenario("ChannelDown")
async def switched_off(stage: Stage) -> None:
    """Somebody switches the interface off: the agency's page."""
    stage.site.lines[0].admin_up = False
    await stage.link(up=False)
    await stage.province.tell(stage.site, beat=True)  # a trap makes an agent ask at once
    await stage.until_paged("ChannelDown")
    stage.site.lines[0].admin_up = True
    await stage.link(up=True)
    await stage.province.tell(stage.site, beat=True)


@scenario("ChannelDown")
async def gateway_lost(stage: Stage) -> None:
    """The link is there and the gateway does not answer."""
    stage.site.lines[0].spoilt = 5
    await stage.until_paged("ChannelDown")
    stage.site.lines[0].spoilt = 0


@scenario("ChannelDown")
async def device_dead(stage: Stage) -> None:
    """Neither firewall nor gateway answers the agent, which is heard by its Internet line."""
    stage.site.snmp_state, stage.site.lines[0].spoilt = "unreachable", 5
    await stage.until_paged("ChannelDown")
    stage.site.snmp_state, stage.site.lines[0].spoilt = "ok", 0


@scenario("ChannelDegraded")
async def packets_lost(stage: Stage) -> None:
    """One packet in five is lost."""
    stage.site.lines[0].spoilt = 1
    await stage.until_paged("ChannelDegraded")
    stage.site.lines[0].spoilt = 0


@scenario("ChannelDegraded")
async def slow(stage: Stage) -> None:
    """Packets take ten times as long as the class allows."""
    stage.site.lines[0].rtt = stage.dice.uniform(0.1, 0.3)
    await stage.until_paged("ChannelDegraded")
    stage.site.lines[0].rtt = 0.003


@scenario("ChannelDegraded")
async def uneven(stage: Stage) -> None:
    """Jitter is above the class's threshold."""
    stage.site.lines[0].jitter = stage.dice.uniform(0.02, 0.1)
    await stage.until_paged("ChannelDegraded")
    stage.site.lines[0].jitter = 0.0004


@scenario()
async def one_bad_round(stage: Stage) -> None:
    """One round with one lost packet is chance."""
    stage.site.lines[0].spoilt = 1
    await stage.province.tell(stage.site, beat=True)
    stage.site.lines[0].spoilt = 0
    await stage.wait(2 * BEAT)


@scenario("AgentLost", silences=True)
async def agent_dies(stage: Stage) -> None:
    """The broker publishes the last will of an agent; nothing is known of its channel, and it is not down."""
    stage.site.silent = True
    await stage.province.status(stage.site, online=False)
    await stage.until_paged("AgentLost")
    stage.site.silent = False
    await stage.province.status(stage.site, online=True)


@scenario("AgentLost", silences=True)
async def agent_mute(stage: Stage) -> None:
    """An agent says nothing more and no last will comes."""
    stage.site.silent = True
    await stage.until_paged("AgentLost")
    stage.site.silent = False


@scenario(silences=True)
async def agent_starts_again(stage: Stage) -> None:
    """An agent that is away for twenty seconds pages nobody."""
    stage.site.silent = True
    await stage.province.status(stage.site, online=False)
    await stage.wait(20)
    stage.site.silent = False
    await stage.province.status(stage.site, online=True)


@scenario("SitePower", told=frozenset({"OnBattery"}), silences=True)
async def power_cut(stage: Stage) -> None:
    """The UPS tells that it runs on battery, a warning; then all of the site is silent: one page, about power."""
    stage.site.extra["ups"] = {"key": [""], "on_battery": [1], "source": ["battery"]}
    await stage.province.tell(stage.site, beat=True)
    await stage.wait(BEAT)
    stage.site.silent = True
    await stage.province.status(stage.site, online=False)
    await stage.until_paged("SitePower")
    stage.site.extra["ups"] = {"key": [""], "on_battery": [0], "source": ["utility"]}
    stage.site.silent = False
    await stage.province.status(stage.site, online=True)


@scenario("ChannelDown", sites=({}, {"behind": 0}, {"behind": 0}))
async def upstream_cut(stage: Stage) -> None:
    """A channel that carries two others is cut: theirs are down with it, and one page says so."""
    for site in stage.sites[1:]:
        site.lines[0].spoilt = 5
    await stage.link(up=False)
    await stage.until_paged("ChannelDown")
    for site in stage.sites[1:]:  # they are back at the moment when it is
        site.lines[0].spoilt = 0
    await stage.link(up=True)


@scenario("ChannelDown", sites=({}, {"behind": 0}), silences=True)
async def upstream_cut_and_silence_behind(stage: Stage) -> None:
    """The agent behind a cut upstream channel is not heard either."""
    await stage.link(up=False)
    behind = stage.sites[1]
    behind.silent = True
    await stage.province.status(behind, online=False)
    await stage.until_paged("ChannelDown")
    await stage.wait(120)
    await stage.link(up=True)
    behind.silent = False
    await stage.province.status(behind, online=True)


@scenario(frozenset({"ChannelDown", "ChannelFlapping"}))
async def flaps(stage: Stage) -> None:
    """A link that goes down and up and down is one page."""
    for _ in range(8):
        await stage.link(up=False)
        await stage.wait(stage.dice.uniform(2, 6))
        await stage.link(up=True)
        await stage.wait(stage.dice.uniform(2, 10))
    await stage.until_paged("ChannelDown", "ChannelFlapping")


@scenario(frozenset({"ChannelDown", "RedundancyLost"}), sites=({"channels": 2, "grouped": True},))
async def one_of_two(stage: Stage) -> None:
    """One of two channels is cut: service goes on, and one page tells of it."""
    line = stage.dice.randrange(2)
    await stage.link(up=False, line=line)
    await stage.until_paged("ChannelDown", "RedundancyLost")
    await stage.link(up=True, line=line)


@scenario(sites=({"planned": True},))
async def planned_work(stage: Stage) -> None:
    """What goes down in its window was announced."""
    await stage.link(up=False)
    await stage.wait(180)
    await stage.link(up=True)


@scenario(sites=({"in_service": False},))
async def not_in_service_yet(stage: Stage) -> None:
    """A channel that is not in service has no faults."""
    await stage.link(up=False)
    await stage.wait(180)
    await stage.link(up=True)


@scenario("DeviceOverloaded")
async def firewall_busy(stage: Stage) -> None:
    """The CPU is at its end."""
    stage.site.extra["device"] = {"cpu_utilization_ratio": [0.99]}
    await stage.until_paged("DeviceOverloaded")
    stage.site.extra["device"].update(cpu_utilization_ratio=[0.05])


@scenario("SessionsNearLimit")
async def sessions(stage: Stage) -> None:
    """The session table is nearly full."""
    stage.site.extra["firewall"] = {"key": [""], "sessions": [97_000.0], "sessions_limit": [100_000.0], "sessions_utilization_ratio": [0.97]}  # fmt: skip
    await stage.until_paged("SessionsNearLimit")
    stage.site.extra["firewall"].update(sessions=[1_000.0], sessions_utilization_ratio=[0.01])


@scenario("DeviceHardware")
async def fan_stops(stage: Stage) -> None:
    """A fan fails."""
    stage.site.extra["sensor"] = {"key": ["fan 1"], "type": ["fan"], "status": ["failed"], "speed_rpm": [0.0]}
    await stage.until_paged("DeviceHardware")
    stage.site.extra["sensor"].update(status=["ok"], speed_rpm=[4000.0])


@scenario("TunnelDown")
async def tunnel_lost(stage: Stage) -> None:
    """A VPN tunnel of the firewall goes down while its channel works."""
    stage.site.extra["tunnel"] = {"key": ["to-province"], "up": [1]}
    await stage.wait(2 * BEAT)
    stage.site.extra["tunnel"] = {"key": ["to-province"], "up": [0]}
    await stage.until_paged("TunnelDown")
    stage.site.extra["tunnel"] = {"key": ["to-province"], "up": [1]}


@scenario("DeviceUnreadable")
async def credentials_wrong(stage: Stage) -> None:
    """The firewall refuses SNMP while its channel works."""
    stage.site.snmp_state = "refused"
    await stage.until_paged("DeviceUnreadable")
    stage.site.snmp_state = "ok"


@scenario("ChannelDegraded")
async def reports_by_the_internet(stage: Stage) -> None:
    """The agent of a site is heard by its spare way only: its one channel does not lead to the centre."""
    stage.site.agent_table.update(uplink_spare=[1], uplink=["internet"])
    await stage.until_paged("ChannelDegraded")
    stage.site.agent_table.update(uplink_spare=[0], uplink=["tslcd"])


@scenario("UplinkSpare", sites=({"channels": 2},))
async def reports_by_the_internet_of_two_channels(stage: Stage) -> None:
    """Of two channels nobody knows which one the agent's first way was: it is told of the agent."""
    stage.site.agent_table.update(uplink_spare=[1], uplink=["internet"])
    await stage.until_paged("UplinkSpare")
    stage.site.agent_table.update(uplink_spare=[0], uplink=["tslcd"])


@scenario()
async def history_arrives(stage: Stage) -> None:
    """An outage of yesterday is told today: history pages nobody."""
    await stage.province.remember(stage.site, 86_400, 240)


@scenario("ChannelDown")
async def history_arrives_while_a_link_is_down(stage: Stage) -> None:
    """Good news of yesterday does not hide the fault of today, nor does it page again."""
    await stage.link(up=False)
    await stage.until_paged("ChannelDown")
    await stage.province.remember(stage.site, 43_200, 60)
    await stage.wait(60)
    await stage.link(up=True)
