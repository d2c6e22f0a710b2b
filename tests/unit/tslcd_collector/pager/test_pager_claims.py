"""What is said to be over: believed when the chain still speaks, not when an Alertmanager merely heard nothing more."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from support.paging import NOON, TWO_PEOPLE, Desk, alert, people, post
from tslcd_collector.errors import StoreError
from tslcd_collector.pager import incidents
from tslcd_collector.pager.novelty import GRACE, Novelty
from tslcd_collector.pager.queue import FILE, SCHEMA, VERSION, Queue
from tslcd_collector.pager.reception import LATE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PEOPLE = f"""{TWO_PEOPLE}
escalation:
  critical: {{steps: [{{to: [an], wait: 5min}}, {{to: [binh], wait: 5min}}], remind: 1h}}
  major: {{steps: [{{to: [an]}}]}}
"""
DAYS_AGO = NOON - 3 * 86_400
FIRING, RESOLVED = "firing", "resolved"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Make an empty queue; the chain is heard since days ago."""
    one = Desk(people(tmp_path, PEOPLE))
    one.now = NOON - 600
    one.hear(DAYS_AGO)
    one.now = NOON
    yield one
    one.close()


def told(desk: Desk) -> list[tuple[str, str, int]]:
    """Tell all that is due; return who was told which kind of message about which incident."""
    return [(who, kind, incident) for who, stories in desk.drain() for kind, incident, _ in stories]


def fault(desk: Desk, *names: str) -> None:
    """Let channels be down, and people know."""
    desk.take(post(*(alert(name) for name in names)), believed=False)
    assert told(desk) == [("an", FIRING, 1)]


def over(desk: Desk, *names: str, after: float = 60.0) -> None:
    """Let an Alertmanager say that channels are well."""
    desk.now += after
    desk.take(post(*(alert(name, ends=desk.now - 5) for name in names)), believed=False)


def test_an_end_is_told_when_the_chain_is_heard_well_after_it(desk: Desk) -> None:
    """Right after it the dead man's switch proves nothing: it may be the last that was still under way."""
    fault(desk, "c1")
    over(desk, "c1")
    for wait, expected in ((LATE - 1, []), (1, [("an", RESOLVED, 1)]), (60, [])):
        desk.now += wait
        desk.hear(DAYS_AGO)
        assert told(desk) == expected


def test_a_fault_that_outlives_prometheus_is_told_neither_over_nor_again(desk: Desk) -> None:
    """What fires again once the chain is back was never over; its real end is told, from its first beginning."""
    fault(desk, "c1", "c2")
    over(desk, "c1", "c2", after=70)
    assert told(desk) == []
    desk.now += 600
    back = desk.now
    for name in ("c1", "c2"):
        desk.hear(back)
        assert desk.take(post(alert(name, starts=back + 10)), believed=False)[Novelty.REPEAT] == 1
        desk.now += 60
        assert told(desk) == []
    desk.now += 600
    desk.hear(back)
    assert told(desk) == []
    over(desk, "c1", "c2")
    desk.now += LATE
    desk.hear(back)
    ((who, ((kind, _, items),)),) = desk.drain()
    assert (who, kind, items) == ("an", RESOLVED, ["c1", "c2"])


def test_what_is_over_by_the_time_the_chain_is_back_is_told_once_it_has_settled(desk: Desk) -> None:
    """A chain that began anew has said nothing yet about what it has not seen; about what ended since it has."""
    fault(desk, "c1")
    desk.take(post(alert("c9"), group="another"), believed=False)
    assert told(desk) == [("an", FIRING, 2)]
    over(desk, "c1", after=70)
    desk.now += 600
    back = desk.now
    desk.hear(back)
    over(desk, "c9")
    desk.now += LATE
    desk.hear(back)
    assert told(desk) == [("an", RESOLVED, 2)]
    desk.now = back + 299
    desk.hear(back)
    assert told(desk) == []
    desk.now = back + 300
    desk.hear(back)
    assert told(desk) == [("an", RESOLVED, 1)]


