"""Rounds of questions: what is asked, when interfaces are discovered again, and devices that answer less than asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from support.scripted_session import ScriptedSession, router
from tslcd_agent.config import Interfaces
from tslcd_agent.errors import BrokenError, SilentError
from tslcd_agent.snmp import interfaces
from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.questions import OBJECTS_PER_GET
from tslcd_agent.snmp.reader import LEARN_EVERY, REDISCOVER_EVERY, WALK_LIMIT, DeviceReader, Round

if TYPE_CHECKING:
    from collections.abc import Sequence


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


async def whole(reader: DeviceReader, *, mono: float = 0.0) -> dict[str, list[Any]]:
    """Make a round and its table, counters made long."""
    table = reader.table(await read(reader), at=1_790_000_000.0 + mono, mono=mono)
    assert table is not None
    return table


async def test_the_time_of_a_discontinuity_is_told_only_where_there_was_one() -> None:
    """IfCounterDiscontinuityTime is 0 on nearly every device; an interface without it has none."""
    device = router(3)
    device.objects |= {f"{mib.IF_COUNTER_DISCONTINUITY_TIME}.{index}": 0 for index in (1, 2)}
    reader = DeviceReader(device, Interfaces())
    assert "counter_discontinuity_seconds" not in await whole(reader)
    device.objects[f"{mib.IF_COUNTER_DISCONTINUITY_TIME}.2"] = 360_050
    reader.changed(["port2"])
    assert (await whole(reader))["counter_discontinuity_seconds"] == [0.0, 3600.5, None]


async def test_a_fall_of_a_32_bit_counter_is_a_wrap_unless_the_device_says_otherwise() -> None:
    """IfCounterDiscontinuityTime is asked for in the very round that needs it."""
    device = router(2, wide=False)
    column = f"{mib.COUNTERS[0].narrow}"
    device.objects |= {f"{column}.{index}": 2**32 - 1000 for index in (1, 2)}
    device.objects |= {f"{mib.IF_COUNTER_DISCONTINUITY_TIME}.{index}": 0 for index in (1, 2)}
    reader = DeviceReader(device, Interfaces())
    await whole(reader)
    device.asked.clear()
    device.objects |= {f"{column}.{index}": 50 for index in (1, 2)}
    device.objects[f"{mib.IF_COUNTER_DISCONTINUITY_TIME}.2"] = 8_640_100
    table = await whole(reader, mono=30.0)
    assert table["receive_bytes_total"] == [2**32 + 50, 50]
    assert table["counter_discontinuity_seconds"] == [0.0, 86401.0]
    assert device.asked[-1][1:] == tuple(f"{mib.IF_COUNTER_DISCONTINUITY_TIME}.{index}" for index in (1, 2))


async def test_few_of_many_interfaces_are_asked_about_alone() -> None:
    """Descriptions of the others are not even read."""
    device = router(40)
    reader = DeviceReader(device, Interfaces(include=("port7",)))
    result = await read(reader)
    assert device.walked == [mib.IF_NAME]
    assert result.plan is not None
    assert result.plan.fixed["alias"] == ["to port7"]
    assert reader.keys == {"7": "port7"}


async def test_a_table_of_1300_interfaces_is_read_in_few_packets() -> None:
    """And told whole."""
    device = router(1300)
    reader = DeviceReader(device, Interfaces())
    await read(reader)
    device.asked.clear()
    result = await read(reader)
    assert result.complete
    assert len(octets(result)) == 1300
    assert len(device.asked) < 1300 * 11 / 45


async def test_a_table_that_is_too_large_for_the_time_is_learned_in_several_rounds() -> None:
    """Each round goes on where the one before was cut short, and tells states meanwhile; the last one knows everything."""
    device = router(300)
    reader = DeviceReader(device, Interfaces())
    rounds = 0
    while True:
        device.fail_after, device.failure = 40, SilentError("out of time")
        result = Round()
        try:
            await reader.read(result)
        except SilentError:
            rounds += 1
            assert rounds < 10
            assert result.plan is not None
            table = interfaces.interface_table(result.plan, result.values)
            assert table is not None
            assert table["oper_up"] == [1] * 300
        else:
            break
    assert rounds >= 2
    assert not result.complete
    device.fail_after = None
    assert len(octets(await read(reader))) == 300


async def test_rounds_that_are_always_cut_short_read_the_rest_in_turns() -> None:
    """States in every round, every counter in one of a few."""
    device = router(300)
    reader = DeviceReader(device, Interfaces())
    await read(reader)
    heard: set[tuple[str, str]] = set()
    for _ in range(6):
        device.fail_after, device.failure = 25, SilentError("out of time")
        result = Round()
        with pytest.raises(SilentError):
            await reader.read(result)
        assert result.plan is not None
        table = interfaces.interface_table(result.plan, result.values)
        assert table is not None
        assert table["oper_up"] == [1] * 300
        for column, cells in table.items():
            heard |= {(column, key) for key, cell in zip(table["key"], cells, strict=True) if cell is not None}
    assert all((counter.column, f"port{row}") in heard for counter in mib.COUNTERS for row in range(1, 301))


async def test_a_table_without_end_is_bounded_and_counted() -> None:
    """A device that invents interfaces for ever is told with as many as a report holds; and that there were more."""
    device = router(WALK_LIMIT + 100)
    device.objects[mib.IF_NUMBER] = WALK_LIMIT + 100
    result = await read(DeviceReader(device, Interfaces()))
    assert result.plan is not None
    assert len(result.plan.rows) + result.left_out == WALK_LIMIT + 100
    result = await read(DeviceReader(device, Interfaces(include=("port3",))))
    assert result.left_out == 100


async def test_only_the_speed_of_a_link_that_changed_is_read_again() -> None:
    """Not the whole table."""
    device = router(200)
    reader = DeviceReader(device, Interfaces())
    await read(reader)
    device.objects[f"{mib.IF_HIGH_SPEED}.7"] = 100
    device.walked.clear()
    reader.changed(["port7"])
    result = await read(reader)
    assert result.plan is not None
    assert result.plan.speeds[5:8] == [10e9, 100e6, 10e9]
    assert device.walked == []
    assert f"{mib.IF_HIGH_SPEED}.7" in device.asked[-1]
    await read(reader)
    assert f"{mib.IF_HIGH_SPEED}.7" not in device.asked[-1]


async def test_a_refresh_keeps_what_was_learned_and_learns_again_now_and_then() -> None:
    """Names, descriptions, speeds; not which objects rows have, which is the larger part."""
    device = router(200)
    reader = DeviceReader(device, Interfaces())
    await read(reader)
    first = len(device.asked)
    device.asked.clear()
    reader._refreshed = REDISCOVER_EVERY
    await read(reader)
    refresh = len(device.asked)
    device.asked.clear()
    await read(reader)
    assert len(device.asked) < refresh < first + len(device.asked)
    reader._refreshed, reader._learned = REDISCOVER_EVERY, LEARN_EVERY
    device.set_row(1, "port1", octets=77)
    await read(reader)
    assert reader._learned == 1


async def test_a_row_that_moves_while_descriptions_are_read_is_under_no_wrong_name() -> None:
    """What was heard proves nothing then; the next round knows."""
    device = router(2)
    reader = DeviceReader(device, Interfaces())
    await read(reader)
    reader._refreshed = REDISCOVER_EVERY

    walk = device.walk

    async def walk_and_move(column: str, limit: int, **repetitions: int) -> dict[str, Any]:
        cells = await walk(column, limit, **repetitions)
        if column == mib.IF_ALIAS:
            device.set_row(1, "port2", octets=222)
            device.set_row(2, "port1", octets=111)
        return cells

    device.walk = walk_and_move  # type: ignore[method-assign]
    result = await read(reader)
    assert (result.complete, result.plan) == (False, None)
    device.walk = walk  # type: ignore[method-assign]
    assert octets(await read(reader)) == {"port1": 111, "port2": 222}


async def test_a_restart_that_the_last_answer_shows_is_acted_upon_in_the_next_round() -> None:
    """The uptime of a round's end is young already; the round after it is no restart by itself."""
    device = router(60)
    reader = DeviceReader(device, Interfaces())
    await read(reader)
    get = device.get

    async def get_and_restart(oids: Sequence[str]) -> dict[str, Any]:
        answer = await get(oids)
        device.objects[mib.SYS_UP_TIME] = 100
        return answer

    device.get = get_and_restart  # type: ignore[method-assign]
    await read(reader)
    device.get = get  # type: ignore[method-assign]
    device.walked.clear()
    await read(reader)
    assert device.walked == [mib.IF_NAME, mib.IF_ALIAS]
    assert reader.restarts == 1
