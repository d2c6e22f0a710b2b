"""What a recording of a device must not give away: serial numbers, addresses, names. Pure.

A recording is written in two passes. The first (:meth:`Masks.learn`) learns what is sensitive by where it stands: serial
numbers, the system's name, contact and place, descriptions of interfaces. The second (:meth:`Masks.apply`) replaces it
wherever it stands, within longer texts as well.

Invariants:

* One value has one stand-in in the whole recording, so that what refers to each other still does.
* Addresses become addresses of documentation ranges (RFC 5737, RFC 3849), hardware addresses locally administered ones.
* A hardware address is replaced inside other octets too: bridge, engine and chassis identifiers are made of them.
* Subtrees that have addresses in their *indexes*, neighbours, routes or processes are left out whole: :data:`LEFT_OUT`.
* Numbers stay as they are, and so do models and versions: they are what a profile is made from.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

#: SNMP types by their BER tags, as recordings name them.
OCTETS: Final = 4
IP_ADDRESS: Final = 64


class Cell(NamedTuple):
    """One object of a recording: its OID, the BER tag of its type, and the octets of a text or the digits of the rest."""

    oid: str
    tag: int
    value: bytes | str


#: Subtrees that are left out: at, ip, tcp, udp, egp, OSPF, BGP, RMON, bridge, SNMP engines and users, processes and
#: software of HOST-RESOURCES, IP routes and neighbours, LLDP, CDP, and what is written of users by UCD-SNMP.
LEFT_OUT: Final = (
    "1.3.6.1.2.1.3",
    "1.3.6.1.2.1.4",
    "1.3.6.1.2.1.6",
    "1.3.6.1.2.1.7",
    "1.3.6.1.2.1.8",
    "1.3.6.1.2.1.14",
    "1.3.6.1.2.1.15",
    "1.3.6.1.2.1.16",
    "1.3.6.1.2.1.17",
    "1.3.6.1.2.1.25.4",
    "1.3.6.1.2.1.25.5",
    "1.3.6.1.2.1.25.6",
    "1.3.6.1.2.1.55",
    "1.3.6.1.2.1.191",
    "1.3.6.1.6.3",
    "1.0.8802",
    "1.3.6.1.4.1.9.9.23",
    "1.3.6.1.4.1.2021.8",
    "1.3.6.1.4.1.2021.14",
    "1.3.6.1.4.1.8072.1.3",
)
#: Objects whose texts are sensitive as a whole, and what stands in for each: system group, ifAlias, ENTITY-MIB; serial numbers
#: of parts and peers that no profile reads: jnxContentsSerialNo, fgHaStatsSerial, fgHaStatsHostname, fgHaStatsMasterSerial,
#: chassisId and cardSerial (OLD-CISCO-CHASSIS-MIB), moduleSerialNumberString (CISCO-STACK-MIB).
_SENSITIVE: Final = {
    "1.3.6.1.2.1.1.4": "contact",
    "1.3.6.1.2.1.1.5": "device",
    "1.3.6.1.2.1.1.6": "place",
    "1.3.6.1.2.1.31.1.1.1.18": "description",
    "1.3.6.1.2.1.47.1.1.1.1.11": "SERIAL",
    "1.3.6.1.2.1.47.1.1.1.1.14": "alias",
    "1.3.6.1.2.1.47.1.1.1.1.15": "asset",
    "1.3.6.1.4.1.2636.3.1.8.1.7": "SERIAL",
    "1.3.6.1.4.1.12356.101.13.2.1.1.2": "SERIAL",
    "1.3.6.1.4.1.12356.101.13.2.1.1.11": "device",
    "1.3.6.1.4.1.12356.101.13.2.1.1.16": "SERIAL",
    "1.3.6.1.4.1.9.3.6.3": "SERIAL",
    "1.3.6.1.4.1.9.3.6.11.1.4": "SERIAL",
    "1.3.6.1.4.1.9.5.1.3.1.1.26": "SERIAL",
}
#: ifPhysAddress, and MAC addresses by their length.
_HARDWARE: Final = "1.3.6.1.2.1.2.2.1.6"
_MAC_OCTETS: Final = 6
_PLAIN: Final = frozenset(range(0x20, 0x7F))
#: Shorter texts are words of the language rather than names; replacing them inside other texts would garble these.
_SHORTEST_INSIDE: Final = 4
_IPV4 = re.compile(r"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9.])")
_IPV6 = re.compile(r"(?<![0-9A-Fa-f:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![0-9A-Fa-f:])")
_MAC = re.compile(
    r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}(?![0-9A-Fa-f])|(?<![0-9A-Fa-f.])[0-9A-Fa-f]{4}(?:\.[0-9A-Fa-f]{4}){2}(?![0-9A-Fa-f.])"
)
#: sysDescr of Net-SNMP is that of uname(1), the host's name second.
_SYS_DESCR: Final = "1.3.6.1.2.1.1.1.0"
_UNAME = re.compile(r"\A(Linux|FreeBSD|OpenBSD|NetBSD|SunOS|Darwin) (\S+)(?= )")
#: A serial number that a text announces: "S/N ABC12345", "Serial Number: ABC12345".
_SERIAL = re.compile(
    r"\b((?i:s/n|serial(?:\s*(?:number|num|no\.?))?)(?:\s*[:#=]\s*|\s+))((?!SERIAL-)(?=[A-Z-]*[0-9])[A-Z0-9][A-Z0-9-]{4,})"
)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def is_left_out(oid: str) -> bool:
    """Whether a recording leaves this object out."""
    return any(oid == tree or oid.startswith(f"{tree}.") for tree in LEFT_OUT)


class Masks:
    """The stand-ins of one recording."""

    def __init__(self, serials: Iterable[str] = ()) -> None:
        """Begin without any; ``serials``: more objects (scalars or columns) that are serial numbers, as the profiles know them."""
        self._sensitive = {**_SENSITIVE, **{oid.removesuffix(".0"): "SERIAL" for oid in serials}}
        self._words: dict[str, str] = {}
        self._addresses: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._hardware_seen: set[bytes] = set()
        self._hardware_inside: re.Pattern[bytes] | None = None
        self._inside: re.Pattern[str] | None = None

    def learn(self, cell: Cell) -> None:
        """Take note of what is sensitive in a cell."""
        kind = self._kind(cell.oid)
        raw = cell.value if isinstance(cell.value, bytes) else cell.value.encode()
        if cell.tag == OCTETS and kind is None and any(raw) and _is_hardware(cell.oid, raw):
            self._hardware_seen.add(raw)
            self._hardware_inside = None
        if kind is not None and cell.tag == OCTETS:
            text = _text(cell.value)
            if text is not None and text.strip():
                self._word(text.strip(), kind)
                self._inside = None

    def apply(self, cell: Cell) -> Cell | None:
        """Return the cell as it may be given away; None for one that is left out."""
        if is_left_out(cell.oid):
            return None
        if cell.tag == IP_ADDRESS:
            return cell._replace(value=self._address(str(cell.value)))
        if cell.tag != OCTETS:
            return cell
        raw = cell.value if isinstance(cell.value, bytes) else cell.value.encode()
        text = _text(raw)
        if text is None:
            return cell._replace(value=self._octets(cell.oid, raw))
        if self._kind(cell.oid) is None and _is_hardware(cell.oid, raw):
            return cell._replace(value=self._hardware(raw))
        if cell.oid == _SYS_DESCR:
            text = _UNAME.sub(lambda found: f"{found[1]} {self._word(found[2], 'device')}", text)
        return cell._replace(value=self._masked(text).encode())

    def _kind(self, oid: str) -> str | None:
        """Return what stands in for an object; scalars are known without their ``.0``, cells by their column."""
        while oid:
            if oid in self._sensitive:
                return self._sensitive[oid]
            oid = oid.rpartition(".")[0]
        return None

    def _word(self, text: str, kind: str) -> str:
        if text not in self._words:
            number = self._counts[kind] = self._counts.get(kind, 0) + 1
            self._words[text] = f"{kind}-{number}"
        return self._words[text]

    def _masked(self, text: str) -> str:
        whole = self._words.get(text.strip())
        if whole is not None:
            return whole
        if self._inside is None:
            known = sorted(
                (re.escape(word) for word in self._words if len(word) >= _SHORTEST_INSIDE), key=len, reverse=True
            )
            self._inside = re.compile("|".join(known) if known else r"(?!)")
        text = self._inside.sub(lambda found: self._words[found[0]], text)
        text = _SERIAL.sub(lambda found: f"{found[1]}{self._word(found[2], 'SERIAL')}", text)
        text = _MAIL.sub(lambda found: self._word(found[0], "mail"), text)
        text = _MAC.sub(lambda found: self._hardware(bytes.fromhex(re.sub(r"[:.-]", "", found[0]))).hex(":"), text)
        for pattern in (_IPV4, _IPV6):
            text = pattern.sub(lambda found: self._address(found[0]), text)
        return text

    def _octets(self, oid: str, raw: bytes) -> bytes:
        """Mask octets that are no text: a hardware address by length or place or inside, what must be a name or a serial."""
        if len(raw) == _MAC_OCTETS or oid.startswith(f"{_HARDWARE}."):
            return self._hardware(raw)
        if self._kind(oid) is not None:
            return bytes(len(raw))
        if self._hardware_inside is None:
            known = b"|".join(re.escape(one) for one in sorted(self._hardware_seen))
            self._hardware_inside = re.compile(known or rb"(?!)", re.DOTALL)
        return self._hardware_inside.sub(lambda found: self._hardware(found[0]), raw)

    def _hardware(self, raw: bytes) -> bytes:
        if not any(raw):
            return raw
        number = self._number(f"mac {raw.hex()}", "mac")
        return b"\x02" + number.to_bytes(max(len(raw) - 1, 2), "big")[-max(len(raw) - 1, 1) :]

    def _address(self, text: str) -> str:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return text  # a version such as 5.4.300.1, a time
        if address.is_unspecified or address.is_loopback or _is_mask(address):
            return text
        number = self._number(text, "address")
        if address.version == 6:  # noqa: PLR2004 - the version of IP
            return str(ipaddress.IPv6Address("2001:db8::") + number)
        net = ("192.0.2.", "198.51.100.", "203.0.113.")[number // 254 % 3]
        return f"{net}{number % 254 + 1}"

    def _number(self, text: str, kind: str) -> int:
        if text not in self._addresses:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._addresses[text] = str(self._counts[kind])
        return int(self._addresses[text])


def _is_hardware(oid: str, raw: bytes) -> bool:
    """Whether octets are a hardware address: six, by place, or because they are no plain text (padded with zeros or not)."""
    if len(raw) != _MAC_OCTETS:
        return False
    return oid.startswith(f"{_HARDWARE}.") or not _PLAIN.issuperset(raw.rstrip(b"\0"))


def _is_mask(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an IPv4 address is a netmask such as 255.255.252.0."""
    inverted = int(address) ^ 0xFFFFFFFF
    return address.version == 4 and int(address) >= 0xFF000000 and inverted & (inverted + 1) == 0  # noqa: PLR2004


def _text(value: bytes | str) -> str | None:
    """Return octets as text; None when they are not."""
    if isinstance(value, str):
        return value
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    return text if all(char.isprintable() or char in "\r\n\t\0" for char in text) else None
