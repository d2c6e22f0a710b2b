"""What a provider answered to a message, as the closed set of what follows from it. Pure.

==============  =====================================================  ======================================================
``ACCEPTED``    Zalo ``ok: true``; the gateway's success condition     done
``BUSY``        429                                                    next channel; this account rests as ``Retry-After`` says
``FAILED``      5xx, 408, any other "no", what cannot be read          next channel; later once more
``REFUSED``     400, 413, 422; an unknown mailbox                      next channel; not again to this address for a while
``DENIED``      401, 403, 404, 405; a redirect; a wrong password       next channel; the account is not used for a while
``HANGING``     no answer in time, no connection                       next channel; later once more
==============  =====================================================  ======================================================

HTTP 200 is not success: Zalo says ``ok``, and an SMS gateway says what its settings tell.
"""

from __future__ import annotations

import enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from tslcd_collector.backfill.answer import seconds

if TYPE_CHECKING:
    from tslcd_collector.pager.accounts_settings import Success

_REFUSED: Final = {400, 413, 422}
_DENIED: Final = {401, 403, 404, 405, 410}


class Outcome(enum.Enum):
    """What became of a try: a closed set, values of a label."""

    ACCEPTED = "accepted"
    BUSY = "busy"
    FAILED = "failed"
    REFUSED = "refused"
    DENIED = "denied"
    HANGING = "hanging"


class Answer(NamedTuple):
    """``retry_after``: seconds the provider asks to wait; ``text``: what it said, one short line without secrets."""

    outcome: Outcome
    text: str = ""
    retry_after: float = 0.0


class Reply(NamedTuple):
    """An HTTP answer as it came; ``retry_after`` is the header."""

    status: int
    body: bytes
    retry_after: str = ""


def zalo(reply: Reply, now: float) -> Answer:
    """Read an answer of the Zalo Bot API: ``{"ok": true, ...}`` or ``{"ok": false, "error_code": 400, "description": ...}``."""
    document = _document(reply.body)
    if reply.status == HTTPStatus.OK and isinstance(document, dict) and document.get("ok") is True:
        return Answer(Outcome.ACCEPTED)
    code: Any = document.get("error_code") if isinstance(document, dict) else None
    status = code if type(code) is int and (code >= HTTPStatus.BAD_REQUEST) else reply.status
    said = str(document.get("description", "")) if isinstance(document, dict) else ""
    return _no(status, f"{reply.status} {'' if code is None else code} {said}", seconds(reply.retry_after, now))


def gateway(reply: Reply, success: Success, now: float) -> Answer:
    """Read an answer of an SMS gateway."""
    if reply.status in success.statuses:
        text = reply.body.decode(errors="replace")
        if success.text not in text:
            return Answer(Outcome.FAILED, _line(f"{reply.status} without the text of success: {text}"))
        if not success.field or _field(_document(reply.body), success.field) in success.values:
            return Answer(Outcome.ACCEPTED)
        return Answer(Outcome.FAILED, _line(f"{reply.status} {success.field} is not a success: {text}"))
    return _no(reply.status, f"{reply.status} {reply.body.decode(errors='replace')}", seconds(reply.retry_after, now))


def _no(status: int, text: str, retry_after: float) -> Answer:
    line = _line(text)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Answer(Outcome.BUSY, line, retry_after)
    if status in _REFUSED:
        return Answer(Outcome.REFUSED, line)
    if status in _DENIED or HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return Answer(Outcome.DENIED, line)
    return Answer(Outcome.FAILED, line, retry_after)


def _document(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _field(document: Any, path: str) -> str | None:
    for part in path.split("."):
        document = document.get(part) if isinstance(document, dict) else None
    if document is None or isinstance(document, dict | list):
        return None
    return {True: "true", False: "false"}[document] if isinstance(document, bool) else str(document)


def _line(text: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in text[:300]).split())[:160]
