"""From a received message to what becomes of it: decode, identity, clock, admission. No network, no disk, no loop.

Invariants:

* Whatever the bytes are, :meth:`Reception.take` returns, and never raises.
* The agent of a message is the one in its topic, which the broker's rights guard; a payload that claims another is refused, and
  touches nobody's marks.
* A refused report whose number can be read counts as received, so that the agent lets go of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from tslcd_collector.acks import Address
from tslcd_collector.admit import AdmissionError, Decision
from tslcd_collector.decompression import decompress
from tslcd_collector.store import AgentRow, Batch, JournalRow, LatestRow, MarkRow
from tslcd_runtime.logs import get_logger
from tslcd_wire import codec, topics
from tslcd_wire.catalogue import PROBE
from tslcd_wire.errors import OversizeError, TopicError, WireError
from tslcd_wire.report import MAX_BYTES, Report, Seq, Status, Stream
from tslcd_wire.topics import Lane, Topic

if TYPE_CHECKING:
    from tslcd_collector.admit import Admission
    from tslcd_collector.board import Board
    from tslcd_collector.clock import Clocks
    from tslcd_collector.metrics import Metrics
    from tslcd_collector.power import Starts

#: The same agent and code is logged again after this long, seconds.
LOG_AGAIN: Final = 600.0
MAX_LOGGED: Final = 10_000


class _Name(msgspec.Struct):
    """What must be readable of a report for its number to be confirmed."""

    agent: str
    stream: Stream
    seq: Seq


_name_decoder = msgspec.json.Decoder(_Name)


class Taken(NamedTuple):
    """A report that is to be applied to the board. ``at``: corrected time of measurement; ``shown``: also without storing."""

    province: str
    report: Report
    at: float
    received: float
    lane: Lane
    new: bool


class TakenStatus(NamedTuple):
    """A status that is to be applied to the board."""

    province: str
    status: Status
    received: float
    retained: bool


@dataclass(slots=True)
class Intent:
    """What a batch of messages comes to: one transaction, then the board, then acknowledgements.

    ``acks``: whether each is urgent. ``touched``: streams whose marks changed. ``claims``: of an agent, rows by device and kind.
    """

    batch: Batch
    taken: list[Taken | TakenStatus] = field(default_factory=list)
    acks: dict[Address, bool] = field(default_factory=dict)
    touched: dict[tuple[str, str], None] = field(default_factory=dict)
    claims: dict[str, dict[tuple[str, str], int]] = field(default_factory=dict)


class Reception:
    """Takes messages one by one into an :class:`Intent`."""

    def __init__(
        self,
        admission: Admission,
        clocks: Clocks,
        board: Board,
        metrics: Metrics,
        *,
        provinces: frozenset[str],
        starts: Starts | None = None,
    ) -> None:
        """``provinces``: whose messages are read; with ``+`` everybody's. ``starts`` learns of what agents tell of their start."""
        self._starts = starts
        self.provinces = provinces
        self._admission = admission
        self._clocks = clocks
        self._board = board
        self._metrics = metrics
        self._log = get_logger("intake")
        self._logged: dict[tuple[str, str], float] = {}

    def take(self, topic: str, payload: bytes, received: float, intent: Intent, *, retained: bool, store: bool) -> None:
        """Decide about one message. Without ``store`` nothing is admitted, only what can be shown is taken."""
        try:
            address = topics.parse(topic)
        except TopicError as error:
            self.refuse(topic[:100], error.code, str(error), received)
            return
        if address.lane is Lane.ACK or ("+" not in self.provinces and address.province not in self.provinces):
            return  # what was subscribed to before, or is not for us
        try:
            if address.lane is Lane.STATUS:
                self._take_status(address, payload, received, intent, retained=retained, store=store)
            else:
                self._take_report(address, payload, received, intent, store=store)
        except AdmissionError as error:
            self.refuse(address.agent, error.code, "no room to keep account of it", received)

    def seal(self, intent: Intent) -> None:
        """Write the marks of everything admitted into the batch."""
        for agent, stream in intent.touched:
            marks = self._admission.marks(agent, stream)
            intent.batch.marks[agent, stream] = MarkRow(agent, stream, marks.upto, list(marks.seen))
        intent.batch.forgotten = self._admission.take_evicted()

    def stored(self, intent: Intent) -> None:
        """Everything of the batch is on disk: from now on agents may be told."""
        for row in intent.batch.marks.values():
            self._admission.stored(row.agent, row.stream, row.ranges)

    def withdraw(self, intent: Intent) -> None:
        """Take the admission back of everything that could not be stored."""
        for row in intent.batch.journal:
            self._admission.withdraw(row.agent, row.stream, row.seq)

    def refuse(self, who: str, code: str, why: str, now: float) -> None:
        """Count a refusal; log it when this one was not logged lately."""
        self._metrics.refused.labels(code).inc()
        last = self._logged.get((who, code))
        if last is None or now - last >= LOG_AGAIN:
            if len(self._logged) >= MAX_LOGGED:
                self._logged.clear()
            self._logged[who, code] = now
            self._log.warning("message refused", agent=who, code=code, why=why)

    def _take_status(
        self, address: Topic, payload: bytes, received: float, intent: Intent, *, retained: bool, store: bool
    ) -> None:
        if not payload:
            return  # an empty retained message only clears the old one (MQTT 5 section 3.3.1.3)
        try:
            status = codec.decode_status(payload)
        except WireError as error:
            self.refuse(address.agent, error.code, str(error), received)
            return
        if status.agent != address.agent:
            self.refuse(address.agent, "identity", f"status claims agent {status.agent}", received)
            return
        if store:
            if status.stream is not None:
                lost = self._admission.advance(
                    status.agent, status.stream, oldest=status.oldest, newest=status.newest, lost=status.lost
                )
                self._metrics.lost_reports.inc(lost)
                intent.touched[status.agent, status.stream] = None
                intent.acks[Address(address.province, status.agent, status.stream)] = True
            heard = self._heard(status.agent) if retained or not status.online else received
            intent.batch.agents[status.agent] = AgentRow(address.province, status.agent, heard, payload)
        intent.taken.append(TakenStatus(address.province, status, received, retained))

    def _take_report(self, address: Topic, payload: bytes, received: float, intent: Intent, *, store: bool) -> None:
        lane = address.lane
        try:
            report, unknown = codec.decode_report(payload, decompress)
        except WireError as error:
            self._refuse_report(address, payload, error.code, str(error), received, intent, store=store)
            return
        if report.agent != address.agent:
            self._metrics.reports.labels(lane.value, Decision.REFUSED.value).inc()
            self.refuse(address.agent, "identity", f"report claims agent {report.agent}", received)
            return
        if not self._board.fits(report, intent.claims.setdefault(report.agent, {})):
            self._refuse_report(address, payload, "bounds", "too many devices or rows", received, intent, store=store)
            return
        self._clocks.learn(report, received, live=lane is Lane.LIVE)
        if lane is Lane.LIVE:
            self._admission.live_source(report.agent, report.stream, report.boot, received)
        timed = self._clocks.place(report, received)
        at = timed.at
        decision = Decision.NEW
        if store:
            intent.acks.setdefault(Address(address.province, report.agent, report.stream), False)
            decision = self._admission.admit(report.agent, report.stream, report.seq)
            if decision is Decision.NEW:
                intent.touched[report.agent, report.stream] = None
                if not timed.known:
                    decision = Decision.UNTIMED
                elif at < received - self._clocks.max_age:
                    decision = Decision.TOO_OLD
            self._metrics.reports.labels(lane.value, decision.value).inc()
            if decision is not Decision.NEW:
                return
            self._keep(address, report, payload, at, received, intent)
        elif not timed.known:
            return
        if self._starts is not None:
            self._starts.note(report, at)
        self._metrics.clock_corrections.inc(timed.corrected)
        self._metrics.refused_columns.inc(len(unknown))
        intent.taken.append(Taken(address.province, report, at, received, lane, store))

    def _keep(self, address: Topic, report: Report, payload: bytes, at: float, received: float, intent: Intent) -> None:
        """Put a new report into the batch."""
        agent, batch = report.agent, intent.batch
        replay = bool(report.events) or PROBE.name in report.tables
        batch.journal.append(
            JournalRow(address.province, agent, report.stream, report.seq, at, received, replay, payload)
        )
        for kind, table in report.tables.items():
            key = (agent, report.device, kind)
            known = batch.latest.get(key)
            if (known is None or at > known.at) and self._board.newer(agent, report.device, kind, at):
                batch.latest[key] = LatestRow(address.province, agent, report.device, kind, at, received, table)
        before = batch.agents.get(agent)
        status = before.status if before is not None else None
        batch.agents[agent] = AgentRow(address.province, agent, received, status)

    def _refuse_report(
        self, address: Topic, payload: bytes, code: str, why: str, received: float, intent: Intent, *, store: bool
    ) -> None:
        """Refuse a report; when its number can be read, the agent may let go of it."""
        self._metrics.reports.labels(address.lane.value, Decision.REFUSED.value).inc()
        self.refuse(address.agent, code, why, received)
        name = _readable_name(payload)
        if store and code != OversizeError.code and name is not None and name.agent == address.agent:
            self._admission.admit(name.agent, name.stream, name.seq)
            intent.touched[name.agent, name.stream] = None
            intent.acks.setdefault(Address(address.province, name.agent, name.stream), False)

    def _heard(self, agent: str) -> float:
        state = self._board.agents.get(agent)
        return state.heard if state is not None else 0.0


def _readable_name(payload: bytes) -> _Name | None:
    if len(payload) > MAX_BYTES:
        return None
    try:
        plain = decompress(payload, MAX_BYTES) if payload.startswith(codec.ZSTD_MAGIC) else payload
        return _name_decoder.decode(plain)
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError):
        return None
