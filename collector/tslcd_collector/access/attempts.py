"""How often anybody may guess: pure, time is an argument.

Invariants:

* A guess is counted before it is judged, so guesses side by side are as many as guesses one after another.
* Names are counted as they were given: an account that does not exist is locked like one that does, and nobody learns which.
* Nobody can lock out everybody, nor anybody for good: a browser that logged in before has a count of its own, which guesses from
  elsewhere do not touch; a lock ends after LOCK at the latest; and what is counted is bounded.
* Who logs in takes back the guess of his own, and none of others': an account of one's own does not clear one's address.
"""

from __future__ import annotations

import ipaddress
from typing import Final

#: Guesses that are free, by what they are counted for.
FREE: Final = {"account": 5, "device": 5, "address": 20}
#: The first lock after them, which doubles with each further guess, and the longest; seconds.
FIRST: Final = 15.0
LOCK: Final = 900.0
#: A count without a guess for so long begins anew, seconds.
FORGET: Final = 1800.0
#: Counts that are kept; the one that rested longest goes first.
MAX_COUNTS: Final = 20_000

_Key = tuple[str, str]


class Attempts:
    """Counts of guesses, in memory: a restart of the collector forgives."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._counts: dict[_Key, tuple[int, float]] = {}

    def begin(self, account: str, source: str, device: bytes | None, now: float) -> float:
        """Count a guess at ``now`` (seconds of any steady clock); return how long to wait instead when it is not allowed.

        ``device``: the hash of what the browser was given when this account logged in with it; None for a stranger.
        """
        keys = _keys(account, source, device)
        wait = max(self._wait(key, now) for key in keys)
        if wait > 0:
            return wait
        for key in keys:
            count, last = self._counts.pop(key, (0, now))
            # what is counted last stands last
            self._counts[key] = (count + 1 if now - last < FORGET else 1, now)
        while len(self._counts) > MAX_COUNTS:
            del self._counts[next(iter(self._counts))]
        return 0.0

    def succeeded(self, account: str, source: str, device: bytes | None) -> None:
        """Take back the guess that was right; the account's own count begins anew."""
        for key in _keys(account, source, device):
            if key[0] == "address" and key in self._counts:
                count, last = self._counts[key]
                self._counts[key] = (count - 1, last)
            else:
                self._counts.pop(key, None)

    def _wait(self, key: _Key, now: float) -> float:
        count, last = self._counts.get(key, (0, now))
        over = count - FREE[key[0]]
        if over < 0 or now - last >= FORGET:
            return 0.0
        return max(0.0, last + min(LOCK, FIRST * 2.0 ** min(over, 10)) - now)


def network(source: str) -> str:
    """Return what one person has of addresses: one of IPv4, a /64 of IPv6."""
    try:
        found = ipaddress.ip_address(source.partition("%")[0])
    except ValueError:
        return source
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False).network_address)
    return str(found)


def _keys(account: str, source: str, device: bytes | None) -> list[_Key]:
    if device is not None:
        return [("device", device.hex())]
    return [("account", account), ("address", network(source))]
