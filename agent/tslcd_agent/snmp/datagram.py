"""Answers that an engine would read as something that they do not say, refused before it reads them.

Seen with gufo-snmp 0.13 by the fuzz rig (``tests/soak fuzz``), each with one datagram of a hostile device:

* ``30 82 ed``, a length that ends with the datagram, is a panic in Rust: an exception that is no ``Exception``, which would
  end the whole agent.
* A number of more octets than its type has is cut to its last 4 or 8: a counter that nobody sent, and a foreign request id
  that looks like ours.
* A sub-identifier of more than 32 bits is cut too: an object that nobody asked for under the name of one that somebody did.
* An object identifier without an end is a RuntimeError, or another one; one that begins with a sub-identifier of two octets,
  which SNMP has not, is read as one that begins with two others; so is one that begins with 2.40 or more, as 3.0.

pysnmp 7.1 reads a number of no octets as 0, and takes sub-identifiers of any size.

Invariant: the price is small. Measured with 48 counters: 2 microseconds for the look into the kernel's buffer, 6 for three
patterns that know the usual answer; only what they do not know is walked, in some 40. What is encrypted cannot be looked at, and
is authenticated.
"""

from __future__ import annotations

import re
import socket
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_V2C: Final = b"\x01"
_INTEGER: Final = 0x02
_OID: Final = 0x06
_COUNTER64: Final = 0x46
_LONG: Final = 0x80
#: Bits of a number, by tag: Counter32, Gauge32, TimeTicks, Counter64, UInteger32 (RFC 1442).
_BITS: Final = {0x41: 32, 0x42: 32, 0x43: 32, _COUNTER64: 64, 0x47: 32}
#: Other elements that a message can have: OCTET STRING, NULL, IpAddress, Opaque, and the exceptions of RFC 3416 section 3.
_OTHERS: Final = frozenset({0x04, 0x05, 0x40, 0x44, 0x80, 0x81, 0x82})
#: Elements that hold others: SEQUENCE, and PDUs from GetRequest to Report.
_HOLDERS: Final = frozenset({0x30, *range(0xA0, 0xA9)})
#: An Integer32, or an unsigned one that some devices call INTEGER; gufo reads negative ones of eight octets wrongly.
_INTEGER_OCTETS: Final = 5
#: The level of what a variable binding holds, in a message of version 1 or 2c; version 3 has one level more.
_BINDING: Final = 4
#: Elements in elements: an SNMP message has five levels.
_MAX_DEPTH: Final = 8
#: The first octet of an object identifier is 40 times the first arc, which is 0 to 2, and the second, below 40 in all of SNMP.
_FIRST_ARCS: Final = 120
#: A datagram cannot be larger.
_MAX_SIZE: Final = 65535
#: Where datagrams are looked at, one after the other: memory that would else be asked for and given back for each.
_SEEN: Final = memoryview(bytearray(_MAX_SIZE))
#: Answers of which the end is remembered: a round has few with anything but numbers in them.
_MAX_KNOWN: Final = 4


def _numbers(size: int) -> bytes:
    """Return the pattern of a number in so many octets that fits its type: INTEGER, Counter32, Gauge32, TimeTicks; Counter64."""
    any_octets = b"\\x%02x[\\x00-\\xff]{%d}" % (size, size)
    found = []
    if size <= 5:  # noqa: PLR2004 - four octets, and a zero before them
        found.append(b"[\\x02\\x41-\\x43]" + (any_octets if size < 5 else b"\\x05\\x00[\\x00-\\xff]{4}"))  # noqa: PLR2004
    found.append(b"\\x46" + (any_octets if size < 9 else b"\\x09\\x00[\\x00-\\xff]{8}"))  # noqa: PLR2004 - the same of eight
    return b"(?:%s)" % b"|".join(found)


def _name(size: int) -> bytes:
    """Return the pattern of an object identifier below iso.org in so many octets: arcs below 128, the last one below 2**28."""
    arc, more, last = b"[\\x00-\\x7f]", b"[\\x81-\\xff]", b"[\\x80-\\xff]{%d}[\\x00-\\x7f]"
    tails = [arc + b"{%d}" % (size - 1)]
    tails += [arc + b"{%d}" % (size - 3 - extra) + more + last % extra for extra in range(3)]
    return b"\\x%02x\\x2b(?:%s)" % (size, b"|".join(tails))


def _bindings() -> bytes:
    """Return the pattern of variable bindings whose three lengths agree: their own, the name's and the number's."""
    by_size: dict[int, list[bytes]] = {}
    for name in range(8, 16):
        for number in range(1, 10):
            by_size.setdefault(name + number + 4, []).append(_name(name) + _numbers(number))
    each = b"|".join(b"\\x%02x\\x06(?:%s)" % (size, b"|".join(forms)) for size, forms in sorted(by_size.items()))
    return b"(?:\\x30(?:%s))*+" % each


_SIZE: Final = b"([\\x00-\\x7f]|\\x81[\\x00-\\xff]|\\x82[\\x00-\\xff]{2}|\\x83[\\x00-\\xff]{3}|\\x84[\\x00-\\xff]{4})"
_SHORT: Final = b"\\x02(?:\\x01[\\x00-\\xff]|\\x02[\\x00-\\xff]{2}|\\x03[\\x00-\\xff]{3}|\\x04[\\x00-\\xff]{4})"
#: A message up to its version. One of version 1 or 2c up to the community's end; from there to the variable bindings; and
#: bindings of numbers that are as they should be, which is what a device is asked for in every round.
_VERSION: Final = re.compile(b"\\x30" + _SIZE + b"\\x02\\x01([\\x00-\\xff])")
_COMMUNITY: Final = re.compile(b"\\x04([\\x00-\\x7f]|\\x81[\\x80-\\xff])")
_PDU: Final = re.compile(b"([\\xa0-\\xa8])" + _SIZE + _SHORT * 3 + b"\\x30" + _SIZE)
_PLAIN: Final = re.compile(_bindings())
#: Five septets that are more than 32 bits; more of them, unless they begin with zeros.
_LARGE_ARC: Final = re.compile(rb"[\x90-\xff][\x80-\xff]{3}[\x00-\x7f]|[\x81-\xff][\x80-\xff]{4}")


