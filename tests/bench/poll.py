"""``bench poll``: what one poll of a device costs, from the question to the published metric.

Agent and peer ask the same snmpd in turns, once a second each, over links of their own. Ours goes on: spool with fsync, MQTT to
a broker behind another link, collector, ``/metrics``; the peer publishes what it is asked for. Both pages are read once a poll
as Prometheus does. CPU time of whole processes, nothing subtracted: heartbeats, judging and idle loops are in it.

A poll of ours is seen on its link: packets, then silence. A round has as many polls as the agent needs to read names and
speeds again once, so that this is in the figure with its share.

collectd, the second peer, polls by itself: it is watched for as many seconds as it has polls, over the peer's link. The trap
listener's memory is that of a second agent which heard a trap, when everything else is done.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import collectd, machine, programs, several, snmp_exporter
from bench.collectd import Collectd
from bench.figures import Figure, Result
from bench.meter import Meter, cpu_seconds, resident_bytes, settle
from bench.networks import Site, Traffic
from bench.scraping import Scraper
from bench.snmp_exporter import SnmpExporter
from support.processes import running, wait_until
from support.snmpd import COMMUNITY, Snmpd
from tslcd_agent.snmp.reader import REDISCOVER_EVERY
from tslcd_collector.inventory import load as load_inventory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_RATIO: Final = 0.5
MAX_WIRE_RATIO: Final = 0.2
MAX_MEMORY: Final = 42.0
MAX_MEMORY_TRAPS: Final = 62.0
MIB: Final = 2**20
_NEEDS: Final = ("snmpd", "snmp", "mosquitto", snmp_exporter.PACKAGE, collectd.PACKAGE)
#: A link without a packet for so long (seconds): the poll is over, and its report is with the collector.
_QUIET: Final = 0.3
_LOOK: Final = 0.02
_SNMP, _BROKER, _WEB, _EXPORTER, _TRAPS = 161, 1883, 9470, 9116, 162
_LINK_DOWN: Final = "1.3.6.1.6.3.1.1.5.3"


@dataclass(frozen=True)
class Size:
    """``polls`` a round; ``walks``: polls of the peer with everything that the tables have, a round.

    ``idle``: how long (seconds) the collector is watched without an agent. ``packets``: sent over every filled interface.
    ``devices``: how many one agent polls in the second part.
    """

    interfaces: int = 50
    polls: int = REDISCOVER_EVERY
    walks: int = 5
    idle: float = 8.0
    rounds: int = 3
    packets: int = 2000
    devices: int = 10


SMALL: Final = Size(interfaces=8, polls=2, walks=1, idle=1.0, rounds=1, packets=5, devices=2)


@dataclass
class _Found:
    """Values a round, each for one poll."""

    agent: list[float] = field(default_factory=list)
    collector: list[float] = field(default_factory=list)
    same: list[float] = field(default_factory=list)
    walk: list[float] = field(default_factory=list)
    device_ours: list[float] = field(default_factory=list)
    device_same: list[float] = field(default_factory=list)
    link_ours: list[Traffic] = field(default_factory=list)
    link_same: list[Traffic] = field(default_factory=list)
    link_walk: list[Traffic] = field(default_factory=list)
    uplink: list[Traffic] = field(default_factory=list)
    collectd: list[float] = field(default_factory=list)
    link_collectd: list[Traffic] = field(default_factory=list)


class Course:
    """Everything in its place."""

    def __init__(self, folder: Path, site: Site, size: Size) -> None:
        self.site = site
        self.size = size
        inventory_folder = programs.write_inventory(folder, 1)
        agent, device = next(iter(load_inventory(inventory_folder).devices))
        self.name = agent
        self.broker_address = (site.centre_address, _BROKER)
        self.snmpd = Snmpd(folder / "snmpd", address="0.0.0.0", port=_SNMP, prefix=site.device.prefix)  # noqa: S104 - of a namespace
        self.broker = programs.broker(folder, _BROKER, address="0.0.0.0", prefix=site.centre.prefix)  # noqa: S104
        self.collector = programs.collector(
            folder, inventory_folder=inventory_folder, broker_port=_BROKER, port=_WEB, prefix=site.centre.prefix
        )
        (folder / "trapped").mkdir()
        self.agent, self.trapped = (
            programs.agent(
                home,
                name=agent,
                broker_address=self.broker_address,
                devices={device: site.ours_address},
                community=COMMUNITY,
                interval=1,
                traps=traps,
                prefix=site.site.prefix,
            )
            for home, traps in ((folder, ""), (folder / "trapped", site.agent_address))
        )
        self.collectd = Collectd(
            folder / "collectd",
            address=site.peer_address,
            community=COMMUNITY,
            interval=1,
            prefix=site.site.prefix,
        )
        self.exporter = SnmpExporter(folder, port=_EXPORTER, community=COMMUNITY, prefix=site.site.prefix)
        self.ours = Scraper(lambda: site.centre.connect(_WEB))
        self.peer = Scraper(lambda: site.site.connect(_EXPORTER))
        self.seen = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run everything for the time of a block."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(running(self.snmpd.program, self._snmpd_answers))
            stack.enter_context(running(self.broker, lambda: self.site.centre.accepts(_BROKER)))
            stack.enter_context(running(self.collector, lambda: self.ours.get("/-/ready"), timeout=30))
            stack.enter_context(running(self.exporter.program, lambda: self.site.site.accepts(_EXPORTER)))
            stack.enter_context(running(self.agent, self._published, timeout=30))
            for one in (self.ours, self.peer):
                stack.callback(one.close)
            yield

    def _snmpd_answers(self) -> bool:
        machine.run([*self.site.site.prefix, "snmpget", "-v2c", "-c", COMMUNITY, "-t", "1", "-r", "0",
                     self.site.peer_address, "1.3.6.1.2.1.1.3.0"])  # fmt: skip
        return True

    def _published(self) -> bool:
        return self.ours.get("/metrics").samples("tslcd_interface_oper_up") >= self.size.interfaces

    def link(self, name: str) -> Traffic:
        """Return what went over a link so far."""
        return self.site.traffic(name, self.exporter.program.pid)

    def wait_for_poll(self) -> None:
        """Wait for the end of the agent's next poll. Raises TimeoutError."""
        wait_until(lambda: self.link("ours").packets != self.seen, 10, "a poll of the agent")
        last, since = 0, time.monotonic()
        while time.monotonic() - since < _QUIET:
            packets = self.link("ours").packets
            if packets != last:
                last, since = packets, time.monotonic()
            time.sleep(_LOOK)
        self.seen = last

    def ask_peer(self, module: str) -> None:
        """Have the peer poll, and read its page."""
        page = self.peer.get(self.exporter.path(module, self.site.peer_address))
        if page.samples("ifHCInOctets") < self.size.interfaces:
            raise RuntimeError("the peer does not publish every interface")


