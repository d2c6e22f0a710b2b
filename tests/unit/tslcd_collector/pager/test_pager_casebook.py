"""Incidents and messages, with time as an argument: once each, to the right people, in the right order, and no further."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.paging import CHANNELS, NOON, Desk, alert, people, post
from tslcd_collector.pager import casebook, incidents, outbox
from tslcd_collector.pager.casebook import Acknowledged
from tslcd_collector.pager.novelty import GRACE, Novelty

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PEOPLE = f"""
rate: {{messages: 3, per: 10min, summary_after: 1min}}
people:
- {{id: an, name: An, {CHANNELS % 1}, quiet: ['22:00-06:00'], rate: {{messages: 1000}}}}
- {{id: binh, name: Bình, {CHANNELS % 2}, rate: {{messages: 1000}}}}
- {{id: chi, name: Chi, {CHANNELS % 3}}}
escalation:
  critical: {{steps: [{{to: [an], wait: 5min}}, {{to: [an], wait: 5min}}, {{to: [binh], wait: 5min}}], remind: 1h}}
  major: {{steps: [{{to: [an], wait: 5min}}, {{to: [binh]}}]}}
  info: {{steps: [{{to: [chi]}}]}}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Make an empty queue."""
    one = Desk(people(tmp_path, PEOPLE))
    yield one
    one.close()


def told(
    *channels: str, kind: str = "firing", incident: int = 1, to: str = "an"
) -> tuple[str, list[tuple[str, int, list[str]]]]:
    """Return what :meth:`Desk.drain` gives for one message."""
    return (to, [(kind, incident, list(channels))])


def test_a_repeat_is_told_once(desk: Desk) -> None:
    """Alertmanager's repeat, a second Alertmanager, and a start that moved by seconds are one message."""
    assert desk.take(post(alert()))[Novelty.NEW] == 1
    assert desk.drain() == [told("c1")]
    for body in (
        post(alert()),
        post(alert(), group="another"),
        post(alert(starts=NOON + 15)),
        post(alert(starts=NOON - 15)),
    ):
        assert desk.take(body)[Novelty.REPEAT] == 1
    assert desk.drain() == []


def test_the_end_is_told_to_those_who_know(desk: Desk) -> None:
    """Once, also when the second Alertmanager says so too, and when it says it under another group."""
    desk.take(post(alert()))
    desk.drain()
    desk.now += 60
    assert desk.take(post(alert(ends=NOON + 50), group="another"))[Novelty.OVER] == 1
    assert desk.take(post(alert(ends=NOON + 50)))[Novelty.STALE] == 1
    assert desk.drain() == [told("c1", kind="resolved")]


def test_what_ends_before_it_is_told_is_not_told(desk: Desk) -> None:
    """Nobody is woken for what is over: in quiet hours neither the fault nor its end is said."""
    desk.now = NOON + 9 * 3600
    desk.take(post(alert(starts=desk.now)), "major")
    desk.take(post(alert(starts=desk.now, ends=desk.now + 60)), "major")
    desk.now = NOON + 20 * 3600
    assert desk.drain() == []
    assert desk.audited() == ["opened", "cancelled", "resolved"]


def test_a_try_that_may_have_reached_somebody_has_its_end_told(desk: Desk) -> None:
    """No channel answered: it is not tried again once it is over, but that it is over is told."""
    desk.take(post(alert()))
    desk.fail("an", desk.now + 10)
    desk.take(post(alert(ends=NOON + 5)))
    desk.now += 60
    assert desk.drain() == [told("c1", kind="resolved")]


def test_an_outcome_that_comes_after_the_end_is_kept(desk: Desk) -> None:
    """A message under way while its incident ends was sent, whatever was thought of it meanwhile."""
    desk.take(post(alert()))
    one = desk.work("an")
    assert one is not None
    desk.take(post(alert(ends=NOON + 5)))
    outbox.told(desk.connection, one, [outbox.Try("bot", "accepted")], desk.now)
    assert desk.drain() == [told("c1", kind="resolved")]
    assert desk.rows("SELECT kind, state FROM notification") == [("firing", "sent"), ("resolved", "sent")]


