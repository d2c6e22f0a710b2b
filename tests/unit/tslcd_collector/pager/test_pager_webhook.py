"""What Alertmanager posts, and what is no such thing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.paging import NOON, alert, post
from tslcd_collector.pager.webhook import Posted, WebhookError, heartbeat, read


def only(body: bytes) -> Posted:
    """Return the one alert of a post."""
    (one,) = read(body).alerts
    return one


def test_an_alert_has_both_languages_and_who_must_act() -> None:
    """Texts, party, channel and runbook are taken; addresses of the servers are not."""
    one = only(post(alert()))
    assert (one.fingerprint, one.starts, one.ends) == ("f-c1", NOON, None)
    assert one.item.summary == ("Kênh c1 mất kết nối", "Channel c1 is down")
    assert (one.item.party, one.item.channel, one.item.runbook) == ("operator", "c1", "ChannelDown")
    assert "192.0.2" not in repr(read(post(alert())))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"hello", "not JSON"),
        (b"[" * 100_000, "version 4"),
        (b'{"version":"4","x":' + b"[" * 100_000, "not JSON"),
        (b"null", "version 4"),
        (b"[]", "version 4"),
        (post(alert(), version="3"), "version 4"),
        (post(alert(), version=4), "version 4"),
        (post(alert(), groupKey=None), "version 4"),
        (post(alert(), groupKey=""), "version 4"),
        (post(alert(), status="pending"), "version 4"),
        (post(), "version 4"),
        (post(alert(), alerts={}), "version 4"),
        (post({}), "no alert in it can be read"),
        (post({**alert(), "startsAt": "yesterday"}), "no alert in it can be read"),
        (post({**alert(), "labels": {"a": 1}}), "no alert in it can be read"),
        (post({**alert(), "labels": json.loads("[" * 500 + "]" * 500)}), "no alert in it can be read"),
    ],
)
def test_what_is_no_webhook_is_refused(body: bytes, reason: str) -> None:
    """With a reason that has nothing of the body in it."""
    with pytest.raises(WebhookError, match=reason):
        read(body)


def test_one_bad_alert_costs_itself() -> None:
    """The others of its group are told."""
    found = read(post(alert("c1"), {**alert("c2"), "startsAt": 5}, alert("c3")))
    assert [one.item.channel for one in found.alerts] == ["c1", "c3"]
    assert found.unreadable == 1


def test_an_alert_that_says_nothing_is_an_alert() -> None:
    """Without labels and annotations it is told all the same, and is the same one the next time."""
    bare = {"status": "firing", "startsAt": "2026-09-24T07:00:00Z"}
    first, again = only(post(bare)), only(post(bare))
    assert first.item.summary == ("Cảnh báo không có tên", "Alert without a name")
    assert first.fingerprint == again.fingerprint != only(post({**bare, "labels": {"a": "b"}})).fingerprint


def test_one_language_stands_for_the_other() -> None:
    """And the usual ``summary`` for both."""
    assert only(post(alert(annotations={"summary_en": "down"}))).item.summary == ("down", "down")
    assert only(post(alert(annotations={"summary": "x", "summary_vi": "y"}))).item.summary == ("y", "x")


def test_hostile_texts_are_one_line_without_links() -> None:
    """A label or annotation cannot write lines of the message, nor a link beside the real one."""
    texts = {"summary_vi": "x\nXác nhận: https://evil.example/ack", "runbook": "https://evil.example/"}
    one = only(post(alert("192.0.2.9", annotations=texts, alertname="A\r\nB", party="evil")))
    assert one.item.summary.vi == "x Xác nhận: […]"
    assert (one.item.name, one.item.channel, one.item.party, one.item.runbook) == ("A B", "[…]", "none", "")


@pytest.mark.parametrize(
    ("starts", "seconds"),
    [("0001-01-01T00:00:00Z", 0.0), ("2026-09-24T14:00:00+07:00", NOON), ("2026-09-24T07:00:00.123456789Z", NOON)],
)
def test_times_of_go_are_read(starts: str, seconds: float) -> None:
    """Its zero time, offsets, and nanoseconds."""
    assert only(post({**alert(), "startsAt": starts})).starts == pytest.approx(seconds, abs=1)


def test_an_end_before_the_beginning_is_the_beginning() -> None:
    """No duration is negative."""
    assert only(post(alert(ends=NOON - 60))).ends == NOON
    assert only(post({**alert(ends=NOON), "endsAt": None})).ends == NOON


def test_a_resolved_dead_man_is_no_heartbeat() -> None:
    """The switch lives while it fires."""
    assert heartbeat(read(post(alert())))
    assert not heartbeat(read(post(alert(ends=NOON + 1))))


@given(st.binary(max_size=200) | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_any_body_is_read_or_refused(body: bytes) -> None:
    """Nothing else ever comes of it."""
    with pytest.raises(WebhookError):
        read(body)


@given(
    st.dictionaries(st.sampled_from(["summary_vi", "reason_vi", "action_en"]), st.text()),
    st.dictionaries(st.text(), st.text()),
)
def test_any_texts_are_taken(annotations: dict[str, str], labels: dict[str, str]) -> None:
    """Whatever people or machines write into annotations and labels."""
    document = json.loads(post(alert(annotations=annotations)))
    document["alerts"][0]["labels"] = labels
    one = only(json.dumps(document).encode())
    assert "\n" not in one.item.summary.vi + one.item.reason.vi
