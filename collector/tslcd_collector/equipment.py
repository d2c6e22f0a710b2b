"""What stands of every device: its problems, since when, and their series. The judge decides, this remembers.

Invariants:

* A device has series for the problems that its tables can tell about, while they are not too old; one that is not in service has none.
* ``since`` of a problem is when it was first told; it survives a restart only as far as what it is made from does.
* A change of role is kept in the store (a span), so that a restart does not end its being told.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from tslcd_collector.families import DEVICE_PROBLEM, labels_text
from tslcd_collector.judge.devices import DevicePast, judge_device
from tslcd_collector.problems import DEVICE_PROBLEM_WORDS, DeviceProblem
from tslcd_collector.store.rows import SpanRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tslcd_collector.board import Board
    from tslcd_collector.exposition import Exposition
    from tslcd_collector.inventory import DeviceKey, Inventory

#: Kind of the store's spans that tell of changed roles; their name is agent, device and role.
ROLE: Final = "role"
#: Problems that end as time goes by, without any report.
_PASSING: Final = frozenset({DeviceProblem.HA_CHANGED, DeviceProblem.RESTARTED})


@dataclass(slots=True)
class _Standing:
    """What is known of one device: every problem that can be told of, and since when those that are there are.

    ``stamp``: the times of the tables it was judged by, None to judge it again in any case.
    """

    stamp: tuple[tuple[str, float], ...] | None = None
    past: DevicePast = field(default_factory=DevicePast)
    told: dict[DeviceProblem, bool] = field(default_factory=dict)
    since: dict[DeviceProblem, float] = field(default_factory=dict)


class Equipment:
    """The devices that agents report."""

    def __init__(self, board: Board, exposition: Exposition) -> None:
        """Start without devices."""
        self._board = board
        self._exposition = exposition
        self._inventory: Inventory | None = None
        self._standing: dict[DeviceKey, _Standing] = {}
        self._spans: list[SpanRow] = []
        self._shown: set[DeviceKey] = set()

    def set_inventory(self, inventory: Inventory) -> None:
        """Take classes, and which devices are in service, from ``inventory``; everything is written anew."""
        self._inventory = inventory
        for key in self._shown:
            self._exposition.drop(("problem", *key))
        self._shown.clear()
        for standing in self._standing.values():
            standing.told, standing.stamp = {}, None

    def restore(self, spans: Iterable[SpanRow], absence: float) -> None:
        """Take up changes of roles; ``absence``: seconds that the collector was away."""
        for row in spans:
            agent, device, role = (*row.name.split(" "), "", "")[:3]
            if row.kind == ROLE and role:
                standing = self._standing.setdefault((agent, device), _Standing())
                if row.since + absence > standing.past.role_changed:
                    standing.past = replace(standing.past, role=role, role_changed=row.since + absence)

    def take_spans(self) -> list[SpanRow]:
        """Return changes of roles for the store, each once."""
        spans, self._spans = self._spans, []
        return spans

    def put_back(self, spans: list[SpanRow]) -> None:
        """Take back what could not be written."""
        self._spans = [*spans, *self._spans]

    def judge(self, now: float, agents: Iterable[str] | None = None) -> None:
        """Judge the devices of ``agents``, or all of them, at ``now`` (UTC seconds)."""
        for agent in list(self._board.agents) if agents is None else agents:
            for device in self._board.devices_of(agent):
                self._judge((agent, device), now)

    def problems(self, key: DeviceKey) -> dict[DeviceProblem, bool]:
        """Return what is told of a device."""
        standing = self._standing.get(key)
        return standing.told if standing is not None else {}

    def describe(self) -> Iterator[dict[str, Any]]:
        """Yield every device of the inventory, and every other one that is told about, as a JSON object."""
        known = self._inventory
        if known is None:
            return
        others = (key for key, one in self._standing.items() if one.told and key not in known.devices)
        for agent, device in (*known.devices, *others):
            entry, standing = known.devices.get((agent, device)), self._standing.get((agent, device))
            site = known.agents.get(agent)
            told = standing.told if standing is not None else {}
            since = standing.since if standing is not None else {}
            yield {
                "agent": agent,
                "device": device,
                "site": site.id if site is not None else None,
                "site_name": site.name if site is not None else None,
                "role": entry.role if entry is not None else None,
                "class": known.device_class((agent, device)).id,
                "in_service": entry.in_service if entry is not None else True,
                "problems": [
                    {"problem": one.value, "since": since.get(one), "words": DEVICE_PROBLEM_WORDS[one]._asdict()}
                    for one, there in told.items()
                    if there
                ],
                "told": [one.value for one in told],
            }

    def _judge(self, key: DeviceKey, now: float) -> None:
        known = self._inventory
        if known is None:
            return
        entry = known.devices.get(key)
        standing = self._standing.setdefault(key, _Standing())
        if entry is not None and not entry.in_service:
            self._write(key, standing, {}, now)
            return
        tables = self._board.exposed(key)
        stamp = tuple((kind, at) for kind, (_, at) in tables.items())
        if stamp == standing.stamp and not _PASSING & standing.past.problems:
            return
        limits, before, standing.stamp = known.device_class(key), standing.past, stamp
        told, standing.past = judge_device(tables, limits, before, now)
        if before.role and standing.past.role != before.role:
            changed = standing.past.role_changed
            name = f"{key[0]} {key[1]} {standing.past.role}"
            self._spans.append(SpanRow(ROLE, name, changed, changed + limits.ha_changed_for))
        self._write(key, standing, told, now)

    def _write(self, key: DeviceKey, standing: _Standing, told: dict[DeviceProblem, bool], now: float) -> None:
        """Put a device's series on the exposition when one of them changed."""
        if told == standing.told:
            return
        standing.told = told
        standing.since = {one: standing.since.get(one, now) for one, there in told.items() if there}
        agent, device = key
        if not told:
            self._exposition.drop(("problem", *key))
            self._shown.discard(key)
            return
        site = self._inventory.agents.get(agent) if self._inventory is not None else None
        pairs = {"site": site.id if site is not None else "", "agent": agent, "device": device}
        labels = labels_text({"province": self._board.agents[agent].province, **pairs})
        name = DEVICE_PROBLEM.name
        text = "".join(f'{name}{{{labels},problem="{one.value}"}} {int(there)}\n' for one, there in told.items())
        self._exposition.put(("problem", *key), {name: text.encode()})
        self._shown.add(key)
