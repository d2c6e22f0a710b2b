"""Small rules by themselves: what is news, who is next, what an answer means, how accounts stand, what a link allows, silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.paging import CHANNELS, NOON, people
from tslcd_collector.pager import answers, links
from tslcd_collector.pager.accounts_settings import Success
from tslcd_collector.pager.answers import Answer, Outcome, Reply
from tslcd_collector.pager.links import Grant
from tslcd_collector.pager.novelty import SHIFT, Known, Novelty, decide
from tslcd_collector.pager.reception import START, Silence
from tslcd_collector.pager.routing import Routing
from tslcd_collector.pager.settings import Address
from tslcd_collector.pager.standing import DENIED, REST, Standing

if TYPE_CHECKING:
    from pathlib import Path

KEY = b"k" * 32


@pytest.mark.parametrize(
    ("known", "starts", "ends", "what"),
    [
        (None, 100, None, Novelty.NEW),
        (None, 100, 200, Novelty.STALE),
        (Known(100, None), 100, None, Novelty.REPEAT),
        (Known(100, None), 90, None, Novelty.REPEAT),
        (Known(100, None), 100 + SHIFT, None, Novelty.REPEAT),
        (Known(100, None), 101 + SHIFT, None, Novelty.NEW),
        (Known(100, None), 100, 200, Novelty.OVER),
        (Known(100, None), 50, 99, Novelty.STALE),
        (Known(100, 200), 100, 200, Novelty.STALE),
        (Known(100, 200), 201, None, Novelty.NEW),
        (Known(100, 200), 100, None, Novelty.DOUBTFUL),
        (Known(100, 200), 200, None, Novelty.DOUBTFUL),
    ],
)
def test_what_is_news(known: Known | None, starts: float, ends: float | None, what: Novelty) -> None:
    """The table at the top of ``novelty.py``, and its edges."""
    assert decide(known, starts, ends) is what


STEPS = f"""
people:
- {{id: an, name: An, {CHANNELS % 1}, quiet: ['22:00-06:00']}}
- {{id: binh, name: Bình, {CHANNELS % 2}}}
groups:
- {{id: noc, name: NOC, {CHANNELS % 3}, members: [an, binh]}}
escalation:
  critical: {{steps: [{{to: [noc, an], wait: 5min, hours: ['mon-fri 07:00-17:00']}}, {{to: [binh], wait: 10min}}], remind: 1h}}
  warning: {{steps: [{{to: [an], hours: ['08:00-09:00']}}]}}
