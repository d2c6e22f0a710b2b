"""What nothing may be sent to: the one rule that every sender asks, before a packet and not only when settings are read. Pure.

A device with ``touch: false`` (cipher equipment, Circular 06/2026/TT-BKHCN article 9.4) has an address, and that address has
disguises: an IPv4 address inside an IPv6 one, which a gateway on the way takes out (6to4, NAT64), and addresses that stand for
many hosts. Names are no disguise, because senders ask about what a name resolved to, and send to that.

Who asks: settings (devices, trap sources, brokers and targets given as addresses), every probe and echo (the resolver of
:mod:`tslcd_agent.probes.names`), connections to brokers, and the commands about one device. Pollers, fast polls and the trap
listener know polled devices only, whose addresses were asked about in the settings.
"""

from __future__ import annotations

import ipaddress
from functools import partial
from typing import TYPE_CHECKING, Final

from tslcd_agent.config.values import normal_address

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

#: RFC 6052 section 2.1: a gateway makes IPv4 of what is sent there.
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_BROADCAST: Final = "255.255.255.255"


def disguised(address: str) -> tuple[str, ...]:
    """Return an address in its normal form, and the IPv4 addresses that its packets may end at."""
    parsed = ipaddress.ip_address(address)
    if not isinstance(parsed, ipaddress.IPv6Address):
        return (address,)
    within = [parsed.sixtofour, ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF) if parsed in _NAT64 else None]
    return (address, *(str(one) for one in within if one is not None))


def permitted(address: str, forbidden: Collection[str]) -> bool:
    """Whether anything may be sent to ``address``; both are in their normal form (:func:`normal_address`)."""
    parsed = ipaddress.ip_address(address)
    if parsed.is_multicast or parsed.is_unspecified or address == _BROADCAST:
        return False
    return not any(one in forbidden for one in disguised(address))


def _permits(forbidden: Collection[str], text: str) -> bool:
    try:
        return permitted(normal_address(text.partition("%")[0]), forbidden)
    except ValueError:
        return False


def permission(forbidden: Collection[str]) -> Callable[[str], bool]:
    """Return :func:`permitted` for what the system's resolver gives: any spelling, with or without a zone."""
    return partial(_permits, frozenset(forbidden))
