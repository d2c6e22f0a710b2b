"""Links (:class:`support.thin_link.ThinLink`) for programs that run beside a test which does not use asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Final

from support.thin_link import ThinLink

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bits a second that nobody here reaches.
_WIDE: Final = 1e10


class Ways:
    """So many links to one port, each of which can fall silent. ``ports``: where each is entered."""

    def __init__(self, target: int, count: int) -> None:
        """Remember; the block opens them."""
        self._links = [ThinLink(target, _WIDE) for _ in range(count)]
        self._loop = asyncio.new_event_loop()
        self.ports: list[int] = []

    @contextlib.contextmanager
    def open(self) -> Iterator[Ways]:
        """Carry for the time of a block, in a thread."""
        ready, ending = threading.Event(), asyncio.Event()

        async def carry() -> None:
            async with contextlib.AsyncExitStack() as stack:
                for link in self._links:
                    await stack.enter_async_context(link)
                    self.ports.append(link.port)
                ready.set()
                await ending.wait()

        thread = threading.Thread(target=self._loop.run_until_complete, args=(carry(),), name="ways")
        thread.start()
        try:
            if not ready.wait(10):
                raise TimeoutError(thread.name)
            yield self
        finally:
            self._loop.call_soon_threadsafe(ending.set)
            thread.join()
            self._loop.close()

    def silence(self, number: int) -> None:
        """Let a link carry nothing, and close nothing."""
        self._loop.call_soon_threadsafe(self._links[number].silence)

    def restore(self, number: int) -> None:
        """Let it carry again."""
        self._loop.call_soon_threadsafe(self._links[number].restore)
