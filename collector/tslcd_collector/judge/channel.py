"""The judge: from what was measured to the verdict of one channel. Pure; time is an argument.

The order of judgement, first match wins:

1. Without a binding, or while the agent was never heard, nothing is known: ``unknown / never_seen``.
2. While the channel that carries this one, or one further up, is down, this one is: ``down / upstream_down``, unless it is
   seen to work. So it is once that one is back, until it was measured since: a cut that was seen before is still the carrier's.
3. While the agent is offline or silent nothing is known, and it is not the channel that is down. Why, as far as others tell:

   a. the collector itself does not hear the broker: ``unknown / stale``;
   b. the agent stopped by itself, with a goodbye: ``unknown / agent_lost``;
   c. a UPS of the site told that it ran on battery before the silence: ``unknown / site_power``;
   d. the agent's last words were that the channel is cut, or those of the agent of the channel that carries it, or another
      agent of the site is heard by a spare way only: ``unknown / uplink_lost``;
   e. else ``unknown / agent_lost``.

4. The channel's interface as the device tells it: ``down / admin_down``, ``down / interface_down``.
5. The gateway's probe, the first one bound: ``down / gateway_unreachable``, or ``down / device_unreachable`` when the
   site's own device does not answer either.
6. The agent is heard by a spare way, since this channel, its only one, does not lead to the centre, as those of
   others do: ``degraded / uplink_lost``.
7. The channel works now and was cut again and again: ``degraded / flapping``.
8. Loss, then delay, then jitter, of every bound probe, then errors of the interface: ``degraded / loss``, ``latency``, ``jitter``,
   ``errors``.
9. A channel that stands in for this one is down: ``degraded / redundancy_lost``.
10. Traffic against the contracted bandwidth: ``degraded / overloaded``.
11. What supervision itself lacks. With one good witness left (the interface or a probe) the channel is ``up`` and the
    reason names the defect; without any it is ``unknown`` for that reason.
12. Else ``up / ok``.

Whatever that gives, a channel that is not in service yet is ``maintenance / not_in_service``, and one in a planned window
``maintenance / maintenance``; the detail then says what it would be. So is one that is cut with a channel which is worked on.

Invariants:

* Exactly one verdict for every input, the same for the same input, and never an exception.
* As time goes by without new readings a channel may lose its verdict, and a channel that is ``unknown`` stays so.
* What was told before is part of the input (:mod:`tslcd_collector.judge.steadiness`), and bears on thresholds and flapping only.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from tslcd_collector.judge import phrases
from tslcd_collector.judge.evidence import Evidence, fresh, unknown
from tslcd_collector.judge.steadiness import flaps
from tslcd_collector.maintenance import DAY, VIET_NAM
from tslcd_collector.verdict import STATE_WORDS, Party, Reason, State, Verdict, Words

if TYPE_CHECKING:
    from tslcd_collector.inventory.classes import ChannelClass
    from tslcd_collector.inventory.model import Channel
    from tslcd_collector.judge.readings import AgentReading, Lost, Readings, Surroundings


#: Days from the beginning of the calendar to that of time, and what local time is ahead of UTC, seconds.
_EPOCH: Final = dt.date(1970, 1, 1).toordinal()
_OFFSET: Final = dt.datetime(2025, 1, 1, tzinfo=VIET_NAM).utcoffset().total_seconds()  # type: ignore[union-attr]


def judge(channel: Channel, readings: Readings, now: float) -> Verdict:
    """Return the verdict of ``channel`` at ``now`` (UTC seconds)."""
    around = readings.around
    return planned(channel, grouped(measured(channel, readings, now), around.lost), around, now)


def measured(channel: Channel, readings: Readings, now: float) -> Verdict:
    """Return what ``channel`` is by itself: without its group, and whatever is planned."""
    binding = channel.binding
    if binding is None:
        return unknown(Reason.NEVER_SEEN, phrases.NOT_BOUND)
    around, limits, agent = readings.around, channel.channel_class, readings.agent
    if agent is None:
        return unknown(Reason.NEVER_SEEN, phrases.NEVER_HEARD(agent=binding.agent))
    if not agent.online or not fresh(agent.last_heard, limits, now):
        return _upstream(channel, around) or _silent(channel, readings, agent)
    evidence = Evidence(channel, readings, now)
    fault = evidence.fault()
    if fault is not None:
        return _upstream(channel, around) or _not_since(channel, evidence, fault, around) or fault
    if agent.spare and around.sole and around.others_get_through:
        detail = phrases.SPARE_WAY(agent=binding.agent)
        return Verdict(State.DEGRADED, Reason.UPLINK_LOST, Party.OPERATOR, detail)
    seen = next(evidence.impairments(), None) or evidence.witnessed()
    if seen.state is State.UNKNOWN:
        return _upstream(channel, around) or seen
    times = flaps(readings.past, limits, now)
    if times:
        detail = phrases.FLAPPED(times=times, minutes=f"{limits.flap_window / 60:.0f}")
        return Verdict(State.DEGRADED, Reason.FLAPPING, Party.OPERATOR, detail)
    return seen


def grouped(verdict: Verdict, lost: Lost | None) -> Verdict:
    """Say of a channel that works that another one of its group is lost."""
    if lost is None or (verdict.state is not State.UP and verdict.reason is not Reason.OVERLOADED):
        return verdict
    detail = phrases.GROUP_LOST(channel=lost.channel)
    if verdict.reason is Reason.OVERLOADED:
        detail = phrases.AND(one=detail, other=verdict.detail)
    return Verdict(State.DEGRADED, Reason.REDUNDANCY_LOST, lost.party, detail)


def planned(channel: Channel, verdict: Verdict, around: Surroundings, now: float) -> Verdict:
    """Say of a channel that nothing is expected of it now, and what it would be."""
    if not in_service(channel, now):
        if channel.in_service:
            detail = phrases.FROM_DAY(day=phrases.day(channel.connected_since), would_be=would_be(verdict))
        else:
            detail = phrases.NOT_YET(would_be=would_be(verdict))
        return Verdict(State.MAINTENANCE, Reason.NOT_IN_SERVICE, Party.NONE, detail)
    window = around.window
    carried = window is None and verdict.reason is Reason.UPSTREAM_DOWN
    if carried:
        window = around.carrier_window
    if window is None:
        return verdict
    title: str | Words = window.window.title
    if carried:
        title = phrases.OF_CARRIER(channel=_carrier(channel, around), title=title)
    kind, until = phrases.KINDS[window.window.kind], phrases.moment(window.until)
    detail = phrases.PLANNED(kind=kind, until=until, title=title, would_be=would_be(verdict))
    return Verdict(State.MAINTENANCE, Reason.MAINTENANCE, Party.NONE, detail)


def would_be(verdict: Verdict) -> Words:
    """Write what a channel would be but for what is planned."""
    state = Words(STATE_WORDS[verdict.state].vi, f"{verdict.state.value}/{verdict.reason.value}")
    if verdict.detail:
        return phrases.WOULD_BE_SINCE(state=state, detail=verdict.detail)
    return phrases.WOULD_BE(state=state)


def in_service(channel: Channel, now: float) -> bool:
    """Whether a channel is in service at ``now``: not held back, and its day of connection has come, in local time."""
    return channel.in_service and channel.connected_since.toordinal() <= _EPOCH + (now + _OFFSET) // DAY


def is_silent(agent: AgentReading | None, channel_class: ChannelClass, now: float) -> bool:
    """Whether nothing can be known of an agent's channels at ``now`` from the agent itself."""
    return agent is None or not agent.online or not fresh(agent.last_heard, channel_class, now)


