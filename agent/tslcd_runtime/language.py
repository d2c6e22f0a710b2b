"""The language of what people read in command output: Vietnamese or English. Logs and metric names are always English."""

from __future__ import annotations

import enum
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Language(enum.Enum):
    """A language that messages for people exist in."""

    VI = "vi"
    EN = "en"

    @classmethod
    def choose(cls, setting: str = "auto", environment: Mapping[str, str] | None = None) -> Language:
        """Return the language of ``setting`` (``vi``, ``en``), or for ``auto`` that of the locale (locale(7)).

        LC_ALL wins over LC_MESSAGES, and that over LANG; whatever is not Vietnamese is English.
        """
        if setting != "auto":
            return cls(setting)
        variables = os.environ if environment is None else environment
        locale = next((text for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (text := variables.get(name))), "")
        return cls.VI if locale.lower().partition("_")[0].partition(".")[0] == "vi" else cls.EN

    def say(self, *, vi: str, en: str) -> str:
        """Return the one of both texts that is in this language."""
        return vi if self is Language.VI else en
