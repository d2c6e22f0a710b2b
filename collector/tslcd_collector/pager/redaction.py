"""What must not be in a message is taken out of free text: addresses, circuits, interfaces, links, and what only looks like text.

Invariants:

* :func:`clean` leaves one line: no control characters, no line breaks (a text cannot add lines of its own to a message), no invisible
  or direction-changing characters, and letters of full width are plain ones before anything is looked for.
* After :func:`clean`, :func:`found` finds nothing: what is put in the place of a match matches nothing.
* What is masked is counted by kind, never kept: neither queue nor audit log has it.

A circuit is anything of letters and at least five digits in a row, or twelve digits in a row; ids of the inventory (``known``: channel,
site, agent) look like that too and may stay. Telephone numbers, times and dates stay.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

#: What stands where something was taken out; the same in both languages.
MASK: Final = "[…]"
KINDS: Final = ("link", "ipv6", "mac", "ipv4", "interface", "circuit")
#: Longer texts are cut before anything else, so that no text is long work.
MAX_TEXT: Final = 600

_DOT: Final = r"(?:\s?[\[({]?\s?[.\u3002\u00b7\u2022\u2219\u2027]\s?[\])}]?\s?|\s?[\[({]?\s?(?:dot|chấm)\s?[\])}]?\s?)"
_LINK: Final = re.compile(
    r"""\b[a-z][a-z0-9+.-]{1,15}://\S+ | \bwww\.\S+ | [\w.+-]+@[\w-]+(?:\.[\w-]+)+
    | (?<![\w.])(?!(?:tp|tx|tt|[pqxh])\.)(?:[a-z0-9-]{1,63}\.)+[a-z]{2,24}(?![\w.])(?::\d+)?(?:[/?\#]\S*)?""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
_MAC: Final = re.compile(
    r"""(?<![0-9a-z])(?:[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4,6}[0-9a-f]{2}
    | [0-9a-f]{4}([.-])[0-9a-f]{4}\2[0-9a-f]{4}
    | (?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{12})(?![0-9a-z])""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
_COLONS: Final = re.compile(
    r"(?<![\w:.])[0-9a-f:]*:[0-9a-f:.]*:[0-9a-f:.]*(?:%\w+)?(?:/\d+)?", re.ASCII | re.IGNORECASE
)
_IPV4: Final = re.compile(
    rf"""(?<![0-9])(?:\d{{1,3}}(?:{_DOT}\d{{1,3}}){{3}}(?:{_DOT}\d+)* | \d{{1,3}}(?:-\d{{1,3}}){{3}}(?![\d-])
    | 0x[0-9a-f]{{8}})(?:\s?/\s?\d{{1,2}}|:\d{{1,5}})?""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
_INTERFACE: Final = re.compile(
    r"""(?<!\w)(?:[a-z][a-z-]*\d+(?:/\d+)+(?:[.:]\d+)?
    | (?:(?:fast|ten|forty|hundred)?-?(?:gig(?:abit|e)?)?-?ethernet|serial|tunnel|port|slot|[gex]?pon)\s\d+(?:/\d+)+(?:[.:]\d+)?
    | \d+(?:/\d+){3,}
    | (?:vlan|vrf|vpn|pvc|vpi|vci|asn)[\s:#-]*\d+ | (?:as|lag)\d+ | (?:eth-trunk|port-channel|bundle-ether)\s?\d+)(?!\w)""",
    re.IGNORECASE | re.VERBOSE,
)
_WORD: Final = re.compile(r"[A-Za-z0-9À-ỹ](?:[\w./#:-]*\w)?")
_CIRCUIT: Final = re.compile(r"\d{12}|(?=.*[A-Za-z])(?=.*\d{5})")


def clean(text: str, known: Collection[str] = (), counts: dict[str, int] | None = None) -> str:
    """Return ``text`` as one line without what must not be told; ``counts`` gets how much of each kind was masked."""
    plain = _plain(text)
    for kind, place, end in reversed(_matches(plain, known)):
        plain = plain[:place] + MASK + plain[end:]
        if counts is not None:
            counts[kind] = counts.get(kind, 0) + 1
    return plain


def found(text: str, known: Collection[str] = ()) -> list[str]:
    """Return the kinds of what must not be told that are in ``text``."""
    return sorted({kind for kind, _, _ in _matches(_plain(text), known)})


def _plain(text: str) -> str:
    composed = unicodedata.normalize("NFKC", text[: 4 * MAX_TEXT])
    letters = []
    for letter in composed[:MAX_TEXT]:
        category = unicodedata.category(letter)
        if category in {"Cc", "Zl", "Zp", "Zs"}:
            letters.append(" ")
        elif category not in {"Cf", "Cs", "Co", "Cn"}:
            letters.append(letter)
    return " ".join("".join(letters).split())


def _matches(text: str, known: Collection[str]) -> list[tuple[str, int, int]]:
    """Return kind, begin and end of everything to mask, in order and apart from each other."""
    spans: list[tuple[str, int, int]] = []

    def add(kind: str, begin: int, end: int) -> None:
        if all(end <= first or last <= begin for _, first, last in spans):
            spans.append((kind, begin, end))

    for one in _LINK.finditer(text):
        add("link", *one.span())
    for one in _COLONS.finditer(text):
        if _is_ipv6(one[0].rstrip(":.")) or _is_ipv6(one[0].rstrip(".")):
            add("ipv6", *one.span())
    for one in _MAC.finditer(text):
        add("mac", *one.span())
    for one in _IPV4.finditer(text):
        add("ipv4", *one.span())
    for one in _INTERFACE.finditer(text):
        add("interface", *one.span())
    for one in _WORD.finditer(text):
        if one[0] not in known and _CIRCUIT.match(one[0]):
            add("circuit", *one.span())
    return sorted(spans, key=lambda span: span[1])


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text.partition("/")[0].partition("%")[0])
    except ValueError:
        return False
    return True