def _upstream(channel: Channel, around: Surroundings) -> Verdict | None:
    """Say that the channel below is cut with the one that carries it, or None."""
    if around.upstream is not State.DOWN:
        return None
    detail = phrases.CARRIER_DOWN(channel=_carrier(channel, around))
    return Verdict(State.DOWN, Reason.UPSTREAM_DOWN, Party.OPERATOR, detail)


def not_measured_since(evidence: Evidence, fault: Verdict | None, around: Surroundings) -> bool:
    """Whether the channel that carries this one came back, and what cuts this one was seen before only."""
    return fault is not None and around.carrier_back is not None and evidence.seen(fault) <= around.carrier_back


def _not_since(channel: Channel, evidence: Evidence, fault: Verdict, around: Surroundings) -> Verdict | None:
    """Say that the channel was cut with the one that carries it, and not measured since that one is back, or None."""
    if not not_measured_since(evidence, fault, around):
        return None
    detail = phrases.CARRIER_BACK(channel=_carrier(channel, around))
    return Verdict(State.DOWN, Reason.UPSTREAM_DOWN, Party.OPERATOR, detail)


def _carrier(channel: Channel, around: Surroundings) -> str:
    """Return the channel that is cut, further up or the next one."""
    return around.carrier or channel.upstream or ""


def _silent(channel: Channel, readings: Readings, agent: AgentReading) -> Verdict:
    """Say why nothing is known of a channel whose agent is offline or silent."""
    binding, around = channel.binding, readings.around
    assert binding is not None  # noqa: S101 - the caller looked
    if not around.broker:
        return unknown(Reason.STALE, phrases.NO_BROKER)
    if agent.goodbye and not agent.online:
        return unknown(Reason.AGENT_LOST, phrases.STOPPED(agent=binding.agent))
    how = (phrases.SILENT if agent.online else phrases.OFFLINE)(agent=binding.agent)
    if around.battery:
        return Verdict(State.UNKNOWN, Reason.SITE_POWER, Party.POWER, phrases.ON_BATTERY(how=how))
    cut = Evidence(channel, readings, agent.last_heard).fault()
    if cut is not None:
        return Verdict(State.UNKNOWN, Reason.UPLINK_LOST, cut.party, phrases.LAST_WORDS(how=how, detail=cut.detail))
    if around.carrier_lost:
        detail = phrases.CARRIER_SILENT(how=how, channel=_carrier(channel, around))
        return Verdict(State.UNKNOWN, Reason.UPLINK_LOST, Party.OPERATOR, detail)
    if around.neighbour_spare:
        detail = phrases.NEIGHBOUR_SPARE(how=how)
        return Verdict(State.UNKNOWN, Reason.UPLINK_LOST, Party.OPERATOR, detail)
    return unknown(Reason.AGENT_LOST, how)
