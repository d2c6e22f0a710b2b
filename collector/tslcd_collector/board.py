"""The board: the newest of everything that agents reported, and how fresh it is. No clock, no disk, no network of its own.

Invariants:

* Applying a report twice, or reports in any order, ends in the same board: of one (agent, device, kind) the table with the
  newest ``at`` counts, of one interface the newest link event, of one probe the newest ROUNDS rounds, and of one channel's
  interface one reading of its counters every half minute.
* A link event newer than the interface's table changes its ``oper_up`` at once; the next table takes over.
* What is on ``/metrics`` was measured less than ``expiry`` ago; a table that ages leaves, as a real hole.
* Memory is bounded: MAX_DEVICES devices and MAX_ROWS rows an agent; agents are bounded by :mod:`tslcd_collector.admit`.
* While the collector was down nothing aged: what was fresh when it stopped is fresh when it starts (:meth:`Board.restore`). After more
  than MAX_ABSENCE seconds that holds for verdicts only: a counter's reading from before, scraped after what is backfilled of
  the time between, would be a reset that never was. So those tables are on ``/metrics`` again when they are renewed.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tslcd_collector.agent_series import agent_chunks
from tslcd_collector.agent_state import AgentState
from tslcd_collector.counted import Counted
from tslcd_collector.families import labels_text
from tslcd_collector.fragments import TableText
from tslcd_collector.judge import ROUNDS, AgentReading, DeviceReading, InterfaceReading, ProbeReading
from tslcd_wire.catalogue import AGENT, DEVICE, INTERFACE, KINDS_BY_NAME, PROBE, UPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tslcd_collector.clock import AgentClock
    from tslcd_collector.exposition import Exposition
    from tslcd_collector.inventory import DeviceKey, Inventory
    from tslcd_wire.report import Event, Report, Status, Table

MAX_DEVICES: Final = 64
MAX_ROWS: Final = 16_384
MAX_LINKS: Final = 512
MAX_ABSENCE: Final = 15.0
#: What a UPS told so long before the silence still bears on it, seconds.
BATTERY_MEMORY: Final = 180.0


@dataclass(slots=True)
class _Shown:
    """The newest table of one kind of one device. ``at``: measured; ``fresh``: the same, but for the collector's absence."""

    text: TableText
    at: float
    fresh: float
    table: Table
    exposed: bool = False
    indexed: list[Any] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)

    def row(self, key: str) -> int:
        """Return the row of ``key``, -1 for none. One agent may measure for a thousand channels, and each asks for its row."""
        keys = self.table["key"]
        if self.indexed is not keys:
            self.indexed, self.rows = keys, {name: place for place, name in enumerate(keys)}
        return self.rows.get(key, -1)


