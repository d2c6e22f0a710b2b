"""Headers of every answer, cookies, and addresses that people may be sent to. Pure."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

#: Everything comes from the collector itself; nothing inline, nothing framed. What a form leads to is added per provider.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self';"
    " manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # with no-referrer browsers would send forms with "Origin: null"
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
#: A year; only over https.
_STRICT: Final = (b"strict-transport-security", b"max-age=31536000")
LONGEST_NEXT: Final = 500

Header = tuple[bytes, bytes]


def security(*, https: bool, provider: str = "") -> tuple[Header, ...]:
    """Return the headers; ``provider`` is where the logout of people from a provider leads to."""
    policy = f"{_POLICY} {origin(provider)}" if provider else _POLICY
    found = (*_ALWAYS, (b"content-security-policy", policy.encode()))
    return (*found, _STRICT) if https else found


def cookie_name(what: str, *, https: bool) -> str:
    """Name a cookie; over https so that no other host and no plain connection can set it (RFC 6265bis, ``__Host-``)."""
    return f"__Host-tslcd_{what}" if https else f"tslcd_{what}"


def origin(url: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def safe_next(wanted: str) -> str:
    """Return the page of our own that somebody wants to go on to, ``/`` for anything that may lead elsewhere."""
    if not wanted.startswith("/") or wanted[1:2] in {"/", "\\"} or len(wanted) > LONGEST_NEXT:
        return "/"
    if "\\" in wanted or not wanted.isascii() or any(one <= " " or one == "\x7f" for one in wanted):
        return "/"
    parts = urlsplit(wanted)
    if parts.scheme or parts.netloc or parts.path.startswith(("//", "/login", "/logout")):
        return "/"
    return wanted
