"""What others tell that bears on a channel: the channel that carries it, its site, its group, the broker, what is planned.

Invariants:

* A cut is told of everything behind it, however far: the channel that is cut is looked for up the chain, through those that nobody
  knows anything of, until one is seen to work.
* Only channels that are really down, and were not meant to be, take redundancy from their group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tslcd_collector.inventory.classes import STANDARD
from tslcd_collector.judge import ALONE, Lost, Surroundings, in_service, is_silent
from tslcd_collector.maintenance import Windows
from tslcd_collector.verdict import Reason, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tslcd_collector.board import Board
    from tslcd_collector.inventory import Channel, Inventory
    from tslcd_collector.judge import AgentReading
    from tslcd_collector.maintenance import Occurrence
    from tslcd_collector.verdict import Verdict


class Carrier(NamedTuple):
    """The channel up the chain that tells about this one, and its state as far as it bears on it. ``lost``: its last words were a cut."""

    channel: str = ""
    state: State | None = None
    lost: bool = False


class Neighbours:
    """Looks around for the judge, over a board and what was measured of the other channels."""

    def __init__(
        self, board: Board, inventory: Inventory, measured: Mapping[str, Verdict], back: dict[str, float]
    ) -> None:
        """``measured`` has what each channel is by itself, without group and plans; it changes as they are judged.

        ``back`` has when channels that were down came back, UTC seconds; what comes back from now on is added to it.
        """
        self.windows = Windows(inventory.windows)
        self._board = board
        self._inventory = inventory
        self._measured = measured
        self._by_site: dict[str, list[str]] = {}
        for agent, site in inventory.agents.items():
            self._by_site.setdefault(site.id, []).append(agent)
        self._back = back
        #: Sites with an agent that is heard by its first way, and by a spare one, at the time of the last judging.
        self._ways: tuple[float, set[str], set[str]] | None = None

    def around(self, channel: Channel, agent: AgentReading | None, now: float) -> Surroundings:
        """Gather what bears on what a channel is by itself; only for channels it can make a difference to."""
        binding = channel.binding
        if binding is None or agent is None:
            return ALONE
        silent = is_silent(agent, channel.channel_class, now)
        if not (silent or agent.spare or channel.upstream is not None):
            return ALONE
        carrier = self.carrier(channel)
        if silent:
            site = self._site_of(binding.agent)
            together = self._by_site.get(site, [binding.agent])
            return Surroundings(
                broker=not self._unheard(agent, channel),
                upstream=carrier.state,
                carrier=carrier.channel,
                carrier_lost=carrier.lost,
                battery=any(self._board.battery(one, agent.last_heard) for one in together),
                neighbour_spare=any(self._spare(one, channel, now) for one in together if one != binding.agent),
            )
        sole = len(self._inventory.channels_by_agent.get(binding.agent, ())) == 1
        return Surroundings(
            upstream=carrier.state,
            carrier=carrier.channel,
            carrier_back=self._back.get(channel.upstream or ""),
            sole=sole,
            others_get_through=not sole or self._others_get_through(self._site_of(binding.agent), now),
        )

    def note(self, channel: Channel, before: Verdict | None, verdict: Verdict, now: float) -> None:
        """Remember that a channel which carries others is back."""
        if before is not None and before.state is State.DOWN and verdict.state is not State.DOWN:
            self._back[channel.id] = now

    def carrier(self, channel: Channel) -> Carrier:
        """Look up the chain for the channel that is cut."""
        lost = ""
        at, direct = channel.upstream, Carrier()
        while at is not None:
            verdict = self._measured.get(at)
            if verdict is None:
                break
            if at == channel.upstream:
                direct = Carrier(at, verdict.state)
            if verdict.state is State.DOWN and verdict.reason is not Reason.UPSTREAM_DOWN:
                return Carrier(at, State.DOWN)
            if verdict.state not in {State.DOWN, State.UNKNOWN}:
                break
            if verdict.reason is Reason.UPLINK_LOST and not lost:
                lost = at
            at = self._inventory.channels[at].upstream
        return Carrier(lost, State.UNKNOWN, lost=True) if lost else direct

    def lost(self, channel: Channel, now: float) -> Lost | None:
        """Return the channel that stands in for this one and is down, or None."""
        if channel.redundancy_group is None:
            return None
        for other in self._inventory.groups[channel.redundancy_group]:
            verdict = self._measured.get(other.id)
            if other.id != channel.id and verdict is not None and verdict.state is State.DOWN:
                meant = not in_service(other, now) or self.windows.active(other, now) is not None
                if not meant and self._carrier_window(other, verdict, now) is None:
                    return Lost(other.id, verdict.party)
        return None

    def planned(self, channel: Channel, verdict: Verdict, now: float) -> Surroundings:
        """Return what is planned for a channel that is ``verdict`` by itself, or for the one it is cut with."""
        if not self.windows.live(now):
            return ALONE
        window = self.windows.active(channel, now)
        carrier = self._carrier_window(channel, verdict, now) if window is None else None
        if window is None and carrier is None:
            return ALONE
        return Surroundings(window=window, carrier=self.carrier(channel).channel, carrier_window=carrier)

    def _carrier_window(self, channel: Channel, verdict: Verdict, now: float) -> Occurrence | None:
        if verdict.reason is not Reason.UPSTREAM_DOWN or not self.windows.live(now):
            return None
        carrier = self._inventory.channels.get(self.carrier(channel).channel)
        return self.windows.active(carrier, now) if carrier is not None else None

    def _unheard(self, agent: AgentReading, channel: Channel) -> bool:
        """Whether an agent is silent since the collector itself lost the broker, and was well before."""
        lost = self._board.broker_lost
        return lost is not None and agent.online and agent.last_heard >= lost - channel.channel_class.stale_after

    def _site_of(self, agent: str) -> str:
        site = self._inventory.agents.get(agent)
        return site.id if site is not None else ""

    def _spare(self, agent: str, channel: Channel, now: float) -> bool:
        known = self._board.agent(agent)
        return known is not None and known.spare and not is_silent(known, channel.channel_class, now)

    def _others_get_through(self, site: str, now: float) -> bool:
        """Whether an agent elsewhere is heard by its first way, or there is nobody elsewhere to tell."""
        if self._ways is None or self._ways[0] != now:
            first: set[str] = set()
            spare: set[str] = set()
            for agent, where in self._inventory.agents.items():
                known = self._board.agent(agent)
                if known is not None and not is_silent(known, STANDARD, now):
                    (spare if known.spare else first).add(where.id)
            self._ways = (now, first, spare)
        _, first, spare = self._ways
        return len(first) > (site in first) or len(spare) <= (site in spare)
