"""Every recording of snmpsim-data is read, and what devices with a profile give is pinned, one small file each.

``PYTHONPATH=tests python -m support.replayed`` writes the files anew.
"""

from __future__ import annotations

import pytest

from support.replayed import (
    COVERAGE,
    coverage,
    golden_of,
    has_profile,
    pinned,
    read_golden,
    recordings,
    replay,
    written,
)
from tslcd_agent.snmp.profile.library import Library
from tslcd_wire.codec import decode_report, encode
from tslcd_wire.report import Report, Tables

LONGEST = 60
#: Recordings that must stay among the pinned ones, so that an empty folder cannot pass.
LEAST = 60


@pytest.fixture(scope="module")
def library() -> Library:
    """Return the shipped profiles."""
    return Library()


def on_the_wire(tables: Tables) -> Tables:
    """Send tables through the wire contract and return what arrives."""
    report = Report(agent="a", stream="0198f3c2", seq=1, at=1.0, boot="7c1e", mono=1.0, device="fw", tables=tables)
    decoded = decode_report(encode(report))
    assert decoded.refused == ()
    return decoded.report.tables


@pytest.mark.parametrize("name", recordings())
def test_recording_gives_what_is_pinned(name: str, library: Library) -> None:
    """A recording of a real device gives the columns, rows and first values that are pinned, and no exception."""
    found, rounds = replay(name, library)
    assert found.error == ""
    for tables in rounds:
        # a recording does not change, so neither what is read in few packets nor what is remembered may
        assert tables == rounds[0]
    assert on_the_wire(rounds[0]) == rounds[0]
    golden = golden_of(name)
    assert golden.exists() == has_profile(found)
    if golden.exists():
        text = written(pinned(name, found))
        assert text == golden.read_text()
        assert text.count("\n") < LONGEST


def test_pinned_files_belong_to_recordings() -> None:
    """No pinned file is left of a recording that is gone."""
    golden = read_golden()
    assert set(golden) <= set(recordings())
    assert len(golden) >= LEAST


def test_coverage_page_is_up_to_date(library: Library) -> None:
    """The coverage page says what the profiles can give and what the recordings gave."""
    assert coverage(library, read_golden()) == COVERAGE.read_text()
