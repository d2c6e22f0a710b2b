"""32-bit counters made long: wraps where they happened, never a jump for a wrong reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tslcd_agent.config import Interfaces
from tslcd_agent.snmp import interfaces
from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.counters import MARGIN, QUARTER, RANGE, STALENESS, Counters, Memo, Moment, Remembered
from tslcd_agent.snmp.uptime import TICKS, UpTime

if TYPE_CHECKING:
    from tslcd_agent.snmp.interfaces import Plan
    from tslcd_wire.report import Table

IN, OUT = mib.COUNTERS[0], mib.COUNTERS[1]
ERRORS = mib.COUNTERS[2]
MEGABIT = 10**6
SHARES = st.sampled_from([0.0, 0.02, 0.5, 1.0])


def plan_of(*keys: str, speed: int | None = 100 * MEGABIT, wide: tuple[str, ...] = ()) -> Plan:
    """Return the plan of a device that has received bytes and errors; ``wide`` rows in 64 bits."""
    values: dict[str, int] = {}
    for index, key in enumerate(keys, 1):
        values[f"{IN.wide if key in wide else IN.narrow}.{index}"] = 1
        values[f"{ERRORS.narrow}.{index}"] = 1
        if speed is not None:
            values[f"{mib.IF_SPEED}.{index}"] = speed
    found = interfaces.find({str(index): key for index, key in enumerate(keys, 1)}, {}, {}, Interfaces())
    return interfaces.plan(found, dict(values))


def read(
    counters: Counters,
    raws: list[int | None],
    mono: float,
    *,
    plan: Plan | None = None,
    restarts: int = 0,
    ticks: int | None = None,
    at: float = 1_790_000_000.0,
    anew: frozenset[str] = frozenset(),
    column: str = IN.column,
) -> list[int | None]:
    """Return what is published of ``raws``."""
    plan = plan or plan_of("wan")
    table: Table = {"key": list(plan.keys), column: list(raws)}
    counters.extend(table, plan, Moment(mono, at, ticks, restarts), anew.__contains__)
    found: list[int | None] = table[column]
    return found


def test_a_wrap_is_added_and_the_count_goes_on() -> None:
    """4 GiB and a little more at 100 Mb/s."""
    counters = Counters()
    assert read(counters, [RANGE - 1000], 0) == [RANGE - 1000]
    assert not counters.changed
    assert read(counters, [500], 30) == [RANGE + 500]
    assert counters.changed
    assert read(counters, [600], 60) == [RANGE + 600]


@pytest.mark.parametrize("why", ["restart", "discontinuity", "cleared", "cleared without a speed"])
def test_a_counter_that_began_anew_is_no_wrap(why: str) -> None:
    """SysUpTime says so, ifCounterDiscontinuityTime says so, or the interface cannot have counted so much."""
    plan = plan_of("wan", speed=None if why == "cleared without a speed" else 100 * MEGABIT)
    counters = Counters()
    high = {"restart": RANGE - 10, "discontinuity": RANGE - 10, "cleared": 3 * QUARTER}.get(why, QUARTER)
    read(counters, [high], 0, plan=plan)
    restarts = int(why == "restart")
    anew = frozenset({"wan"} if why == "discontinuity" else ())
    assert read(counters, [5], 30, plan=plan, restarts=restarts, anew=anew) == [5]
    assert read(counters, [6], 60, plan=plan, restarts=restarts) == [6]


def test_without_a_speed_less_than_half_of_the_range_is_a_wrap() -> None:
    """Tunnels and VLANs tell no speed."""
    plan = plan_of("tun", speed=None)
    counters = Counters()
    read(counters, [RANGE - QUARTER], 0, plan=plan)
    assert read(counters, [QUARTER - 1], 30, plan=plan) == [RANGE + QUARTER - 1]
    assert counters.doubtful == ()


def test_a_counter_that_survived_a_restart_of_the_snmp_agent_goes_on() -> None:
    """Only the program was restarted, the kernel counts on: what is published may not fall back by the wraps."""
    counters = Counters()
    read(counters, [RANGE - 10], 0)
    assert read(counters, [10], 30) == [RANGE + 10]
    assert read(counters, [20], 60, restarts=1) == [RANGE + 20]


def test_a_restart_noticed_while_the_counter_was_not_read_still_counts() -> None:
    """A round cut short tells nothing of a counter; the next one that does is judged with what happened meanwhile."""
    counters = Counters()
    read(counters, [RANGE - 10], 0)
    assert read(counters, [None], 30, restarts=1) == [None]
    assert read(counters, [5], 60, restarts=1) == [5]


def test_too_long_between_two_readings_is_told_and_nothing_is_made_up() -> None:
    """At 1 Gb/s a counter goes round in 34 s: after 60 s one wrap is certain, two are possible."""
    plan = plan_of("wan", "lan", speed=1000 * MEGABIT)
    counters = Counters()
    read(counters, [RANGE - 10, 10], 0, plan=plan)
    assert not counters.doubtful
    assert read(counters, [5, 20], 60, plan=plan) == [RANGE + 5, 20]
    assert set(counters.doubtful) == {"wan", "lan"}
    read(counters, [6, 21], 65, plan=plan)
    assert counters.doubtful == ()


def test_errors_are_never_doubtful() -> None:
    """Nobody has four thousand million errors a minute."""
    plan = plan_of("wan", speed=400_000 * MEGABIT, wide=("wan",))
    counters = Counters()
    read(counters, [1], 0, plan=plan, column=ERRORS.column)
    read(counters, [1], 3600, plan=plan, column=ERRORS.column)
    assert counters.doubtful == ()


def test_wraps_belong_to_the_name_and_not_to_the_index() -> None:
    """Rows change places; one that is gone is forgotten, and begins anew when it comes back."""
    counters = Counters()
    read(counters, [RANGE - 1, 100], 0, plan=plan_of("wan", "lan"))
    assert read(counters, [1, 200], 30, plan=plan_of("wan", "lan")) == [RANGE + 1, 200]
    assert read(counters, [300, 2], 60, plan=plan_of("lan", "wan")) == [300, RANGE + 2]
    assert read(counters, [400], 90, plan=plan_of("lan")) == [400]
    assert not counters.wrapped
    assert read(counters, [3, 500], 120, plan=plan_of("wan", "lan")) == [3, 500]


def test_a_row_that_gets_64_bit_counters_is_told_as_it_is_from_then_on() -> None:
    """After an upgrade of the device; a 32-bit object with more than 32 bits is none."""
    counters = Counters()
    read(counters, [RANGE - 1], 0)
    assert read(counters, [1], 30) == [RANGE + 1]
    counters.remember(Moment(30, 0, 1))
    assert read(counters, [2], 60, plan=plan_of("wan", wide=("wan",))) == [2]
    assert not counters.wrapped
    assert read(counters, [RANGE + 7], 90) == [RANGE + 7]
    assert read(counters, [None], 120) == [None]


def test_a_wrap_is_remembered_over_a_restart_of_the_agent() -> None:
    """Also one that happened while the agent was away, by the device's clock, whatever ours says."""
    counters = Counters()
    read(counters, [RANGE - 1000], 0, ticks=100_000)
    read(counters, [1000], 30, ticks=103_000)
    kept = counters.remember(Moment(30, 1_790_000_000.0, 103_000))
    assert not counters.changed
    assert kept.counters == {"wan": {IN.column: Memo(1, 1000)}}
    again = Counters(kept)
    assert read(again, [2000], 5, ticks=106_000, at=1_789_000_000.0) == [RANGE + 2000]
    assert again.doubtful == ()
    late = Counters(Remembered(kept.at, kept.ticks, {"wan": {IN.column: Memo(1, 3 * QUARTER)}}))
    assert read(late, [500], 5, ticks=123_000, at=1_790_000_200.0) == [2 * RANGE + 500]


