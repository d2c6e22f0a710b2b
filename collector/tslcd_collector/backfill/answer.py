"""What a store answered to a request, as the closed set of what follows from it. Pure.

==================  ===========================================  ==============================================
``ACCEPTED``        2xx                                          done
``REFUSED``         400, 413, 422; 500 that names a sample       halved, until the bad sample stands alone
``BUSY``            429                                          later, as ``Retry-After`` says
``FAILED``          other 5xx, 408, 425                          later
``DENIED``          every other: 401, 403, 404, 3xx ...          later; somebody must put settings right
``UNREACHABLE``     no connection, no answer in time             later; the store may have been started anew
==================  ===========================================  ==============================================
"""

from __future__ import annotations

import email.utils
import enum
import re
from http import HTTPStatus
from typing import Final, NamedTuple

#: Nobody is obeyed who says to wait longer, seconds.
MAX_RETRY_AFTER: Final = 600.0
FIRST_PAUSE: Final = 0.5
MAX_PAUSE: Final = 60.0
#: How Prometheus names the one sample that made it roll a whole request back (tsdb: ErrTooOldSample, ErrOutOfBounds,
#: ErrOutOfOrderSample, ErrDuplicateSampleForTimestamp).
_NAMES_A_SAMPLE = re.compile(
    r"too old sample|out of bounds|out of order sample|duplicate sample|too far in(to)? the future"
)


class Outcome(enum.Enum):
    """What became of a request: a closed set, values of a label."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    BUSY = "busy"
    FAILED = "failed"
    DENIED = "denied"
    UNREACHABLE = "unreachable"


class Answer(NamedTuple):
    """``retry_after``: seconds the store asks to wait, 0 when it does not; ``text``: what it said, one short line for the log."""

    outcome: Outcome
    retry_after: float = 0.0
    text: str = ""


def read(status: int, retry_after: str, body: bytes, now: float) -> Answer:
    """Read an HTTP answer that came at ``now`` (UTC seconds); ``retry_after`` is the header (RFC 9110 section 10.2.3)."""
    said = " ".join(body[:300].decode(errors="replace").split())[:200]
    text = f"{status} {said}".strip()
    wait = seconds(retry_after, now)
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Answer(Outcome.ACCEPTED)
    if status in {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}:
        return Answer(Outcome.REFUSED, wait, text)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Answer(Outcome.BUSY, wait, text)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY}:
        return Answer(Outcome.REFUSED if _NAMES_A_SAMPLE.search(said) else Outcome.FAILED, wait, text)
    return Answer(Outcome.DENIED, wait, text)


def seconds(retry_after: str, now: float) -> float:
    """Return what a ``Retry-After`` header asks for, 0 to MAX_RETRY_AFTER; 0 when it cannot be read."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(MAX_RETRY_AFTER, float(text[:9]))
    try:
        at = email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return min(MAX_RETRY_AFTER, max(0.0, at - now))


def pause(attempt: int, spread: float, retry_after: float) -> float:
    """Return how long to wait before attempt ``attempt`` (from 1), seconds; ``spread`` from 0 to 1 is random."""
    return max(retry_after, min(MAX_PAUSE, FIRST_PAUSE * 2.0 ** min(attempt - 1, 10)) * (0.5 + spread / 2))
