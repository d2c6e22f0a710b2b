"""The poller of one device: one reading a round, reasons, edges, budget."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from support.scripted_session import ScriptedSession, router
from tslcd_agent.config import Interfaces, PolledDevice, Snmp
from tslcd_agent.errors import SNMP_CODES, BrokenError, RefusedError, SilentError, SnmpError
from tslcd_agent.links.state import LinkStates
from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.breaker import FAILURES, MOST
from tslcd_agent.snmp.counter_files import CounterFiles, CounterMemory
from tslcd_agent.snmp.poller import DevicePoller, PollStatistics
from tslcd_agent.snmp.reader import WALK_LIMIT
from tslcd_runtime.health import Health
from tslcd_runtime.secret import Secret
from tslcd_wire.catalogue import SNMP_STATES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tslcd_agent.readings import Reading
    from tslcd_agent.snmp.questions import Questions
    from tslcd_agent.snmp.session import Value
    from tslcd_wire.report import Tables


class Rig:
    """A poller, its scripted device, and everything that comes out of it."""

    def __init__(
        self,
        session: ScriptedSession,
        *,
        interval: float = 30.0,
        budget: float = 5.0,
        profile: Any = None,
        memory: CounterMemory | None = None,
    ) -> None:
        """Make a poller that is not running."""
        self.session = session
        self.pings: list[str] = []
        self.alive = True
        self.readings: list[Reading] = []
        self.arrivals: asyncio.Queue[Reading] = asyncio.Queue()
        self.enough = asyncio.Event()
        self.statistics = PollStatistics()
        self.health = Health()
        self.links = LinkStates()
        device = PolledDevice(
            id="rt",
            address="192.0.2.1",
            port=161,
            snmp=Snmp(community=Secret("hidden-word")),
            interfaces=Interfaces(),
            interval=interval,
            timeout=0.1,
            retries=0,
            budget=budget,
        )
        self.poller = DevicePoller(
            device,
            session,
            self.submit,
            reachable=self.reachable,
            health=self.health,
            statistics=self.statistics,
            links=self.links,
            profile=profile,
            memory=memory,
        )

    async def submit(self, reading: Reading) -> None:
        """Keep a reading; three are enough."""
        self.readings.append(reading)
        self.arrivals.put_nowait(reading)
        if len(self.readings) == 3:
            self.enough.set()

    async def reading(self) -> Reading:
        """Wait for the next reading of the loop."""
        return await self.arrivals.get()

    async def reachable(self, address: str, wait: float) -> bool:
        """Answer for the pinger."""
        assert wait == 0.1
        self.pings.append(address)
        return self.alive

    def fail(self, error: SnmpError | None) -> None:
        """Let the device fail from now on, or answer again."""
        self.session.failure = error
        self.session.fail_after = None if error is None else 0


async def test_a_round_is_one_reading_with_both_tables() -> None:
    """Device and interfaces, measured at one time, under the device's name."""
    rig = Rig(router(2))
    reading = await rig.poller.poll()
    assert reading.device == "rt"
    assert set(reading.tables) == {"device", "interface"}
    assert reading.tables["device"]["snmp_state"] == ["ok"]
    assert reading.tables["device"]["interfaces"] == [2]
    assert reading.tables["interface"]["key"] == ["port1", "port2"]
    assert reading.events == ()
    assert rig.pings == []


@pytest.mark.parametrize(
    ("error", "alive", "state"),
    [
        (RefusedError("user", "x"), True, "refused"),
        (SilentError("x"), True, "silent"),
        (SilentError("x"), False, "unreachable"),
        (BrokenError("x"), False, "broken"),
    ],
)
async def test_a_round_without_an_answer_says_why(error: SnmpError, alive: bool, state: str) -> None:
    """Only silence needs a ping to be understood."""
    rig = Rig(router(2))
    rig.fail(error)
    rig.alive = alive
    reading = await rig.poller.poll()
    assert set(reading.tables) == {"device"}
    assert reading.tables["device"]["snmp_up"] == [0]
    assert reading.tables["device"]["snmp_state"] == [state]
    assert rig.pings == (["192.0.2.1"] if isinstance(error, SilentError) else [])
    assert (rig.statistics.rounds, rig.statistics.failures) == (1, 1)


