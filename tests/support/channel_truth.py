"""The whole truth of the judge, as a table: what was measured, the one verdict that follows, and what a person reads."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from support.channels import BOTH, DEVICE_PROBE, INTERFACE, NOW, PROBE, device, interface, readings, rounds, traffic
from tslcd_collector.inventory import Binding
from tslcd_collector.judge import AgentReading, Lost, Past, Readings, Surroundings
from tslcd_collector.maintenance import Occurrence, Window
from tslcd_collector.verdict import Party, Reason, State, Verdict

if TYPE_CHECKING:
    from typing import Any, TypeAlias

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

#: What was told before: bad for a reason, or cut so many seconds ago.
WAS = {reason: Past(State.DEGRADED, reason) for reason in Reason}
TWICE, THRICE = (NOW - 600, NOW - 300), (NOW - 899.9, NOW - 600, NOW - 300)
LOST = Surroundings(lost=Lost("c9", Party.AGENCY))
WORK = Occurrence(Window("w1", "Thay thiết bị"), NOW - 60, NOW + 3600)
DRILL = Occurrence(Window("w2", "Chuyển đường", "drill"), NOW - 60, NOW + 3600)
UNTIL = "2026-09-21 22:13"


def level(received: int = 5, rtt: float = 0.004, jitter: float = 0.001, sent: int = 5) -> dict[str, Any]:
    """Return three like rounds of the gateway, and good ones of the far probe."""
    return {"gateway": rounds(received, received, received, rtt=rtt, jitter=jitter, sent=sent), "core": GOOD}


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
    ("cut with the carrier, which is back, and not measured since", BOTH, readings(probes={"gateway": DEAD}, around=Surroundings(upstream=State.UP, carrier_back=NOW)), "down upstream_down operator", "channel c0, which carries it, is back; this one was not measured since"),
    ("no link, told before the carrier was back", BOTH, readings(interface=interface(oper=False), around=Surroundings(upstream=State.DEGRADED, carrier_back=NOW)), "down upstream_down operator", "channel c0, which carries it, is back; this one was not measured since"),
    ("cut, and seen so since the carrier is back", BOTH, readings(probes={"gateway": DEAD}, around=Surroundings(upstream=State.UP, carrier_back=NOW - 60)), "down gateway_unreachable operator", "probe gateway has no answer"),
    ("well since the carrier is back", BOTH, readings(around=Surroundings(upstream=State.UP, carrier_back=NOW)), "up ok none", ""),
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
    # thresholds, exactly
    ("loss at warn", BOTH, readings(probes={"gateway": rounds(198, 200, 196, sent=200), "core": GOOD}), "degraded loss operator", "probe gateway lost 1% over 3 rounds"),
    ("loss at critical", BOTH, readings(probes={"gateway": rounds(19, 19, 19, sent=20), "core": GOOD}), "degraded loss operator", "probe gateway lost 5% over 3 rounds, critical from 5%"),
    ("delay at warn", BOTH, readings(probes=level(rtt=0.020)), "degraded latency operator", "probe gateway takes 20 ms over 3 rounds"),
    ("delay at critical", BOTH, readings(probes=level(rtt=0.050)), "degraded latency operator", "probe gateway takes 50 ms over 3 rounds, critical from 50 ms"),
    ("delay just below warn", BOTH, readings(probes=level(rtt=0.0199)), "up ok none", ""),
    ("jitter at warn", BOTH, readings(probes=level(jitter=0.010)), "degraded jitter operator", "probe gateway varies by 10 ms over 3 rounds"),
    ("jitter at critical", BOTH, readings(probes=level(jitter=0.030)), "degraded jitter operator", "probe gateway varies by 30 ms over 3 rounds, critical from 30 ms"),
    ("jitter just below warn", BOTH, readings(probes=level(jitter=0.0099)), "up ok none", ""),
    ("jitter of two rounds only", BOTH, readings(probes={"gateway": rounds(5, 5, jitter=0.9), "core": GOOD}), "up ok none", ""),
    ("jitter of one round of three", BOTH, readings(probes={"gateway": (*rounds(5, 5, age=15), *rounds(5, jitter=0.9)), "core": GOOD}), "up ok none", ""),
    ("delay beats jitter", BOTH, readings(probes=level(rtt=0.9, jitter=0.9)), "degraded latency operator", "probe gateway takes 900 ms over 3 rounds, critical from 50 ms"),
    ("errors at warn", BOTH, readings(traffic=traffic(bad=1000, packets=999_000)), "degraded errors operator", "0.10% of the packets of interface wan1 have errors or are discarded over 5 min"),
    ("errors at critical", BOTH, readings(traffic=traffic(bad=1000, packets=99_000)), "degraded errors operator", "1.00% of the packets of interface wan1 have errors or are discarded over 5 min, critical from 1.00%"),
    ("errors just below warn", BOTH, readings(traffic=traffic(bad=999, packets=999_001)), "up ok none", ""),
    ("nine bad packets", BOTH, readings(traffic=traffic(bad=9, packets=91)), "up ok none", ""),
    ("ten bad packets", BOTH, readings(traffic=traffic(bad=10, packets=90)), "degraded errors operator", "10.00% of the packets of interface wan1 have errors or are discarded over 5 min, critical from 1.00%"),
    ("errors long ago", BOTH, readings(traffic=traffic(bad=1000, packets=1000, age=OLD)), "up ok none", ""),
    ("errors that the device does not tell", BOTH, readings(traffic=traffic(bad=None)), "up ok none", ""),
    ("errors without packets told", BOTH, readings(traffic=traffic(bad=1000, packets=None)), "up ok none", ""),
    ("jitter beats errors", BOTH, readings(probes=level(jitter=0.9), traffic=traffic(bad=1000, packets=0)), "degraded jitter operator", "probe gateway varies by 900 ms over 3 rounds, critical from 30 ms"),
    ("errors of a blind interface", BOTH, readings(device=device("refused"), traffic=traffic(bad=1000, packets=1000)), "up snmp_refused monitoring", "SNMP of device fw is refused"),
    ("load at warn", BOTH, readings(traffic=traffic(receive=0.9)), "degraded overloaded agency", "90% of the contracted bandwidth inbound over 5 min"),
    ("load just below warn", BOTH, readings(traffic=traffic(receive=0.899)), "up ok none", ""),
    ("load away from the site", BOTH, readings(traffic=traffic(receive=0.95, transmit=0.99)), "degraded overloaded agency", "99% of the contracted bandwidth outbound over 5 min"),
    ("load in a direction that is told alone", BOTH, readings(traffic=traffic(receive=None, transmit=0.99)), "degraded overloaded agency", "99% of the contracted bandwidth outbound over 5 min"),
    ("load long ago", BOTH, readings(traffic=traffic(receive=0.99, age=OLD)), "up ok none", ""),
    ("errors beat load", BOTH, readings(traffic=traffic(receive=0.99, bad=1000, packets=1000)), "degraded errors operator", "50.00% of the packets of interface wan1 have errors or are discarded over 5 min, critical from 1.00%"),
    # what lets go later than it takes hold: at 80 % of the threshold
    ("loss that goes on", BOTH, readings(past=WAS[Reason.LOSS], probes={"gateway": rounds(498, 498, 492, sent=500), "core": GOOD}), "degraded loss operator", "probe gateway lost 1% over 3 rounds"),
    ("loss that ends", BOTH, readings(past=WAS[Reason.LOSS], probes={"gateway": rounds(498, 498, 493, sent=500), "core": GOOD}), "up ok none", ""),
    ("delay that goes on", BOTH, readings(past=WAS[Reason.LATENCY], probes=level(rtt=0.016)), "degraded latency operator", "probe gateway takes 16 ms over 3 rounds"),
    ("delay that ends", BOTH, readings(past=WAS[Reason.LATENCY], probes=level(rtt=0.0159)), "up ok none", ""),
    ("delay in between, after something else", BOTH, readings(past=WAS[Reason.LOSS], probes=level(rtt=0.016)), "up ok none", ""),
    ("jitter that goes on", BOTH, readings(past=WAS[Reason.JITTER], probes=level(jitter=0.008)), "degraded jitter operator", "probe gateway varies by 8 ms over 3 rounds"),
    ("jitter that ends", BOTH, readings(past=WAS[Reason.JITTER], probes=level(jitter=0.0079)), "up ok none", ""),
    ("errors that go on", BOTH, readings(past=WAS[Reason.ERRORS], traffic=traffic(bad=800, packets=999_200)), "degraded errors operator", "0.08% of the packets of interface wan1 have errors or are discarded over 5 min"),
    ("errors that end", BOTH, readings(past=WAS[Reason.ERRORS], traffic=traffic(bad=799, packets=999_201)), "up ok none", ""),
    ("errors, then too few readings", BOTH, readings(past=WAS[Reason.ERRORS], traffic=traffic(None, None, None, None, span=0)), "degraded errors operator", "as before: too few readings yet to say otherwise"),
    ("errors, then none told", BOTH, readings(past=WAS[Reason.ERRORS], traffic=traffic(bad=None)), "up ok none", ""),
    ("errors, then no readings", BOTH, readings(past=WAS[Reason.ERRORS]), "up ok none", ""),
    ("load that goes on", BOTH, readings(past=WAS[Reason.OVERLOADED], traffic=traffic(receive=0.7201)), "degraded overloaded agency", "72% of the contracted bandwidth inbound over 5 min"),
    ("load that ends", BOTH, readings(past=WAS[Reason.OVERLOADED], traffic=traffic(receive=0.719)), "up ok none", ""),
    ("load, then too few readings", BOTH, readings(past=WAS[Reason.OVERLOADED], traffic=traffic(None, None, None, None, span=0)), "degraded overloaded agency", "as before: too few readings yet to say otherwise"),
    ("load, then none told", BOTH, readings(past=WAS[Reason.OVERLOADED], traffic=traffic(None, None)), "up ok none", ""),
    ("too few readings after anything else", BOTH, readings(past=WAS[Reason.LOSS], traffic=traffic(None, None, None, None, span=0)), "up ok none", ""),
    # what comes and goes
    ("cut twice", BOTH, readings(past=Past(State.DOWN, Reason.INTERFACE_DOWN, TWICE)), "up ok none", ""),
    ("cut three times", BOTH, readings(past=Past(State.DOWN, Reason.INTERFACE_DOWN, THRICE)), "degraded flapping operator", "down 3 times within 15 min"),
    ("cut three times, once too long ago", BOTH, readings(past=Past(State.DOWN, Reason.INTERFACE_DOWN, (NOW - 900, *TWICE))), "up ok none", ""),
    ("flapping with two cuts left", BOTH, readings(past=Past(State.DEGRADED, Reason.FLAPPING, TWICE)), "degraded flapping operator", "down 2 times within 15 min"),
    ("flapping with one cut left", BOTH, readings(past=Past(State.DEGRADED, Reason.FLAPPING, TWICE[1:])), "up ok none", ""),
    ("cut three times, and again", BOTH, readings(past=Past(State.DEGRADED, Reason.FLAPPING, THRICE), interface=interface(oper=False)), "down interface_down operator", "interface wan1 on device fw has no link"),
    ("flapping beats loss", BOTH, readings(past=Past(State.DEGRADED, Reason.FLAPPING, THRICE), probes=level(4)), "degraded flapping operator", "down 3 times within 15 min"),
    ("flapping, then nothing seen", INTERFACE, readings(past=Past(State.DEGRADED, Reason.FLAPPING, THRICE), interface=interface(oper=True, age=OLD)), "unknown stale monitoring", "interface wan1 of device fw has no recent state"),
    ("flapping, by a spare way", BOTH, readings(agent=SPARE, past=Past(State.DEGRADED, Reason.FLAPPING, THRICE), around=Surroundings(sole=True)), "degraded uplink_lost operator", "reports of agent a1 leave by a spare way, not by this channel"),
    # its group
    ("another of its group down", BOTH, readings(around=LOST), "degraded redundancy_lost agency", "channel c9 of its group is down"),
    ("another of its group down, SNMP refused", BOTH, readings(device=device("refused"), around=LOST), "degraded redundancy_lost agency", "channel c9 of its group is down"),
    ("another of its group down, too much load", BOTH, readings(traffic=traffic(receive=0.95), around=LOST), "degraded redundancy_lost agency", "channel c9 of its group is down, and 95% of the contracted bandwidth inbound over 5 min"),
    ("another of its group down, loss", BOTH, readings(probes=level(4), around=LOST), "degraded loss operator", "probe gateway lost 20% over 3 rounds, critical from 5%"),
    ("all of its group down", BOTH, readings(interface=interface(oper=False), around=LOST), "down interface_down operator", "interface wan1 on device fw has no link"),
    ("another of its group down, nothing known", BOTH, readings(agent=GONE, around=LOST), "unknown agent_lost monitoring", "agent a1 is offline"),
    # up the chain
    ("cut far up the chain", BOTH, readings(agent=QUIET, around=Surroundings(upstream=State.DOWN, carrier="trunk")), "down upstream_down operator", "channel trunk, which carries it, is down"),
    ("the carrier's last words were a cut", BOTH, readings(agent=QUIET, around=Surroundings(upstream=State.UNKNOWN, carrier="c0", carrier_lost=True)), "unknown uplink_lost operator", "agent a1 is silent, and so is that of channel c0, which carries it and was cut"),
    ("battery beats the carrier's last words", BOTH, readings(agent=QUIET, around=Surroundings(carrier_lost=True, battery=True)), "unknown site_power power", "agent a1 is silent, and the site ran on battery before"),
    # what is planned
    ("in a window", BOTH, readings(around=Surroundings(window=WORK)), "maintenance maintenance none", f"maintenance until {UNTIL}: Thay thiết bị; would be: up/ok"),
    ("in a window, cut", BOTH, readings(interface=interface(oper=False), around=Surroundings(window=WORK)), "maintenance maintenance none", f"maintenance until {UNTIL}: Thay thiết bị; would be: down/interface_down: interface wan1 on device fw has no link"),
    ("in a drill", BOTH, readings(agent=GONE, around=Surroundings(window=DRILL)), "maintenance maintenance none", f"drill until {UNTIL}: Chuyển đường; would be: unknown/agent_lost: agent a1 is offline"),
    ("cut with a channel that is worked on", BOTH, readings(agent=QUIET, around=Surroundings(upstream=State.DOWN, carrier="trunk", carrier_window=WORK)), "maintenance maintenance none", f"maintenance until {UNTIL}: of channel trunk: Thay thiết bị; would be: down/upstream_down: channel trunk, which carries it, is down"),
    ("seen to work below a channel that is worked on", BOTH, readings(around=Surroundings(upstream=State.DOWN, carrier_window=WORK)), "up ok none", ""),
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

#: Channels that are not in service: what | how | measured | detail. All are ``maintenance not_in_service none``.
WAITING: list[tuple[str, dict[str, Any], Readings, str]] = [
    ("held back", {"in_service": False}, readings(), "not in service yet; would be: up/ok"),
    ("held back, in a window", {"in_service": False}, readings(around=Surroundings(window=WORK)), "not in service yet; would be: up/ok"),
    ("connected tomorrow", {"connected_since": dt.date(2026, 9, 22)}, readings(agent=None), "in service from 2026-09-22 on; would be: unknown/never_seen: agent a1 was never heard"),
]  # fmt: skip

#: What a person reads, in both languages, for every reason.
SENTENCES: dict[str, tuple[str, str]] = {
    "ok": ("Kênh hoạt động bình thường.", "The channel works."),
    "interface_down": ("Giao diện của kênh mất tín hiệu: kiểm tra đường truyền và thiết bị đầu cuối của đơn vị vận hành.", "The channel's interface has no link: look at the line and the operator's terminal."),
    "admin_down": ("Giao diện của kênh bị tắt trong cấu hình thiết bị: bật lại nếu không phải chủ ý.", "The channel's interface is switched off in the device's configuration: switch it on unless this is intended."),
    "gateway_unreachable": ("Cổng kết nối không trả lời trong khi thiết bị tại chỗ vẫn chạy: báo đơn vị vận hành.", "The gateway does not answer while the site's own device runs: call the operator."),
    "loss": ("Tỷ lệ mất gói vượt ngưỡng của loại kênh: báo đơn vị vận hành.", "Packet loss is above the threshold of the channel's class: call the operator."),
    "latency": ("Độ trễ vượt ngưỡng của loại kênh: báo đơn vị vận hành.", "Delay is above the threshold of the channel's class: call the operator."),
    "jitter": ("Biến động trễ vượt ngưỡng của loại kênh: báo đơn vị vận hành.", "Jitter is above the threshold of the channel's class: call the operator."),
    "errors": ("Giao diện của kênh có nhiều gói lỗi hoặc bị loại: kiểm tra dây nối, mô-đun quang và thiết bị đầu cuối của đơn vị vận hành.", "The channel's interface has many errors or discards: look at the cable, the optics and the operator's terminal."),
    "overloaded": ("Lưu lượng vượt ngưỡng so với băng thông hợp đồng: xem ai đang dùng nhiều, cân nhắc đăng ký thêm băng thông.", "Traffic is above its share of the contracted bandwidth: see who uses it, and consider asking for more."),
    "flapping": ("Kênh chập chờn, mất rồi lại có nhiều lần: báo đơn vị vận hành kiểm tra đường truyền.", "The channel comes and goes: have the operator look at the line."),
    "redundancy_lost": ("Kênh hoạt động nhưng mất dự phòng, một kênh cùng nhóm đã mất kết nối: khôi phục kênh đó trước khi mất cả nhóm.", "The channel works without redundancy, another one of its group is down: restore that one before all are."),
    "device_unreachable": ("Thiết bị tại điểm kết nối không trả lời: kiểm tra nguồn điện và dây nối tại cơ quan sử dụng.", "The device at the connection point does not answer: look at its power and cables at the agency."),
    "snmp_refused": ("Thiết bị không cho đọc SNMP: kiểm tra tài khoản SNMP và danh sách cho phép.", "The device cannot be read by SNMP: look at the SNMP credentials and the access list."),
    "site_power": ("Điểm kết nối mất điện: hỏi cơ quan sử dụng và điện lực, hộp giám sát tắt theo.", "The site has no power, and the monitoring box is off with it: ask the agency and the power company."),
    "uplink_lost": ("Báo cáo không qua được kênh truyền này: báo đơn vị vận hành kiểm tra đường về trung tâm.", "Reports do not get through this channel: have the operator look at the way to the centre."),
    "upstream_down": ("Kênh truyền cấp trên bị mất kết nối: khôi phục kênh đó trước.", "The channel that carries this one is down: restore that one first."),
    "agent_lost": ("Mất liên lạc với tác tử giám sát: chưa biết tình trạng kênh, kiểm tra hộp giám sát và đường gửi báo cáo.", "The agent is silent: nothing is known of the channel; look at the monitoring box and its uplink."),
    "stale": ("Số liệu giám sát đã cũ: kiểm tra tác tử và thiết bị.", "The measurements are too old: look at the agent and the device."),
    "never_seen": ("Chưa từng có số liệu: kiểm tra tác tử đã cài và khai báo liên kết của kênh.", "Nothing was ever measured: check that the agent is installed and what the channel is bound to."),
    "maintenance": ("Kênh đang trong đợt bảo trì hoặc diễn tập theo kế hoạch: chưa phải xử lý gì.", "The channel is in a planned window, maintenance or a drill: nothing has to be done now."),
    "not_in_service": ("Kênh chưa đưa vào sử dụng: chưa tính là sự cố.", "The channel is not in service yet: nothing counts as a fault."),
}  # fmt: skip

CUT = Verdict(State.DOWN, Reason.INTERFACE_DOWN, Party.OPERATOR)
NO_GATEWAY = Verdict(State.DOWN, Reason.GATEWAY_UNREACHABLE, Party.OPERATOR)
GOOD_VERDICT = Verdict(State.UP, Reason.OK, Party.NONE)
BAD = Verdict(State.DEGRADED, Reason.LOSS, Party.OPERATOR)
SILENT = Verdict(State.UNKNOWN, Reason.AGENT_LOST, Party.MONITORING)
IN_WINDOW = Verdict(State.MAINTENANCE, Reason.MAINTENANCE, Party.NONE)
#: Verdicts one after another, a second apart | cuts that count.
CUTS: list[tuple[list[Verdict], int]] = [
    ([GOOD_VERDICT, CUT], 1),
    ([BAD, NO_GATEWAY], 1),
    ([CUT], 0),
    ([GOOD_VERDICT, CUT, CUT, NO_GATEWAY, CUT], 1),
    ([GOOD_VERDICT, CUT, GOOD_VERDICT, CUT, BAD, NO_GATEWAY], 3),
    ([GOOD_VERDICT, CUT, SILENT, CUT], 1),
    ([GOOD_VERDICT, SILENT, CUT], 0),
    ([GOOD_VERDICT, IN_WINDOW, CUT], 0),
    ([GOOD_VERDICT, Verdict(State.DOWN, Reason.ADMIN_DOWN, Party.AGENCY)], 0),
    ([GOOD_VERDICT, Verdict(State.DOWN, Reason.UPSTREAM_DOWN, Party.OPERATOR)], 0),
    ([GOOD_VERDICT, Verdict(State.DOWN, Reason.DEVICE_UNREACHABLE, Party.AGENCY)], 0),
    ([GOOD_VERDICT, Verdict(State.DOWN, Reason.UPSTREAM_DOWN, Party.OPERATOR), CUT], 0),
]
