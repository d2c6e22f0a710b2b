"""What a request carries: the fields of a form or a JSON object, bounded, as lists of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

import msgspec

if TYPE_CHECKING:
    from starlette.requests import Request

#: Bytes of a body, and fields in it.
LONGEST: Final = 64 * 1024
MAX_FIELDS: Final = 1000
_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
_decode = msgspec.json.Decoder(dict[str, str | int | float | bool | list[str] | None]).decode


class BodyError(ValueError):
    """A body that cannot be read; ``status`` says how (RFC 9110)."""

    def __init__(self, status: int, message: str) -> None:
        """Remember."""
        self.status = status
        super().__init__(message)


def parse(kind: str, body: bytes) -> dict[str, list[str]]:
    """Read a body of media type ``kind``; every field has at least one text. Raises BodyError."""
    media = kind.partition(";")[0].strip().lower()
    if not body:
        return {}
    try:
        if media == _FORM:
            return parse_qs(
                body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict", encoding="utf-8"
            )
        if media == _JSON:
            return {name: texts for name, value in _decode(body).items() if (texts := _texts(value))}
    except (ValueError, msgspec.DecodeError) as error:
        raise BodyError(400, f"the body cannot be read: {str(error)[:100]}") from None
    raise BodyError(415, f"a body is {_FORM} or {_JSON}")


def wants_page(request: Request) -> bool:
    """Whether a person with a browser asks, and not a program."""
    return "text/html" in request.headers.get("accept", "")


def _texts(value: object) -> list[str]:
    if isinstance(value, list):
        return value
    if isinstance(value, bool):
        return ["1" if value else ""]
    return [] if value is None else [str(value)]