def test_every_error_has_a_state_in_the_contract() -> None:
    """The closed sets agree."""
    assert set(SNMP_CODES) < set(SNMP_STATES)
    assert {error.code for error in (RefusedError, SilentError, BrokenError)} == set(SNMP_CODES)


async def test_a_device_that_hangs_is_given_up_at_its_budget() -> None:
    """The round ends, is counted as an overrun, and is silent."""
    rig = Rig(router(2), budget=0.05)
    rig.session.fail_after = 0
    reading = await rig.poller.poll()
    assert reading.tables["device"]["snmp_state"] == ["silent"]
    assert (rig.statistics.overruns, rig.statistics.failures) == (1, 1)


async def test_a_round_cut_short_keeps_what_it_heard() -> None:
    """The device answers, so it is up; the interfaces have what came in time."""
    rig = Rig(router(50), budget=0.2)
    await rig.poller.poll()
    rig.session.fail_after = 5
    reading = await rig.poller.poll()
    assert reading.tables["device"]["snmp_up"] == [1]
    assert reading.tables["interface"]["oper_up"] == [1] * 50
    assert (rig.statistics.incomplete, rig.statistics.overruns, rig.statistics.failures) == (1, 1, 0)


async def test_a_link_that_changed_between_two_rounds_is_an_event_once() -> None:
    """With the time of the later round; also when rounds without an answer lie between."""
    rig = Rig(router(2))
    await rig.poller.poll()
    rig.fail(SilentError("x"))
    await rig.poller.poll()
    rig.fail(None)
    rig.session.objects[f"{mib.IF_OPER_STATUS}.2"] = 2
    reading = await rig.poller.poll()
    assert [(event.kind, event.key, event.up, event.at, event.source) for event in reading.events] == [
        ("link", "port2", False, reading.at, "poll")
    ]
    assert (await rig.poller.poll()).events == ()


async def test_the_speed_is_read_again_after_a_link_changed() -> None:
    """A link that comes up may have another speed."""
    rig = Rig(router(1))
    await rig.poller.poll()
    rig.session.objects |= {f"{mib.IF_OPER_STATUS}.1": 2, f"{mib.IF_HIGH_SPEED}.1": 100}
    await rig.poller.poll()
    assert (await rig.poller.poll()).tables["interface"]["speed_bits_per_second"] == [100e6]


async def test_failure_is_logged_once_and_recovery_once_without_secrets() -> None:
    """Edges, not levels; a change of the reason is an edge."""
    rig = Rig(router(1))
    with capture_logs() as logs:
        await rig.poller.poll()
        rig.fail(SilentError("no SNMP answer"))
        for _ in range(2):
            await rig.poller.poll()
        rig.fail(RefusedError("port", "port closed"))
        await rig.poller.poll()
        rig.fail(None)
        await rig.poller.poll()
        await rig.poller.poll()
    assert [(line["event"], line.get("state")) for line in logs] == [
        ("device not read", "silent"),
        ("device not read", "refused"),
        ("device read again", None),
    ]
    assert "hidden-word" not in str(logs)


