"""People in the file of operations, each change with its line in the audit log. For the file's thread."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final, NamedTuple

from tslcd_collector.access.person import Role
from tslcd_collector.errors import OperationsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tslcd_collector.access.provider import Claimed
    from tslcd_collector.operations import OperationsFile
    from tslcd_collector.operations.file import Transaction
    from tslcd_collector.operations.rows import Actor

_SELECT: Final = "SELECT name, role, issuer, subject, password, must_change, secret, last_step, disabled, created, last_login FROM person"


class PersonError(OperationsError):
    """What was asked for does not go with the people there are."""


class Account(NamedTuple):
    """A person as the file has it. ``secret`` is empty until an authenticator was set up, ``issuer`` for local accounts."""

    name: str
    role: Role
    issuer: str
    subject: str
    password: str
    must_change: bool
    secret: str
    last_step: int
    disabled: bool
    created: float
    last_login: float | None

    @property
    def complete(self) -> bool:
        """Whether nothing is left to be set up."""
        return bool(self.issuer) or (bool(self.secret) and not self.must_change)


def find(file: OperationsFile, name: str) -> Account | None:
    """Return an account by its name. Raises OperationsError, as everything here."""
    rows = file.read(_SELECT + " WHERE name = ?", (name,))
    return _account(rows[0]) if rows else None


def everybody(file: OperationsFile) -> list[Account]:
    """Return all accounts by name."""
    return [_account(row) for row in file.read(_SELECT + " ORDER BY name")]


def add(file: OperationsFile, name: str, role: Role, password: str, actor: Actor, now: float) -> None:
    """Add a local account with the hash of its first password. Raises PersonError when the name is taken."""
    with file.writing() as transaction:
        try:
            transaction.run(
                "INSERT INTO person (name, role, password, must_change, created) VALUES (?, ?, ?, 1, ?)",
                (name, role.value, password, now),
            )
        except sqlite3.IntegrityError:
            raise PersonError(f"{name}: there is such a person already") from None
        transaction.audit(now, actor, "person-add", name, role.value)


def set_role(file: OperationsFile, name: str, role: Role, actor: Actor, now: float) -> None:
    """Give a role. Raises PersonError when there is no such person."""
    with file.writing() as transaction:
        _change(transaction, "UPDATE person SET role = ? WHERE name = ?", (role.value, name), name)
        transaction.audit(now, actor, "person-role", name, role.value)


def set_disabled(file: OperationsFile, name: str, actor: Actor, now: float, *, disabled: bool) -> None:
    """Disable or enable an account; a disabled one has no sessions. Raises PersonError when there is no such person."""
    with file.writing() as transaction:
        _change(transaction, "UPDATE person SET disabled = ? WHERE name = ?", (int(disabled), name), name)
        if disabled:
            _forget(transaction, name)
        transaction.audit(now, actor, "person-disable" if disabled else "person-enable", name)


def reset(file: OperationsFile, name: str, password: str, actor: Actor, now: float) -> None:
    """Give a local account a first password again, and ask for a new authenticator. Raises PersonError."""
    with file.writing() as transaction:
        _change(
            transaction,
            "UPDATE person SET password = ?, must_change = 1, secret = '', last_step = 0 WHERE name = ? AND issuer = ''",
            (password, name),
            name,
        )
        _forget(transaction, name)
        transaction.run("DELETE FROM recovery WHERE person = ?", (name,))
        transaction.audit(now, actor, "person-reset", name)


def change_password(file: OperationsFile, name: str, password: str, keep: bytes, actor: Actor, now: float) -> None:
    """Set the hash of a new password; all sessions but ``keep`` end."""
    with file.writing() as transaction:
        _change(transaction, "UPDATE person SET password = ?, must_change = 0 WHERE name = ?", (password, name), name)
        transaction.run("DELETE FROM session WHERE person = ? AND hash != ?", (name, keep))
        transaction.run("DELETE FROM device WHERE person = ?", (name,))
        transaction.audit(now, actor, "password-change", name)


def improve_password(file: OperationsFile, name: str, before: str, password: str, now: float, actor: Actor) -> None:
    """Keep the same password by a stronger hash, unless it was changed meanwhile."""
    with file.writing() as transaction:
        transaction.run("UPDATE person SET password = ? WHERE name = ? AND password = ?", (password, name, before))
        transaction.audit(now, actor, "password-hash", name, "made anew with today's parameters")


def set_secret(
    file: OperationsFile, name: str, secret: str, step: int, codes: Sequence[bytes], actor: Actor, now: float
) -> None:
    """Take up an authenticator whose code of ``step`` was seen, and a set of recovery codes."""
    with file.writing() as transaction:
        _change(transaction, "UPDATE person SET secret = ?, last_step = ? WHERE name = ?", (secret, step, name), name)
        _set_codes(transaction, name, codes)
        transaction.audit(now, actor, "authenticator-set", name)


def set_codes(file: OperationsFile, name: str, codes: Sequence[bytes], actor: Actor, now: float) -> None:
    """Replace the recovery codes."""
    with file.writing() as transaction:
        _set_codes(transaction, name, codes)
        transaction.audit(now, actor, "recovery-codes-set", name)


def codes_left(file: OperationsFile, name: str) -> int:
    """Return how many recovery codes are left."""
    return int(file.read("SELECT count(*) FROM recovery WHERE person = ?", (name,))[0][0])


def use_step(transaction: Transaction, name: str, step: int) -> bool:
    """Take the one-time code of a step; return whether nobody took it, or a later one, before."""
    done = transaction.run("UPDATE person SET last_step = ? WHERE name = ? AND last_step < ?", (step, name, step))
    return done.rowcount == 1


def use_code(transaction: Transaction, name: str, code: bytes) -> bool:
    """Take a recovery code; return whether there was such."""
    return transaction.run("DELETE FROM recovery WHERE person = ? AND hash = ?", (name, code)).rowcount == 1


def from_provider(file: OperationsFile, issuer: str, claimed: Claimed, actor: Actor, now: float) -> Account:
    """Return the account of somebody whom a provider vouches for, made or brought up to date.

    The subject is who it is; a name that is another's is refused. Raises PersonError.
    """
    role = claimed.role.value
    with file.writing() as transaction:
        known = transaction.run(
            "SELECT name, role FROM person WHERE issuer = ? AND subject = ?", (issuer, claimed.subject)
        ).fetchone()
        if known is None:
            try:
                transaction.run(
                    "INSERT INTO person (name, role, issuer, subject, created) VALUES (?, ?, ?, ?, ?)",
                    (claimed.name, role, issuer, claimed.subject, now),
                )
            except sqlite3.IntegrityError:
                raise PersonError(
                    f"{claimed.name}: another person has this name here; tslcd-collector person remove makes it free"
                ) from None
            transaction.audit(now, actor, "person-add", claimed.name, f"provider, {role}")
        elif known[1] != role:
            transaction.run("UPDATE person SET role = ? WHERE name = ?", (role, known[0]))
            transaction.audit(now, actor, "person-role", known[0], f"provider, {role}")
    rows = file.read(_SELECT + " WHERE issuer = ? AND subject = ?", (issuer, claimed.subject))
    return _account(rows[0])


def remove(file: OperationsFile, name: str, actor: Actor, now: float) -> None:
    """Remove an account; what the person did stays in the log. Raises PersonError when there is no such person."""
    with file.writing() as transaction:
        _change(transaction, "DELETE FROM person WHERE name = ?", (name,), name)
        _forget(transaction, name)
        transaction.run("DELETE FROM recovery WHERE person = ?", (name,))
        transaction.audit(now, actor, "person-remove", name)


def _account(row: Sequence[object]) -> Account:
    values = list(row)
    values[1] = Role(values[1])
    values[5], values[8] = bool(values[5]), bool(values[8])
    return Account(*values)  # type: ignore[arg-type]


def _change(transaction: Transaction, query: str, values: Sequence[object], name: str) -> None:
    if transaction.run(query, values).rowcount != 1:
        raise PersonError(f"{name}: no such person, or not one that can be changed here")


def _forget(transaction: Transaction, name: str) -> None:
    transaction.run("DELETE FROM session WHERE person = ?", (name,))
    transaction.run("DELETE FROM device WHERE person = ?", (name,))


def _set_codes(transaction: Transaction, name: str, codes: Sequence[bytes]) -> None:
    transaction.run("DELETE FROM recovery WHERE person = ?", (name,))
    for code in codes:
        transaction.run("INSERT INTO recovery (person, hash) VALUES (?, ?)", (name, code))
