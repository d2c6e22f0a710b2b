"""What columns and kinds are: types, units, and the naming rules."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import Final

#: Longest key (label value) and longest ``TEXT`` value, in characters.
MAX_KEY_CHARS: Final = 128
MAX_TEXT_CHARS: Final = 256
#: Counters are readings of Counter64 objects at most (RFC 2578 section 7.1.10).
MAX_COUNTER: Final = 2**64 - 1

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


class Type(enum.Enum):
    """What the values of a column are, on the wire and in Prometheus."""

    #: A finite float. JSON number.
    GAUGE = "gauge"
    #: An absolute reading that only grows, 0 to 2**64-1. JSON integer.
    COUNTER = "counter"
    #: 0 or 1. JSON integer; a Prometheus gauge.
    BOOL = "bool"
    #: One word of a closed set. JSON string; a Prometheus gauge, one-hot over the label ``state``.
    STATE = "state"
    #: Free text of at most MAX_TEXT_CHARS. JSON string; a label of the kind's ``_info`` series.
    TEXT = "text"


class Unit(enum.Enum):
    """Base units, spelled as in metric names. ``NONE`` is for counts, flags and texts."""

    NONE = ""
    SECONDS = "seconds"
    BYTES = "bytes"
    RATIO = "ratio"
    BITS_PER_SECOND = "bits_per_second"
    CELSIUS = "celsius"
    VOLTS = "volts"
    AMPERES = "amperes"
    WATTS = "watts"
    #: Decibels against one milliwatt; a logarithm, which optical budgets are made in.
    DBM = "dbm"
    #: Revolutions a minute, what every fan tells.
    RPM = "rpm"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a kind.

    ``help_vi`` and ``help_en`` are one sentence each, without a full stop. ``states`` is the closed set of a STATE column.
    ``source`` names where the value comes from (a MIB object, a file under /proc, a measurement).
    """

    name: str
    type: Type
    help_vi: str
    help_en: str
    unit: Unit = Unit.NONE
    states: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse a column that breaks the naming rules. Raises ValueError."""
        if not _NAME.match(self.name):
            msg = f"column {self.name!r}: names are [a-z][a-z0-9_]*"
            raise ValueError(msg)
        if (self.type is Type.COUNTER) != self.name.endswith("_total"):
            msg = f"column {self.name!r}: counters, and only counters, end in _total"
            raise ValueError(msg)
        if self.unit is not Unit.NONE and not self.name.removesuffix("_total").endswith(self.unit.value):
            msg = f"column {self.name!r}: the unit {self.unit.value} belongs at the end of the name"
            raise ValueError(msg)
        if (self.type is Type.STATE) != bool(self.states):
            msg = f"column {self.name!r}: states belong to STATE columns and to no other"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing. ``keyed`` says whether a device (or agent) has many of them, told apart by the table's keys.

    A kind without keys has exactly one row, whose key is the empty string, and no label of its own.
    """

    name: str
    keyed: bool
    help_vi: str
    help_en: str
    columns: tuple[Column, ...]
    by_name: dict[str, Column] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Index the columns. Raises ValueError for a bad or double name."""
        index = {column.name: column for column in self.columns}
        if not _NAME.match(self.name) or len(index) != len(self.columns) or "key" in index or "info" in index:
            msg = f"kind {self.name!r}: bad kind name, or a column twice, or a column named key or info"
            raise ValueError(msg)
        object.__setattr__(self, "by_name", index)

    def family(self, column: str) -> str:
        """Name of the Prometheus family of a column, for example ``tslcd_interface_oper_up``."""
        return f"tslcd_{self.name}_{column}"


def gauge(name: str, vi: str, en: str, unit: Unit = Unit.NONE, source: str = "") -> Column:
    """Return a GAUGE column."""
    return Column(name, Type.GAUGE, vi, en, unit, source=source)


def counter(name: str, vi: str, en: str, unit: Unit = Unit.NONE, source: str = "") -> Column:
    """Return a COUNTER column."""
    return Column(name, Type.COUNTER, vi, en, unit, source=source)


def flag(name: str, vi: str, en: str, source: str = "") -> Column:
    """Return a BOOL column."""
    return Column(name, Type.BOOL, vi, en, source=source)


def text(name: str, vi: str, en: str, source: str = "") -> Column:
    """Return a TEXT column."""
    return Column(name, Type.TEXT, vi, en, source=source)
