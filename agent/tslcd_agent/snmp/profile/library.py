"""Profiles in their directories: read, checked, inherited from, chosen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The profiles that come with the program.
SHIPPED: Final = Path(__file__).parents[2] / "profiles"


class Library:
    """All profiles: those shipped, and over them those of other directories, a file replacing one of the same name."""

    def __init__(self, directories: Sequence[Path] = ()) -> None:
        """Read the files (blocking). Raises SettingsError."""
