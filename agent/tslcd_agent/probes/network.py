"""What probes that open sockets have in common: what the system's errors mean, and sockets set up as configured."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING, Final

from tslcd_agent.probes.contract import ProbeError

if TYPE_CHECKING:
    from tslcd_agent.probes.contract import Outcome

#: linux/in.h and linux/in6.h; the socket module has no names for them.
IP_RECVERR: Final = 11
IPV6_RECVERR: Final = 25
_UNREACHABLE: Final = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL}
)
_DENIED: Final = frozenset({errno.EPERM, errno.EACCES})


def outcome_of(number: int | None) -> Outcome:
    """Return what an error number of the system means for a probe."""
    if number in _DENIED:
        return "denied"
    if number == errno.ECONNREFUSED:
        return "refused"
    return "unreachable" if number in _UNREACHABLE else "no_answer"


def failure(error: OSError) -> ProbeError:
    """Translate an error of sending or connecting."""
    reason = os.strerror(error.errno).lower() if error.errno and error.errno > 0 else str(error).lower()
    return ProbeError(outcome_of(error.errno), reason)


def open_socket(
    kind: socket.SocketKind, address: str, *, source: str | None, dscp: int, protocol: int = 0
) -> socket.socket:
    """Open a non-blocking socket for sending to ``address``, from ``source``, marked with ``dscp``. Raises OSError."""
    six = ":" in address
    made = socket.socket(socket.AF_INET6 if six else socket.AF_INET, kind, protocol)
    try:
        made.settimeout(0)
        # two bits of the octet are not DSCP's (RFC 3168)
        if six:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, dscp << 2)
        else:
            made.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, dscp << 2)
        if source is not None:
            made.bind((source, 0))
    except BaseException:
        made.close()
        raise
    return made
