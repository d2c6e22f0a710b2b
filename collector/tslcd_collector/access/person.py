"""A person who is logged in, and what roles may do."""

from __future__ import annotations

import enum
import re
from typing import Final, NamedTuple

#: Names of local accounts; people of a provider may have others.
NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,47}\Z")


class Role(enum.Enum):
    """A viewer looks, an operator also acknowledges, comments, and plans maintenance."""

    VIEWER = "viewer"
    OPERATOR = "operator"


class Person(NamedTuple):
    """Somebody who is logged in."""

    name: str
    role: Role

    @property
    def operator(self) -> bool:
        """Whether the person may act."""
        return self.role is Role.OPERATOR


class Identity(NamedTuple):
    """What a request showed: a person (None: nobody), the token for forms, and the hash of the session.

    ``complete`` is false until a first login has set up a password and one-time codes: nothing else is allowed until then.
    """

    person: Person | None = None
    csrf: str = ""
    session: bytes = b""
    complete: bool = True


#: Nobody.
OFF: Final = Identity()
