"""Vietnamese names on a screen: in what order they stand, and how they are found. ``static/wall.js`` finds by the same rules.

Order: letters first (a ă â b c d đ e ê …), tones only between names that are the same without (ngang, huyền, hỏi, ngã, sắc, nặng).
Finding: every word of a query must be part of a syllable. What is typed without marks finds every spelling, a tone wherever it
stands (``hòa`` finds ``Hoà``), and case never counts.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_LETTERS: Final = {letter: index for index, letter in enumerate("0123456789aăâbcdđeêfghijklmnoôơpqrstuưvwxyz")}
#: Grave, hook above, tilde, acute, dot below: the tones in the order of dictionaries.
_TONES: Final = "\u0300\u0309\u0303\u0301\u0323"


def sort_key(name: str) -> tuple[list[int], list[int]]:
    """Return what orders names as a Vietnamese dictionary does."""
    letters, tones = [], []
    for word in name.casefold().split():
        plain, of_word = _parted(word)
        letters += [_LETTERS.get(letter, 99) for letter in plain] + [-1]
        tones.append(_TONES.index(of_word[0]) + 1 if of_word else 0)
    return letters, tones


def found(query: str, text: str) -> bool:
    """Whether every word of ``query`` is part of a syllable of ``text``."""
    syllables = [_parted(one) for one in text.casefold().split()]
    return all(any(_matches(word, one) for one in syllables) for word in map(_parted, query.casefold().split()))


def _parted(word: str) -> tuple[str, str]:
    """Return the letters of a word without tones, and its tones."""
    letters = unicodedata.normalize("NFD", word)
    plain = "".join(letter for letter in letters if letter not in _TONES)
    return unicodedata.normalize("NFC", plain), "".join(letter for letter in letters if letter in _TONES)


def _matches(word: tuple[str, str], syllable: tuple[str, str]) -> bool:
    letters, tones = syllable
    if _bare(word[0]) == word[0]:
        letters = _bare(letters)
    return word[0] in letters and all(tone in tones for tone in word[1])


def _bare(letters: str) -> str:
    """Return letters without any mark: ``đường`` is ``duong``."""
    decomposed = unicodedata.normalize("NFD", letters)
    return "".join(one for one in decomposed if not unicodedata.combining(one)).replace("đ", "d")
