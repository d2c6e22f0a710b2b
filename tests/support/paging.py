"""Posts as Alertmanager makes them, settings with people in them, and a queue in memory with time as an argument."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from tslcd_collector.pager import casebook, outbox, queue, reception, webhook
from tslcd_collector.pager.routing import Routing
from tslcd_collector.pager.settings import PagerSettings
from tslcd_runtime import settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tslcd_collector.pager.novelty import Novelty
    from tslcd_collector.pager.outbox import Work

#: Thursday 24 September 2026, 14:00 local time.
NOON: Final = dt.datetime(2026, 9, 24, 7, tzinfo=dt.UTC).timestamp()
CHANNELS: Final = "channels: [{by: bot, to: '%s'}]"
#: An, who has quiet hours, and Bình, whom no rate holds back; a test adds who is told when.
TWO_PEOPLE: Final = f"""
people:
- {{id: an, name: An, {CHANNELS % 1}, quiet: ['22:00-06:00'], rate: {{messages: 1000}}}}
- {{id: binh, name: Bình, {CHANNELS % 2}, rate: {{messages: 1000}}}}
"""


def iso(at: float) -> str:
    """Write UTC seconds as Alertmanager does."""
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat().replace("+00:00", "Z")


def alert(
    name: str = "c1",
    starts: float = NOON,
    ends: float | None = None,
    annotations: dict[str, str] | None = None,
    **labels: str,
) -> dict[str, Any]:
    """Return one alert of a post: channel ``name`` is down."""
    texts = {
        "summary_vi": f"Kênh {name} mất kết nối",
        "summary_en": f"Channel {name} is down",
        "reason_vi": "giao diện mất tín hiệu",
        "reason_en": "the interface is down",
        "action_vi": "báo đơn vị vận hành",
        "action_en": "call the operator",
        "runbook": "runbooks/ChannelDown.md",
    }
    return {
        "status": "firing" if ends is None else "resolved",
        "labels": {"alertname": "ChannelDown", "channel": name, "site": "86-00001", "party": "operator", **labels},
        "annotations": texts if annotations is None else annotations,
        "startsAt": iso(starts),
        "endsAt": iso(ends) if ends is not None else "0001-01-01T00:00:00Z",
        "generatorURL": "http://192.0.2.1:9090/graph",
        "fingerprint": f"f-{name}",
    }


def post(*alerts: dict[str, Any], group: str = '{}:{site="86-00001"}', **changes: Any) -> bytes:
    """Return the body of a post."""
    firing = any(one.get("status") == "firing" for one in alerts)
    document = {
        "version": "4",
        "groupKey": group,
        "truncatedAlerts": 0,
        "status": "firing" if firing else "resolved",
        "receiver": "pager-critical",
        "groupLabels": {"site": "86-00001"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://192.0.2.1:9093",
        "alerts": list(alerts),
        **changes,
    }
    return json.dumps(document).encode()


def people(directory: Path, text: str) -> PagerSettings:
    """Read settings whose account ``bot`` exists already."""
    (directory / "token").write_text("7012:token\n")
    return settings.loads(
        f"zalo: [{{name: bot, token: {{file: token}}}}]\n{text}".encode(), PagerSettings, directory=directory
    ).value


class Desk:
    """Casebook and outbox on a queue in memory: ``now`` is what a test says, and every message is taken at once."""

    def __init__(self, known: PagerSettings) -> None:
        """Make an empty queue."""
        self.now = NOON
        self.routing = Routing(known)
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.executescript(queue.SCHEMA)

    def close(self) -> None:
        """Close the queue."""
        self.connection.close()

    def take(self, body: bytes, severity: str = "critical", *, believed: bool = True) -> Counter[Novelty]:
        """Take a post in; unless told otherwise, what it says to be over is ``believed`` at once."""
        found = casebook.take(self.connection, self.routing, severity, webhook.read(body), self.now)
        if believed:
            casebook.believe(self.connection, self.routing, self.now)
        return Counter(found)

    def hear(self, starts: float = NOON - 86_400, settle: float = 300.0) -> bool:
        """Hear the dead man's switch, pressed since then."""
        return reception.hear(self.connection, self.routing, starts, self.now, settle)

    def work(self, recipient: str) -> Work | None:
        """Return what a recipient is told now."""
        return outbox.work(self.connection, self.routing, recipient, self.now)

    def drain(self) -> list[tuple[str, list[tuple[str, int, list[str]]]]]:
        """Tell everybody all that is due: for each message who, and of each story in it kind, incident and channels."""
        said = []
        for recipient in outbox.ready(self.connection, self.now):
            while (one := self.work(recipient)) is not None:
                outbox.told(self.connection, one, [outbox.Try("bot", "accepted")], self.now)
                tale = [(s.kind.value, s.incident, [item.channel for item in s.items]) for s in one.stories]
                said.append((recipient, tale))
        return said

    def fail(self, recipient: str, again: float | None) -> Work:
        """Have what a recipient is told now taken by no channel."""
        one = self.work(recipient)
        assert one is not None
        outbox.failed(self.connection, self.routing, one, [outbox.Try("bot", "hanging")], self.now, again)
        return one

    def escalate(self) -> int:
        """Do a round of escalation."""
        return casebook.escalate(self.connection, self.routing, self.now)

    def rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Look into the queue."""
        return self.connection.execute(query, values).fetchall()

    def audited(self) -> list[str]:
        """Return the events of the audit log."""
        return [event for (event,) in self.rows("SELECT event FROM audit ORDER BY id")]
