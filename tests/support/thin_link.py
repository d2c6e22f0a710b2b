"""A link between a client and a server on loopback: so many bits a second, so long a way, and silent when told."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

#: Bytes that go over the link at once, as a packet of Ethernet carries.
PACKET: Final = 1460
#: What the link's ends hold of what cannot go yet, in bytes: the kernel's least, so that the queue is the client's.
_BUFFER: Final = 8192


class Way:
    """One direction. ``carried``: bytes so far; ``busy``: seconds that it was not idle.

    While ``open`` is not set nothing goes on; while ``discarding``, what is sent is gone.
    """

    def __init__(self, rate: float, delay: float) -> None:
        """Start empty; ``rate`` in bits a second, ``delay`` in seconds, both of which may be changed."""
        self.rate = rate
        self.delay = delay
        self.open = asyncio.Event()
        self.open.set()
        self.discarding = False
        self._free_at = 0.0
        self.carried = 0
        self.busy = 0.0

    async def carry(self, size: int) -> float:
        """Wait until the link has taken so many bytes; return when they are at the other end, in the loop's time."""
        loop = asyncio.get_running_loop()
        needed = size * 8 / self.rate
        self._free_at = max(self._free_at, loop.time()) + needed
        self.carried += size
        self.busy += needed
        await asyncio.sleep(self._free_at - loop.time())
        return self._free_at + self.delay


@dataclass(eq=False)
class _Flow:
    """One connection through the link: towards the client, towards the server, and whether anything of it is carried."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    going: asyncio.Event = field(default_factory=asyncio.Event)


class ThinLink:
    """Listens on ``port`` and carries connections to ``target``; all of them share ``up`` and ``down``.

    ``packet``: the most bytes that go on at once.
    """

    def __init__(self, target: int, rate: float, delay: float = 0.0, packet: int = PACKET) -> None:
        """Remember; the block opens it."""
        self._target = target
        self._packet = packet
        self.up = Way(rate, delay)
        self.down = Way(rate, delay)
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows: set[_Flow] = set()

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
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def silence(self) -> None:
        """Carry nothing more, and close nothing."""
        self.up.open.clear()
        self.down.open.clear()

    def restore(self) -> None:
        """Carry again, in both directions."""
        self.up.open.set()
        self.down.open.set()
        self.down.discarding = False

    def reset(self) -> None:
        """Reset every connection, at both ends (RST)."""
        for flow in self._flows:
            for end in (flow.near, flow.far):
                raw = end.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.transport.abort()

    def forget(self) -> None:
        """Carry nothing of the connections that exist, for ever, and close nothing: half-open at both ends."""
        for flow in self._flows:
            flow.going.clear()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._join(reader, writer), name="link")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry both directions of one connection, to its end."""
        ends, flow = [writer], None
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target, limit=_BUFFER)
            ends.append(there_writer)
            flow = _Flow(writer, there_writer)
            flow.going.set()
            self._flows.add(flow)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pour(flow, reader, there_writer, self.up))
                group.create_task(self._pour(flow, there_reader, writer, self.down))
        except* OSError:
            pass
        finally:
            if flow is not None:
                self._flows.discard(flow)
            for one in ends:
                one.close()

    async def _pour(self, flow: _Flow, source: asyncio.StreamReader, sink: asyncio.StreamWriter, way: Way) -> None:
        """Carry one direction of one connection, to its end."""
        arriving: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        async with asyncio.TaskGroup() as group:
            delivering = group.create_task(self._deliver(flow, arriving, sink, way))
            while data := await source.read(self._packet):
                await way.open.wait()
                await flow.going.wait()
                if not way.discarding:
                    arriving.put_nowait((await way.carry(len(data)), data))
            arriving.put_nowait((0.0, b""))
            await delivering

    async def _deliver(
        self, flow: _Flow, arriving: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter, way: Way
    ) -> None:
        while True:
            at, data = await arriving.get()
            if data:
                await asyncio.sleep(at - asyncio.get_running_loop().time())
            await way.open.wait()
            await flow.going.wait()
            if not data:
                with contextlib.suppress(OSError, NotImplementedError):
                    sink.write_eof()
                return
            sink.write(data)
            await sink.drain()
