"""The ledger's file: one open interval a channel and no hole, through changes, restarts, kills, blindness and damage."""

from __future__ import annotations

import contextlib
import sqlite3
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tslcd_collector.clock import ClockRow
from tslcd_collector.errors import LedgerError
from tslcd_collector.ledger import Interval, LedgerFile
from tslcd_collector.ledger.file import CLOCK_KEEP, EVIDENCE_KEEP, FILE
from tslcd_collector.ledger.hindsight import Observation, revised, unknown_before
from tslcd_collector.power import Absence
from tslcd_collector.store import VerdictRow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1_790_000_000.0
CLOCK = ClockRow("a1", "7c1e", "0198f3c2", 0, 1, 9, 250.5, 4, NOW, NOW + 60, [(100.0, NOW - 100), (250.5, NOW - 99.9)])


def _row(state: str, reason: str, since: float, channel: str = "c1") -> VerdictRow:
    return VerdictRow(channel, state, reason, "none", "", NOW + since, NOW + since)


def _past(file: LedgerFile, channel: str = "c1") -> list[tuple[str, str, float, float | None]]:
    found = file.history(channel, 0, NOW * 2).intervals
    assert all(one.until == two.since for one, two in pairwise(found))
    return [(one.state, one.reason, one.since - NOW, one.until and one.until - NOW) for one in found]


@pytest.fixture
def file(tmp_path: Path) -> Iterator[LedgerFile]:
    """Open a new ledger at NOW."""
    opened = LedgerFile(tmp_path)
    opened.open(NOW)
    yield opened
    opened.close()


def _again(file: LedgerFile, now: float) -> LedgerFile:
    """Open the file once more, as after a kill."""
    file.close()
    file.open(NOW + now)
    return file


def test_changes_become_intervals_without_a_hole(file: LedgerFile) -> None:
    """Each change ends the interval before it; the same again changes nothing; a retired channel ends."""
    changes = [_row("up", "ok", 0), _row("up", "ok", 5), _row("down", "loss", 10), _row("up", "ok", 20, "c2")]
    file.write(changes, [], [], NOW + 30)
    file.write([_row("up", "ok", 40)], ["c2", "never"], [], NOW + 50)
    assert _past(file) == [("up", "ok", 0, 10), ("down", "loss", 10, 40), ("up", "ok", 40, None)]
    assert _past(file, "c2") == [("up", "ok", 20, 50)]
    assert _past(file, "c3") == []


def test_a_short_restart_leaves_no_trace(file: LedgerFile) -> None:
    """Seconds of absence: the open interval goes on."""
    file.write([_row("up", "ok", 0)], [], [], NOW + 30)
    _again(file, 60).resume([_row("up", "ok", 0)], NOW + 60)
    assert _past(file) == [("up", "ok", 0, None)]


def test_a_collector_that_was_away_was_blind(file: LedgerFile) -> None:
    """An hour without a collector is unknown, until late reports tell; the verdict before goes on after it."""
    file.write([_row("up", "ok", 0), _row("unknown", "agent_lost", 0, "c2")], [], [], NOW + 30)
    _again(file, 3630).resume([_row("up", "ok", 0), _row("unknown", "agent_lost", 0, "c2")], NOW + 3630)
    assert _past(file) == [("up", "ok", 0, 30), ("unknown", "stale", 30, 3630), ("up", "ok", 3630, None)]
    assert [state for state, *_ in _past(file, "c2")] == ["unknown"] * 3
    assert file.history("c1", NOW + 100, NOW + 200).intervals[0].origin == "blind"


def test_what_a_kill_kept_from_being_written_is_taken_from_what_stands(file: LedgerFile) -> None:
    """A change that only the store has, a channel that is new, one that is gone."""
    file.write([_row("up", "ok", 0), _row("up", "ok", 0, "gone")], [], [], NOW + 30)
    _again(file, 50).resume([_row("down", "loss", 40), _row("up", "ok", 45, "new")], NOW + 50)
    assert _past(file) == [("up", "ok", 0, 40), ("down", "loss", 40, None)]
    assert _past(file, "new") == [("up", "ok", 45, None)]
    assert _past(file, "gone") == [("up", "ok", 0, 50)]


def test_a_clock_of_our_own_that_is_set_back_makes_no_overlap(file: LedgerFile) -> None:
    """A change from before the open interval began replaces its verdict in place."""
    file.write([_row("up", "ok", 100), _row("down", "loss", 50)], [], [], NOW + 120)
    assert _past(file) == [("down", "loss", 100, None)]


def test_hindsight_replaces_and_what_was_judged_live_stays_to_be_seen(file: LedgerFile) -> None:
    """The unknown hour becomes known in three steps; one note tells of it, one row keeps the first judgement."""
    file.write([_row("up", "ok", 0), _row("unknown", "agent_lost", 90), _row("up", "ok", 3600)], [], [], NOW + 3601)
    for begin in (0, 1000, 2000):
        piece = Interval("c1", "down", "loss", "operator", "", NOW + begin, NOW + begin + 1000, "late")
        known = file.current("c1", NOW + begin, NOW + begin + 1000)
        file.revise("c1", revised(known, [piece], unknown_before), "late", NOW + 3700, done=0.0)
    assert _past(file) == [
        ("up", "ok", 0, 90),
        ("down", "loss", 90, 3000),
        ("unknown", "agent_lost", 3000, 3600),
        ("up", "ok", 3600, None),
    ]
    (note,) = file.history("c1", NOW, NOW + 1).revisions or file.history("c1", NOW, NOW + 4000).revisions
    assert (note.since - NOW, note.until - NOW, note.note) == (90, 3000, "late")
    with sqlite3.connect(file.path) as one:
        rows = one.execute("SELECT state, reason, replaced IS NULL FROM interval ORDER BY since, id").fetchall()
    one.close()
    assert rows == [
        ("up", "ok", 1),
        ("unknown", "agent_lost", 0),
        ("down", "loss", 1),
        ("unknown", "agent_lost", 1),
        ("up", "ok", 1),
    ]


