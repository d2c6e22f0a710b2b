"""What the collectors' acknowledgements mean for the spool and for what is under way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tslcd_agent.courier.lanes import Marks, UnderWay
from tslcd_agent.courier.pace import Window
from tslcd_agent.spool.state import MAX_SEQ, key_of
from tslcd_runtime.logs import get_logger
from tslcd_wire import codec
from tslcd_wire.errors import WireError
from tslcd_wire.ranges import RangeSet

if TYPE_CHECKING:
    from tslcd_agent.spool import Spool
    from tslcd_wire.report import Ack

#: Numbers looked up for one acknowledgement's ``missing``.
MAX_LOOKUP: Final = 4096

_log = get_logger("courier")


class Answers:
    """Deletes what enough collectors have, lets go what they miss. ``ack_timeout`` in seconds, see :class:`UnderWay`."""

    def __init__(self, spool: Spool, ack_timeout: float, required: int) -> None:
        """Start with nothing under way."""
        self._spool = spool
        self._ack_timeout = ack_timeout
        self._marks = Marks(required)
        #: What is under way.
        self.way = UnderWay(ack_timeout)
        #: How much may be under way while history goes.
        self.window = Window()
        #: Numbers of the present stream that a collector asked for and that are not here any more.
        self.lost = RangeSet()
        #: How often the stream was made anew, since a collector knew more of it than the spool ever made.
        self.renewals = 0
        #: Acknowledgements by outcome.
        self.counts = {"applied": 0, "foreign": 0, "malformed": 0}
        #: Whether a collector spoke on this connection, and when one did last (monotonic seconds).
        self.heard = False
        self.heard_at = 0.0

    def reconnected(self) -> None:
        """Note that there is a new connection."""
        self.heard = False
        self.way.reconnected()
        self.window.reconnected()

    async def take(self, payload: bytes) -> None:
        """Apply one acknowledgement; what cannot be understood is counted, and said once."""
        try:
            ack = codec.decode_ack(payload)
        except WireError as error:
            if not self.counts["malformed"]:
                _log.warning("acknowledgement not understood", code=error.code, reason=str(error))
            self.counts["malformed"] += 1
            return
        await self._apply(ack)

    async def _apply(self, ack: Ack) -> None:
        """Delete what is stored, let go what is missing, note what is lost."""
        standing = await self._spool.standing(ack.stream)
        if standing is None:
            self.counts["foreign"] += 1
            return
        generation, newest = standing
        if max(ack.upto, *(last for _, last in ack.have), 0) > newest:
            _log.error(
                "collector has reports that this spool never made: it was set back, or copied", collector=ack.collector
            )
            await self._spool.renew_stream(ack.stream)
            self.way = UnderWay(self._ack_timeout)
            self.lost = RangeSet()
            self.renewals += 1
            return
        has = RangeSet((key_of(generation, first), key_of(generation, last)) for first, last in ack.have)
        if ack.upto:
            has.add(key_of(generation, 1), key_of(generation, ack.upto))
        self.window.heard(has, time.monotonic())
        heard = self.way.acknowledged(has, key_of(generation, 0), key_of(generation, MAX_SEQ), time.monotonic())
        enough = self._marks.note(ack.collector, ack.stream, ack.upto, ack.have)
        await self._spool.confirm(ack.stream, enough)
        for first, last in enough:
            self.way.confirmed(key_of(generation, first), key_of(generation, last))
        await self._answer_missing(ack, generation, newest, heard)
        self.counts["applied"] += 1
        self.heard, self.heard_at = True, time.monotonic()

    async def _answer_missing(self, ack: Ack, generation: int, newest: int, heard: float) -> None:
        """Let go what a collector asks for; what is not here any more is lost, and the status will say so."""
        for first, last in ack.missing:
            until = min(last, newest, first + MAX_LOOKUP - 1)
            waiting = await self._spool.waiting(ack.stream, first, until, MAX_LOOKUP)
            if waiting is None or first > until:
                continue
            self.way.named((key_of(generation, seq) for seq in waiting), heard, time.monotonic())
            here = RangeSet((seq, seq) for seq in waiting)
            for gone in here.gaps(first, until):
                self.lost.add(*gone)
