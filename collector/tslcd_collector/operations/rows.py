"""Rows of what operators enter. Times are UTC seconds."""

from __future__ import annotations

from typing import Final, NamedTuple

from tslcd_collector.maintenance import Kind, Window

#: What a person may write in one field, characters.
MAX_TEXT: Final = 1000
MAX_TITLE: Final = 120


class Actor(NamedTuple):
    """Who does something, and from which address; ``who`` is empty for the program itself."""

    who: str
    source: str = ""


#: The program itself.
PROGRAM: Final = Actor("")


class Acknowledgement(NamedTuple):
    """Somebody has taken up the trouble of a channel. ``until`` is None as long as it holds."""

    channel: str
    who: str
    at: float
    comment: str
    until: float | None = None
    id: int = 0


class Comment(NamedTuple):
    """What somebody wrote about a channel."""

    channel: str
    who: str
    at: float
    text: str
    id: int = 0


class PlannedWork(NamedTuple):
    """A maintenance window or drill made on the page, for the channels that fit everything that is named."""

    title: str
    kind: Kind
    begin: float
    end: float
    channels: tuple[str, ...]
    sites: tuple[str, ...]
    operators: tuple[str, ...]
    contact: str
    who: str
    at: float
    withdrawn: float | None = None
    id: int = 0

    def window(self) -> Window:
        """Return it as the judge takes it; its id is none that the inventory's file can have."""
        return Window(
            f"page:{self.id}",
            self.title,
            self.kind,
            self.begin,
            self.end,
            channels=frozenset(self.channels),
            sites=frozenset(self.sites),
            operators=frozenset(self.operators),
            contact=self.contact,
        )


class Entry(NamedTuple):
    """One line of the audit log. ``what`` is from a closed set, ``detail`` never has a secret in it."""

    at: float
    who: str
    source: str
    what: str
    target: str
    detail: str
