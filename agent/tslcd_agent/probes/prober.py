"""Runs probes of every type: sets the deadline, and makes a result of whatever happens.

Invariants:

* A round ends: its deadline is the settings' and is enforced from here, whatever the probe does.
* Whatever a probe raises is an outcome. What nobody foresaw is ``bad_answer``, counted, and logged with its trace once a type.
* A type's module is imported when the first probe of it runs: who has no DNS probe has no dnspython in memory.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from tslcd_agent.config import IcmpProbe
from tslcd_agent.probes.contract import Echoes, Findings, ProbeError, ProbeResult
from tslcd_agent.probes.icmp import Pinger
from tslcd_agent.probes.means import Means
from tslcd_agent.probes.names import RESOLVE_WITHIN, Resolver
from tslcd_agent.probes.route import RouteMemory
from tslcd_runtime.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tslcd_agent.config import Probe
    from tslcd_agent.probes.contract import Outcome
    from tslcd_agent.probes.means import Exchange

#: How much longer than its own waits a round of echoes may take, in seconds, before it is cut off.
_SPARE: Final = 1.0
_log = get_logger("probe")


def echoes_of(probe: IcmpProbe) -> Echoes:
    """Return what one round of a configured probe sends."""
    return Echoes(
        target=probe.target,
        count=probe.count,
        spacing=probe.spacing,
        wait=probe.timeout,
        size=probe.size,
        source=probe.source,
        dscp=probe.dscp,
    )


@dataclass(slots=True)
class ProbeStatistics:
    """What probes did since the start, whatever became of the settings. ``unexpected``: rounds that ended in an error of ours."""

    unexpected: int = 0

    def activity(self) -> dict[str, int]:
        """Return the counts that the agent tells of itself, by column of kind ``agent``."""
        return {"probe_errors_total": self.unexpected}


class Prober:
    """All probes of an agent, as its settings are now."""

    def __init__(
        self,
        forbidden: Iterable[str] = (),
        *,
        exchange: Exchange | None = None,
        statistics: ProbeStatistics | None = None,
    ) -> None:
        """``forbidden``: addresses in their normal form that nothing is sent to; ``exchange``: the way to the broker.

        ``statistics`` is counted into.
        """
        self.resolver = Resolver(forbidden)
        self.pinger = Pinger(resolver=self.resolver)
        self.statistics = statistics or ProbeStatistics()
        self._means = Means(self.resolver, RouteMemory(), exchange)
        self._told: set[str] = set()

    async def probe(self, name: str, settings: Probe) -> ProbeResult:
        """Run one round of the probe ``name``; a :data:`~tslcd_agent.probes.contract.ProbeFunction`."""
        findings = Findings(name)
        began = time.perf_counter()
        outcome, reason = await self._outcome(settings, findings)
        return ProbeResult(
            outcome,
            findings.rtts,
            findings.address,
            type=settings.type,
            reason=reason,
            duration=time.perf_counter() - began,
            phases=findings.phases,
            figures=findings.figures,
        )

    async def _outcome(self, settings: Probe, findings: Findings) -> tuple[Outcome, str]:
        deadline = settings.longest + (RESOLVE_WITHIN + _SPARE if isinstance(settings, IcmpProbe) else 0.0)
        try:
            async with asyncio.timeout(deadline):
                await self._run(settings, findings)
        except TimeoutError:
            during = f"{findings.phase}: " if findings.phase else ""
            return "no_answer", findings.note or f"{during}no end within {deadline:g} s"
        except ProbeError as error:
            return error.outcome, error.reason
        except Exception as error:  # noqa: BLE001 - a mistake of ours: the other probes go on
            self.statistics.unexpected += 1
            reason = f"unexpected {type(error).__name__}"
            if settings.type not in self._told:
                self._told.add(settings.type)
                _log.exception("probe broke", probe=findings.name, type=settings.type)
            return "bad_answer", reason
        return findings.outcome, ""

    async def _run(self, settings: Probe, findings: Findings) -> None:
        if isinstance(settings, IcmpProbe):
            await self.pinger.round(echoes_of(settings), findings)
        else:
            module: Any = import_module(f"tslcd_agent.probes.{settings.type}")
            await module.probe(settings, self._means, findings)

    def close(self) -> None:
        """Close the sockets that are kept."""
        self.pinger.close()
