"""A small province as the collector's judges see it: what its agents tell, and what is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from support import inventories
from support.collector import interface_table, probe_table
from tslcd_collector import inventory as inventories_of
from tslcd_collector.board import Board
from tslcd_collector.exposition import Exposition
from tslcd_collector.supervision import Supervision
from tslcd_wire.report import Report

if TYPE_CHECKING:
    from pathlib import Path

    from tslcd_collector.clock import Clocks
    from tslcd_collector.inventory import Inventory
    from tslcd_wire.report import Tables

NOW: Final = 1_790_000_000.0
#: The agents of the chain, and its devices.
AGENTS: Final = ("hub", "a1", "a2", "a3")
DEVICES: Final = """\
devices:
- {id: core, site: s1, agent: hub, role: router}
- {id: fw, site: s2, agent: a1, role: firewall}
- {id: new, site: s2, agent: a1, role: switch, in_service: false}
"""


def channels(*rows: tuple[str, str, str, str]) -> str:
    """Return ``channels.yaml``: id, site, operator and what else is told of each, as YAML."""
    return "channels:\n" + "".join(
        f"- {{id: {channel}, site: {site}, agency: ubnd, operator: {operator}, circuit: {channel}, access_level: II,"
        f" contracted: 2Mbps, connected_since: 2025-07-01, legal_document: 1/2025, {more}}}\n"
        for channel, site, operator, more in rows
    )


#: trunk carries c1, c1 carries c2 and c2 carries c3; each by an agent of its own. d1 and d2 stand in for each other. The channels are
#: written the wrong way round.
CHANNELS: Final = channels(
    ("c3", "s2", "VNPT", "upstream: c2, binding: {agent: a3, probes: [gateway]}"),
    ("c2", "s2", "VNPT", "upstream: c1, binding: {agent: a2, probes: [gateway]}"),
    ("c1", "s2", "VNPT", "upstream: trunk, binding: {agent: a1, probes: [gateway]}"),
    ("trunk", "s1", "Viettel", "binding: {agent: hub, device: core, interface: wan1}"),
    ("d1", "s1", "VNPT", "redundancy_group: g, binding: {agent: hub, probes: [gateway]}"),
    ("d2", "s1", "Viettel", "redundancy_group: g, binding: {agent: hub, probes: [other]}"),
    ("free", "s1", "VNPT", "binding: {agent: hub, probes: [gateway]}, in_service: false"),
)


class Province:
    """What agents told, and what is made of it."""

    def __init__(self, known: Inventory, clocks: Clocks | None = None) -> None:
        """Start without reports; ``clocks`` watches those of the agents.

        ``absence``: seconds that the collector was away since the reports that come.
        """
        self.known = known
        self.absence = 0.0
        self.clocks = clocks
        self.exposition = Exposition()
        self.board = Board(self.exposition, 300.0, clocks.agents if clocks is not None else None)
        self.supervision = Supervision(self.board, self.exposition)
        self.board.set_inventory(known)
        self.supervision.set_inventory(known)

    def hear(self, agent: str, at: float, tables: Tables, *, device: str = "") -> None:
        """Apply a report measured and received so many seconds after NOW."""
        report = Report(
            agent=agent,
            stream="0198f3c2",
            seq=1,
            at=NOW + at,
            boot="7c1e",
            mono=1000 + at,
            device=device,
            tables=tables,
        )
        if self.clocks is not None:
            self.clocks.learn(report, NOW + at, live=True)
        self.board.apply("86", report, NOW + at, NOW + at, self.absence)

    def verdicts(self, at: float, *agents: str) -> dict[str, str]:
        """Judge everything, or what some agents told, so many seconds after NOW."""
        self.supervision.judge(NOW + at, set(agents) if agents else None)
        return {
            channel: f"{one.verdict.state.value} {one.verdict.reason.value}"
            for channel, one in self.supervision.standing.items()
        }

    def lines(self, start: str = "") -> list[str]:
        """Return the lines of the exposition that start so."""
        text = self.exposition.scrape(b"", openmetrics=False, zipped=False).body().decode()
        return [line for line in text.splitlines() if line.startswith(start)]


class Chain(Province):
    """Channels that carry each other, as four agents tell of them."""

    def round(self, at: float, *agents: str, trunk: bool = True, lost: int = 0, other: int = 0) -> None:
        """Let agents tell: trunk's link, packets that the gateway's probe lost, and the other one."""
        for agent in agents or AGENTS:
            if agent == "hub":
                self.hear(agent, at, interface_table(up=trunk), device="core")
                probes: Any = probe_table(lost=other)
                probes["probe"]["key"] = ["other"]
                self.hear(agent, at, probes)
            self.hear(agent, at + 0.01, probe_table(lost=lost))


def load(folder: Path, devices: str = DEVICES, written: str = CHANNELS) -> Inventory:
    """Load a province's inventory, written into ``folder``; by default the chain's."""
    changes: dict[str, str | None] = {"devices.yaml": devices, "channels.yaml": written}
    return inventories_of.load(inventories.write(folder, changes))


def well(folder: Path) -> Chain:
    """Make the chain, with everything good and judged a second after NOW."""
    made = Chain(load(folder))
    made.round(0)
    assert set(made.verdicts(1).values()) == {"up ok", "maintenance not_in_service"}
    return made
