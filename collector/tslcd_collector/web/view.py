"""What the web application may look at, and nothing more."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tslcd_collector.ledger.rows import History
from tslcd_collector.verdict import PARTY_WORDS, STATE_WORDS, Party, State, words_of
from tslcd_collector.web.assets import SHIPPED
from tslcd_collector.web.day import Day
from tslcd_collector.web.events import Feed
from tslcd_collector.web.screen import Plan, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from tslcd_collector.access import Access
    from tslcd_collector.admit import Admission
    from tslcd_collector.board import Board
    from tslcd_collector.exposition import Exposition
    from tslcd_collector.ledger import Ledger
    from tslcd_collector.metrics import Metrics
    from tslcd_collector.operations import Acknowledgement, Operations
    from tslcd_collector.supervision import Supervision
    from tslcd_collector.web.screen import Row
    from tslcd_runtime.health import Health


@dataclass(slots=True, kw_only=True)
class View:
    """The parts of a running collector. ``ready``: the store is restored and the inventory loaded.

    ``scraped`` is called with the address of a program that scraped ``/metrics``, and did not merely look at it. ``operations``: what
    operators entered; ``feed.wake()`` is called when that changes. ``access``: where people log in.
    """

    collector: str
    exposition: Exposition
    metrics: Metrics
    supervision: Supervision
    board: Board
    admission: Admission
    health: Health
    scraped: Callable[[str], None] = lambda _: None
    ledger: Ledger | None = None
    ready: bool = False
    operations: Operations | None = None
    access: Access | None = None
    day: Day = field(default_factory=Day)
    feed: Feed = field(default_factory=Feed)
    _plan: Plan | None = None

    def plan(self) -> Plan | None:
        """Return what the inventory decides of the wall, None without one."""
        inventory = self.supervision.inventory
        if inventory is not None and (self._plan is None or self._plan.inventory is not inventory):
            self._plan = Plan(inventory)
        return self._plan

    def rows(self) -> dict[str, Row]:
        """Return what every channel is, and tell those who listen what changed."""
        taken = self.operations.acknowledgements if self.operations is not None else {}
        noted = self.operations.noted if self.operations is not None else {}
        found = rows(self.supervision.standing, {channel: one.who for channel, one in taken.items()}, noted)
        self.feed.publish(found)
        return found

    def beat(self) -> dict[str, Any]:
        """Return how old what we know is: ``age`` of the newest report (seconds, None without one), ``broker``: lost since.

        ``plan`` differs when a page was made from another inventory or by another version of this program.
        """
        now = time.time()
        reported = max((agent.reported for agent in self.board.agents.values()), default=0.0)
        plan = self.plan()
        return {
            "now": round(now, 1),
            "age": round(max(0.0, now - reported), 1) if reported else None,
            "broker": self.board.broker_lost,
            "plan": f"{plan.version if plan is not None else ''}-{SHIPPED.version}",
        }

    def not_ready(self) -> list[str]:
        """Return why the collector is not ready; nothing when it is."""
        reasons = []
        if self.supervision.inventory is None:
            reasons.append("the inventory is not loaded")
        if not self.ready:
            reasons.append("the store is not restored, or the collector is stopping")
        return reasons

    def channels(self) -> list[dict[str, Any]]:
        """Return every channel as the API has it."""
        taken = self.operations.acknowledgements if self.operations is not None else {}
        return [
            {
                **channel,
                **_taken(taken.get(channel["id"])),
                "state_words": STATE_WORDS[State(channel["state"])]._asdict(),
                "party_words": PARTY_WORDS[Party(channel["party"])]._asdict(),
            }
            for channel in self.supervision.describe()
        ]

    async def past(self, channel: str, since: float, until: float) -> History:
        """Return the past of a channel as the ledger has it, nothing without a ledger. Raises LedgerError."""
        if self.ledger is None:
            return History([], [], more=False)
        return await self.ledger.history(channel, since, until)

    async def history(self, channel: str, since: float, until: float) -> dict[str, Any] | None:
        """Return the past of a channel between two times (UTC seconds) as the API has it, None for one that nobody knows.

        Raises LedgerError.
        """
        if self.ledger is None:
            return None
        past = await self.past(channel, since, until)
        known = self.supervision.inventory is not None and channel in self.supervision.inventory.channels
        if not known and not past.intervals:
            return None
        return {
            "channel": channel,
            "from": since,
            "to": until,
            "intervals": [
                {
                    **{name: getattr(one, name) for name in ("state", "reason", "party", "since", "until")},
                    "detail": words_of(one.detail)._asdict(),
                    "origin": one.origin,
                    "revision": one.revision,
                    "state_words": STATE_WORDS[State(one.state)]._asdict(),
                    "party_words": PARTY_WORDS[Party(one.party)]._asdict(),
                }
                for one in past.intervals
            ],
            "revisions": [{**one._asdict(), "note": words_of(one.note)._asdict()} for one in past.revisions],
            "more": past.more,
        }

    def agents(self) -> list[dict[str, Any]]:
        """Return every agent that was ever heard, as the API has it; times in UTC seconds."""
        sites = self.supervision.inventory.agents if self.supervision.inventory is not None else {}
        found = []
        for agent, state in sorted(self.board.agents.items()):
            status, site = state.status, sites.get(agent)
            streams = []
            for stream in self.admission.streams(agent):
                marks = self.admission.marks(agent, stream)
                streams.append(
                    {"stream": stream, "upto": marks.upto, "newest": marks.newest, "missing": marks.missing_count()}
                )
            found.append(
                {
                    "agent": agent,
                    "province": state.province,
                    "site": site.id if site is not None else None,
                    "online": state.online,
                    "last_heard": state.heard,
                    "last_report": state.reported or None,
                    "version": status.version if status is not None else None,
                    "clock_offset": status.clock_offset if status is not None else None,
                    "start_reason": status.start_reason if status is not None else None,
                    "devices": sorted(device for device in state.devices if device),
                    "problems": sorted(problem.value for problem in state.problems),
                    "streams": streams,
                }
            )
        return found


def _taken(one: Acknowledgement | None) -> dict[str, Any]:
    """Return who took up the trouble of a channel, and when (UTC seconds)."""
    return {
        "acknowledged_by": one.who if one is not None else None,
        "acknowledged_at": one.at if one is not None else None,
        "acknowledgement": one.comment if one is not None else None,
    }