def test_wraps_of_a_device_that_restarted_while_the_agent_was_away_are_not_believed() -> None:
    """It has been up for longer than when it was last heard, and shorter than it would have been."""
    kept = Remembered(1_790_000_000.0, 103_000, {"wan": {IN.column: Memo(1, 1000)}})
    counters = Counters(kept)
    assert read(counters, [5000], 5, ticks=360_000, at=1_790_000_000.0 + 7200) == [5000]
    assert counters.changed
    assert counters.remember(Moment(5, 0, 1)).counters == {}


def test_what_is_remembered_follows_a_counter_by_quarters() -> None:
    """So that at the next start it can be told whether the counter went round; not every round is worth a write."""
    plan = plan_of("wan", speed=10 * MEGABIT)
    counters = Counters()
    read(counters, [RANGE - 1], 0, plan=plan)
    read(counters, [1], 30, plan=plan)
    counters.remember(Moment(30, 0, 1))
    writes = 0
    step = QUARTER // 8
    for number in range(1, 24):
        read(counters, [number * step], 30 + 30 * number, plan=plan)
        if counters.changed:
            writes += 1
            counters.remember(Moment(30 + 30 * number, 0, 1))
    assert writes == 2


def test_a_fall_is_noticed_before_it_is_judged() -> None:
    """So that the device can be asked for ifCounterDiscontinuityTime first."""
    plan = plan_of("wan", "lan")
    counters = Counters()
    read(counters, [100, 100], 0, plan=plan)
    assert counters.fell({"key": ["wan", "lan"], IN.column: [99, 100]}, plan) == ("wan",)
    assert counters.fell({"key": ["wan", "lan"], IN.column: [None, 100]}, plan) == ()
    assert counters.fell({"key": ["wan", "lan"]}, plan) == ()


