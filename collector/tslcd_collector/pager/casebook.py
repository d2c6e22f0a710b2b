"""Incidents in the queue: what a post changes, who is told because of it, who is next, who has taken it.

Every function here works inside of one transaction of the queue (its ``connection``), so that an alert and the messages about it are
on disk together or not at all: asked again after a kill, the same post is a repeat.

Invariants:

* One group of alerts is one incident from its first alert to the end of its last, and one message each time something joins it.
* Who was told (or perhaps told: a try was made) of an incident is told of its end; who was not hears nothing of either.
* Alerts that join an incident are told to those who know of it; they do not begin its escalation anew.
* Once acknowledged or over, an incident goes no further. People are reminded of what Alertmanager still repeats, not of the rest: what was
  inhibited in the meantime ends without a word.
* A post has all of its group that fires. When nothing of an incident is in it any more, but something new is, the end of the first was not
  told to us (inhibited, or lost), and what is new is an incident of its own, with an escalation of its own.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from tslcd_collector.pager import story as stories
from tslcd_collector.pager.novelty import GRACE, Known, Novelty, decide
from tslcd_collector.pager.story import MAX_ITEMS, Item, Kind, Story, Words
from tslcd_collector.pager.webhook import Posted, Webhook

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from tslcd_collector.pager.routing import Routing, Told

DEAD_MAN: Final = "dead-man"
#: Whether Alertmanager repeats what people would be reminded of is looked at so often, seconds.
_LOOK_AGAIN: Final = 60.0
_encode_item = msgspec.json.Encoder().encode
_decode_item = msgspec.json.Decoder(Item).decode
_DEAD: Final = Words("Hệ thống giám sát ngừng gửi tín hiệu", "The monitoring chain is dead")
_DEAD_REASON: Final = Words(
    "Không còn nhận được tín hiệu từ chuỗi bộ thu, Prometheus, Alertmanager: mọi sự cố khác có thể không được báo",
    "Nothing is heard from the chain of collector, Prometheus, Alertmanager: no other incident may be told meanwhile",
)
_DEAD_ACTION: Final = Words(
    "Kiểm tra máy chủ giám sát, rồi Prometheus, Alertmanager và đường tới máy gửi tin này",
    "Look at the monitoring server, then Prometheus, Alertmanager and the way to this pager",
)


class Acknowledged(enum.Enum):
    """What became of an acknowledgement."""

    DONE = "done"
    ALREADY = "already"
    OVER = "over"
    UNKNOWN = "unknown"


class Incident(NamedTuple):
    """An incident as people see it. Times are UTC seconds."""

    id: int
    severity: str
    key: str
    opened: float
    heard: float
    closed: float | None
    acknowledged: float | None
    acknowledged_by: str | None
    level: int
    due: float | None


_COLUMNS: Final = ", ".join(Incident._fields)


def take(
    connection: sqlite3.Connection, routing: Routing, severity: str, webhook: Webhook, now: float
) -> dict[Novelty, int]:
    """Take a post in. Returns how many of its alerts were what."""
    counts = dict.fromkeys(Novelty, 0)
    fresh: list[Posted] = []
    touched: dict[int, None] = {}
    going_on: set[int] = set()
    doubtful = True
    for alert in webhook.alerts:
        row = connection.execute(
            "SELECT starts, ends, incident FROM alert WHERE severity = ? AND fingerprint = ?",
            (severity, alert.fingerprint),
        ).fetchone()
        novelty = decide(Known(row[0], row[1]) if row is not None else None, alert.starts, alert.ends)
        counts[novelty] += 1
        if novelty in {Novelty.NEW, Novelty.DOUBTFUL}:
            fresh.append(alert)
            doubtful = doubtful and novelty is Novelty.DOUBTFUL
        elif novelty is not Novelty.STALE:
            ended = (alert.ends, _encode_item(msgspec.structs.replace(alert.item, since=min(row[0], alert.item.since))))
            connection.execute(
                "UPDATE alert SET heard = ?, ends = ?, item = ? WHERE severity = ? AND fingerprint = ?",
                (now, *ended, severity, alert.fingerprint),
            )
            touched[row[2]] = None
            if novelty is Novelty.REPEAT:
                going_on.add(row[2])
    if fresh:
        _supersede(connection, severity, webhook.key, going_on, now)
        touched[_join(connection, routing, severity, webhook.key, fresh, now, GRACE if doubtful else 0.0)] = None
    for incident in touched:
        connection.execute("UPDATE incident SET heard = ? WHERE id = ?", (now, incident))
        known = get(connection, incident) if counts[Novelty.OVER] else None
        if known is not None and known.closed is None and not _firing(connection, incident):
            _end(connection, routing, incident, now)
    return counts


def dead(connection: sqlite3.Connection, routing: Routing, now: float, heard: float) -> bool:
    """Tell, once, that the dead man's switch was not heard since ``heard``. Returns whether that is news."""
    if is_dead(connection):
        return False
    take(connection, routing, "critical", _heartbeat(now, None, heard), now)
    return True


