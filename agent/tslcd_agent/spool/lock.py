"""One agent to a spool: a lock that ends with its process, however that ends (flock(2))."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

FILE: Final = "lock"
#: A disk that is full, read-only or failing never stops the agent: it goes on in memory, and without the lock.
_DISK_TROUBLE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})


class SpoolError(Exception):
    """The spool cannot be used at all. ``code``: busy (another agent has it), directory (it cannot be made or entered)."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the code beside the message."""
        super().__init__(message)
        self.code = code


class DirectoryLock:
    """The lock of a spool's directory, held from :meth:`acquire` to :meth:`release`."""

    def __init__(self, directory: Path) -> None:
        """Remember the directory."""
        self._directory = directory
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Make the directory when there is none (mode 0700), and lock it. Raises SpoolError.

        Returns False when the disk is in such trouble that nothing can be locked.
        """
        path = self._directory / FILE
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if error.errno in _DISK_TROUBLE:
                return False
            reason = (error.strerror or "cannot be used").lower()
            raise SpoolError("directory", f"spool directory {self._directory}: {reason}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise SpoolError(
                "busy", f"spool directory {self._directory} is in use by another agent (process {holder})"
            ) from None
        with contextlib.suppress(OSError):  # a full disk takes no process id; the lock holds all the same
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Unlock; nothing happens when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
