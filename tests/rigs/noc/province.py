"""A province whose troubles are made up: sites that report what a scenario says, through a real broker, in divided time.

One connection publishes for all agents, so a site is a few dictionaries. Every site reports once a beat, as an agent does every
30 seconds, and a link that changes is told at once. Beside the sites with troubles there is a crowd of channels that are always well:
what is wrong with a few sites is then no mass outage.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import yaml

from support import inventories
from tslcd_agent.courier.pace import Window
from tslcd_collector.inventory.classes import ChannelClass
from tslcd_runtime.mqtt import BrokerError, Connection, Endpoint
from tslcd_wire import codec
from tslcd_wire.ranges import RangeSet
from tslcd_wire.report import Event, Report, Status, Tables
from tslcd_wire.topics import Lane, Topic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tslcd_wire.report import Ack

PROVINCE: Final = "86"
#: Seconds between two reports of an agent, as shipped.
BEAT: Final = 30.0
#: Sites of the crowd, and channels of each.
CROWD: Final = 120
CROWD_CHANNELS: Final = 8
#: An acknowledgement of history is waited for so long, in seconds.
_LOST: Final = 60.0
_STREAM: Final = "0198f3c2"
_BOOT: Final = "7c1e"
_ECHOES: Final = 5
_USUAL: Final = {
    "agency": "ubnd",
    "operator": "VNPT",
    "access_level": "II",
    "contracted": "200Mbps",
    "connected_since": "2025-07-01",
    "legal_document": "01/2025",
}
#: Thresholds of a class that are times between events, and not times that packets take.
_TIMES: Final = ("stale_after", "flap_window")


@dataclass
class Line:
    """One channel at its site: what its interface and its gateway's probe tell. ``spoilt``: packets lost of five."""

    interface: str
    probe: str
    oper_up: bool = True
    admin_up: bool = True
    spoilt: int = 0
    rtt: float = 0.003
    jitter: float = 0.0004


@dataclass
class Site:
    """One site: an agent, its firewall, its channels. ``behind``: the site whose channel carries those of this one.

    ``silent``: nothing is reported; ``extra``: tables of the firewall besides; ``agent_table``: what the agent says of itself.
    ``window``, ``unconfirmed``: of history, as an agent sends it.
    """

    number: int
    channels: int = 1
    behind: int | None = None
    grouped: bool = False
    in_service: bool = True
    planned: bool = False
    snmp_state: str = "ok"
    silent: bool = False
    extra: Tables = field(default_factory=dict)
    agent_table: dict[str, list[Any]] = field(default_factory=dict)
    seq: int = 0
    window: Window = field(default_factory=Window)
    unconfirmed: set[int] = field(default_factory=set)
    lines: list[Line] = field(init=False)

    def __post_init__(self) -> None:
        """Make the lines."""
        self.lines = [Line(f"wan{number}", f"gateway{number}") for number in range(1, self.channels + 1)]

    @property
    def name(self) -> str:
        """The site's id; its agent has the same."""
        return f"86-{self.number:05}"

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield its channels as they stand in the inventory."""
        for number, line in enumerate(self.lines, 1):
            entry: dict[str, Any] = {
                **_USUAL,
                "id": f"{self.name}-c{number}",
                "site": self.name,
                "circuit": f"C-{self.number}-{number}",
                "binding": {
                    "agent": self.name, "device": "fw", "interface": line.interface, "probes": [line.probe],
                },
            }  # fmt: skip
            if self.behind is not None:
                entry["upstream"] = f"86-{self.behind:05}-c1"
            if self.grouped:
                entry["redundancy_group"] = f"{self.name}-pair"
            if not self.in_service:
                entry["in_service"] = False
            yield entry

    def reports(self, now: float) -> Iterator[Report]:
        """Yield what its agent reports at a beat: the firewall, the probes, itself."""
        device: dict[str, list[Any]] = {
            "key": [""],
            "snmp_up": [int(self.snmp_state == "ok")],
            "snmp_state": [self.snmp_state],
        }
        tables: Tables = {"device": device}
        if self.snmp_state == "ok":
            tables["interface"] = {
                "key": [line.interface for line in self.lines],
                "oper_up": [int(line.oper_up) for line in self.lines],
                "admin_up": [int(line.admin_up) for line in self.lines],
            }
            for kind, table in self.extra.items():
                tables[kind] = {**device, **table} if kind == "device" else table
        yield self.report(now, "fw", tables)
        yield self.report(now, "", {"probe": _probes(self.lines), "agent": {"key": [""], **self.agent_table}})

    def report(self, now: float, device: str, tables: Tables, events: tuple[Event, ...] = (), **changes: Any) -> Report:
        """Return the next report."""
        self.seq += 1
        fields = {"seq": self.seq, "at": now, "mono": now - 1_700_000_000.0, **changes}
        return Report(
            agent=self.name, stream=_STREAM, boot=_BOOT, device=device, tables=tables, events=list(events), **fields
        )

    def heard(self, ack: Ack) -> None:
        """Take a collector's acknowledgement."""
        has = RangeSet(ack.have)
        if ack.upto:
            has.add(1, ack.upto)
        self.window.heard(has, time.monotonic())
        self.unconfirmed = {seq for seq in self.unconfirmed if seq not in has}


