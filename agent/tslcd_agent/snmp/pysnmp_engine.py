"""The second engine: pysnmp, in Python, where gufo-snmp has no wheel or cannot (context names). It costs 30 times the CPU.

pysnmp makes messages and reads them (:mod:`~tslcd_agent.snmp.pysnmp_community`, :mod:`~tslcd_agent.snmp.pysnmp_user`), while
sockets, deadlines and attempts are ours: its own transport knows no deadlines below half a second, keeps a task for ever, and
answers strangers. What it knows of a peer's clock it counts on by itself (RFC 3414 section 2.3).
"""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyasn1.type import univ  # type: ignore[import-untyped]
from pysnmp.proto import rfc1902

from tslcd_agent.snmp.asking import Answer, Link, LinkSession, ReportedError, UndecodableError
from tslcd_agent.snmp.datagram import DatagramError, check
from tslcd_agent.snmp.pysnmp_community import CommunityMachine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tslcd_agent.config import PolledDevice, Snmp
    from tslcd_agent.snmp.pysnmp_user import UserMachine
    from tslcd_agent.snmp.session import Traffic, Value

#: noSuchName of RFC 1157; of any other failure version 1 and 2c give nothing, too.
_NO_SUCH_NAME: Final = 2
#: The credentials are right, and the device shows them nothing, at this security level (RFC 3413 section 3.2).
_AUTHORIZATION_ERROR: Final = 16
#: What discovery and resynchronisation may cost: unknown engine, then not in its time window, then perhaps once more.
_MOST_REPORTS: Final = 4


class PysnmpSession(LinkSession):
    """One device over pysnmp."""

    def __init__(self, device: PolledDevice, *, clock: Callable[[], float] = time.monotonic) -> None:
        """See LinkSession. The engine outlives links, for making one is dear, unless a report says that it is wrong."""
        self._machine: CommunityMachine | UserMachine | None = None
        super().__init__(device, lambda _, __: self.link(), clock=clock)

    def link(self) -> PysnmpLink:
        """Open a socket of its own to the device. Raises OSError when the system refuses the address."""
        return PysnmpLink(self._device, self.traffic, self)

    async def machine(self) -> CommunityMachine | UserMachine:
        """Return the engine."""
        if self._machine is None:
            self._machine = await asyncio.to_thread(_machine, self._device.snmp)
        return self._machine

    async def next_objects(self, last: str, repetitions: int) -> list[tuple[str, Any]]:
        """Return the objects after ``last`` with pysnmp's own values, which have a type; nothing at the end. Raises SnmpError."""

        async def ask(link: Link) -> list[tuple[str, Any]]:
            return await link.next_objects(last, repetitions) if isinstance(link, PysnmpLink) else []

        return await self._ask(ask)

    def spoil(self) -> None:
        """Use another engine from the next question on."""
        self._machine = None


