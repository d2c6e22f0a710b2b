"""The oracle of the disk rigs: what was handed over, what was accepted, what was given back.

A source numbers what it hands over. It speaks in lines, one a step, each written before the next step begins:

    ~ FIRST LAST     the numbers FIRST to LAST are handed over now
    + NUMBER KEY     NUMBER was accepted under KEY: from here on an obligation
    - NUMBER         NUMBER is stored elsewhere; its deletion is asked for next
    = NUMBER         the deletion of NUMBER returned

Whatever happens to the source then, what is found on its disk is judged: every obligation is there (*missing*), nothing is
that was not handed over, or with other bytes than were handed over (*invented*), nothing is there twice, again after its
deletion, or under a key that another number had (*double*). A number that was handed over and not accepted may be there or not.
Drops by a bound are no loss when the spool tells them to the last one.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tslcd_wire.codec import encode
from tslcd_wire.errors import WireError
from tslcd_wire.report import Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

AGENT: Final = "86-29551-1"
BOOT: Final = "7c1e0000"
#: When the numbered reports say that they were measured, UTC seconds and CLOCK_BOOTTIME.
BEGIN: Final = 1_790_000_000.0
_PORTS: Final = ("wan1", "wan2", "lan1", "lan2", "dmz")
_MARK: Final = b'"receive_bytes_total":['


def report(number: int, stream: str, seq: int) -> bytes:
    """Return the bytes of report ``number``, all of which follow from the arguments."""
    counts = [number, *(number * 7919 * n % 2**48 for n in range(1, len(_PORTS)))]
    table: dict[str, list[Any]] = {"key": list(_PORTS), "oper_up": [1] * len(_PORTS), "receive_bytes_total": counts}
    table["transmit_bytes_total"] = [count * 3 for count in counts]
    return encode(
        Report(
            agent=AGENT,
            stream=stream,
            seq=seq,
            at=BEGIN + number,
            boot=BOOT,
            mono=1000.0 + number,
            tables={"interface": table},
        )
    )


def number_of(payload: bytes) -> int:
    """Return which report these bytes claim to be; 0 for none."""
    at = payload.find(_MARK) + len(_MARK)
    digits = payload[at : payload.find(b",", at)]
    return int(digits) if digits.isdigit() else 0


class Kept(NamedTuple):
    """A report as it was found: under which key, of which stream and number in it, and what it says."""

    key: int
    stream: str
    seq: int
    payload: bytes

    @property
    def number(self) -> int:
        """Return its number; 0 when it is not what was handed over."""
        number = number_of(self.payload)
        try:
            return number if number and report(number, self.stream, self.seq) == self.payload else 0
        except WireError:
            return 0


@dataclass
class Findings:
    """What is wrong with what was found. ``told``: what the spool says it dropped.

    ``loose``: how many were handed over, not accepted, and are not there; it may tell of these or not.
    """

    missing: list[int] = field(default_factory=list)
    invented: list[int] = field(default_factory=list)
    double: list[int] = field(default_factory=list)
    told: int = 0
    loose: int = 0

    @property
    def miscounted(self) -> int:
        """Return how many obligations are gone without being told, or told without being gone."""
        gone = len(self.missing)
        return max(gone - self.told, self.told - gone - self.loose, 0)

    def __bool__(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.miscounted or self.invented or self.double)

    def __str__(self) -> str:
        """For people."""
        told = f", told {self.told}" if self.told else ""
        return f"missing {self.missing[:5]}{told}, invented {self.invented[:5]}, double {self.double[:5]}"


@dataclass
class Account:
    """The lines of one source, over all its lives."""

    owed: dict[int, int] = field(default_factory=dict)
    loose: set[int] = field(default_factory=set)
    leaving: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    accepted: int = 0
    newest: int = 0
    top: int = 0
    told: int = 0
    reused: list[int] = field(default_factory=list)

    def hear(self, lines: Iterable[str]) -> None:
        """Take lines in; a last one that was cut by the end of its writer counts as not said."""
        for line in lines:
            words = line.split()
            if not line.endswith("\n") or not words:
                continue
            numbers = [int(word) for word in words[1:]]
            match words[0]:
                case "~":
                    self.loose.update(range(numbers[0], numbers[1] + 1))
                    self.newest = max(self.newest, numbers[1])
                case "+":
                    self._accept(*numbers)
                case "-":
                    self.owed.pop(numbers[0], None)
                    self.loose.discard(numbers[0])
                    self.leaving.add(numbers[0])
                case "=":
                    self.leaving.discard(numbers[0])
                    self.gone.add(numbers[0])

    def _accept(self, number: int, key: int) -> None:
        if key and key <= self.top:
            self.reused.append(number)
        self.top = max(self.top, key)
        self.loose.discard(number)
        self.owed[number] = key
        self.accepted += 1

    def judge(self, found: Sequence[Kept], told: int = 0, *, damaged: bool = False) -> Findings:
        """Compare with what was found, and with how many drops are told over the spool's life.

        ``damaged``: the disk itself lies, so deleted ones may be there again.
        """
        result = Findings(told=told - self.told)
        seen: set[int] = set()
        for kept in found:
            number = kept.number
            if not number or number > self.newest:
                result.invented.append(kept.key)
            elif number in seen or (number in self.gone and not damaged):
                result.double.append(number)
            seen.add(number)
        result.missing = [number for number in self.owed if number not in seen]
        result.double += self.reused
        result.loose = len(self.loose - seen)
        return result

    def copy(self) -> Account:
        """Return an independent one, to go on with in a trial."""
        collections = ("owed", "loose", "leaving", "gone", "reused")
        return replace(self, **{name: copy.copy(getattr(self, name)) for name in collections})

    def settle(self, found: Sequence[Kept], told: int = 0) -> None:
        """Begin the next life with what was found: what a reader saw may not go either, what was not accepted never comes."""
        self.told = told
        here = {kept.number: kept.key for kept in found}
        self.owed = {number: key for number, key in here.items() if number not in self.gone}
        self.top = max([self.top, *here.values()])
        self.loose.clear()
        self.leaving.clear()
        self.reused.clear()
