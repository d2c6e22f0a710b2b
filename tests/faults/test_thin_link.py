"""A backlog over a thin link leaves room for live reports; ``tests/soak thin-link`` is the long version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rigs.thin_link import HALF, TOLERANCE, drain

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_backlog_leaves_room_for_live_reports(tmp_path: Path) -> None:
    """Twenty minutes of a commune over 256 kbit/s, live reports every second: all arrive, live soon, history within its half."""
    found = await drain(tmp_path, 0.014, 256_000, live_every=1.0)
    assert found.failures() == []
    assert found.backlog == 160
    assert found.live >= 8


async def test_the_rig_catches_a_courier_that_takes_the_whole_link(tmp_path: Path) -> None:
    """Without its share, history takes more than the half."""
    found = await drain(tmp_path, 0.018, 96_000, live_every=2.0, history_share=1.0)
    assert found.lost == 0
    assert found.share > HALF + TOLERANCE
    assert any("of the link" in words for words in found.failures())
