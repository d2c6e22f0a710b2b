"""The judge: from what was measured to the verdict of one channel. Pure; time is an argument.

The order of judgement, first match wins:

1. Without a binding, or while the agent was never heard, nothing is known: ``unknown / never_seen``.
2. While the channel that carries this one is down, this one is: ``down / upstream_down``, unless it is seen to work.
3. While the agent is offline or silent nothing is known, and it is not the channel that is down. Why, as far as others tell:

   a. the collector itself does not hear the broker: ``unknown / stale``;
   b. the agent stopped by itself, with a goodbye: ``unknown / agent_lost``;
   c. a UPS of the site told that it ran on battery before the silence: ``unknown / site_power``;
   d. the agent's last words were that the channel is cut, or another agent of the site is heard by a spare way only:
      ``unknown / uplink_lost``;
   e. else ``unknown / agent_lost``.

4. The channel's interface as the device tells it: ``down / admin_down``, ``down / interface_down``.
5. The gateway's probe, the first one bound: ``down / gateway_unreachable``, or ``down / device_unreachable`` when the
   site's own device does not answer either.
6. The agent is heard by a spare way, since this channel, its only one, does not lead to the centre, as those of
   others do: ``degraded / uplink_lost``.
7. Loss, then delay, of every bound probe: ``degraded / loss``, ``degraded / latency``.
8. What supervision itself lacks. With one good witness left (the interface or a probe) the channel is ``up`` and the
   reason names the defect; without any it is ``unknown`` for that reason.
9. Else ``up / ok``.

Invariants:

* Exactly one verdict for every input, the same for the same input, and never an exception.
* What is older than the class's ``stale_after`` says nothing. As time goes by without new readings a channel may lose
  its verdict, and a channel that is ``unknown`` stays so.
* A single lost echo never changes a verdict: a round wholly lost counts from two packets on, and loss is judged over
  three rounds and from two lost packets on. A cut is told as a cut; once it is over it is not told again as loss.
* An interface is seen only while its device answers: a later failed poll of the device makes it blind at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Final

from tslcd_collector.verdict import Party, Reason, State, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tslcd_collector.inventory.classes import ChannelClass
    from tslcd_collector.inventory.files import Binding
    from tslcd_collector.inventory.model import Channel

#: Rounds over which loss and delay are judged.
ROUNDS: Final = 3
#: Fewer lost packets than this are chance.
MIN_LOST: Final = 2
#: A list of interfaces in a detail ends here.
MAX_LISTED: Final = 8


@dataclass(frozen=True, slots=True)
class AgentReading:
    """An agent as the collector knows it. ``last_heard``: UTC seconds by the collector's clock; ``online``: its status.

    ``goodbye``: it is offline since it stopped by itself, where a last will says that it was lost. ``spare``: its reports leave
    by another way than the first of its list.
    """

    online: bool
    last_heard: float
    goodbye: bool = False
    spare: bool = False


@dataclass(frozen=True, slots=True)
class DeviceReading:
    """The last poll of a device. ``snmp_state`` is one of ``tslcd_wire.catalogue.SNMP_STATES``; ``at``: UTC seconds."""

    snmp_state: str
    at: float


@dataclass(frozen=True, slots=True)
class InterfaceReading:
    """The last reading of an interface (IF-MIB::ifOperStatus, ifAdminStatus; None where the device does not tell)."""

    oper_up: bool | None
    admin_up: bool | None
    at: float


@dataclass(frozen=True, slots=True)
class ProbeReading:
    """One round of a probe: packets sent and answered, mean round-trip time in seconds (None without an answer).

    A round that could not be sent at all (not permitted, no address for the name) has ``sent`` 0 and says nothing.
    """

    at: float
    sent: int
    received: int
    rtt: float | None

    @property
    def dead(self) -> bool:
        """Whether the round was wholly lost, and long enough for that to mean something."""
        return self.sent >= MIN_LOST and self.received <= 0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What others tell that bears on a channel; the defaults say that nobody tells anything.

    ``broker``: the collector hears the broker. ``upstream``: state of the channel that carries this one, None without one.
    ``sole``: the agent is bound to no other channel, so its first way is this one. ``others_get_through``: an agent of
    another site is heard by its first way, or there is no other. ``battery``: a UPS of the site told, shortly before
    the agent was last heard, that it ran on battery. ``neighbour_spare``: another agent of the site is heard by a spare way.
    """

    broker: bool = True
    upstream: State | None = None
    sole: bool = False
    others_get_through: bool = True
    battery: bool = False
    neighbour_spare: bool = False


#: Of a channel nobody else tells about.
ALONE: Final = Surroundings()


@dataclass(frozen=True, slots=True)
class Readings:
    """Everything known about the things a channel is bound to.

    ``interfaces_known`` are the names that the bound device has reported. ``probes`` has the last ROUNDS rounds (or fewer)
    of each bound probe, oldest first.
    """

    agent: AgentReading | None = None
    device: DeviceReading | None = None
    interface: InterfaceReading | None = None
    interfaces_known: tuple[str, ...] = ()
    probes: Mapping[str, tuple[ProbeReading, ...]] = field(default_factory=dict)
    around: Surroundings = ALONE