class DatagramError(ValueError):
    """A datagram that is no answer; the message says why."""


class _Borrowed(socket.socket):
    """A socket on somebody else's descriptor, which is never closed here, whatever becomes of this object."""

    def __del__(self) -> None:
        """Let go."""
        self.detach()


class Ear:
    """Looks at what comes to a socket before an engine reads it. ``descriptor`` stays its owner's."""

    def __init__(self, descriptor: int, family: socket.AddressFamily) -> None:
        """Look at nothing yet."""
        self._peek = _Borrowed(family, socket.SOCK_DGRAM, 0, fileno=descriptor)
        self._peek.settimeout(0)
        #: Bindings that were walked and are lawful, by their place among those that came last: names hardly ever change.
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def read(self, receive: Callable[[], T]) -> T:
        """Return what ``receive`` makes of the next datagram.

        Raises DatagramError, BlockingIOError when there is none, and what ``receive`` raises; a panic of Rust is no exception then.
        """
        try:
            size = self._peek.recv_into(_SEEN, 0, socket.MSG_PEEK)
            check(bytes(_SEEN[:size]), self._known)
        except DatagramError:
            self._peek.recv(1)  # which takes it away
            raise
        except ConnectionRefusedError:
            pass  # an ICMP message, which is no answer: there is nothing to receive
        try:
            return receive()
        except RuntimeError as error:
            raise DatagramError(str(error)) from None
        except BaseException as error:
            if type(error).__name__ == "PanicException":
                raise DatagramError(f"a length that lies: {error}") from None
            raise

    def close(self) -> None:
        """Let go of the descriptor, which stays open; safe to call again."""
        self._peek.detach()


def read_answer(descriptor: int, family: socket.AddressFamily, receive: Callable[[], T]) -> T:
    """Do what :meth:`Ear.read` does, once."""
    ear = Ear(descriptor, family)
    try:
        return ear.read(receive)
    finally:
        ear.close()


def check(data: bytes, known: OrderedDict[bytes, None] | None = None) -> None:
    """Look for what would be read wrongly. Raises DatagramError.

    ``known``: variable bindings that were found lawful before; what is found lawful now is put there, and the oldest forgotten.
    """
    message = _VERSION.match(data)
    if message is None:
        raise DatagramError("no SNMP message")
    if message[2] > _V2C:
        _walk(data, 0, len(data), -1)
        return
    community = _COMMUNITY.match(data, message.end())
    pdu = _PDU.match(data, community.end() + community[1][-1]) if community else None
    if pdu is None:
        raise DatagramError("no response")
    end = len(data)
    whole = (
        message.end(1) + _length(message[1]) == end
        and pdu.end(2) + _length(pdu[2]) == end
        and pdu.end(3) + _length(pdu[3]) == end
    )
    if not whole:
        _walk(data, 0, end, 0)
        return
    plain = _PLAIN.match(data, pdu.end())
    if plain is None or plain.end() == end:
        return
    # what does not change from answer to answer, as names do, was walked before
    rest = data[plain.end() :]
    if known is None or rest not in known:
        _walk(data, 0, end, 0)
        if known is None:
            return
        known[rest] = None
        if len(known) > _MAX_KNOWN:
            known.popitem(last=False)
    else:
        known.move_to_end(rest)


def _length(octets: bytes) -> int:
    return octets[0] if len(octets) == 1 else int.from_bytes(octets[1:], "big")


def _walk(data: bytes, at: int, end: int, depth: int) -> None:
    """Check the elements from ``at`` to ``end``."""
    if depth > _MAX_DEPTH:
        raise DatagramError("elements in elements, too deep")
    if depth == _BINDING and at == end:
        raise DatagramError("a variable binding of nothing")
    while at < end:
        tag = data[at]
        begin = at + 2
        if begin > end:
            raise DatagramError("an element without a length")
        size = data[at + 1]
        if size >= _LONG:
            count = size & 0x7F
            if not 1 <= count <= 4 or begin + count > end:  # noqa: PLR2004 - lengths of more octets are no datagram's
                raise DatagramError("a length that cannot be")
            size = int.from_bytes(data[begin : begin + count], "big")
            begin += count
        at = begin + size
        if at > end:
            raise DatagramError("an element that ends behind the one that holds it")
        if tag in _HOLDERS:
            _walk(data, begin, at, depth + 1)
        else:
            _check_value(data, tag, begin, at)


def _check_value(data: bytes, tag: int, begin: int, end: int) -> None:
    """Check one element that holds no others."""
    if tag in _BITS:
        if begin == end or int.from_bytes(data[begin:end], "big") >> _BITS[tag]:
            raise DatagramError("a number of no octets, or one that is larger than its type")
    elif tag == _OID:
        if begin == end or data[begin] >= _FIRST_ARCS or data[end - 1] & _LONG or _LARGE_ARC.search(data, begin, end):
            raise DatagramError(
                "an object identifier without begin or end, or with a sub-identifier of more than 32 bits"
            )
    elif tag == _INTEGER:
        if not 1 <= end - begin <= _INTEGER_OCTETS:
            raise DatagramError("an integer of no octets, or of more than five")
    elif tag not in _OTHERS:
        raise DatagramError(f"an element of type {tag:#04x}")