def test_quiet_hours_hold_all_but_the_critical(desk: Desk) -> None:
    """At 06:00 what was held is told in one message."""
    desk.now = night = NOON + 9 * 3600
    desk.take(post(alert("c1", starts=night), group="1"), "major")
    desk.take(post(alert("c2", starts=night), group="2"), "major")
    desk.take(post(alert("c3", starts=night), group="3"))
    assert desk.drain() == [told("c3", incident=3)]
    desk.now = NOON + 16 * 3600 - 1
    assert desk.drain() == []
    desk.now += 1
    assert desk.drain() == [("an", [("firing", 1, ["c1"]), ("firing", 2, ["c2"])])]


def test_a_late_second_alertmanager_does_not_raise_the_dead(desk: Desk) -> None:
    """Its "firing" after the other's "resolved" waits; its own "resolved" comes, and nothing was said."""
    desk.take(post(alert()))
    desk.drain()
    desk.take(post(alert(ends=NOON + 30)))
    desk.drain()
    desk.now += 40
    assert desk.take(post(alert()))[Novelty.DOUBTFUL] == 1
    assert desk.drain() == []
    desk.now += 30
    desk.take(post(alert(ends=NOON + 30)))
    desk.now += 2 * GRACE
    assert desk.drain() == []


def test_a_fault_that_goes_on_is_told_after_all(desk: Desk) -> None:
    """When no "resolved" follows, the second one was right."""
    desk.take(post(alert()))
    desk.take(post(alert(ends=NOON + 30)))
    desk.take(post(alert()))
    desk.now += GRACE
    assert desk.drain() == [told("c1", incident=2)]


def test_a_group_is_one_incident_until_its_last_alert_is_over(desk: Desk) -> None:
    """What joins is told with the newest first; that one of two is over is not told, that both are is."""
    desk.take(post(alert("c1")))
    desk.drain()
    desk.take(post(alert("c1"), alert("c2")))
    assert desk.drain() == [told("c2", "c1", kind="more")]
    desk.take(post(alert("c1", ends=NOON + 9), alert("c2")))
    assert desk.drain() == []
    desk.take(post(alert("c1", ends=NOON + 9), alert("c2", ends=NOON + 9)))
    assert desk.drain() == [told("c1", "c2", kind="resolved")]
    desk.take(post(alert("c1", starts=NOON + 60)))
    assert desk.drain() == [told("c1", incident=2)]


def test_nobody_acknowledges(desk: Desk) -> None:
    """The next step that names somebody new is told in time, then all are reminded; never faster."""
    desk.take(post(alert()))
    desk.drain()
    desk.now += 299
    assert desk.escalate() == 0
    desk.now += 1
    desk.escalate()  # the second step names who knows already: the third follows at once
    desk.escalate()
    assert desk.drain() == [told("c1", kind="escalation", to="binh")]
    desk.now += 300
    desk.escalate()
    assert sorted(desk.drain()) == [told("c1", kind="reminder", to="an"), told("c1", kind="reminder", to="binh")]
    desk.now += 3599
    assert desk.escalate() == 0
    assert desk.take(post(alert()))[Novelty.REPEAT] == 1
    desk.now += 1
    desk.escalate()
    assert len(desk.drain()) == 2


def test_nobody_is_reminded_of_what_is_not_repeated(desk: Desk) -> None:
    """An alert that was inhibited meanwhile ends without a word: nobody hears of it every hour."""
    desk.take(post(alert()))
    desk.now += 300
    for _ in range(100):
        desk.escalate()
        desk.now += 600
    kinds = [kind for (kind,) in desk.rows("SELECT kind FROM notification")]
    assert kinds == ["firing", "escalation", "reminder", "reminder"]  # of the first hour
    desk.take(post(alert()))
    desk.now += 60
    desk.escalate()
    assert desk.rows("SELECT count(*) FROM notification WHERE kind = 'reminder'") == [(4,)]


def test_another_alertmanager_that_sees_less_takes_nothing_back(desk: Desk) -> None:
    """What was posted just now and is not told yet is told, whatever is in the next post."""
    desk.take(post(alert("c1")))
    desk.take(post(alert("c2")))
    assert desk.drain() == [told("c1"), told("c2", "c1", kind="more")]


def test_a_new_fault_of_a_group_whose_end_was_not_told_is_an_incident_of_its_own(desk: Desk) -> None:
    """The old one was acknowledged; the new one escalates all the same. The old one's end, if it comes, is told to nobody."""
    desk.take(post(alert("c1")))
    desk.drain()
    casebook.acknowledge(desk.connection, 1, "An", "command", desk.now)
    desk.now += 7200
    desk.take(post(alert("c2", starts=desk.now)))
    assert desk.drain() == [told("c2", incident=2)]
    desk.take(post(alert("c1", ends=desk.now), alert("c2", starts=desk.now)))
    desk.now += 300
    desk.escalate()
    desk.escalate()
    assert desk.drain() == [told("c2", kind="escalation", incident=2, to="binh")]
    assert "superseded" in desk.audited()


