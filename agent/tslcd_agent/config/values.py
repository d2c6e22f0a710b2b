"""What every part of the settings is made of."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Final

import msgspec
from msgspec import Meta

#: No loop of the agent goes round faster than this, in seconds.
MIN_INTERVAL: Final = 1.0

Glob = Annotated[str, Meta(min_length=1, max_length=128)]
Address = Annotated[str, Meta(min_length=2, max_length=45)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every part of the settings is: immutable, named, strict."""


def normal_address(text: str) -> str:
    """Return the one spelling of an IP address; an IPv4 address inside IPv6 is that IPv4 address. Raises ValueError."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            msg = "an address with a zone"
            raise ValueError(msg)
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
    return str(address)