def test_errors_are_watched_like_bytes() -> None:
    """They are compared whole while none falls, and one by one when one does."""
    plan = plan_of("wan", "lan", speed=10 * MEGABIT, wide=("wan", "lan"))
    counters = Counters()

    def errors(first: int, second: int, mono: float) -> list[int | None]:
        return read(counters, [first, second], mono, plan=plan, column=ERRORS.column)

    errors(RANGE - 5, 7, 0)
    for number in range(1, 4):
        assert errors(RANGE - 5 + number, 7, 30.0 * number) == [RANGE - 5 + number, 7]
    assert counters.fell({"key": ["wan", "lan"], ERRORS.column: [1, 7]}, plan) == ("wan",)
    assert errors(1, 7, 120) == [RANGE + 1, 7]
    assert errors(2, 3, 150) == [RANGE + 2, 3]
    assert counters.wrapped


class Heard(NamedTuple):
    """One reading beside the truth.

    ``life``: of the counter, which began ``silently`` or not; ``remembered``: the agent had not forgotten the one before.
    """

    life: int
    mono: float
    true: int
    told: int
    doubtful: bool
    remembered: bool
    silently: bool

    @property
    def exact(self) -> bool:
        """Whether nothing happened that may cost some of the count."""
        return self.remembered and not self.doubtful


