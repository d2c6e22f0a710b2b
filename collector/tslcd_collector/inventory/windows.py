"""Planned windows of ``maintenance.yaml``: checked, and made into :class:`tslcd_collector.maintenance.Window`.

Invariant: :func:`window` is for entries without :func:`problems`; every mistake is told at its key, with what is allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tslcd_collector.maintenance import Window, every, moment, problem_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tslcd_collector.inventory.files import WindowEntry
    from tslcd_collector.inventory.folder import Placed
    from tslcd_runtime.settings import Problem


def window(entry: WindowEntry) -> Window:
    """Make the window that an entry tells of. Raises ValueError for times that no calendar has."""
    return Window(
        id=entry.id,
        title=entry.title,
        kind=entry.kind,
        since=moment(entry.since) if entry.since is not None else None,
        until=moment(entry.until) if entry.until is not None else None,
        every=every(entry.every) if entry.every is not None else None,
        lasts=entry.lasts or 0.0,
        channels=frozenset(entry.channels),
        sites=frozenset(entry.sites),
        operators=frozenset(entry.operators),
        contact=entry.contact or "",
    )


def problems(placed: Placed[WindowEntry]) -> Iterator[Problem]:
    """Yield what is wrong with the times of an entry."""
    entry, place = placed.value, placed.place
    good = True
    for key, text, read in (
        ("from", entry.since, moment),
        ("until", entry.until, moment),
        ("every", entry.every, every),
    ):
        try:
            if text is not None:
                read(text)
        except ValueError as error:
            good = False
            yield place.problem((key,), str(error))
    once = [key for key, text in (("from", entry.since), ("until", entry.until)) if text is not None]
    if once and entry.every is not None:
        yield place.problem((once[0],), "does not go with every: a window comes once, or again and again")
    elif entry.lasts is not None and entry.every is None:
        yield place.problem(("lasts",), "goes with every only: a window that comes once has from and until")
    elif good and (wrong := problem_of(window(entry))) is not None:
        yield place.problem((wrong[0],), wrong[1])
