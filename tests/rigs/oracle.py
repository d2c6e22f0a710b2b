"""What a session may make of an answer: the judge of the fuzz rig.

A value is *right* when a datagram that the device itself sent during this question says so, read strictly: version and
community are those of the question, the PDU is a Response, its request id is one that the question used, the name is one that
was asked for, and the bytes of the value are what its type may have. A device that says so with such a message means it, and
who wants to forge that can: this is what SNMP without cryptography gives. Everything else that a session accepts is *wrong*:
another request's answer, another object, another sender, and a number that the bytes do not say.

The judge reads the bytes with a decoder of its own (:mod:`support.snmp_message`), which knows nothing of the session's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from support import snmp_message as snmp

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from rigs.mutations import Datagram

#: Bits of the types that are never negative (RFC 2578 section 7.1); leading zeros are forgiven.
_BITS: Final = {snmp.COUNTER32: 32, snmp.GAUGE32: 32, snmp.TIME_TICKS: 32, snmp.UINTEGER32: 32, snmp.COUNTER64: 64}
#: An INTEGER may be written in more octets than it needs, and some devices have 64 bits of them.
_INTEGERS: Final = range(-(2**63), 2**63)
_MAX_ARC: Final = 2**32
_PARTS: Final = snmp.OCTETS | 0x20
_DEEPEST: Final = 50


@dataclass(slots=True)
class Sent:
    """Everything that was sent while one question was open, and the questions as they came."""

    questions: list[snmp.Message] = field(default_factory=list)
    datagrams: list[Datagram] = field(default_factory=list)

    def allowed(self) -> dict[str, list[snmp.Plain]]:
        """Return what the device's own words allow, by name."""
        ids = {one.request_id for one in self.questions}
        found: dict[str, list[snmp.Plain]] = {}
        for datagram in self.datagrams:
            if datagram.sender != "self":
                continue
            try:
                message = snmp.decode(datagram.data)
            except snmp.MalformedError:
                continue
            asked = self.questions[0]
            said = (message.version, message.community, message.kind) == (asked.version, asked.community, snmp.RESPONSE)
            if not said or message.request_id not in ids:
                continue
            for cell in message.cells:
                if (values := readings(cell)) is not None and in_range(cell.name):
                    found.setdefault(cell.name, []).extend(values)
        return found


def in_range(name: str) -> bool:
    """Whether every sub-identifier is one (RFC 2578 section 7.1.3)."""
    return all(arc < _MAX_ARC for arc in snmp.numbers_of(name))


def _joined(content: bytes, depth: int = 0) -> bytes | None:
    """Read a string in parts (ITU-T X.690 section 8.7.3), which SNMP forbids and BER does not; None where it is none."""
    parts, at = b"", 0
    while at < len(content) and depth < _DEEPEST:
        try:
            tag, begin, end = snmp.element(content, at, len(content))
        except snmp.MalformedError:
            return None
        part = (
            _joined(content[begin:end], depth + 1)
            if tag == _PARTS
            else content[begin:end]
            if tag == snmp.OCTETS
            else None
        )
        if part is None:
            return None
        parts, at = parts + part, end
    return parts


def readings(cell: snmp.Cell) -> list[snmp.Plain] | None:
    """Return what a value may be read as; None where its bytes are no value of its type."""
    if cell.tag == _PARTS:
        joined = _joined(cell.content)
        return None if joined is None else [joined]
    try:
        value = cell.plain
    except snmp.MalformedError:
        return None
    if cell.tag in _BITS and isinstance(value, int) and value >> _BITS[cell.tag]:
        return None
    if cell.tag == snmp.INTEGER and value not in _INTEGERS:
        return None
    return [value]


def wrong(
    answer: Mapping[str, object], asked: Collection[str] | None, sent: Sent, table: Mapping[str, snmp.Plain]
) -> list[str]:
    """Return what is wrong with an accepted answer, by full names; empty when nothing is.

    ``asked``: names that may be in it, None when everything may (a walk's own names are judged by its caller). ``table``: the
    honest values.
    """
    if all(table.get(name, _absent) == value for name, value in answer.items()) and (
        asked is None or all(name in asked for name in answer)
    ):
        return []
    allowed = sent.allowed()
    found = []
    for name, value in answer.items():
        if asked is not None and name not in asked:
            found.append(f"{name} was not asked for")
        elif not any(
            type(one) is type(value) and one == value for one in (*allowed.get(name, []), table.get(name, _absent))
        ):
            found.append(f"{name} = {value!r}, and the device said {allowed.get(name, 'nothing of it')}")
    return found


_absent: Final = object()
