"""What the decoders refuse, with code and words, and what they let pass. Each line is one kind of damage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.wire import BARE
from tslcd_wire import codec, errors
from tslcd_wire.codec import ZSTD_MAGIC, decode_ack, decode_report, decode_status
from tslcd_wire.report import MAX_BYTES, MAX_EVENTS, MAX_RANGES, MAX_ROWS

REFUSED = (errors.OversizeError, errors.MalformedError, errors.VersionError, errors.InvalidError)


def report(**changes: Any) -> bytes:
    """Encode the bare report with changes."""
    return json.dumps({**BARE, **changes}).encode()


def interface(**columns: Any) -> bytes:
    """Encode a report about the interface ``w``."""
    return report(tables={"interface": {"key": ["w"], **columns}})


def literal(text: str, column: str = "speed_bits_per_second") -> bytes:
    """Encode a report with ``text`` in place of a cell, as it is."""
    return interface(**{column: ["@"]}).replace(b'"@"', text.encode())


def in_key(raw: bytes) -> bytes:
    """Encode a report whose interface has a key of raw bytes."""
    return report(tables={"interface": {"key": ["@"]}}).replace(b"@", raw)


def why(payload: bytes) -> tuple[str, str]:
    """Decode a report that must be refused, and return code and message."""
    with pytest.raises(REFUSED) as caught:
        decode_report(payload)
    return caught.value.code, str(caught.value)


INVALID = {
    "flag as a JSON boolean": (interface(oper_up=[True]), "Expected `int | null`, got `bool` - at `$.tables.interface.oper_up[0]`"),
    "flag that is neither": (interface(oper_up=[2]), "Invalid enum value 2 - at `$.tables.interface.oper_up[0]`"),
    "counter as a fraction": (literal("1.5", "receive_bytes_total"), "Expected `int | null`, got `float` - at `$.tables.interface.receive_bytes_total[0]`"),
    "counter as a whole float": (literal("1.0", "receive_bytes_total"), "Expected `int | null`, got `float` - at `$.tables.interface.receive_bytes_total[0]`"),
    "counter with an exponent": (literal("1e3", "receive_bytes_total"), "Expected `int | null`, got `float` - at `$.tables.interface.receive_bytes_total[0]`"),
    "counter below zero": (literal("-1", "receive_bytes_total"), "Expected `int` >= 0 - at `$.tables.interface.receive_bytes_total[0]`"),
    "counter above 64 bits": (literal(str(2**64), "receive_bytes_total"), "interface.receive_bytes_total has a reading above 2**64-1"),
    "counter of 400 digits": (literal("9" * 400, "receive_bytes_total"), "interface.receive_bytes_total has a reading above 2**64-1"),
    "seconds above 64 bits": (report(tables={"agent": {"key": [""], "cpu_seconds_total": [2.0**65]}}), "agent.cpu_seconds_total has a reading above 2**64-1"),
    "gauge beyond a float": (literal("9" * 400), "Number out of range - at `$.tables.interface.speed_bits_per_second[0]`"),
    "gauge as text": (literal('"5"'), "Expected `float | null`, got `str` - at `$.tables.interface.speed_bits_per_second[0]`"),
    "state not in the set": (report(tables={"device": {"key": [""], "snmp_state": ["fine"]}}), "Invalid enum value 'fine' - at `$.tables.device.snmp_state[0]`"),
    "more cells than keys": (interface(oper_up=[1, 1]), "interface.oper_up has 2 cells for 1 keys"),
    "fewer cells than keys": (interface(oper_up=[]), "interface.oper_up has 0 cells for 1 keys"),
    "the same key twice": (report(tables={"interface": {"key": ["w", "w"]}}), "interface.key has an empty key or the same key twice"),
    "empty key": (report(tables={"interface": {"key": [""]}}), "interface.key has an empty key or the same key twice"),
    "key where the kind has none": (report(tables={"device": {"key": ["x"]}}), "Invalid enum value 'x' - at `$.tables.device.key[0]`"),
    "two rows where the kind has one": (report(tables={"device": {"key": ["", ""]}}), "Expected `array` of length <= 1 - at `$.tables.device.key`"),
    "table without keys": (report(tables={"device": {}}), "Object missing required field `key` - at `$.tables.device`"),
    "table without rows": (report(tables={"interface": {"key": []}}), "Expected `array` of length >= 1 - at `$.tables.interface.key`"),
    "table is null": (report(tables={"interface": None}), "Expected `object`, got `null` - at `$.tables.interface`"),
    "tables are a list": (report(tables=[]), "Expected `object`, got `array` - at `$.tables`"),
    "key of 129 characters": (report(tables={"interface": {"key": ["x" * 129]}}), "Expected `str` of length <= 128 - at `$.tables.interface.key[0]`"),
    "text of 257 characters": (interface(alias=["x" * 257]), "Expected `str` of length <= 256 - at `$.tables.interface.alias[0]`"),
    "newline in a key": (in_key(rb"a\nb"), "interface.key has a text with control characters"),
    "newline at the end of a text": (interface(alias=["x\n"]), "interface.alias has a text with control characters"),
    "escape in a text": (interface(alias=["\x1b[2J"]), "interface.alias has a text with control characters"),
    "C1 escape in a text": (interface(alias=["\x9b2J"]), "interface.alias has a text with control characters"),
    "line separator in a text": (interface(alias=["\u2028"]), "interface.alias has a text with control characters"),
    "delete in a key": (in_key(b"\x7f"), "interface.key has a text with control characters"),
    "too many rows": (report(tables={"interface": {"key": [str(n) for n in range(MAX_ROWS + 1)]}}), f"Expected `array` of length <= {MAX_ROWS} - at `$.tables.interface.key`"),
    "unknown field of the report": (report(extra=1), "Object contains unknown field `extra`"),
    "missing field of the report": (report().replace(b'"seq": 4711, ', b""), "Object missing required field `seq`"),
    "capital letters in an id": (report(agent="A"), r"Expected `str` matching regex '^[a-z0-9-]{1,48}\\Z' - at `$.agent`"),
    "newline after an id": (report(agent="a\n"), r"Expected `str` matching regex '^[a-z0-9-]{1,48}\\Z' - at `$.agent`"),
    "sequence number zero": (report(seq=0), "Expected `int` >= 1 - at `$.seq`"),
    "sequence number beyond exact floats": (report(seq=2**53 + 1), "Expected `int` <= 9007199254740992 - at `$.seq`"),
    "time before 1970": (report(at=-1), "Expected `float` >= 0.0 - at `$.at`"),
    "time beyond libraries": (report(at=1e12), "Expected `float` <= 8589934592.0 - at `$.at`"),
    "event of an unknown kind": (report(events=[{"kind": "quake", "key": "w", "up": True, "at": 1, "source": "trap"}]), "Invalid enum value 'quake' - at `$.events[0].kind`"),
    "too many events": (report(events=[{"kind": "link", "key": "w", "up": True, "at": 1, "source": "trap"}] * (MAX_EVENTS + 1)), f"Expected `array` of length <= {MAX_EVENTS} - at `$.events`"),
    "not an object": (b"[]", "Expected `object`, got `array`"),
    "null": (b"null", "Expected `object`, got `null`"),
    "unknown column beside a bad cell": (interface(nope=[1], oper_up=[2]), "Invalid enum value 2 - at `$.tables.interface.oper_up[0]`"),
}  # fmt: skip

MALFORMED = {
    "nothing": b"",
    "not JSON": b"{v:1}",
    "half a document": report()[:-1],
    "more after the document": report() + b"x",
    "byte order mark": b"\xef\xbb\xbf" + report(),
    "UTF-16": report().decode().encode("utf-16"),
    "raw control character": in_key(b"\x00"),
    "lone surrogate": in_key(rb"\ud800"),
    "surrogate in UTF-8": in_key(b"\xed\xa0\x80"),
    "overlong UTF-8": in_key(b"\xc0\x80"),
    "not UTF-8": in_key(b"\xff\xfe"),
    "NaN": literal("NaN"),
    "Infinity": literal("Infinity"),
    "minus Infinity": literal("-Infinity"),
    "exponent beyond a float": literal("1e999"),
    "huge exponent in an unknown column": literal("1e99999999", "nope"),
    "a million digits": literal("9" * 1_000_000),
    "a million digits in an unknown column": literal("9" * 1_000_000, "nope"),
    "leading zero": literal("01"),
    "hexadecimal": literal("0x1"),
    "nested lists without end": b"[" * 500_000,
    "nested lists": b"[" * 500_000 + b"]" * 500_000,
    "nested objects": b'{"a":' * 150_000 + b"1" + b"}" * 150_000,
    "nesting in an unknown column": literal("[" * 400_000 + "]" * 400_000, "nope"),
    "zstd frame where none is expected": ZSTD_MAGIC + b"x",
}


@pytest.mark.parametrize("damage", INVALID)
def test_document_of_the_wrong_shape_is_invalid_with_its_place(damage: str) -> None:
    """A document of the wrong shape is refused as invalid; the message names place and expectation."""
    payload, message = INVALID[damage]
    assert why(payload) == ("invalid", message)


@pytest.mark.parametrize("damage", MALFORMED)
def test_bytes_that_are_no_document_are_malformed(damage: str) -> None:
    """Bytes that are no JSON document are refused as malformed, in bounded time and words."""
    code, message = why(MALFORMED[damage])
    assert code == "malformed"
    assert 0 < len(message) <= 256
    assert message.isprintable()


@pytest.mark.parametrize(
    ("version", "shown"),
    [
        (2, "2"), (0, "0"), (-1, "-1"), (True, "bool"), (1.0, "float"), ("1", "1"), (None, "NoneType"), ([[1]], "list"),
        ({"v": 1}, "dict"), (10**1000, "beyond all bounds"), ("2\x1b[2J\n" * 9, "2 [2J 2 [2"),
    ],
)  # fmt: skip
def test_another_version_is_told_apart(version: object, shown: str) -> None:
    """A document of another version is refused as such, whatever else is wrong with it, and nothing of it gets into a log raw."""
    assert why(report(v=version)) == ("version", f"schema version {shown}, this program speaks 1")
    assert why(json.dumps({"v": version, "strange": 1}).encode())[0] == "version"


def test_deeply_nested_version_is_refused_in_few_words() -> None:
    """A version nested as deep as the parser lets pass breaks nothing while the message is made."""
    code, message = why(report().replace(b'"v": 1', b'"v": ' + b"[" * 900 + b"]" * 900))
    assert (code, message) == ("version", "schema version list, this program speaks 1")


def test_what_is_above_the_bound_is_not_looked_at() -> None:
    """One byte above the bound is oversize for every decoder; the bound itself is not."""
    blanks = b" " * (MAX_BYTES - len(report()))
    assert decode_report(report() + blanks).report.seq == 4711
    for decode in (decode_report, decode_status, decode_ack):
        with pytest.raises(errors.OversizeError, match="1048577 bytes are above the bound of 1048576"):
            decode(report() + blanks + b" ")


def test_million_rows_are_refused() -> None:
    """A table with as many rows as fit into the bound is refused by its length."""
    rows = b",".join([b'""'] * 340_000)
    code, _ = why(report(tables={"device": {"key": ["@"]}}).replace(b'"@"', rows))
    assert code == "invalid"


@pytest.mark.parametrize(
    ("tables", "kept", "refused"),
    [
        ({"alien": {"key": ["x"]}}, {}, ("alien",)),
        ({"alien": 5}, {}, ("alien",)),
        ({"interface": {"key": ["w"], "nope": [1], "oper_up": [1]}}, {"interface": {"key": ["w"], "oper_up": [1]}}, ("interface.nope",)),
        ({"interface": {"key": ["w"], "nope": None}}, {"interface": {"key": ["w"]}}, ("interface.nope",)),
        ({"interface": {"key": ["w"], "a\nb": [1]}}, {"interface": {"key": ["w"]}}, ("interface.a b",)),
        ({"interface": {"key": ["w"], "x" * 200: [1]}}, {"interface": {"key": ["w"]}}, ("interface." + "x" * 50,)),
        ({f"k{n}": {} for n in range(9000)}, {}, tuple(f"k{n}" for n in range(16))),
    ],
)  # fmt: skip
def test_what_the_catalogue_does_not_have_is_left_out_and_named(
    tables: dict[str, Any], kept: dict[str, Any], refused: tuple[str, ...]
) -> None:
    """Unknown kinds and columns are left out and named, shortened, cleaned and at most 16; the rest of the report is kept."""
    decoded = decode_report(report(tables=tables))
    assert decoded.report.tables == kept
    assert decoded.refused == refused


def test_what_may_be_left_out() -> None:
    """Version (the topic has it), device, tables and events may be missing; null stands for 'not known'."""
    short = {name: BARE[name] for name in ("agent", "stream", "seq", "at", "boot", "mono")}
    decoded = decode_report(json.dumps(short).encode()).report
    assert (decoded.v, decoded.device, decoded.tables, decoded.events) == (1, "", {}, [])
    cells = decode_report(interface(oper_up=[None], receive_bytes_total=[None], alias=[None])).report
    assert cells.tables["interface"] == {
        "key": ["w"],
        "oper_up": [None],
        "receive_bytes_total": [None],
        "alias": [None],
    }
    assert list(cells.samples()) == []


def test_a_name_given_twice_counts_as_the_last() -> None:
    """Of a JSON name given twice (RFC 8259 leaves it open) the last one counts, for the check and for the value alike."""
    twice = report().replace(b'"seq": 4711', b'"seq": "bad", "seq": 2')
    assert why(twice)[0] == "invalid"
    assert decode_report(twice.replace(b'"bad"', b"1")).report.seq == 2


def test_bounds_themselves_are_let_pass() -> None:
    """The largest counter, the longest key and text, and the most rows are valid."""
    assert decode_report(literal(str(2**64 - 1), "receive_bytes_total")).report.tables["interface"][
        "receive_bytes_total"
    ] == [2**64 - 1]
    assert decode_report(report(tables={"interface": {"key": ["ạ" * 128], "alias": ["ế" * 256]}})).refused == ()
    assert (
        decode_report(report(tables={"interface": {"key": [str(n) for n in range(MAX_ROWS)]}})).report.rows()
        == MAX_ROWS
    )


STATUS = {"v": 1, "agent": "a", "online": True}
ACK = {"v": 1, "collector": "a", "stream": "0198f3c2", "upto": 1}


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"v": 2}, "version", "schema version 2, this program speaks 1"),
        ({"online": 1}, "invalid", "Expected `bool`, got `int` - at `$.online`"),
        ({"extra": 1}, "invalid", "Object contains unknown field `extra`"),
        ({"lost": [[1, 2, 3]]}, "invalid", "Expected `array` of length 2 - at `$.lost[0]`"),
        ({"lost": [[1, 2]] * (MAX_RANGES + 1)}, "invalid", f"Expected `array` of length <= {MAX_RANGES} - at `$.lost`"),
        ({"version": "\x1b"}, "invalid", None),
        ({"oldest": 0}, "invalid", "Expected `int` >= 1 - at `$.oldest`"),
    ],
)
def test_status_that_is_refused(change: dict[str, Any], code: str, message: str | None) -> None:
    """A status is checked like a report."""
    with pytest.raises(REFUSED) as caught:
        decode_status(json.dumps({**STATUS, **change}).encode())
    assert caught.value.code == code
    assert message is None or str(caught.value) == message


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"v": 2}, "version"),
        ({"upto": -1}, "invalid"),
        ({"stream": "XYZ"}, "invalid"),
        ({"missing": [[0, 1]]}, "invalid"),
    ],
)
def test_acknowledgement_that_is_refused(change: dict[str, Any], code: str) -> None:
    """An acknowledgement is checked like a report."""
    with pytest.raises(REFUSED) as caught:
        decode_ack(json.dumps({**ACK, **change}).encode())
    assert caught.value.code == code


@pytest.mark.parametrize("decode", [decode_status, decode_ack])
def test_small_messages_that_are_no_documents(decode: Any) -> None:
    """Garbage in place of a status or an acknowledgement is malformed."""
    for payload in (b"", b"\xff", b"[" * 100_000, ZSTD_MAGIC):
        with pytest.raises(errors.MalformedError):
            decode(payload)


def test_compressed_report_is_unpacked_by_the_given_function() -> None:
    """A payload with zstd's magic goes through the decompressor, which is told the bound; plain JSON does not."""
    asked: list[tuple[bytes, int]] = []

    def decompress(frame: bytes, most: int) -> bytes:
        asked.append((frame, most))
        return report()

    frame = ZSTD_MAGIC + b"anything"
    assert decode_report(frame, decompress).report.seq == 4711
    assert decode_report(report(), decompress).report.seq == 4711
    assert asked == [(frame, MAX_BYTES)]


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        (ValueError("frame is damaged"), "malformed", "frame is damaged"),
        (ValueError(), "malformed", "ValueError"),
        (OverflowError(), "oversize", "decompresses to more than 1048576 bytes"),
        (b" " * (MAX_BYTES + 1), "oversize", "decompresses to more than 1048576 bytes"),
        (ZSTD_MAGIC + b"again", "malformed", None),
    ],
)
def test_bombs_and_damaged_frames(answer: Exception | bytes, code: str, message: str | None) -> None:
    """A damaged frame is malformed and a bomb is oversize, also when the decompressor does not keep the bound."""

    def decompress(_: bytes, __: int) -> bytes:
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(REFUSED) as caught:
        decode_report(ZSTD_MAGIC, decompress)
    assert caught.value.code == code
    assert message is None or str(caught.value) == message


def test_encoding_what_is_too_large_is_refused() -> None:
    """A report above the bound cannot be made."""
    big = decode_report(report()).report
    big.tables = {"interface": {"key": [f"{n:>128}" for n in range(9000)]}}
    with pytest.raises(errors.OversizeError, match=r"a message of .* bytes is above the bound of 1048576"):
        codec.encode(big)


def test_codes_are_the_closed_set() -> None:
    """Every error has one of the codes that counters start with."""
    kinds = errors.WireError.__subclasses__()
    assert sorted(kind.code for kind in kinds) == sorted(errors.CODES)
