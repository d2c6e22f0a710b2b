"""The whole truth of the judge, as a table: what was measured, and the one verdict that follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.channels import BOTH, DEVICE_PROBE, INTERFACE, NOW, PROBE, channel, device, interface, readings, rounds
from tslcd_collector.inventory import Binding, ChannelClass
from tslcd_collector.judge import AgentReading, Readings, Surroundings, judge, listed
from tslcd_collector.verdict import PARTY_WORDS, REASON_WORDS, STATE_WORDS, Party, Reason, State, Verdict

if TYPE_CHECKING:
    from typing import TypeAlias

Row: TypeAlias = tuple[str, Binding | None, Readings, str, str]
OLD = 91.0  # just past the standard class's stale_after
DEAD = rounds(0, 0, 0)
GOOD = rounds(5, 5, 5)
WAN9 = Binding(agent="a1", device="fw", interface="wan9", probes=("gateway",))
NOTHING = Binding(agent="a1", device="fw")
EMPTY = Binding(agent="a1")
GONE = AgentReading(online=False, last_heard=NOW - 1)
QUIET = AgentReading(online=True, last_heard=NOW - OLD)
STOPPED = AgentReading(online=False, last_heard=NOW - 1, goodbye=True)
SPARE = AgentReading(online=True, last_heard=NOW - 1, spare=True)

# what | bound to | measured | verdict | detail
TABLE: list[Row] = [
    # 1. nothing known
    ("no binding", None, readings(), "unknown never_seen monitoring", "the channel is not bound to an interface or a probe"),
    ("empty binding", EMPTY, readings(), "unknown never_seen monitoring", "the channel is not bound to an interface or a probe"),
    ("agent never heard", BOTH, readings(agent=None), "unknown never_seen monitoring", "agent a1 was never heard"),
    # 2. the agent
    ("agent offline", BOTH, readings(agent=AgentReading(online=False, last_heard=NOW)), "unknown agent_lost monitoring", "agent a1 is offline"),
    ("agent silent", BOTH, readings(agent=AgentReading(online=True, last_heard=NOW - OLD)), "unknown agent_lost monitoring", "agent a1 is silent"),
    ("agent quiet, not yet silent", BOTH, readings(agent=AgentReading(online=True, last_heard=NOW - 90)), "up ok none", ""),
    ("last words of a cut", BOTH, readings(agent=GONE, interface=interface(oper=False)), "unknown uplink_lost operator", "agent a1 is offline, its last words: interface wan1 on device fw has no link"),
    ("last words of a switch off", BOTH, readings(agent=QUIET, interface=interface(oper=False, admin=False, age=OLD + 5)), "unknown uplink_lost agency", "agent a1 is silent, its last words: interface wan1 on device fw is switched off"),
    ("last words of a dead gateway", PROBE, readings(agent=GONE, probes={"gateway": DEAD}), "unknown uplink_lost operator", "agent a1 is offline, its last words: probe gateway has no answer"),
    ("a cut long before the last words", BOTH, readings(agent=GONE, interface=interface(oper=False, age=OLD + 5)), "unknown agent_lost monitoring", "agent a1 is offline"),
    ("a cut, then stopped by itself", BOTH, readings(agent=STOPPED, interface=interface(oper=False)), "unknown agent_lost monitoring", "agent a1 was stopped"),
    # others tell
    ("stopped by itself", BOTH, readings(agent=STOPPED), "unknown agent_lost monitoring", "agent a1 was stopped"),
    ("back after a goodbye", BOTH, readings(agent=AgentReading(online=True, last_heard=NOW, goodbye=True)), "up ok none", ""),
    ("offline after battery", BOTH, readings(agent=GONE, around=Surroundings(battery=True)), "unknown site_power power", "agent a1 is offline, and the site ran on battery before"),
    ("silent after battery", BOTH, readings(agent=QUIET, around=Surroundings(battery=True)), "unknown site_power power", "agent a1 is silent, and the site ran on battery before"),
    ("on battery and heard", BOTH, readings(around=Surroundings(battery=True)), "up ok none", ""),
    ("stopped by itself on battery", BOTH, readings(agent=STOPPED, around=Surroundings(battery=True)), "unknown agent_lost monitoring", "agent a1 was stopped"),
    ("battery beats last words", BOTH, readings(agent=GONE, interface=interface(oper=False), around=Surroundings(battery=True)), "unknown site_power power", "agent a1 is offline, and the site ran on battery before"),
    ("offline, the neighbour by a spare way", BOTH, readings(agent=GONE, around=Surroundings(neighbour_spare=True)), "unknown uplink_lost operator", "agent a1 is offline, another one of the site is heard by a spare way"),
    ("silent, the collector without a broker", BOTH, readings(agent=QUIET, around=Surroundings(broker=False, battery=True)), "unknown stale monitoring", "the collector does not hear the broker"),
    ("fresh, the collector just lost the broker", BOTH, readings(around=Surroundings(broker=False)), "up ok none", ""),
    ("by a spare way", BOTH, readings(agent=SPARE, around=Surroundings(sole=True)), "degraded uplink_lost operator", "reports of agent a1 leave by a spare way, not by this channel"),
    ("by a spare way, as everybody", BOTH, readings(agent=SPARE, around=Surroundings(sole=True, others_get_through=False)), "up ok none", ""),
    ("by a spare way, two channels", BOTH, readings(agent=SPARE, around=Surroundings(sole=False)), "up ok none", ""),
    ("by a spare way, the channel cut", BOTH, readings(agent=SPARE, interface=interface(oper=False), around=Surroundings(sole=True)), "down interface_down operator", "interface wan1 on device fw has no link"),
    ("by a spare way, the gateway dead", BOTH, readings(agent=SPARE, probes={"gateway": DEAD}, around=Surroundings(sole=True)), "down gateway_unreachable operator", "probe gateway has no answer"),
    ("silent below a channel that is down", BOTH, readings(agent=QUIET, around=Surroundings(upstream=State.DOWN)), "down upstream_down operator", "channel c0, which carries it, is down"),
    ("cut below a channel that is down", BOTH, readings(probes={"gateway": DEAD}, around=Surroundings(upstream=State.DOWN)), "down upstream_down operator", "channel c0, which carries it, is down"),
    ("blind below a channel that is down", PROBE, readings(probes={}, around=Surroundings(upstream=State.DOWN)), "down upstream_down operator", "channel c0, which carries it, is down"),
    ("seen to work below a channel that is down", BOTH, readings(around=Surroundings(upstream=State.DOWN)), "up ok none", ""),
    ("silent below a channel nobody knows of", BOTH, readings(agent=QUIET, around=Surroundings(upstream=State.UNKNOWN)), "unknown agent_lost monitoring", "agent a1 is silent"),
    ("never heard below a channel that is down", BOTH, readings(agent=None, around=Surroundings(upstream=State.DOWN)), "unknown never_seen monitoring", "agent a1 was never heard"),
    # 3. the interface
    ("interface down", BOTH, readings(interface=interface(oper=False)), "down interface_down operator", "interface wan1 on device fw has no link"),
    ("interface down, probes dead too", BOTH, readings(interface=interface(oper=False), probes={"gateway": DEAD}), "down interface_down operator", "interface wan1 on device fw has no link"),
    ("interface switched off", BOTH, readings(interface=interface(oper=False, admin=False)), "down admin_down agency", "interface wan1 on device fw is switched off"),
    ("interface down without admin state", INTERFACE, readings(interface=interface(oper=False, admin=None)), "down interface_down operator", "interface wan1 on device fw has no link"),
    ("interface down long ago", BOTH, readings(interface=interface(oper=False, age=OLD)), "up stale monitoring", "interface wan1 of device fw has no recent state"),
    ("interface down, then the device gone", BOTH, readings(interface=interface(oper=False), device=device("unreachable")), "up device_unreachable agency", "device fw does not answer"),
    ("interface down by a trap after the device was silent", BOTH, readings(interface=interface(oper=False, age=1), device=device("silent")), "down interface_down operator", "interface wan1 on device fw has no link"),
    # 4. the gateway
    ("gateway dead, device seen", BOTH, readings(probes={"gateway": DEAD, "core": DEAD}), "down gateway_unreachable operator", "probe gateway has no answer"),
    ("gateway dead for one round", BOTH, readings(probes={"gateway": rounds(5, 5, 0), "core": GOOD}), "down gateway_unreachable operator", "probe gateway has no answer"),
    ("gateway dead, first round ever", PROBE, readings(probes={"gateway": rounds(0)}), "down gateway_unreachable operator", "probe gateway has no answer"),
    ("gateway dead, SNMP refused", BOTH, readings(device=device("refused"), probes={"gateway": DEAD}), "down gateway_unreachable operator", "probe gateway has no answer"),
    ("gateway dead, device never reported", DEVICE_PROBE, readings(device=None, probes={"gateway": DEAD}), "down gateway_unreachable operator", "probe gateway has no answer"),
    ("gateway and device dead", BOTH, readings(device=device("unreachable"), probes={"gateway": DEAD}), "down device_unreachable agency", "neither device fw nor probe gateway answers"),
    ("gateway dead long ago", PROBE, readings(probes={"gateway": rounds(0, age=OLD)}), "unknown stale monitoring", "probe gateway has no recent measurement"),
    ("gateway back", BOTH, readings(probes={"gateway": rounds(0, 0, 5), "core": rounds(0, 0, 5)}), "up ok none", ""),
    ("one packet a round, one lost", PROBE, readings(probes={"gateway": rounds(1, 1, 0, sent=1)}), "up ok none", ""),
    ("one packet a round, two lost", PROBE, readings(probes={"gateway": rounds(1, 0, 0, sent=1)}), "down gateway_unreachable operator", "probe gateway has no answer"),
    ("one packet ever, lost", PROBE, readings(probes={"gateway": rounds(0, sent=1)}), "unknown stale monitoring", "the probes have no answer yet"),
    # 5. loss and delay
    ("one lost echo", BOTH, readings(probes={"gateway": rounds(5, 4, 5), "core": GOOD}), "up ok none", ""),
    ("two lost echoes of thirty", BOTH, readings(probes={"gateway": rounds(9, 10, 9, sent=10), "core": GOOD}), "degraded loss operator", "probe gateway lost 7% over 3 rounds, critical from 5%"),
    ("loss between warn and critical", BOTH, readings(probes={"gateway": rounds(19, 20, 19, sent=20), "core": GOOD}), "degraded loss operator", "probe gateway lost 3% over 3 rounds"),
    ("loss below warn", BOTH, readings(probes={"gateway": rounds(99, 100, 99, sent=100), "core": GOOD}), "up ok none", ""),
    ("loss over two rounds only", BOTH, readings(probes={"gateway": rounds(4, 4), "core": GOOD}), "up ok none", ""),
    ("loss at the far probe", BOTH, readings(probes={"gateway": GOOD, "core": rounds(3, 4, 4)}), "degraded loss operator", "probe core lost 27% over 3 rounds, critical from 5%"),
    ("far probe dead", BOTH, readings(probes={"gateway": GOOD, "core": DEAD}), "degraded loss operator", "probe core lost 100% over 3 rounds, critical from 5%"),
    ("loss with a gap of an hour", PROBE, readings(probes={"gateway": (*rounds(3, 3, age=3600), *rounds(4))}), "up ok none", ""),
    ("loss, blind interface", BOTH, readings(device=device("refused"), probes={"gateway": rounds(4, 4, 4), "core": GOOD}), "degraded loss operator", "probe gateway lost 20% over 3 rounds, critical from 5%"),
    ("delay above warn", BOTH, readings(probes={"gateway": rounds(5, 5, 5, rtt=0.025), "core": GOOD}), "degraded latency operator", "probe gateway takes 25 ms over 3 rounds"),
    ("delay above critical", BOTH, readings(probes={"gateway": rounds(5, 5, 5, rtt=0.060), "core": GOOD}), "degraded latency operator", "probe gateway takes 60 ms over 3 rounds, critical from 50 ms"),
    ("delay of one round", BOTH, readings(probes={"gateway": (*rounds(5, 5, age=15), *rounds(5, rtt=0.9)), "core": GOOD}), "up ok none", ""),
    ("delay of two rounds only", BOTH, readings(probes={"gateway": rounds(5, 5, rtt=0.9), "core": GOOD}), "up ok none", ""),
    ("loss beats delay", BOTH, readings(probes={"gateway": rounds(4, 4, 4, rtt=0.9), "core": GOOD}), "degraded loss operator", "probe gateway lost 20% over 3 rounds, critical from 5%"),
    # 6. defects of supervision, the probe good
    ("SNMP refused", BOTH, readings(device=device("refused")), "up snmp_refused monitoring", "SNMP of device fw is refused"),
    ("SNMP silent", BOTH, readings(device=device("silent")), "up snmp_refused monitoring", "SNMP of device fw is silent"),
    ("SNMP broken", BOTH, readings(device=device("broken")), "up snmp_refused monitoring", "SNMP of device fw is broken"),
    ("device gone", BOTH, readings(device=device("unreachable")), "up device_unreachable agency", "device fw does not answer"),
    ("device gone, probe only", DEVICE_PROBE, readings(device=device("unreachable")), "up device_unreachable agency", "device fw does not answer"),
    ("device never reported", BOTH, readings(device=None, interface=None, interfaces_known=()), "up never_seen monitoring", "device fw was never reported"),
    ("device not reported lately", BOTH, readings(device=device("ok", OLD), interface=interface(oper=True, age=OLD)), "up stale monitoring", "device fw has not been reported lately"),
    ("interface not on the device", WAN9, readings(interface=None), "up never_seen monitoring", "interface wan9 is not on device fw; it has lan, wan1"),
    ("device without interfaces", WAN9, readings(interface=None, interfaces_known=()), "up never_seen monitoring", "interface wan9 is not on device fw; it has none"),
    ("interface without a state", BOTH, readings(interface=interface(oper=None, admin=None)), "up stale monitoring", "interface wan1 of device fw has no recent state"),
    ("interface known, not read lately", BOTH, readings(interface=None), "up stale monitoring", "interface wan1 of device fw has no recent state"),
    ("probe never measured", BOTH, readings(probes={"gateway": GOOD}), "up never_seen monitoring", "probe core was never measured"),
    ("probe not measured lately", BOTH, readings(probes={"gateway": rounds(5, age=OLD), "core": GOOD}), "up stale monitoring", "probe gateway has no recent measurement"),
    ("probe not permitted", BOTH, readings(probes={"gateway": rounds(0, 0, 0, sent=0), "core": GOOD}), "up stale monitoring", "probe gateway has no recent measurement"),
    # the same without any good witness
    ("blind: SNMP refused", INTERFACE, readings(device=device("refused")), "unknown snmp_refused monitoring", "SNMP of device fw is refused"),
    ("blind: device gone", INTERFACE, readings(device=device("unreachable")), "unknown device_unreachable agency", "device fw does not answer"),
    ("blind: not on the device", Binding(agent="a1", device="fw", interface="wan9"), readings(interface=None), "unknown never_seen monitoring", "interface wan9 is not on device fw; it has lan, wan1"),
    ("blind: stale", INTERFACE, readings(interface=interface(oper=True, age=OLD)), "unknown stale monitoring", "interface wan1 of device fw has no recent state"),
    ("blind: probes never measured", PROBE, readings(probes={}), "unknown never_seen monitoring", "probe gateway was never measured"),
    ("blind: SNMP refused and probes never measured", BOTH, readings(device=device("refused"), probes={}), "unknown snmp_refused monitoring", "SNMP of device fw is refused"),
    ("blind: gateway not permitted and the far probe just died", BOTH, readings(device=device("refused"), probes={"gateway": rounds(0, sent=0), "core": rounds(5, 5, 0)}), "unknown snmp_refused monitoring", "SNMP of device fw is refused"),
    ("blind: a device and nothing else", NOTHING, readings(), "unknown never_seen monitoring", "the channel is not bound to an interface or a probe"),
    # 7. good
    ("all good", BOTH, readings(), "up ok none", ""),
    ("interface alone", INTERFACE, readings(probes={}), "up ok none", ""),
    ("probe alone", PROBE, readings(device=None, interface=None, interfaces_known=()), "up ok none", ""),
    ("probe and device", DEVICE_PROBE, readings(), "up ok none", ""),
    ("first round of a probe", PROBE, readings(probes={"gateway": rounds(5)}), "up ok none", ""),
    ("interface polled before the device's failed poll came back good", BOTH, readings(device=device("refused", 6)), "up ok none", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("binding", "measured", "verdict", "detail"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_the_truth(binding: Binding | None, measured: Readings, verdict: str, detail: str) -> None:
    """Every row of the table gives exactly its state, reason, party and detail."""
    said = judge(channel(binding), measured, NOW)
    assert f"{said.state.value} {said.reason.value} {said.party.value}" == verdict
    assert said.detail == detail


def test_thresholds_are_those_of_the_class() -> None:
    """The same readings are good for one class, bad for another."""
    strict = ChannelClass(id="strict", latency_warn=0.001, stale_after=10.0)
    assert judge(channel(channel_class=strict), readings(), NOW).reason is Reason.LATENCY
    assert judge(channel(channel_class=strict), readings(), NOW + 8).reason is Reason.AGENT_LOST
    lenient = ChannelClass(id="lenient", loss_warn=0.5, loss_critical=0.5)
    lossy = readings(probes={"gateway": rounds(4, 4, 4), "core": GOOD})
    assert judge(channel(channel_class=lenient), lossy, NOW).reason is Reason.OK


def test_a_class_that_warns_of_any_loss_is_content_without_loss() -> None:
    """A threshold of 0 % does not make a channel without loss a bad one."""
    zero = ChannelClass(id="zero", loss_warn=0.0, latency_warn=0.0)
    assert judge(channel(INTERFACE, zero), readings(), NOW).reason is Reason.OK


def test_a_long_list_of_interfaces_is_cut() -> None:
    """A detail stays short on a device of a thousand interfaces."""
    assert listed(tuple(f"ge{n}" for n in range(1, 12))) == "ge1, ge10, ge11, ge2, ge3, ge4, ge5, ge6 and 3 more"


def test_every_state_reason_and_party_has_words_in_both_languages() -> None:
    """No screen ever shows a code for want of a word, and no two reasons read the same."""
    assert set(STATE_WORDS) == set(State)
    assert set(REASON_WORDS) == set(Reason)
    assert set(PARTY_WORDS) == set(Party)
    for table in (STATE_WORDS, REASON_WORDS, PARTY_WORDS):
        for language in ("vi", "en"):
            texts = [words.of(language) for words in table.values()]
            assert all(texts)
            assert len(set(texts)) == len(texts)


def test_verdicts_that_differ_in_their_detail_only_agree() -> None:
    """A figure in the detail that changes with every round is not another verdict."""
    first = Verdict(State.DEGRADED, Reason.LOSS, Party.OPERATOR, "probe gateway lost 7%")
    assert first.agrees(Verdict(State.DEGRADED, Reason.LOSS, Party.OPERATOR, "probe gateway lost 8%"))
    assert not first.agrees(Verdict(State.DOWN, Reason.LOSS, Party.OPERATOR, "probe gateway lost 7%"))
