"""A recording served as a device over UDP: GET, GETNEXT and GETBULK of version 2c.

``python -m support.recorded_device PORT FILE`` is a device in a process of its own, so that its memory is not the agent's.
Files of millions of objects are served a second or two after the start; snmpsim builds its index for minutes.
"""

from __future__ import annotations

import socket
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from support import snmp_message as snmp
from tslcd_agent.snmp.recording import open_recording, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tslcd_agent.snmp.recording import RecordedSession

#: An answer ends before it gets larger than this (octets).
MAX_ANSWER: Final = 1400
_NO_OBJECT: Final = snmp.tlv(snmp.NO_SUCH_OBJECT, b"")
_END: Final = snmp.tlv(snmp.END_OF_MIB_VIEW, b"")
_OCTETS: Final = frozenset({snmp.OCTETS, snmp.OPAQUE})
#: A recording may lack what a device must answer, and what every question of the agent has in it.
_UP_TIME: Final = "1.3.6.1.2.1.1.3.0"


def encoded(tag: bytes, raw: bytes) -> bytes | None:
    """Encode a recorded value; None for one that cannot be understood."""
    value = value_of(tag, raw)
    if value is None:
        return None
    kind = int(tag.partition(b":")[0].removesuffix(b"x"))
    if kind in _OCTETS and isinstance(value, bytes):
        return snmp.tlv(kind, value)
    if kind == snmp.OID:
        return snmp.oid(str(value))
    if kind == snmp.IP_ADDRESS:
        return snmp.tlv(kind, bytes(map(int, str(value).split("."))))
    return snmp.number(int(value), kind)


def objects(session: RecordedSession, first: str) -> Iterator[tuple[str, bytes]]:
    """Yield names and encoded values from ``first`` on."""
    for name, tag, raw in session.lines(first):
        value = encoded(tag, raw)
        if value is not None:
            yield name, value


def get(session: RecordedSession, name: str) -> bytes:
    """Return one encoded value."""
    for found, value in objects(session, name):
        if found == name:
            return value
        break
    return snmp.number(360_000, snmp.TIME_TICKS) if name == _UP_TIME else _NO_OBJECT


def following(session: RecordedSession, name: str, most: int) -> Iterator[tuple[str, bytes]]:
    """Yield the next ``most`` objects after ``name``, as the device gave them."""
    found = (one for one in objects(session, name) if one[0] != name)
    last = name
    for last, value in islice(found, most):
        yield last, value
    yield last, _END


def answer(session: RecordedSession, question: snmp.Message) -> bytes:
    """Return the whole answer to a question."""
    bindings: list[bytes] = []
    if question.kind == snmp.GET:
        bindings = [snmp.binding(snmp.oid(name), get(session, name)) for name in question.names]
    else:
        most = question.index if question.kind == snmp.GET_BULK else 1
        size = 0
        for name in question.names:
            for found, value in islice(following(session, name, most), most):
                one = snmp.binding(snmp.oid(found), value)
                size += len(one)
                if bindings and size > MAX_ANSWER:
                    break
                bindings.append(one)
    body = snmp.pdu(snmp.RESPONSE, question.request_id, bindings)
    return snmp.message(question.version, question.community, body)


def serve(port: int, file: Path) -> None:
    """Answer for ever."""
    with open_recording(file) as session, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", port))
        while True:
            packet, asker = door.recvfrom(65_535)
            door.sendto(answer(session, snmp.decode(packet)), asker)


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]))