@pytest.mark.parametrize("way", ["acknowledged", "over"])
def test_an_incident_that_is_taken_or_over_goes_no_further(desk: Desk, way: str) -> None:
    """Neither escalation nor reminder; an escalation that was not sent yet is not sent."""
    desk.take(post(alert()))
    desk.drain()
    desk.now += 300
    desk.escalate()
    desk.escalate()
    if way == "over":
        desk.take(post(alert(ends=NOON + 9)))
    else:
        assert casebook.acknowledge(desk.connection, 1, "An", "link", desk.now) is Acknowledged.DONE
        assert casebook.acknowledge(desk.connection, 1, "Bình", "link", desk.now) is Acknowledged.ALREADY
    desk.now += 86400
    assert desk.escalate() == 0
    assert [one for one in desk.drain() if one[0] == "binh"] == []
    assert casebook.acknowledge(desk.connection, 9, "An", "link", desk.now) is Acknowledged.UNKNOWN


def test_what_joins_a_taken_incident_is_told_but_wakes_nobody_else(desk: Desk) -> None:
    """Those who know hear of it; the acknowledgement stands."""
    desk.take(post(alert("c1")))
    desk.drain()
    casebook.acknowledge(desk.connection, 1, "An", "command", desk.now)
    desk.take(post(alert("c1"), alert("c2")))
    assert desk.drain() == [told("c2", "c1", kind="more")]
    desk.now += 86400
    assert desk.escalate() == 0


def test_when_nobody_can_be_reached_the_next_is_told_at_once(desk: Desk) -> None:
    """Not after five minutes. A reminder is not hastened: that would be a loop."""
    desk.take(post(alert()), "major")
    desk.fail("an", desk.now + 60)
    assert desk.escalate() == 1
    desk.fail("binh", desk.now + 60)
    assert desk.escalate() == 0
    desk.now += 60
    assert sorted(desk.drain()) == [told("c1", to="an"), told("c1", kind="escalation", to="binh")]


def test_what_is_given_up_is_written_down(desk: Desk) -> None:
    """And is not tried again."""
    desk.take(post(alert()))
    desk.fail("an", None)
    desk.now += 86400
    assert desk.work("an") is None
    assert "given up" in desk.audited()


def test_more_than_the_rate_is_told_in_one_summary(desk: Desk) -> None:
    """Three go at once; the next two wait for a minute after the third, and are one message; nothing is left out."""
    for number in range(5):
        desk.take(post(alert(f"c{number}"), group=f"g{number}"), "info")
    assert [one[1][0][2] for one in desk.drain()] == [["c0"], ["c1"], ["c2"]]
    desk.now += 59
    assert desk.drain() == []
    desk.take(post(alert("c5"), group="g5"), "info")
    desk.now += 1
    assert desk.drain() == [("chi", [("firing", 4, ["c3"]), ("firing", 5, ["c4"]), ("firing", 6, ["c5"])])]
    assert desk.audited().count("held back") == 2
    assert desk.audited().count("told") == 4
    assert desk.audited().count("included") == 2


def test_the_critical_does_not_wait_long_for_its_turn(tmp_path: Path) -> None:
    """A summary with something critical in it goes after 15 s."""
    one = Desk(people(tmp_path, PEOPLE.replace("critical: {steps: [{to: [an]", "critical: {steps: [{to: [chi]")))
    for number in range(4):
        one.take(post(alert(f"c{number}"), group=f"g{number}"))
    assert len(one.drain()) == 3
    one.now += outbox.URGENT
    assert [len(tale) for _, tale in one.drain()] == [1]
    one.close()


def test_the_dead_man_is_told_once_and_back_once(desk: Desk) -> None:
    """However often it is asked, and again the next time."""
    for incident in (1, 2):
        assert casebook.dead(desk.connection, desk.routing, desk.now, desk.now - 180)
        assert not casebook.dead(desk.connection, desk.routing, desk.now + 1, desk.now - 180)
        assert [one[1][0][:2] for one in desk.drain()] == [("firing", incident)]
        desk.now += 60
        assert casebook.alive(desk.connection, desk.routing, desk.now)
        assert not casebook.alive(desk.connection, desk.routing, desk.now)
        assert [one[1][0][:2] for one in desk.drain()] == [("resolved", incident)]
        desk.now += 600


