"""SNMP messages as bytes: an encoder for devices of our own, and a decoder that judges what a session made of an answer.

Written from the texts and independent of every library that the agent uses: BER (ITU-T X.690), SNMP messages and PDUs
(RFC 1157, RFC 1901, RFC 3416), values (RFC 2578 section 7.1). A test compares the decoder with pysnmp's.

Invariants:

* Decoding reads what is written and nothing beside it: an element ends inside the one that holds it, or the message is
  malformed. Lengths and integers may be longer than needed, as BER allows; what follows the message or the variable
  bindings is ignored.
* Nothing here is made for speed alone, but a message is decoded in some 30 microseconds: a rig decodes hundreds of thousands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

INTEGER, OCTETS, NULL, OID, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
IP_ADDRESS, COUNTER32, GAUGE32, TIME_TICKS, OPAQUE, COUNTER64, UINTEGER32 = 0x40, 0x41, 0x42, 0x43, 0x44, 0x46, 0x47
NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_MIB_VIEW = 0x80, 0x81, 0x82
GET, GET_NEXT, RESPONSE, SET, TRAP_V1, GET_BULK, INFORM, TRAP_V2, REPORT = (
    0xA0,
    0xA1,
    0xA2,
    0xA3,
    0xA4,
    0xA5,
    0xA6,
    0xA7,
    0xA8,
)
V1, V2C, V3 = 0, 1, 3
EXCEPTIONS: Final = frozenset({NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_MIB_VIEW})

#: A value as a session hands it over.
Plain: TypeAlias = "int | str | bytes | None"
_MAX_LENGTH_OCTETS: Final = 4
_LONG: Final = 0x80


class MalformedError(Exception):
    """Bytes that are not what they should be; the message says where."""


def tlv(tag: int, content: bytes) -> bytes:
    """Encode one element with the shortest length."""
    size = len(content)
    if size < _LONG:
        return b"%c%c%b" % (tag, size, content)
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG | len(octets))) + octets + content


def number(value: int, tag: int = INTEGER) -> bytes:
    """Encode any of the numeric types: two's complement, as short as can be."""
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def octets(value: bytes) -> bytes:
    """Encode an OCTET STRING."""
    return tlv(OCTETS, value)


def arcs(values: Sequence[int]) -> bytes:
    """Encode the content of an OBJECT IDENTIFIER; sub-identifiers may be larger than any MIB allows."""
    content = bytearray()
    for value in (values[0] * 40 + values[1], *values[2:]):
        septets = bytearray((value & 0x7F,))
        rest = value >> 7
        while rest:
            septets.insert(0, rest & 0x7F | _LONG)
            rest >>= 7
        content += septets
    return bytes(content)


def numbers_of(oid: str) -> tuple[int, ...]:
    """Return the sub-identifiers of a dotted object identifier."""
    return tuple(map(int, oid.split(".")))


@lru_cache(maxsize=8192)
def oid(text: str) -> bytes:
    """Encode an OBJECT IDENTIFIER."""
    return tlv(OID, arcs(numbers_of(text)))


def binding(name: bytes, value: bytes) -> bytes:
    """Encode a variable binding of an encoded name and an encoded value."""
    return tlv(SEQUENCE, name + value)


def pdu(kind: int, request_id: int, bindings: Iterable[bytes], *, status: int = 0, index: int = 0) -> bytes:
    """Encode a PDU; ``status`` and ``index`` are non-repeaters and max-repetitions in a GETBULK."""
    listed = tlv(SEQUENCE, b"".join(bindings))
    return tlv(kind, number(request_id) + number(status) + number(index) + listed)


def message(version: int, community: bytes, body: bytes) -> bytes:
    """Encode a message of version 1 or 2c."""
    return tlv(SEQUENCE, number(version) + octets(community) + body)


@dataclass(slots=True)
class Cell:
    """A variable binding as it was sent: its name, the tag of its value and the content."""

    name: str
    tag: int
    content: bytes

    @property
    def plain(self) -> Plain:
        """The value as a session hands it over. Raises MalformedError for content that its type cannot have."""
        return plain(self.tag, self.content)


