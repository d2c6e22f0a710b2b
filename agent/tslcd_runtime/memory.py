"""How often Python looks for garbage that refers to itself, for programs that run for months.

Reference counts free nearly everything here at once; what the collector of cycles finds is little, but it walks over all that was
made since it last looked, for every 700 containers by default, and over every object now and then. :func:`settle` spares it what
will never be garbage (modules, profiles, settings), and makes it look less often.
"""

from __future__ import annotations

import gc
from typing import Final

#: Containers made, less those freed, until the youngest are looked through; and how many such looks until the next older are.
THRESHOLDS: Final = (20_000, 20, 20)


def settle() -> None:
    """Take all that exists now for permanent. To be called when a program has started, and when much of it was made anew.

    What an earlier call took for permanent and is none any more is let go.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