async def test_the_loop_submits_beats_and_stops_when_told() -> None:
    """Readings come by themselves; cancelling leaves nothing behind, not even an expectation."""
    rig = Rig(router(1), interval=0.02, budget=0.02)
    task = asyncio.create_task(rig.poller.run())
    async with asyncio.timeout(10):
        await rig.enough.wait()
    assert rig.health.stuck() == []
    assert rig.health.stuck(now=1e12) == ["poll rt"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert rig.health.stuck(now=1e12) == []


async def test_every_reading_tells_what_the_round_cost() -> None:
    """Requests, repeated ones, and whether everything was read; nothing of it is made up for a round not asked."""
    rig = Rig(router(2))
    device = (await rig.poller.poll()).tables["device"]
    assert device["poll_complete"] == [1]
    assert device["poll_requests"][0] == rig.session.traffic.requests
    assert device["poll_retries"] == [0]
    assert "interfaces_left_out" not in device
    rig.session.fail_after = 1
    rig.session.failure = SilentError("x")
    device = (await rig.poller.poll()).tables["device"]
    assert (device["snmp_up"], device["poll_complete"]) == ([1], [1])
    rig.session.objects[mib.IF_NUMBER] = 7
    rig.session.fail_after = 1
    device = (await rig.poller.poll()).tables["device"]
    assert (device["snmp_up"], device["poll_complete"]) == ([1], [0])


async def ticks(rig: Rig, count: int) -> list[tuple[str, int]]:
    """Go so many ticks; return the state of each reading, and how many questions it cost."""
    result = []
    for _ in range(count):
        before = len(rig.session.asked)
        reading = await rig.poller.poll()
        result.append((reading.tables["device"]["snmp_state"][0], len(rig.session.asked) - before))
    return result


async def test_a_device_that_stays_silent_is_asked_less_and_every_tick_has_a_reading() -> None:
    """One small question after each pause, the state with every tick, and all of it again after the first answer."""
    rig = Rig(router(2))
    await rig.poller.poll()
    rig.fail(SilentError("x"))
    seen = await ticks(rig, 30)
    assert [state for state, _ in seen] == ["silent"] * 30
    assert sum(asked for _, asked in seen) <= 3 + 30 / 2
    assert all(asked <= 1 for _, asked in seen)
    assert rig.statistics.spared == 27
    rig.fail(None)
    later = await ticks(rig, MOST + 1)
    assert later[-1][0] == "ok"
    assert not rig.poller._breaker.open


async def test_the_state_in_a_pause_is_what_a_ping_says() -> None:
    """A device whose power fails while it is not asked is unreachable; one that answers again is asked at once."""
    rig = Rig(router(2))
    rig.fail(SilentError("x"))
    await ticks(rig, FAILURES)
    rig.alive = False
    assert {state for state, _ in await ticks(rig, 8)} == {"unreachable"}
    rig.fail(None)
    rig.alive = True
    assert (await ticks(rig, 1))[0][0] == "ok"


@pytest.mark.parametrize("error", [RefusedError("port", "closed"), BrokenError("garbage")])
async def test_a_refusal_stays_a_refusal_in_the_pauses(error: SnmpError) -> None:
    """Nothing else was found out meanwhile, also when the small question finds only silence."""
    rig = Rig(router(2))
    rig.fail(error)
    assert {state for state, _ in await ticks(rig, 12)} == {error.code}
    assert rig.pings == []
    rig.session.failure = None
    assert {state for state, _ in await ticks(rig, 6)} == {error.code}


async def test_being_woken_ends_a_pause() -> None:
    """A trap says that the device is there: it is asked at the next moment."""
    rig = Rig(router(2))
    rig.fail(SilentError("x"))
    await ticks(rig, FAILURES + 8)
    rig.fail(None)
    rig.poller.wake("trap")
    assert (await ticks(rig, 1))[0][0] == "ok"


async def test_a_round_out_of_turn_begins_at_once_and_a_storm_costs_few() -> None:
    """Woken ten thousand times in a moment, the device has one round more now, and not one each."""
    rig = Rig(router(1), interval=3600.0)
    task = asyncio.create_task(rig.poller.run())
    async with asyncio.timeout(20):
        await rig.reading()
        for _ in range(10_000):
            rig.poller.wake("trap")
        await rig.reading()
    assert rig.statistics.woken == 1
    await asyncio.sleep(0.1)
    assert len(rig.readings) == 2
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert rig.session.closed == 1


async def test_a_trap_and_a_round_tell_one_change_once() -> None:
    """They share a memory."""
    rig = Rig(router(2))
    first = await rig.poller.poll()
    assert rig.poller.key_of("2") == "port2"
    assert rig.poller.key_of("9") is None
    rig.links.changed("rt", "port2", up=False, at=first.at + 1, source="trap", mono=first.mono)
    rig.session.objects[f"{mib.IF_OPER_STATUS}.2"] = 2
    second = await rig.poller.poll()
    assert second.events == ()
    assert second.tables["interface"]["oper_up"] == [1, 0]


class ScriptedProfile:
    """A profile that adds one column and a table, or fails."""

    def __init__(self) -> None:
        """Be good."""
        self.error: BaseException | None = None
        self.numbers: list[int] = []
        self.forgotten = 0

    def forget(self) -> None:
        """Count."""
        self.forgotten += 1

    async def read(
        self, questions: Questions, system: Mapping[str, Value], tables: Tables, number: int, step: object
    ) -> None:
        """Fill the tables."""
        assert callable(step)
        self.numbers.append(number)
        assert set(system) == {mib.SYS_OBJECT_ID, mib.SYS_DESCR}
        tables["device"]["cpu_utilization_ratio"] = [0.5]
        if self.error is not None:
            raise self.error
        assert await questions.get([mib.SYS_NAME])
        tables["ups"] = {"key": [""], "on_battery": [0]}


async def test_a_profile_adds_to_the_round_within_its_budget() -> None:
    """What it told before it failed is kept, interfaces anyway, and the reading says that it is not complete."""
    profile = ScriptedProfile()
    rig = Rig(router(2), profile=profile)
    reading = await rig.poller.poll()
    assert set(reading.tables) == {"device", "interface", "ups"}
    assert reading.tables["device"]["poll_complete"] == [1]
    profile.error = SilentError("lost")
    reading = await rig.poller.poll()
    assert set(reading.tables) == {"device", "interface"}
    assert reading.tables["device"]["cpu_utilization_ratio"] == [0.5]
    assert reading.tables["device"]["poll_complete"] == [0]
    assert (profile.numbers, profile.forgotten, rig.statistics.incomplete) == ([0, 1], 0, 1)
    rig.session.objects[mib.SYS_UP_TIME] = 100
    await rig.poller.poll()
    assert profile.forgotten == 1


async def test_a_fault_of_ours_ends_a_round_and_nothing_else() -> None:
    """Whatever a device made our own code stumble over: a reading says broken, the log says what, polling goes on."""
    profile = ScriptedProfile()
    rig = Rig(router(2), profile=profile)
    profile.error = ZeroDivisionError("float division by zero")
    with capture_logs() as logs:
        for _ in range(3):
            assert (await rig.poller.poll()).tables["device"]["snmp_state"] == ["broken"]
    told = [line for line in logs if line["log_level"] != "debug"]
    assert [line["event"] for line in told] == ["device not read"]
    assert told[0]["reason"].startswith("a fault of the agent: ZeroDivisionError: float division by zero (read:")
    profile.error = None
    assert (await rig.poller.poll()).tables["device"]["snmp_state"] == ["ok"]


async def test_wraps_are_on_disk_before_they_are_told_and_outlive_the_agent(tmp_path: Path) -> None:
    """Killed after the reading, the next agent goes on counting where this one was."""
    memory = CounterFiles(tmp_path)
    octets = f"{mib.COUNTERS[0].narrow}.1"
    rig = Rig(router(1, wide=False), memory=memory)
    rig.session.objects[octets] = 2**32 - 5
    await rig.poller.poll()
    assert await memory.recall("rt") is None
    rig.session.objects[octets] = 5
    reading = await rig.poller.poll()
    assert reading.tables["interface"]["receive_bytes_total"] == [2**32 + 5]
    again = Rig(router(1, wide=False), memory=memory)
    again.session.objects[octets] = 6
    assert (await again.poller.poll()).tables["interface"]["receive_bytes_total"] == [2**32 + 6]
    again.session.objects[octets] = 7
    await again.poller.poll()
    await again.poller._rounds.close()
    kept = await memory.recall("rt")
    assert kept is not None
    assert kept.counters["descr port1"]["receive_bytes_total"] == (1, 7)


async def test_figures_smaller_than_the_truth_are_told_once() -> None:
    """Interfaces beyond the bounds, and counters that wrap faster than they are read."""
    rig = Rig(router(2, wide=False))
    rig.session.objects |= {f"{mib.IF_SPEED}.{index}": 4_000_000_000 for index in (1, 2)}
    with capture_logs() as logs:
        await rig.poller.poll()
        for _ in range(5):
            for cells in rig.poller._rounds.reader.counters._cells.values():
                for cell in cells.values():
                    cell.mono -= 60
            await rig.poller.poll()
    assert [(line["event"], line["interfaces"], line["count"]) for line in logs] == [
        (
            "32-bit counters may wrap more than once between two rounds, and are told too small: poll more often",
            "descr port1, descr port2",
            2,
        )
    ]
    many = Rig(router(WALK_LIMIT + 5), budget=30.0)
    with capture_logs() as logs:
        await many.poller.poll()
        reading = await many.poller.poll()
    left_out = reading.tables["device"]["interfaces_left_out"][0]
    assert left_out >= 5
    assert [(line["event"], line["left_out"]) for line in logs if "left_out" in line] == [
        ("interfaces left out: choose with interfaces.include", left_out)
    ]
