"""Judging the past again: from late reports to what a channel was, and into the intervals that were written. Pure.

Invariants:

* The judge is the one that judges live, over what was measured, at the time it was measured, after what it had said before. What
  others told then (the channel that carries this one, its group, what was planned) is handed in, as far as the ledger knows it.
* Only what was not known is replaced, what hindsight itself had said before, and the last moments before a silence, in which the
  live verdict went on without any measurement. Nothing that was measured live is ever overruled.
* Hindsight never makes anything unknown that was known.
* What comes out covers exactly the time that went in: no hole, no overlap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tslcd_collector.judge import (
    ALONE,
    ROUNDS,
    UNTOLD,
    AgentReading,
    CounterReading,
    DeviceReading,
    InterfaceReading,
    ProbeReading,
    Readings,
    grouped,
    measured,
    planned,
)
from tslcd_collector.judge.traffic import counters, kept, summed
from tslcd_collector.ledger.rows import Interval
from tslcd_collector.verdict import Party, Reason, State, Verdict
from tslcd_wire.catalogue import DEVICE, INTERFACE, PROBE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tslcd_collector.inventory import Channel
    from tslcd_collector.judge import Past, Surroundings
    from tslcd_wire.report import Report, Table

ALIVE: Final = "agent"
LINK: Final = "link"
#: Nothing was seen, but something else may have changed: a window began, another channel was cut.
TICK: Final = "tick"
#: Reasons of a channel that is unknown since nothing was heard.
SILENT: Final = frozenset({"agent_lost", "uplink_lost", "stale", "site_power", "never_seen"})
#: What such a silence may be by a power cut, when the agent tells of one.
MAYBE_POWER: Final = SILENT - {"site_power"}


class Observation(NamedTuple):
    """One thing that a report tells about a channel: at ``at``, a table's kind (or ALIVE, LINK), the probe's name, the values."""

    at: float
    what: str
    name: str
    values: list[Any]


def observations(channel: Channel, report: Report, at: float) -> list[Observation]:
    """Return what ``report``, measured at ``at`` (corrected), tells about ``channel``."""
    binding = channel.binding
    if binding is None or binding.agent != report.agent:
        return []
    found = []
    if report.device and report.device == binding.device:
        device, interface = report.tables.get(DEVICE.name), report.tables.get(INTERFACE.name)
        if device is not None:
            state = _cell(device, "snmp_state", 0) or ("ok" if _cell(device, "snmp_up", 0) in {1, None} else "silent")
            found.append(Observation(at, DEVICE.name, "", [state]))
        if interface is not None and binding.interface in interface["key"]:
            row = interface["key"].index(binding.interface)
            counted = counters(interface, row, at)
            values = [_cell(interface, "oper_up", row), _cell(interface, "admin_up", row), *counted[1:5]]
            found.append(Observation(at, INTERFACE.name, "", values))
        shift = report.at - at
        found += [
            Observation(event.at - shift, LINK, "", [event.up])
            for event in report.events
            if event.key == binding.interface
        ]
    probe = report.tables.get(PROBE.name) if not report.device else None
    for row, name in enumerate(probe["key"] if probe is not None else ()):
        if probe is not None and name in binding.probes and _cell(probe, "packets_sent", row) is not None:
            columns = ("packets_sent", "packets_received", "rtt_seconds", "jitter_seconds")
            cells = [_cell(probe, column, row) for column in columns]
            found.append(Observation(at, PROBE.name, name, cells))
    return found or [Observation(at, ALIVE, "", [])]


def judged(
    channel: Channel,
    seen: Iterable[Observation],
    *,
    past: Past = UNTOLD,
    around: Callable[[float], Surroundings] = lambda _: ALONE,
    edges: Iterable[float] = (),
) -> list[Interval]:
    """Return what ``channel`` was by what was ``seen`` of it, in the order of time; where nothing can be said, nothing.

    ``past``: what had been told before; ``around``: what others told at a time; ``edges``: when that changed.
    """
    pieces: list[Interval] = []
    stale = channel.channel_class.stale_after
    ticks = (Observation(at, TICK, "", []) for at in edges)
    for at, verdict in _verdicts(channel, sorted((*seen, *ticks), key=lambda one: one.at), past, around):
        last = pieces[-1] if pieces else None
        if last is not None and last.until is not None and at < last.until:
            pieces[-1] = last = last._replace(until=at)
        if verdict.state is State.UNKNOWN:
            continue
        piece = Interval(
            channel.id,
            verdict.state.value,
            verdict.reason.value,
            verdict.party.value,
            verdict.detail.kept(),
            at,
            at + stale,
            "late",
        )
        if last is not None and last.until == at and last.agrees(piece):
            pieces[-1] = last._replace(until=at + stale)
        else:
            pieces.append(piece)
    return [piece for piece in pieces if piece.until is not None and piece.until > piece.since]


def revised(
    known: Sequence[Interval], pieces: Sequence[Interval], may: Callable[[Interval, Interval], bool], stale: float = 0.0
) -> list[tuple[Interval, list[Interval]]]:
    """Lay ``pieces`` over the intervals ``known`` (both in order); return those that change, each with what replaces it.

    ``may``: whether a piece may replace (a part of) an interval. ``stale``: how long (seconds) a live verdict may have gone
    on without measurement before a silence; there a piece with another state replaces it too.
    """
    changes = []
    for index, one in enumerate(known):
        end = float("inf") if one.until is None else one.until
        following = known[index + 1] if index + 1 < len(known) else None
        silence = following is not None and following.state == "unknown" and following.reason in SILENT
        tail = end - stale if stale and silence and one.origin == "live" and one.state != "unknown" else float("inf")
        tiles: list[Interval] = []
        at = one.since
        for piece in pieces:
            begin, stop = max(at, piece.since), min(end, piece.until or end)
            if not may(one, piece):
                begin = max(begin, tail)
                if piece.state == one.state:
                    continue
            if begin >= stop or (piece.agrees(one) and piece.origin == one.origin):
                continue
            if begin > at:
                tiles.append(one._replace(since=at, until=begin, revision=one.revision + 1, id=0))
            tiles.append(piece._replace(since=begin, until=stop, revision=one.revision + 1))
            at = stop
        if tiles:
            if at < end:
                tiles.append(one._replace(since=at, revision=one.revision + 1, id=0))
            changes.append((one, tiles))
    return changes


def unknown_before(one: Interval, piece: Interval) -> bool:
    """Whether late reports may replace ``one``: it was unknown, or hindsight itself had said something else."""
    return one.state == "unknown" or (one.origin == "late" and not one.agrees(piece))


def silent_before(one: Interval, piece: Interval) -> bool:
    """Whether an absence by a power cut may replace ``one``."""
    del piece
    return one.state == "unknown" and one.reason in MAYBE_POWER


def merged(intervals: Iterable[Interval]) -> Iterator[Interval]:
    """Yield intervals with those that follow one another and say the same, by the same origin, made one."""
    last: Interval | None = None
    for one in intervals:
        if last is not None and last.until == one.since and last.agrees(one) and last.origin == one.origin:
            last = last._replace(until=one.until, revision=max(last.revision, one.revision))
            continue
        if last is not None:
            yield last
        last = one
    if last is not None:
        yield last


def _verdicts(
    channel: Channel, seen: list[Observation], past: Past, around: Callable[[float], Surroundings]
) -> Iterator[tuple[float, Verdict]]:
    """Yield the verdict after everything that was seen at one time."""
    limits, known, heard = channel.channel_class, _Known(channel), float("-inf")
    for index, one in enumerate(seen):
        if one.what != TICK:
            if past is not UNTOLD and heard < one.at - limits.stale_after:  # it was silent, and that was told
                past = past.after(
                    Verdict(State.UNKNOWN, Reason.AGENT_LOST, Party.MONITORING), one.at, limits.flap_window
                )
            heard = one.at
            known.take(one)
        if index + 1 < len(seen) and seen[index + 1].at == one.at:
            continue
        others = around(one.at)
        verdict = _settled(measured(channel, known.readings(heard, others, past), one.at))
        verdict = planned(channel, grouped(verdict, others.lost), others, one.at)
        past = past.after(verdict, one.at, limits.flap_window)
        yield one.at, verdict


class _Known:
    """What was known of a channel at one time."""

    def __init__(self, channel: Channel) -> None:
        self._limits = channel.channel_class
        self._device: DeviceReading | None = None
        self._interface: InterfaceReading | None = None
        self._counters: tuple[CounterReading, ...] = ()
        self._probes: dict[str, tuple[ProbeReading, ...]] = {}

    def take(self, one: Observation) -> None:
        """Take one thing that was seen, not before the others."""
        match one.what:
            case DEVICE.name:
                self._device = DeviceReading(str(one.values[0]), one.at)
            case INTERFACE.name:
                oper_up, admin_up, *counted = one.values
                self._interface = InterfaceReading(_flag(oper_up), _flag(admin_up), one.at)
                if counted:  # an older program kept none
                    self._counters = kept(self._counters, CounterReading(one.at, *counted), self._limits.traffic_over)
            case "link":
                admin = self._interface.admin_up if self._interface is not None else None
                self._interface = InterfaceReading(_flag(one.values[0]), admin, one.at)
            case PROBE.name:
                sent, received, rtt, *more = one.values
                reading = ProbeReading(one.at, int(sent), int(received or 0), rtt, *more)
                self._probes[one.name] = (*self._probes.get(one.name, ()), reading)[-ROUNDS:]
            case _:
                pass

    def readings(self, heard: float, others: Surroundings, past: Past) -> Readings:
        """Return it for the judge; the agent was last ``heard`` of then, UTC seconds."""
        traffic = summed(self._counters, self._limits.traffic_over, self._limits.stale_after)
        agent = AgentReading(online=True, last_heard=heard)
        probes = dict(self._probes)
        return Readings(agent, self._device, self._interface, (), probes, others, traffic, past)


def _settled(verdict: Verdict) -> Verdict:
    """Leave out what is only missing since the rest of the reports is elsewhere: a channel seen to work is ``up / ok``."""
    if verdict.state is State.UP and verdict.reason in {Reason.NEVER_SEEN, Reason.STALE}:
        return Verdict(State.UP, Reason.OK, Party.NONE)
    return verdict


def _flag(value: Any) -> bool | None:
    return None if value is None else bool(value)


def _cell(table: Table, column: str, row: int) -> Any:
    cells = table.get(column)
    return cells[row] if cells is not None else None
