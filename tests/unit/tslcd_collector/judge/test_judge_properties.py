"""What holds for the judge whatever was measured."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from support.channels import BOTH, DEVICE_PROBE, INTERFACE, NOW, PROBE, channel, rounds
from tslcd_collector.inventory import Binding
from tslcd_collector.judge import (
    AgentReading,
    DeviceReading,
    InterfaceReading,
    Lost,
    Past,
    ProbeReading,
    Readings,
    Surroundings,
    TrafficReading,
    judge,
)
from tslcd_collector.judge.reasoning import account
from tslcd_collector.maintenance import Occurrence, Window
from tslcd_collector.verdict import STATE_WORDS, Party, Reason, State, Verdict
from tslcd_wire.catalogue import SNMP_STATES

SECOND = Binding(agent="a1", device="fw", interface="lan", probes=("core", "gateway"))
BINDINGS = st.sampled_from([BOTH, INTERFACE, PROBE, DEVICE_PROBE, SECOND, Binding(agent="a1"), None])
TIMES = st.floats(NOW - 400, NOW + 100) | st.sampled_from([0.0, NOW, 2.0**33])
FLAGS = st.sampled_from([True, False, None])
PROBES = st.builds(
    ProbeReading,
    at=TIMES,
    sent=st.integers(-1, 20),
    received=st.integers(-1, 21),
    rtt=st.none() | st.floats(allow_nan=True, allow_infinity=True),
    jitter=st.none() | st.floats(allow_nan=True, allow_infinity=True),
)
WINDOWS = st.none() | st.just(Occurrence(Window("w", "Thay thiết bị"), NOW, NOW + 60))
NUMBERS = st.none() | st.floats() | st.floats(0, 400e6)
TRAFFIC = st.none() | st.builds(
    TrafficReading,
    at=TIMES,
    span=st.sampled_from([0.0, 300.0]),
    receive_bits=NUMBERS,
    transmit_bits=NUMBERS,
    packets=st.none() | st.integers(0, 2**64),
    bad=st.none() | st.integers(0, 2**64),
)
PASTS = st.builds(
    Past,
    state=st.sampled_from([None, *State]),
    reason=st.sampled_from([None, *Reason]),
    cuts=st.lists(st.floats(NOW - 1000, NOW), max_size=5).map(lambda times: tuple(sorted(times))),
)
AROUND = st.builds(
    Surroundings,
    broker=st.booleans(),
    upstream=st.sampled_from([None, *State]),
    sole=st.booleans(),
    others_get_through=st.booleans(),
    battery=st.booleans(),
    neighbour_spare=st.booleans(),
    carrier=st.sampled_from(["", "trunk"]),
    carrier_lost=st.booleans(),
    carrier_back=st.one_of(st.none(), st.floats(NOW - 100, NOW)),
    carrier_window=WINDOWS,
    lost=st.none() | st.builds(Lost, st.just("c9"), st.sampled_from([Party.OPERATOR, Party.AGENCY])),
    window=WINDOWS,
)
READINGS = st.builds(
    Readings,
    agent=st.none()
    | st.builds(AgentReading, online=st.booleans(), last_heard=TIMES, goodbye=st.booleans(), spare=st.booleans()),
    around=AROUND,
    device=st.none() | st.builds(DeviceReading, snmp_state=st.sampled_from([*SNMP_STATES, "new"]), at=TIMES),
    interface=st.none() | st.builds(InterfaceReading, oper_up=FLAGS, admin_up=FLAGS, at=TIMES),
    interfaces_known=st.lists(st.sampled_from(["wan1", "lan", "x"]), unique=True).map(tuple),
    probes=st.dictionaries(st.sampled_from(["gateway", "core"]), st.lists(PROBES, max_size=4).map(tuple)),
    traffic=TRAFFIC,
    past=PASTS,
)
#: Who may be named for a reason.
PARTIES: dict[Reason, Party | None] = {
    Reason.OK: Party.NONE,
    Reason.INTERFACE_DOWN: Party.OPERATOR,
    Reason.ADMIN_DOWN: Party.AGENCY,
    Reason.GATEWAY_UNREACHABLE: Party.OPERATOR,
    Reason.LOSS: Party.OPERATOR,
    Reason.LATENCY: Party.OPERATOR,
    Reason.JITTER: Party.OPERATOR,
    Reason.ERRORS: Party.OPERATOR,
    Reason.OVERLOADED: Party.AGENCY,
    Reason.FLAPPING: Party.OPERATOR,
    Reason.REDUNDANCY_LOST: None,  # of the channel that is lost
    Reason.MAINTENANCE: Party.NONE,
    Reason.NOT_IN_SERVICE: Party.NONE,
    Reason.DEVICE_UNREACHABLE: Party.AGENCY,
    Reason.SNMP_REFUSED: Party.MONITORING,
    Reason.AGENT_LOST: Party.MONITORING,
    Reason.STALE: Party.MONITORING,
    Reason.NEVER_SEEN: Party.MONITORING,
    Reason.SITE_POWER: Party.POWER,
    Reason.UPSTREAM_DOWN: Party.OPERATOR,
    Reason.UPLINK_LOST: None,  # whose part of the channel it was
}
ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+|[0-9a-f]*::")


@settings(max_examples=500)
@given(BINDINGS, READINGS)
def test_there_is_always_one_verdict_and_it_hangs_together(binding: Binding | None, measured: Readings) -> None:
    """Never an exception; the same input, the same verdict; the party fits the reason, and ``ok`` means ``up``."""
    said = judge(channel(binding), measured, NOW)
    assert isinstance(said, Verdict)
    assert said == judge(channel(binding), measured, NOW)
    assert PARTIES[said.reason] in {None, said.party}
    assert said.reason is not Reason.UPLINK_LOST or said.party in {Party.OPERATOR, Party.AGENCY}
    assert said.reason is not Reason.OK or said.state is State.UP
    assert (said.reason is Reason.OK) == (not said.detail.en) == (not said.detail.vi)
    assert not any(ADDRESS.search(text) for text in said.detail)


@settings(max_examples=300)
@given(BINDINGS, READINGS, st.lists(st.floats(0, 300), min_size=1, max_size=6))
def test_time_alone_never_makes_knowledge(binding: Binding | None, measured: Readings, steps: list[float]) -> None:
    """Without new readings a channel that is unknown stays unknown."""
    now = NOW
    unknown = False
    for step in [0.0, *steps]:
        now += step
        state = judge(channel(binding), replace(measured, around=replace(measured.around, window=None)), now).state
        assert not unknown or state is State.UNKNOWN
        unknown = state is State.UNKNOWN


@given(BINDINGS, READINGS)
def test_an_agent_that_is_gone_tells_nothing(binding: Binding | None, measured: Readings) -> None:
    """Whatever was measured before, an offline agent leaves its channels unknown, unless what carries them is down."""
    around = replace(measured.around, upstream=None, window=None)
    lost = replace(measured, agent=AgentReading(online=False, last_heard=NOW), around=around)
    assert judge(channel(binding), lost, NOW).state is State.UNKNOWN


@settings(max_examples=200)
@given(BINDINGS, READINGS)
def test_a_window_hides_nothing_that_is_measured(binding: Binding | None, measured: Readings) -> None:
    """In a window the state is always the same, and the detail has what it would be."""
    bare = replace(measured, around=replace(measured.around, window=None, carrier_window=None))
    would = judge(channel(binding), bare, NOW)
    window = Occurrence(Window("w", "Thay thiết bị"), NOW, NOW + 60)
    said = judge(channel(binding), replace(bare, around=replace(bare.around, window=window)), NOW)
    assert (said.state, said.reason, said.party) == (State.MAINTENANCE, Reason.MAINTENANCE, Party.NONE)
    assert f"would be: {would.state.value}/{would.reason.value}" in said.detail.en
    assert f"tình trạng thực tế: {STATE_WORDS[would.state].vi}" in said.detail.vi


@settings(max_examples=200)
@given(BINDINGS, READINGS)
def test_an_account_is_of_the_verdict_itself(binding: Binding | None, measured: Readings) -> None:
    """Whatever was measured: the same verdict, and one step that decides."""
    told = account(channel(binding), measured, NOW)
    assert told.verdict == judge(channel(binding), measured, NOW)
    assert [step.outcome for step in told.considered].count("decides") == 1


@settings(max_examples=200)
@given(BINDINGS, READINGS)
def test_what_was_before_never_makes_a_fault(binding: Binding | None, measured: Readings) -> None:
    """Past verdicts bear on thresholds and flapping only: what is down or unknown is so with any past, and without."""
    here = judge(channel(binding), measured, NOW)
    fresh = judge(channel(binding), replace(measured, past=Past()), NOW)
    if State.DOWN in {here.state, fresh.state} or State.UNKNOWN in {here.state, fresh.state}:
        assert here == fresh


@given(st.integers(2, 20), st.integers(0, 2), st.sampled_from([BOTH, PROBE, DEVICE_PROBE]))
def test_one_lost_echo_never_changes_a_verdict(sent: int, where: int, binding: Binding) -> None:
    """Whatever the size of a round, and whichever of three rounds it is in."""
    received = [sent, sent, sent]
    received[where] -= 1
    good = Readings(
        agent=AgentReading(online=True, last_heard=NOW),
        device=DeviceReading("ok", NOW),
        interface=InterfaceReading(oper_up=True, admin_up=True, at=NOW),
        interfaces_known=("wan1",),
        probes={"gateway": rounds(*received, sent=sent), "core": rounds(sent, sent, sent, sent=sent)},
    )
    assert judge(channel(binding), good, NOW).reason is Reason.OK
