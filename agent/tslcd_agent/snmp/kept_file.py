"""A small JSON file of what must outlive the agent.

Invariants:

* A file is replaced whole: written beside, synced, renamed, its directory synced. After a power cut there is the old one or
  the new one.
* What cannot be read is set aside as ``<name>.damaged`` and told.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")

#: A device has a few thousand interfaces at most.
_MAX_BYTES: Final = 8 * 2**20
_log = get_logger("kept")


def read(path: Path, kind: type[T], what: str) -> T | None:
    """Return the content (blocking); None when there is none that can be used. ``what`` it is, for the log."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        _log.error(f"{what} not read", file=path.name, reason=error.strerror or str(error))
        return None
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        _log.error(f"{what} damaged: set aside, begun anew", file=path.name, reason=str(error))
        with contextlib.suppress(OSError):
            path.replace(path.with_suffix(".damaged"))
        return None


def replace(path: Path, content: bytes) -> None:
    """Put ``content`` in place of what was there (blocking). Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
