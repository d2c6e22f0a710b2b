"""Topics of the contract: ``tslcd/v1/<province>/<agent>/<lane>``.

The schema version is part of the topic, so that incompatible peers never meet. Identifiers are ``[a-z0-9-]{1,48}``: they
are topic levels, certificate names and label values, and must be safe as each.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Final

from tslcd_wire.errors import TopicError

#: Version of the contract; the ``v`` of a report and the second level of every topic.
VERSION: Final = 1
ROOT: Final = f"tslcd/v{VERSION}"
ID_PATTERN: Final = "[a-z0-9-]{1,48}"
_ID = re.compile(rf"{ID_PATTERN}\Z")
_LEVELS: Final = 5


class Lane(enum.Enum):
    """The last level of a topic."""

    #: Fresh reports, newest first.
    LIVE = "live"
    #: Reports that could not be sent when they were made.
    HISTORY = "history"
    #: Retained; also the agent's last will.
    STATUS = "status"
    #: From a collector to the agent: what it has stored.
    ACK = "ack"


def is_id(text: str) -> bool:
    """Whether ``text`` may name a province, an agent, a device or a collector."""
    return _ID.match(text) is not None


@dataclass(frozen=True, slots=True)
class Topic:
    """A parsed topic. Raises TopicError when a part is not an identifier."""

    province: str
    agent: str
    lane: Lane

    def __post_init__(self) -> None:
        """Check both identifiers."""
        for part in (self.province, self.agent):
            if not is_id(part):
                msg = f"{part[:60]!r} is not an identifier: allowed is {ID_PATTERN}"
                raise TopicError(msg)

    def __str__(self) -> str:
        """Return the topic as MQTT wants it."""
        return f"{ROOT}/{self.province}/{self.agent}/{self.lane.value}"


def parse(topic: str) -> Topic:
    """Parse a topic as received. Raises TopicError for any other form than ``tslcd/v1/<province>/<agent>/<lane>``."""
    levels = topic.split("/")
    if len(levels) != _LEVELS or "/".join(levels[:2]) != ROOT:
        msg = f"{topic[:120]!r} is not of the form {ROOT}/<province>/<agent>/<lane>"
        raise TopicError(msg)
    try:
        lane = Lane(levels[4])
    except ValueError:
        allowed = ", ".join(known.value for known in Lane)
        msg = f"{levels[4][:60]!r} is not a lane: allowed are {allowed}"
        raise TopicError(msg) from None
    return Topic(levels[2], levels[3], lane)


def subscription(lane: Lane, province: str = "+", agent: str = "+") -> str:
    """Return the topic filter for one lane of one or all (``+``) provinces and agents."""
    return f"{ROOT}/{province}/{agent}/{lane.value}"


def probe_topic(province: str, agent: str) -> str:
    """Return where an agent sends words to itself, to see whether the broker delivers. It is no lane: no collector listens."""
    return f"{Topic(province, agent, Lane.LIVE)}".removesuffix(Lane.LIVE.value) + "probe"
