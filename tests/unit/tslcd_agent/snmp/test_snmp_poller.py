"""The poller of one device: one reading a round, reasons, edges, budget."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from support.scripted_session import ScriptedSession, router
from tslcd_agent.config import Interfaces, PolledDevice, Snmp
from tslcd_agent.errors import SNMP_CODES, BrokenError, RefusedError, SilentError, SnmpError
from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.poller import DevicePoller, PollStatistics
from tslcd_runtime.health import Health
from tslcd_runtime.secret import Secret
from tslcd_wire.catalogue import SNMP_STATES

if TYPE_CHECKING:
    from tslcd_agent.readings import Reading


class Rig:
    """A poller, its scripted device, and everything that comes out of it."""

    def __init__(self, session: ScriptedSession, *, interval: float = 30.0, budget: float = 5.0) -> None:
        """Make a poller that is not running."""
        self.session = session
        self.pings: list[str] = []
        self.alive = True
        self.readings: list[Reading] = []
        self.enough = asyncio.Event()
        self.statistics = PollStatistics()
        self.health = Health()
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
        )

    async def submit(self, reading: Reading) -> None:
        """Keep a reading; three are enough."""
        self.readings.append(reading)
        if len(self.readings) == 3:
            self.enough.set()

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
