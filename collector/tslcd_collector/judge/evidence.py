"""What of the readings still counts at one moment, and what follows from it: faults, impairments, witnesses. Pure.

Invariants:

* What is older than the class's ``stale_after`` says nothing.
* A single lost echo never changes a verdict: a round wholly lost counts from two packets on, and loss is judged over
  three rounds and from two lost packets on. A cut is told as a cut; once it is over it is not told again as loss.
* An interface is seen only while its device answers: a later failed poll of the device makes it blind at once.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from tslcd_collector.judge import phrases
from tslcd_collector.judge.readings import MIN_LOST, ROUNDS
from tslcd_collector.judge.steadiness import bound
from tslcd_collector.verdict import NOTHING, Party, Reason, State, Verdict, Words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tslcd_collector.inventory.classes import ChannelClass
    from tslcd_collector.inventory.model import Channel
    from tslcd_collector.judge.readings import ProbeReading, Readings
    from tslcd_collector.judge.traffic import TrafficReading

#: What the channel's interface tells of a cut; what else cuts it is told by the first probe.
LINK_FAULTS: Final = frozenset({Reason.ADMIN_DOWN, Reason.INTERFACE_DOWN})
#: A list of interfaces in a detail ends here.
MAX_LISTED: Final = 8
#: Fewer packets with errors or discarded than this are chance.
MIN_BAD: Final = 10


class Evidence:
    """What counts of a channel's readings at ``now`` (UTC seconds). The channel has a binding."""

    __slots__ = ("_binding", "_channel", "_class", "_device_state", "_interface", "_readings", "_runs", "_traffic")

    def __init__(self, channel: Channel, readings: Readings, now: float) -> None:
        """Leave out what is too old, or was seen before the device went away."""
        binding, limits = channel.binding, channel.channel_class
        assert binding is not None  # noqa: S101 - the judge looked
        self._binding, self._channel, self._class, self._readings = binding, channel, limits, readings
        device, interface, traffic = readings.device, readings.interface, readings.traffic
        if binding.device is None or device is None or not fresh(device.at, limits, now):
            device = None
        self._device_state = device.snmp_state if device else None
        if binding.interface is None or interface is None or not fresh(interface.at, limits, now):
            interface = None
        if interface and device and device.snmp_state != "ok" and device.at > interface.at:
            interface = None
        self._interface = interface
        if interface is None or traffic is None or not fresh(traffic.at, limits, now):
            traffic = None
        self._traffic = traffic
        self._runs = {name: run_of(readings.probes.get(name, ()), limits, now) for name in binding.probes}

    def fault(self) -> Verdict | None:
        """Say what cuts the channel, or None."""
        binding, interface = self._binding, self._interface
        on, of = binding.interface or "", binding.device or ""
        if interface is not None and interface.admin_up is False:
            detail = phrases.SWITCHED_OFF(interface=on, device=of)
            return Verdict(State.DOWN, Reason.ADMIN_DOWN, Party.AGENCY, detail)
        if interface is not None and interface.oper_up is False:
            detail = phrases.NO_LINK(interface=on, device=of)
            return Verdict(State.DOWN, Reason.INTERFACE_DOWN, Party.OPERATOR, detail)
        if not binding.probes or not _lost_all(self._runs[binding.probes[0]]):
            return None
        if self._device_state == "unreachable":
            detail = phrases.NEITHER(device=of, probe=binding.probes[0])
            return Verdict(State.DOWN, Reason.DEVICE_UNREACHABLE, Party.AGENCY, detail)
        detail = phrases.NO_ANSWER(probe=binding.probes[0])
        return Verdict(State.DOWN, Reason.GATEWAY_UNREACHABLE, Party.OPERATOR, detail)

    def seen(self, fault: Verdict) -> float:
        """Return when the fault that these readings tell was seen last, UTC seconds."""
        if self._interface is not None and fault.reason in LINK_FAULTS:
            return self._interface.at
        return self._runs[self._binding.probes[0]][-1].at

    def impairments(self) -> Iterator[Verdict]:
        """Yield what makes the channel bad though it works, the worst first. The worst of the bound probes speaks."""
        limits, past = self._class, self._readings.past
        loss, name = self.loss()
        if loss > 0 and loss >= bound(limits.loss_warn, Reason.LOSS, past, limits.clear):
            grade = _grade(phrases.percent(limits.loss_critical), critical=loss >= limits.loss_critical)
            share = phrases.percent(loss)
            yield _bad(Reason.LOSS, phrases.LOST(probe=name, share=share, rounds=ROUNDS, grade=grade))
        rtt, name = self.delay()
        if rtt > 0 and rtt >= bound(limits.latency_warn, Reason.LATENCY, past, limits.clear):
            grade = _grade(phrases.milliseconds(limits.latency_critical), critical=rtt >= limits.latency_critical)
            figure = phrases.milliseconds(rtt)
            yield _bad(Reason.LATENCY, phrases.SLOW(probe=name, figure=figure, rounds=ROUNDS, grade=grade))
        jitter, name = self.jitter()
        if jitter > 0 and jitter >= bound(limits.jitter_warn, Reason.JITTER, past, limits.clear):
            grade = _grade(phrases.milliseconds(limits.jitter_critical), critical=jitter >= limits.jitter_critical)
            figure = phrases.milliseconds(jitter)
            yield _bad(Reason.JITTER, phrases.UNSTEADY(probe=name, figure=figure, rounds=ROUNDS, grade=grade))
        yield from self._carried()

    def witnessed(self) -> Verdict:
        """Without fault: ``up`` if anything saw the channel work, and the defect of supervision if there is one."""
        seen = self._interface_up() or any(_answers(run) for run in self._runs.values())
        state = State.UP if seen else State.UNKNOWN
        for reason, party, detail in self._defects():
            return Verdict(state, reason, party, detail)
        if not seen:  # one round of one packet, lost: too little to say anything
            return unknown(Reason.STALE, phrases.NO_ANSWER_YET)
        return Verdict(State.UP, Reason.OK, Party.NONE)

    def loss(self) -> tuple[float, str]:
        """Return the worst share of packets lost, and the probe that tells it."""
        return max(((_loss(run), name) for name, run in self._runs.items()), default=(0.0, ""))

    def delay(self) -> tuple[float, str]:
        """Return the worst round-trip time in seconds, and the probe that tells it."""
        return max(((_middle(run, "rtt"), name) for name, run in self._runs.items()), default=(0.0, ""))

    def jitter(self) -> tuple[float, str]:
        """Return the worst jitter in seconds, and the probe that tells it."""
        return max(((_middle(run, "jitter"), name) for name, run in self._runs.items()), default=(0.0, ""))

    def errors(self) -> float | None:
        """Return the share of packets with errors or discarded, None while nothing can be said."""
        return errors_of(self._traffic)

    def load(self) -> tuple[float, str] | None:
        """Return the larger share of the contracted bandwidth and its direction, None while nothing can be said."""
        return load_of(self._channel, self._traffic)

    def _carried(self) -> Iterator[Verdict]:
        """Judge errors and load of the interface; what was told before holds while there is too little to judge by."""
        traffic, limits, past = self._traffic, self._class, self._readings.past
        if traffic is None:
            return
        over = f"{limits.traffic_over / 60:.0f}"
        bad = self.errors()
        if bad is not None and bad > 0 and bad >= bound(limits.errors_warn, Reason.ERRORS, past, limits.clear):
            grade = _grade(phrases.percent(limits.errors_critical, 2), critical=bad >= limits.errors_critical)
            share, on = phrases.percent(bad, 2), self._binding.interface or ""
            yield _bad(Reason.ERRORS, phrases.BAD_PACKETS(share=share, interface=on, minutes=over, grade=grade))
        elif bad is None and not traffic.span and past.reason is Reason.ERRORS:
            yield _bad(Reason.ERRORS, phrases.AS_BEFORE)
        load = self.load()
        if load is not None and load[0] > 0:
            wanted = bound(limits.overload_warn, Reason.OVERLOADED, past, limits.clear)
            if load[0] >= wanted:
                share, direction = phrases.percent(load[0]), phrases.DIRECTIONS[load[1]]
                detail = phrases.LOAD(share=share, direction=direction, minutes=over)
                yield Verdict(State.DEGRADED, Reason.OVERLOADED, Party.AGENCY, detail)
        elif load is None and not traffic.span and past.reason is Reason.OVERLOADED:
            yield Verdict(State.DEGRADED, Reason.OVERLOADED, Party.AGENCY, phrases.AS_BEFORE)

    def _interface_up(self) -> bool:
        return self._interface is not None and self._interface.oper_up is True

    def _defects(self) -> Iterator[tuple[Reason, Party, Words]]:
        """Yield what supervision lacks, the most telling first."""
        binding, readings = self._binding, self._readings
        on, of = binding.interface or "", binding.device or ""
        interface_blind = binding.interface is not None and not self._interface_up()
        if binding.device is not None and (interface_blind or binding.interface is None):
            match self._device_state:
                case "unreachable":
                    yield Reason.DEVICE_UNREACHABLE, Party.AGENCY, phrases.DEVICE_MUTE(device=of)
                case "refused" | "silent" | "broken":
                    detail = phrases.SNMP(device=of, state=phrases.SNMP_WORDS[self._device_state])
                    yield Reason.SNMP_REFUSED, Party.MONITORING, detail
                case None if readings.device is None:
                    yield Reason.NEVER_SEEN, Party.MONITORING, phrases.DEVICE_NEVER(device=of)
                case None:
                    yield Reason.STALE, Party.MONITORING, phrases.DEVICE_OLD(device=of)
                case _:
                    pass
        if interface_blind:
            if binding.interface not in readings.interfaces_known and self._interface is None:
                detail = phrases.NOT_THERE(interface=on, device=of, there=listed(readings.interfaces_known))
                yield Reason.NEVER_SEEN, Party.MONITORING, detail
            yield Reason.STALE, Party.MONITORING, phrases.INTERFACE_OLD(interface=on, device=of)
        for name, run in self._runs.items():
            if not readings.probes.get(name):
                yield Reason.NEVER_SEEN, Party.MONITORING, phrases.PROBE_NEVER(probe=name)
            elif not run:
                yield Reason.STALE, Party.MONITORING, phrases.PROBE_OLD(probe=name)
        if binding.interface is None and not binding.probes:
            yield Reason.NEVER_SEEN, Party.MONITORING, phrases.NOT_BOUND


