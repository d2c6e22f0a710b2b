"""How questions are asked, whatever the engine: attempts, resynchronisation, what an absent object means, how a table ends.

An engine gives a :class:`Link`, which sends one PDU and waits for its answer; :class:`LinkSession` makes an
:class:`~tslcd_agent.snmp.session.SnmpSession` of it. Both engines therefore mean the same by every word.

Invariants:

* Each PDU has its own ``timeout`` and ``retries``; a lost datagram in a long table costs one repeated question.
* Nothing that was not asked for is taken: no other objects in a GET's answer, no row outside of a walked column.
* A row that was seen ends a walk: a device whose next object is not a new one would be walked for ever.
* In version 1 one absent object fails a whole GET (noSuchName, RFC 1157 section 4.1.2). It is asked again without that
  object, or in halves where the device or the engine does not tell which it was.
* An answer from another address is told as the reason of the silence, and never taken.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, TypeVar

from tslcd_agent.errors import BrokenError, RefusedError, SilentError
from tslcd_agent.snmp import knock
from tslcd_agent.snmp.session import REPETITIONS, Traffic

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from tslcd_agent.config import PolledDevice
    from tslcd_agent.errors import SnmpError
    from tslcd_agent.snmp.session import Value

T = TypeVar("T")

#: The time window of RFC 3414 section 2.2.3 is 150 s; after so much silence the engine's time is asked for again.
REFRESH_AFTER: Final = 100.0

#: Why a device reports instead of answering (RFC 3414 section 3.2, RFC 3413 section 3.2); ``access``: the user is right and may
#: see nothing at this security level (authorizationError); ``unsaid``: the engine does not tell.
Report: TypeAlias = Literal["user", "level", "digest", "access", "privacy", "context", "window", "engine", "unsaid"]


class ReportedError(Exception):
    """The device answered with a report. Never leaves this package."""

    def __init__(self, report: Report) -> None:
        """Keep which."""
        super().__init__(report)
        self.report: Report = report


class UndecodableError(Exception):
    """Something came that is no answer. Never leaves this package."""


class Answer(NamedTuple):
    """The objects in a response. ``failed``: the place (from 1) of the object that failed it, 0 where that is not known."""

    cells: Mapping[str, Value]
    failed: int = 0


class Link(ABC):
    """One socket to one device, and what an engine knows of it.

    Methods that wait raise ReportedError, UndecodableError, TimeoutError, or OSError. Each waits ``device.timeout`` at most
    for each datagram that it sends.
    """

    @abstractmethod
    async def open(self) -> None:
        """Do what comes before the first question: engine discovery in version 3."""

    @abstractmethod
    async def refresh(self) -> None:
        """Ask for the engine's time again (version 3)."""

    @abstractmethod
    async def get(self, oids: Sequence[str]) -> Answer:
        """Ask one GET."""

    @abstractmethod
    def cursor(self, column: str, repetitions: int) -> Any:
        """Return the place before the first row of a column; it belongs to no link and outlives this one."""

    @abstractmethod
    async def page(self, cursor: Any) -> Sequence[tuple[str, Value]]:
        """Return the next rows of a cursor's column and move it; nothing, when there are none."""

    @abstractmethod
    def close(self) -> None:
        """Close the socket."""


