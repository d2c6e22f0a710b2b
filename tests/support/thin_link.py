"""A link between a client and a server on loopback: so many bits a second, so long a way, and silent when told."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

#: Bytes that go over the link at once, as a packet of Ethernet carries.
PACKET: Final = 1460
#: What the link's ends hold of what cannot go yet, in bytes: the kernel's least, so that the queue is the client's.
_BUFFER: Final = 8192


class Way:
    """One direction. ``carried``: bytes so far; ``busy``: seconds that it was not idle."""

    def __init__(self, rate: float, delay: float) -> None:
        """Start empty; ``rate`` in bits a second, ``delay`` in seconds."""
        self._rate = rate
        self._delay = delay
        self._free_at = 0.0
        self.carried = 0
        self.busy = 0.0

    async def carry(self, size: int) -> float:
        """Wait until the link has taken so many bytes; return when they are at the other end, in the loop's time."""
        loop = asyncio.get_running_loop()
        needed = size * 8 / self._rate
        self._free_at = max(self._free_at, loop.time()) + needed
        self.carried += size
        self.busy += needed
        await asyncio.sleep(self._free_at - loop.time())
        return self._free_at + self._delay


class ThinLink:
    """Listens on ``port`` and carries connections to ``target``; all of them share ``up`` and ``down``."""

    def __init__(self, target: int, rate: float, delay: float = 0.0) -> None:
        """Remember; the block opens it."""
        self._target = target
        self.up = Way(rate, delay)
        self.down = Way(rate, delay)
        self.port = 0
        self._flows: set[asyncio.Task[None]] = set()
        self._open = asyncio.Event()
        self._open.set()

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_BUFFER)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cut everything."""
        self._server.close()
        for flow in self._flows:
            flow.cancel()
        await asyncio.gather(*self._flows, return_exceptions=True)

    def silence(self) -> None:
        """Carry nothing more, and close nothing."""
        self._open.clear()

    def restore(self) -> None:
        """Carry again."""
        self._open.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flow = asyncio.create_task(self._join(reader, writer), name="link")
        self._flows.add(flow)
        flow.add_done_callback(self._flows.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry both directions of one connection, to its end."""
        ends = [writer]
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target, limit=_BUFFER)
            ends.append(there_writer)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pour(reader, there_writer, self.up))
                group.create_task(self._pour(there_reader, writer, self.down))
        except* OSError:
            pass
        finally:
            for one in ends:
                one.close()

    async def _pour(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, way: Way) -> None:
        """Carry one direction of one connection, to its end."""
        arriving: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        async with asyncio.TaskGroup() as group:
            delivering = group.create_task(self._deliver(arriving, sink))
            while data := await source.read(PACKET):
                await self._open.wait()
                arriving.put_nowait((await way.carry(len(data)), data))
            arriving.put_nowait((0.0, b""))
            await delivering

    async def _deliver(self, arriving: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter) -> None:
        while True:
            at, data = await arriving.get()
            if not data:
                with contextlib.suppress(OSError, NotImplementedError):
                    sink.write_eof()
                return
            await asyncio.sleep(at - asyncio.get_running_loop().time())
            await self._open.wait()
            sink.write(data)
            await sink.drain()
