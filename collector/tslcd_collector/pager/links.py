"""Links that acknowledge: signed, good for one thing, for a time. Pure.

A token says which incidents, who was sent it, and until when; HMAC-SHA-256 over that and the purpose makes it. Whoever has the link can do
what the link does and nothing else; nothing is kept of it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_PURPOSE: Final = b"acknowledge\0"
_MAC_BYTES: Final = 16
_MAX_TOKEN: Final = 1000


class Grant(NamedTuple):
    """What a token allows: to acknowledge ``incidents`` in the name of ``recipient`` until ``expires`` (UTC seconds)."""

    incidents: tuple[int, ...]
    recipient: str
    expires: int


def sign(grant: Grant, key: bytes) -> str:
    """Return the token of a grant."""
    payload = f"{'.'.join(map(str, grant.incidents))}|{grant.recipient}|{grant.expires}".encode()
    return f"{_text(payload)}.{_text(_mac(payload, key))}"


def verify(token: str, key: bytes, now: float) -> Grant | None:
    """Return what a token allows now; None when it is not one of ours, or its time is over."""
    if len(token) > _MAX_TOKEN or not token.isascii():
        return None
    payload_text, _, mac_text = token.partition(".")
    try:
        payload, mac = _bytes(payload_text), _bytes(mac_text)
    except (binascii.Error, ValueError):
        return None
    if not hmac.compare_digest(mac, _mac(payload, key)):
        return None
    numbers, recipient, expires = payload.decode().split("|")
    grant = Grant(tuple(map(int, numbers.split("."))), recipient, int(expires))
    return grant if now <= grant.expires else None


def link(url: str, incidents: Iterable[int], recipient: str, key: bytes, expires: float) -> str:
    """Return the address that acknowledges; "" without ``url`` or incidents."""
    numbers = tuple(dict.fromkeys(one for one in incidents if one))
    if not url or not numbers:
        return ""
    return f"{url.rstrip('/')}/ack/{sign(Grant(numbers, recipient, int(expires)), key)}"


def _mac(payload: bytes, key: bytes) -> bytes:
    return hmac.new(key, _PURPOSE + payload, hashlib.sha256).digest()[:_MAC_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _text(raw) != text:
        raise ValueError(text)  # several texts of one token
    return raw