"""


def test_a_group_is_its_chat_and_its_members_each_once(tmp_path: Path) -> None:
    """Whoever is named twice is told once."""
    turn = Routing(people(tmp_path, STEPS)).first("critical", NOON)
    assert turn is not None
    assert [one.recipient for one in turn.told] == ["noc", "an", "binh"]
    assert (turn.level, turn.following) == (0, NOON + 300)


def test_a_step_out_of_its_hours_is_passed_over(tmp_path: Path) -> None:
    """At night the second step is the first; when no step has hours now, the first is told all the same."""
    routing = Routing(people(tmp_path, STEPS))
    night = NOON + 9 * 3600
    turn = routing.first("critical", night)
    assert turn is not None
    assert (turn.level, [one.recipient for one in turn.told]) == (1, ["binh"])
    quiet = routing.first("warning", night)
    assert quiet is not None
    assert [(one.recipient, one.held) for one in quiet.told] == [("an", True)]
    assert quiet.told[0].due == NOON + 16 * 3600  # 06:00 of the next day
    assert quiet.following is None


def test_nobody_is_after_the_last(tmp_path: Path) -> None:
    """And of a severity without steps nobody is told at all."""
    routing = Routing(people(tmp_path, STEPS))
    assert routing.after("critical", 1, NOON) is None
    assert routing.first("major", NOON) is None


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(200, b'{"ok":true,"result":{"message_id":"1"}}'), Outcome.ACCEPTED),
        (Reply(200, b'{"ok":false,"error_code":400,"description":"chat not found"}'), Outcome.REFUSED),
        (Reply(200, b'{"ok":false,"error_code":401,"description":"Unauthorized"}'), Outcome.DENIED),
        (Reply(200, b'{"ok":false,"error_code":429}', "7"), Outcome.BUSY),
        (Reply(200, b'{"ok":false}'), Outcome.FAILED),
        (Reply(200, b'{"ok":"true"}'), Outcome.FAILED),
        (Reply(200, b'{"ok":1}'), Outcome.FAILED),
        (Reply(200, b"<html>captive portal</html>"), Outcome.FAILED),
        (Reply(200, b""), Outcome.FAILED),
        (Reply(200, b"[" * 50_000), Outcome.FAILED),
        (Reply(201, b'{"ok":true}'), Outcome.FAILED),
        (Reply(302, b""), Outcome.DENIED),
        (Reply(401, b""), Outcome.DENIED),
        (Reply(404, b'{"ok":false,"error_code":404}'), Outcome.DENIED),
        (Reply(429, b"", "3"), Outcome.BUSY),
        (Reply(500, b'{"ok":true}'), Outcome.FAILED),
        (Reply(503, b""), Outcome.FAILED),
    ],
)
def test_zalo_says_ok_or_it_was_not(reply: Reply, outcome: Outcome) -> None:
    """HTTP 200 is no success."""
    answer = answers.zalo(reply, NOON)
    assert answer.outcome is outcome
    if reply.retry_after:
        assert answer.retry_after == float(reply.retry_after)


@pytest.mark.parametrize(
    ("success", "reply", "outcome"),
    [
        (Success(), Reply(200, b""), Outcome.ACCEPTED),
        (Success(statuses=(202,)), Reply(200, b""), Outcome.FAILED),
        (Success(text="OK"), Reply(200, b"result: OK"), Outcome.ACCEPTED),
        (Success(text="OK"), Reply(200, b"result: no"), Outcome.FAILED),
        (Success(field="a.code", values=("100",)), Reply(200, b'{"a":{"code":100}}'), Outcome.ACCEPTED),
        (Success(field="a.code", values=("100",)), Reply(200, b'{"a":{"code":"100"}}'), Outcome.ACCEPTED),
        (Success(field="a.code", values=("100",)), Reply(200, b'{"a":{"code":"99"}}'), Outcome.FAILED),
        (Success(field="a.code", values=("true",)), Reply(200, b'{"a":{"code":true}}'), Outcome.ACCEPTED),
        (Success(field="a.code", values=("100",)), Reply(200, b"code 100"), Outcome.FAILED),
        (Success(field="a", values=("{}",)), Reply(200, b'{"a":{}}'), Outcome.FAILED),
        (Success(), Reply(400, b"no such number"), Outcome.REFUSED),
        (Success(), Reply(429, b""), Outcome.BUSY),
        (Success(), Reply(500, b""), Outcome.FAILED),
    ],
)
def test_a_gateway_succeeds_as_its_settings_say(success: Success, reply: Reply, outcome: Outcome) -> None:
    """By status, text, or a value in JSON."""
    assert answers.gateway(reply, success, NOON).outcome is outcome


A, B, C = Address(by="bot", to="1"), Address(by="bot", to="2"), Address(by="sms", to="3")


def test_a_wrong_token_stops_the_account_and_an_unknown_chat_the_address() -> None:
    """For ten minutes; it is said once."""
    standing = Standing()
    assert standing.note(A, Answer(Outcome.REFUSED), 0) == "refused"
    assert standing.plan([A, C], 1) == ([C], [A])
    assert standing.plan([B], 1) == ([B], [])
    assert standing.note(B, Answer(Outcome.DENIED), 2) == "denied"
    assert standing.note(B, Answer(Outcome.DENIED), 3) == ""
    assert standing.plan([A, B, C], 4) == ([C], [A, B])
    assert standing.wait([A, B], 4) == pytest.approx(DENIED - 1)
    assert standing.plan([B], 3 + DENIED) == ([B], [])
    assert standing.note(B, Answer(Outcome.ACCEPTED), 4 + DENIED) == "recovered"
    assert standing.note(B, Answer(Outcome.ACCEPTED), 5 + DENIED) == ""


def test_an_account_that_fails_is_tried_last_but_tried() -> None:
    """After two failures in a row, or as long as it asks to be left alone."""
    standing = Standing()
    standing.note(A, Answer(Outcome.HANGING), 0)
    assert standing.plan([A, C], 0).channels == [A, C]
    standing.note(A, Answer(Outcome.HANGING), 0)
    assert standing.plan([A, C], 1).channels == [C, A]
    assert standing.wait([A], 1) == 0
    assert standing.plan([A, C], REST + 1).channels == [A, C]
    standing.note(C, Answer(Outcome.BUSY, retry_after=100), 0)
    assert standing.plan([A, C], REST + 1).channels == [A, C]
    assert standing.plan([C], 1).channels == [C]
    assert standing.wait([C], 1) == 99
    assert standing.wait([A, C], REST + 1) == 0


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=20), st.integers(0, 2**33))
def test_a_link_allows_what_was_signed(incidents: list[int], expires: int) -> None:
    """Until it expires, with its own key, for its own purpose."""
    grant = Grant(tuple(incidents), "an", expires)
    token = links.sign(grant, KEY)
    assert links.verify(token, KEY, expires) == grant
    assert links.verify(token, KEY, expires + 1) is None
    assert links.verify(token, b"x" * 32, 0) is None


@given(st.text(max_size=80), st.integers(0, 60), st.characters())
def test_no_other_text_is_a_link(text: str, place: int, letter: str) -> None:
    """Neither anything else, nor a token with one letter changed."""
    assert links.verify(text, KEY, 0) is None
    token = links.sign(Grant((1,), "an", 99), KEY)
    changed = token[:place] + letter + token[place + 1 :]
    assert changed == token or links.verify(changed, KEY, 0) is None


def test_without_an_address_there_is_no_link() -> None:
    """Nor for nothing."""
    assert links.link("", [1], "an", KEY, 99) == ""
    assert links.link("https://pager.example/", [0], "an", KEY, 99) == ""
    assert links.link("https://pager.example/", [1, 1], "an", KEY, 99).startswith("https://pager.example/ack/")


def test_silence_counts_while_we_listen() -> None:
    """It goes on after a restart, but a start gives Alertmanager its moment; hearing ends it; 0 is never."""
    silence = Silence(begun=0, last=0, seconds=170)
    silence.pass_to(15)
    assert silence.seconds == 185
    assert not silence.over(180)
    silence.pass_to(START)
    assert silence.over(180)
    assert not silence.over(0)
    silence.hear(START + 1)
    silence.pass_to(START + 180)
    assert not silence.over(180)
    silence.pass_to(START + 181)
    assert silence.over(180)