def alive(connection: sqlite3.Connection, routing: Routing, now: float) -> bool:
    """Tell that the dead man's switch is heard again, if it was told as dead. Returns whether that is news."""
    if not is_dead(connection):
        return False
    starts, item = connection.execute("SELECT starts, item FROM alert WHERE fingerprint = ?", (DEAD_MAN,)).fetchone()
    take(connection, routing, "critical", _heartbeat(starts, max(now, starts), _decode_item(item).since), now)
    return True


def is_dead(connection: sqlite3.Connection) -> bool:
    """Whether the monitoring chain was told as dead and has not come back."""
    row = connection.execute("SELECT 1 FROM incident WHERE key = ? AND closed IS NULL", (DEAD_MAN,)).fetchone()
    return row is not None


def escalate(connection: sqlite3.Connection, routing: Routing, now: float) -> int:
    """Tell the next step of every incident that nobody acknowledged in time. Returns of how many incidents."""
    rows = connection.execute(
        "SELECT id, severity, level, heard, key FROM incident WHERE closed IS NULL AND acknowledged IS NULL AND due <= ?",
        (now,),
    ).fetchall()
    for incident, severity, level, heard, key in rows:
        turn = routing.after(severity, level, now)
        knowing = _knowing(connection, incident)
        if turn is not None:
            told = [one for one in turn.told if one.recipient not in knowing]
            due = turn.following if told else now
            _notify(connection, current(connection, incident, Kind.ESCALATION, now), told, now)
            connection.execute("UPDATE incident SET level = ?, due = ? WHERE id = ?", (turn.level, due, incident))
            audit(connection, now, "escalated", incident, detail=f"step {turn.level + 1}")
        elif (every := routing.remind(severity)) and heard < now - every and key != DEAD_MAN:
            connection.execute("UPDATE incident SET due = ? WHERE id = ?", (now + _LOOK_AGAIN, incident))
        elif every:
            told = list(routing.reminded(knowing, severity, now))
            _notify(connection, current(connection, incident, Kind.REMINDER, now), told, now)
            connection.execute("UPDATE incident SET due = ? WHERE id = ?", (now + every, incident))
        else:
            connection.execute("UPDATE incident SET due = NULL WHERE id = ?", (incident,))
    return len(rows)


def hasten(connection: sqlite3.Connection, routing: Routing, incident: int, now: float) -> None:
    """Nobody could be reached so far: the next step is told now, if there is one."""
    row = connection.execute(
        "SELECT severity, level FROM incident WHERE id = ? AND closed IS NULL AND acknowledged IS NULL AND due > ?",
        (incident, now),
    ).fetchone()
    others = connection.execute(
        "SELECT 1 FROM notification WHERE incident = ? AND (state = 'sent' OR (state = 'waiting' AND attempts = 0 AND due <= ?))",
        (incident, now),
    ).fetchone()
    if row is not None and others is None and routing.after(row[0], row[1], now) is not None:
        connection.execute("UPDATE incident SET due = ? WHERE id = ?", (now, incident))


def acknowledge(connection: sqlite3.Connection, incident: int, who: str, way: str, now: float) -> Acknowledged:
    """Take an incident: it is told to nobody further. ``who`` and ``way`` are for the audit log."""
    found = get(connection, incident)
    if found is None:
        return Acknowledged.UNKNOWN
    if found.closed is not None:
        return Acknowledged.OVER
    if found.acknowledged is not None:
        return Acknowledged.ALREADY
    connection.execute(
        "UPDATE incident SET acknowledged = ?, acknowledged_by = ?, due = NULL WHERE id = ?", (now, who, incident)
    )
    connection.execute(
        "UPDATE notification SET state = 'cancelled', finished = ? WHERE incident = ? AND state = 'waiting' AND attempts = 0"
        " AND kind IN ('escalation', 'reminder')",
        (now, incident),
    )
    audit(connection, now, "acknowledged", incident, who, way)
    return Acknowledged.DONE


