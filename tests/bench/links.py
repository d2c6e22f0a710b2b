"""``bench links``: from a link that goes down on a real daemon to the changed sample on ``/metrics``, in three ways.

::

    centre and site (one namespace)                       device (another)
    broker, collector, agent ══ lan ══ snmpd .2 (traps)  wan1 … far1
      own1 … peer1                     snmpd .3 (polled)  w1 … v1, w2 … v2, …

By trap: the far end of ``wan1`` is taken down, and snmptrap(1) in the device's namespace tells it at that moment. By netlink:
the same with a link of the agent's own box. By fast poll: several links of the device go down at random moments of the
interval; nobody tells, the agent asks every 2 s. A trial begins before the link is touched and ends when the page says so; it is
looked at every 10 ms. Every report goes the whole way with defaults: two syncs to disk, broker, the collector's batch wait.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import machine, programs
from bench.figures import Figure, Result
from bench.meter import resident_bytes
from bench.networks import Namespace
from bench.scraping import Scraper
from support.notifications import LINK_DOWN, LINK_UP, link_bindings, trap_command
from support.processes import Program, running, wait_until
from support.snmpd import COMMUNITY, Snmpd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MAX_TOLD: Final = 1.0
MAX_POLLED: Final = 3.0
MAX_MEMORY: Final = 62.0
#: A trial without an end after so many seconds is lost.
LOST_AFTER: Final = 12.0
WATCHED: Final = 8
INTERVAL: Final = 2.0
_LOOK: Final = 0.01
_BROKER, _WEB, _SNMP, _TRAPS = 1883, 9470, 161, 162
_DEVICE_TRAPS, _DEVICE_POLLED, _SITE = "192.0.2.2", "192.0.2.3", "192.0.2.1"
_WRITER: Final = "bench-writer"
#: NET-SNMP-AGENT-MIB::nsCacheTimeout of ifTable.
_CACHE: Final = "1.3.6.1.4.1.8072.1.5.3.1.2.1.3.6.1.2.1.2.2"
_SAMPLE: Final = re.compile(
    r'^tslcd_interface_oper_up\{[^}]*device="(\w+)",interface="(\w+)"[^}]*\} ([01])', re.MULTILINE
)
#: A link by the device and the key under which it is reported.
Link = tuple[str, str]


@dataclass
class Trials:
    """What came of one way: seconds from the cut to the page, and how many never came."""

    seconds: list[float] = field(default_factory=list)
    lost: int = 0

    def quantile(self, share: float) -> float:
        """Return the value below which ``share`` of the trials are (nearest rank)."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, max(0, -(-round(share * 1000) * len(ordered) // 1000) - 1))]


