"""A collector that keeps in memory what it gets and acknowledges it the way the contract says, or not, as told."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import zstandard

from tslcd_runtime.mqtt import BrokerError, Connection, Endpoint
from tslcd_wire import codec
from tslcd_wire.ranges import RangeSet
from tslcd_wire.report import Ack, Report, Status
from tslcd_wire.topics import Lane, Topic, parse, subscription

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


def decompress(frame: bytes, bound: int) -> bytes:
    """Decompress a history report."""
    return zstandard.ZstdDecompressor().decompress(frame, max_output_size=bound)


@dataclass
class Heard:
    """One report as it arrived."""

    lane: Lane
    report: Report
    compressed: bool


@dataclass
class FakeCollector:
    """Reads one agent. ``answering``: acknowledge every report and status at once; else only :meth:`acknowledge` does."""

    port: int
    province: str = "86"
    agent: str = "a-1"
    name: str = "c1"
    answering: bool = True
    protocol: str = "5"
    heard: list[Heard] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    marks: dict[str, RangeSet] = field(default_factory=dict)
    base: dict[str, int] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        """Connect, subscribe, listen."""
        endpoint = Endpoint(port=self.port, protocol="5" if self.protocol == "5" else "3.1.1")
        self._connection = await Connection(endpoint, f"fake-{self.name}").__aenter__()
        await self._connection.subscribe(
            [subscription(lane, self.province, self.agent) for lane in (Lane.LIVE, Lane.HISTORY, Lane.STATUS)]
        )
        self._task = asyncio.create_task(self._listen(), name=f"collector {self.name}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError, BrokerError):
            await self._task
        await self._connection.__aexit__(None, None, None)

    async def _listen(self) -> None:
        async for delivery in self._connection.deliveries():
            lane = parse(delivery.topic).lane
            if lane is Lane.STATUS:
                status = codec.decode_status(delivery.payload)
                self.statuses.append(status)
                if status.stream is not None:
                    self.base[status.stream] = status.oldest or 1
                stream = status.stream
            else:
                report = codec.decode_report(delivery.payload, decompress).report
                self.heard.append(Heard(lane, report, delivery.payload.startswith(codec.ZSTD_MAGIC)))
                stream = report.stream
                if self.answering:
                    self.marks.setdefault(stream, RangeSet()).add(report.seq)
            self._connection.acknowledge(delivery)
            if self.answering and stream is not None:
                await self.acknowledge(stream)

    async def acknowledge(self, stream: str) -> None:
        """Say what is stored of a stream, and what is missing."""
        stored = self.marks.setdefault(stream, RangeSet())
        known = RangeSet(stored)
        if self.base.get(stream, 1) > 1:
            known.add(1, self.base[stream] - 1)
        for status in self.statuses:
            for first, last in status.lost if status.stream == stream else []:
                known.add(first, last)
        ranges = list(known)
        upto = ranges[0][1] if ranges and ranges[0][0] == 1 else 0
        have = [one for one in ranges if one[0] > upto]
        top = ranges[-1][1] if ranges else 0
        await self.say(
            Ack(collector=self.name, stream=stream, upto=upto, have=have[:256], missing=list(known.gaps(1, top))[:256])
        )

    async def say(self, ack: Ack) -> None:
        """Publish an acknowledgement of any kind."""
        await self._connection.publish(str(Topic(self.province, self.agent, Lane.ACK)), codec.encode(ack))

    def seqs(self, lane: Lane | None = None) -> list[int]:
        """Return the numbers as they arrived, repeats included."""
        return [one.report.seq for one in self.heard if lane is None or one.lane is lane]


async def until(condition: Callable[[], object], within: float = 15.0) -> None:
    """Wait in the loop until ``condition()`` is true. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.02)
