"""What the agent says of itself on the retained topic ``status``: that it is there, which numbers it has, which are lost."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any, Final

from tslcd_runtime.mqtt import Will
from tslcd_wire import codec
from tslcd_wire.ranges import RangeSet
from tslcd_wire.report import MAX_RANGES, Status

if TYPE_CHECKING:
    from tslcd_agent.courier.answers import Answers
    from tslcd_agent.spool import Spool, Statistics
    from tslcd_runtime.mqtt import Connection

#: Least pause between two looks at whether the status must be told again, in seconds.
STATUS_PAUSE: Final = 5.0
#: How long a goodbye may take, in seconds.
GOODBYE: Final = 1.0


class Herald:
    """Tells the status of ``agent`` on ``topic``. ``boot``: shortened boot id; ``ack_timeout``: in seconds, of the settings."""

    def __init__(
        self, topic: str, agent: str, spool: Spool, answers: Answers, *, version: str, boot: str, ack_timeout: float
    ) -> None:
        """Remember; nothing was told yet."""
        self._topic = topic
        self._agent = agent
        self._spool = spool
        self._answers = answers
        self._version = version
        self._boot = boot
        self._ack_timeout = ack_timeout
        self._renewals = 0
        self._told: tuple[object, ...] = ()
        self._told_at = 0.0
        #: Digest of the configuration in use.
        self.config_digest = ""

    def will(self) -> Will:
        """Return what the broker says when the agent is gone without a goodbye."""
        return Will(self._topic, codec.encode(Status(agent=self._agent, online=False)))

    async def greet(self, connection: Connection) -> None:
        """Tell the status on a new connection. Raises BrokerError."""
        await self._tell(connection, await self._spool.statistics())

    async def tell_news(self, connection: Connection) -> None:
        """Tell the status again, not too often: when it became wrong by more than sending, or to ask for a late answer.

        An answer may be lost with a broker, and without new reports no other would ever come. Raises BrokerError.
        """
        now = time.monotonic()
        renewed = self._answers.renewals != self._renewals
        if now - self._told_at < STATUS_PAUSE and not renewed:
            return
        self._renewals = self._answers.renewals
        statistics = await self._spool.statistics()
        overdue = self._answers.way.unanswered() > 0 and now - self._answers.heard_at >= self._ack_timeout
        if overdue or self._news(statistics) != self._told:
            await self._tell(connection, statistics)
        self._told_at = now

    async def say_goodbye(self, connection: Connection) -> None:
        """Tell that the agent stops on purpose: a goodbye keeps the broker from publishing the last will."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE):
                await self._publish(connection, online=False)

    def _news(self, statistics: Statistics) -> tuple[object, ...]:
        lost = len(self._answers.lost)
        return (statistics.stream, statistics.totals.dropped, lost, statistics.lost, self.config_digest)

    async def _tell(self, connection: Connection, statistics: Statistics) -> None:
        if self._told and self._told[0] != statistics.stream:
            self._answers.lost = RangeSet()
        if statistics.oldest > 1:
            self._answers.lost.remove(1, statistics.oldest - 1)
        lost = RangeSet((*self._answers.lost, *statistics.lost))
        told = self._news(statistics)
        await self._publish(
            connection,
            online=True,
            stream=statistics.stream,
            oldest=statistics.oldest,
            newest=statistics.newest,
            lost=list(lost)[:MAX_RANGES],
        )
        self._told, self._told_at = told, time.monotonic()

    async def _publish(self, connection: Connection, *, online: bool, **numbers: Any) -> None:
        status = Status(
            agent=self._agent,
            online=online,
            at=time.time(),
            version=self._version,
            config=self.config_digest,
            boot=self._boot,
            start_reason=self._spool.start_reason,
            **numbers,
        )
        await connection.publish(self._topic, codec.encode(status), retain=True)