def judge(channel: Channel, readings: Readings, now: float) -> Verdict:
    """Return the verdict of ``channel`` at ``now`` (UTC seconds)."""
    binding = channel.binding
    if binding is None:
        return _unknown(Reason.NEVER_SEEN, "the channel is not bound to an interface or a probe")
    agent = readings.agent
    if agent is None:
        return _unknown(Reason.NEVER_SEEN, f"agent {binding.agent} was never heard")
    around, limits = readings.around, channel.channel_class
    if not agent.online or not _fresh(agent.last_heard, limits, now):
        return _upstream(channel, around) or _silent(channel, readings, agent)
    evidence = _Evidence(binding, limits, readings, now)
    fault = evidence.fault()
    if fault is not None:
        return _upstream(channel, around) or fault
    if agent.spare and around.sole and around.others_get_through:
        detail = f"reports of agent {binding.agent} leave by a spare way, not by this channel"
        return Verdict(State.DEGRADED, Reason.UPLINK_LOST, Party.OPERATOR, detail)
    seen = evidence.impairment() or evidence.witnessed()
    return seen if seen.state is not State.UNKNOWN else _upstream(channel, around) or seen


def is_silent(agent: AgentReading | None, channel_class: ChannelClass, now: float) -> bool:
    """Whether nothing can be known of an agent's channels at ``now`` from the agent itself."""
    return agent is None or not agent.online or not _fresh(agent.last_heard, channel_class, now)


def _upstream(channel: Channel, around: Surroundings) -> Verdict | None:
    """Say that the channel below is cut with the one that carries it, or None."""
    if around.upstream is not State.DOWN:
        return None
    detail = f"channel {channel.upstream}, which carries it, is down"
    return Verdict(State.DOWN, Reason.UPSTREAM_DOWN, Party.OPERATOR, detail)


def _silent(channel: Channel, readings: Readings, agent: AgentReading) -> Verdict:
    """Say why nothing is known of a channel whose agent is offline or silent."""
    binding, around = channel.binding, readings.around
    if binding is None:
        return _unknown(Reason.NEVER_SEEN, "the channel is not bound to an interface or a probe")
    if not around.broker:
        return _unknown(Reason.STALE, "the collector does not hear the broker")
    if agent.goodbye and not agent.online:
        return _unknown(Reason.AGENT_LOST, f"agent {binding.agent} was stopped")
    how = "silent" if agent.online else "offline"
    if around.battery:
        detail = f"agent {binding.agent} is {how}, and the site ran on battery before"
        return Verdict(State.UNKNOWN, Reason.SITE_POWER, Party.POWER, detail)
    cut = _Evidence(binding, channel.channel_class, readings, agent.last_heard).fault()
    if cut is not None:
        detail = f"agent {binding.agent} is {how}, its last words: {cut.detail}"
        return Verdict(State.UNKNOWN, Reason.UPLINK_LOST, cut.party, detail)
    if around.neighbour_spare:
        detail = f"agent {binding.agent} is {how}, another one of the site is heard by a spare way"
        return Verdict(State.UNKNOWN, Reason.UPLINK_LOST, Party.OPERATOR, detail)
    return _unknown(Reason.AGENT_LOST, f"agent {binding.agent} is {how}")