def listed(names: tuple[str, ...]) -> Words:
    """Write names of interfaces for a detail: sorted, and no more than MAX_LISTED of them."""
    shown = ", ".join(sorted(names)[:MAX_LISTED])
    more = len(names) - MAX_LISTED
    if more > 0:
        return phrases.AND_MORE(names=shown, count=more)
    return Words(shown, shown) if shown else phrases.NONE


def unknown(reason: Reason, detail: Words) -> Verdict:
    """Make the verdict of a channel that this supervision knows nothing of."""
    return Verdict(State.UNKNOWN, reason, Party.MONITORING, detail)


def _bad(reason: Reason, detail: Words) -> Verdict:
    return Verdict(State.DEGRADED, reason, Party.OPERATOR, detail)


def _grade(bound: str | Words, *, critical: bool) -> Words:
    return phrases.CRITICAL(bound=bound) if critical else NOTHING


def fresh(at: float, channel_class: ChannelClass, now: float) -> bool:
    """Whether something measured at ``at`` still counts. Times ahead of ``now`` are the intake's to put right."""
    return now - at <= channel_class.stale_after


def run_of(rounds: tuple[ProbeReading, ...], channel_class: ChannelClass, now: float) -> tuple[ProbeReading, ...]:
    """Return the rounds that belong together: sent, ending with a fresh one, and without a gap of ``stale_after``."""
    run: list[ProbeReading] = []
    after = now
    for one in reversed([one for one in rounds if one.sent > 0][-ROUNDS:]):
        if after - one.at > channel_class.stale_after:
            break
        run.append(one)
        after = one.at
    return tuple(reversed(run))