def test_what_is_not_repeated_is_closed_without_a_word(desk: Desk) -> None:
    """A receiver without ``send_resolved`` never says the end; the next time is a new incident."""
    desk.take(post(alert()))
    desk.drain()
    desk.now += 3 * 86400
    assert casebook.forget(desk.connection, desk.now - 2 * 86400, desk.now) == 1
    assert desk.drain() == []
    desk.take(post(alert(starts=desk.now)))
    assert desk.drain() == [told("c1", incident=2)]


def test_a_severity_without_steps_is_written_down_and_told_to_nobody(desk: Desk) -> None:
    """By choice, and the audit log says so."""
    desk.take(post(alert()), "warning")
    assert desk.drain() == []
    assert desk.audited() == ["opened", "nobody"]


def test_a_message_of_another_version_does_not_stop_the_others(desk: Desk) -> None:
    """What cannot be read is given up; what can is told."""
    desk.take(post(alert("c1"), group="1"))
    desk.take(post(alert("c2"), group="2"))
    desk.connection.execute("UPDATE notification SET story = '{}' WHERE id = 1")
    assert desk.drain() == [told("c2", incident=2)]


def test_the_audit_log_cannot_be_changed(desk: Desk) -> None:
    """Not by this program, and not by a person with a shell, but for what is older than three months."""
    desk.take(post(alert()))
    with pytest.raises(Exception, match="append-only"):
        desk.rows("UPDATE audit SET event = 'x'")
    incidents.audit(desk.connection, 4e9, "opened", 1)
    with pytest.raises(Exception, match="kept for 92 days"):
        desk.rows("DELETE FROM audit WHERE at > 3e9")
    desk.now = 0.0
    incidents.audit(desk.connection, 0.0, "opened", 1)
    desk.rows("DELETE FROM audit WHERE at = 0")


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["break", "mend", "a", "b", "late", "send", "wait"]), st.integers(0, 2)), max_size=40
)


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(ACTIONS)
def test_two_alertmanagers_in_any_order_tell_each_fault_once(tmp_path: Path, actions: list[tuple[str, int]]) -> None:
    """Three channels break and are mended; two Alertmanagers post what they see, one of them sometimes late, and then up to date.

    At the end everybody knows what is broken; nobody heard of a fault twice, of an end without its beginning, or of one end twice.
    """
    desk = Desk(people(tmp_path, PEOPLE))
    state: dict[int, tuple[float, float | None]] = {}
    posts: list[bytes] = []
    said: list[tuple[str, int, tuple[str, ...]]] = []
    faults = 0

    def seen() -> bytes | None:
        alerts = [alert(f"c{number}", starts, ends) for number, (starts, ends) in state.items()]
        return post(*alerts) if alerts else None

    def send() -> None:
        said.extend((kind, incident, tuple(names)) for _, tale in desk.drain() for kind, incident, names in tale)

    for action, number in [*actions, ("a", 0), ("b", 0), ("wait", 2), ("a", 0), ("send", 0)]:
        desk.now += 1
        if action == "break" and state.get(number, (0, 0.0))[1] is not None:
            state[number] = (desk.now, None)
            faults += 1
        elif action == "mend" and number in state and state[number][1] is None:
            state[number] = (state[number][0], desk.now)
        elif action in {"a", "b"} and (body := seen()) is not None:
            posts.append(body)
            desk.take(body)
        elif action == "late" and posts:
            desk.take(posts[-1 - number % len(posts)])
            desk.now += 30
            desk.take(seen() or b"")
        elif action == "send":
            send()
        elif action == "wait":
            desk.now += (10, 60, 2 * GRACE)[number]
    begun = [incident for kind, incident, _ in said if kind == "firing"]
    ended = [incident for kind, incident, _ in said if kind == "resolved"]
    assert len(begun) == len(set(begun)) <= faults
    assert len(ended) == len(set(ended))
    assert set(ended) <= set(begun)
    broken = {f"c{number}" for number, (_, ends) in state.items() if ends is None}
    opened = {one.id for one in incidents.opened(desk.connection)}
    known = {name for kind, incident, names in said if kind != "resolved" and incident in opened for name in names}
    assert broken <= known
    assert bool(broken) is bool(opened)
    desk.close()
