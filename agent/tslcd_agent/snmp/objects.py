"""The MIB objects that are read, and the catalogue columns they become.

Sources: SNMPv2-MIB (RFC 3418), IF-MIB (RFC 2863). Nothing else is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SYS_DESCR: Final = "1.3.6.1.2.1.1.1.0"
SYS_OBJECT_ID: Final = "1.3.6.1.2.1.1.2.0"
SYS_UP_TIME: Final = "1.3.6.1.2.1.1.3.0"
SYS_NAME: Final = "1.3.6.1.2.1.1.5.0"
IF_NUMBER: Final = "1.3.6.1.2.1.2.1.0"
IF_TABLE_LAST_CHANGE: Final = "1.3.6.1.2.1.31.1.5.0"

_IF_ENTRY: Final = "1.3.6.1.2.1.2.2.1"
_IF_X_ENTRY: Final = "1.3.6.1.2.1.31.1.1.1"
IF_DESCR: Final = f"{_IF_ENTRY}.2"
IF_SPEED: Final = f"{_IF_ENTRY}.5"
IF_ADMIN_STATUS: Final = f"{_IF_ENTRY}.7"
IF_OPER_STATUS: Final = f"{_IF_ENTRY}.8"
IF_NAME: Final = f"{_IF_X_ENTRY}.1"
IF_HIGH_SPEED: Final = f"{_IF_X_ENTRY}.15"
IF_ALIAS: Final = f"{_IF_X_ENTRY}.18"
IF_COUNTER_DISCONTINUITY_TIME: Final = f"{_IF_X_ENTRY}.19"


#: Octets of the smallest frame of Ethernet (IEEE 802.3), without preamble and gap.
SMALLEST_FRAME: Final = 64


@dataclass(frozen=True, slots=True)
class CounterObject:
    """A counter column: the 64-bit object, and the 32-bit one for devices (or rows) that have nothing better.

    ``octets``: an interface passes at least so many for every one that the counter counts.
    """

    column: str
    wide: str | None
    narrow: str
    octets: int = SMALLEST_FRAME


#: Counters in the order in which they are asked for: what tells most comes first, should a round be cut short.
COUNTERS: Final = (
    CounterObject("receive_bytes_total", f"{_IF_X_ENTRY}.6", f"{_IF_ENTRY}.10", octets=1),
    CounterObject("transmit_bytes_total", f"{_IF_X_ENTRY}.10", f"{_IF_ENTRY}.16", octets=1),
    CounterObject("receive_errors_total", None, f"{_IF_ENTRY}.14"),
    CounterObject("transmit_errors_total", None, f"{_IF_ENTRY}.20"),
    CounterObject("receive_discards_total", None, f"{_IF_ENTRY}.13"),
    CounterObject("transmit_discards_total", None, f"{_IF_ENTRY}.19"),
    CounterObject("receive_unicast_packets_total", f"{_IF_X_ENTRY}.7", f"{_IF_ENTRY}.11"),
    CounterObject("transmit_unicast_packets_total", f"{_IF_X_ENTRY}.11", f"{_IF_ENTRY}.17"),
)
