"""What stands of every channel: its verdict, since when, and its series. The judge decides, this remembers.

Invariants:

* Every channel of the inventory has exactly one verdict from the moment :meth:`Supervision.judge` was first called, and its
  verdict series never leave the exposition.
* ``since`` changes only when state, reason or party do; ``state_since`` only when the state does. Both survive a restart.
* Every change is handed out once, in order, as a row for the store.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tslcd_collector import families
from tslcd_collector.families import escape, labels_text
from tslcd_collector.inventory.classes import STANDARD
from tslcd_collector.judge import ALONE, Readings, Surroundings, is_silent, judge
from tslcd_collector.store import VerdictRow
from tslcd_collector.verdict import REASON_WORDS, Party, Reason, State, Verdict
from tslcd_wire.catalogue import INTERFACE, PROBE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tslcd_collector.board import Board
    from tslcd_collector.exposition import Exposition
    from tslcd_collector.inventory import Channel, Inventory


@dataclass(frozen=True, slots=True)
class Standing:
    """A verdict and since when it holds: ``since`` all of it, ``state_since`` the state; UTC seconds."""

    verdict: Verdict
    since: float
    state_since: float


@dataclass(frozen=True, slots=True)
class Traffic:
    """What is measured of a channel now; None where nothing is."""

    receive_bytes: int | None
    transmit_bytes: int | None
    loss_ratio: float | None
    rtt_seconds: float | None
    jitter_seconds: float | None


class Supervision:
    """The channels of the inventory in use."""

    def __init__(self, board: Board, exposition: Exposition) -> None:
        """Start without channels."""
        self.standing: dict[str, Standing] = {}
        self.inventory: Inventory | None = None
        self._board = board
        self._exposition = exposition
        self._static: dict[str, dict[str, bytes]] = {}
        self._shown: dict[str, tuple[str, State, Reason, Party, Traffic]] = {}
        self._by_site: dict[str, list[str]] = {}
        #: Sites with an agent that is heard by its first way, and by a spare one, at the time of the last judging.
        self._ways: tuple[float, set[str], set[str]] | None = None

    def set_inventory(self, inventory: Inventory) -> list[str]:
        """Supervise these channels from now on; return those that are gone."""
        gone = [channel for channel in self.standing if channel not in inventory.channels]
        for channel in gone:
            del self.standing[channel]
        for owner in self._static:
            self._exposition.drop(("channel", owner))
        if self.inventory is not None:
            self._exposition.drop(("province", self.inventory.province.code))
        province = inventory.province.code
        self._static = {channel.id: _static_chunks(channel, province) for channel in inventory.channels.values()}
        self._shown = {}
        self.inventory = inventory
        self._by_site = {}
        for agent, site in inventory.agents.items():
            self._by_site.setdefault(site.id, []).append(agent)
        return gone

    def restore(self, rows: Iterable[VerdictRow]) -> list[str]:
        """Take up the verdicts that stood when the collector stopped; return channels that are not known any more."""
        gone = []
        for row in rows:
            if self.inventory is None or row.channel not in self.inventory.channels:
                gone.append(row.channel)
                continue
            try:
                verdict = Verdict(State(row.state), Reason(row.reason), Party(row.party), row.detail)
            except ValueError:
                continue  # written by a newer program; judged anew
            self.standing[row.channel] = Standing(verdict, row.since, row.state_since)
        return gone

    def judge(self, now: float, agents: set[str] | None = None) -> list[VerdictRow]:
        """Judge the channels of ``agents``, or all of them, at ``now`` (UTC seconds); return what changed."""
        if self.inventory is None:
            return []
        channels: Iterable[Channel]
        if agents is None:
            channels = self.inventory.channels.values()
        else:
            by_agent = self.inventory.channels_by_agent
            channels = [channel for agent in agents for channel in by_agent.get(agent, ())]
        changes = []
        for channel in channels:
            verdict = judge(channel, self._readings(channel, now), now)
            before = self.standing.get(channel.id)
            if before is not None and before.verdict.agrees(verdict):
                if before.verdict.detail != verdict.detail:
                    self.standing[channel.id] = Standing(verdict, before.since, before.state_since)
            else:
                same_state = before is not None and before.verdict.state is verdict.state
                state_since = before.state_since if before is not None and same_state else now
                self.standing[channel.id] = Standing(verdict, now, state_since)
                changes.append(_row(channel.id, self.standing[channel.id]))
            self._write(channel)
        if changes or agents is None:
            self._write_totals()
        return changes

    def rows(self) -> list[VerdictRow]:
        """Return what stands of every channel."""
        return [_row(channel, standing) for channel, standing in self.standing.items()]

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
                "detail": verdict.detail,
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

    def _readings(self, channel: Channel, now: float) -> Readings:
        binding, board = channel.binding, self._board
        if binding is None:
            return Readings()
        device = interface = None
        known: tuple[str, ...] = ()
        if binding.device is not None:
            key = (binding.agent, binding.device)
            device = board.device(key)
            if binding.interface is not None:
                interface = board.interface(key, binding.interface)
                known = board.interfaces(key) if interface is None else (binding.interface,)
        probes = {probe: board.rounds(binding.agent, probe) for probe in binding.probes}
        agent = board.agent(binding.agent)
        around = ALONE
        silent = agent is not None and is_silent(agent, channel.channel_class, now)
        if agent is not None and (silent or agent.spare or channel.upstream is not None):
            around = self._around(channel, binding.agent, agent.last_heard, now, silent=silent)
        return Readings(agent, device, interface, known, probes, around)

    def _around(self, channel: Channel, agent: str, heard: float, now: float, *, silent: bool) -> Surroundings:
        """Gather what others tell; only for channels it can make a difference to."""
        carrier = self.standing.get(channel.upstream) if channel.upstream is not None else None
        upstream = carrier.verdict.state if carrier is not None else None
        if silent:
            site = self._site_of(agent)
            together = self._by_site.get(site, [agent])
            return Surroundings(
                broker=not self._unheard(agent, heard, channel),
                upstream=upstream,
                battery=any(self._board.battery(one, heard) for one in together),
                neighbour_spare=any(self._spare(one, channel, now) for one in together if one != agent),
            )
        sole = self.inventory is not None and len(self.inventory.channels_by_agent.get(agent, ())) == 1
        return Surroundings(
            upstream=upstream,
            sole=sole,
            others_get_through=not sole or self._others_get_through(self._site_of(agent), now),
        )

    def _unheard(self, agent: str, heard: float, channel: Channel) -> bool:
        """Whether an agent is silent since the collector itself lost the broker, and was well before."""
        lost, known = self._board.broker_lost, self._board.agent(agent)
        return (
            lost is not None
            and known is not None
            and known.online
            and heard >= lost - channel.channel_class.stale_after
        )

    def _site_of(self, agent: str) -> str:
        site = self.inventory.agents.get(agent) if self.inventory is not None else None
        return site.id if site is not None else ""

    def _spare(self, agent: str, channel: Channel, now: float) -> bool:
        known = self._board.agent(agent)
        return known is not None and known.spare and not is_silent(known, channel.channel_class, now)

    def _others_get_through(self, site: str, now: float) -> bool:
        """Whether an agent elsewhere is heard by its first way, or there is nobody elsewhere to tell."""
        if self._ways is None or self._ways[0] != now:
            first: set[str] = set()
            spare: set[str] = set()
            for agent, where in self.inventory.agents.items() if self.inventory is not None else ():
                known = self._board.agent(agent)
                if known is not None and not is_silent(known, STANDARD, now):
                    (spare if known.spare else first).add(where.id)
            self._ways = (now, first, spare)
        _, first, spare = self._ways
        return len(first) > (site in first) or len(spare) <= (site in spare)

    def _write(self, channel: Channel) -> None:
        """Put a channel's series on the exposition when one of them changed."""
        standing = self.standing[channel.id]
        verdict, traffic = standing.verdict, self.traffic(channel)
        since = f"{standing.state_since:.3f}"
        shown = (since, verdict.state, verdict.reason, verdict.party, traffic)
        if self._shown.get(channel.id) == shown:
            return
        self._shown[channel.id] = shown
        province = self.inventory.province.code if self.inventory else ""
        labels = labels_text({"channel": channel.id, "site": channel.site.id, "province": province})
        state = verdict.state.value
        name = families.CHANNEL_STATE.name
        lines = {
            name: "".join(f'{name}{{{labels},state="{one}"}} {int(one == state)}\n' for one in families.STATES),
            families.CHANNEL_UP.name: _line(
                families.CHANNEL_UP, labels, int(verdict.state in {State.UP, State.DEGRADED})
            ),
            families.CHANNEL_VERDICT_INFO.name: _line(
                families.CHANNEL_VERDICT_INFO,
                f'{labels},reason="{verdict.reason.value}",party="{verdict.party.value}"',
                1,
            ),
            families.CHANNEL_STATE_SINCE.name: _line(families.CHANNEL_STATE_SINCE, labels, since),
        }
        for family, value in (
            (families.CHANNEL_RECEIVE, traffic.receive_bytes),
            (families.CHANNEL_TRANSMIT, traffic.transmit_bytes),
            (families.CHANNEL_LOSS, traffic.loss_ratio),
            (families.CHANNEL_RTT, traffic.rtt_seconds),
            (families.CHANNEL_JITTER, traffic.jitter_seconds),
        ):
            if value is not None:
                lines[family.name] = _line(family, labels, value)
        chunks = {name: text.encode() for name, text in lines.items()}
        self._exposition.put(("channel", channel.id), chunks | self._static[channel.id])

    def _write_totals(self) -> None:
        if self.inventory is None:
            return
        province = self.inventory.province.code
        counts = Counter(standing.verdict.state.value for standing in self.standing.values())
        name = families.CHANNELS.name
        chunks = {
            name: "".join(
                f'{name}{{province="{province}",state="{state}"}} {counts[state]}\n' for state in families.STATES
            ).encode()
        }
        if self.standing:
            known = 1 - counts[State.UNKNOWN.value] / len(self.standing)
            chunks[families.COVERAGE.name] = _line(families.COVERAGE, f'province="{province}"', known).encode()
        self._exposition.put(("province", province), chunks)


