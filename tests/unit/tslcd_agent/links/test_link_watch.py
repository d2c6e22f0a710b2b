"""The fast poll: what it says, and above all what it does not say."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest
from structlog.testing import capture_logs

from support.notifications import ScriptedPoller, polled
from support.scripted_session import router
from tslcd_agent.config import Watch
from tslcd_agent.errors import SilentError
from tslcd_agent.links.pollers import Pollers
from tslcd_agent.links.state import LinkStates
from tslcd_agent.links.watch import MAX_WATCHED, LinkWatch, watched_device
from tslcd_agent.snmp import objects as mib
from tslcd_runtime.health import Health

if TYPE_CHECKING:
    from tslcd_agent.readings import Reading


class Rig:
    """A watch of port1 and port2 of a scripted device."""

    def __init__(self, rows: int = 2) -> None:
        """Make it; nothing runs."""
        self.session = router(rows)
        self.readings: list[Reading] = []
        self.states = LinkStates()
        self.health = Health()
        self.poller = ScriptedPoller({str(row): f"port{row}" for row in range(1, rows + 1)})
        device = msgspec.structs.replace(polled("rt"), watch=Watch(interfaces=("port*",), interval=2.0))
        self.watch = LinkWatch(
            device,
            self.session,
            states=self.states,
            submit=self._submit,
            pollers=Pollers({"rt": self.poller}),
            health=self.health,
        )

    async def _submit(self, reading: Reading) -> None:
        self.readings.append(reading)

    @property
    def events(self) -> list[tuple[str, bool]]:
        """Every event told."""
        return [(event.key, event.up) for reading in self.readings for event in reading.events]


async def test_a_change_is_an_event_at_once_and_wakes_the_poller() -> None:
    """The first look is where things begin; what changes after it is told, once, without any table."""
    rig = Rig()
    await rig.watch.look()
    assert (rig.events, rig.poller.woken) == ([], [])
    rig.session.objects[f"{mib.IF_OPER_STATUS}.1"] = 7
    for _ in range(3):
        await rig.watch.look()
    assert rig.events == [("port1", False)]
    assert rig.readings[0].tables == {}
    assert rig.readings[0].events[0].source == "poll"
    assert rig.readings[0].events[0].at == rig.readings[0].at
    assert rig.poller.woken == ["link"]
    assert all(len(asked) == 7 for asked in rig.session.asked)


@pytest.mark.parametrize("status", [4, None, b"up", 99])
async def test_a_status_that_says_nothing_changes_nothing(status: int | bytes | None) -> None:
    """Unknown(4), absent, of the wrong type, or a number that RFC 2863 does not have."""
    rig = Rig()
    await rig.watch.look()
    rig.session.objects[f"{mib.IF_OPER_STATUS}.1"] = status
    await rig.watch.look()
    assert rig.events == []


async def test_an_index_that_became_another_interface_is_said_nothing_of() -> None:
    """The device renumbered: port1's index is port2 now, and down. The poller is woken to find them again."""
    rig = Rig()
    await rig.watch.look()
    rig.session.set_row(1, "port2", oper=2)
    await rig.watch.look()
    assert rig.events == []
    assert rig.poller.woken == ["interfaces moved"]
    rig.session.drop_row(1)
    await rig.watch.look()
    assert rig.events == []


async def test_a_device_that_stops_answering_is_said_nothing_of() -> None:
    """Logged once, and once when it answers again; what changed meanwhile is told then."""
    rig = Rig()
    with capture_logs() as logs:
        await rig.watch.look()
        rig.session.fail_after, rig.session.failure = 0, SilentError("no SNMP answer")
        for _ in range(3):
            await rig.watch.look()
        assert rig.events == []
        rig.session.fail_after = None
        rig.session.objects[f"{mib.IF_OPER_STATUS}.2"] = 2
        await rig.watch.look()
    assert rig.events == [("port2", False)]
    said = [one["event"] for one in logs]
    assert said == ["fast poll not answered", "fast poll answered again", "link down"]


async def test_an_answer_that_never_comes_ends_with_the_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that hangs holds the watch for one interval at most."""
    rig = Rig()
    rig.session.fail_after = 0
    monkeypatch.setattr(rig.watch, "_interval", 0.01)
    await rig.watch.look()
    assert rig.events == []


async def test_a_device_without_ifname_is_held_to_its_description() -> None:
    """Version 1 answers a GET with an absent object by an error-status: the next one asks without it."""
    rig = Rig()
    for row in (1, 2):
        del rig.session.objects[f"{mib.IF_NAME}.{row}"]
    rig.session.most = 5
    rig.poller.keys = {"1": "descr port1", "2": "descr port2"}
    await rig.watch.look()
    await rig.watch.look()
    rig.session.objects[f"{mib.IF_OPER_STATUS}.1"] = 2
    await rig.watch.look()
    assert rig.events == [("descr port1", False)]
    assert [len(asked) for asked in rig.session.asked] == [7, 5, 5]


async def test_interfaces_of_one_name_and_of_none_are_their_own() -> None:
    """Keys as the poller makes them: ``name#index`` for the second of a name, ``if<index>`` without any."""
    rig = Rig()
    rig.session.set_row(2, "port1")
    rig.session.objects[f"{mib.IF_NAME}.3"] = b""
    rig.session.objects[f"{mib.IF_OPER_STATUS}.3"] = 1
    rig.poller.keys = {"1": "port1", "2": "port1#2", "3": "if3"}
    await rig.watch.look()
    for row in (1, 2, 3):
        rig.session.objects[f"{mib.IF_OPER_STATUS}.{row}"] = 2
    await rig.watch.look()
    assert rig.events == [("port1", False), ("port1#2", False), ("if3", False)]


async def test_a_restart_wakes_the_poller() -> None:
    """Its sysUpTime went back: everything may have moved."""
    rig = Rig()
    await rig.watch.look()
    rig.session.objects[mib.SYS_UP_TIME] = 100
    await rig.watch.look()
    assert (rig.events, rig.poller.woken) == ([], ["restarted"])


async def test_nothing_is_asked_before_interfaces_are_known_and_never_too_much() -> None:
    """One GET of at most MAX_WATCHED interfaces; a device that nobody polls has none."""
    rig = Rig(40)
    await rig.watch.look()
    assert len(rig.session.asked[0]) == 1 + 3 * MAX_WATCHED
    rig.poller.keys = {}
    await rig.watch.look()
    assert len(rig.session.asked) == 1
    assert (Pollers({}).indexes_of("rt", ["*"]), Pollers({}).key_of("rt", "1")) == ({}, None)
    Pollers({}).wake("rt", "nobody")


async def test_it_runs_on_its_ticks_and_closes_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alive for the watchdog while it runs; its session goes with it."""
    rig = Rig()
    monkeypatch.setattr(rig.watch, "_interval", 0.01)
    task = asyncio.create_task(rig.watch.run())
    async with asyncio.timeout(20):
        while len(rig.session.asked) < 3:  # noqa: ASYNC110 - the session is asked by a loop of its own
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert rig.session.closed == 1


def test_a_watch_asks_once_and_answers_within_its_tick() -> None:
    """A question that is asked again would come after the next one."""
    device = msgspec.structs.replace(polled("rt"), timeout=5.0, watch=Watch(interfaces=("wan1",), interval=2.0))
    assert (watched_device(device).retries, watched_device(device).timeout) == (0, 2.0)
