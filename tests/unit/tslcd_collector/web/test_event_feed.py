"""Events of the wall: who has seen what gets the rest, who is too slow is let go, and nobody else notices."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tslcd_collector.web.events import MAX_LISTENERS, REMEMBERED, WAITING, EventStream, Feed
from tslcd_collector.web.screen import Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Message

    from tslcd_collector.web.events import Listener

BEAT = {"now": 1.0, "age": None, "broker": None, "plan": "p"}


def row(channel: str, state: str = "up", since: float = 1.0) -> Row:
    """Return a row."""
    return Row(channel, state, "ok", "none", since)


def rows(**states: str) -> dict[str, Row]:
    """Return channels with their states."""
    return {channel: row(channel, state) for channel, state in states.items()}


async def waiting(listener: Listener) -> list[tuple[str, str, Any]]:
    """Return what waits for a listener: id, event, data."""
    listener.close()
    raw = await listener.next() or b""
    found = []
    for frame in raw.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in frame.split("\n") if line)
        if fields:
            found.append((fields.get("id", ""), fields["event"], json.loads(fields["data"])))
    return found


def joined(feed: Feed, seen: str = "") -> Listener:
    """Join, which is possible here."""
    listener = feed.join(seen, BEAT)
    assert listener is not None
    return listener


async def test_who_was_away_gets_what_was_missed_and_nothing_twice() -> None:
    """Exactly the events after the one that was seen, each with its id; then a beat."""
    feed = Feed()
    feed.publish(rows(a="up", b="up"))
    seen = feed.last
    feed.publish(rows(a="down", b="up"))
    feed.publish(rows(a="down", b="down"))
    feed.publish(rows(a="down", b="down"))
    found = await waiting(joined(feed, seen))
    assert [(event, [one[:2] for one in data.get("rows", [])]) for _, event, data in found] == [
        ("change", [["a", "down"]]),
        ("change", [["b", "down"]]),
        ("beat", []),
    ]
    assert found[1][0] == feed.last
    assert [event for _, event, _ in await waiting(joined(feed, feed.last))] == ["beat"]


@pytest.mark.parametrize(
    "seen", ["", "0", "-1", "x-1", "{run}-", "{run}-99", "{run}--1", "{run}-²", "{run}-" + "9" * 5000, "{run}-0"]
)
async def test_whoever_we_cannot_place_gets_everything(seen: str) -> None:
    """Another run of the program, an id that we never gave, one that is forgotten, or nonsense."""
    feed = Feed()
    for number in range(REMEMBERED + 5):
        feed.publish(rows(a="up" if number % 2 else "down", b="up"))
    (identity, event, data), (_, beat, _) = await waiting(joined(feed, seen.format(run=feed.last.split("-")[0])))
    assert (identity, event, beat) == (feed.last, "all", "beat")
    assert [one[0] for one in data["rows"]] == ["a", "b"]


async def test_who_missed_more_than_a_queue_holds_gets_everything() -> None:
    """A long absence is one event, not hundreds."""
    feed = Feed()
    feed.publish(rows(a="up"))
    seen = feed.last
    for number in range(WAITING + 10):
        feed.publish(rows(a="up" if number % 2 else "down"))
    assert [event for _, event, _ in await waiting(joined(feed, seen))] == ["all", "beat"]


async def test_another_inventory_is_told_as_a_change_and_forgets_the_past() -> None:
    """Channels that came are rows; those that left are the beat's plan."""
    feed = Feed()
    feed.publish(rows(a="up", b="up"))
    seen = feed.last
    feed.publish(rows(a="up", c="down"))
    assert feed.last != seen
    found = await waiting(joined(feed, seen))
    assert [one[:2] for one in found[0][2]["rows"]] == [["c", "down"]]


async def test_a_listener_that_is_too_slow_is_let_go_and_the_others_hear_everything() -> None:
    """Its memory is given back at once; the next event does not know it any more."""
    feed = Feed()
    slow, quick = joined(feed), joined(feed)
    heard = 0
    for number in range(WAITING + 3):
        feed.publish(rows(a="up" if number % 2 else "down"))
        heard += (await quick.next() or b"").count(b"event: change")
    assert (feed.listeners, feed.dropped, heard) == (1, 1, WAITING + 3)
    assert await slow.next() is None


async def test_listeners_are_bounded() -> None:
    """One more than allowed is refused; a place that is free again is given away again."""
    feed = Feed()
    all_of_them = [joined(feed) for _ in range(MAX_LISTENERS)]
    assert feed.join("", BEAT) is None
    feed.leave(all_of_them[0])
    feed.leave(all_of_them[0])
    assert feed.join("", BEAT) is not None
    feed.close()
    assert feed.listeners == 0


async def test_a_change_is_told_when_it_is_woken_and_a_mass_of_them_as_one_event() -> None:
    """Not at the next beat; what changes within a moment is gathered."""
    feed = Feed()
    now = rows(a="up", b="up")
    feed.publish(now)
    running = asyncio.create_task(feed.running(lambda: now, lambda: BEAT))
    listener = joined(feed, feed.last)
    await listener.next()
    for channel in ("a", "b"):
        now = {**now, channel: row(channel, "down")}
        feed.wake()
    frame = await listener.next() or b""
    assert (frame.count(b"event: change"), frame.count(b'"down"')) == (1, 2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await listener.next() is None
    assert feed.listeners == 0


async def _streamed(send: Callable[[Message], Any], receive: Callable[[], Any], feed: Feed) -> None:
    await EventStream(feed, joined(feed))({"type": "http"}, receive, send)


async def test_a_stream_ends_when_its_browser_goes_and_when_the_feed_ends() -> None:
    """Nothing stays behind, and an end of ours is a proper one."""
    feed = Feed()
    sent: list[Message] = []
    gone, begun = asyncio.Event(), asyncio.Event()

    async def send(message: Message) -> None:
        sent.append(message)
        if len(sent) > 2:
            begun.set()

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    for ended in (gone.set, feed.close):
        gone.clear()
        begun.clear()
        sent.clear()
        stream = asyncio.create_task(_streamed(send, receive, feed))
        await begun.wait()
        assert feed.listeners == 1
        ended()
        await stream
        assert feed.listeners == 0
        assert sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    headers = dict(sent[0]["headers"])
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert headers[b"cache-control"] == b"no-store, no-transform"
    assert headers[b"x-accel-buffering"] == b"no"
    assert b"content-length" not in headers
    assert sent[1]["body"].startswith(b"retry: ")


async def test_a_connection_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long its browser would like to keep it open."""
    monkeypatch.setattr("tslcd_collector.web.events.PATIENCE", 0.01)
    feed = Feed()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    await _streamed(send, receive, feed)
    assert feed.listeners == 0
