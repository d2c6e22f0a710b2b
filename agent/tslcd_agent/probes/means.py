"""What probes work with, shared by all of an agent: names, echoes, trust in certificates, routes seen, the way to the broker."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from tslcd_agent.probes.contract import Phase, ProbeError
from tslcd_runtime import sockets

if TYPE_CHECKING:
    from tslcd_agent.probes.names import Resolver
    from tslcd_agent.probes.route import RouteMemory

#: Sends a word through the broker to the agent itself; returns phases in seconds. Raises BrokerError.
Exchange: TypeAlias = Callable[[], Coroutine[Any, Any, Mapping[Phase, float]]]


class Trust:
    """Makes TLS contexts, one for each way of judging certificates: reading a system's authorities takes 20 ms and 1 MB."""

    def __init__(self) -> None:
        """Begin with none."""
        self._contexts: dict[tuple[str | None, bool], ssl.SSLContext] = {}

    async def context(self, ca: str | None, *, verify: bool) -> ssl.SSLContext:
        """Return a context for clients. ``ca``: a PEM file, else the system's authorities. Raises ProbeError.

        A file that changed is read again with the settings only (SIGHUP).
        """
        context = self._contexts.get((ca, verify))
        if context is None:
            context = await sockets.in_daemon_thread(lambda: make_context(ca, verify=verify), lambda _: None)
            self._contexts[ca, verify] = context
        return context


def make_context(ca: str | None, *, verify: bool) -> ssl.SSLContext:
    """Make a context for clients. Raises ProbeError. Blocks on files with ``verify``."""
    if not verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        reason = "no certificate in it" if isinstance(error, ssl.SSLError) else (error.strerror or str(error)).lower()
        raise ProbeError("denied", f"ca {ca}: {reason}") from None


class Means:
    """The means of one agent. ``exchange``: None where there is no broker."""

    def __init__(self, resolver: Resolver, routes: RouteMemory, exchange: Exchange | None) -> None:
        """Keep them together."""
        self.resolver = resolver
        self.routes = routes
        self.exchange = exchange
        self.trust = Trust()