def shift(connection: sqlite3.Connection, by: float) -> None:
    """Move what is due by ``by`` seconds: the clock was set. What waits for an hour of the day does not move."""
    connection.execute("UPDATE incident SET due = due + ? WHERE due IS NOT NULL", (by,))
    connection.execute("UPDATE notification SET due = due + ? WHERE state = 'waiting' AND held = 0", (by,))


def forget(connection: sqlite3.Connection, before: float, now: float) -> int:
    """Close, without a word, what nobody repeated since ``before``. Returns how many."""
    rows = connection.execute(
        "SELECT id FROM incident WHERE closed IS NULL AND heard < ? AND key != ?", (before, DEAD_MAN)
    ).fetchall()
    for (incident,) in rows:
        connection.execute("UPDATE alert SET ends = heard WHERE incident = ? AND ends IS NULL", (incident,))
        _shut(connection, incident, now)
        audit(connection, now, "forgotten", incident)
    return len(rows)


def prune(connection: sqlite3.Connection, before: float) -> None:
    """Delete what was over before ``before``."""
    connection.execute("DELETE FROM notification WHERE state != 'waiting' AND created < ?", (before,))
    connection.execute("DELETE FROM alert WHERE ends IS NOT NULL AND heard < ?", (before,))
    connection.execute("DELETE FROM incident WHERE closed < ?", (before,))
    connection.execute("DELETE FROM audit WHERE at < ?", (before,))


def get(connection: sqlite3.Connection, incident: int) -> Incident | None:
    """Return an incident."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM incident WHERE id = ?", (incident,)).fetchone()  # noqa: S608
    return Incident(*row) if row is not None else None


def opened(connection: sqlite3.Connection) -> list[Incident]:
    """Return every open incident, oldest first."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM incident WHERE closed IS NULL ORDER BY id")  # noqa: S608
    return [Incident(*row) for row in rows]


def current(connection: sqlite3.Connection, incident: int, kind: Kind, now: float) -> Story:
    """Return what an incident is now: what fires of it, or when nothing does, all that it was."""
    where = "incident = ?" + (" AND ends IS NULL" if _firing(connection, incident) else "")
    return _tell(connection, incident, kind, now, where)


def audit(
    connection: sqlite3.Connection,
    now: float,
    event: str,
    incident: int,
    recipient: str = "",
    channel: str = "",
    *,
    outcome: str = "",
    detail: str = "",
) -> None:
    """Add a line to the audit log."""
    connection.execute(
        "INSERT INTO audit (at, event, incident, recipient, channel, outcome, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (now, event, incident, recipient, channel, outcome, detail),
    )


def _join(
    connection: sqlite3.Connection,
    routing: Routing,
    severity: str,
    key: str,
    fresh: list[Posted],
    now: float,
    delay: float,
) -> int:
    """Add alerts to the group's open incident, or begin one. Returns its number."""
    row = connection.execute(
        "SELECT id FROM incident WHERE severity = ? AND key = ? AND closed IS NULL", (severity, key)
    ).fetchone()
    turn = routing.first(severity, now) if row is None else None
    if row is None:
        level, due = (turn.level, turn.following) if turn is not None else (-1, None)
        row = connection.execute(
            "INSERT INTO incident (severity, key, opened, heard, level, due) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
            (severity, key, now, now, level, due),
        ).fetchone()
        audit(connection, now, "opened", row[0], outcome=severity, detail=fresh[0].item.name)
        kind, told = Kind.FIRING, turn.told if turn is not None else ()
        if turn is None:
            audit(connection, now, "nobody", row[0], outcome=severity, detail="no steps for this severity")
    else:
        kind, told = Kind.MORE, routing.tell(_knowing(connection, row[0]), severity, now)
    incident = int(row[0])
    connection.executemany(
        "REPLACE INTO alert (severity, fingerprint, incident, starts, ends, heard, item) VALUES (?, ?, ?, ?, NULL, ?, ?)",
        [(severity, one.fingerprint, incident, one.starts, now, _encode_item(one.item)) for one in fresh],
    )
    story = current(connection, incident, kind, now)
    first = [one.item for one in fresh[:MAX_ITEMS]]
    rest = [one for one in story.items if one not in first]
    story = msgspec.structs.replace(story, items=(first + rest)[:MAX_ITEMS])
    if delay:
        told = tuple(one._replace(due=max(one.due, now + delay)) for one in told)
    _notify(connection, story, told, now)
    return incident


