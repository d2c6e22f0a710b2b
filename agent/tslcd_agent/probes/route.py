"""Routes as they were seen, and whether one is another than before. Pure.

Invariants:

* A router that was silent in a round is no change: what was known of that hop stays known.
* A change is told once: the new route is then the known one.
* Addresses stay in the agent's memory. What leaves it is a count, and in the log a digest (:func:`identity`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TypeAlias

#: Addresses of the hops in their order, the target last; empty where nobody answered.
Route: TypeAlias = tuple[str, ...]


def differs(known: Route, seen: Route) -> bool:
    """Whether two routes cannot be the same: another length, or another router at the same hop."""
    return len(known) != len(seen) or any(a != b for a, b in zip(known, seen, strict=True) if a and b)


def merged(known: Route, seen: Route) -> Route:
    """Fill silent hops of ``seen`` with what is known of them; both are the same route."""
    return tuple(new or old for old, new in zip(known, seen, strict=True))


def identity(route: Route) -> str:
    """Return 12 hexadecimal digits that stand for a route."""
    return hashlib.blake2s(" ".join(route).encode(), digest_size=6).hexdigest()


@dataclass(slots=True)
class _Known:
    route: Route
    changes: int = 0


class RouteMemory:
    """The last known route of each probe, and how often it changed since the start."""

    def __init__(self) -> None:
        """Know nothing."""
        self._known: dict[str, _Known] = {}

    def note(self, probe: str, seen: Route) -> Route | None:
        """Take a route that reached the target; return the one it differs from, None when it does not differ."""
        known = self._known.get(probe)
        if known is None:
            self._known[probe] = _Known(seen)
            return None
        if not differs(known.route, seen):
            known.route = merged(known.route, seen)
            return None
        before, known.route = known.route, seen
        known.changes += 1
        return before

    def changes(self, probe: str) -> int:
        """Return how often the route changed."""
        known = self._known.get(probe)
        return known.changes if known else 0

    def length(self, probe: str) -> int:
        """Return how many hops the known route has, 0 when none is known."""
        known = self._known.get(probe)
        return len(known.route) if known else 0