def test_what_is_kept_survives_a_restart(file: LedgerFile) -> None:
    """Clocks, what was seen and not judged, the cursor, absences."""
    seen = {"c1": [Observation(NOW, "probe", "gateway", [5, 5, 0.003]), Observation(NOW, "device", "", ["ok"])]}
    file.write([], [], [CLOCK], NOW)
    file.write([], [], [CLOCK._replace(last_mono=300.0)], NOW + 1)
    file.keep(seen, 77, NOW)
    file.keep(seen, 78, NOW)
    file.note_absence(Absence("a1", NOW - 60, NOW, "power-or-reboot"))
    file.note_absence(Absence("a1", NOW - 60, NOW + 0.01, "power-or-reboot"))
    _again(file, 2)
    with contextlib.closing(sqlite3.connect(file.path)) as one:
        assert one.execute("SELECT agent, until FROM absence").fetchall() == [("a1", NOW + 0.01)]
    assert file.clocks() == [CLOCK._replace(last_mono=300.0)]
    assert file.cursor() == 78
    assert file.waiting() == ["c1"]
    assert sorted(file.evidence("c1")) == sorted(seen["c1"])


def test_reports_that_tell_nothing_move_the_cursor_with_the_next_transaction(file: LedgerFile) -> None:
    """At once for whoever asks; on disk with what is written next, and never behind a cursor that came with something."""
    file.keep({}, 5, NOW)
    assert file.cursor() == 5
    _again(file, 1)
    assert file.cursor() == 0, "a crash: they are looked at again"
    file.keep({}, 6, NOW)
    file.write([], [], [], NOW + 2)
    _again(file, 3)
    assert file.cursor() == 6
    file.keep({}, 7, NOW)
    file.keep({"c1": [Observation(NOW, "agent", "", [])]}, 9, NOW)
    file.write([], [], [], NOW + 4)
    assert file.cursor() == 9


def test_old_things_go(file: LedgerFile) -> None:
    """Intervals by the end of their time, the open one never; what was seen, boots and notes by theirs."""
    file.write([_row("up", "ok", 0), _row("down", "loss", 100), _row("up", "ok", 200)], [], [CLOCK], NOW + 200)
    file.keep({"c1": [Observation(NOW, "agent", "", [])]}, 5, NOW)
    assert file.prune(NOW + 1150, 1000.0) == 1
    assert _past(file) == [("down", "loss", 100, 200), ("up", "ok", 200, None)]
    assert file.prune(NOW + 10**8, 1000.0) == 1
    assert _past(file) == [("up", "ok", 200, None)]
    assert file.evidence("c1") == []
    assert file.clocks() == []
    assert min(EVIDENCE_KEEP, CLOCK_KEEP) < 10**8


def test_a_long_past_is_cut_and_says_so(file: LedgerFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is bounded; the oldest come first."""
    monkeypatch.setattr("tslcd_collector.ledger.file.MAX_ROWS", 10)
    changes = [_row("up" if number % 2 else "down", "loss", float(number)) for number in range(50)]
    file.write(changes, [], [], NOW + 60)
    found = file.history("c1", NOW, NOW + 60)
    assert (len(found.intervals), found.more) == (10, True)
    assert found.intervals[0].since == NOW


def test_a_damaged_ledger_is_set_aside(tmp_path: Path) -> None:
    """Never deleted; an empty one takes its place."""
    (tmp_path / FILE).write_bytes(b"no database at all, " * 100)
    file = LedgerFile(tmp_path)
    file.open(NOW)
    assert file.set_aside == tmp_path / f"{FILE}.damaged-{NOW:.0f}"
    assert file.set_aside.read_bytes().startswith(b"no database")
    file.write([_row("up", "ok", 0)], [], [], NOW)
    assert len(_past(file)) == 1
    file.close()


def test_a_newer_ledger_is_left_alone(tmp_path: Path) -> None:
    """The message names the file and what to do."""
    with sqlite3.connect(tmp_path / FILE) as one:
        one.execute("PRAGMA user_version = 9")
    one.close()
    with pytest.raises(LedgerError, match=r"ledger.db: schema version 9, this program knows 1: use the newer one"):
        LedgerFile(tmp_path).open(NOW)


def test_a_failed_write_leaves_nothing_half_written(file: LedgerFile) -> None:
    """A transaction is whole or not at all, and the next one works; without a file every call says so."""
    file.write([_row("up", "ok", 0)], [], [], NOW)
    broken = VerdictRow("c1", None, "ok", "none", "", NOW + 5, NOW + 5)  # type: ignore[arg-type]
    with pytest.raises(LedgerError, match="NOT NULL constraint failed"):
        file.write([_row("down", "loss", 3), broken], [], [], NOW + 6)
    assert _past(file) == [("up", "ok", 0, None)]
    file.write([_row("down", "loss", 3)], [], [], NOW + 6)
    assert _past(file) == [("up", "ok", 0, 3), ("down", "loss", 3, None)]
    file.close()
    with pytest.raises(LedgerError, match="not open"):
        file.cursor()
