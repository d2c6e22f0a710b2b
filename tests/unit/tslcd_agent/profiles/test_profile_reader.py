"""What is asked of a device round for round, and what is reported when it answers in part."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from support.scripted_session import ScriptedSession
from tslcd_agent.errors import SilentError
from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.profile.library import Library
from tslcd_agent.snmp.profile.reader import DISCOVER_EVERY, ProfileReader

if TYPE_CHECKING:
    from pathlib import Path

    from tslcd_agent.snmp.session import Value
    from tslcd_wire.report import Tables

A = "1.3.6.1.4.1.99999"
PROFILE = f"""
profile: mine
title: Mine
source: MY-MIB
match: [{{sys_object_id: {A}}}]
values:
  device:
    vendor: {{const: Mine}}
    serial: {{oid: {A}.1.1.0, every: start}}
    model: {{oid: {A}.1.2.0}}
    cpu_utilization_ratio: {{oid: {A}.1.3.0, scale: 0.01}}
    memory_total_bytes: {{oid: {A}.1.4.0}}
    memory_utilization_ratio: {{oid: {A}.2.1, aggregate: mean, scale: 0.01, where: {{oid: {A}.2.2, in: [1]}}}}
  firewall:
    ha_role: {{const: standalone}}
    sessions: {{oid: {A}.2.3, aggregate: sum}}
tables:
  - id: tunnels
    kind: tunnel
    key: {{oid: {A}.3.1}}
    columns:
      up: {{oid: {A}.3.2}}
  - id: heat
    kind: sensor
    every: slow
    key: {{join: {{oid: {A}.5.1, index: 1}}}}
    columns:
      temperature_celsius: {{oid: {A}.4.1}}
  - id: fans
    kind: sensor
    every: start
    key: {{index: true, template: "fan {{index}}"}}
    columns:
      speed_rpm: {{oid: {A}.6.1}}
  - id: runs
    kind: path
    newest: true
    key: {{join: {{oid: {A}.5.1, index: 1}}}}
    columns:
      rtt_seconds: {{oid: {A}.7.1, scale: 0.001}}
"""
SYSTEM: dict[str, Value] = {mib.SYS_OBJECT_ID: f"{A}.1", mib.SYS_DESCR: b"mine"}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Return the shipped profiles and one more."""
    (tmp_path / "mine.yaml").write_text(PROFILE)
    return Library([tmp_path])


@pytest.fixture
def device() -> ScriptedSession:
    """Return a device that has everything but memory_total_bytes."""
    return ScriptedSession(
        {
            f"{A}.1.1.0": b"S1",
            f"{A}.1.2.0": b"M1",
            f"{A}.1.3.0": 50,
            **{f"{A}.2.1.{n}": 10 * n for n in (1, 2, 3)},
            **{f"{A}.2.2.{n}": n % 2 for n in (1, 2, 3)},
            **{f"{A}.2.3.{n}": n for n in (1, 2, 3)},
            **{f"{A}.3.1.{n}": f"t{n}".encode() for n in (1, 2)},
            **{f"{A}.3.2.{n}": 1 for n in (1, 2)},
            f"{A}.4.1.7.1": 40,
            f"{A}.5.1.7": b"board",
            f"{A}.6.1.1": 3000,
            f"{A}.7.1.7.1": 10,
        }
    )


async def read(reader: ProfileReader, device: ScriptedSession, number: int) -> Tables:
    """Make a round."""
    device.asked.clear()
    device.walked.clear()
    tables: Tables = {"device": {"key": [""], "snmp_up": [1]}}
    await reader.read(device, SYSTEM, tables, number)
    return tables


async def test_everything_comes_in_the_first_round(library: Library, device: ScriptedSession) -> None:
    """Discovery reads all, and columns of the device go beside those that are there."""
    reader = ProfileReader(library)
    assert reader.choice is None
    tables = await read(reader, device, 0)
    assert reader.choice == ("mine", f"sysObjectID is under {A}")
    assert tables == {
        "device": {
            "key": [""],
            "snmp_up": [1],
            "profile": ["mine"],
            "vendor": ["Mine"],
            "serial": ["S1"],
            "model": ["M1"],
            "cpu_utilization_ratio": [0.5],
            "memory_utilization_ratio": [0.2],
        },
        "firewall": {"key": [""], "ha_role": ["standalone"], "sessions": [6]},
        "tunnel": {"key": ["t1", "t2"], "up": [1, 1]},
        "sensor": {"key": ["board", "fan 1"], "temperature_celsius": [40, None], "speed_rpm": [None, 3000]},
        "path": {"key": ["board"], "rtt_seconds": [0.01]},
    }


