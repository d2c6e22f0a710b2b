"""Keeps a library from taking along another one that it would use if it were there, and that we do not want for it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def absent(name: str) -> Iterator[None]:
    """Let imports of ``name`` (a top-level package) and of its modules fail for the time of a block, in every thread."""
    hidden = {one: module for one, module in sys.modules.items() if one == name or one.startswith(f"{name}.")}
    for one in hidden:
        del sys.modules[one]
    sys.modules[name] = None  # type: ignore[assignment]  # what makes an import fail
    try:
        yield
    finally:
        del sys.modules[name]
        sys.modules.update(hidden)
