"""Incidents as they stand in the queue: which are open, what of one fires, what is told of it now.

Every function works inside of one transaction of the queue; none but :func:`audit` changes anything. :mod:`tslcd_collector.pager.casebook` says
how an incident comes to be as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from tslcd_collector.pager.story import MAX_ITEMS, Item, Story

if TYPE_CHECKING:
    import sqlite3

    from tslcd_collector.pager.story import Kind

decode_item = msgspec.json.Decoder(Item).decode


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
#: Of an incident: something of it fires, and is not claimed to be over.
CERTAIN: Final = "EXISTS (SELECT 1 FROM alert WHERE incident = incident.id AND ends IS NULL AND claimed IS NULL)"


def get(connection: sqlite3.Connection, incident: int) -> Incident | None:
    """Return an incident."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM incident WHERE id = ?", (incident,)).fetchone()  # noqa: S608
    return Incident(*row) if row is not None else None


def opened(connection: sqlite3.Connection) -> list[Incident]:
    """Return every open incident, oldest first."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM incident WHERE closed IS NULL ORDER BY id")  # noqa: S608
    return [Incident(*row) for row in rows]


def certain(connection: sqlite3.Connection, incident: int) -> bool:
    """Whether something of an incident fires that is not claimed to be over."""
    return connection.execute(f"SELECT 1 FROM incident WHERE id = ? AND {CERTAIN}", (incident,)).fetchone() is not None  # noqa: S608


def current(connection: sqlite3.Connection, incident: int, kind: Kind, now: float) -> Story:
    """Return what an incident is now: what fires of it, or when nothing does, all that it was."""
    where = "incident = ?"
    if certain(connection, incident):
        where += " AND ends IS NULL AND claimed IS NULL"
    elif firing(connection, incident):
        where += " AND ends IS NULL"
    return tell(connection, incident, kind, now, where)


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


def firing(connection: sqlite3.Connection, incident: int) -> bool:
    """Whether something of an incident fires, if only until its end is believed."""
    row = connection.execute("SELECT 1 FROM alert WHERE incident = ? AND ends IS NULL", (incident,)).fetchone()
    return row is not None


def tell(connection: sqlite3.Connection, incident: int, kind: Kind, now: float, where: str) -> Story:
    """Return the story of those alerts of an incident for which ``where`` holds."""
    (severity,) = connection.execute("SELECT severity FROM incident WHERE id = ?", (incident,)).fetchone()
    (total,) = connection.execute(f"SELECT count(*) FROM alert WHERE {where}", (incident,)).fetchone()  # noqa: S608
    rows = connection.execute(
        f"SELECT item FROM alert WHERE {where} ORDER BY starts DESC, fingerprint LIMIT ?",  # noqa: S608
        (incident, MAX_ITEMS),
    )
    items = [decode_item(item) for (item,) in rows]
    return Story(kind=kind, severity=severity, incident=incident, items=items, total=total, at=now)


def ended(connection: sqlite3.Connection, incident: int) -> tuple[list[Item], list[int]]:
    """Return what of an incident is over, newest first, and the open incidents in which the rest goes on with another severity.

    It is the same when alert and channel are: a cut is critical, or major while another channel of its group works.
    """
    going_on = {
        (item.name, item.channel): other
        for body, other in connection.execute(
            "SELECT item, incident FROM alert WHERE ends IS NULL AND claimed IS NULL AND incident IN"
            " (SELECT id FROM incident WHERE closed IS NULL AND id != ?)",
            (incident,),
        )
        if (item := decode_item(body)).channel
    }
    rows = connection.execute(
        "SELECT item FROM alert WHERE incident = ? ORDER BY starts DESC, fingerprint", (incident,)
    )
    items = [decode_item(body) for (body,) in rows]
    over = [item for item in items if (item.name, item.channel) not in going_on]
    return over, sorted({going_on[key] for item in items if (key := (item.name, item.channel)) in going_on})
