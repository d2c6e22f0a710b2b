"""Settings of login: part of ``collector.yaml``, defaults are code. Units inside are seconds."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from tslcd_runtime.secret import Secret
from tslcd_runtime.units import Duration

#: ``off``: nobody logs in, and nobody can act; ``local``: accounts of this collector; ``oidc``: those of a provider.
Mode = Literal["off", "local", "oidc"]

Url = Annotated[str, Meta(pattern=r"^https?://[^\s]+\Z", max_length=500)]
#: Hosts to which plain HTTP does not leave the machine.
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_MINUTE: Final = 60.0
_DAY: Final = 86400.0


class Provider(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An OpenID Connect provider.

    ``issuer`` is exactly what its discovery document and its tokens say. ``role_claim``: where the groups of a person stand in the
    ID token or in the user info (``realm_access.roles`` goes down two levels); ``operators`` and ``viewers``: groups that have
    these roles, ``*`` for everybody whom the provider lets in. ``ca``: who signed the provider's certificate, when no public authority did.
    """

    issuer: Url
    client_id: Annotated[str, Meta(min_length=1, max_length=200)]
    client_secret: Secret | None = None
    scopes: tuple[str, ...] = ("openid", "profile")
    name_claim: Annotated[str, Meta(min_length=1, max_length=100)] = "preferred_username"
    role_claim: Annotated[str, Meta(min_length=1, max_length=100)] = "groups"
    operators: tuple[str, ...] = ()
    viewers: tuple[str, ...] = ()
    ca: str | None = None

    def __post_init__(self) -> None:
        """Check what belongs together. Raises ValueError."""
        parts = urlsplit(self.issuer)
        if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
            msg = "issuer: https://HOST/PATH is wanted, without user, query or fragment"
            raise ValueError(msg)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            msg = "issuer: https is wanted; http only on this machine"
            raise ValueError(msg)
        if "openid" not in self.scopes:
            msg = "scopes: openid is one of them"
            raise ValueError(msg)
        if not self.operators and not self.viewers:
            msg = "operators, viewers: name a group, or nobody can get in"
            raise ValueError(msg)


class AccessSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may look and who may act.

    ``public_read``: pages and JSON may be read without login, which is for private networks. ``url``: the address that people use, when
    a proxy stands before the collector. ``token``: programs that show it as a bearer token read as a viewer does; with
    ``protect_metrics`` also ``/metrics`` and ``/api/v1/sd`` want it. ``idle``, ``lifetime``: a session ends after so long without a request,
    and in any case.
    """

    mode: Mode = "off"
    public_read: bool = True
    url: Url | None = None
    token: Secret | None = None
    protect_metrics: bool = False
    idle: Duration = 3600.0
    lifetime: Duration = 12 * 3600.0
    oidc: Provider | None = None

    def __post_init__(self) -> None:
        """Check what belongs together. Raises ValueError."""
        if not _MINUTE <= self.idle <= _DAY:
            msg = "idle: allowed is 1min to 1d"
            raise ValueError(msg)
        if not self.idle <= self.lifetime <= 7 * _DAY:
            msg = "lifetime: allowed is idle to 7d"
            raise ValueError(msg)
        if self.mode == "oidc" and (self.oidc is None or self.url is None):
            msg = "mode: oidc wants the provider in oidc, and in url the address it sends people back to"
            raise ValueError(msg)
        if self.mode == "off" and not self.public_read:
            msg = "public_read: with mode off nobody could read anything"
            raise ValueError(msg)
        if self.protect_metrics and self.token is None:
            msg = "protect_metrics: a token belongs to it"
            raise ValueError(msg)
        if self.url is not None and urlsplit(self.url).path not in {"", "/"}:
            msg = "url: https://HOST is wanted, without a path"
            raise ValueError(msg)

    @property
    def active(self) -> bool:
        """Whether anybody can log in."""
        return self.mode != "off"
