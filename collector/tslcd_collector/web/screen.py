"""What stands on the wall: sites in an order that never changes, their channels, and who must act on what. Pure.

Invariants:

* A site keeps its place whatever its channels do; what needs somebody stands in a list of its own, the worst first, then the oldest.
* A :class:`Row` is all of a channel that changes on the wall. What is measured is not part of it, so that a quiet network
  changes nothing.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from tslcd_collector.inventory.units import territory
from tslcd_collector.verdict import REASON_WORDS, Party, Reason, State, Words
from tslcd_collector.web.names import sort_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tslcd_collector.inventory import Channel, Inventory, Site
    from tslcd_collector.supervision import Standing

#: The worst first; the order of totals and of the list of what needs somebody.
RANKS: Final = {State.DOWN: 0, State.DEGRADED: 1, State.UNKNOWN: 2, State.MAINTENANCE: 3, State.UP: 4}
#: Types of units as signs on a tile have them.
_SHORT: Final = {"Phường": "P.", "Xã": "X.", "Đặc khu": "ĐK."}


class Row(NamedTuple):
    """What a channel is now. ``since``: UTC seconds since when the state holds; ``mark``: who has acknowledged it, or empty.

    ``noted``: the number of its newest comment since the program started, 0 without one, so that an open page hears of it.
    """

    channel: str
    state: str
    reason: str
    party: str
    since: float
    mark: str = ""
    noted: int = 0


@dataclass(frozen=True, slots=True)
class Tile:
    """A site on the wall with its channels in the order of the inventory; ``type`` and ``name`` are its label."""

    site: Site
    type: str
    name: str
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Need:
    """Channels of one site that share a verdict which somebody must act on; ``since`` is the oldest."""

    tile: Tile
    row: Row
    channels: tuple[Channel, ...]
    since: float


class Plan:
    """What the inventory decides of the wall. ``version`` differs whenever anything of it does."""

    def __init__(self, inventory: Inventory) -> None:
        """Lay out the tiles."""
        self.inventory = inventory
        grouped: defaultdict[str, list[Channel]] = defaultdict(list)
        for channel in inventory.channels.values():
            grouped[channel.site.id].append(channel)
        units = Counter(inventory.sites[site].unit for site in grouped)
        tiles = [
            _tile(inventory.sites[site], tuple(channels), alone=units[inventory.sites[site].unit] == 1)
            for site, channels in grouped.items()
        ]
        tiles.sort(key=lambda one: (one.site.kind != "provincial-agency", sort_key(one.name), one.type, one.site.id))
        self.tiles = tuple(tiles)
        self.operators = tuple(sorted({channel.operator for channel in inventory.channels.values()}, key=sort_key))
        written = [
            (one.site.id, one.type, one.name, [(c.id, c.name, c.operator) for c in one.channels]) for one in tiles
        ]
        self.version = hashlib.sha256(repr((inventory.province, written)).encode()).hexdigest()[:12]


def rows(standing: Mapping[str, Standing], marks: Mapping[str, str], noted: Mapping[str, int]) -> dict[str, Row]:
    """Return what every channel is. ``marks``: who has acknowledged a channel, ``noted``: its newest comment, by its id."""
    return {
        channel: Row(
            channel,
            one.verdict.state.value,
            one.verdict.reason.value,
            one.verdict.party.value,
            round(one.state_since, 1),
            marks.get(channel, ""),
            noted.get(channel, 0),
        )
        for channel, one in standing.items()
    }


def needs(plan: Plan, now: Mapping[str, Row]) -> list[Need]:
    """Return what somebody must act on, the worst first, of one state the oldest first."""
    found = []
    for tile in plan.tiles:
        alike: defaultdict[tuple[str, str, str, str], list[tuple[Channel, Row]]] = defaultdict(list)
        for channel in tile.channels:
            row = now.get(channel.id)
            if row is not None and row.party != Party.NONE.value:
                alike[row.state, row.reason, row.party, row.mark].append((channel, row))
        found += [
            Need(tile, group[0][1], tuple(channel for channel, _ in group), min(row.since for _, row in group))
            for group in alike.values()
        ]
    return sorted(found, key=lambda one: (RANKS[State(one.row.state)], one.since))


def worst(states: Iterable[str]) -> str:
    """Return the worst of some states; ``up`` of none."""
    return min(states, key=lambda state: RANKS[State(state)], default=State.UP.value)


def totals(now: Mapping[str, Row]) -> dict[str, int]:
    """Return how many channels are in every state, the worst state first."""
    counts = Counter(row.state for row in now.values())
    return {state.value: counts[state.value] for state in RANKS}


def coverage(now: Mapping[str, Row]) -> float | None:
    """Return the share of channels of which anything is known, None without channels."""
    return 1 - totals(now)[State.UNKNOWN.value] / len(now) if now else None


def short(reason: Reason) -> Words:
    """Return the first half of a reason's sentence, which tells what is; the second tells what to do."""
    return Words(*(text.partition(": ")[0].removesuffix(".") for text in REASON_WORDS[reason]))


def _tile(site: Site, channels: tuple[Channel, ...], *, alone: bool) -> Tile:
    unit = territory().communes.get(site.unit)
    if unit is None or site.kind == "provincial-agency":
        return Tile(site, "", site.name, channels)
    name = unit.name if alone else f"{unit.name}, {site.name}"
    return Tile(site, _SHORT.get(unit.type, unit.type), name, channels)
