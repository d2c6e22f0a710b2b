"""What the web application may look at, and nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tslcd_collector.verdict import PARTY_WORDS, STATE_WORDS, Party, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from tslcd_collector.admit import Admission
    from tslcd_collector.board import Board
    from tslcd_collector.exposition import Exposition
    from tslcd_collector.ledger import Ledger
    from tslcd_collector.metrics import Metrics
    from tslcd_collector.supervision import Supervision
    from tslcd_runtime.health import Health


@dataclass(slots=True, kw_only=True)
class View:
    """The parts of a running collector. ``ready``: the store is restored and the inventory loaded.

    ``scraped`` is called with the address of a program that scraped ``/metrics``, and did not merely look at it.
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
        return [
            {
                **channel,
                "state_words": STATE_WORDS[State(channel["state"])]._asdict(),
                "party_words": PARTY_WORDS[Party(channel["party"])]._asdict(),
            }
            for channel in self.supervision.describe()
        ]

    async def history(self, channel: str, since: float, until: float) -> dict[str, Any] | None:
        """Return the past of a channel between two times (UTC seconds) as the API has it, None for one that nobody knows.

        Raises LedgerError.
        """
        if self.ledger is None:
            return None
        past = await self.ledger.history(channel, since, until)
        known = self.supervision.inventory is not None and channel in self.supervision.inventory.channels
        if not known and not past.intervals:
            return None
        return {
            "channel": channel,
            "from": since,
            "to": until,
            "intervals": [
                {
                    **{name: getattr(one, name) for name in ("state", "reason", "party", "detail", "since", "until")},
                    "origin": one.origin,
                    "revision": one.revision,
                    "state_words": STATE_WORDS[State(one.state)]._asdict(),
                    "party_words": PARTY_WORDS[Party(one.party)]._asdict(),
                }
                for one in past.intervals
            ],
            "revisions": [one._asdict() for one in past.revisions],
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
                    "streams": streams,
                }
            )
        return found
