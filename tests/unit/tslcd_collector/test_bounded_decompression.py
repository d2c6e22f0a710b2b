"""zstd frames: one whole frame within the bound, or an error; never more memory than that."""

from __future__ import annotations

import contextlib
import random
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tslcd_collector.decompression import decompress

LIMIT = 1_048_576


def _sizeless(plain: bytes) -> bytes:
    stream = zstandard.ZstdCompressor().compressobj()
    return stream.compress(plain) + stream.flush()


@pytest.mark.parametrize("pack", [zstandard.ZstdCompressor().compress, _sizeless])
def test_frames_up_to_the_bound_and_not_above(pack: object) -> None:
    """Exactly the bound is good, one byte more is too much, with and without a size in the header."""
    assert callable(pack)
    assert decompress(pack(bytes(LIMIT)), LIMIT) == bytes(LIMIT)
    with pytest.raises(OverflowError):
        decompress(pack(bytes(LIMIT + 1)), LIMIT)


def test_threads_do_not_spoil_each_other() -> None:
    """The ledger reads the past while the intake takes in: nothing whole looks damaged to either, which would refuse it."""
    plains = [random.Random(number).randbytes(20_000) * 8 for number in range(4)]  # noqa: S311 - no secret
    frames = [zstandard.ZstdCompressor().compress(plain) for plain in plains]

    def work(number: int) -> int:
        return sum(decompress(frames[number], LIMIT) == plains[number] for _ in range(400))

    with ThreadPoolExecutor(len(frames)) as pool:
        assert list(pool.map(work, range(len(frames)))) == [400] * len(frames)


@pytest.mark.parametrize("honest", [True, False])
def test_a_bomb_takes_no_memory(honest: bool) -> None:
    """500 MB in a few kilobytes are refused within a few megabytes."""
    plain = bytes(500_000_000)
    bomb = zstandard.ZstdCompressor().compress(plain) if honest else _sizeless(plain)
    del plain
    tracemalloc.start()
    try:
        with pytest.raises(OverflowError):
            decompress(bomb, LIMIT)
        assert tracemalloc.get_traced_memory()[1] < 8 * LIMIT
    finally:
        tracemalloc.stop()


def test_a_header_that_lies_is_refused() -> None:
    """A frame that says 10 bytes and has a million is damaged."""
    frame = bytearray(zstandard.ZstdCompressor().compress(bytes(1_000_000)))
    assert frame[4] == 0xA0  # single segment, four bytes of size
    frame[5:9] = (10).to_bytes(4, "little")
    with pytest.raises(ValueError, match="buffer"):
        decompress(bytes(frame), LIMIT)


@pytest.mark.parametrize("pack", [zstandard.ZstdCompressor().compress, _sizeless])
def test_cut_short_doubled_or_followed_is_refused(pack: object) -> None:
    """Exactly one frame, whole."""
    assert callable(pack)
    frame = pack(b"a report" * 50)
    for damaged in (frame[:-3], frame + b"x", frame + frame, frame[:5], frame + bytes(200)):
        with pytest.raises(ValueError, match=r".+"):
            decompress(damaged, LIMIT)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_one_of_two_errors(noise: bytes) -> None:
    """Nothing else ever comes out."""
    with contextlib.suppress(ValueError, OverflowError):
        assert len(decompress(b"\x28\xb5\x2f\xfd" + noise, 1000)) <= 1000
