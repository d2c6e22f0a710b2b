"""What stands of every channel: its verdict, since when, and its series. The judge decides, this remembers.

Invariants:

* Every channel of the inventory has exactly one verdict from the moment :meth:`Supervision.judge` was first called, and its
  verdict series never leave the exposition.
* ``since`` changes only when state, reason or party do; ``state_since`` only when the state does. Both survive a restart, and so do the
  cuts that flapping is told by.
* Every change is handed out once, in order, as a row for the store.
* Channels are judged in the order in which they carry each other, and their groups after all of them: within one round nobody sees
  a channel blamed for the cut of another. What follows for others from a change is judged in the same round.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any

from tslcd_collector.channel_series import Traffic, static_chunks, totals_chunks, verdict_chunks
from tslcd_collector.equipment import Equipment
from tslcd_collector.judge import UNTOLD, Past, Readings, grouped, measured, past_of, planned
from tslcd_collector.maintenance import Windows
from tslcd_collector.neighbours import Neighbours
from tslcd_collector.store import VerdictRow
from tslcd_collector.verdict import REASON_WORDS, Party, Reason, State, Verdict, words_of
from tslcd_wire.catalogue import INTERFACE, PROBE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tslcd_collector.board import Board
    from tslcd_collector.exposition import Exposition
    from tslcd_collector.inventory import Channel, Inventory
    from tslcd_collector.maintenance import Window


@dataclass(frozen=True, slots=True)
class Standing:
    """A verdict and since when it holds: ``since`` all of it, ``state_since`` the state; UTC seconds. ``past``: for the next one."""

    verdict: Verdict
    since: float
    state_since: float
    past: Past = UNTOLD


class Supervision:
    """The channels of the inventory in use, and the devices beside them."""

    def __init__(self, board: Board, exposition: Exposition) -> None:
        """Start without channels."""
        self.standing: dict[str, Standing] = {}
        self.inventory: Inventory | None = None
        self.equipment = Equipment(board, exposition)
        self._board = board
        self._exposition = exposition
        self._static: dict[str, dict[str, bytes]] = {}
        self._shown: dict[str, tuple[str, State, Reason, Party, Traffic]] = {}
        #: What each channel is by itself, without its group and whatever is planned.
        self._measured: dict[str, Verdict] = {}
        #: Channels, each after the one that carries it, and the place of each.
        self._order: list[Channel] = []
        self._rank: dict[str, int] = {}
        self._neighbours: Neighbours | None = None
        #: When channels that were down came back, UTC seconds.
        self._back: dict[str, float] = {}
        #: Windows that were made while running.
        self._made: tuple[Window, ...] = ()

    @property
    def windows(self) -> Windows:
        """Every planned window: those of the inventory, and those made while running."""
        return self._neighbours.windows if self._neighbours is not None else Windows(self._made)

    def set_windows(self, windows: Iterable[Window]) -> None:
        """Take the windows that were made while running, in place of those before; the next judgement heeds them."""
        self._made = tuple(windows)
        if self._neighbours is not None and self.inventory is not None:
            self._neighbours.windows = Windows((*self.inventory.windows, *self._made))

    def set_inventory(self, inventory: Inventory) -> list[str]:
        """Supervise these channels from now on; return those that are gone."""
        gone = [channel for channel in self.standing if channel not in inventory.channels]
        for channel in gone:
            del self.standing[channel]
            self._back.pop(channel, None)
        for owner in self._static:
            self._exposition.drop(("channel", owner))
        if self.inventory is not None:
            self._exposition.drop(("province", self.inventory.province.code))
        province = inventory.province.code
        self._static = {channel.id: static_chunks(channel, province) for channel in inventory.channels.values()}
        self._shown = {}
        self.inventory = inventory
        self._measured = {}
        self._order = _carriers_first(inventory)
        self._rank = {channel.id: rank for rank, channel in enumerate(self._order)}
        self._neighbours = Neighbours(self._board, inventory, self._measured, self._back)
        self.set_windows(self._made)
        self.equipment.set_inventory(inventory)
        return gone

    def restore(self, rows: Iterable[VerdictRow], ended: Iterable[VerdictRow] = (), absence: float = 0.0) -> list[str]:
        """Take up the verdicts that stood when the collector stopped; return channels that are not known any more.

        ``ended``: verdicts before those, in order; ``absence``: seconds that the collector was away, which count for nobody.
        """
        gone = []
        told: dict[str, list[VerdictRow]] = {}
        for row in ended:
            told.setdefault(row.channel, []).append(row)
        for row in rows:
            channel = self.inventory.channels.get(row.channel) if self.inventory is not None else None
            if channel is None:
                gone.append(row.channel)
                continue
            verdict = _verdict(row)
            if verdict is None:
                continue  # written by a newer program; judged anew
            earlier = told.get(row.channel, ())
            if earlier and State.DOWN.value == earlier[-1].state and verdict.state in {State.UP, State.DEGRADED}:
                self._back[row.channel] = row.state_since + absence
            before = ((one, past.since + absence) for past in earlier if (one := _verdict(past)))
            past = past_of((*before, (verdict, row.since + absence)), channel.channel_class.flap_window)
            self.standing[row.channel] = Standing(verdict, row.since, row.state_since, past)
        return gone

    def judge(self, now: float, agents: set[str] | None = None) -> list[VerdictRow]:
        """Judge the channels of ``agents``, or all of them, at ``now`` (UTC seconds); return what changed."""
        self.equipment.judge(now, agents)
        if self.inventory is None or self._neighbours is None:
            return []
        if agents is None or len(self._measured) < len(self._order):
            for channel in self._order:
                self._measure_one(channel, now)
            touched = self._order
        else:
            touched = self._measure(agents, now)
        changes = [row for channel in touched if (row := self._tell(channel, now)) is not None]
        if changes or agents is None:
            self._write_totals()
        return changes

    def rows(self) -> list[VerdictRow]:
        """Return what stands of every channel."""
        return [_row(channel, standing) for channel, standing in self.standing.items()]

    def readings(self, channel: Channel, now: float) -> Readings:
        """Return everything that a channel's verdict follows from, what others tell included."""
        readings = self._readings(channel, now)
        around, verdict = readings.around, self._measured.get(channel.id)
        if self._neighbours is None or verdict is None:
            return readings
        plan = self._neighbours.planned(channel, verdict, now)
        lost = self._neighbours.lost(channel, now)
        carrier = plan.carrier or around.carrier
        around = replace(around, lost=lost, window=plan.window, carrier=carrier, carrier_window=plan.carrier_window)
        return replace(readings, around=around)

    def traffic(self, channel: Channel) -> Traffic:
        """Return what is measured of a channel now."""
        binding = channel.binding
        if binding is None:
            return Traffic(None, None, None, None, None)
        agent, value = binding.agent, self._board.value
        received = sent = loss = rtt = jitter = None
        if binding.device is not None and binding.interface is not None:
            received = value(agent, binding.device, INTERFACE.name, binding.interface, "receive_bytes_total")
            sent = value(agent, binding.device, INTERFACE.name, binding.interface, "transmit_bytes_total")
        if binding.probes:
            loss, rtt, jitter = (
                value(agent, "", PROBE.name, binding.probes[0], column)
                for column in ("loss_ratio", "rtt_seconds", "jitter_seconds")
            )
        return Traffic(received, sent, loss, rtt, jitter)

    def describe(self) -> Iterator[dict[str, Any]]:
        """Yield every channel as a JSON object, in the order of the inventory."""
        if self.inventory is None:
            return
        for channel in self.inventory.channels.values():
            standing = self.standing.get(channel.id)
            if standing is None:
                continue
            verdict, traffic = standing.verdict, self.traffic(channel)
            binding = channel.binding
            words = REASON_WORDS[verdict.reason]
            yield {
                "id": channel.id,
                "name": channel.name,
                "province": self.inventory.province.code,
                "site": channel.site.id,
                "site_name": channel.site.name,
                "agency_name": channel.agency.name,
                "operator": channel.operator,
                "circuit": channel.circuit,
                "access_level": channel.access_level,
                "class": channel.channel_class.id,
                "tenant": channel.tenant,
                "upstream": channel.upstream,
                "redundancy_group": channel.redundancy_group,
                "agent": binding.agent if binding else None,
                "device": binding.device if binding else None,
                "interface": binding.interface if binding else None,
                "probes": list(binding.probes) if binding else [],
                "state": verdict.state.value,
                "reason": verdict.reason.value,
                "party": verdict.party.value,
                "detail": verdict.detail._asdict(),
                "since": standing.since,
                "state_since": standing.state_since,
                "sentence": {"vi": words.vi, "en": words.en},
                "contracted": {
                    "receive_bits_per_second": channel.receive_bits_per_second,
                    "transmit_bits_per_second": channel.transmit_bits_per_second,
                },
                "traffic": {
                    "receive_bytes_total": traffic.receive_bytes,
                    "transmit_bytes_total": traffic.transmit_bytes,
                    "loss_ratio": traffic.loss_ratio,
                    "rtt_seconds": traffic.rtt_seconds,
                    "jitter_seconds": traffic.jitter_seconds,
                },
            }

    def _measure_one(self, channel: Channel, now: float) -> Verdict:
        """Judge a channel by itself."""
        before = self._measured.get(channel.id)
        verdict = self._measured[channel.id] = measured(channel, self._readings(channel, now), now)
        if self._neighbours is not None:
            self._neighbours.note(channel, before, verdict, now)
        return verdict

    def _measure(self, agents: set[str], now: float) -> list[Channel]:
        """Judge the channels of some agents by themselves, and all that follow from what changed; return those to be told."""
        inventory = self.inventory
        assert inventory is not None  # noqa: S101 - the caller looked
        wanted = {self._rank[one.id] for agent in agents for one in inventory.channels_by_agent.get(agent, ())}
        touched = set(wanted)
        heap = list(wanted)
        heapify(heap)
        while heap:
            channel = self._order[heappop(heap)]
            before = self._measured[channel.id]
            if before.agrees(self._measure_one(channel, now)):
                continue
            for below in inventory.below.get(channel.id, ()):
                rank = self._rank[below.id]
                if rank not in wanted:
                    wanted.add(rank)
                    touched.add(rank)
                    heappush(heap, rank)
            if channel.redundancy_group is not None:
                touched |= {self._rank[one.id] for one in inventory.groups[channel.redundancy_group]}
        return [self._order[rank] for rank in sorted(touched)]

    def _tell(self, channel: Channel, now: float) -> VerdictRow | None:
        """Put group and plans over what a channel is by itself; return the row when its verdict changed."""
        neighbours = self._neighbours
        assert neighbours is not None  # noqa: S101 - the caller looked
        base = self._measured[channel.id]
        plan = neighbours.planned(channel, base, now)
        verdict = planned(channel, grouped(base, neighbours.lost(channel, now)), plan, now)
        before = self.standing.get(channel.id)
        window = channel.channel_class.flap_window
        past = (before.past if before is not None else UNTOLD).after(verdict, now, window)
        changed = before is None or not before.verdict.agrees(verdict)
        if before is None or changed:
            same_state = before is not None and before.verdict.state is verdict.state
            state_since = before.state_since if before is not None and same_state else now
            standing = self.standing[channel.id] = Standing(verdict, now, state_since, past)
        elif before.verdict.detail != verdict.detail or before.past is not past:
            standing = self.standing[channel.id] = Standing(verdict, before.since, before.state_since, past)
        else:
            standing = before
        self._write(channel, standing)
        return _row(channel.id, standing) if changed else None

    def _readings(self, channel: Channel, now: float) -> Readings:
        """Return what a channel is judged by, by itself."""
        binding, board, neighbours = channel.binding, self._board, self._neighbours
        if binding is None or neighbours is None:
            return Readings()
        device = interface = traffic = None
        known: tuple[str, ...] = ()
        if binding.device is not None:
            key = (binding.agent, binding.device)
            device = board.device(key)
            if binding.interface is not None:
                interface = board.interface(key, binding.interface)
                known = board.interfaces(key) if interface is None else (binding.interface,)
                traffic = board.counted.traffic(key, binding.interface, channel.channel_class)
        probes = {probe: board.rounds(binding.agent, probe) for probe in binding.probes}
        agent = board.agent(binding.agent)
        around = neighbours.around(channel, agent, now)
        before = self.standing.get(channel.id)
        past = before.past if before is not None else UNTOLD
        return Readings(agent, device, interface, known, probes, around, traffic, past)

    def _write(self, channel: Channel, standing: Standing) -> None:
        """Put a channel's series on the exposition when one of them changed."""
        verdict, traffic = standing.verdict, self.traffic(channel)
        since = f"{standing.state_since:.3f}"
        shown = (since, verdict.state, verdict.reason, verdict.party, traffic)
        if self._shown.get(channel.id) == shown:
            return
        self._shown[channel.id] = shown
        province = self.inventory.province.code if self.inventory else ""
        chunks = verdict_chunks(channel, province, verdict, since, traffic)
        self._exposition.put(("channel", channel.id), chunks | self._static[channel.id])

    def _write_totals(self) -> None:
        if self.inventory is not None:
            province = self.inventory.province.code
            counts = Counter(standing.verdict.state.value for standing in self.standing.values())
            self._exposition.put(("province", province), totals_chunks(province, counts))


def _carriers_first(inventory: Inventory) -> list[Channel]:
    """Return the channels in the order of the inventory, but each after the one that carries it."""
    order: dict[str, Channel] = {}
    for channel in inventory.channels.values():
        chain = []
        at: Channel | None = channel
        while at is not None and at.id not in order:
            chain.append(at)
            at = inventory.channels[at.upstream] if at.upstream is not None else None
        order.update((one.id, one) for one in reversed(chain))
    return list(order.values())


def _verdict(row: VerdictRow) -> Verdict | None:
    try:
        return Verdict(State(row.state), Reason(row.reason), Party(row.party), words_of(row.detail))
    except ValueError:
        return None


def _row(channel: str, standing: Standing) -> VerdictRow:
    verdict = standing.verdict
    return VerdictRow(
        channel,
        verdict.state.value,
        verdict.reason.value,
        verdict.party.value,
        verdict.detail.kept(),
        standing.since,
        standing.state_since,
    )
