"""Uplinks: the ways by which reports leave, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tslcd_runtime.mqtt import Endpoint
from tslcd_runtime.units import ByteSize  # noqa: TC001 - msgspec reads annotations at run time
from tslcd_wire.report import Id  # noqa: TC001 - the same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tslcd_agent.config.agent import AgentConfig
    from tslcd_runtime.settings import Loaded, Problem


class Uplink(Endpoint, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A broker and the way to it.

    ``name``: what it is called on screens; the broker's host and port when there is none. ``monthly_budget``: for a metered line,
    how many bytes a calendar month (UTC) it may carry before history stays in the spool; live reports go on.
    """

    name: Id | None = None
    monthly_budget: ByteSize | None = None

    @property
    def title(self) -> str:
        """Return the name, or where the broker is."""
        return self.name or str(self)


def check_uplinks(loaded: Loaded[AgentConfig]) -> Iterator[Problem]:
    """Yield the problems of ``brokers``: names used twice, budgets of nothing."""
    seen: set[str] = set()
    for index, uplink in enumerate(loaded.value.brokers):
        if uplink.name is not None and uplink.name in seen:
            yield loaded.problem(("brokers", index, "name"), f"{uplink.name!r} is the name of another uplink")
        seen.add(uplink.title)
        if uplink.monthly_budget is not None and uplink.monthly_budget <= 0:
            yield loaded.problem(("brokers", index, "monthly_budget"), "must be more than nothing")
