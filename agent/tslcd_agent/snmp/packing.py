"""Which objects go into one GET: as many as have an answer that fits into one Ethernet frame.

Sizes are those of BER (ITU-T X.690): a variable binding is the object's name, the value, and three headers.

Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tslcd_agent.snmp.session import Value

#: What an answer's variable bindings may have: 1,500 less IPv6, UDP, and the envelope of SNMPv3 with a long user name and context.
FRAME: Final = 1280
#: Headers of a binding: SEQUENCE, OBJECT IDENTIFIER, value.
_HEADERS: Final = 6
#: What is reckoned for a value that is not known.
_UNKNOWN: Final = 8
_SEPTET, _OCTET = 7, 8
#: Digits of an arc that may need more than one octet.
_LONG: Final = 3


def answer_size(oid: str, value: Value) -> int:
    """Return the octets that the binding of ``oid`` takes; numbers may grow by one octet until it is reckoned anew."""
    arcs = oid.split(".")
    name = len(arcs) - 1  # the first two arcs share an octet
    name += sum((int(arc).bit_length() - 1) // _SEPTET for arc in arcs if len(arc) >= _LONG)
    match value:
        case int():
            content = value.bit_length() // _OCTET + 2
        case bytes():
            content = len(value)
        case str():
            content = len(value) // 2
        case _:
            content = _UNKNOWN
    return _HEADERS + name + content


def pack(sized: Iterable[tuple[str, int]], most: int, *, taken: int = 0) -> tuple[tuple[str, ...], ...]:
    """Return the objects of ``sized`` (each with its :func:`answer_size`) in batches, in their order.

    ``most``: objects in one batch; ``taken``: octets of each answer that are spoken for.
    """
    batches: list[tuple[str, ...]] = []
    batch: list[str] = []
    room = FRAME - taken
    for oid, size in sized:
        if batch and (size > room or len(batch) >= most):
            batches.append(tuple(batch))
            batch, room = [], FRAME - taken
        batch.append(oid)
        room -= size
    if batch:
        batches.append(tuple(batch))
    return tuple(batches)