class Board:
    """Tables, link events, probe rounds and agents. ``expiry``: seconds until a table leaves the exposition."""

    def __init__(self, exposition: Exposition, expiry: float, clocks: Mapping[str, AgentClock] | None = None) -> None:
        """Start with nothing known. ``clocks``: what is known of the agents' clocks, for their series."""
        self.expiry = expiry
        self._clocks = clocks if clocks is not None else {}
        #: Since when the broker is not heard, our UTC seconds; None while it is.
        self.broker_lost: float | None = None
        self.agents: dict[str, AgentState] = {}
        #: Agents something changed for since :meth:`take_changed` was called.
        self._changed: set[str] = set()
        self._exposition = exposition
        #: Who else looks at every report that is applied: the report, when it was measured (corrected), when it came.
        self.watch: Callable[[Report, float, float], None] = lambda *_: None
        self._tables: dict[DeviceKey, dict[str, _Shown]] = {}
        self._links: dict[DeviceKey, dict[str, tuple[float, bool]]] = {}
        self._rounds: dict[DeviceKey, list[ProbeReading]] = {}
        self.counted = Counted()
        #: Agents whose identity two sources use.
        self._cloned: frozenset[str] = frozenset()
        self._sites: Mapping[str, Any] = {}

    def set_inventory(self, inventory: Inventory) -> None:
        """Take sites for labels and the probes whose rounds are wanted from ``inventory``."""
        bindings = [channel.binding for channel in inventory.channels.values() if channel.binding is not None]
        wanted = {(binding.agent, probe) for binding in bindings for probe in binding.probes}
        self._rounds = {key: self._rounds.get(key, []) for key in wanted}
        self.counted.set_inventory(inventory)
        moved = {
            agent
            for agent in {*self._sites, *inventory.agents}
            if getattr(self._sites.get(agent), "id", "") != getattr(inventory.agents.get(agent), "id", "")
        }
        self._sites = inventory.agents
        for (agent, device), kinds in self._tables.items():
            if agent in moved:
                for kind, shown in kinds.items():
                    shown.text = self._text(agent, device, kind)
                    if shown.exposed:
                        self._exposition.put(("table", agent, device, kind), shown.text.write(shown.table))
        for agent in self.agents:
            self._write_agent(agent)
        self._changed.update(self.agents)

    def fits(self, report: Report, claims: dict[tuple[str, str], int]) -> bool:
        """Whether there is room for what ``report`` brings; what fits is claimed.

        ``claims``: rows, by device and kind, of the same agent's reports that are on their way to the board.
        """
        state = self.agents.get(report.agent)
        wanted = {(report.device, kind): len(table["key"]) for kind, table in report.tables.items()}
        proposed = {**claims, (report.device, ""): 0, **wanted}
        devices = {device for device, _ in proposed} | (state.devices if state is not None else set())
        rows = state.rows if state is not None else 0
        for (device, kind), count in proposed.items():
            known = self._tables.get((report.agent, device), {}).get(kind)
            rows += count - (len(known.table["key"]) if known is not None else 0)
        if len(devices) > MAX_DEVICES or rows > MAX_ROWS:
            return False
        claims.update(proposed)
        return True

    def newer(self, agent: str, device: str, kind: str, at: float) -> bool:
        """Whether a table measured at ``at`` would replace the known one."""
        known = self._tables.get((agent, device), {}).get(kind)
        return known is None or at > known.at

    def apply(self, province: str, report: Report, at: float, received: float, absence: float = 0.0) -> None:
        """Apply a report measured at ``at`` (corrected) that came at ``received``.

        ``absence``: seconds that the collector was down since; the report's age does not count them.
        """
        state = self._agent(report.agent, province)
        state.reported = max(state.reported, received)
        self._alive(state, at, received)
        state.devices.add(report.device)
        self.watch(report, at, received)
        shift = report.at - at
        device = (report.agent, report.device)
        for event in report.events:
            self._note_link(device, event, min(event.at - shift, received))
        for kind, table in report.tables.items():
            if kind == PROBE.name and not report.device:
                self._note_rounds(report.agent, table, at + absence)
            elif kind == INTERFACE.name:
                self.counted.note(device, table, at, absence)
            self._put(device, kind, table, at, at + absence, received + absence)
        if report.events:
            self._apply_links(device)
        self._changed.add(report.agent)

    def set_status(self, province: str, status: Status, received: float, *, retained: bool) -> None:
        """Apply a status or last will. A retained one tells what the agent is, not that it is alive now."""
        known = status.agent in self.agents
        state = self._agent(status.agent, province)
        state.online = status.online
        state.goodbye = _is_goodbye(status)
        if not status.online:
            state.offline_since = received
        elif not retained or not known:
            state.heard = max(state.heard, received)
        if status.online or state.status is None:
            state.status = status
        self._changed.add(status.agent)

    def restore_agent(self, province: str, agent: str, status: Status | None, heard: float, reported: float) -> None:
        """Take up an agent from the store; its last word is the status."""
        state = self._agent(agent, province)
        state.heard, state.reported = heard, reported
        if status is not None:
            state.online, state.status, state.goodbye = status.online, status, _is_goodbye(status)
        self._changed.add(agent)

    def restore_table(
        self, province: str, device: DeviceKey, kind: str, table: Table, *, at: float, now: float, absence: float
    ) -> None:
        """Take up a table from the store at ``now``; its age does not count the collector's ``absence`` (seconds)."""
        state = self._agent(device[0], province)
        state.devices.add(device[1])
        if kind == INTERFACE.name:
            self.counted.note(device, table, at, absence)
        self._put(device, kind, table, at, at + absence, now)
        self._changed.add(device[0])

    def expire(self, now: float) -> None:
        """Take what is too old off the exposition, and put the agents' own series on it."""
        for (agent, device), kinds in self._tables.items():
            for kind, shown in kinds.items():
                if shown.exposed and now - shown.fresh > self.expiry:
                    self._exposition.drop(("table", agent, device, kind))
                    shown.exposed = False
                    self._changed.add(agent)

    def take_changed(self) -> set[str]:
        """Return the agents something changed for, and start anew; their own series are written on the way."""
        changed, self._changed = self._changed, set()
        for agent in changed:
            self._write_agent(agent)
        return changed

    def set_cloned(self, agents: frozenset[str]) -> None:
        """Take the agents whose identity two sources use at once."""
        self._changed |= self._cloned ^ agents
        self._cloned = agents

    @property
    def changed(self) -> bool:
        """Whether anything changed since :meth:`take_changed`."""
        return bool(self._changed)

    def agent(self, agent: str) -> AgentReading | None:
        """Return what is known of an agent, None when it was never heard."""
        state = self.agents.get(agent)
        return None if state is None else AgentReading(state.online, state.heard, state.goodbye, state.spare)

    def battery(self, agent: str, before: float) -> bool:
        """Whether a UPS that ``agent`` polls told, shortly before ``before`` or after it, that it ran on battery."""
        state = self.agents.get(agent)
        for device in state.devices if state is not None else ():
            shown = self._tables.get((agent, device), {}).get(UPS.name)
            if shown is not None and shown.fresh >= before - BATTERY_MEMORY and 1 in shown.table.get("on_battery", ()):
                return True
        return False

    def device(self, key: DeviceKey) -> DeviceReading | None:
        """Return the last poll of a device."""
        shown = self._tables.get(key, {}).get(DEVICE.name)
        if shown is None:
            return None
        snmp_state = _cell(shown.table, "snmp_state", 0)
        if snmp_state is None:
            up = _cell(shown.table, "snmp_up", 0)
            snmp_state = "ok" if up or up is None else "silent"
        return DeviceReading(snmp_state, shown.fresh)

    def interface(self, key: DeviceKey, name: str) -> InterfaceReading | None:
        """Return the last reading of an interface; a link event newer than the table is part of it."""
        link = self._links.get(key, {}).get(name)
        shown = self._tables.get(key, {}).get(INTERFACE.name)
        row = shown.row(name) if shown is not None else -1
        if shown is None or row < 0:
            return None if link is None else InterfaceReading(link[1], None, link[0])
        oper_up, admin_up = _cell(shown.table, "oper_up", row), _cell(shown.table, "admin_up", row)
        at = shown.fresh if link is None else max(shown.fresh, link[0])
        return InterfaceReading(
            None if oper_up is None else bool(oper_up), None if admin_up is None else bool(admin_up), at
        )

    def interfaces(self, key: DeviceKey) -> tuple[str, ...]:
        """Return the names of the interfaces that a device has reported."""
        shown = self._tables.get(key, {}).get(INTERFACE.name)
        return tuple(shown.table["key"]) if shown is not None else ()

    def rounds(self, agent: str, probe: str) -> tuple[ProbeReading, ...]:
        """Return the last rounds of a probe, oldest first."""
        return tuple(self._rounds.get((agent, probe), ()))

    def exposed(self, key: DeviceKey) -> dict[str, tuple[Table, float]]:
        """Return the tables of a device that are not too old, by kind, with their times."""
        return {kind: (one.table, one.fresh) for kind, one in self._tables.get(key, {}).items() if one.exposed}

    def devices_of(self, agent: str) -> Iterable[str]:
        """Return the devices that an agent has reported; "" is the agent itself."""
        state = self.agents.get(agent)
        return state.devices if state is not None else ()

    def value(self, agent: str, device: str, kind: str, key: str, column: str) -> Any:
        """Return one cell of what is exposed now, None where there is none."""
        shown = self._tables.get((agent, device), {}).get(kind)
        if shown is None or not shown.exposed:
            return None
        row = shown.row(key)
        return _cell(shown.table, column, row) if row >= 0 else None

    def _agent(self, agent: str, province: str) -> AgentState:
        state = self.agents.get(agent)
        if state is None:
            state = self.agents[agent] = AgentState(province)
        return state

    def _alive(self, state: AgentState, at: float, received: float) -> None:
        state.heard = max(state.heard, received)
        if not state.online and at > state.offline_since:
            state.online = True  # measured after we heard that it is gone: it is back, whatever became of its status

    def _put(self, device: DeviceKey, kind: str, table: Table, at: float, fresh: float, now: float) -> None:
        state = self.agents[device[0]]
        kinds = self._tables.setdefault(device, {})
        shown = kinds.get(kind)
        if shown is not None and at <= shown.at:
            return
        if shown is None:
            shown = kinds[kind] = _Shown(self._text(*device, kind), at, fresh, table)
        else:
            state.rows -= len(shown.table["key"])
            shown.at, shown.fresh, shown.table = at, fresh, table
        state.rows += len(table["key"])
        if kind == AGENT.name and not device[1]:
            state.spare = bool(_cell(table, "uplink_spare", 0))
            state.drops = state.drops.after(_cell(table, "reports_dropped_total", 0), fresh)
        if kind == INTERFACE.name and device in self._links:
            self._merge_links(device, shown)
        shown.exposed = now - fresh <= self.expiry and fresh - at <= MAX_ABSENCE
        if shown.exposed:
            self._exposition.put(("table", *device, kind), shown.text.write(shown.table))

    def _text(self, agent: str, device: str, kind: str) -> TableText:
        state = self.agents[agent]
        site = getattr(self._sites.get(agent), "id", "")
        return TableText(KINDS_BY_NAME[kind], state.province, site, agent, device)

    def _note_link(self, device: DeviceKey, event: Event, at: float) -> None:
        links = self._links.setdefault(device, {})
        known = links.get(event.key)
        shown = self._tables.get(device, {}).get(INTERFACE.name)
        if (known is not None and known[0] >= at) or (shown is not None and at <= shown.at):
            return
        links[event.key] = (at, event.up)
        if len(links) > MAX_LINKS:
            del links[min(links, key=lambda name: links[name][0])]

    def _apply_links(self, device: DeviceKey) -> None:
        shown = self._tables.get(device, {}).get(INTERFACE.name)
        if shown is not None and self._links.get(device):
            self._merge_links(device, shown)
            if shown.exposed:
                self._exposition.put(("table", *device, INTERFACE.name), shown.text.write(shown.table))

    def _merge_links(self, device: DeviceKey, shown: _Shown) -> None:
        """Let link events newer than the table speak; forget the others."""
        links = self._links[device] = {name: link for name, link in self._links[device].items() if link[0] > shown.at}
        if not links:
            del self._links[device]
            return
        keys = shown.table["key"]
        oper_up = list(shown.table.get("oper_up") or [None] * len(keys))
        for name, (_, up) in links.items():
            row = shown.row(name)
            if row >= 0:
                oper_up[row] = int(up)
        shown.table["oper_up"] = oper_up

    def _note_rounds(self, agent: str, table: Table, at: float) -> None:
        for row, probe in enumerate(table["key"]):
            rounds = self._rounds.get((agent, probe))
            if rounds is None or any(one.at == at for one in rounds):
                continue
            sent, received = _cell(table, "packets_sent", row), _cell(table, "packets_received", row)
            if sent is None:
                continue
            rtt, jitter = _cell(table, "rtt_seconds", row), _cell(table, "jitter_seconds", row)
            insort(rounds, ProbeReading(at, int(sent), int(received or 0), rtt, jitter), key=lambda one: one.at)
            del rounds[:-ROUNDS]

    def _write_agent(self, agent: str) -> None:
        state = self.agents[agent]
        site = getattr(self._sites.get(agent), "id", "")
        labels = labels_text({"province": state.province, "site": site, "agent": agent})
        clock = self._clocks.get(agent)
        shown = self._tables.get((agent, ""), {}).get(AGENT.name)
        heartbeat = (shown.table, shown.fresh) if shown is not None and shown.exposed else None
        told = state.tell(heartbeat, clock.wrong if clock is not None else None, cloned=agent in self._cloned)
        chunks = agent_chunks(labels, online=state.online, reported=state.reported, clock=clock, problems=told)
        self._exposition.put((AGENT.name, agent), chunks)


def _is_goodbye(status: Status) -> bool:
    """Whether an agent stopped by its own word: a last will is written before and has no time."""
    return not status.online and status.at > 0


def _cell(table: Table, column: str, row: int) -> Any:
    cells = table.get(column)
    return cells[row] if cells is not None else None