@dataclass(slots=True)
class Message:
    """A message of version 1 or 2c, or the scoped part of version 3."""

    version: int
    community: bytes
    kind: int
    request_id: int
    status: int
    index: int
    cells: list[Cell] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """What it asks for."""
        return [cell.name for cell in self.cells]


def element(data: bytes, start: int, end: int) -> tuple[int, int, int]:
    """Read the head of the element at ``start``: its tag, and where its content begins and ends. Raises MalformedError."""
    if end - start < 2:
        raise MalformedError(f"no element at {start}")
    tag, size, begin = data[start], data[start + 1], start + 2
    if size >= _LONG:
        count = size & 0x7F
        if not 1 <= count <= _MAX_LENGTH_OCTETS or begin + count > end:
            raise MalformedError(f"length at {start + 1}")
        size = int.from_bytes(data[begin : begin + count], "big")
        begin += count
    if begin + size > end:
        raise MalformedError(f"element at {start} ends behind the one that holds it")
    return tag, begin, begin + size


def expect(data: bytes, start: int, end: int, tag: int) -> tuple[int, int]:
    """Read the head of an element that must have ``tag``. Raises MalformedError."""
    found, begin, stop = element(data, start, end)
    if found != tag:
        raise MalformedError(f"tag {found:#x} at {start}, not {tag:#x}")
    return begin, stop


def signed(content: bytes) -> int:
    """Read an INTEGER. Raises MalformedError when it is empty."""
    if not content:
        raise MalformedError("an integer of no octets")
    return int.from_bytes(content, "big", signed=True)


def dotted(content: bytes) -> str:
    """Read an OBJECT IDENTIFIER. Raises MalformedError when it is empty or ends inside a sub-identifier."""
    if not content or content[-1] & _LONG:
        raise MalformedError("an object identifier that does not end")
    found: list[int] = []
    value = 0
    for octet in content:
        value = value << 7 | octet & 0x7F
        if not octet & _LONG:
            found.append(value)
            value = 0
    first = min(found[0] // 40, 2)
    return ".".join(map(str, (first, found[0] - 40 * first, *found[1:])))


def plain(tag: int, content: bytes) -> Plain:
    """Return a value as a session hands it over. Raises MalformedError."""
    match tag:
        case 0x02:
            return signed(content)
        case 0x41 | 0x42 | 0x43 | 0x46 | 0x47:
            # RFC 2578: never negative; two's complement, or without the leading zero as careless devices write it
            if not content:
                raise MalformedError("a counter of no octets")
            return int.from_bytes(content, "big")
        case 0x04 | 0x44:
            return content
        case 0x06:
            return dotted(content)
        case 0x40:
            if len(content) != 4:
                raise MalformedError("an address that has not four octets")
            return ".".join(map(str, content))
        case 0x05:
            return None
        case _:
            raise MalformedError(f"a value with tag {tag:#x}")


def read_pdu(data: bytes, start: int, end: int, version: int, community: bytes) -> Message:
    """Read a PDU and its variable bindings. Raises MalformedError."""
    kind, at, stop = element(data, start, end)
    head: list[int] = []
    for _ in range(3):
        begin, after = expect(data, at, stop, INTEGER)
        head.append(signed(data[begin:after]))
        at = after
    found = Message(version, community, kind, head[0], head[1], head[2])
    at, last = expect(data, at, stop, SEQUENCE)
    while at < last:
        begin, at = expect(data, at, last, SEQUENCE)
        name, value = expect(data, begin, at, OID)
        tag, content, after = element(data, value, at)
        found.cells.append(Cell(dotted(data[name:value]), tag, data[content:after]))
    return found


def decode(data: bytes) -> Message:
    """Read a message of version 1 or 2c. Raises MalformedError."""
    at, end = expect(data, 0, len(data), SEQUENCE)
    begin, after = expect(data, at, end, INTEGER)
    version = signed(data[begin:after])
    begin, at = expect(data, after, end, OCTETS)
    return read_pdu(data, at, end, version, data[begin:at])
