"""Settings of what carries messages: Zalo bots, SMS gateways, mail servers. Every secret is a file or a credential."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, field

from tslcd_runtime.secret import Secret
from tslcd_runtime.units import Duration
from tslcd_wire.topics import ID_PATTERN

#: What a template of a gateway may have in braces; other braces are left as they are.
PLACEHOLDERS: Final = ("to", "text", "secret", "id")
PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
#: No message is longer, in UTF-16 units: the limit of Zalo.
MAX_LENGTH: Final = 2000
Name = Annotated[str, Meta(pattern=rf"^{ID_PATTERN}\Z")]
Url = Annotated[str, Meta(pattern=r"^https?://[^\s/]+[^\s]*\Z", max_length=1000)]


class _Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``name``: what the addresses of people say. ``timeout``: of one try, seconds; then the next channel is tried."""

    name: Name
    timeout: Duration = 5.0

    def __post_init__(self) -> None:
        """Keep a try within the time of a page. Raises ValueError."""
        if not 0.1 <= self.timeout <= 60.0:  # noqa: PLR2004 - told in the message
            msg = "timeout: allowed is 100ms to 60s"
            raise ValueError(msg)


class Zalo(_Account, frozen=True, kw_only=True):
    """A Zalo bot. Its token stands in the address of every request, so no address of a request is ever logged."""

    token: Secret
    url: Url = "https://bot-api.zaloplatforms.com"


class Success(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a gateway answers when it took a message.

    One of ``statuses``, and ``text`` somewhere in the body, and in a JSON body at ``field`` (``a.b`` for nested) one of ``values``.
    """

    statuses: tuple[Annotated[int, Meta(ge=100, le=599)], ...] = (200, 201, 202)
    text: Annotated[str, Meta(max_length=200)] = ""
    field: Annotated[str, Meta(max_length=100)] = ""
    values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check what belongs together. Raises ValueError."""
        if bool(self.field) != bool(self.values):
            msg = "field and values: both or none"
            raise ValueError(msg)


class Sms(_Account, frozen=True, kw_only=True):
    """A gateway that takes SMS by HTTP; ``{to}``, ``{text}``, ``{secret}`` and ``{id}`` are filled in.

    ``encoding``: how values are written into ``body``. ``length``: of a message, characters. ``ascii``: without tone marks, since an
    SMS of plain letters holds 160 and any other 70.
    """

    url: Url
    method: Literal["GET", "POST", "PUT"] = "POST"
    headers: dict[str, str] = field(default_factory=dict)
    body: Annotated[str, Meta(max_length=4000)] = ""
    encoding: Literal["json", "form", "xml", "plain"] = "json"
    secret: Secret | None = None
    length: Annotated[int, Meta(ge=70, le=MAX_LENGTH)] = 459
    ascii: bool = True
    success: Success = Success()

    def __post_init__(self) -> None:
        """Check the template. Raises ValueError."""
        super().__post_init__()
        whole = "\n".join((self.url, self.body, *self.headers.values()))
        used = set(PLACEHOLDER.findall(whole))
        wrong = sorted(used - set(PLACEHOLDERS))
        if wrong:
            msg = f"{{{wrong[0]}}} is unknown: allowed are {', '.join(f'{{{one}}}' for one in PLACEHOLDERS)}"
            raise ValueError(msg)
        if not {"to", "text"} <= set(PLACEHOLDER.findall(self.url + self.body)):
            msg = "url or body: {to} and {text} are wanted"
            raise ValueError(msg)
        if ("secret" in used) != (self.secret is not None):
            msg = "secret: belongs to {secret} in url, headers or body, and {secret} to it"
            raise ValueError(msg)
        for name, value in self.headers.items():
            if "{text}" in value:
                msg = f"headers: {name!r}: {{text}} belongs into url or body"
                raise ValueError(msg)
            if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not value.isprintable() or not value.isascii():
                msg = f"headers: {name!r} has letters that headers cannot have"
                raise ValueError(msg)


class Mail(_Account, frozen=True, kw_only=True):
    """A mail server. ``tls``: ``starttls``, ``tls`` from the first byte, or ``none``; ``ca``: who signed its certificate, "" for the system's."""

    host: Annotated[str, Meta(min_length=1, max_length=253)]
    port: Annotated[int, Meta(ge=1, le=65535)] = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    ca: str = ""
    username: str | None = None
    password: Secret | None = None
    sender: Annotated[str, Meta(pattern=r"^[^\s@<>]+@[^\s@<>]+\Z", max_length=254)]
    timeout: Duration = 15.0

    def __post_init__(self) -> None:
        """Check what belongs together. Raises ValueError."""
        super().__post_init__()
        if (self.username is None) != (self.password is None):
            msg = "username and password: both or none"
            raise ValueError(msg)
        if self.password is not None and self.tls == "none":
            msg = "password: not without TLS"
            raise ValueError(msg)
