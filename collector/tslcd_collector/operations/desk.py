"""What is written into the file of operations, each change with its line in the audit log. For the file's thread."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tslcd_collector.operations.rows import Acknowledgement, Comment, PlannedWork

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tslcd_collector.operations.file import OperationsFile
    from tslcd_collector.operations.rows import Actor

#: Comments in one answer, and planned work.
MAX_ROWS: Final = 500


class Standing(NamedTuple):
    """What holds now."""

    acknowledgements: dict[str, Acknowledgement]
    windows: list[PlannedWork]


def open_file(file: OperationsFile, now: float) -> Standing:
    """Open the file and return what stands in it. Raises OperationsError, as everything here."""
    file.open(now)
    rows = file.read("SELECT channel, who, at, comment, until, id FROM acknowledgement WHERE until IS NULL")
    return Standing({row[0]: Acknowledgement(*row) for row in rows}, windows(file, now))


def acknowledge(file: OperationsFile, channel: str, text: str, actor: Actor, now: float) -> Acknowledgement:
    """Acknowledge; an earlier acknowledgement of the channel ends."""
    with file.writing() as transaction:
        transaction.run("UPDATE acknowledgement SET until = ? WHERE channel = ? AND until IS NULL", (now, channel))
        made = transaction.run(
            "INSERT INTO acknowledgement (channel, who, at, comment) VALUES (?, ?, ?, ?)",
            (channel, actor.who, now, text),
        )
        transaction.audit(now, actor, "acknowledge", channel, text)
    return Acknowledgement(channel, actor.who, now, text, None, made.lastrowid or 0)


def end(file: OperationsFile, ends: Mapping[str, float], actor: Actor, why: str) -> None:
    """End acknowledgements, each at its time."""
    with file.writing() as transaction:
        for channel, at in ends.items():
            done = transaction.run(
                "UPDATE acknowledgement SET until = max(at, ?) WHERE channel = ? AND until IS NULL", (at, channel)
            )
            if done.rowcount:
                transaction.audit(at, actor, "acknowledgement-end", channel, why)


def comment(file: OperationsFile, channel: str, text: str, actor: Actor, now: float) -> Comment:
    """Write a comment."""
    with file.writing() as transaction:
        made = transaction.run(
            "INSERT INTO comment (channel, who, at, text) VALUES (?, ?, ?, ?)", (channel, actor.who, now, text)
        )
        transaction.audit(now, actor, "comment", channel)
    return Comment(channel, actor.who, now, text, made.lastrowid or 0)


def comments(file: OperationsFile, channel: str) -> list[Comment]:
    """Return the comments on a channel, the newest first; MAX_ROWS at most."""
    rows = file.read(
        "SELECT channel, who, at, text, id FROM comment WHERE channel = ? ORDER BY id DESC LIMIT ?", (channel, MAX_ROWS)
    )
    return [Comment(*row) for row in rows]


def plan(file: OperationsFile, work: PlannedWork, actor: Actor, now: float) -> PlannedWork:
    """Write planned work."""
    lists = [json.dumps(one, ensure_ascii=False) for one in (work.channels, work.sites, work.operators)]
    with file.writing() as transaction:
        made = transaction.run(
            'INSERT INTO planned_work (title, kind, "begin", "end", channels, sites, operators, contact, who, at)'
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (work.title, work.kind, work.begin, work.end, *lists, work.contact, work.who, work.at),
        )
        number = made.lastrowid or 0
        scope = ", ".join((*work.channels, *work.sites, *work.operators)) or "everything"
        detail = f"{work.kind} {work.title!r} {work.begin:.0f}-{work.end:.0f}: {scope}"
        transaction.audit(now, actor, "maintenance", str(number), detail[:1000])
    return work._replace(id=number)


def withdraw(file: OperationsFile, number: int, actor: Actor, now: float) -> None:
    """Call planned work off."""
    with file.writing() as transaction:
        done = transaction.run(
            'UPDATE planned_work SET withdrawn = ? WHERE id = ? AND withdrawn IS NULL AND "end" > ?', (now, number, now)
        )
        if done.rowcount:
            transaction.audit(now, actor, "maintenance-withdrawn", str(number))


def windows(file: OperationsFile, now: float) -> list[PlannedWork]:
    """Return planned work that is not over, and not withdrawn."""
    rows = file.read(
        'SELECT title, kind, "begin", "end", channels, sites, operators, contact, who, at, withdrawn, id FROM planned_work'
        ' WHERE "end" > ? AND withdrawn IS NULL ORDER BY "begin", id',
        (now,),
    )
    return [_work(row) for row in rows]


def _work(row: tuple[Any, ...]) -> PlannedWork:
    return PlannedWork(*row[:4], *(tuple(json.loads(one)) for one in row[4:7]), *row[7:])