def _lost_all(run: tuple[ProbeReading, ...]) -> bool:
    """Whether the last packets were all lost: a whole round, or as many rounds of one packet as it takes."""
    lost = 0
    for one in reversed(run):
        if one.received > 0:
            break
        lost += one.sent
    return lost >= MIN_LOST


def _answers(run: tuple[ProbeReading, ...]) -> bool:
    return any(one.received > 0 for one in run) and not _lost_all(run)


def _loss(run: tuple[ProbeReading, ...]) -> float:
    """Return the share of packets lost over a full run, 0 while it is chance or the end of a cut, 1 for a dead target."""
    if len(run) < ROUNDS:
        return 0.0
    dead = sum(one.dead for one in run)
    if dead:
        return 1.0 if dead == len(run) else 0.0
    sent = sum(one.sent for one in run)
    lost = sent - sum(min(one.received, one.sent) for one in run)
    return lost / sent if lost >= MIN_LOST else 0.0


def _middle(run: tuple[ProbeReading, ...], figure: str) -> float:
    """Return the median of a figure over a full run, or 0."""
    times = [value for one in run if (value := getattr(one, figure)) is not None]
    return median(times) if len(times) >= ROUNDS else 0.0


def errors_of(traffic: TrafficReading | None) -> float | None:
    """Return the share of packets with errors or discarded, 0 while it is chance, None while nothing can be said."""
    if traffic is None or traffic.bad is None or traffic.packets is None:
        return None
    return traffic.bad / (traffic.packets + traffic.bad) if traffic.bad >= MIN_BAD else 0.0


def load_of(channel: Channel, traffic: TrafficReading | None) -> tuple[float, str] | None:
    """Return the larger share of the contracted bandwidth and its direction, None while nothing can be said."""
    if traffic is None:
        return None
    shares = [
        (bits / contracted, direction)
        for bits, contracted, direction in (
            (traffic.receive_bits, channel.receive_bits_per_second, "inbound"),
            (traffic.transmit_bits, channel.transmit_bits_per_second, "outbound"),
        )
        if bits is not None
    ]
    return max(shares, default=None)
