"""Quantities as people write them: ``30s``, ``200MiB``, ``200Mbps``, ``5%``. Base units inside: seconds, bytes, bits per second, ratio.

A settings type names its quantity in msgspec's ``Meta.extra``; :mod:`tslcd_runtime.settings` finds the parser there.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORM = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z%]*)\s*\Z")


@dataclass(frozen=True)
class Quantity:
    """A kind of quantity and the suffixes it may be written with; factors turn a written number into base units."""

    name: str
    factors: Mapping[str, float]
    example: str

    def parse(self, text: object) -> float:
        """Turn what stands in a file into base units. Raises ValueError with what is allowed."""
        match = _FORM.match(text) if isinstance(text, str) else None
        if not isinstance(text, str) or match is None or match[2] not in self.factors:
            msg = f"{text!r} is not {self.name}: write a number and one of {', '.join(self.factors)}, for example {self.example}"
            raise ValueError(msg)
        value = float(match[1]) * self.factors[match[2]]
        if not math.isfinite(value):
            msg = f"{text[:20]!r}... is beyond all bounds"
            raise ValueError(msg)
        return value

    def show(self, value: float) -> str:
        """Write a value so that :meth:`parse` gives the very same, with the largest suffix that leaves a short number."""
        if value == 0 or not math.isfinite(value):
            return f"0{next(iter(self.factors))}"
        for suffix, factor in sorted(self.factors.items(), key=lambda item: -item[1]):
            short = round(value / factor, 3)
            if short >= 1 and short * factor == value:
                return f"{_positional(short)}{suffix}"
        suffix, factor = next((item for item in self.factors.items() if item[1] == 1), next(iter(self.factors.items())))
        return f"{_positional(value / factor)}{suffix}"


def _positional(number: float) -> str:
    """Write a number without an exponent, and without a fraction when it is whole."""
    return f"{Decimal(repr(number)):f}".removesuffix(".0")


DURATION: Final = Quantity("a duration", {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}, "30s")
BYTE_SIZE: Final = Quantity("a size", {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}, "200MiB")
BIT_RATE: Final = Quantity("a bandwidth", {"bps": 1, "kbps": 1e3, "Mbps": 1e6, "Gbps": 1e9}, "200Mbps")
RATIO: Final = Quantity("a share", {"%": 0.01}, "5%")


def _meta(quantity: Quantity) -> Meta:
    suffixes = "|".join(quantity.factors)
    return Meta(
        extra={"quantity": quantity},
        extra_json_schema={
            "x-quantity": quantity.name,
            "pattern": rf"^[0-9]+(\.[0-9]+)?\s*({suffixes})$",
            "examples": [quantity.example],
        },
    )


Duration = Annotated[float, _meta(DURATION)]
ByteSize = Annotated[float, _meta(BYTE_SIZE)]
BitRate = Annotated[float, _meta(BIT_RATE)]
Ratio = Annotated[float, _meta(RATIO)]
