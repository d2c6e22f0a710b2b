"""What time does to the queue: a clock that is set, and what is old. Every function works inside of one transaction of the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3

    from tslcd_collector.pager.routing import Routing

#: ``held`` of a message: nothing holds it, it waits for an hour of the day, or for its recipient's rate.
FREE: Final = 0
BY_HOURS: Final = 1
BY_RATE: Final = 2


def shift(connection: sqlite3.Connection, routing: Routing, by: float, now: float) -> None:
    """Move what is due, and when the open was heard of, by ``by`` seconds: the clock was set, to ``now``.

    What waits for an hour of the day waits for the next one.
    """
    connection.execute("UPDATE alert SET heard = heard + ? WHERE ends IS NULL", (by,))
    connection.execute("UPDATE incident SET heard = heard + ? WHERE closed IS NULL", (by,))
    connection.execute("UPDATE incident SET due = due + ? WHERE due IS NOT NULL", (by,))
    connection.execute("UPDATE notification SET due = due + ? WHERE state = 'waiting' AND held != ?", (by, BY_HOURS))
    waiting = connection.execute(
        "SELECT notification.id, recipient, severity FROM notification JOIN incident ON incident.id = incident"
        " WHERE state = 'waiting' AND held = ?",
        (BY_HOURS,),
    ).fetchall()
    for number, recipient, severity in waiting:
        for one in routing.tell((recipient,), severity, now):
            connection.execute("UPDATE notification SET due = ? WHERE id = ?", (one.due, number))


def prune(connection: sqlite3.Connection, before: float) -> None:
    """Delete what was over before ``before``."""
    connection.execute("DELETE FROM notification WHERE state != 'waiting' AND created < ?", (before,))
    connection.execute(
        "DELETE FROM alert WHERE heard < ? AND (ends IS NOT NULL OR incident NOT IN (SELECT id FROM incident WHERE closed IS NULL))",
        (before,),
    )
    connection.execute("DELETE FROM incident WHERE closed < ?", (before,))
    connection.execute("DELETE FROM audit WHERE at < ?", (before,))
