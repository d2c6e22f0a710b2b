"""Names to addresses, off the event loop, bounded in time and in threads; none is given that nothing may be sent to.

The event loop's own resolver uses its executor, whose threads are waited for when the program ends: a dead DNS server would
hold back SIGTERM for half a minute. Here a lookup is a daemon thread, and there is at most one under way for each name.

Invariants:

* A probe sends only to what :meth:`Resolver.find` returned, and to that address, not to the name once more.
* An address of ``forbidden`` is never returned, in whatever spelling or name it came, nor as the IPv4 address within an
  IPv6 one; nor is one that stands for many hosts (multicast, broadcast) or for none.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Final

from tslcd_agent.config import normal_address
from tslcd_agent.config.untouchable import permitted
from tslcd_agent.probes.contract import ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tslcd_agent.probes.contract import Findings

#: The longest wait for a name, in seconds.
RESOLVE_WITHIN: Final = 5.0


class Resolver:
    """Looks names up with the system's resolver (getaddrinfo(3)), whose order of addresses is kept."""

    def __init__(self, forbidden: Iterable[str] = ()) -> None:
        """``forbidden``: addresses in their normal form (:func:`~tslcd_agent.config.normal_address`)."""
        self._forbidden = frozenset(forbidden)
        self._under_way: dict[tuple[str, socket.AddressFamily], asyncio.Future[str | None]] = {}

    async def find(self, name: str, source: str | None, findings: Findings) -> str:
        """Return the address to send to for ``name``, and note it. Raises ProbeError: unresolved, denied."""
        try:
            address: str | None = normal_address(name)
        except ValueError:
            with findings.measure("resolve"):
                address = await self.address(name, source, RESOLVE_WITHIN)
        if address is None:
            raise ProbeError("unresolved", "the name has no address")
        if not self.permitted(address):
            raise ProbeError("denied", "nothing may be sent to that address")
        findings.address = address
        return address

    def permitted(self, address: str) -> bool:
        """Whether anything may be sent to an address in its normal form."""
        return permitted(address, self._forbidden)

    async def address(self, name: str, source: str | None, wait: float) -> str | None:
        """Return an address of ``name`` in its normal form, of the family of ``source`` where that is given.

        An address is its own. None when there is none, or not within ``wait`` seconds.
        """
        with contextlib.suppress(ValueError):
            return normal_address(name)
        family = socket.AF_UNSPEC if source is None else socket.AF_INET6 if ":" in source else socket.AF_INET
        answer = self._under_way.get((name, family))
        if answer is None:
            answer = self._look_up(name, family)
        try:
            async with asyncio.timeout(wait):
                return await asyncio.shield(answer)
        except TimeoutError:
            return None

    def _look_up(self, name: str, family: socket.AddressFamily) -> asyncio.Future[str | None]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str | None] = loop.create_future()
        self._under_way[name, family] = answer

        def told(address: str | None) -> None:
            del self._under_way[name, family]
            answer.set_result(address)

        def ask() -> None:
            address = _first_address(name, family)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
                loop.call_soon_threadsafe(told, address)

        threading.Thread(target=ask, name=f"resolve {name[:40]!r}", daemon=True).start()
        return answer


def _first_address(name: str, family: socket.AddressFamily) -> str | None:
    try:
        found = socket.getaddrinfo(name, None, family=family, type=socket.SOCK_DGRAM)
        return next((normal_address(str(one[4][0])) for one in found), None)
    except (OSError, UnicodeError, ValueError):
        return None
