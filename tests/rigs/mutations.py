"""What a device, or somebody in its place, can do to an answer of SNMP version 1 or 2c.

A mutation takes the honest answer apart and returns datagrams to send instead of it. There are two families: those of bytes,
which know nothing of SNMP, and those of fields, which are well encoded and wrong.

Invariant: what must not be believed (a foreign request id, a foreign sender, an object that nobody asked for) carries
:data:`POISON`, a value that the device's table never has, so that believing it is seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

from support import snmp_message as snmp
from support.snmp_responder import absent, encoded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from support.snmp_responder import Pair

#: No table of a device has this number.
POISON: Final = 0x66666666
SELF, OTHER_PORT, OTHER_ADDRESS = "self", "other port", "other address"


@dataclass(slots=True)
class Datagram:
    """Bytes, and who sends them."""

    data: bytes
    sender: str = SELF


@dataclass(slots=True)
class Exchange:
    """A question and its honest answer. ``earlier``: questions of before, which may be answered too late."""

    question: snmp.Message
    honest: list[Pair]
    earlier: Sequence[Exchange] = ()
    answer: bytes = field(init=False)

    def __post_init__(self) -> None:
        """Encode the honest answer: in version 1 an absent object fails all of them (RFC 1157 section 4.1.2)."""
        place = absent(self.honest) if self.question.version == snmp.V1 else 0
        if place:
            nothing = [snmp.binding(snmp.oid(name), snmp.tlv(snmp.NULL, b"")) for name in self.question.names]
            self.answer = self.built(nothing, status=2, index=place)
        else:
            self.answer = self.built()

    def built(
        self,
        bindings: Sequence[bytes] | None = None,
        *,
        version: int | None = None,
        community: bytes | None = None,
        kind: int = snmp.RESPONSE,
        request_id: int | None = None,
        status: int = 0,
        index: int = 0,
    ) -> bytes:
        """Encode an answer with some of its fields changed."""
        asked = self.question
        listed = encoded(self.honest) if bindings is None else bindings
        body = snmp.pdu(
            kind, asked.request_id if request_id is None else request_id, listed, status=status, index=index
        )
        return snmp.message(
            asked.version if version is None else version, asked.community if community is None else community, body
        )

    def poisoned(self) -> list[bytes]:
        """Return the bindings of the answer with :data:`POISON` for values."""
        return encoded([(name, snmp.number(POISON, snmp.COUNTER64)) for name, _ in self.honest])


def _one(data: bytes) -> list[Datagram]:
    return [Datagram(data)]


# --- bytes ------------------------------------------------------------------------------------------------------------


def truncated(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Cut anywhere."""
    return _one(exchange.answer[: draw.randrange(len(exchange.answer))])


