"""What is known of every link, whoever told it: one memory for traps, netlink, fast polls and rounds.

Invariants:

* One change is one event, however many sources tell about it and in whatever order: who tells what is known already tells
  nothing, and who tells what was true earlier than what is known is not believed.
* Order is by CLOCK_BOOTTIME, never by the wall clock, which may be set back.
* What a poll finds first is no change, it is where things begin; a trap is the news of a change by its nature.
* Devices answer out of caches (Net-SNMP's interface table may be seconds old): a poll that contradicts a trap or netlink
  within HOLD seconds after it is not believed, and the table of such a round is put right (:meth:`LinkStates.held`).
* Memory is bounded: MAX_ROWS links of a device, devices are those of the settings.

Pure: times are arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from tslcd_wire.report import MAX_ROWS, Event

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Seconds for which a notification counts more than a poll: Net-SNMP reads its interfaces anew every 3 s, and a second to spare.
HOLD: Final = 4.0

Source: TypeAlias = Literal["trap", "netlink", "poll"]


class LinkState(NamedTuple):
    """The last known state of a link: since when (``at``: wall time; ``mono``: CLOCK_BOOTTIME; both when it was last told)."""

    up: bool
    at: float
    mono: float
    source: Source


class LinkStates:
    """The memory of one agent. Rounds, fast polls, traps and netlink all ask it whether what they heard is new."""

    def __init__(self) -> None:
        """Know nothing."""
        self._links: dict[str, dict[str, LinkState]] = {}
        #: Events made, by source, since the start.
        self.events: dict[Source, int] = {"trap": 0, "netlink": 0, "poll": 0}

    def changed(self, device: str, key: str, up: bool, at: float, source: Source, *, mono: float) -> Event | None:
        """Take note that interface ``key`` of ``device`` was ``up`` at ``mono``; return the event if that is news.

        ``at``: wall time, UTC seconds, of the same moment. Of a round it is the moment when it began to ask.
        """
        links = self._links.setdefault(device, {})
        known = links.get(key)
        if known is not None:
            if mono < known.mono:
                return None
            if up != known.up and source == "poll" and _holds(known, mono):
                return None
            if up == known.up:
                # who told it keeps its hold: that a poll agrees does not make its cache fresh
                if source == known.source:
                    links[key] = LinkState(up, at, mono, source)
                return None
        elif len(links) >= MAX_ROWS:
            del links[min(links, key=lambda name: links[name].mono)]
        links[key] = LinkState(up, at, mono, source)
        if known is None and source != "trap":
            return None
        self.events[source] += 1
        return Event(kind="link", key=key, up=up, at=at, source=source)

    def known(self, device: str) -> Mapping[str, LinkState]:
        """Return what is known of a device's links, by interface key."""
        return self._links.get(device, {})

    def held(self, device: str, mono: float) -> dict[str, bool]:
        """Return the links whose state a notification told so shortly before ``mono`` that a poll does not count.

        A table of a round that began at ``mono`` has to say these in ``oper_up``, whatever the device answered.
        """
        return {
            key: link.up
            for key, link in self.known(device).items()
            if mono < link.mono or (link.source != "poll" and _holds(link, mono))
        }

    def activity(self) -> dict[str, int]:
        """Return the count that the agent tells of itself, by column of kind ``agent``."""
        return {"link_events_total": sum(self.events.values())}


def _holds(link: LinkState, mono: float) -> bool:
    return link.source != "poll" and mono - link.mono < HOLD