def _supersede(connection: sqlite3.Connection, severity: str, key: str, going_on: set[int], now: float) -> None:
    """Close the group's open incident, without a word, when nothing of it goes on."""
    # of what was posted just now another Alertmanager may not know yet
    row = connection.execute(
        "SELECT id FROM incident WHERE severity = ? AND key = ? AND closed IS NULL AND heard < ?",
        (severity, key, now - GRACE),
    ).fetchone()
    if row is not None and row[0] not in going_on:
        _shut(connection, row[0], now)
        audit(connection, now, "superseded", row[0])


def _end(connection: sqlite3.Connection, routing: Routing, incident: int, now: float) -> None:
    """Close an incident whose last alert is over, and tell those who know of it."""
    story = _tell(connection, incident, Kind.RESOLVED, now, "incident = ?")
    knowing = [
        name
        for (name,) in connection.execute(
            "SELECT DISTINCT recipient FROM notification WHERE incident = ? AND (state = 'sent' OR attempts > 0)",
            (incident,),
        )
    ]
    _shut(connection, incident, now)
    audit(connection, now, "resolved", incident)
    _notify(connection, story, routing.tell(knowing, story.severity, now), now)


def _shut(connection: sqlite3.Connection, incident: int, now: float) -> None:
    connection.execute("UPDATE incident SET closed = ?, due = NULL WHERE id = ?", (now, incident))
    gone = connection.execute(
        "UPDATE notification SET state = 'cancelled', finished = ? WHERE incident = ? AND state = 'waiting'"
        " RETURNING recipient, kind",
        (now, incident),
    ).fetchall()
    for recipient, kind in gone:
        audit(connection, now, "cancelled", incident, recipient, detail=f"{kind}: over before it was told")


def _notify(connection: sqlite3.Connection, story: Story, told: Iterable[Told], now: float) -> None:
    body = stories.encode(story)
    rows: Iterator[tuple[object, ...]] = (
        (story.incident, story.kind.value, one.recipient, now, one.due, one.held, body) for one in told
    )
    connection.executemany(
        "INSERT INTO notification (incident, kind, recipient, created, due, held, state, attempts, story)"
        " VALUES (?, ?, ?, ?, ?, ?, 'waiting', 0, ?)",
        rows,
    )


def _knowing(connection: sqlite3.Connection, incident: int) -> list[str]:
    """Return everybody for whom there is a message about an incident."""
    rows = connection.execute(
        "SELECT recipient FROM notification WHERE incident = ? GROUP BY recipient ORDER BY min(id)", (incident,)
    )
    return [name for (name,) in rows]


def _firing(connection: sqlite3.Connection, incident: int) -> bool:
    row = connection.execute("SELECT 1 FROM alert WHERE incident = ? AND ends IS NULL", (incident,)).fetchone()
    return row is not None


def _tell(connection: sqlite3.Connection, incident: int, kind: Kind, now: float, where: str) -> Story:
    (severity,) = connection.execute("SELECT severity FROM incident WHERE id = ?", (incident,)).fetchone()
    (total,) = connection.execute(f"SELECT count(*) FROM alert WHERE {where}", (incident,)).fetchone()  # noqa: S608
    rows = connection.execute(
        f"SELECT item FROM alert WHERE {where} ORDER BY starts DESC, fingerprint LIMIT ?",  # noqa: S608
        (incident, MAX_ITEMS),
    )
    items = [_decode_item(item) for (item,) in rows]
    return Story(kind=kind, severity=severity, incident=incident, items=items, total=total, at=now)


def _heartbeat(starts: float, ends: float | None, heard: float) -> Webhook:
    item = Item(
        name="DeadMan",
        channel="",
        party="monitoring",
        summary=_DEAD,
        reason=_DEAD_REASON,
        action=_DEAD_ACTION,
        runbook="Watchdog",
        since=heard,
        until=ends,
    )
    return Webhook(DEAD_MAN, [Posted(DEAD_MAN, starts, ends, item)], 0, {})
