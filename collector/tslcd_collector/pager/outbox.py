"""Messages in the queue: what is sent to a recipient now, what is held back, and what became of a try.

Every function works inside of one transaction of the queue. A try is written down before it is made (``attempts``), so that after a kill
it is known that somebody may have been told; what was told is written down at once afterwards. Between the two lies the one message
that a kill can double.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from tslcd_collector.pager import casebook, incidents
from tslcd_collector.pager import story as stories
from tslcd_collector.pager.story import Kind
from tslcd_collector.pager.upkeep import BY_RATE

if TYPE_CHECKING:
    import sqlite3

    from tslcd_collector.pager.routing import Routing
    from tslcd_collector.pager.story import Story

#: A summary with something critical in it does not wait longer for its turn, seconds.
URGENT: Final = 15.0
#: One summary tells so many messages at most.
MAX_SUMMARY: Final = 100
#: Of a message: its incident is over, or goes on for certain. One of which all is claimed to be over waits for what is true.
_CLEAR: Final = (
    f"EXISTS (SELECT 1 FROM incident WHERE id = notification.incident AND (closed IS NOT NULL OR {incidents.CERTAIN}))"  # noqa: S608
)


class Work(NamedTuple):
    """What one recipient is told now, in one message. ``attempt`` counts from 1; ``created``: of the oldest, UTC seconds."""

    recipient: str
    ids: list[int]
    stories: list[Story]
    attempt: int
    created: float


class Try(NamedTuple):
    """One try by one channel; ``detail`` has no token and no text of the message in it."""

    channel: str
    outcome: str
    detail: str = ""


def ready(connection: sqlite3.Connection, now: float) -> list[str]:
    """Return for whom something is due."""
    rows = connection.execute(
        f"SELECT DISTINCT recipient FROM notification WHERE state = 'waiting' AND due <= ? AND {_CLEAR}",  # noqa: S608
        (now,),
    )
    return [name for (name,) in rows]


def work(connection: sqlite3.Connection, routing: Routing, recipient: str, now: float) -> Work | None:
    """Return what ``recipient`` is told now, and write down that it is tried; None when nothing is."""
    rows = connection.execute(
        "SELECT id, held, attempts, created, story FROM notification"  # noqa: S608 - a constant
        f" WHERE recipient = ? AND state = 'waiting' AND due <= ? AND {_CLEAR} ORDER BY id LIMIT ?",
        (recipient, now, MAX_SUMMARY),
    ).fetchall()
    rows, found = _readable(connection, rows, now)
    if not rows:
        return None
    rate = routing.rate(recipient)
    recent, last = connection.execute(
        "SELECT count(*), max(at) FROM audit WHERE recipient = ? AND event = 'told' AND at > ? AND at <= ?",
        (recipient, now - rate.per, now),
    ).fetchone()
    over = recent >= rate.messages
    if over:
        urgent = any(one.severity == "critical" for one in found)
        release = last + (min(URGENT, rate.summary_after) if urgent else rate.summary_after)
        if now < release:
            _hold(
                connection,
                recipient,
                [(row[0], row[1], one) for row, one in zip(rows, found, strict=True)],
                now,
                release,
            )
            return None
    if not over and not any(row[1] for row in rows):
        rows, found = rows[:1], found[:1]
    ids = [row[0] for row in rows]
    connection.executemany("UPDATE notification SET attempts = attempts + 1 WHERE id = ?", [(one,) for one in ids])
    return Work(recipient, ids, found, max(row[2] for row in rows) + 1, min(row[3] for row in rows))


def told(connection: sqlite3.Connection, one: Work, tries: list[Try], now: float) -> None:
    """Write down that the last of ``tries`` was taken."""
    _write_down(connection, one, tries[:-1], now)
    for place, (number, story) in enumerate(zip(one.ids, one.stories, strict=True)):
        connection.execute("UPDATE notification SET state = 'sent', finished = ? WHERE id = ?", (now, number))
        event = "included" if place else "told"
        detail = story.kind.value if len(one.ids) == 1 else f"{story.kind.value}, in a summary of {len(one.ids)}"
        incidents.audit(
            connection, now, event, story.incident, one.recipient, tries[-1].channel, outcome="accepted", detail=detail
        )


def failed(
    connection: sqlite3.Connection, routing: Routing, one: Work, tries: list[Try], now: float, again: float | None
) -> None:
    """Write down that no channel took it: tried anew at ``again`` (UTC seconds), or given up when that is None."""
    _write_down(connection, one, tries, now)
    for number, story in zip(one.ids, one.stories, strict=True):
        if again is not None:
            connection.execute("UPDATE notification SET due = ? WHERE id = ? AND state = 'waiting'", (again, number))
        else:
            connection.execute(
                "UPDATE notification SET state = 'failed', finished = ? WHERE id = ? AND state = 'waiting'",
                (now, number),
            )
            incidents.audit(connection, now, "given up", story.incident, one.recipient, detail=story.kind.value)
        if story.kind is not Kind.RESOLVED:
            casebook.hasten(connection, routing, story.incident, now)


def hurry(connection: sqlite3.Connection, now: float) -> None:
    """Try at once what no channel took: the settings may have been put right."""
    connection.execute("UPDATE notification SET due = ? WHERE state = 'waiting' AND attempts > 0 AND held = 0", (now,))


def waiting(connection: sqlite3.Connection, now: float) -> tuple[int, float]:
    """Return how many messages wait, and for how long the oldest does that neither the clock nor a doubt holds back (seconds)."""
    count, oldest = connection.execute(
        f"SELECT count(*), min(CASE WHEN held = 0 AND {_CLEAR} THEN created END) FROM notification WHERE state = 'waiting'"  # noqa: S608
    ).fetchone()
    return int(count), max(0.0, now - oldest) if oldest is not None else 0.0


def _readable(
    connection: sqlite3.Connection, rows: list[tuple[int, int, int, float, bytes]], now: float
) -> tuple[list[tuple[int, int, int, float, bytes]], list[Story]]:
    """Decode stories; one that another version of the program wrote must not keep the others from being told."""
    kept, found = [], []
    for row in rows:
        try:
            found.append(stories.decode(row[4]))
        except msgspec.DecodeError:
            connection.execute("UPDATE notification SET state = 'failed', finished = ? WHERE id = ?", (now, row[0]))
            incidents.audit(connection, now, "given up", 0, detail="message cannot be read")
        else:
            kept.append(row)
    return kept, found


def _hold(
    connection: sqlite3.Connection,
    recipient: str,
    rows: list[tuple[int, int, Story]],
    now: float,
    release: float,
) -> None:
    for number, held, story in rows:
        connection.execute("UPDATE notification SET held = ?, due = ? WHERE id = ?", (BY_RATE, release, number))
        if not held:
            incidents.audit(connection, now, "held back", story.incident, recipient, detail=story.kind.value)


def _write_down(connection: sqlite3.Connection, one: Work, tries: list[Try], now: float) -> None:
    incident = one.stories[0].incident
    for each in tries:
        incidents.audit(
            connection, now, "tried", incident, one.recipient, each.channel, outcome=each.outcome, detail=each.detail
        )
