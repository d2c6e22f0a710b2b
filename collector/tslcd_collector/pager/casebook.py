"""Incidents in the queue: what a post changes, who is told because of it, who is next, who has taken it.

Every function here works inside of one transaction of the queue (its ``connection``), so that an alert and the messages about it are
on disk together or not at all: asked again after a kill, the same post is a repeat.

Invariants:

* One group of alerts is one incident from its first alert to the end of its last, and one message each time something joins it.
* Who was told (or perhaps told: a try was made) of an incident is told of its end; who was not hears nothing of either.
* Alerts that join an incident are told to those who know of it; they do not begin its escalation anew.
* An end is a claim at first: an Alertmanager also takes for over what a dead Prometheus does not repeat. It is believed, and told, when
  the dead man's switch is heard after it (:func:`believe`); an alert that fires again before that was never over. While all that an
  incident has is claimed to be over, nothing of it is told or escalated.
* Once acknowledged or over, an incident goes no further. People are reminded of what Alertmanager still repeats, not of the rest: what was
  inhibited in the meantime ends without a word.
* A post has all of its group that fires. When nothing of an incident is in it any more, but something new is, the end of the first was not
  told to us (inhibited, or lost), and what is new is an incident of its own, with an escalation of its own. What was inhibited and is
  posted again is told again: its incident is closed.
* What is over as critical and goes on as major, or the other way round, is not told as over; who knew of it knows of the other.
"""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING, Final

import msgspec

from tslcd_collector.pager import incidents
from tslcd_collector.pager import story as stories
from tslcd_collector.pager.novelty import GRACE, Known, Novelty, decide
from tslcd_collector.pager.story import MAX_ITEMS, Item, Kind, Story, Words
from tslcd_collector.pager.upkeep import FREE
from tslcd_collector.pager.webhook import Posted, Webhook

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from tslcd_collector.pager.routing import Routing, Told

DEAD_MAN: Final = "dead-man"
#: Whether Alertmanager repeats what people would be reminded of is looked at so often, seconds.
_LOOK_AGAIN: Final = 60.0
_encode_item = msgspec.json.Encoder().encode
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


def take(
    connection: sqlite3.Connection, routing: Routing, severity: str, webhook: Webhook, now: float
) -> list[Novelty]:
    """Take a post in. Returns what each of its alerts was, in their order; what ended is not believed yet."""
    found: list[Novelty] = []
    fresh: list[Posted] = []
    touched: dict[int, None] = {}
    going_on: set[int] = set()
    for alert in webhook.alerts:
        row = connection.execute(
            "SELECT starts, ends, claimed, incident, EXISTS (SELECT 1 FROM incident WHERE id = alert.incident AND closed IS NULL)"
            " FROM alert WHERE severity = ? AND fingerprint = ?",
            (severity, alert.fingerprint),
        ).fetchone()
        novelty = decide(Known(*row[:3]) if row is not None else None, alert.starts, alert.ends)
        if novelty is Novelty.REPEAT and not row[4]:
            novelty = Novelty.NEW
        found.append(novelty)
        if novelty in {Novelty.NEW, Novelty.DOUBTFUL}:
            fresh.append(alert)
        elif novelty is not Novelty.STALE:
            item = _encode_item(msgspec.structs.replace(alert.item, since=min(row[0], alert.item.since)))
            connection.execute(
                "UPDATE alert SET heard = ?, claimed = ?, item = ? WHERE severity = ? AND fingerprint = ?",
                (now, alert.ends, item, severity, alert.fingerprint),
            )
            touched[row[3]] = None
            if novelty is Novelty.REPEAT:
                going_on.add(row[3])
    if fresh:
        _make_way(connection, routing, severity, webhook.key, going_on, now)
        delay = 0.0 if Novelty.NEW in found else GRACE
        touched[_join(connection, routing, severity, webhook.key, fresh, now, delay)] = None
    connection.executemany("UPDATE incident SET heard = ? WHERE id = ?", [(now, one) for one in touched])
    return found


def believe(
    connection: sqlite3.Connection, routing: Routing, now: float, heard: float = math.inf, since: float = 0.0
) -> int:
    """Believe the ends from ``since`` on that were heard of by ``heard``, and tell of what is over by them.

    Times are UTC seconds: ``since`` by the clock of the chain, ``heard`` by ours. Returns how many incidents are over.
    """
    return _believe(connection, routing, now, "claimed >= ? AND heard <= ?", (since, heard))


