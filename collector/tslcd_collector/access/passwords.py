"""Passwords: NFC, bounded, hashed with argon2id in threads of their own.

Invariants:

* A password is hashed whoever it is for: a name that does not exist costs the same time as one that does.
* The event loop never waits for a hash; strangers wait in a queue of their own, which is bounded, so that a flood of guesses never
  keeps people out whose browser logged in before.
* Hashes made with weaker parameters than these are made anew at the next login.

Parameters: 19 MiB, 3 passes, one lane: more work than OWASP's least, and no more memory, which is the collector's.
"""

from __future__ import annotations

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from argon2 import PasswordHasher

T = TypeVar("T")
MEMORY: Final = 19 * 1024
PASSES: Final = 3
SHORTEST: Final = 12
#: Bytes; what is longer is no password of a person, and is not hashed.
LONGEST: Final = 1024
#: mallopt(3): what is as large goes back to the system when it is freed.
_M_MMAP_THRESHOLD: Final = -3
_MAPPED: Final = 4 * 2**20
#: Strangers whose guess may wait for a thread.
MAX_WAITING: Final = 8


class BusyError(Exception):
    """Too many guesses at once."""


class Outcome(NamedTuple):
    """Whether a password was right, and the hash to keep in place of the old one when that is weaker than today's."""

    right: bool
    better: str | None = None


def normalised(password: str) -> str:
    """Return a password as it is hashed: keyboards compose Vietnamese letters in different ways."""
    return unicodedata.normalize("NFC", password)


def problem(password: str, name: str) -> tuple[str, str] | None:
    """Return why a new password is refused, in Vietnamese and in English; None for a good one."""
    password = normalised(password)
    if len(password) < SHORTEST:
        return f"Mật khẩu cần ít nhất {SHORTEST} ký tự.", f"A password has at least {SHORTEST} characters."
    if len(password.encode()) > LONGEST:
        return f"Mật khẩu dài tối đa {LONGEST} byte.", f"A password has at most {LONGEST} bytes."
    if len(set(password)) < SHORTEST // 2 or password.casefold() in {name.casefold() * n for n in range(1, 13)}:
        return "Mật khẩu quá dễ đoán.", "This password is too easy to guess."
    return None


def hashed(password: str) -> str:
    """Hash a password; takes tens of milliseconds."""
    return _hasher().hash(normalised(password))


def verify(kept: str, password: str) -> Outcome:
    """Compare a password with the hash kept, or with that of nobody when ``kept`` is empty; takes tens of milliseconds."""
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - where people log in

    password = normalised(password)
    if len(password.encode(errors="replace")) > LONGEST:
        return Outcome(right=False)
    try:
        _hasher().verify(kept or _nobody(), password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return Outcome(right=False)
    if not kept:
        return Outcome(right=False)
    return Outcome(right=True, better=_hasher().hash(password) if _hasher().check_needs_rehash(kept) else None)


class Guard:
    """Compares passwords without blocking: one thread for strangers, one for browsers that logged in before."""

    def __init__(self) -> None:
        """Start no thread before it is needed."""
        self._threads = {known: ThreadPoolExecutor(1, thread_name_prefix="argon2") for known in (False, True)}
        self._waiting = {False: 0, True: 0}

    async def verify(self, kept: str, password: str, *, known: bool) -> Outcome:
        """Compare a password. Raises BusyError when too many strangers wait."""
        return await self._run(lambda: verify(kept, password), known=known)

    async def hashed(self, password: str) -> str:
        """Hash a new password of somebody who is logged in. Raises BusyError."""
        return await self._run(lambda: hashed(password), known=True)

    def close(self) -> None:
        """End the threads."""
        for one in self._threads.values():
            one.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T], *, known: bool) -> T:
        if self._waiting[known] >= MAX_WAITING:
            raise BusyError
        self._waiting[known] += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads[known], work)
        future.add_done_callback(lambda _: self._done(known=known))
        return await asyncio.shield(future)

    def _done(self, *, known: bool) -> None:
        self._waiting[known] -= 1


@cache
def _hasher() -> PasswordHasher:
    import ctypes  # noqa: PLC0415 - where people log in

    from argon2 import PasswordHasher  # noqa: PLC0415

    # else glibc, from the second hash on, keeps the memory of one for each thread
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MAPPED)
    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY, parallelism=1)


@cache
def _nobody() -> str:
    """Return a hash that no password has."""
    import secrets  # noqa: PLC0415 - once

    return _hasher().hash(secrets.token_hex())
