"""A recorded device: files of ``tslcd-agent walk``, snmpsim's ``.snmprec`` (also bz2), and what ``snmpwalk -On`` prints.

Invariants:

* Nothing is held in memory but what is asked for: the objects are found by bisection over the text, which stands in order.
  A file that must be unpacked or put in order first, and is large, goes to a file without a name in the temporary
  directory (:data:`IN_MEMORY`).
* Values are what a device's answer would have been, typed as :data:`tslcd_agent.snmp.session.Value` says.
* A line that cannot be understood is an object that the device does not have.
"""

from __future__ import annotations

import bz2
import mmap
import re
import tempfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final

from tslcd_agent.snmp.session import REPETITIONS, Traffic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tslcd_agent.snmp.session import Value

#: Texts up to this many bytes stay in memory.
IN_MEMORY: Final = 8 * 2**20
_BLOCK: Final = 2**20
_WALKED: Final = re.compile(rb"^\.?([0-2](?:\.\d+)+) = (?:([A-Za-z0-9-]+): ?)?(.*)$", re.DOTALL)
_IN_BRACKETS: Final = re.compile(rb"\((-?\d+)\)")
_LEADING_INTEGER: Final = re.compile(rb"-?\d+")
_VARIATION_VALUE: Final = re.compile(rb"(?:^|,)(?:value|initial|min)=([^,]*)")
#: snmpwalk's words for types, and snmprec's numbers (the tag's class, form and number added up).
_TAGS: Final = {
    b"INTEGER": b"2",
    b"STRING": b"4",
    b"Hex-STRING": b"4x",
    b"BITS": b"4x",
    b"OID": b"6",
    b"IpAddress": b"64",
    b"Network": b"64",
    b"Counter32": b"65",
    b"Gauge32": b"66",
    b"Unsigned32": b"66",
    b"Timeticks": b"67",
    b"Opaque": b"68",
    b"Counter64": b"70",
}
_NUMBERS: Final = frozenset({b"2", b"65", b"66", b"67", b"70"})
_TEXTS: Final = frozenset({b"4", b"68"})
_SUBTREE_ARCS: Final = 9
_IPV4_OCTETS: Final = 4

_Text = bytes | mmap.mmap


@contextmanager
def open_recording(file: Path) -> Iterator[RecordedSession]:
    """Open a recording (blocking). Raises OSError when it cannot be read, ValueError when it is no recording."""
    with file.open("rb") as raw:
        magic = raw.read(3)
        raw.seek(0)
        stream: IO[bytes] = bz2.BZ2File(raw) if magic == b"BZh" else raw
        with tempfile.TemporaryFile() as unpacked:
            try:
                text = _text(stream, unpacked)
            except EOFError:
                raise ValueError(f"{file}: ends in the middle") from None
            if not len(text):
                raise ValueError(f"{file}: not a recording: no line is OID|TAG|VALUE or OID = TYPE: VALUE")
            try:
                yield RecordedSession(text)
            finally:
                if isinstance(text, mmap.mmap):
                    text.close()


def _text(stream: IO[bytes], unpacked: IO[bytes]) -> _Text:
    """Return the text of a recording, in order: in memory, or in the file ``unpacked``."""
    head = stream.read(IN_MEMORY)
    if len(head) < IN_MEMORY:
        return _ordered(head)
    unpacked.write(head)
    while block := stream.read(_BLOCK):
        unpacked.write(block)
    unpacked.flush()
    text = mmap.mmap(unpacked.fileno(), 0, access=mmap.ACCESS_READ)
    if _looks_ordered(text):
        return text
    ordered = _ordered(text[:])
    text.close()
    return ordered


def _looks_ordered(text: _Text) -> bool:
    """Whether the text is snmprec, and its subtrees stand in order wherever they are looked at.

    Inside a column, rows stand as the device gave them: there are devices that do not sort them.
    """
    last: tuple[int, ...] = ()
    for at in range(0, len(text), _BLOCK):
        start = _line_at(text, at)
        if text[start : start + 1] == b"#":
            continue
        oid = _oid_at(text, start)
        if oid is None or oid[:_SUBTREE_ARCS] < last:
            return False
        last = oid[:_SUBTREE_ARCS]
    return bool(last)


def _ordered(text: bytes) -> bytes:
    """Put lines in order, snmpwalk's as snmprec's, and leave out what is neither."""
    found: dict[tuple[int, ...], bytes] = {}
    for line in _whole_lines(text):
        key = _key(line.partition(b"|")[0])
        if key is not None and line.count(b"|") > 1:
            found.setdefault(key, line)
        elif (walked := _WALKED.match(line)) is not None and (key := _key(walked[1])) is not None:
            found.setdefault(key, _from_walk(walked))
    return b"".join(found[key] + b"\n" for key in sorted(found))


def _whole_lines(text: bytes) -> Iterator[bytes]:
    """Yield lines; what snmpwalk printed over several is one."""
    held = b""
    for line in text.splitlines():
        if _WALKED.match(line) or b"|" in line:
            if held:
                yield held
            held = line
        elif held and b"|" not in held.partition(b" = ")[0]:
            held += b"\n" + line
    if held:
        yield held