def _probes(lines: Iterable[Line]) -> dict[str, list[Any]]:
    rows = [
        (
            line.probe,
            int(line.spoilt < _ECHOES),
            float(_ECHOES),
            float(_ECHOES - line.spoilt),
            line.spoilt / _ECHOES,
            line.rtt if line.spoilt < _ECHOES else None,
            line.jitter if line.spoilt < _ECHOES else None,
        )
        for line in lines
    ]
    names = ("key", "up", "packets_sent", "packets_received", "loss_ratio", "rtt_seconds", "jitter_seconds")
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


class Crowd(Site):
    """The many that are well, on one agent: their channels are seen by probes only. ``cut``: sites whose probes are lost."""

    def __init__(self) -> None:
        """Make them."""
        super().__init__(99_999, channels=CROWD * CROWD_CHANNELS)
        self.cut: set[int] = set()

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield their channels."""
        for number, line in enumerate(self.lines):
            site = f"86-9{number // CROWD_CHANNELS:04}"
            yield {
                **_USUAL, "id": f"{site}-c{number % CROWD_CHANNELS}", "site": site, "circuit": f"Q-{number}",
                "binding": {"agent": self.name, "probes": [line.probe]},
            }  # fmt: skip

    def reports(self, now: float) -> Iterator[Report]:
        """Yield one report with all probes."""
        for number, line in enumerate(self.lines):
            line.spoilt = _ECHOES if number // CROWD_CHANNELS in self.cut else 0
        yield self.report(now, "", {"probe": _probes(self.lines), "agent": {"key": [""]}})


class Province:
    """All sites, and the connection that speaks for their agents. ``factor``: what times are divided by."""

    def __init__(self, sites: list[Site], factor: float, port: int) -> None:
        """Remember."""
        self.sites = sites
        self.crowd = Crowd()
        self.factor = factor
        self._port = port
        self._connection: Connection | None = None
        self._room = asyncio.Semaphore(64)

    @property
    def everyone(self) -> list[Site]:
        """Return the sites and the crowd."""
        return [*self.sites, self.crowd]

    def inventory(self, folder: Path) -> Path:
        """Write the inventory of it all."""
        crowd = sorted({entry["site"] for entry in self.crowd.entries()})
        classes = {"id": "standard"}
        usual = ChannelClass(id="standard")
        classes |= {key: f"{getattr(usual, key) * 1000 / self.factor:.0f}ms" for key in _TIMES}
        files = {
            "sites": [{"id": name, "unit": "29551", "name": "Trụ sở"} for name in (*(one.name for one in self.sites), *crowd)],
            "devices": [{"id": "fw", "site": one.name, "agent": one.name, "role": "firewall"} for one in self.sites],
            "channels": [entry for one in self.everyone for entry in one.entries()],
            "classes": [classes],
        }  # fmt: skip
        planned = [one.name for one in self.sites if one.planned]
        if planned:
            window = {"id": "planned", "title": "Bảo trì", "kind": "maintenance", "sites": planned}
            files["maintenance"] = [{**window, "from": "2025-01-01 00:00", "until": "2099-01-01 00:00"}]
        keys = {"maintenance": "windows"}
        return inventories.write(
            folder,
            {
                f"{name}.yaml": yaml.safe_dump({keys.get(name, name): rows}, allow_unicode=True)
                for name, rows in files.items()
            },
        )

    @contextlib.asynccontextmanager
    async def alive(self) -> Any:
        """Let every site report at every beat for the time of a block."""
        async with asyncio.TaskGroup() as group:
            speaking = group.create_task(self._speak(), name="speaking")
            await self.settled()
            beating = [
                group.create_task(self._beat(site, number / len(self.everyone)), name=f"beat {site.name}")
                for number, site in enumerate(self.everyone)
            ]
            try:
                yield self
            finally:
                for task in (*beating, speaking):
                    task.cancel()

    async def settled(self) -> None:
        """Wait for a connection."""
        while self._connection is None:  # noqa: ASYNC110 - it may be lost again at any time
            await asyncio.sleep(0.02)

    async def wait(self, shipped: float) -> None:
        """Let so many seconds pass, divided."""
        await asyncio.sleep(shipped / self.factor)

    async def tell(self, site: Site, *, beat: bool = False) -> None:
        """Report at once: a link that changed, or (``beat``) everything."""
        now = time.time()
        if beat:
            for report in site.reports(now):
                await self.send(site, Lane.LIVE, codec.encode(report))
            return
        events = tuple(
            Event(kind="link", key=line.interface, up=line.oper_up, at=now, source="trap") for line in site.lines
        )
        await self.send(site, Lane.LIVE, codec.encode(site.report(now, "fw", {}, events)))

    async def status(self, site: Site, *, online: bool, reason: str = "") -> None:
        """Publish a status; offline without a ``reason`` it is the last will."""
        fields: dict[str, Any] = {"stream": _STREAM, "oldest": 1, "newest": site.seq} if online else {}
        if reason:
            fields["start_reason"] = reason
        status = Status(agent=site.name, online=online, at=time.time() if online else 0.0, **fields)
        await self.send(site, Lane.STATUS, codec.encode(status), retain=True)

    async def remember(self, site: Site, ago: float, reports: int) -> None:
        """Send history, one report a minute from ``ago`` seconds ago on: the link was down for five minutes in every twenty.

        It goes as fast as the collector's acknowledgements let an agent go.
        """
        begin = time.time() - ago
        site.window = Window()
        for minute in range(reports):
            at, up = begin + minute * 60, minute % 20 >= 5
            table: dict[str, list[Any]] = {"key": ["wan1"], "oper_up": [int(up)], "admin_up": [1]}
            events = (Event(kind="link", key="wan1", up=up, at=at, source="trap"),) if minute % 20 in {0, 5} else ()
            report = site.report(at, "fw", {"interface": table}, events, mono=at - 1_700_000_000.0)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOST):
                    while len(site.unconfirmed) >= site.window.size:  # noqa: ASYNC110 - acknowledgements come at any time
                        await asyncio.sleep(0.05)
            site.unconfirmed.add(report.seq)
            await self.send(site, Lane.HISTORY, codec.encode(report))
            site.window.answered(report.seq, time.monotonic())

    async def send(self, site: Site, lane: Lane, payload: bytes, *, retain: bool = False) -> None:
        """Publish for a site's agent; while there is no broker it waits, as an agent does."""
        async with self._room:
            while True:
                await self.settled()
                with contextlib.suppress(BrokerError, AssertionError):
                    assert self._connection is not None
                    await self._connection.publish(str(Topic(PROVINCE, site.name, lane)), payload, retain=retain, qos=1)
                    return
                self._connection = None

    async def _speak(self) -> None:
        """Be connected, again and again."""
        while True:
            with contextlib.suppress(BrokerError):
                async with Connection(Endpoint(port=self._port), f"province-{time.monotonic_ns()}", timeout=2) as one:
                    self._connection = one
                    await one.subscribe([str(Topic(PROVINCE, site.name, Lane.ACK)) for site in self.sites])
                    listening = asyncio.create_task(self._listen(one), name="listening")
                    try:
                        for site in self.everyone:
                            if not site.silent:
                                await one.publish(*_greeting(site), retain=True, qos=1)
                        while self._connection is one:  # noqa: ASYNC110 - whoever cannot publish takes it away
                            await asyncio.sleep(0.05)
                    finally:
                        listening.cancel()
            self._connection = None
            await asyncio.sleep(0.1)

    async def _listen(self, connection: Connection) -> None:
        """Take acknowledgements until the connection is lost."""
        waiting = {str(Topic(PROVINCE, site.name, Lane.ACK)): site for site in self.sites}
        with contextlib.suppress(BrokerError):
            async for delivery in connection.deliveries():
                connection.acknowledge(delivery)
                if waiting[delivery.topic].unconfirmed:
                    waiting[delivery.topic].heard(codec.decode_ack(delivery.payload))

    async def _beat(self, site: Site, phase: float) -> None:
        period = BEAT / self.factor
        await asyncio.sleep(phase * period)
        while True:
            if not site.silent:
                await self.tell(site, beat=True)
            await asyncio.sleep(period)


def _greeting(site: Site) -> tuple[str, bytes]:
    status = Status(agent=site.name, online=True, at=time.time(), stream=_STREAM, oldest=1, newest=site.seq)
    return str(Topic(PROVINCE, site.name, Lane.STATUS)), codec.encode(status)
