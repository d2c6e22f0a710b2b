"""The body of a remote write request: as the protocol has it, and as other programs read it."""

from __future__ import annotations

import struct
from typing import Final

import cramjam
from hypothesis import given
from hypothesis import strategies as st

from tslcd_collector.backfill.points import Point, labels_of
from tslcd_collector.backfill.remote_write import HEADERS, decode, encode

LABELS: Final = labels_of("up", {"job": "j"})


def _field(number: int, body: bytes) -> bytes:
    return bytes([number << 3 | 2, len(body)]) + body


def test_the_message_is_what_the_protocol_says_byte_by_byte() -> None:
    """Written by hand from prompb/remote.proto and types.proto: field numbers, wire types, order of labels."""
    label_name = _field(1, _field(1, b"__name__") + _field(2, b"up"))
    label_job = _field(1, _field(1, b"job") + _field(2, b"j"))
    sample = _field(2, b"\x09" + struct.pack("<d", 1.5) + b"\x10\xe8\x07")  # value = 1.5, timestamp = 1000
    message = _field(1, label_name + label_job + sample)
    assert bytes(cramjam.snappy.decompress_raw(encode([Point(LABELS, 1000, 1.5)]))) == message


def test_compression_is_a_block_and_not_a_stream() -> None:
    """Snappy's block format begins with the length, as a varint; the framed format would begin with 0xff."""
    body = encode([Point(LABELS, at, 1.0) for at in range(100)])
    plain = bytes(cramjam.snappy.decompress_raw(body))
    assert len(plain) < 128 * 128
    assert body[0] == len(plain) & 0x7F | 0x80
    assert body[1] == len(plain) >> 7


def test_headers_are_those_of_version_1() -> None:
    """Remote write 1.0, section Protocol."""
    assert HEADERS["Content-Encoding"] == "snappy"
    assert HEADERS["Content-Type"] == "application/x-protobuf"
    assert HEADERS["X-Prometheus-Remote-Write-Version"] == "0.1.0"


@given(
    st.lists(
        st.builds(
            Point,
            st.sampled_from([LABELS, labels_of("Vĩnh", {"site": "Xã\U0001f600", "z": "1"})]),
            st.integers(0, 2**53),
            st.floats(allow_nan=False),
        )
    )
)
def test_what_is_encoded_is_read_back(points: list[Point]) -> None:
    """Every series once, its samples in order of time, each time once with the last value."""
    wanted: dict[tuple[tuple[str, str], ...], dict[int, float]] = {}
    for labels, at, value in points:
        wanted.setdefault(labels, {})[at] = value
    assert [(tuple(labels.items()), samples) for labels, samples in decode(encode(points))] == [
        (labels, sorted(samples.items())) for labels, samples in wanted.items()
    ]