class ModelOfACounter(RuleBasedStateMachine):
    """A device that restarts, is cleared and is not always heard, and an agent that restarts, against the truth."""

    rate = 12.5e6

    def __init__(self) -> None:
        """Begin with a device that has been up for long."""
        super().__init__()
        self.plan = plan_of("wan", speed=int(8 * self.rate))
        self.true = self.life = 0
        self.mono, self.ticks = 1000.0, 10_000_000
        self.cleared = self.silently = False
        self.heard: list[Heard] = []
        self.counters, self.up_time = Counters(), UpTime()
        self.kept: Remembered | None = None
        self.remembered = self.last_agent_is_sure = True

    @initialize(start=st.integers(0, 2 * RANGE), ticks=st.sampled_from([10_000_000, TICKS - 30_000]))
    def begin(self, start: int, ticks: int) -> None:
        """Begin somewhere, perhaps before the uptime goes round."""
        self.true, self.ticks = start, ticks
        self.hear()

    @rule(seconds=st.floats(1, 340), share=SHARES)
    def count(self, seconds: float, share: float) -> None:
        """Traffic between two rounds, at most what the interface can carry."""
        self.pass_time(seconds, share)
        self.hear()

    @rule(seconds=st.floats(1, 2000), share=SHARES)
    def count_unheard(self, seconds: float, share: float) -> None:
        """Traffic, and no round."""
        self.pass_time(seconds, share)

    @rule(seconds=st.floats(1, 300), heard=st.booleans())
    def restart_the_device(self, seconds: float, *, heard: bool) -> None:
        """Counters and uptime begin anew."""
        self.mono += seconds
        self.ticks = int(seconds * 50)
        self.true = int(seconds / 4 * self.rate)
        self.life += 1
        if heard:
            self.hear()

    @precondition(lambda self: self.last_agent_is_sure)
    @rule(announced=st.booleans())
    def clear(self, *, announced: bool) -> None:
        """Somebody clears the counters; not every device says so in ifCounterDiscontinuityTime.

        Never between the death of an agent and the first round of the next: what it read last, nobody knows then.
        """
        self.true = 0
        self.cleared |= announced
        self.silently = not announced
        self.life += 1
        self.hear()

    @rule(politely=st.booleans())
    def restart_the_agent(self, *, politely: bool) -> None:
        """Stop, with or without the time to write down the last reading; what was due to be written, was."""
        if politely and self.up_time.ticks is not None:
            self.kept = self.counters.remember(self.moment())
        # a counter that has not wrapped has no history
        self.remembered = bool(self.kept and self.kept.counters)
        self.counters, self.up_time = Counters(self.kept), UpTime()
        self.last_agent_is_sure = politely

    def pass_time(self, seconds: float, share: float) -> None:
        """Let the interface be used for ``share`` of what it can carry."""
        self.mono += seconds
        self.ticks += int(seconds * 100)
        self.true += int(seconds * share * self.rate)

    def hear(self) -> None:
        """Make a round, and write down what is due after it."""
        self.up_time.hear(self.ticks % TICKS, self.mono)
        table: Table = {"key": ["wan"], IN.column: [self.true % RANGE]}
        cleared = self.cleared
        self.counters.extend(table, self.plan, self.moment(), lambda _: cleared)
        self.cleared = False
        if self.counters.changed:
            self.kept = self.counters.remember(self.moment())
        heard = Heard(
            self.life,
            self.mono,
            self.true,
            table[IN.column][0],
            bool(self.counters.doubtful),
            self.remembered,
            self.silently,
        )
        self.silently = False
        self.remembered = self.last_agent_is_sure = True
        self.heard.append(heard)
        if len(self.heard) > 1:
            self.compare(*self.heard[-2:])

    def compare(self, before: Heard, now: Heard) -> None:
        """Hold the increase that Prometheus sees to the true one."""
        fell = now.told < before.told
        seen = now.told if fell else now.told - before.told
        if before.life != now.life:
            # a clearing that nobody announced may be taken for a wrap, if that is no more than the interface can carry
            most = self.rate * (now.mono - before.mono + STALENESS) * MARGIN if now.silently else 0
            assert seen <= max(now.true, most)
        elif now.exact:
            assert seen == now.true - before.true
        elif fell:
            assert now.true - before.true >= RANGE - QUARTER or not now.remembered
        else:
            assert seen <= now.true - before.true

    def moment(self) -> Moment:
        """Return now."""
        return Moment(self.mono, self.mono, self.up_time.ticks, self.up_time.restarts)


ModelOfACounter.TestCase.settings = settings(max_examples=200, stateful_step_count=30)
TestModelOfACounter = ModelOfACounter.TestCase