def _believe(
    connection: sqlite3.Connection, routing: Routing, now: float, where: str, values: tuple[object, ...]
) -> int:
    rows = connection.execute(
        f"UPDATE alert SET ends = claimed, claimed = NULL WHERE claimed IS NOT NULL AND {where} RETURNING incident",  # noqa: S608
        values,
    ).fetchall()
    over = 0
    for incident in sorted({one for (one,) in rows}):
        known = incidents.get(connection, incident)
        if known is not None and known.closed is None and not incidents.firing(connection, incident):
            _end(connection, routing, incident, now)
            over += 1
    return over


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
    take(connection, routing, "critical", _heartbeat(starts, max(now, starts), incidents.decode_item(item).since), now)
    _believe(connection, routing, now, "fingerprint = ?", (DEAD_MAN,))
    return True


def is_dead(connection: sqlite3.Connection) -> bool:
    """Whether the monitoring chain was told as dead and has not come back."""
    row = connection.execute("SELECT 1 FROM incident WHERE key = ? AND closed IS NULL", (DEAD_MAN,)).fetchone()
    return row is not None


def escalate(connection: sqlite3.Connection, routing: Routing, now: float) -> int:
    """Tell the next step of every incident that nobody acknowledged in time. Returns of how many incidents."""
    rows = connection.execute(
        "SELECT id, severity, level, heard, key FROM incident"  # noqa: S608 - a constant
        f" WHERE closed IS NULL AND acknowledged IS NULL AND due <= ? AND {incidents.CERTAIN}",
        (now,),
    ).fetchall()
    for incident, severity, level, heard, key in rows:
        turn = routing.after(severity, level, now)
        knowing = _knowing(connection, incident)
        if turn is not None:
            told = [one for one in turn.told if one.recipient not in knowing]
            due = turn.following if told else now
            _notify(connection, incidents.current(connection, incident, Kind.ESCALATION, now), told, now)
            connection.execute("UPDATE incident SET level = ?, due = ? WHERE id = ?", (turn.level, due, incident))
            incidents.audit(connection, now, "escalated", incident, detail=f"step {turn.level + 1}")
        elif (every := routing.remind(severity)) and heard < now - every and key != DEAD_MAN:
            connection.execute("UPDATE incident SET due = ? WHERE id = ?", (now + _LOOK_AGAIN, incident))
        elif every:
            told = list(routing.reminded(knowing, severity, now))
            _notify(connection, incidents.current(connection, incident, Kind.REMINDER, now), told, now)
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
    found = incidents.get(connection, incident)
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
    incidents.audit(connection, now, "acknowledged", incident, who, way)
    return Acknowledged.DONE


def forget(connection: sqlite3.Connection, before: float, now: float) -> int:
    """Close, without a word, what nobody repeated since ``before``. Returns how many."""
    rows = connection.execute(
        "SELECT id FROM incident WHERE closed IS NULL AND heard < ? AND key != ?", (before, DEAD_MAN)
    ).fetchall()
    for (incident,) in rows:
        connection.execute(
            "UPDATE alert SET ends = heard, claimed = NULL WHERE incident = ? AND ends IS NULL", (incident,)
        )
        _shut(connection, incident, now)
        incidents.audit(connection, now, "forgotten", incident)
    return len(rows)


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
        incidents.audit(connection, now, "opened", row[0], outcome=severity, detail=fresh[0].item.name)
        kind, told = Kind.FIRING, turn.told if turn is not None else ()
        if turn is None:
            incidents.audit(connection, now, "nobody", row[0], outcome=severity, detail="no steps for this severity")
    else:
        kind, told = Kind.MORE, routing.tell(_knowing(connection, row[0]), severity, now)
    incident = int(row[0])
    connection.executemany(
        "REPLACE INTO alert (severity, fingerprint, incident, starts, ends, heard, item) VALUES (?, ?, ?, ?, NULL, ?, ?)",
        [(severity, one.fingerprint, incident, one.starts, now, _encode_item(one.item)) for one in fresh],
    )
    story = incidents.current(connection, incident, kind, now)
    first = [one.item for one in fresh[:MAX_ITEMS]]
    rest = [one for one in story.items if one not in first]
    story = msgspec.structs.replace(story, items=(first + rest)[:MAX_ITEMS])
    if delay:
        told = tuple(one._replace(due=max(one.due, now + delay)) for one in told)
    _notify(connection, story, told, now)
    return incident


