"""Answers that the engine would read as something that they do not say are refused; everything lawful passes."""

from __future__ import annotations

import pytest

from support import snmp_message as snmp
from tslcd_agent.snmp import datagram

UP_TIME = "1.3.6.1.2.1.1.3.0"
IN_OCTETS = "1.3.6.1.2.1.31.1.1.1.6"


def answer(*bindings: bytes, community: bytes = b"public", version: int = 1) -> bytes:
    """Encode an answer."""
    return snmp.message(version, community, snmp.pdu(snmp.RESPONSE, 4711, bindings))


def cell(value: bytes, name: str = UP_TIME) -> bytes:
    """Encode an answer of one cell."""
    return answer(snmp.binding(snmp.oid(name), value))


LAWFUL = {
    "nothing": answer(),
    "counters": answer(
        *(snmp.binding(snmp.oid(f"{IN_OCTETS}.{row}"), snmp.number(2**row, snmp.COUNTER64)) for row in range(1, 64))
    ),
    "large indexes": answer(*(snmp.binding(snmp.oid(f"{IN_OCTETS}.{2**row}"), snmp.number(row)) for row in range(32))),
    "the largest numbers": answer(
        *(snmp.binding(snmp.oid(UP_TIME), snmp.number(2**32 - 1, tag)) for tag in (0x41, 0x42, 0x43)),
        snmp.binding(snmp.oid(UP_TIME), snmp.number(2**64 - 1, snmp.COUNTER64)),
    ),
    "numbers without the zero before them": answer(
        snmp.binding(snmp.oid(UP_TIME), snmp.tlv(snmp.COUNTER64, b"\xff" * 8)),
        snmp.binding(snmp.oid(UP_TIME), snmp.tlv(snmp.COUNTER32, b"\xff" * 4)),
    ),
    "texts": cell(snmp.octets("xã Hòa Bình, đường ABC".encode())),
    "identifiers as values": cell(snmp.oid("1.3.6.1.4.1.12356.101.1.641")),
    "no such things": answer(*(snmp.binding(snmp.oid(UP_TIME), snmp.tlv(tag, b"")) for tag in (0x80, 0x81, 0x82))),
    "an address, Opaque, NULL": answer(
        snmp.binding(snmp.oid(UP_TIME), snmp.tlv(snmp.IP_ADDRESS, bytes((192, 0, 2, 1)))),
        snmp.binding(snmp.oid(UP_TIME), snmp.tlv(snmp.OPAQUE, bytes.fromhex("9f780441200000"))),
        snmp.binding(snmp.oid(UP_TIME), snmp.tlv(snmp.NULL, b"")),
    ),
    "a long community": answer(snmp.binding(snmp.oid(UP_TIME), snmp.number(1)), community=b"c" * 200),
    "version 1": answer(snmp.binding(snmp.oid(UP_TIME), snmp.number(1)), version=0),
    "an engine's report": bytes.fromhex(
        "303a020103300f02024b54020300ffe30401040201030410300e0400020100020100040004000400301204000400a00c02024b540201000201003000"
    ),
}


@pytest.mark.parametrize("data", LAWFUL.values(), ids=LAWFUL.keys())
def test_what_a_device_may_say_passes(data: bytes) -> None:
    """Nothing lawful is refused, whichever way it is looked at: by pattern or element by element."""
    datagram.check(data)
    if data[4] != 3:
        datagram._walk(data, 0, len(data), 0)


HARMFUL = {
    "a length at the very end": (bytes.fromhex("3082ed"), "no SNMP message"),
    "nothing": (b"", "no SNMP message"),
    "version 257, whose last octet is ours": (
        bytes.fromhex("30440202010104067075626c6963") + bytes(54),
        "no SNMP message",
    ),
    "a request id of nine octets": (
        snmp.message(1, b"public", snmp.pdu(snmp.RESPONSE, 2**64 + 4711, [])),
        "no response",
    ),
    "a counter of twelve octets": (
        cell(snmp.tlv(snmp.COUNTER64, b"\x01" * 12)),
        "a number of no octets, or one that is larger than its type",
    ),
    "a gauge of eight octets": (
        cell(snmp.tlv(snmp.GAUGE32, b"\x01" * 8)),
        "a number of no octets, or one that is larger than its type",
    ),
    "a counter of no octets": (
        cell(snmp.tlv(snmp.COUNTER64, b"")),
        "a number of no octets, or one that is larger than its type",
    ),
    "an integer of eight octets": (cell(snmp.number(-(2**60))), "an integer of no octets, or of more than five"),
    "a sub-identifier of 33 bits": (
        cell(snmp.number(1), "1.3.6.1.2.1.1.3.4294967296"),
        "an object identifier without begin or end, or with a sub-identifier of more than 32 bits",
    ),
    "an identifier that does not end": (
        answer(snmp.binding(snmp.tlv(snmp.OID, b"\x2b\x06\x01\xff"), snmp.number(1))),
        "an object identifier without begin or end, or with a sub-identifier of more than 32 bits",
    ),
    "an identifier with a long beginning": (
        cell(snmp.oid("2.999.1")),
        "an object identifier without begin or end, or with a sub-identifier of more than 32 bits",
    ),
    "an identifier that begins with 3.7": (
        answer(snmp.binding(snmp.oid(UP_TIME), snmp.tlv(snmp.OID, b"\x7f"))),
        "an object identifier without begin or end, or with a sub-identifier of more than 32 bits",
    ),
    "an identifier of nothing": (
        answer(snmp.binding(snmp.tlv(snmp.OID, b""), snmp.number(1))),
        "an object identifier without begin or end, or with a sub-identifier of more than 32 bits",
    ),
    "a binding of nothing": (answer(b"\x30\x00"), "a variable binding of nothing"),
    "a bit string": (cell(snmp.tlv(0x03, b"\x01\x02")), "an element of type 0x03"),
    "a value behind its binding": (
        answer(b"\x30\x0c" + snmp.oid(UP_TIME) + snmp.octets(b"long")),
        "an element that ends behind the one that holds it",
    ),
    "an indefinite length": (cell(b"\x04\x80ab\0\0"), "a length that cannot be"),
    "half an element": (answer(snmp.oid(UP_TIME) + b"\x04"), "an element without a length"),
    "deep elements": (answer(snmp.tlv(0x30, snmp.tlv(0x30, snmp.tlv(0x30, snmp.tlv(0x30, snmp.tlv(0x30, snmp.tlv(0x30, b"\5\0"))))))), "elements in elements, too deep"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "why"), HARMFUL.values(), ids=HARMFUL.keys())
def test_what_would_be_read_wrongly_is_refused_and_said(data: bytes, why: str) -> None:
    """One test for each kind of damage that a device was seen to do."""
    with pytest.raises(datagram.DatagramError, match=f"^{why}$"):
        datagram.check(data)