def test_a_clock_set_back_does_not_keep_ends_for_ever(desk: Desk) -> None:
    """Whatever the clocks of the chain and of the pager say, an end is told in the end."""
    desk.now = NOON + 50 * 365 * 86_400
    desk.hear(desk.now + 86_400)
    desk.now = NOON
    fault(desk, "c1")
    over(desk, "c1")
    desk.now += LATE
    desk.hear(DAYS_AGO)
    assert told(desk) == [("an", RESOLVED, 1)]


def test_while_an_end_is_doubtful_nothing_more_is_told_of_it(desk: Desk) -> None:
    """No escalation, no reminder, no message that waits for quiet hours to end; all of it goes on if the fault does."""
    fault(desk, "c1")
    over(desk, "c1", after=200)
    desk.now = NOON + 400
    assert desk.escalate() == 0
    desk.take(post(alert("c1", starts=NOON + 390)), believed=False)
    assert desk.escalate() == 1
    assert told(desk) == [("binh", "escalation", 1)]
    desk.now = night = NOON + 9 * 3600
    desk.take(post(alert("c2", starts=night), group="night"), "major", believed=False)
    desk.take(post(alert("c2", starts=night, ends=night + 60), group="night"), "major", believed=False)
    desk.now = NOON + 20 * 3600
    assert told(desk) == []
    desk.take(post(alert("c2", starts=desk.now - 60), group="night"), "major", believed=False)
    assert told(desk) == [("an", FIRING, 2)]


def test_a_new_fault_of_the_group_is_a_new_incident(desk: Desk) -> None:
    """Who still fires something new is alive: what it said to be over is."""
    fault(desk, "c1")
    over(desk, "c1")
    desk.take(post(alert("c2", starts=desk.now)), believed=False)
    assert told(desk) == [("an", RESOLVED, 1), ("an", FIRING, 2)]


def test_what_joins_does_not_name_what_is_perhaps_over(desk: Desk) -> None:
    """A message of more faults has those that stand."""
    fault(desk, "c1", "c2")
    over(desk, "c1")
    desk.take(post(alert("c2"), alert("c3", starts=desk.now)), believed=False)
    assert desk.drain() == [("an", [("more", 1, ["c3", "c2"])])]


def test_a_second_alertmanager_that_is_late_changes_nothing(desk: Desk) -> None:
    """Its "firing" after the other's "resolved" makes it doubtful again, and its own "resolved" follows."""
    fault(desk, "c1")
    over(desk, "c1")
    desk.take(post(alert("c1")), believed=False)
    assert desk.take(post(alert("c1", ends=NOON + 55)), believed=False)[Novelty.OVER] == 1
    desk.now += GRACE
    desk.hear(DAYS_AGO)
    assert told(desk) == [("an", RESOLVED, 1)]


def test_an_end_survives_a_restart_and_an_older_file(tmp_path: Path) -> None:
    """A queue of the version before this one is brought up to date; reading it says what to do."""
    old = sqlite3.connect(tmp_path / FILE)
    old.executescript(SCHEMA.replace("  claimed REAL,", " ") + "PRAGMA user_version = 1;")
    old.close()
    with pytest.raises(StoreError, match="schema version 1, this program knows 2: start the pager"):
        Queue(tmp_path, read_only=True).open()
    desk = Desk(people(tmp_path, PEOPLE))
    desk.connection.close()
    one = Queue(tmp_path)
    one.open()
    desk.connection = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    try:
        assert desk.rows("PRAGMA user_version") == [(VERSION,)]
        fault(desk, "c1")
        over(desk, "c1")
        assert not incidents.certain(desk.connection, 1)
        desk.now += LATE
        desk.hear(DAYS_AGO)
        assert told(desk) == [("an", RESOLVED, 1)]
    finally:
        desk.close()
        one.close()