class PysnmpLink(Link):
    """One socket. Making it raises OSError when the system refuses the address."""

    def __init__(self, device: PolledDevice, traffic: Traffic, session: PysnmpSession) -> None:
        """Open the socket; nothing is sent."""
        self._timeout = device.timeout
        self._traffic = traffic
        self._session = session
        self._bulk = device.snmp.version != "1"
        self._secure = device.snmp.version == "3"
        self._socket = socket.socket(socket.AF_INET6 if ":" in device.address else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(0)
        try:
            self._socket.connect((device.address, device.port))
        except OSError:
            self._socket.close()
            raise

    async def open(self) -> None:
        """Nothing comes first: the engine discovers with the first question."""

    async def refresh(self) -> None:
        """Nothing is to be refreshed: the engine counts the peer's time on (RFC 3414 section 2.3)."""

    async def get(self, oids: Sequence[str]) -> Answer:
        """Ask one GET."""
        _, failed, bindings = await self._ask("GetRequestPDU", oids)
        cells = ((oid, _value(value)) for oid, value in bindings)
        return Answer({oid: value for oid, value in cells if value is not None}, failed)

    def cursor(self, column: str, repetitions: int) -> _Cursor:
        """Return the place before the first row."""
        return _Cursor(column, column, repetitions)

    async def page(self, cursor: _Cursor) -> Sequence[tuple[str, Value]]:
        """Return the next rows."""
        if cursor.ended:
            return ()
        rows: list[tuple[str, Value]] = []
        for oid, typed in await self.next_objects(cursor.last, cursor.repetitions):
            value = _value(typed)
            if value is None or not oid.startswith(f"{cursor.column}."):
                cursor.ended = True
                break
            rows.append((oid, value))
        if rows:
            cursor.last = rows[-1][0]
        return rows

    async def next_objects(self, last: str, repetitions: int) -> list[tuple[str, Any]]:
        """Return the objects after ``last``, at most ``repetitions``, with pysnmp's own values; nothing after an error-status."""
        kind = "GetBulkRequestPDU" if self._bulk else "GetNextRequestPDU"
        status, _, bindings = await self._ask(kind, [last], repetitions=repetitions if self._bulk else 0)
        return bindings if status == 0 else []

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    async def _ask(
        self, kind: str, oids: Sequence[str], *, repetitions: int = 0
    ) -> tuple[int, int, list[tuple[str, Any]]]:
        """Ask one PDU, with the discovery that it needs; return error-status, error-index and the answer's bindings."""
        machine = await self._session.machine()
        for attempt in range(_MOST_REPORTS):
            try:
                response = await self._exchange(machine, _pdu(machine.pdus, kind, oids, repetitions))
            except TimeoutError:
                if machine.known:
                    self._session.spoil()  # a device with another engine now, or an older time, is not understood
                raise
            except ReportedError as error:
                if error.report not in {"engine", "window"} or attempt == _MOST_REPORTS - 1:
                    self._session.spoil()
                    raise
                continue
            break
        interface = machine.pdus.apiPDU
        status = int(interface.get_error_status(response))
        index = int(interface.get_error_index(response, muteErrors=True))
        if status == _AUTHORIZATION_ERROR and self._secure:
            raise ReportedError("access")
        if status:
            return status, index if status == _NO_SUCH_NAME else 0, []
        return 0, 0, [(str(oid), value) for oid, value in interface.get_varbinds(response)]

    async def _exchange(self, machine: CommunityMachine | UserMachine, pdu: Any) -> Any:
        """Send one message and wait for what answers it."""
        loop = asyncio.get_running_loop()
        try:
            sent = machine.send(pdu)
            self._traffic.requests += 1
            async with asyncio.timeout(self._timeout):
                await loop.sock_sendall(self._socket, sent)
                while not machine.answered:
                    datagram = await loop.sock_recv(self._socket, 65535)
                    check(datagram)
                    machine.receive(datagram)
        except DatagramError as error:
            raise UndecodableError(str(error)) from None
        except TimeoutError:
            self._traffic.timeouts += 1
            raise
        finally:
            machine.end()
        self._traffic.answers += 1
        machine.known = True
        return machine.response()


@dataclass(slots=True)
class _Cursor:
    column: str
    last: str
    repetitions: int
    ended: bool = False


def _machine(snmp: Snmp) -> CommunityMachine | UserMachine:
    """Make what makes messages. Blocks for version 3, whose engine is imported for it alone."""
    if snmp.version != "3":
        return CommunityMachine(snmp)
    from tslcd_agent.snmp.pysnmp_user import UserMachine  # noqa: PLC0415 - costs 20 MB

    return UserMachine(snmp)


def _pdu(pdus: Any, kind: str, oids: Sequence[str], repetitions: int) -> Any:
    """Make a PDU, with a request-id of its own."""
    pdu = getattr(pdus, kind)()
    interface = pdus.apiBulkPDU if repetitions else pdus.apiPDU
    interface.set_defaults(pdu)
    if repetitions:
        interface.set_non_repeaters(pdu, 0)
        interface.set_max_repetitions(pdu, repetitions)
    interface.set_varbinds(pdu, [(oid, pdus.null) for oid in oids])
    return pdu


def _value(value: Any) -> Value:
    """Return a value as every engine gives it; None for what does not exist, and for NULL."""
    if isinstance(value, univ.Null):  # noSuchObject, noSuchInstance and endOfMibView among them
        return None
    if isinstance(value, univ.Integer):
        return int(value)
    if isinstance(value, univ.OctetString):
        return ".".join(map(str, bytes(value))) if value.tagSet == rfc1902.IpAddress.tagSet else bytes(value)
    return str(value) if isinstance(value, univ.ObjectIdentifier) else None