def measure(size: Size, tell: Callable[[str], None]) -> Result:
    """Run the bench. Raises MissingError."""
    machine.require(*_NEEDS, root=True)
    found = _Found()
    site = Site()
    with tempfile.TemporaryDirectory(prefix="tslcd-bench-") as folder, site.built(size.interfaces):
        site.move_counters(size.interfaces, size.packets)
        course = Course(Path(folder), site, size)
        with course.running():
            course.wait_for_poll()
            course.ask_peer(snmp_exporter.SAME)
            for number in range(1, size.rounds + 1):
                tell(
                    f"round {number} of {size.rounds}: {size.polls} polls of each, then {size.walks} walks of the peer"
                )
                _round(course, size, found)
                _walks(course, size, found)
            agent_memory = resident_bytes(course.agent.pid) / MIB
            collector_memory = resident_bytes(course.collector.pid) / MIB
            exporter_memory = resident_bytes(course.exporter.program.pid) / MIB
            tell(f"collectd, {size.rounds} × {size.polls} polls")
            collectd_memory = _collectd(course, size, found)
            tell("the collector with nothing to do")
            idle = _idle(course, size)
            tell("an agent that listens for traps")
            trapped_memory = _trapped(course)
            tell(f"{size.devices} devices, {size.rounds} × {size.polls} seconds")
            shared = several.measure(course, size, Path(folder) / "several", agent=course.name)
    whole = [agent + collector for agent, collector in zip(found.agent, found.collector, strict=True)]
    figures = [
        Figure(
            f"CPU of one poll of {size.devices} a second, whole path",
            "ms",
            shared.whole,
            shared.peer,
            max_ratio=MAX_RATIO,
        ),
        Figure("  of it the agent", "ms", shared.agent, shared.peer),
        Figure("  of it the collector", "ms", shared.collector, shared.peer),
        Figure("CPU of one poll of one a second, whole path", "ms", whole, found.same),
        Figure("  of it the agent, of one a second", "ms", found.agent, found.same),
        Figure("  of it the collector, of one a second", "ms", found.collector, found.same),
        Figure("  of it the collector's idle loops", "ms", [idle]),
        Figure("CPU of one poll, peer walks whole tables", "ms", whole, found.walk),
        Figure("CPU of the device", "ms", found.device_ours, found.device_same),
        Figure("resident memory of agent", "MiB", [agent_memory], [exporter_memory], max_ours=MAX_MEMORY),
        Figure("resident memory of agent that listens for traps", "MiB", [trapped_memory], max_ours=MAX_MEMORY_TRAPS),
        Figure("resident memory of agent with several devices", "MiB", [shared.memory]),
        Figure("resident memory of agent, collectd", "MiB", [agent_memory], [collectd_memory]),
        Figure("resident memory of the collector", "MiB", [collector_memory]),
        Figure("CPU of one poll, agent and collectd", "ms", found.agent, found.collectd),
        Figure("SNMP packets", "a poll", _packets(found.link_ours), _packets(found.link_same)),
        Figure("SNMP packets, peer walks", "a poll", _packets(found.link_ours), _packets(found.link_walk)),
        Figure("SNMP packets, collectd", "a poll", _packets(found.link_ours), _packets(found.link_collectd)),
        Figure("SNMP bytes", "a poll", _bytes(found.link_ours), _bytes(found.link_same)),
        Figure("SNMP bytes, peer walks", "a poll", _bytes(found.link_ours), _bytes(found.link_walk)),
        Figure("SNMP bytes, collectd", "a poll", _bytes(found.link_ours), _bytes(found.link_collectd)),
        Figure(
            "bytes to the centre", "a poll", _bytes(found.uplink), _bytes(found.link_same), max_ratio=MAX_WIRE_RATIO
        ),
        Figure("bytes to the centre, peer walks", "a poll", _bytes(found.uplink), _bytes(found.link_walk)),
    ]
    return Result(
        "poll",
        machine.describe(*_NEEDS),
        figures,
        [
            f"{size.interfaces} interfaces, once a second, {size.polls} polls a round; peer: the same objects, GETBULK of 25",
            f"ours reads speeds and descriptions every {REDISCOVER_EVERY} polls, the rest every time; the peer all every time",
            f"collectd: the same counters and states of interfaces without ifAlias, GETBULK of {collectd.BULK}; it walks ifName with every two of them",
            "one a second: page, commit and idle loops of a second, which serve all devices, are counted as if for this one alone",
            f"several devices: one agent, {size.devices} of them, once a second each; one page of ours a second, {size.devices} of the peer",
            "bytes: Ethernet header and above, both ways; to the centre: ours MQTT, the peer's SNMP as polled from there",
        ],
    )


