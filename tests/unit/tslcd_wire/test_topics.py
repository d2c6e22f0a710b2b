"""Topics: what is parsed comes back, and everything else is refused with its reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.wire import ids
from tslcd_wire.errors import TopicError
from tslcd_wire.topics import Lane, Topic, is_id, parse, probe_topic, subscription


@given(ids, ids, st.sampled_from(Lane))
def test_topic_comes_back_as_it_was(province: str, agent: str, lane: Lane) -> None:
    """parse(str(x)) == x."""
    topic = Topic(province, agent, lane)
    assert parse(str(topic)) == topic


@given(st.text(max_size=80) | st.text("tslcdv1/abc+#-", max_size=30))
def test_any_text_is_a_topic_or_an_error(text: str) -> None:
    """Whatever the text, the answer is a topic that is written the same, or a TopicError in few words."""
    try:
        topic = parse(text)
    except TopicError as error:
        assert len(str(error)) < 800  # noqa: PT017 - either way is right
    else:
        assert str(topic) == text


@pytest.mark.parametrize(
    ("topic", "message"),
    [
        ("", "'' is not of the form tslcd/v1/<province>/<agent>/<lane>"),
        ("tslcd/v2/86/a/live", "'tslcd/v2/86/a/live' is not of the form tslcd/v1/<province>/<agent>/<lane>"),
        ("tslcd/v1/86/a/live/x", "'tslcd/v1/86/a/live/x' is not of the form tslcd/v1/<province>/<agent>/<lane>"),
        ("tslcd/v1/86/a/later", "'later' is not a lane: allowed are live, history, status, ack"),
        ("tslcd/v1/86//live", "'' is not an identifier: allowed is [a-z0-9-]{1,48}"),
        ("tslcd/v1/86/A/live", "'A' is not an identifier: allowed is [a-z0-9-]{1,48}"),
        ("tslcd/v1/+/a/live", "'+' is not an identifier: allowed is [a-z0-9-]{1,48}"),
        ("tslcd/v1/86/a\n/live", r"'a\n' is not an identifier: allowed is [a-z0-9-]{1,48}"),
        (f"tslcd/v1/86/{'a' * 49}/live", f"{'a' * 49!r} is not an identifier: allowed is [a-z0-9-]{{1,48}}"),
    ],
)
def test_refused_topics(topic: str, message: str) -> None:
    """A topic that is not of the contract is refused with what is wrong with it."""
    with pytest.raises(TopicError) as caught:
        parse(topic)
    assert (caught.value.code, str(caught.value)) == ("topic", message)


def test_filters_of_subscriptions() -> None:
    """All agents, one province, one agent."""
    assert subscription(Lane.LIVE) == "tslcd/v1/+/+/live"
    assert subscription(Lane.ACK, "86", "a") == "tslcd/v1/86/a/ack"
    assert not is_id("a" * 49)


def test_the_topic_of_round_trips_is_no_lane() -> None:
    """An agent's word to itself is refused by who takes reports in."""
    assert probe_topic("86", "a") == "tslcd/v1/86/a/probe"
    with pytest.raises(TopicError, match="'probe' is not a lane"):
        parse(probe_topic("86", "a"))
    with pytest.raises(TopicError, match="is not an identifier"):
        probe_topic("86", "#")
