"""Two languages: every text on a screen is written in both, and a dashboard is drawn in one of them."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

Language: TypeAlias = Literal["vi", "en"]
#: Vietnamese first, everywhere.
LANGUAGES: Final[tuple[Language, ...]] = ("vi", "en")


class Words(NamedTuple):
    """One text in both languages."""

    vi: str
    en: str

    def of(self, language: Language) -> str:
        """Return the text in ``language``."""
        return self.vi if language == "vi" else self.en


class Word(NamedTuple):
    """What stands on the screen for a code, and in which of Grafana's colours."""

    vi: str
    en: str
    colour: str

    def of(self, language: Language) -> str:
        """Return the text in ``language``."""
        return self.vi if language == "vi" else self.en
