"""How a report lies in the file: packed with zstd against a dictionary that is in the same file, under a checksum.

Invariants:

* A row can be read with the file alone: it names its dictionary, and the file holds every dictionary that a row names,
  twice, in pages that have nothing in common.
* A row depends on no other row. Damage to one costs one; damage to a dictionary costs nothing while its twin is sound.
* The checksum is over everything in the row as it is stored, its number, times and class included.
* Reading needs nothing but zstd: a dictionary is plain content, whatever made it.

A dictionary is the last report of each shape that this agent made, so that names, texts and the first digits of counters are
in it. Numbers apart, the reports of a device differ little: four in five bytes are saved that zstd alone would keep.
"""

from __future__ import annotations

import struct
import zlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

import zstandard

from tslcd_agent.spool.state import Row, Worth

if TYPE_CHECKING:
    from collections.abc import Callable

#: In place of a dictionary's number: the payload as it is, in a row of version 1 (checksum over the payload alone); the
#: payload as it is; packed without a dictionary.
VERSION_1: Final = -1
PLAIN: Final = -2
ALONE: Final = 0
#: Reports after which there is a new dictionary: the first ones early, for there is nothing yet.
FIRST_DICTIONARIES: Final = (32, 512)
DICTIONARY_EVERY: Final = 4096
#: Most bytes of a dictionary, and of one report within it.
DICTIONARY_BYTES: Final = 48 * 1024
_LEVEL: Final = 9
_READERS: Final = 4
_DIGITS: Final = b"0123456789.-+"
_WORTHS: Final[dict[object, Worth]] = {worth.value: worth for worth in Worth}
_HEAD: Final = struct.Struct("<qddqq")
#: What the courier could never send: no report is larger than 1 MiB.
_MAX_PAYLOAD: Final = 2 * 2**20


class Stored(NamedTuple):
    """A row as it is in the file, its columns in their order."""

    key: int
    at: float
    boot: str
    mono: float
    checksum: int
    payload: bytes
    worth: int
    dictionary: int


class Dictionary(NamedTuple):
    """A dictionary: its number, how many reports had been made when it was, and from which key on it is used."""

    id: int
    made: int
    first: int
    content: bytes

    @property
    def checksum(self) -> int:
        """CRC-32 over all of it."""
        return zlib.crc32(struct.pack("<qqq", self.id, self.made, self.first) + self.content)


def checksum_of(stored: Stored) -> int:
    """Return the CRC-32 that a row must have."""
    if stored.dictionary == VERSION_1:
        return zlib.crc32(stored.payload)
    head = _HEAD.pack(stored.key, stored.at, stored.mono, stored.worth, stored.dictionary)
    return zlib.crc32(stored.payload, zlib.crc32(stored.boot.encode(errors="replace"), zlib.crc32(head)))


def is_sound(raw: tuple[object, ...]) -> bool:
    """Whether what was read of a row has the right types and the right checksum."""
    key, at, boot, mono, _, payload, worth, dictionary = raw
    fits = (
        isinstance(key, int)
        and key > 0
        and isinstance(at, float)
        and isinstance(boot, str)
        and isinstance(mono, float)
        and isinstance(payload, bytes)
        and isinstance(worth, int)
        and isinstance(dictionary, int)
        and dictionary >= PLAIN
    )
    if not fits:
        return False
    stored = Stored(*raw)  # type: ignore[arg-type]
    return checksum_of(stored) == stored.checksum


def worth_of(number: object) -> Worth:
    """Return the class that a row names; one that this program does not know is none."""
    return _WORTHS.get(number, Worth.MEASURED)


