"""From raw values to one cell. Pure: what a device says goes in, what the wire contract allows comes out.

Invariants:

* Nothing here raises, whatever a device answers: what makes no sense is ``None``.
* A cell satisfies its column: a finite number within bounds, a reading of 0 to 2**64-1, 0 or 1, a word of the closed set,
  or a text fit for the wire.
* A ratio is 0 to 1 and a length of time or a size is not negative, unless the profile sets other bounds: a device that
  says 65535 % or -1 means that it does not know.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, assert_never

from tslcd_wire.catalogue import MAX_COUNTER, Column, Type, Unit
from tslcd_wire.codec import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tslcd_agent.snmp.profile.document import Expression, Join, Scalar, Where
    from tslcd_agent.snmp.session import Value

#: What an expression gives.
Result: TypeAlias = int | float | str | None

#: A text of a device is looked at so far; patterns of profiles stay fast on it.
MAX_LOOK: Final = 1024
#: Bounds of columns by unit, when the expression has none.
_BOUNDS: Final[dict[Unit, tuple[float, float]]] = {
    Unit.RATIO: (0.0, 1.0),
    Unit.BYTES: (0.0, math.inf),
    Unit.SECONDS: (0.0, math.inf),
    Unit.CELSIUS: (-80.0, 300.0),
    Unit.DBM: (-80.0, 60.0),
    Unit.RPM: (0.0, 200_000.0),
}
#: A UPS says how much it is overloaded.
_OVERLOAD: Final = 3.0
_NUMBER: Final = re.compile(r"[-+]?\d+(?:\.\d+)?")
_EXACT_DIGITS: Final = 20
_UNTOUCHED: Final = (None, None, None, None)
_PADDING: Final = " \t\r\n\0"


class Cells(Protocol):
    """What is known of a device, seen from one row of a table (``index``), or from its scalars (an empty index)."""

    @property
    def index(self) -> str:
        """The index of the row."""
        ...

    def cell(self, oid: str) -> Value:
        """Return a scalar by its OID; in a row, the row's cell of a column."""
        ...

    def at(self, oid: str, index: str) -> Value:
        """Return any row's cell of a column."""
        ...

    def column(self, oid: str, where: Where | None) -> Mapping[str, Value]:
        """Return the cells of a column by index, of those rows that count."""
        ...


def text_of(value: Value | Result) -> str:
    """Return a raw value as text without padding; UTF-8, with U+FFFD for what is not."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value[:MAX_LOOK].decode(errors="replace").strip(_PADDING)
    return str(value)[:MAX_LOOK].strip(_PADDING)


def number_of(value: Value | Result) -> int | float | None:
    """Return a raw value as a finite number; of a text, the first number in it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if abs(value) <= 2 * MAX_COUNTER else None
    found = _NUMBER.search(text_of(value))
    if found is None:
        return None
    if "." not in found[0] and len(found[0]) <= _EXACT_DIGITS:
        return int(found[0])
    number = float(found[0])
    return number if math.isfinite(number) else None


@lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of a profile. Raises re.error, which checking the profile has excluded."""
    return re.compile(pattern)


def same(raw: Value | Result, wanted: Scalar) -> bool:
    """Whether a raw value is the one that stands in a profile: numbers as numbers, anything else as text."""
    if isinstance(wanted, str):
        return text_of(raw) == wanted
    if isinstance(raw, int | float):
        return raw == wanted
    try:
        return float(text_of(raw)) == wanted
    except ValueError:
        return False


def counts(where: Where | None, raw: Value, index: str) -> bool:
    """Whether a row counts, by the raw value of its column ``where.oid``."""
    if where is None:
        return True
    if where.index is not None and not compiled(where.index).search(index):
        return False
    if where.in_ is not None and (raw is None or not any(same(raw, one) for one in where.in_)):
        return False
    if where.not_in is not None and raw is not None and any(same(raw, one) for one in where.not_in):
        return False
    return where.pattern is None or (raw is not None and compiled(where.pattern).search(text_of(raw)) is not None)


def joined_index(join: Join, cells: Cells) -> str:
    """Return the index at which the joined cell stands; empty when it has none."""
    if join.by is not None:
        by = cells.cell(join.by)
        return str(by) if isinstance(by, int) else text_of(by)
    arcs = cells.index.split(".")
    count = join.index or len(arcs)
    if join.drop is not None:
        return ".".join(arcs[: -join.drop])
    if abs(count) > len(arcs):
        return ""
    return ".".join(arcs[:count] if count > 0 else arcs[count:])


def order(index: str) -> tuple[int, ...]:
    """Sort indexes as MIBs do, by arcs."""
    return tuple(int(arc) if arc.isdecimal() and len(arc) <= _EXACT_DIGITS else -1 for arc in index.split("."))


def evaluate(expression: Expression, cells: Cells, *, numeric: bool) -> Result:
    """Work an expression out; ``numeric``: a text without a number in it is nothing."""
    if expression.aggregate is not None:
        value: Value | Result = _aggregate(expression, cells, numeric=numeric)
    else:
        value = _seen(expression, _source(expression, cells, numeric=numeric))
    return _scaled(expression, value, numeric=numeric)


def _source(expression: Expression, cells: Cells, *, numeric: bool) -> Value | Result:
    """Find the raw value; sums and their like are numbers already."""
    if expression.const is not None:
        return expression.const
    if expression.oid is not None:
        return cells.cell(expression.oid)
    if expression.join is not None:
        index = joined_index(expression.join, cells)
        return cells.at(expression.join.oid, index) if index else None
    if expression.first is not None:
        return _first(evaluate(one, cells, numeric=numeric) for one in expression.first)
    return _arithmetic(expression, cells)


def _first(values: Iterator[Result]) -> Result:
    return next((value for value in values if value is not None), None)


def _arithmetic(expression: Expression, cells: Cells) -> Result:
    parts = expression.ratio or expression.difference or expression.sum or expression.product or ()
    numbers: list[int | float] = []
    for one in parts:
        number = number_of(evaluate(one, cells, numeric=True))
        if number is None:
            return None
        numbers.append(number)
    if expression.ratio is not None:
        return numbers[0] / numbers[1] if numbers[1] else None
    if expression.difference is not None:
        return numbers[0] - numbers[1]
    return sum(numbers) if expression.sum is not None else _bounded(math.prod(numbers))


def _bounded(number: float) -> int | float | None:
    return number if abs(number) <= MAX_COUNTER and math.isfinite(number) else None


def _seen(expression: Expression, raw: Value | Result) -> Value | Result:
    """Take away what means "not known", and choose what of a text is the value."""
    if raw is None or any(same(raw, one) for one in expression.invalid):
        return None
    if expression.text == "hex" and isinstance(raw, bytes):
        raw = raw[:MAX_LOOK].hex()
    if expression.pattern is not None:
        found = compiled(expression.pattern).search(text_of(raw))
        if found is None:
            return None
        raw = found[1] if found.re.groups else found[0]
    if expression.map is not None:
        raw = expression.map.get(text_of(raw), expression.map_else)
    return raw


def _aggregate(expression: Expression, cells: Cells, *, numeric: bool) -> Result:
    column = cells.column(expression.oid or "", expression.where)
    found = (_seen(expression, column[index]) for index in sorted(column, key=order))
    if expression.aggregate == "first":
        return _first(_plain(value, numeric=numeric) for value in found)
    numbers = [number for value in found if (number := number_of(value)) is not None]
    return _together(numbers, expression.aggregate) if numbers else None


def _together(numbers: Sequence[int | float], how: str | None) -> int | float:
    match how:
        case "mean":
            return sum(numbers) / len(numbers)
        case "max":
            return max(numbers)
        case "min":
            return min(numbers)
        case "count":
            return len(numbers)
        case _:
            return sum(numbers)


def _plain(value: Value | Result, *, numeric: bool) -> Result:
    """Return what is a value at all: an empty text is none, and neither is a text where a number is wanted."""
    if numeric and not isinstance(value, str):
        return number_of(value)
    if isinstance(value, int | float):
        return number_of(value)
    return text_of(value) or None


def _scaled(expression: Expression, raw: Value | Result, *, numeric: bool) -> Result:
    value = number_of(raw) if numeric else _plain(raw, numeric=False)
    if (expression.scale, expression.offset, expression.minimum, expression.maximum) == _UNTOUCHED:
        return _decibel(value) if expression.decibel else value
    number = number_of(value)
    if number is None:
        return None
    if expression.scale is not None:
        scale = expression.scale
        number = number * (int(scale) if scale.is_integer() else scale)
    number += expression.offset or 0
    if expression.decibel:
        level = _decibel(number)
        if level is None:
            return None
        number = level
    if expression.minimum is not None and number < expression.minimum:
        return None
    return None if expression.maximum is not None and number > expression.maximum else number


def _decibel(value: Result) -> float | None:
    number = number_of(value)
    return 10 * math.log10(number) if number is not None and number > 0 else None


def fit(column: Column, expression: Expression | None, value: Result) -> Result:
    """Return ``value`` as a cell of ``column``; None when it cannot be one. Bounds of ``expression`` replace the column's."""
    match column.type:
        case Type.GAUGE:
            return _gauge(column, expression, number_of(value))
        case Type.COUNTER:
            number = number_of(value)
            reading = round(number) if number is not None else -1
            return reading if 0 <= reading <= MAX_COUNTER else None
        case Type.BOOL:
            number = number_of(value)
            return int(number) if number in {0, 1} else None
        case Type.STATE:
            return value if value in column.states else None
        case Type.TEXT:
            return clean_text(text_of(value)) or None
        case _:
            assert_never(column.type)


def _gauge(column: Column, expression: Expression | None, number: float | None) -> Result:
    if number is None:
        return None
    low, high = _BOUNDS.get(column.unit, (-math.inf, math.inf))
    if column.name == "load_ratio":
        high = _OVERLOAD
    if expression is not None and expression.minimum is not None:
        low = -math.inf
    if expression is not None and expression.maximum is not None:
        high = math.inf
    # seven digits are more than any device measures, and shorter on the wire
    return (number if isinstance(number, int) else float(f"{number:.7g}")) if low <= number <= high else None


def is_numeric(column: Column) -> bool:
    """Whether the cells of a column are numbers."""
    return column.type not in {Type.STATE, Type.TEXT}