class _Evidence:
    """What of the readings still counts at one moment, and what follows from it."""

    __slots__ = ("_binding", "_class", "_device_state", "_interface", "_readings", "_runs")

    def __init__(self, binding: Binding, channel_class: ChannelClass, readings: Readings, now: float) -> None:
        self._binding = binding
        self._class = channel_class
        self._readings = readings
        device, interface = readings.device, readings.interface
        if binding.device is None or device is None or not _fresh(device.at, channel_class, now):
            device = None
        self._device_state = device.snmp_state if device else None
        if binding.interface is None or interface is None or not _fresh(interface.at, channel_class, now):
            interface = None
        if interface and device and device.snmp_state != "ok" and device.at > interface.at:
            interface = None
        self._interface = interface
        self._runs = {name: _run(readings.probes.get(name, ()), channel_class, now) for name in binding.probes}

    def fault(self) -> Verdict | None:
        """Say what cuts the channel, or None."""
        binding, interface = self._binding, self._interface
        if interface is not None and interface.admin_up is False:
            detail = f"interface {binding.interface} on device {binding.device} is switched off"
            return Verdict(State.DOWN, Reason.ADMIN_DOWN, Party.AGENCY, detail)
        if interface is not None and interface.oper_up is False:
            detail = f"interface {binding.interface} on device {binding.device} has no link"
            return Verdict(State.DOWN, Reason.INTERFACE_DOWN, Party.OPERATOR, detail)
        if not binding.probes or not _lost_all(self._runs[binding.probes[0]]):
            return None
        if self._device_state == "unreachable":
            detail = f"neither device {binding.device} nor probe {binding.probes[0]} answers"
            return Verdict(State.DOWN, Reason.DEVICE_UNREACHABLE, Party.AGENCY, detail)
        detail = f"probe {binding.probes[0]} has no answer"
        return Verdict(State.DOWN, Reason.GATEWAY_UNREACHABLE, Party.OPERATOR, detail)

    def impairment(self) -> Verdict | None:
        """Say what makes the channel bad though it works, or None. The worst of the bound probes speaks."""
        limits = self._class
        loss, name = max(((_loss(run), name) for name, run in self._runs.items()), default=(0.0, ""))
        if loss > 0 and loss >= limits.loss_warn:
            grade = _grade(f"{limits.loss_critical:.0%}", critical=loss >= limits.loss_critical)
            detail = f"probe {name} lost {loss:.0%} over {ROUNDS} rounds{grade}"
            return Verdict(State.DEGRADED, Reason.LOSS, Party.OPERATOR, detail)
        rtt, name = max(((_delay(run), name) for name, run in self._runs.items()), default=(0.0, ""))
        if rtt > 0 and rtt >= limits.latency_warn:
            grade = _grade(f"{limits.latency_critical * 1000:.0f} ms", critical=rtt >= limits.latency_critical)
            detail = f"probe {name} takes {rtt * 1000:.0f} ms over {ROUNDS} rounds{grade}"
            return Verdict(State.DEGRADED, Reason.LATENCY, Party.OPERATOR, detail)
        return None

    def witnessed(self) -> Verdict:
        """Without fault: ``up`` if anything saw the channel work, and the defect of supervision if there is one."""
        seen = self._interface_up() or any(_answers(run) for run in self._runs.values())
        state = State.UP if seen else State.UNKNOWN
        for reason, party, detail in self._defects():
            return Verdict(state, reason, party, detail)
        if not seen:  # one round of one packet, lost: too little to say anything
            return _unknown(Reason.STALE, "the probes have no answer yet")
        return Verdict(State.UP, Reason.OK, Party.NONE)

    def _interface_up(self) -> bool:
        return self._interface is not None and self._interface.oper_up is True

    def _defects(self) -> Iterator[tuple[Reason, Party, str]]:
        """Yield what supervision lacks, the most telling first."""
        binding, readings = self._binding, self._readings
        interface_blind = binding.interface is not None and not self._interface_up()
        if binding.device is not None and (interface_blind or binding.interface is None):
            match self._device_state:
                case "unreachable":
                    yield Reason.DEVICE_UNREACHABLE, Party.AGENCY, f"device {binding.device} does not answer"
                case "refused" | "silent" | "broken":
                    detail = f"SNMP of device {binding.device} is {self._device_state}"
                    yield Reason.SNMP_REFUSED, Party.MONITORING, detail
                case None if readings.device is None:
                    yield Reason.NEVER_SEEN, Party.MONITORING, f"device {binding.device} was never reported"
                case None:
                    yield Reason.STALE, Party.MONITORING, f"device {binding.device} has not been reported lately"
                case _:
                    pass
        if interface_blind:
            if binding.interface not in readings.interfaces_known and self._interface is None:
                there = f"it has {listed(readings.interfaces_known)}"
                detail = f"interface {binding.interface} is not on device {binding.device}; {there}"
                yield Reason.NEVER_SEEN, Party.MONITORING, detail
            detail = f"interface {binding.interface} of device {binding.device} has no recent state"
            yield Reason.STALE, Party.MONITORING, detail
        for name, run in self._runs.items():
            if not readings.probes.get(name):
                yield Reason.NEVER_SEEN, Party.MONITORING, f"probe {name} was never measured"
            elif not run:
                yield Reason.STALE, Party.MONITORING, f"probe {name} has no recent measurement"
        if binding.interface is None and not binding.probes:
            yield Reason.NEVER_SEEN, Party.MONITORING, "the channel is not bound to an interface or a probe"


def listed(names: tuple[str, ...]) -> str:
    """Write names for a detail: sorted, and no more than MAX_LISTED of them."""
    shown = ", ".join(sorted(names)[:MAX_LISTED])
    more = len(names) - MAX_LISTED
    return f"{shown} and {more} more" if more > 0 else shown or "none"


def _unknown(reason: Reason, detail: str) -> Verdict:
    return Verdict(State.UNKNOWN, reason, Party.MONITORING, detail)


def _grade(bound: str, *, critical: bool) -> str:
    return f", critical from {bound}" if critical else ""


def _fresh(at: float, channel_class: ChannelClass, now: float) -> bool:
    """Whether something measured at ``at`` still counts. Times ahead of ``now`` are the intake's to put right."""
    return now - at <= channel_class.stale_after


def _run(rounds: tuple[ProbeReading, ...], channel_class: ChannelClass, now: float) -> tuple[ProbeReading, ...]:
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


def _delay(run: tuple[ProbeReading, ...]) -> float:
    """Return the median of the mean round-trip times of a full run, in seconds, or 0."""
    times = [one.rtt for one in run if one.rtt is not None]
    return median(times) if len(times) >= ROUNDS else 0.0
