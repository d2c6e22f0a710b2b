"""Rounds of questions: what is asked, when interfaces are discovered again, and devices that answer less than asked."""

from __future__ import annotations

import asyncio

import pytest

from support.scripted_session import ScriptedSession, router
from tslcd_agent.config import Interfaces
from tslcd_agent.errors import BrokenError, SilentError
from tslcd_agent.snmp import interfaces
from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.questions import OBJECTS_PER_GET
from tslcd_agent.snmp.reader import REDISCOVER_EVERY, DeviceReader, Round


async def read(reader: DeviceReader) -> Round:
    """Make a round."""
    result = Round()
    await reader.read(result)
    return result


def octets(result: Round) -> dict[str, int]:
    """Return received bytes by interface."""
    assert result.plan is not None
    table = interfaces.interface_table(result.plan, result.values)
    assert table is not None
    return dict(zip(table["key"], table["receive_bytes_total"], strict=True))


async def test_a_round_after_discovery_asks_for_known_cells_only() -> None:
    """No walk, no texts, no 32-bit counters of a device that has 64-bit ones; each GET has sysUpTime first."""
    device = router(50)
    reader = DeviceReader(device, Interfaces())
    await read(reader)
    device.asked.clear()
    device.walked.clear()
    result = await read(reader)
    assert result.complete
    assert device.walked == []
    asked = [oid for oids in device.asked for oid in oids]
    assert all(oids[0] == mib.SYS_UP_TIME and len(oids) <= OBJECTS_PER_GET + 1 for oids in device.asked)
    # ifName, both states, eight counters of 50 rows, in the fewest GETs, after one for the marks
    assert len(device.asked) == 1 + -(-50 * 11 // OBJECTS_PER_GET)
    assert mib.SYS_DESCR not in asked
    assert f"{mib.COUNTERS[0].narrow}.1" not in asked
    assert result.values[mib.SYS_DESCR] == b"synthetic router"
    assert octets(result)["port50"] == 5_000_000_050


async def test_excluded_interfaces_are_never_asked_for() -> None:
    """A filter saves the device's time, not only ours."""
    device = router(3)
    result = await read(DeviceReader(device, Interfaces(exclude=("port2",))))
    assert set(octets(result)) == {"port1", "port3"}
    assert not any(
        oid.endswith(".2") for oids in device.asked for oid in oids if oid.startswith(mib.COUNTERS[0].narrow)
    )
    assert not any(oid == f"{mib.COUNTERS[0].wide}.2" for oids in device.asked for oid in oids)


async def test_an_interface_keeps_its_name_when_indexes_change() -> None:
    """Two rows that changed places are told under their own names in the very next round."""
    device = router(2)
    reader = DeviceReader(device, Interfaces())
    await read(reader)
    device.set_row(1, "port2", octets=222)
    device.set_row(2, "port1", octets=111)
    assert octets(await read(reader)) == {"port1": 111, "port2": 222}


@pytest.mark.parametrize("change", ["restart", "number", "last change", "vanished"])
async def test_a_reason_to_discover_again_is_acted_upon_at_once(change: str) -> None:
    """Restart, ifNumber, ifTableLastChange, a row that vanished."""
    device = router(2)
    reader = DeviceReader(device, Interfaces())
    await read(reader)
    match change:
        case "restart":
            device.objects[mib.SYS_UP_TIME] = 5
        case "number":
            device.objects[mib.IF_NUMBER] = 3
            device.set_row(3, "port3")
        case "last change":
            device.objects[mib.IF_TABLE_LAST_CHANGE] = 4711
        case _:
            device.drop_row(2)
    device.walked.clear()
    result = await read(reader)
    assert device.walked
    expected = {"number": {"port1", "port2", "port3"}, "vanished": {"port1"}}.get(change, {"port1", "port2"})
    assert set(octets(result)) == expected
    device.walked.clear()
    await read(reader)
    assert device.walked == []


async def test_descriptions_are_read_again_now_and_then() -> None:
    """An alias or a speed that changed is seen after some rounds without any other reason."""
    device = router(1)
    reader = DeviceReader(device, Interfaces())
    await read(reader)
    device.objects[f"{mib.IF_ALIAS}.1"] = b"new alias"
    aliases = []
    for _ in range(REDISCOVER_EVERY):
        result = await read(reader)
        assert result.plan is not None
        aliases.append(result.plan.rows[0].alias)
    assert aliases[0] == "to port1"
    assert aliases[-1] == "new alias"


async def test_a_device_without_ifxtable_is_read_with_32_bit_counters() -> None:
    """Old devices have ifDescr and Counter32 only."""
    device = router(2, wide=False)
    device.objects.pop(mib.IF_TABLE_LAST_CHANGE)
    reader = DeviceReader(device, Interfaces())
    await read(reader)
    result = await read(reader)
    assert octets(result) == {"descr port1": 5_000_000_001 % 2**32, "descr port2": 5_000_000_002 % 2**32}


async def test_a_device_with_some_names_missing_is_read_whole() -> None:
    """A row that is in ifTable only is found by ifDescr."""
    device = router(2)
    del device.objects[f"{mib.IF_NAME}.2"]
    assert set(octets(await read(DeviceReader(device, Interfaces())))) == {"port1", "descr port2"}


async def test_a_device_with_small_answers_is_asked_in_small_pieces_from_then_on() -> None:
    """TooBig comes as nothing; halves fit, and the next round does not begin with what is known not to fit."""
    device = router(20)
    device.most = 13
    reader = DeviceReader(device, Interfaces())
    await read(reader)
    device.asked.clear()
    result = await read(reader)
    assert len(octets(result)) == 20
    assert all(len(oids) <= 13 for oids in device.asked)


async def test_an_agent_without_the_group_system_is_broken() -> None:
    """Whatever answers there, it is not what was meant."""
    with pytest.raises(BrokenError, match="answers without sysUpTime"):
        await read(DeviceReader(ScriptedSession({}), Interfaces()))


async def test_what_was_heard_before_a_failure_is_kept() -> None:
    """States come before counters: half a round still tells which interfaces are up."""
    device = router(50)
    reader = DeviceReader(device, Interfaces())
    await read(reader)
    device.fail_after, device.failure = 5, SilentError("gone")
    result = Round()
    with pytest.raises(SilentError):
        await reader.read(result)
    assert result.answered
    assert not result.complete
    assert result.plan is not None
    table = interfaces.interface_table(result.plan, result.values)
    assert table is not None
    assert table["oper_up"] == [1] * 50
    assert "transmit_discards_total" not in table


async def test_what_was_heard_before_the_time_ran_out_is_kept() -> None:
    """A device that stops answering in the middle of discovery is up, with what it told."""
    device = router(2)
    device.fail_after = 4
    result = Round()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await DeviceReader(device, Interfaces()).read(result)
    assert result.answered
    assert result.plan is not None
    assert interfaces.operational(interfaces.interface_table(result.plan, result.values)) == {"port1": 1, "port2": 1}
