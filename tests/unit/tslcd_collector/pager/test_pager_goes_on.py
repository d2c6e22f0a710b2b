"""What goes on although its incident does not: inhibited for a while, or cut with another severity from now on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.paging import NOON, TWO_PEOPLE, Desk, alert, people, post
from tslcd_collector.pager import upkeep
from tslcd_collector.pager.novelty import GRACE, Novelty

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PEOPLE = f"""{TWO_PEOPLE}
escalation:
  critical: {{steps: [{{to: [an, binh], wait: 5min}}], remind: 1h}}
  major: {{steps: [{{to: [an], wait: 5min}}, {{to: [binh]}}]}}
"""
NIGHT = NOON + 12 * 3600
FIRING, RESOLVED = "firing", "resolved"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Make an empty queue."""
    one = Desk(people(tmp_path, PEOPLE))
    yield one
    one.close()


def told(desk: Desk) -> list[tuple[str, str, int, list[str]]]:
    """Tell all that is due; return who was told what."""
    return [(who, *story) for who, stories in desk.drain() for story in stories]


def test_what_was_inhibited_before_anybody_heard_of_it_is_told_when_it_is_posted_again(desk: Desk) -> None:
    """At night a firewall waits for the morning; its agent is lost and comes back; in the morning somebody hears of the firewall."""
    desk.now = NIGHT
    firewall, agent = alert("fw", alertname="FirewallFailover"), alert("a1", alertname="AgentLost")
    desk.take(post(firewall), "major")
    assert told(desk) == []
    desk.now += 3600
    assert desk.take(post(agent), "major")[Novelty.NEW] == 1
    desk.now += 300
    found = desk.take(post(firewall, alert("a1", ends=desk.now - 5, alertname="AgentLost")), "major")
    assert (found[Novelty.NEW], found[Novelty.OVER]) == (1, 1)
    desk.now = NIGHT + 5 * 3600
    assert [(who, names) for who, _, _, names in told(desk)] == [("an", ["fw"])]
    desk.now += GRACE
    desk.take(post(alert("fw", ends=desk.now - 5, alertname="FirewallFailover")), "major")
    assert [(who, kind, names) for who, kind, _, names in told(desk)] == [("an", RESOLVED, ["fw"])]


def test_what_is_forgotten_when_old_leaves_no_alerts(desk: Desk) -> None:
    """Alerts of a superseded incident, of which nobody ever said that they are over, do not stay for ever."""
    desk.now = NOON - 200 * 86400
    desk.take(post(alert("fw", starts=desk.now)), "major")
    desk.now += 3600
    desk.take(post(alert("a1", starts=desk.now)), "major")
    upkeep.prune(desk.connection, desk.now + 1)
    assert desk.rows("SELECT fingerprint FROM alert") == [("f-a1",)]


def test_a_channel_that_is_still_cut_is_not_told_as_well(desk: Desk) -> None:
    """Both of a group are cut; one comes back, and the other is major from then on: only the first is told as over."""
    desk.now = NIGHT
    desk.take(post(alert("c1"), alert("c2")))
    assert {who for who, *_ in told(desk)} == {"an", "binh"}
    desk.rows("UPDATE incident SET acknowledged_by = 'lan', acknowledged = ?, due = NULL", (desk.now,))
    desk.now += 600
    desk.take(post(alert("c1", starts=NIGHT + 300)), "major")
    desk.now += 60
    desk.take(post(alert("c1", ends=desk.now - 5), alert("c2", ends=desk.now - 5)))
    over = [one for one in told(desk) if one[1] == RESOLVED]
    assert over
    assert all(names == ["c2"] for _, _, _, names in over)
    # who knew of the first knows of the second: taken by the same, and told when that one is over
    ((acknowledged, closed),) = desk.rows("SELECT acknowledged_by, closed FROM incident WHERE severity = 'major'")
    assert (acknowledged, closed) == ("lan", None)
    desk.now = NIGHT + 9 * 3600
    desk.take(post(alert("c1", ends=desk.now - 5)), "major")
    last = told(desk)
    assert {(who, kind) for who, kind, _, names in last if names == ["c1"]} == {("an", RESOLVED), ("binh", RESOLVED)}


def test_a_cut_that_becomes_worse_is_told_and_not_as_over(desk: Desk) -> None:
    """The last of the group is cut too: critical is news, whoever took the major one; the major one's end is not."""
    desk.take(post(alert("c1")), "major")
    assert [(who, kind) for who, kind, *_ in told(desk)] == [("an", FIRING)]
    desk.rows("UPDATE incident SET acknowledged_by = 'lan', acknowledged = ?, due = NULL", (desk.now,))
    desk.now += 600
    desk.take(post(alert("c1", starts=desk.now), alert("c2", starts=desk.now)))
    assert {(who, kind) for who, kind, *_ in told(desk)} == {("an", FIRING), ("binh", FIRING)}
    desk.now += 60
    desk.take(post(alert("c1", ends=desk.now - 5)), "major")
    assert told(desk) == []
    assert desk.rows("SELECT acknowledged_by FROM incident WHERE severity = 'critical'") == [(None,)]