def _from_walk(walked: re.Match[bytes]) -> bytes:
    oid, word, value = walked[1], walked[2] or b"STRING", walked[3]
    tag = _TAGS.get(word, b"5")
    if tag == b"4x":
        value = re.sub(rb"\s+|\[.*", b"", value)
    elif tag == b"4":
        value = value.strip().removeprefix(b'"').removesuffix(b'"')
        tag, value = b"4x", value.hex().encode()
    elif tag in _NUMBERS:
        number = _IN_BRACKETS.search(value) or _LEADING_INTEGER.search(value)
        value = number[number.re.groups] if number else b""
    elif tag == b"6":
        value = value.strip().lstrip(b".")
    return oid + b"|" + tag + b"|" + value.strip()


def _key(oid: bytes) -> tuple[int, ...] | None:
    try:
        return tuple(map(int, oid.strip(b". ").split(b".")))
    except ValueError:
        return None


def _line_at(text: _Text, at: int) -> int:
    """Return where the line begins that the position ``at`` is in."""
    return text.rfind(b"\n", 0, at) + 1


def _oid_at(text: _Text, start: int) -> tuple[int, ...] | None:
    end = text.find(b"|", start, start + 1024)
    return _key(text[start:end]) if end > 0 else None


class RecordedSession:
    """An SnmpSession that answers from a recording; ``traffic`` stays at zero."""

    def __init__(self, text: _Text) -> None:
        """Answer from ``text``: snmprec in the order of its object identifiers."""
        self._text = text
        self._traffic = Traffic()

    @property
    def traffic(self) -> Traffic:
        """Nothing goes over a wire."""
        return self._traffic

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Return the objects that were recorded."""
        answer: dict[str, Value] = {}
        for oid in oids:
            for found, value in self.objects(oid):
                if found == oid and value is not None:
                    answer[oid] = value
                break
        return answer

    async def walk(self, column: str, limit: int, *, repetitions: int = REPETITIONS) -> dict[str, Value]:
        """Return the cells of one column by their index, at most ``limit``."""
        del repetitions
        prefix = f"{column}."
        cells: dict[str, Value] = {}
        for oid, value in self.objects(column):
            if oid == column:
                continue
            if not oid.startswith(prefix) or len(cells) >= limit:
                break
            if value is not None:
                cells[oid[len(prefix) :]] = value
        return cells

    async def close(self) -> None:
        """Nothing is open; the file is the business of :func:`open_recording`."""

    def objects(self, first: str = "") -> Iterator[tuple[str, Value]]:
        """Yield object identifiers and values in order, from ``first`` on; a value that cannot be understood is None."""
        for oid, tag, raw in self.lines(first):
            yield oid, value_of(tag, raw)

    def lines(self, first: str = "") -> Iterator[tuple[str, bytes, bytes]]:
        """Yield object identifier, tag and value as they are written, in order, from ``first`` on."""
        text = self._text
        at = self._find(_key(first.encode()) or ()) if first else 0
        while at < len(text):
            end = text.find(b"\n", at)
            line = text[at : end if end >= 0 else len(text)]
            at = end + 1 if end >= 0 else len(text)
            if line.startswith(b"#"):
                continue
            oid, _, rest = line.partition(b"|")
            tag, _, value = rest.partition(b"|")
            yield oid.strip(b". ").decode(errors="replace"), tag, value.rstrip(b"\r")

    def _find(self, wanted: tuple[int, ...]) -> int:
        """Return where the first line begins whose object is not before ``wanted``."""
        text = self._text
        low, high = 0, len(text)
        while low < high:
            middle = _line_at(text, (low + high) // 2)
            oid = _oid_at(text, middle)
            end = text.find(b"\n", middle)
            after = end + 1 if end >= 0 else len(text)
            if oid is None or oid < wanted:  # a comment is nowhere but at the beginning
                low = after
            elif middle > low:
                high = middle
            else:
                return low
        return low


def value_of(tag: bytes, raw: bytes) -> Value:
    """Turn a tag and a text of snmprec into the value an answer would have; None when it is none."""
    kind, _, variation = tag.partition(b":")
    if variation:
        found = _VARIATION_VALUE.search(raw)
        raw = found[1] if found else b""
    try:
        if kind.endswith(b"x"):
            octets = bytes.fromhex(raw.decode())
            kind = kind[:-1]
        else:
            octets = raw
    except ValueError:
        # a text that was marked as hexadecimal and is none
        octets, kind = raw, kind[:-1]
    if kind in _NUMBERS:
        try:
            return int(octets)
        except ValueError:
            return None
    if kind in _TEXTS:
        return octets
    if kind == b"6":
        return octets.decode(errors="replace").lstrip(".")
    if kind == b"64":
        dotted = ".".join(map(str, octets)) if len(octets) == _IPV4_OCTETS else octets.decode(errors="replace")
        return dotted if dotted.count(".") == _IPV4_OCTETS - 1 else None
    return None
