"""A mount namespace for a block: what is mounted in it nobody else sees, nor keeps. Needs root."""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

#: mount_namespaces(7), mount(2): linux/sched.h, linux/mount.h.
_CLONE_NEWNS: Final = 0x00020000
_MS_REC: Final = 0x4000
_MS_PRIVATE: Final = 1 << 18
_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def own_mounts() -> Iterator[None]:
    """Let this thread, and what it starts, have mounts of their own.

    In the common namespace another program that makes a namespace of its own meanwhile, such as ``ip netns exec``, would take a copy
    of every mount with it, and a file system that was unmounted here would live on there. Raises OSError.
    """
    place, home = Path.cwd(), os.open("/proc/self/ns/mnt", os.O_RDONLY)
    try:
        _do(_libc.unshare(_CLONE_NEWNS))
        try:
            _do(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None))
            yield
        finally:
            _do(_libc.setns(home, _CLONE_NEWNS))
            os.chdir(place)
    finally:
        os.close(home)


def _do(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
