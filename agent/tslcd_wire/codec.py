"""Bytes to messages and back: the only door through which anything enters the collector or the agent.

Invariants:

* A decoder returns a message that satisfies everything :mod:`tslcd_wire.report` promises, or raises a WireError. It never
  raises anything else, whatever the bytes.
* Work and memory are bounded by ``MAX_BYTES``, also for compressed payloads.
* A column or kind that this program does not know is left out and named in ``Decoded.refused``; the rest of the report is
  kept. So agents may be upgraded before their collector.
* ``decode(encode(x)) == x``, and encoding is deterministic (golden bytes in the tests).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET

from tslcd_wire.catalogue import KINDS, KINDS_BY_NAME, MAX_COUNTER, MAX_KEY_CHARS, MAX_TEXT_CHARS, Kind, Type
from tslcd_wire.errors import InvalidError, MalformedError, OversizeError, VersionError
from tslcd_wire.report import MAX_BYTES, PRINTABLE, Ack, Report, ReportDocument, Status, Table
from tslcd_wire.topics import VERSION

#: First bytes of a zstd frame (RFC 8878 section 3.1.1); JSON never starts with them.
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
#: Takes a zstd frame and the most bytes it may become; raises ValueError when it is damaged, OverflowError when larger.
Decompress: TypeAlias = Callable[[bytes, int], bytes]

_MAX_NAMED: Final = 16
#: What :data:`tslcd_wire.report.PRINTABLE` does not allow; surrogates have no form in UTF-8.
_UNFIT: Final = dict.fromkeys((*range(32), *range(127, 160), 0x2028, 0x2029), " ") | dict.fromkeys(
    range(0xD800, 0xE000), "\ufffd"
)

_PRINTABLE: Final = re.compile(PRINTABLE)

_encoder = msgspec.json.Encoder()
_report_decoder = msgspec.json.Decoder(ReportDocument)
_status_decoder = msgspec.json.Decoder(Status)
_ack_decoder = msgspec.json.Decoder(Ack)
_any_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder()

M = TypeVar("M")


class Decoded(NamedTuple):
    """A report, and the names of columns (``kind.column``) and kinds that were left out because they are not known."""

    report: Report
    refused: tuple[str, ...]


def _plan(kind: Kind) -> tuple[tuple[str, ...], ...]:
    """Return the names of all columns, of the counters, and of the texts."""
    of = {wanted: tuple(c.name for c in kind.columns if c.type is wanted) for wanted in (Type.COUNTER, Type.TEXT)}
    return tuple(kind.by_name), of[Type.COUNTER], of[Type.TEXT]


_PLANS: Final = {kind.name: _plan(kind) for kind in KINDS}


def clean_key(text: str) -> str:
    """Make any text fit for a key: what cannot be printed is replaced, outer space and what is too long goes."""
    return _clean(text, MAX_KEY_CHARS)


def clean_text(text: str) -> str:
    """Make any text fit for a TEXT column, like :func:`clean_key`."""
    return _clean(text, MAX_TEXT_CHARS)


def _clean(text: str, most: int) -> str:
    return text.translate(_UNFIT).strip()[:most].rstrip()


def encode(message: Report | Status | Ack) -> bytes:
    """Encode a message. A float that is not finite becomes null. Raises OversizeError above MAX_BYTES."""
    payload = _encoder.encode(message)
    if len(payload) > MAX_BYTES:
        msg = f"a message of {len(payload)} bytes is above the bound of {MAX_BYTES}"
        raise OversizeError(msg)
    return payload


def decode_report(payload: bytes, decompress: Decompress | None = None) -> Decoded:
    """Decode and check a report.

    ``payload`` is JSON, or a zstd frame of JSON when ``decompress`` is given. Raises WireError.
    """
    plain = _unpack(payload, decompress)
    refused: tuple[str, ...] = ()
    try:
        document = _report_decoder.decode(plain)
    except msgspec.ValidationError as error:
        document, refused = _decode_leniently(plain, error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(_short(error)) from None
    tables = {
        name: _table(kind, table)
        for name, kind in KINDS_BY_NAME.items()
        if (table := getattr(document.tables, name)) is not UNSET
    }
    report = Report(
        v=document.v,
        agent=document.agent,
        stream=document.stream,
        seq=document.seq,
        at=document.at,
        boot=document.boot,
        mono=document.mono,
        device=document.device,
        events=document.events,
        tables=tables,
    )
    return Decoded(report, refused)


def decode_status(payload: bytes) -> Status:
    """Decode a status or last will. Raises WireError."""
    return _decode(payload, _status_decoder)


def decode_ack(payload: bytes) -> Ack:
    """Decode an acknowledgement. Raises WireError."""
    return _decode(payload, _ack_decoder)


def _unpack(payload: bytes, decompress: Decompress | None) -> bytes:
    if len(payload) > MAX_BYTES:
        msg = f"{len(payload)} bytes are above the bound of {MAX_BYTES}"
        raise OversizeError(msg)
    if not payload.startswith(ZSTD_MAGIC):
        return payload
    if decompress is None:
        msg = "compressed payload where none is expected"
        raise MalformedError(msg)
    try:
        plain = decompress(payload, MAX_BYTES)
    except OverflowError:
        plain = None
    except ValueError as error:
        raise MalformedError(_short(error)) from None
    if plain is None or len(plain) > MAX_BYTES:
        msg = f"decompresses to more than {MAX_BYTES} bytes"
        raise OversizeError(msg)
    return plain


def _decode(payload: bytes, decoder: msgspec.json.Decoder[M]) -> M:
    """Decode a small message without tables. Raises WireError."""
    if len(payload) > MAX_BYTES:
        msg = f"{len(payload)} bytes are above the bound of {MAX_BYTES}"
        raise OversizeError(msg)
    try:
        return decoder.decode(payload)
    except msgspec.ValidationError as error:
        raise _invalid(_generic(payload), error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(_short(error)) from None


def _decode_leniently(plain: bytes, error: msgspec.ValidationError) -> tuple[Any, tuple[str, ...]]:
    """Leave out what the catalogue does not have, and try again. Raises WireError when that was not the only trouble."""
    generic = _generic(plain)
    refused = []
    tables = generic.get("tables") if isinstance(generic, dict) else None
    if isinstance(tables, dict):
        for kind_name in [name for name in tables if name not in KINDS_BY_NAME]:
            del tables[kind_name]
            refused.append(kind_name)
        for kind_name, table in tables.items():
            if isinstance(table, dict):
                known = KINDS_BY_NAME[kind_name].by_name
                for column in [name for name in table if name not in known and name != "key"]:
                    del table[column]
                    refused.append(f"{kind_name}.{column}")
    if not refused:
        raise _invalid(generic, error) from None
    try:
        document = msgspec.convert(generic, ReportDocument)
    except msgspec.ValidationError as second:
        raise _invalid(generic, second) from None
    return document, tuple(clean_key(name)[:60] for name in refused[:_MAX_NAMED])


def _generic(plain: bytes) -> Any:
    try:
        return _any_decoder.decode(plain)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(_short(error)) from None


def _invalid(generic: object, error: Exception) -> InvalidError | VersionError:
    """Tell a document of another version apart from a bad one."""
    version = generic.get("v", VERSION) if isinstance(generic, dict) else VERSION
    if type(version) is not int or version != VERSION:
        shown = f"{version:.10}" if isinstance(version, str) else type(version).__name__
        if type(version) is int:
            shown = str(version) if abs(version) < MAX_COUNTER else "beyond all bounds"
        return VersionError(f"schema version {clean_text(shown)}, this program speaks {VERSION}")
    return InvalidError(_short(error))


def _table(kind: Kind, table: Any) -> Table:
    """Turn a decoded struct into a table and check what the schema cannot express. Raises InvalidError."""
    columns, counters, texts = _PLANS[kind.name]
    keys: list[str] = table.key
    result: Table = {"key": keys}
    for column in columns:
        cells = getattr(table, column)
        if cells is not UNSET:
            if len(cells) != len(keys):
                msg = f"{kind.name}.{column} has {len(cells)} cells for {len(keys)} keys"
                raise InvalidError(msg)
            result[column] = cells
    if kind.keyed and (len(set(keys)) != len(keys) or "" in keys):
        msg = f"{kind.name}.key has an empty key or the same key twice"
        raise InvalidError(msg)
    for column in counters:
        # filter leaves out None, and zeros with it
        if column in result and max(filter(None, result[column]), default=0) > MAX_COUNTER:
            msg = f"{kind.name}.{column} has a reading above 2**64-1"
            raise InvalidError(msg)
    for column in ("key", *texts):
        if column in result:
            joined = "".join(filter(None, result[column]))
            if not joined.isprintable() and not _PRINTABLE.match(joined):
                msg = f"{kind.name}.{column} has a text with control characters"
                raise InvalidError(msg)
    return result


def _short(error: BaseException) -> str:
    return clean_text(str(error)) or type(error).__name__
