"""What a message tells, before it is words of one language. Kept in the queue; has no address and no token in it."""

from __future__ import annotations

import enum
from typing import Final, NamedTuple

import msgspec

#: A story keeps so many alerts; of the others it keeps the number.
MAX_ITEMS: Final = 50


class Kind(enum.Enum):
    """Why somebody is told: a closed set, in queue, audit log and metrics."""

    FIRING = "firing"
    MORE = "more"
    ESCALATION = "escalation"
    REMINDER = "reminder"
    RESOLVED = "resolved"
    SUMMARY = "summary"
    TEST = "test"


class Words(NamedTuple):
    """One text in both languages."""

    vi: str
    en: str


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One alert. ``since`` and ``until``: UTC seconds; ``runbook``: name of a page."""

    name: str
    channel: str
    party: str
    summary: Words
    reason: Words
    action: Words
    runbook: str
    since: float
    until: float | None


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """``items``: newest first, at most MAX_ITEMS; ``total``: of how many; ``incident``: its number, 0 for none."""

    kind: Kind
    severity: str
    incident: int
    items: list[Item]
    total: int
    at: float


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Story).decode
