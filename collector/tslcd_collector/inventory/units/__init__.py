"""The administrative units of Viet Nam since 1 July 2025: 34 provinces and 3,321 communes, wards and special zones.

Codes are those of Decision 19/2025/QĐ-TTg: two digits for a province, five for a unit, both strings, stable for life.
Names are not keys: hundreds of units share theirs with others. Where the table comes from stands in the README beside it.

Names compare in NFC, without regard to case, and blind to the place of the tone mark: ``Hòa`` is ``Hoà``.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Grave, acute, tilde, hook above, dot below: the tones, as combining characters. Other marks make another letter.
_TONES: Final = frozenset("\u0300\u0301\u0303\u0309\u0323")


@dataclass(frozen=True, slots=True)
class Unit:
    """A commune, ward or special zone. ``type`` is Xã, Phường or Đặc khu; ``province`` the province's code."""

    code: str
    name: str
    type: str
    province: str

    @property
    def full_name(self) -> str:
        """The name with its type, as in the Decision."""
        return f"{self.type} {self.name}"


@dataclass(frozen=True, slots=True)
class Territory:
    """All units by code; the provinces are units without a province."""

    provinces: Mapping[str, Unit]
    communes: Mapping[str, Unit]

    def of_province(self, code: str) -> tuple[Unit, ...]:
        """Return the units of one province in the order of their codes."""
        return tuple(unit for unit in self.communes.values() if unit.province == code)


@cache
def territory() -> Territory:
    """Read the table that is shipped with the package, once."""
    text = resources.files(__package__).joinpath("units.tsv").read_text(encoding="utf-8")
    units = [Unit(*line.split("\t")) for line in text.splitlines()[1:]]
    return Territory(
        provinces={unit.code: unit for unit in units if not unit.province},
        communes={unit.code: unit for unit in units if unit.province},
    )


def same_name(written: str, unit: Unit) -> bool:
    """Whether ``written`` is the unit's name, with or without its type."""
    key = name_key(written)
    return key in {name_key(unit.name), name_key(unit.full_name)}


def name_key(name: str) -> str:
    """Return what two spellings of one name have in common: the tone of a syllable counts, its place does not."""
    return " ".join(_syllable_key(syllable) for syllable in name.casefold().replace("\u2019", "'").split())


def _syllable_key(syllable: str) -> str:
    letters = unicodedata.normalize("NFD", syllable)
    tones = "".join(sorted(letter for letter in letters if letter in _TONES))
    plain = "".join(letter for letter in letters if letter not in _TONES)
    return unicodedata.normalize("NFC", plain) + tones
