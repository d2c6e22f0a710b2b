"""What changes on the wall, to every browser that looks at it: server-sent events (WHATWG HTML, 9.2).

``change`` the rows that changed; ``all`` every row, to whom we cannot say what changed since; ``beat`` every few seconds, so that a
browser knows that it is not looking at the past.

Invariants:

* Who has seen event N, by a page or by an event, gets exactly what came after N, or all of it.
* Nobody waits for a listener: each has a queue of at most WAITING events, and who is further behind is let go; its browser comes
  back by itself with the number of its last event. At most MAX_LISTENERS are served.
* An event is encoded once, however many listen.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import Receive, Scope, Send

    from tslcd_collector.web.screen import Row

#: Events that wait for one listener: some minutes of a busy network.
WAITING: Final = 64
MAX_LISTENERS: Final = 500
#: Bounds of what is remembered for those who come back: events, and bytes of them.
REMEMBERED: Final = 500
REMEMBERED_BYTES: Final = 2**20
#: Seconds between two beats; and how long changes are gathered, so that a mass outage is a few events.
BEAT: Final = 3.0
GATHER: Final = 0.05
#: A listener whose connection takes nothing for so long is gone; seconds.
PATIENCE: Final = 20.0
#: ``no-transform`` and ``X-Accel-Buffering`` keep proxies from gathering events into pages (nginx, and those that follow it).
HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}
_encode = msgspec.json.Encoder().encode


class Listener:
    """One browser's queue."""

    def __init__(self) -> None:
        """Start with nothing waiting."""
        self._frames: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self.open = True

    def put(self, frame: bytes) -> None:
        """Add an event; a listener that is too far behind is closed instead, and what waits for it forgotten."""
        if len(self._frames) >= WAITING:
            self.close()
            self._frames.clear()
        elif self.open:
            self._frames.append(frame)
            self._wake.set()

    def close(self) -> None:
        """End after what is waiting."""
        self.open = False
        self._wake.set()

    async def next(self) -> bytes | None:
        """Wait for what is new, all of it at once; None at the end."""
        while not self._frames and self.open:
            self._wake.clear()
            await self._wake.wait()
        frames = b"".join(self._frames)
        self._frames.clear()
        return frames or None


class Feed:
    """Rows as they change, numbered from the start of this program."""

    def __init__(self) -> None:
        """Start with nothing known; numbers of another run are never ours."""
        self._run = secrets.token_hex(4)
        self._number = 0
        self._rows: dict[str, Row] = {}
        self._past: deque[tuple[int, bytes]] = deque()
        self._past_bytes = 0
        self._listeners: set[Listener] = set()
        self._wake = asyncio.Event()
        self.dropped = 0
        #: Called when a listener was let go.
        self.let_go: Callable[[], None] = lambda: None

    @property
    def last(self) -> str:
        """Id of the newest event."""
        return f"{self._run}-{self._number}"

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return len(self._listeners)

    def wake(self) -> None:
        """Something may have changed: look now."""
        self._wake.set()

    def publish(self, rows: Mapping[str, Row]) -> None:
        """Tell everybody which of ``rows`` differ from the last ones. Channels that are gone are told by the beat's ``plan``."""
        if rows.keys() != self._rows.keys():
            self._forget()  # another inventory
        changed = [row for channel, row in rows.items() if self._rows.get(channel) != row]
        gone = self._rows.keys() - rows.keys()
        self._rows = dict(rows)
        if not changed and not gone:
            return
        self._number += 1
        frame = _frame("change", {"rows": changed}, self.last)
        self._past.append((self._number, frame))
        self._past_bytes += len(frame)
        while len(self._past) > REMEMBERED or self._past_bytes > REMEMBERED_BYTES:
            self._past_bytes -= len(self._past.popleft()[1])
        self._tell(frame)

    def beat(self, state: Mapping[str, Any]) -> None:
        """Tell everybody that we live, and what the age of data is."""
        if self._listeners:
            self._tell(_frame("beat", state))

    def join(self, seen: str, state: Mapping[str, Any]) -> Listener | None:
        """Add a listener that has seen event ``seen`` (empty: none); None when there are too many."""
        if len(self._listeners) >= MAX_LISTENERS:
            return None
        listener = Listener()
        for frame in self._since(seen):
            listener.put(frame)
        listener.put(_frame("beat", state))
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Remove a listener; safe to call again."""
        listener.close()
        self._listeners.discard(listener)

    def close(self) -> None:
        """Let everybody go; their browsers come back when we do."""
        for listener in tuple(self._listeners):
            self.leave(listener)

    async def running(self, rows: Callable[[], Mapping[str, Row]], state: Callable[[], Mapping[str, Any]]) -> None:
        """Publish what changed as soon as somebody says so, and beat, for ever."""
        loop = asyncio.get_running_loop()
        due = loop.time() + BEAT
        try:
            while True:
                try:
                    async with asyncio.timeout_at(due):
                        await self._wake.wait()
                        await asyncio.sleep(GATHER)
                except TimeoutError:
                    pass
                self._wake.clear()
                if self._listeners:
                    self.publish(rows())
                if loop.time() >= due:
                    due = loop.time() + BEAT
                    self.beat(state())
        finally:
            self.close()

    def _since(self, seen: str) -> list[bytes]:
        run, _, number = seen.rpartition("-")
        if run == self._run and number.isascii() and number.isdigit() and len(number) < len("1" * 19):
            after = int(number)
            known = after == self._number or (self._past and self._past[0][0] <= after + 1)
            missed = [frame for at, frame in self._past if at > after]
            if known and after <= self._number and len(missed) < WAITING - 1:
                return missed
        return [_frame("all", {"rows": list(self._rows.values())}, self.last)]

    def _forget(self) -> None:
        self._past.clear()
        self._past_bytes = 0

    def _tell(self, frame: bytes) -> None:
        for listener in tuple(self._listeners):
            listener.put(frame)
            if not listener.open:
                self._listeners.discard(listener)
                self.dropped += 1
                self.let_go()


class EventStream(Response):
    """An answer that goes on until one of both sides has enough."""

    def __init__(self, feed: Feed, listener: Listener) -> None:
        """Stream what ``listener`` gets."""
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._feed = feed
        self._listener = listener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the browser is gone, too slow, or the feed ends."""
        del scope
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(self._until_gone(receive), name="listener")
                # where a browser comes back: at once, but not all of them in one moment
                frame: bytes | None = f"retry: {1000 + secrets.randbelow(2000)}\n\n".encode()
                while frame is not None:
                    async with asyncio.timeout(PATIENCE):
                        await send({"type": "http.response.body", "body": frame, "more_body": True})
                    frame = await self._listener.next()
                watching.cancel()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except* (TimeoutError, OSError):
            pass  # it takes nothing: the server closes the connection
        finally:
            self._feed.leave(self._listener)

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._feed.leave(self._listener)


def _frame(event: str, document: object, number: str = "") -> bytes:
    head = f"id: {number}\n" if number else ""
    return f"{head}event: {event}\ndata: ".encode() + _encode(document) + b"\n\n"
