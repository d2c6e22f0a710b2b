"""Words that the agent sends to itself through the broker, on ``tslcd/v1/<province>/<agent>/probe``.

No collector listens there. A word is 16 random bytes, so that another's, or an old one, is not taken for an answer.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING, Final

from tslcd_wire.topics import probe_topic

if TYPE_CHECKING:
    from tslcd_runtime.mqtt import Connection, Delivery

_WORD_BYTES: Final = 16


class RoundTrip:
    """Sends words over a connection and waits for them; the owner of the connection hands over what is delivered."""

    def __init__(self, province: str, agent: str) -> None:
        """Remember the topic."""
        self.topic = probe_topic(province, agent)
        self._waiting: dict[bytes, asyncio.Future[None]] = {}
        self._listening_on: Connection | None = None

    async def over(self, connection: Connection, *, listen: bool = False) -> float:
        """Return how long a word took there and back, in seconds. Raises BrokerError; waits for as long as it is let.

        With ``listen`` nobody else reads what is delivered on the connection.
        """
        if self._listening_on is not connection:
            await connection.subscribe([self.topic])
            self._listening_on = connection
        word = secrets.token_bytes(_WORD_BYTES)
        back: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[word] = back
        began = time.perf_counter()
        try:
            await connection.publish(self.topic, word)
            if listen:
                await self._read(connection, back)
            await back
            return time.perf_counter() - began
        finally:
            del self._waiting[word]

    async def _read(self, connection: Connection, back: asyncio.Future[None]) -> None:
        async for delivery in connection.deliveries():
            connection.acknowledge(delivery)
            self.heard(delivery)
            if back.done():
                return

    def heard(self, delivery: Delivery) -> bool:
        """Whether a delivery was ours: a word come back, or what is left of an earlier one."""
        if delivery.topic != self.topic:
            return False
        back = self._waiting.get(delivery.payload)
        if back is not None and not back.done():
            back.set_result(None)
        return True
