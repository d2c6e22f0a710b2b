"""Sessions: a random token in a cookie, of which the file has the hash, the person, and since when. For the file's thread.

Invariants:

* A token is made at login and never taken from a request, so that nobody can make another use a session prepared for him.
* What a person may is read with every request: a role taken away, an account disabled, a session ended hold from the next one on.
* A session ends after ``idle`` seconds without a request, after ``lifetime`` in any case, and cannot be lengthened past that.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

from tslcd_collector.access.person import Identity, Person, Role

if TYPE_CHECKING:
    from tslcd_collector.operations import OperationsFile
    from tslcd_collector.operations.file import Transaction
    from tslcd_collector.operations.rows import Actor

#: The last request of a session is written down this seldom, seconds; it may end so much too early for idleness.
TOUCH: Final = 60.0
#: Sessions of one person; the oldest ends with one more.
MAX_SESSIONS: Final = 10
#: A browser that logged in is known for so long, seconds; and how many of one person are.
DEVICE_KEEP: Final = 90 * 86400.0
MAX_DEVICES: Final = 20


class Limits(NamedTuple):
    """How long sessions last, seconds, and whose count: those of a provider's people, or of local accounts (empty)."""

    idle: float
    lifetime: float
    issuer: str = ""


class Shown(NamedTuple):
    """A session as its person sees it."""

    created: float
    seen: float
    source: str
    current: bool


def new_token() -> str:
    """Make a token: 256 bits."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


def csrf(token: str) -> str:
    """Return what a form of this session has in it; who cannot read the cookie cannot make it."""
    return hmac.new(token.encode(errors="replace"), b"csrf", hashlib.sha256).hexdigest()


def begin(
    transaction: Transaction, person: str, token: str, actor: Actor, now: float, *, complete: bool, id_token: str = ""
) -> None:
    """Begin a session."""
    transaction.run(
        "INSERT INTO session (hash, person, created, seen, source, complete, id_token) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (digest(token), person, now, now, actor.source, int(complete), id_token),
    )
    transaction.run(
        "DELETE FROM session WHERE person = ? AND hash NOT IN"
        " (SELECT hash FROM session WHERE person = ? ORDER BY created DESC LIMIT ?)",
        (person, person, MAX_SESSIONS),
    )
    transaction.run("UPDATE person SET last_login = ? WHERE name = ?", (now, person))


def find(file: OperationsFile, token: str, limits: Limits, now: float, *, touch: bool = True) -> Identity | None:
    """Return whose session this is, None when it is nobody's any more. Raises OperationsError, as everything here."""
    key = digest(token)
    rows = file.read(
        "SELECT person.name, person.role, session.complete, session.created, session.seen FROM session"
        " JOIN person ON person.name = session.person WHERE session.hash = ? AND person.issuer = ? AND NOT person.disabled",
        (key, limits.issuer),
    )
    if not rows:
        return None
    name, role, complete, created, seen = rows[0]
    if now - created >= limits.lifetime or now - seen >= limits.idle:
        return None
    if touch and now - seen >= min(TOUCH, limits.idle / 4):
        with file.writing() as transaction:
            transaction.run("UPDATE session SET seen = ? WHERE hash = ?", (now, key))
    return Identity(Person(name, Role(role)), csrf(token), key, bool(complete))


def end(file: OperationsFile, key: bytes, actor: Actor, now: float, what: str = "logout") -> str:
    """End a session; return the ID token it began with, empty when there is none."""
    with file.writing() as transaction:
        rows = transaction.run("DELETE FROM session WHERE hash = ? RETURNING id_token", (key,)).fetchall()
        if rows:
            transaction.audit(now, actor, what, actor.who)
    return str(rows[0][0]) if rows else ""


def end_others(file: OperationsFile, person: str, key: bytes, actor: Actor, now: float) -> int:
    """End all sessions of a person but one; return how many there were."""
    with file.writing() as transaction:
        done = transaction.run("DELETE FROM session WHERE person = ? AND hash != ?", (person, key))
        transaction.run("DELETE FROM device WHERE person = ?", (person,))
        transaction.audit(now, actor, "sessions-end", person, f"{done.rowcount} sessions")
    return done.rowcount


def of_person(file: OperationsFile, person: str, key: bytes, limits: Limits, now: float) -> list[Shown]:
    """Return the sessions of a person, the newest first."""
    rows = file.read(
        "SELECT created, seen, source, hash FROM session WHERE person = ? AND created > ? AND seen > ?"
        " ORDER BY created DESC",
        (person, now - limits.lifetime, now - limits.idle),
    )
    return [Shown(created, seen, source, found == key) for created, seen, source, found in rows]


def pending(file: OperationsFile, key: bytes) -> str:
    """Return the secret that is being set up in a session, empty when none is."""
    rows = file.read("SELECT pending FROM session WHERE hash = ?", (key,))
    return str(rows[0][0]) if rows else ""


def set_pending(file: OperationsFile, key: bytes, secret: str) -> None:
    """Remember the secret that is being set up."""
    with file.writing() as transaction:
        transaction.run("UPDATE session SET pending = ? WHERE hash = ?", (secret, key))


def renew(file: OperationsFile, old: bytes, token: str, now: float) -> None:
    """Give a session another token, with all rights: what it may has grown."""
    with file.writing() as transaction:
        transaction.run(
            "UPDATE session SET hash = ?, complete = 1, pending = '', seen = ? WHERE hash = ?",
            (digest(token), now, old),
        )


def prune(file: OperationsFile, limits: Limits, now: float) -> None:
    """Delete sessions that are over, and browsers that were not seen for long."""
    with file.writing() as transaction:
        transaction.run(
            "DELETE FROM session WHERE created <= ? OR seen <= ?", (now - limits.lifetime, now - limits.idle)
        )
        transaction.run("DELETE FROM device WHERE seen < ?", (now - DEVICE_KEEP,))


def knows(file: OperationsFile, person: str, device: str, now: float) -> bool:
    """Whether a person logged in with this browser lately."""
    return bool(
        file.read(
            "SELECT 1 FROM device WHERE hash = ? AND person = ? AND seen > ?",
            (digest(device), person, now - DEVICE_KEEP),
        )
    )


def remember_device(transaction: Transaction, person: str, device: str, now: float) -> None:
    """Remember a browser."""
    transaction.run("REPLACE INTO device (hash, person, seen) VALUES (?, ?, ?)", (digest(device), person, now))
    transaction.run(
        "DELETE FROM device WHERE person = ? AND hash NOT IN"
        " (SELECT hash FROM device WHERE person = ? ORDER BY seen DESC LIMIT ?)",
        (person, person, MAX_DEVICES),
    )
