"""What people are told of a new device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from support.scripted_session import ScriptedSession
from tslcd_agent.errors import SilentError
from tslcd_agent.snmp import objects as mib
from tslcd_agent.snmp.profile.findings import columns_of, find
from tslcd_agent.snmp.profile.library import Library
from tslcd_runtime.language import Language

if TYPE_CHECKING:
    from pathlib import Path

A = "1.3.6.1.4.1.99999"
PROFILE = f"""
profile: mine
title: My boxes
source: MY-MIB
match: [{{sys_object_id: {A}}}]
values:
  device: {{model: {{oid: {A}.1.0}}, serial: {{oid: {A}.2.0}}}}
  ups: {{load_ratio: {{oid: {A}.3.0}}}}
tables:
  - {{id: fans, kind: sensor, key: {{oid: {A}.4.1}}, columns: {{speed_rpm: {{oid: {A}.4.2}}}}}}
  - {{id: heat, kind: sensor, standard: entity-sensor}}
"""


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Return one profile."""
    (tmp_path / "mine.yaml").write_text(PROFILE)
    return Library(shipped=tmp_path)


def box() -> ScriptedSession:
    """Return a device that gives a part of it."""
    return ScriptedSession(
        {
            mib.SYS_OBJECT_ID: f"{A}.7",
            mib.SYS_DESCR: "Hộp số 1".encode(),
            f"{A}.1.0": b"M" * 100,
            f"{A}.4.1.1": "風扇".encode(),
            f"{A}.4.2.1": 900,
            f"{A}.4.2.2": 1000,
        }
    )


async def test_findings_say_what_came_and_what_did_not(library: Library) -> None:
    """Columns with samples, columns that did not come, kinds without anything; the same as JSON."""
    found = await find(box(), library)
    assert (found.profile, found.why, found.error) == ("mine", f"sysObjectID is under {A}", "")
    assert found.rows == {"device": 1, "sensor": 2}
    assert [(one.kind, one.column, one.rows, one.key) for one in found.came] == [
        ("device", "model", 1, ""),
        ("sensor", "speed_rpm", 2, "風扇"),
    ]
    assert found.missing[:2] == ("device.serial", "sensor.status")
    assert found.empty == ("ups",)
    assert msgspec.json.decode(msgspec.json.encode(found))["came"][1]["value"] == 900


async def test_table_for_people(library: Library) -> None:
    """The table is aligned, also with letters that are two places wide, and long values are cut; in both languages."""
    found = await find(box(), library)
    lines = found.text(Language.EN).splitlines()
    assert lines[:3] == [
        f"sysObjectID  {A}.7",
        "sysDescr     Hộp số 1",
        f"profile: mine (My boxes), because sysObjectID is under {A}",
    ]
    assert lines[4:7] == [
        "column            rows  first row  value",
        f"device.model      1                {'M' * 59}…",
        "sensor.speed_rpm  2     風扇       900",
    ]
    assert lines[8].startswith("in the profile, and not given: device.serial, sensor.status, ")
    assert lines[9] == "nothing at all of: ups"
    vietnamese = found.text(Language.VI)
    assert "hồ sơ: mine (My boxes), vì " in vietnamese
    assert "không có gì về: ups" in vietnamese


async def test_device_that_stops_answering(library: Library) -> None:
    """What was read until a failure is told, with the failure; a device that never answers raises."""
    device = box()
    device.fail_after, device.failure = 2, SilentError("no answer from 192.0.2.1")
    found = await find(device, library)
    assert [one.column for one in found.came] == ["model"]
    assert found.text(Language.EN).splitlines()[-1] == "stopped before the end: no answer from 192.0.2.1"
    device.fail_after = 0
    with pytest.raises(SilentError):
        await find(device, library)


@pytest.fixture
def modest_library(tmp_path: Path) -> Library:
    """Return one profile of one column."""
    body = f"profile: mine\ntitle: x\nsource: x\nmatch: [{{sys_object_id: {A}}}]\nvalues: {{device: {{model: {{oid: {A}.1.0}}}}}}\n"
    (tmp_path / "mine.yaml").write_text(body)
    return Library(shipped=tmp_path)


async def test_nothing_is_missing(modest_library: Library) -> None:
    """A device that gives everything has no lines about what is missing."""
    library = modest_library
    found = await find(ScriptedSession({mib.SYS_OBJECT_ID: A, f"{A}.1.0": b"M"}), library)
    assert found.text(Language.EN).splitlines()[-1] == "device.model  1                M"
    assert columns_of(library.profile("mine")) == {"device": ("model",)}