def flipped(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Flip one to eight bits."""
    data = bytearray(exchange.answer)
    for _ in range(draw.choice((1, 1, 1, 2, 4, 8))):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return _one(bytes(data))


def replaced(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Put other bytes into some places: those that mean something more often than others."""
    data = bytearray(exchange.answer)
    for _ in range(draw.randrange(1, 5)):
        data[draw.randrange(len(data))] = draw.choice(
            (0, 0x80, 0xFF, 0x7F, 0x84, 0x30, 0x02, 0x06, draw.randrange(256))
        )
    return _one(bytes(data))


def inserted(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Insert bytes, or leave some out: every length after that lies."""
    data = exchange.answer
    at, size = draw.randrange(len(data)), draw.randrange(1, 9)
    if draw.random() < 0.5:
        return _one(data[:at] + draw.randbytes(size) + data[at:])
    return _one(data[:at] + data[at + size :])


def noise(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Random bytes, with the right beginning half of the time."""
    begin = exchange.answer[: draw.randrange(40)] if draw.random() < 0.5 else b""
    return _one(begin + draw.randbytes(draw.choice((0, 1, 2, 8, 60, 484, 1472))))


def trailing(draw: Random, exchange: Exchange) -> list[Datagram]:
    """More after the message."""
    return _one(exchange.answer + draw.randbytes(draw.randrange(1, 40)))


_LIES: Final = (b"\x80", b"\xff", b"\x84\xff\xff\xff\xff", b"\x84\x80\x00\x00\x00", b"\x84\x7f\xff\xff\xff", b"\x88" + b"\xff" * 8,
                b"\x00", b"\x7f", b"\x82\xff\xff", b"\x81\x00", b"\x83\x00\x00\x05", b"\xfe")  # fmt: skip


def lengths(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Let a length lie: indefinite, reserved, huge, negative as a signed number, longer than needed, zero."""
    data = exchange.answer
    places = [at for at in range(len(data) - 1) if data[at] in _TAGS]
    at = draw.choice(places)
    size, lie = data[at + 1], draw.choice((*_LIES, bytes([(data[at + 1] + draw.choice((-2, -1, 1, 2))) % 256])))
    skip = 2 + (size & 0x7F if size & 0x80 else 0)
    return _one(data[: at + 1] + lie + data[at + skip :])


_TAGS: Final = frozenset({snmp.SEQUENCE, snmp.INTEGER, snmp.OCTETS, snmp.OID, snmp.RESPONSE, snmp.COUNTER32, snmp.COUNTER64,
                          snmp.GAUGE32, snmp.TIME_TICKS})  # fmt: skip


@cache
def _deep(levels: int, tag: int) -> bytes:
    deep = b""
    for _ in range(levels):
        if len(deep) > 60_000:  # a datagram has less than 65,508 octets
            break
        deep = snmp.tlv(tag, deep)
    return deep


def nested(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Elements in elements, as deep as a datagram takes, as the message or as a value."""
    deep = _deep(draw.choice((5, 50, 50, 500, 10_000)), draw.choice((0x30, 0x24, 0xA2)))
    if draw.random() < 0.5:
        return _one(deep)
    return _one(exchange.built([snmp.binding(snmp.oid(exchange.honest[0][0]), deep)]))


# --- fields -----------------------------------------------------------------------------------------------------------


def wrong_id(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Answer a question that was not asked."""
    right = exchange.question.request_id
    foreign = draw.choice(
        (right + 1, right - 1, -right - 1, 0, right ^ 1 << draw.randrange(31), right + 2**32, right + 2**64, 2**31)
    )
    if foreign == right:
        foreign += 1
    return [Datagram(exchange.built(exchange.poisoned(), request_id=foreign))] * draw.choice((1, 1, 1, 5))


def late(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Answers to earlier questions."""
    if not exchange.earlier:
        return wrong_id(draw, exchange)
    chosen = draw.sample(exchange.earlier, min(len(exchange.earlier), draw.randrange(1, 4)))
    return [Datagram(one.built(one.poisoned())) for one in chosen]


def foreign_sender(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Give the right answer in form, from another port or another address."""
    return [Datagram(exchange.built(exchange.poisoned()), draw.choice((OTHER_PORT, OTHER_ADDRESS)))]


def wrong_community(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Another community."""
    return _one(
        exchange.built(exchange.poisoned(), community=draw.choice((b"", b"private", b"\xff" * 300, b"public\0")))
    )


def wrong_version(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Another version."""
    other = draw.choice([one for one in (0, 1, 2, 3, 4, -1, 2**31, 2**40, 257) if one != exchange.question.version])
    return _one(exchange.built(exchange.poisoned(), version=other))


def wrong_kind(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Anything but a Response."""
    kinds = (
        snmp.GET,
        snmp.GET_NEXT,
        snmp.SET,
        snmp.TRAP_V1,
        snmp.GET_BULK,
        snmp.INFORM,
        snmp.TRAP_V2,
        snmp.REPORT,
        0xA9,
        0xBF,
        0x30,
    )
    return _one(exchange.built(exchange.poisoned(), kind=draw.choice(kinds)))


def errors(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Give an error-status of any kind with any index, with the question's names and no values, as a device would."""
    status = draw.choice((1, 2, 3, 4, 5, 6, 13, 16, 18, 19, 99, -1, 2**31 - 1, 2**40))
    index = draw.choice((0, 1, len(exchange.honest), len(exchange.honest) + 1, -1, 2**31 - 1, 2**33))
    nothing = [snmp.binding(snmp.oid(name), snmp.tlv(snmp.NULL, b"")) for name in exchange.question.names]
    return _one(exchange.built(draw.choice((nothing, [])), status=status, index=index))


def duplicated(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Every binding twice or more, or one very often."""
    listed = encoded(exchange.honest)
    return _one(
        exchange.built(
            listed * draw.randrange(2, 4) if draw.random() < 0.7 else listed[:1] * draw.choice((2, 100, 1000))
        )
    )


def fewer(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Bindings are missing, all of them at times."""
    listed = encoded(exchange.honest)
    return _one(exchange.built(draw.sample(listed, draw.randrange(len(listed) + 1))))


def more(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Objects that nobody asked for, among the right ones or instead of them."""
    names = draw.choice(
        (["1.3.6.1.4.1.99999.7.0"], ["1.3.6.1.2.1.1.9.1.2.1", "1.3.6.1.2.1.2.2.1.10.777"], ["0.0"], ["2.999.1"])
    )
    foreign = encoded([(name, snmp.number(POISON, snmp.COUNTER64)) for name in names])
    listed = encoded(exchange.honest) if draw.random() < 0.6 else []
    for one in foreign * draw.choice((1, 1, 20)):
        listed.insert(draw.randrange(len(listed) + 1), one)
    return _one(exchange.built(listed))


def exceptions(draw: Random, exchange: Exchange) -> list[Datagram]:
    """NoSuchObject, noSuchInstance, endOfMibView in odd places, and with content, which they cannot have."""
    pairs = list(exchange.honest)
    for _ in range(draw.randrange(1, 4)):
        at = draw.randrange(len(pairs))
        value = snmp.tlv(draw.choice(sorted(snmp.EXCEPTIONS)), draw.choice((b"", b"", b"\x05", b"\0" * 9)))
        pairs[at] = (pairs[at][0], value)
    return _one(exchange.built(encoded(pairs)))


def unordered(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Names that do not increase: the question's own, backwards, shuffled, the same again."""
    pairs = list(exchange.honest)
    match draw.randrange(4):
        case 0:
            pairs = [(exchange.question.names[0], pairs[0][1])] * draw.choice((1, 3))
        case 1:
            pairs.reverse()
        case 2:
            draw.shuffle(pairs)
        case _:
            pairs = [pairs[-1]] * len(pairs)
    return _one(exchange.built(encoded(pairs)))


def _name(draw: Random, name: str) -> bytes:
    """Return content of an object identifier that no device should send, made of a right one."""
    numbers = list(snmp.numbers_of(name))
    match draw.randrange(8):
        case 0:
            numbers[draw.randrange(2, len(numbers))] += draw.choice((2**32, 2**33, 2**63, 2**64, 2**200))
        case 1:
            numbers += [draw.choice((1, 2**32 - 1))] * draw.choice((1, 120, 250, 2000))
        case 2:
            return snmp.arcs(numbers)[: draw.randrange(3)]
        case 3:
            return snmp.arcs(numbers) + b"\xff" * draw.choice((1, 5, 300))
        case 4:
            return snmp.arcs(numbers) + b"\x80" * draw.choice((1, 300)) + b"\x01"
        case 5:
            return draw.choice((b"\xff" * 9 + b"\x7f", b"\x80", b"\x2b", b"\x78\x01", b"\x88\x37\x01"))
        case 6:
            content = snmp.arcs(numbers)
            return content[:-1] + b"\x80" + content[-1:]
        case _:
            numbers[-1] = draw.choice((0, 2**31, 2**32 - 1, 2**32))
    return snmp.arcs(numbers)


def names(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Object identifiers too long, empty, unfinished, with sub-identifiers beyond 32 bits; their values are poison."""
    listed = encoded(exchange.honest) if draw.random() < 0.5 else []
    for _ in range(draw.randrange(1, 3)):
        name = snmp.tlv(snmp.OID, _name(draw, draw.choice(exchange.honest)[0]))
        listed.insert(draw.randrange(len(listed) + 1), snmp.binding(name, snmp.number(POISON, snmp.COUNTER64)))
    return _one(exchange.built(listed))


def any_value(draw: Random) -> bytes:
    """Return an element of any type, with content of any size that its type may or may not have."""
    tag = draw.choice(
        (
            0x02,
            0x41,
            0x42,
            0x43,
            0x46,
            0x47,
            0x04,
            0x04,
            0x05,
            0x06,
            0x40,
            0x44,
            0x45,
            0x01,
            0x09,
            0x03,
            0x0A,
            0x30,
            0x80,
            0x1F,
            0x9F,
        )
    )
    match tag:
        case 0x04:
            content = draw.choice(
                (b"", b"42", b"-1", b"1e309", b"nan", b"\0" * 65, b"\xff\xfe", "Hòa".encode(), draw.randbytes(300))
            )
        case 0x44:
            content = draw.choice(
                (b"\x9f\x78\x04\x7f\xc0\x00\x00", b"\x9f\x79\x08" + b"\xff" * 8, b"\x9f", b"", draw.randbytes(12))
            )
        case 0x06:
            content = snmp.arcs((1, 3, 6, 1, 4, 1, draw.choice((9, 2**32 - 1, 2**32, 2**70)), 1))
        case _:
            size = draw.choice((0, 1, 1, 2, 4, 4, 5, 8, 8, 9, 9, 10, 12, 16, 40))
            content = draw.choice((b"\xff", b"\x80", b"\x00", b"\x7f", b"\x01", bytes([draw.randrange(256)])))[:size]
            content += draw.randbytes(size - len(content))
    return snmp.tlv(tag, content)


def types(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Right names with values of any type: strings and negative numbers for counters, Opaque, numbers of forty octets."""
    pairs = [(name, any_value(draw) if draw.random() < 0.5 else value) for name, value in exchange.honest]
    return _one(exchange.built(encoded(pairs)))


def repeated(draw: Random, exchange: Exchange) -> list[Datagram]:
    """Give the honest answer several times: the later ones come when nobody waits for them."""
    return [Datagram(exchange.answer)] * draw.randrange(2, 4)


MUTATIONS: Final = (
    truncated, flipped, flipped, replaced, inserted, noise, trailing, lengths, lengths, nested, wrong_id, late, foreign_sender,
    wrong_community, wrong_version, wrong_kind, errors, duplicated, fewer, more, exceptions, unordered, names, types, types, repeated,
)  # fmt: skip