class LinkSession:
    """An SnmpSession over the links that ``connect`` makes."""

    def __init__(
        self,
        device: PolledDevice,
        connect: Callable[[PolledDevice, Traffic], Link],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Remember; ``clock`` (seconds) decides when the engine's time is asked for again."""
        self.traffic = Traffic()
        self._device = device
        self._connect = connect
        self._clock = clock
        self._link: Link | None = None
        self._proven = False  # whether this link ever got an answer
        self._last = 0.0

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Ask for ``oids`` in one GET; in version 1 in as many as absent objects make necessary. Raises SnmpError."""
        answer = await self._ask(lambda link: link.get(oids))
        if self._device.snmp.version == "1" and not answer.cells and len(oids) > 1:
            return await self._without_the_absent(oids, answer.failed)
        cells, wanted = answer.cells, set(oids)
        return dict(cells) if cells.keys() <= wanted else {oid: cells[oid] for oid in cells.keys() & wanted}

    async def _without_the_absent(self, oids: Sequence[str], failed: int) -> dict[str, Value]:
        if 1 <= failed <= len(oids):
            return await self.get([*oids[: failed - 1], *oids[failed:]])
        half = len(oids) // 2
        return {**await self.get(oids[:half]), **await self.get(oids[half:])}

    async def walk(self, column: str, limit: int, *, repetitions: int = REPETITIONS) -> dict[str, Value]:
        """Walk one column. Raises SnmpError."""
        prefix = f"{column}."
        skip = len(prefix)
        cells: dict[str, Value] = {}
        cursor: Any = None

        async def page(link: Link) -> Sequence[tuple[str, Value]]:
            nonlocal cursor
            if cursor is None:
                cursor = link.cursor(column, repetitions)
            return await link.page(cursor)

        while len(cells) < limit:
            rows = await self._ask(page)
            if not rows:
                break
            for oid, value in rows:
                index = oid[skip:]
                if not oid.startswith(prefix) or index in cells or len(cells) >= limit:
                    return cells
                cells[index] = value
        return cells

    async def close(self) -> None:
        """Close the socket."""
        self._drop()

    async def _ask(self, question: Callable[[Link], Awaitable[T]]) -> T:
        """Ask, again as often as configured, and translate what goes wrong."""
        broken: UndecodableError | None = None
        for attempt in range(self._device.retries + 1):
            self.traffic.retries += attempt > 0
            try:
                answer = await question(await self._connected())
            except ReportedError as error:
                fresh = not self._proven
                self._drop()
                if (fresh and error.report not in {"engine", "window"}) or error.report in {"privacy", "context"}:
                    raise self._refusal(error.report) from None
                # the engine restarted, or its clock moved: begin anew
            except TimeoutError:
                if self._device.snmp.version == "3":
                    self._drop()
            except UndecodableError as error:
                broken = error
            except ConnectionRefusedError:
                self._drop()
                raise self._closed() from None
            except OSError as error:
                self._drop()
                msg = f"cannot send to {self._device.address}: {(error.strerror or str(error)).lower()}"
                raise SilentError(msg) from None
            else:
                self._proven = True
                self._last = self._clock()
                return answer
        raise await self._failure(broken)

    def _refusal(self, report: Report) -> RefusedError:
        user = self._device.snmp.user
        match report:
            case "privacy":
                return RefusedError(
                    "privacy", f"SNMPv3 cannot decrypt questions of user {user}: privacy password or protocol"
                )
            case "context":
                return RefusedError("context", f"SNMPv3 knows no context {self._device.snmp.context or ''}".rstrip())
            case _:
                return RefusedError("user", f"SNMPv3 refuses user {user}: name, password, protocol or security level")

    def _closed(self) -> RefusedError:
        return RefusedError("port", f"port {self._device.port} of {self._device.address} is closed")

    async def _failure(self, broken: UndecodableError | None) -> SnmpError:
        """Say what it was, after the last attempt."""
        device = self._device
        self._drop()
        if broken is not None:
            return BrokenError(f"answers of {device.address} port {device.port} cannot be decoded: {broken}")
        heard = await knock.knock(device.address, device.port, knock.question(device.snmp), device.timeout)
        if heard.closed:
            return self._closed()
        if heard.answered_from == device.address and device.snmp.context is not None:
            # Net-SNMP says nothing in a context that it has not
            message = (
                f"SNMPv3 leaves the questions in context {device.snmp.context} unanswered: context name, or privacy"
            )
            return RefusedError("context", message)
        if heard.answered_from == device.address and device.snmp.priv is not None:
            # its engine tells anyone that it is there, and nothing to whom it cannot decrypt
            return RefusedError(
                "privacy",
                f"SNMPv3 leaves the encrypted questions of user {device.snmp.user} unanswered: privacy password or protocol",
            )
        message = f"no SNMP answer from {device.address} port {device.port}"
        if heard.answered_from not in {None, device.address}:
            return SilentError(f"{message}: it answers from {heard.answered_from}", answered_from=heard.answered_from)
        return SilentError(message)

    async def _connected(self) -> Link:
        """Return the link, after discovery or resynchronisation where version 3 wants it."""
        link = self._link
        if link is None:
            link = self._link = self._connect(self._device, self.traffic)
            self._proven = False
            await link.open()
        elif self._device.snmp.version == "3" and self._clock() - self._last > REFRESH_AFTER:
            await link.refresh()
        return link

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close()
        self._link = None
        self._proven = False
