"""The byte budget of a metered uplink: over months, restarts, wrong clocks and bad disks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tslcd_agent.courier.meter import OVERHEAD, Meter

if TYPE_CHECKING:
    from pathlib import Path

NOVEMBER = 1_795_000_000.0  # 2026-11-18
DECEMBER = NOVEMBER + 20 * 86400


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the counts are kept."""
    return tmp_path / "metered.json"


def meter(file: Path) -> Meter:
    """Start as the agent does: one uplink may carry 10,000 bytes a month."""
    one = Meter(file, {"sim": 10_000})
    one.load()
    return one


def test_a_budget_is_spent_to_the_byte_and_comes_back_with_the_month(file: Path) -> None:
    """Headers count; other uplinks do not; a new month begins with nothing."""
    one = meter(file)
    one.spend("sim", 10_000 - OVERHEAD - 1, NOVEMBER)
    one.spend("fibre", 10**9, NOVEMBER)
    assert not one.is_spent("sim", NOVEMBER)
    one.spend("sim", 0, NOVEMBER)
    assert one.is_spent("sim", NOVEMBER)
    assert not one.is_spent("fibre", NOVEMBER)
    assert not one.is_spent("sim", DECEMBER)


def test_a_clock_that_is_set_back_gives_nothing_back(file: Path) -> None:
    """A box that wakes up in 1970 goes on counting for the latest month it has seen."""
    one = meter(file)
    one.spend("sim", 20_000, NOVEMBER)
    assert one.is_spent("sim", 0.0)
    one.spend("sim", 1, 0.0)
    assert one.is_spent("sim", NOVEMBER)


def test_a_restart_goes_on_counting(file: Path) -> None:
    """What was saved counts; what nobody changed is not written again."""
    one = meter(file)
    one.spend("sim", 20_000, NOVEMBER)
    one.save()
    assert json.loads(file.read_text()) == {"sim": {"month": "2026-11", "bytes": 20_000 + OVERHEAD}}
    assert meter(file).is_spent("sim", NOVEMBER)
    file.unlink()
    one.save()
    assert not file.exists()


@pytest.mark.parametrize("content", [b"", b"{", b'{"sim": 5}', b'{"sim": {"month": 1, "bytes": 1}}', b"\xff\x00"])
def test_a_damaged_file_counts_as_empty(file: Path, content: bytes) -> None:
    """It is no reason not to start, and is whole again after the next writing."""
    file.write_bytes(content)
    one = meter(file)
    assert not one.is_spent("sim", NOVEMBER)
    one.spend("sim", 20_000, NOVEMBER)
    one.save()
    assert meter(file).is_spent("sim", NOVEMBER)


def test_a_disk_that_takes_nothing_stops_nothing(file: Path) -> None:
    """Counting goes on in memory, and the file is written when that works again."""
    one = Meter(file.parent / "absent" / "metered.json", {"sim": 10_000})
    one.load()
    one.spend("sim", 20_000, NOVEMBER)
    one.save()
    assert one.is_spent("sim", NOVEMBER)
    (file.parent / "absent").mkdir()
    one.spend("sim", 1, NOVEMBER)
    one.save()
    assert (file.parent / "absent" / "metered.json").exists()
