"""A word to the broker and back: rights, routing and delivery, not only a port.

In the agent it goes over the connection that reports leave by: a broker that takes its clients' names from certificates
(Mosquitto: use_username_as_clientid) would close that one for a second. Commands, which have none, open their own.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

from tslcd_agent.probes.contract import Findings, ProbeError
from tslcd_agent.probes.names import Resolver
from tslcd_agent.roundtrip import RoundTrip
from tslcd_runtime.mqtt import BrokerError, Connection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tslcd_agent.config import Identity, MqttProbe
    from tslcd_agent.probes.contract import Outcome, Phase
    from tslcd_agent.probes.means import Means
    from tslcd_runtime.mqtt import Code, Endpoint

_OUTCOMES: Final[dict[Code, Outcome]] = {
    "unreachable": "unreachable",
    "refused": "refused",
    "tls": "bad_certificate",
    "timeout": "no_answer",
    "lost": "no_answer",
}


async def probe(settings: MqttProbe, means: Means, findings: Findings) -> None:
    """Send a word and wait for it. Raises ProbeError."""
    del settings
    if means.exchange is None:
        raise ProbeError("denied", "no broker is configured")
    try:
        findings.phase = "answer"
        findings.phases.update(await means.exchange())
        findings.phase = None
    except BrokerError as error:
        raise ProbeError(_OUTCOMES[error.code], str(error)) from None


class OwnConnection:
    """An exchange over a connection of its own, for commands, with the first of ``endpoints`` that can be used.

    ``timeout`` in seconds bounds every answer of a broker.
    """

    def __init__(
        self, endpoints: Sequence[Endpoint], identity: Identity, forbidden: Iterable[str], timeout: float
    ) -> None:
        """Remember."""
        self._endpoints = tuple(endpoints)
        self._identity = identity
        self._resolver = Resolver(forbidden)
        self._timeout = timeout

    async def round_trip(self) -> Mapping[Phase, float]:
        """Connect, send a word and wait for it. Raises BrokerError, ProbeError: those of the last broker."""
        for endpoint in self._endpoints[:-1]:
            with contextlib.suppress(BrokerError, ProbeError):
                return await self._over(endpoint)
        return await self._over(self._endpoints[-1])

    async def _over(self, endpoint: Endpoint) -> Mapping[Phase, float]:
        aside = Findings()
        address = await self._resolver.find(endpoint.host, None, aside)
        identity = self._identity
        client_id = f"tslcd-{identity.province}-{identity.id}-probe"
        began = time.perf_counter()
        async with Connection(endpoint, client_id, timeout=self._timeout, address=address) as connection:
            connected = time.perf_counter() - began
            answer = await RoundTrip(identity.province, identity.id).over(connection, listen=True)
        return {**aside.phases, "connect": connected, "answer": answer}
