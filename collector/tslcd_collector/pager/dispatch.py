"""From the queue to people: one lane a recipient, channel after channel until one takes it.

Invariants:

* Messages to one recipient go one after another, oldest first; recipients never wait for each other.
* What it tries is in the queue before it is tried, and what came of it afterwards; a lane that ends leaves nothing in memory alone.
* A message is tried anew with jittered, growing pauses up to a minute, or as ``Retry-After`` says, until ``give_up``; a channel that said
  "never" is left out of it for ten minutes. Nobody else has to wait for that: the next step is told (:func:`casebook.hasten`).
* A queue that cannot be written to stops sending: who cannot remember what it told would tell it for ever.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Final

from tslcd_collector.backfill.answer import pause
from tslcd_collector.errors import StoreError
from tslcd_collector.pager import links, outbox, wording
from tslcd_collector.pager.accounts import Letter
from tslcd_collector.pager.answers import Outcome
from tslcd_collector.pager.outbox import Try
from tslcd_collector.pager.standing import Standing
from tslcd_collector.pager.story import Kind
from tslcd_collector.pager.wording import Form
from tslcd_runtime.language import Language
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tslcd_collector.pager.accounts import Account
    from tslcd_collector.pager.metrics import Metrics
    from tslcd_collector.pager.outbox import Work
    from tslcd_collector.pager.queue import Queue
    from tslcd_collector.pager.routing import Routing
    from tslcd_collector.pager.settings import Address, PagerSettings, Recipient
    from tslcd_runtime.health import Health

#: The queue is looked at once in so long even when nothing wakes us: commands write to it too. Seconds.
TICK: Final = 1.0
_STUCK: Final = 30.0


class Dispatch:
    """Sends until cancelled. :meth:`use` may be called again with other settings."""

    def __init__(self, queue: Queue, metrics: Metrics, health: Health) -> None:
        """Remember the parts."""
        self._queue = queue
        self._metrics = metrics
        self._health = health
        self._wake = asyncio.Event()
        self._lanes: set[str] = set()
        self._log = get_logger("pager")
        self._failing = False
        self._ending = False
        self.key = b""

    def use(self, settings: PagerSettings, routing: Routing, accounts: Mapping[str, Account]) -> None:
        """Send by these settings from now on; what was known of accounts is forgotten."""
        self._settings = settings
        self._routing = routing
        self._accounts = accounts
        self._standing = Standing()
        self.wake()

    def wake(self) -> None:
        """Look at the queue now."""
        self._wake.set()

    def finish(self) -> None:
        """Begin nothing new: :meth:`run` returns when what is under way is told."""
        self._ending = True
        self.wake()

    async def run(self) -> None:
        """Send until :meth:`finish`."""
        self._health.register("dispatch", _STUCK)
        async with asyncio.TaskGroup() as group:
            while not self._ending:
                self._health.beat("dispatch")
                self._wake.clear()
                try:
                    due = await self._queue.run(lambda connection: outbox.ready(connection, time.time()))
                except StoreError as error:
                    self._complain(error)
                    due = []
                for recipient in due:
                    if recipient not in self._lanes:
                        self._lanes.add(recipient)
                        group.create_task(self._lane(recipient), name=f"lane: {recipient}")
                try:
                    async with asyncio.timeout(TICK):
                        await self._wake.wait()
                except TimeoutError:
                    pass

    async def _lane(self, recipient: str) -> None:
        """Tell one recipient all that is due."""
        try:
            while not self._ending:
                work = await self._queue.run(
                    lambda connection: outbox.work(connection, self._routing, recipient, time.time())
                )
                if work is None:
                    return
                await self._tell(work)
        except StoreError as error:
            self._complain(error)
        finally:
            self._lanes.discard(recipient)

    async def _tell(self, work: Work) -> None:
        recipient = self._routing.recipients.get(work.recipient)
        channels = recipient.channels if recipient is not None else ()
        plan = self._standing.plan(channels, time.monotonic())
        tries = [Try(_shown(one), "left out") for one in plan.left_out]
        for channel in plan.channels if recipient is not None else ():
            outcome = await self._try(channel, work, recipient, tries)  # type: ignore[arg-type]
            if outcome is Outcome.ACCEPTED:
                await self._settle(work, tries, accepted=True, again=None)
                return
        now = time.time()
        again = None
        if channels and now - work.created < self._settings.give_up:
            asked = self._standing.wait(channels, time.monotonic())
            again = now + pause(work.attempt, random.random(), asked)  # noqa: S311 - spreads, protects nothing
        else:
            self._metrics.given_up.inc()
            self._log.error("message given up", recipient=work.recipient, incident=work.stories[0].incident)
        await self._settle(work, tries, accepted=False, again=again)

    async def _try(self, channel: Address, work: Work, recipient: Recipient, tries: list[Try]) -> Outcome:
        """Try one channel, and note what came of it."""
        account = self._accounts[channel.by]
        answer = await account.send(self.letter(work, recipient, channel, account))
        self._metrics.messages.labels(account.kind, answer.outcome.value).inc()
        tries.append(Try(_shown(channel), answer.outcome.value, answer.text))
        news = self._standing.note(channel, answer, time.monotonic())
        if news == "recovered":
            self._log.info("account works again", account=account.name)
        elif news:
            self._log.error("account does not take messages", account=account.name, outcome=news, said=answer.text)
        return answer.outcome

    def letter(self, work: Work, recipient: Recipient, channel: Address, account: Account) -> Letter:
        """Write what a channel is given."""
        language = Language(recipient.language)
        form = Form(language, account.length, account.ascii)
        open_ones = [one.incident for one in work.stories if one.kind not in {Kind.RESOLVED, Kind.TEST}]
        expires = time.time() + self._settings.links.valid
        link = links.link(self._settings.links.url, open_ones, recipient.id, self.key, expires)
        if len(work.stories) == 1:
            text = wording.message(work.stories[0], form, link)
            title = wording.title(work.stories[0], language)
        else:
            text = wording.summary(work.stories, form, link)
            title = text.partition("\n")[0]
        return Letter(channel.to, title[:200], text, f"tslcd-{work.ids[0]}-{int(work.created)}")

    async def _settle(self, work: Work, tries: list[Try], *, accepted: bool, again: float | None) -> None:
        """Write down what came of it; a message that was taken is not forgotten because the disk is full for a moment."""
        while True:
            try:
                if accepted:
                    await self._queue.run(lambda connection: outbox.told(connection, work, tries, time.time()))
                else:
                    await self._queue.run(
                        lambda connection: outbox.failed(connection, self._routing, work, tries, time.time(), again)
                    )
            except StoreError as error:
                self._complain(error)
                await asyncio.sleep(TICK)
                continue
            self._failing = False
            return

    def _complain(self, error: StoreError) -> None:
        self._metrics.queue_errors.inc()
        if not self._failing:
            self._failing = True
            self._log.error("queue cannot be used", reason=str(error))


def _shown(channel: Address) -> str:
    """Name a channel for the audit log: the account, and the end of the address."""
    return f"{channel.by}:…{channel.to[-4:]}"
