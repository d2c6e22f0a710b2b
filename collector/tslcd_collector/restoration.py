"""From what the store remembers back to the state before the stop: marks, agents, tables, probe rounds, verdicts.

Invariant: the time the collector was down counts for nobody. What was fresh when it stopped is fresh when it starts, and an agent
that was heard within GRACE seconds before counts as heard now, so a restart changes no verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tslcd_collector.decompression import decompress
from tslcd_wire import codec
from tslcd_wire.errors import WireError

if TYPE_CHECKING:
    from tslcd_collector.admit import Admission
    from tslcd_collector.board import Board
    from tslcd_collector.store import Memory
    from tslcd_collector.supervision import Supervision

#: An agent heard so shortly before the stop (seconds) counts as heard at the start.
GRACE: Final = 60.0


def restore(memory: Memory, *, admission: Admission, board: Board, supervision: Supervision, now: float) -> list[str]:
    """Fill everything from ``memory`` at ``now`` (UTC seconds); return channels whose open verdict nobody wants any more."""
    alive = memory.alive if memory.alive is not None else now
    absence = max(0.0, now - alive)
    for mark in memory.marks:
        admission.restore(mark.agent, mark.stream, mark.ranges)
    for row in memory.agents:
        try:
            status = codec.decode_status(row.status) if row.status is not None else None
        except WireError:
            status = None  # written by another version
        heard = now if alive - row.heard <= GRACE else row.heard + absence
        board.restore_agent(row.province, row.agent, status, heard, row.heard)
    for latest in memory.latest:
        board.restore_table(
            latest.province,
            (latest.agent, latest.device),
            latest.kind,
            latest.table,
            at=latest.at,
            now=now,
            absence=absence,
        )
    for entry in memory.replay:
        try:
            report = codec.decode_report(entry.payload, decompress).report
        except WireError:
            continue  # the same
        board.apply(entry.province, report, entry.at, entry.received, absence)
    supervision.equipment.restore(memory.spans, absence)
    return supervision.restore(memory.verdicts, memory.ended, absence)