async def test_later_rounds_ask_for_what_is_there_and_due(library: Library, device: ScriptedSession) -> None:
    """In the next round one GET has the known scalars and cells of every round, and the rest is reported from memory."""
    reader = ProfileReader(library)
    first = await read(reader, device, 0)
    assert await read(reader, device, 1) == first
    assert [sorted(oid.removeprefix(f"{A}.") for oid in asked) for asked in device.asked] == [
        ["1.3.0", "2.1.1", "2.1.3", "2.3.1", "2.3.2", "2.3.3"],
        ["3.1.1", "3.1.2", "3.2.1", "3.2.2"],
    ]
    # results that grow are walked every time
    assert device.walked == [f"{A}.7.1", f"{A}.5.1"]
    assert await read(reader, device, 10) == first
    scalars = {oid.removeprefix(f"{A}.") for oid in device.asked[0]}
    assert {"1.2.0", "1.3.0"} <= scalars
    assert not {"1.1.0", "1.4.0"} & scalars
    assert f"{A}.4.1.7.1" in {oid for asked in device.asked for oid in asked}


async def test_new_values_and_new_rows(library: Library, device: ScriptedSession) -> None:
    """Values follow at once, vanished and renamed rows at once, new rows within ten readings, newest results at once."""
    reader = ProfileReader(library)
    await read(reader, device, 0)
    device.objects |= {f"{A}.1.3.0": 60, f"{A}.2.1.3": 90, f"{A}.3.2.2": 0, f"{A}.3.1.3": b"t3", f"{A}.3.2.3": 1}
    device.objects[f"{A}.7.1.7.2"] = 20
    tables = await read(reader, device, 1)
    assert tables["device"]["cpu_utilization_ratio"] == [0.6]
    assert tables["device"]["memory_utilization_ratio"] == [0.5]
    assert tables["tunnel"] == {"key": ["t1", "t2"], "up": [1, 0]}
    assert tables["path"] == {"key": ["board"], "rtt_seconds": [0.02]}
    assert (await read(reader, device, 10))["tunnel"]["key"] == ["t1", "t2", "t3"]
    device.objects[f"{A}.3.1.1"] = b"new name"
    assert (await read(reader, device, 11))["tunnel"]["key"] == ["new name", "t2", "t3"]
    del device.objects[f"{A}.3.1.2"], device.objects[f"{A}.3.2.2"]
    assert (await read(reader, device, 12))["tunnel"]["key"] == ["new name", "t3"]
    for row in (1, 3):
        del device.objects[f"{A}.3.1.{row}"], device.objects[f"{A}.3.2.{row}"]
    assert "tunnel" not in await read(reader, device, 13)
    assert device.walked[:1] == [f"{A}.3.2"]
    # a table that the device does not have is not asked for until discovery
    await read(reader, device, 14)
    assert f"{A}.3.2" not in device.walked


async def test_absent_objects_come_back_with_discovery(library: Library, device: ScriptedSession) -> None:
    """What was absent is asked for again after ``forget``, with another sysObjectID, and after many rounds; else not.

    Another description alone is no reason: there are devices whose description has counters in it.
    """
    reader = ProfileReader(library)
    await read(reader, device, 0)
    device.objects[f"{A}.1.4.0"] = 1024
    assert "memory_total_bytes" not in (await read(reader, device, 10))["device"]
    reader.forget()
    assert (await read(reader, device, 11))["device"]["memory_total_bytes"] == [1024]
    device.objects[f"{A}.1.1.0"] = b"S2"
    assert (await read(reader, device, 12))["device"]["serial"] == ["S1"]
    assert (await read(reader, device, DISCOVER_EVERY))["device"]["serial"] == ["S2"]
    device.objects[f"{A}.1.1.0"] = b"S3"
    tables: Tables = {}
    await reader.read(device, SYSTEM | {mib.SYS_DESCR: b"mine, CPU 9%"}, tables, DISCOVER_EVERY + 1)
    assert tables["device"]["serial"] == ["S2"]
    await reader.read(device, SYSTEM | {mib.SYS_OBJECT_ID: f"{A}.9"}, tables, DISCOVER_EVERY + 2)
    assert tables["device"]["serial"] == ["S3"]