def _round(course: Course, size: Size, found: _Found) -> None:
    """Let both poll in turns, ``size.polls`` times."""
    course.wait_for_poll()
    agent, collector, exporter = (Meter(one.pid) for one in (course.agent, course.collector, course.exporter.program))
    device = Meter(course.snmpd.program.pid)
    device_peer = 0.0
    links = {name: course.link(name) for name in ("ours", "peer", "uplink")}
    for _ in range(size.polls):
        course.wait_for_poll()
        course.ours.get("/metrics")
        before = cpu_seconds(course.snmpd.program.pid)
        course.ask_peer(snmp_exporter.SAME)
        device_peer += cpu_seconds(course.snmpd.program.pid) - before
    for values, seconds in (
        (found.agent, agent.seconds()),
        (found.collector, collector.seconds()),
        (found.same, exporter.seconds()),
        (found.device_ours, device.seconds() - device_peer),
        (found.device_same, device_peer),
    ):
        values.append(seconds / size.polls * 1e3)
    for name, traffic in (("ours", found.link_ours), ("peer", found.link_same), ("uplink", found.uplink)):
        traffic.append(_share(course.link(name) - links[name], size.polls))


def _walks(course: Course, size: Size, found: _Found) -> None:
    """Let the peer walk everything, at the same pace."""
    exporter, before = Meter(course.exporter.program.pid), course.link("peer")
    for _ in range(size.walks):
        course.wait_for_poll()
        course.ask_peer(snmp_exporter.WALK)
    found.walk.append(exporter.seconds() / size.walks * 1e3)
    found.link_walk.append(_share(course.link("peer") - before, size.walks))


def _collectd(course: Course, size: Size, found: _Found) -> float:
    """Let collectd poll, as many rounds as the others; return its resident memory, MiB."""
    program = course.collectd.program
    with running(program, lambda: course.collectd.interfaces() >= size.interfaces, timeout=30):
        for _ in range(size.rounds):
            meter, before, began = Meter(program.pid), course.link("peer"), time.monotonic()
            time.sleep(size.polls)
            polls = time.monotonic() - began
            found.collectd.append(meter.seconds() / polls * 1e3)
            found.link_collectd.append(_share(course.link("peer") - before, polls))
        return resident_bytes(program.pid) / MIB


def _trapped(course: Course) -> float:
    """Return the resident memory (MiB) of an agent that polled and heard a trap."""
    site = course.site
    with running(course.trapped, lambda: course.link("ours").packets != course.seen, timeout=30):
        for _ in range(3):
            course.wait_for_poll()
        machine.run([*site.device.prefix, "snmptrap", "-v2c", "-c", COMMUNITY, f"{site.agent_address}:{_TRAPS}", "",
                     _LINK_DOWN, "1.3.6.1.2.1.2.2.1.1.4", "i", "4"])  # fmt: skip
        for _ in range(3):
            course.wait_for_poll()
        return resident_bytes(course.trapped.pid) / MIB


def _idle(course: Course, size: Size) -> float:
    """Return what the collector uses in the time of one poll (a second) when nobody reports, milliseconds."""
    course.agent.stop()
    settle(course.collector.pid)
    meter, began = Meter(course.collector.pid), time.monotonic()
    time.sleep(size.idle)
    return meter.seconds() / (time.monotonic() - began) * 1e3


def _share(traffic: Traffic, polls: float) -> Traffic:
    return Traffic(round(traffic.packets / polls), round(traffic.bytes / polls))


def _packets(links: list[Traffic]) -> list[float]:
    return [float(one.packets) for one in links]


def _bytes(links: list[Traffic]) -> list[float]:
    return [float(one.bytes) for one in links]