def _make_way(
    connection: sqlite3.Connection, routing: Routing, severity: str, key: str, going_on: set[int], now: float
) -> None:
    """Close the group's open incident, when nothing of it goes on: what is new gets one of its own."""
    row = connection.execute(
        "SELECT id, heard FROM incident WHERE severity = ? AND key = ? AND closed IS NULL", (severity, key)
    ).fetchone()
    if row is None or row[0] in going_on:
        return
    if not incidents.certain(connection, row[0]):
        _believe(connection, routing, now, "incident = ?", (row[0],))
    elif row[1] < now - GRACE:  # of what was posted just now another Alertmanager may not know yet
        _shut(connection, row[0], now, "not in what is posted now")
        incidents.audit(connection, now, "superseded", row[0])


def _end(connection: sqlite3.Connection, routing: Routing, incident: int, now: float) -> None:
    """Close an incident whose last alert is over, and tell those who know of it; of what goes on elsewhere they know from now on there."""
    known = incidents.get(connection, incident)
    assert known is not None  # noqa: S101 - the caller looked
    knowing = _told(connection, incident)
    over, elsewhere = incidents.ended(connection, incident)
    _shut(connection, incident, now)
    incidents.audit(connection, now, "resolved" if over else "goes on", incident)
    for other in elsewhere:
        _hand_on(connection, known, other, knowing, now)
    if over:
        story = Story(
            kind=Kind.RESOLVED,
            severity=known.severity,
            incident=incident,
            items=over[:MAX_ITEMS],
            total=len(over),
            at=now,
        )
        _notify(connection, story, routing.tell(knowing, known.severity, now), now)


def _hand_on(
    connection: sqlite3.Connection, before: incidents.Incident, other: int, knowing: Iterable[str], now: float
) -> None:
    """Have those who know of an incident know of another one, in which the same goes on; who took it has taken that if it is no worse."""
    told = _told(connection, other)
    body = stories.encode(incidents.current(connection, other, Kind.MORE, now))
    for name in knowing:
        if name not in told:
            connection.execute(
                "INSERT INTO notification (incident, kind, recipient, created, due, held, state, attempts, finished, story)"
                " VALUES (?, ?, ?, ?, ?, ?, 'sent', 0, ?, ?)",
                (other, Kind.MORE.value, name, now, now, FREE, now, body),
            )
            incidents.audit(connection, now, "known", other, name, detail=f"from incident {before.id}")
    if before.acknowledged_by is not None and before.severity == "critical":
        acknowledge(connection, other, before.acknowledged_by, f"of incident {before.id}", now)


def _shut(connection: sqlite3.Connection, incident: int, now: float, why: str = "over before it was told") -> None:
    connection.execute("UPDATE incident SET closed = ?, due = NULL WHERE id = ?", (now, incident))
    gone = connection.execute(
        "UPDATE notification SET state = 'cancelled', finished = ? WHERE incident = ? AND state = 'waiting'"
        " RETURNING recipient, kind",
        (now, incident),
    ).fetchall()
    for recipient, kind in gone:
        incidents.audit(connection, now, "cancelled", incident, recipient, detail=f"{kind}: {why}")


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


def _told(connection: sqlite3.Connection, incident: int) -> list[str]:
    """Return who was told of an incident, or perhaps told."""
    rows = connection.execute(
        "SELECT DISTINCT recipient FROM notification WHERE incident = ? AND (state = 'sent' OR attempts > 0)",
        (incident,),
    )
    return [name for (name,) in rows]


def _knowing(connection: sqlite3.Connection, incident: int) -> list[str]:
    """Return everybody for whom there is a message about an incident."""
    rows = connection.execute(
        "SELECT recipient FROM notification WHERE incident = ? GROUP BY recipient ORDER BY min(id)", (incident,)
    )
    return [name for (name,) in rows]


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