class Stand:
    """The two namespaces and everything that runs in them."""

    def __init__(self, folder: Path) -> None:
        """Choose names; nothing is made yet."""
        pid = os.getpid()
        self.folder = folder
        self.site = Namespace(f"tslcd-bench-{pid}-site")
        self.device = Namespace(f"tslcd-bench-{pid}-device")
        self.scraper = Scraper(lambda: self.site.connect(_WEB))
        self.agent = self._agent()
        self.indexes: dict[str, int] = {}

    @contextlib.contextmanager
    def running(self) -> Iterator[Stand]:
        """Run everything for the time of a block, from the moment all links are on the page as up."""
        with contextlib.ExitStack() as stack:
            stack.callback(self.scraper.close)
            for one in (self.site, self.device):
                machine.run(["ip", "netns", "add", one.name])
                stack.callback(machine.run, ["ip", "netns", "del", one.name])
                one.ip("link", "set", "lo", "up")
            self._build()
            for address in (_DEVICE_TRAPS, _DEVICE_POLLED):
                stack.enter_context(self._snmpd(address).running())
            machine.run([*self.device.prefix, *self._set_cache()])
            broker = programs.broker(self.folder, _BROKER, prefix=self.site.prefix)
            stack.enter_context(running(broker, lambda: self.site.accepts(_BROKER)))
            collector = programs.collector(
                self.folder,
                inventory_folder=programs.write_inventory(self.folder, 1),
                broker_port=_BROKER,
                port=_WEB,
                prefix=self.site.prefix,
            )
            stack.enter_context(running(collector, lambda: self.scraper.get("/-/ready"), 30))
            wanted = {("traps", "wan1"), ("box", "own1"), *(("polled", f"w{n}") for n in range(1, WATCHED + 1))}
            stack.enter_context(
                running(self.agent, lambda: wanted <= {key for key, up in self.states().items() if up}, 60)
            )
            yield self

    def states(self) -> dict[Link, int]:
        """Return what the page says of every link."""
        text = self.scraper.get("/metrics").text
        return {(device, name): int(up) for device, name, up in _SAMPLE.findall(text)}

    def _build(self) -> None:
        lan = ["link", "add", "lan", "netns", self.site.name, "type", "veth", "peer", "lan", "netns", self.device.name]
        machine.run(["ip", *lan])
        self.site.ip("address", "add", f"{_SITE}/24", "dev", "lan")
        for address in (_DEVICE_TRAPS, _DEVICE_POLLED):
            self.device.ip("address", "add", f"{address}/24", "dev", "lan")
        pairs = [("wan1", "far1"), *((f"w{number}", f"v{number}") for number in range(1, WATCHED + 1))]
        for namespace, ends in ((self.device, pairs), (self.site, [("own1", "peer1")])):
            namespace.ip("link", "set", "lan", "up")
            for name, far in ends:
                namespace.ip("link", "add", name, "type", "veth", "peer", far)
                namespace.ip("link", "set", name, "up")
                namespace.ip("link", "set", far, "up")
        for line in self.device.ip("-o", "link").splitlines():
            index, name = line.split(":")[:2]
            self.indexes[name.strip().partition("@")[0]] = int(index)

    def _snmpd(self, address: str) -> Snmpd:
        daemon = Snmpd(self.folder / address, address=address, port=_SNMP, prefix=self.device.prefix)
        configuration = self.folder / address / "snmpd.conf"
        configuration.write_text(f"{configuration.read_text()}rwcommunity {_WRITER}\n")
        return daemon

    def _set_cache(self) -> list[str]:
        """Return the command that lets the polled daemon read its interfaces anew every second, not every three."""
        return ["snmpset", "-v2c", "-c", _WRITER, f"{_DEVICE_POLLED}:{_SNMP}", _CACHE, "i", "1"]

    def _agent(self) -> Program:
        secret = self.folder / "community"
        secret.write_text(COMMUNITY)
        secret.chmod(0o600)
        snmp = f"snmp: {{community: {{file: {secret}}}}}"
        file = self.folder / "agent.yaml"
        file.write_text(
            f"agent: {{id: links, province: '{programs.PROVINCE}'}}\n"
            f"brokers: [{{host: 127.0.0.1, port: {_BROKER}}}]\n"
            f"spool: {{directory: {self.folder / 'spool'}}}\n"
            f"poll: {{interval: 60s, budget: 20s}}\n"
            "traps: {}\n"
            "links: {include: [own*]}\n"
            "devices:\n"
            f"  traps: {{address: {_DEVICE_TRAPS}, {snmp}, interfaces: {{include: ['wan*']}}}}\n"
            f"  polled: {{address: {_DEVICE_POLLED}, {snmp}, interfaces: {{include: ['w?']}},"
            f" watch: {{interfaces: ['w?'], interval: {INTERVAL:g}s}}}}\n"
        )
        command = [*self.site.prefix, machine.program("tslcd-agent"), "run", "--config", str(file)]
        return Program(command, self.folder / "agent.log")

    # what happens to links

    def set_trapped(self, _link: Link, *, up: bool) -> None:
        """Move wan1, and tell it by a trap at that moment."""
        self.device.ip("link", "set", "far1", "up" if up else "down")
        bindings = link_bindings(self.indexes["wan1"], up=up)
        kind = LINK_UP if up else LINK_DOWN
        command = trap_command(f"{_SITE}:{_TRAPS}", ["-v2c", "-c", COMMUNITY], kind, bindings)
        machine.run([*self.device.prefix, *command])

    def set_own(self, _link: Link, *, up: bool) -> None:
        """Move a link of the agent's own box."""
        self.site.ip("link", "set", "peer1", "up" if up else "down")

    def set_polled(self, link: Link, *, up: bool) -> None:
        """Move a link of the device that nobody tells about."""
        self.device.ip("link", "set", f"v{link[1][1:]}", "up" if up else "down")

    # trials

    def round(self, links: Sequence[Link], move: Callable[..., None], spread: float, chance: random.Random) -> Trials:
        """Take links down, each at a random moment within ``spread`` seconds; note when the page says so; put them up again."""
        found = Trials()
        began = time.monotonic()
        plan = sorted((began + chance.uniform(0, spread), link) for link in links)
        cut: dict[Link, float] = {}
        while plan or cut:
            while plan and plan[0][0] <= time.monotonic():
                link = plan.pop(0)[1]
                cut[link] = time.monotonic()
                move(link, up=False)
            states = self.states()
            now = time.monotonic()
            for link, at in list(cut.items()):
                if states.get(link) == 0:
                    found.seconds.append(now - at)
                elif now - at < LOST_AFTER:
                    continue
                else:
                    found.lost += 1
                del cut[link]
            time.sleep(_LOOK)
        for link in links:
            move(link, up=True)
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: all(self.states().get(link) == 1 for link in links), LOST_AFTER, "links up again")
        return found


