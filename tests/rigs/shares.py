"""Work of a rig divided among processes, each share small, so that progress is seen and memory given back."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from rigs.keepers import be_silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
PROCESSES: Final = os.cpu_count() or 1


def divided(work: Callable[[int, int], T], shares: int) -> Iterator[T]:
    """Yield ``work(share, shares)`` for every share, in order; ``work`` must be picklable. Raises what it raises."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=be_silent) as pool:
        yield from pool.map(work, range(shares), [shares] * shares)