async def test_object_that_is_away_for_once(library: Library, device: ScriptedSession) -> None:
    """An object that was there is asked for again when it is missing, and nothing is reported of it meanwhile."""
    reader = ProfileReader(library)
    await read(reader, device, 0)
    cpu = device.objects.pop(f"{A}.1.3.0")
    assert "cpu_utilization_ratio" not in (await read(reader, device, 1))["device"]
    device.objects[f"{A}.1.3.0"] = cpu
    assert (await read(reader, device, 2))["device"]["cpu_utilization_ratio"] == [0.5]


async def test_failure_keeps_what_was_read(library: Library, device: ScriptedSession) -> None:
    """A part that fails loses itself alone; it comes last the next time, so that the others are discovered all the same."""
    reader = ProfileReader(library)
    device.failure = SilentError("no answer")
    device.fail_after = 5  # the scalars, the aggregates, and half of the tunnels
    tables: Tables = {}
    with pytest.raises(SilentError):
        await reader.read(device, SYSTEM, tables, 0)
    assert tables["device"]["cpu_utilization_ratio"] == [0.5]
    assert "tunnel" not in tables
    device.fail_after = 6  # one GET, then the columns of the other tables, not those of the tunnels
    tables = {}
    with pytest.raises(SilentError):
        await reader.read(device, SYSTEM, tables, 1)
    assert set(tables) == {"device", "firewall", "sensor", "path"}
    device.fail_after = None
    assert (await read(reader, device, 2))["tunnel"]["key"] == ["t1", "t2"]


async def test_what_was_due_and_did_not_come_is_not_reported(library: Library, device: ScriptedSession) -> None:
    """When a later round is cut short at once, only what is not due then is told, never old values of what is."""
    reader = ProfileReader(library)
    await read(reader, device, 0)
    device.fail_after = 0
    tables: Tables = {}
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await reader.read(device, SYSTEM, tables, 1)
    assert tables == {
        "device": {"key": [""], "profile": ["mine"]},
        "sensor": {"key": ["board", "fan 1"], "temperature_celsius": [40, None], "speed_rpm": [None, 3000]},
    }


async def test_settings_name_the_profile(library: Library, device: ScriptedSession) -> None:
    """A named profile is used whatever the device is; a name that nobody has is told, and the device chooses."""
    reader = ProfileReader(library, "generic")
    tables = await read(reader, device, 0)
    assert reader.choice == ("generic", "the settings say so")
    assert tables == {"device": {"key": [""], "snmp_up": [1], "profile": ["generic"]}}
    reader = ProfileReader(library, "absent")
    await read(reader, device, 0)
    assert reader.choice == ("mine", f"there is no profile absent; sysObjectID is under {A}")
    assert reader.profile is not None


async def test_another_device_at_the_address(library: Library, device: ScriptedSession) -> None:
    """When the box is exchanged for one of another kind, the profile changes with it."""
    reader = ProfileReader(library)
    await read(reader, device, 0)
    tables: Tables = {}
    await reader.read(device, {mib.SYS_OBJECT_ID: "1.3.6.1.4.1.99998"}, tables, 1)
    assert reader.choice == ("generic", "no profile is for sysObjectID 1.3.6.1.4.1.99998")
    assert tables == {"device": {"key": [""], "profile": ["generic"]}}


async def test_file_that_was_damaged(tmp_path: Path, device: ScriptedSession) -> None:
    """A shipped file that somebody damaged takes away what is in it; the device is read all the same."""
    (tmp_path / "mine.yaml").write_text(PROFILE.replace("title: Mine", "titel: Mine"))
    reader = ProfileReader(await asyncio.to_thread(Library, shipped=tmp_path))
    assert await read(reader, device, 0) == {"device": {"key": [""], "snmp_up": [1], "profile": ["mine"]}}


async def test_aggregate_over_many_chosen_rows(tmp_path: Path) -> None:
    """Where many rows are chosen, the column is walked; where few are, they are asked for one by one."""
    (tmp_path / "mine.yaml").write_text(PROFILE)
    reader = ProfileReader(await asyncio.to_thread(Library, shipped=tmp_path))
    objects: dict[str, Value] = {}
    for row in range(1, 101):
        objects |= {f"{A}.2.1.{row}": row, f"{A}.2.2.{row}": 1}
    device = ScriptedSession(objects)
    assert (await read(reader, device, 0))["device"]["memory_utilization_ratio"] == [0.505]
    assert f"{A}.2.1" in device.walked
    device.objects |= {f"{A}.2.2.{n}": 0 for n in range(3, 101)}
    reader.forget()
    assert (await read(reader, device, 1))["device"]["memory_utilization_ratio"] == [0.015]
    assert f"{A}.2.1" not in device.walked
