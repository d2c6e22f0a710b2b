"""zstd frames to bytes, bounded (RFC 8878). The only importer of zstandard here."""

from __future__ import annotations

import threading
from typing import Final

import zstandard

#: Largest window that a frame may ask for: a decompressor takes this much memory before the first byte.
MAX_WINDOW: Final = 8 * 2**20
#: A block of 4 bytes may stand for 128 KiB, so a piece of this many bytes becomes 2 MiB at most.
_PIECE: Final = 64


class _OfThread(threading.local):
    """A decompressor for each thread: what one is doing would be taken by another for damage, and a report refused."""

    def __init__(self) -> None:
        self.decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)


_own = _OfThread()


def decompress(frame: bytes, limit: int) -> bytes:
    """Decompress exactly one frame to at most ``limit`` bytes. For any thread.

    Raises OverflowError when it would be more (also a bomb that does not tell its size), ValueError when it is damaged,
    cut short, or followed by anything.
    """
    try:
        size = zstandard.frame_content_size(frame)
        if size > limit:
            raise OverflowError(size)
        reader = _own.decompressor.decompressobj(read_across_frames=False)
        plain = b""
        if size >= 0:
            plain = reader.decompress(frame)
        else:
            # without a size in its header, a frame is opened in small pieces
            parts = []
            total = 0
            for start in range(0, len(frame), _PIECE):
                parts.append(reader.decompress(frame[start : start + _PIECE]))
                total += len(parts[-1])
                if total > limit:
                    raise OverflowError(total)
                if reader.eof:
                    if start + _PIECE < len(frame):
                        raise ValueError("bytes after the frame")
                    break
            plain = b"".join(parts)
        if not reader.eof or reader.unused_data:
            raise ValueError("frame cut short, or bytes after it")
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from None
    if len(plain) > limit:
        raise OverflowError(len(plain))
    return plain