def _row(channel: str, standing: Standing) -> VerdictRow:
    verdict = standing.verdict
    return VerdictRow(
        channel,
        verdict.state.value,
        verdict.reason.value,
        verdict.party.value,
        verdict.detail,
        standing.since,
        standing.state_since,
    )


def _line(family: families.Family, labels: str, value: float | str) -> str:
    return f"{family.name}{{{labels}}} {value}\n"


def _static_chunks(channel: Channel, province: str) -> dict[str, bytes]:
    """Write the series that only the inventory decides."""
    labels = labels_text({"channel": channel.id, "site": channel.site.id, "province": province})
    binding = channel.binding
    info = (
        channel.site.name,
        channel.agency.name,
        channel.operator,
        channel.circuit,
        channel.access_level,
        channel.channel_class.id,
        channel.tenant,
        channel.upstream or "",
        channel.redundancy_group or "",
        binding.agent if binding else "",
        (binding.device or "") if binding else "",
        (binding.interface or "") if binding else "",
    )
    pairs = ",".join(
        f'{label}="{escape(text)}"'
        for label, text in zip(families.CHANNEL_INFO_LABELS, info, strict=True)
        if text or label != "redundancy_group"
    )
    name = families.CHANNEL_CONTRACTED.name
    contracted = "".join(
        f'{name}{{{labels},direction="{direction}"}} {value:.15g}\n'
        for direction, value in (
            ("receive", channel.receive_bits_per_second),
            ("transmit", channel.transmit_bits_per_second),
        )
    )
    return {
        families.CHANNEL_INFO.name: _line(families.CHANNEL_INFO, f"{labels},{pairs}", 1).encode(),
        name: contracted.encode(),
    }
