"""Delivers points to one store: every good one, whatever the store answers; each bad one is found, set aside and counted.

Invariants:

* A batch leaves unchanged MAX_SENDS times at most. Then it is halved; what is refused is halved at once. A sample that stands alone and is
  not refused, only not answered well, goes on together with a canary, so that chance does not cost it: ALONE_SENDS times at most.
* A sample is set aside only when it stood alone and the store proved, with a *canary* right after the refusal, that it takes in others. A store
  that refuses everything costs time, and not one sample.
* After any failure nothing of a batch is sent before a canary was accepted. A canary is one sample of a series of its own
  (CANARY), at its own present, so it is never the same twice and never the bad one.
* Pauses are jittered, grow up to MAX_PAUSE and obey ``Retry-After``; what leaves is bounded by a rate of samples a second.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Final, Protocol

from tslcd_collector.backfill.answer import Answer, Outcome, pause
from tslcd_collector.backfill.points import Point, labels_of
from tslcd_collector.backfill.remote_write import encode
from tslcd_collector.backfill.sieve import Reason
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

#: How often one batch may leave as it is.
MAX_SENDS: Final = 3
ALONE_SENDS: Final = 30
#: The canary's series: the time when it was sent. It is in the store only, not on ``/metrics``.
CANARY: Final = "tslcd_collector_backfill_canary_timestamp_seconds"


class Receiver(Protocol):
    """Where batches go."""

    async def send(self, body: bytes) -> Answer:
        """Send one request; every failure is an answer."""


class Ledger(Protocol):
    """Who counts."""

    def answered(self, outcome: Outcome) -> None:
        """Count a request by what came of it."""

    def delivered(self, samples: int) -> None:
        """Count samples that the store took."""

    def aside(self, reason: Reason, samples: int) -> None:
        """Count samples that were given up."""


class Delivery:
    """One store. ``name``: of the target, for the log; ``batch``: samples a request; ``rate``: samples a second."""

    def __init__(
        self,
        name: str,
        receiver: Receiver,
        ledger: Ledger,
        *,
        batch: int,
        rate: float,
        scrape: Mapping[str, str],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``scrape``: labels of every series; ``sleep`` is replaced in tests."""
        #: No answer came since somebody last looked: the store may have been started anew.
        self.lost_sight = False
        self._receiver = receiver
        self._ledger = ledger
        self._batch = batch
        self._rate = rate
        self._canary = labels_of(CANARY, {**scrape, "target": name})
        self._canary_at = 0
        self._sleep = sleep
        self._failing: Outcome | None = None
        self._free_at = 0.0
        self._log = get_logger("backfill").bind(target=name)

    async def deliver(self, points: list[Point]) -> None:
        """Deliver these, in order; returns when every one was taken or set aside, however long that lasts."""
        pending = [points[start : start + self._batch] for start in range(0, len(points), self._batch)]
        pending.reverse()
        while pending:
            batch = pending.pop()
            if await self._try(batch):
                continue
            if len(batch) > 1:
                middle = len(batch) // 2
                pending += (batch[middle:], batch[:middle])
            else:
                self._ledger.aside(Reason.REFUSED, 1)
                (point,) = batch
                self._log.warning("sample set aside", series=dict(point.labels).get("__name__"), at=point.at / 1000)

    async def _try(self, batch: list[Point]) -> bool:
        """Send a batch until it is taken; return False when it has to be changed, or given up if it is one sample."""
        body = encode(batch)
        for attempt in range(MAX_SENDS if len(batch) > 1 else ALONE_SENDS):
            await self._take_turn(len(batch))
            answer = await self._send(body if attempt < MAX_SENDS else encode([*batch, self._sing()]))
            if answer.outcome is Outcome.ACCEPTED:
                self._ledger.delivered(len(batch))
                self._recovered()
                return True
            if answer.outcome is Outcome.REFUSED and len(batch) > 1:
                return False
            if await self._until_well(answer) and answer.outcome is Outcome.REFUSED:
                return False
        return False

    async def _until_well(self, answer: Answer) -> bool:
        """Send canaries until one is accepted; return whether the very first one was."""
        attempt = 0
        while True:
            if answer.outcome is not Outcome.REFUSED or attempt:
                if attempt:
                    self._failed(answer)  # not only this batch: a canary failed, too
                await self._sleep(pause(max(1, attempt), random.random(), answer.retry_after))  # noqa: S311 - spreads retries
            answer = await self._send(encode([self._sing()]))
            if answer.outcome is Outcome.ACCEPTED:
                return attempt == 0
            attempt += 1

    def _sing(self) -> Point:
        """Return a canary that never was before."""
        self._canary_at = max(self._canary_at + 1, int(time.time() * 1000))
        return Point(self._canary, self._canary_at, self._canary_at / 1000)

    async def _send(self, body: bytes) -> Answer:
        answer = await self._receiver.send(body)
        self._ledger.answered(answer.outcome)
        self.lost_sight |= answer.outcome is Outcome.UNREACHABLE
        return answer

    async def _take_turn(self, samples: int) -> None:
        """Wait until the rate allows ``samples`` more."""
        now = asyncio.get_running_loop().time()
        if self._free_at > now:
            await self._sleep(self._free_at - now)
        self._free_at = max(now, self._free_at) + samples / self._rate

    def _failed(self, answer: Answer) -> None:
        if self._failing is not answer.outcome:
            self._failing = answer.outcome
            self._log.error("store not usable, trying again", outcome=answer.outcome.value, reason=answer.text)

    def _recovered(self) -> None:
        if self._failing is not None:
            self._failing = None
            self._log.info("store takes samples again")
