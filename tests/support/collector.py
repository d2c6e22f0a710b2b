"""A real collector for tests, and an agent that says what a test tells it to."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import sqlite3
import sys
import time
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from support import inventories
from support.processes import Program, free_port, running
from tslcd_runtime.mqtt import Connection, Endpoint
from tslcd_wire import codec
from tslcd_wire.report import Ack, Event, Report, Status, Tables
from tslcd_wire.topics import Lane, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PROVINCE: Final = "86"
AGENT: Final = "a1"
STREAM: Final = "0198f3c2"
#: Sample values by name and labels: ``samples["tslcd_channel_up", frozenset({("channel", "c1"), ...})]`` by :func:`pick`.
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def eventually(condition: Callable[[], object], within: float = 10.0, what: str = "condition") -> None:
    """Wait in a thread's checks, without blocking the loop, until ``condition`` is true. Raises TimeoutError."""
    last: Exception | None = None
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            if await asyncio.to_thread(condition):
                return
        except Exception as error:  # noqa: BLE001 - whatever it is, the deadline decides
            last = error
        await asyncio.sleep(0.02)
    raise TimeoutError(f"{what}: not within {within} s" + (f" ({last!r})" if last else ""))


class CollectorProgram:
    """``tslcd-collector run`` with the small inventory; it can be killed and started again on the same store."""

    def __init__(self, directory: Path, broker_port: int, *, more: str = "", changes: Any = None) -> None:
        """Write settings and inventory; ``more`` are further lines of the settings."""
        directory.mkdir(parents=True, exist_ok=True)
        inventories.write(directory / "inventory", changes)
        self.directory = directory
        self.port = free_port()
        self.settings = directory / "collector.yaml"
        self.settings.write_text(
            f"broker: {{port: {broker_port}, keepalive: 5}}\nstore: {{directory: store}}\nweb: {{port: {self.port}}}\n{more}"
        )
        command = [sys.executable, "-m", "tslcd_collector", "run", "--config", str(self.settings)]
        self.program = Program(command, directory / "collector.log")

    @contextlib.contextmanager
    def running(self) -> Iterator[Self]:
        """Run for the time of a block, from the moment it reads from the broker."""
        with running(self.program, self.reads, 20.0):
            yield self

    def reads(self) -> bool:
        """Whether it is connected to the broker; what is published earlier does not reach it."""
        return self.value("tslcd_collector_broker_connected") == 1

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        """Ask for ``path``; return status, headers (lower case) and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers=headers or {})
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        finally:
            connection.close()

    def samples(self) -> Samples:
        """Scrape and parse with prometheus_client's own parser."""
        found: Samples = {}
        for family in text_string_to_metric_families(self.get("/metrics")[2].decode()):
            for sample in family.samples:
                found[sample.name, frozenset(sample.labels.items())] = sample.value
        return found

    def value(self, metric: str, **labels: str) -> float | None:
        """Return the one sample of ``metric`` with these labels among its labels; None when there is none."""
        wanted = set(labels.items())
        values = [value for (name, pairs), value in self.samples().items() if name == metric and wanted <= pairs]
        assert len(values) < 2, f"{metric} {labels} is not one sample"
        return values[0] if values else None

    def channel(self, channel: str = "c1") -> dict[str, Any]:
        """Return a channel as the API has it."""
        channels = json.loads(self.get("/api/v1/channels")[2])["channels"]
        return next(one for one in channels if one["id"] == channel)

    def verdict(self, channel: str = "c1") -> tuple[str, str, str]:
        """Return state, reason and party of a channel."""
        one = self.channel(channel)
        return one["state"], one["reason"], one["party"]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Read the store from outside."""
        with contextlib.closing(sqlite3.connect(f"file:{self.directory}/store/collector.db?mode=ro", uri=True)) as one:
            return one.execute(query).fetchall()


def interface_table(*, up: bool = True, received: int = 1000) -> Tables:
    """Return a good round of device fw: two interfaces, wan1 up or down."""
    return {
        "device": {"key": [""], "snmp_up": [1], "snmp_state": ["ok"], "sys_name": ['fw "1"']},
        "interface": {
            "key": ["wan1", "lan"],
            "oper_up": [int(up), 1],
            "admin_up": [1, 1],
            "receive_bytes_total": [received, 5],
            "transmit_bytes_total": [received * 2, None],
            "alias": ["to the operator", None],
        },
    }


def probe_table(*, lost: int = 0, rtt: float = 0.003) -> Tables:
    """Return a round of the probe ``gateway``: five echoes."""
    return {
        "probe": {
            "key": ["gateway"],
            "up": [int(lost < 5)],
            "packets_sent": [5.0],
            "packets_received": [5.0 - lost],
            "loss_ratio": [lost / 5],
            "rtt_seconds": [rtt if lost < 5 else None],
            "jitter_seconds": [0.0004],
        }
    }


class ScriptedAgent:
    """Speaks the contract to a real broker: reports numbered by itself, what it is told to say, and the acks it hears."""

    def __init__(self, port: int, agent: str = AGENT, stream: str = STREAM) -> None:
        """Remember."""
        self.agent = agent
        self.stream = stream
        self.seq = 0
        self.acks: list[Ack] = []
        self._port = port
        self._connection: Connection | None = None
        self._listener: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Connect and listen for acknowledgements."""
        self._connection = await Connection(
            Endpoint(port=self._port), f"test-{self.agent}-{time.monotonic_ns()}"
        ).__aenter__()
        await self._connection.subscribe([str(Topic(PROVINCE, self.agent, Lane.ACK))])
        self._listener = asyncio.create_task(self._listen(self._connection))
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Say goodbye."""
        assert self._listener is not None
        assert self._connection is not None
        self._listener.cancel()
        await asyncio.gather(self._listener, return_exceptions=True)
        await self._connection.__aexit__(None, None, None)

    async def _listen(self, connection: Connection) -> None:
        async for delivery in connection.deliveries():
            connection.acknowledge(delivery)
            self.acks.append(codec.decode_ack(delivery.payload))

    async def publish(self, lane: Lane, payload: bytes, *, retain: bool = False, qos: int = 1) -> None:
        """Publish bytes on one of our own topics."""
        assert self._connection is not None
        await self._connection.publish(str(Topic(PROVINCE, self.agent, lane)), payload, retain=retain, qos=qos)

    def make(self, tables: Tables | None = None, **changes: Any) -> Report:
        """Make the next report; ``changes`` replace its fields."""
        if "seq" not in changes:
            self.seq += 1
        now = time.time()
        fields: dict[str, Any] = {
            "agent": self.agent,
            "stream": self.stream,
            "seq": self.seq,
            "at": now,
            "boot": "7c1e",
            "mono": now - 1_700_000_000,
            "device": "fw",
            "tables": interface_table() if tables is None else tables,
        }
        return Report(**{**fields, **changes})

    async def report(self, tables: Tables | None = None, lane: Lane = Lane.LIVE, **changes: Any) -> Report:
        """Send the next report."""
        report = self.make(tables, **changes)
        await self.publish(lane, codec.encode(report))
        return report

    async def probes(self, *, lost: int = 0, rtt: float = 0.003) -> Report:
        """Send a round of the probe."""
        return await self.report(probe_table(lost=lost, rtt=rtt), device="")

    async def link(self, *, up: bool, key: str = "wan1", at: float | None = None) -> Report:
        """Send a link event."""
        event = Event(kind="link", key=key, up=up, at=at or time.time(), source="trap")
        return await self.report({}, events=[event])

    async def status(self, *, online: bool = True, **changes: Any) -> None:
        """Publish our retained status."""
        fields: dict[str, Any] = {"stream": self.stream, "oldest": 1, "newest": self.seq} if online else {}
        status = Status(agent=self.agent, online=online, at=time.time() if online else 0.0, **{**fields, **changes})
        await self.publish(Lane.STATUS, codec.encode(status), retain=True)

    @property
    def upto(self) -> int:
        """The highest mark we were told."""
        return max((ack.upto for ack in self.acks if ack.stream == self.stream), default=0)


def document(report: Report, **changes: Any) -> bytes:
    """Encode a report after ``changes`` that the types would not allow."""
    return msgspec.json.encode({**msgspec.to_builtins(report), **changes})