class Packer:
    """Packs rows for one file, and unpacks them. ``find`` reads a dictionary's content; None when both copies are damaged."""

    def __init__(self, find: Callable[[int], bytes | None]) -> None:
        """Begin without a dictionary; :meth:`use` sets one."""
        self._find = find
        self._parameters = zstandard.ZstdCompressionParameters.from_level(
            _LEVEL,
            source_size=4096,
            dict_size=DICTIONARY_BYTES,
            write_content_size=1,
            write_checksum=0,
            write_dict_id=0,
        )
        self._dictionary: Dictionary | None = None
        self._compressor = zstandard.ZstdCompressor(compression_params=self._parameters)
        self._readers: OrderedDict[int, zstandard.ZstdDecompressor] = OrderedDict()
        self._shapes: OrderedDict[int, bytes] = OrderedDict()
        self._sample_bytes = 0
        self._noted = 0
        self._wait = FIRST_DICTIONARIES[0]

    def use(self, dictionary: Dictionary) -> None:
        """Pack with this dictionary from now on; it is in the file."""
        content = zstandard.ZstdCompressionDict(dictionary.content, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        content.precompute_compress(compression_params=self._parameters)
        self._compressor = zstandard.ZstdCompressor(compression_params=self._parameters, dict_data=content)
        if not self._noted:  # found in the file; what the reports are like now is not known yet
            self._wait = max(self._wait, FIRST_DICTIONARIES[1])
        self._dictionary = dictionary

    def due(self, made: int, next_key: int) -> Dictionary | None:
        """Return a new dictionary when it is time for one. ``made``: reports that the spool ever made; noted beside it."""
        if self._noted < self._wait or not self._shapes:
            return None
        self._noted, self._wait = 0, FIRST_DICTIONARIES[1] if self._dictionary is None else DICTIONARY_EVERY
        number = (self._dictionary.id if self._dictionary else 0) + 1
        return Dictionary(number, made, next_key, b"".join(self._shapes.values()))

    def pack(self, row: Row, *, alone: bool = False) -> Stored:
        """Return a row as it is to be stored; ``alone``: without a dictionary, for a row older than the one in use."""
        if alone:
            packed, dictionary = zstandard.ZstdCompressor(level=_LEVEL).compress(row.payload), ALONE
        else:
            self._note(row.payload)
            packed = self._compressor.compress(row.payload)
            dictionary = self._dictionary.id if self._dictionary else ALONE
        if len(packed) >= len(row.payload):
            packed, dictionary = row.payload, PLAIN
        stored = Stored(row.key, row.at, row.boot, row.mono, 0, packed, int(row.worth), dictionary)
        return stored._replace(checksum=checksum_of(stored))

    def unpack(self, raw: tuple[object, ...]) -> Row | None:
        """Return the report of a row; None when the row is damaged, or both copies of its dictionary are."""
        if not is_sound(raw):
            return None
        stored = Stored(*raw)  # type: ignore[arg-type]
        payload = stored.payload
        if stored.dictionary >= ALONE:
            reader = self._reader(stored.dictionary)
            if reader is None:
                return None
            try:
                payload = reader.decompress(payload, max_output_size=_MAX_PAYLOAD)
            except zstandard.ZstdError:
                return None
        return Row(stored.key, stored.at, stored.boot, stored.mono, payload, worth_of(stored.worth))

    def _reader(self, dictionary: int) -> zstandard.ZstdDecompressor | None:
        reader = self._readers.get(dictionary)
        if reader is None:
            if dictionary == ALONE:
                reader = zstandard.ZstdDecompressor()
            else:
                content = self._find(dictionary)
                if content is None:
                    return None
                plain = zstandard.ZstdCompressionDict(content, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
                reader = zstandard.ZstdDecompressor(dict_data=plain)
            self._readers[dictionary] = reader
            if len(self._readers) > _READERS:
                self._readers.popitem(last=False)
        self._readers.move_to_end(dictionary)
        return reader

    def _note(self, payload: bytes) -> None:
        """Remember the last report of each shape: what is left of it without its digits."""
        self._noted += 1
        if len(payload) > DICTIONARY_BYTES:
            return
        shape = zlib.crc32(payload.translate(None, _DIGITS))
        self._sample_bytes += len(payload) - len(self._shapes.pop(shape, b""))
        self._shapes[shape] = payload
        while self._sample_bytes > DICTIONARY_BYTES:
            self._sample_bytes -= len(self._shapes.popitem(last=False)[1])
