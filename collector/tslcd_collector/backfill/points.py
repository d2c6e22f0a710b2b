"""Reports to points of time series: the same names and labels that ``/metrics`` has, with the time of measurement. Pure.

Invariants:

* A point's labels are what Prometheus has after scraping the same table: those of :mod:`tslcd_collector.fragments`, and the labels
  of the scrape (``job``, ``instance``); sorted by name, none of them empty (remote write 1.0, section Labels).
* Verdicts and everything else that the collector decides by itself never become points: a replay cannot page.
* A link event becomes a point of ``oper_up`` at the time of the event, for interfaces that their device reports.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from tslcd_collector import families
from tslcd_collector.families import info_name
from tslcd_wire.catalogue import INTERFACE, KINDS_BY_NAME, PROBE, Type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tslcd_collector.inventory import DeviceKey, Inventory
    from tslcd_wire.catalogue import Kind
    from tslcd_wire.report import Event, Report, Table

#: Name and value of every label, ``__name__`` among them, sorted by name.
Labels: TypeAlias = tuple[tuple[str, str], ...]

#: Which column of a bound interface, and of the first bound probe, is which family of the channel.
_INTERFACE_FAMILIES: Final = {
    "receive_bytes_total": families.CHANNEL_RECEIVE.name,
    "transmit_bytes_total": families.CHANNEL_TRANSMIT.name,
}
_PROBE_FAMILIES: Final = {
    "loss_ratio": families.CHANNEL_LOSS.name,
    "rtt_seconds": families.CHANNEL_RTT.name,
    "jitter_seconds": families.CHANNEL_JITTER.name,
}


class Point(NamedTuple):
    """One sample of one series. ``at``: UTC, milliseconds."""

    labels: Labels
    at: int
    value: float


def labels_of(name: str, pairs: Mapping[str, str]) -> Labels:
    """Return the labels of a series, in the order the protocol wants; empty ones are left out, which means the same."""
    return _named(name, _sorted(pairs))


class Conversion:
    """Turns reports into points. ``scrape``: labels that the scrape adds to every series.

    ``interfaces``: names of the interfaces that a device has reported; ``inventory``: the one in use, or None.
    """

    def __init__(
        self,
        scrape: Mapping[str, str],
        inventory: Callable[[], Inventory | None],
        interfaces: Callable[[DeviceKey], tuple[str, ...]],
    ) -> None:
        """Remember."""
        self._scrape = dict(scrape)
        self._inventory = inventory
        self._interfaces = interfaces

    def points(self, province: str, report: Report, at: float) -> list[Point]:
        """Return the points of a report from ``province``, measured at ``at`` (corrected, UTC seconds)."""
        inventory = self._inventory()
        site = inventory.agents.get(report.agent) if inventory is not None else None
        owner = {
            **self._scrape,
            "province": province,
            "site": site.id if site is not None else "",
            "agent": report.agent,
            "device": report.device,
        }
        milliseconds = math.floor(at * 1000)
        found: list[Point] = []
        for name, table in report.tables.items():
            found += [Point(labels, milliseconds, value) for labels, value in _cells(KINDS_BY_NAME[name], table, owner)]
        if inventory is not None:
            found += [
                Point(labels, milliseconds, value) for labels, value in self._channel_cells(inventory, province, report)
            ]
        if report.events:
            found += self._links(owner, report, report.at - at)
        return found

    def _channel_cells(self, inventory: Inventory, province: str, report: Report) -> Iterator[tuple[Labels, float]]:
        for channel in inventory.channels_by_agent.get(report.agent, ()):
            binding = channel.binding
            if binding is None:
                continue
            owner = {
                **self._scrape,
                "channel": channel.id,
                "site": channel.site.id,
                "province": inventory.province.code or province,
            }
            if binding.device == report.device and binding.interface is not None:
                yield from _row_cells(report, INTERFACE.name, binding.interface, _INTERFACE_FAMILIES, owner)
            if not report.device and binding.probes:
                yield from _row_cells(report, PROBE.name, binding.probes[0], _PROBE_FAMILIES, owner)

    def _links(self, owner: Mapping[str, str], report: Report, shift: float) -> Iterator[Point]:
        known = {
            *self._interfaces((report.agent, report.device)),
            *report.tables.get(INTERFACE.name, {}).get("key", ()),
        }
        name = INTERFACE.family("oper_up")
        for event in report.events:
            if event.key in known:
                yield _link(name, owner, event, shift)


def _link(name: str, owner: Mapping[str, str], event: Event, shift: float) -> Point:
    labels = labels_of(name, {**owner, INTERFACE.name: event.key})
    return Point(labels, math.floor((event.at - shift) * 1000), float(event.up))


def _cells(kind: Kind, table: Table, owner: Mapping[str, str]) -> Iterator[tuple[Labels, float]]:
    """Yield labels and value of every known cell, and the ``_info`` series of the texts."""
    rows = [_sorted({**owner, kind.name: key}) if key else _sorted(owner) for key in table["key"]]
    texts: list[dict[str, str]] = [{} for _ in rows]
    has_texts = False
    for column in kind.columns:
        cells = table.get(column.name)
        if cells is None:
            continue
        if column.type is Type.TEXT:
            has_texts = True
            for row, text in zip(texts, cells, strict=True):
                row[column.name] = text or ""
            continue
        name = kind.family(column.name)
        for pairs, cell in zip(rows, cells, strict=True):
            if cell is None:
                continue
            if column.states:
                for state in column.states:
                    yield labels_of(name, dict(pairs) | {"state": state}), float(state == cell)
            else:
                yield _named(name, pairs), float(cell)
    if has_texts:
        for pairs, row in zip(rows, texts, strict=True):
            yield labels_of(info_name(kind), dict(pairs) | row), 1.0


def _sorted(pairs: Mapping[str, str]) -> Labels:
    return tuple(sorted((label, text) for label, text in pairs.items() if text))


def _named(name: str, pairs: Labels) -> Labels:
    """Put the name among sorted labels: before them, but for those with a capital letter."""
    if not pairs or pairs[0][0] > "__name__":
        return (("__name__", name), *pairs)
    return tuple(sorted((("__name__", name), *pairs)))


def _row_cells(
    report: Report, kind: str, key: str, names: Mapping[str, str], owner: Mapping[str, str]
) -> Iterator[tuple[Labels, float]]:
    """Yield what one row of a table is to a channel."""
    table: dict[str, list[Any]] | None = report.tables.get(kind)
    if table is None or key not in table["key"]:
        return
    row = table["key"].index(key)
    for column, name in names.items():
        cells = table.get(column)
        if cells is not None and cells[row] is not None:
            yield labels_of(name, owner), float(cells[row])
