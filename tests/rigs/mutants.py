"""Sessions with one mistake each, which the fuzz rig must catch: a rig that finds nothing in these proves nothing.

:class:`PlainSession` reads answers with the rig's own decoder and makes every check that the protocol asks for; it passes. Each
mutant leaves out one check, as a real session could.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Final

from rigs.oracle import in_range, readings
from support import snmp_message as message
from tslcd_agent.errors import BrokenError
from tslcd_agent.snmp.session import REPETITIONS, Traffic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tslcd_agent.config import PolledDevice
    from tslcd_agent.snmp.session import Value

#: What a session may leave out, in the words that choose a mutant.
CHECKS: Final = ("request id", "names", "sender", "community", "kind", "version", "sizes", "translation", "memory")


class PlainSession:
    """A session of version 2c without retries. ``without``: one of :data:`CHECKS`, or nothing."""

    def __init__(self, device: PolledDevice, without: str = "") -> None:
        """Open a socket; only a connected one hears nobody but the device."""
        self.traffic = Traffic()
        self._without = without
        self._device = device
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(0)
        self._socket.bind(("127.0.0.1", 0))
        if without != "sender":
            self._socket.connect((device.address, device.port))
        self._id = 1000
        self._hoard: list[bytes] = []

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Ask one GET."""
        answer = await self._ask(message.GET, oids, 0)
        return {name: value for name, value in answer.items() if name in oids or self._without == "names"}

    async def walk(self, column: str, limit: int, *, repetitions: int = REPETITIONS) -> dict[str, Value]:
        """Walk a column."""
        found: dict[str, Value] = {}
        last = column
        while len(found) < limit:
            rows = await self._ask(message.GET_BULK, [last], repetitions)
            for name, value in rows.items():
                index = name[len(column) + 1 :]
                if not name.startswith(f"{column}.") or index in found:
                    return found
                found[index] = value
                last = name
            if not rows:
                break
        return found

    async def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    async def _ask(self, kind: int, names: Sequence[str], repetitions: int) -> dict[str, Value]:
        self._id += 1
        null = message.tlv(message.NULL, b"")
        asked = [message.binding(message.oid(name), null) for name in names]
        data = message.message(1, b"public", message.pdu(kind, self._id, asked, index=repetitions))
        self._socket.sendto(
            data, (self._device.address, self._device.port)
        ) if self._without == "sender" else self._socket.send(data)
        loop = asyncio.get_running_loop()
        while True:
            data = await loop.sock_recv(self._socket, 65535)
            if self._without == "memory":
                self._hoard.append(data + bytes(4000))
            try:
                answer = message.decode(data)
            except message.MalformedError as error:
                if self._without == "translation":
                    raise
                raise BrokenError(str(error)) from None
            if self._matches(answer):
                return self._values(answer)

    def _matches(self, answer: message.Message) -> bool:
        return all(
            right or self._without == check
            for check, right in (
                ("request id", answer.request_id == self._id),
                ("community", answer.community == b"public"),
                ("kind", answer.kind == message.RESPONSE),
                ("version", answer.version == message.V2C),
            )
        )

    def _values(self, answer: message.Message) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for cell in answer.cells:
            if cell.tag in message.EXCEPTIONS or cell.tag == message.NULL:
                continue
            if self._without == "sizes" and cell.tag in {message.COUNTER64, message.COUNTER32}:
                found[cell.name] = int.from_bytes(cell.content[-4:], "big")
            elif (values := readings(cell)) and in_range(cell.name):
                found[cell.name] = values[0]
        return found