def measure(trials: int, tell: Callable[[str], None]) -> tuple[Result, int]:
    """Run so many trials each way; return the figures and how many trials were lost. Raises MissingError."""
    machine.require("snmpd", "snmp", "mosquitto", root=True)
    chance = random.Random(1)  # noqa: S311 - the same moments in every run
    ways: dict[str, Trials] = {}
    with tempfile.TemporaryDirectory() as folder, Stand(Path(folder)).running() as stand:
        plan: list[tuple[str, Callable[..., None], list[Link], float]] = [
            ("trap", stand.set_trapped, [("traps", "wan1")], 0.5),
            ("netlink", stand.set_own, [("box", "own1")], 0.5),
            ("fast poll", stand.set_polled, [("polled", f"w{number}") for number in range(1, WATCHED + 1)], INTERVAL),
        ]
        for way, move, links, spread in plan:
            tell(f"{way}: {trials} trials")
            total = ways[way] = Trials()
            while len(total.seconds) + total.lost < trials:
                part = links[: trials - len(total.seconds) - total.lost]
                one = stand.round(part, move, spread, chance)
                total.seconds += one.seconds
                total.lost += one.lost
        memory = resident_bytes(stand.agent.pid) / 2**20
    figures = [figure for way, one in ways.items() for figure in _figures(way, one)]
    figures.append(Figure("resident memory of agent, with traps", "MiB", [memory], max_ours=MAX_MEMORY))
    lost = sum(one.lost for one in ways.values())
    notes = [
        f"{trials} trials each way, lost {lost}",
        "fast poll: every 2 s; the daemon reads its interfaces anew every second (nsCacheTimeout; its default of 3 s adds up to 2 s)",
    ]
    return Result("links", machine.describe("snmpd", "mosquitto"), figures, notes), lost


def _figures(way: str, one: Trials) -> list[Figure]:
    if not one.seconds:
        return [Figure(f"link down to /metrics by {way}", "s")]
    limit = MAX_POLLED if way == "fast poll" else MAX_TOLD
    return [
        Figure(f"link down to /metrics by {way}: p50", "s", [statistics.median(one.seconds)]),
        Figure(f"link down to /metrics by {way}: p99", "s", [one.quantile(0.99)], max_ours=limit),
        Figure(f"link down to /metrics by {way}: longest", "s", [max(one.seconds)]),
    ]
